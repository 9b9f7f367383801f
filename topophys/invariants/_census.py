"""Cells of the Brillouin zone on which no gap is proven, and boxes around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys._progress import track
from topophys._typing import FourierLike
from topophys.hamiltonians.symmetries import time_reversal_error
from topophys.invariants._cells import Hoppings, Int, Real, bound_cells
from topophys.invariants._cocycle import one_thread
from topophys.invariants._folding import MANY, Folded, Polynomial, expand, fit, fold
from topophys.invariants._scaling import divide_out
from topophys.invariants._subdivision import Box, Zone
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import UP, upper_bound

__all__ = [
    "CENSUS_START",
    "Ends",
    "Remaining",
    "affordable",
    "boxes_around",
    "cells_inside",
    "cells_left",
    "momenta_in",
    "union",
]

#: Starting cells of the Brillouin zone in each direction.
CENSUS_START: Final = 8
#: Cells bounded together.
TOGETHER: Final = 4096
#: Eigenproblems of all bands that may be solved by default at most.
MOST: Final = 2_000_000
#: Operations, by the estimate of `affordable`, of some ten minutes.
OPERATIONS: Final = 6e12
#: Time reversal is used where energies at k and -k differ by less than this share of the norm.
REVERSED: Final = 1e-4
#: Cells are divided further by few bands where no more than this share of the zone is left by all.
SHARE: Final = 0.05
#: Error of the polynomial of a block, relative to the size of H.
PRECISE: Final = 1e-6
#: Momenta at which the middle of the gap is looked up in a block, and again where cells fail.
SAMPLES: Final = 48
AGAIN: Final = 24
#: How many of these eigenvalues take as long as a cell of all bands.
CHEAP: Final = 8
#: How often a block is divided before its pieces become blocks, and cells at which it is given up.
INNER: Final = 4
FAILING: Final = 96
#: How many levels above them cells share a block.
AROUND: Final = 2
#: Cells of a depth from which on, if as many hang together, they are not divided: lines.
LONG: Final = 512
LINES: Final = 7
#: Cells without proof from which on the middle of the gap is looked up again.
FEW: Final = 16


@dataclass(frozen=True, eq=False)
class Remaining:
    """Cells without proof.

    Attributes
    ----------
    cells : int64 ndarray of shape (m, 3)
        Their lowest corners on a lattice of n^3.
    edge : int64 ndarray of shape (m,)
        Their edges there.
    n : int
        Points along 2 pi.
    gap : float
        Proven gap on all others.
    spent : int
        Eigenproblems of all bands that were solved.
    reversal, inversion : float
        Bounds of how far energies at k and -k differ, by time reversal and by inversion; infinite
        where they differ by too much to be used.
    stopped : bool
        Whether some are larger than the smallest ones.
    """

    cells: Int
    edge: Int
    n: int
    gap: float
    spent: int
    reversal: float
    inversion: float
    stopped: bool


def affordable(h: FourierLike) -> int:
    """Eigenproblems of cells that take some minutes: sums over hoppings, and blocks at corners."""
    n = h.n_bands
    cost = 5.0 * len(h.vectors) * n**2 + 100.0 * n**3
    return int(min(MOST, max(20_000, OPERATIONS / cost)))


def cells_left(
    h: FourierLike,
    filled: int,
    depth: int,
    max_cells: int,
    max_evaluations: int,
    show: bool,
    inversion: float = np.inf,
) -> Remaining:
    """Divide the zone until the gap is proven, down to `depth`, and return what is left.

    Energies at k and -k differ by no more than `inversion`, if that is finite. Where cells or
    evaluations run out, what is left is that of the depth before.
    """
    with one_thread():
        walk = _Walk(h, filled, depth, max_evaluations, inversion)
        walk.divide(max_cells, show)
        if h.n_bands >= MANY and walk.level < depth and not walk.stopped:
            walk.divide_blocks(max_cells, show)
    return walk.remaining()


#: Cells: lowest corners (m, 3) in units of the smallest edge, depths (m,), and whether each stands
#: for itself alone (m,) or for the one at -k as well.
Cells: TypeAlias = tuple[Int, Int, NDArray[np.bool_]]


class _Walk:
    """State of a census: cells that are left, and the gap on those that are not."""

    def __init__(
        self, h: FourierLike, filled: int, depth: int, most: int, inversion: float = np.inf
    ) -> None:
        self.h, self.filled, self.depth, self.most = h, filled, depth, most
        self.ham = Hoppings.of(h, filled)
        self.exponent = int(self.ham.exponent[0])
        self.hops = divide_out(h.amplitudes[None])[0][0]
        self.zone = Zone((CENSUS_START,) * 3, CENSUS_START, depth)
        self.level, self.spent, self.gap, self.stopped = 0, 0, np.inf, False
        corner = np.indices(self.zone.start, dtype=np.int64).reshape(3, -1).T << depth
        errors = []
        for symmetry in (time_reversal_error(h), inversion):
            error = float(upper_bound(symmetry, -self.exponent)) if symmetry < np.inf else np.inf
            error = (error + 2.0 * float(self.ham.error[0])) * UP
            errors.append(error if error <= REVERSED * float(self.ham.size[0]) else np.inf)
        self.reversal, self.inversion = errors
        #: gaps at k and -k differ by at most this
        self.between = 2.0 * min(errors) * UP
        paired = self.between < np.inf
        if paired:
            there = (self.zone.fine,) * 3
            other = self.mirrored(corner, np.int64(1 << depth))
            corner = corner[
                np.ravel_multi_index(tuple(corner.T), there)
                < np.ravel_multi_index(tuple(other.T), there)
            ]
        self.paired = paired
        self.left: Cells = (
            corner, np.zeros(len(corner), np.int64), np.full(len(corner), not paired)
        )  # fmt: skip

    def mirrored(self, corner: Int, edge: Any) -> Int:
        """Lowest corners of the cells at -k."""
        return np.asarray(
            (-corner - np.reshape(edge, (-1, 1))) % (np.int64(CENSUS_START) << self.depth)
        )

    def edge(self, level: Any) -> Any:
        return np.int64(1) << (self.depth - level)

    def take_gap(self, gap: Real, alone: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Count proven gaps (m,); return which cells at -k are not proven with them."""
        enough = alone | (gap > self.between)
        lower = np.where(alone | ~enough, gap, (gap - self.between) / UP)
        self.gap = min(self.gap, float(lower.min(initial=np.inf)))
        return ~enough

    def divide(self, max_cells: int, show: bool) -> None:
        """Divide by the bounds of all bands, as far as these are the way to go."""
        while True:
            corner, _, alone = self.left
            if self.spent + len(corner) > self.most:
                self.level, self.stopped = max(0, self.level - 1), True
                self.left = _parents(self.left, self.level, self.depth)
                return
            edge = int(self.edge(self.level))
            parts = np.array_split(np.arange(len(corner)), max(1, len(corner) // TOGETHER))
            failed: list[Cells] = []
            with track(len(corner), f"cells of edge 2 pi / {self.zone.fine // edge}", show) as done:
                for part in parts:
                    failed.append(self._bound(corner[part], alone[part], edge))
                    done(len(part))
            self.spent += len(corner)
            self.left = _joined(failed)
            whole = (CENSUS_START << self.level) ** 3 * (0.5 if self.paired else 1.0)
            share = len(self.left[0]) / whole
            if not len(self.left[0]) or self.level == self.depth:
                return
            if len(self.left[0]) + int((~self.left[2]).sum()) > max_cells:
                self.stopped = True
                return
            if self.h.n_bands >= MANY and share <= SHARE:
                return
            self.left, self.level = _children(self.left, self.depth), self.level + 1

    def _bound(self, corner: Int, alone: NDArray[np.bool_], edge: int) -> Cells:
        """Cells without proof; those whose mirror images are not proven with them."""
        zone, none = self.zone, np.zeros(len(corner), np.int64)
        found = bound_cells(
            self.ham, none, 2 * corner + edge, lambda p: zone.phases(self.ham.vectors, p),
            np.diag(zone.half), np.full(len(corner), edge / 2.0**self.depth),
            np.zeros(len(corner)), frames=False, fine=2 * zone.fine, aimed=True,
        )  # fmt: skip
        lonely = found.good[self.take_gap(found.gap[found.good], alone[found.good])]
        bad = np.ones(len(corner), np.bool_)
        bad[found.good] = False
        other = self.mirrored(corner[lonely], np.int64(edge))
        count = int(bad.sum())
        return (
            np.concatenate([corner[bad], other]),
            np.full(count + len(other), self.level),
            np.append(alone[bad], np.ones(len(other), np.bool_)),
        )

    def divide_blocks(self, max_cells: int, show: bool) -> None:
        """Divide what is left by few bands, block by block."""
        ended: list[Cells] = []
        holder = self.left[1]
        while len(self.left[0]):
            blocks = _blocks(self.left, holder, self.depth)
            if (
                self.spent + SAMPLES * len(blocks) // CHEAP > self.most
                or len(self.left[0]) > max_cells
            ):
                self.stopped = True
                break
            failed, holders = [_none()], [np.empty(0, np.int64)]
            words = f"blocks of edge 2 pi / {CENSUS_START << min(b.level for b in blocks)} and less"
            with track(len(blocks), words, show) as done:
                for block in blocks:
                    cells, least = self._block(block)
                    failed.append(cells)
                    holders.append(np.maximum(least, cells[1] - AROUND))
                    done(1)
            self.left, holder = _joined(failed), np.concatenate(holders)
            # the smallest cells are tried once more, in a block not much larger than they are
            small = (self.left[1] == self.depth) & (holder > self.depth - AROUND)
            last = small | self._extended()
            ended.append(_some(self.left, last))
            self.left, holder = _some(self.left, ~last), holder[~last]
        self.left = _joined([self.left, *ended])

    def _extended(self) -> NDArray[np.bool_]:
        """Which cells belong to many that hang together, as those of a line of touchings."""
        corner, level, _ = self.left
        found = np.zeros(len(corner), np.bool_)
        for depth in range(LINES, self.depth):
            rows = np.flatnonzero(level == depth)
            if len(rows) < LONG:
                continue
            label = _clusters(corner[rows] >> (self.depth - depth), CENSUS_START << depth)
            found[rows] = (np.bincount(label) >= LONG)[label]
        self.stopped |= bool(found.any())
        return found

    def _block(self, block: _Block) -> tuple[Cells, Int]:
        """Pieces of the cells of a block that are not proven by a few bands.

        With each the least depth of a block around it that is worth a trial.
        """
        corner, level = block.corner, block.level
        deepest = min(block.at + INNER, self.depth - level)
        edge = int(self.edge(level))
        centre = np.pi * (2 * corner + edge) / self.zone.fine
        half = np.full(3, np.pi * edge / self.zone.fine) * (1.0 + 1e-12)
        box = Box(centre, half, 1, deepest)
        poly = expand(self.h.vectors, self.hops, float(self.ham.error[0]), box, PRECISE)
        self.spent += 1
        shift = self.depth - level
        start = (block.cells - corner) >> (shift - deepest)
        inner, at, lonely = start, block.at, False
        if poly is not None:
            inner, at, gaps, count = cells_inside(poly, box, self.filled, start, block.at)
            self.spent += count // CHEAP
            gap = np.ldexp(gaps, poly.exponent)
            lonely = bool(self.take_gap(gap, np.full(len(gap), block.alone)).any())
        cells = corner + (inner << (shift - deepest))
        found = (cells, np.full(len(cells), level + at), np.full(len(cells), block.alone | lonely))
        # what is left undivided is divided for the next round
        if at == block.at and len(cells) and level + at < self.depth:
            found = _children(found, self.depth)
        below = np.full(len(found[0]), level + 1)
        if not lonely:
            return found, below
        # those at -k are looked at on their own
        edge = int(self.edge(level + block.at))
        other = self.mirrored(block.cells, np.int64(edge))
        there = (other, np.full(len(other), level + block.at), np.ones(len(other), np.bool_))
        return _joined([found, there]), np.append(below, np.full(len(other), level))

    def remaining(self) -> Remaining:
        """Return what is left, those at -k included."""
        corner, level, alone = self.left
        other = self.mirrored(corner[~alone], self.edge(level[~alone]))
        every = np.column_stack([np.append(level, level[~alone]), np.concatenate([corner, other])])
        every = np.unique(every, axis=0)
        # rounded down: a power of two is exact unless it is denormal
        gap = np.nextafter(np.ldexp(self.gap, self.exponent), 0.0)
        reversal, inversion = (
            float(upper_bound(x, self.exponent)) if x < np.inf else np.inf
            for x in (self.reversal, self.inversion)
        )
        return Remaining(
            every[:, 1:], self.edge(every[:, 0]), self.zone.fine, float(gap), self.spent,
            reversal, inversion, self.stopped or bool((level < self.depth).any()),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Block:
    """A cell of the zone, and the cells in it that are looked at, all `at` levels below it."""

    corner: Int
    level: int
    cells: Int
    at: int
    alone: bool


def _blocks(cells: Cells, holder: Int, depth: int) -> list[_Block]:
    """Cells by the cell of depth `holder` (m,) that holds them."""
    corner, level, alone = cells
    shift = (depth - holder)[:, None]
    keys = np.column_stack([holder, level, alone, (corner >> shift) << shift])
    first, place = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(place.reshape(-1), kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(place.reshape(-1)))[:-1])
    return [
        _Block(key[3:], int(key[0]), corner[rows], int(key[1] - key[0]), bool(key[2]))
        for key, rows in zip(first, groups, strict=True)
    ]


def cells_inside(
    poly: Polynomial, box: Box, filled: int, cells: Int, at: int
) -> tuple[Int, int, Real, int]:
    """Which of the cells (m, 3) of depth `at` in a box are not proven, in pieces, and their depth.

    Corners are in units of the smallest cells. Then gaps that are proven of the others, and the
    eigenproblems of all bands.
    """
    rng, deepest = np.random.default_rng(0), box.max_depth
    first, gaps = at, [np.empty(0)]
    edge = 1 << (deepest - at)
    u = cells[rng.integers(0, len(cells), SAMPLES)] + edge * rng.random((SAMPLES, 3))
    u = u / (1 << deepest) * 2.0 - 1.0
    energy = eigenvalues(poly.at(u)).astype(np.float64)
    for attempt in range(2):
        ham = fold(poly, fit(poly, u, energy, filled), filled, box)
        if ham is None:
            break
        while len(cells):
            proven, gap = _proven(ham, box, cells, at)
            gaps.append(gap)
            cells = cells[~proven]
            many = len(cells) > FAILING
            if at == deepest or many or (attempt == 0 and at >= first + 2 and len(cells) > FEW):
                break
            cells, at = _halves(cells, 1 << (deepest - at)), at + 1
        if attempt or len(cells) <= FEW:
            break
        # the energy that is subtracted leaves the gap, or that is small there
        some = cells[:: -(-len(cells) // AGAIN)]
        more = (some + 0.5 * (1 << (deepest - at))) / (1 << deepest) * 2.0 - 1.0
        u = np.concatenate([u, more])
        energy = np.concatenate([energy, eigenvalues(poly.at(more))]).astype(np.float64)
    return cells, at, np.concatenate(gaps), len(u)


def _unused(points: Int) -> NDArray[np.complex128]:
    """Phases of a polynomial, which has none."""
    return np.empty((len(points), 0), np.complex128)


def _proven(ham: Folded, box: Box, cells: Int, at: int) -> tuple[NDArray[np.bool_], Real]:
    """Which cells of a block are proven, and the gaps of H on these."""
    edge, none = 1 << (box.max_depth - at), np.zeros(len(cells), np.int64)
    found = bound_cells(
        ham, none, 2 * cells + edge, _unused, np.diag(box.width),
        np.full(len(cells), 2.0**-at), np.zeros(len(cells)), frames=False, aimed=True,
    )  # fmt: skip
    proven = np.zeros(len(cells), np.bool_)
    proven[found.good] = True
    lowest = float(found.gap[found.good].min(initial=np.inf))
    return proven, np.array([ham.gap_of_all(lowest)] if lowest < np.inf else [])


def _halves(corner: Int, edge: int) -> Int:
    """Lowest corners (8 m, 3) of the halves of cells of an edge."""
    child = np.indices((2, 2, 2)).reshape(3, -1).T
    return np.asarray((corner[:, None] + (edge >> 1) * child).reshape(-1, 3))


def _children(cells: Cells, depth: int) -> Cells:
    corner, level, alone = cells
    child = np.indices((2, 2, 2)).reshape(3, -1).T
    edge = np.int64(1) << (depth - level - 1)
    below = (corner[:, None] + edge[:, None, None] * child).reshape(-1, 3)
    return below, np.repeat(level + 1, 8), np.repeat(alone, 8)


def _parents(cells: Cells, level: int, depth: int) -> Cells:
    """Cells of one depth that hold all given ones."""
    corner, _, alone = cells
    shift = depth - level
    found, place = np.unique((corner >> shift) << shift, axis=0, return_inverse=True)
    both = np.ones(len(found), np.bool_)
    np.logical_and.at(both, place.reshape(-1), alone)
    return found, np.full(len(found), level), both


def _none() -> Cells:
    return np.empty((0, 3), np.int64), np.empty(0, np.int64), np.empty(0, np.bool_)


def _some(cells: Cells, rows: NDArray[np.bool_]) -> Cells:
    corner, level, alone = cells
    return corner[rows], level[rows], alone[rows]


def _joined(parts: list[Cells]) -> Cells:
    corner, level, alone = zip(*parts, strict=True)
    return np.concatenate(corner), np.concatenate(level), np.concatenate(alone)


#: Lowest and highest corner (3,) of a box.
Ends: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]


def _clusters(cells: Int, n: int) -> Int:
    """Label (m,) of cells (m, 3) of a torus of n^3, the same for those within two of each other."""
    # loaded where it is used: SciPy takes longer to import than all else here
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415
    from scipy.spatial import cKDTree  # noqa: PLC0415

    near = cKDTree(cells, boxsize=n).query_pairs(2.5, p=np.inf, output_type="ndarray")
    graph = coo_array((np.ones(len(near)), near.T), shape=(len(cells), len(cells)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def boxes_around(cells: Int, edge: Int, n: int) -> list[Ends]:
    """Boxes (low, high) that hold all cells with one of their edges to spare, without overlap.

    Cells by their lowest corners (m, 3), multiples of their edges (m,), on a torus of n^3.
    Corners are unwrapped: a box may reach beyond the Brillouin zone, and is meant modulo n.
    """
    boxes: list[Ends] = []
    for size in np.unique(edge):
        found = _around(cells[edge == size] // size, n // int(size))
        boxes += [(low * size, high * size) for low, high in found]
    merged = True
    while merged:
        merged = False
        for i in range(len(boxes)):
            j = i + 1
            while j < len(boxes):
                both = union(boxes[i], boxes[j], n)
                if both is None:
                    j += 1
                    continue
                boxes[i] = both
                del boxes[j]
                merged = True
    return boxes


def _around(cells: Int, n: int) -> list[Ends]:
    """Boxes around cells of edge 1, each around those that hang together."""
    label, boxes = _clusters(cells, n), list[Ends]()
    for group in range(int(label.max()) + 1):
        here, low, size = cells[label == group], np.zeros(3, np.int64), np.zeros(3, np.int64)
        for axis in range(3):
            # the shortest interval around the circle leaves out the widest gap
            x = np.unique(here[:, axis])
            gaps = np.append(x[1:], x[0] + n) - x
            widest = int(gaps.argmax())
            low[axis], size[axis] = x[(widest + 1) % len(x)], n - gaps[widest]
        boxes.append((low - 1, low + size + 2))
    return boxes


def union(one: Ends, two: Ends, n: int) -> Ends | None:
    """Return the box around two boxes that overlap modulo n, or None."""
    (a, b), (c, d) = one, two
    # each axis on its own: images of the second that overlap the first
    lowest, highest = -((d - 1 - a) // n), (b - 1 - c) // n
    if (lowest > highest).any():
        return None
    shift = lowest * n
    return np.minimum(a, c + shift), np.maximum(b, d + shift)


def momenta_in(left: Remaining, low: Int, high: Int, centre: Real) -> Real:
    """Centres (m, 3) of the cells without proof in a box around `centre`."""
    first = (left.cells - low) % left.n
    inside = (first + left.edge[:, None] <= high - low).all(1)
    first, edge = first[inside], left.edge[inside, None]
    return np.asarray(centre + np.pi * (2 * first + edge - (high - low)) / left.n)
