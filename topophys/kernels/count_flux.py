"""Chern numbers of sampled d-vectors at full speed; what is delicate is left to `flux`."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import fused_kernel, kernel

OK, UNRESOLVED = st.OK, st.UNRESOLVED
#: |overlap|^2 of neighbouring unit spinors, and distance of a loop from the negative real axis,
#: below which rounding is not left to chance here.
OVERLAP: Final = 1e-6
AXIS: Final = 1e-6
#: Of the largest |d|: below it the direction of d may be rounding noise. Products of eight
#: components then stay in range if the largest is near 1.
VANISHING: Final = 1e-10
#: Of |d|: distance |d| + z from the south pole below which a difference has lost half its digits.
POLE: Final = 1e-10


@kernel
def border(d: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Copy d (Nx, Ny, 3) to out (3, Nx + 1, Ny + 1), first row and column once more at the end.

    Divided by the power of two above the largest entry, so that no product leaves the range.
    """
    n_x, n_y, _ = d.shape
    largest = 0.0
    for i in range(n_x):
        for j in range(n_y):
            largest = max(largest, abs(d[i, j, 0]), abs(d[i, j, 1]), abs(d[i, j, 2]))
    _, power = math.frexp(largest)
    half = power // 2
    a, b = math.ldexp(1.0, -half), math.ldexp(1.0, half - power)  # one factor may overflow
    for i in range(n_x):
        for j in range(n_y):
            for axis in range(3):
                out[axis, i, j] = d[i, j, axis] * a * b
    for axis in range(3):
        for i in range(n_x):
            out[axis, i, n_y] = out[axis, i, 0]
        for j in range(n_y + 1):
            out[axis, n_x, j] = out[axis, 0, j]


@fused_kernel
def states(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
    p: NDArray[np.float64],
    q: NDArray[np.float64],
    w: NDArray[np.float64],
    norm: NDArray[np.float64],
) -> int:
    """Lower states (p + iq, w) of d = (x, y, z) and their squared norms; d up to about 1.

    One gauge for the whole zone, w >= 0 real; the state vanishes on the south pole. Returns how
    many d are close to zero or to the pole.
    """
    delicate = 0
    for j in range(x.shape[0]):
        size = math.sqrt(x[j] * x[j] + y[j] * y[j] + z[j] * z[j])
        upper = size + z[j]
        p[j], q[j], w[j] = -x[j], y[j], upper
        norm[j] = 2.0 * size * upper  # = |x|^2 + |y|^2 + upper^2
        delicate += int(not ((size > VANISHING) & (upper > POLE * size)))
    return delicate


@fused_kernel
def links(
    p0: NDArray[np.float64],
    q0: NDArray[np.float64],
    w0: NDArray[np.float64],
    norm0: NDArray[np.float64],
    p1: NDArray[np.float64],
    q1: NDArray[np.float64],
    w1: NDArray[np.float64],
    norm1: NDArray[np.float64],
    re: NDArray[np.float64],
    im: NDArray[np.float64],
) -> int:
    """Overlaps <0|1> of two lists of states; returns how many are small or negative real."""
    delicate = 0
    for j in range(p0.shape[0]):
        a = p0[j] * p1[j] + q0[j] * q1[j] + w0[j] * w1[j]
        b = p0[j] * q1[j] - q0[j] * p1[j]
        re[j], im[j] = a, b
        small = not a * a + b * b > OVERLAP * norm0[j] * norm1[j]
        delicate += int(small | ((b == 0.0) & (a < 0.0)))
    return delicate


@fused_kernel
def turn(zr: float, zi: float, wr: float, wi: float, product: float) -> int:
    """Turn dropped in the product of z and w whose imaginary part is `product`; see `flux`."""
    up = (zi >= 0.0) & (wi >= 0.0) & ((product < 0.0) | ((zr < 0.0) & (wr < 0.0)))
    down = (zi < 0.0) & (wi < 0.0) & (product >= 0.0)
    return int(up) - int(down)


@fused_kernel
def count_turns_of_loops(
    ar: NDArray[np.float64],
    ai: NDArray[np.float64],
    br: NDArray[np.float64],
    bi: NDArray[np.float64],
    cr: NDArray[np.float64],
    ci: NDArray[np.float64],
    er: NDArray[np.float64],
    ei: NDArray[np.float64],
    inner: NDArray[np.int64],
) -> tuple[int, int]:
    """Count the turns that products a b conj(c) conj(e) drop, and the delicate loops.

    `inner` is 1 for plaquettes and 0 for the border of the arrays.
    """
    turns, delicate = 0, 0
    for j in range(inner.shape[0]):
        fr, fi = ar[j] * br[j] - ai[j] * bi[j], ar[j] * bi[j] + ai[j] * br[j]
        gr, gi = cr[j] * er[j] - ci[j] * ei[j], -cr[j] * ei[j] - ci[j] * er[j]
        lr, li = fr * gr - fi * gi, fr * gi + fi * gr
        dropped = (
            turn(ar[j], ai[j], br[j], bi[j], fi)
            + turn(cr[j], -ci[j], er[j], -ei[j], gi)
            + turn(fr, fi, gr, gi, li)
        )
        turns += inner[j] * dropped
        delicate += inner[j] * int((lr <= 0.0) & (abs(li) <= -AXIS * lr))
    return turns, delicate


@kernel
def chern_of_border(
    d: NDArray[np.float64],
    row: int,
    inner: NDArray[np.int64],
    state: NDArray[np.float64],
    link: NDArray[np.float64],
) -> tuple[int, int]:
    """Chern number of d (3, full) stored row after row with a border; and UNRESOLVED or OK.

    Every loop runs over one long array: neighbours in x are `row` apart, neighbours in y are next
    to each other. The link across the border to the next row is the x link of the first column.
    inner (size,) is 0 on the border; state and link (4, full) are scratch.
    """
    size = inner.shape[0]
    p, q, w, norm = state[0], state[1], state[2], state[3]
    xr, xi, yr, yi = link[0], link[1], link[2], link[3]
    delicate = states(d[0], d[1], d[2], p, q, w, norm)
    delicate += links(
        p[:size], q[:size], w[:size], norm[:size], p[1:], q[1:], w[1:], norm[1:], yr, yi
    )
    delicate += links(
        p[:size], q[:size], w[:size], norm[:size], p[row:], q[row:], w[row:], norm[row:], xr, xi
    )
    for j in range(row):
        yr[size + j], yi[size + j] = yr[j], yi[j]
    xr[size], xi[size] = xr[0], xi[0]
    turns, close = count_turns_of_loops(xr, xi, yr[row:], yi[row:], xr[1:], xi[1:], yr, yi, inner)
    return turns, OK if delicate + close == 0 else UNRESOLVED


@kernel
def count_chern(
    d: NDArray[np.float64], chern: NDArray[np.int64], status: NDArray[np.uint8]
) -> None:
    """Chern number (B,) of the lower band for d (B, Nx, Ny, 3); UNRESOLVED where delicate."""
    n_batch, n_x, n_y, _ = d.shape
    row = n_y + 1
    full = (n_x + 1) * row
    field, state, link = np.empty((3, full)), np.empty((4, full)), np.empty((4, full))
    inner = np.ones(n_x * row, np.int64)
    inner[n_y::row] = 0
    for b in range(n_batch):
        border(d[b], field.reshape(3, n_x + 1, row))
        chern[b], status[b] = chern_of_border(field, row, inner, state, link)


@fused_kernel
def evaluate_series(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    phases_x: NDArray[np.float64],
    phases_y: NDArray[np.float64],
    harmonics: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill out (3, rows, row) with d on a grid, row by row as a series in k_y.

    harmonics (P + 1, 6) with P >= 1 is scratch: cos and sin coefficients of the components.
    """
    n_order = harmonics.shape[0]
    for i in range(out.shape[1]):
        harmonics[:] = 0.0
        for axis in range(3):
            harmonics[0, axis] = coefficients[0, axis]
        for m in range(vectors.shape[0]):
            c, s = phases_x[m, 0, i], phases_x[m, 1, i]
            order, sign = abs(vectors[m, 1]), 1.0 if vectors[m, 1] >= 0 else -1.0
            for axis in range(3):
                even, odd = coefficients[m + 1, axis], coefficients[m + 1, 3 + axis]
                harmonics[order, axis] += even * c + odd * s
                harmonics[order, 3 + axis] += sign * (odd * c - even * s)
        for axis in range(3):
            mean, even, odd = harmonics[0, axis], harmonics[1, axis], harmonics[1, 3 + axis]
            for j in range(out.shape[2]):
                out[axis, i, j] = mean + (even * phases_y[1, 0, j] + odd * phases_y[1, 1, j])
            for n in range(2, n_order):
                even, odd = harmonics[n, axis], harmonics[n, 3 + axis]
                for j in range(out.shape[2]):
                    out[axis, i, j] += even * phases_y[n, 0, j] + odd * phases_y[n, 1, j]


@kernel
def count_chern_of_series(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    phases_x: NDArray[np.float64],
    phases_y: NDArray[np.float64],
    chern: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Chern number (B,) of the lower band of Fourier series; UNRESOLVED where delicate.

    coefficients (B, M + 1, 6) and vectors (M, 2) as in `certify_two_band`; phases_x (M, 2, Nx + 1)
    cos and sin of k_x R_x, phases_y (P + 1, 2, Ny + 1) those of n k_y for n up to P = max |R_y|, on
    the grid with its border.
    """
    n_row, row = phases_x.shape[2], phases_y.shape[2]
    full = n_row * row
    field, state, link = np.empty((3, full)), np.empty((4, full)), np.empty((4, full))
    harmonics = np.empty((phases_y.shape[0], 6))
    inner = np.ones(full - row, np.int64)
    inner[row - 1 :: row] = 0
    for b in range(coefficients.shape[0]):
        evaluate_series(
            coefficients[b], vectors, phases_x, phases_y, harmonics, field.reshape(3, n_row, row)
        )
        chern[b], status[b] = chern_of_border(field, row, inner, state, link)
