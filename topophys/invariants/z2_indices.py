"""The four Z2 indices of three-dimensional time-reversal-symmetric insulators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped

from topophys._typing import FourierLike
from topophys.errors import InputError
from topophys.invariants._slices import require_dimension, slice_at
from topophys.invariants.certificate import UNRESOLVED_VALUE
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
        the three directions disagree on nu_0.
    planes : tuple of Z2Result
        For k_x, k_y and k_z fixed: results of shape (..., 2), at 0 and at pi.

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
    planes: tuple[Z2Result, Z2Result, Z2Result]

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
        if total == 1:
            lines.append("  plane            k = 0        k = pi")
            for name, plane in zip("xyz", self.planes, strict=True):
                cells = [
                    str(v) if ok else "?"
                    for v, ok in zip(plane.value.ravel(), plane.resolved.ravel(), strict=True)
                ]
                lines.append(f"  k_{name}              {cells[0]:<12} {cells[1]}")
        return "\n".join(lines)


def z2_indices_3d(h: FourierLike, *, n_occupied: int | None = None, **options: Any) -> Z2Indices:
    r"""Strong and weak Z2 indices, from the two-dimensional invariant of six planes.

    .. math:: \nu_0 = Z_2(k_i = 0) + Z_2(k_i = \pi) \bmod 2 \;\;\text{for each } i, \qquad
        \nu_i = Z_2(k_i = \pi)

    Each direction gives the same strong index for an insulator; where they do not, or a plane is
    unresolved, so are the indices.

    Parameters
    ----------
    h : FourierHamiltonian
        Hamiltonian in three dimensions, or a batch.
    n_occupied : int, optional
        Number of occupied bands, even; that of `h` where not given.
    **options
        As for `z2_invariant`: `method`, `time_reversal`, `inversion`, `tolerance`, `prove`,
        `max_evaluations`, `rules`.

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
    ends = np.array([0.0, np.pi])
    x, y, z = (
        z2_invariant(slice_at(found, axis, ends), n_occupied=n_occupied, **options)
        for axis in range(3)
    )
    planes = (x, y, z)
    value = np.stack([plane.value for plane in planes], axis=-2)
    status = np.stack([plane.status for plane in planes], axis=-2)
    resolved = (status != "unresolved").all((-2, -1))
    strong = np.where(resolved[..., None, None], value, 0).sum(-1) % 2
    resolved &= (strong == strong[..., :1]).all(-1)
    proven = (status == "certified").all((-2, -1))
    good = np.where(proven, "certified", "converged")
    return Z2Indices(
        strong=np.where(resolved, strong[..., 0], UNRESOLVED_VALUE),
        weak=np.where(resolved[..., None], value[..., 1], UNRESOLVED_VALUE),
        status=np.where(resolved, good, "unresolved"),
        planes=planes,
    )
