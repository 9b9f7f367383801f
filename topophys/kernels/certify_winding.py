"""Proof of the winding number of det D(k) from the Fourier coefficients of D."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.determinant_series import (
    central_harmonic,
    determinant_coefficients,
    modulus,
    norm_coefficients,
    prove_chord,
    series_bounds,
    slack_of_gap,
    smallest_singular,
    value_at,
)
from topophys.kernels.orientation import crossing
from topophys.kernels.trig_series import complex_terms, norm_terms, smallest
from topophys.kernels.winding_intervals import look, prove_intervals, sweep

OK, SMALL_GAP, CLOSED_GAP = st.OK, st.SMALL_GAP, st.CLOSED_GAP
BUDGET, DEPTH, ROUNDING = st.BUDGET, st.DEPTH, st.ROUNDING


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
    fine, width = 1 << (ends.shape[0] - 1), 2.0 * np.pi / n_node
    turns, evaluations, left, depth = 0, 0, 0, 0
    x, y, norm2 = base[0, place], base[1, place], base[2, place]
    ends[0] = fine
    nodes[0, 0], nodes[0, 1] = base[0, place + 1], base[1, place + 1]
    nodes[0, 2] = base[2, place + 1]
    while depth >= 0:
        right, size = ends[depth], width * (ends[depth] - left) / fine
        x1, y1, high = nodes[depth, 0], nodes[depth, 1], nodes[depth, 2]
        gap = prove_chord(x, y, x1, y1, max(norm2, high), size, n, bounds)
        if gap > 0.0 and gap >= min_gap:
            side = crossing(x, y, x1, y1)
            if side == 2:
                return 0, evaluations, ROUNDING
            turns += side
            evidence[0] = min(evidence[0], gap)
            if depths.shape[0] > 0:
                depths[known] = round(math.log2(fine / (right - left)))
                known += 1
            left, x, y, norm2 = right, x1, y1, high
            depth -= 1
            continue
        if min(modulus(complex(x, y)), modulus(complex(x1, y1))) <= bounds[1]:
            return 0, evaluations, CLOSED_GAP
        if right - left == 1:
            return 0, evaluations, DEPTH if size * size / 8.0 * bounds[0] > bounds[1] else ROUNDING
        if evaluations == budget:
            return 0, evaluations, BUDGET
        middle = (left + right) // 2
        depth += 1
        ends[depth] = middle
        nodes[depth, 0], nodes[depth, 1], nodes[depth, 2] = value_at(
            terms, used, turn, orders, n_node, place, middle, fine
        )
        evaluations += 1
        det = modulus(complex(nodes[depth, 0], nodes[depth, 1]))
        k = -np.pi + width * (place + middle / fine)
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
                    return 0, evaluations, ROUNDING
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
