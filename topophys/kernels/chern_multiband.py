"""Proof of gaps and Chern numbers of many bands: Taylor series, cell bounds, transition phases."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.rounding import UNIT, UP

__all__ = [
    "UP",
    "block_norms",
    "complete_terms",
    "corner_blocks",
    "edge_phases",
    "lattice_phases",
    "link_phases",
    "mixing_norms",
    "phase_sum",
    "plane_phases",
    "rotate",
    "taylor_sums",
    "term_count",
    "turn_bounds",
    "turn_phases",
    "vertex_phases",
]


# ---------------------------------- Taylor coefficients of Bloch matrices at many points of k space


def term_count(axes: int) -> int:
    """Coefficients up to second order: the value, `axes` slopes, and the upper half of a square."""
    return 1 + axes + axes * (axes + 1) // 2


@kernel
def lattice_phases(
    points: NDArray[np.int64],
    vectors: NDArray[np.int64],
    fine: int,
    phases: NDArray[np.complex128],
) -> None:
    """Fill phases (m, M) with e^(i k.R) at k = 2 pi point / fine, from exact integers.

    points (m, D) and vectors (M, D) must be reduced: products of entries stay below 2^60.
    """
    for p in range(points.shape[0]):
        for m in range(vectors.shape[0]):
            turn = 0
            for axis in range(vectors.shape[1]):
                turn += (points[p, axis] * vectors[m, axis]) % fine
            turn %= fine
            angle = 2.0 * np.pi * turn / fine
            phases[p, m] = complex(np.cos(angle), np.sin(angle))


@kernel
def plane_phases(
    k: NDArray[np.float64], vectors: NDArray[np.float64], phases: NDArray[np.complex128]
) -> None:
    """Fill phases (m, M) with e^(i k.R) at any momenta k (m, D)."""
    for p in range(k.shape[0]):
        for m in range(vectors.shape[0]):
            angle = 0.0
            for axis in range(vectors.shape[1]):
                angle += k[p, axis] * vectors[m, axis]
            phases[p, m] = complex(np.cos(angle), np.sin(angle))


@kernel
def taylor_sums(
    phases: NDArray[np.complex128],
    first: NDArray[np.int64],
    reach: NDArray[np.float64],
    size: NDArray[np.float64],
    onsite: NDArray[np.complex128],
    hops: NDArray[np.complex128],
    out: NDArray[np.complex128],
) -> None:
    """Fill out (m, T, n, n) with H, its slopes and its second derivatives, times half widths.

    Points first[b] to first[b + 1] belong to Hamiltonian b: onsite (B, n, n) and hops (B, M, n n)
    of one half space. reach (M, A) is R.r for the half edges r of a cell of size 1, size (m,) the
    size of each cell. The order of the terms is 1; i; ii, ij, ... with i <= j. With T = 1 only
    the value is formed.
    """
    n_terms, n, n_axes, n_hops = out.shape[1], out.shape[2], reach.shape[1], reach.shape[0]
    flat = out.reshape(out.shape[0] * n_terms, n * n)
    for b in range(first.shape[0] - 1):
        lo, hi = first[b], first[b + 1]
        if lo == hi:
            continue
        weighted = np.empty(((hi - lo) * n_terms, n_hops), np.complex128)
        for p in range(lo, hi):
            row, scale = (p - lo) * n_terms, size[p]
            for m in range(n_hops):
                weighted[row, m] = phases[p, m]
            if n_terms == 1:
                continue
            for m in range(n_hops):
                turned = 1j * phases[p, m]
                place = 1 + n_axes
                for i in range(n_axes):
                    x = scale * reach[m, i]
                    weighted[row + 1 + i, m] = x * turned
                    for j in range(i, n_axes):
                        weighted[row + place, m] = -(x * (scale * reach[m, j])) * phases[p, m]
                        place += 1
        np.dot(weighted, hops[b], flat[lo * n_terms : hi * n_terms])
        for p in range(lo, hi):
            complete(out[p], onsite[b])


@kernel
def complete(terms: NDArray[np.complex128], onsite: NDArray[np.complex128]) -> None:
    """Add the adjoint to sums (T, n, n) over one half space, and H_0 to the first."""
    n = terms.shape[1]
    for t in range(terms.shape[0]):
        a = terms[t]
        for i in range(n):
            a[i, i] = 2.0 * a[i, i].real
            for j in range(i + 1, n):
                a[i, j] += np.conj(a[j, i])
                a[j, i] = np.conj(a[i, j])
    for i in range(n):
        for j in range(n):
            terms[0, i, j] += onsite[i, j]


@kernel
def complete_terms(
    sums: NDArray[np.complex128],
    places: NDArray[np.int64],
    onsite: NDArray[np.complex128],
    out: NDArray[np.complex128],
) -> None:
    """Fill out (m, T, n, n) from sums (m, T, n n) over one half space, of which t is places[t]."""
    n = out.shape[2]
    for p in range(out.shape[0]):
        for t in range(places.shape[0]):
            a, into = sums[p, t].reshape(n, n), out[p, places[t]]
            for i in range(n):
                for j in range(n):
                    into[i, j] = a[i, j] + np.conj(a[j, i])
        for i in range(n):
            for j in range(n):
                out[p, 0, i, j] += onsite[i, j]


# ------- Bounds that hold everywhere on a cell, from H and its derivatives in a basis of two blocks


@kernel
def rotate(
    states: NDArray[np.complex128], terms: NDArray[np.complex128], departure: NDArray[np.float64]
) -> None:
    """Replace terms (m, T, n, n) by S^dagger terms S for states S (m, n, n), Hermitian exactly.

    departure (m,) receives |S^dagger S - 1| in Frobenius norm.
    """
    n = states.shape[1]
    work = np.empty((n, n), np.complex128)
    for p in range(states.shape[0]):
        s = states[p]
        off = 0.0
        for i in range(n):
            for j in range(i, n):
                total = 0.0j
                for r in range(n):
                    total += np.conj(s[r, i]) * s[r, j]
                if i == j:
                    off += (total.real - 1.0) * (total.real - 1.0)
                else:
                    off += 2.0 * (total.real * total.real + total.imag * total.imag)
        departure[p] = math.sqrt(off) * UP
        for t in range(terms.shape[1]):
            a = terms[p, t]
            for i in range(n):
                for j in range(n):
                    work[i, j] = 0.0
                for r in range(n):
                    x = a[i, r]
                    for j in range(n):
                        work[i, j] += x * s[r, j]
            a[:] = 0.0
            for r in range(n):
                for i in range(n):
                    x = np.conj(s[r, i])
                    for j in range(i, n):
                        a[i, j] += x * work[r, j]
            for i in range(n):
                a[i, i] = a[i, i].real
                for j in range(i + 1, n):
                    a[j, i] = np.conj(a[i, j])


@kernel
def corner_blocks(
    terms: NDArray[np.complex128],
    rows: NDArray[np.int64],
    corner: int,
    axes: int,
    filled: int,
    occupied: NDArray[np.complex128],
    empty: NDArray[np.complex128],
) -> None:
    """Fill the blocks of H at one corner of the cells `rows`, with half of the curvature there.

    terms (m, T, n, n) in the basis of each cell. Bit i of `corner` is set where s_i = -1; the
    blocks are those of H + sum_i s_i G_i + sum_(i<j) s_i s_j Q_ij + 1/4 sum_i Q_ii.
    """
    n, n_terms = terms.shape[2], terms.shape[1]
    weight = np.empty(n_terms)
    weight[0] = 1.0
    place = 1 + axes
    for i in range(axes):
        s = -1.0 if (corner >> i) & 1 else 1.0
        weight[1 + i] = s
        weight[place] = 0.25
        place += 1
        for j in range(i + 1, axes):
            weight[place] = s * (-1.0 if (corner >> j) & 1 else 1.0)
            place += 1
    for r in range(rows.shape[0]):
        a = terms[rows[r]]
        for i in range(n):
            low, high = (0, filled) if i < filled else (filled, n)
            for j in range(low, high):
                total = a[0, i, j]
                for t in range(1, n_terms):
                    total += weight[t] * a[t, i, j]
                if i < filled:
                    occupied[r, i, j] = total
                else:
                    empty[r, i - filled, j - filled] = total


@kernel
def power_norm(
    a: NDArray[np.complex128], low: int, high: int, work: NDArray[np.complex128]
) -> float:
    """Upper bound (tr X^8)^(1/8) of the norm of a diagonal block X = a[low:high, low:high]."""
    size = high - low
    if size == 1:
        return float(abs(a[low, low].real) * UP)
    scale = 0.0
    for i in range(low, high):
        for j in range(low, high):
            scale += a[i, j].real * a[i, j].real + a[i, j].imag * a[i, j].imag
    scale = math.sqrt(scale)
    if scale < 1e-150:
        return float(scale * UP)
    if size == 2:
        mean = 0.5 * (a[low, low].real + a[low + 1, low + 1].real)
        half = 0.5 * (a[low, low].real - a[low + 1, low + 1].real)
        b = a[low, low + 1]
        return float((abs(mean) + math.sqrt(half * half + b.real * b.real + b.imag * b.imag)) * UP)
    total = 0.0
    inverse = 1.0 / scale
    for i in range(size):
        for j in range(i, size):
            entry = 0.0j
            for r in range(size):
                entry += a[low + i, low + r] * np.conj(a[low + j, low + r])
            work[i, j] = entry * (inverse * inverse)
            work[j, i] = np.conj(work[i, j])
    for i in range(size):
        for j in range(i, size):
            entry = 0.0j
            for r in range(size):
                entry += work[i, r] * np.conj(work[j, r])
            total += (1.0 if i == j else 2.0) * (entry.real * entry.real + entry.imag * entry.imag)
    return float(scale * total**0.125 * UP)


@kernel
def block_norms(
    terms: NDArray[np.complex128], axes: int, filled: int, curve: NDArray[np.float64]
) -> None:
    """Fill curve (m,) with 1/4 sum_i (|Q_ii^A| + |Q_ii^K|), the half of the curvature left over."""
    n = terms.shape[2]
    work = np.empty((n, n), np.complex128)
    for p in range(terms.shape[0]):
        total, place = 0.0, 1 + axes
        for i in range(axes):
            total += power_norm(terms[p, place], 0, filled, work)
            total += power_norm(terms[p, place], filled, n, work)
            place += axes - i
        curve[p] = 0.25 * total


@kernel
def gram_norm(a: NDArray[np.complex128], work: NDArray[np.complex128]) -> tuple[float, float]:
    """Frobenius norm, and bound (tr (X^dagger X)^2)^(1/4) of the operator norm, of a (p, q)."""
    p, q = a.shape
    square = 0.0
    for i in range(p):
        for j in range(q):
            square += a[i, j].real * a[i, j].real + a[i, j].imag * a[i, j].imag
    frobenius = math.sqrt(square) * UP
    if min(p, q) == 1 or frobenius < 1e-75:
        return frobenius, frobenius
    total = 0.0
    if p <= q:
        for i in range(p):
            for j in range(i, p):
                entry = 0.0j
                for r in range(q):
                    entry += a[i, r] * np.conj(a[j, r])
                total += (1.0 if i == j else 2.0) * (
                    entry.real * entry.real + entry.imag * entry.imag
                )
    else:
        for i in range(q):
            for j in range(q):
                work[i, j] = 0.0
        for r in range(p):
            for i in range(q):
                x = np.conj(a[r, i])
                for j in range(i, q):
                    work[i, j] += x * a[r, j]
        for i in range(q):
            for j in range(i, q):
                entry = work[i, j]
                total += (1.0 if i == j else 2.0) * (
                    entry.real * entry.real + entry.imag * entry.imag
                )
    return frobenius, min(frobenius, math.sqrt(math.sqrt(total)) * UP)


@kernel
def add_mixing(
    terms: NDArray[np.complex128], t: int, sign: float, part: NDArray[np.complex128]
) -> None:
    """Add the block of terms[t] that mixes the sides to part (n - filled, filled).

    With a negative sign it is subtracted; with sign 0 it replaces what was there.
    """
    filled = part.shape[1]
    for i in range(part.shape[0]):
        for j in range(filled):
            if sign == 0.0:
                part[i, j] = terms[t, filled + i, j]
            elif sign > 0.0:
                part[i, j] += terms[t, filled + i, j]
            else:
                part[i, j] -= terms[t, filled + i, j]


@kernel
def mixing_norms(
    terms: NDArray[np.complex128],
    rows: NDArray[np.int64],
    axes: int,
    filled: int,
    frobenius: NDArray[np.float64],
    operator: NDArray[np.float64],
) -> None:
    """Fill bounds (len(rows),) of the block that mixes the sides, up to second order, on cells.

    Norms are convex: the linear part is largest at a corner, and alike at opposite ones. At the
    centre the block is what rounding left of it.
    """
    n = terms.shape[2]
    work = np.empty((n, n), np.complex128)
    part = np.empty((n - filled, filled), np.complex128)
    for r in range(rows.shape[0]):
        a = terms[rows[r]]
        add_mixing(a, 0, 0.0, part)
        bend_f, bend_o = gram_norm(part, work)
        place = 1 + axes
        for i in range(axes):
            for j in range(i, axes):
                add_mixing(a, place, 0.0, part)
                f, o = gram_norm(part, work)
                weight = 0.5 if i == j else 1.0
                bend_f += weight * f
                bend_o += weight * o
                place += 1
        top_f, top_o = 0.0, 0.0
        for corner in range(1 << (axes - 1)):
            add_mixing(a, 1, 0.0, part)
            for i in range(1, axes):
                add_mixing(a, 1 + i, -1.0 if (corner >> (i - 1)) & 1 else 1.0, part)
            f, o = gram_norm(part, work)
            top_f, top_o = max(top_f, f), max(top_o, o)
        frobenius[r] = top_f + bend_f
        operator[r] = top_o + bend_o


def turn_bounds(
    gap: NDArray[np.float64],
    frobenius: NDArray[np.float64],
    operator: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds (|T|_F, |T|) of the map whose graph is the occupied space, from |tan 2 Theta|.

    By C. Davis, W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970); tan theta <= tan(2 theta) / 2.
    """
    double_f = 2.0 * frobenius / gap * UP
    double = np.minimum(2.0 * operator / gap * UP, double_f)
    return 0.5 * double_f, double / (1.0 + np.sqrt(1.0 + double * double)) * UP


# ------------ Transition phases between the frames of neighbouring cells, and how far they can vary

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
    following: NDArray[np.int64],
    phase: NDArray[np.float64],
) -> None:
    """Fill phase (N,) with the phases of the links of closed loops, in the gauges of cells.

    states (N, n, >= f) are those at the points; the link from point i to point following[i] is
    taken in the gauge of frames[gauge[i]]: overlaps of both ends with that have a positive
    determinant.
    """
    top, order = np.empty((filled, filled), np.complex128), np.empty(filled, np.int64)
    for i in range(states.shape[0]):
        there = states[following[i]]
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
