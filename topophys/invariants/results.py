"""Results: integers together with what proves them."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NoReturn, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._optional import load_extra
from topophys._typing import is_block_like, is_fourier_like
from topophys.errors import InputError, KindError, UnresolvedError, why
from topophys.invariants._saving import Saved
from topophys.invariants._wannier_flow import Flow
from topophys.invariants.evidence import Asked, closing
from topophys.kernels import status as st
from topophys.kernels.rounding import at_least, at_most, lower_bound, upper_bound

__all__ = [
    "UNRESOLVED_VALUE",
    "Certificate",
    "Found",
    "OnUnresolved",
    "Result",
    "Z2Result",
    "conclude_z2",
    "masked",
]


# ----------- Results: integers together with what proves them, and the base of all that is returned

#: Below the mask of an integer that is not known; no invariant is that large.
UNRESOLVED_VALUE: Final = int(np.iinfo(np.int64).min)

#: What to do with elements that have no answer.
OnUnresolved: TypeAlias = Literal["mask", "raise"]
R = TypeVar("R", bound="Result")


#: Words for the status codes of kernels.
_REASONS: Final = {
    st.BUDGET: "budget",
    st.DEPTH: "depth",
    st.ROUNDING: "rounding",
    st.AMBIGUOUS: "rounding",
    st.SYMMETRY: "symmetry",
    st.CLOSED_GAP: "closed gap",
    st.SMALL_GAP: "small gap",
    st.LAYERS: "layers",
}


def reasons(codes: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """Words for status codes of kernels; "" for OK and for codes that are no reason."""
    words = np.zeros(codes.shape, "<U10")
    for code, word in _REASONS.items():
        words[codes == code] = word
    return words


def one_integer(
    value: Int[np.ndarray, "..."],
    resolved: Bool[np.ndarray, "..."],
    quantity: str,
    reason: str = "",
) -> int:
    """Turn the result of a single system into an integer, or say why it is none."""
    if value.ndim:
        raise InputError(
            f"A {quantity} of {value.size} Hamiltonians is no single integer; use `.value`."
        )
    if not resolved:
        raise UnresolvedError(quantity, [0], 1, [reason] if reason else [])
    return int(value)


def masked(value: ArrayLike, known: ArrayLike) -> Int[np.ndarray, "..."]:
    """Integers; where some are not known, a masked array, so that no mean counts them.

    Shapes: `value` (...), `known` (...); returns (...).
    """
    where = np.asarray(known, np.bool_)
    if where.all():
        return np.asarray(value)
    below = np.where(where, value, UNRESOLVED_VALUE)
    return np.ma.MaskedArray(below, mask=~where, fill_value=UNRESOLVED_VALUE)


class Result:
    """What all results share: an answer for each element of a batch, with its evidence.

    Attributes
    ----------
    value : ndarray of shape (...)
        The answer; a masked array where elements are unresolved.
    status : str ndarray of shape (...)
        "certified" where it is proven; "unresolved" where there is none.
    gap_lower, gap_upper : float64 ndarray of shape (...)
        Proven lower bound of the gap, 0 without a proof; and the smallest gap met.
    evaluations : int64 ndarray of shape (...)
        Number of evaluated k points.
    """

    value: Any
    status: Any
    gap_lower: Any
    gap_upper: Any
    evaluations: Any

    @property
    def question(self) -> str:
        """The question that is answered, in words: quantity, bands, dimension."""
        raise NotImplementedError

    @property
    def resolved(self) -> Bool[np.ndarray, "..."]:
        """Where there is an answer."""
        return np.asarray(self.status != "unresolved")

    @property
    def certified(self) -> Bool[np.ndarray, "..."]:
        """Where the answer is proven."""
        return np.asarray(self.status == "certified")

    @property
    def all_certified(self) -> bool:
        """Whether every element is proven."""
        return bool(self.certified.all())

    def to_pandas(self) -> Any:
        """Table with one row for each element of the batch; needs the extra `pandas`."""
        pandas = load_extra("pandas", "pandas")
        batch = self.status.shape
        if len(batch) > 1:
            names = [f"batch_{axis}" for axis in range(len(batch))]
            index = pandas.MultiIndex.from_product([range(n) for n in batch], names=names)
        else:
            index = pandas.RangeIndex(self.status.size, name="batch_0")
        table = pandas.DataFrame(index=index)
        for name, column in self._columns().items():
            flat = column.ravel()
            if flat.dtype.kind == "i":
                known = pandas.Series(np.ma.filled(flat, 0), index=index, dtype="Int64")
                table[name] = known.mask(np.ma.getmaskarray(flat))
            else:
                table[name] = np.asarray(
                    np.ma.filled(flat, np.nan) if flat.dtype.kind == "f" else flat
                )
        return table

    def to_dicts(self) -> list[dict[str, Any]]:
        """Plain values of each element of the batch, for JSON; None where nothing is known."""
        columns = {name: column.ravel().tolist() for name, column in self._columns().items()}
        return [
            {
                name: None if isinstance(x, float) and not math.isfinite(x) else x
                for name, x in zip(columns, row, strict=True)
            }
            for row in zip(*columns.values(), strict=True)
        ]

    def _columns(self) -> dict[str, NDArray[Any]]:
        """Arrays with the axes of the batch, by name, for tables."""
        names = ("value", "status", "gap_lower", "gap_upper", "evaluations", "reason")
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _rows(self) -> list[tuple[str, str]]:
        """List what is printed below the answer: pairs of a name and a text."""
        return []

    def _one(self) -> str:
        """Return the answer of a single element in words."""
        return signed(int(self.value.item()))

    def _answer(self) -> str:
        """Return the answer in words; of a batch, how many elements have which status."""
        if self.status.size == 1:
            status = str(self.status.ravel()[0])
            return status if status == "unresolved" else f"{self._one()} ({status})"
        return shares_of(self.status) or "an empty batch"

    def __bool__(self) -> NoReturn:
        raise KindError(
            f"A result has no truth value, but one was asked of a {type(self).__name__}; use"
            " `.value` for the answer, and `.all_certified` or `.status` for the proof."
        )

    def __repr__(self) -> str:
        question = self.question[:1].upper() + self.question[1:]
        lines = [f"{question}: {self._answer()}"]
        return "\n".join([*lines, *(f"  {name:<16} {text}" for name, text in self._rows())])

    def _repr_html_(self) -> str:
        """Table for notebooks."""
        head = html.escape(f"{self.question}: {self._answer()}")
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
            for name, text in self._rows()
        )
        return f"<table><caption>{head}</caption>{rows}</table>"


def shares_of(words: Shaped[np.ndarray, "..."]) -> str:
    """Words with how many of the batch have each, such as "2 of 3 certified"."""
    names, counts = np.unique(words, return_counts=True)
    return ", ".join(f"{n} of {words.size} {name}" for name, n in zip(names, counts, strict=True))


def shares(values: Shaped[np.ndarray, "..."], quantity: str = "") -> str:
    """Integers with how many of the batch have each, such as "1 with 0, 2 with +1"."""
    names, counts = np.unique(np.asarray(values), return_counts=True)
    pairs = zip(names.tolist(), counts.tolist(), strict=True)
    return ", ".join(f"{n} with {signed(value, quantity)}" for value, n in pairs)


def signed(value: int, quantity: str = "") -> str:
    """Integer with its sign; zero, and integers modulo 2, have none."""
    modulo_two = quantity.startswith(("Z2", "Majorana"))
    return str(value) if modulo_two or not value else f"{value:+d}"


def lowest(n_occupied: int, n_bands: int, dim: int) -> str:
    """Name the bands that a question is about."""
    return f"the lowest {n_occupied} of {n_bands} bands in {dim}D"


def group(bands: tuple[int, int], n_bands: int, dim: int) -> str:
    """Name the bands [low, high) that a question is about, counted from 0."""
    low, high = bands
    if not low:
        return lowest(high, n_bands, dim)
    which = f"band {low}" if high - low == 1 else f"the bands {low} to {high - 1}"
    return f"{which} of 0 to {n_bands - 1} in {dim}D"


def of_bands(asked: Asked | None, dim: int) -> str:
    """Say whose quantity it is: bands and dimension."""
    H: Any = None if asked is None else asked.H
    if asked is not None and asked.bands is not None and is_fourier_like(H):
        return group(asked.bands, H.n_bands, dim)
    if is_block_like(H):
        half = H.block_amplitudes.shape[-1]
        return lowest(half, 2 * half, dim)
    if asked is not None and is_fourier_like(H):
        return lowest(asked.n_occupied, H.n_bands, dim)
    return f"the occupied bands in {dim}D"


def settle(result: R, on_unresolved: OnUnresolved, quantity: str) -> R:
    """Return a result, or raise for what is unresolved where that was asked for."""
    if on_unresolved == "raise" and not result.resolved.all():
        where = np.flatnonzero(~result.resolved)
        message = getattr(result, "reason", np.zeros(result.status.shape, "<U1")).ravel()[where]
        raise UnresolvedError(quantity, where.tolist(), result.status.size, message.tolist())
    return result


def check_on_unresolved(on_unresolved: object) -> None:
    """Refuse anything but the two words."""
    _validation.one_of(on_unresolved, "on_unresolved", ("raise", "mask"))


@dataclass(frozen=True, eq=False, repr=False)
class Certificate(Saved, Result):
    """Invariants of a batch of Hamiltonians, each proven or marked as unresolved.

    Attributes
    ----------
    quantity : str
        What was certified, such as "winding number".
    value : int64 ndarray of shape (...)
        The invariant; a masked array where elements are without proof.
    status : str ndarray of shape (...)
        "certified" or "unresolved".
    gap_lower : float64 ndarray of shape (...)
        Proven lower bound of the energy gap over all k, in the units of the hoppings; 0 where
        unresolved.
    gap_upper : float64 ndarray of shape (...)
        Gap at `k_at_gap_upper`, the smallest met on the way: an upper bound of the gap.
    k_at_gap_upper : float64 ndarray of shape (..., dim)
        Momentum of the smallest gap met; where unresolved, about where the proof gave up.
    evaluations : int64 ndarray of shape (...)
        Number of evaluated k points.
    reason : str ndarray of shape (...)
        Why there is no proof, "" where there is one: "budget" (`max_evaluations`), "depth"
        (`max_depth`), "rounding" (float64 cannot decide), "symmetry" (violated by half of the
        proven gap or more), "closed gap" (the gap met is zero to rounding), "small gap" (it is
        below `min_gap`) or, of axion angles, "layers" (a plane has a Chern number).
    evidence : tuple
        What the proof rests on, for each element of the flattened batch; None where unresolved.
        Empty unless asked for.
    asked : Asked or None
        The Hamiltonians, for `save`.
    parts : tuple of Certificate
        Of a group of bands: the certificates of the bands below it, and of these together with the
        group, with the proofs of the gaps below and above. Empty otherwise.

    Examples
    --------
    >>> import topophys as tp
    >>> proof = tp.certify_winding(tp.models.ssh([1.0, 1.0], [2.0, 1.0]))
    >>> proof.value.compressed(), proof.status
    (array([1]), array(['certified', 'unresolved'], dtype='<U10'))
    >>> proof.reason
    array(['', 'closed gap'], dtype='<U10')
    """

    quantity: str
    value: Int[np.ndarray, "..."]
    status: Shaped[np.ndarray, "..."]
    gap_lower: Float[np.ndarray, "..."]
    gap_upper: Float[np.ndarray, "..."]
    k_at_gap_upper: Float[np.ndarray, "... dim"]
    evaluations: Int[np.ndarray, "..."]
    reason: Shaped[np.ndarray, "..."]
    evidence: tuple[Any, ...] = ()
    asked: Asked | None = None
    parts: tuple[Certificate, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masked(self.value, self.resolved))

    @property
    def question(self) -> str:
        """The question, such as "Chern number of the lowest 1 of 2 bands in 2D"."""
        asked = self.asked
        of = "above" if self.quantity == "gap" else "of"
        if self.quantity == "gap" and asked is not None and asked.bands is not None:
            of = "around"
        text = f"{self.quantity} {of} {of_bands(asked, self.k_at_gap_upper.shape[-1])}"
        if asked is None or asked.centre is None or asked.half_width is None:
            return text
        centre, half = (", ".join(f"{x:.4g}" for x in v) for v in (asked.centre, asked.half_width))
        return f"{text}, in the box around ({centre}) with half widths ({half})"

    def __int__(self) -> int:
        reason = "" if self.reason.ndim else str(self.reason)
        return one_integer(self.value, self.certified, self.quantity, reason)

    def _one(self) -> str:
        return "open" if self.quantity == "gap" else signed(int(self.value.item()), self.quantity)

    def _rows(self) -> list[tuple[str, str]]:
        good, total = self.certified, self.status.size
        done = int(good.sum())
        rows = []
        if total > 1 and done and self.quantity != "gap":
            rows.append(("value", shares(self.value[good], self.quantity)))
        if done:
            low, most = self.gap_lower[good].min(), self.gap_upper[good].min()
            of = " (smallest of the batch)" if total > 1 else ""
            rows.append(
                ("gap", f"at least {at_least(low, 3)} (proven), at most {at_most(most, 3)}{of}")
            )
        rows += self._gaps()
        if total > 0 and done < total:
            if total > 1:
                first = np.flatnonzero(~good.ravel())[:5].tolist()
                rows.append(("unresolved", f"batch index {', '.join(map(str, first))}"))
            message = why(self.reason[~good].tolist())
            rows += [("reason", message)] if message else []
            rows += closing(self.reason, self.k_at_gap_upper)
        if total:
            of = " (median)" if total > 1 else ""
            rows.append(("evaluations", f"{np.median(self.evaluations):.0f}{of}"))
        return [*rows, *(self.asked.rows() if self.asked else ())]

    def _gaps(self) -> list[tuple[str, str]]:
        """List what is known of the gaps around a group of bands."""
        return gaps_around(self.parts, self.asked)


def gaps_around(
    parts: Sequence[Certificate | Z2Result], asked: Asked | None
) -> list[tuple[str, str]]:
    """Rows for the gaps around a group: the proven bound, or why there is none."""
    if not parts or asked is None or asked.bands is None:
        return []
    low = asked.bands[0]
    rows = []
    for part in parts:
        edge = part.bands[0] if isinstance(part, Z2Result) else part.asked.n_occupied  # type: ignore[union-attr]  # parts know what was asked
        side = "below" if edge == low else "above"
        if not part.resolved.all():
            message = why(part.reason[~part.resolved].ravel().tolist())
        elif part.gap_lower.size and part.gap_lower.min() > 0.0:
            message = f"at least {at_least(part.gap_lower.min(), 3)} (proven)"
        else:
            message = f"at most {at_most(part.gap_upper.min(initial=np.inf), 3)}"
        rows.append((f"gap {side}", f"between bands {edge - 1} and {edge}: {message}"))
    return rows


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a kernel found, one row for each Hamiltonian of the flattened batch.

    Attributes
    ----------
    proven : bool ndarray of shape (B,)
        Which rows are proven.
    value : int64 ndarray of shape (B,)
        Invariants; meaningless where not proven.
    gap_lower, gap_upper : float64 ndarray of shape (B,)
        As in `Certificate`.
    k_at_gap_upper : float64 ndarray of shape (B, dim)
        As in `Certificate`.
    evaluations : int64 ndarray of shape (B,)
        As in `Certificate`.
    status : uint8 ndarray of shape (B,)
        Code of `topophys.kernels.status`: where not proven, why.
    evidence : tuple
        As in `Certificate`.
    """

    proven: NDArray[np.bool_]
    value: NDArray[np.int64]
    gap_lower: NDArray[np.float64]
    gap_upper: NDArray[np.float64]
    k_at_gap_upper: NDArray[np.float64]
    evaluations: NDArray[np.int64]
    status: NDArray[np.uint8]
    evidence: tuple[Any, ...] = ()

    def take(self, rows: NDArray[np.int64]) -> Evidence:
        """Return some rows, without what certificates keep."""
        columns = {k: v[rows] for k, v in vars(self).items() if k != "evidence"}
        return Evidence(**columns)


def joined(parts: list[Evidence]) -> Evidence:
    """All rows of several, without what certificates keep."""
    names = [k for k in vars(parts[0]) if k != "evidence"]
    columns: dict[str, Any] = {k: np.concatenate([getattr(p, k) for p in parts]) for k in names}
    return Evidence(**columns)


def conclude(
    quantity: str,
    found: Evidence,
    batch: tuple[int, ...],
    on_unresolved: OnUnresolved,
    asked: Asked | None = None,
) -> Certificate:
    """Give evidence the shape of the batch, or raise where that was asked for."""
    check_on_unresolved(on_unresolved)
    proven = found.proven
    words = np.zeros(proven.shape, "<U10")
    if not proven.all():
        words[~proven] = reasons(found.status[~proven])
    if on_unresolved == "raise" and not proven.all():
        where = np.flatnonzero(~proven)
        raise UnresolvedError(quantity, where.tolist(), proven.size, words[where].tolist())
    orientation = 1 if asked is None else asked.orientation
    return Certificate(
        quantity=quantity,
        value=np.where(proven, orientation * found.value, UNRESOLVED_VALUE).reshape(batch),
        status=np.where(proven, "certified", "unresolved").reshape(batch),
        gap_lower=np.where(proven, found.gap_lower, 0.0).reshape(batch),
        gap_upper=found.gap_upper.reshape(batch),
        k_at_gap_upper=found.k_at_gap_upper.reshape(*batch, found.k_at_gap_upper.shape[-1]),
        evaluations=found.evaluations.reshape(batch),
        reason=words.reshape(batch),
        evidence=found.evidence,
        asked=asked,
    )


# --------------------------------------------------- Z2 invariants together with what supports them

NAMES: Final = {"wilson": "flow of centres", "flux": "flux", "parity": "parity formula"}


@dataclass(frozen=True, eq=False)
class Found:
    """What was found for one Hamiltonian of a batch, divided by a power of two.

    Attributes
    ----------
    value : int
        0 or 1; meaningless where not resolved.
    resolved : bool
        Whether the value can be trusted.
    flow_gap, gap_upper, splitting : float
        As in `Z2Result`.
    evaluations : int
        Number of evaluated momenta.
    flow : Flow or None
        None without a flow, and where bands touch at an invariant momentum.
    gap_lower : float
        As in `Z2Result`.
    violation : float
        As `symmetry_violation` in `Z2Result`.
    reason : str
        Why it is not resolved; "" where it is.
    k_at_gap_upper : tuple of float
        As in `Z2Result`.
    certified : bool
        Whether it is proven for a Hamiltonian whose time reversal was given.
    """

    value: int
    resolved: bool
    flow_gap: float
    gap_upper: float
    splitting: float
    evaluations: int
    flow: Flow | None = None
    gap_lower: float = 0.0
    violation: float = np.nan
    reason: str = ""
    certified: bool = False
    k_at_gap_upper: tuple[float, ...] = (np.nan, np.nan)


@dataclass(frozen=True, eq=False, repr=False)
class Z2Result(Saved, Result):
    r"""Z2 invariants of a batch, each with its status and evidence.

    Attributes
    ----------
    value : int64 ndarray of shape (...)
        0 or 1; a masked array where elements are unresolved.
    status : str ndarray of shape (...)
        "certified" (proven of the symmetrised Hamiltonian, see `statement`; only where a
        time-reversal operator was given), "converged" (proven if there is the time-reversal
        symmetry that the signs say; or, without a proof, followed within the stated shares), or
        "unresolved".
    method : str
        "wilson", "flux" or "parity".
    flow_gap : float64 ndarray of shape (...)
        Smallest length along the flow of the largest gap between centres, in cells: the room in
        which crossings were counted. NaN without a flow.
    gap_upper : float64 ndarray of shape (...)
        Smallest direct energy gap met, an upper bound of the gap of the symmetrised Hamiltonian
        (of the given one where no operator was given).
    gap_lower : float64 ndarray of shape (...)
        Proven lower bound of the same gap; 0 where it was not asked for or not found. That of the
        given Hamiltonian is at least ``gap_lower - symmetry_violation``.
    k_at_gap_upper : float64 ndarray of shape (..., 2)
        Momentum where that gap was met.
    splitting : float64 ndarray of shape (...)
        Largest splitting of occupied Kramers pairs of the given Hamiltonian at the invariant
        momenta, over the gap there.
    evaluations : int64 ndarray of shape (...)
        Number of evaluated momenta, those of `certify_gap` included.
    reason : str ndarray of shape (...)
        Why there is no value, "" where there is one: "symmetry" (`symmetry_violation` is not below
        the gap that is proven, or that was met), "closed gap", "budget", "depth" or "rounding".
    symmetry_violation : float64 ndarray of shape (...)
        Rigorous upper bound of :math:`\sup_k \|S H S^{-1} - H\|` (with two operators: of twice
        the distance to the symmetrised Hamiltonian), in the units of the hoppings. NaN where no
        operator was given.
    bands : tuple of int
        How many bands are occupied, and how many there are.
    flows : tuple of Flow
        One for each element of the flattened batch: lines with `t`, `centres`, `middle`, `size`,
        for plots. Empty without flows.
    asked : Asked or None
        The Hamiltonians, for `save`.
    parts : tuple of Z2Result
        Of a group of bands: the results for the bands below it, and for these together with the
        group. Empty otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> copies = np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])
    >>> dimers = tp.FourierHamiltonian({(0, 0): copies, (1, 0): 0.1 * np.eye(4)})
    >>> print(tp.z2_invariant(dimers, n_occupied=2))
    Z2 invariant of the lowest 2 of 4 bands in 2D, by the flow of centres: 0 (converged)
      statement        of the given Hamiltonian, if it has time-reversal symmetry
      flow gap         1 (smallest)
      energy gap       at least 1.9... (proven), at most 2
      splitting        0 of the gap (largest at invariant momenta)
      evaluations      2...
    """

    value: Int[np.ndarray, "..."]
    status: Shaped[np.ndarray, "..."]
    method: str
    flow_gap: Float[np.ndarray, "..."]
    gap_upper: Float[np.ndarray, "..."]
    gap_lower: Float[np.ndarray, "..."]
    splitting: Float[np.ndarray, "..."]
    evaluations: Int[np.ndarray, "..."]
    reason: Shaped[np.ndarray, "..."]
    symmetry_violation: Float[np.ndarray, "..."]
    k_at_gap_upper: Float[np.ndarray, "... 2"]
    bands: tuple[int, int]
    flows: tuple[Flow, ...] = ()
    asked: Asked | None = None
    parts: tuple[Z2Result, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masked(self.value, self.resolved))

    @property
    def question(self) -> str:
        """The question that is answered: quantity, method, bands, dimension."""
        return f"Z2 invariant of {self.of_what(2)}, by the {NAMES[self.method]}"

    def of_what(self, dim: int) -> str:
        """Name the bands."""
        if self.asked is not None and self.asked.bands is not None:
            return group(self.asked.bands, self.bands[1], dim)
        return lowest(*self.bands, dim)

    @property
    def statement(self) -> str:
        """Which Hamiltonian the values are about, in words."""
        known = self.symmetry_violation[~np.isnan(self.symmetry_violation)]
        if not known.size:
            return "of the given Hamiltonian, if it has time-reversal symmetry"
        if not known.any():
            return "of the given Hamiltonian, which has the symmetry exactly"
        away = 0.5 * np.nextafter(known.max(), np.inf)
        return f"of the symmetrised Hamiltonian, at most {at_most(away, 3)} from the given one"

    def __int__(self) -> int:
        reason = "" if self.reason.ndim else str(self.reason)
        if reason == "symmetry":
            raise UnresolvedError("Z2 invariant", [0], 1, [reason], self._symmetry(0))
        if reason == "depth" and self.flows and not self.flows[0].followed:
            detail = (
                "the flow of centres was not followed within `rules`: give more k points, or raise"
                " `max_halvings` and `max_loop`, or `max_depth` of the proof"
            )
            raise UnresolvedError("Z2 invariant", [0], 1, [reason], detail)
        return one_integer(self.value, self.resolved, "Z2 invariant", reason)

    def _symmetry(self, index: int) -> str:
        """Both numbers of an element that its symmetry does not decide, and what is needed."""
        violation = self.symmetry_violation.flat[index]
        lower, upper = self.gap_lower.flat[index], self.gap_upper.flat[index]
        low, most = at_least(lower, 3), at_most(upper, 3)
        gap = f"proven to be at least {low}" if lower > 0.0 else f"at most {most}"
        return (
            f"the symmetry is violated by up to {at_most(violation, 3)}, the gap is {gap}; it must"
            " be proven to be above the violation"
        )

    def _one(self) -> str:
        return str(int(self.value.item()))

    def _rows(self) -> list[tuple[str, str]]:
        good, total = self.resolved, self.value.size
        if not total:
            return []
        rows = []
        if total > 1 and good.any():
            rows.append(("value", shares(self.value[good], "Z2")))
        rows.append(("statement", self.statement))
        if (good & (self.gap_lower == 0.0)).any():
            looked = "momenta that were looked at"
            rows.append(("proof", f"none: sampled, what happens between the {looked} is not known"))
        if not good.all():
            rows.append(("reason", why(self.reason[~good].ravel().tolist())))
            rows += closing(self.reason, self.k_at_gap_upper)
        first = np.flatnonzero(self.reason.ravel() == "symmetry")[:1].tolist()
        rows += [("symmetry", self._symmetry(i)) for i in first]
        if self.method == "wilson":
            rows.append(("flow gap", f"{self.flow_gap.min():.3g} (smallest)"))
        met, bound = self.gap_upper.min(), self.gap_lower.min()
        proven = f"at least {at_least(bound, 3)} (proven), " if bound > 0.0 else ""
        rows.append(("energy gap", f"{proven}at most {at_most(met, 3)}"))
        rows += gaps_around(self.parts, self.asked)
        split = f"{self.splitting.max():.2g} of the gap (largest at invariant momenta)"
        rows.append(("splitting", split))
        of = " (median)" if total > 1 else ""
        rows.append(("evaluations", f"{np.median(self.evaluations):.0f}{of}"))
        return [*rows, *(self.asked.rows() if self.asked else ())]


def conclude_z2(
    found: Sequence[Found],
    exponent: NDArray[np.int64],
    batch: tuple[int, ...],
    method: str,
    bands: tuple[int, int],
) -> Z2Result:
    """Give findings the unit and the shape of the batch.

    Shapes: `exponent` (B,).
    """
    sure = np.array([one.resolved for one in found], dtype=bool)
    proven = np.array([one.certified for one in found], dtype=bool)
    value = np.array([one.value for one in found], dtype=np.int64)
    reasons = np.array([one.reason for one in found], dtype="<U10")

    def column(name: str) -> NDArray[np.float64]:
        return np.array([getattr(one, name) for one in found], np.float64)

    return Z2Result(
        value=value.reshape(batch),
        status=np.where(sure, np.where(proven, "certified", "converged"), "unresolved").reshape(
            batch
        ),
        method=method,
        bands=bands,
        flow_gap=column("flow_gap").reshape(batch),
        gap_upper=upper_bound(column("gap_upper"), exponent).reshape(batch),
        gap_lower=lower_bound(column("gap_lower"), exponent).reshape(batch),
        splitting=column("splitting").reshape(batch),
        evaluations=column("evaluations").astype(np.int64).reshape(batch),
        reason=np.where(sure, "", reasons).reshape(batch),
        symmetry_violation=upper_bound(column("violation"), exponent).reshape(batch),
        k_at_gap_upper=np.array([one.k_at_gap_upper for one in found]).reshape(*batch, 2),
        flows=tuple(
            _scaled(one.flow, int(e))
            for one, e in zip(found, exponent, strict=True)
            if one.flow is not None
        ),
    )


def _scaled(flow: Flow, exponent: int) -> Flow:
    """Return the flow with gaps in the units of the hoppings."""
    lines = tuple(replace(line, gap=float(upper_bound(line.gap, exponent))) for line in flow.lines)
    return replace(flow, lines=lines)
