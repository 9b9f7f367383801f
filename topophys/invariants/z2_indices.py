"""The four Z2 indices of three-dimensional time-reversal-symmetric insulators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.errors import InputError, why
from topophys.invariants._slices import require_dimension, slice_at
from topophys.invariants.certificate import UNRESOLVED_VALUE, Certificate
from topophys.invariants.certify_gap import certify_gap
from topophys.invariants.z2 import z2_invariant
from topophys.invariants.z2_result import Z2Result

__all__ = ["Z2Indices", "z2_indices_3d"]


@dataclass(frozen=True, eq=False)
class Z2Indices:
    """Strong and weak Z2 indices of a batch, with the six planes they come from.

    Attributes
    ----------
    strong : int64 ndarray of shape (...)
        nu_0, 0 or 1; the smallest int64 where unresolved.
    weak : int64 ndarray of shape (..., 3)
        nu_1, nu_2, nu_3; the smallest int64 where unresolved.
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
        Momenta looked at, on all planes.
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
    >>> indices = tp.z2_indices_3d(tp.FourierHamiltonian({(0, 0, 0): mass}))
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

    @property
    def resolved(self) -> Bool[np.ndarray, "..."]:
        """Where there are values."""
        return np.asarray(self.status != "unresolved")

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
            return f"at least {self.bulk.gap_lower.min():.3g} (proven)"
        return f"proven of {done} of {total}: {why(self.bulk.reason.ravel().tolist())}"

    def __repr__(self) -> str:
        good, total = int(self.resolved.sum()), self.strong.size
        lines = [f"Z2 indices in three dimensions: {good} of {total} resolved"]
        shown = min(total, 5)
        status = self.status.ravel()[:shown].tolist()
        lines += [
            f"  {nu}         {word}"
            for nu, word in zip(self._labels()[:shown], status, strict=True)
        ]
        if shown < total:
            lines.append(f"  ... {total - shown} more")
        if good < total:
            lines.append(f"  reason           {why(self.reason.ravel().tolist())}")
        if total:
            low, met = self.gap_lower.min(), self.gap_upper.min()
            proven = f", at least {low:.3g} (proven)" if low > 0.0 else ""
            lines.append(f"  gap of planes    {met:.3g} (smallest met){proven}")
            lines.append(f"  gap of the bulk  {self._bulk()}")
        if total == 1:
            lines.append("  plane            k = 0        k = pi")
            for name, plane in zip("xyz", self.planes, strict=True):
                cells = [
                    str(v) if ok else "?"
                    for v, ok in zip(plane.value.ravel(), plane.resolved.ravel(), strict=True)
                ]
                lines.append(f"  k_{name}              {cells[0]:<12} {cells[1]}")
        return "\n".join(lines)


def z2_indices_3d(
    h: FourierLike, *, n_occupied: int | None = None, prove_bulk: bool = False, **options: Any
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
    prove_bulk : bool, optional
        Whether to prove the gap in the whole Brillouin zone as well, by `certify_gap`.
    **options
        As for `z2_invariant`: `method`, `time_reversal`, `inversion`, `tolerance`, `prove`,
        `max_depth`, `max_evaluations` (of each plane, and of the bulk), `rules`.

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
    >>> z2_indices_3d(atoms).label
    '(0; 000)'
    """
    found = require_dimension(h, 3)
    ends = np.array([0, 1])  # in half turns: no float64 is pi
    x, y, z = (
        z2_invariant(slice_at(found, axis, ends, halves=True, n_occupied=n_occupied), **options)
        for axis in range(3)
    )
    planes = (x, y, z)
    value, status, reason = (
        np.stack([getattr(plane, name) for plane in planes], axis=-2)
        for name in ("value", "status", "reason")
    )
    resolved = (status != "unresolved").all((-2, -1))
    strong = np.where(resolved[..., None, None], value, 0).sum(-1) % 2
    agree = (strong == strong[..., :1]).all(-1)
    proven = (status == "certified").all((-2, -1))
    good = np.where(proven, "certified", "converged")
    flat = reason.reshape(*reason.shape[:-2], 6)
    first = np.take_along_axis(flat, (flat != "").argmax(-1)[..., None], -1)[..., 0]
    known = resolved & agree

    def over_planes(name: str) -> NDArray[Any]:
        return np.stack([getattr(plane, name) for plane in planes], axis=-2)

    return Z2Indices(
        strong=np.where(known, strong[..., 0], UNRESOLVED_VALUE),
        weak=np.where(known[..., None], value[..., 1], UNRESOLVED_VALUE),
        status=np.where(known, good, "unresolved"),
        reason=np.where(resolved & ~agree, "closed gap", first),
        gap_lower=np.asarray(over_planes("gap_lower").min((-2, -1))),
        gap_upper=np.asarray(over_planes("gap_upper").min((-2, -1))),
        symmetry_violation=np.asarray(over_planes("symmetry_violation").max((-2, -1))),
        evaluations=np.asarray(over_planes("evaluations").sum((-2, -1)), np.int64),
        planes=planes,
        bulk=_bulk_gap(found, n_occupied, options) if prove_bulk else None,
    )


def _bulk_gap(h: FourierLike, n_occupied: int | None, options: dict[str, Any]) -> Certificate:
    """Prove the gap in three dimensions, with the limits of the planes."""
    limits = {name: options[name] for name in ("max_depth", "max_evaluations") if name in options}
    return certify_gap(h, n_occupied=n_occupied, **limits)
