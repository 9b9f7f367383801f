"""The cells of a proof, one by one: to look at, and to check the kernels by."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from topophys import _validation
from topophys._typing import BlockLike, FourierLike, is_block_like
from topophys.errors import InputError, KindError, ShapeError, UnresolvedError
from topophys.invariants._limits import described, dimension
from topophys.invariants._scaling import divide_out, real_series, times_power
from topophys.kernels.rounding import at_least

__all__ = ["CertificateLeaves", "Found", "certificate_leaves", "chain_leaves", "plane_leaves"]


# ------------------------ Intervals of the proof of a winding number, level by level in plain NumPy

#: Corners, sizes, depths, gap bounds and contributions of leaves.
Found: TypeAlias = tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64],
    NDArray[np.int64],
]  # fmt: skip
SLACK: Final = 64 * 2.0**-53
#: Relative error of a two by two determinant of rounded numbers.
SIGN: Final = 8 * 2.0**-53
#: Directions of the ray, tried until no end point lies on it to rounding.
RAYS: Final = (0.0, 2.1, 4.3)


class _Series:
    """f(k) = sum_m f_m e^(imk) and what bounds it: second derivative and slack."""

    def __init__(self, orders: NDArray[np.int64], f: NDArray[np.complex128], error: float) -> None:
        self.orders, self.f = orders, f
        size = np.abs(f) + error
        self.second = float((orders.astype(float) ** 2 * size).sum())
        weight = ((1.0 + np.abs(orders)) * size).sum()
        self.slack = float(SLACK * len(f) * weight + len(f) * error)

    def at(self, k: NDArray[np.float64]) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        wave = np.exp(1j * k[:, None] * self.orders)
        return wave @ self.f, wave @ (1j * self.orders * self.f)


def chain_leaves(H: BlockLike, max_depth: int, max_leaves: int) -> Found | None:
    """Prove every interval of the zone of one chain."""
    scaled, exponent = divide_out(H.block_amplitudes[None])
    det, norm = _determinant(scaled[0], H.block_range[0]), _norm(scaled[0])
    n = scaled.shape[-1]
    n_start = 4 * (len(det.f) // 2) + 4
    fine = n_start << (max_depth + 1)
    left = np.arange(n_start, dtype=np.int64) << (max_depth + 1)
    kept: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    for depth in range(max_depth + 1):
        half = 1 << (max_depth - depth)
        gap = _proven(det, norm, n, _momentum(left + half, fine), np.pi * 2 * half / fine)
        good = gap > 0.0
        kept.append((left[good], np.full(good.sum(), depth), gap[good]))
        left = np.concatenate([left[~good], left[~good] + half])
        if not len(left) or sum(len(k[0]) for k in kept) + len(left) > max_leaves:
            break
    if len(left):
        return None
    start, level, bound = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    order = np.argsort(start)
    start, level, bound = start[order], level[order], bound[order]
    turns = _crossings(det.at(_momentum(start, fine))[0])
    if turns is None:
        return None
    size = 2.0 * np.pi / n_start * 0.5**level
    gaps = times_power(bound, np.full(len(bound), exponent[0]))
    return _momentum(start, fine)[:, None], size, level, gaps, turns


def _momentum(point: NDArray[np.int64], fine: int) -> NDArray[np.float64]:
    return -np.pi + 2.0 * np.pi * (point % fine) / fine


def _determinant(block: NDArray[np.complex128], lowest: int) -> _Series:
    """Fourier series of det D(k), from its values at roots of unity."""
    n_shift, n, _ = block.shape
    count = n * (n_shift - 1) + 1
    z = np.exp(2j * np.pi * np.arange(count) / count)
    samples = np.linalg.det(np.einsum("qs,sij->qij", z[:, None] ** np.arange(n_shift), block))
    norm = float(np.linalg.norm(block, axis=(1, 2)).sum())
    # elimination with partial pivoting: entries grow by at most 2^(n-1); entries are sums
    error = SLACK * (n_shift + n**3 * 2.0 ** (n - 1) + count) * norm**n
    f = np.asarray(np.fft.fft(samples) / count)
    return _Series(n * lowest + np.arange(count), f, error)


def _norm(block: NDArray[np.complex128]) -> _Series:
    """Fourier series of |D(k)|_F^2."""
    n_shift, n, _ = block.shape
    orders = np.arange(1 - n_shift, n_shift)
    flat = block.reshape(n_shift, n * n)
    gram = flat.conj() @ flat.T
    g = np.array([np.trace(gram, offset=m) for m in orders])
    return _Series(orders, g, float(SLACK * n_shift * n * n * gram.trace().real))


def _proven(
    det: _Series, norm: _Series, n: int, k: NDArray[np.float64], r: float
) -> NDArray[np.float64]:
    """Gap proven on the intervals of half width r around k; not positive where there is none."""
    value, slope = det.at(k)
    half = slope * r
    length = np.abs(half) ** 2
    t = -(value * half.conj()).real / np.where(length > 0.0, length, 1.0)
    nearest = np.abs(value + np.clip(t, -1.0, 1.0) * half)
    low = nearest - 0.5 * det.second * r * r - det.slack
    total, change = norm.at(k)
    high = total.real + np.abs(change.real) * r + 0.5 * norm.second * r * r + norm.slack
    sure = np.clip(low, 0.0, None)
    if n == 1:
        return np.asarray(2.0 * sure)
    if n == 2:
        spread = np.sqrt(np.clip(high - 2.0 * sure, 0.0, None))
        return np.asarray(4.0 * sure / (np.sqrt(high + 2.0 * sure) + spread))
    return np.asarray(2.0 * sure * ((n - 1) / high) ** (0.5 * (n - 1)))


def _crossings(ends: NDArray[np.complex128]) -> NDArray[np.int64] | None:
    """Signed meetings of each side of the closed polygon with a ray; None if no ray will do."""
    for angle in RAYS:
        p = ends * np.exp(-1j * angle)
        q = np.roll(p, -1)
        cross = p.real * q.imag - p.imag * q.real
        size = np.abs(p.real * q.imag) + np.abs(p.imag * q.real)
        through = (p.imag < 0.0) != (q.imag < 0.0)
        if (through & (np.abs(cross) <= SIGN * size)).any():
            continue
        up = (p.imag < 0.0) & (q.imag >= 0.0) & (cross > 0.0)
        down = (p.imag >= 0.0) & (q.imag < 0.0) & (cross < 0.0)
        return np.asarray(up.astype(np.int64) - down.astype(np.int64))
    return None


# ------------------- Squares of the proof of a two-band Chern number, level by level in plain NumPy

Vertex: TypeAlias = tuple[int, int]
UP: Final = 1.0 + 1e-12
DIRECTIONS: Final = 2  # beyond the first
#: Relative errors of two by two and of three by three determinants of rounded numbers.
SIGN_2: Final = 8 * 2.0**-53
SIGN_3: Final = 64 * 2.0**-53
#: Rays, tried until none of the triangles has one on its boundary to rounding.
PLANE_RAYS: Final = ((0.36, 0.48, 0.8), (0.8, -0.52, 0.3), (-0.19, 0.65, -0.74))


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
    """Prove every square of the zone of one two-band Hamiltonian."""
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
    for ray in PLANE_RAYS:
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


# ------------------------ The cells of a proof, one by one: to look at, and to check the kernels by

#: The lattice of corners must fit into int64 products with lattice vectors.
DEEPEST: Final = 24


@dataclass(frozen=True, eq=False)
class CertificateLeaves:
    """Cells that tile the Brillouin zone, on each of which the gap is proven to be open.

    Attributes
    ----------
    quantity : str
        What the contributions add up to: "winding number" or "Chern number".
    corner : float64 ndarray of shape (L, dim)
        Momenta of the corners with the smallest components, in [-pi, pi).
    size : float64 ndarray of shape (L,)
        Edge lengths, in radians.
    depth : int64 ndarray of shape (L,)
        How often a cell of the starting grid was divided.
    gap_lower : float64 ndarray of shape (L,)
        Proven lower bound of the gap on the leaf, in the units of the hoppings.
    contribution : int64 ndarray of shape (L,)
        Signed number of times the image of the leaf meets a ray: -1, 0 or 1.

    Examples
    --------
    >>> import topophys as tp
    >>> leaves = tp.certificate_leaves(tp.models.qwz(-1.9))
    >>> leaves.value, bool(leaves.gap_lower.min() > 0)
    (1, True)
    """

    quantity: str
    corner: Float[np.ndarray, "L dim"]
    size: Float[np.ndarray, " L"]
    depth: Int[np.ndarray, " L"]
    gap_lower: Float[np.ndarray, " L"]
    contribution: Int[np.ndarray, " L"]

    @property
    def value(self) -> int:
        """Sum of the contributions: the invariant."""
        return int(self.contribution.sum())

    def __len__(self) -> int:
        return len(self.size)

    def __repr__(self) -> str:
        counts = ", ".join(map(str, np.bincount(self.depth)))
        return (
            f"Leaves of the {self.quantity} {self.value:+d}: {len(self)} cells\n"
            f"  by depth         {counts}\n"
            f"  gap at least     {at_least(self.gap_lower.min(), 3)}"
        )


def certificate_leaves(
    H: FourierLike | BlockLike, *, max_depth: int = 16, max_leaves: int = 100_000
) -> CertificateLeaves:
    r"""Subdivide the Brillouin zone until each cell is proven, and return the cells.

    A plain, slow second version of what `certify_winding` and the two-band part of
    `certify_chern` do, with the same bounds: on an interval the determinant of D(k) stays in a
    convex set without the origin, on a square d(k) in an open half space. The image of a cell
    then meets a ray as often as its polygon does, and

    .. math:: \nu, C = \sum_{\text{leaves}} (\text{signed meetings with the ray}) .

    Parameters
    ----------
    H : ChiralHamiltonian, or FourierHamiltonian with two bands in two dimensions
        A single Hamiltonian.
    max_depth : int, optional
        How often a cell of the starting grid may be divided, at most 24.
    max_leaves : int, optional
        Largest number of cells.

    Returns
    -------
    CertificateLeaves
        Corners, sizes, bounds and contributions; arrays of shape (L,) for L leaves.

    Raises
    ------
    KindError
        If `H` has neither a chiral block nor two bands in two dimensions.
    ShapeError, InputError
        If `H` is a batch, or a limit out of range.
    UnresolvedError
        If a cell stays unproven: the gap is closed, or too small for the limits.

    References
    ----------
    .. [1] R. E. Moore, R. B. Kearfott, M. J. Cloud, *Introduction to Interval Analysis*,
       SIAM (2009), chap. 6.
    .. [2] G. E. Volovik, *The Universe in a Helium Droplet*, Oxford University Press (2003),
       chap. 11.

    Examples
    --------
    >>> import topophys as tp
    >>> certificate_leaves(tp.models.ssh(1.0, 2.0))
    Leaves of the winding number +1: 8 cells
      by depth         8
      gap at least     1.84
    """
    depth = _validation.positive_int(max_depth, "max_depth", minimum=0)
    if depth > DEEPEST:
        raise InputError(f"Argument `max_depth` must be at most {DEEPEST}, but is {max_depth}.")
    most = _validation.positive_int(max_leaves, "max_leaves")
    if is_block_like(H):
        _require_single(H.block_amplitudes.shape[:-3])
        quantity, found = "winding number", chain_leaves(H, depth, most)
    elif dimension(H) == 2 and H.n_bands == 2:
        _require_single(H.batch_shape)
        quantity, found = "Chern number", plane_leaves(H, depth, most)
    else:
        raise KindError(
            "Argument `H` must be a ChiralHamiltonian or have two bands in two dimensions, but is"
            f" {described(H)}"
        )
    if found is None:
        raise UnresolvedError(quantity, [0], 1)
    return CertificateLeaves(quantity, *found)


def _require_single(batch: tuple[int, ...]) -> None:
    if batch != ():
        raise ShapeError(
            f"Argument `H` must be a single Hamiltonian, but is a batch of shape {batch}; take one"
            " of them by its index."
        )
