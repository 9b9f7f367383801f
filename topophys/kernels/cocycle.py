"""Transition phases between the frames of neighbouring cells, and how far they can vary."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.cell_bounds import gram_norm
from topophys.kernels.rounding import UNIT, UP

__all__ = ["edge_phases", "link_phases", "phase_sum", "turn_phases", "vertex_phases"]

#: Largest amplified rounding error of an overlap for which the first-order estimates are used.
TRUSTED: Final = 1e-4


@kernel
def phase_sum(sigma: float, largest: float, rank: int) -> float:
    """Bound of |arg det(1 + X)| where singular values of X add up to at most sigma.

    Each is at most `largest` < 1 and at most `rank` differ from 0: |arg(1 + lambda)| is at most
    arcsin |lambda|, which is convex, and sums over |lambda| are bounded by those over singular
    values (H. Weyl, Proc. Natl. Acad. Sci. 35, 408 (1949)).
    """
    m = min(largest, sigma)
    if not m < 1.0:
        return np.inf
    if m < 1e-150:
        return 0.0
    return min(float(rank), sigma / m) * math.asin(m) * UP


@kernel
def factor_columns(top: NDArray[np.complex128], order: NDArray[np.int64]) -> tuple[complex, float]:
    """Replace top (f, f) by its LU factors, rows in `order`; phase of det and pivot growth.

    The phase is 0 where a pivot vanishes.
    """
    f = top.shape[0]
    largest, grown = 0.0, 0.0
    for i in range(f):
        order[i] = i
        for j in range(f):
            largest = max(largest, abs(top[i, j].real) + abs(top[i, j].imag))
    sign = 1.0 + 0.0j
    for c in range(f):
        p, best = c, -1.0
        for i in range(c, f):
            size = abs(top[i, c].real) + abs(top[i, c].imag)
            if size > best:
                p, best = i, size
        if not best > 1e-140:
            return 0.0j, 1.0
        if p != c:
            sign = -sign
            order[c], order[p] = order[p], order[c]
            for j in range(f):
                top[c, j], top[p, j] = top[p, j], top[c, j]
        pivot = top[c, c]
        sign *= pivot / abs(pivot)
        inverse = 1.0 / pivot
        for i in range(c + 1, f):
            ratio = top[i, c] * inverse
            top[i, c] = ratio
            for j in range(c + 1, f):
                top[i, j] -= ratio * top[c, j]
        for i in range(c + 1, f):
            for j in range(c + 1, f):
                grown = max(grown, abs(top[i, j].real) + abs(top[i, j].imag))
    return sign, max(1.0, grown / largest)


@kernel
def overlap(
    u: NDArray[np.complex128],
    v: NDArray[np.complex128],
    low: int,
    high: int,
    out: NDArray[np.complex128],
) -> None:
    """Fill out (high - low, f) with u[:, low:high]^dagger v[:, :f]."""
    f = out.shape[1]
    for r in range(high - low):
        for j in range(f):
            out[r, j] = 0.0
    for s in range(u.shape[0]):
        for r in range(high - low):
            x = np.conj(u[s, low + r])
            for j in range(f):
                out[r, j] += x * v[s, j]


@kernel
def edge_phases(
    frames: NDArray[np.complex128],
    filled: int,
    frobenius: NDArray[np.float64],
    operator: NDArray[np.float64],
    departure: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    middle: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> None:
    """Fill middle and spread (E,): chi = arg det(V_c^dagger P V_c') is within spread of middle.

    frames (F, n, n) are bases (V, W) of cells, unitary up to `departure` (F,); on the edge the
    occupied space is the graph of maps T_c and T_c' whose norms are bounded by `frobenius` and
    `operator` (F,). With S the map whose graph over V_c is V_c', the phase differs from
    middle = arg det V_c^dagger V_c' by arg det(1 + T_c^dagger S); the same with c and c' exchanged.
    """
    n = frames.shape[1]
    rank = min(filled, n - filled)
    top, low = (
        np.empty((filled, filled), np.complex128),
        np.empty((n - filled, filled), np.complex128),
    )
    map_t = np.empty((filled, n - filled), np.complex128)
    order, work = np.empty(filled, np.int64), np.empty((n, n), np.complex128)
    for e in range(left.shape[0]):
        c, d = left[e], right[e]
        overlap(frames[c], frames[d], 0, filled, top)
        overlap(frames[c], frames[d], filled, n, low)
        sign, growth = factor_columns(top, order)
        middle[e], spread[e] = 0.0, np.inf
        if sign == 0.0:
            continue
        middle[e] = math.atan2(sign.imag, sign.real)
        # rows of map_t are columns of S = low top^-1 = low U^-1 L^-1 P
        for j in range(filled):
            for r in range(n - filled):
                map_t[j, r] = low[r, j]
            for k in range(j):
                x = top[k, j]
                for r in range(n - filled):
                    map_t[j, r] -= x * map_t[k, r]
            inverse = 1.0 / top[j, j]
            for r in range(n - filled):
                map_t[j, r] *= inverse
        for j in range(filled - 1, -1, -1):
            for k in range(j + 1, filled):
                x = top[k, j]
                for r in range(n - filled):
                    map_t[j, r] -= x * map_t[k, r]
        size_f, size_o = gram_norm(map_t, work)
        # |top^-1|^2 = 1 + |S|^2 for unitary bases; elimination as in `determinant_error`
        inverse_norm = math.sqrt(1.0 + size_o * size_o) * UP
        error = departure[c] + departure[d] + 8.0 * UNIT * n * math.sqrt(1.0 * n)
        error += 16.0 * UNIT * filled**2 * max(1.0, filled / 8.0) * growth * math.sqrt(1.0 * filled)
        if not error * inverse_norm < TRUSTED:
            continue
        more = 2.0 * error * (1.0 + size_f) * inverse_norm
        size_f, size_o = size_f + more, size_o + more
        own = phase_sum(size_f * frobenius[c], size_o * operator[c], rank)
        other = phase_sum(size_f * frobenius[d], size_o * operator[d], rank)
        spread[e] = min(own, other) + 2.0 * filled * error * inverse_norm


@kernel
def frame_phase(
    u: NDArray[np.complex128],
    v: NDArray[np.complex128],
    top: NDArray[np.complex128],
    order: NDArray[np.int64],
) -> complex:
    """Phase of det u[:, :f]^dagger v[:, :f]; 0 where it vanishes."""
    overlap(u, v, 0, top.shape[0], top)
    sign, _ = factor_columns(top, order)
    return sign


@kernel
def vertex_phases(
    frames: NDArray[np.complex128],
    vertex_frames: NDArray[np.complex128],
    filled: int,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    vertex: NDArray[np.int64],
    middle: NDArray[np.float64],
    chi: NDArray[np.float64],
) -> None:
    """Fill chi (E,) with the phases of edges (left, right) at their ends `vertex`, near `middle`.

    vertex_frames (V, n, >= f) have the occupied states at the vertices. NaN where one vanishes.
    """
    top, order = np.empty((filled, filled), np.complex128), np.empty(filled, np.int64)
    for e in range(left.shape[0]):
        v = vertex_frames[vertex[e]]
        first = frame_phase(frames[left[e]], v, top, order)
        second = frame_phase(v, frames[right[e]], top, order)
        z = first * second * complex(math.cos(middle[e]), -math.sin(middle[e]))
        chi[e] = middle[e] + math.atan2(z.imag, z.real) if z != 0.0 else np.nan


@kernel
def link_phases(
    frames: NDArray[np.complex128],
    states: NDArray[np.complex128],
    filled: int,
    gauge: NDArray[np.int64],
    phase: NDArray[np.float64],
) -> None:
    """Fill phase (N,) with the phases of the links of a closed loop, in the gauges of cells.

    states (N, n, >= f) are those at the points; the link from point i to the next is taken in the
    gauge of frames[gauge[i]]: overlaps of both ends with that have a positive determinant.
    """
    n_points = states.shape[0]
    top, order = np.empty((filled, filled), np.complex128), np.empty(filled, np.int64)
    for i in range(n_points):
        there = states[i + 1 if i + 1 < n_points else 0]
        u = frames[gauge[i]]
        z = frame_phase(u, states[i], top, order) * frame_phase(states[i], there, top, order)
        z *= np.conj(frame_phase(u, there, top, order))
        phase[i] = math.atan2(z.imag, z.real) if z != 0.0 else np.nan


@kernel
def turn_phases(
    frobenius: NDArray[np.float64],
    operator: NDArray[np.float64],
    rank: int,
    rows: NDArray[np.int64],
    bound: NDArray[np.float64],
) -> None:
    """Fill bound (len(rows),): largest phase of a link between two points, in the gauge of a cell.

    It is that of det(1 + T_p^dagger T_q).
    """
    for i in range(rows.shape[0]):
        f, t = frobenius[rows[i]], operator[rows[i]]
        bound[i] = phase_sum(f * f, t * t, rank)
