"""d-vectors on a dyadic lattice of the zone, and bounds of how far they leave their corners."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.rounding import SLACK

ROUNDING: Final = 8 * 2.0**-53
DIRECTIONS: Final = 2  # beyond the first, in the search for a half space
UP: Final = 1.0 + 1e-12  # rounds the bounds themselves up


@kernel
def bounds(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    moments: NDArray[np.float64],
) -> float:
    """Fill `moments` with bounds of second derivatives; returns the slack of |d| for rounding.

    The slack is that of `rounding` for the hoppings d_R.sigma of R and -R, of norm sqrt(2) |d_R|.

    coefficients (M + 1, 6): the mean (first three of row 0), then even and odd part of each
    vector. |u.d_xx| + |u.d_yy| is at most sum_R |R|^2 |u.c_R(theta)| <= sqrt(W u.Q u) by Cauchy
    and Schwarz, with the weights w_R = |R|^2 |c_R|, W = sum w_R and
    Q = sum |R|^4 c_R c_R^T / w_R. moments (8,) holds W and the entries xx, yy, zz, xy, yz, zx of
    Q; last, what rounding can take from u.Q u / |u|^2: a sum of M squares, each below its share
    of W.
    """
    moments[:] = 0.0
    size = abs(coefficients[0, 0]) + abs(coefficients[0, 1]) + abs(coefficients[0, 2])
    used = 0
    for m in range(vectors.shape[0]):
        c = coefficients[m + 1]
        total = 0.0
        for i in range(6):
            total += c[i] * c[i]
        norm = math.sqrt(total)
        if norm == 0.0:
            continue
        used += 1
        x, y = 1.0 * vectors[m, 0], 1.0 * vectors[m, 1]
        square = x * x + y * y
        size += norm * (1.0 + abs(x) + abs(y))
        moments[0] += square * norm
        for i in range(3):
            j = (i + 1) % 3
            moments[1 + i] += square * (c[i] * c[i] + c[3 + i] * c[3 + i]) / norm
            moments[4 + i] += square * (c[i] * c[j] + c[3 + i] * c[3 + j]) / norm
    moments[0] *= 1.0 + ROUNDING * (used + 10)
    moments[7] = ROUNDING * (used + 10) * moments[0]
    return float(SLACK * (2 * used + 3) * 1.4143 * size)


@kernel
def phase(turn: int, table: NDArray[np.float64], fine: int) -> tuple[float, float]:
    """Cosine and sine of 2 pi turn / fine; `fine` and the table's length are powers of two."""
    turn &= fine - 1
    stride = fine // table.shape[0]
    if turn & (stride - 1) == 0:
        row = turn // stride
        return table[row, 0], table[row, 1]
    angle = 2.0 * np.pi * turn / fine
    return math.cos(angle), math.sin(angle)


@kernel
def value_at(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    x: int,
    y: int,
    fine: int,
    points: NDArray[np.float64],
    place: int,
) -> None:
    """Fill a row of points (K, 3) with d at k = 2 pi (x, y) / fine.

    Equal lattice points (modulo the Brillouin zone) give equal bits, whichever cell asks.
    """
    dx, dy, dz = coefficients[0, 0], coefficients[0, 1], coefficients[0, 2]
    for m in range(vectors.shape[0]):
        c, s = phase(x * vectors[m, 0] + y * vectors[m, 1], table, fine)
        dx += coefficients[m + 1, 0] * c + coefficients[m + 1, 3] * s
        dy += coefficients[m + 1, 1] * c + coefficients[m + 1, 4] * s
        dz += coefficients[m + 1, 2] * c + coefficients[m + 1, 5] * s
    points[place, 0], points[place, 1], points[place, 2] = dx, dy, dz


@kernel
def margin_along(
    points: NDArray[np.float64],
    first: int,
    moments: NDArray[np.float64],
    curve: float,
    ux: float,
    uy: float,
    uz: float,
) -> tuple[float, int]:
    """Lower bound of u.d / |u| on the cell of four corners, and the corner that is lowest.

    The corners are rows of `points` from `first` on. Their bilinear map departs from d by at most
    curve (|d_xx| + |d_yy|) along u, with curve an eighth of the squared width.
    """
    norm = ux * ux + uy * uy + uz * uz
    if norm == 0.0:
        return -np.inf, first
    low, lowest = np.inf, first
    for q in range(first, first + 4):
        at = ux * points[q, 0] + uy * points[q, 1] + uz * points[q, 2]
        if at < low:
            low, lowest = at, q
    spread = ux * (moments[1] * ux + 2.0 * moments[4] * uy)
    spread += uy * (moments[2] * uy + 2.0 * moments[5] * uz)
    spread += uz * (moments[3] * uz + 2.0 * moments[6] * ux)
    second = math.sqrt(moments[0] * (max(0.0, spread) + moments[7] * norm)) * UP
    return (low - curve * second) / math.sqrt(norm), lowest


@kernel
def best_margin(
    points: NDArray[np.float64],
    first: int,
    moments: NDArray[np.float64],
    curve: float,
    need: float,
) -> float:
    """Largest margin over a few directions; stops at the first that exceeds `need`.

    The mean of the corners, then the point nearest to the origin on the segment from the last
    direction to the corner that is lowest along it: steps towards the point of the tetrahedron
    that is nearest to the origin, along which the lowest corner is highest.
    """
    x, y, z = 0.0, 0.0, 0.0
    for q in range(first, first + 4):
        x, y, z = x + 0.25 * points[q, 0], y + 0.25 * points[q, 1], z + 0.25 * points[q, 2]
    best, q = margin_along(points, first, moments, curve, x, y, z)
    for _ in range(DIRECTIONS):
        if best > need:
            break
        ex, ey, ez = points[q, 0] - x, points[q, 1] - y, points[q, 2] - z
        length = ex * ex + ey * ey + ez * ez
        if length == 0.0:
            break
        t = min(1.0, max(0.0, -(x * ex + y * ey + z * ez) / length))
        x, y, z = x + t * ex, y + t * ey, z + t * ez
        margin, q = margin_along(points, first, moments, curve, x, y, z)
        best = max(best, margin)
    return best
