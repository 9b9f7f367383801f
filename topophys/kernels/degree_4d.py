"""Degree of a piecewise-linear map from the four-dimensional zone to R^5, by signs."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.small_linalg import TINY

AMBIGUOUS = st.AMBIGUOUS
#: Relative rounding of determinants of four and of five rows, with room.
FOUR, FIVE = 128 * 2.0**-53, 512 * 2.0**-53
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
