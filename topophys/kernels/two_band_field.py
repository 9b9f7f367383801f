"""d-vectors on a dyadic lattice of the zone, and bounds of their Taylor remainders."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel

SLACK: Final = 64 * 2.0**-53
ROUNDING: Final = 8 * 2.0**-53
UP: Final = 1.0 + 1e-12  # rounds the bounds themselves up


@kernel
def bounds(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    moments: NDArray[np.float64],
) -> float:
    """Fill `moments` with bounds of second derivatives; returns the slack for rounding.

    coefficients (M + 1, 6): the mean (first three of row 0), then even and odd part of each
    vector. Along (1, +-1) the second derivative of u.d is at most
    sum_R |R|_1^2 |u.c_R(theta)| <= sqrt(W u.Q u) by Cauchy and Schwarz, with the weights
    w_R = |R|_1^2 |c_R|, W = sum w_R and Q = sum |R|_1^4 c_R c_R^T / w_R. moments (8,) holds W and
    the entries xx, yy, zz, xy, yz, zx of Q; last, what rounding can take from u.Q u / |u|^2: a
    sum of M squares, each below its share of W.
    """
    moments[:] = 0.0
    size = abs(coefficients[0, 0]) + abs(coefficients[0, 1]) + abs(coefficients[0, 2])
    for m in range(vectors.shape[0]):
        c = coefficients[m + 1]
        total = 0.0
        for i in range(6):
            total += c[i] * c[i]
        norm = math.sqrt(total)
        if norm == 0.0:
            continue
        reach = abs(vectors[m, 0]) + abs(vectors[m, 1])
        square = 1.0 * reach * reach
        size += 2.0 * norm * (1.0 + reach)
        moments[0] += square * norm
        for i in range(3):
            j = (i + 1) % 3
            moments[1 + i] += square * (c[i] * c[i] + c[3 + i] * c[3 + i]) / norm
            moments[4 + i] += square * (c[i] * c[j] + c[3 + i] * c[3 + j]) / norm
    moments[7] = ROUNDING * (vectors.shape[0] + 10) * moments[0]
    return float(SLACK * (2 * vectors.shape[0] + 1) * size)


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
    out: NDArray[np.float64],
) -> None:
    """Fill out (3,) with d at k = 2 pi (x, y) / fine.

    Equal lattice points (modulo the zone) give equal bits, whichever cell asks.
    """
    dx, dy, dz = coefficients[0, 0], coefficients[0, 1], coefficients[0, 2]
    for m in range(vectors.shape[0]):
        c, s = phase(x * vectors[m, 0] + y * vectors[m, 1], table, fine)
        dx += coefficients[m + 1, 0] * c + coefficients[m + 1, 3] * s
        dy += coefficients[m + 1, 1] * c + coefficients[m + 1, 4] * s
        dz += coefficients[m + 1, 2] * c + coefficients[m + 1, 5] * s
    out[0], out[1], out[2] = dx, dy, dz


@kernel
def field_at(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    x: int,
    y: int,
    fine: int,
    out: NDArray[np.float64],
) -> None:
    """Fill out (3, 3) with d, d_x d and d_y d at k = 2 pi (x, y) / fine; d as `value_at`."""
    dx, dy, dz = coefficients[0, 0], coefficients[0, 1], coefficients[0, 2]
    xx, xy, xz, yx, yy, yz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for m in range(vectors.shape[0]):
        r1, r2 = vectors[m, 0], vectors[m, 1]
        c, s = phase(x * r1 + y * r2, table, fine)
        e0, e1, e2 = coefficients[m + 1, 0], coefficients[m + 1, 1], coefficients[m + 1, 2]
        o0, o1, o2 = coefficients[m + 1, 3], coefficients[m + 1, 4], coefficients[m + 1, 5]
        dx += e0 * c + o0 * s
        dy += e1 * c + o1 * s
        dz += e2 * c + o2 * s
        t0, t1, t2 = o0 * c - e0 * s, o1 * c - e1 * s, o2 * c - e2 * s
        xx += r1 * t0
        xy += r1 * t1
        xz += r1 * t2
        yx += r2 * t0
        yy += r2 * t1
        yz += r2 * t2
    out[0, 0], out[0, 1], out[0, 2] = dx, dy, dz
    out[1, 0], out[1, 1], out[1, 2] = xx, xy, xz
    out[2, 0], out[2, 1], out[2, 2] = yx, yy, yz


@kernel
def margin_along(
    field: NDArray[np.float64],
    moments: NDArray[np.float64],
    r: float,
    ux: float,
    uy: float,
    uz: float,
) -> float:
    """Lower bound of u.d on the cell of half width r around the point of `field`, |u| = 1."""
    norm = ux * ux + uy * uy + uz * uz
    if norm == 0.0:
        return -np.inf
    at = ux * field[0, 0] + uy * field[0, 1] + uz * field[0, 2]
    along_x = abs(ux * field[1, 0] + uy * field[1, 1] + uz * field[1, 2])
    along_y = abs(ux * field[2, 0] + uy * field[2, 1] + uz * field[2, 2])
    spread = (
        moments[1] * ux * ux
        + moments[2] * uy * uy
        + moments[3] * uz * uz
        + 2.0 * (moments[4] * ux * uy + moments[5] * uy * uz + moments[6] * uz * ux)
    )
    second = math.sqrt(moments[0] * (max(0.0, spread) + moments[7] * norm)) * UP
    return float((at - r * (along_x + along_y) - 0.5 * r * r * second) / math.sqrt(norm))


@kernel
def best_margin(
    field: NDArray[np.float64], moments: NDArray[np.float64], r: float, need: float
) -> float:
    """Largest margin over a few directions; stops at the first that reaches `need`.

    Tried: d itself, the normal of the tangent plane on its side, and the mean of the two unit
    vectors.
    """
    dx, dy, dz = field[0, 0], field[0, 1], field[0, 2]
    best = margin_along(field, moments, r, dx, dy, dz)
    if best > need:
        return best
    nx = field[1, 1] * field[2, 2] - field[1, 2] * field[2, 1]
    ny = field[1, 2] * field[2, 0] - field[1, 0] * field[2, 2]
    nz = field[1, 0] * field[2, 1] - field[1, 1] * field[2, 0]
    length, size = nx * nx + ny * ny + nz * nz, dx * dx + dy * dy + dz * dz
    if length == 0.0 or size == 0.0:
        return best
    scale = math.sqrt(size / length)
    if nx * dx + ny * dy + nz * dz < 0.0:
        scale = -scale
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    best = max(best, margin_along(field, moments, r, nx, ny, nz))
    if best > need:
        return best
    return max(best, margin_along(field, moments, r, nx + dx, ny + dy, nz + dz))
