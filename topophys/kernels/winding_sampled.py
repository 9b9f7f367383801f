"""Winding numbers of sampled blocks."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import fused_kernel, kernel
from topophys.kernels.chain_fields import LARGEST, SMALLEST, count_small
from topophys.kernels.small_linalg import crossing
from topophys.kernels.trig_series import complex_terms, evaluate

# ------------------------------------------------ Turns of closed planar polygons around the origin

OK = st.OK
GAPLESS = st.GAPLESS


@kernel
def may_meet_origin(z0: complex, e0: float, z1: complex, e1: float) -> bool:
    """Whether a segment from within e0 of z0 to within e1 of z1 may meet the origin, or is NaN.

    It does not while the angle between its ends stays below pi. Errors turn an end by at most
    arcsin(e/|z|): less than 45 degrees where |z|^2 > 2 e^2, and together by no more than
    arcsin(e0/|z0| + e1/|z1|), because arcsin is convex.
    """
    size0, size1 = z0.real * z0.real + z0.imag * z0.imag, z1.real * z1.real + z1.imag * z1.imag
    if z0.real * z1.real + z0.imag * z1.imag > 0.0:
        return not (size0 > 2.1 * e0 * e0 and size1 > 2.1 * e1 * e1)
    cross = abs(z0.real * z1.imag - z1.real * z0.imag)
    length0, length1 = math.sqrt(size0), math.sqrt(size1)
    return not cross > 1.001 * (e0 * length1 + e1 * length0) + 1e-15 * length0 * length1


@kernel
def count_turns(
    f: NDArray[np.complex128],
    error: NDArray[np.float64],
    turns: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Signed crossings of the positive real axis by closed polygons.

    f (B, N) with error bounds (B, N) in; turns, status (B,) out. A count whose status is OK is the
    winding of the polygon through the exact vertices: no edge can reach the origin while the
    vertices move within their error bounds.
    """
    n_batch, n_k = f.shape
    for b in range(n_batch):
        turns[b], status[b] = 0, OK
        z0, e0 = f[b, n_k - 1], error[b, n_k - 1]
        for j in range(n_k):
            z1, e1 = f[b, j], error[b, j]
            side = crossing(z0.real, z0.imag, z1.real, z1.imag)
            if side == 2 or may_meet_origin(z0, e0, z1, e1):
                status[b] = GAPLESS
            else:
                turns[b] += side
            z0, e0 = z1, e1


# ---- Winding numbers of sampled 1 x 1 and 2 x 2 blocks at full speed; the delicate go to `winding`

UNRESOLVED = st.UNRESOLVED
#: |det| over the squared norm of the block, and sine of the angle by which an edge passes the
#: origin, below which rounding is not left to chance here. Rounding itself is near 1e-15.
SMALL: Final = 1e-9


@kernel
def load_two(
    d_k: NDArray[np.complex128],
    re: NDArray[np.float64],
    im: NDArray[np.float64],
    norm: NDArray[np.float64],
) -> None:
    """Fill re, im with det and norm with |D|_F^2 of d_k (N, 2, 2)."""
    for j in range(d_k.shape[0]):
        a, b, c, d = d_k[j, 0, 0], d_k[j, 0, 1], d_k[j, 1, 0], d_k[j, 1, 1]
        re[j] = a.real * d.real - a.imag * d.imag - b.real * c.real + b.imag * c.imag
        im[j] = a.real * d.imag + a.imag * d.real - b.real * c.imag - b.imag * c.real
        upper = a.real * a.real + a.imag * a.imag + b.real * b.real + b.imag * b.imag
        norm[j] = upper + c.real * c.real + c.imag * c.imag + d.real * d.real + d.imag * d.imag


@kernel
def load_one(
    d_k: NDArray[np.complex128],
    re: NDArray[np.float64],
    im: NDArray[np.float64],
    norm: NDArray[np.float64],
) -> None:
    """Fill re, im and norm with d_k (N, 1, 1) and its square."""
    for j in range(d_k.shape[0]):
        x, y = d_k[j, 0, 0].real, d_k[j, 0, 0].imag
        re[j], im[j], norm[j] = x, y, x * x + y * y


@kernel
def crossings(
    x0: NDArray[np.float64],
    y0: NDArray[np.float64],
    x1: NDArray[np.float64],
    y1: NDArray[np.float64],
) -> tuple[int, int]:
    """Signed crossings of the positive x axis by edges 0 -> 1, and how many pass the origin close.

    An edge with an angle below 90 degrees as seen from the origin stays clear of it. Where its ends
    lie on both sides of the axis the terms of the cross product have one sign: it has that sign,
    unless it underflows to zero, which counts as close.
    """
    turns, delicate = 0, 0
    for j in range(x0.shape[0]):
        a, b, c, d = x0[j], y0[j], x1[j], y1[j]
        cross, dot = a * d - c * b, a * c + b * d
        turns += int((b < 0.0) & (d >= 0.0) & (cross > 0.0))
        turns -= int((d < 0.0) & (b >= 0.0) & (cross < 0.0))
        delicate += int(not ((dot > 0.0) | (abs(cross) > -SMALL * dot)))
        delicate += int(((b < 0.0) != (d < 0.0)) & (cross == 0.0))
    return turns, delicate


@kernel
def count_windings(
    d_k: NDArray[np.complex128], turns: NDArray[np.int64], status: NDArray[np.uint8]
) -> None:
    """Winding number (B,) for d_k (B, N, n, n) with n <= 2; UNRESOLVED where delicate."""
    n_batch, n_k, n, _ = d_k.shape
    re, im, norm = np.empty(n_k + 1), np.empty(n_k + 1), np.empty(n_k)
    for b in range(n_batch):
        if n == 2:
            load_two(d_k[b], re, im, norm)
        else:
            load_one(d_k[b], re, im, norm)
        delicate = count_small(re, im, norm, n, SMALL)
        re[n_k], im[n_k] = re[0], im[0]
        turns[b], close = crossings(re[:-1], im[:-1], re[1:], im[1:])
        status[b] = OK if delicate + close == 0 else UNRESOLVED


@fused_kernel
def determinant_terms(block: NDArray[np.complex128], f: NDArray[np.complex128]) -> None:
    """Fill f (n (S - 1) + 1,) with the coefficients of det(sum_s D_s z^s), n <= 2."""
    n_shift, n, _ = block.shape
    if n == 1:
        for s in range(n_shift):
            f[s] = block[s, 0, 0]
        return
    for m in range(2 * n_shift - 1):
        re, im = 0.0, 0.0
        for s in range(max(0, m - n_shift + 1), min(n_shift, m + 1)):
            a, b, c, d = block[s, 0, 0], block[s, 0, 1], block[m - s, 1, 0], block[m - s, 1, 1]
            re += a.real * d.real - a.imag * d.imag - b.real * c.real + b.imag * c.imag
            im += a.real * d.imag + a.imag * d.real - b.real * c.imag - b.imag * c.real
        f[m] = complex(re, im)


@kernel
def squared_size(block: NDArray[np.complex128]) -> float:
    """Upper bound S sum_s |D_s|_F^2 of |D(k)|_F^2 for block (S, n, n)."""
    total = 0.0
    for s in range(block.shape[0]):
        part = 0.0  # short sums run side by side; one long sum waits for itself
        for i in range(block.shape[1]):
            for j in range(block.shape[2]):
                part += (
                    block[s, i, j].real * block[s, i, j].real
                    + block[s, i, j].imag * block[s, i, j].imag
                )
        total += part
    return float(block.shape[0] * total)


@kernel
def count_of_vertices(path: NDArray[np.float64], small: float) -> tuple[int, int]:
    """As `crossings` for the closed polygon of path (2, N + 1); |vertex|^2 <= small is delicate."""
    turns, delicate = 0, 0
    for j in range(path.shape[1] - 1):
        a, b, c, d = path[0, j], path[1, j], path[0, j + 1], path[1, j + 1]
        cross, dot = a * d - c * b, a * c + b * d
        turns += int((b < 0.0) & (d >= 0.0) & (cross > 0.0))
        turns -= int((d < 0.0) & (b >= 0.0) & (cross < 0.0))
        clear = ((dot > 0.0) | (abs(cross) > -SMALL * dot)) & (a * a + b * b > small)
        delicate += int(not clear)
    return turns, delicate


@kernel
def count_windings_of_series(
    blocks: NDArray[np.complex128],
    lowest: int,
    table: NDArray[np.float64],
    turns: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Winding number (B,) of sum_s D_s e^(i(lowest + s)k) on a grid; UNRESOLVED where delicate.

    blocks (B, S, n, n) with n <= 2; table (columns, N) of `trig_table` up to the highest harmonic
    of the determinant. The determinants are one short series: D itself is never made.
    """
    n_batch, n_shift, n, _ = blocks.shape
    n_k = table.shape[1]
    f = np.empty(n * (n_shift - 1) + 1, np.complex128)
    terms, path = np.empty((2, table.shape[0])), np.empty((2, n_k + 1))
    for b in range(n_batch):
        size = squared_size(blocks[b])
        if not SMALLEST < size < LARGEST:
            turns[b], status[b] = 0, UNRESOLVED
            continue
        determinant_terms(blocks[b], f)
        used = complex_terms(f, n * lowest, terms)
        for row in range(2):
            evaluate(terms, used, row, table, path, row)
            path[row, n_k] = path[row, 0]
        turns[b], delicate = count_of_vertices(path, SMALL * SMALL * size**n)
        status[b] = OK if delicate == 0 else UNRESOLVED
