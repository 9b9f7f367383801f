"""Weyl nodes: the charge in a box, and a census of all nodes, proven."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._progress import track
from topophys._typing import FourierLike
from topophys.errors import InputError, ShapeError, why
from topophys.invariants._census import (
    Ends,
    affordable,
    boxes_around,
    cells_left,
    momenta_in,
    union,
)
from topophys.invariants._cocycle import charge_evidence
from topophys.invariants._folding import MANY, fold_charges
from topophys.invariants._limits import Limits, limits
from topophys.invariants._slices import require_dimension
from topophys.invariants._subdivision import Box
from topophys.invariants._symmetry import inversion_error, inversion_operator
from topophys.invariants._touchings import (
    apart_from_others,
    newton,
    only_touching,
)
from topophys.invariants._undecided import Seen, describe
from topophys.invariants.evidence import Asked
from topophys.invariants.results import (
    UNRESOLVED_VALUE,
    Certificate,
    Evidence,
    OnUnresolved,
    Result,
    conclude,
    joined,
    lowest,
    masked,
    signed,
)
from topophys.kernels.rounding import at_least, at_most

__all__ = ["WeylCensus", "find_weyl_nodes", "weyl_charge"]


#: Starting cells along each edge of a face.
START: Final = 2
#: How often a cell may be divided at most.
DEEPEST: Final = 16
#: Bands of which evidence is kept.
LARGEST_EVIDENCE: Final = 64


def weyl_charge(
    H: FourierLike,
    centre: ArrayLike,
    *,
    half_width: ArrayLike = 0.1,
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_cells: int = 4096,
    max_evaluations: int = 100_000,
    tightness: float = 0.0,
    evidence: bool = False,
    on_unresolved: OnUnresolved = "mask",
) -> Certificate:
    r"""Charge of the band touchings inside a box, for the occupied bands, proven.

    .. math:: q = \frac{1}{2\pi} \oint \mathrm{tr}\,\Omega \cdot \mathrm{d}S, \qquad
        \Omega = \nabla \times \mathrm{tr} A, \quad A = i V^\dagger \nabla V

    with the outward normal. For :math:`H = k \cdot \sigma` the lower band has q = +1, for a point
    :math:`H = \sum_{ij} k_i v_{ij} \sigma_j` it is sign det v. The faces are divided
    into cells until the gap is proven open on each. The bundle of occupied states then has a
    section on each cell, and q is the winding of the transition phases between neighbouring
    cells, which are bounded along whole edges.

    The sign is that in Cartesian momenta where `H` has a lattice: for lattice vectors that form a
    left-handed set it is the opposite of that in momenta k.a. The result says which one it is.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in three dimensions, or a batch; its `lattice`, where it has one, gives the
        handedness.
    centre : array-like of shape (3,)
        Centre of the box, momenta k.a in radians.
    half_width : float or array-like of shape (3,), optional
        Half of the edges of the box, in radians, below pi.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given.
    min_gap : float, optional
        Certify only what is proven to have at least this gap on the surface.
    max_cells : int, optional
        Cells are not divided further than this number of them along the edge of a face.
    max_evaluations : int, optional
        How many eigenproblems may be solved per Hamiltonian.
    tightness : float, optional
        Share of `gap_upper` that `gap_lower` should reach, as for `certify_gap`.
    evidence : bool, optional
        Keep the cells and their bases in `Certificate.evidence`; up to 64 bands, as the proof is
        then one of all bands.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    Certificate
        Charge, status, proven gap *on the surface* and effort, each of shape (...) like the batch
        of `H`.

    Raises
    ------
    KindError
        If `H` is not a three-dimensional Hamiltonian in Fourier form.
    ShapeError, InputError
        If the box makes no sense, or evidence of too many bands is asked for.
    UnresolvedError
        If asked for and a charge is unresolved: the surface is too close to a touching.

    References
    ----------
    .. [1] G. E. Volovik, *The Universe in a Helium Droplet*, Oxford University Press (2003),
       chap. 8.
    .. [2] X. Wan, A. M. Turner, A. Vishwanath, S. Y. Savrasov, Phys. Rev. B 83, 205101 (2011).
    .. [3] C. Davis, W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> x, y, z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    >>> simple = tp.FourierHamiltonian(
    ...     {(1, 0, 0): -0.5j * x, (0, 1, 0): -0.5j * y, (0, 0, 1): -0.5j * z})
    >>> int(weyl_charge(simple, [0, 0, 0])), int(weyl_charge(simple, [np.pi, 0, 0]))
    (1, -1)
    """
    found = require_dimension(H, 3)
    filled = _validation.occupied(
        found.n_occupied if n_occupied is None else n_occupied, found.n_bands
    )
    if evidence and found.n_bands > LARGEST_EVIDENCE:
        raise InputError(
            f"Argument `evidence` is for at most {LARGEST_EVIDENCE} bands, but `H` has"
            f" {found.n_bands}: proofs of that many take hours and gigabytes cell by cell. Without"
            " it the charge is proven by a few bands, which no file can show."
        )
    middle, half = _box(centre, half_width)
    most = _validation.positive_int(max_cells, "max_cells", minimum=START)
    depth = min((most // START).bit_length() - 1, DEEPEST)
    checked = limits(min_gap, depth, max_evaluations, deepest=DEEPEST, tightness=tightness)
    box = Box(middle, half, START, depth)
    proof = _proof(found, filled, box, checked, evidence=evidence)
    asked = Asked(found, "Weyl charge", filled, centre=middle, half_width=half)
    return conclude("Weyl charge", proof, found.batch_shape, on_unresolved, asked)


def _proof(h: FourierLike, filled: int, box: Box, checked: Limits, *, evidence: bool) -> Evidence:
    """Proof by a few bands where there are many, and by all of them where that does not work."""
    if h.n_bands < MANY or evidence or checked.tightness > 0.0:
        return charge_evidence(h, filled, box, checked, evidence=evidence)
    tried = fold_charges(h, filled, box, checked)
    proofs = [proof for proof, _ in tried]
    done = [p for p in proofs if p is not None]
    rest = np.array([i for i, p in enumerate(proofs) if p is None], np.int64)
    if done and not len(rest):
        return joined(done)
    spent = np.array([tried[i][1] for i in rest], np.int64)
    left = max(1, checked.max_evaluations - int(spent.max(initial=0)))
    checked = replace(checked, max_evaluations=left)
    found = charge_evidence(h, filled, box, checked, evidence=False, some=rest)
    found = replace(found, evaluations=found.evaluations + spent)
    if not done:
        return found
    folded = np.array([p is not None for p in proofs])
    order = np.argsort(np.append(np.flatnonzero(folded), rest))
    return joined([*done, found]).take(order)


def _box(
    centre: ArrayLike, half_width: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    middle = _validation.as_real(centre, "centre", "(..., 3)").reshape(-1)
    half = np.broadcast_to(_validation.as_real(half_width, "half_width", "(...)"), (3,))
    if len(middle) != 3:
        raise InputError("Argument `centre` must be a single point of three momenta.")
    if not ((half > 0.0) & (half < np.pi)).all():
        raise InputError(
            "Argument `half_width` must be between 0 and pi, but is"
            f" {_validation.short(half_width)}."
        )
    return middle, half


# ---- Census of the nodes of a band structure

#: Eigenproblems for the charge of a box in any case.
LEAST: Final = 1000
#: How often cells are divided by default: of all bands, and of a few of many.
DEPTHS: Final = (4, 10)
#: Kind of a box whose contents are proven.
NODE: Final = "Weyl node"
#: What is noted where the operator that was given is no symmetry.
NO_INVERSION: Final = "the Hamiltonian has not the inversion that was given; nothing rests on it"


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
        A touching inside the box by Newton's method; NaN where none was found.
    position_error : float64 ndarray of shape (B,)
        Proven bound of how far, in each momentum, the touching is from `position`; infinite where
        that is not proven.
    unique : bool ndarray of shape (B,)
        Whether the box is proven to hold exactly one touching.
    isolated : bool ndarray of shape (B,)
        Whether bands n and n + 1 are proven to touch no other band in the box.
    kind : str ndarray of shape (B,)
        "Weyl node" where the box is proven to hold exactly one touching, and its charge to be 1 or
        -1. Of any other box what it probably is, by searches from some of its momenta: "triple
        point" or "multiple point" (three bands or more), "nodal line", "higher charge", "several
        nodes", "small gap", or "unknown".
    description : str ndarray of shape (B,)
        What the kind rests on, and which part of that is proven.
    third_band : float64 ndarray of shape (B,)
        Of boxes that are neither Weyl nodes nor isolated a range of energies of bands n and n + 1
        and one beside them, the smallest that was met; else NaN. An upper bound, proven for the
        momentum `third_band_at`; that the three touch is not proven.
    third_band_at : float64 ndarray of shape (B, 3)
        Where that is.
    partner : int64 ndarray of shape (B,)
        The only box that meets its image at -k, where energies there are proven to be the same to
        `reversal_error` or `inversion_error`; otherwise, and where there is none, -1. Time reversal
        keeps charges, inversion turns their sign.
    reversal_error, inversion_error : float
        Bounds of how far energies at k and -k differ, by time reversal and by inversion; infinite
        without them.
    ends : int64 ndarray of shape (B, 2, 3)
        Lowest and highest corner of each box as parts of 2 pi: exactly those of what is proven.
    points : int
        Into how many parts 2 pi is divided.
    gap_lower : float64 ndarray of shape (B,)
        Proven gap on the surface of the box; 0 where unresolved.
    gap_upper : float64 ndarray of shape (B,)
        Smallest gap met there.
    gap_outside : float
        Proven gap outside of all boxes.
    evaluations : int64 ndarray of shape ()
        Eigenproblems of all bands that were solved.
    reason : str ndarray of shape (B,)
        Why a charge is not proven.
    complete : bool
        Whether the Brillouin zone outside of the boxes is proven to be gapped. Where false a box
        holds the whole zone, and nothing is said.
    bands : tuple of int
        How many bands are occupied, and how many there are.
    stopped : bool
        Whether cells or evaluations ran out before `depth`: boxes are those of the cells that were
        left then, larger and more of them undecided.
    notes : tuple of str
        What the proof rests on that is not given.
    asked : Asked or None
        The Hamiltonian, for what is printed.

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
    stopped: bool = False
    notes: tuple[str, ...] = ()
    asked: Asked | None = None
    position_error: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    unique: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    partner: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    reversal_error: float = np.inf
    inversion_error: float = np.inf
    isolated: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    third_band: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    third_band_at: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 3)))
    kind: NDArray[Any] = field(default_factory=lambda: np.empty(0, "<U1"))
    description: NDArray[Any] = field(default_factory=lambda: np.empty(0, "<U1"))
    ends: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2, 3), np.int64))
    points: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masked(self.value, self.resolved))

    @property
    def question(self) -> str:
        """The question that is answered."""
        return f"band touchings of {lowest(*self.bands, 3)}"

    @property
    def nodes(self) -> NDArray[np.int64]:
        """Boxes that are proven to hold exactly one touching, of proven charge 1 or -1."""
        return np.flatnonzero(self.kind == NODE)

    @property
    def undecided(self) -> NDArray[np.int64]:
        """Boxes whose charge is not proven, or is 0: they may hold touchings or none."""
        return np.flatnonzero(~self.resolved | (np.ma.filled(self.value, 0) == 0))

    @property
    def total(self) -> int | None:
        """Sum of all charges, which is 0 by the theorem of Nielsen and Ninomiya; None if open."""
        known = self.complete and bool(self.resolved.all())
        return int(np.ma.filled(self.value, 0).sum()) if known else None

    def save(self, path: str | Path) -> Path:
        """Write the census to a file that `topophys.checker` proves again.

        Cells outside of the boxes and on their surfaces are proven by all bands, with a basis
        each: files are for models of few bands. A gap below the proven one may be claimed.

        Parameters
        ----------
        path : str or Path
            File to write; ends in .cert.json by convention.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InputError
            If nothing is proven, the Hamiltonian is not there, or too many cells are needed.

        Examples
        --------
        >>> import tempfile
        >>> import topophys as tp
        >>> found = tp.find_weyl_nodes(tp.models.weyl_semimetal(1.0))
        >>> file = found.save(tempfile.mkdtemp() + "/nodes.cert.json")
        """
        # loaded where it is used: writers of files are not needed for proofs
        from topophys.invariants.certificate_file import save_document  # noqa: PLC0415

        return save_document(self._document(), path)

    def verify(self) -> str:
        """Check the census by the independent checker, without a file.

        Returns
        -------
        str
            What `topophys.checker` has proven.

        Raises
        ------
        InputError
            As for `save`, and if the checker does not accept the proof.
        MissingPackageError
            If python-flint (the extra `checker`) is not installed.

        Examples
        --------
        >>> import topophys as tp
        >>> tp.find_weyl_nodes(tp.models.weyl_semimetal(1.0)).verify()
        'Weyl census 2, gap at least ...'
        """
        from topophys.invariants.certificate_file import verify_document  # noqa: PLC0415

        return verify_document(self._document())

    def _document(self) -> dict[str, Any]:
        from topophys.invariants._census_files import census_document  # noqa: PLC0415

        if not self.complete or self.asked is None:
            raise InputError(
                "A census is written to a file where it is complete and holds its Hamiltonian; ask"
                " for more cells."
            )
        known = self.resolved
        filled = np.ma.filled(self.value, 0).tolist()
        charges = [int(c) if k else None for c, k in zip(filled, known, strict=True)]
        question = self.asked.question(())
        return census_document(
            question, self.ends, self.points, charges, self.gap_outside, self.asked.orientation
        )

    def _columns(self) -> dict[str, NDArray[Any]]:
        names = ("value", "status", "kind", "unique", "isolated", "position_error", "gap_lower",
                 "gap_upper", "third_band", "partner", "reason", "description")  # fmt: skip
        columns = {name: getattr(self, name) for name in names}
        for name in ("position", "centre", "half_width"):
            for axis in range(3):
                columns[f"{name}_{axis + 1}"] = getattr(self, name)[:, axis]
        return columns

    def _answer(self) -> str:
        if not self.complete:
            return "unresolved"
        n, open_boxes = len(self.status) - len(self.undecided), len(self.undecided)
        early = ", stopped early" * self.stopped
        said = f"{n} {'box' if n == 1 else 'boxes'} with a charge, nothing elsewhere"
        said += " (both certified" + early + ")"
        if open_boxes:
            said += f"; {open_boxes} {'box' if open_boxes == 1 else 'boxes'} undecided"
        return said

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("outside", f"gap at least {at_least(self.gap_outside, 3)} (proven)")
        ] * self.complete
        for i, status in enumerate(self.status.tolist()):
            shown = self.centre[i] if np.isnan(self.position[i]).any() else self.position[i]
            at = ", ".join(f"{x:.6g}" for x in shown)
            charge = signed(int(self.value[i])) if status == "certified" else "not proven"
            rows.append((f"charge {charge}", f"at ({at})"))
            if self.kind[i] != NODE:
                rows.append(("  seems to be", f"{self.kind[i]}: {self.description[i]}"))
        if len(self.status) and self.total is not None:
            rows.append(("sum of charges", str(self.total)))
        if self.unique.any():
            error = at_most(float(self.position_error[self.unique].max()), 2)
            rows.append(("single touchings", f"{self.unique.sum()}, within {error} (proven)"))
        paired = self.partner >= 0
        if paired.any():
            words = f"{int(paired.sum())} boxes"
            both = paired & self.resolved
            both[paired] &= self.resolved[self.partner[paired]]
            here, there = (np.ma.filled(self.value, 0)[x] for x in (both, self.partner[both]))
            if self.reversal_error < np.inf and (here != there).any():
                words += f", {int((here != there).sum())} of another charge"
            if self.inversion_error < np.inf:
                same = int((here != -there).sum())
                words += f", {same} not of the opposite charge" if same else ", charges opposite"
            rows.append(("at k and -k", words))
        message = why(self.reason.tolist())
        rows += [("reason", message)] if message else []
        rows.append(("evaluations", str(int(self.evaluations))))
        rows += self.asked.rows()[:2] if self.asked else []
        return [*rows, *(("note", note) for note in self.notes)]


def find_weyl_nodes(
    H: FourierLike,
    *,
    n_occupied: int | None = None,
    inversion: ArrayLike | None = None,
    depth: int | None = None,
    max_cells: int = 20_000,
    max_evaluations: int | None = None,
    progress: bool = False,
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
    inversion : array-like of shape (n, n), optional
        The unitary P with P H(k) P^-1 = H(-k), as for `z2_invariant`: orbitals stay in their cells.
        How far `H` is from that is bounded; where little, boxes at k and -k are partners. If `H`
        has another symmetry or none, nothing rests on `P`, and a note says so.
    depth : int, optional
        How often a starting cell is divided, at most 10: nodes nearer than about three of the
        smallest cells share a box. Without it 4, and 10 for nine bands or more, where small cells
        are proven by a few of them.
    max_cells : int, optional
        Where more cells than this are left at one depth, as for nodal lines and surfaces, they are
        not divided further: boxes are made of these.
    max_evaluations : int, optional
        How many eigenproblems of all bands may be solved, beside a thousand for each box. Without
        it as many as take about ten minutes: two millions for few bands, fewer for many bands and
        hoppings.
    progress : bool, optional
        Show how many cells are done.

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
    if depth is None:
        depth = DEPTHS[h.n_bands >= MANY]
    if not 1 <= _validation.positive_int(depth, "depth") <= 10:
        raise InputError(f"Argument `depth` must be from 1 to 10, but is {depth}.")
    _validation.positive_int(max_cells, "max_cells")
    if max_evaluations is not None:
        _validation.positive_int(max_evaluations, "max_evaluations")
    most = affordable(h) if max_evaluations is None else max_evaluations
    mirrored = np.inf
    if inversion is not None:
        mirrored = inversion_error(h, inversion_operator(inversion, h.n_bands))
    left = cells_left(h, filled, depth, max_cells, most, progress, mirrored)
    unused = (NO_INVERSION,) if inversion is not None and left.inversion == np.inf else ()
    spent = left.spent
    ends = boxes_around(left.cells, left.edge, left.n)
    rows: list[_Row] = []
    with track(len(ends), "boxes", progress and len(ends) > 0) as advance:
        for low, high in ends:
            centre = np.pi * (low + high) / left.n
            centre = (centre + np.pi) % (2.0 * np.pi) - np.pi
            half = np.pi * (high - low) / left.n * (1.0 + 1e-9)
            box, proof = np.minimum(half, np.pi), None
            if (half < np.pi).all():
                share = (most - spent) // (len(ends) - len(rows))
                proof = weyl_charge(
                    h, centre, half_width=half, n_occupied=filled,
                    max_evaluations=min(max(share, LEAST), 100_000),
                )  # fmt: skip
                spent += int(proof.evaluations)
            position = newton(h, filled, centre, box)
            single = only_touching(h, filled, centre, box, position)
            isolated = apart_from_others(h, filled, centre, box)
            known = proof is not None and bool(proof.resolved)
            charge = int(proof.value) if proof is not None and known else None
            seen = Seen(NODE, "", np.nan, np.full(3, np.nan))
            if not (single[0] and charge in (1, -1)):
                cells = momenta_in(left, low, high, centre)
                seen = describe(h, filled, centre, box, cells, charge, isolated)
            rows.append(_Row(centre, box, proof, position, single, isolated, seen))
            advance(1)
    # where a box holds everything, nothing is said about the zone
    complete = not any((row.half >= np.pi).all() for row in rows)
    found = _census(rows)
    paired = min(left.reversal, left.inversion) < np.inf
    return replace(
        found,
        gap_outside=left.gap if complete else 0.0,
        evaluations=np.array(spent, np.int64),
        complete=complete,
        stopped=left.stopped,
        bands=(filled, int(h.n_bands)),
        notes=(*getattr(h, "notes", ()), *unused),
        asked=Asked(h, "Weyl charge", filled),
        partner=_partners(ends, left.n) if paired else np.full(len(rows), -1),
        reversal_error=left.reversal,
        inversion_error=left.inversion,
        ends=np.array(ends, np.int64).reshape(-1, 2, 3),
        points=left.n,
    )


@dataclass(frozen=True, eq=False)
class _Row:
    """A box: its charge, a touching in it, and what is proven of that."""

    centre: NDArray[np.float64]
    half: NDArray[np.float64]
    proof: Certificate | None
    position: NDArray[np.float64]
    single: tuple[bool, float]
    isolated: bool
    seen: Seen


def _partners(ends: list[Ends], n: int) -> NDArray[np.int64]:
    """For each box the only one that meets its image at -k, if that meets no other; or -1."""
    images = [(-high, -low) for low, high in ends]
    meet = np.array([[union(one, two, n) is not None for two in ends] for one in images], np.bool_)
    meet = meet.reshape(len(ends), len(ends))
    other = meet.argmax(1) if len(ends) else np.empty(0, np.int64)
    alone = (meet.sum(1) == 1) & (meet.sum(0) == 1)
    return np.where(alone, other, -1)


def _census(rows: list[_Row]) -> WeylCensus:
    """Put boxes into columns; a box as wide as the zone has no proof."""

    def column(name: str, missing: Any, dtype: Any) -> NDArray[Any]:
        proofs = [r.proof for r in rows]
        found = [missing if p is None else np.ma.filled(getattr(p, name), missing) for p in proofs]
        return np.array(found, dtype)

    return WeylCensus(
        value=column("value", UNRESOLVED_VALUE, np.int64),
        status=column("status", "unresolved", "<U10"),
        centre=np.array([r.centre for r in rows]).reshape(-1, 3),
        half_width=np.array([r.half for r in rows]).reshape(-1, 3),
        position=np.array([r.position for r in rows]).reshape(-1, 3),
        gap_lower=column("gap_lower", 0.0, np.float64),
        gap_upper=column("gap_upper", np.inf, np.float64),
        gap_outside=0.0,
        evaluations=np.zeros((), np.int64),
        reason=column("reason", "budget", "<U10"),
        complete=False,
        bands=(0, 0),
        position_error=np.array([r.single[1] for r in rows], np.float64),
        unique=np.array([r.single[0] for r in rows], np.bool_),
        isolated=np.array([r.isolated for r in rows], np.bool_),
        third_band=np.array([r.seen.third for r in rows], np.float64),
        third_band_at=np.array([r.seen.third_at for r in rows]).reshape(-1, 3),
        kind=np.array([r.seen.kind for r in rows], np.str_),
        description=np.array([r.seen.words for r in rows], np.str_),
    )
