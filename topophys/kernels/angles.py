"""Determinants of sampled 1 x 1 and 2 x 2 blocks at full speed, and the turns between them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel

OK, UNRESOLVED = st.OK, st.UNRESOLVED
#: |det D| over |D|_F max |D|_F below which `determinant` is asked whether it vanishes to rounding:
#: its bound of the error is near 1e-14 of that.
SMALL: Final = 1e-12
#: Squared norms between which fourth powers, and those of a small determinant, stay in range.
SMALLEST: Final = 1e-60
LARGEST: Final = 1e70


@kernel
def small_determinants(
    d_k: NDArray[np.complex128], f: NDArray[np.complex128], status: NDArray[np.uint8]
) -> None:
    """Fill f (B, N) with det of d_k (B, N, n, n), n <= 2, and status (B,).

    UNRESOLVED loops have a determinant that may vanish to rounding, or numbers out of range.
    """
    n_batch, n_k, n, _ = d_k.shape
    for b in range(n_batch):
        largest, smallest = 0.0, np.inf
        for j in range(n_k):
            x, y = d_k[b, j, 0, 0].real, d_k[b, j, 0, 0].imag
            norm2 = x * x + y * y
            if n == 2:
                br, bi = d_k[b, j, 0, 1].real, d_k[b, j, 0, 1].imag
                cr, ci = d_k[b, j, 1, 0].real, d_k[b, j, 1, 0].imag
                dr, di = d_k[b, j, 1, 1].real, d_k[b, j, 1, 1].imag
                norm2 += br * br + bi * bi + cr * cr + ci * ci + dr * dr + di * di
                x, y = x * dr - y * di - br * cr + bi * ci, x * di + y * dr - br * ci - bi * cr
            f[b, j] = complex(x, y)
            largest = max(largest, norm2)
            # over the norm of the block itself for n = 2, as in the bound of the error
            size2 = (x * x + y * y) / norm2 if n == 2 and norm2 > 0.0 else x * x + y * y
            smallest = min(smallest, size2)
        safe = SMALLEST < largest < LARGEST and smallest > SMALL * SMALL * largest
        status[b] = OK if safe else UNRESOLVED


@kernel
def turns_between(f: NDArray[np.complex128], turn: NDArray[np.complex128]) -> None:
    """Fill turn (B, N) with f_(j+1) f_j^*, whose argument is the angle from f_j (B, N) on."""
    n_batch, n_k = f.shape
    for b in range(n_batch):
        for j in range(n_k):
            here, then = f[b, j], f[b, (j + 1) % n_k]
            turn[b, j] = complex(
                then.real * here.real + then.imag * here.imag,
                then.imag * here.real - then.real * here.imag,
            )


@kernel
def count_small(
    re: NDArray[np.float64], im: NDArray[np.float64], norm: NDArray[np.float64], n: int, tiny: float
) -> int:
    """Count determinants re + i im (N,) of n x n blocks that may vanish to rounding.

    norm (N,) is |D|_F^2, and entries are known to the rounding of the largest block: small is
    |det D| <= tiny |D|_F max |D|_F, without the factor |D|_F for n = 1. 1 where numbers are out of
    range.
    """
    largest = 0.0
    for j in range(norm.shape[0]):
        largest = max(largest, norm[j])
    if not SMALLEST < largest < LARGEST:
        return 1
    small, scale = 0, tiny * tiny * largest
    for j in range(norm.shape[0]):
        other = norm[j] if n == 2 else 1.0
        small += int(not re[j] * re[j] + im[j] * im[j] > scale * other)
    return small
