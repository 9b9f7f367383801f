"""Certificates that rest on a symmetry: means over its group, and how far they are from H."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.errors import InputError
from topophys.invariants._saving import proof_of
from topophys.invariants._scaling import scaled, times_power
from topophys.invariants._slices import Slice
from topophys.invariants._symmetry import Apart, Operator, product_error
from topophys.invariants._tenfold_files import tenfold_document
from topophys.invariants.results import (
    UNRESOLVED_VALUE,
    Certificate,
    Evidence,
    OnUnresolved,
    settle,
)
from topophys.kernels.rounding import SMALLEST, UNIT, UP, upper_bound

__all__ = ["GroupMean", "Symmetry", "SymmetryCertificate", "group_mean", "joined", "settled"]


@dataclass(frozen=True, eq=False, repr=False)
class SymmetryCertificate(Certificate):
    r"""Invariants that a symmetry protects, each proven of the symmetrised Hamiltonian.

    A Hamiltonian in float64 has no exact symmetry. The integers are those of the mean
    :math:`H_s` of H over the group of the given operators, and are given only where
    :math:`2 \sup_k \|H - H_s\|` is below the proven gap of :math:`H_s`: H and it are then
    one phase.

    Attributes
    ----------
    quantity, value, status, gap_lower, gap_upper, k_at_gap_upper, evaluations, reason
        As in `Certificate`, of shape (...); the gap is that of the symmetrised Hamiltonian, that of
        the given one is at least ``gap_lower - symmetry_violation``.
    evidence, asked, parts
        As in `Certificate`.
    symmetry_violation : float64 ndarray of shape (...)
        Rigorous upper bound of :math:`2 \sup_k \|H - H_s\|`, in the units of the hoppings.

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> proof = tp.majorana_number(tp.models.kitaev_chain_bdg(0.5, 1.0, 0.7), particle_hole="nambu")
    >>> float(proof.symmetry_violation), proof.statement
    (0.0, 'of the given Hamiltonian, which has the symmetry exactly')
    """

    symmetry_violation: Float[np.ndarray, "..."] | None = None

    @property
    def statement(self) -> str:
        """Which Hamiltonian the values are about, in words."""
        worst = 0.0 if self.symmetry_violation is None else self.symmetry_violation.max(initial=0.0)
        if not worst > 0.0:
            return "of the given Hamiltonian, which has the symmetry exactly"
        away = 0.5 * np.nextafter(worst, np.inf)
        return f"of the symmetrised Hamiltonian, at most {away:.3g} from the given one"

    def _document(self, index: int | tuple[int, ...] | None = None) -> dict[str, Any]:
        """Content of the file of one element; of 3D winding numbers, of four bands."""
        if self.asked is None or self.asked.particle_hole is self.asked.operator is None:
            raise InputError(
                f"Certificate files hold no {self.quantity} without its operator; keep hoppings and"
                " operators, from which the proof can be repeated."
            )
        if self.asked.operator is not None:
            proof, value, gap = proof_of(self, index)
            return tenfold_document(proof.question, value, gap)
        return super()._document(index)

    def _rows(self) -> list[tuple[str, str]]:
        return [("statement", self.statement), *super()._rows()] if self.status.size else []

    def _columns(self) -> dict[str, NDArray[Any]]:
        return super()._columns() | {"symmetry_violation": np.asarray(self.symmetry_violation)}


def settled(
    proof: Certificate, quantity: str, violation: NDArray[np.float64], on_unresolved: OnUnresolved
) -> SymmetryCertificate:
    """Certificate of a mean over a group; unresolved where its gap is not above the violation.

    Shapes: `violation` (...).
    """
    bad = proof.certified & (violation > 0.0) & ~(proof.gap_lower > violation)
    kept = {f.name: getattr(proof, f.name) for f in fields(proof)}
    kept |= {
        "quantity": quantity,
        "value": np.where(bad, UNRESOLVED_VALUE, np.ma.getdata(proof.value)),
        "status": np.where(bad, "unresolved", proof.status),
        "gap_lower": np.where(bad, 0.0, proof.gap_lower),
        "reason": np.where(bad, "symmetry", proof.reason),
        "symmetry_violation": violation,
    }
    if proof.asked is not None:
        kept["asked"] = replace(proof.asked, quantity=quantity)
    return settle(SymmetryCertificate(**kept), on_unresolved, quantity)


def joined(found: Sequence[Evidence], dim: int) -> Evidence:
    """Evidence of many rows, one after the other, without what the proofs rest on."""
    if not found:
        none = np.zeros(0)
        return Evidence(
            none.astype(bool), none.astype(np.int64), none, none, np.zeros((0, dim)),
            none.astype(np.int64), none.astype(np.uint8),
        )  # fmt: skip
    return Evidence(
        proven=np.concatenate([f.proven for f in found]),
        value=np.concatenate([f.value for f in found]),
        gap_lower=np.concatenate([f.gap_lower for f in found]),
        gap_upper=np.concatenate([f.gap_upper for f in found]),
        k_at_gap_upper=np.concatenate([f.k_at_gap_upper for f in found]),
        evaluations=np.concatenate([f.evaluations for f in found]),
        status=np.concatenate([f.status for f in found]),
    )


# ------------------------------------------------------------- Means over a group, of whole batches


@dataclass(frozen=True, eq=False)
class Symmetry:
    """One operator S with S H S^-1 = sign H: S = U at the same k, or S = U K from k to -k."""

    operator: Operator
    sign: float = 1.0
    conjugates: bool = False


class GroupMean(NamedTuple):
    """Symmetrised Hamiltonians, flattened, and how far they are from the given ones.

    Attributes
    ----------
    h : Slice
        Batch of shape (B,), in the units of the hoppings, with its error.
    violation : float64 ndarray of shape (B,)
        Bound of twice the distance, by norms of all hoppings.
    scaled : complex128 ndarray of shape (B, M, n, n)
        Hoppings of the mean, divided by powers of two.
    exponent : int64 ndarray of shape (B,)
        Those powers.
    error : float64 ndarray of shape (B,)
        Distance from the exact mean, in the unit of `scaled`.
    difference : complex128 ndarray of shape (B, M, n, n)
        Given hoppings less those of the mean, in the unit of `scaled`.
    beyond : float64 ndarray of shape (B,)
        What rounding adds to the distance.
    """

    h: Slice
    violation: NDArray[np.float64]
    scaled: NDArray[np.complex128]
    exponent: NDArray[np.int64]
    error: NDArray[np.float64]
    difference: NDArray[np.complex128]
    beyond: NDArray[np.float64]

    def sharper(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Bounds from values on grids, of some rows."""
        vectors = self.h.vectors
        apart = (Apart(vectors, self.difference[b], float(self.beyond[b])) for b in rows)
        best = np.array([one.sharp for one in apart], np.float64)
        return np.asarray(upper_bound(best, self.exponent[rows]))


def group_mean(H: FourierLike, symmetries: Sequence[Symmetry], n_occupied: int) -> GroupMean:
    r"""Mean over a group whose operators commute up to phases, one operator after the other.

    .. math:: H_R \to \tfrac12 (H_R + s\, U H_R U^\dagger) \quad\text{or}\quad
        \tfrac12 (H_R + s\, U \bar H_R U^\dagger)

    Each step is a contraction, so that what is off before adds up. Twice the distance of H from the
    mean bounds how much a gap can close between the two (Weyl).
    """
    rows, exponent, error = scaled(H)
    mean, size = rows, np.linalg.norm(rows, axis=(-2, -1))
    off = np.zeros(size.shape)
    for one in symmetries:
        u = one.operator.matrix
        inner = mean.conj() if one.conjugates else mean
        image = one.sign * (u @ inner @ u.conj().T)
        off += 2.1 * one.operator.error * size
        if one.operator.rounds:
            off += product_error(len(u), size)
        same = (image == mean).all((-2, -1))
        off += np.where(same, 0.0, 2.0 * UNIT * size)
        mean = 0.5 * mean + 0.5 * image
    adjoint = _adjoint(H.vectors, mean)
    off += np.where((adjoint == mean).all((-2, -1)), 0.0, 2.0 * UNIT * size)
    mean = 0.5 * mean + 0.5 * adjoint
    formed = UP * off.sum(-1)
    beyond = formed + 2.0 * error
    difference = rows - mean
    plain = 2.0 * UP * (UP * np.linalg.norm(difference, axis=(-2, -1)).sum(-1) + beyond)
    total = UP * (error + formed)
    amplitudes, in_units = _in_units(mean, total, exponent)
    return GroupMean(
        Slice(H.vectors, amplitudes, n_occupied, in_units),
        upper_bound(plain, exponent),
        mean,
        exponent,
        total,
        difference,
        beyond,
    )


def _adjoint(vectors: NDArray[np.int64], rows: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Conjugate transposes of the hoppings of -R: what those of R have to be."""
    order = {tuple(v): m for m, v in enumerate(vectors.tolist())}
    opposite = [order[tuple(-x for x in v)] for v in vectors.tolist()]
    return np.asarray(rows[:, opposite].conj().swapaxes(-1, -2))


def _in_units(
    rows: NDArray[np.complex128], error: NDArray[np.float64], exponent: NDArray[np.int64]
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Hoppings (B, M, n, n) and error (B,) times 2^exponent; the error has what is cut off."""
    moved = times_power(rows, exponent)
    lost = ~np.isfinite(moved).all((1, 2, 3))
    moved[lost] = 0.0
    bound = upper_bound(error, exponent)
    cut = exponent < -900
    bound = np.where(cut, bound + 2.0 * math.prod(rows.shape[1:]) * SMALLEST, bound)
    return moved, np.where(lost, np.inf, bound)
