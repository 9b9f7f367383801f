"""Z2 invariants together with what supports them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import NDArray

from topophys.invariants._flow import Flow
from topophys.invariants.certificate import UNRESOLVED_VALUE, one_integer

__all__ = ["Found", "Z2Result", "conclude_z2"]

NAMES: Final = {"wilson": "flow of centres", "flux": "flux", "parity": "parity formula"}


@dataclass(frozen=True, eq=False)
class Found:
    """What was found for one Hamiltonian of a batch.

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
    """

    value: int
    resolved: bool
    flow_gap: float
    gap_upper: float
    splitting: float
    evaluations: int
    flow: Flow | None = None


@dataclass(frozen=True, eq=False)
class Z2Result:
    """Z2 invariants of a batch, each with its status and evidence.

    Attributes
    ----------
    value : int64 ndarray of shape (...)
        0 or 1; the smallest int64 where unresolved.
    status : str ndarray of shape (...)
        "certified" (proven, with a time-reversal operator that was checked), "converged" (proven
        if there is the time-reversal symmetry that the signs say; or, without a proof, followed
        within the stated shares), or "unresolved".
    method : str
        "wilson", "flux" or "parity".
    flow_gap : float64 ndarray of shape (...)
        Smallest length along the flow of the largest gap between centres, in cells: the room in
        which crossings were counted. NaN without a flow.
    gap_upper : float64 ndarray of shape (...)
        Smallest direct energy gap met, an upper bound of the gap.
    gap_lower : float64 ndarray of shape (...)
        Proven lower bound of the direct gap; 0 where it was not asked for or not found.
    splitting : float64 ndarray of shape (...)
        Largest splitting of occupied Kramers pairs at the invariant momenta, over the gap there.
    evaluations : int64 ndarray of shape (...)
        Momenta looked at, without those of `certify_gap`.
    flows : tuple of Flow
        One for each element of the flattened batch: lines with `t`, `centres`, `middle`, `size`,
        for plots. Empty without flows.

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> copies = np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])
    >>> dimers = tp.FourierHamiltonian({(0, 0): copies, (1, 0): 0.1 * np.eye(4)})
    >>> print(tp.z2_invariant(dimers))
    Z2 invariant by the flow of centres: 1 of 1 resolved
      value            0: 1
      status           converged: 1
      flow gap         1 (smallest)
      energy gap       2 (smallest seen), at least 1.97 (proven)
      splitting        0 of the gap (largest at invariant momenta)
      evaluations      252 (median)
    """

    value: Int[np.ndarray, "..."]
    status: Shaped[np.ndarray, "..."]
    method: str
    flow_gap: Float[np.ndarray, "..."]
    gap_upper: Float[np.ndarray, "..."]
    gap_lower: Float[np.ndarray, "..."]
    splitting: Float[np.ndarray, "..."]
    evaluations: Int[np.ndarray, "..."]
    flows: tuple[Flow, ...] = ()

    @property
    def resolved(self) -> Bool[np.ndarray, "..."]:
        """Where there is a value."""
        return np.asarray(self.status != "unresolved")

    def __int__(self) -> int:
        return one_integer(self.value, self.resolved, "Z2 invariant")

    def __repr__(self) -> str:
        good = self.resolved
        name = NAMES[self.method]
        lines = [f"Z2 invariant by the {name}: {int(good.sum())} of {good.size} resolved"]
        lines.append(f"  value            {_counts(self.value[good]) or 'none'}")
        lines.append(f"  status           {_counts(self.status)}")
        if self.value.size:
            if self.method == "wilson":
                lines.append(f"  flow gap         {self.flow_gap.min():.3g} (smallest)")
            seen, bound = self.gap_upper.min(), self.gap_lower.min()
            proven = f", at least {bound:.3g} (proven)" if bound > 0.0 else ""
            lines.append(f"  energy gap       {seen:.3g} (smallest seen){proven}")
            lines.append(
                f"  splitting        {self.splitting.max():.2g} of the gap (largest at invariant"
                " momenta)"
            )
            lines.append(f"  evaluations      {np.median(self.evaluations):.0f} (median)")
        return "\n".join(lines)


def conclude_z2(
    found: Sequence[Found],
    bound: NDArray[np.float64],
    batch: tuple[int, ...],
    method: str,
    good: str,
) -> Z2Result:
    """Give findings the shape of the batch.

    Parameters
    ----------
    found : sequence of Found
        One for each Hamiltonian of the flattened batch.
    bound : float64 ndarray of shape (B,)
        Proven gaps: NaN where no proof was asked for, 0 where none was found, which takes the
        value with it.
    batch : tuple of int
        Shape to give to the results.
    method : str
        As in `Z2Result`.
    good : str
        Status of what is resolved.

    Returns
    -------
    Z2Result
        With batch axes `batch`.
    """
    sure = np.array([one.resolved for one in found], dtype=bool) & (bound != 0.0)
    value = np.array([one.value for one in found], dtype=np.int64)

    def column(name: str) -> NDArray[np.float64]:
        return np.array([getattr(one, name) for one in found], np.float64).reshape(batch)

    return Z2Result(
        value=np.where(sure, value, UNRESOLVED_VALUE).reshape(batch),
        status=np.where(sure, good, "unresolved").reshape(batch),
        method=method,
        flow_gap=column("flow_gap"),
        gap_upper=column("gap_upper"),
        gap_lower=np.nan_to_num(bound).reshape(batch),
        splitting=column("splitting"),
        evaluations=column("evaluations").astype(np.int64),
        flows=tuple(one.flow for one in found if one.flow is not None),
    )


def _counts(values: Shaped[np.ndarray, "..."]) -> str:
    names, counts = np.unique(values, return_counts=True)
    return ", ".join(f"{v}: {c}" for v, c in zip(names, counts, strict=True))
