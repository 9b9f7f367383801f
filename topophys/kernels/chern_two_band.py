"""Proof of the Chern number of d(k).sigma from the Fourier coefficients of d."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.rounding import MET, SLACK
from topophys.kernels.small_linalg import TINY, orientation
from topophys.kernels.trig_series import evaluate, smallest, whole_passes

__all__ = ["CORNER_X", "CORNER_Y", "SLACK"]


# ---------------------------------------------- What proofs that divide square cells have in common

#: Corners of a cell, anticlockwise, in units of its width.
CORNER_X: Final = np.array([0, 1, 1, 0])
CORNER_Y: Final = np.array([0, 0, 1, 1])


# ------------------ How often a piecewise-linear map of the torus to R^3 covers the positive z axis

AMBIGUOUS = st.AMBIGUOUS
DET_ROUNDING: Final = 32 * 2.0**-53


@kernel
def covers_axis(points: NDArray[np.float64], i: int, j: int, k: int) -> int:
    """+1, -1 or 0: whether and with which orientation the cone of three rows contains +z.

    Rows of points (K, 3) by number: to make a slice takes as long as to settle most triangles.
    """
    ax, ay, az = points[i, 0], points[i, 1], points[i, 2]
    bx, by, bz = points[j, 0], points[j, 1], points[j, 2]
    cx, cy, cz = points[k, 0], points[k, 1], points[k, 2]
    if (
        (az < 0.0 and bz < 0.0 and cz < 0.0)
        or (ax < 0.0 and bx < 0.0 and cx < 0.0)
        or (ax > 0.0 and bx > 0.0 and cx > 0.0)
        or (ay < 0.0 and by < 0.0 and cy < 0.0)
        or (ay > 0.0 and by > 0.0 and cy > 0.0)
    ):
        return 0
    ab = orientation(ax, ay, bx, by)
    bc = orientation(bx, by, cx, cy)
    ca = orientation(cx, cy, ax, ay)
    positive = (ab > 0) + (bc > 0) + (ca > 0)
    negative = (ab < 0) + (bc < 0) + (ca < 0)
    if positive > 0 and negative > 0:
        return 0
    if positive + negative < 3:
        return AMBIGUOUS
    # the z axis pierces the triangle: at positive z?
    x = ax * by - ay * bx
    y = bx * cy - by * cx
    z = cx * ay - cy * ax
    det = cz * x + az * y + bz * z
    size = (
        abs(cz) * (abs(ax * by) + abs(ay * bx))
        + abs(az) * (abs(bx * cy) + abs(by * cx))
        + abs(bz) * (abs(cx * ay) + abs(cy * ax))
    )
    if not abs(det) > DET_ROUNDING * size + TINY:
        return AMBIGUOUS
    sign = 1 if positive == 3 else -1
    return sign if (det > 0.0) == (sign > 0) else 0


# -------- d-vectors on a dyadic lattice of the zone, and bounds of how far they leave their corners

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


# -------------------- First look at all cells of the starting grid at once, in loops that vectorise
# Grids are stored row after row with a border that repeats the first row and column, so that every
# loop runs over one long array: the neighbour in x is `row` further, that in y is next.

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


# ----------------------- Proof of the Chern number of d(k).sigma from the Fourier coefficients of d

OK = st.OK
SMALL_GAP = st.SMALL_GAP
CLOSED_GAP = st.CLOSED_GAP
BUDGET = st.BUDGET
DEPTH = st.DEPTH
ROUNDING_STATUS = st.ROUNDING
#: Largest table of phases: 32 MB.
PHASES: Final = 1 << 22


@kernel
def add_triangle(total: int, points: NDArray[np.float64], i: int, j: int, k: int) -> int:
    """Total plus the cover of one triangle; a total beyond 2^40 marks ambiguity and stays."""
    if total >= 1 << 40:
        return total
    cover = covers_axis(points, i, j, k)
    return total + ((1 << 41) if cover == AMBIGUOUS else cover)


@kernel
def add_cell(total: int, points: NDArray[np.float64], first: int) -> int:
    """Total plus the cover of the two triangles of a cell whose corners are four rows."""
    total = add_triangle(total, points, first, first + 1, first + 2)
    return add_triangle(total, points, first, first + 2, first + 3)


@kernel
def copy(points: NDArray[np.float64], source: int, target: int) -> None:
    """Copy one row to another; array assignment costs more than the arithmetic around it."""
    for axis in range(3):
        points[target, axis] = points[source, axis]


@kernel
def shortest_corner(points: NDArray[np.float64], first: int) -> tuple[int, float]:
    """Which of the four corners of a cell has the smallest |d|, and that size."""
    best, shortest = 0, np.inf
    for q in range(4):
        x, y, z = points[first + q, 0], points[first + q, 1], points[first + q, 2]
        size = x * x + y * y + z * z
        if size < shortest:
            best, shortest = q, size
    return best, float(np.sqrt(shortest))


@kernel
def divide(
    cells: NDArray[np.int64], points: NDArray[np.float64], top: int, half: int, mids: int
) -> None:
    """Put the four quarters of the cell on top of the stack in its place.

    points has the midpoints of its sides and its centre in five rows from `mids` on. Quarter q
    keeps corner q of the cell.
    """
    x0, y0, depth = cells[top, 0], cells[top, 1], cells[top, 2]
    for q in range(3, -1, -1):
        child = top + q
        cells[child, 0] = x0 + half * CORNER_X[q]
        cells[child, 1] = y0 + half * CORNER_Y[q]
        cells[child, 2] = depth + 1
        if q > 0:
            copy(points, 4 * top + q, 4 * child + q)
        copy(points, mids + q, 4 * child + (q + 1) % 4)
        copy(points, mids + 4, 4 * child + (q + 2) % 4)
        copy(points, mids + (q + 3) % 4, 4 * child + (q + 3) % 4)


@kernel
def walk_cell(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    fine: int,
    max_depth: int,
    max_evaluations: int,
    min_gap: float,
    slack: float,
    moments: NDArray[np.float64],
    cells: NDArray[np.int64],
    points: NDArray[np.float64],
    evidence: NDArray[np.float64],
    leaves: NDArray[np.int64],
    known: int,
) -> tuple[int, int, int]:
    """Quarter one cell until its parts are proven; returns (cover, evaluations, status).

    cells (S, 3) is the stack with the cell in row 0, points (4 S + 5, 3) has the corners of each
    and five rows of scratch; evidence and leaves, filled from row `known` on, as in `walk_torus`.
    """
    degree, evaluations, top, mids = 0, 0, 0, 4 * cells.shape[0]
    while top >= 0:
        x0, y0, depth = cells[top, 0], cells[top, 1], cells[top, 2]
        width = 1 << (max_depth - depth)
        side = 2.0 * np.pi * width / fine
        curve = side * side / 8.0
        margin = best_margin(points, 4 * top, moments, curve, slack + 0.5 * min_gap) - slack
        if margin > 0.0 and 2.0 * margin >= min_gap:
            evidence[0] = min(evidence[0], 2.0 * margin)
            if leaves.shape[0] > 0:
                leaves[known, 0], leaves[known, 1], leaves[known, 2] = x0, y0, depth
                known += 1
            degree = add_cell(degree, points, 4 * top)
            top -= 1
            continue
        # a cell that fails is one that needs a proof: the smallest gap is met at some corner
        q, shortest = shortest_corner(points, 4 * top)
        if 2.0 * shortest < evidence[1]:
            evidence[1] = 2.0 * shortest
            evidence[2] = (x0 + width * CORNER_X[q]) / fine
            evidence[3] = (y0 + width * CORNER_Y[q]) / fine
        if evidence[1] + 2.0 * slack < min_gap:
            return 0, evaluations, SMALL_GAP
        if shortest <= slack:
            return 0, evaluations, CLOSED_GAP
        if depth == max_depth:
            return 0, evaluations, DEPTH if curve * moments[0] > slack else ROUNDING_STATUS
        if evaluations + 3 > max_evaluations:
            return 0, evaluations, BUDGET
        half = width // 2
        value_at(coefficients, vectors, table, x0 + half, y0 + half, fine, points, mids + 4)
        for q in range(4):
            x = x0 + half * (CORNER_X[q] + CORNER_X[(q + 1) % 4])
            y = y0 + half * (CORNER_Y[q] + CORNER_Y[(q + 1) % 4])
            value_at(coefficients, vectors, table, x, y, fine, points, mids + q)
            degree = add_triangle(degree, points, 4 * top + (q + 1) % 4, mids + q, 4 * top + q)
        evaluations += 3  # each midpoint is shared by two cells
        divide(cells, points, top, half, mids)
        top += 3
    return degree, evaluations, OK


@kernel
def walk_torus(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    phases: NDArray[np.float64],
    n_start: int,
    max_depth: int,
    max_evaluations: int,
    min_gap: float,
    moments: NDArray[np.float64],
    terms: NDArray[np.float64],
    base: NDArray[np.float64],
    side_of: NDArray[np.uint8],
    task: NDArray[np.uint8],
    cells: NDArray[np.int64],
    points: NDArray[np.float64],
    evidence: NDArray[np.float64],
    leaves: NDArray[np.int64],
) -> tuple[int, int, int]:
    """Prove every cell of the zone; returns (degree, evaluations, status).

    phases (columns, V) of `grid_table` for the V = (n_start + 1)^2 vertices, or with no rows where
    that would be large; scratch: moments (8,),
    terms (3, columns), base (5, V), side_of and task (V,), and that of `walk_cell`. evidence (4,)
    receives the proven gap, the smallest gap seen and its k; leaves, if it has rows, corner and
    depth of the proven cells, as many as evaluations.

    The degree is that of the piecewise-linear map on a conforming triangulation. A leaf counts
    the two triangles of its corners; a cell that is subdivided counts, on each side, the sliver
    (corner, midpoint, corner) as its neighbour sees it. Where the neighbour is subdivided as well
    the two slivers cancel, where it is not they make the hanging vertex part of its boundary.
    """
    slack = bounds(coefficients, vectors, moments)
    row, fine = n_start + 1, n_start << max_depth  # lattice of the corners of the deepest cells
    evidence[0], evidence[1], evidence[2], evidence[3] = np.inf, np.inf, 0.0, 0.0
    if max_evaluations < n_start * n_start:
        return 0, 0, BUDGET
    if phases.shape[0] > 0:
        vertices(coefficients, phases, terms, base)
    else:
        vertices_one_by_one(coefficients, vectors, table, n_start, fine, points, base)
    side = 2.0 * np.pi / n_start
    margins(row, moments, side * side / 8.0, base)
    tasks(row, slack, min_gap, base, side_of, task)
    place = smallest(base, 4, row * row)
    evidence[1] = 2.0 * np.sqrt(base[4, place])
    evidence[2], evidence[3] = place // row / n_start, place % row / n_start
    if evidence[1] + 2.0 * slack < min_gap:
        return 0, n_start * n_start, SMALL_GAP
    if evidence[1] <= 2.0 * slack:
        return 0, n_start * n_start, CLOSED_GAP
    degree, evaluations, known = 0, n_start * n_start, 0
    for p in range(n_start * row):
        if leaves.shape[0] > 0 and task[p] != PROVE and p % row < n_start:
            leaves[known, 0], leaves[known, 1] = p // row << max_depth, p % row << max_depth
            leaves[known, 2] = 0
            known += 1
        if task[p] == DONE:
            continue
        for axis in range(3):
            points[0, axis], points[1, axis] = base[axis, p], base[axis, p + row]
            points[2, axis], points[3, axis] = base[axis, p + row + 1], base[axis, p + 1]
        if task[p] == COUNT:
            degree = add_cell(degree, points, 0)
            continue
        base[3, p] = np.inf
        cells[0, 0], cells[0, 1] = p // row * (1 << max_depth), p % row * (1 << max_depth)
        cells[0, 2] = 0
        cover, used, status = walk_cell(
            coefficients, vectors, table, fine, max_depth, max_evaluations - evaluations, min_gap,
            slack, moments, cells, points, evidence, leaves, known,
        )  # fmt: skip
        degree += cover
        evaluations += used
        known += used + 1
        if status != OK:
            return 0, evaluations, status
    if degree >= 1 << 40:
        return 0, evaluations, AMBIGUOUS
    evidence[0] = min(evidence[0], 2.0 * (base[3, smallest(base, 3, n_start * row)] - slack))
    return degree, evaluations, OK


@kernel
def certify_degrees(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    n_start: int,
    max_depth: int,
    max_evaluations: int,
    min_gap: NDArray[np.float64],
    degree: NDArray[np.int64],
    evidence: NDArray[np.float64],
    evaluations: NDArray[np.int64],
    status: NDArray[np.uint8],
    leaves: NDArray[np.int64],
) -> None:
    """Degree of d/|d| for d = mean + sum_m (even_m cos k.R_m + odd_m sin k.R_m).

    coefficients (B, M + 1, 6) with entries up to about 1: the mean and three zeros, then even and
    odd of each vector; vectors (M, 2), table (T, 2) of cos and sin on the lattice, min_gap (B,);
    n_start and T powers of two. Out: degree, evaluations, status (B,), evidence (B, 4), and leaves
    as in `walk_torus` of a single one.
    """
    depth = 3 * max_depth + 4
    cells, points = np.empty((depth, 3), np.int64), np.empty((4 * depth + 5, 3))
    moments = np.empty(8)
    n_vertex = (n_start + 1) * (n_start + 1)
    columns = whole_passes(2 * vectors.shape[0])
    if columns * n_vertex > PHASES:
        columns = 0
    phases, terms = np.empty((columns, n_vertex)), np.zeros((3, columns))
    base, side_of = np.empty((5, n_vertex)), np.empty(n_vertex, np.uint8)
    task = np.empty(n_vertex, np.uint8)
    if columns > 0:
        grid_table(vectors, table, n_start, n_start << max_depth, phases)
    for b in range(coefficients.shape[0]):
        if not coefficients[b].any():
            evidence[b, 0], evidence[b, 1], evidence[b, 2], evidence[b, 3] = 0.0, 0.0, 0.0, 0.0
            degree[b], evaluations[b], status[b] = 0, 0, CLOSED_GAP
            continue
        degree[b], evaluations[b], status[b] = walk_torus(
            coefficients[b], vectors, table, phases, n_start, max_depth, max_evaluations,
            min_gap[b], moments, terms, base, side_of, task, cells, points, evidence[b], leaves,
        )  # fmt: skip
        evidence[b, 1] += 2.0 * MET * bounds(coefficients[b], vectors, moments)
        if status[b] != OK:
            evidence[b, 0] = 0.0
