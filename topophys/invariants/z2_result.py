"""Z2 invariants together with what supports them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import NDArray

from topophys.errors import UnresolvedError, why
from topophys.invariants._flow import Flow
from topophys.invariants.certificate import Result, lowest, masked, one_integer, shares
from topophys.invariants.evidence import Asked
from topophys.kernels.rounding import lower_bound, upper_bound

__all__ = ["Found", "Z2Result", "conclude_z2"]

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
        Momenta looked at.
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
class Z2Result(Result):
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
        Momenta looked at, those of `certify_gap` included.
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

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> copies = np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])
    >>> dimers = tp.FourierHamiltonian({(0, 0): copies, (1, 0): 0.1 * np.eye(4)})
    >>> print(tp.z2_invariant(dimers))
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masked(self.value, self.resolved))

    @property
    def question(self) -> str:
        """The question that is answered: quantity, method, bands, dimension."""
        return f"Z2 invariant of {lowest(*self.bands, 2)}, by the {NAMES[self.method]}"

    def save(self, path: str | Path, index: int | tuple[int, ...] | None = None) -> Path:
        """Write the proof of one element to a file that `topophys.checker` can check.

        Only values with status "certified", for which `time_reversal` was given, can be written.

        Parameters
        ----------
        path : path-like
            File to write, such as ``"x.cert.json"``.
        index : int or tuple of int, optional
            Which element of the batch; may be left out for a single Hamiltonian.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        UnresolvedError
            If there is no proof.
        InputError
            If `index` does not name one element, or the proof is too long for a file.
        """
        from topophys.invariants.certificate_file import save  # noqa: PLC0415  (it imports this)

        return save(self, path, index)

    @property
    def statement(self) -> str:
        """Which Hamiltonian the values are about, in words."""
        known = self.symmetry_violation[~np.isnan(self.symmetry_violation)]
        if not known.size:
            return "of the given Hamiltonian, if it has time-reversal symmetry"
        if not known.any():
            return "of the given Hamiltonian, which has the symmetry exactly"
        away = 0.5 * np.nextafter(known.max(), np.inf)
        return f"of the symmetrised Hamiltonian, at most {away:.3g} from the given one"

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
        gap = f"proven to be at least {lower:.3g}" if lower > 0.0 else f"at most {upper:.3g}"
        return (
            f"the symmetry is violated by up to {violation:.3g}, the gap is {gap}; it must be"
            " proven to be above the violation"
        )

    def _one(self) -> str:
        return str(int(self.value))

    def _rows(self) -> list[tuple[str, str]]:
        good, total = self.resolved, self.value.size
        if not total:
            return []
        rows = []
        if total > 1 and good.any():
            rows.append(("value", shares(self.value[good]).replace("+", "")))
        rows.append(("statement", self.statement))
        if not good.all():
            rows.append(("reason", why(self.reason[~good].ravel().tolist())))
        first = np.flatnonzero(self.reason.ravel() == "symmetry")[:1].tolist()
        rows += [("symmetry", self._symmetry(i)) for i in first]
        if self.method == "wilson":
            rows.append(("flow gap", f"{self.flow_gap.min():.3g} (smallest)"))
        met, bound = self.gap_upper.min(), self.gap_lower.min()
        proven = f"at least {bound:.3g} (proven), " if bound > 0.0 else ""
        rows.append(("energy gap", f"{proven}at most {met:.3g}"))
        split = f"{self.splitting.max():.2g} of the gap (largest at invariant momenta)"
        rows.append(("splitting", split))
        of = " (median)" if total > 1 else ""
        rows.append(("evaluations", f"{np.median(self.evaluations):.0f}{of}"))
        return rows


def conclude_z2(
    found: Sequence[Found],
    exponent: NDArray[np.int64],
    batch: tuple[int, ...],
    method: str,
    bands: tuple[int, int],
) -> Z2Result:
    """Give findings the unit and the shape of the batch.

    Parameters
    ----------
    found : sequence of Found
        One for each Hamiltonian of the flattened batch.
    exponent : int64 ndarray of shape (B,)
        Powers of two that were divided out.
    batch : tuple of int
        Shape to give to the results.
    method, bands
        As in `Z2Result`.

    Returns
    -------
    Z2Result
        With batch axes `batch`.
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
