"""Input and local targets of chains with few orbitals, at the speed of a compiled loop."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Real
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels.chain_fields import chain_fields

__all__ = ["blocks_from_channels", "channels", "fields_of_chains"]

#: Samples worked on at a time, so that what lies between two steps stays in the cache.
CHUNK: Final = 256


def fields_of_chains(
    orders: Int[np.ndarray, " M"],
    hoppings: Complex[np.ndarray, "S M n n"],
    k: Float[np.ndarray, " N"],
    *,
    flatten: bool,
) -> tuple[dict[str, NDArray[np.generic]], Bool[np.ndarray, " S"]]:
    """Fields of chains with one or two orbitals; each sample by itself, to the last bit.

    Parameters
    ----------
    orders : int64 ndarray of shape (M,)
        Orders of the coefficients.
    hoppings : complex128 ndarray of shape (S, M, n, n)
        Coefficients, n <= 2.
    k : float64 ndarray of shape (N,)
        Momenta.
    flatten : bool
        Polar factors in `x`, or the blocks themselves.

    Returns
    -------
    fields : dict of str to ndarray
        `x` in single precision, `alpha`, `dalpha`.
    good : bool ndarray of shape (S,)
        Where they are good. The rest needs a closer look: a determinant may vanish, or squares
        may leave the range of floating-point numbers.
    """
    size, n_k, n = len(hoppings), len(k), hoppings.shape[-1]
    angles = np.multiply.outer(orders, k)
    waves = np.stack([np.cos(angles), np.sin(angles)])
    x = np.empty((size, n_k, 2 * n * n), np.float32)
    alpha, dalpha = np.empty((size, n_k)), np.empty((size, n_k))
    status = np.empty(size, np.uint8)
    here, turn = np.empty((2, CHUNK, n_k)), np.empty((2, CHUNK, n_k))
    for i in range(0, size, CHUNK):
        rows = slice(i, min(i + CHUNK, size))
        count = rows.stop - i
        chain_fields(
            np.ascontiguousarray(hoppings[rows]), waves, flatten, x[rows], here, turn, status[rows]
        )
        np.arctan2(here[0, :count], here[1, :count], out=alpha[rows])
        np.arctan2(turn[0, :count], turn[1, :count], out=dalpha[rows])
    return {"x": x, "alpha": alpha, "dalpha": dalpha}, status == st.OK


def channels(matrices: Complex[np.ndarray, "*batch n n"]) -> Float[np.ndarray, "*batch c"]:
    """Real and imaginary part of each entry, row by row.

    Parameters
    ----------
    matrices : complex128 ndarray of shape (..., n, n)
        Blocks or Bloch matrices.

    Returns
    -------
    float64 ndarray of shape (..., 2 n^2)
        The same numbers.
    """
    flat = np.ascontiguousarray(matrices).reshape(*matrices.shape[:-2], matrices.shape[-1] ** 2)
    return flat.view(np.float64)


def blocks_from_channels(x: Real[np.ndarray, "*batch c"]) -> Complex[np.ndarray, "*batch n n"]:
    """Blocks or Bloch matrices from their channels: the inverse of `channels`.

    Parameters
    ----------
    x : float ndarray of shape (..., 2 n^2)
        Interleaved real and imaginary parts, row by row.

    Returns
    -------
    complex128 ndarray of shape (..., n, n)
        The same numbers.

    Examples
    --------
    >>> blocks_from_channels(np.array([[0.0, 1.0]]))
    array([[[0.+1.j]]])
    """
    flat = np.ascontiguousarray(x, dtype=np.float64).view(np.complex128)
    size = math.isqrt(flat.shape[-1])
    return flat.reshape(*x.shape[:-1], size, size)
