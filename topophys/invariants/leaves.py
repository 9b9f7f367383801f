"""The cells that the evidence of a certificate holds, one by one: to look at."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from topophys import _validation
from topophys._typing import BlockLike, FourierLike, is_block_like
from topophys.errors import KindError, ShapeError, UnresolvedError
from topophys.invariants._evidence import ChainBound, SquareBound, chain_tree, leaves_of
from topophys.invariants._limits import MAX_DEPTH, depth_up_to, described, dimension
from topophys.invariants._scaling import divide_out, real_series, times_power
from topophys.invariants.chern import certify_chern, rotation_to_z
from topophys.invariants.evidence import CellTree
from topophys.invariants.winding import certify_winding
from topophys.kernels.rounding import at_least

__all__ = ["CertificateLeaves", "certificate_leaves"]


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
        Signed number of times the image of the leaf meets a ray: -1, 0 or 1, or more where a
        block has distant hoppings alone.

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
    H: FourierLike | BlockLike, *, max_depth: int = MAX_DEPTH, max_leaves: int = 100_000
) -> CertificateLeaves:
    r"""Cells of the proof that `certify_winding`, or `certify_chern` of two bands, finds.

    On an interval the determinant of D(k), up to a factor :math:`e^{iqk}`, stays in a convex set
    without the origin, on a square d(k) in an open half space. Each cell meets a ray from the
    origin a signed number of times, and

    .. math:: \nu, C = \sum_{\text{leaves}} (\text{signed meetings with the ray}) .

    Parameters
    ----------
    H : ChiralHamiltonian, or FourierHamiltonian with two bands in two dimensions
        A single Hamiltonian.
    max_depth : int, default 16
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
    Leaves of the winding number +1: 12 cells
      by depth         12
      gap at least     1.93
    """
    depth = depth_up_to(DEEPEST, max_depth)
    most = _validation.positive_int(max_leaves, "max_leaves")
    limits: dict[str, Any] = {"max_depth": depth, "max_evaluations": 2 * most + 64}
    if is_block_like(H):
        _require_single(H.block_amplitudes.shape[:-3])
        quantity = "winding number"
        proof = certify_winding(H, evidence=True, on_unresolved="raise", **limits)
    elif dimension(H) == 2 and H.n_bands == 2:
        _require_single(H.batch_shape)
        quantity = "Chern number"
        proof = certify_chern(H, evidence=True, on_unresolved="raise", **limits)
    else:
        raise KindError(
            "Argument `H` must be a ChiralHamiltonian or have two bands in two dimensions, but is"
            f" {described(H)}"
        )
    tree = proof.evidence[0].tree if proof.evidence and proof.evidence[0] is not None else None
    found = _of_chain(H, tree) if is_block_like(H) else _of_plane(H, tree)
    if len(found) > most or found.value != int(proof.value) or not (found.gap_lower > 0.0).all():
        raise UnresolvedError(quantity, [0], 1)
    return found


def _require_single(batch: tuple[int, ...]) -> None:
    if batch != ():
        raise ShapeError(
            f"Argument `H` must be a single Hamiltonian, but is a batch of shape {batch}; take one"
            " of them by its index."
        )


# ----------------------------------------------------- Intervals of a chain, squares of a plane

SLACK: Final = 64 * 2.0**-53


def _of_chain(H: BlockLike, tree: CellTree | None) -> CertificateLeaves:
    """Intervals of the proof of a winding number; without a tree, those a file would have."""
    scaled, exponent = divide_out(H.block_amplitudes[None])
    blocks, bound = scaled[0], ChainBound(scaled[0])
    tree = chain_tree(blocks, 0.0) if tree is None else tree
    corner, depth, deepest = _leaves(tree)
    left, edge = corner[:, 0], np.int64(1) << (deepest - depth)
    fine = tree.start[0] << deepest
    gap = bound.gap(left, edge, fine, _rounding(blocks, bound))
    # less than half a rotation of the factor that was bounded, and the rest exactly
    factor = bound.at(left, fine)[0]
    step = np.angle(np.roll(factor, -1) / factor)
    width, order = 2.0 * np.pi * edge / fine, bound.shift + bound.n * H.block_range[0]
    phase = np.concatenate([[0.0], np.cumsum(step + order * width)]) + np.angle(factor[0])
    met = np.floor((phase - _away_from(phase)) / (2.0 * np.pi)).astype(np.int64)
    return _result("winding number", corner, width, depth, fine, gap, np.diff(met), exponent)


def _rounding(blocks: NDArray[np.complex128], bound: ChainBound) -> tuple[float, float]:
    """Bound the rounding of determinants, and of squared norms of D."""
    n_shift, n, _ = blocks.shape
    norm, count = float(np.linalg.norm(blocks, axis=(1, 2)).sum()), len(bound.f)
    # elimination with partial pivoting: entries grow by at most 2^(n-1); entries are sums
    error = SLACK * (n_shift + n**3 * 2.0 ** (n - 1) + count) * norm**n
    size = ((1.0 + np.abs(bound.orders)) * (np.abs(bound.f) + error)).sum()
    return float(SLACK * count * size + count * error), SLACK * n_shift**2 * n * n * norm**2


def _away_from(phase: NDArray[np.float64]) -> float:
    """Direction as far as possible from all of some phases."""
    turn = np.sort(phase % (2.0 * np.pi))
    space = np.diff(np.append(turn, turn[0] + 2.0 * np.pi))
    return float(turn[space.argmax()] + 0.5 * space.max())


def _of_plane(H: FourierLike, tree: CellTree | None) -> CertificateLeaves:
    """Squares of the proof of a Chern number of two bands."""
    assert tree is not None  # kept by every proof of two bands
    vectors, coefficients, exponent, _ = real_series(H)
    series, bound = coefficients[0], SquareBound(vectors, coefficients[0])
    corner, depth, deepest = _leaves(tree)
    edge, fine = np.int64(1) << (deepest - depth), tree.start[0] << deepest
    reach = np.concatenate([[1.0], 1.0 + np.abs(vectors).sum(1)])
    slack = SLACK * len(series) * float((reach * np.abs(series).sum((1, 2))).sum())
    gap = 2.0 * (bound.margin(corner, edge, fine) - slack)
    covers = _covers(bound, corner, edge, fine)
    if covers is None:
        raise UnresolvedError("Chern number", [0], 1)
    width = 2.0 * np.pi * edge / fine
    return _result("Chern number", corner, width, depth, fine, gap, covers, exponent)


def _leaves(tree: CellTree) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Corners and depths of leaves on a lattice that has their centres, and its depth."""
    deepest = DEEPEST + 1
    return *leaves_of(tree, deepest), deepest


def _result(
    quantity: str,
    corner: NDArray[np.int64],
    size: NDArray[np.float64],
    depth: NDArray[np.int64],
    fine: int,
    gap: NDArray[np.float64],
    contribution: NDArray[np.int64],
    exponent: NDArray[np.int64],
) -> CertificateLeaves:
    """Leaves by their momenta in [-pi, pi), in order."""
    point = (corner + fine // 2) % fine
    order = np.lexsort(point.T[::-1])
    return CertificateLeaves(
        quantity=quantity,
        corner=(-np.pi + 2.0 * np.pi * point / fine)[order],
        size=size[order],
        depth=depth[order],
        gap_lower=times_power(gap, np.full(len(gap), exponent[0]))[order],
        contribution=contribution[order],
    )


Vertex: TypeAlias = tuple[int, int]
#: Relative errors of two by two and of three by three determinants of rounded numbers.
SIGN_2: Final = 8 * 2.0**-53
SIGN_3: Final = 64 * 2.0**-53
#: Rays, tried until none of the triangles has one on its boundary to rounding.
RAYS: Final = ((0.36, 0.48, 0.8), (0.8, -0.52, 0.3), (-0.19, 0.65, -0.74))


def _covers(
    bound: SquareBound, corner: NDArray[np.int64], edge: NDArray[np.int64], fine: int
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
    centre = bound.at(corner + (edge // 2)[:, None], fine)[owner]
    first, second = (bound.at(side[:, i], fine) for i in (0, 1))
    for ray in RAYS:
        turn = rotation_to_z(ray)
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
