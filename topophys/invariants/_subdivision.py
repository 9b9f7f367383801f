"""Subdivision of a domain of momentum space until the gap is proven on each cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.invariants._cells import CellBounds, Hoppings, bound_cells, frames_at
from topophys.kernels.chern_multiband import lattice_phases, plane_phases
from topophys.kernels.rounding import MET, UNIT, UP

__all__ = ["Box", "Cover", "Leaves", "Levels", "Patch", "Zone", "cover", "divide"]


# ------------------ Which part of momentum space a proof covers, and on which lattice its cells lie

Int: TypeAlias = NDArray[np.int64]
Real: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Patch:
    """A flat piece of a domain.

    Attributes
    ----------
    axes : tuple of int
        Directions of momentum along which it extends, in the order of the coordinates of cells.
    start : tuple of int
        Number of starting cells along each.
    offset : tuple of int
        Its lowest corner, in units of the smallest edge.
    """

    axes: tuple[int, ...]
    start: tuple[int, ...]
    offset: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Zone:
    """The Brillouin zone, or the part of it that starting cells of a lattice around k = 0 cover.

    Attributes
    ----------
    start : tuple of int
        Starting cells along each axis; START make 2 pi.
    around : int
        Starting cells that make 2 pi.
    max_depth : int
        How often a cell may be divided.
    """

    start: tuple[int, ...]
    around: int
    max_depth: int

    @property
    def patches(self) -> tuple[Patch, ...]:
        """The single piece."""
        dim = len(self.start)
        return (Patch(tuple(range(dim)), self.start, (0,) * dim),)

    @property
    def fine(self) -> int:
        """Lattice points along 2 pi."""
        return self.around << self.max_depth

    @property
    def half(self) -> Real:
        """Half edges of a starting cell."""
        return np.full(len(self.start), np.pi / self.around)

    def phases(self, vectors: Int, points: Int) -> NDArray[np.complex128]:
        """e^(i k.R) at points in units of half of the smallest edge."""
        out = np.empty((len(points), len(vectors)), np.complex128)
        fine = 2 * self.fine
        lattice_phases(points % fine, vectors % fine, fine, out)
        return out

    def momenta(self, points: Int) -> Real:
        """Momenta in [-pi, pi) at such points."""
        fine = 2 * self.fine
        return 2.0 * np.pi * ((points + self.fine) % fine - self.fine) / fine


@dataclass(frozen=True, eq=False)
class Box:
    """The surface of a box in three dimensions.

    Attributes
    ----------
    centre, width : float64 ndarray of shape (3,)
        The box runs over centre +- width.
    n_start : int
        Starting cells along each edge.
    max_depth : int
        How often a cell may be divided.
    """

    centre: Real
    width: Real
    n_start: int
    max_depth: int

    @property
    def patches(self) -> tuple[Patch, ...]:
        """Six faces: (axis 0, low), (axis 0, high), (axis 1, low), ..."""
        faces = []
        for axis in range(3):
            for side in (0, 1):
                offset = [0, 0, 0]
                offset[axis] = side * self.fine
                axes = ((axis + 1) % 3, (axis + 2) % 3)
                faces.append(Patch(axes, (self.n_start,) * 2, (offset[0], offset[1], offset[2])))
        return tuple(faces)

    @property
    def fine(self) -> int:
        """Lattice intervals along an edge of the box."""
        return self.n_start << self.max_depth

    @property
    def half(self) -> Real:
        """Half edges of a starting cell, rounded up."""
        return self.width / self.n_start * (1.0 + 1e-12)

    @property
    def rounding(self) -> float:
        """By how much a component of a momentum, and a phase over |R|_1, may be off."""
        return 16.0 * UNIT * float(np.max(np.abs(self.centre) + self.width))

    def momenta(self, points: Int) -> Real:
        """Momenta at points in units of half of the smallest edge; equal points give equal bits."""
        return np.asarray(self.centre + (points - self.fine) * (self.width / self.fine))

    def phases(self, vectors: Int, points: Int) -> NDArray[np.complex128]:
        """e^(i k.R) at points in units of half of the smallest edge."""
        out = np.empty((len(points), len(vectors)), np.complex128)
        plane_phases(self.momenta(points), vectors.astype(np.float64), out)
        return out


# ---------------------------------- Division of a domain into cells until the gap is proven on each

#: Cells of one Hamiltonian evaluated in one round: many, where that is cheaper; not so many that
#: a closed gap is noticed late.
ROUND_CELLS: Final = {1: 512, 2: 512, 3: 8192}
#: Steps in which a touching is looked for, and evaluations after which that is done first.
APPROACH: Final = 40
LOOK: Final = 2000
#: How often a leaf is divided to replace it by cells with better bounds: those of a child, from
#: its own centre, may be worse at first.
FURTHER: Final = 5
#: What is taken off every bound must be this many times below what bounds may fall short by.
MATTERS: Final = 8.0


@dataclass(eq=False)
class Leaves:
    """Proven cells.

    Attributes
    ----------
    owner, patch, depth : int64 ndarray of shape (L,)
        Hamiltonian, piece of the domain, number of divisions.
    corner : int64 ndarray of shape (L, A)
        Lowest corners within the patch, in units of the smallest edge.
    gap : float64 ndarray of shape (L,)
        Proven gaps.
    frobenius, operator, departure : float64 ndarray of shape (L,)
        As in `CellBounds`.
    states : complex128 ndarray of shape (L, n, n)
        Bases; empty where not asked for.
    """

    owner: Int
    patch: Int
    depth: Int
    corner: Int
    gap: Real
    frobenius: Real
    operator: Real
    departure: Real
    states: NDArray[np.complex128]

    def take(self, rows: Int | NDArray[np.bool_]) -> Leaves:
        """Return some of them."""
        return Leaves(*(x[rows] for x in vars(self).values()))

    @staticmethod
    def none(n_bands: int, axes: int) -> Leaves:
        """No cells."""
        none, empty = np.empty(0, np.int64), np.empty(0)
        corner, states = np.empty((0, axes), np.int64), np.empty((0, n_bands, n_bands), complex)
        return Leaves(none, none, none, corner, empty, empty, empty, empty, states)

    @staticmethod
    def join(parts: list[Leaves]) -> Leaves:
        """All of several."""
        columns = zip(*(vars(p).values() for p in parts), strict=True)
        return Leaves(*(np.concatenate(c) for c in columns))


@dataclass(eq=False)
class Cover:
    """State and outcome of a walk over B Hamiltonians.

    Attributes
    ----------
    reason : str ndarray of shape (B,)
        "" where all cells are proven.
    gap_lower, gap_upper : float64 ndarray of shape (B,)
        Smallest proven gap of the leaves, 0 where unresolved; smallest gap met.
    k_at_gap_upper : float64 ndarray of shape (B, dim)
        Where that is.
    evaluations : int64 ndarray of shape (B,)
        Eigenproblems solved.
    leaves : Leaves
        Those of proven Hamiltonians only, if frames were asked for.
    look_at : int64 ndarray of shape (B,)
        Evaluations after which a touching is looked for next.
    less : float
        What is taken off every bound, where cells stand for others as well.
    """

    ham: Hoppings
    domain: Zone | Box
    least: Real
    max_evaluations: int
    frames: bool
    less: float = 0.0
    reason: NDArray[Any] = field(init=False)
    gap_lower: Real = field(init=False)
    gap_upper: Real = field(init=False)
    k_at_gap_upper: Real = field(init=False)
    evaluations: Int = field(init=False)
    leaves: Leaves = field(init=False)
    look_at: Int = field(init=False)

    def __post_init__(self) -> None:
        size, dim = len(self.ham), len(self.domain.half)
        self.reason = np.full(size, "", "<U12")
        self.gap_lower, self.gap_upper = np.full(size, np.inf), np.full(size, np.inf)
        self.k_at_gap_upper = np.zeros((size, dim))
        self.evaluations = np.zeros(size, np.int64)
        self.look_at = np.full(size, LOOK)

    def fail(self, rows: Int | NDArray[np.bool_], reason: str) -> None:
        """Give up Hamiltonians; a gap of zero to rounding is the better reason."""
        if not (rows.any() if rows.dtype == np.bool_ else len(rows)):
            return
        chosen = np.zeros(len(self.ham), np.bool_)
        chosen[rows] = True
        chosen &= self.reason == ""
        # hoppings that are off by more than the gap met do not show that it is closed
        closed = (self.gap_upper <= 2.0 * MET * self.ham.noise) & np.isfinite(self.ham.slack)
        rounding = (self.gap_upper <= 32.0 * self.ham.slack) & (reason == "depth")
        self.reason[chosen] = np.where(
            closed, "closed gap", np.where(rounding, "rounding", reason)
        )[chosen]

    def saw(self, owner: Int, points: Int, gap: Real) -> None:
        """Keep the smallest gap of each Hamiltonian and its place; count evaluations."""
        self.evaluations += np.bincount(owner, minlength=len(self.ham))
        order = np.lexsort((gap, owner))
        first = order[np.flatnonzero(np.diff(owner[order], prepend=-1))]
        better = first[gap[first] < self.gap_upper[owner[first]]]
        self.gap_upper[owner[better]] = gap[better]
        k = self.domain.momenta(points[better])
        self.k_at_gap_upper[owner[better]] = (k + np.pi) % (2.0 * np.pi) - np.pi

    def look_at_corners(self, owner: Int, patch: Int, corner: Int) -> None:
        """Gaps at the corners of one smallest cell of each owner: touchings are often there."""
        owner, first = np.unique(owner, return_index=True)
        axes = corner.shape[1]
        step = np.indices((2,) * axes, dtype=np.int64).reshape(axes, -1).T
        ok = self.evaluations[owner] + len(step) <= self.max_evaluations
        owner, first = owner[ok], first[ok]
        if not len(owner):
            return
        points = np.zeros((len(owner), len(step), len(self.domain.half)), np.int64)
        for i, row in enumerate(first):
            p = self.domain.patches[patch[row]]
            points[i] = 2 * np.array(p.offset, np.int64)
            points[i][:, p.axes] += 2 * (corner[row] + step)
        flat, who = points.reshape(-1, points.shape[-1]), np.repeat(owner, len(step))
        energy, _ = frames_at(self.ham, who, flat, self._phases)
        filled = self.ham.filled
        self.saw(who, flat, energy[:, filled] - energy[:, filled - 1])

    def look_for_touchings(self) -> None:
        """Follow the gap to zero from the smallest one met, where that is still to be done.

        That is where cells or depth ran out, and now and then before, so that a closed gap is
        noticed before many cells are spent on it.
        """
        if not isinstance(self.domain, Zone):
            return
        ended = (self.reason == "budget") | (self.reason == "depth")
        due = (self.reason == "") & (self.evaluations >= self.look_at)
        for b in np.flatnonzero(ended | due):
            left = int(min(APPROACH, self.max_evaluations - self.evaluations[b]))
            self.look_at[b] = 8 * self.evaluations[b]
            if not (left > 0 and np.isfinite(self.gap_upper[b]) and np.isfinite(self.ham.noise[b])):
                continue
            gap, k, count = approach(self.ham, int(b), self.k_at_gap_upper[b], left)
            self.evaluations[b] += count
            if gap < self.gap_upper[b]:
                self.gap_upper[b] = gap
                self.k_at_gap_upper[b] = (k + np.pi) % (2.0 * np.pi) - np.pi
            if self.gap_upper[b] <= 2.0 * MET * self.ham.noise[b]:
                self.reason[b] = "closed gap"

    def bound(self, owner: Int, patch: Int, depth: Int, corner: Int, least: Real) -> _Bounded:
        """Bounds on cells; corner in units of the smallest edge."""
        edge = np.int64(1) << (self.domain.max_depth - depth)
        patches = self.domain.patches
        chosen = [np.flatnonzero(patch == p) for p in range(len(patches))]
        dim = len(self.domain.half)
        gap, good = np.empty(len(owner)), []
        parts: list[CellBounds] = []
        for p, rows in zip(patches, chosen, strict=True):
            if not len(rows):
                continue
            points = np.tile(2 * np.array(p.offset, np.int64), (len(rows), 1))
            points[:, p.axes] += 2 * corner[rows] + edge[rows, None]
            half = np.zeros((len(p.axes), dim))
            half[range(len(p.axes)), p.axes] = self.domain.half[list(p.axes)]
            size = np.ldexp(1.0, -depth[rows])
            enough = (least[rows] + self.less) * UP if self.less else least[rows]
            found = bound_cells(
                self.ham, owner[rows], points, self._phases, half, size, enough,
                frames=self.frames, fine=self.lattice,
            )  # fmt: skip
            self.saw(owner[rows], points, found.seen)
            gap[rows] = (found.gap - self.less) / UP if self.less else found.gap
            good.append(rows[found.good])
            parts.append(found)
        rows = np.concatenate(good)
        names = ("frobenius", "operator", "departure", "states")
        if self.frames:
            bounds = [np.concatenate([getattr(p, name) for p in parts]) for name in names]
        else:
            bounds = [np.empty(len(rows))] * 3 + [np.empty((len(rows), 0, 0), np.complex128)]
        leaves = Leaves(
            owner[rows], patch[rows], depth[rows], corner[rows], gap[rows],
            bounds[0], bounds[1], bounds[2], bounds[3],
        )  # fmt: skip
        failed = np.ones(len(owner), np.bool_)
        failed[rows] = False
        return _Bounded(gap, leaves, rows, np.flatnonzero(failed))

    @property
    def gap_met(self) -> Real:
        """Upper bound of the smallest gap of the exact Hamiltonians, whose hoppings are off."""
        return np.asarray(self.gap_upper + 2.0 * self.ham.error)

    @property
    def lattice(self) -> int:
        """Points along 2 pi, half of the smallest edge apart; 0 where there is no such lattice."""
        return 2 * self.domain.fine if isinstance(self.domain, Zone) else 0

    def _phases(self, points: Int) -> NDArray[np.complex128]:
        return self.domain.phases(self.ham.vectors, points)


def approach(ham: Hoppings, b: int, k: Real, most: int) -> tuple[float, Real, int]:
    """Smallest gap of one Hamiltonian met by Newton's method for a touching, where, and steps.

    At a touching the three components of the two states at the gap vanish; steps that do not make
    the gap smaller are halved.
    """
    n, filled = ham.n_bands, ham.filled
    hops, vectors = ham.hops[b].reshape(-1, n, n), ham.vectors.astype(np.float64)
    best, at, step = np.inf, k, np.zeros_like(k)
    for count in range(1, most + 1):
        trial = at + step
        phased = np.exp(1j * (vectors @ trial))[:, None, None] * hops
        half = phased.sum(0)
        energy, states = np.linalg.eigh(ham.onsite[b] + half + half.conj().T)
        gap = float(energy[filled] - energy[filled - 1])
        if not gap < best:
            step = 0.5 * step
            if not np.abs(step).max(initial=0.0) > 1e-15:
                return best, at, count
            continue
        best, at = gap, trial
        if gap <= 2.0 * MET * ham.noise[b]:
            return best, at, count
        pair = states[:, filled - 1 : filled + 1]
        parts = np.empty((3, len(k)))
        for j in range(len(k)):
            slope = np.tensordot(1j * vectors[:, j], phased, axes=1)
            s = pair.conj().T @ (slope + slope.conj().T) @ pair
            parts[:, j] = s[0, 1].real, s[0, 1].imag, 0.5 * (s[1, 1] - s[0, 0]).real
        step = np.linalg.lstsq(parts, np.array([0.0, 0.0, -0.5 * gap]), rcond=1e-10)[0]
        step = step * min(1.0, 0.5 / max(float(np.linalg.norm(step)), 1e-300))
    return best, at, most


@dataclass(frozen=True, eq=False)
class _Bounded:
    """Bounds of all cells, the proven ones as leaves with their rows, rows of the others."""

    gap: Real
    leaves: Leaves
    proven: Int
    failed: Int


@dataclass(eq=False)
class _Waiting:
    """Cells to be evaluated; those with the smallest rank first."""

    owner: Int
    patch: Int
    corner: Int
    depth: Int
    rank: Real

    def take(self, rows: Int | NDArray[np.bool_]) -> _Waiting:
        """Return some of them."""
        return _Waiting(*(x[rows] for x in vars(self).values()))

    @classmethod
    def start(cls, domain: Zone | Box, size: int) -> _Waiting:
        """Return the starting cells of `size` Hamiltonians."""
        corners, patches = [], []
        for i, p in enumerate(domain.patches):
            grid = np.indices(p.start, dtype=np.int64).reshape(len(p.start), -1).T
            corners.append(grid << domain.max_depth)
            patches.append(np.full(len(grid), i, np.int64))
        corner, patch = np.concatenate(corners), np.concatenate(patches)
        owner = np.repeat(np.arange(size, dtype=np.int64), len(corner))
        return cls(
            owner, np.tile(patch, size), np.tile(corner, (size, 1)),
            np.zeros(len(owner), np.int64), np.zeros(len(owner)),
        )  # fmt: skip

    def split(self, most: int) -> tuple[_Waiting, _Waiting]:
        """Up to `most` of the smallest cells of each owner, the worst first, and the others."""
        order = np.lexsort((self.rank, -self.depth, self.owner))
        owner = self.owner[order]
        first = np.arange(len(order)) - np.searchsorted(owner, owner) < most
        now = self.take(order[first])
        # neighbours together: their Bloch sums share work
        now = now.take(np.lexsort((*now.corner.T, now.depth, now.owner)))
        return now, self.take(order[~first])

    def children(self, domain: Zone | Box) -> _Waiting:
        """Return the halves along all axes."""
        count = 1 << self.corner.shape[1]
        return _Waiting(
            np.repeat(self.owner, count), np.repeat(self.patch, count),
            divide(domain, self.depth, self.corner), np.repeat(self.depth + 1, count),
            np.repeat(self.rank, count),
        )  # fmt: skip


class Levels:
    """Cells of a grid, level by level: what is not proven at one is divided for the next.

    Corners are points of a lattice on which a starting cell has the edge ``2**deepest``.

    Attributes
    ----------
    waiting : int
        Cells that are still to be looked at.
    visited : int
        Cells so far, those that wait included.
    """

    def __init__(self, corner: Int, depth: Int, deepest: int) -> None:
        self.deepest, self.visited = deepest, len(corner)
        self._level = 0
        self._corner, self._depth = corner, depth
        self._kept: list[tuple[Int, Int]] = []
        self._children = np.indices((2,) * corner.shape[1]).reshape(corner.shape[1], -1).T

    @classmethod
    def of_grid(cls, start: tuple[int, ...], deepest: int) -> Levels:
        """All cells of a starting grid."""
        corner = np.indices(start, dtype=np.int64).reshape(len(start), -1).T << deepest
        return cls(np.ascontiguousarray(corner), np.zeros(len(corner), np.int64), deepest)

    def __iter__(self) -> Iterator[tuple[int, Int]]:
        """Yield the edge of the cells of each level, and their corners (m, D)."""
        for level in range(self.deepest + 1):
            if not len(self._corner):
                return
            self._level, now = level, self._depth == level
            here = self._corner[now]
            self._corner, self._depth = self._corner[~now], self._depth[~now]
            yield 1 << (self.deepest - level), here

    @property
    def waiting(self) -> int:
        return len(self._corner)

    def split(self, corner: Int, proven: NDArray[np.bool_]) -> None:
        """Keep the proven ones of some cells of this level, and divide the others."""
        self._kept.append((corner[proven], np.full(int(proven.sum()), self._level)))
        half = (1 << (self.deepest - self._level)) >> 1
        below = (corner[~proven][:, None] + half * self._children).reshape(-1, corner.shape[1])
        if self._level == self.deepest:  # too small to be divided: they stay as they are
            below = corner[~proven]
        self._corner = np.concatenate([self._corner, below])
        self._depth = np.concatenate([self._depth, np.full(len(below), self._level + 1)])
        self.visited += len(below)

    @property
    def left(self) -> Int:
        """Corners of the cells that no level has proven."""
        return self._corner

    def proven(self) -> tuple[Int, Int]:
        """Corners (L, D) and depths (L,) of all proven cells."""
        corner, depth = zip(*self._kept, strict=True)
        return np.concatenate(corner), np.concatenate(depth)


def divide(domain: Zone | Box, depth: Int, corner: Int) -> Int:
    """Corners (m 2^A, A) of the children."""
    axes = corner.shape[1]
    child = np.indices((2,) * axes, dtype=np.int64).reshape(axes, -1).T
    edge = np.int64(1) << (domain.max_depth - depth - 1)
    return np.asarray((corner[:, None] + edge[:, None, None] * child).reshape(-1, axes))


def cover(
    ham: Hoppings,
    domain: Zone | Box,
    least: Real,
    max_evaluations: int,
    tightness: float,
    *,
    frames: bool,
    less: float = 0.0,
) -> Cover:
    """Divide the domain of each Hamiltonian until its gap less `less` is proven above `least` (B,).

    In every round each Hamiltonian evaluates some of its smallest cells, the worst first:
    where the gap is closed that shows after few cells. Afterwards leaves with bounds below
    `tightness` times the smallest gap met are divided as long as depth and evaluations allow.
    The reason is "reduced" where `less` decides what can be proven.
    """
    walk = Cover(ham, domain, least, max_evaluations, frames, less)
    count = sum(int(np.prod(p.start)) for p in domain.patches)
    axes = len(domain.patches[0].axes)
    found = [Leaves.none(ham.n_bands if frames else 0, axes)]
    if count > max_evaluations:
        walk.fail(np.ones(len(ham), np.bool_), "budget")
    waiting = _Waiting.start(domain, len(ham) if count <= max_evaluations else 0)
    while len(waiting.owner):
        now, later = waiting.split(ROUND_CELLS[axes])
        done = walk.bound(now.owner, now.patch, now.depth, now.corner, least[now.owner])
        found.append(done.leaves)
        now.rank = done.gap
        bad = now.take(done.failed)
        last = bad.take(bad.depth == domain.max_depth)
        if len(last.owner):
            walk.look_at_corners(last.owner, last.patch, last.corner)
            walk.fail(last.owner, "depth")
        walk.fail(walk.gap_upper + 2.0 * ham.slack < least, "small gap")
        walk.fail(walk.gap_upper <= 2.0 * ham.slack, "rounding")
        walk.look_for_touchings()
        if less:
            walk.fail((1.0 - tightness) * walk.gap_upper < MATTERS * less, "reduced")
        # each of these must be evaluated: where that is too much, nothing is gained by trying
        more = np.bincount(bad.owner, minlength=len(ham)) << axes
        more += np.bincount(later.owner, minlength=len(ham))
        walk.fail(walk.evaluations + more > max_evaluations, "budget")
        parts = [later, bad.take(walk.reason[bad.owner] == "").children(domain)]
        columns = zip(*(vars(p).values() for p in parts), strict=True)
        waiting = _Waiting(*(np.concatenate(c) for c in columns))
        waiting = waiting.take(walk.reason[waiting.owner] == "")
    walk.look_for_touchings()
    walk.leaves = Leaves.join(found)
    del found  # bases of cells are most of the memory
    kept = walk.reason[walk.leaves.owner] == ""
    if not kept.all():
        walk.leaves = walk.leaves.take(kept)
    _tighten(walk, tightness)
    np.minimum.at(walk.gap_lower, walk.leaves.owner, walk.leaves.gap)
    walk.gap_lower[walk.reason != ""] = 0.0
    return walk


def _tighten(walk: Cover, share: float) -> None:
    """Divide leaves whose bounds are far below the smallest gap met."""
    domain, axes = walk.domain, walk.leaves.corner.shape[1]
    children = 1 << axes
    final = walk.leaves.depth == domain.max_depth
    while True:
        leaves = walk.leaves
        weak = np.flatnonzero((leaves.gap < share * walk.gap_upper[leaves.owner]) & ~final)
        # the worst first, as many as the number of evaluations allows
        weak = weak[np.lexsort((leaves.gap[weak], leaves.owner[weak]))]
        owner = leaves.owner[weak]
        place = np.arange(len(weak)) - np.searchsorted(owner, owner)
        left = (walk.max_evaluations - walk.evaluations[owner]) // children
        weak = weak[place < np.minimum(left, ROUND_CELLS[axes])]
        if not len(weak):
            return
        below = divide(domain, leaves.depth[weak], leaves.corner[weak])
        owner, patch, depth, inherited = (
            np.repeat(x[weak], children)
            for x in (leaves.owner, leaves.patch, leaves.depth + 1, leaves.gap)
        )
        group = np.repeat(np.arange(len(weak)), children)
        failed, last = np.zeros(len(weak), np.bool_), leaves.depth[weak] + FURTHER
        parts, groups = [], []
        while len(owner):
            done = walk.bound(owner, patch, depth, below, np.zeros(len(owner)))
            done.leaves.gap = np.maximum(done.leaves.gap, inherited[done.proven])
            parts.append(done.leaves)
            groups.append(group[done.proven])
            # what is not proven from its own centre is divided on, or the leaf stays
            bad = done.failed
            stuck = depth[bad] >= np.minimum(last[group[bad]], domain.max_depth)
            more = walk.evaluations + children * np.bincount(owner[bad], minlength=len(walk.ham))
            stuck |= more[owner[bad]] > walk.max_evaluations
            failed[group[bad[stuck]]] = True
            bad = bad[~failed[group[bad]]]
            below = divide(domain, depth[bad], below[bad])
            owner, patch, depth, inherited, group = (
                np.repeat(x[bad], children) for x in (owner, patch, depth + 1, inherited, group)
            )
        # a leaf is replaced where the cells below it are proven on their own
        born = Leaves.join(parts).take(~failed[np.concatenate(groups)])
        final[weak[failed]] = True
        keep = np.ones(len(leaves.owner), np.bool_)
        keep[weak[~failed]] = False
        walk.leaves = Leaves.join([leaves.take(keep), born])
        final = np.concatenate([final[keep], born.depth == domain.max_depth])
