"""All band touchings of a three-dimensional Hamiltonian, enclosed in boxes with proven charges."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import InputError, ShapeError, why
from topophys.invariants._cells import Hoppings, bound_cells
from topophys.invariants._cocycle import one_thread
from topophys.invariants._scaling import divide_out
from topophys.invariants._slices import bloch_at, require_dimension
from topophys.invariants._subdivision import Zone, divide
from topophys.invariants.results import UNRESOLVED_VALUE, Result, lowest, masked, signed
from topophys.invariants.weyl import weyl_charge
from topophys.kernels.rounding import at_least

__all__ = ["WeylCensus", "find_weyl_nodes"]

#: Starting cells of the Brillouin zone in each direction.
START: Final = 8
#: Steps of Newton's method.
STEPS: Final = 30


@dataclass(frozen=True, eq=False, repr=False)
class WeylCensus(Result):
    """Boxes outside of which the gap is proven to be open, each with its proven charge.

    Attributes
    ----------
    value : int64 ndarray of shape (B,)
        Charge of each box; masked where it is not proven.
    status : str ndarray of shape (B,)
        "certified" or "unresolved".
    centre, half_width : float64 ndarray of shape (B, 3)
        The boxes, in radians; they do not overlap.
    position : float64 ndarray of shape (B, 3)
        A touching inside the box by Newton's method, not proven; NaN where none was found.
    gap_lower : float64 ndarray of shape (B,)
        Proven gap on the surface of the box; 0 where unresolved.
    gap_upper : float64 ndarray of shape (B,)
        Smallest gap met there.
    gap_outside : float
        Proven gap outside of all boxes.
    evaluations : int64 ndarray of shape ()
        Eigenproblems solved.
    reason : str ndarray of shape (B,)
        Why a charge is not proven.
    complete : bool
        Whether the Brillouin zone outside of the boxes is proven to be gapped. Where false the
        cells were too many, and nothing is said.
    bands : tuple of int
        How many bands are occupied, and how many there are.
    notes : tuple of str
        What the proof rests on that is not given.

    Examples
    --------
    >>> import topophys as tp
    >>> found = tp.find_weyl_nodes(tp.models.weyl_semimetal(np.pi / 3))
    >>> sorted(found.value.tolist()), found.complete
    ([-1, 1], True)
    """

    value: Any
    status: Any
    centre: NDArray[np.float64]
    half_width: NDArray[np.float64]
    position: NDArray[np.float64]
    gap_lower: Any
    gap_upper: Any
    gap_outside: float
    evaluations: Any
    reason: Any
    complete: bool
    bands: tuple[int, int]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masked(self.value, self.resolved))

    @property
    def question(self) -> str:
        """The question that is answered."""
        return f"band touchings of {lowest(*self.bands, 3)}"

    @property
    def undecided(self) -> NDArray[np.int64]:
        """Boxes whose charge is not proven, or is 0: they may hold touchings or none."""
        return np.flatnonzero(~self.resolved | (np.ma.filled(self.value, 0) == 0))

    def _answer(self) -> str:
        if not self.complete:
            return "unresolved"
        charged = len(self.status) - len(self.undecided)
        tail = "" if not len(self.undecided) else f", {len(self.undecided)} undecided"
        return f"{charged} boxes with a charge{tail}, nothing elsewhere (certified)"

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("outside", f"gap at least {at_least(self.gap_outside, 3)} (proven)")
        ] * self.complete
        for i, status in enumerate(self.status.tolist()):
            shown = self.centre[i] if np.isnan(self.position[i]).any() else self.position[i]
            at = ", ".join(f"{x:.6g}" for x in shown)
            charge = signed(int(self.value[i])) if status == "certified" else "not proven"
            rows.append((f"charge {charge}", f"at ({at})"))
        message = why(self.reason.tolist())
        rows += [("reason", message)] if message else []
        rows.append(("evaluations", str(int(self.evaluations))))
        return [*rows, *(("note", note) for note in self.notes)]


def find_weyl_nodes(
    H: FourierLike,
    *,
    n_occupied: int | None = None,
    depth: int = 4,
    max_cells: int = 20_000,
    max_evaluations: int = 2_000_000,
) -> WeylCensus:
    r"""Enclose all touchings of two neighbouring bands, and prove the charge of each enclosure.

    .. math:: E_{n+1}(k) - E_n(k) > 0 \quad \text{outside of the boxes}, \qquad
        q = \frac{1}{2\pi} \oint \mathrm{tr}\,\Omega \cdot \mathrm{d}S \quad \text{of each box}

    The Brillouin zone is divided into cells until the gap is proven open on each, down to cells of
    edge :math:`2\pi / (8 \cdot 2^{depth})`. Those that are left are put into boxes, and the charge
    of each box is proven by `weyl_charge`. A box with a charge holds a touching; one with charge 0
    may hold several, a line, or a small gap, and is listed as undecided, as is one without proof.

    Parameters
    ----------
    H : FourierHamiltonian
        One Hamiltonian in three dimensions.
    n_occupied : int, optional
        Number n of bands below the touchings; that of `H` where not given.
    depth : int, optional
        How often a starting cell is divided, at most 10: nodes nearer than about three of the
        smallest cells share a box.
    max_cells : int, optional
        Give up where more cells than this are left at one depth: nodal lines and surfaces.
    max_evaluations : int, optional
        How many eigenproblems may be solved for cells.

    Returns
    -------
    WeylCensus
        Boxes, charges and positions.

    Raises
    ------
    KindError, ShapeError, InputError
        If `H` is not one three-dimensional Hamiltonian in Fourier form, or options do not fit.

    References
    ----------
    .. [1] H. B. Nielsen, M. Ninomiya, Nucl. Phys. B 185, 20 (1981).
    .. [2] X. Wan, A. M. Turner, A. Vishwanath, S. Y. Savrasov, Phys. Rev. B 83, 205101 (2011).

    Examples
    --------
    >>> import topophys as tp
    >>> find_weyl_nodes(tp.models.weyl_semimetal(1.0))
    Band touchings of the lowest 1 of 2 bands in 3D: 2 boxes with a charge, nothing elsewhere ...
      outside          gap at least ... (proven)
      charge ...
    """
    h = require_dimension(H, 3)
    if h.batch_shape != ():
        raise ShapeError(
            f"Argument `H` must be one Hamiltonian, but is a batch of shape {h.batch_shape}; take"
            " one by its index."
        )
    filled = _validation.occupied(h.n_occupied if n_occupied is None else n_occupied, h.n_bands)
    if not 1 <= _validation.positive_int(depth, "depth") <= 10:
        raise InputError(f"Argument `depth` must be from 1 to 10, but is {depth}.")
    _validation.positive_int(max_cells, "max_cells")
    _validation.positive_int(max_evaluations, "max_evaluations")
    bands, notes = (filled, int(h.n_bands)), tuple(getattr(h, "notes", ()))
    left, gap, spent = _cells_left(h, filled, depth, max_cells, max_evaluations)
    if left is None:
        return _census([], gap, spent, bands, notes, complete=False)
    n = START << depth
    rows = []
    for low, high in _boxes(left, n):
        centre = np.pi * (low + high) / n
        centre = (centre + np.pi) % (2.0 * np.pi) - np.pi
        half = np.pi * (high - low) / n * (1.0 + 1e-9)
        if (half >= np.pi).any():
            return _census([], gap, spent, bands, notes, complete=False)
        proof = weyl_charge(h, centre, half_width=half, n_occupied=filled)
        spent += int(proof.evaluations)
        rows.append((centre, half, proof, _newton(h, filled, centre, half)))
    return _census(rows, gap, spent, bands, notes, complete=True)


def _census(
    rows: list[Any],
    gap: float,
    spent: int,
    bands: tuple[int, int],
    notes: tuple[str, ...],
    *,
    complete: bool,
) -> WeylCensus:
    """Put boxes into columns."""
    proofs = [r[2] for r in rows]
    return WeylCensus(
        value=np.array([np.ma.filled(p.value, UNRESOLVED_VALUE) for p in proofs], np.int64),
        status=np.array([p.status.item() for p in proofs], "<U10"),
        centre=np.array([r[0] for r in rows]).reshape(-1, 3),
        half_width=np.array([r[1] for r in rows]).reshape(-1, 3),
        position=np.array([r[3] for r in rows]).reshape(-1, 3),
        gap_lower=np.array([float(p.gap_lower) for p in proofs]),
        gap_upper=np.array([float(p.gap_upper) for p in proofs]),
        gap_outside=gap if complete else 0.0,
        evaluations=np.array(spent, np.int64),
        reason=np.array([p.reason.item() for p in proofs], "<U10"),
        complete=complete,
        bands=bands,
        notes=notes,
    )


def _cells_left(
    h: FourierLike, filled: int, depth: int, max_cells: int, max_evaluations: int
) -> tuple[NDArray[np.int64] | None, float, int]:
    """Lattice coordinates (m, 3) of the smallest cells without proof; gap on all others."""
    ham = Hoppings.of(h, filled)
    zone = Zone((START,) * 3, START, depth)
    width = np.diag(zone.half)
    corner = np.indices(zone.start, dtype=np.int64).reshape(3, -1).T << depth
    gap, spent = np.inf, 0
    with one_thread():
        for level in range(depth + 1):
            if not len(corner):
                break
            if spent + len(corner) > max_evaluations:
                return None, 0.0, spent
            none = np.zeros(len(corner), np.int64)
            points = 2 * corner + (np.int64(1) << (depth - level))
            found = bound_cells(
                ham, none, points, lambda p: zone.phases(ham.vectors, p), width,
                np.full(len(corner), 2.0**-level), np.zeros(len(corner)), frames=False,
                fine=2 * zone.fine,
            )  # fmt: skip
            spent += len(corner)
            gap = min(gap, float(found.gap[found.good].min(initial=np.inf)))
            bad = np.ones(len(corner), np.bool_)
            bad[found.good] = False
            corner = corner[bad]
            if len(corner) > max_cells:
                return None, 0.0, spent
            if level < depth:
                corner = divide(zone, np.full(len(corner), level), corner)
    # rounded down: a power of two is exact unless it is denormal
    return corner, float(np.nextafter(np.ldexp(gap, int(ham.exponent[0])), 0.0)), spent


#: Lowest and highest corner (3,) of a box.
Ends: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]


def _boxes(cells: NDArray[np.int64], n: int) -> list[Ends]:
    """Boxes (low, high) in units of cells that hold all cells with one to spare, without overlap.

    Corners are unwrapped: a box may reach beyond the Brillouin zone, and is meant modulo n.
    """
    todo = {tuple(c) for c in cells.tolist()}
    steps = [s for s in itertools.product((-2, -1, 0, 1, 2), repeat=3) if any(s)]
    boxes: list[Ends] = []
    while todo:
        seed = todo.pop()
        group, front = [seed], [seed]
        while front:
            here = front.pop()
            for step in steps:
                there = tuple(a + b for a, b in zip(here, step, strict=True))
                key = tuple(a % n for a in there)
                if key in todo:
                    todo.remove(key)
                    group.append(there)
                    front.append(there)
        all_ = np.array(group)
        boxes.append((all_.min(0) - 1, all_.max(0) + 2))
    merged = True
    while merged:
        merged = False
        for i, j in itertools.combinations(range(len(boxes)), 2):
            both = _union(boxes[i], boxes[j], n)
            if both is not None:
                boxes[i] = both
                del boxes[j]
                merged = True
                break
    return boxes


def _union(one: Ends, two: Ends, n: int) -> Ends | None:
    """Return the box around two boxes that overlap modulo n, or None."""
    (a, b), (c, d) = one, two
    # each axis on its own: images of the second that overlap the first
    lowest, highest = -((d - 1 - a) // n), (b - 1 - c) // n
    if (lowest > highest).any():
        return None
    shift = lowest * n
    return np.minimum(a, c + shift), np.maximum(b, d + shift)


def _newton(
    h: FourierLike, filled: int, centre: NDArray[np.float64], half: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a touching within a box, or NaN."""
    line = np.linspace(-0.8, 0.8, 5)
    grid = centre + half * np.stack(np.meshgrid(line, line, line, indexing="ij"), -1).reshape(-1, 3)
    # a touching is where the gap is below rounding, in any unit of energy
    (hops,), _ = divide_out(h.amplitudes[None])
    energy = np.linalg.eigvalsh(bloch_at(h.vectors, hops, grid))
    k = grid[int(np.argmin(energy[:, filled] - energy[:, filled - 1]))]
    size = float(np.linalg.norm(hops, axis=(-2, -1)).sum())
    vectors = h.vectors.astype(np.float64)
    for _ in range(STEPS):
        phase = np.exp(1j * (vectors @ k))
        energy_k, states = np.linalg.eigh(np.tensordot(phase, hops, axes=1))
        if energy_k[filled] - energy_k[filled - 1] < 1e-13 * size:
            inside = (np.abs(k - centre) <= half).all()
            return np.asarray((k + np.pi) % (2.0 * np.pi) - np.pi) if inside else np.full(3, np.nan)
        pair = states[:, filled - 1 : filled + 1]
        slopes = [
            pair.conj().T @ np.tensordot(1j * vectors[:, j] * phase, hops, axes=1) @ pair
            for j in range(3)
        ]
        parts = np.array([
            [s[0, 1].real, -s[0, 1].imag, 0.5 * (s[0, 0] - s[1, 1]).real] for s in slopes
        ]).T  # fmt: skip
        d = np.array([0.0, 0.0, 0.5 * (energy_k[filled - 1] - energy_k[filled])])
        step = np.linalg.lstsq(parts, -d, rcond=1e-10)[0]
        k = k + step * min(1.0, 0.5 * half.min() / max(float(np.linalg.norm(step)), 1e-300))
    return np.full(3, np.nan)
