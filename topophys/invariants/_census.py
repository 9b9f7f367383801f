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
from topophys.kernels.rounding import UP, upper_bound

__all__ = [
    "CENSUS_START",
    "Ends",
    "Remaining",
    "affordable",
    "boxes_around",
    "cells_inside",
    "cells_left",
    "union",
]

#: Starting cells of the Brillouin zone in each direction.
CENSUS_START: Final = 8
#: Cells bounded together.
TOGETHER: Final = 4096
#: Eigenproblems of all bands that may be solved by default at most.
MOST: Final = 2_000_000
#: Operations, by the estimate of `affordable`, of some ten minutes.
OPERATIONS: Final = 1.2e12
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
#: Cells without proof from which on the middle of the gap is looked up again.
FEW: Final = 16


@dataclass(frozen=True, eq=False)
class Remaining:
    """Cells without proof.

    Attributes
    ----------
    cells : int64 ndarray of shape (m, 3)
        Their coordinates on a lattice of n^3.
    n : int
        Cells along 2 pi.
    gap : float
        Proven gap on all others.
    spent : int
        Eigenproblems of all bands that were solved.
    reversal : float
        Bound of how far energies at k and -k differ, where time reversal is used; else infinite.
    """

    cells: Int
    n: int
    gap: float
    spent: int
    reversal: float


def affordable(h: FourierLike) -> int:
    """Eigenproblems of cells that take some minutes: sums over hoppings, and blocks at corners."""
    n = h.n_bands
    cost = 5.0 * len(h.vectors) * n**2 + 100.0 * n**3
    return int(min(MOST, max(20_000, OPERATIONS / cost)))


def cells_left(
    h: FourierLike, filled: int, depth: int, max_cells: int, max_evaluations: int, show: bool
) -> Remaining:
    """Divide the zone until the gap is proven, down to `depth`, and return what is left.

    Where cells or evaluations run out, what is left is that of the depth before.
    """
    with one_thread():
        walk = _Walk(h, filled, depth, max_evaluations)
        walk.divide(max_cells, show)
        if h.n_bands >= MANY and walk.level < depth and not walk.stopped:
            walk.divide_blocks(max_cells, show)
    return walk.remaining()


#: Cells: lowest corners (m, 3) in units of the smallest edge, depths (m,), and whether each stands
#: for itself alone (m,) or for the one at -k as well.
Cells: TypeAlias = tuple[Int, Int, NDArray[np.bool_]]


class _Walk:
    """State of a census: cells that are left, and the gap on those that are not."""

    def __init__(self, h: FourierLike, filled: int, depth: int, most: int) -> None:
        self.h, self.filled, self.depth, self.most = h, filled, depth, most
        self.ham = Hoppings.of(h, filled)
        self.exponent = int(self.ham.exponent[0])
        self.hops = divide_out(h.amplitudes[None])[0][0]
        self.zone = Zone((CENSUS_START,) * 3, CENSUS_START, depth)
        self.level, self.spent, self.gap, self.stopped = 0, 0, np.inf, False
        corner = np.indices(self.zone.start, dtype=np.int64).reshape(3, -1).T << depth
        error = float(upper_bound(time_reversal_error(h), -self.exponent))
        error = (error + 2.0 * float(self.ham.error[0])) * UP
        #: gaps at k and -k differ by at most this
        self.between = 2.0 * error * UP
        paired = bool(error <= REVERSED * float(self.ham.size[0]))
        if paired:
            there = (self.zone.fine,) * 3
            other = self.mirrored(corner, np.int64(1 << depth))
            corner = corner[
                np.ravel_multi_index(tuple(corner.T), there)
                < np.ravel_multi_index(tuple(other.T), there)
            ]
        self.reversal = error if paired else np.inf
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
            whole = (CENSUS_START << self.level) ** 3 * (1.0 if self.reversal == np.inf else 0.5)
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
            np.zeros(len(corner)), frames=False, fine=2 * zone.fine,
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
        """Divide what is left by few bands, cell by cell."""
        last: list[Cells] = []
        while len(self.left[0]):
            blocks, edge = self.left, self.edge(self.left[1].min())
            if (
                self.spent + SAMPLES * len(blocks[0]) // CHEAP > self.most
                or len(blocks[0]) > max_cells
            ):
                self.stopped = True
                break
            failed: list[Cells] = []
            words = f"blocks of edge 2 pi / {self.zone.fine // edge} and less"
            with track(len(blocks[0]), words, show) as done:
                for corner, level, alone in zip(*blocks, strict=True):
                    failed.append(self._block(corner, int(level), bool(alone)))
                    done(1)
            corner, depth, alone = _joined(failed)
            end = depth == self.depth
            last.append((corner[end], depth[end], alone[end]))
            self.left = (corner[~end], depth[~end], alone[~end])
        self.left = _joined([self.left, *last])
        self.level = int(self.left[1].min(initial=self.depth))
        self.left = _parents(self.left, self.level, self.depth)

    def _block(self, corner: Int, level: int, alone: bool) -> Cells:
        """Pieces of a cell that are not proven by a few bands."""
        deepest = min(INNER, self.depth - level)
        edge = int(self.edge(level))
        centre = np.pi * (2 * corner + edge) / self.zone.fine
        half = np.full(3, np.pi * edge / self.zone.fine) * (1.0 + 1e-12)
        box = Box(centre, half, 1, deepest)
        poly = expand(self.h.vectors, self.hops, float(self.ham.error[0]), box, PRECISE)
        self.spent += 1
        inner = np.zeros((1, 3), np.int64)
        at = 0
        if poly is not None:
            inner, at, gaps, count = cells_inside(poly, box, self.filled)
            self.spent += count // CHEAP
            gap = np.ldexp(gaps, poly.exponent)
            lonely = bool(self.take_gap(gap, np.full(len(gap), alone)).any())
            if lonely:  # the block at -k is looked at on its own
                other = self.mirrored(corner[None], np.int64(edge))[0]
                return _joined([
                    self._pieces(corner, level, inner, at, deepest, alone=True),
                    self._pieces(other, level, np.zeros((1, 3), np.int64), 0, deepest, alone=True),
                ])  # fmt: skip
        return self._pieces(corner, level, inner, at, deepest, alone=alone)

    def _pieces(
        self, corner: Int, level: int, inner: Int, at: int, deepest: int, *, alone: bool
    ) -> Cells:
        """Cells of depth `at` within a block; the block itself, undivided, becomes its halves."""
        cells = corner + (inner << (self.depth - level - deepest))
        found = (cells, np.full(len(cells), level + at), np.full(len(cells), alone))
        return _children(found, self.depth) if at == 0 and len(cells) else found

    def remaining(self) -> Remaining:
        """Return what is left, those at -k included."""
        corner, _, alone = self.left
        edge = int(self.edge(self.level))
        other = self.mirrored(corner[~alone], np.int64(edge))
        cells = np.unique(np.concatenate([corner, other]) // edge, axis=0)
        # rounded down: a power of two is exact unless it is denormal
        gap = np.nextafter(np.ldexp(self.gap, self.exponent), 0.0)
        found = upper_bound(self.reversal, self.exponent) if self.reversal < np.inf else np.inf
        return Remaining(cells, CENSUS_START << self.level, float(gap), self.spent, float(found))


def cells_inside(poly: Polynomial, box: Box, filled: int) -> tuple[Int, int, Real, int]:
    """Cells of a box without proof, in units of the smallest ones, and their depth.

    Then gaps that are proven of the others, and the eigenproblems of all bands.
    """
    rng, deepest = np.random.default_rng(0), box.max_depth
    u = rng.uniform(-1.0, 1.0, (SAMPLES, 3))
    energy = np.linalg.eigvalsh(poly.at(u)).astype(np.float64)
    cells, at, gaps = np.zeros((1, 3), np.int64), 0, [np.empty(0)]
    for attempt in range(2):
        ham = fold(poly, fit(poly, u, energy, filled), filled, box)
        if ham is None:
            break
        while len(cells):
            proven, gap = _proven(ham, box, cells, at)
            gaps.append(gap)
            cells = cells[~proven]
            full = len(cells) > FAILING or (attempt == 0 and at >= 2 and len(cells) > FEW)
            if at == deepest or full:
                break
            cells, at = _halves(cells, 1 << (deepest - at)), at + 1
        if attempt or len(cells) <= FEW:
            break
        # the energy that is subtracted leaves the gap, or that is small there
        some = cells[:: -(-len(cells) // AGAIN)]
        more = (some + 0.5 * (1 << (deepest - at))) / (1 << deepest) * 2.0 - 1.0
        u = np.concatenate([u, more])
        energy = np.concatenate([energy, np.linalg.eigvalsh(poly.at(more))]).astype(np.float64)
    return cells, at, np.concatenate(gaps), len(u)


def _unused(points: Int) -> NDArray[np.complex128]:
    """Phases of a polynomial, which has none."""
    return np.empty((len(points), 0), np.complex128)


def _proven(ham: Folded, box: Box, cells: Int, at: int) -> tuple[NDArray[np.bool_], Real]:
    """Which cells of a block are proven, and the gaps of H on these."""
    edge, none = 1 << (box.max_depth - at), np.zeros(len(cells), np.int64)
    found = bound_cells(
        ham, none, 2 * cells + edge, _unused, np.diag(box.width),
        np.full(len(cells), 2.0**-at), np.zeros(len(cells)), frames=False,
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


def _joined(parts: list[Cells]) -> Cells:
    corner, level, alone = zip(*parts, strict=True)
    return np.concatenate(corner), np.concatenate(level), np.concatenate(alone)


#: Lowest and highest corner (3,) of a box.
Ends: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]


def boxes_around(cells: NDArray[np.int64], n: int) -> list[Ends]:
    """Boxes (low, high) in units of cells that hold all cells with one to spare, without overlap.

    Corners are unwrapped: a box may reach beyond the Brillouin zone, and is meant modulo n.
    """
    # loaded where it is used: SciPy takes longer to import than all else here
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415
    from scipy.spatial import cKDTree  # noqa: PLC0415

    if not len(cells):
        return []
    near = cKDTree(cells, boxsize=n).query_pairs(2.5, p=np.inf, output_type="ndarray")
    graph = coo_array((np.ones(len(near)), near.T), shape=(len(cells), len(cells)))
    count, label = connected_components(graph, directed=False)
    boxes: list[Ends] = []
    for group in range(count):
        here, low, size = cells[label == group], np.zeros(3, np.int64), np.zeros(3, np.int64)
        for axis in range(3):
            # the shortest interval around the circle leaves out the widest gap
            x = np.unique(here[:, axis])
            gaps = np.append(x[1:], x[0] + n) - x
            widest = int(gaps.argmax())
            low[axis], size[axis] = x[(widest + 1) % len(x)], n - gaps[widest]
        boxes.append((low - 1, low + size + 2))
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


def union(one: Ends, two: Ends, n: int) -> Ends | None:
    """Return the box around two boxes that overlap modulo n, or None."""
    (a, b), (c, d) = one, two
    # each axis on its own: images of the second that overlap the first
    lowest, highest = -((d - 1 - a) // n), (b - 1 - c) // n
    if (lowest > highest).any():
        return None
    shift = lowest * n
    return np.minimum(a, c + shift), np.maximum(b, d + shift)
