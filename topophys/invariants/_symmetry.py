"""Symmetries that enter a proof: exact operators near given ones, parities, time reversal."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import InputError, ShapeError
from topophys.invariants._scaling import divide_out
from topophys.invariants._slices import Slice
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import MET, UNIT, UP, slack_of, upper_bound

__all__ = [
    "GAPLESS",
    "Apart",
    "Corners",
    "Operator",
    "Parities",
    "Symmetrised",
    "System",
    "all_corners_of",
    "block_error",
    "corner_sums",
    "corners_of",
    "corners_of_systems",
    "count_parities",
    "even_filling",
    "invariant_momenta",
    "inversion_error",
    "inversion_operator",
    "largest_norm",
    "operator_norms",
    "orthonormality",
    "product_error",
    "refuse",
    "require_pairs",
    "reversal_operator",
    "symmetrise",
    "symmetrise_all",
    "systems_of",
]


# ----- Symmetries that enter a proof: exact operators near given ones, and symmetrised Hamiltonians
# A Hamiltonian in float64 has no exact symmetry. What is proven is proven of the mean of H over the
# symmetry group, which has it exactly; how far that mean is from H is bounded in operator norm and
# returned with the result. Where 2 sup_k |H(k) - H_s(k)| is below the gap g of H_s, the gap of
# H_t = (1 - t) H_s + t H is at least g - 2 t |H - H_s| > 0 (Weyl): H and H_s are one phase.

#: Largest deviation of a given matrix from an operator of its kind: six digits of a text file.
KIND: Final = 1e-6
#: Orders of spin orbitals in files of Wannier functions.
SPIN_ORDERS: Final = ("up first", "alternating")
Matrix = NDArray[np.complex128]
Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Operator:
    """Matrix of an operator that is known to be within `error` of an exact one of its kind.

    Attributes
    ----------
    matrix : complex128 ndarray of shape (n, n)
        Time reversal: unitary and antisymmetric, U of T = U K. Inversion: unitary and Hermitian.
    error : float
        Bound of the distance from an operator of which this holds exactly, in operator norm.
    rounds : bool
        Whether products with it round; not where it only permutes orbitals up to 1, -1, i, -i.
    """

    matrix: Matrix
    error: float
    rounds: bool


class Apart:
    """Bound of 2 sup_k |H(k) - H_s(k)|, which for one operator is sup_k |S H S^-1 - H|.

    Shapes: `vectors` (M, dim), `difference` (M, n, n).
    """

    def __init__(self, vectors: NDArray[np.int64], difference: Matrix, beyond: float) -> None:
        self.vectors, self.difference, self.beyond = vectors, difference, beyond

    @cached_property
    def plain(self) -> float:
        """Bound by the sum of the operator norms of hoppings."""
        return self._twice(float(operator_norms(self.difference).sum() * UP))

    @cached_property
    def sharp(self) -> float:
        """Bound by values on a grid, or the plain one where that is smaller."""
        return min(self.plain, self._twice(largest_norm(self.vectors, self.difference)))

    def below(self, least: float) -> float:
        """Return the plain bound if it is below `least`, else the sharp one."""
        return self.plain if self.plain < least else self.sharp

    @property
    def best(self) -> float:
        """The smallest bound that was worked out."""
        return self.sharp if "sharp" in self.__dict__ else self.plain

    def _twice(self, norm: float) -> float:
        return 2.0 * UP * (norm + self.beyond)


@dataclass(frozen=True, eq=False)
class Symmetrised:
    """Hoppings of the mean over the symmetry group.

    Attributes
    ----------
    row : complex128 ndarray of shape (M, n, n)
        Hoppings, with those of -R the exact adjoints of those of R.
    error : float
        Bound of the distance from the exact mean, in operator norm at every k.
    apart : Apart
        Distance from the given Hamiltonian.
    """

    row: Matrix
    error: float
    apart: Apart


def product_error(n: int, norm: Real) -> Real:
    """Bound of the rounding of U X V, with U and V unitary (n, n) and X of Frobenius norm `norm`.

    Each of two products of complex matrices is off by gamma_n |U|_F |X|_F, gamma_n = 4 (n + 4) u.
    """
    return np.asarray(2.1 * 4.0 * (n + 4) * UNIT * np.sqrt(n) * UP * norm)


def operator_norms(hoppings: Matrix) -> Real:
    """Upper bounds (...) of the operator norms of matrices (..., n, n)."""
    if not hoppings.any():  # of an exact symmetry
        return np.zeros(hoppings.shape[:-2])
    return np.asarray(np.linalg.norm(hoppings, ord=2, axis=(-2, -1)) * UP)


def orthonormality(v: Matrix) -> float:
    """Bound of |V^dagger V - 1| for a matrix V with about orthonormal columns."""
    n, m = v.shape
    off = np.linalg.norm(v.conj().T @ v - np.eye(m))
    return float(UP * off + 4.0 * (n + 4) * UNIT * m)


def _monomial(u: Matrix) -> bool:
    """Whether a matrix has one entry 1, -1, i or -i in each row and column, and else zeros."""
    size = np.abs(u.real) + np.abs(u.imag)
    whole = ((size == 0.0) | (size == 1.0)).all() and (np.minimum(abs(u.real), abs(u.imag)) == 0.0)
    return bool(np.all(whole) and (size.sum(0) == 1.0).all() and (size.sum(1) == 1.0).all())


def _given(operator: ArrayLike, name: str, n: int) -> Matrix:
    u = _validation.as_complex(operator, name, "(..., n, n)")
    if u.shape != (n, n):
        raise ShapeError(f"Argument `{name}` must have shape ({n}, {n}), but has {u.shape}.")
    return u


def _off(u: Matrix, second: Matrix, sign: float) -> float:
    """How far u is from unitary, and u times a second factor from +1 or -1, by largest entries."""
    one, largest = np.eye(len(u)), float(np.abs(u).max())
    if not largest < 2.0:  # products of others may leave the range
        return largest
    return float(max(np.abs(u @ u.conj().T - one).max(), np.abs(u @ second - sign * one).max()))


def spin_reversal(order: str, n: int) -> Matrix:
    """U = i s_y of n real spin orbitals: first all up, then all down, or up and down in turn."""
    if n % 2:
        raise InputError(
            "Argument `time_reversal` must be a matrix for an odd number of orbitals, but is"
            f" {order!r} for {n}."
        )
    flip, same = np.array([[0.0, 1.0], [-1.0, 0.0]]), np.eye(n // 2)
    pair = (flip, same) if order == "up first" else (same, flip)
    return np.asarray(np.kron(*pair), dtype=np.complex128)


def reversal_operator(operator: ArrayLike | str, n: int) -> Operator:
    """Check the U (n, n) of T = U K with T^2 = -1, and take an exact operator next to it.

    Unitary with U conj(U) = -1 means unitary and antisymmetric; the polar factor of an
    antisymmetric matrix is antisymmetric.
    """
    if isinstance(operator, str):
        _validation.one_of(operator, "time_reversal", SPIN_ORDERS)
        return Operator(spin_reversal(operator, n), 0.0, rounds=False)
    u = _given(operator, "time_reversal", n)
    off = _off(u, u.conj(), -1.0)
    if off > KIND:
        raise InputError(
            "Argument `time_reversal` must be unitary with U conj(U) = -1 to six digits, but"
            f" deviates by {off:.3g}."
        )
    if _monomial(u) and (-u == u.T).all():
        return Operator(u, 0.0, rounds=False)
    left, _, right = np.linalg.svd(0.5 * (u - u.T))
    near = left @ right
    near = 0.5 * (near - near.T)
    return Operator(near, orthonormality(near), rounds=True)


def inversion_operator(operator: ArrayLike, n: int, reversal: Operator | None = None) -> Operator:
    """Check an inversion P (n, n), P P = 1, and take an exact operator next to it.

    With time reversal: one that commutes with T exactly, P U = U conj(P). Unitary with P P = 1
    means unitary and Hermitian, the sign function of a Hermitian matrix; that of one which
    commutes with T does so too.
    """
    p = _given(operator, "inversion", n)
    off = _off(p, p, 1.0)
    if off > KIND:
        raise InputError(
            "Argument `inversion` must be unitary with P P = 1 to six digits, for orbitals of one"
            f" cell, but deviates by {off:.3g}."
        )
    apart = 0.0
    if reversal is not None:
        u = reversal.matrix
        apart = float(np.abs(p @ u - u @ p.conj()).max())
        if apart > KIND:
            raise InputError(
                "Argument `inversion` must commute with `time_reversal`, P U = U conj(P), but"
                f" P U - U conj(P) has entries up to {apart:.3g}."
            )
    exact = _monomial(p) and (p == p.conj().T).all()
    if exact and (reversal is None or (apart == 0.0 and not reversal.rounds)):
        return Operator(p, 0.0, rounds=False)
    mean = 0.5 * (p + p.conj().T)
    if reversal is not None:
        image = u @ mean.conj() @ u.conj().T
        mean = 0.25 * (mean + mean.conj().T + image + image.conj().T)
    level, state = np.linalg.eigh(mean)
    near = (state * np.sign(level)) @ state.conj().T
    near = 0.5 * (near + near.conj().T)
    # the exact mean over {1, T} is within a of `near`, and its sign function within |Q^2 - 1|
    rounding = 4.0 * (n + 4) * UNIT * n
    a = 0.0
    if reversal is not None:
        off = float(np.linalg.norm(near @ u - u @ near.conj()))
        a = UP * 0.5 * (off + 2.0 * rounding + 2.1 * reversal.error)
    square = float(np.linalg.norm(near @ near - np.eye(n))) * UP + rounding
    return Operator(near, square + 4.0 * a, rounds=True)


def inversion_error(h: FourierLike, inversion: Operator) -> float:
    """Bound of |H(-k) - P H(k) P^-1| at all k: energies at k and -k differ by no more than that."""
    (hops,), exponent = divide_out(h.amplitudes[None])
    n, p = h.n_bands, inversion.matrix
    apart = np.linalg.norm(p @ hops @ p.conj().T - hops.conj().swapaxes(-1, -2), 2, axis=(-2, -1))
    size = float(np.linalg.norm(hops, axis=(-2, -1)).sum()) * UP
    # products with a matrix of norm one, and one that is off by `error`
    rounding = (32.0 * n * UNIT + 2.1 * inversion.error) * size
    return float(upper_bound((float(apart.sum()) + rounding) * UP, int(exponent[0])))


def symmetrise(
    vectors: NDArray[np.int64],
    row: Matrix,
    error: float,
    reversal: Operator | None,
    inversion: Operator | None = None,
) -> Symmetrised:
    """Mean of one Hamiltonian (M, n, n) over the group of its symmetries."""
    return symmetrise_all(vectors, row[None], np.array([error]), reversal, inversion)[0]


def symmetrise_all(
    vectors: NDArray[np.int64],
    rows: Matrix,
    error: Real,
    reversal: Operator | None,
    inversion: Operator | None = None,
) -> list[Symmetrised]:
    r"""Average Hamiltonians over the group of their symmetries.

    .. math:: T: H_R \to U \bar H_R U^\dagger, \qquad P: H_R \to P H_{-R} P^\dagger

    Shapes: `vectors` (M, dim), `rows` (B, M, n, n), `error` (B,).
    """
    opposite = _opposite(vectors)
    mean, size = rows, np.linalg.norm(rows, axis=(-2, -1))
    # the means over {1, T} and over {1, P} are contractions: what is off before adds up
    off = np.zeros(size.shape)
    for op in (one for one in (reversal, inversion) if one is not None):
        u = op.matrix
        image = u @ (mean.conj() if op is reversal else mean[:, opposite]) @ u.conj().T
        off += 2.1 * op.error * size
        if op.rounds:
            off += product_error(len(u), size)
        off += np.where((image == mean).all((-2, -1)), 0.0, 2.0 * UNIT * size)
        mean = 0.5 * mean + 0.5 * image
    adjoint = mean[:, opposite].conj().swapaxes(-1, -2)
    # a sum of equals does not round
    off += np.where((adjoint == mean).all((-2, -1)), 0.0, 2.0 * UNIT * size)
    mean = 0.5 * mean + 0.5 * adjoint
    formed = UP * off.sum(-1)
    # of the exact H and its exact mean: what was rounded in forming H enters both
    whole, beyond, apart = UP * (error + formed), formed + 2.0 * error, rows - mean
    return [
        Symmetrised(mean[b], float(whole[b]), Apart(vectors, apart[b], float(beyond[b])))
        for b in range(len(rows))
    ]


def _opposite(vectors: NDArray[np.int64]) -> list[int]:
    """Index of -R for each R."""
    order = {tuple(v): m for m, v in enumerate(vectors.tolist())}
    return [order[tuple(-x for x in v)] for v in vectors.tolist()]


def largest_norm(vectors: NDArray[np.int64], hoppings: Matrix) -> float:
    r"""Upper bound of sup_k |D(k)| for one D(k) = sum_R D_R e^(ik.R), sharper than sum_R |D_R|.

    A real trigonometric polynomial f of degree d obeys
    :math:`\max |f| \le \max_j |f(2 \pi j/N)| / \cos(\pi d / N)` for N > 2 d points, because near a
    maximum it is at least :math:`\max |f| \cos(d (\theta - \theta_0))` (M. Riesz); apply it to
    Re u^dagger D(k) v along each axis.

    Shapes: `vectors` (M, dim), `hoppings` (M, n, n).
    """
    norms = np.linalg.norm(hoppings, axis=(-2, -1))
    plain = float(operator_norms(hoppings).sum() * UP)
    kept = norms > 0.0
    vectors, hoppings, norms = vectors[kept], hoppings[kept], norms[kept]
    if not len(vectors):
        return plain
    degree = np.abs(vectors).max(0)
    points = np.where(degree == 0, 1, 4 * degree)
    n = hoppings.shape[-1]
    if float(points.prod()) * n * n > 2.0**24:
        return plain
    grid = np.zeros((*points, n, n), np.complex128)
    np.add.at(grid, tuple((vectors % points).T), hoppings)
    axes = tuple(range(len(points)))
    values = np.fft.fftn(grid, axes=axes)
    rounding = float(slack_of(norms, np.zeros(len(norms), np.int64), n)) * 4.0
    top = float(operator_norms(values).max()) + rounding
    factor = np.prod([1.0 / np.cos(np.pi * d / p) for d, p in zip(degree, points, strict=True)])
    return min(plain, top * float(factor) * UP)


def block_error(bases: list[Matrix], norm: Real) -> Real:
    """Bound of how far blocks V_j^dagger X V_j (computed) are from those of an exact basis.

    `bases` are columns (n, m_j) of one about unitary matrix, `norm` (...) Frobenius norms of X.
    """
    every = np.concatenate(bases, axis=1)
    n = len(every)
    return np.asarray(2.1 * orthonormality(every) * norm + product_error(n, norm))


def corner_sums(vectors: NDArray[np.int64], rows: Matrix) -> Matrix:
    """H (B, 2^dim, n, n) at the momenta with components 0 and pi: sums with signs, no phases."""
    dim = vectors.shape[1]
    sides = np.array(list(itertools.product((0, 1), repeat=dim)))
    signs = 1.0 - 2.0 * ((sides @ vectors.T) % 2)
    sums = np.einsum("cm,bmij->bcij", signs, rows)
    return np.asarray(0.5 * (sums + sums.conj().swapaxes(-1, -2)))


def corner(number: int) -> tuple[float, float]:
    """Momentum of one of the four rows of `corner_sums` of a plane."""
    return np.pi * (number // 2), np.pi * (number % 2)


# ------------- Signs of time-reversal symmetry at the invariant momenta, where no operator is given

#: Relative energy gap below which nothing is claimed of samples.
GAPLESS: Final = 1e-9
#: Splitting of pairs, relative to the distance of pairs, that is noise and no broken symmetry.
NOISE: Final = 1e-3
#: Noise that splits pairs opens gaps of the same order; one of less than this many splittings may
#: be that of a touching.
NOISY_GAP: Final = 10.0
#: Largest `tolerance` that a refusal proposes; beyond it no rounding has split the pairs.
LARGEST_ADVICE: Final = 0.1


@dataclass(frozen=True)
class Corners:
    """What the invariant momenta say of a Hamiltonian.

    Attributes
    ----------
    gap : float
        Smallest gap there.
    split, splitting : float
        Largest splitting of an occupied Kramers pair, and that over the gap.
    least : float
        Gap that rounding can make.
    closed : bool
        Whether occupied and empty bands touch there, to rounding or to the noise of the pairs.
    k : tuple of float
        Momentum of the smallest gap.
    """

    gap: float
    split: float
    splitting: float
    least: float
    closed: bool
    k: tuple[float, ...]


def corners_of(energy: NDArray[np.float64], filled: int, least: float) -> Corners:
    """Read splittings and gap of one Hamiltonian off energies (momenta, n)."""
    return all_corners_of(energy[None], filled, np.array([least]))[0]


def all_corners_of(energy: NDArray[np.float64], filled: int, least: Real) -> list[Corners]:
    """Read splittings and gaps off energies (B, momenta, n) at invariant momenta, in their order.

    `least` (B,) is the gap that rounding can make. A gap of a few splittings is closed where the
    pairs, compared with their distances, are intact; else the symmetry is broken.
    """
    gaps = energy[..., filled] - energy[..., filled - 1]
    place, gap = gaps.argmin(-1), gaps.min(-1)
    momenta = invariant_momenta(energy.shape[1].bit_length() - 1)
    split = (energy[..., 1:filled:2] - energy[..., 0:filled:2]).max((-2, -1))
    pairs = energy[..., 0 : 2 * (energy.shape[-1] // 2) : 2]
    steps = np.diff(pairs, axis=-1).reshape(len(energy), -1)
    apart = np.median(steps, axis=-1) if steps.shape[1] else np.zeros(len(energy))
    closed = (gap <= least) | ((gap <= NOISY_GAP * split) & (split <= NOISE * apart))
    return [
        Corners(g, s, s / g if g > 0.0 else np.inf, limit, shut, tuple(k))
        for g, s, limit, shut, k in zip(
            gap.tolist(), split.tolist(), least.tolist(), closed.tolist(),
            momenta[place].tolist(), strict=True,
        )
    ]  # fmt: skip


@cache
def invariant_momenta(dim: int) -> NDArray[np.float64]:
    """Momenta with k = -k modulo the reciprocal lattice.

    Shapes: returns (2**dim, dim).
    """
    corners = np.stack(np.meshgrid(*[[0.0, np.pi]] * dim, indexing="ij"), -1).reshape(-1, dim)
    corners.setflags(write=False)
    return corners


@dataclass(frozen=True, eq=False)
class System:
    """One Hamiltonian, divided by a power of two, with what is known of its symmetry.

    Attributes
    ----------
    given, h : Slice
        As given, and its mean over the symmetry group: the same where no operator was given.
    apart : Apart or None
        How far they are apart; None where no operator was given.
    inversion : Operator or None
        Inversion, for parities.
    slack, met : float
        What rounding can do to a level of `h` in a proof; and in one evaluation, without what was
        rounded before.
    reversal : bool
        Whether `h` is known to have time-reversal symmetry.
    """

    given: Slice
    h: Slice
    apart: Apart | None
    inversion: Operator | None
    slack: float
    met: float
    reversal: bool


def systems_of(
    vectors: NDArray[np.int64],
    rows: Matrix,
    error: Real,
    filled: int,
    reversal: Operator | None,
    inversion: Operator | None,
) -> list[System]:
    """Average a batch over the given symmetries; what rounding can do to each.

    Shapes: `vectors` (M, dim), `rows` (B, M, n, n), `error` (B,).
    """
    n, symmetric, formed = rows.shape[-1], rows, error
    apart: list[Apart | None] = [None] * len(rows)
    if len(rows) and (reversal is not None or inversion is not None):
        means = symmetrise_all(vectors, rows, error, reversal, inversion)
        symmetric = np.stack([mean.row for mean in means])
        formed, apart = np.array([mean.error for mean in means]), [mean.apart for mean in means]
    norms, reach = np.linalg.norm(symmetric, axis=(-2, -1)), np.abs(vectors).sum(-1)
    slack, met = slack_of(norms, reach, n, formed), MET * slack_of(norms, reach, n)
    return [
        System(
            Slice(vectors, rows[b], filled, np.asarray(error[b])),
            Slice(vectors, symmetric[b], filled, np.asarray(formed[b])),
            apart[b], inversion, float(slack[b]), float(met[b]), reversal is not None,
        )
        for b in range(len(rows))
    ]  # fmt: skip


def corners_of_systems(systems: list[System], filled: int) -> list[Corners]:
    """Look at the invariant momenta: pairs of what is given, gap of what is symmetrised."""
    if not systems:
        return []
    given, symmetric = (
        np.asarray(eigenvalues(corner_sums(systems[0].h.vectors, np.stack(rows))), float)
        for rows in ([s.given.amplitudes for s in systems], [s.h.amplitudes for s in systems])
    )
    least = 2.0 * np.array([system.met for system in systems])
    found = all_corners_of(given, filled, least)
    gaps = symmetric[..., filled] - symmetric[..., filled - 1]
    momenta = invariant_momenta(2).tolist()
    for b, system in enumerate(systems):
        if system.apart is not None:
            gap, k = float(gaps[b].min()), tuple(momenta[gaps[b].argmin()])
            splitting = found[b].split / gap if gap > 0.0 else np.inf
            found[b] = replace(
                found[b], gap=gap, splitting=splitting, closed=gap <= float(least[b]), k=k
            )
    return found


def even_filling(filled: int) -> None:
    """Raise unless an even number of bands is occupied."""
    if filled % 2:
        raise InputError(
            "Argument `n_occupied` must be even, because Kramers pairs are occupied together, but"
            f" is {filled}."
        )


def require_pairs(corners: Corners, tolerance: float) -> None:
    """Raise where occupied bands do not come in Kramers pairs, split by up to `tolerance` gaps."""
    if corners.splitting > tolerance:
        raise refuse(
            f"occupied Kramers pairs split by {corners.splitting:.3g} of the gap at k = -k",
            corners.splitting,
            tolerance,
        )


def refuse(observed: str, needed: float, tolerance: float) -> InputError:
    """Return the error for a broken symmetry, with the `tolerance` that would accept it."""
    # three digits that are not below what is needed
    step = 10.0 ** (np.floor(np.log10(needed)) - 2.0)
    cure = (
        "for hoppings that break the symmetry by rounding set `tolerance` to"
        f" {np.ceil(needed / step) * step:.3g}, or give `time_reversal`"
        if needed <= LARGEST_ADVICE
        else "no rounding does that; correct `n_occupied`, or give `time_reversal`"
    )
    return InputError(
        "Argument `h` must be symmetric under time reversal with T^2 = -1, but"
        f" {observed} (`tolerance` is {tolerance:.3g}); {cure}."
    )


# ----- Parities of occupied Kramers pairs at the invariant momenta, counted in sectors of inversion


@dataclass(frozen=True, eq=False)
class Parities:
    """Parities of the occupied states of one Hamiltonian.

    Attributes
    ----------
    odd : int64 ndarray of shape (2**dim,)
        Number of occupied states of parity -1 at each invariant momentum.
    gap : float
        Smallest gap there.
    proven : bool
        Whether no level of either sector can be on the other side of the gap.
    """

    odd: NDArray[np.int64]
    gap: float
    proven: bool


def count_parities(h: Slice, inversion: Operator, filled: int) -> Parities:
    r"""Count occupied states of odd parity where k = -k.

    H commutes there with the exact P next to `inversion`. In the eigenbasis of P it has two
    blocks; Weyl's inequality bounds how far their computed levels are from the exact ones, e. With

    .. math:: E_{n+1} - E_n > 2 e

    among the levels of both blocks no level crosses the middle of the gap, and the number of
    levels below it in each block is exact.
    """
    n = h.n_bands
    level, state = np.linalg.eigh(inversion.matrix)
    odd, even = state[:, level < 0.0], state[:, level >= 0.0]
    norms = np.linalg.norm(h.amplitudes, axis=(-2, -1))
    size = float(norms.sum()) * UP
    rebuilt = even @ even.conj().T - odd @ odd.conj().T
    # distance of the exact P from the one that has the computed basis, made orthonormal
    turned = (
        inversion.error
        + float(np.linalg.norm(rebuilt - inversion.matrix)) * UP
        + 2.1 * orthonormality(state)
        + 2.0 * float(product_error(n, np.asarray(np.sqrt(n))))
    )
    formed = 0.0 if h.amplitude_error is None else h.amplitude_error
    error = (
        float(slack_of(norms, np.zeros(len(norms), np.int64), n, formed))
        + 2.1 * turned * size
        + float(block_error([odd, even], np.asarray(size)))
    )
    at = corner_sums(h.vectors, h.amplitudes[None])[0]
    levels = [eigenvalues(v.conj().T @ at @ v) for v in (odd, even) if v.shape[1]]
    every = np.sort(np.concatenate(levels, axis=-1), axis=-1)
    top, bottom = every[:, filled - 1], every[:, filled]
    gap = float((bottom - top).min())
    below = (levels[0] <= top[:, None]).sum(-1) if odd.shape[1] else np.zeros(len(at), np.int64)
    return Parities(below.astype(np.int64), gap, turned < 0.5 and gap > 2.0 * UP * error)
