"""Two ways to a Z2 invariant: Wannier centres, and flux through half of the Brillouin zone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.errors import ShapeError
from topophys.invariants import _symmetry as tr
from topophys.invariants._cells import Hoppings
from topophys.invariants._cocycle import (
    LIMIT,
    Cocycle,
    Edges,
    band_evidence,
    group_size,
    integers_of_vertices,
    one_thread,
    zone_edges,
)
from topophys.invariants._limits import INTEGRAL
from topophys.invariants._slices import Slice, bloch_at, slice_at
from topophys.invariants._subdivision import Cover, Zone, cover
from topophys.invariants._wannier_flow import (
    Flow,
    FlowRules,
    Line,
    follow,
    make_line,
    shift_between,
)
from topophys.invariants.evidence import BandEvidence
from topophys.invariants.results import Found
from topophys.invariants.wilson import centres_of, frames_of, transport, unitary_links
from topophys.kernels.chern_multiband import link_phases, turn_phases
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import lower_bound, upper_bound

__all__ = [
    "HalfZone",
    "PairSum",
    "of_grid",
    "of_hamiltonian",
    "pair_sum",
    "prove_half_zone",
    "require_even",
    "smallest_gap",
    "unresolved",
]


# ------ Wannier centres that come in Kramers pairs: which belong together, and the sum of the pairs


@dataclass(frozen=True)
class PairSum:
    """Sum over Kramers pairs of the centre of the pair, on a line that time reversal keeps.

    Attributes
    ----------
    value : float
        The sum, modulo 1.
    spread : float
        Distances within the pairs, added up, in cells.
    gain : float
        Largest ratio of the error of `spread` and the largest angle between a computed and an
        exact occupied space.
    """

    value: float
    spread: float
    gain: float

    def proven(self, error: float, gap: float) -> bool:
        """Whether the pairs are the exact ones, for frames of a Hamiltonian off by `error`.

        Occupied spaces are then off by at most theta with sin 2 theta <= 2 error / gap.
        """
        ratio = 2.0 * error / gap if gap > 0.0 else np.inf
        return bool(ratio < 1.0 and self.gain * 0.5 * np.arcsin(min(ratio, 1.0)) < 0.25)


def pair_sum(frame: NDArray[np.complex128]) -> PairSum:
    """Sum of the centres of pairs on one line.

    Shapes: `frame` (N, n, m), m even.
    """
    return pair_sums(frame[None])[0]


def pair_sums(frame: NDArray[np.complex128]) -> list[PairSum]:
    r"""Add up the centres of pairs, from frames along each of L lines.

    Neighbours on the circle are paired, in one of two ways. What lies between the centres within
    the pairs of one and of the other way is the whole circle, so that their spreads add up to 1:
    one is below 1/2, and if exact pairs are equal the exact pairing has spread 0. Let the computed
    spaces be off by an angle theta: a link, the polar factor of an overlap with smallest singular
    value s, is off by 2 theta / s, the loop W of N links by N times that. Eigenvalues of unitary
    matrices move by no more in their order on the circle (R. Bhatia, C. Davis, Linear Multilinear
    Algebra 15, 71 (1984)), an angle of at most pi/2 |dW|, hence the spread of the right pairing by
    m |dW| / 4. While that is below 1/4, the pairing with the smaller spread is the right one.

    Shapes: `frame` (L, N, n, m), m even.
    """
    links, overlap = unitary_links(frame)
    centres = centres_of(transport(links))
    turned = np.append(centres[:, 1:], centres[:, :1] + 1.0, axis=1)
    ways = np.stack([centres, turned])
    low, high = ways[..., 0::2], ways[..., 1::2]
    spreads, middles = np.abs(high - low).sum(-1), (0.5 * (low + high)).sum(-1)
    best = (spreads[1] < spreads[0]).astype(np.int64)
    n_points, m = frame.shape[1], frame.shape[3]
    # half of the computed s: overlaps of exact frames are smaller by at most 2 theta
    gain = m * n_points * 2.0 / np.maximum(0.5 * overlap.min(-1), 1e-150) / 4.0
    chosen = (middles[best, range(len(best))], spreads[best, range(len(best))], gain)
    return [PairSum(*each) for each in zip(*(x.tolist() for x in chosen), strict=True)]


# ------ Z2 invariant by the flux through half of the Brillouin zone and Wannier centres at its ends

Int: TypeAlias = NDArray[np.int64]
Real: TypeAlias = NDArray[np.float64]
Array: TypeAlias = NDArray[np.complex128]

#: Starting cells along k_x from 0 to pi; twice as many along k_y.
START: Final = 4
#: Largest phase of a link in the gauge of a cell: kept clear of pi.
LINK: Final = 3.0
#: Share of the smallest gap met that the proven one should reach.
TIGHTNESS: Final = 0.25


@dataclass(frozen=True)
class HalfZone:
    """Outcome of a proof.

    Attributes
    ----------
    value : int
        Z2 invariant; meaningless where not proven.
    proven : bool
        Whether every cell is.
    gap_lower, gap_upper : float
        Proven lower bound of the gap on the half zone, 0 where not proven; smallest gap met.
    evaluations : int
        Eigenproblems solved.
    reason : str
        Why it is not proven: "budget", "depth", "rounding" or "closed gap"; "" where it is.
    k_at_gap_upper : tuple of float
        Momentum of the smallest gap met.
    spread : float
        Distances of centres within Kramers pairs, added up, on the worse of the two lines: of the
        size of rounding if time reversal holds.
    cells : BandEvidence or None
        Tree and bases of the cells, if asked for and proven.
    """

    value: int
    proven: bool
    gap_lower: float
    gap_upper: float
    evaluations: int
    reason: str = ""
    k_at_gap_upper: tuple[float, float] = (0.0, 0.0)
    spread: float = np.nan
    cells: BandEvidence | None = None


@dataclass(frozen=True, eq=False)
class _Ends:
    """The lines k_x = 0, or pi, of many Hamiltonians: points (N,), sorted by owner and k_y.

    Attributes
    ----------
    owner, y : int64 ndarray of shape (N,)
        Hamiltonian and place along k_y.
    key : int64 ndarray of shape (N,)
        Both in one number.
    following : int64 ndarray of shape (N,)
        Row of the next point on the closed line.
    states : complex128 ndarray of shape (N, n, n)
        Eigenvectors there.
    frame : int64 ndarray of shape (N,)
        Frame of the interval from each point to the next.
    """

    owner: Int
    y: Int
    key: Int
    following: Int
    states: Array
    frame: Int


def prove_half_zone(
    h: Slice,
    filled: int,
    least: Real | None = None,
    *,
    max_depth: int,
    max_evaluations: int,
    evidence: bool = False,
) -> list[HalfZone]:
    r"""Prove the Z2 invariants of a batch (B,) of time-reversal-symmetric Hamiltonians.

    On the lines k_x = 0 and pi the centres come in pairs; let X be the sum of one of each pair,
    defined modulo 1. The sum of all centres moves by the flux, hence

    .. math:: Z_2 = \frac{1}{2\pi} \int_{0 \le k_x \le \pi} \mathrm{tr}\,\Omega
        - 2 X(\pi) + 2 X(0) \pmod 2

    By Stokes the flux is a sum over edges between cells, of the windings of their transition
    phases, and over the two lines, of the link phases in the gauges of the cells there. Those with
    a gap below `least` (B,) are given up.
    """
    zone = Zone((START, 2 * START), 2 * START, max_depth)
    group = group_size(h.n_bands, max_evaluations)
    found: list[HalfZone] = []
    with one_thread():
        ham = Hoppings.of(h, filled)
        for low in range(0, len(ham), group):
            rows = np.arange(low, min(low + group, len(ham)))
            part = ham.take(rows) if group < len(ham) else ham
            wanted = np.zeros(len(part)) if least is None else least[rows]
            wanted = upper_bound(wanted, -part.exponent)
            walk = cover(part, zone, wanted, max_evaluations, TIGHTNESS, frames=True)
            number, spread = _numbers(walk)
            whole = np.rint(number)
            walk.fail(~(np.abs(number - whole) < INTEGRAL) & (walk.reason == ""), "rounding")
            found += _half_zones(walk, whole.astype(np.int64), spread, evidence=evidence)
    return found


def _half_zones(walk: Cover, number: Int, spread: Real, *, evidence: bool) -> list[HalfZone]:
    """Outcomes in the units of the hoppings."""
    exponent, proven = walk.ham.exponent, walk.reason == ""
    lower = np.where(proven, lower_bound(walk.gap_lower, exponent), 0.0)
    upper = upper_bound(walk.gap_met, exponent)
    cells = band_evidence(walk) if evidence else [None] * len(walk.ham)
    return [
        HalfZone(
            value=int(number[b]) % 2,
            proven=bool(proven[b]),
            gap_lower=float(lower[b]),
            gap_upper=float(upper[b]),
            evaluations=int(walk.evaluations[b]),
            reason=str(walk.reason[b]),
            k_at_gap_upper=(float(walk.k_at_gap_upper[b, 0]), float(walk.k_at_gap_upper[b, 1])),
            spread=float(spread[b]),
            cells=one if isinstance(one, BandEvidence) else None,
        )
        for b, one in enumerate(cells)
    ]


def _numbers(walk: Cover) -> tuple[Real, Real]:
    """Z2 as integers (B,) up to rounding, and spreads of pairs (B,); gives up those that fail."""
    number, spread = np.zeros(len(walk.ham)), np.full(len(walk.ham), np.nan)
    if not len(walk.leaves.owner):
        return number, spread
    cocycle = Cocycle(walk)
    zone_edges(cocycle, half=True)
    both = (_ends(cocycle, 0), _ends(cocycle, 1))
    flux = _inner_flux(cocycle, both)
    filled, complete = walk.ham.filled, cocycle.alive
    for sign, end in zip((1.0, -1.0), both, strict=True):
        phase = np.empty(len(end.key))
        link_phases(cocycle.states, end.states, filled, end.frame, end.following, phase)
        flux += sign * np.bincount(end.owner, phase, len(flux))
    first, last = (_pair_sums(end, filled) for end in both)
    for b in np.flatnonzero(complete).tolist():
        sums = (first[b], last[b])
        if not all(s.proven(float(walk.ham.slack[b]), float(walk.gap_lower[b])) for s in sums):
            walk.fail(np.array([b]), "rounding")
        number[b] = flux[b] / (2.0 * np.pi) - 2.0 * (sums[1].value - sums[0].value)
        spread[b] = max(s.spread for s in sums)
    return number, spread


def _pair_sums(end: _Ends, filled: int) -> dict[int, PairSum]:
    """Add up pairs on each line; lines of as many points are treated together."""
    owner, first, count = np.unique(end.owner, return_index=True, return_counts=True)
    found: dict[int, PairSum] = {}
    for n_points in np.unique(count).tolist():
        alike = np.flatnonzero(count == n_points)
        rows = first[alike][:, None] + np.arange(n_points)
        sums = pair_sums(end.states[rows][..., :filled])
        found |= zip(owner[alike].tolist(), sums, strict=True)
    return found


def _ends(cocycle: Cocycle, side: int) -> _Ends:
    """Points of lines, with their images under time reversal, so near that links are bounded.

    Those of Hamiltonians that are given up, here or before, are left out.
    """
    leaves, around = cocycle.walk.leaves, cocycle.domain.fine
    x, y = leaves.corner.T
    size = np.int64(1) << (cocycle.domain.max_depth - leaves.depth)
    here = np.flatnonzero(x + size == around // 2 if side else x == 0)
    cell = leaves.owner[here] * around + y[here]
    order = np.argsort(cell)
    here, cell = here[order], cell[order]
    key = np.unique(np.concatenate([cell, _reversed(cell, around)]))
    thin: dict[tuple[int, int], int] = {}
    while True:
        key = key[cocycle.alive[key // around]]
        owner, start = np.divmod(key, around)
        last = np.append(owner[1:] != owner[:-1], np.ones(min(1, len(owner)), np.bool_))
        stop = np.where(last, around, np.roll(start, -1))
        frame = here[np.searchsorted(cell, key, "right") - 1]
        for (begun, end), number in thin.items():
            row = int(np.searchsorted(key, begun))
            if row < len(key) and key[row] == begun and stop[row] == end:
                frame[row] = number
        bound = np.empty(len(frame))
        turn_phases(cocycle.frobenius, cocycle.operator, cocycle.ham.rank, frame, bound)
        rows = np.flatnonzero(~(bound < LINK))
        if not len(rows):
            break
        good = _thin_ends(cocycle, side, key[rows], stop[rows], frame[rows], thin)
        rows = rows[~good & cocycle.alive[owner[rows]]]
        length = stop[rows] - start[rows]
        cocycle.walk.fail(owner[rows[length < 2]], "depth")
        middle = key[rows] + length // 2
        key = np.unique(np.concatenate([key, middle, _reversed(middle, around)]))
    mine = cocycle.spend(owner)
    owner, start, stop, key, frame = (v[mine] for v in (owner, start, stop, key, frame))
    place = np.full(len(key), side * (around // 2))
    # transitions to thin cells that are in use
    rows = np.flatnonzero(frame >= len(leaves.owner))
    below = here[np.searchsorted(cell, key[rows], "right") - 1]
    pair = (below, frame[rows]) if side else (frame[rows], below)
    phase, spread = cocycle.check(*pair)
    p, q = (np.column_stack([place[rows], v[rows]]) for v in (start, stop))
    cocycle.keep(Edges(owner[rows], p, q, *pair), phase, spread)
    states = cocycle.states_at(owner, np.column_stack([place, start]))
    begin = np.searchsorted(owner, owner)
    following = np.where(stop == around, begin, np.arange(1, len(key) + 1))
    return _Ends(owner, start, key, following, states, frame)


def _reversed(key: Int, around: int) -> Int:
    """Owners and places of the images under time reversal."""
    y = key % around
    return np.asarray(key - y + -y % around)


def _thin_ends(
    cocycle: Cocycle,
    side: int,
    key: Int,
    stop: Int,
    cell: Int,
    thin: dict[tuple[int, int], int],
) -> NDArray[np.bool_]:
    """Thin cells on intervals of lines, kept in `thin`; which of them do."""
    around = cocycle.domain.fine
    owner, start = np.divmod(key, around)
    good = np.zeros(len(key), np.bool_)
    there = np.flatnonzero(cocycle.spend(owner))
    if not len(there):
        return good
    column = np.full(len(there), side * (around // 2))
    frame, _, _ = cocycle.thin_cells(
        owner[there], np.column_stack([column, start[there]]),
        np.column_stack([column, stop[there]]), 1,
    )  # fmt: skip
    proven = frame >= 0
    there, frame = there[proven], frame[proven]
    pair = (cell[there], frame) if side else (frame, cell[there])
    _, spread = cocycle.check(*pair)
    bound = np.empty(len(there))
    turn_phases(cocycle.frobenius, cocycle.operator, cocycle.ham.rank, frame, bound)
    fine = (spread < LIMIT) & (bound < LINK)
    thin |= zip(zip(key[there[fine]].tolist(), stop[there[fine]].tolist(), strict=True),
                frame[fine].tolist(), strict=True)  # fmt: skip
    good[there[fine]] = True
    return good


def _inner_flux(cocycle: Cocycle, both: tuple[_Ends, _Ends]) -> Real:
    """Add up (B,) the transition phases at all vertices of those that are not given up."""
    around, complete = cocycle.domain.fine, cocycle.alive
    period = np.array([around, around])
    edges, middle, spread = cocycle.collected()
    (owner, point), total, error, first, last = cocycle.vertices(edges, middle, spread, period)
    inner = (point[:, 0] > 0) & (point[:, 0] < around // 2) & complete[owner]
    turns = integers_of_vertices(
        cocycle, edges, middle, owner, point, total, error, first, last, inner
    )
    flux = np.asarray(np.bincount(owner, 2.0 * np.pi * turns, len(cocycle.ham)), np.float64)
    for side, end in enumerate(both):
        rows = np.flatnonzero((point[:, 0] == side * (around // 2)) & complete[owner])
        states = end.states[np.searchsorted(end.key, owner[rows] * around + point[rows, 1])]
        sums, _ = cocycle.exact(edges, middle, owner, point, rows, first, last, states)
        np.add.at(flux, owner[rows], sums)
    return flux


# ----------- Z2 invariant of one Hamiltonian, or one sampled grid, from the flow of Wannier centres

FIRST_LINES: Final = 11
FIRST_POINTS: Final = 8
#: Smallest singular value of an overlap between neighbours on a loop that is fine enough.
OVERLAP: Final = 0.5
#: Largest turn of states around a plaquette of a grid that is fine enough.
LARGEST_TURN: Final = 2.0
#: Points on half of the zone, along each direction, between which small gaps are looked for; how
#: many of the minima, and steps of the search for one.
SEARCHED: Final = 16
MINIMA: Final = 4
DESCENT: Final = 64
#: Generic momenta at which k and -k are compared.
PROBES: Final = (0.9, 2.3)


def require_even(
    h: Slice, filled: int, rules: FlowRules, tolerance: float, corners: tr.Corners
) -> bool:
    """Demand equal centres at k_x and -k_x: otherwise the bands may carry a Chern number."""
    pairs = [(line_at(h, t, filled, rules), line_at(h, -t, filled, rules)) for t in PROBES]
    gap = min(line.gap for pair in pairs for line in pair)
    if gap <= max(corners.split, 1e-12 * corners.gap):
        return False
    _require_even(pairs, tolerance, rules.loop_share)
    return True


def of_hamiltonian(
    h: Slice, filled: int, rules: FlowRules, corners: tr.Corners, *, search: bool
) -> Found:
    """Follow the centres along k_y while k_x goes from 0 to pi, with refinement in both.

    With `search`, which a proof makes superfluous, lines also go through small gaps.
    """

    def evaluate(t: float) -> Line:
        return line_at(h, t, filled, rules)

    # where the gap is small centres may jump, and be back on the next of equidistant lines
    minima, spent = _small_gaps(h, filled) if search else ([], 0)
    begun = {*np.linspace(0.0, np.pi, FIRST_LINES).tolist(), *(k[0] for _, k in minima)}
    gap, k = min(minima, default=(np.inf, (0.0, 0.0)))
    if gap < corners.gap:
        corners = replace(corners, gap=gap, k=k)
    flow = follow([evaluate(t) for t in sorted(begun)], rules, evaluate)
    return _found(flow, corners, 4 + spent, corners.least)


def _small_gaps(h: Slice, filled: int) -> tuple[list[tuple[float, tuple[float, float]]], int]:
    """Lowest local minima of the gap with 0 <= k_x <= pi, and eigenproblems solved."""
    k_x, k_y = np.pi * np.arange(SEARCHED + 1) / SEARCHED, np.pi * np.arange(-SEARCHED, SEARCHED)
    k = np.stack(np.meshgrid(k_x, k_y / SEARCHED, indexing="ij"), -1)
    energy = eigenvalues(bloch_at(h.vectors, h.amplitudes, k.reshape(-1, 2)))
    gap = (energy[:, filled] - energy[:, filled - 1]).reshape(k.shape[:2])
    # rows beyond the half zone are images of those inside
    around = np.pad(gap, ((1, 1), (0, 0)), mode="reflect")
    around[[0, -1]] = np.roll(around[[0, -1], ::-1], 1, axis=1)
    lowest = np.ones(gap.shape, bool)
    for x in (0, 1, 2):
        for y in (-1, 0, 1):
            lowest &= gap <= np.roll(around, y, axis=1)[x : x + len(gap)]
    starts = k[lowest][np.argsort(gap[lowest])[:MINIMA]]
    found, spent = [], gap.size
    for start in starts:
        least, at, count = smallest_gap(h, filled, start)
        t = (at[0] + np.pi) % (2.0 * np.pi) - np.pi
        # the other half has the same gaps and centres at -k
        found.append((least, (abs(t), at[1] if t >= 0.0 else -at[1])))
        spent += count
    return found, spent


def of_grid(h: NDArray[np.complex128], filled: int, rules: FlowRules, tolerance: float) -> Found:
    """Follow the centres on the lines of a grid; no refinement is possible.

    Shapes: `h` (Nx, Ny, n, n).
    """
    n_x, n_y = h.shape[:2]
    if n_x % 2 or n_y % 2:
        raise ShapeError(
            "Argument `h` must have an even number of k points in both directions, so that the"
            f" grid holds every k = -k, but has {(n_x, n_y)}."
        )
    states = frames_of(h, filled)
    halves = np.ix_([n_x // 2, 0], [n_y // 2, 0])  # the grid begins at -pi
    least = tr.GAPLESS * float(np.abs(states.energy).max())
    corners = tr.corners_of(states.energy[halves].reshape(4, -1), filled, least)
    i, j = np.unravel_index(states.gap.argmin(), (n_x, n_y))
    gap = float(states.gap[i, j])
    met = replace(corners, gap=gap, k=(np.pi * (2 * i / n_x - 1.0), np.pi * (2 * j / n_y - 1.0)))
    if corners.closed or gap <= least:
        return unresolved(met, n_x * n_y, "closed gap")
    tr.require_pairs(corners, tolerance)
    momenta = np.pi * (2 * np.arange(n_x) / n_x - 1.0)
    everything = [
        _sampled_line(states.frame[i], states.gap[i], float(momenta[i]), rules) for i in range(n_x)
    ]
    _require_even(
        [(everything[i], everything[n_x - i]) for i in range(1, n_x // 2)],
        tolerance,
        rules.loop_share,
    )
    last = everything[0]
    end = make_line(np.pi, last.centres, settled=last.settled, gap=last.gap, points=0)
    flow = follow([*everything[n_x // 2 :], end], rules, None)
    flow = replace(flow, followed=flow.followed and _fine_enough(states.frame))
    return _found(flow, met, n_x * n_y, least)


def _fine_enough(frame: NDArray[np.complex128]) -> bool:
    """Whether no plaquette turns occupied states by so much that a small gap may hide in it.

    States turn by pi around a point where the gap closes, in either sense: near that the grid does
    not tell which. Shapes: `frame` (Nx, Ny, n, m).
    """
    along_y, _ = unitary_links(frame)
    along_x, overlap = unitary_links(frame.swapaxes(0, 1))
    along_x = along_x.swapaxes(0, 1)
    back = along_y @ np.roll(along_x, -1, axis=1)
    loops = along_x @ np.roll(along_y, -1, axis=0) @ back.conj().swapaxes(-1, -2)
    turn = np.abs(np.angle(np.linalg.eigvals(loops))).max()
    return bool(turn < LARGEST_TURN and overlap.min() >= OVERLAP)


def smallest_gap(
    h: Slice, filled: int, k: NDArray[np.float64]
) -> tuple[float, tuple[float, float], int]:
    """Local minimum of the gap near k, by steps to the lowest of eight neighbours.

    Returns the gap, where it is, and how many eigenproblems were solved.
    """
    ring = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)], dtype=np.float64)
    step, best, steps = np.pi / 32.0, np.inf, 0
    while steps < DESCENT and step > 1e-13:
        steps += 1
        energy = eigenvalues(bloch_at(h.vectors, h.amplitudes, k + step * ring))
        gap = energy[:, filled] - energy[:, filled - 1]
        lowest = int(gap.argmin())
        if gap[lowest] < best:
            best, k = float(gap[lowest]), k + step * ring[lowest]
        if not ring[lowest].any():
            step *= 0.5
    return best, (float(k[0]), float(k[1])), len(ring) * steps


def unresolved(corners: tr.Corners, evaluations: int, reason: str) -> Found:
    """Nothing found, and why, after a number of evaluations."""
    return Found(
        value=0,
        resolved=False,
        flow_gap=0.0,
        gap_upper=corners.gap,
        splitting=corners.splitting,
        evaluations=evaluations,
        reason=reason,
        k_at_gap_upper=corners.k,
    )


def _found(flow: Flow, corners: tr.Corners, others: int, least: float) -> Found:
    smallest = min(flow.lines, key=lambda line: line.gap)
    met, k = corners.gap, corners.k
    if smallest.gap < met:
        met, k = smallest.gap, (smallest.t, smallest.k_at_gap)
    open_gap = met > least
    return Found(
        value=flow.crossings % 2,
        resolved=flow.followed and open_gap,
        flow_gap=min(line.size for line in flow.lines),
        gap_upper=met,
        splitting=corners.splitting,
        evaluations=others + sum(line.points for line in flow.lines),
        flow=flow,
        reason="" if flow.followed and open_gap else "depth" if open_gap else "closed gap",
        k_at_gap_upper=k,
    )


def _require_even(pairs: list[tuple[Line, Line]], tolerance: float, loop_share: float) -> None:
    """Refuse centres at t and -t that differ: the bands may carry a Chern number."""
    for a, b in pairs:
        off = shift_between(a.centres, b.centres)
        share = off / min(a.size, b.size) - loop_share
        if a.settled and b.settled and share > tolerance:
            raise tr.refuse(
                f"Wannier centres at k_x = {a.t:.3g} and {b.t:.3g} differ by {off:.3g} of a cell",
                share,
                tolerance,
            )


def line_at(h: Slice, t: float, filled: int, rules: FlowRules) -> Line:
    """Double the points of a loop at k_x = t until its centres stay where they are."""
    chain = slice_at(h, 0, t)
    n = FIRST_POINTS
    frame, gap, k_y = _chain_frames(chain, np.arange(n) / n, filled)
    links, _ = unitary_links(frame)
    centres = centres_of(transport(links))
    while True:
        between, more, k_more = _chain_frames(chain, (np.arange(n) + 0.5) / n, filled)
        n = 2 * n
        if more < gap:
            gap, k_y = more, k_more
        frame = np.stack([frame, between], axis=1).reshape(n, *frame.shape[1:])
        links, overlap = unitary_links(frame)
        before, centres = centres, centres_of(transport(links))
        line = make_line(t, centres, settled=True, gap=gap, points=n, k_at_gap=k_y)
        still = shift_between(before, centres) <= rules.loop_share * line.size
        if still and overlap.min() >= OVERLAP:
            return line
        if 2 * n > rules.max_loop:
            return make_line(t, centres, settled=False, gap=gap, points=n, k_at_gap=k_y)


def _chain_frames(
    chain: Slice, turns: NDArray[np.float64], filled: int
) -> tuple[NDArray[np.complex128], float, float]:
    """Occupied frames, the smallest gap, and where it is, in (-pi, pi]."""
    k = 2.0 * np.pi * turns[:, None]
    states = frames_of(bloch_at(chain.vectors, chain.amplitudes, k), filled)
    least = int(states.gap.argmin())
    k_y = float(k[least, 0])
    return states.frame, float(states.gap[least]), k_y - 2.0 * np.pi if k_y > np.pi else k_y


def _sampled_line(
    frame: NDArray[np.complex128], gap: NDArray[np.float64], t: float, rules: FlowRules
) -> Line:
    """Line of a grid; settled where every second point gives the same centres."""
    links, overlap = unitary_links(frame)
    centres = centres_of(transport(links))
    coarse = centres_of(transport(unitary_links(frame[::2])[0]))
    line = make_line(t, centres, settled=True, gap=float(gap.min()), points=0)
    still = shift_between(coarse, centres) <= rules.loop_share * line.size
    settled = bool(still and overlap.min() >= OVERLAP)
    return make_line(t, centres, settled=settled, gap=line.gap, points=0)
