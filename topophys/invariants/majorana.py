"""Z2 invariants of superconducting chains: Majorana numbers of classes D and DIII."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import InputError
from topophys.invariants._cocycle import gap_evidence
from topophys.invariants._limits import MAX_DEPTH, Limits, limits
from topophys.invariants._scaling import divide_out
from topophys.invariants._slices import Slice, require_dimension
from topophys.invariants._symmetry import (
    KIND,
    Operator,
    block_error,
    orthonormality,
    reversal_operator,
)
from topophys.invariants._winding import winding_evidence
from topophys.invariants.evidence import Asked, ChiralBasis, WindingEvidence
from topophys.invariants.gap import IndirectGap, certify_gap
from topophys.invariants.results import (
    Certificate,
    Evidence,
    OnUnresolved,
    check_on_unresolved,
    conclude,
)
from topophys.invariants.symmetric import (
    GroupMean,
    Symmetry,
    SymmetryCertificate,
    group_mean,
    joined,
    settled,
)
from topophys.kernels import status as st
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import UNIT, UP, lower_bound, upper_bound
from topophys.kernels.small_linalg import crossing, determinants, pfaffians

__all__ = ["majorana_number"]

#: Orders of the operators in a BdG Hamiltonian, and the U of C = U K that belongs to each.
ORDERS: Final = ("nambu", "alternating", "majorana")
#: Blocks up to this size and with up to so many coefficients are first tried by their determinant.
SMALL_BLOCK: Final = 8
FEW: Final = 17


# ---------------------------------------------------------- Particle-hole symmetry, Majorana basis


class MajoranaBasis(NamedTuple):
    """Particle-hole symmetry C = U K, U = V V^T exactly up to an error, and the columns V."""

    operator: Operator
    columns: NDArray[np.complex128]


def particle_hole_operator(operator: ArrayLike | str, n: int) -> MajoranaBasis:
    """Check the U (n, n) of C = U K with C^2 = +1, and find the basis in which C = K.

    Unitary with U conj(U) = 1 means unitary and symmetric: U = O diag(e^(i theta)) O^T with O real
    and orthogonal (Takagi), so that V = O diag(e^(i theta / 2)).
    """
    if n % 2:
        raise InputError(
            f"Argument `H` must have an even number of bands, but has {n}: a chain with particle-"
            "hole symmetry and an odd number has a level at zero energy."
        )
    if isinstance(operator, str):
        _validation.one_of(operator, "particle_hole", ORDERS)
        if operator == "majorana":
            return MajoranaBasis(Operator(np.eye(n, dtype=np.complex128), 0.0, False), _one(n))
        pair = np.sqrt(0.5) * np.array([[1.0, 1.0j], [1.0, -1.0j]])
        swap, same = np.array([[0.0, 1.0], [1.0, 0.0]]), np.eye(n // 2)
        u, v = (
            (np.kron(x, same) if operator == "nambu" else np.kron(same, x)).astype(np.complex128)
            for x in (swap, pair)
        )
        return MajoranaBasis(Operator(u, 0.0, False), v)
    u = _validation.as_complex(operator, "particle_hole", "(n, n)")
    if u.shape != (n, n):
        raise InputError(f"Argument `particle_hole` must have shape ({n}, {n}), but has {u.shape}.")
    off = float(np.abs(u).max())
    if off < 2.0:  # products of others may leave the range
        off = max(np.abs(u @ u.conj().T - np.eye(n)).max(), np.abs(u - u.T).max())
    if off > KIND:
        raise InputError(
            "Argument `particle_hole` must be unitary with U conj(U) = 1 to six digits (C^2 = +1,"
            f" classes D and DIII), but deviates by {off:.3g}."
        )
    mean = 0.5 * (u + u.T)
    columns = _takagi(mean)
    exact = _monomial_real(u)
    near = u if exact else columns @ columns.T
    rounding = 0.0 if exact else 4.0 * (n + 4) * UNIT * n
    error = 0.0 if exact else UP * (2.1 * orthonormality(columns) + rounding)
    return MajoranaBasis(Operator(near, error, not exact), columns)


def _one(n: int) -> NDArray[np.complex128]:
    return np.eye(n, dtype=np.complex128)


def _monomial_real(u: NDArray[np.complex128]) -> bool:
    """Whether U only permutes orbitals in pairs, up to signs: products with it do not round."""
    size = np.abs(u)
    whole = ((size == 0.0) | (size == 1.0)).all() and not u.imag.any()
    return bool(whole and (size.sum(0) == 1.0).all() and (u == u.T).all())


def _takagi(u: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Columns V with V V^T = u, for a symmetric matrix that is about unitary."""
    best, least = u, np.inf
    for weight in (0.6180339887498949, -1.3247179572447460, 2.4142135623730951, 0.1234567890123):
        # real and imaginary part commute: one orthogonal matrix diagonalises both
        _, real = np.linalg.eigh(u.real + weight * u.imag)
        phases = np.angle(np.einsum("ij,ik,kj->j", real, u, real))
        columns = real * np.exp(0.5j * phases)
        off = float(np.abs(columns @ columns.T - u).max())
        if off < least:
            best, least = columns, off
    return best


# ------------------------------------------------------------------------- Gaps of such chains


@dataclass(frozen=True, eq=False)
class _Block:
    """Bloch matrices taken as the block D(k) of a chiral chain: its gap is that around E = 0."""

    block_range: tuple[int, int]
    block_amplitudes: NDArray[np.complex128]
    amplitude_error: NDArray[np.float64]


def _block_of(vectors: NDArray[np.int64], rows: NDArray[np.complex128], error: Any) -> _Block:
    """Dense coefficients from those of some vectors (M, 1)."""
    orders = vectors[:, 0]
    low, high = int(orders.min()), int(orders.max())
    dense = np.zeros((len(rows), high - low + 1, *rows.shape[2:]), np.complex128)
    dense[:, orders - low] = rows
    return _Block((low, high), dense, np.asarray(error))


def _rows(h: Slice, where: NDArray[np.intp]) -> Slice:
    error = np.zeros(h.batch_shape) if h.amplitude_error is None else h.amplitude_error
    return Slice(h.vectors, h.amplitudes[where], h.n_bands // 2, error[where])


def _filled_in(
    first: Evidence, where: NDArray[np.intp], rest: Certificate | IndirectGap
) -> Evidence:
    """Evidence in which some rows come from a second attempt."""
    proven, gap, met = first.proven.copy(), first.gap_lower.copy(), first.gap_upper.copy()
    k, looks, status = first.k_at_gap_upper.copy(), first.evaluations.copy(), first.status.copy()
    good = rest.status == "certified"
    proven[where], gap[where] = good, rest.gap_lower
    at = rest.k_at_gap_upper if isinstance(rest, Certificate) else rest.k_conduction
    upper = np.maximum(rest.gap_upper, 0.0)
    smaller = ~(met[where] < upper)
    met[where] = np.where(smaller, upper, met[where])
    k[where] = np.where(smaller[:, None], at, k[where])
    looks[where] += rest.evaluations
    words = {"budget": st.BUDGET, "depth": st.DEPTH, "small gap": st.SMALL_GAP, "rounding":
             st.ROUNDING, "closed gap": st.CLOSED_GAP, "": st.OK}  # fmt: skip
    codes = np.array([words[str(word)] for word in rest.reason], np.uint8)
    codes[rest.status == "refuted"] = st.CLOSED_GAP
    status[where] = codes
    value = np.zeros(len(proven), np.int64)
    return Evidence(proven, value, gap, met, k, looks, status)


def _gaps(h: Slice, kind: str, checked: Limits) -> Evidence:
    """Prove gaps at half filling (direct), or around E = 0 (indirect), of chains (B,)."""
    n, filled = h.n_bands, h.n_bands // 2
    orders = h.vectors[:, 0]
    if n <= SMALL_BLOCK and orders.max() - orders.min() < FEW:
        # the determinant first: several times faster, and a gap around 0 is a direct gap too
        first = winding_evidence(_block_of(h.vectors, h.amplitudes, h.amplitude_error), checked)
        first = replace(first, value=np.zeros(len(first.proven), np.int64))
    else:
        size = len(h.amplitudes)
        first = Evidence(
            np.zeros(size, bool), np.zeros(size, np.int64), np.zeros(size), np.full(size, np.inf),
            np.zeros((size, 1)), np.zeros(size, np.int64), np.full(size, st.BUDGET, np.uint8),
        )  # fmt: skip
    left = np.flatnonzero(~first.proven)
    if kind == "direct":
        done = np.flatnonzero(first.proven)  # what was met is the gap around 0
        first.gap_upper[done] = _direct_gap(h, done, first.k_at_gap_upper[done, 0])
    if not len(left):
        return first
    rest: Certificate | IndirectGap
    if kind == "direct":
        # particle-hole symmetry turns the levels at -k around: the gap in the middle is the same
        found = gap_evidence(_rows(h, left), filled, checked, evidence=False, mirrored=True)
        first.gap_upper[left] = np.inf  # the gap around 0, which may be closed
        rest = conclude("gap", found, (len(left),), "mask")
    else:
        rest = certify_gap(
            _rows(h, left), level=0.0, n_occupied=filled, min_gap=checked.min_gap,
            max_depth=min(checked.max_depth, 24), max_evaluations=checked.max_evaluations,
        )  # fmt: skip
    return _filled_in(first, left, rest)


def _direct_gap(h: Slice, where: NDArray[np.intp], k: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bound the direct gap of chains (B,) at one momentum each (B,) from above."""
    rows, exponent = divide_out(h.amplitudes[where])
    phases = np.exp(1j * k[:, None] * h.vectors[:, 0])
    levels = eigenvalues(np.einsum("bm,bmij->bij", phases, rows))
    filled = h.n_bands // 2
    size = np.linalg.norm(rows, axis=(-2, -1)).sum(-1)
    reach = 4.0 + float(np.abs(h.vectors).max(initial=0)) + h.n_bands + rows.shape[1]
    met = levels[:, filled] - levels[:, filled - 1] + 8.0 * UNIT * reach * size
    error = 0.0 if h.amplitude_error is None else 2.0 * np.asarray(h.amplitude_error)[where]
    return upper_bound(np.maximum(met, 0.0) * UP, exponent) + error


def _above_violation(
    mean: GroupMean, found: Evidence, kind: str, checked: Limits
) -> tuple[Evidence, NDArray[np.float64]]:
    """Prove gaps above the violation where the first bound is not."""
    violation = mean.violation.copy()
    left = np.flatnonzero(found.proven & (violation > 0.0) & ~(found.gap_lower > violation))
    if len(left):
        violation[left] = np.minimum(violation[left], mean.sharper(left))
    for b in left[~(found.gap_lower[left] > violation[left])]:
        if not np.isfinite(violation[b]):
            continue
        least = max(checked.min_gap, float(np.nextafter(violation[b], np.inf)))
        again = _gaps(_rows(mean.h, np.array([b])), kind, replace(checked, min_gap=least))
        if again.proven[0]:
            found.gap_lower[b] = again.gap_lower[0]
            found.gap_upper[b] = again.gap_upper[0]
            found.k_at_gap_upper[b] = again.k_at_gap_upper[0]
        found.evaluations[b] += again.evaluations[0]
    return found, violation


# --------------------------------------------------------------------------- Majorana number


def majorana_number(
    H: FourierLike,
    *,
    particle_hole: ArrayLike | Literal["nambu", "alternating", "majorana"],
    time_reversal: ArrayLike | Literal["up first", "alternating"] | None = None,
    kind: Literal["indirect", "direct"] = "indirect",
    min_gap: float = 0.0,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = 100_000,
    on_unresolved: OnUnresolved = "mask",
) -> SymmetryCertificate:
    r"""Prove the Z2 invariant of superconducting chains, the parity of Majorana end modes.

    .. math:: (-1)^\nu = \mathrm{sign}\,[\mathrm{Pf}\,A(0)\;\mathrm{Pf}\,A(\pi)], \qquad
        H(k) = i A(k) \;\text{ in a Majorana basis, where } C = K

    (class D). With time reversal as well (class DIII) it is the parity of Kramers pairs of Majorana
    modes; H is then off-diagonal with a block :math:`D(k) = -D(-k)^T`, and

    .. math:: (-1)^\nu = \frac{\mathrm{Pf}\,D(\pi)}{\mathrm{Pf}\,D(0)} \exp\Big(-\tfrac12
        \int_0^\pi \mathrm{d} \log\det D(k)\Big)

    The gap is proven for all k. The Pfaffians are exact ones of matrices which differ from the
    given by less than half of it, so that their signs, and with the continuous phase of det D the
    integer, are proven too. The value is that of the symmetrised Hamiltonian.

    Parameters
    ----------
    H : FourierHamiltonian
        Bogoliubov-de Gennes chain with an even number of bands, or a batch.
    particle_hole : array-like of shape (n, n), or {"nambu", "alternating", "majorana"}
        Unitary U of C = U K, C^2 = +1, :math:`U H(-k)^* U^\dagger = -H(k)`. Or the order of
        the basis: all :math:`c` before all :math:`c^\dagger`, both of each orbital in turn, or
        Majorana operators, in which H(k) has imaginary hoppings.
    time_reversal : array-like of shape (n, n), or {"up first", "alternating"}, optional
        Unitary U of T = U K with T^2 = -1, as for `z2_invariant`, for class DIII. It must commute
        with C up to a phase.
    kind : {"indirect", "direct"}, optional
        Whether no level may reach E = 0, as in a superconductor with a gap ("indirect"), or only
        the two halves of the levels must not touch ("direct").
    min_gap : float, optional
        Certify only what is proven to have at least this gap, in the units of the hoppings.
    max_depth : int, default 16
        How often an interval of a proof may be halved, at most 24.
    max_evaluations : int, optional
        How many k points each proof may look at.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    SymmetryCertificate
        Value 0 or 1, gap of the symmetrised Hamiltonian and violation of the symmetry, each of
        shape (...) like the batch of `H`.

    Raises
    ------
    KindError
        If `H` is no chain in Fourier form.
    InputError
        If the number of bands is odd, an operator is not of its kind, or an option out of range.
    UnresolvedError
        If asked for and a value is unresolved.

    References
    ----------
    .. [1] A. Yu. Kitaev, Phys.-Usp. 44, 131 (2001).
    .. [2] X.-L. Qi, T. L. Hughes, S.-C. Zhang, Phys. Rev. B 81, 134508 (2010).
    .. [3] J. C. Budich, E. Ardonne, Phys. Rev. B 88, 134523 (2013).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.kitaev_chain_bdg([0.5, 2.5], 1.0, 0.7, phase=0.3)
    >>> majorana_number(h, particle_hole="nambu").value
    array([1, 0])
    """
    check_on_unresolved(on_unresolved)
    _validation.one_of(kind, "kind", ("indirect", "direct"))
    checked = limits(min_gap, max_depth, max_evaluations, deepest=24)
    found = require_dimension(H, 1)
    n = found.n_bands
    basis = particle_hole_operator(particle_hole, n)
    quantity = "Majorana number" if time_reversal is None else "Majorana Kramers number"
    asked = Asked(found, quantity, n // 2)
    if time_reversal is None:
        asked = replace(asked, particle_hole=basis.operator.matrix)
        mean = group_mean(found, [Symmetry(basis.operator, -1.0, True)], n // 2)
        proof = _gaps(mean.h, kind, checked)
        proof, violation = _above_violation(mean, proof, kind, checked)
        apart = _apart(basis.columns @ basis.columns.T, basis.operator.matrix)
        proof = _with_signs(mean, basis.columns, apart, proof)
    else:
        chiral = _ChiralBasis.of(basis, time_reversal, n)
        mean = group_mean(found, chiral.symmetries, n // 2)
        proof = _with_phases(mean, chiral, checked)
        violation = _sharpened(mean, proof)
        asked = replace(asked, particle_hole=chiral.hole, time_reversal=chiral.reversal)
        basis_of_each = (ChiralBasis(chiral.columns),) * len(proof.value)
        proof = replace(proof, evidence=basis_of_each)
    batch = found.batch_shape
    result = conclude(quantity, proof, batch, "mask", asked)
    return settled(result, quantity, violation.reshape(batch), on_unresolved)


def _apart(a: NDArray[np.complex128], b: NDArray[np.complex128]) -> float:
    """Bound of the distance of a computed product of two unitaries from another one."""
    n = len(a)
    return float(UP * (np.linalg.norm(a - b) + 4.0 * (n + 4) * UNIT * n))


def _at_ends(mean: GroupMean) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """H (2, B, n, n) at k = 0 and pi, divided by powers of two, and the error (B,) of both."""
    signs = 1.0 - 2.0 * (mean.h.vectors[:, 0] % 2)
    rows = mean.scaled
    sums = np.stack([rows.sum(1), np.einsum("m,bmij->bij", signs, rows)])
    size = np.linalg.norm(rows, axis=(-2, -1)).sum(-1)
    return sums, UP * (mean.error + 2.0 * UNIT * (rows.shape[1] + 2) * size)


def _pfaffians(
    a: NDArray[np.complex128],
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Pfaffians (B,) and how far the matrices are (B,) whose exact Pfaffians they are."""
    n = a.shape[-1]
    value, grown = np.empty(len(a), np.complex128), np.empty(len(a))
    pfaffians(np.ascontiguousarray(a), np.empty((n, n), np.complex128), value, grown)
    return value, 32.0 * n * n * UNIT * grown


def _with_signs(
    mean: GroupMean, columns: NDArray[np.complex128], apart: float, found: Evidence
) -> Evidence:
    """Value from the signs of both Pfaffians, where half of the gap is above all errors.

    What is left out when a Bloch matrix is made imaginary and antisymmetric in the computed basis
    is a change of the Hamiltonian, and counts as an error.
    """
    ends, error = _at_ends(mean)
    size = np.linalg.norm(ends, axis=(-2, -1)).max(0)
    error = error + block_error([columns], size) + 2.1 * apart * size
    half = 0.5 * lower_bound(found.gap_lower, -mean.exponent)
    proven, signs = found.proven, np.ones(len(half))
    sure = proven.copy()
    for h in ends:
        inside = columns.conj().T @ h @ columns
        a = 0.5 * (inside.imag - inside.imag.swapaxes(-1, -2))
        left_out = np.linalg.norm(inside - 1j * a, axis=(-2, -1))
        value, off = _pfaffians(a.astype(np.complex128))
        sure &= half > UP * (error + left_out + off)
        signs *= np.sign(value.real)
    status = np.where(proven & ~sure, st.ROUNDING, found.status).astype(np.uint8)
    return replace(found, proven=sure, value=(signs < 0.0).astype(np.int64), status=status)


# --------------------------------------------------- With time reversal: Kramers pairs of Majoranas


@dataclass(frozen=True, eq=False)
class _ChiralBasis:
    """Basis in which C = K and T = [[0, 1], [-1, 0]] K, and both operators in the given basis."""

    columns: NDArray[np.complex128]
    hole: NDArray[np.complex128]
    reversal: NDArray[np.complex128]
    symmetries: list[Symmetry]
    apart: float

    @staticmethod
    def of(basis: MajoranaBasis, time_reversal: ArrayLike | str, n: int) -> _ChiralBasis:
        """Check that T and C commute, and take exact operators next to both that do.

        In the Majorana basis T = O K with O real, up to a phase, orthogonal and antisymmetric.
        """
        if n % 4:
            raise InputError(
                "Argument `H` must have a number of bands that 4 divides, for Kramers pairs of"
                f" Majorana modes, but has {n}."
            )
        given = reversal_operator(time_reversal, n)
        v = basis.columns
        o = v.conj().T @ given.matrix @ v.conj()
        turn = np.sqrt((o * o).sum())  # up to a sign, the phase that makes O real
        o = o * (np.conj(turn) / np.abs(turn)) if abs(turn) > 0.0 else o
        off = float(np.abs(o.imag).max())
        if off > 10.0 * KIND:
            raise InputError(
                "Argument `time_reversal` must commute with `particle_hole` up to a phase, but"
                f" does not: in a Majorana basis its U has imaginary parts up to {off:.3g}."
            )
        columns = v @ _canonical(0.5 * (o.real - o.real.T))
        flip = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(n // 2))
        hole, reversal = columns @ columns.T, columns @ flip @ columns.T
        own = reversal  # T without the phase of the given one
        # T is known up to a phase, which no mean notices
        turn = (reversal.conj() * given.matrix).sum()
        reversal = reversal * (turn / abs(turn)) if abs(turn) > 0.0 else reversal
        apart = _apart(hole, basis.operator.matrix) + _apart(reversal, given.matrix)
        # operators that do not round commute exactly, as their entries are 0, 1, -1, i or -i
        exact = not (basis.operator.rounds or given.rounds)
        near = 2.1 * orthonormality(columns)
        operators = (basis.operator, given) if exact else (
            Operator(hole, near, True), Operator(reversal, near, True))  # fmt: skip
        symmetries = [
            Symmetry(one, sign, True) for one, sign in zip(operators, (-1.0, 1.0), strict=True)
        ]
        return _ChiralBasis(columns, hole, own, symmetries, apart)


def _canonical(o: NDArray[np.float64]) -> NDArray[np.float64]:
    """Real orthogonal W with W^T O W = [[0, 1], [-1, 0]], O antisymmetric and about orthogonal."""
    n = len(o)
    _, states = np.linalg.eigh(1j * o)
    pairs = states[:, n // 2 :]  # of +1: O z = -i z, real and imaginary part a pair
    both = np.concatenate([pairs.real, -pairs.imag], axis=1) * np.sqrt(2.0)
    sign = 1.0 if np.trace(both[:, : n // 2].T @ o @ both[:, n // 2 :]) > 0.0 else -1.0
    both[:, n // 2 :] *= sign
    left, _, right = np.linalg.svd(both)
    return np.asarray(left @ right)


def _with_phases(mean: GroupMean, chiral: _ChiralBasis, checked: Limits) -> Evidence:
    """Prove the winding of det D along half of the zone, and compare with both Pfaffians."""
    v, rows, h = chiral.columns, mean.scaled, mean.h
    half = h.n_bands // 2
    size = np.linalg.norm(rows, axis=(-2, -1))
    error = UP * (mean.error + block_error([v], size).sum(-1))
    inside = v.conj().T @ rows @ v
    a = 0.5 * (inside[..., :half, :half] - inside[..., half:, half:])
    b = 0.5 * (inside[..., :half, half:] + inside[..., half:, :half])
    d = a - 1j * b
    order = {int(x): m for m, x in enumerate(h.vectors[:, 0])}
    opposite = [order[-int(x)] for x in h.vectors[:, 0]]
    d = 0.5 * (d - d[:, opposite].swapaxes(-1, -2))  # D_(-R) = -D_R^T to the last bit
    # what does not have the form that both symmetries give is a change of the Hamiltonian
    plus, minus = 0.5 * (d + _adjoint(d, opposite)), 0.5j * (d - _adjoint(d, opposite))
    rebuilt = np.block([[plus, minus], [minus, -plus]])
    left_out = np.linalg.norm(inside - rebuilt, axis=(-2, -1)).sum(-1)
    error = UP * (error + left_out + (2.1 * chiral.apart + 8.0 * UNIT) * size.sum(-1))
    # powers of two were taken out: the question is asked in the unit that is left
    asked = [replace(checked, min_gap=float(lower_bound(checked.min_gap, -e)))
             for e in mean.exponent.tolist()]  # fmt: skip
    found = [_half_zone(h.vectors, d[i], float(error[i]), asked[i]) for i in range(len(d))]
    whole = joined(found, 1)
    return replace(
        whole,
        gap_lower=lower_bound(whole.gap_lower, mean.exponent),
        gap_upper=np.ldexp(whole.gap_upper, mean.exponent),
    )


def _adjoint(d: NDArray[np.complex128], opposite: list[int]) -> NDArray[np.complex128]:
    """Coefficients (B, M, N, N) of D(k)^dagger."""
    return np.asarray(d[:, opposite].conj().swapaxes(-1, -2))


def _half_zone(
    vectors: NDArray[np.int64], d: NDArray[np.complex128], error: float, checked: Limits
) -> Evidence:
    """Z2 invariant of one chain (M, N, N) from the phase of det D on [0, pi]."""
    block = _block_of(vectors, d[None], np.array([error]))
    found = winding_evidence(block, checked, evidence=True)
    if not found.proven[0]:
        return replace(found, evidence=())
    tree = found.evidence[0]
    assert isinstance(tree, WindingEvidence)
    k, count = _ends_of_intervals(tree)
    low, high = block.block_range
    orders = np.arange(low, high + 1)
    phases = np.exp(2j * np.pi * ((orders[None] * k[:, None]) % count) / count)
    dense = block.block_amplitudes[0]
    d_k = np.einsum("ks,sij->kij", phases, dense)
    n = dense.shape[-1]
    f, off = np.empty((1, len(k)), np.complex128), np.empty((1, len(k)))
    determinants(d_k[None], np.empty((n, n), np.complex128), f, off)
    scale = np.ldexp(1.0, -_exponents(d_k))
    f, off = f[0] + 0.0, off[0]  # no zeros with a minus: roots and crossings then agree on them
    size = float(np.linalg.norm(dense, axis=(-2, -1)).sum()) * scale
    wrong = UP * (16.0 * UNIT * (len(orders) + 16) * size + error * scale)
    off = UP * (off + wrong * n * (size + wrong) ** (n - 1))
    turns, sure = _crossings(f, off)
    parity = turns % 2
    ends = []
    for at in (0, -1):
        matrix = d_k[at] * scale
        a = 0.5 * (matrix - matrix.T)
        pfaffian, rounded = _pfaffians(a[None])
        sigma = 0.5 * float(found.gap_lower[0]) * scale
        sure &= n * UP * (float(rounded[0]) + wrong) < 0.05 * sigma
        sure &= bool(off[at] < 0.05 * abs(f[at]))
        ratio = pfaffian[0] / np.sqrt(f[at])
        sure &= abs(abs(ratio.real) - 1.0) < 0.25 and abs(ratio.imag) < 0.25
        ends.append(ratio.real > 0.0)
    value = int(parity) ^ int(ends[0] != ends[1])
    status = found.status if sure else np.array([st.ROUNDING], np.uint8)
    return replace(
        found, value=np.array([value]), proven=np.array([bool(sure)]), status=status, evidence=()
    )


def _exponents(d_k: NDArray[np.complex128]) -> int:
    """Exponent of the power of two that `determinants` divides a loop by."""
    parts = np.abs(d_k.view(np.float64)).max()
    return int(np.frexp(parts)[1])


def _ends_of_intervals(tree: WindingEvidence) -> tuple[NDArray[np.int64], int]:
    """End points of the intervals of [0, pi], in parts 2 pi / count, and count."""
    start, depth, depths, left = tree.tree.start[0], 0, [], []
    for bit in tree.tree.bits:
        if bit == "1":
            left.append(2)
            depth += 1
            continue
        depths.append(depth)
        while left:
            left[-1] -= 1
            if left[-1]:
                break
            left.pop()
            depth -= 1
    deepest = max(depths)
    widths = [1 << (deepest - d) for d in depths]
    ends = np.concatenate([[0], np.cumsum(widths)])
    count = start << deepest
    return ends[ends <= count // 2].astype(np.int64), count


def _crossings(f: NDArray[np.complex128], off: NDArray[np.float64]) -> tuple[int, bool]:
    """Crossings of the negative real axis by the polygon, and whether no edge comes near 0."""
    total = 0
    for z, w, e, g in zip(f[:-1], f[1:], off[:-1], off[1:], strict=True):
        step = w - z
        t = 0.0 if step == 0 else min(1.0, max(0.0, -(z * np.conj(step)).real / abs(step) ** 2))
        if not abs(z + t * step) > 2.0 * (e + g):
            return 0, False
        # a reflection takes the negative axis to the positive one
        side = crossing(-z.real, z.imag, -w.real, w.imag)
        if side == 2:
            return 0, False
        total += abs(side)
    return total, True


def _sharpened(mean: GroupMean, found: Evidence) -> NDArray[np.float64]:
    violation = mean.violation.copy()
    left = np.flatnonzero(found.proven & (violation > 0.0) & ~(found.gap_lower > violation))
    if len(left):
        violation[left] = np.minimum(violation[left], mean.sharper(left))
    return violation
