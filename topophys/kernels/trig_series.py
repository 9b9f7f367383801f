"""Real trigonometric series on fixed points: one table of cosines and sines for a whole batch."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel

#: Terms summed in one pass over the points. Eight products in registers cost as much as loading
#: and storing the sum of one.
STEP: Final = 8


@kernel
def whole_passes(n_terms: int) -> int:
    """Columns for a constant and `n_terms` terms, in whole passes and at least one."""
    return 1 + STEP * max(1, (n_terms + STEP - 1) // STEP)


def trig_table(highest: int, points: NDArray[np.int64], period: int) -> NDArray[np.float64]:
    """Rows 1, cos k, sin k, cos 2k, sin 2k, ... at k = 2 pi points / period; zeros as padding.

    Angles are reduced as integers, to [-pi, pi): every entry is good to 1e-15.
    """
    orders = np.arange(1, highest + 1)[:, None]
    turned = (orders * points + period // 2) % period - period // 2
    angles = 2.0 * np.pi * turned / period
    table = np.zeros((whole_passes(2 * highest), len(points)))
    table[0] = 1.0
    table[1 : 2 * highest + 1 : 2], table[2 : 2 * highest + 1 : 2] = np.cos(angles), np.sin(angles)
    return table


@kernel
def complex_terms(f: NDArray[np.complex128], lowest: int, out: NDArray[np.float64]) -> int:
    """Fill rows 0 and 1 of out with real and imaginary part of sum_m f_m e^(i (lowest + m) k).

    out (R, columns), columns as the rows of `trig_table`. Returns how many are in use.
    """
    for i in range(out.shape[1]):
        out[0, i] = out[1, i] = 0.0
    highest = 0
    for m in range(f.shape[0]):
        order, re, im = lowest + m, f[m].real, f[m].imag
        q, sign = abs(order), 1.0 if order >= 0 else -1.0
        highest = max(highest, q)
        if q == 0:
            out[0, 0] += re
            out[1, 0] += im
        else:
            out[0, 2 * q - 1] += re
            out[0, 2 * q] -= sign * im
            out[1, 2 * q - 1] += im
            out[1, 2 * q] += sign * re
    return whole_passes(2 * highest)


@kernel
def norm_terms(g: NDArray[np.complex128], row: int, out: NDArray[np.float64]) -> int:
    """Fill a row of out with g_0 + 2 Re sum_m g_m e^(imk); returns as `complex_terms`."""
    for i in range(out.shape[1]):
        out[row, i] = 0.0
    out[row, 0] = g[0].real
    for m in range(1, g.shape[0]):
        out[row, 2 * m - 1], out[row, 2 * m] = 2.0 * g[m].real, -2.0 * g[m].imag
    return whole_passes(2 * (g.shape[0] - 1))


@kernel
def eight(
    a: float,
    b: float,
    c: float,
    d: float,
    e: float,
    f: float,
    g: float,
    h: float,
    table: NDArray[np.float64],
    i: int,
    j: int,
) -> float:
    """Eight terms of a series at point j, from row i of the table on."""
    left = (a * table[i, j] + b * table[i + 1, j]) + (c * table[i + 2, j] + d * table[i + 3, j])
    i += 4
    right = (e * table[i, j] + f * table[i + 1, j]) + (g * table[i + 2, j] + h * table[i + 3, j])
    return float(left + right)


@kernel
def evaluate(
    terms: NDArray[np.float64],
    used: int,
    row: int,
    table: NDArray[np.float64],
    out: NDArray[np.float64],
    out_row: int,
) -> None:
    """Fill a row of out (R, P) with the series in a row of terms, at the points of `table`.

    Rows are numbers and not slices: to make a slice takes as long as a pass.
    """
    for i in range(1, used, STEP):
        a, b, c, d = terms[row, i], terms[row, i + 1], terms[row, i + 2], terms[row, i + 3]
        e, f, g, h = terms[row, i + 4], terms[row, i + 5], terms[row, i + 6], terms[row, i + 7]
        if i == 1:
            constant = terms[row, 0]
            for j in range(table.shape[1]):
                out[out_row, j] = constant + eight(a, b, c, d, e, f, g, h, table, i, j)
        else:
            for j in range(table.shape[1]):
                out[out_row, j] += eight(a, b, c, d, e, f, g, h, table, i, j)


@kernel
def smallest(rows: NDArray[np.float64], row: int, count: int) -> int:
    """Index of the smallest of the first `count` entries of a row.

    Four running minima: each waits for its own last result only.
    """
    a = b = c = d = rows[row, 0]
    whole = count - count % 4
    for j in range(0, whole, 4):
        a, b = min(a, rows[row, j]), min(b, rows[row, j + 1])
        c, d = min(c, rows[row, j + 2]), min(d, rows[row, j + 3])
    for j in range(whole, count):
        a = min(a, rows[row, j])
    least = min(a, b, c, d)
    for j in range(count):
        if rows[row, j] == least:
            return j
    return 0


# ------------------------------------------ Samples of periodic functions next to the zone boundary


@kernel
def steps_across(
    near: NDArray[np.float64], step: NDArray[np.float64], largest: NDArray[np.float64]
) -> None:
    """Third differences of eight points in a row, for lines near (8, L, m) of m numbers each.

    Fills step (5, L) with their sizes, sums of absolute values, and largest (L,) with the largest
    size of a point.
    """
    n_line, m = near.shape[1], near.shape[2]
    for line in range(n_line):
        top = 0.0
        for i in range(8):
            size = 0.0
            for c in range(m):
                size += abs(near[i, line, c])
            top = max(top, size)
        largest[line] = top
        for i in range(5):
            size = 0.0
            for c in range(m):
                inner = near[i + 2, line, c] - near[i + 1, line, c]
                size += abs(near[i + 3, line, c] - near[i, line, c] - 3.0 * inner)
            step[i, line] = size
