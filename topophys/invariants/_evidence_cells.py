"""Cells of many bands as the checker will see them: bases, energies between blocks, turning.

A second, plain version of the proof, in NumPy: what it finds is written into a file as a
suggestion, and is worth nothing until the checker has proven it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.invariants.evidence import CellTree

__all__ = ["DEPTH", "Cells", "Model", "cover"]

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
    """

    basis: NDArray[np.complex64]
    frame: NDArray[np.complex128]
    levels: NDArray[np.float64]
    gap: NDArray[np.float64]
    tau: NDArray[np.float64]
    most: NDArray[np.float64]


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
            levels[:, c, 0] = np.linalg.eigvalsh(y[lower])[:, -1] + rounding
            levels[:, c, 1] = np.linalg.eigvalsh(y[upper])[:, 0] - rounding
        apart = (levels[..., 1] - levels[..., 0]).min(1)
        pure = [x[i, i][part] for i in range(dim) for part in (lower, upper)]
        bend = 0.25 * sum((frobenius(y) for y in pure), np.zeros(len(corner)))
        sharp = 0.25 * sum((power_norm(y) for y in pure), np.zeros(len(corner)))
        gap = apart - np.where(bend < FLAT * apart, bend, sharp) - 2.0 * rest
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
        return Cells(basis, frame, levels, gap, 0.5 * both[0], most)


def cover(
    model: Model, start: tuple[int, ...], axes: tuple[int, ...], fixed: NDArray[np.int64],
    claim: float, tree: CellTree | None, max_leaves: int,
) -> tuple[CellTree, NDArray[np.int64], NDArray[np.int64], Cells]:  # fmt: skip
    """Divide cells until each is proven; the leaves of `tree` are where to begin.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    start : tuple of int
        Numbers of starting cells along `axes`.
    axes : tuple of int
        Axes of the lattice that the cells extend along.
    fixed : int64 ndarray of shape (d,)
        Coordinates along the others.
    claim : float
        Gap to be proven on each cell, in scaled units.
    tree : CellTree or None
        Where to begin.
    max_leaves : int
        Largest number of cells.

    Returns
    -------
    tree : CellTree
        The leaves.
    corner : int64 ndarray of shape (L, D)
        Their corners, in the order of the tree.
    edge : int64 ndarray of shape (L,)
        Their edges.
    cells : Cells
        Bounds and bases in the same order.
    """
    dim = len(start)
    depth_max = DEPTH[dim]
    corner, depth = leaves_of(CellTree(start, "0" * int(np.prod(start))) if tree is None else tree)
    children = np.array(list(itertools.product((0, 1), repeat=dim)))
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], Cells]] = []
    count, batch = 0, max(1, CHUNK // (model.amplitudes.shape[-1] ** 2 * 16))
    for level in range(depth_max + 1):
        here = corner[depth == level]
        edge = 1 << (depth_max - level)
        for s in range(0, len(here), batch):
            part = here[s : s + batch]
            point = np.tile(fixed, (len(part), 1))
            point[:, list(axes)] = part
            edges = [0] * len(fixed)
            for a in axes:
                edges[a] = edge
            cells = model.cells(point, tuple(edges))
            good = (cells.gap > 2.0 * model.wrong) & (cells.gap >= claim)
            count += len(part)
            kept = Cells(*(getattr(cells, name)[good] for name in Cells.__dataclass_fields__))
            found.append((part[good], np.full(good.sum(), level), kept))
            below = (part[~good][:, None] + (edge >> 1) * children).reshape(-1, dim)
            corner = np.concatenate([corner, below])
            depth = np.concatenate([depth, np.full(len(below), level + 1)])
        if not (depth > level).any():
            break
        if len(corner) > max_leaves or level == depth_max:
            raise InputError(
                f"The certificate needs more than {max_leaves} cells; give a smaller `gap_lower`."
            )
    corner, depth = (np.concatenate([f[i] for f in found]) for i in (0, 1))
    tree, order = CellTree.of_cells(start, depth_max, corner, depth)
    parts = {
        name: np.concatenate([getattr(f[2], name) for f in found])[order]
        for name in Cells.__dataclass_fields__
    }
    return tree, corner[order], np.int64(1) << (depth_max - depth[order]), Cells(**parts)


def leaves_of(tree: CellTree) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Corners on the lattice of depth `DEPTH` and depths of the leaves of a tree."""
    dim = len(tree.start)
    corners: list[tuple[int, ...]] = []
    depths: list[int] = []
    children, at = list(itertools.product((0, 1), repeat=dim)), 0
    for first in itertools.product(*(range(n) for n in tree.start)):
        stack = [(tuple(x << DEPTH[dim] for x in first), 0)]
        while stack:
            corner, depth = stack.pop()
            divided, at = tree.bits[at] == "1", at + 1
            if not divided:
                corners.append(corner)
                depths.append(depth)
                continue
            if depth == DEPTH[dim]:
                raise InputError("The cells of a proof are too small for a certificate file.")
            half = 1 << (DEPTH[dim] - depth - 1)
            for child in reversed(children):
                moved = tuple(c + half * b for c, b in zip(corner, child, strict=True))
                stack.append((moved, depth + 1))
    return np.array(corners).reshape(-1, dim), np.array(depths)
