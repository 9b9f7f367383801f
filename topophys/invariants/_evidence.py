"""Evidence of proofs as the checker will see it: series, cells, phases on edges."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.invariants._subdivision import Levels
from topophys.invariants.evidence import CellTree
from topophys.kernels.lapack import eigenvalues

__all__ = [
    "DEPTH",
    "Cells",
    "ChainBound",
    "Interval",
    "Line",
    "Model",
    "Phases",
    "Sides",
    "SquareBound",
    "chain_tree",
    "common",
    "cover",
    "leaves_of",
    "sides_of",
    "square_tree",
]


# ----------------------- Intervals of chains and squares of two bands, as the checker will see them

DEEPEST: Final = {1: 40, 2: 22}
MOST: Final = 400_000
#: Demands are raised by this much, so that what float64 barely finds is certainly there.
SERIES_CLEAR: Final = 1.0 + 1e-12


class ChainBound:
    """Gap of a chain on intervals, by the chord of z^-q det D between their ends.

    Shapes: `blocks` (S, n, n).
    """

    def __init__(self, blocks: NDArray[np.complex128]) -> None:
        n_shift, n, _ = blocks.shape
        count = n * (n_shift - 1) + 1
        z = np.exp(2j * np.pi * np.arange(count) / count)
        waves = z[:, None] ** np.arange(n_shift)
        f = np.fft.fft(np.linalg.det(np.einsum("qs,sij->qij", waves, blocks))) / count
        size = np.abs(f)
        if not size.sum() > 0.0:
            raise InputError("The determinant of D vanishes.")
        #: Power of z that is taken out of det D.
        self.shift = round(float((size * np.arange(count)).sum() / size.sum()))
        self.n, self.n_shift, self.f = n, n_shift, f
        self.orders = np.arange(count) - self.shift
        flat = blocks.reshape(n_shift, n * n)
        gram = flat.conj() @ flat.T
        self.g = np.array([np.trace(gram, offset=m) for m in range(n_shift)])
        self.second = (self.orders**2 * size).sum()
        self.bend = 2.0 * (np.arange(n_shift) ** 2 * np.abs(self.g)).sum()
        self.start = 4 * (count // 2) + 8

    def at(
        self, points: NDArray[np.int64], fine: int
    ) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        """Values of z^-q det D and of the squared norm of D, both (L,)."""
        k = 2.0 * np.pi * (points % fine) / fine
        values, norms = np.empty(len(k), complex), np.empty(len(k))
        for s in range(0, len(k), 1024):
            wave = np.exp(1j * k[s : s + 1024, None])
            values[s : s + 1024] = (wave**self.orders) @ self.f
            powers = wave ** np.arange(1, self.n_shift)
            norms[s : s + 1024] = 2.0 * (powers @ self.g[1:]).real + self.g[0].real
        return values, norms

    def gap(
        self,
        left: NDArray[np.int64],
        edge: int | NDArray[np.int64],
        fine: int,
        slack: tuple[float, float] = (0.0, 0.0),
    ) -> NDArray[np.float64]:
        """Gap on intervals (L,); 0 where there is no proof. `slack` of determinant and norm."""
        (f0, n0), (f1, n1) = self.at(left, fine), self.at(left + edge, fine)
        square = (2.0 * np.pi * edge / fine) ** 2 / 8.0
        step = f1 - f0
        length = np.abs(step) ** 2
        share = -(f0.conj() * step).real / np.where(length > 0.0, length, 1.0)
        det = np.abs(f0 + share.clip(0.0, 1.0) * step) - square * self.second - slack[0]
        norm2 = np.maximum(n0, n1) + square * self.bend + slack[1]
        return np.asarray(2.0 * _smallest(self.n, det.clip(0.0), norm2))


def chain_tree(blocks: NDArray[np.complex128], least: float, most: int = MOST) -> CellTree:
    """Intervals on each of which the chord of det D proves the gap `least`.

    Shapes: `blocks` (S, n, n).
    """
    bound = ChainBound(blocks)
    levels = Levels.of_grid((bound.start,), DEEPEST[1])
    for edge, corner in levels:
        gap = bound.gap(corner[:, 0], edge, bound.start << DEEPEST[1])
        levels.split(corner, (gap > 0.0) & (gap >= least * SERIES_CLEAR))
        if levels.waiting > most:
            raise InputError(f"The certificate needs more than {most} intervals.")
    if levels.waiting:
        raise InputError("The gap is too small for a certificate.")
    return CellTree.of_cells((bound.start,), DEEPEST[1], *levels.proven())[0]


def _smallest(n: int, det: NDArray[np.float64], norm2: NDArray[np.float64]) -> NDArray[np.float64]:
    if n == 1:
        return det
    if n == 2:
        spread = np.sqrt((norm2 - 2.0 * det).clip(0.0))
        return np.asarray(2.0 * det / (np.sqrt(norm2 + 2.0 * det) + spread))
    return np.asarray(det * ((n - 1) / norm2) ** (0.5 * (n - 1)))


#: Corners of a square in units of its edge.
SQUARE: Final = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


class SquareBound:
    """Distance of d(k) from 0 on squares, along the best of a few directions.

    Shapes: `vectors` (M, 2), `series` (M + 1, 2, 3).
    """

    def __init__(self, vectors: NDArray[np.int64], series: NDArray[np.float64]) -> None:
        self.vectors = vectors
        self.mean, self.even, self.odd = series[0, 0], series[1:, 0], series[1:, 1]
        self.weight = (vectors**2).sum(1).astype(float)
        reach = int(np.abs(vectors).max(initial=1))
        self.start = 4 << (reach - 1).bit_length()

    def at(self, points: NDArray[np.int64], fine: int) -> NDArray[np.float64]:
        """Values of d(k) (..., 3) at points (..., 2) of the lattice."""
        turn = 2.0 * np.pi / fine * (((points % fine) @ self.vectors.T) % fine)
        return np.asarray(self.mean + np.cos(turn) @ self.even + np.sin(turn) @ self.odd)

    def margin(
        self, corner: NDArray[np.int64], edge: NDArray[np.int64], fine: int
    ) -> NDArray[np.float64]:
        """Lower bound of the distance on squares (L, 2) of edge (L,); not positive: no proof."""
        out = np.empty(len(corner))
        for s in range(0, len(corner), 4096):
            here, width = corner[s : s + 4096], edge[s : s + 4096]
            d = self.at(here[:, None] + width[:, None, None] * SQUARE, fine)
            u, best = d.mean(1), np.full(len(d), -np.inf)
            for _ in range(5):
                along = np.einsum("li,lqi->lq", u, d)
                bend = np.sqrt((u @ self.even.T) ** 2 + (u @ self.odd.T) ** 2) @ self.weight
                size = np.sqrt((u**2).sum(1))
                margin = along.min(1) - (2.0 * np.pi * width / fine) ** 2 / 8.0 * bend
                best = np.fmax(best, margin / np.where(size > 0.0, size, np.nan))
                step = d[np.arange(len(d)), along.argmin(1)] - u
                length = (step**2).sum(1)
                t = -(u * step).sum(1) / np.where(length > 0.0, length, 1.0)
                u = u + t.clip(0.0, 1.0)[:, None] * step
            out[s : s + 4096] = best
        return out


def square_tree(
    vectors: NDArray[np.int64], series: NDArray[np.float64], least: float, most: int = MOST
) -> CellTree:
    """Squares on each of which d(k) keeps `least` / 2 along some direction.

    Shapes: `vectors` (M, 2), `series` (M + 1, 2, 3).
    """
    bound, deepest = SquareBound(vectors, series), DEEPEST[2]
    if bound.start**2 > MOST:
        raise InputError(f"The certificate needs more than {MOST} cells.")
    levels = Levels.of_grid((bound.start, bound.start), deepest)
    for edge, corner in levels:
        best = bound.margin(corner, np.full(len(corner), edge), bound.start << deepest)
        levels.split(corner, (best > 0.0) & (2.0 * best >= least * SERIES_CLEAR))
        if levels.waiting > most:
            raise InputError(f"The certificate needs more than {most} cells.")
    if levels.waiting:
        raise InputError("The gap is too small for a certificate.")
    return CellTree.of_cells((bound.start, bound.start), deepest, *levels.proven())[0]


# -------- Cells of many bands as the checker will see them: bases, energies between blocks, turning
# A second, plain version of the proof, in NumPy: what it finds is written into a file as a
# suggestion, and proves nothing until the checker has proven it.

#: Lattice of corners: ``start << DEPTH`` points along each axis.
DEPTH: Final = {1: 40, 2: 20, 3: 16}
#: Where the checker is content with Frobenius norms; a little larger than there.
FINE, SMALL, FLAT = 0.1001, 0.2001, 0.05001
CHUNK: Final = 2**21  # entries of a batch of matrices


def dagger(x: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Conjugate transpose of the last two axes."""
    return x.conj().swapaxes(-1, -2)


def frobenius(x: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Frobenius norm of the last two axes."""
    return np.asarray(np.sqrt((np.abs(x) ** 2).sum((-2, -1))))


def power_norm(x: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Bound of the operator norm by |(X^dagger X)^4|_F^(1/8), a little rounded up."""
    size = np.maximum(frobenius(x), 1e-300)
    scaled = x / size[..., None, None]
    gram = dagger(scaled) @ scaled if x.shape[-1] <= x.shape[-2] else scaled @ dagger(scaled)
    gram = gram @ gram
    return np.asarray(size * frobenius(gram @ gram) ** 0.125 * (1.0 + 1e-6))


@dataclass(frozen=True)
class Cells:
    """A batch of cells with the same edges.

    Attributes
    ----------
    basis : complex64 ndarray of shape (m, N, N)
        What the file will hold.
    frame : complex128 ndarray of shape (m, N, N)
        Its polar factor.
    levels : float64 ndarray of shape (m, 2^D, 2)
        At each corner energies above all of V and below all of W, in scaled units.
    gap, tau, most : float64 ndarray of shape (m,)
        Proven gap, and bounds of |T|_F and |T|, in scaled units.
    valence, conduction : float64 ndarray of shape (m,)
        Energies above all occupied and below all empty levels on the cell, in scaled units.
    """

    basis: NDArray[np.complex64]
    frame: NDArray[np.complex128]
    levels: NDArray[np.float64]
    gap: NDArray[np.float64]
    tau: NDArray[np.float64]
    most: NDArray[np.float64]
    valence: NDArray[np.float64]
    conduction: NDArray[np.float64]


@dataclass
class Model:
    """One Hamiltonian on a box of momenta k = origin + step x, x on an integer lattice.

    Attributes
    ----------
    vectors : int64 ndarray of shape (M, d)
        Lattice vectors, closed under R -> -R.
    amplitudes : complex128 ndarray of shape (M, N, N)
        Hoppings in scaled units.
    filled : int
        Number of bands below the gap.
    origin, step : float64 ndarray of shape (d,)
        The lattice.
    error, wrong : float
        Bounds of the error of the hoppings and of the violation of a symmetry, scaled.
    """

    vectors: NDArray[np.int64]
    amplitudes: NDArray[np.complex128]
    filled: int
    origin: NDArray[np.float64]
    step: NDArray[np.float64]
    error: float = 0.0
    wrong: float = 0.0
    norms: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.norms = power_norm(self.amplitudes)

    def cells(  # noqa: PLR0915  (one proof, step by step)
        self, corner: NDArray[np.int64], edge: tuple[int, ...]
    ) -> Cells:
        """Prove cells with lowest corners (m, d) and one edge along each axis, 0 for none."""
        axes = [a for a, e in enumerate(edge) if e]
        half = np.array([0.5 * edge[a] * self.step[a] for a in axes])
        centre = self.origin + self.step * (corner + 0.5 * np.array(edge))
        dim, n, reach = len(axes), self.filled, self.vectors[:, axes] * half
        third = max(
            (self.norms * np.abs(reach @ np.array(s)) ** 3).sum() / 6.0
            for s in itertools.product((1.0, -1.0), repeat=dim)
        )
        size = (self.norms * (1.0 + np.abs(reach).sum(1)) ** 2).sum()
        rounding = 2.0**-45 * (len(self.vectors) + self.amplitudes.shape[-1]) * size
        rest = third * (1.0 + 1e-9) + rounding + self.error
        wave = np.exp(1j * (centre @ self.vectors.T))
        orders = [(), *((i,) for i in range(dim))]
        orders += [(i, j) for i in range(dim) for j in range(i, dim)]
        flat = self.amplitudes.reshape(len(self.vectors), -1)
        shape = (len(corner), *self.amplitudes.shape[1:])
        h = {}
        for order in orders:
            weight = np.prod([1j * reach[:, i] for i in order], axis=0) if order else 1.0
            h[order] = ((wave * weight) @ flat).reshape(shape)
        basis = np.linalg.eigh(h[()])[1].astype(np.complex64)
        left, _, right = np.linalg.svd(basis.astype(np.complex128))
        frame = left @ right
        x = {order: dagger(frame) @ (y @ frame) for order, y in h.items()}
        lower, upper = (
            (slice(None), slice(0, n), slice(0, n)),
            (slice(None), slice(n, None), slice(n, None)),
        )
        levels = np.empty((len(corner), 1 << dim, 2))
        for c, signs in enumerate(itertools.product((1, -1), repeat=dim)):
            y = x[()].copy()
            for order in orders[1:]:
                factor = (
                    0.25 if len(set(order)) < len(order) else np.prod([signs[i] for i in order])
                )
                y += factor * x[order]
            levels[:, c, 0] = eigenvalues(y[lower])[:, -1] + rounding
            levels[:, c, 1] = eigenvalues(y[upper])[:, 0] - rounding
        apart = (levels[..., 1] - levels[..., 0]).min(1)
        bend, sharp = (
            [
                0.25 * sum((measure(x[i, i][part]) for i in range(dim)), np.zeros(len(corner)))
                for part in (lower, upper)
            ]
            for measure in (frobenius, power_norm)
        )
        curve = np.where(bend[0] + bend[1] < FLAT * apart, bend, sharp)
        gap = apart - curve.sum(0) - 2.0 * rest
        valence = levels[..., 0].max(1) + curve[0] + rest
        conduction = levels[..., 1].min(1) - curve[1] - rest
        b = {order: y[:, n:, :n] for order, y in x.items()}
        sure = np.where(gap > 2.0 * self.wrong, gap - 2.0 * self.wrong, np.nan)
        rest += self.wrong
        both = []
        root = np.sqrt(min(n, len(b[()][0])))
        for measure, extra in ((frobenius, root * rest), (power_norm, rest)):
            largest = np.zeros(len(corner))
            for signs in itertools.product((1, -1), repeat=dim):
                if dim and signs[0] > 0:
                    total = sum(s * b[i,] for i, s in enumerate(signs))
                    largest = np.maximum(largest, measure(total))
            largest = largest + measure(b[()])
            for order in orders[1 + dim :]:
                largest = largest + measure(b[order]) * (0.5 if order[0] == order[1] else 1.0)
            both.append(2.0 * (largest + extra) / sure * (1.0 + 1e-6))
        double = np.where(both[0] < SMALL, both[0], np.minimum(both[1], both[0]))
        most = double / (1.0 + np.sqrt(1.0 + double**2))
        return Cells(basis, frame, levels, gap, 0.5 * both[0], most, valence, conduction)


def cover(
    model: Model, start: tuple[int, ...], axes: tuple[int, ...], fixed: NDArray[np.int64],
    claim: float, tree: CellTree | None, max_leaves: int,
    between: tuple[float, float] = (np.inf, -np.inf),
) -> tuple[CellTree, NDArray[np.int64], NDArray[np.int64], Cells]:  # fmt: skip
    """Divide cells until each is proven; the leaves of `tree` are where to begin.

    Occupied levels have to stay below the first energy of `between`, empty ones above the second.

    Shapes: `fixed` (d,); returns `corner` (L, D), `edge` (L,).
    """
    dim = len(start)
    begin = CellTree(start, "0" * int(np.prod(start))) if tree is None else tree
    levels = Levels(*leaves_of(begin), DEPTH[dim])
    found: list[Cells] = []
    batch = max(1, CHUNK // (model.amplitudes.shape[-1] ** 2 * 16))
    for edge, here in levels:
        for s in range(0, len(here), batch):
            part = here[s : s + batch]
            point = np.tile(fixed, (len(part), 1))
            point[:, list(axes)] = part
            edges = [0] * len(fixed)
            for a in axes:
                edges[a] = edge
            cells = model.cells(point, tuple(edges))
            good = (cells.gap > 2.0 * model.wrong) & (cells.gap >= claim)
            good &= (cells.valence < between[0]) & (cells.conduction > between[1])
            kept = Cells(*(getattr(cells, name)[good] for name in Cells.__dataclass_fields__))
            found.append(kept)
            levels.split(part, good)
        if levels.waiting and (levels.visited > max_leaves or edge == 1):
            raise InputError(
                f"The certificate needs more than {max_leaves} cells; give a smaller `gap_lower`."
            )
    corner, depth = levels.proven()
    tree, order = CellTree.of_cells(start, DEPTH[dim], corner, depth)
    parts = {
        name: np.concatenate([getattr(f, name) for f in found])[order]
        for name in Cells.__dataclass_fields__
    }
    return tree, corner[order], np.int64(1) << (DEPTH[dim] - depth[order]), Cells(**parts)


def leaves_of(
    tree: CellTree, deepest: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Corners on the lattice of depth `deepest`, or `DEPTH`, and depths of the leaves of a tree."""
    dim = len(tree.start)
    deepest = DEPTH[dim] if deepest is None else deepest
    corners: list[tuple[int, ...]] = []
    depths: list[int] = []
    children, at = list(itertools.product((0, 1), repeat=dim)), 0
    for first in itertools.product(*(range(n) for n in tree.start)):
        stack = [(tuple(x << deepest for x in first), 0)]
        while stack:
            corner, depth = stack.pop()
            divided, at = tree.bits[at] == "1", at + 1
            if not divided:
                corners.append(corner)
                depths.append(depth)
                continue
            if depth == deepest:
                raise InputError("The cells of a proof are too small for a certificate file.")
            half = 1 << (deepest - depth - 1)
            for child in reversed(children):
                moved = tuple(c + half * b for c, b in zip(corner, child, strict=True))
                stack.append((moved, depth + 1))
    return np.array(corners).reshape(-1, dim), np.array(depths)


# -------- Phases on the edges between cells, as the checker will see them: thin cells, and vertices

Point: TypeAlias = tuple[int, ...]
#: Axis along it, and the point on it whose coordinate along it is 0.
Line: TypeAlias = tuple[int, Point]
#: Low end, high end, number of the frame.
Interval: TypeAlias = tuple[int, int, int]
Sides: TypeAlias = dict[Line, tuple[list[Interval], list[Interval]]]
#: Phases below this are left alone; the checker needs them below pi.
CLEAR: Final = 3.0


def common(plus: list[Interval], minus: list[Interval]) -> list[tuple[int, int, int, int]]:
    """Cut two lists of intervals that cover the same part of a line."""
    plus, minus, out, i, j = sorted(plus), sorted(minus), [], 0, 0
    while i < len(plus) and j < len(minus):
        low, high = max(plus[i][0], minus[j][0]), min(plus[i][1], minus[j][1])
        out.append((low, high, plus[i][2], minus[j][2]))
        i, j = i + (plus[i][1] == high), j + (minus[j][1] == high)
    return out


def sides_of(corner: NDArray[np.int64], edge: NDArray[np.int64], period: Sequence[int]) -> Sides:
    """Sides of cells of the plane: run through upwards, and downwards, going anticlockwise."""
    out: Sides = defaultdict(lambda: ([], []))
    for cell, ((x, y), w) in enumerate(zip(corner.tolist(), edge.tolist(), strict=True)):
        for axis, at, low, down in ((0, y, x, 0), (1, x + w, y, 0), (0, y + w, x, 1), (1, x, y, 1)):
            across = at % period[1 - axis] if period[1 - axis] else at
            line = (0, (0, across)) if axis == 0 else (1, (across, 0))
            out[line][down].append((low, low + w, cell))
    return out


@dataclass
class Phases:
    """Frames with bounds, the plan of edges and what meets at each vertex."""

    model: Model
    period: Sequence[int]
    frames: list[NDArray[np.complex128]]
    tau: list[float]
    most: list[float]
    plan: list[str] = field(default_factory=list)
    thin: list[Cells] = field(default_factory=list)
    meeting: dict[Point, list[tuple[int, float, float, int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    known: dict[Point, float] = field(default_factory=lambda: defaultdict(float))
    points: dict[Point, Cells] = field(default_factory=dict)
    #: Where a phase at a vertex is counted, for its frames: see `_evidence_z2`.
    moved: Callable[..., tuple[Point, float, int, int]] | None = None
    looked: dict[tuple[int, int], tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of_cells(cls, model: Model, period: Sequence[int], cells: Cells) -> Phases:
        """Start with the leaves."""
        return cls(model, period, list(cells.frame), cells.tau.tolist(), cells.most.tolist())

    def add_frame(self, frame: NDArray[np.complex128], tau: float, most: float) -> int:
        """Add a frame; returns its number."""
        self.frames.append(frame)
        self.tau.append(tau)
        self.most.append(most)
        return len(self.frames) - 1

    def look(self, pairs: list[tuple[int, int]]) -> None:
        """Phases of many pairs of frames at once, and how far they can move."""
        n = self.model.filled
        pairs = [p for p in dict.fromkeys(pairs) if p not in self.looked]
        batch = max(1, 2**20 // self.frames[0].size)
        for s in range(0, len(pairs), batch):
            part = pairs[s : s + batch]
            i, j = (np.array([p[q] for p in part]) for q in (0, 1))
            one, two = (np.stack([self.frames[q] for q in which]) for which in (i, j))
            sign, _ = np.linalg.slogdet(dagger(one[..., :n]) @ two[..., :n])
            best = np.full(len(part), np.inf)
            for a, b, which in ((one, two, i), (two, one, j)):
                low = dagger(a[..., n:]) @ b[..., :n]
                tau, most = (np.array(q)[which] for q in (self.tau, self.most))
                best = np.fmin(best, _turned(low, tau, most, n))
            for p, angle, phi in zip(part, np.angle(sign).tolist(), best.tolist(), strict=True):
                self.looked[p] = angle, phi

    def edge(self, line: Line, low: int, high: int, one: int, two: int, sign: int = 1) -> None:
        """Add an interval between two frames, with a thin cell or in halves where needed."""
        self.look([(one, two)])
        axis, base = line
        start, end = ((*base[:axis], x, *base[axis + 1 :]) for x in (low, high))
        if self.looked[one, two][1] < CLEAR:
            self.plan.append("0")
            self.keep(start, end, one, two, sign)
            return
        edges = tuple((high - low) * (a == axis) for a in range(len(base)))
        cell = self.model.cells(np.array([start]), edges)
        if cell.gap[0] > 2.0 * self.model.wrong:
            middle = self.add_frame(cell.frame[0], float(cell.tau[0]), float(cell.most[0]))
            self.look([(one, middle), (middle, two)])
            if max(self.looked[one, middle][1], self.looked[middle, two][1]) < CLEAR:
                self.plan.append("1")
                self.thin.append(cell)
                self.keep(start, end, one, middle, sign)
                self.keep(start, end, middle, two, sign)
                return
        if high - low < 2:
            raise InputError("The phases between cells cannot be resolved for a certificate.")
        self.plan.append("2")
        half = (low + high) // 2
        self.edge(line, low, half, one, two, sign)
        self.edge(line, half, high, one, two, sign)

    def keep(self, start: Point, end: Point, one: int, two: int, sign: int) -> None:
        """Note a phase at both ends."""
        angle, phi = self.looked[one, two]
        for point, s in ((end, sign), (start, -sign)):
            at, a, i, j = point, angle, one, two
            if self.moved is not None:
                at, a, i, j = self.moved(at, a, i, j)
            at = tuple(x % m if m else x for x, m in zip(at, self.period, strict=True))
            self.meeting[at].append((s, a, phi, i, j))

    def total(self, needed: Sequence[Point] = ()) -> int:
        """Integer that the phases add up to; frames are found for vertices that need one."""
        found = 0
        for point, parts in sorted(self.meeting.items()):
            if sum(p[2] for p in parts) < CLEAR and point not in needed:
                found += round(sum(s * a for s, a, *_ in parts) / (2.0 * np.pi))
                continue
            m = self.point(point)
            self.look([p for *_, i, j in parts for p in ((i, m), (m, j))])
            phase = self.known.get(point, 0.0)
            for s, a, _, i, j in parts:
                through = self.looked[i, m][0] + self.looked[m, j][0]
                phase += s * (through + 2.0 * np.pi * round((a - through) / (2.0 * np.pi)))
            found += round(phase / (2.0 * np.pi))
        return found

    def point(self, point: Point) -> int:
        """Frame at a vertex."""
        if point not in self.points:
            cell = self.model.cells(np.array([point]), (0,) * len(point))
            if not cell.gap[0] > 2.0 * self.model.wrong:
                raise InputError("The gap is too small at a vertex for a certificate.")
            self.points[point] = cell
            self.add_frame(cell.frame[0], float(cell.tau[0]), float(cell.most[0]))
            self._numbers()[point] = len(self.frames) - 1
        return self._numbers()[point]

    def _numbers(self) -> dict[Point, int]:
        numbers: dict[Point, int] = self.__dict__.setdefault("numbers", {})
        return numbers


def _turned(
    low: NDArray[np.complex128], tau: NDArray[np.float64], most: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """Bound the phase of det(1 + T^dagger S) by W_1^dagger V_2; infinite where there is none."""
    whole = frobenius(low) + 1e-13
    out = np.full(len(low), np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        for sine in (whole, power_norm(low) + 1e-13):
            cosine = np.sqrt(1.0 - sine**2)
            total = whole / cosine * tau
            largest = np.fmin(sine / cosine * most, total)
            rank = min(n, low.shape[-2])
            phi = np.fmin(rank, total / largest) * np.arcsin(largest)
            phi = np.where((sine < 1.0) & (largest < 1.0) & np.isfinite(total), phi, np.inf)
            out = np.where(out < FINE, out, np.fmin(out, phi))
    return out
