"""Chern numbers of the sectors of a unitary symmetry, such as mirror Chern numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import InputError, KindError, ShapeError, why
from topophys.invariants._limits import MAX_DEPTH, dimension
from topophys.invariants._saving import Saved, require_certified, required
from topophys.invariants._scaling import divide_out, error_of
from topophys.invariants._slices import Slice, rows_of, slice_at
from topophys.invariants._symmetry import KIND, Apart, block_error, corner, corner_sums
from topophys.invariants._symmetry_files import sector_document
from topophys.invariants.chern import certify_chern
from topophys.invariants.evidence import Asked, Question, closing
from topophys.invariants.gap import certify_gap
from topophys.invariants.results import (
    OnUnresolved,
    Result,
    check_on_unresolved,
    lowest,
    masked,
    settle,
)
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import UP, lower_bound, slack_of, upper_bound

__all__ = ["SectorChern", "mirror_chern"]

#: Distance of eigenvalues of an operator that belong to one sector.
APART: Final = 1e-6


#: Question, eigenvalues and bases of both sectors, operator, and Chern numbers.
FileQuestion: TypeAlias = tuple[
    Question,
    NDArray[np.complex128],
    list[NDArray[np.complex128]],
    NDArray[np.complex128],
    list[int],
]


@dataclass(frozen=True, eq=False, repr=False)
class SectorChern(Saved, Result):
    r"""Chern numbers of the occupied states in each eigenspace of a unitary symmetry.

    Attributes
    ----------
    sectors : int64 ndarray of shape (..., S)
        Chern number of each sector; a masked array where elements are unresolved.
    phases : complex128 ndarray of shape (S,)
        Eigenvalue of the operator in each sector, by its angle from 0 to 2 pi: of a mirror 1 and
        -1, or i and -i.
    status : str ndarray of shape (...)
        "certified" (proven of the Hamiltonian whose part that couples sectors is left out, which
        is one phase with the given one) or "unresolved".
    gap_lower, gap_upper : float64 ndarray of shape (...)
        Proven lower bound of the gap with the symmetry, and the smallest gap met.
    symmetry_violation : float64 ndarray of shape (...)
        Rigorous upper bound of twice the norm of what couples sectors.
    reason : str ndarray of shape (...)
        Why unresolved, as in `Certificate`.
    evaluations : int64 ndarray of shape (...)
        Number of evaluated k points, in all proofs together.
    n_occupied, n_bands : int
        Of the Hamiltonian.
    k_at_gap_upper : float64 ndarray of shape (..., 2)
        Momentum in the plane of the smallest gap met.
    asked : Asked or None
        The Hamiltonians, for what is printed.
    planes : Slice or None
        The Hamiltonians on the plane, for files.
    operator : complex128 ndarray of shape (n, n) or None
        The unitary symmetry, for files.

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> found = tp.mirror_chern(tp.models.bhz(1.0), mirror=np.diag([1j, 1j, -1j, -1j]))
    >>> found.sectors, float(found.value)
    (array([ 1, -1]), 1.0)
    """

    sectors: Int[np.ndarray, "... S"]
    phases: np.ndarray
    status: Shaped[np.ndarray, "..."]
    gap_lower: Float[np.ndarray, "..."]
    gap_upper: Float[np.ndarray, "..."]
    symmetry_violation: Float[np.ndarray, "..."]
    reason: Shaped[np.ndarray, "..."]
    evaluations: Int[np.ndarray, "..."]
    n_occupied: int
    n_bands: int
    k_at_gap_upper: Float[np.ndarray, "... 2"]
    asked: Asked | None = None
    planes: Slice | None = None
    operator: NDArray[np.complex128] | None = None

    def _document(self, index: int | tuple[int, ...] | None = None) -> dict[str, Any]:
        """Content of the file of one element: the difference of the numbers of two sectors."""
        where = require_certified(self, "mirror Chern number", index)
        return sector_document(*self.asked_of_file(where), float(self.gap_lower[where]))

    def asked_of_file(self, where: tuple[int, ...]) -> FileQuestion:
        """Question of one element, eigenvalues and bases, operator, and Chern numbers."""
        h, operator = required(self.planes), required(self.operator)
        question = Question(
            "mirror Chern number, times two",
            h.vectors,
            h.amplitudes[where],
            self.n_occupied,
            0.0 if h.amplitude_error is None else float(h.amplitude_error[where]),
        )
        phases, bases = _eigenspaces(operator, self.n_bands)
        numbers = np.ma.getdata(self.sectors)[where].tolist()
        return question, phases, bases, operator, numbers

    def __post_init__(self) -> None:
        known = np.broadcast_to(self.resolved[..., None], self.sectors.shape)
        object.__setattr__(self, "sectors", masked(self.sectors, known))

    @property
    def question(self) -> str:
        """The question that is answered: quantity, bands, dimension."""
        return f"Chern numbers of the sectors of {lowest(self.n_occupied, self.n_bands, 2)}"

    @property
    def value(self) -> Float[np.ndarray, "..."]:
        """Mirror Chern number (C_0 - C_1) / 2 of two sectors; masked where unresolved."""
        if len(self.phases) != 2:
            raise InputError(
                f"A mirror Chern number needs two sectors, but there are {len(self.phases)}; use"
                " `.sectors`."
            )
        plain = np.ma.getdata(self.sectors)
        half = np.asarray(np.where(self.resolved, 0.5 * (plain[..., 0] - plain[..., 1]), np.nan))
        if self.resolved.all():
            return half
        return np.ma.MaskedArray(half, mask=~self.resolved, fill_value=np.nan)

    def _columns(self) -> dict[str, NDArray[Any]]:
        columns = {n: getattr(self, n) for n in ("status", "gap_lower", "gap_upper", "evaluations",
                                                 "reason", "symmetry_violation")}  # fmt: skip
        return {f"sector_{i}": self.sectors[..., i] for i in range(len(self.phases))} | columns

    def _one(self) -> str:
        return ", ".join(f"{c:+d}" if c else "0" for c in self.sectors.reshape(-1).tolist())

    def _rows(self) -> list[tuple[str, str]]:
        if not self.status.size:
            return []
        angles = ", ".join(f"{x:.3g}" for x in np.angle(self.phases) / np.pi)
        rows = [("eigenvalues", f"exp(i pi x) for x = {angles}")]
        low, met = self.gap_lower.min(), self.gap_upper.min()
        proven = f"at least {low:.3g} (proven), " if low > 0.0 else ""
        rows.append(("energy gap", f"{proven}at most {met:.3g}"))
        rows.append(("sectors kept", f"up to {0.5 * self.symmetry_violation.max():.3g} (in norm)"))
        message = why(self.reason[~self.resolved].ravel().tolist())
        rows += [("reason", message)] if message else []
        rows += closing(self.reason, self.k_at_gap_upper)
        return [*rows, *(self.asked.rows() if self.asked else ())]


def mirror_chern(
    H: FourierLike,
    *,
    mirror: ArrayLike,
    axis: int | None = None,
    plane: Literal["0", "pi"] = "0",
    n_occupied: int | None = None,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = 100_000,
    on_unresolved: OnUnresolved = "mask",
) -> SectorChern:
    r"""Chern numbers of mirror sectors, or of those of any unitary that commutes with H, proven.

    .. math:: M H(k) M^\dagger = H(k), \qquad
        C_M = \tfrac12 (C_{0} - C_{1})

    on the plane where the mirror leaves momenta as they are. The eigenspaces of M are not coupled
    there; the gap of their sum, the number of occupied states in each and the Chern number of
    each block are proven. Any unitary with a few eigenvalues will do.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in two dimensions, or in three with `axis`; or a batch.
    mirror : array-like of shape (n, n)
        Unitary M, the same at every k of the plane. It commutes with H(k) up to a violation that
        must stay below the proven gap.
    axis : int, optional
        In three dimensions: the component of the momentum that is fixed.
    plane : {"0", "pi"}, optional
        Where it is fixed. The plane is oriented by the other two axes in cyclic order.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given.
    max_depth, max_evaluations : int, optional
        As for `certify_chern`, of each proof.
    on_unresolved : {"mask", "raise"}, optional
        Where there are no integers: mask them and say so in the status, or raise.

    Returns
    -------
    SectorChern
        Integers of all sectors, status, gaps and violation, each of shape (...).

    Raises
    ------
    KindError
        If `H` has another dimension.
    ShapeError, InputError
        If the operator is not unitary to six digits, or an option does not fit.
    UnresolvedError
        If asked for and integers are unresolved.

    References
    ----------
    .. [1] J. C. Y. Teo, L. Fu, C. L. Kane, Phys. Rev. B 78, 045426 (2008).
    .. [2] T. H. Hsieh, H. Lin, J. Liu, W. Duan, A. Bansil, L. Fu, Nat. Commun. 3, 982 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> s_z = np.diag([1j, 1j, -1j, -1j])
    >>> mirror_chern(tp.models.bhz([-1.0, 1.0, 5.0]), mirror=s_z).value
    array([ 0.,  1., -1.])
    """
    check_on_unresolved(on_unresolved)
    _validation.one_of(plane, "plane", ("0", "pi"))
    if dimension(H) != (2 if axis is None else 3):
        raise KindError(
            "Argument `H` must be a Hamiltonian in Fourier form in two dimensions, or in three"
            f" with `axis`, but is {_validation.short(H)}."
        )
    filled = _validation.occupied(H.n_occupied if n_occupied is None else n_occupied, H.n_bands)
    half = np.array(int(plane == "pi"))
    h = H if axis is None else slice_at(H, axis, half, halves=True, n_occupied=filled)
    phases, bases = _eigenspaces(mirror, H.n_bands)
    options = {"max_depth": max_depth, "max_evaluations": max_evaluations}
    rows, exponent = divide_out(rows_of(h))
    error = error_of(h, exponent)
    found = [
        _of_one(Slice(h.vectors, row, filled, np.asarray(e)), bases, filled, options)
        for row, e in zip(rows, error, strict=True)
    ]
    batch = h.batch_shape
    numbers = np.array([one.numbers for one in found], np.int64).reshape(*batch, len(bases))

    def column(name: str) -> NDArray[np.float64]:
        return np.array([getattr(one, name) for one in found], np.float64)

    result = SectorChern(
        sectors=numbers,
        phases=phases,
        status=np.array(["unresolved" if one.reason else "certified" for one in found]).reshape(
            batch
        ),
        gap_lower=lower_bound(column("gap_lower"), exponent).reshape(batch),
        gap_upper=upper_bound(column("gap_upper"), exponent).reshape(batch),
        symmetry_violation=upper_bound(column("violation"), exponent).reshape(batch),
        reason=np.array([one.reason for one in found], dtype="<U10").reshape(batch),
        evaluations=column("evaluations").astype(np.int64).reshape(batch),
        n_occupied=filled,
        n_bands=H.n_bands,
        k_at_gap_upper=np.array([one.k for one in found], np.float64).reshape(*batch, 2),
        asked=Asked(H, "mirror Chern number", filled),
        planes=Slice(
            h.vectors,
            h.amplitudes,
            filled,
            np.broadcast_to(np.asarray(getattr(h, "amplitude_error", 0.0), np.float64), batch),
        ),
        operator=np.asarray(mirror, dtype=np.complex128),
    )
    return settle(result, on_unresolved, "mirror Chern number")


def _eigenspaces(
    operator: ArrayLike, n: int
) -> tuple[NDArray[np.complex128], list[NDArray[np.complex128]]]:
    """Eigenvalues of a unitary, by their angles, and orthonormal bases of their eigenspaces."""
    u = _validation.as_complex(operator, "mirror", "(..., n, n)")
    if u.shape != (n, n):
        raise ShapeError(f"Argument `mirror` must have shape ({n}, {n}), but has {u.shape}.")
    off = float(np.abs(u).max())
    if off < 2.0:  # products of others may leave the range
        off = float(np.abs(u @ u.conj().T - np.eye(n)).max())
    if off > KIND:
        raise InputError(
            f"Argument `mirror` must be unitary to six digits, but deviates by {off:.3g}."
        )
    left, _, right = np.linalg.svd(u)
    u = left @ right
    # a Hermitian function of U that tells all eigenvalues apart has the same eigenspaces
    _, state = np.linalg.eigh(_hermitian(u) + 0.6180339887 * _hermitian(-1j * u))
    values = np.einsum("ij,ik,kj->j", state.conj(), u, state)
    angle = np.angle(values) % (2.0 * np.pi)
    angle[angle > 2.0 * np.pi - APART] -= 2.0 * np.pi
    order = np.argsort(angle, kind="stable")
    cuts = np.flatnonzero(np.diff(angle[order]) > APART) + 1
    groups = np.split(order, cuts)
    if len(groups) < 2:
        raise InputError("Argument `mirror` must have at least two eigenvalues, but has one.")
    phases = np.array([np.exp(1j * angle[g].mean()) for g in groups])
    return phases, [np.ascontiguousarray(state[:, g]) for g in groups]


def _hermitian(x: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.asarray(0.5 * (x + x.conj().T))


@dataclass(frozen=True, eq=False)
class _One:
    """What was found for one Hamiltonian, divided by a power of two."""

    numbers: Sequence[int]
    gap_upper: float
    violation: float
    reason: str
    gap_lower: float = 0.0
    evaluations: int = 4
    k: tuple[float, float] = (np.nan, np.nan)


def _of_one(
    h: Slice, bases: list[NDArray[np.complex128]], filled: int, options: dict[str, Any]
) -> _One:
    """Prove gap, fillings and Chern numbers of one plane; or say why not."""
    size = np.linalg.norm(h.amplitudes, axis=(-2, -1))
    formed = UP * float(block_error(bases, size).sum())
    given = 0.0 if h.amplitude_error is None else float(h.amplitude_error)
    error = UP * (given + formed)
    blocks = [v.conj().T @ h.amplitudes @ v for v in bases]
    kept = sum(v @ block @ v.conj().T for v, block in zip(bases, blocks, strict=True))
    rounded = (1.0 + np.sqrt(len(bases))) * formed
    apart = Apart(h.vectors, h.amplitudes - kept, rounded + 2.0 * given)
    levels = [eigenvalues(corner_sums(h.vectors, b[None])[0]) for b in blocks]
    every = np.sort(np.concatenate(levels, axis=-1), axis=-1)
    gaps = every[:, filled] - every[:, filled - 1]
    met, k = float(gaps.min()), corner(int(gaps.argmin()))
    off = float(slack_of(size, np.zeros(len(size), np.int64), h.n_bands, error))
    none = [0] * len(bases)
    if not met > 2.0 * UP * off:
        return _One(none, met, apart.plain, "closed gap", k=k)
    counts = [int((level[0] <= every[0, filled - 1]).sum()) for level in levels]
    whole, looks, reason, violation = _side_by_side(h, blocks, error), 4, "", apart.plain
    for violation in (apart.plain, apart.sharp):
        least = float(np.nextafter(violation, np.inf)) if violation > 0.0 else 0.0
        gap = certify_gap(whole, n_occupied=filled, min_gap=least, **options)
        looks += int(gap.evaluations)
        reason = "symmetry" if gap.reason == "small gap" and violation else str(gap.reason)
        if gap.certified or apart.sharp == apart.plain:
            break
    if gap.gap_upper < met:
        met, k = float(gap.gap_upper), tuple(gap.k_at_gap_upper.tolist())
    if reason:
        return _One(none, met, violation, reason, evaluations=looks, k=k)
    numbers = []
    for block, count in zip(blocks, counts, strict=True):
        if count in (0, block.shape[-1]):
            numbers.append(0)
            continue
        part = Slice(h.vectors, block, count, np.asarray(error))
        proof = certify_chern(part, n_occupied=count, **options)
        looks += int(proof.evaluations)
        if not proof.certified:
            k = tuple(proof.k_at_gap_upper.tolist())
            return _One(none, met, violation, str(proof.reason), evaluations=looks, k=k)
        numbers.append(int(proof))
    return _One(numbers, met, violation, "", float(gap.gap_lower), looks, k)


def _side_by_side(h: Slice, blocks: list[NDArray[np.complex128]], error: float) -> Slice:
    """Blocks of all sectors as one Hamiltonian, in the basis of the operator."""
    made, start = np.zeros_like(h.amplitudes), 0
    for block in blocks:
        end = start + block.shape[-1]
        made[:, start:end, start:end] = block
        start = end
    return Slice(h.vectors, made, h.n_occupied, np.asarray(error))
