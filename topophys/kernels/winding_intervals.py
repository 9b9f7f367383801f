"""The first look of a winding proof: equal intervals all at once, in loops that vectorise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.determinant_series import smallest_singular, value_at
from topophys.kernels.orientation import ROUNDING, TINY
from topophys.kernels.trig_series import evaluate


@kernel
def look(
    terms: NDArray[np.float64],
    used: int,
    turn: int,
    orders: NDArray[np.int64],
    table: NDArray[np.float64],
    base: NDArray[np.float64],
) -> None:
    """Fill rows 0 to 2 of base (5, P + 1) with f z^-turn and |D|_F^2 at the P nodes.

    The last column is the first one again. terms (3, columns) holds f and |D|_F^2; table has their
    phases at the nodes, or no rows where that would be large; orders as in `value_at`.
    """
    n_node = base.shape[1] - 1
    if table.shape[0] == 0:
        for j in range(n_node + 1):
            base[0, j], base[1, j], base[2, j] = value_at(
                terms, used, turn, orders, n_node, j % n_node, 0, 1
            )
        return
    for row in range(3):
        evaluate(terms, used, row, table, base, row)
    if turn != 0:
        q, sign = abs(turn), 1.0 if turn > 0 else -1.0
        for j in range(n_node):
            x, y, c, s = base[0, j], base[1, j], table[2 * q - 1, j], sign * table[2 * q, j]
            base[0, j], base[1, j] = x * c + y * s, y * c - x * s
    for row in range(3):
        base[row, n_node] = base[row, 0]


@kernel
def prove_intervals(
    n: int, width: float, bounds: NDArray[np.float64], base: NDArray[np.float64]
) -> None:
    """Fill rows 3 and 4 of base: gap proven on [k_j, k_(j+1)], and gap at k_j.

    The arithmetic of `prove_chord`; the bound is not positive where nothing is proven.
    """
    n_node = base.shape[1] - 1
    bend, rise = width * width / 8.0 * bounds[0] + bounds[1], width * width / 8.0 * bounds[2]
    for j in range(n_node):
        x, y = base[0, j], base[1, j]
        step_x, step_y = base[0, j + 1] - x, base[1, j + 1] - y
        t = -(x * step_x + y * step_y) / (step_x * step_x + step_y * step_y + TINY)
        t = min(1.0, max(0.0, t))
        near_x, near_y = x + t * step_x, y + t * step_y
        base[3, j] = math.sqrt(near_x * near_x + near_y * near_y) - bend
        base[4, j] = math.sqrt(x * x + y * y)
    rise += bounds[3]
    if n == 2:
        for j in range(n_node):
            low, high = base[3, j], max(base[2, j], base[2, j + 1]) + rise
            spread = math.sqrt(max(0.0, high - 2.0 * low))
            base[3, j] = 4.0 * low / (math.sqrt(high + 2.0 * abs(low)) + spread)
            size, norm2 = base[4, j], base[2, j]
            spread = math.sqrt(max(0.0, norm2 - 2.0 * size))
            base[4, j] = 4.0 * size / (math.sqrt(norm2 + 2.0 * size) + spread)
        return
    for j in range(n_node):
        low, high = base[3, j], max(base[2, j], base[2, j + 1]) + rise
        base[3, j] = 2.0 * smallest_singular(n, low, high) if low > 0.0 else low
        base[4, j] = 2.0 * smallest_singular(n, base[4, j], base[2, j])


@kernel
def sweep(base: NDArray[np.float64], min_gap: float) -> tuple[int, int, int]:
    """Signed crossings of the positive x axis by the edges of proven intervals.

    Returns (crossings, how many intervals are proven, how many of their edges are delicate): where
    an edge is delicate, `crossing` has to decide.
    """
    turns, proven, delicate = 0, 0, 0
    for j in range(base.shape[1] - 1):
        x0, y0, x1, y1 = base[0, j], base[1, j], base[0, j + 1], base[1, j + 1]
        ok = (base[3, j] > 0.0) & (base[3, j] >= min_gap)
        left, right = x0 * y1, x1 * y0
        cross = left - right
        up, down = (y0 < 0.0) & (y1 >= 0.0), (y1 < 0.0) & (y0 >= 0.0)
        sure = abs(cross) > ROUNDING * (abs(left) + abs(right)) + TINY
        turns += int(ok & up & (cross > 0.0)) - int(ok & down & (cross < 0.0))
        proven += int(ok)
        delicate += int(ok & (((up | down) & (not sure)) | ((y0 == 0.0) & (y1 == 0.0))))
    return turns, proven, delicate
