"""The four Z2 indices of three-dimensional insulators with time-reversal symmetry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike, NDArray

from topophys._typing import FourierLike
from topophys._validation import Bands
from topophys.errors import InputError, why
from topophys.invariants._limits import MAX_DEPTH
from topophys.invariants._saving import Saved, refuse_group, require_certified, required
from topophys.invariants._slices import (
    filling,
    require_dimension,
    slice_at,
)
from topophys.invariants._symmetry_files import indices_document
from topophys.invariants._wannier_flow import FlowRules
from topophys.invariants.evidence import Asked, Question, closing_on_planes
from topophys.invariants.gap import certify_gap
from topophys.invariants.results import (
    Certificate,
    OnUnresolved,
    Result,
    Z2Result,
    check_on_unresolved,
    masked,
    settle,
)
from topophys.invariants.z2 import z2_invariant
from topophys.kernels.rounding import at_least, at_most

__all__ = ["Z2Indices", "z2_indices_3d"]


@dataclass(frozen=True, eq=False, repr=False)
class Z2Indices(Saved, Result):
    """Strong and weak Z2 indices of a batch, with the six planes they come from.

    Attributes
    ----------
    strong : int64 ndarray of shape (...)
        nu_0, 0 or 1; a masked array where elements are unresolved.
    weak : int64 ndarray of shape (..., 3)
        nu_1, nu_2, nu_3; masked likewise.
    status : str ndarray of shape (...)
        "certified", "converged" or "unresolved", the least of the planes; "unresolved" also where
        the three directions disagree on nu_0. It is about the planes: see `bulk`.
    reason : str ndarray of shape (...)
        Why there are no values, as in `Z2Result`, of the first plane without one; "closed gap"
        where the directions disagree, which an insulator's do not.
    gap_lower, gap_upper : float64 ndarray of shape (...)
        Smallest of the proven gaps of the six planes, and of the gaps met there.
    symmetry_violation : float64 ndarray of shape (...)
        Largest of the planes, as in `Z2Result`.
    evaluations : int64 ndarray of shape (...)
        Number of evaluated momenta, on all planes.
    planes : tuple of Z2Result
        For k_x, k_y and k_z fixed: results of shape (..., 2), at 0 and at pi.
    bulk : Certificate or None
        Proof of the gap in the whole Brillouin zone; None where it was not asked for. The planes
        have their indices with or without it.

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> mass = np.diag([1.0, 1.0, -1.0, -1.0])
    >>> indices = tp.z2_indices_3d(tp.FourierHamiltonian({(0, 0, 0): mass}, n_occupied=2))
    >>> int(indices.strong), indices.weak
    (0, array([0, 0, 0]))
    """

    strong: Int[np.ndarray, "..."]
    weak: Int[np.ndarray, "... 3"]
    status: Shaped[np.ndarray, "..."]
    reason: Shaped[np.ndarray, "..."]
    gap_lower: Float[np.ndarray, "..."]
    gap_upper: Float[np.ndarray, "..."]
    symmetry_violation: Float[np.ndarray, "..."]
    evaluations: Int[np.ndarray, "..."]
    planes: tuple[Z2Result, Z2Result, Z2Result]
    bulk: Certificate | None = None
    asked: Asked | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "strong", masked(self.strong, self.resolved))
        known = np.broadcast_to(self.resolved[..., None], self.weak.shape)
        object.__setattr__(self, "weak", masked(self.weak, known))

    @property
    def value(self) -> Int[np.ndarray, "... 4"]:
        """Indices (nu_0, nu_1, nu_2, nu_3) along the last axis; masked where unresolved."""
        parts = (self.strong[..., None], self.weak)
        known = np.concatenate([~np.ma.getmaskarray(part) for part in parts], axis=-1)
        return masked(np.concatenate([np.ma.getdata(part) for part in parts], axis=-1), known)

    def _document(self, index: int | tuple[int, ...] | None = None) -> dict[str, Any]:
        return indices_document(*self.asked_of_file(require_certified(self, "Z2 indices", index)))

    def asked_of_file(
        self, where: tuple[int, ...]
    ) -> tuple[Question, list[int], float, float | None]:
        """Question of one element, values of the planes, their gap, and that of the bulk."""
        refuse_group(self.planes[0].parts)
        gap, bulk = max(0.0, float((self.gap_lower - self.symmetry_violation)[where])), None
        if self.bulk is not None and self.bulk.certified[where]:
            bulk = float(self.bulk.gap_lower[where])
        values = [x for plane in self.planes for x in plane.value[where].tolist()]
        return required(self.asked).question(where), values, gap, bulk

    @property
    def question(self) -> str:
        """The question that is answered: quantity, bands, dimension."""
        return f"Z2 indices of {self.planes[0].of_what(3)}, from six planes"

    def _columns(self) -> dict[str, NDArray[Any]]:
        columns = super()._columns()
        del columns["value"]
        weak = {f"weak_{i + 1}": self.weak[..., i] for i in range(3)}
        return {"strong": self.strong, **weak, **columns}

    @property
    def label(self) -> str:
        """The usual notation (nu_0; nu_1 nu_2 nu_3) of a single Hamiltonian."""
        if self.strong.ndim:
            raise InputError("A batch of indices has no single label; use `.strong` and `.weak`.")
        return self._labels()[0]

    def _labels(self) -> list[str]:
        """Write the indices of each Hamiltonian in the usual notation."""
        parts = (self.strong.ravel(), self.weak.reshape(-1, 3), self.resolved.ravel())
        return [
            f"({strong}; {''.join(map(str, weak))})" if known else "(?; ???)"
            for strong, weak, known in zip(*parts, strict=True)
        ]

    def _bulk(self) -> str:
        if self.bulk is None:
            return "not asked for"
        done, total = int(self.bulk.certified.sum()), self.bulk.certified.size
        if done == total:
            return f"at least {at_least(self.bulk.gap_lower.min(), 3)} (proven)"
        return f"proven of {done} of {total}: {why(self.bulk.reason.ravel().tolist())}"

    def _one(self) -> str:
        return self._labels()[0]

    def _rows(self) -> list[tuple[str, str]]:
        good, total = int(self.resolved.sum()), self.strong.size
        if not total:
            return []
        rows = []
        if total > 1:
            pairs = zip(self._labels()[:5], self.status.ravel().tolist(), strict=False)
            rows = [(f"batch index {i}", f"{nu} {word}") for i, (nu, word) in enumerate(pairs)]
            rows += [("", f"... {total - 5} more")] if total > 5 else []
        if good < total:
            rows.append(("reason", why(self.reason.ravel().tolist())))
            rows += closing_on_planes(self.planes) if total == 1 else []
        low, met = self.gap_lower.min(), self.gap_upper.min()
        proven = f"at least {at_least(low, 3)} (proven), " if low > 0.0 else ""
        rows.append(("gap of planes", f"{proven}at most {at_most(met, 3)}"))
        rows.append(("gap of the bulk", self._bulk()))
        if total == 1:
            for name, plane in zip("xyz", self.planes, strict=True):
                cells = [
                    str(v) if ok else "?"
                    for v, ok in zip(plane.value.ravel(), plane.resolved.ravel(), strict=True)
                ]
                rows.append((f"planes of k_{name}", f"{cells[0]} at 0, {cells[1]} at pi"))
        return [*rows, *(self.asked.rows() if self.asked else ())]


def z2_indices_3d(
    h: FourierLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    prove_bulk: bool = False,
    method: Literal["wilson", "flux", "parity"] = "wilson",
    time_reversal: ArrayLike | Literal["up first", "alternating"] | None = None,
    inversion: ArrayLike | None = None,
    tolerance: float = 1e-3,
    prove: bool | None = None,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int | None = None,
    rules: FlowRules | None = None,
    on_unresolved: OnUnresolved = "mask",
) -> Z2Indices:
    r"""Strong and weak Z2 indices, from the two-dimensional invariant of six planes.

    .. math:: \nu_0 = Z_2(k_i = 0) + Z_2(k_i = \pi) \bmod 2 \;\;\text{for each } i, \qquad
        \nu_i = Z_2(k_i = \pi)

    Each direction gives the same strong index for an insulator; where they do not, or a plane is
    unresolved, so are the indices. What is proven are gap and invariant of the planes; that the
    gap is open between them is another question.

    Parameters
    ----------
    h : FourierHamiltonian
        Hamiltonian in three dimensions, or a batch.
    n_occupied : int, optional
        Number of occupied bands, even; that of `h` where not given.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of bands, as for `z2_invariant`.
    prove_bulk : bool, optional
        Whether to prove the gap in the whole Brillouin zone as well, by `certify_gap`.
    method, time_reversal, inversion, tolerance, prove, max_depth, rules
        As for `z2_invariant`, of each plane; `max_depth` also of the bulk.
    max_evaluations : int, optional
        Largest number of cells of a proof; 20 000 for each plane and 100 000 for the bulk where not
        given.
    on_unresolved : {"mask", "raise"}, optional
        Where there are no indices: mask them and say so in the status, or raise.

    Returns
    -------
    Z2Indices
        Indices and status of shape (...) like the batch of `h`, and the planes.

    Raises
    ------
    KindError
        If `h` is not a three-dimensional Hamiltonian in Fourier form.
    ShapeError, InputError
        As `z2_invariant`.
    UnresolvedError
        If asked for and indices are unresolved.

    References
    ----------
    .. [1] L. Fu, C. L. Kane, E. J. Mele, Phys. Rev. Lett. 98, 106803 (2007).
    .. [2] J. E. Moore, L. Balents, Phys. Rev. B 75, 121306 (2007).
    .. [3] R. Roy, Phys. Rev. B 79, 195322 (2009).

    Examples
    --------
    Bonds of a cubic crystal that favour the same orbital everywhere are trivial:

    >>> import numpy as np
    >>> import topophys as tp
    >>> mass = np.diag([1.0, 1.0, -1.0, -1.0])
    >>> atoms = tp.FourierHamiltonian({(0, 0, 0): mass, (0, 0, 1): 0.1 * np.eye(4)})
    >>> z2_indices_3d(atoms, n_occupied=2).label
    '(0; 000)'
    """
    check_on_unresolved(on_unresolved)
    found = require_dimension(h, 3)
    most: dict[str, Any] = {} if max_evaluations is None else {"max_evaluations": max_evaluations}
    ends = np.array([0, 1])  # in half turns: no float64 is pi
    x, y, z = (
        z2_invariant(
            slice_at(found, axis, ends, halves=True, n_occupied=filling(bands, n_occupied, found)),
            n_occupied=n_occupied,
            bands=bands,
            method=method,
            time_reversal=time_reversal,
            inversion=inversion,
            tolerance=tolerance,
            prove=prove,
            max_depth=max_depth,
            rules=rules,
            **most,
        )
        for axis in range(3)
    )
    planes = (x, y, z)

    def over_planes(name: str) -> NDArray[Any]:
        return np.stack([np.ma.getdata(getattr(plane, name)) for plane in planes], axis=-2)

    value, status, reason = map(over_planes, ("value", "status", "reason"))
    resolved = (status != "unresolved").all((-2, -1))
    strong = np.where(resolved[..., None, None], value, 0).sum(-1) % 2
    agree = (strong == strong[..., :1]).all(-1)
    proven = (status == "certified").all((-2, -1))
    good = np.where(proven, "certified", "converged")
    flat = reason.reshape(*reason.shape[:-2], 6)
    first = np.take_along_axis(flat, (flat != "").argmax(-1)[..., None], -1)[..., 0]
    known = resolved & agree

    indices = Z2Indices(
        strong=strong[..., 0],
        weak=value[..., 1],
        status=np.where(known, good, "unresolved"),
        reason=np.where(resolved & ~agree, "closed gap", first),
        gap_lower=np.asarray(over_planes("gap_lower").min((-2, -1))),
        gap_upper=np.asarray(over_planes("gap_upper").min((-2, -1))),
        symmetry_violation=np.asarray(over_planes("symmetry_violation").max((-2, -1))),
        evaluations=np.asarray(over_planes("evaluations").sum((-2, -1)), np.int64),
        planes=planes,
        bulk=certify_gap(found, n_occupied=n_occupied, bands=bands, max_depth=max_depth, **most)
        if prove_bulk
        else None,
        asked=replace(required(x.asked), H=found, quantity="Z2 indices"),
    )
    return settle(indices, on_unresolved, "Z2 indices")
