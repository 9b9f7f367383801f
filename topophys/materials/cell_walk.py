"""Dividing cells of k space until a bound holds on each, for a batch of materials at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Margin", "walk_cells"]

#: From materials (C,), centres (C, dim) and half widths of cells to lower bounds (C,).
Margin: TypeAlias = Callable[[NDArray[np.int64], NDArray[np.float64], float], NDArray[np.float64]]


def walk_cells(
    margin: Margin, n: int, start: NDArray[np.float64], half: float, *, depth: int, most: int
) -> NDArray[np.float64]:
    """Smallest of the bounds over all cells of each material, once all of them are positive.

    Parameters
    ----------
    margin : callable
        Bound that holds on a whole cell; not positive where it must be divided.
    n : int
        Number of materials.
    start : float64 ndarray of shape (C, dim)
        Centres of the cells to begin with.
    half : float
        Half their width.
    depth : int
        How often a cell may be divided.
    most : int
        Cells of one material at one depth beyond which the proof gives up.

    Returns
    -------
    float64 ndarray of shape (n,)
        Proven bounds; 0 where there is no proof.

    Examples
    --------
    >>> grown = walk_cells(lambda row, k, half: 0.5 - half + 0.0 * row, 2, np.zeros((1, 2)), 0.6,
    ...                    depth=3, most=100)
    >>> grown
    array([0.2, 0.2])
    """
    dim = start.shape[1]
    children = np.stack(np.meshgrid(*[[-0.5, 0.5]] * dim, indexing="ij"), -1).reshape(-1, dim)
    proven = np.full(n, np.inf)
    row, centre = np.repeat(np.arange(n), len(start)), np.tile(start, (n, 1))
    for _ in range(depth + 1):
        bound = margin(row, centre, half)
        good = bound > 0.0
        np.minimum.at(proven, row[good], bound[good])
        row, centre = row[~good], centre[~good]
        proven[np.bincount(row, minlength=n) > most] = 0.0
        keep = proven[row] > 0.0
        row, centre = row[keep], centre[keep]
        if not len(row):
            return proven
        half *= 0.5
        centre = (centre[:, None] + 2.0 * half * children).reshape(-1, dim)
        row = np.repeat(row, len(children))
    proven[row] = 0.0
    return proven
