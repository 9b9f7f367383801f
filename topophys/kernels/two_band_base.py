"""First look at all cells of the starting grid at once, in loops that vectorise.

Grids are stored row after row with a border that repeats the first row and column, so that every
loop runs over one long array: the neighbour in x is `row` further, that in y is next.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.trig_series import evaluate, whole_passes
from topophys.kernels.two_band_field import UP, phase, value_at

#: What is left to do for a cell: nothing, count its triangles, find a proof.
DONE, COUNT, PROVE = 0, 1, 2


@kernel
def grid_table(
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    n_start: int,
    fine: int,
    out: NDArray[np.float64],
) -> None:
    """Fill out (columns, (n_start + 1)^2) with rows 1, cos k.R, sin k.R of every vector."""
    side, row = fine // n_start, n_start + 1
    out[:] = 0.0
    for i in range(row):
        for j in range(row):
            out[0, i * row + j] = 1.0
            for m in range(vectors.shape[0]):
                turn = i * side * vectors[m, 0] + j * side * vectors[m, 1]
                c, s = phase(turn, table, fine)
                out[1 + 2 * m, i * row + j], out[2 + 2 * m, i * row + j] = c, s


@kernel
def vertices(
    coefficients: NDArray[np.float64],
    phases: NDArray[np.float64],
    terms: NDArray[np.float64],
    base: NDArray[np.float64],
) -> None:
    """Fill rows 0 to 2 of base with d at the points of `phases`; terms (3, columns) is scratch."""
    used = whole_passes(2 * (coefficients.shape[0] - 1))
    for axis in range(3):
        terms[axis, 0] = coefficients[0, axis]
        for m in range(1, coefficients.shape[0]):
            terms[axis, 2 * m - 1] = coefficients[m, axis]
            terms[axis, 2 * m] = coefficients[m, 3 + axis]
        evaluate(terms, used, axis, phases, base, axis)


@kernel
def vertices_one_by_one(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    n_start: int,
    fine: int,
    points: NDArray[np.float64],
    base: NDArray[np.float64],
) -> None:
    """As `vertices`, without phases of all points in memory; points (1, 3) is scratch."""
    side, row = fine // n_start, n_start + 1
    for i in range(row):
        for j in range(row):
            value_at(coefficients, vectors, table, i * side, j * side, fine, points, 0)
            for axis in range(3):
                base[axis, i * row + j] = points[0, axis]


@kernel
def margins(
    row: int, moments: NDArray[np.float64], curve: float, base: NDArray[np.float64]
) -> None:
    """Fill row 3 of base with the bound of `margin_along` for u along the mean of the corners.

    Row 4 receives |d|^2 at the vertices. Not a number where the mean vanishes, which no
    comparison accepts.
    """
    weight, rounding = moments[0], moments[7]
    qx, qy, qz = moments[1], moments[2], moments[3]
    qxy, qyz, qzx = 2.0 * moments[4], 2.0 * moments[5], 2.0 * moments[6]
    for p in range(base.shape[1]):
        base[4, p] = base[0, p] * base[0, p] + base[1, p] * base[1, p] + base[2, p] * base[2, p]
    for p in range(base.shape[1] - row - 1):
        ax, ay, az = base[0, p], base[1, p], base[2, p]
        bx, by, bz = base[0, p + 1], base[1, p + 1], base[2, p + 1]
        cx, cy, cz = base[0, p + row], base[1, p + row], base[2, p + row]
        dx, dy, dz = base[0, p + row + 1], base[1, p + row + 1], base[2, p + row + 1]
        ux, uy, uz = (ax + bx) + (cx + dx), (ay + by) + (cy + dy), (az + bz) + (cz + dz)
        low = min(ux * ax + uy * ay + uz * az, ux * bx + uy * by + uz * bz)
        low = min(low, ux * cx + uy * cy + uz * cz)
        low = min(low, ux * dx + uy * dy + uz * dz)
        norm = ux * ux + uy * uy + uz * uz
        spread = ux * (qx * ux + qxy * uy) + uy * (qy * uy + qyz * uz) + uz * (qz * uz + qzx * ux)
        second = math.sqrt(weight * (max(0.0, spread) + rounding * norm)) * UP
        base[3, p] = (low - curve * second) / math.sqrt(norm)


@kernel
def tasks(
    row: int,
    slack: float,
    min_gap: float,
    base: NDArray[np.float64],
    side_of: NDArray[np.uint8],
    task: NDArray[np.uint8],
) -> None:
    """Fill task (vertices,) with what is left to do for the cell at each vertex.

    side_of (vertices,) receives the sides of the coordinate planes on which d lies. Points that
    share a bit lie in an open half space without the positive z axis in it: nothing to count.
    """
    for p in range(base.shape[1]):
        x, y, z = base[0, p], base[1, p], base[2, p]
        side_of[p] = (
            int(x < 0.0)
            | (int(x > 0.0) << 1)
            | (int(y < 0.0) << 2)
            | (int(y > 0.0) << 3)
            | (int(z < 0.0) << 4)
        )
    for p in range(base.shape[1] - row - 1):
        shared = side_of[p] & side_of[p + 1] & side_of[p + row] & side_of[p + row + 1]
        proven = base[3, p] - slack
        good = (proven > 0.0) & (2.0 * proven >= min_gap)
        task[p] = (DONE if shared != 0 else COUNT) if good else PROVE
    for i in range(1, base.shape[1] // row):  # the border has no cells
        task[i * row - 1] = DONE
        base[3, i * row - 1] = np.inf
