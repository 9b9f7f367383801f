"""Gaps and Chern numbers of many bands: phases on edges, integers at vertices."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from topophys._typing import FourierLike
from topophys.hamiltonians.symmetries import time_reversal_error
from topophys.invariants._cells import Hoppings, bound_cells, frames_at
from topophys.invariants._limits import Limits
from topophys.invariants._subdivision import Box, Cover, Zone, cover
from topophys.invariants.evidence import BandEvidence, CellTree, ProofEvidence, SurfaceEvidence
from topophys.invariants.results import Evidence
from topophys.kernels import status as st
from topophys.kernels.chern_multiband import edge_phases, vertex_phases
from topophys.kernels.rounding import UP, lower_bound, upper_bound

__all__ = [
    "Cocycle",
    "Edges",
    "Sides",
    "charge_evidence",
    "chern_evidence",
    "common_edges",
    "gap_evidence",
    "group_size",
    "integers_of_vertices",
    "one_thread",
    "statuses",
    "surface_edges",
    "zone_edges",
]


# ------------- Chern numbers from the frames of proven cells: phases on edges, integers at vertices

Int: TypeAlias = NDArray[np.int64]
Real: TypeAlias = NDArray[np.float64]
Array: TypeAlias = NDArray[np.complex128]

#: Largest phase variation on an edge, and sum of those at a vertex: kept clear of pi.
LIMIT: Final = 3.1
#: How far an exact sum of phases / 2 pi may be from an integer by rounding.
INTEGRAL: Final = 1e-3
#: Matrices of frames treated together, in bytes.
CHUNK_BYTES: Final = 8 << 20


@dataclass(frozen=True, eq=False)
class Sides:
    """Sides (m,) of cells along one axis: on which line (m, ...), from where to where, of which."""

    line: Int
    start: Int
    end: Int
    frame: Int


@dataclass(frozen=True, eq=False)
class Edges:
    """Intervals along one axis with the frames to the left and to the right of them.

    Attributes
    ----------
    owner : int64 ndarray of shape (E,)
        Hamiltonians.
    start, end : int64 ndarray of shape (E, dim)
        Ends in units of the smallest edge.
    left, right : int64 ndarray of shape (E,)
        Frame of the cell whose boundary, anticlockwise, runs from start to end, and of the other.
    """

    owner: Int
    start: Int
    end: Int
    left: Int
    right: Int


def common_edges(plus: Sides, minus: Sides) -> tuple[Int, Int, Int, Int, Int]:
    """Elementary edges of two families of sides that cover the same intervals of the same lines.

    Returns line (E, ...), start, end, and the frames of both families.
    """
    lines, number = _distinct(np.concatenate([plus.line, minus.line]))
    span = int(max(plus.end.max(), minus.end.max())) + 1
    key_p = number[: len(plus.line)] * span + plus.start
    key_m = number[len(plus.line) :] * span + minus.start
    order_p, order_m = np.argsort(key_p), np.argsort(key_m)
    key_p, key_m = key_p[order_p], key_m[order_m]
    keys = np.unique(np.concatenate([key_p, key_m]))
    i = order_p[np.searchsorted(key_p, keys, "right") - 1]
    j = order_m[np.searchsorted(key_m, keys, "right") - 1]
    start = keys % span
    end = np.minimum(plus.end[i], minus.end[j])
    line = lines[keys // span]
    # both families must cover the same intervals, each once: no interval reaches into the next,
    # each edge continues where the one before ends, and nothing is left over
    apart = all(
        (key[1:] >= key[:-1] + (family.end - family.start)[order][:-1]).all()
        for family, key, order in ((plus, key_p, order_p), (minus, key_m, order_m))
    )
    same = (plus.line[i] == line).all(-1) & (minus.line[j] == line).all(-1)
    same &= (plus.start[i] <= start) & (minus.start[j] <= start)
    length = (end - start).sum()
    if not (
        apart
        and same.all()
        and (end > start).all()
        and length == (plus.end - plus.start).sum() == (minus.end - minus.start).sum()
    ):
        raise AssertionError("cells do not tile the surface")
    return line, start, end, plus.frame[i], minus.frame[j]


def _distinct(lines: Int) -> tuple[Int, Int]:
    """Return distinct rows (L, c) of `lines` in order, and which of them each row is."""
    low = lines.min(0)
    widths = (lines.max(0) - low + 1).tolist()
    if math.prod(widths) < 2**62:  # one number stands for a row: sorted much faster
        key = np.zeros(len(lines), np.int64)
        for column, least, width in zip(lines.T, low, widths, strict=True):
            key = key * width + (column - least)
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        return lines[first], number.reshape(-1)
    rows, number = np.unique(lines, axis=0, return_inverse=True)
    return rows, number.reshape(-1)


class Cocycle:
    """Frames of cells, transition phases between them on edges, and the integer they make."""

    def __init__(self, walk: Cover) -> None:
        self.walk = walk
        self.ham: Hoppings = walk.ham
        self.domain: Zone | Box = walk.domain
        leaves = walk.leaves
        self.states, self.frobenius = leaves.states, leaves.frobenius
        self.operator, self.departure = leaves.operator, leaves.departure
        self.edges: list[Edges] = []
        self.middle: list[Real] = []
        self.spread: list[Real] = []

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Which Hamiltonians are not given up."""
        return np.asarray(self.walk.reason == "")

    def check(self, left: Int, right: Int) -> tuple[Real, Real]:
        """Transition phase between frames, and how far it varies."""
        middle, spread = np.empty(len(left)), np.empty(len(left))
        edge_phases(
            self.states, self.ham.filled, self.frobenius, self.operator, self.departure,
            left, right, middle, spread,
        )  # fmt: skip
        return middle, spread

    def keep(self, edges: Edges, middle: Real, spread: Real) -> None:
        """Add edges that are proven."""
        self.edges.append(edges)
        self.middle.append(middle)
        self.spread.append(spread)

    def spend(self, owner: Int) -> NDArray[np.bool_]:
        """Whether each Hamiltonian may solve the eigenproblems that it asks for."""
        wanted = np.bincount(owner, minlength=len(self.ham))
        self.walk.fail(self.walk.evaluations + wanted > self.walk.max_evaluations, "budget")
        return self.alive[owner]

    def thin_cells(self, owner: Int, start: Int, end: Int, axis: int) -> tuple[Int, Real, Real]:
        """Frames (m,) at the middle of intervals along `axis`; bounds |T|_F, |T|, inf on failure.

        Those that fail have frame -1.
        """
        half = np.zeros((1, start.shape[1]))
        half[0, axis] = self.domain.half[axis]
        length = (end - start)[:, axis]
        found = bound_cells(
            self.ham, owner, start + end, self.phases, half,
            length / 2.0**self.domain.max_depth, np.zeros(len(owner)), frames=True,
        )  # fmt: skip
        self.walk.saw(owner, start + end, found.seen)
        frame = np.full(len(owner), -1, np.int64)
        frame[found.good] = len(self.states) + np.arange(len(found.good))
        self.states = np.concatenate([self.states, found.states])
        self.frobenius = np.concatenate([self.frobenius, found.frobenius])
        self.operator = np.concatenate([self.operator, found.operator])
        self.departure = np.concatenate([self.departure, found.departure])
        return frame, found.frobenius, found.operator

    def phases(self, points: Int) -> Array:
        """e^(i k.R) at points in units of half of the smallest edge."""
        return self.domain.phases(self.ham.vectors, points)

    def add(self, edges: Edges, axis: int) -> None:
        """Prove the transition phases on edges along one axis, with thin cells where needed."""
        middle, spread = self.check(edges.left, edges.right)
        good = spread < LIMIT
        self.keep(_some(edges, good), middle[good], spread[good])
        rest = _some(edges, ~good)
        while len(rest.owner):
            rest = _some(rest, self.spend(rest.owner))
            if not len(rest.owner):
                return
            frame, _, _ = self.thin_cells(rest.owner, rest.start, rest.end, axis)
            there = np.flatnonzero(frame >= 0)
            first = self.check(rest.left[there], frame[there])
            second = self.check(frame[there], rest.right[there])
            fine = (first[1] < LIMIT) & (second[1] < LIMIT)
            done = there[fine]
            part = _some(rest, done)
            self.keep(
                Edges(part.owner, part.start, part.end, part.left, frame[done]),
                first[0][fine], first[1][fine],
            )  # fmt: skip
            self.keep(
                Edges(part.owner, part.start, part.end, frame[done], part.right),
                second[0][fine], second[1][fine],
            )  # fmt: skip
            left = np.ones(len(rest.owner), np.bool_)
            left[done] = False
            rest = _some(rest, left)
            short = (rest.end - rest.start)[:, axis] == 1
            self.walk.fail(rest.owner[short], "depth")
            rest = _some(rest, self.alive[rest.owner])
            half = (rest.start + rest.end) // 2
            rest = Edges(
                np.tile(rest.owner, 2),
                np.concatenate([rest.start, half]),
                np.concatenate([half, rest.end]),
                np.tile(rest.left, 2),
                np.tile(rest.right, 2),
            )

    def integers(self, period: Int) -> Int:
        """Chern number (B,) of each Hamiltonian that is not given up.

        At each vertex the phases of the edges that end there, less those of edges that start
        there, add up to 2 pi n; period (dim,) are the numbers after which points come again.
        """
        edges, middle, spread = self.collected()
        (owner, point), total, error, first, last = self.vertices(edges, middle, spread, period)
        every = np.ones(len(owner), np.bool_)
        turns = integers_of_vertices(
            self, edges, middle, owner, point, total, error, first, last, every
        )
        out = np.zeros(len(self.ham))
        np.add.at(out, owner, turns)
        return np.asarray(np.rint(out), dtype=np.int64)

    def collected(self) -> tuple[Edges, Real, Real]:
        """All proven edges."""
        names = ("owner", "start", "end", "left", "right")
        edges = Edges(*(np.concatenate([getattr(e, x) for e in self.edges]) for x in names))
        return edges, np.concatenate(self.middle), np.concatenate(self.spread)

    def vertices(
        self, edges: Edges, middle: Real, spread: Real, period: Int
    ) -> tuple[tuple[Int, Int], Real, Real, Int, Int]:
        """Vertices (owner, point), sums of phases and errors there, and where edges start, end."""
        ends = np.concatenate([edges.start, edges.end]) % period
        key = np.tile(edges.owner, 2)
        for axis in range(ends.shape[1]):
            key = key * period[axis] + ends[:, axis]
        _, which, number = np.unique(key, return_index=True, return_inverse=True)
        first, last = np.split(number.reshape(-1), 2)
        total, error = np.zeros(len(which)), np.zeros(len(which))
        np.add.at(total, last, middle)
        np.add.at(total, first, -middle)
        np.add.at(error, last, spread)
        np.add.at(error, first, spread)
        return (np.tile(edges.owner, 2)[which], ends[which]), total, error, first, last

    def exact(
        self,
        edges: Edges,
        middle: Real,
        owner: Int,
        point: Int,
        chosen: Int,
        first: Int,
        last: Int,
        frames: Array | None = None,
    ) -> tuple[Real, Real]:
        """Return sums of phases at the vertices `chosen`, from states there, and their integers.

        Solves one eigenproblem for each vertex unless its `frames` are given.
        """
        given = frames is not None
        if frames is None:
            frames = self.states_at(owner[chosen], point[chosen])
        slot = np.full(len(owner), -1, np.int64)
        slot[chosen] = np.arange(len(chosen))
        sums = np.zeros(len(chosen))
        for ends, sign in ((last, 1.0), (first, -1.0)):
            rows = np.flatnonzero(slot[ends] >= 0)
            chi = np.empty(len(rows))
            vertex_phases(
                self.states, frames, self.ham.filled, edges.left[rows], edges.right[rows],
                slot[ends[rows]], middle[rows], chi,
            )  # fmt: skip
            np.add.at(sums, slot[ends[rows]], sign * chi)
        turns = sums / (2.0 * np.pi)
        if not given:
            off = ~(np.abs(turns - np.rint(turns)) < INTEGRAL)
            self.walk.fail(owner[chosen[off]], "rounding")
        return sums, np.rint(np.where(np.isnan(turns), 0.0, turns))

    def states_at(self, owner: Int, point: Int) -> Array:
        """Eigenvectors at lattice points."""
        energy, states = frames_at(self.ham, owner, 2 * point, self.phases)
        filled = self.ham.filled
        gap = energy[:, filled] - energy[:, filled - 1]
        self.walk.saw(owner, 2 * point, gap)
        # states are off by at most slack / gap: no phase may hang on that
        self.walk.fail(owner[~(self.ham.slack[owner] < 1e-5 / filled * gap)], "rounding")
        return states


def integers_of_vertices(
    cocycle: Cocycle,
    edges: Edges,
    middle: Real,
    owner: Int,
    point: Int,
    total: Real,
    error: Real,
    first: Int,
    last: Int,
    chosen: NDArray[np.bool_],
) -> Real:
    """Integers at vertices, 0 where not `chosen`: by rounding, or where errors are large exactly.

    Arguments are those that `Cocycle.vertices` takes and returns.
    """
    turns = np.where(chosen, np.rint(total / (2.0 * np.pi)), 0.0)
    wide = np.flatnonzero((error >= LIMIT) & chosen)
    wide = wide[cocycle.spend(owner[wide])]
    if len(wide):
        turns[wide] = cocycle.exact(edges, middle, owner, point, wide, first, last)[1]
    return turns


def _some(edges: Edges, rows: Int | NDArray[np.bool_]) -> Edges:
    return Edges(*(x[rows] for x in vars(edges).values()))


def zone_edges(cocycle: Cocycle, *, half: bool = False) -> None:
    """Edges between the cells of a two-dimensional zone, once around in both directions.

    In `half` of a zone, k_x from 0 to pi, those on the lines k_x = 0 and pi are left out.
    """
    leaves, fine = cocycle.walk.leaves, cocycle.domain.fine
    (x, y), frame = leaves.corner.T, np.arange(len(leaves.owner))
    size = np.int64(1) << (cocycle.domain.max_depth - leaves.depth)
    every = np.ones(len(x), np.bool_)
    right, left = (x + size < fine // 2, x > 0) if half else (every, every)

    def at(place: Int) -> Int:
        return np.stack([leaves.owner, place % fine], 1)

    # up along the right side of one cell, which is the left side of the next
    if right.any():
        line, start, end, one, other = common_edges(
            Sides(at(x + size)[right], y[right], (y + size)[right], frame[right]),
            Sides(at(x)[left], y[left], (y + size)[left], frame[left]),
        )
        owner, place = line.T
        p, q = np.stack([place, start], 1), np.stack([place, end], 1)
        cocycle.add(Edges(owner, p, q, one, other), 1)
    line, start, end, one, other = common_edges(
        Sides(at(y), x, x + size, frame), Sides(at(y + size), x, x + size, frame)
    )
    owner, place = line.T
    p, q = np.stack([start, place], 1), np.stack([end, place], 1)
    cocycle.add(Edges(owner, p, q, one, other), 0)


def surface_edges(cocycle: Cocycle) -> None:
    """Edges between the cells of the surface of a box, those on its edges included."""
    domain, leaves = cocycle.domain, cocycle.walk.leaves
    size = np.int64(1) << (domain.max_depth - leaves.depth)
    for axis in range(3):
        plus: list[Sides] = []
        minus: list[Sides] = []
        rest = [a for a in range(3) if a != axis]
        for number, patch in enumerate(domain.patches):
            if axis not in patch.axes:
                continue
            rows = np.flatnonzero(leaves.patch == number)
            along = patch.axes.index(axis)
            other = patch.axes[1 - along]
            outward = patch.offset[3 - sum(patch.axes)] > 0
            start, edge = leaves.corner[rows, along], size[rows]
            for far in (0, 1):
                point = np.tile(np.array(patch.offset, np.int64), (len(rows), 1))
                point[:, other] += leaves.corner[rows, 1 - along] + far * edge
                line = np.column_stack([leaves.owner[rows], point[:, rest]])
                # anticlockwise: the near side of the first axis, the far side of the second; seen
                # from outside a lower face is reversed
                forward = ((far == 0) == (along == 0)) == outward
                (plus if forward else minus).append(Sides(line, start, start + edge, rows))
        line, start, end, left, right = common_edges(_joined(plus), _joined(minus))
        p, q = np.empty((len(start), 3), np.int64), np.empty((len(start), 3), np.int64)
        p[:, rest], p[:, axis] = line[:, 1:], start
        q[:, rest], q[:, axis] = line[:, 1:], end
        cocycle.add(Edges(line[:, 0], p, q, left, right), axis)


def _joined(sides: list[Sides]) -> Sides:
    return Sides(*(np.concatenate(x) for x in zip(*(vars(s).values() for s in sides), strict=True)))


# -------------------- Certified gaps and Chern numbers of any number of bands, from cells and edges

#: Starting cells of the Brillouin zone in each direction.
START: Final = 8
#: Half of the zone is enough where gaps at k and -k differ by less than this share of the norm.
MIRRORED: Final = 1e-4
#: Hamiltonians treated together, and bytes that the bases of their cells may take.
GROUP, GROUP_OF_GAPS, GROUP_BYTES = 256, 512, 64 << 20
#: Bytes of a cell without its basis, with room for copies.
CELL_BYTES: Final = 128
#: Bytes that cells may take where every Hamiltonian of a group uses up its evaluations.
MOST_BYTES: Final = 4 << 30

_CODES: Final = {
    "": st.OK,
    "budget": st.BUDGET,
    "depth": st.DEPTH,
    "rounding": st.ROUNDING,
    "closed gap": st.CLOSED_GAP,
    "small gap": st.SMALL_GAP,
}


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Context in which LAPACK uses one thread: for small matrices more would wait for each other.

    To look for the libraries takes longer than many a proof, so it is done once.
    """
    limited: AbstractContextManager[object] = _controller().limit(limits=1)
    return limited


def statuses(reason: Shaped[np.ndarray, " B"]) -> NDArray[np.uint8]:
    """Status codes (B,) of reasons in words."""
    out = np.zeros(len(reason), np.uint8)
    for word, code in _CODES.items():
        out[reason == word] = code
    return out


def gap_evidence(
    H: FourierLike, filled: int, limits: Limits, *, evidence: bool, mirrored: bool = False
) -> Evidence:
    """Prove that the lowest `filled` bands are apart from the others; the value is their number.

    `mirrored`: the Hamiltonians that are meant, within the amplitude errors, have the same gap at k
    and -k exactly, so that half of the zone is enough.
    """
    dim = H.vectors.shape[1]
    error = np.inf if evidence or dim < 3 or math.prod(H.batch_shape) != 1 else _mirrored(H)

    half = Zone((START,) * (dim - 1) + (START // 2,), START, limits.max_depth)

    def prove(ham: Hoppings, least: NDArray[np.float64]) -> tuple[Cover, NDArray[np.int64]]:
        value, most = np.full(len(ham), filled, np.int64), limits.max_evaluations
        if mirrored:
            return cover(ham, half, least, most, limits.tightness, frames=evidence), value
        spent = np.zeros(len(ham), np.int64)
        # gaps at k and -k differ by at most this
        between = 2.0 * (float(upper_bound(error, -ham.exponent)[0]) + 2.0 * float(ham.error[0]))
        if between <= MIRRORED * ham.size[0]:
            walk = cover(
                ham, half, least, most, limits.tightness, frames=False, less=between * UP
            )  # fmt: skip
            if walk.reason[0] not in ("reduced", "depth"):
                return walk, value
            spent = walk.evaluations
            most = max(0, most - int(spent[0]))
        zone = Zone((START,) * dim, START, limits.max_depth)
        walk = cover(ham, zone, least, most, limits.tightness, frames=evidence)
        walk.evaluations += spent
        return walk, value

    return _in_groups(H, filled, limits, prove, evidence=evidence, frames=evidence)


def _mirrored(H: FourierLike) -> float:
    """Bound of how far energies at k and -k differ; infinite where it is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = time_reversal_error(H)
    return found if np.isfinite(found) else np.inf


def chern_evidence(H: FourierLike, filled: int, limits: Limits, *, evidence: bool) -> Evidence:
    """Prove the Chern number of the lowest `filled` bands."""

    def prove(ham: Hoppings, least: NDArray[np.float64]) -> tuple[Cover, NDArray[np.int64]]:
        zone = Zone((START, START), START, limits.max_depth)
        walk = cover(ham, zone, least, limits.max_evaluations, limits.tightness, frames=True)
        if not len(walk.leaves.owner):
            return walk, np.zeros(len(ham), np.int64)
        cocycle = Cocycle(walk)
        zone_edges(cocycle)
        return walk, cocycle.integers(np.array([zone.fine, zone.fine]))

    return _in_groups(H, filled, limits, prove, evidence=evidence)


def charge_evidence(
    H: FourierLike,
    filled: int,
    box: Box,
    limits: Limits,
    *,
    evidence: bool,
    some: Int | None = None,
) -> Evidence:
    """Prove the flux of the lowest `filled` bands out of a box, over 2 pi; of all or `some`."""

    def prove(ham: Hoppings, least: NDArray[np.float64]) -> tuple[Cover, NDArray[np.int64]]:
        walk = cover(ham, box, least, limits.max_evaluations, limits.tightness, frames=True)
        if not len(walk.leaves.owner):
            return walk, np.zeros(len(ham), np.int64)
        cocycle = Cocycle(walk)
        surface_edges(cocycle)
        return walk, cocycle.integers(np.full(3, box.fine + 1))

    return _in_groups(H, filled, limits, prove, evidence=evidence, shift=box.rounding, some=some)


def group_size(n_bands: int, max_evaluations: int, *, frames: bool = True) -> int:
    """How many Hamiltonians may be treated together, for the memory that their cells take.

    With `frames` the basis of each cell is kept.
    """
    basis = 16 * n_bands**2
    kept = basis if frames else CELL_BYTES
    most = min(GROUP_BYTES // (400 * basis), MOST_BYTES // (kept * max_evaluations))
    return max(1, min(GROUP if frames else GROUP_OF_GAPS, most))


def _in_groups(
    H: FourierLike,
    filled: int,
    limits: Limits,
    prove: Any,
    *,
    evidence: bool,
    shift: float = 0.0,
    some: Int | None = None,
    frames: bool = True,
) -> Evidence:
    """Apply `prove` to groups of Hamiltonians, all or `some`, that fit into memory together.

    Momenta may be rounded by up to `shift` in each component.
    """
    ham = Hoppings.of(H, filled, shift)
    ham = ham if some is None else ham.take(some)
    size, dim = len(ham), H.vectors.shape[1]
    least = upper_bound(limits.min_gap, -ham.exponent)
    group = group_size(ham.n_bands, limits.max_evaluations, frames=frames)
    found = Evidence(
        proven=np.zeros(size, np.bool_),
        value=np.zeros(size, np.int64),
        gap_lower=np.zeros(size),
        gap_upper=np.zeros(size),
        k_at_gap_upper=np.zeros((size, dim)),
        evaluations=np.zeros(size, np.int64),
        status=np.zeros(size, np.uint8),
    )
    kept: list[ProofEvidence | None] = []
    with one_thread():
        for lo in range(0, size, group):
            rows = np.arange(lo, min(lo + group, size))
            walk, value = prove(ham.take(rows) if group < size else ham, least[rows])
            found.proven[rows] = walk.reason == ""
            found.value[rows] = value
            found.status[rows] = statuses(walk.reason)
            found.gap_lower[rows] = lower_bound(walk.gap_lower, walk.ham.exponent)
            found.gap_upper[rows] = upper_bound(walk.gap_met, walk.ham.exponent)
            found.k_at_gap_upper[rows] = walk.k_at_gap_upper
            found.evaluations[rows] = walk.evaluations
            if evidence:
                kept += band_evidence(walk)
    return Evidence(**(vars(found) | {"evidence": tuple(kept)}))


def band_evidence(walk: Cover) -> list[ProofEvidence | None]:
    """Tree and bases for each Hamiltonian; None where it is not proven."""
    out: list[ProofEvidence | None] = []
    leaves, domain = walk.leaves, walk.domain
    for b, reason in enumerate(walk.reason):
        if reason != "":
            out.append(None)
            continue
        mine, pieces = leaves.take(leaves.owner == b), []
        for i, patch in enumerate(domain.patches):
            here = mine.take(mine.patch == i)
            tree, order = CellTree.of_cells(
                patch.start, domain.max_depth, here.corner, here.depth
            )  # fmt: skip
            pieces.append(BandEvidence(tree, here.states[order].astype(np.complex64)))
        if isinstance(domain, Box):
            out.append(SurfaceEvidence(domain.centre, domain.width, tuple(pieces)))
        else:
            out.append(pieces[0])
    return out
