"""Local fields of chains: phases of determinants, polar factors, both in one pass."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import compiled_kernel, kernel

# --------- Determinants of sampled 1 x 1 and 2 x 2 blocks at full speed, and the turns between them

OK = st.OK
UNRESOLVED = st.UNRESOLVED
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


# ------------------------------------------- Polar factors of 1 x 1 and 2 x 2 blocks in closed form

GAPLESS = st.GAPLESS
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


# ------------- All local fields of chains with 1 x 1 and 2 x 2 blocks in one pass, sample by sample


@compiled_kernel
def fill_chain_fields(
    blocks: NDArray[np.complex128],
    waves: NDArray[np.float64],
    flatten: bool,
    x: NDArray[np.float32],
    here: NDArray[np.float64],
    turn: NDArray[np.float64],
    status: NDArray[np.uint8],
) -> None:
    """Fill x (B, N, 2 n^2) with the block D(k) or its polar factor, by row; status (B,).

    blocks (B, M, n, n), n <= 2, are coefficients; waves (2, M, N) holds cos and sin of R k.
    here and turn (2, B, N) receive imaginary and real part of det D(k) and of det D(k_(j+1)) det
    D(k_j)^*. Rows that are not OK have small determinants or are out of range, and no meaning.
    """
    n_batch, n, n_k = blocks.shape[0], blocks.shape[2], waves.shape[2]
    part = np.empty((2 * n * n, n_k))
    norm2, wr, wi, scale = np.empty(n_k), np.empty(n_k), np.empty(n_k), np.empty(n_k)
    for b in range(n_batch):
        sum_waves(blocks[b], waves, part)
        im, re = here[0, b], here[1, b]
        determinants_of(part, re, im, norm2)
        status[b] = UNRESOLVED if count_small(re, im, norm2, n, SMALL) else OK
        for j in range(n_k):
            q = j + 1 if j + 1 < n_k else 0
            turn[0, b, j] = im[q] * re[j] - re[q] * im[j]
            turn[1, b, j] = re[q] * re[j] + im[q] * im[j]
        if flatten and n == 2:
            for j in range(n_k):
                wr[j], wi[j], scale[j] = weights(re[j], im[j], norm2[j])
            mix(part, wr, wi, scale)
        elif flatten:
            for j in range(n_k):
                scale[j] = 1.0 / np.sqrt(norm2[j] if norm2[j] > 0.0 else 1.0)
                part[0, j] *= scale[j]
                part[1, j] *= scale[j]
        for j in range(n_k):
            for c in range(part.shape[0]):
                x[b, j, c] = part[c, j]


@kernel
def sum_waves(
    block: NDArray[np.complex128], waves: NDArray[np.float64], part: NDArray[np.float64]
) -> None:
    """Fill part (2 n^2, N) with real and imaginary part of each entry of D(k), row by row."""
    n_shift, n, _ = block.shape
    part[:] = 0.0
    for i in range(n):
        for j in range(n):
            re, im = part[2 * (i * n + j)], part[2 * (i * n + j) + 1]
            for m in range(n_shift):
                a, b = block[m, i, j].real, block[m, i, j].imag
                cosine, sine = waves[0, m], waves[1, m]
                for q in range(re.shape[0]):
                    re[q] += a * cosine[q] - b * sine[q]
                    im[q] += a * sine[q] + b * cosine[q]


@kernel
def determinants_of(
    part: NDArray[np.float64],
    re: NDArray[np.float64],
    im: NDArray[np.float64],
    norm2: NDArray[np.float64],
) -> None:
    """Fill in determinants and squared norms (N,) of blocks in the layout of `sum_waves`."""
    if part.shape[0] == 2:
        for j in range(re.shape[0]):
            re[j], im[j] = part[0, j], part[1, j]
            norm2[j] = re[j] * re[j] + im[j] * im[j]
        return
    for j in range(re.shape[0]):
        ar, ai, br, bi = part[0, j], part[1, j], part[2, j], part[3, j]
        cr, ci, dr, di = part[4, j], part[5, j], part[6, j], part[7, j]
        re[j] = ar * dr - ai * di - br * cr + bi * ci
        im[j] = ar * di + ai * dr - br * ci - bi * cr
        upper = ar * ar + ai * ai + br * br + bi * bi
        norm2[j] = upper + (cr * cr + ci * ci + dr * dr + di * di)


@kernel
def mix(
    part: NDArray[np.float64],
    wr: NDArray[np.float64],
    wi: NDArray[np.float64],
    scale: NDArray[np.float64],
) -> None:
    """Replace 2 x 2 blocks by their polar factors, as `polar.combine` does."""
    for j in range(wr.shape[0]):
        ar, ai, br, bi = part[0, j], part[1, j], part[2, j], part[3, j]
        cr, ci, dr, di = part[4, j], part[5, j], part[6, j], part[7, j]
        u, v, s = wr[j], wi[j], scale[j]
        part[0, j], part[1, j] = s * ar + u * dr + v * di, s * ai + v * dr - u * di
        part[2, j], part[3, j] = s * br - u * cr - v * ci, s * bi - v * cr + u * ci
        part[4, j], part[5, j] = s * cr - u * br - v * bi, s * ci - v * br + u * bi
        part[6, j], part[7, j] = s * dr + u * ar + v * ai, s * di + v * ar - u * ai
