"""An integer together with what proves it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import NDArray

from topophys import _validation
from topophys.errors import InputError, UnresolvedError, why
from topophys.invariants.evidence import Asked
from topophys.kernels import status as st

__all__ = ["UNRESOLVED_VALUE", "Certificate"]

#: Stands in `Certificate.value` where nothing was proven; no invariant is that large.
UNRESOLVED_VALUE: Final = int(np.iinfo(np.int64).min)


#: Words for the status codes of kernels.
_REASONS: Final = {
    st.BUDGET: "budget",
    st.DEPTH: "depth",
    st.ROUNDING: "rounding",
    st.AMBIGUOUS: "rounding",
    st.SYMMETRY: "symmetry",
    st.CLOSED_GAP: "closed gap",
    st.SMALL_GAP: "small gap",
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


@dataclass(frozen=True, eq=False)
class Certificate:
    """Invariants of a batch of Hamiltonians, each proven or marked as unresolved.

    Attributes
    ----------
    quantity : str
        What was certified, such as "winding number".
    value : int64 ndarray of shape (...)
        The invariant; `UNRESOLVED_VALUE` where there is no proof.
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
        How many k points were looked at.
    reason : str ndarray of shape (...)
        Why there is no proof, "" where there is one: "budget" (`max_evaluations`), "depth"
        (`max_depth`), "rounding" (float64 cannot decide), "symmetry" (violated by half of the
        proven gap or more), "closed gap" (the gap met is zero to rounding) or "small gap" (it is
        below `min_gap`).
    evidence : tuple
        What the proof rests on, for each element of the flattened batch; None where unresolved.
        Empty unless asked for.
    asked : Asked or None
        The Hamiltonians, for `save`.

    Examples
    --------
    >>> import topophys as tp
    >>> proof = tp.certify_winding(tp.models.ssh([1.0, 1.0], [2.0, 1.0]))
    >>> proof.value[proof.certified], proof.status
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

    def save(self, path: str | Path, index: int | tuple[int, ...] | None = None) -> Path:
        """Write the proof of one element to a file that `topophys.checker` can check.

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

        Examples
        --------
        >>> import tempfile, topophys as tp
        >>> from topophys.invariants.certificate_file import verify
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     verify(tp.certify_winding(tp.models.ssh(1.0, 2.0)).save(f"{folder}/x.cert.json"))
        'winding number 1, gap at least 1.93146'
        """
        from topophys.invariants.certificate_file import save  # noqa: PLC0415  (it imports this)

        return save(self, path, index)

    @property
    def certified(self) -> Bool[np.ndarray, "..."]:
        """Where the value is proven."""
        return np.asarray(self.status == "certified")

    def __int__(self) -> int:
        reason = "" if self.reason.ndim else str(self.reason)
        return one_integer(self.value, self.certified, self.quantity, reason)

    def __repr__(self) -> str:
        done, total = int(self.certified.sum()), self.value.size
        lines = [f"Certificate of the {self.quantity}: {done} of {total} certified"]
        values, counts = np.unique(self.value[self.certified], return_counts=True)
        pairs = [f"{v:+d}: {c}" for v, c in zip(values, counts, strict=True)]
        lines.append(f"  value            {', '.join(pairs) or 'none'}")
        if done:
            low = self.gap_lower[self.certified].min()
            lines.append(f"  gap at least     {low:.3g} (smallest proven bound)")
        if done < total:
            first = np.flatnonzero(~self.certified.ravel())[:5].tolist()
            lines.append(f"  unresolved       batch index {', '.join(map(str, first))}")
            told = why(self.reason[~self.certified].tolist())
            lines += [f"  reason           {told}"] if told else []
        if total:
            lines.append(f"  evaluations      {np.median(self.evaluations):.0f} (median)")
        lines += [f"  note             {note}" for note in (self.asked.notes if self.asked else ())]
        return "\n".join(lines)


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


def conclude(
    quantity: str,
    found: Evidence,
    batch: tuple[int, ...],
    on_unresolved: Literal["mark", "raise"],
    asked: Asked | None = None,
) -> Certificate:
    """Give evidence the shape of the batch, or raise where that was asked for.

    Parameters
    ----------
    quantity : str
        What was certified.
    found : Evidence
        Rows of the flattened batch.
    batch : tuple of int
        Shape to give to the results.
    on_unresolved : {"mark", "raise"}
        What to do where there is no proof.
    asked : Asked, optional
        The question, for files.

    Returns
    -------
    Certificate
        With batch axes `batch`.

    Raises
    ------
    UnresolvedError
        If asked for and an element is unproven.
    """
    _validation.one_of(on_unresolved, "on_unresolved", ("mark", "raise"))
    proven = found.proven
    words = np.zeros(proven.shape, "<U10")
    if not proven.all():
        words[~proven] = reasons(found.status[~proven])
    if on_unresolved == "raise" and not proven.all():
        where = np.flatnonzero(~proven)
        raise UnresolvedError(quantity, where.tolist(), proven.size, words[where].tolist())
    return Certificate(
        quantity=quantity,
        value=np.where(proven, found.value, UNRESOLVED_VALUE).reshape(batch),
        status=np.where(proven, "certified", "unresolved").reshape(batch),
        gap_lower=np.where(proven, found.gap_lower, 0.0).reshape(batch),
        gap_upper=found.gap_upper.reshape(batch),
        k_at_gap_upper=found.k_at_gap_upper.reshape(*batch, found.k_at_gap_upper.shape[-1]),
        evaluations=found.evaluations.reshape(batch),
        reason=words.reshape(batch),
        evidence=found.evidence,
        asked=asked,
    )
