"""Proof of the Chern number of d(k).sigma from the Fourier coefficients of d."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.degree import AMBIGUOUS, covers_axis

OK, UNRESOLVED, SMALL_GAP = st.OK, st.UNRESOLVED, st.SMALL_GAP
SLACK: Final = 64 * 2.0**-53
CORNER_X: Final = np.array([0, 1, 1, 0])  # corners of a cell, anticlockwise
CORNER_Y: Final = np.array([0, 0, 1, 1])


@kernel
def bounds(
    mean: NDArray[np.float64],
    even: NDArray[np.float64],
    odd: NDArray[np.float64],
    vectors: NDArray[np.int64],
) -> tuple[float, float]:
    """Bound of the second derivative of d along (1, +-1), and slack for rounding."""
    second, size = 0.0, abs(mean[0]) + abs(mean[1]) + abs(mean[2])
    for m in range(vectors.shape[0]):
        a, b, ab = 0.0, 0.0, 0.0
        for i in range(3):
            a += even[m, i] ** 2
            b += odd[m, i] ** 2
            ab += even[m, i] * odd[m, i]
        # largest |even cos + odd sin| over all angles: the larger semi-axis of that ellipse
        largest = np.sqrt(0.5 * (a + b + np.sqrt((a - b) ** 2 + 4.0 * ab * ab)))
        reach = abs(vectors[m, 0]) + abs(vectors[m, 1])
        second += largest * reach * reach
        size += np.sqrt(3.0 * (a + b)) * (1.0 + reach)
    return second * (1.0 + 1e-12), SLACK * (2 * vectors.shape[0] + 1) * size


@kernel
def d_vector(
    mean: NDArray[np.float64],
    even: NDArray[np.float64],
    odd: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    x: int,
    y: int,
    fine: int,
    out: NDArray[np.float64],
) -> None:
    """Fill out (3, 3) with d, d_x d and d_y d at k = 2 pi (x, y) / fine.

    Equal lattice points (modulo the zone) give equal bits, whichever cell asks.
    """
    n_table = table.shape[0]
    stride = fine // n_table
    for i in range(3):
        out[0, i], out[1, i], out[2, i] = mean[i], 0.0, 0.0
    for m in range(vectors.shape[0]):
        r1, r2 = vectors[m, 0], vectors[m, 1]
        turn = (x * r1 + y * r2) % fine
        if turn % stride == 0:
            c, s = table[turn // stride, 0], table[turn // stride, 1]
        else:
            angle = 2.0 * np.pi * turn / fine
            c, s = np.cos(angle), np.sin(angle)
        for i in range(3):
            out[0, i] += even[m, i] * c + odd[m, i] * s
            slope = odd[m, i] * c - even[m, i] * s
            out[1, i] += r1 * slope
            out[2, i] += r2 * slope


@kernel
def half_space_margin(
    field: NDArray[np.float64], direction: NDArray[np.float64], r: float
) -> float:
    """Lower bound of u.d on a cell to first order, u the unit vector along `direction`."""
    norm, at, along_x, along_y = 0.0, 0.0, 0.0, 0.0
    for i in range(3):
        u = direction[i]
        norm += u * u
        at += u * field[0, i]
        along_x += u * field[1, i]
        along_y += u * field[2, i]
    if norm == 0.0:
        return -np.inf
    return (at - r * (abs(along_x) + abs(along_y))) / math.sqrt(norm)


@kernel
def best_margin(
    field: NDArray[np.float64], trial: NDArray[np.float64], r: float, need: float
) -> float:
    """Largest first-order margin over a few directions; stops at the first above `need`.

    Tried: d itself, the normal of the tangent plane on its side, and the mean of the two unit
    vectors. trial (3,) is scratch.
    """
    trial[:] = field[0]
    best = half_space_margin(field, trial, r)
    if best > need:
        return best
    size, length, side = 0.0, 0.0, 0.0
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        trial[i] = field[1, j] * field[2, k] - field[1, k] * field[2, j]
        length += trial[i] ** 2
        size += field[0, i] ** 2
        side += trial[i] * field[0, i]
    if length == 0.0 or size == 0.0:
        return best
    scale = np.sqrt(size / length) * (1.0 if side >= 0.0 else -1.0)
    for i in range(3):
        trial[i] *= scale
    best = max(best, half_space_margin(field, trial, r))
    if best > need:
        return best
    for i in range(3):
        trial[i] += field[0, i]
    return max(best, half_space_margin(field, trial, r))


@kernel
def add_triangle(
    total: int, a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> int:
    """Total plus the cover of one triangle; a total beyond 2^40 marks ambiguity."""
    cover = covers_axis(a, b, c)
    return total + ((1 << 41) if cover == AMBIGUOUS else cover)


@kernel
def shortest_corner(corners: NDArray[np.float64]) -> tuple[int, float]:
    """Which of the corners (4, 3) of a cell has the smallest |d|, and that size."""
    best, shortest = 0, np.inf
    for q in range(4):
        size = corners[q, 0] ** 2 + corners[q, 1] ** 2 + corners[q, 2] ** 2
        if size < shortest:
            best, shortest = q, size
    return best, float(np.sqrt(shortest))


@kernel
def walk_torus(
    mean: NDArray[np.float64],
    even: NDArray[np.float64],
    odd: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    n_start: int,
    max_depth: int,
    max_evaluations: int,
    min_gap: float,
    cells: NDArray[np.int64],
    corners: NDArray[np.float64],
    mids: NDArray[np.float64],
    field: NDArray[np.float64],
    trial: NDArray[np.float64],
    evidence: NDArray[np.float64],
) -> tuple[int, int, int]:
    """Quarter the cells of the zone until each is proven; returns (degree, evaluations, status).

    cells (S, 3) and corners (S, 4, 3) are the stack, mids (5, 3), field (3, 3), trial (3,)
    scratch; evidence (4,) receives the proven gap, the smallest gap seen and its k.

    The degree is that of the piecewise-linear map on a conforming triangulation. A leaf counts
    the two triangles of its corners; a cell that is quartered counts, on each side, the sliver
    (corner, midpoint, corner) as its neighbour sees it. Where the neighbour is quartered as well
    the two slivers cancel, where it is not they make the hanging vertex part of its boundary.
    """
    second, slack = bounds(mean, even, odd, vectors)
    fine = n_start << (max_depth + 1)  # lattice on which centres of the deepest cells lie
    evidence[0], evidence[1], evidence[2], evidence[3] = np.inf, np.inf, 0.0, 0.0
    degree, evaluations = 0, 0
    for start in range(n_start * n_start):
        if evaluations + 2 > max_evaluations:
            return 0, evaluations, UNRESOLVED
        top = 0
        side = 2 << max_depth
        cells[0, 0], cells[0, 1] = (start // n_start) * side, (start % n_start) * side
        cells[0, 2] = 0
        for q in range(4):
            x, y = cells[0, 0] + CORNER_X[q] * side, cells[0, 1] + CORNER_Y[q] * side
            d_vector(mean, even, odd, vectors, table, x, y, fine, field)
            corners[0, q] = field[0]
        evaluations += 1
        while top >= 0:
            if evaluations >= max_evaluations:
                return 0, evaluations, UNRESOLVED
            x0, y0, depth = cells[top, 0], cells[top, 1], cells[top, 2]
            half = 1 << (max_depth - depth)
            r = 2.0 * np.pi * half / fine
            d_vector(mean, even, odd, vectors, table, x0 + half, y0 + half, fine, field)
            evaluations += 1
            size = np.sqrt(field[0, 0] ** 2 + field[0, 1] ** 2 + field[0, 2] ** 2)
            if not 2.0 * size >= evidence[1]:
                evidence[1] = 2.0 * size
                evidence[2], evidence[3] = (x0 + half) / fine, (y0 + half) / fine
            rest = 0.5 * second * r * r + slack
            margin = best_margin(field, trial, r, rest + 0.5 * min_gap) - rest
            if margin > 0.0 and 2.0 * margin >= min_gap:
                evidence[0] = min(evidence[0], 2.0 * margin)
                degree = add_triangle(degree, corners[top, 0], corners[top, 1], corners[top, 2])
                degree = add_triangle(degree, corners[top, 0], corners[top, 2], corners[top, 3])
                top -= 1
                continue
            # of a cell across the line 2 |d| = min_gap some corner is below: without the corners
            # the first child would be followed along that line down to the last level
            q, shortest = shortest_corner(corners[top])
            if 2.0 * shortest < evidence[1]:
                evidence[1] = 2.0 * shortest
                evidence[2] = (x0 + 2 * half * CORNER_X[q]) / fine
                evidence[3] = (y0 + 2 * half * CORNER_Y[q]) / fine
            if evidence[1] + 2.0 * slack < min_gap:
                return 0, evaluations, SMALL_GAP
            if depth == max_depth or evaluations + 2 > max_evaluations:
                return 0, evaluations, UNRESOLVED
            mids[4] = field[0]
            for q in range(4):
                x = x0 + half * (CORNER_X[q] + CORNER_X[(q + 1) % 4])
                y = y0 + half * (CORNER_Y[q] + CORNER_Y[(q + 1) % 4])
                d_vector(mean, even, odd, vectors, table, x, y, fine, field)
                mids[q] = field[0]
                degree = add_triangle(degree, corners[top, (q + 1) % 4], mids[q], corners[top, q])
            evaluations += 2  # each midpoint is shared by two cells
            for q in range(3, -1, -1):  # child q keeps corner q; child 0 takes the parent's place
                child = top + q
                cells[child, 0] = x0 + half * CORNER_X[q]
                cells[child, 1] = y0 + half * CORNER_Y[q]
                cells[child, 2] = depth + 1
                keep, after = corners[top, q].copy(), (q + 1) % 4
                corners[child, after] = mids[q]
                corners[child, (q + 2) % 4] = mids[4]
                corners[child, (q + 3) % 4] = mids[(q + 3) % 4]
                corners[child, q] = keep
            top += 3
    if degree >= 1 << 40:
        return 0, evaluations, AMBIGUOUS
    return degree, evaluations, OK


@kernel
def certify_degrees(
    mean: NDArray[np.float64],
    even: NDArray[np.float64],
    odd: NDArray[np.float64],
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
) -> None:
    """Degree of d/|d| for d = mean + sum_m (even_m cos k.R_m + odd_m sin k.R_m).

    mean (B, 3), even and odd (B, M, 3) with entries up to about 1, vectors (M, 2), table (T, 2)
    of cos and sin on the lattice, min_gap (B,); out: degree, evaluations, status (B,),
    evidence (B, 4).
    """
    depth = 3 * max_depth + 4
    cells, corners = np.empty((depth, 3), np.int64), np.empty((depth, 4, 3))
    mids, field, trial = np.empty((5, 3)), np.empty((3, 3)), np.empty(3)
    for b in range(mean.shape[0]):
        total = 0.0
        for i in range(3):
            total += abs(mean[b, i])
            for m in range(vectors.shape[0]):
                total += abs(even[b, m, i]) + abs(odd[b, m, i])
        if total == 0.0:
            evidence[b, 0], evidence[b, 1], evidence[b, 2], evidence[b, 3] = 0.0, 0.0, 0.0, 0.0
            degree[b], evaluations[b], status[b] = 0, 0, UNRESOLVED
            continue
        degree[b], evaluations[b], status[b] = walk_torus(
            mean[b], even[b], odd[b], vectors, table, n_start, max_depth, max_evaluations,
            min_gap[b], cells, corners, mids, field, trial, evidence[b],
        )  # fmt: skip
        if status[b] != OK:
            evidence[b, 0] = 0.0
