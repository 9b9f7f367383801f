"""Degrees of piecewise-linear maps: winding numbers in 3D, second Chern numbers in 4D."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.chern_two_band import phase
from topophys.kernels.rounding import MET
from topophys.kernels.small_linalg import TINY, smallest_singular_2x2

# --------------- How often a piecewise-linear map to R^4 covers the positive last axis: signs only

AMBIGUOUS = st.AMBIGUOUS
#: Relative rounding of determinants of three, four and five rows, with room.
THREE, FOUR, FIVE = 32 * 2.0**-53, 128 * 2.0**-53, 512 * 2.0**-53


@kernel
def minor(points: NDArray[np.float64], i: int, j: int, k: int, axis: int) -> tuple[float, float]:
    """Return the determinant of three rows (K, 8) without one column, and the size of its terms."""
    x, y, z = (axis + 1) & 3, (axis + 2) & 3, (axis + 3) & 3
    a, b, c = points[i, x], points[i, y], points[i, z]
    d, e, f = points[j, x], points[j, y], points[j, z]
    g, h, m = points[k, x], points[k, y], points[k, z]
    det = a * (e * m - f * h) - b * (d * m - f * g) + c * (d * h - e * g)
    size = (
        abs(a) * (abs(e * m) + abs(f * h))
        + abs(b) * (abs(d * m) + abs(f * g))
        + abs(c) * (abs(d * h) + abs(e * g))
    )
    return det, size


@kernel
def covers(
    points: NDArray[np.float64], i: int, j: int, k: int, m: int, axis: int, side: float
) -> int:
    """+1, -1 or 0: whether and how the cone of four rows contains the axis, to one side of 0.

    Columns are taken in the order axis + 1, axis + 2, axis + 3, axis: an odd permutation of
    (0, 1, 2, 3) where axis is 0 or 2. With cofactors C of the last column, the coefficients of the
    axis are C / det.
    """
    low, high = True, True
    for r in (i, j, k, m):
        low &= side * points[r, axis] <= 0.0
    if low:
        return 0
    for step in range(1, 4):
        c = (axis + step) & 3
        low = high = True
        for r in (i, j, k, m):
            low &= points[r, c] < 0.0
            high &= points[r, c] > 0.0
        if low or high:
            return 0
    rows = (i, j, k, m)
    det, size, positive, negative = 0.0, 0.0, 0, 0
    for q in range(4):
        a, b, c = rows[(q + 1) & 3], rows[(q + 2) & 3], rows[(q + 3) & 3]
        cofactor, weight = minor(points, a, b, c, axis)
        # the rows are cyclically permuted: odd for four rows, so that the sign goes (-1)^(q + 1)
        cofactor = -cofactor if q & 1 == 0 else cofactor
        if abs(cofactor) > THREE * weight + TINY:
            positive += int(cofactor > 0.0)
            negative += int(cofactor < 0.0)
        last = side * points[rows[q], axis]
        det += cofactor * last
        size += weight * abs(last)
    if positive > 0 and negative > 0:
        return 0
    if positive + negative < 4 or not abs(det) > FOUR * size + TINY:
        return AMBIGUOUS
    if (det > 0.0) != (positive == 4):
        return 0
    sign = 1 if det > 0.0 else -1
    # orientation of (axis + 1, axis + 2, axis + 3, side axis)
    return sign if (axis & 1 == 1) == (side > 0.0) else -sign


@kernel
def add_simplex(
    total: int,
    points: NDArray[np.float64],
    rows: tuple[int, int, int, int],
    weight: int,
    axis: int,
    side: float,
) -> int:
    """Total plus the cover of a simplex; a total beyond 2^40 marks ambiguity and stays."""
    if total >= 1 << 40:
        return total
    cover = covers(points, rows[0], rows[1], rows[2], rows[3], axis, side)
    return total + ((1 << 41) if cover == AMBIGUOUS else weight * cover)


@kernel
def add_cube(
    total: int,
    points: NDArray[np.float64],
    x: int,
    y: int,
    z: int,
    axis: int,
    side: float,
) -> int:
    """Total plus the six simplices around the main diagonal of a cube (H. W. Kuhn).

    Row 0 of points is the lowest corner; the others are x, y, z and their sums further.
    """
    whole = x + y + z
    total = add_simplex(total, points, (0, x, x + y, whole), 1, axis, side)
    total = add_simplex(total, points, (0, y, y + z, whole), 1, axis, side)
    total = add_simplex(total, points, (0, z, z + x, whole), 1, axis, side)
    total = add_simplex(total, points, (0, y, y + x, whole), -1, axis, side)
    total = add_simplex(total, points, (0, z, z + y, whole), -1, axis, side)
    return add_simplex(total, points, (0, x, x + z, whole), -1, axis, side)


@kernel
def add_slivers(total: int, points: NDArray[np.float64], axis: int, side: float) -> int:
    """Total plus what makes the surface of a divided cube that of an undivided one.

    Rows 0 to 26 of points are the lattice 3 x 3 x 3 of the cube. On each face, with corners a, b,
    c, d, midpoints of edges and the centre, the chain (coarse triangles) - (fine triangles) +
    (corner, midpoint, corner of each edge) has no boundary; the cone from a over it is added.
    """
    steps = (1, 3, 9)
    for across in range(3):
        u, v = steps[(across + 1) % 3], steps[(across + 2) % 3]
        for upper in range(2):
            a = 2 * steps[across] * upper
            w = 1 if upper == 1 else -1
            ab, b, bc, c = a + u, a + 2 * u, a + 2 * u + v, a + 2 * u + 2 * v
            cd, d, da, m = a + u + 2 * v, a + 2 * v, a + v, a + u + v
            total = add_simplex(total, points, (a, ab, b, bc), -w, axis, side)
            total = add_simplex(total, points, (a, ab, bc, m), -w, axis, side)
            total = add_simplex(total, points, (a, m, bc, c), -w, axis, side)
            total = add_simplex(total, points, (a, m, c, cd), -w, axis, side)
            total = add_simplex(total, points, (a, da, m, cd), -w, axis, side)
            total = add_simplex(total, points, (a, da, cd, d), -w, axis, side)
            total = add_simplex(total, points, (a, b, bc, c), w, axis, side)
            total = add_simplex(total, points, (a, c, cd, d), w, axis, side)
    return total


# ---------------------- Blocks on a dyadic lattice of the zone, and bounds of their singular values


@kernel
def block_at(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    x: int,
    y: int,
    z: int,
    fine: int,
    points: NDArray[np.float64],
    place: int,
) -> None:
    """Fill a row of points (K, 8) with D at k = 2 pi (x, y, z) / fine, column after column.

    coefficients (M, 8): real and imaginary parts of D_R in the same order, vectors (M, 3). Equal
    lattice points (modulo the Brillouin zone) give equal bits.
    """
    for i in range(8):
        points[place, i] = 0.0
    for m in range(vectors.shape[0]):
        turn = x * vectors[m, 0] + y * vectors[m, 1] + z * vectors[m, 2]
        c, s = phase(turn, table, fine)
        for i in range(0, 8, 2):
            re, im = coefficients[m, i], coefficients[m, i + 1]
            points[place, i] += re * c - im * s
            points[place, i + 1] += re * s + im * c


@kernel
def smallest_of(points: NDArray[np.float64], place: int) -> float:
    """Smallest singular value of the block in a row."""
    p, r = complex(points[place, 0], points[place, 1]), complex(points[place, 2], points[place, 3])
    q, s = complex(points[place, 4], points[place, 5]), complex(points[place, 6], points[place, 7])
    return smallest_singular_2x2(p, q, r, s)


@kernel
def margin_of(points: NDArray[np.float64], first: int, bend: float) -> float:
    """Lower bound of the smallest singular value of D on the cube of eight rows.

    With a unitary Q, x^dagger Q^dagger D x has a real part of at most |D x|: the least level of the
    Hermitian part of Q^dagger D is below the smallest singular value. That level is concave in D,
    so that on the trilinear map through the corners it is lowest at one of them; D departs from
    that map by `bend` at most. Q is the unitary factor of the mean of the corners.
    """
    p, q, r, s = 0.0j, 0.0j, 0.0j, 0.0j
    for c in range(first, first + 8):
        p += complex(points[c, 0], points[c, 1])
        r += complex(points[c, 2], points[c, 3])
        q += complex(points[c, 4], points[c, 5])
        s += complex(points[c, 6], points[c, 7])
    det = p * s - q * r
    size = abs(det)
    if not size > 0.0:
        return -np.inf
    turn = det / size
    a, b = p + turn * np.conj(s), q - turn * np.conj(r)
    norm = math.sqrt(a.real * a.real + a.imag * a.imag + b.real * b.real + b.imag * b.imag)
    # Q = [[a, b], [-turn conj(b), turn conj(a)]], and its adjoint
    a, b = np.conj(a) / norm, np.conj(b) / norm
    c21, d22 = -np.conj(turn) * np.conj(b), np.conj(turn) * np.conj(a)
    low = np.inf
    for c in range(first, first + 8):
        p, r = complex(points[c, 0], points[c, 1]), complex(points[c, 2], points[c, 3])
        q, s = complex(points[c, 4], points[c, 5]), complex(points[c, 6], points[c, 7])
        g11, g12 = a * p + c21 * r, a * q + c21 * s
        g21, g22 = b * p + d22 * r, b * q + d22 * s
        off = 0.5 * (g12 + np.conj(g21))
        mean, half = 0.5 * (g11.real + g22.real), 0.5 * (g11.real - g22.real)
        low = min(low, mean - math.sqrt(half * half + off.real * off.real + off.imag * off.imag))
    return low - bend


# ------------------------------------------------------------------------------------- The proof

OK = st.OK


@kernel
def note(evidence: NDArray[np.float64], seen: float, x: float, y: float, z: float) -> None:
    """Keep the smallest gap met and where, in units of the zone."""
    if seen < evidence[1]:
        evidence[1], evidence[2], evidence[3], evidence[4] = seen, x, y, z


@kernel
def walk_cube(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    fine: int,
    max_depth: int,
    max_evaluations: int,
    min_gap: float,
    slack: float,
    second: float,
    axis: int,
    side: float,
    cells: NDArray[np.int64],
    points: NDArray[np.float64],
    lattice: NDArray[np.float64],
    evidence: NDArray[np.float64],
) -> tuple[int, int, int]:
    """Divide one cube into eights until its parts are proven; (cover, evaluations, status).

    cells (S, 4) is the stack with the cube in row 0, points (8 S, 8) has the corners of each,
    corner b at x + (b & 1), y + (b >> 1 & 1), z + (b >> 2); lattice (27, 8) is scratch.
    """
    degree, evaluations, top = 0, 0, 0
    while top >= 0:
        x0, y0, z0, depth = cells[top, 0], cells[top, 1], cells[top, 2], cells[top, 3]
        width = 1 << (max_depth - depth)
        edge = 2.0 * np.pi * width / fine
        bend = edge * edge / 8.0 * second
        margin = margin_of(points, 8 * top, bend) - slack
        if margin > 0.0 and 2.0 * margin >= min_gap:
            evidence[0] = min(evidence[0], 2.0 * margin)
            for b in range(8):
                for i in range(8):
                    lattice[b, i] = points[8 * top + b, i]
            degree = add_cube(degree, lattice, 1, 2, 4, axis, side)
            top -= 1
            continue
        shortest = np.inf
        for b in range(8):
            size = smallest_of(points, 8 * top + b)
            shortest = min(shortest, size)
            note(
                evidence, 2.0 * size, (x0 + width * (b & 1)) / fine,
                (y0 + width * (b >> 1 & 1)) / fine, (z0 + width * (b >> 2)) / fine,
            )  # fmt: skip
        if evidence[1] + 2.0 * slack < min_gap:
            return 0, evaluations, st.SMALL_GAP
        if shortest <= slack:
            return 0, evaluations, st.CLOSED_GAP
        if depth == max_depth:
            return 0, evaluations, st.DEPTH if bend > slack else st.ROUNDING
        if evaluations + 7 > max_evaluations:
            return 0, evaluations, st.BUDGET
        half = width // 2
        for i in range(27):
            x, y, z = i % 3, i // 3 % 3, i // 9
            if x != 1 and y != 1 and z != 1:
                b = x // 2 + 2 * (y // 2) + 4 * (z // 2)
                for j in range(8):
                    lattice[i, j] = points[8 * top + b, j]
            else:
                block_at(
                    coefficients, vectors, table, x0 + half * x, y0 + half * y, z0 + half * z, fine,
                    lattice, i,
                )  # fmt: skip
        evaluations += 7  # faces and edges are shared
        degree = add_slivers(degree, lattice, axis, side)
        for child in range(7, -1, -1):
            x, y, z = child & 1, child >> 1 & 1, child >> 2
            row = top + child
            cells[row, 0], cells[row, 1] = x0 + half * x, y0 + half * y
            cells[row, 2], cells[row, 3] = z0 + half * z, depth + 1
            for b in range(8):
                at = (x + (b & 1)) + 3 * (y + (b >> 1 & 1)) + 9 * (z + (b >> 2))
                for j in range(8):
                    points[8 * row + b, j] = lattice[at, j]
        top += 7
    return degree, evaluations, OK


@kernel
def walk_zone(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    n_start: int,
    max_depth: int,
    max_evaluations: int,
    min_gap: float,
    slack: float,
    second: float,
    axis: int,
    side: float,
    base: NDArray[np.float64],
    cells: NDArray[np.int64],
    points: NDArray[np.float64],
    lattice: NDArray[np.float64],
    evidence: NDArray[np.float64],
) -> tuple[int, int, int]:
    """Prove every cube of the zone; returns (degree, evaluations, status).

    base (n_start^3, 8) is scratch; evidence (5,) receives the proven gap, the smallest one met and
    its momentum in units of the zone.
    """
    n, fine, width = n_start, n_start << max_depth, 1 << max_depth
    evidence[0], evidence[1] = np.inf, np.inf
    evidence[2], evidence[3], evidence[4] = 0.0, 0.0, 0.0
    if max_evaluations < n**3:
        return 0, 0, st.BUDGET
    for x in range(n):
        for y in range(n):
            for z in range(n):
                place = (x * n + y) * n + z
                block_at(
                    coefficients, vectors, table, x * width, y * width, z * width, fine, base, place
                )
                note(evidence, 2.0 * smallest_of(base, place), x / n, y / n, z / n)
    if evidence[1] + 2.0 * slack < min_gap:
        return 0, n**3, st.SMALL_GAP
    if evidence[1] <= 2.0 * slack:
        return 0, n**3, st.CLOSED_GAP
    degree, evaluations = 0, n**3
    for x in range(n):
        for y in range(n):
            for z in range(n):
                for b in range(8):
                    i, j = (x + (b & 1)) % n, (y + (b >> 1 & 1)) % n
                    place = (i * n + j) * n + (z + (b >> 2)) % n
                    for c in range(8):
                        points[b, c] = base[place, c]
                cells[0, 0], cells[0, 1] = x * width, y * width
                cells[0, 2], cells[0, 3] = z * width, 0
                cover, used, status = walk_cube(
                    coefficients, vectors, table, fine, max_depth, max_evaluations - evaluations,
                    min_gap, slack, second, axis, side, cells, points, lattice, evidence,
                )  # fmt: skip
                degree += cover
                evaluations += used
                if status != OK:
                    return 0, evaluations, status
    if degree >= 1 << 40:
        return 0, evaluations, AMBIGUOUS
    return degree, evaluations, OK


@kernel
def certify_degrees_3d(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    n_start: int,
    max_depth: int,
    max_evaluations: int,
    min_gap: NDArray[np.float64],
    slack: NDArray[np.float64],
    second: NDArray[np.float64],
    degree: NDArray[np.int64],
    evidence: NDArray[np.float64],
    evaluations: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Degree of the first column of D(k), for coefficients (B, M, 8) with entries up to about 1.

    n_start and the length of `table` are powers of two; slack, second (B,) are the rounding of D
    and a bound of sum_R |R|^2 |D_R|. Out: degree, evaluations, status (B,), evidence (B, 5).
    """
    depth = 7 * max_depth + 8
    cells, points = np.empty((depth, 4), np.int64), np.empty((8 * depth, 8))
    lattice, base = np.empty((27, 8)), np.empty((n_start**3, 8))
    for b in range(coefficients.shape[0]):
        used, tries = 0, 0
        while True:
            degree[b], evaluations[b], status[b] = walk_zone(
                coefficients[b], vectors, table, n_start, max_depth, max_evaluations, min_gap[b],
                slack[b], second[b], 3 - tries // 2, 1.0 if tries % 2 == 0 else -1.0, base, cells,
                points, lattice, evidence[b],
            )  # fmt: skip
            used += evaluations[b]
            tries += 1
            # a ray through the surface of a simplex: another one may do
            if status[b] != AMBIGUOUS or tries == 8:
                break
        evaluations[b] = used
        evidence[b, 1] += 2.0 * MET * slack[b]
        if status[b] != OK:
            evidence[b, 0] = 0.0


@kernel
def degree_of_grid(base: NDArray[np.float64], axis: int, side: float) -> int:
    """Degree of the piecewise-linear map through columns (n_x, n_y, n_z, 8) on a periodic grid."""
    nx, ny, nz, _ = base.shape
    points = np.empty((8, 8))
    degree = 0
    for x in range(nx):
        for y in range(ny):
            for z in range(nz):
                for b in range(8):
                    i, j, k = (x + (b & 1)) % nx, (y + (b >> 1 & 1)) % ny, (z + (b >> 2)) % nz
                    for c in range(8):
                        points[b, c] = base[i, j, k, c]
                degree = add_cube(degree, points, 1, 2, 4, axis, side)
    return degree


# ---- Four dimensions: degree of a piecewise-linear map to R^5, by signs

#: Corners of a cell along the paths of the simplices around its main diagonal: one a permutation
#: of the axes, the last column its sign.
PATHS: Final = np.array(
    [
        [0, 1, 3, 7, 15, 1], [0, 1, 3, 11, 15, -1], [0, 1, 5, 7, 15, -1], [0, 1, 5, 13, 15, 1],
        [0, 1, 9, 11, 15, 1], [0, 1, 9, 13, 15, -1], [0, 2, 3, 7, 15, -1], [0, 2, 3, 11, 15, 1],
        [0, 2, 6, 7, 15, 1], [0, 2, 6, 14, 15, -1], [0, 2, 10, 11, 15, -1], [0, 2, 10, 14, 15, 1],
        [0, 4, 5, 7, 15, 1], [0, 4, 5, 13, 15, -1], [0, 4, 6, 7, 15, -1], [0, 4, 6, 14, 15, 1],
        [0, 4, 12, 13, 15, 1], [0, 4, 12, 14, 15, -1],
        [0, 8, 9, 11, 15, -1], [0, 8, 9, 13, 15, 1], [0, 8, 10, 11, 15, 1],
        [0, 8, 10, 14, 15, -1], [0, 8, 12, 13, 15, -1], [0, 8, 12, 14, 15, 1],
    ]
)  # fmt: skip


@kernel
def minor_4(p: NDArray[np.float64], a: int, b: int, c: int, d: int) -> tuple[float, float]:
    """Return the determinant of four rows of p, columns 0 to 3, and the size of its terms."""
    det, size = 0.0, 0.0
    rows = (a, b, c, d)
    for i in range(4):
        x, y, z = rows[(i + 1) & 3], rows[(i + 2) & 3], rows[(i + 3) & 3]
        first = p[x, 1] * (p[y, 2] * p[z, 3] - p[y, 3] * p[z, 2])
        second = p[x, 2] * (p[y, 1] * p[z, 3] - p[y, 3] * p[z, 1])
        third = p[x, 3] * (p[y, 1] * p[z, 2] - p[y, 2] * p[z, 1])
        weight = (
            abs(p[x, 1]) * (abs(p[y, 2] * p[z, 3]) + abs(p[y, 3] * p[z, 2]))
            + abs(p[x, 2]) * (abs(p[y, 1] * p[z, 3]) + abs(p[y, 3] * p[z, 1]))
            + abs(p[x, 3]) * (abs(p[y, 1] * p[z, 2]) + abs(p[y, 2] * p[z, 1]))
        )
        # rows are cyclically permuted, which is odd for four of them
        sign = 1.0 if i & 1 == 0 else -1.0
        det += sign * p[rows[i], 0] * (first - second + third)
        size += abs(p[rows[i], 0]) * weight
    return det, size


@kernel
def covers_5(p: NDArray[np.float64], rows: NDArray[np.int64]) -> int:
    """+1, -1 or 0: whether and how the cone of five rows of p (K, 5) contains the last axis."""
    low = True
    for q in range(5):
        low &= p[rows[q], 4] <= 0.0
    if low:
        return 0
    for c in range(4):
        low, high = True, True
        for q in range(5):
            low &= p[rows[q], c] < 0.0
            high &= p[rows[q], c] > 0.0
        if low or high:
            return 0
    det, size, positive, negative = 0.0, 0.0, 0, 0
    for q in range(5):
        # cyclic permutations of five rows are even
        a, b = rows[(q + 1) % 5], rows[(q + 2) % 5]
        c, d = rows[(q + 3) % 5], rows[(q + 4) % 5]
        cofactor, weight = minor_4(p, a, b, c, d)
        if abs(cofactor) > FOUR * weight + TINY:
            positive += int(cofactor > 0.0)
            negative += int(cofactor < 0.0)
        det += cofactor * p[rows[q], 4]
        size += weight * abs(p[rows[q], 4])
    if positive > 0 and negative > 0:
        return 0
    if positive + negative < 5 or not abs(det) > FIVE * size + TINY:
        return AMBIGUOUS
    if (det > 0.0) != (positive == 5):
        return 0
    return 1 if det > 0.0 else -1


@kernel
def degree_of_grid_4d(
    base: NDArray[np.float64], bend: float, paths: NDArray[np.int64]
) -> tuple[int, float, float, int]:
    """Degree of d (N, N, N, N, 5), least margin, least |d|^2 and its place, on a periodic grid.

    On a cell u.d is at least its least value at the corners less `bend` |u|, u their mean. A
    degree beyond 2^40 says that some sign is not certain.
    """
    n = base.shape[0]
    p, rows = np.empty((16, 5)), np.empty(5, np.int64)
    degree, margin, shortest, place = 0, np.inf, np.inf, 0
    for cell in range(n**4):
        w, z, y, x = cell % n, cell // n % n, cell // n**2 % n, cell // n**3
        u = np.zeros(5)
        for b in range(16):
            i, j = (x + (b & 1)) % n, (y + (b >> 1 & 1)) % n
            k, m = (z + (b >> 2 & 1)) % n, (w + (b >> 3)) % n
            for c in range(5):
                p[b, c] = base[i, j, k, m, c]
                u[c] += p[b, c]
        size, own = 0.0, 0.0
        for c in range(5):
            size += u[c] * u[c]
            own += p[0, c] * p[0, c]
        if own < shortest:
            shortest, place = own, cell
        if not size > 0.0:
            return 0, -np.inf, shortest, place
        least = np.inf
        for b in range(16):
            along = 0.0
            for c in range(5):
                along += u[c] * p[b, c]
            least = min(least, along)
        margin = min(margin, least / np.sqrt(size) - bend)
        for path in range(24):
            for q in range(5):
                rows[q] = paths[path, q]
            cover = covers_5(p, rows)
            if cover == AMBIGUOUS:
                return 1 << 41, margin, shortest, place
            degree += cover * paths[path, 5]
    return degree, margin, shortest, place
