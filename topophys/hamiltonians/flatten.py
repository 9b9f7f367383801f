"""Flat-band versions of Hamiltonians: all energies +-1, all invariants unchanged."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import GaplessError
from topophys.kernels import status as st
from topophys.kernels.chain_fields import SINGULAR, polar_factors

__all__ = ["flatten_block", "flatten_d"]


def flatten_block(d_k: ArrayLike) -> Complex[np.ndarray, "... n n"]:
    r"""Polar factor of the chiral block.

    .. math:: D \mapsto D (D^\dagger D)^{-1/2}

    Parameters
    ----------
    d_k : array-like of shape (..., n, n)
        Blocks, for example on a grid.

    Returns
    -------
    complex128 ndarray of shape (..., n, n)
        Unitary blocks with the same winding number.

    Raises
    ------
    GaplessError
        If a block is singular to working precision.

    References
    ----------
    .. [1] N. J. Higham, *Functions of Matrices*, SIAM (2008), chap. 8.

    Examples
    --------
    >>> flatten_block([[[3.0, 0.0], [0.0, -0.5j]]]).round(12)
    array([[[1.+0.j, 0.+0.j],
            [0.+0.j, 0.-1.j]]])
    """
    blocks = _validation.as_complex(d_k, "d_k", "(..., n, n)")
    n = blocks.shape[-1]
    if n > 2:
        left, sigma, right = np.linalg.svd(blocks)
        _refuse(sigma[..., -1] <= SINGULAR * sigma[..., 0], "flatten_block")
        return np.asarray(left @ right)
    out, status = np.empty_like(blocks), np.empty(math.prod(blocks.shape[:-2]), np.uint8)
    polar_factors(blocks.reshape(-1, n, n), out.reshape(-1, n, n), status)
    _refuse(status != st.OK, "flatten_block")
    return out


def flatten_d(d: ArrayLike) -> Float[np.ndarray, "... 3"]:
    r"""Shrink or stretch each d-vector to unit length.

    .. math:: d \mapsto d / |d|

    Parameters
    ----------
    d : array-like of shape (..., 3)
        d-vectors, for example on a grid.

    Returns
    -------
    float64 ndarray of shape (..., 3)
        Unit vectors; the bands of the two-band Hamiltonian are then at +-1.

    Raises
    ------
    GaplessError
        If a vector is zero.

    References
    ----------
    .. [1] X.-L. Qi, S.-C. Zhang, Rev. Mod. Phys. 83, 1057 (2011).

    Examples
    --------
    >>> flatten_d([0.0, 3.0, 4.0])
    array([0. , 0.6, 0.8])
    """
    d = _validation.as_real(d, "d", "(..., 3)")
    largest = np.abs(d).max(-1, keepdims=True)
    _refuse(largest[..., 0] == 0.0, "flatten_d")
    d = d / largest  # squares of very long or short vectors would leave the range
    unit: NDArray[np.float64] = d / np.linalg.norm(d, axis=-1, keepdims=True)
    return unit


def _refuse(bad: NDArray[np.bool_] | np.bool_, name: str) -> None:
    if bad.any():
        raise GaplessError(name, np.flatnonzero(bad.ravel()).tolist(), bad.size)
