"""Squares of the proof of a two-band Chern number, level by level in plain NumPy."""

from __future__ import annotations

import itertools
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.invariants._leaves_chain import Found
from topophys.invariants._scale import times_power
from topophys.invariants._series import real_series

__all__ = ["plane_leaves"]

Vertex: TypeAlias = tuple[int, int]
SLACK: Final = 64 * 2.0**-53
UP: Final = 1.0 + 1e-12
DIRECTIONS: Final = 2  # beyond the first
#: Relative errors of two by two and of three by three determinants of rounded numbers.
SIGN_2: Final = 8 * 2.0**-53
SIGN_3: Final = 64 * 2.0**-53
#: Rays, tried until none of the triangles has one on its boundary to rounding.
RAYS: Final = ((0.36, 0.48, 0.8), (0.8, -0.52, 0.3), (-0.19, 0.65, -0.74))


class _Field:
    """d(k) = mean + sum even cos k.R + odd sin k.R, with the bounds of section 1 of the page."""

    def __init__(self, vectors: NDArray[np.int64], coefficients: NDArray[np.float64]) -> None:
        self.vectors = vectors
        self.mean, self.even, self.odd = (
            coefficients[0, 0],
            coefficients[1:, 0],
            coefficients[1:, 1],
        )
        norm = np.sqrt((self.even**2).sum(1) + (self.odd**2).sum(1))
        reach, square = np.abs(vectors).sum(1), (vectors**2).sum(1)
        share = np.divide(square, norm, out=np.zeros(len(norm)), where=norm > 0.0)
        self.weight = float((square * norm).sum())
        outer = (
            self.even[:, :, None] * self.even[:, None] + self.odd[:, :, None] * self.odd[:, None]
        )
        self.spread = np.einsum("m,mij->ij", share, outer)
        size = np.abs(self.mean).sum() + 2.0 * (norm * (1 + reach)).sum()
        self.slack = float(SLACK * (2 * len(vectors) + 1) * size)

    def at(self, k: NDArray[np.float64]) -> NDArray[np.float64]:
        turn = k @ self.vectors.T
        return np.asarray(self.mean + np.cos(turn) @ self.even + np.sin(turn) @ self.odd)

    def margin(self, corners: NDArray[np.float64], width: float) -> NDArray[np.float64]:
        """Largest lower bound of u.d on squares with corners (L, 4, 2), over three u."""
        d = self.at(corners)
        u = d.mean(1)
        best = np.full(len(d), -np.inf)
        for _ in range(1 + DIRECTIONS):
            unit = _unit(u)
            at = np.einsum("li,lqi->lq", unit, d)
            curve = np.einsum("li,ij,lj->l", unit, self.spread, unit).clip(0.0)
            second = np.sqrt(self.weight * (curve + 1e-12 * self.weight)) * UP
            found = at.min(1) - width**2 / 8.0 * second - self.slack
            best = np.where((unit**2).sum(1) > 0.5, np.maximum(best, found), best)
            step = d[np.arange(len(d)), at.argmin(1)] - u
            length = (step**2).sum(1)
            t = np.divide(-(u * step).sum(1), length, out=np.zeros(len(d)), where=length > 0.0)
            u = u + t.clip(0.0, 1.0)[:, None] * step
        return np.asarray(best)


def _unit(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of length one; rows of zeros stay."""
    length = np.linalg.norm(v, axis=1, keepdims=True)
    return np.asarray(np.divide(v, length, out=np.zeros_like(v), where=length > 0.0))


def plane_leaves(H: FourierLike, max_depth: int, max_leaves: int) -> Found | None:
    """Prove every square of the zone of one two-band Hamiltonian.

    Parameters
    ----------
    H : FourierLike
        A single Hamiltonian with two bands in two dimensions.
    max_depth, max_leaves : int
        How far to go.

    Returns
    -------
    tuple of ndarray or None
        As in `CertificateLeaves`; None where something stays unproven.
    """
    vectors, coefficients, exponent, _ = real_series(H)
    field = _Field(vectors, coefficients[0])
    n_start = 16 << (int(np.abs(vectors).max(initial=1)) - 1).bit_length()
    fine = n_start << (max_depth + 1)
    line = np.arange(n_start, dtype=np.int64) << (max_depth + 1)
    corner = np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)
    kept: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    children = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    for depth in range(max_depth + 1):
        half = 1 << (max_depth - depth)
        corners = _momentum(corner[:, None] + 2 * half * children, fine)
        margin = field.margin(corners, 4.0 * np.pi * half / fine)
        good = margin > 0.0
        kept.append((corner[good], np.full(good.sum(), depth), 2.0 * margin[good]))
        corner = (corner[~good][:, None] + half * children).reshape(-1, 2)
        if not len(corner) or sum(len(k[0]) for k in kept) + len(corner) > max_leaves:
            break
    if len(corner):
        return None
    start, level, bound = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    edge = (fine // n_start) >> level
    covers = _covers(field, start, edge, fine)
    if covers is None:
        return None
    gaps = times_power(bound, np.full(len(bound), exponent[0]))
    return _momentum(start, fine), 2.0 * np.pi * edge / fine, level, gaps, covers


def _momentum(point: NDArray[np.int64], fine: int) -> NDArray[np.float64]:
    return -np.pi + 2.0 * np.pi * (point % fine) / fine


def _covers(
    field: _Field, corner: NDArray[np.int64], edge: NDArray[np.int64], fine: int
) -> NDArray[np.int64] | None:
    """Signed meetings of each leaf with a ray: a fan of triangles from its centre."""
    vertices = {
        ((x + i * s) % fine, (y + j * s) % fine)
        for (x, y), s in zip(corner.tolist(), edge.tolist(), strict=True)
        for i in (0, 1)
        for j in (0, 1)
    }
    owner, sides = [], []
    for leaf, ((x, y), s) in enumerate(zip(corner.tolist(), edge.tolist(), strict=True)):
        path = [(x, y), (x + s, y), (x + s, y + s), (x, y + s), (x, y)]
        points = [p for a, b in itertools.pairwise(path) for p in _split(a, b, vertices, fine)]
        for a, b in zip(points, [*points[1:], points[0]], strict=True):
            owner.append(leaf)
            sides.append((a, b))
    side = np.array(sides, dtype=np.int64)
    centre = field.at(_momentum(corner + (edge // 2)[:, None], fine))[owner]
    first, second = (field.at(_momentum(side[:, i], fine)) for i in (0, 1))
    for ray in RAYS:
        turn = _rotation(ray)
        found = _meetings(centre @ turn, first @ turn, second @ turn)
        if found is not None:
            return np.bincount(owner, found, minlength=len(edge)).astype(np.int64)
    return None


def _split(a: Vertex, b: Vertex, vertices: set[Vertex], fine: int) -> list[Vertex]:
    """Vertices from a up to, not including, b: cuts of squares are at midpoints."""
    middle = ((a[0] + b[0]) // 2, (a[1] + b[1]) // 2)
    short = abs(a[0] - b[0]) + abs(a[1] - b[1]) <= 1
    if short or (middle[0] % fine, middle[1] % fine) not in vertices:
        return [a]
    return _split(a, middle, vertices, fine) + _split(middle, b, vertices, fine)


def _meetings(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> NDArray[np.int64] | None:
    """+1, -1 or 0 for each triangle (T, 3): does its cone hold +z; None where rounding decides."""
    signs = []
    for p, q in ((a, b), (b, c), (c, a)):
        area = p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]
        error = SIGN_2 * (np.abs(p[:, 0] * q[:, 1]) + np.abs(p[:, 1] * q[:, 0]))
        signs.append(np.where(np.abs(area) > error, np.sign(area), 0).astype(np.int64))
    low, high = np.min(signs, axis=0), np.max(signs, axis=0)
    pierced = low * high > 0
    volume = np.linalg.det(np.stack([a, b, c], axis=1))
    size = np.abs(a).sum(1) * np.abs(b).sum(1) * np.abs(c).sum(1)
    # three of one sign: the axis goes through; a zero among the others: perhaps on the boundary
    doubtful = (low * high == 0) | (pierced & (np.abs(volume) <= SIGN_3 * size))
    corners = np.stack([a, b, c])
    aside = np.all(corners < 0.0, axis=0).any(1) | np.all(corners[..., :2] > 0.0, axis=0).any(1)
    if (doubtful & ~aside).any():
        return None
    above = np.sign(volume) == low
    return np.where(pierced & above & ~aside, low, 0).astype(np.int64)


def _rotation(ray: tuple[float, float, float]) -> NDArray[np.float64]:
    """Orthogonal matrix of determinant 1 with the ray as last column."""
    z = np.array(ray) / np.linalg.norm(ray)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=-1)
