"""Highest occupied and lowest empty level over the Brillouin zone, bounded from both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys.invariants._cells import (
    Hoppings,
    Int,
    Phases,
    Real,
    _extremes,
    _hermitian_norm,
    _turn,
    eigh_batch,
    expansions,
)
from topophys.invariants._subdivision import Zone, divide
from topophys.kernels.chern_multiband import corner_blocks

__all__ = ["START", "BandEdges", "EdgeBounds", "bound_edges", "walk_edges"]

#: Starting cells of the Brillouin zone in each direction.
START: Final = 8


@dataclass(frozen=True, eq=False)
class EdgeBounds:
    """Levels on each of some cells.

    Attributes
    ----------
    below, above : float64 ndarray of shape (m,)
        The highest occupied and the lowest empty level at the centre; -inf and inf where there is
        none.
    top, bottom : float64 ndarray of shape (m,)
        Upper bound of the one and lower bound of the other on the whole cell.
    """

    below: Real
    above: Real
    top: Real
    bottom: Real


def bound_edges(
    ham: Hoppings,
    filled: int,
    owner: Int,
    points: Int,
    phases: Phases,
    half: Real,
    size: Real,
    fine: int = 0,
) -> EdgeBounds:
    """Bound the levels on both sides of the gap on cells; `filled` may be 0 or all bands.

    Shapes: `owner` (m,), `points` (m, dim), `half` (A, dim), `size` (m,).
    """
    n, axes = ham.n_bands, len(half)
    out = [np.empty(len(owner)) for _ in range(4)]
    for rows, terms, rest in expansions(ham, owner, points, phases, half, size, fine):
        energy, states = eigh_batch(terms[:, 0])
        # a basis of length 1 + departure misjudges a block by twice that times the norm of H
        wide = rest + 2.1 * _turn(states, terms) * ham.size[owner[rows]]
        out[0][rows] = energy[:, filled - 1] if filled else -np.inf
        out[1][rows] = energy[:, filled] if filled < n else np.inf
        out[2][rows], out[3][rows] = _blocks(terms, wide, filled, axes)
    return EdgeBounds(*out)


def _blocks(terms: NDArray[np.complex128], rest: Real, filled: int, axes: int) -> tuple[Real, Real]:
    """Largest eigenvalue of the occupied and smallest of the empty block, over all corners."""
    m, n, rows = len(terms), terms.shape[-1], np.arange(len(terms))
    occupied = np.empty((1 << axes, m, filled, filled), np.complex128)
    empty = np.empty((1 << axes, m, n - filled, n - filled), np.complex128)
    for corner in range(1 << axes):
        corner_blocks(terms, rows, corner, axes, filled, occupied[corner], empty[corner])
    top, bottom = np.full(m, -np.inf), np.full(m, np.inf)
    if filled:
        high = _extremes(occupied.reshape(-1, filled, filled))[1].reshape(1 << axes, m).max(0)
        top = high + _curvature(terms, axes, slice(None, filled)) + rest
    if filled < n:
        low = _extremes(empty.reshape(-1, n - filled, n - filled))[0].reshape(1 << axes, m).min(0)
        bottom = low - _curvature(terms, axes, slice(filled, None)) - rest
    return top, bottom


def _curvature(terms: NDArray[np.complex128], axes: int, block: slice) -> Real:
    """1/4 sum_i |Q_ii| of a diagonal block, for each cell."""
    curve = np.zeros(len(terms))
    place = 1 + axes
    for i in range(axes):
        curve += 0.25 * _hermitian_norm(np.ascontiguousarray(terms[:, place, block, block]))
        place += axes - i
    return curve


@dataclass(eq=False)
class BandEdges:
    """What is known of the levels around the gap of B Hamiltonians, in the unit of `Hoppings`.

    Attributes
    ----------
    status : str ndarray of shape (B,)
        "certified", "refuted" or "unresolved".
    reason : str ndarray of shape (B,)
        Why unresolved.
    top, bottom : float64 ndarray of shape (B,)
        Proven upper bound of the highest occupied level, lower bound of the lowest empty one.
    below, above : float64 ndarray of shape (B,)
        The highest occupied and the lowest empty level met.
    k_below, k_above : float64 ndarray of shape (B, dim)
        Where.
    evaluations : int64 ndarray of shape (B,)
        Eigenproblems solved.
    """

    status: NDArray[Any]
    reason: NDArray[Any]
    top: Real
    bottom: Real
    below: Real
    above: Real
    k_below: Real
    k_above: Real
    evaluations: Int

    @classmethod
    def begin(cls, size: int, dim: int) -> BandEdges:
        """Nothing known."""
        return cls(
            np.full(size, "", "<U10"), np.full(size, "", "<U10"), np.full(size, np.inf),
            np.full(size, -np.inf), np.full(size, -np.inf), np.full(size, np.inf),
            np.full((size, dim), np.nan), np.full((size, dim), np.nan), np.zeros(size, np.int64),
        )  # fmt: skip

    def put(self, rows: Int, other: BandEdges) -> None:
        """Set rows from another."""
        for name, column in vars(self).items():
            column[rows] = getattr(other, name)


def walk_edges(
    ham: Hoppings,
    filled: int,
    level: Real | None,
    least: Real,
    *,
    max_depth: int,
    max_evaluations: int,
    tightness: float,
) -> BandEdges:
    """Prove or refute that all occupied levels lie below all empty ones, and around a level.

    Shapes: `level` (B,), `least` (B,).
    """
    dim = ham.vectors.shape[1]
    zone = Zone((START,) * dim, START, max_depth)
    out = BandEdges.begin(len(ham), dim)
    width = np.diag(zone.half)
    start = np.indices(zone.start, dtype=np.int64).reshape(dim, -1).T << max_depth
    owner = np.repeat(np.arange(len(ham)), len(start))
    corner, depth = np.tile(start, (len(ham), 1)), np.zeros(len(owner), np.int64)
    if len(start) > max_evaluations:
        out.reason[:], owner, corner, depth = "budget", owner[:0], corner[:0], depth[:0]
    kept: list[Any] = [owner[:0], depth[:0], corner[:0], np.empty(0), np.empty(0)]
    while len(owner):
        points = 2 * corner + (np.int64(1) << (max_depth - depth))[:, None]
        found = bound_edges(
            ham, filled, owner, points, lambda p: zone.phases(ham.vectors, p), width,
            np.ldexp(1.0, -depth), 2 * zone.fine,
        )  # fmt: skip
        _met(out, owner, zone.momenta(points), found)
        new = (owner, depth, corner, found.top, found.bottom)
        kept = [np.concatenate(pair) for pair in zip(kept, new, strict=True)]
        _decide(out, ham, level, least)
        live = (out.status == "") & (out.reason == "")
        kept = [column[live[kept[0]]] for column in kept]
        high, low, strict = _aims(out, level, least, tightness)
        bad = (kept[3] > high[kept[0]]) | (kept[4] < low[kept[0]])
        bad |= (kept[3] >= strict[0][kept[0]]) | (kept[4] <= strict[1][kept[0]])
        last = bad & (kept[1] == max_depth)
        out.reason[np.unique(kept[0][last])] = "depth"
        more = np.bincount(kept[0][bad], minlength=len(ham)) << dim
        short = (out.evaluations + more > max_evaluations) & (out.reason == "") & (more > 0)
        out.reason[short & (out.status == "")] = "budget"
        bad &= (out.reason == "")[kept[0]]
        owner = np.repeat(kept[0][bad], 1 << dim)
        depth = np.repeat(kept[1][bad] + 1, 1 << dim)
        corner = divide(zone, kept[1][bad], kept[2][bad])
        done = live & (out.reason == "") & ~np.isin(np.arange(len(ham)), owner)
        for b in np.flatnonzero(done):
            mine = kept[0] == b
            out.top[b], out.bottom[b] = kept[3][mine].max(), kept[4][mine].min()
        out.status[done] = "certified"
        kept = [column[~bad & ~done[kept[0]]] for column in kept]
    out.status[out.status == ""] = "unresolved"
    return out


def _met(out: BandEdges, owner: Int, k: Real, found: EdgeBounds) -> None:
    """Keep the highest occupied and the lowest empty level of each Hamiltonian."""
    out.evaluations += np.bincount(owner, minlength=len(out.status))
    for values, sign, best, place in (
        (found.below, -1.0, out.below, out.k_below), (found.above, 1.0, out.above, out.k_above),
    ):  # fmt: skip
        order = np.lexsort((sign * values, owner))
        first = order[np.flatnonzero(np.diff(owner[order], prepend=-1))]
        better = first[sign * values[first] < sign * best[owner[first]]]
        best[owner[better]], place[owner[better]] = values[better], k[better]


def _decide(out: BandEdges, ham: Hoppings, level: Real | None, least: Real) -> None:
    """Refute by levels that were met, each off by at most the slack; notice gaps that are small."""
    if level is None:
        against = out.below - ham.slack > out.above + ham.slack
    else:
        against = (out.below - ham.slack > level) | (out.above + ham.slack < level)
    open_ = (out.status == "") & (out.reason == "")
    out.status[open_ & against] = "refuted"
    small = out.above - out.below + 2.0 * ham.slack < least
    out.reason[open_ & ~against & small] = "small gap"
    # differences below the slack cannot be resolved
    if level is None:
        near = out.above - out.below <= 2.0 * ham.slack
    else:
        near = (level - out.below <= ham.slack) | (out.above - level <= ham.slack)
    closed = out.above - out.below <= 2.0 * ham.slack
    stuck = open_ & ~against & near
    out.reason[stuck] = np.where(closed & np.isfinite(ham.slack), "closed gap", "rounding")[stuck]


def _aims(
    out: BandEdges, level: Real | None, least: Real, tightness: float
) -> tuple[Real, Real, tuple[Real, Real]]:
    """Bounds that cells have to keep: `top` at most the first, `bottom` at least the second.

    The third are what both must stay clear of: the level, or the middle between levels that were
    met.
    """
    wide = out.above - out.below
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(wide > 0.0, np.maximum(tightness, least / wide * (1.0 + 1e-9)), tightness)
        share = np.where(np.isfinite(share), np.minimum(share, 1.0), 0.0)
        if level is None:
            middle = 0.5 * (out.below + out.above)
            step = 0.5 * (1.0 - share) * wide
            return out.below + step, out.above - step, (middle, middle)
        high = np.where(np.isfinite(out.below), level - share * (level - out.below), level)
        low = np.where(np.isfinite(out.above), level + share * (out.above - level), level)
    return high, low, (level, level)
