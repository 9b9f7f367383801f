"""Eigenvalues and eigenvectors of batches of Hermitian matrices."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from jaxtyping import Complex, Float

from topophys.kernels.small_eigh import LARGEST, small_eigh

__all__ = ["HERMITIAN", "eigh_batch"]

#: Allowed deviation of given matrices from Hermitian ones, relative to the largest entry.
HERMITIAN: Final = 1e-9


def eigh_batch(
    h: Complex[np.ndarray, "*batch n n"],
) -> tuple[Float[np.ndarray, "*batch n"], Complex[np.ndarray, "*batch n n"]]:
    """Diagonalise: by rotations of many matrices side by side up to eight bands, else by LAPACK.

    Parameters
    ----------
    h : complex128 ndarray of shape (..., n, n)
        Finite Hermitian matrices.

    Returns
    -------
    energy : float64 ndarray of shape (..., n)
        Eigenvalues in ascending order.
    states : complex128 ndarray of shape (..., n, n)
        Orthonormal eigenvectors, one a column.
    """
    n = h.shape[-1]
    if n > LARGEST:
        energy, states = np.linalg.eigh(h)
        return energy, states
    size = math.prod(h.shape[:-2])
    energy, states = np.empty((size, n)), np.empty((size, n, n), np.complex128)
    small_eigh(np.ascontiguousarray(h).reshape(size, n, n), energy, states)
    return energy.reshape(h.shape[:-1]), states.reshape(h.shape)
