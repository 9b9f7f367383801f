"""Cells about the one at the origin."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAYER_CELLS", "SOLID_CELLS", "cells_within"]


def cells_within(reach: int, dim: int) -> NDArray[np.int64]:
    """Cells up to `reach` steps away along each lattice vector, in lexical order.

    Parameters
    ----------
    reach : int
        Steps.
    dim : int
        Lattice vectors along which there are cells.

    Returns
    -------
    int64 ndarray of shape ((2 reach + 1)^dim, dim)
        The cell of the origin is in the middle.

    Examples
    --------
    >>> cells_within(1, 2)[:4].tolist()
    [[-1, -1], [-1, 0], [-1, 1], [0, -1]]
    """
    steps = np.arange(-reach, reach + 1, dtype=np.int64)
    return np.stack(np.meshgrid(*[steps] * dim, indexing="ij"), -1).reshape(-1, dim)


#: Cells that a hopping of a layer, and of a solid, may reach.
LAYER_CELLS: Final = cells_within(1, 2)
SOLID_CELLS: Final = cells_within(1, 3)
