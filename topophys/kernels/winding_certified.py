"""Proof of the winding number of det D(k) from the Fourier coefficients of D."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.rounding import SLACK, UNIT
from topophys.kernels.small_linalg import (
    ROUNDING,
    TINY,
    crossing,
    determinant,
    determinant_error,
    frobenius,
    smallest_singular_2x2,
)
from topophys.kernels.trig_series import complex_terms, evaluate, norm_terms, smallest

# ------------------------ Gap 2 sigma_min of 2 x 2 blocks at given momenta, good to the last digits


@kernel
def gaps_at(
    blocks: NDArray[np.complex128],
    lowest: int,
    k: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill out (B,) with 2 sigma_min of sum_s D_s e^(i(lowest + s)k) for blocks (B, S, 2, 2)."""
    for b in range(blocks.shape[0]):
        z = complex(math.cos(k[b]), math.sin(k[b]))
        phase = complex(math.cos(lowest * k[b]), math.sin(lowest * k[b]))
        p, q, r, s = 0.0j, 0.0j, 0.0j, 0.0j
        for m in range(blocks.shape[1]):
            p += blocks[b, m, 0, 0] * phase
            q += blocks[b, m, 0, 1] * phase
            r += blocks[b, m, 1, 0] * phase
            s += blocks[b, m, 1, 1] * phase
            phase *= z
        out[b] = 2.0 * smallest_singular_2x2(p, q, r, s)


# ---------------- det D(k) and |D(k)|_F^2 as trigonometric polynomials, and what their bounds prove

#: What products of numbers up to 1 that underflow can hide, with room to spare.
NOTHING: Final = 2.0**-900


@kernel
def modulus(z: complex) -> float:
    """|z| for z up to about 1; what underflows counts as zero."""
    return math.sqrt(z.real * z.real + z.imag * z.imag)


@kernel
def norm_coefficients(block: NDArray[np.complex128], g: NDArray[np.complex128]) -> None:
    """Fill g (S,) with sum_s <D_s, D_(s+m)>: |D(k)|_F^2 = g_0 + 2 Re sum_m g_m e^(imk)."""
    n_shift, n, _ = block.shape
    for m in range(n_shift):
        total = 0.0j
        for s in range(n_shift - m):
            for i in range(n):
                for j in range(n):
                    total += np.conj(block[s, i, j]) * block[s + m, i, j]
        g[m] = total


@kernel
def determinant_coefficients(
    block: NDArray[np.complex128],
    norm: float,
    roots: NDArray[np.complex128],
    work: NDArray[np.complex128],
    f: NDArray[np.complex128],
) -> float:
    """Fill f (P+1,) with coefficients of det(sum_s D_s z^s), P = n (S - 1); returns their error.

    Products of coefficients for n <= 2; else samples at the P+1 roots of unity `roots`, then a
    discrete Fourier transform. `norm` is an upper bound of |D(k)|_F and of sqrt(sum |D_s|_F^2);
    work (n, n) is scratch.
    """
    n_shift, n, _ = block.shape
    if n == 1:
        for s in range(n_shift):
            f[s] = block[s, 0, 0]
        return 0.0
    if n == 2:
        f[:] = 0.0
        for s in range(n_shift):
            a, b = block[s, 0, 0], block[s, 0, 1]
            for t in range(n_shift):
                f[s + t] += a * block[t, 1, 1] - b * block[t, 1, 0]
        # 4 S real products a coefficient, together at most sum |D_s|^2 / 2 in size
        return float(SLACK * n_shift * norm * norm)
    n_root = roots.shape[0]
    norms: float = 0.0
    for s in range(n_shift):
        norms += frobenius(block[s])
    entry_error = 2.0 * UNIT * (n_shift + 20) * norms  # each root is good to 20 units
    worst: float = 0.0
    size: float = 0.0
    f[:] = 0.0
    for q in range(n_root):
        for i in range(n):
            for j in range(n):
                total, at = (
                    0.0j,
                    0,
                )  # at = q s modulo n_root: divisions would cost more than all else
                for s in range(n_shift):
                    total += block[s, i, j] * roots[at]
                    at += q if at + q < n_root else q - n_root
                work[i, j] = total
        sample, growth = determinant(work)
        worst = max(worst, determinant_error(n, norm, entry_error, growth))
        size += modulus(sample)
        at = 0
        for m in range(n_root):
            f[m] += sample * np.conj(roots[at])
            at += q if at + q < n_root else q - n_root
    for m in range(n_root):
        f[m] /= n_root
    # a sum of n_root products of samples with roots, which are good to 16 units: the error is
    # relative to the mean size of the samples, for any number of them
    error: float = worst + 4.0 * UNIT * (n_root + 16) * (size / n_root)
    return error


@kernel
def smallest_singular(n: int, det: float, norm2: float) -> float:
    """Lower bound of the smallest singular value from |det| and |D|_F^2; equality for n <= 2."""
    if n == 1:
        return det
    if n == 2:
        return 2.0 * det / (math.sqrt(norm2 + 2.0 * det) + math.sqrt(max(0.0, norm2 - 2.0 * det)))
    spread: float = ((n - 1) / norm2) ** (0.5 * (n - 1))
    return det * spread


@kernel
def slack_of_gap(n: int, slack: float, det: float, norm2: float) -> float:
    """How much too small half the gap seen at a point can be: |det| is known within `slack`.

    Where the singular values are equal, their difference is the root of a difference that rounds.
    """
    moved = smallest_singular(n, det + slack, norm2) - smallest_singular(n, det, norm2)
    return float(moved + slack + np.sqrt(SLACK * norm2))


@kernel
def central_harmonic(f: NDArray[np.complex128]) -> int:
    """Harmonic to factor out of f so that its second moment is smallest."""
    weight, moment = 0.0, 0.0
    for m in range(f.shape[0]):
        size = modulus(f[m])
        weight += size
        moment += m * size
    return int(np.floor(moment / weight + 0.5)) if weight > 0.0 else 0


@kernel
def series_bounds(
    f: NDArray[np.complex128],
    coefficient_error: float,
    g: NDArray[np.complex128],
    n: int,
    shift: int,
    out: NDArray[np.float64],
) -> None:
    """Fill out (4,): bounds of the second derivatives, and slack for rounding.

    Of the root f: second derivative and rounding; of g, the sum of squared entries: the same.
    A value of f rounds to 3 P for the sum of P terms, 8 for the phases of a table, or 16 for each
    harmonic between m and the middle and between the middle and `shift` where phases come from a
    recurrence, together below 30 P units of 2^-53 for each |f_m|: half of the slack.
    """
    n_root = f.shape[0]
    size, second, g_second, g_size = 0.0, 0.0, 0.0, 0.0
    for m in range(n_root):
        weight = modulus(f[m]) + coefficient_error
        size += (1.0 + abs(m - shift)) * weight
        second += (m - shift) ** 2 * weight
    for m in range(g.shape[0]):
        g_second += 2.0 * m * m * modulus(g[m])
        g_size += 2.0 * (1.0 + m) * g[0].real  # a g_m may be small by cancellation
    second *= 1.0 + 4.0 * UNIT * (n_root + 8)  # it is a rounded sum itself
    # determinants of many orbitals may be so small that even their error underflows
    out[0], out[1] = second, SLACK * n_root * size + n_root * coefficient_error + NOTHING
    out[2] = g_second
    out[3] = SLACK * g.shape[0] * n * n * g_size  # g_m itself is a sum of S n^2 products


@kernel
def few_values_at(
    terms: NDArray[np.float64], orders: NDArray[np.int64], whole: int, point: int
) -> tuple[float, float, float]:
    """As `value_at` at k = -pi + 2 pi point / whole, for the harmonics in `orders`."""
    x, y, norm2 = terms[0, 0], terms[1, 0], terms[2, 0]
    point += whole // 2
    for i in range(orders.shape[0]):
        angle = 2.0 * np.pi * ((orders[i] * point) & (whole - 1)) / whole
        re, im = math.cos(angle), math.sin(angle)
        x += terms[0, 2 * i + 1] * re + terms[0, 2 * i + 2] * im
        y += terms[1, 2 * i + 1] * re + terms[1, 2 * i + 2] * im
        norm2 += terms[2, 2 * i + 1] * re + terms[2, 2 * i + 2] * im
    return x, y, norm2


@kernel
def value_at(
    terms: NDArray[np.float64],
    used: int,
    turn: int,
    orders: NDArray[np.int64],
    k: float,
    point: int,
    whole: int,
) -> tuple[float, float, float]:
    """Real and imaginary part of f z^-turn and |D|_F^2 at k = -pi + 2 pi point / whole.

    terms (3, columns) has both series. Columns belong to all harmonics in turn, whose phases come
    from a recurrence, or to the few in `orders`, each with a phase of its own: then `whole` is a
    power of two, and products of integers are reduced before they become angles.
    """
    if orders.shape[0] > 0:
        return few_values_at(terms, orders, whole, point)
    c, s = math.cos(k), math.sin(k)
    x, y, norm2 = terms[0, 0], terms[1, 0], terms[2, 0]
    re, im, back_re, back_im = c, s, 1.0, 0.0
    for i in range(1, used - 1, 2):
        x += terms[0, i] * re + terms[0, i + 1] * im
        y += terms[1, i] * re + terms[1, i + 1] * im
        norm2 += terms[2, i] * re + terms[2, i + 1] * im
        if i == 2 * abs(turn) - 1:
            back_re, back_im = re, im if turn > 0 else -im
        re, im = re * c - im * s, re * s + im * c
    return x * back_re + y * back_im, y * back_re - x * back_im, norm2


@kernel
def prove_chord(
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    norm2: float,
    width: float,
    n: int,
    bounds: NDArray[np.float64],
) -> float:
    """Gap proven on an interval from f at its ends and the larger |D|_F^2 there; 0 if none.

    bounds (4,): second derivative and slack of f, of |D|_F^2.
    """
    step_x, step_y = x1 - x0, y1 - y0
    t = -(x0 * step_x + y0 * step_y) / (step_x * step_x + step_y * step_y + TINY)
    t = min(1.0, max(0.0, t))
    low = modulus(complex(x0 + t * step_x, y0 + t * step_y))
    low -= width * width / 8.0 * bounds[0] + bounds[1]
    if not low > 0.0:
        return 0.0
    high = norm2 + width * width / 8.0 * bounds[2] + bounds[3]
    return 2.0 * smallest_singular(n, low, high)


# ---------- The first look of a winding proof: equal intervals all at once, in loops that vectorise


@kernel
def look(
    terms: NDArray[np.float64],
    used: int,
    turn: int,
    orders: NDArray[np.int64],
    table: NDArray[np.float64],
    base: NDArray[np.float64],
) -> None:
    """Fill rows 0 to 2 of base (5, P + 1) with f z^-turn and |D|_F^2 at the P nodes.

    The last column is the first one again. terms (3, columns) holds f and |D|_F^2; table has their
    phases at the nodes, or no rows where that would be large; orders as in `value_at`.
    """
    n_node = base.shape[1] - 1
    half, width = n_node >> 1, 2.0 * np.pi / n_node
    if table.shape[0] == 0:
        for j in range(n_node + 1):
            base[0, j], base[1, j], base[2, j] = value_at(
                terms, used, turn, orders, width * (j % n_node - half), j % n_node, n_node
            )
        return
    for row in range(3):
        evaluate(terms, used, row, table, base, row)
    if turn != 0:
        q, sign = abs(turn), 1.0 if turn > 0 else -1.0
        for j in range(n_node):
            x, y, c, s = base[0, j], base[1, j], table[2 * q - 1, j], sign * table[2 * q, j]
            base[0, j], base[1, j] = x * c + y * s, y * c - x * s
    for row in range(3):
        base[row, n_node] = base[row, 0]


@kernel
def prove_intervals(
    n: int, width: float, bounds: NDArray[np.float64], base: NDArray[np.float64]
) -> None:
    """Fill rows 3 and 4 of base: gap proven on [k_j, k_(j+1)], and gap at k_j.

    The arithmetic of `prove_chord`; the bound is not positive where nothing is proven.
    """
    n_node = base.shape[1] - 1
    bend, rise = width * width / 8.0 * bounds[0] + bounds[1], width * width / 8.0 * bounds[2]
    for j in range(n_node):
        x, y = base[0, j], base[1, j]
        step_x, step_y = base[0, j + 1] - x, base[1, j + 1] - y
        t = -(x * step_x + y * step_y) / (step_x * step_x + step_y * step_y + TINY)
        t = min(1.0, max(0.0, t))
        near_x, near_y = x + t * step_x, y + t * step_y
        base[3, j] = math.sqrt(near_x * near_x + near_y * near_y) - bend
        base[4, j] = math.sqrt(x * x + y * y)
    rise += bounds[3]
    if n == 2:
        for j in range(n_node):
            low, high = base[3, j], max(base[2, j], base[2, j + 1]) + rise
            spread = math.sqrt(max(0.0, high - 2.0 * low))
            base[3, j] = 4.0 * low / (math.sqrt(high + 2.0 * abs(low)) + spread)
            size, norm2 = base[4, j], base[2, j]
            spread = math.sqrt(max(0.0, norm2 - 2.0 * size))
            base[4, j] = 4.0 * size / (math.sqrt(norm2 + 2.0 * size) + spread)
        return
    for j in range(n_node):
        low, high = base[3, j], max(base[2, j], base[2, j + 1]) + rise
        base[3, j] = 2.0 * smallest_singular(n, low, high) if low > 0.0 else low
        base[4, j] = 2.0 * smallest_singular(n, base[4, j], base[2, j])


@kernel
def sweep(base: NDArray[np.float64], min_gap: float) -> tuple[int, int, int]:
    """Signed crossings of the positive x axis by the edges of proven intervals.

    Returns (crossings, how many intervals are proven, how many of their edges are delicate): where
    an edge is delicate, `crossing` has to decide.
    """
    turns, proven, delicate = 0, 0, 0
    for j in range(base.shape[1] - 1):
        x0, y0, x1, y1 = base[0, j], base[1, j], base[0, j + 1], base[1, j + 1]
        ok = (base[3, j] > 0.0) & (base[3, j] >= min_gap)
        left, right = x0 * y1, x1 * y0
        cross = left - right
        up, down = (y0 < 0.0) & (y1 >= 0.0), (y1 < 0.0) & (y0 >= 0.0)
        sure = abs(cross) > ROUNDING * (abs(left) + abs(right)) + TINY
        turns += int(ok & up & (cross > 0.0)) - int(ok & down & (cross < 0.0))
        proven += int(ok)
        delicate += int(ok & (((up | down) & (not sure)) | ((y0 == 0.0) & (y1 == 0.0))))
    return turns, proven, delicate


# ----------------------- Proof of the winding number of det D(k) from the Fourier coefficients of D

OK = st.OK
SMALL_GAP = st.SMALL_GAP
CLOSED_GAP = st.CLOSED_GAP
BUDGET = st.BUDGET
DEPTH = st.DEPTH
ROUNDING_STATUS = st.ROUNDING


@kernel
def note(evidence: NDArray[np.float64], seen: float, k: float) -> None:
    """Keep the smallest gap seen and where."""
    if not seen >= evidence[1]:
        evidence[1], evidence[2] = seen, k


@kernel
def too_small(n: int, slack: float, det: float, norm2: float, min_gap: float) -> bool:
    """Whether the gap seen at a point is certainly below min_gap; only known for n <= 2."""
    if n > 2 or min_gap <= 0.0:
        return False
    return 2.0 * (smallest_singular(n, det, norm2) + slack_of_gap(n, slack, det, norm2)) < min_gap


@kernel
def walk_interval(
    terms: NDArray[np.float64],
    used: int,
    turn: int,
    orders: NDArray[np.int64],
    n: int,
    bounds: NDArray[np.float64],
    base: NDArray[np.float64],
    place: int,
    min_gap: float,
    budget: int,
    ends: NDArray[np.int64],
    nodes: NDArray[np.float64],
    evidence: NDArray[np.float64],
    depths: NDArray[np.int8],
    known: int,
) -> tuple[int, int, int]:
    """Halve interval number `place` until every part is proven; returns as `walk_zone`.

    ends (max_depth + 1,) is the stack of right ends still to reach, in parts of the deepest level;
    nodes (max_depth + 1, 3) has the values of both series there. Depths of the parts go to depths,
    if that has entries, from `known` on.
    """
    n_node = base.shape[1] - 1
    fine, width, half = 1 << (ends.shape[0] - 1), 2.0 * np.pi / n_node, n_node >> 1
    share = 1.0 / fine  # a power of two
    turns, evaluations, left, depth = 0, 0, 0, 0
    x, y, norm2 = base[0, place], base[1, place], base[2, place]
    ends[0] = fine
    nodes[0, 0], nodes[0, 1] = base[0, place + 1], base[1, place + 1]
    nodes[0, 2] = base[2, place + 1]
    while depth >= 0:
        right, size = ends[depth], width * (ends[depth] - left) * share
        x1, y1, high = nodes[depth, 0], nodes[depth, 1], nodes[depth, 2]
        gap = prove_chord(x, y, x1, y1, max(norm2, high), size, n, bounds)
        if gap > 0.0 and gap >= min_gap:
            side = crossing(x, y, x1, y1)
            if side == 2:
                return 0, evaluations, ROUNDING_STATUS
            turns += side
            evidence[0] = min(evidence[0], gap)
            if depths.shape[0] > 0:
                depths[known] = round(math.log2(fine / (right - left)))
                known += 1
            left, x, y, norm2 = right, x1, y1, high
            depth -= 1
            continue
        if min(x * x + y * y, x1 * x1 + y1 * y1) <= bounds[1] * bounds[1]:
            return 0, evaluations, CLOSED_GAP
        if right - left == 1:
            return (
                0,
                evaluations,
                DEPTH if size * size / 8.0 * bounds[0] > bounds[1] else ROUNDING_STATUS,
            )
        if evaluations == budget:
            return 0, evaluations, BUDGET
        middle = (left + right) // 2
        k = width * (place - half + middle * share)
        depth += 1
        ends[depth] = middle
        nodes[depth, 0], nodes[depth, 1], nodes[depth, 2] = value_at(
            terms, used, turn, orders, k, place * fine + middle, n_node * fine
        )
        evaluations += 1
        det = modulus(complex(nodes[depth, 0], nodes[depth, 1]))
        note(evidence, 2.0 * smallest_singular(n, det, nodes[depth, 2]), k)
        if too_small(n, bounds[1], det, nodes[depth, 2], min_gap):
            return 0, evaluations, SMALL_GAP
    return turns, evaluations, OK


@kernel
def walk_zone(
    terms: NDArray[np.float64],
    used: int,
    turn: int,
    orders: NDArray[np.int64],
    n: int,
    bounds: NDArray[np.float64],
    min_gap: float,
    max_evaluations: int,
    table: NDArray[np.float64],
    base: NDArray[np.float64],
    ends: NDArray[np.int64],
    nodes: NDArray[np.float64],
    evidence: NDArray[np.float64],
    depths: NDArray[np.int8],
) -> tuple[int, int, int]:
    """Prove every interval of the zone; returns (turns, evaluations, status).

    terms (3, columns), used, turn, orders and table (columns, P) as in `look`, at the nodes
    k_j = -pi + 2 pi j / P; base (5, P + 1) and the stacks ends and nodes are scratch. evidence (3,)
    receives the proven gap, the smallest gap seen (lower bound of it for n > 2) and its k; depths,
    if it has entries, how often each interval was halved, in order from k = -pi.
    """
    n_node = base.shape[1] - 1
    width = 2.0 * np.pi / n_node
    evidence[0], evidence[1], evidence[2] = np.inf, np.inf, 0.0
    if max_evaluations < n_node:
        return 0, 0, BUDGET
    look(terms, used, turn, orders, table, base)
    prove_intervals(n, width, bounds, base)
    j = smallest(base, 4, n_node)
    note(evidence, base[4, j], -np.pi + j * width)
    count, proven, delicate = sweep(base, min_gap)
    turns, evaluations = count if delicate == 0 else 0, n_node
    known = 0
    if proven < n_node or delicate > 0 or depths.shape[0] > 0:
        for j in range(n_node):
            det = modulus(complex(base[0, j], base[1, j]))
            if base[3, j] > 0.0 and base[3, j] >= min_gap:
                side = 0
                if delicate > 0:
                    side = crossing(base[0, j], base[1, j], base[0, j + 1], base[1, j + 1])
                if side == 2:
                    return 0, evaluations, ROUNDING_STATUS
                turns += side
                if depths.shape[0] > 0:
                    depths[known] = 0
                    known += 1
                continue
            if too_small(n, bounds[1], det, base[2, j], min_gap):
                return 0, evaluations, SMALL_GAP
            count, used_up, status = walk_interval(
                terms, used, turn, orders, n, bounds, base, j, min_gap,
                max_evaluations - evaluations, ends, nodes, evidence, depths, known,
            )  # fmt: skip
            turns += count
            evaluations += used_up
            known += used_up + 1
            if status != OK:
                return 0, evaluations, status
            base[3, j] = np.inf
    evidence[0] = min(evidence[0], base[3, smallest(base, 3, n_node)])
    return turns, evaluations, OK


@kernel
def certify_windings(
    blocks: NDArray[np.complex128],
    lowest: int,
    roots: NDArray[np.complex128],
    table: NDArray[np.float64],
    columns: int,
    min_gap: NDArray[np.float64],
    max_depth: int,
    max_evaluations: int,
    turns: NDArray[np.int64],
    evidence: NDArray[np.float64],
    evaluations: NDArray[np.int64],
    status: NDArray[np.uint8],
    depths: NDArray[np.int8],
) -> None:
    """Winding of det sum_s D_s e^(i(lowest + s)k) for blocks (B, S, n, n) with entries up to 1.

    roots (n (S - 1) + 1,) are roots of unity, table (columns or 0, P) as in `look`, min_gap (B,)
    the smallest gaps to accept. Out: turns, evaluations, status (B,), evidence (B, 3), and depths
    as in `walk_zone` of a single one.
    """
    orders = np.empty(0, np.int64)
    n_shift, n = blocks.shape[1], blocks.shape[2]
    work = np.empty((n, n), np.complex128)
    f, g = np.empty(roots.shape[0], np.complex128), np.empty(n_shift, np.complex128)
    terms, base = np.empty((3, columns)), np.empty((5, table.shape[1] + 1))
    bounds = np.empty(4)
    ends, nodes = np.empty(max_depth + 1, np.int64), np.empty((max_depth + 1, 3))
    # with its middle harmonic factored out a series is shortest; the harmonic whose removal makes
    # the second derivative small differs from it by `turn`
    middle = f.shape[0] // 2
    for b in range(blocks.shape[0]):
        norm_coefficients(blocks[b], g)
        total = g[0].real
        for m in range(1, g.shape[0]):
            total += 2.0 * modulus(g[m])
        if total == 0.0:
            evidence[b, 0], evidence[b, 1], evidence[b, 2] = 0.0, 0.0, 0.0
            turns[b], evaluations[b], status[b] = 0, 0, CLOSED_GAP
            continue
        error = determinant_coefficients(blocks[b], np.sqrt(total), roots, work, f)
        shift = central_harmonic(f)
        series_bounds(f, error, g, n, shift, bounds)
        used = max(complex_terms(f, -middle, terms), norm_terms(g, 2, terms))
        turns[b], evaluations[b], status[b] = walk_zone(
            terms, used, shift - middle, orders, n, bounds, min_gap[b], max_evaluations, table,
            base, ends, nodes, evidence[b], depths,
        )  # fmt: skip
        if n == 1:
            evidence[b, 1] += bounds[1]
        if status[b] == OK:
            turns[b] += n * lowest + shift
        else:
            evidence[b, 0] = 0.0


@kernel
def certify_series(
    terms: NDArray[np.float64],
    orders: NDArray[np.int64],
    n: int,
    bounds: NDArray[np.float64],
    n_node: int,
    min_gap: float,
    max_depth: int,
    max_evaluations: int,
    evidence: NDArray[np.float64],
    depths: NDArray[np.int8],
) -> tuple[int, int, int]:
    """Winding of one det D(k) given by the few harmonics in `orders`; returns as `walk_zone`.

    terms (3, 1 + 2 P) of the P orders, bounds (4,) as from `series_bounds`; n_node first intervals.
    """
    base, table = np.empty((5, n_node + 1)), np.empty((0, n_node))
    ends, nodes = np.empty(max_depth + 1, np.int64), np.empty((max_depth + 1, 3))
    turns, evaluations, status = walk_zone(
        terms, 0, 0, orders, n, bounds, min_gap, max_evaluations, table, base, ends, nodes,
        evidence, depths,
    )  # fmt: skip
    if n == 1:
        evidence[1] += bounds[1]
    if status != OK:
        evidence[0] = 0.0
    return turns, evaluations, status
