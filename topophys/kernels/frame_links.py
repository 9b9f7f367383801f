"""Links between the occupied spaces of neighbouring points of a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import fused_kernel, kernel
from topophys.kernels.determinant import determinant


@fused_kernel
def overlap_of_columns(
    states: NDArray[np.complex128],
    a: tuple[int, int, int],
    b: tuple[int, int, int],
    row: int,
    column: int,
) -> complex:
    """<v_row(a)|v_column(b)> for columns of states (B, Nx, Ny, n, n)."""
    re, im = 0.0, 0.0
    for i in range(states.shape[3]):
        x, y = states[a[0], a[1], a[2], i, row], states[b[0], b[1], b[2], i, column]
        re += x.real * y.real + x.imag * y.imag
        im += x.real * y.imag - x.imag * y.real
    return complex(re, im)


@fused_kernel
def link_of_two(
    states: NDArray[np.complex128], a: tuple[int, int, int], b: tuple[int, int, int]
) -> complex:
    """Return det of the overlaps of the first two states, all four in one pass."""
    pr, pi, qr, qi, rr, ri, sr, si = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(states.shape[3]):
        u, v = states[a[0], a[1], a[2], i, 0], states[a[0], a[1], a[2], i, 1]
        x, y = states[b[0], b[1], b[2], i, 0], states[b[0], b[1], b[2], i, 1]
        pr += u.real * x.real + u.imag * x.imag
        pi += u.real * x.imag - u.imag * x.real
        qr += u.real * y.real + u.imag * y.imag
        qi += u.real * y.imag - u.imag * y.real
        rr += v.real * x.real + v.imag * x.imag
        ri += v.real * x.imag - v.imag * x.real
        sr += v.real * y.real + v.imag * y.imag
        si += v.real * y.imag - v.imag * y.real
    re = pr * sr - pi * si - qr * rr + qi * ri
    return complex(re, pr * si + pi * sr - qr * ri - qi * rr)


@kernel
def link(
    states: NDArray[np.complex128],
    a: tuple[int, int, int],
    b: tuple[int, int, int],
    work: NDArray[np.complex128],
) -> complex:
    """Return det of the overlaps of the first m states at two points; work (m, m) is scratch."""
    filled = work.shape[0]
    if filled == 1:
        return overlap_of_columns(states, a, b, 0, 0)
    if filled == 2:
        return link_of_two(states, a, b)
    for row in range(filled):
        for column in range(filled):
            work[row, column] = overlap_of_columns(states, a, b, row, column)
    return determinant(work)[0]


@kernel
def frame_links(
    states: NDArray[np.complex128],
    filled: int,
    u_x: NDArray[np.complex128],
    u_y: NDArray[np.complex128],
) -> None:
    """Fill u_x, u_y (B, Nx, Ny) with links of the first `filled` columns to the next points."""
    n_batch, n_x, n_y = states.shape[:3]
    work = np.empty((filled, filled), np.complex128)
    for b in range(n_batch):
        for i in range(n_x):
            for j in range(n_y):
                here = (b, i, j)
                right, up = (b, i + 1 if i + 1 < n_x else 0, j), (b, i, j + 1 if j + 1 < n_y else 0)
                u_x[b, i, j] = link(states, here, right, work)
                u_y[b, i, j] = link(states, here, up, work)
