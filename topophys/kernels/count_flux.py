"""Chern numbers of sampled d-vectors at full speed; what is delicate is left to `flux`."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel

OK, UNRESOLVED = st.OK, st.UNRESOLVED
#: |overlap|^2 of neighbouring unit spinors, and distance of a loop from the negative real axis,
#: below which rounding is not left to chance here.
OVERLAP: Final = 1e-6
AXIS: Final = 1e-6
LARGEST: Final = 1e30  # products of eight components stay in range
SMALLEST: Final = 1e-30


@kernel
def states_from_d(
    d: NDArray[np.float64],
    p: NDArray[np.float64],
    q: NDArray[np.float64],
    w: NDArray[np.float64],
    norm: NDArray[np.float64],
) -> bool:
    """Lower states (p + iq, w) of d (Nx, Ny, 3) and their squared norms, with a wrapped border.

    One gauge for the whole zone, w >= 0 real; on the south pole the state vanishes, and its links
    fail the test of their size. p, q, w, norm (Nx + 1, Ny + 1). False where the scale of d is out
    of the range that the products need.
    """
    n_x, n_y, _ = d.shape
    low, high = np.inf, 0.0
    for i in range(n_x):
        for j in range(n_y):
            x, y, z = d[i, j, 0], d[i, j, 1], d[i, j, 2]
            rho = x * x + y * y
            size = np.sqrt(rho + z * z)
            # |d| + z without cancellation
            upper = size + z if z >= 0.0 else rho / (size - z)
            p[i, j], q[i, j], w[i, j] = -x, y, upper
            norm[i, j] = rho + upper * upper
            low, high = min(low, size), max(high, size)
    for a in (p, q, w, norm):
        for i in range(n_x):
            a[i, n_y] = a[i, 0]
        for j in range(n_y + 1):
            a[n_x, j] = a[0, j]
    return low > SMALLEST and high < LARGEST


@kernel
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


@kernel
def turn(zr: float, zi: float, wr: float, wi: float, product: float) -> int:
    """Turn dropped in the product of z and w whose imaginary part is `product`; see `flux`."""
    up = (zi >= 0.0) & (wi >= 0.0) & ((product < 0.0) | ((zr < 0.0) & (wr < 0.0)))
    down = (zi < 0.0) & (wi < 0.0) & (product >= 0.0)
    return int(up) - int(down)


@kernel
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
def count_chern(
    d: NDArray[np.float64], chern: NDArray[np.int64], status: NDArray[np.uint8]
) -> None:
    """Chern number (B,) of the lower band for d (B, Nx, Ny, 3); UNRESOLVED where delicate.

    Grids are stored row after row with a border of one point, so that every loop runs over one
    long array: neighbours in x are `row` apart, neighbours in y are next to each other. The link
    across the border to the next row is the x link of the first column.
    """
    n_batch, n_x, n_y, _ = d.shape
    row = n_y + 1
    size, full = n_x * row, (n_x + 1) * row
    grid = np.empty((4, n_x + 1, row))
    state = grid.reshape(4, full)
    p, q, w, norm = state[0], state[1], state[2], state[3]
    xr, xi, yr, yi = np.zeros(full), np.zeros(full), np.zeros(full), np.zeros(full)
    inner = np.ones(size, np.int64)
    inner[n_y::row] = 0
    for b in range(n_batch):
        good = states_from_d(d[b], grid[0], grid[1], grid[2], grid[3])
        delicate = links(
            p[:size], q[:size], w[:size], norm[:size],
            p[1:], q[1:], w[1:], norm[1:], yr, yi,
        )  # fmt: skip
        delicate += links(
            p[:size], q[:size], w[:size], norm[:size],
            p[row:], q[row:], w[row:], norm[row:], xr, xi,
        )  # fmt: skip
        for j in range(row):
            yr[size + j], yi[size + j] = yr[j], yi[j]
        chern[b], close = count_turns_of_loops(
            xr, xi, yr[row:], yi[row:], xr[1:], xi[1:], yr, yi, inner
        )
        status[b] = OK if good and delicate + close == 0 else UNRESOLVED
