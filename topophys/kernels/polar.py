"""Polar factors of 1 x 1 and 2 x 2 blocks in closed form."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.angles import LARGEST, SMALLEST

OK, GAPLESS = st.OK, st.GAPLESS
#: |det D| over |D|_F^2 up to which a block counts as singular to working precision.
SINGULAR: Final = 1e-14
#: Blocks worked on at a time, so that square roots and quotients are taken of several at once.
CHUNK: Final = 256


@kernel
def polar_factors(
    d_k: NDArray[np.complex128], out: NDArray[np.complex128], status: NDArray[np.uint8]
) -> None:
    """Fill out (B, n, n) with the polar factors of d_k (B, n, n), n <= 2, and status (B,).

    Each block is worked on alone, so the last bits do not depend on its neighbours. Where the
    status is GAPLESS, what `out` holds has no meaning.
    """
    n_batch, n, _ = d_k.shape
    if n == 1:
        for b in range(n_batch):
            status[b] = polar_one(d_k[b, 0, 0], out, b)
        return
    re, im, norm2, scale = np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK)
    for start in range(0, n_batch, CHUNK):
        size = min(CHUNK, n_batch - start)
        for j in range(size):
            w, x, y, z = entries(d_k, start + j)
            re[j], im[j], norm2[j] = invariants(w, x, y, z)
        for j in range(size):
            re[j], im[j], scale[j] = weights(re[j], im[j], norm2[j])
        for j in range(size):
            w, x, y, z = entries(d_k, start + j)
            combine(w, x, y, z, re[j], im[j], scale[j], out, start + j)
            status[start + j] = OK
            if scale[j] == 0.0:
                status[start + j] = polar_rescaled(w, x, y, z, out, start + j)


@kernel
def entries(d_k: NDArray[np.complex128], b: int) -> tuple[complex, complex, complex, complex]:
    """Entries of block b, row by row."""
    return d_k[b, 0, 0], d_k[b, 0, 1], d_k[b, 1, 0], d_k[b, 1, 1]


@kernel
def invariants(a: complex, b: complex, c: complex, d: complex) -> tuple[float, float, float]:
    """Real and imaginary part of det D, and |D|_F^2."""
    re = a.real * d.real - a.imag * d.imag - b.real * c.real + b.imag * c.imag
    im = a.real * d.imag + a.imag * d.real - b.real * c.imag - b.imag * c.real
    upper = a.real * a.real + a.imag * a.imag + b.real * b.real + b.imag * b.imag
    lower = c.real * c.real + c.imag * c.imag + d.real * d.real + d.imag * d.imag
    return re, im, upper + lower


@kernel
def weights(re: float, im: float, norm2: float) -> tuple[float, float, float]:
    """(det D / |det D|) / s and 1 / s for the sum s of the singular values.

    Zeros where the block is singular, or so large or small that squares leave the range.
    """
    size = math.sqrt(re * re + im * im)
    fine = (norm2 > SMALLEST) & (norm2 < LARGEST) & (size > SINGULAR * norm2)
    inverse = 1.0 / math.sqrt(norm2 + 2.0 * size if fine else 1.0)
    phase = inverse / (size if fine else 1.0)
    keep = 1.0 if fine else 0.0
    return keep * phase * re, keep * phase * im, keep * inverse


@kernel
def combine(
    a: complex,
    b: complex,
    c: complex,
    d: complex,
    re: float,
    im: float,
    scale: float,
    out: NDArray[np.complex128],
    row: int,
) -> None:
    """Write scale D + (re + i im) cof(D)^*: for 2 x 2 blocks, the polar factor."""
    out[row, 0, 0] = complex(
        scale * a.real + re * d.real + im * d.imag, scale * a.imag + im * d.real - re * d.imag
    )
    out[row, 0, 1] = complex(
        scale * b.real - re * c.real - im * c.imag, scale * b.imag - im * c.real + re * c.imag
    )
    out[row, 1, 0] = complex(
        scale * c.real - re * b.real - im * b.imag, scale * c.imag - im * b.real + re * b.imag
    )
    out[row, 1, 1] = complex(
        scale * d.real + re * a.real + im * a.imag, scale * d.imag + im * a.real - re * a.imag
    )


@kernel
def polar_rescaled(
    a: complex, b: complex, c: complex, d: complex, out: NDArray[np.complex128], row: int
) -> int:
    """Write the polar factor of a 2 x 2 block of any size; returns its status."""
    shift = -max(exponent(a), exponent(b), exponent(c), exponent(d))
    a, b = times_power(a, shift), times_power(b, shift)
    c, d = times_power(c, shift), times_power(d, shift)
    re, im, norm2 = invariants(a, b, c, d)
    re, im, scale = weights(re, im, norm2)
    combine(a, b, c, d, re, im, scale, out, row)
    return OK if scale > 0.0 else GAPLESS


@kernel
def polar_one(z: complex, out: NDArray[np.complex128], row: int) -> int:
    """Write z / |z|; returns its status."""
    if not SMALLEST < z.real * z.real + z.imag * z.imag < LARGEST:
        z = times_power(z, -exponent(z))
    size = math.sqrt(z.real * z.real + z.imag * z.imag)
    if size == 0.0:
        return GAPLESS
    out[row, 0, 0] = complex(z.real / size, z.imag / size)
    return OK


@kernel
def exponent(z: complex) -> int:
    """Exponent of the power of two above both parts; that of the smallest numbers for zero."""
    largest = max(abs(z.real), abs(z.imag))
    return math.frexp(largest)[1] if largest > 0.0 else -1074


@kernel
def times_power(z: complex, shift: int) -> complex:
    """2^shift z."""
    return complex(math.ldexp(z.real, shift), math.ldexp(z.imag, shift))
