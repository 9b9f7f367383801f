"""Proof of the Chern number of d(k).sigma from the Fourier coefficients of d."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.cells import CORNER_X, CORNER_Y
from topophys.kernels.degree import covers_axis
from topophys.kernels.rounding import MET
from topophys.kernels.trig_series import smallest, whole_passes
from topophys.kernels.two_band_base import (
    COUNT,
    DONE,
    PROVE,
    grid_table,
    margins,
    tasks,
    vertices,
    vertices_one_by_one,
)
from topophys.kernels.two_band_field import best_margin, bounds, value_at

OK, SMALL_GAP, CLOSED_GAP = st.OK, st.SMALL_GAP, st.CLOSED_GAP
BUDGET, DEPTH, ROUNDING, AMBIGUOUS = st.BUDGET, st.DEPTH, st.ROUNDING, st.AMBIGUOUS
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
        curve = (2.0 * np.pi * width / fine) ** 2 / 8.0
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
            return 0, evaluations, DEPTH if curve * moments[0] > slack else ROUNDING
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
    margins(row, moments, (2.0 * np.pi / n_start) ** 2 / 8.0, base)
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
