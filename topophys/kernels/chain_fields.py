"""All local fields of chains with 1 x 1 and 2 x 2 blocks in one pass, sample by sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.angles import SMALL, count_small
from topophys.kernels.polar import weights

OK, UNRESOLVED = st.OK, st.UNRESOLVED


@kernel
def chain_fields(
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
