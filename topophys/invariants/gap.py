"""Proven gaps between occupied and empty bands: direct, indirect, and around an energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, overload

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys._validation import Bands
from topophys.errors import InputError, KindError, ShapeError, why
from topophys.invariants._band_groups import conclude_group, edges_of
from topophys.invariants._cells import (
    Hoppings,
    Phases,
    Real,
    _extremes,
    _hermitian_norm,
    _turn,
    eigh_batch,
)
from topophys.invariants._cells import Int as Integers
from topophys.invariants._cocycle import gap_evidence, one_thread
from topophys.invariants._limits import (
    MAX_DEPTH,
    MAX_EVALUATIONS,
    TIGHTNESS,
    Limits,
    described,
    dimension,
    limits,
)
from topophys.invariants._saving import Saved
from topophys.invariants._subdivision import Zone, divide
from topophys.invariants.evidence import Asked
from topophys.invariants.results import (
    UNRESOLVED_VALUE,
    Certificate,
    OnUnresolved,
    Result,
    check_on_unresolved,
    conclude,
    masked,
    of_bands,
    one_integer,
    settle,
)
from topophys.kernels.chern_multiband import corner_blocks
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import at_least, at_most, upper_bound

__all__ = ["IndirectGap", "certify_gap"]


@dataclass(frozen=True, eq=False, repr=False)
class IndirectGap(Saved, Result):
    r"""Whether all occupied levels lie below all empty ones, or on both sides of an energy.

    With :math:`E_v = \max_k E_n(k)` and :math:`E_c = \min_k E_{n+1}(k)` the gap is
    :math:`E_c - E_v`; it is negative where bands overlap, as in a semimetal.

    Attributes
    ----------
    value : int64 ndarray of shape (...)
        Number n of bands below the gap; masked where the gap is not proven to be open.
    status : str ndarray of shape (...)
        "certified" (the gap is open, and the energy lies in it), "refuted" (it is proven not to
        be: see `k_valence`, `k_conduction`) or "unresolved".
    gap_lower : float64 ndarray of shape (...)
        Proven lower bound of the gap; 0 where not certified, infinite without bands on one side.
    gap_upper : float64 ndarray of shape (...)
        Upper bound of the gap: negative where bands overlap by at least that much.
    valence_lower, valence_upper : float64 ndarray of shape (...)
        :math:`E_v` lies between them; the upper bound is infinite where not certified.
    conduction_lower, conduction_upper : float64 ndarray of shape (...)
        :math:`E_c` lies between them.
    k_valence, k_conduction : float64 ndarray of shape (..., dim)
        Momenta of the highest occupied and of the lowest empty level met: those levels are at
        least `valence_lower` and at most `conduction_upper`. Where "refuted" they are the proof.
    evaluations : int64 ndarray of shape (...)
        Number of evaluated k points.
    reason : str ndarray of shape (...)
        Why unresolved, as in `Certificate`; "" elsewhere.
    level : float64 ndarray of shape (...) or None
        The energy that was asked about.
    asked : Asked or None
        The Hamiltonians.

    Examples
    --------
    >>> import topophys as tp
    >>> flat = tp.certify_gap(tp.models.qwz(-1.0), level=0.5)
    >>> flat.status.item(), int(flat), bool(flat.gap_lower > 0.5)
    ('certified', 1, True)
    """

    value: Int[np.ndarray, "..."]
    status: Shaped[np.ndarray, "..."]
    gap_lower: Float[np.ndarray, "..."]
    gap_upper: Float[np.ndarray, "..."]
    valence_lower: Float[np.ndarray, "..."]
    valence_upper: Float[np.ndarray, "..."]
    conduction_lower: Float[np.ndarray, "..."]
    conduction_upper: Float[np.ndarray, "..."]
    k_valence: Float[np.ndarray, "... dim"]
    k_conduction: Float[np.ndarray, "... dim"]
    evaluations: Int[np.ndarray, "..."]
    reason: Shaped[np.ndarray, "..."]
    level: Float[np.ndarray, "..."] | None = None
    asked: Asked | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masked(self.value, self.certified))

    @property
    def question(self) -> str:
        """The question, such as "indirect gap above the lowest 1 of 2 bands in 2D"."""
        if self.level is None:
            return f"indirect gap above {of_bands(self.asked, self.k_valence.shape[-1])}"
        about = f"{float(self.level.ravel()[0]):.6g}" if self.level.size == 1 else "given energies"
        return f"gap around energy {about} in {self.k_valence.shape[-1]}D"

    def __int__(self) -> int:
        return one_integer(self.value, self.certified, "indirect gap", str(self.reason))

    def _answer(self) -> str:
        if self.status.size != 1:
            return super()._answer()
        word = {"certified": "open (certified)", "refuted": "not open (refuted)"}
        return word.get(str(self.status.ravel()[0]), "unresolved")

    def _rows(self) -> list[tuple[str, str]]:
        rows: list[tuple[str, str]] = []
        if not self.status.size:
            return rows
        of = " (smallest of the batch)" if self.status.size > 1 else ""
        if self.certified.any():
            low, most = self.gap_lower[self.certified], self.gap_upper[self.certified]
            bounds = at_least(low.min(), 3), at_most(most.min(), 3)
            rows.append(("gap", f"at least {bounds[0]} (proven), at most {bounds[1]}{of}"))
        rows += self.counterexample
        message = why(self.reason[self.status == "unresolved"].ravel().tolist())
        rows += [("reason", message)] if message else []
        median = " (median)" if self.status.size > 1 else ""
        rows.append(("evaluations", f"{np.median(self.evaluations):.0f}{median}"))
        return [*rows, *(self.asked.rows() if self.asked else ())]

    @property
    def counterexample(self) -> list[tuple[str, str]]:
        """Levels that refute the first element that is refuted: of which bands, and in words."""
        against = np.flatnonzero(self.status.ravel() == "refuted")
        if not len(against):
            return []
        i, dim = against[0], self.k_valence.shape[-1]
        high, low = float(self.valence_lower.ravel()[i]), float(self.conduction_upper.ravel()[i])
        level = None if self.level is None else float(self.level.ravel()[i])
        rows = []
        for name, word, energy, k, wrong in (
            ("occupied", "least", high, self.k_valence, level is None or high > level),
            ("empty", "most", low, self.k_conduction, level is None or low < level),
        ):
            if wrong:
                at = ", ".join(f"{x:.4g}" for x in k.reshape(-1, dim)[i])
                shown = at_least(energy, 6) if word == "least" else at_most(energy, 6)
                rows.append((name, f"a level of at {word} {shown} at k = ({at})"))
        return rows

    def _columns(self) -> dict[str, NDArray[Any]]:
        names = ("valence_lower", "valence_upper", "conduction_lower", "conduction_upper")
        return super()._columns() | {name: getattr(self, name) for name in names}


@overload
def certify_gap(
    H: FourierLike,
    *,
    kind: Literal["direct"] | None = None,
    level: None = None,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    min_gap: float = 0.0,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = MAX_EVALUATIONS,
    tightness: float = TIGHTNESS,
    evidence: bool = False,
    on_unresolved: OnUnresolved = "mask",
) -> Certificate: ...


@overload
def certify_gap(
    H: FourierLike,
    *,
    kind: Literal["indirect"] | None = None,
    level: ArrayLike,
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = MAX_EVALUATIONS,
    tightness: float = TIGHTNESS,
    on_unresolved: OnUnresolved = "mask",
) -> IndirectGap: ...


@overload
def certify_gap(
    H: FourierLike,
    *,
    kind: Literal["indirect"],
    level: ArrayLike | None = None,
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = MAX_EVALUATIONS,
    tightness: float = TIGHTNESS,
    on_unresolved: OnUnresolved = "mask",
) -> IndirectGap: ...


def certify_gap(
    H: FourierLike,
    *,
    kind: Literal["direct", "indirect"] | None = None,
    level: ArrayLike | None = None,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    min_gap: float = 0.0,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = MAX_EVALUATIONS,
    tightness: float = TIGHTNESS,
    evidence: bool = False,
    on_unresolved: OnUnresolved = "mask",
) -> Certificate | IndirectGap:
    r"""Prove that the gap above the occupied bands is open: direct, indirect, or around an energy.

    .. math:: \text{direct:} \; \min_k \, [E_{n+1}(k) - E_n(k)] > 0, \qquad
        \text{indirect:} \; \min_k E_{n+1}(k) - \max_k E_n(k) > 0, \qquad
        \text{level:} \; \max_k E_n(k) < E < \min_k E_{n+1}(k)

    The Brillouin zone is divided into cells until, in the eigenbasis of the centre, the occupied
    and the empty block of H stay apart everywhere on the cell. A gapless Hamiltonian is never
    certified: its cells shrink around the touching point, which is reported. For the indirect gap
    each block is bounded on its own: all cells of the one from above, all of the other from below.
    It is refuted by two momenta at which an occupied level lies above an empty one.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in one, two or three dimensions, or a batch.
    kind : {"direct", "indirect"}, optional
        Which gap; "direct" where not given, with a `level` "indirect".
    level : float or array-like, optional
        Energy E, in the units of the hoppings, that has to lie in the indirect gap; one for each
        Hamiltonian of a batch, or for all.
    n_occupied : int, optional
        Number n of occupied bands; that of `H` where not given. With a `level` it may be 0 or the
        number of bands; where not given, it is that of the levels below E at k = 0.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of neighbouring bands, counted from 0, such as
        ``range(2, 4)``, whose direct gaps below and above are both proven.
    min_gap : float, optional
        Certify only what is proven to have at least this gap, in the units of the hoppings.
    max_depth : int, default 16
        How often a cell of the starting grid may be divided, at most 24.
    max_evaluations : int, optional
        How many eigenproblems may be solved per Hamiltonian.
    tightness : float, optional
        Cells are divided further until `gap_lower` is at least this share, below 1, of
        `gap_upper`, as long as depth and evaluations allow. The closer to 1, the more evaluations
        are used.
    evidence : bool, optional
        Keep the cells and their bases in `Certificate.evidence`; of direct gaps only.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    Certificate or IndirectGap
        Of the direct gap a `Certificate`, else an `IndirectGap`. The value is n (of a group, how
        many bands it has); the evidence is `gap_lower`, each of shape (...) like the batch of `H`.
        Of a group, `parts` holds the proof of each gap.

    Raises
    ------
    KindError
        If `H` is not a Hamiltonian in Fourier form in one to three dimensions.
    InputError, ShapeError
        If options do not fit each other, or `level` does not fit the batch.
    UnresolvedError
        If asked for and a Hamiltonian is unresolved.

    References
    ----------
    .. [1] H. Weyl, Math. Ann. 71, 441 (1912).
    .. [2] C. Davis, W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970).

    Examples
    --------
    >>> import topophys as tp
    >>> proof = certify_gap(tp.models.ssh(1.0, [0.5, 1.0]))
    >>> proof.status, bool(0 < proof.gap_lower[0] <= 1.0)
    (array(['certified', 'unresolved'], dtype='<U10'), True)

    Bands that overlap at different momenta:

    >>> tilted = tp.FourierHamiltonian({(0,): [[1.0, 0.0], [0.0, -1.0]], (1,): np.eye(2)})
    >>> certify_gap(tilted).status.item(), certify_gap(tilted, kind="indirect").status.item()
    ('certified', 'refuted')
    """
    if kind is not None:
        _validation.one_of(kind, "kind", ("direct", "indirect"))
    if kind == "direct" and level is not None:
        raise InputError(
            "Argument `level` must be left out for a direct gap, which may lie at another energy at"
            " every momentum; ask for kind='indirect'."
        )
    if not 1 <= dimension(H) <= 3:
        raise KindError(
            "Argument `H` must be a Hamiltonian in Fourier form in one to three dimensions, but is"
            f" {described(H)}"
        )
    check_on_unresolved(on_unresolved)
    checked = limits(min_gap, max_depth, max_evaluations, deepest=24, tightness=tightness)
    if bands is not None:
        if kind == "indirect" or level is not None:
            raise InputError("Argument `bands` must be left out for an indirect gap.")
        group = _validation.band_group(bands, n_occupied, H.n_bands)
        return _around(H, group, checked, on_unresolved, evidence=evidence)
    if kind == "indirect" or level is not None:
        if evidence:
            raise InputError(
                "Argument `evidence` must be False for an indirect gap: its certificate files are"
                " written without, by `IndirectGap.save`."
            )
        return _indirect(H, level, n_occupied, checked, on_unresolved)
    filled = _validation.occupied(H.n_occupied if n_occupied is None else n_occupied, H.n_bands)
    found = gap_evidence(H, filled, checked, evidence=evidence)
    return conclude("gap", found, H.batch_shape, on_unresolved, Asked(H, "gap", filled))


def _around(
    H: FourierLike,
    group: tuple[int, int],
    checked: Limits,
    on_unresolved: OnUnresolved,
    *,
    evidence: bool,
) -> Certificate:
    """Prove the gaps around a group [low, high) of bands."""

    def above(edge: int) -> Certificate:
        found = gap_evidence(H, edge, checked, evidence=evidence)
        return conclude("gap", found, H.batch_shape, "mask", Asked(H, "gap", edge))

    low, high = group
    if not low:
        return settle(above(high), on_unresolved, "gap")
    parts = tuple(above(edge) for edge in edges_of(group, H.n_bands))
    asked = Asked(H, "gap", high, bands=group)
    size = np.full(H.batch_shape, high - low, np.int64)
    return conclude_group("gap", parts, size, asked, on_unresolved)


#: Cells of a starting grid of one group, to bound the memory.
GROUP_CELLS = 1 << 17


def _indirect(
    H: FourierLike,
    level: ArrayLike | None,
    n_occupied: int | None,
    checked: Limits,
    on_unresolved: OnUnresolved,
) -> IndirectGap:
    """Bound both edges of the gap, or the distance of a level from them."""
    check_on_unresolved(on_unresolved)
    n, batch, dim = H.n_bands, H.batch_shape, H.vectors.shape[1]
    ham = Hoppings.of(H, 1)
    energy = None if level is None else _levels(level, batch)
    unit = None if energy is None else np.ldexp(energy.ravel(), -ham.exponent)
    if energy is None:
        given = H.n_occupied if n_occupied is None else n_occupied
        filled = np.full(len(ham), _validation.occupied(given, n))
    elif n_occupied is None:
        assert unit is not None
        filled = _count_below(ham, unit)
    else:
        count = _validation.positive_int(n_occupied, "n_occupied", minimum=0)
        if count > n:
            raise InputError(
                f"Argument `n_occupied` must be from 0 to {n} for {n} bands, but is {count}."
            )
        filled = np.full(len(ham), count)
    least = upper_bound(checked.min_gap, -ham.exponent)
    found = BandEdges.begin(len(ham), dim)
    group = max(1, GROUP_CELLS >> (3 * dim))
    with one_thread():
        for count in np.unique(filled):
            same = np.flatnonzero(filled == count)
            for lo in range(0, len(same), group):
                rows = same[lo : lo + group]
                part = walk_edges(
                    ham.take(rows), int(count), None if unit is None else unit[rows], least[rows],
                    max_depth=checked.max_depth, max_evaluations=checked.max_evaluations,
                    tightness=checked.tightness,
                )  # fmt: skip
                found.put(rows, part)
    good = found.status == "certified"
    slack = np.where(np.isfinite(ham.slack), ham.slack, np.inf)
    columns = {
        "valence_lower": _signed_bound(found.below - slack, ham.exponent, -np.inf),
        "valence_upper": _signed_bound(np.where(good, found.top, np.inf), ham.exponent, np.inf),
        "conduction_lower": _signed_bound(
            np.where(good, found.bottom, -np.inf), ham.exponent, -np.inf
        ),
        "conduction_upper": _signed_bound(found.above + slack, ham.exponent, np.inf),
    }
    with np.errstate(invalid="ignore"):
        lower = columns["conduction_lower"] - columns["valence_upper"]
        upper = columns["conduction_upper"] - columns["valence_lower"]
    inward = np.where(np.isinf(lower), lower, np.nextafter(lower, -np.inf))
    lower = np.where(good, np.maximum(inward, 0.0), 0.0)
    result = IndirectGap(
        value=np.where(good, filled, UNRESOLVED_VALUE).reshape(batch),
        status=found.status.reshape(batch),
        gap_lower=lower.reshape(batch),
        gap_upper=np.nextafter(upper, np.inf).reshape(batch),
        **{name: column.reshape(batch) for name, column in columns.items()},
        k_valence=found.k_below.reshape(*batch, dim),
        k_conduction=found.k_above.reshape(*batch, dim),
        evaluations=found.evaluations.reshape(batch),
        reason=found.reason.reshape(batch),
        level=energy,
        asked=Asked(H, "indirect gap", int(filled[0]) if len(filled) else 0),
    )
    return settle(result, on_unresolved, "indirect gap")


def _levels(level: ArrayLike, batch: tuple[int, ...]) -> NDArray[np.float64]:
    """Energies with the shape of the batch."""
    given = _validation.as_real(level, "level", "(...)")
    try:
        return np.array(np.broadcast_to(given, batch))
    except ValueError:
        raise ShapeError(
            f"Argument `level` must be one energy or have the shape {batch} of the batch, but has"
            f" {given.shape}."
        ) from None


def _count_below(ham: Hoppings, level: NDArray[np.float64]) -> NDArray[np.int64]:
    """Levels below an energy at k = 0: a guess that the walk proves or refutes."""
    n = ham.n_bands
    hops = ham.hops.sum(1).reshape(len(ham), n, n)
    energy = eigenvalues(ham.onsite + hops + hops.conj().swapaxes(-1, -2))
    return np.asarray((energy < level[:, None]).sum(-1), dtype=np.int64)


def _signed_bound(
    value: NDArray[np.float64], exponent: NDArray[np.int64], away: float
) -> NDArray[np.float64]:
    """Multiply by 2^exponent, rounded toward `away` where it is rounded at all."""
    with np.errstate(over="ignore", under="ignore"):
        moved = np.ldexp(value, exponent)
        back = np.ldexp(moved, -exponent)
    moved = np.where(back == value, moved, np.nextafter(moved, away))
    # what left the range says nothing, unless it errs on the safe side
    lost = np.isinf(moved) & np.isfinite(value) & (np.sign(moved) != np.sign(away))
    return np.where(lost, np.copysign(np.finfo(np.float64).max, moved), moved)


# ---- Edges of bands

#: Starting cells of the Brillouin zone in each direction.
START: Final = 8


@dataclass(frozen=True, eq=False)
class EdgeBounds:
    """Levels on each of some cells.

    Attributes
    ----------
    below, above : float64 ndarray of shape (m,)
        The highest occupied and the lowest empty level at the centre; -inf and inf where there is
        none.
    top, bottom : float64 ndarray of shape (m,)
        Upper bound of the one and lower bound of the other on the whole cell.
    """

    below: Real
    above: Real
    top: Real
    bottom: Real


def bound_edges(
    ham: Hoppings,
    filled: int,
    owner: Integers,
    points: Integers,
    phases: Phases,
    half: Real,
    size: Real,
    fine: int = 0,
) -> EdgeBounds:
    """Bound the levels on both sides of the gap on cells; `filled` may be 0 or all bands.

    Shapes: `owner` (m,), `points` (m, dim), `half` (A, dim), `size` (m,).
    """
    n, axes = ham.n_bands, len(half)
    out = [np.empty(len(owner)) for _ in range(4)]
    for rows, terms, rest in ham.expansions(owner, points, phases, half, size, fine):
        energy, states = eigh_batch(terms[:, 0])
        # a basis of length 1 + departure misjudges a block by twice that times the norm of H
        wide = rest + 2.1 * _turn(states, terms) * ham.size[owner[rows]]
        out[0][rows] = energy[:, filled - 1] if filled else -np.inf
        out[1][rows] = energy[:, filled] if filled < n else np.inf
        out[2][rows], out[3][rows] = _blocks(terms, wide, filled, axes)
    return EdgeBounds(*out)


def _blocks(terms: NDArray[np.complex128], rest: Real, filled: int, axes: int) -> tuple[Real, Real]:
    """Largest eigenvalue of the occupied and smallest of the empty block, over all corners."""
    m, n, rows = len(terms), terms.shape[-1], np.arange(len(terms))
    occupied = np.empty((1 << axes, m, filled, filled), np.complex128)
    empty = np.empty((1 << axes, m, n - filled, n - filled), np.complex128)
    for corner in range(1 << axes):
        corner_blocks(terms, rows, corner, axes, filled, occupied[corner], empty[corner])
    top, bottom = np.full(m, -np.inf), np.full(m, np.inf)
    if filled:
        high = _extremes(occupied.reshape(-1, filled, filled))[1].reshape(1 << axes, m).max(0)
        top = high + _curvature(terms, axes, slice(None, filled)) + rest
    if filled < n:
        low = _extremes(empty.reshape(-1, n - filled, n - filled))[0].reshape(1 << axes, m).min(0)
        bottom = low - _curvature(terms, axes, slice(filled, None)) - rest
    return top, bottom


def _curvature(terms: NDArray[np.complex128], axes: int, block: slice) -> Real:
    """1/4 sum_i |Q_ii| of a diagonal block, for each cell."""
    curve = np.zeros(len(terms))
    place = 1 + axes
    for i in range(axes):
        curve += 0.25 * _hermitian_norm(np.ascontiguousarray(terms[:, place, block, block]))
        place += axes - i
    return curve


@dataclass(eq=False)
class BandEdges:
    """What is known of the levels around the gap of B Hamiltonians, in the unit of `Hoppings`.

    Attributes
    ----------
    status : str ndarray of shape (B,)
        "certified", "refuted" or "unresolved".
    reason : str ndarray of shape (B,)
        Why unresolved.
    top, bottom : float64 ndarray of shape (B,)
        Proven upper bound of the highest occupied level, lower bound of the lowest empty one.
    below, above : float64 ndarray of shape (B,)
        The highest occupied and the lowest empty level met.
    k_below, k_above : float64 ndarray of shape (B, dim)
        Where.
    evaluations : int64 ndarray of shape (B,)
        Eigenproblems solved.
    """

    status: NDArray[Any]
    reason: NDArray[Any]
    top: Real
    bottom: Real
    below: Real
    above: Real
    k_below: Real
    k_above: Real
    evaluations: Integers

    @classmethod
    def begin(cls, size: int, dim: int) -> BandEdges:
        """Nothing known."""
        return cls(
            np.full(size, "", "<U10"), np.full(size, "", "<U10"), np.full(size, np.inf),
            np.full(size, -np.inf), np.full(size, -np.inf), np.full(size, np.inf),
            np.full((size, dim), np.nan), np.full((size, dim), np.nan), np.zeros(size, np.int64),
        )  # fmt: skip

    def put(self, rows: Integers, other: BandEdges) -> None:
        """Set rows from another."""
        for name, column in vars(self).items():
            column[rows] = getattr(other, name)


def walk_edges(
    ham: Hoppings,
    filled: int,
    level: Real | None,
    least: Real,
    *,
    max_depth: int,
    max_evaluations: int,
    tightness: float,
) -> BandEdges:
    """Prove or refute that all occupied levels lie below all empty ones, and around a level.

    Shapes: `level` (B,), `least` (B,).
    """
    dim = ham.vectors.shape[1]
    zone = Zone((START,) * dim, START, max_depth)
    out = BandEdges.begin(len(ham), dim)
    width = np.diag(zone.half)
    start = np.indices(zone.start, dtype=np.int64).reshape(dim, -1).T << max_depth
    owner = np.repeat(np.arange(len(ham)), len(start))
    corner, depth = np.tile(start, (len(ham), 1)), np.zeros(len(owner), np.int64)
    if len(start) > max_evaluations:
        out.reason[:], owner, corner, depth = "budget", owner[:0], corner[:0], depth[:0]
    kept: list[Any] = [owner[:0], depth[:0], corner[:0], np.empty(0), np.empty(0)]
    while len(owner):
        points = 2 * corner + (np.int64(1) << (max_depth - depth))[:, None]
        found = bound_edges(
            ham, filled, owner, points, lambda p: zone.phases(ham.vectors, p), width,
            np.ldexp(1.0, -depth), 2 * zone.fine,
        )  # fmt: skip
        _met(out, owner, zone.momenta(points), found)
        new = (owner, depth, corner, found.top, found.bottom)
        kept = [np.concatenate(pair) for pair in zip(kept, new, strict=True)]
        _decide(out, ham, level, least)
        live = (out.status == "") & (out.reason == "")
        kept = [column[live[kept[0]]] for column in kept]
        high, low, strict = _aims(out, level, least, tightness)
        bad = (kept[3] > high[kept[0]]) | (kept[4] < low[kept[0]])
        bad |= (kept[3] >= strict[0][kept[0]]) | (kept[4] <= strict[1][kept[0]])
        last = bad & (kept[1] == max_depth)
        out.reason[np.unique(kept[0][last])] = "depth"
        more = np.bincount(kept[0][bad], minlength=len(ham)) << dim
        short = (out.evaluations + more > max_evaluations) & (out.reason == "") & (more > 0)
        out.reason[short & (out.status == "")] = "budget"
        bad &= (out.reason == "")[kept[0]]
        owner = np.repeat(kept[0][bad], 1 << dim)
        depth = np.repeat(kept[1][bad] + 1, 1 << dim)
        corner = divide(zone, kept[1][bad], kept[2][bad])
        done = live & (out.reason == "") & ~np.isin(np.arange(len(ham)), owner)
        for b in np.flatnonzero(done):
            mine = kept[0] == b
            out.top[b], out.bottom[b] = kept[3][mine].max(), kept[4][mine].min()
        out.status[done] = "certified"
        kept = [column[~bad & ~done[kept[0]]] for column in kept]
    out.status[out.status == ""] = "unresolved"
    return out


def _met(out: BandEdges, owner: Integers, k: Real, found: EdgeBounds) -> None:
    """Keep the highest occupied and the lowest empty level of each Hamiltonian."""
    out.evaluations += np.bincount(owner, minlength=len(out.status))
    for values, sign, best, place in (
        (found.below, -1.0, out.below, out.k_below), (found.above, 1.0, out.above, out.k_above),
    ):  # fmt: skip
        order = np.lexsort((sign * values, owner))
        first = order[np.flatnonzero(np.diff(owner[order], prepend=-1))]
        better = first[sign * values[first] < sign * best[owner[first]]]
        best[owner[better]], place[owner[better]] = values[better], k[better]


def _decide(out: BandEdges, ham: Hoppings, level: Real | None, least: Real) -> None:
    """Refute by levels that were met, each off by at most the slack; notice gaps that are small."""
    if level is None:
        against = out.below - ham.slack > out.above + ham.slack
    else:
        against = (out.below - ham.slack > level) | (out.above + ham.slack < level)
    open_ = (out.status == "") & (out.reason == "")
    out.status[open_ & against] = "refuted"
    small = out.above - out.below + 2.0 * ham.slack < least
    out.reason[open_ & ~against & small] = "small gap"
    # differences below the slack cannot be resolved
    if level is None:
        near = out.above - out.below <= 2.0 * ham.slack
    else:
        near = (level - out.below <= ham.slack) | (out.above - level <= ham.slack)
    closed = out.above - out.below <= 2.0 * ham.slack
    stuck = open_ & ~against & near
    out.reason[stuck] = np.where(closed & np.isfinite(ham.slack), "closed gap", "rounding")[stuck]


def _aims(
    out: BandEdges, level: Real | None, least: Real, tightness: float
) -> tuple[Real, Real, tuple[Real, Real]]:
    """Bounds that cells have to keep: `top` at most the first, `bottom` at least the second.

    The third are what both must stay clear of: the level, or the middle between levels that were
    met.
    """
    wide = out.above - out.below
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(wide > 0.0, np.maximum(tightness, least / wide * (1.0 + 1e-9)), tightness)
        share = np.where(np.isfinite(share), np.minimum(share, 1.0), 0.0)
        if level is None:
            middle = 0.5 * (out.below + out.above)
            step = 0.5 * (1.0 - share) * wide
            return out.below + step, out.above - step, (middle, middle)
        high = np.where(np.isfinite(out.below), level - share * (level - out.below), level)
        low = np.where(np.isfinite(out.above), level + share * (out.above - level), level)
    return high, low, (level, level)
