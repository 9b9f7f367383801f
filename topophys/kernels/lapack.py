"""Eigenvalues of Hermitian matrices, without the square roots that LAPACK saves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["eigenvalues"]


def eigenvalues(h: NDArray[Any]) -> NDArray[np.float64]:
    """Eigenvalues (..., n), ascending, of Hermitian matrices (..., n, n).

    Where no eigenvectors are asked for, LAPACK works with squares (`dsterf`: K. A. Gallivan, W. J.
    Kahan, B. N. Parlett, J. G. F. Pal, R. C. Walker) and is wrong by several per cent where one of
    them is a subnormal number: for the eigenvalues of [[1e-162, 0.6], [0.6, 1]] beside levels that
    are coupled to them by 1e-107, say. With eigenvectors it is backward stable at any scale.
    """
    return np.asarray(np.linalg.eigh(h)[0], np.float64)
