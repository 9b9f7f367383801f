"""Z2 invariant by the flux through half of the Brillouin zone and Wannier centres at its ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.invariants._bands import band_evidence, one_thread
from topophys.invariants._cells import Hoppings
from topophys.invariants._cocycle import (
    LIMIT,
    Cocycle,
    Edges,
    Sides,
    common_edges,
    integers_of_vertices,
)
from topophys.invariants._domains import Zone
from topophys.invariants._kramers_pairs import pair_sum
from topophys.invariants._limits import INTEGRAL
from topophys.invariants._slices import Slice
from topophys.invariants._walk import Cover, cover
from topophys.invariants.evidence import BandEvidence
from topophys.kernels.cocycle import link_phases, turn_phases
from topophys.kernels.rounding import lower_bound, upper_bound

__all__ = ["HalfZone", "prove_half_zone"]

Int: TypeAlias = NDArray[np.int64]
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
class _End:
    """A line k_x = 0 or pi: points (N,) along k_y, states there, and the frame of each interval."""

    x: int
    y: Int
    states: Array
    frame: Int


def prove_half_zone(
    h: Slice, filled: int, *, max_depth: int, max_evaluations: int, evidence: bool = False
) -> HalfZone:
    r"""Prove the Z2 invariant of a time-reversal-symmetric Hamiltonian.

    On the lines k_x = 0 and pi the centres come in pairs; let X be the sum of one of each pair,
    defined modulo 1. The sum of all centres moves by the flux, hence

    .. math:: Z_2 = \frac{1}{2\pi} \int_{0 \le k_x \le \pi} \mathrm{tr}\,\Omega
        - 2 X(\pi) + 2 X(0) \pmod 2

    By Stokes the flux is a sum over edges between cells, of the windings of their transition
    phases, and over the two lines, of the link phases in the gauges of the cells there.

    Parameters
    ----------
    h : Slice
        A single Hamiltonian in two dimensions; time reversal is taken for granted.
    filled : int
        Number of occupied bands.
    max_depth : int
        How often a cell may be subdivided.
    max_evaluations : int
        Largest number of eigenproblems to solve.
    evidence : bool
        Whether to return the cells.

    Returns
    -------
    HalfZone
        Value and evidence.
    """
    zone = Zone((START, 2 * START), 2 * START, max_depth)
    with one_thread():
        ham = Hoppings.of(h, filled)
        walk = cover(ham, zone, np.zeros(1), max_evaluations, TIGHTNESS, frames=True)
        number, spread = _number(walk) if walk.reason[0] == "" else (0.0, np.nan)
    whole = round(number)
    if walk.reason[0] == "" and not abs(number - whole) < INTEGRAL:
        walk.fail(np.array([0]), "rounding")
    proven = bool(walk.reason[0] == "")
    exponent = walk.ham.exponent
    k_x, k_y = walk.k_at_gap_upper[0]
    cells = band_evidence(walk)[0] if evidence and proven else None
    return HalfZone(
        value=whole % 2,
        proven=proven,
        gap_lower=float(lower_bound(walk.gap_lower, exponent)[0]) if proven else 0.0,
        gap_upper=float(upper_bound(walk.gap_met, exponent)[0]),
        evaluations=int(walk.evaluations[0]),
        reason=str(walk.reason[0]),
        k_at_gap_upper=(float(k_x), float(k_y)),
        spread=spread,
        cells=cells if isinstance(cells, BandEvidence) else None,
    )


def _number(walk: Cover) -> tuple[float, float]:
    """Z2 as an integer up to rounding, and the spread of pairs; gives the walk up on failure."""
    cocycle = Cocycle(walk)
    _inner_edges(cocycle)
    ends: list[_End] = []
    for side in (0, 1):
        end = _end(cocycle, side) if cocycle.alive[0] else None
        if end is None:
            return 0.0, np.nan
        ends.append(end)
    flux = _inner_flux(cocycle, ends)
    first, last = (pair_sum(end.states[:, :, : walk.ham.filled]) for end in ends)
    if not all(s.proven(float(walk.ham.slack[0]), float(walk.gap_lower[0])) for s in (first, last)):
        walk.fail(np.array([0]), "rounding")
    for sign, end in zip((1.0, -1.0), ends, strict=True):
        phase = np.empty(len(end.y))
        link_phases(cocycle.states, end.states, walk.ham.filled, end.frame, phase)
        flux += sign * float(phase.sum())
    number = flux / (2.0 * np.pi) - 2.0 * (last.value - first.value)
    return number, max(first.spread, last.spread)


def _inner_edges(cocycle: Cocycle) -> None:
    """Edges between cells; k_y is periodic, the lines k_x = 0 and pi are left out."""
    leaves, around = cocycle.walk.leaves, cocycle.domain.fine
    (x, y), frame = leaves.corner.T, np.arange(len(leaves.owner))
    size = np.int64(1) << (cocycle.domain.max_depth - leaves.depth)
    right, left = x + size < around // 2, x > 0

    def column(place: Int) -> Int:
        return np.asarray(place)[:, None]

    if right.any():
        line, start, end, one, other = common_edges(
            Sides(column(x + size)[right], y[right], (y + size)[right], frame[right]),
            Sides(column(x)[left], y[left], (y + size)[left], frame[left]),
        )
        p, q = np.column_stack([line, start]), np.column_stack([line, end])
        cocycle.add(Edges(np.zeros_like(start), p, q, one, other), 1)
    line, start, end, one, other = common_edges(
        Sides(column(y), x, x + size, frame), Sides(column((y + size) % around), x, x + size, frame)
    )
    p, q = np.column_stack([start, line]), np.column_stack([end, line])
    cocycle.add(Edges(np.zeros_like(start), p, q, one, other), 0)


def _end(cocycle: Cocycle, side: int) -> _End | None:
    """Points of a line, with their images under time reversal, so near that links are bounded."""
    leaves, around = cocycle.walk.leaves, cocycle.domain.fine
    x, y = leaves.corner.T
    size = np.int64(1) << (cocycle.domain.max_depth - leaves.depth)
    here = np.flatnonzero(x + size == around // 2 if side else x == 0)
    here = here[np.argsort(y[here])]
    place = side * (around // 2)
    points = np.union1d(y[here], -y[here] % around)
    thin: dict[tuple[int, int], int] = {}
    while True:
        ends = np.append(points[1:], around)
        frame = here[np.searchsorted(y[here], points, "right") - 1]
        pairs = zip(points.tolist(), ends.tolist(), strict=True)
        known = np.array([thin.get(pair, -1) for pair in pairs])
        frame = np.where(known >= 0, known, frame)
        bound = np.empty(len(frame))
        turn_phases(cocycle.frobenius, cocycle.operator, cocycle.ham.rank, frame, bound)
        rows = np.flatnonzero(~(bound < LINK))
        if not len(rows):
            break
        good = _thin_ends(cocycle, side, place, points[rows], ends[rows], frame[rows], thin)
        if good is None:
            return None
        rows = rows[~good]
        if (ends[rows] - points[rows] < 2).any():
            cocycle.walk.fail(np.array([0]), "depth")
            return None
        middle = (points[rows] + ends[rows]) // 2
        points = np.union1d(points, np.concatenate([middle, -middle % around]))
    where = np.column_stack([np.full(len(points), place), points])
    owner = np.zeros(len(points), np.int64)
    if not cocycle.spend(owner).all():
        return None
    # transitions to thin cells that are in use
    for (start, stop), number in thin.items():
        row = int(np.searchsorted(points, start))
        if points[row] == start and frame[row] == number:
            cell = here[np.searchsorted(y[here], start, "right") - 1 :][:1]
            pair = (cell, np.array([number])) if side else (np.array([number]), cell)
            phase, spread = cocycle.check(*pair)
            p, q = np.array([[place, start]]), np.array([[place, stop]])
            cocycle.keep(Edges(owner[:1], p, q, *pair), phase, spread)
    return _End(place, points, cocycle.states_at(owner, where), frame)


def _thin_ends(
    cocycle: Cocycle,
    side: int,
    place: int,
    start: Int,
    stop: Int,
    cell: Int,
    thin: dict[tuple[int, int], int],
) -> NDArray[np.bool_] | None:
    """Thin cells on intervals of a line; which of them do, None without evaluations for them."""
    owner = np.zeros(len(start), np.int64)
    if not cocycle.spend(owner).all():
        return None
    column = np.full(len(start), place)
    frame, _, _ = cocycle.thin_cells(
        owner, np.column_stack([column, start]), np.column_stack([column, stop]), 1
    )
    good = frame >= 0
    rows = np.flatnonzero(good)
    pair = (cell[rows], frame[rows]) if side else (frame[rows], cell[rows])
    _, spread = cocycle.check(*pair)
    bound = np.empty(len(rows))
    turn_phases(cocycle.frobenius, cocycle.operator, cocycle.ham.rank, frame[rows], bound)
    good[rows] = (spread < LIMIT) & (bound < LINK)
    for row in np.flatnonzero(good):
        thin[int(start[row]), int(stop[row])] = int(frame[row])
    return good


def _inner_flux(cocycle: Cocycle, ends: list[_End]) -> float:
    """Sum of the transition phases at all vertices."""
    around = cocycle.domain.fine
    period = np.array([around, around])
    edges, middle, spread = cocycle.collected()
    (owner, point), total, error, first, last = cocycle.vertices(edges, middle, spread, period)
    inner = (point[:, 0] > 0) & (point[:, 0] < around // 2)
    flux = (
        2.0
        * np.pi
        * float(
            integers_of_vertices(
                cocycle, edges, middle, owner, point, total, error, first, last, inner
            ).sum()
        )
    )
    for end in ends:
        chosen = np.flatnonzero(point[:, 0] == end.x)
        states = end.states[np.searchsorted(end.y, point[chosen, 1])]
        sums, _ = cocycle.exact(edges, middle, owner, point, chosen, first, last, states)
        flux += float(sums.sum())
    return flux
