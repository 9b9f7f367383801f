"""What a proof rests on: how cells were divided, and the frames that make each cell provable.

Engines fill these where `evidence=True` was asked for; `certificate_file` writes them; the checker
proves every number again. Nothing here is trusted: trees and frames only say where to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import NDArray

from topophys._typing import (
    BlockLike,
    FourierLike,
    is_block_like,
    is_fourier_like,
    is_two_band_like,
)
from topophys.errors import InputError

__all__ = [
    "Asked",
    "BandEvidence",
    "CellTree",
    "ChiralBasis",
    "DegreeEvidence",
    "HalfZoneEvidence",
    "Proof",
    "ProofEvidence",
    "Question",
    "SurfaceEvidence",
    "WindingEvidence",
    "closing",
    "closing_on_planes",
]


#: Quantities whose sign changes with the order of two directions.
ORIENTED: Final = (
    "Chern number", "spin Chern number", "mirror Chern number", "invariant", "Chern numbers",
)  # fmt: skip
#: Volume of lattice vectors of unit length below which they have no handedness.
FLAT: Final = 1e-9


@dataclass(frozen=True)
class CellTree:
    r"""Cells that tile a box without gaps or overlaps, because they come from halving.

    Axis a of the box is cut into ``start[a]`` equal parts; each starting cell is a leaf or is
    halved along *every* axis into :math:`2^D` cells, and so on.

    Attributes
    ----------
    start : tuple of int
        Numbers of starting cells, one for each of the D axes.
    bits : str
        Starting cells in C order (last axis fastest), each written as its preorder: "0" a leaf,
        "1" a divided cell followed by its :math:`2^D` children in C order, the child in the upper
        half along the last axis coming second.
    """

    start: tuple[int, ...]
    bits: str

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return self.bits.count("0")

    @classmethod
    def of_cells(
        cls,
        start: tuple[int, ...],
        max_depth: int,
        corner: NDArray[np.int64],
        depth: NDArray[np.int64],
    ) -> tuple[CellTree, NDArray[np.int64]]:
        """Tree of cells in any order, and the order in which its leaves come.

        Shapes: `corner` (L, D), `depth` (L,); returns `order` (L,).
        """
        dim = len(start)
        keys = [(corner[:, a] >> bit) & 1 for bit in range(max_depth) for a in reversed(range(dim))]
        keys += [corner[:, a] >> max_depth for a in reversed(range(dim))]
        order = np.lexsort(keys).astype(np.int64)
        return cls(start, _preorder(depth[order].tolist(), dim, int(np.prod(start)))), order

    @classmethod
    def of_depths(cls, start: int, depth: NDArray[np.integer]) -> CellTree:
        """Tree of the intervals of a line, from their depths in order."""
        return cls((start,), _preorder(depth.tolist(), 1, start))


def _preorder(depths: list[int], dim: int, n_start: int) -> str:
    """Preorder bits of `n_start` trees from the depths of their leaves in order."""
    bits: list[str] = []
    left = [n_start]  # how many cells of each depth are still to come
    for depth in depths:
        while left and left[-1] == 0:
            left.pop()
        here = len(left) - 1
        if not left or depth < here:
            raise InputError("The leaves of a proof do not tile its box.")
        left[-1] -= 1
        for _ in range(depth - here):
            bits.append("1")
            left.append((1 << dim) - 1)
        bits.append("0")
    if any(left):
        raise InputError("The leaves of a proof do not tile its box.")
    return "".join(bits)


@dataclass(frozen=True, eq=False)
class WindingEvidence:
    r"""Proof of a winding number of det D(k).

    On each interval of width w the checker needs, with :math:`f = z^{-q} \det D` and the shift q
    that makes :math:`M_2 = \sum_m (m-q)^2 |f_m|` small, the chord between the end points farther
    from 0 than :math:`M_2 w^2/8`; the gap is bounded as in `certify_winding`.

    Attributes
    ----------
    tree : CellTree
        Intervals of [0, 2 pi], starting at k = 0; any number of starting cells. An engine whose
        first interval starts at -pi rolls its starting cells by half of them.
    """

    tree: CellTree


@dataclass(frozen=True, eq=False)
class DegreeEvidence:
    r"""Proof of the Chern number of two bands by the degree of d(k).

    On each square of width w the checker needs a direction u with

    .. math:: \min_{\text{corners}} u \cdot d - \frac{w^2}{8} \sum_R |R|^2 |u \cdot c_R| > 0,

    the curvature bounded by Cauchy and Schwarz as in `certify_chern` or better.

    Attributes
    ----------
    tree : CellTree
        Squares of [0, 2 pi]^2 with corner k = 0; ``start[0] == start[1]``.
    directions : float32 ndarray of shape (L, 3) or None
        Along which each leaf was proven, of any length, in the components of d. Where None the
        checker looks itself: the mean of the corners, then steps towards the nearest point.
    """

    tree: CellTree
    directions: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class BandEvidence:
    r"""Proof of a direct gap in one to three dimensions, and of a Chern number of many bands.

    In the basis (V, W) of a leaf the checker needs, with :math:`G_i, Q_{ij}` the derivatives of H
    at the centre times half widths,

    .. math:: \min_{s \in \{-1,1\}^D} \left[\lambda_{\min}(K_s) - \lambda_{\max}(A_s)\right]
        - \tfrac14 \sum_i \left(|Q_{ii}^A| + |Q_{ii}^K|\right) - 2 e_3 > 0

    where :math:`A_s, K_s` are the blocks of
    :math:`H + \sum_i s_i G_i + \sum_{i<j} s_i s_j Q_{ij} + \frac14 \sum_i Q_{ii}` and
    :math:`e_3 = \max_s \sum_R |H_R| |R \cdot (r s)|^3 / 6` in operator norms. An engine with
    sharper bounds must divide until these hold as well. Phases on edges, thin cells and vertices
    need not be given: they are worked out from tree and bases when a file is written.

    Attributes
    ----------
    tree : CellTree
        Cells of [0, 2 pi]^D with corner k = 0.
    bases : complex64 ndarray of shape (L, N, N)
        Columns: approximate eigenvectors of H at the centre of each leaf, ascending in energy, the
        first `n_occupied` of them V; orthonormal to about 1e-5. In the order of the leaves.
    """

    tree: CellTree
    bases: NDArray[np.complex64]


@dataclass(frozen=True, eq=False)
class HalfZoneEvidence:
    r"""Proof of a Z2 invariant by fluxes on half the zone.

    Attributes
    ----------
    tree : CellTree
        Cells of :math:`k_x \in [0, \pi]`, :math:`k_y \in [0, 2\pi]` with corner k = 0.
    bases : complex64 ndarray of shape (L, N, N)
        As in `BandEvidence`. Nothing about the two ends is needed.
    time_reversal : complex128 ndarray of shape (N, N)
        Unitary U with :math:`U H(-k)^* U^\dagger = H(k)`, :math:`U U^* = -1`, up to rounding.
    """

    tree: CellTree
    bases: NDArray[np.complex64]
    time_reversal: NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class SurfaceEvidence:
    r"""Proof of the charge inside a box, by the flux through its six faces.

    Face (axis a, side) lies at ``centre[a] -+ half_width[a]``; its coordinates are those of axes
    (a + 1) % 3 and (a + 2) % 3, in this order, from the lower to the upper end of the box.

    Attributes
    ----------
    centre, half_width : float64 ndarray of shape (3,)
        The box, in radians; exact numbers.
    faces : tuple of BandEvidence
        Six, in the order (0, low), (0, high), (1, low), (1, high), (2, low), (2, high); each tree
        has two axes and covers its face; `bases` are of the full H(k), not of a folded one.
    """

    centre: NDArray[np.float64]
    half_width: NDArray[np.float64]
    faces: tuple[BandEvidence, ...]


@dataclass(frozen=True, eq=False)
class ChiralBasis:
    r"""Basis of Kramers pairs of Majorana modes.

    Attributes
    ----------
    columns : complex128 ndarray of shape (N, N)
        Columns of a unitary W with :math:`C = W W^T K`, :math:`T = W J W^T K` up to rounding,
        :math:`J = [[0, 1], [-1, 0]]`.
    """

    columns: NDArray[np.complex128]


ProofEvidence: TypeAlias = (
    WindingEvidence
    | DegreeEvidence
    | BandEvidence
    | HalfZoneEvidence
    | SurfaceEvidence
    | ChiralBasis
)


@dataclass(frozen=True, eq=False)
class Question:
    """What was asked: one Hamiltonian, exactly, and of which quantity.

    Attributes
    ----------
    quantity : str
        "winding number", "gap", "indirect gap", "gap around an energy", "Chern number",
        "Z2 invariant", "Weyl charge", "Majorana number", "Majorana Kramers number",
        "three-dimensional winding number", "axion angle" or "second Chern number".
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors: closed under R -> -R; of a chain, those of the block.
    amplitudes : complex128 ndarray of shape (M, N, N)
        Hoppings, or coefficients of the block D of a chain.
    n_occupied : int
        Number of bands below the gap; of a chain, the size of its block.
    amplitude_error : float
        Bound of what was rounded when the hoppings were formed, in operator norm over all k.
    time_reversal : complex128 ndarray of shape (N, N), optional
        For a Z2 invariant.
    centre, half_width : float64 ndarray of shape (3,), optional
        For a Weyl charge: the box, in radians.
    particle_hole : complex128 ndarray of shape (N, N), optional
        For a Majorana number.
    level : float, optional
        For a gap around an energy.
    edges : (float, float), optional
        For indirect gaps: proven energies above all occupied and below all empty levels.
    operator : complex128 ndarray of shape (N, N) or (5, 4, 4), optional
        Chiral operator of a three-dimensional winding number, inversion of an axion angle, Gamma
        matrices of a second Chern number.
    """

    quantity: str
    vectors: NDArray[np.int64]
    amplitudes: NDArray[np.complex128]
    n_occupied: int
    amplitude_error: float = 0.0
    time_reversal: NDArray[np.complex128] | None = None
    centre: NDArray[np.float64] | None = None
    half_width: NDArray[np.float64] | None = None
    particle_hole: NDArray[np.complex128] | None = None
    level: float | None = None
    edges: tuple[float, float] | None = None
    operator: NDArray[np.complex128] | None = None


@dataclass(frozen=True, eq=False)
class Asked:
    """What was asked of a batch, kept so that a file can be written later.

    Attributes
    ----------
    H : FourierLike, BlockLike or ndarray
        The batch; samples for groups of bands, of which no file is written.
    quantity, n_occupied, time_reversal, centre, half_width, particle_hole, operator
        As in `Question`.
    bands : (int, int) or None
        A group [low, high) of bands that does not begin with the lowest; no file is written of it.
    """

    H: FourierLike | BlockLike | NDArray[np.complex128]
    quantity: str
    n_occupied: int = 0
    time_reversal: NDArray[np.complex128] | None = None
    centre: NDArray[np.float64] | None = None
    half_width: NDArray[np.float64] | None = None
    bands: tuple[int, int] | None = None
    particle_hole: NDArray[np.complex128] | None = None
    operator: NDArray[np.complex128] | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known about where the Hamiltonians come from."""
        return tuple(getattr(self.H, "notes", ()))

    @property
    def handedness(self) -> int:
        """Sign of the volume of three lattice vectors; 0 where it is not known."""
        lattice = getattr(self.H, "lattice", None)
        if lattice is None or np.shape(lattice) != (3, 3):
            return 0
        scaled = np.asarray(lattice) / np.linalg.norm(lattice, axis=1, keepdims=True)
        volume = float(np.linalg.det(scaled))
        return int(np.sign(volume)) if abs(volume) > FLAT else 0

    @property
    def orientation(self) -> int:
        """Sign that takes the charge in reduced momenta k.a to that in Cartesian ones, or 1."""
        return self.handedness or 1 if self.quantity == "Weyl charge" else 1

    def rows(self) -> list[tuple[str, str]]:
        """Tell what belongs to the question besides bands and dimension: momenta, units, notes."""
        unit = getattr(self.H, "unit", "")
        rows = [("momenta", self.momenta), ("energies", unit or "in the units of the hoppings")]
        return [*rows, *(("note", note) for note in self.notes)]

    @property
    def momenta(self) -> str:
        """Which momenta, in which gauge and orientation."""
        names = [f"a{d + 1}" for d in getattr(self.H, "directions", (0, 1, 2))]
        text = "k.a in radians, phases exp(ik.R)"
        if self.quantity == "Weyl charge":
            hand = {1: "Cartesian momenta of the right-handed lattice", 0: "k.a, as no lattice is"
                    " given", -1: "Cartesian momenta of the left-handed lattice"}  # fmt: skip
            return f"{text}; sign in {hand[self.handedness]}"
        if self.quantity in ORIENTED and not is_fourier_like(self.H):
            return f"{text}; oriented by the axes of the grid"
        if self.quantity in ORIENTED and is_fourier_like(self.H):
            if self.H.vectors.shape[1] == 2:
                where = getattr(self.H, "where", "")
                return f"{text}; oriented {names[0]} x {names[1]}{', ' * bool(where)}{where}"
            return f"{text}; planes oriented a2 x a3, a3 x a1, a1 x a2"
        if self.quantity == "winding number":
            return f"{text}; winding along {names[0]}"
        return text

    def question(self, index: tuple[int, ...]) -> Question:
        """Question of one element of the batch."""
        h = self.H
        batch_error = np.asarray(getattr(h, "amplitude_error", 0.0), dtype=np.float64)
        error = float(batch_error[index] if batch_error.ndim else batch_error)
        if self.quantity == "winding number":
            assert is_block_like(h)
            low, high = h.block_range
            amplitudes, filled = h.block_amplitudes[index], h.block_amplitudes.shape[-1]
            vectors = np.arange(low, high + 1, dtype=np.int64)[:, None]
        else:
            assert is_fourier_like(h)
            vectors, amplitudes, filled = h.vectors, h.amplitudes[index], self.n_occupied
            if is_two_band_like(h):  # entries such as d_x - i d_y were rounded
                error += 2.0**-51 * float(np.abs(amplitudes).sum())
        return Question(
            self.quantity, vectors, amplitudes, filled, error, self.time_reversal, self.centre,
            self.half_width, self.particle_hole, operator=self.operator,
        )  # fmt: skip


def closing(
    reason: Shaped[np.ndarray, "..."], k: Float[np.ndarray, "... dim"], name: str = "closed at"
) -> list[tuple[str, str]]:
    """Name the momentum of the first closed gap of a batch, in a row below the answer.

    Shapes: `reason` (...), `k` (..., dim).
    """
    closed = np.flatnonzero(np.ravel(reason) == "closed gap")
    if not len(closed):
        return []
    at = np.reshape(k, (-1, np.shape(k)[-1]))[closed[0]]
    if not np.isfinite(at).all():
        return []
    return [(name, f"k = ({', '.join(f'{x:.4g}' for x in at)})")]


def closing_on_planes(planes: Sequence[Any]) -> list[tuple[str, str]]:
    """Name the momentum of a closed gap on one of the planes k_i = 0, pi of a single solid."""
    for axis, plane in enumerate(planes):
        closed = np.flatnonzero(plane.reason.ravel() == "closed gap")
        if len(closed):
            within = plane.k_at_gap_upper.reshape(-1, 2)[closed[0]]
            k = np.insert(within, axis, np.pi * closed[0])
            return closing(plane.reason.ravel()[closed[:1]], k[None])
    return []


@dataclass(frozen=True, eq=False)
class Proof:
    """A question, and where to look for the proof of its answer; `evidence` may be left to others.

    Attributes
    ----------
    question : Question
        What was asked.
    evidence : ProofEvidence or None
        What an engine noted; None where the division of cells is to be found again.
    """

    question: Question
    evidence: ProofEvidence | None = None
