"""Chern numbers of finite, possibly disordered samples: spectral localizer and Bott index."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.invariants._saving import Saved, require_certified
from topophys.invariants._symmetry import orthonormality
from topophys.invariants._tenfold_files import Sample, localizer_document
from topophys.invariants.results import (
    OnUnresolved,
    Result,
    check_on_unresolved,
    masked,
    one_integer,
    settle,
    shares,
)
from topophys.invariants.wilson import checked_matrices
from topophys.kernels.rounding import UNIT, UP

__all__ = ["FiniteIndex", "bott_index", "localizer_index"]

#: Smallest distance of an eigenphase from pi, over pi, with which a Bott index is given.
MARGIN: Final = 0.02


@dataclass(frozen=True, eq=False)
class Samples:
    """A batch of samples (..., m, m) with one set of positions, and their localizer."""

    matrices: NDArray[np.complex128]
    positions: NDArray[np.float64]
    kappa: float
    energy: float
    centre: NDArray[np.float64]

    def sample(self, index: tuple[int, ...]) -> Sample:
        """One of the batch."""
        return Sample(
            self.matrices[index], self.positions, self.kappa, self.energy, self.centre
        )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class FiniteIndex(Saved, Result):
    r"""Integers of a batch of finite samples, with their evidence.

    Attributes
    ----------
    value : int64 ndarray of shape (...)
        Index, in the sign of the Chern number of the occupied states; masked where unresolved.
    status : str ndarray of shape (...)
        Of the localizer "certified": the signature of this matrix is proven; whether it is the
        Chern number of the bulk is a matter of size and kappa. Of the Bott index "converged". Or
        "unresolved".
    quantity : str
        "localizer index" or "Bott index".
    gap_lower : float64 ndarray of shape (...)
        Proven lower bound of the smallest singular value of the localizer; 0 without a proof. Any
        change of H by less keeps the index.
    gap_upper : float64 ndarray of shape (...)
        That singular value as computed; of the Bott index the gap above the occupied levels.
    evaluations : int64 ndarray of shape (...)
        One diagonalisation each.
    asked : Samples or None
        The samples and the localizer, for `save`.

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> atoms = np.diag([-1.0, 1.0] * 4)
    >>> where = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], 2, axis=0)
    >>> tp.localizer_index(atoms, where, kappa=0.1)
    Localizer index of a finite sample of 8 orbitals: 0 (certified)
      gap of the index at least ... (proven), at most ...
    """

    value: Int[np.ndarray, "..."]
    status: Shaped[np.ndarray, "..."]
    quantity: str
    gap_lower: Float[np.ndarray, "..."]
    gap_upper: Float[np.ndarray, "..."]
    evaluations: Int[np.ndarray, "..."]
    size: int
    asked: Samples | None = None

    def _document(self, index: int | tuple[int, ...] | None = None) -> dict[str, Any]:
        """Content of the file of one element; of a Bott index there are none."""
        if self.asked is None:
            raise InputError(f"Certificate files hold no {self.quantity}, which is not proven.")
        where = require_certified(self, self.quantity, index)
        return localizer_document(
            self.asked.sample(where), int(self.value[where]), float(self.gap_lower[where])
        )

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masked(self.value, self.resolved))

    @property
    def question(self) -> str:
        """The question that is answered, in words."""
        return f"{self.quantity} of a finite sample of {self.size} orbitals"

    def __int__(self) -> int:
        return one_integer(self.value, self.resolved, self.quantity)

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        if self.status.size > 1 and self.resolved.any():
            rows.append(("value", shares(self.value[self.resolved])))
        if self.status.size:
            low, met = self.gap_lower.min(), self.gap_upper.min()
            proven = f"at least {low:.3g} (proven), " if low > 0.0 else ""
            rows.append(("gap of the index", f"{proven}at most {met:.3g}"))
        return rows


def _sample(
    h: ArrayLike, positions: ArrayLike
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Matrices (..., M, M) and positions (M, 2) of their orbitals."""
    matrices = checked_matrices(h, "h", "(..., M, M)")
    where = _validation.as_real(positions, "positions", "(..., M, 2)")
    if where.shape != (matrices.shape[-1], 2):
        raise ShapeError(
            f"Argument `positions` must have shape ({matrices.shape[-1]}, 2), but has"
            f" {where.shape}."
        )
    return matrices, where


def localizer_index(
    h: ArrayLike,
    positions: ArrayLike,
    *,
    kappa: float,
    energy: float = 0.0,
    centre: ArrayLike | None = None,
    on_unresolved: OnUnresolved = "mask",
) -> FiniteIndex:
    r"""Half-signature of the spectral localizer of finite samples in two dimensions, proven.

    .. math:: L_\kappa = \begin{pmatrix} H - E & \kappa (X - i Y) \\
        \kappa (X + i Y) & -(H - E) \end{pmatrix}, \qquad
        C = -\tfrac12 \mathrm{sig}\, L_\kappa

    Levels and states of L are computed; what they miss of it is bounded, and by Sylvester and
    Weyl the signature is proven where no level is nearer to 0 than that. It is the Chern number
    of the states below E if kappa is small compared with the gap and the sample large.

    Parameters
    ----------
    h : array-like of shape (..., M, M)
        Hermitian matrices of samples with open edges.
    positions : array-like of shape (M, 2)
        Positions of the orbitals.
    kappa : float
        Weight of the positions, in units of energy over length; about the gap over the size of
        the sample.
    energy : float, optional
        Fermi energy E, in a gap of the bulk.
    centre : array-like of shape (2,), optional
        Point that positions are measured from; the mean of all where not given.
    on_unresolved : {"mask", "raise"}, optional
        Where a level is 0 to rounding: mask the value, or raise.

    Returns
    -------
    FiniteIndex
        Value, status and gap of the localizer, each of shape (...).

    Raises
    ------
    ShapeError, InputError
        If an argument has other axes, is not finite or Hermitian, or kappa is not positive.
    UnresolvedError
        If asked for and a value is unresolved.

    References
    ----------
    .. [1] T. A. Loring, H. Schulz-Baldes, New York J. Math. 23, 1111 (2017).
    .. [2] A. Cerjan, T. A. Loring, J. Math. Phys. 63, 013503 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> n, h = 10, tp.models.qwz(-1.0)
    >>> cells = np.array([(x, y) for x in range(n) for y in range(n)])
    >>> step = {tuple(r): m for r, m in h.hoppings.items()}
    >>> flake = np.block([[step.get(tuple(b - a), np.zeros((2, 2))) for b in cells] for a in cells])
    >>> int(localizer_index(flake, np.repeat(cells, 2, axis=0), kappa=0.2))
    1
    """
    check_on_unresolved(on_unresolved)
    matrices, where = _sample(h, positions)
    if not 0.0 < kappa < math.inf:
        raise InputError(f"Argument `kappa` must be a finite number > 0, but is {kappa}.")
    if not math.isfinite(energy):
        raise InputError(f"Argument `energy` must be finite, but is {energy}.")
    origin = where.mean(0) if centre is None else _validation.as_real(centre, "centre", "(..., 2)")
    if origin.shape != (2,):
        raise ShapeError(f"Argument `centre` must have shape (2,), but has {origin.shape}.")
    m, batch = matrices.shape[-1], matrices.shape[:-2]
    flat = matrices.reshape(math.prod(batch), m, m)
    step = kappa * ((where[:, 0] - origin[0]) + 1j * (where[:, 1] - origin[1]))
    scale = max(float(np.abs(flat).max(initial=0.0)), float(np.abs(step).max()), abs(energy))
    unit = np.ldexp(1.0, -int(np.frexp(scale)[1])) if scale > 0.0 else 1.0
    value, low = np.zeros(len(flat), np.int64), np.zeros(len(flat))
    met = np.zeros(len(flat))
    for b, one in enumerate(flat):
        shifted = unit * one - unit * energy * np.eye(m)
        ladder = np.diag(unit * step)
        localizer = np.block([[shifted, ladder.conj()], [ladder, -shifted]])
        level, off = _levels(localizer)
        least = float(np.abs(level).min())
        met[b], low[b] = least / unit, max(0.0, least - off) / unit
        value[b] = -(int((level > 0.0).sum()) - m)
    good = low > 0.0
    result = FiniteIndex(
        value=value.reshape(batch),
        status=np.where(good, "certified", "unresolved").reshape(batch),
        quantity="localizer index",
        gap_lower=low.reshape(batch),
        gap_upper=met.reshape(batch),
        evaluations=np.ones(batch, np.int64),
        size=m,
        asked=Samples(matrices, where, float(kappa), float(energy), origin),
    )
    return settle(result, on_unresolved, "localizer index")


def _levels(a: NDArray[np.complex128]) -> tuple[NDArray[np.float64], float]:
    """Levels of a Hermitian matrix with entries up to 1, and a bound of what moves them.

    A = V D V^dagger + R with computed V and D: the first term has as many positive levels as D has
    (Sylvester), each at least (1 - |V^dagger V - 1|) |d| from 0, and R moves them by |R| (Weyl).
    """
    n = len(a)
    level, state = np.linalg.eigh(a)
    rebuilt = (state * level) @ state.conj().T
    size = float(np.linalg.norm(level))
    rounding = 8.0 * (n + 8) * UNIT * np.sqrt(n) * size + 4.0 * UNIT * float(np.linalg.norm(a))
    off = float(np.linalg.norm(a - rebuilt)) + rounding
    skew = orthonormality(state)
    return level, UP * (off + skew * float(np.abs(level).max()))


def bott_index(
    h: ArrayLike,
    positions: ArrayLike,
    *,
    period: ArrayLike,
    n_occupied: int,
    on_unresolved: OnUnresolved = "mask",
) -> FiniteIndex:
    r"""Bott index of finite samples on a torus: how far two unitaries are from commuting.

    .. math:: U = P e^{2\pi i X/L_x} P + 1 - P, \quad V = P e^{2\pi i Y/L_y} P + 1 - P, \qquad
        C = \frac{1}{2\pi} \mathrm{Im}\, \mathrm{Tr} \log (V U V^\dagger U^\dagger)

    with the projector P on the occupied states, and U, V made unitary. The sum of eigenphases is an
    integer; it is given where none of them is near the cut of the logarithm.

    Parameters
    ----------
    h : array-like of shape (..., M, M)
        Hermitian matrices of samples with periodic edges.
    positions : array-like of shape (M, 2)
        Positions of the orbitals.
    period : array-like of shape (2,)
        Lengths L_x and L_y of the sample.
    n_occupied : int
        Number of occupied states.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no integer: mask the value, or raise.

    Returns
    -------
    FiniteIndex
        Value, status and gap, each of shape (...).

    Raises
    ------
    ShapeError, InputError
        If an argument has other axes, is not finite or Hermitian, or makes no sense.
    UnresolvedError
        If asked for and a value is unresolved.

    References
    ----------
    .. [1] T. A. Loring, M. B. Hastings, EPL 92, 67004 (2010).
    .. [2] D. Toniolo, Lett. Math. Phys. 112, 126 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> n, h = 8, tp.models.qwz(-1.0)
    >>> cells = np.array([(x, y) for x in range(n) for y in range(n)])
    >>> step = {tuple(np.mod(r, n)): m for r, m in h.hoppings.items()}
    >>> torus = np.block([[step.get(tuple(np.mod(b - a, n)), np.zeros((2, 2))) for b in cells]
    ...                   for a in cells])
    >>> int(bott_index(torus, np.repeat(cells, 2, axis=0), period=[n, n], n_occupied=n * n))
    1
    """
    check_on_unresolved(on_unresolved)
    matrices, where = _sample(h, positions)
    lengths = _validation.as_real(period, "period", "(..., 2)")
    if lengths.shape != (2,) or not (lengths > 0.0).all():
        raise InputError("Argument `period` must be two positive lengths, but is not.")
    filled = _validation.occupied(n_occupied, matrices.shape[-1])
    batch, m = matrices.shape[:-2], matrices.shape[-1]
    flat = matrices.reshape(math.prod(batch), m, m)
    turns: Any = np.exp(2j * np.pi * where / lengths)
    value, good = np.zeros(len(flat), np.int64), np.zeros(len(flat), bool)
    gap = np.zeros(len(flat))
    for b, one in enumerate(flat):
        level, state = np.linalg.eigh(one)
        gap[b] = level[filled] - level[filled - 1]
        occupied = state[:, :filled]
        loops = []
        for axis in range(2):
            left, sigma, right = np.linalg.svd(
                occupied.conj().T @ (turns[:, axis, None] * occupied)
            )
            good[b] = sigma[-1] > MARGIN if axis == 0 else good[b] and sigma[-1] > MARGIN
            loops.append(left @ right)
        u, v = loops
        phases = np.angle(np.linalg.eigvals(v @ u @ v.conj().T @ u.conj().T))
        total = float(phases.sum()) / (2.0 * np.pi)
        value[b] = round(total)
        clear = np.abs(phases).max() < np.pi * (1.0 - MARGIN)
        good[b] &= bool(clear and abs(total - round(total)) < 1e-6 and gap[b] > 0.0)
    result = FiniteIndex(
        value=value.reshape(batch),
        status=np.where(good, "converged", "unresolved").reshape(batch),
        quantity="Bott index",
        gap_lower=np.zeros(batch),
        gap_upper=gap.reshape(batch),
        evaluations=np.ones(batch, np.int64),
        size=m,
    )
    return settle(result, on_unresolved, "Bott index")
