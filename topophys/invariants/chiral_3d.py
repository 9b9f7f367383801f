"""Winding numbers of chiral insulators and superconductors in three dimensions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import InputError, ShapeError
from topophys.grids import grid_of, grid_sizes
from topophys.invariants._limits import Limits, limits
from topophys.invariants._scaling import demand, proven_gap
from topophys.invariants._slices import bloch_at, require_dimension
from topophys.invariants._symmetry import (
    KIND,
    Operator,
    block_error,
    orthonormality,
)
from topophys.invariants.evidence import Asked
from topophys.invariants.results import (
    Certificate,
    Evidence,
    OnUnresolved,
    check_on_unresolved,
    conclude,
    settle,
)
from topophys.invariants.symmetric import (
    GroupMean,
    Symmetry,
    SymmetryCertificate,
    group_mean,
    settled,
)
from topophys.kernels import status as st
from topophys.kernels.degree import certify_degrees_3d, degree_of_grid
from topophys.kernels.rounding import UNIT, UP, slack_of, upper_bound

__all__ = ["winding_3d"]

QUANTITY: Final = "three-dimensional winding number"
#: Cubes of the starting grid along each axis, and points of the table of phases.
START: Final = 4
TABLE: Final = 256
#: Most doublings of the starting grid: lattice points must fit 60 bits.
DEEPEST: Final = 16
#: Random bases in which columns are removed from samples.
BASES: Final = 3
#: Bases to choose from for each column.
CANDIDATES: Final = 24
#: Largest grid of samples.
MOST_POINTS: Final = 1 << 24


class ChiralBasis(NamedTuple):
    """Chiral operator, and columns (n, n / 2) of its eigenvectors of +1 and of -1."""

    operator: Operator
    plus: NDArray[np.complex128]
    minus: NDArray[np.complex128]


def chiral_operator(operator: ArrayLike | str, n: int) -> ChiralBasis:
    """Check a chiral operator (n, n), unitary with square 1 and trace 0, and find its eigenspaces.

    The exact operator next to it is the one that has the computed eigenvectors, made orthonormal.
    """
    if n % 2:
        raise InputError(
            f"Argument `H` must have an even number of bands, but has {n}: a chiral Hamiltonian"
            " with an odd number has a level at zero energy."
        )
    one = np.eye(n, dtype=np.complex128)
    if isinstance(operator, str):
        _validation.one_of(operator, "chiral", ("blocks", "alternating"))
        first = np.arange(n) < n // 2 if operator == "blocks" else np.arange(n) % 2 == 0
        return _diagonal(first)
    given = _validation.as_complex(operator, "chiral", "(..., n, n)")
    if given.shape != (n, n):
        raise ShapeError(f"Argument `chiral` must have shape ({n}, {n}), but has {given.shape}.")
    off = float(np.abs(given).max())
    if off < 2.0:  # products of others may leave the range
        products = (given @ given.conj().T - one, given @ given - one)
        off = max(*(np.abs(p).max() for p in products), np.abs(np.trace(given)) / n)
    if off > KIND:
        raise InputError(
            "Argument `chiral` must be unitary with square 1 and trace 0 to six digits, but"
            f" deviates by {off:.3g}."
        )
    if (given == np.diag(np.diagonal(given))).all() and np.isin(np.diagonal(given), (1, -1)).all():
        return _diagonal(np.diagonal(given).real > 0.0)
    _, states = np.linalg.eigh(0.5 * (given + given.conj().T))
    minus, plus = states[:, : n // 2], states[:, n // 2 :]
    near = plus @ plus.conj().T - minus @ minus.conj().T
    error = UP * (2.1 * orthonormality(states) + 8.0 * (n + 4) * UNIT * n)
    return ChiralBasis(Operator(near, error, True), plus, minus)


def _diagonal(first: NDArray[np.bool_]) -> ChiralBasis:
    one = np.eye(len(first), dtype=np.complex128)
    matrix = np.diag(np.where(first, 1.0, -1.0)).astype(np.complex128)
    return ChiralBasis(Operator(matrix, 0.0, False), one[:, first], one[:, ~first])


def winding_3d(
    H: FourierLike,
    *,
    chiral: ArrayLike | Literal["blocks", "alternating"],
    grid: int | tuple[int, int, int] | None = None,
    min_gap: float = 0.0,
    max_depth: int = 10,
    max_evaluations: int = 1_000_000,
    on_unresolved: OnUnresolved = "mask",
) -> SymmetryCertificate:
    r"""Winding number of chiral Hamiltonians in three dimensions (AIII, DIII, CI).

    .. math:: W_3 = \frac{1}{24 \pi^2} \int \mathrm{tr}\,(D^{-1} \mathrm{d} D)^3, \qquad
        H(k) = \begin{pmatrix} 0 & D(k) \\ D^\dagger(k) & 0 \end{pmatrix}

    in the eigenbasis of the chiral operator. For four bands it is proven: the zone is divided into
    cubes until on each D(k) stays within a convex set of invertible matrices, which proves the gap
    as well; then :math:`W_3` is the degree of the first column of D, a map to :math:`\mathbb{C}^2`
    without zeros, counted by signs of determinants. With `grid` it is sampled, for any number of
    bands: columns are rotated away one by one until two are left.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in three dimensions, or a batch.
    chiral : array-like of shape (n, n), or {"blocks", "alternating"}
        Chiral operator, unitary with square 1 and trace 0, :math:`\Gamma H(k) \Gamma = -H(k)`: D
        leads from its states of -1 to those of +1. Or the signs of the orbitals: first all +1,
        then all -1; or in turn.
    grid : int or tuple of int, optional
        Sample on this number of k points along each axis, without a proof.
    min_gap : float, optional
        Certify only what is proven to have at least this gap, in the units of the hoppings.
    max_depth : int, optional
        How often a cube of the starting grid may be divided, at most 16.
    max_evaluations : int, optional
        Largest number of evaluated k points per Hamiltonian.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no integer: mask it and say so in the status, or raise.

    Returns
    -------
    SymmetryCertificate
        Value, status ("certified", of a grid "sampled", or "unresolved"), gap of the symmetrised
        Hamiltonian and violation of the symmetry, each of shape (...) like the batch of `H`. The
        sign belongs to momenta k.a with the given order of axes.

    Raises
    ------
    KindError
        If `H` is not a three-dimensional Hamiltonian in Fourier form.
    ShapeError, InputError
        If the chiral operator is not of its kind, an option is out of range, or more than four
        bands come without a grid.
    UnresolvedError
        If asked for and an integer is unresolved.

    References
    ----------
    .. [1] A. P. Schnyder, S. Ryu, A. Furusaki, A. W. W. Ludwig, Phys. Rev. B 78, 195125 (2008).
    .. [2] H. W. Kuhn, IBM J. Res. Dev. 4, 518 (1960), for the simplices.

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.chiral_dirac_3d([-4.0, -2.0, 0.0, 2.0])
    >>> winding_3d(h, chiral="blocks").value
    array([ 0,  1, -2,  1])
    """
    check_on_unresolved(on_unresolved)
    checked = limits(min_gap, max_depth, max_evaluations, deepest=DEEPEST)
    found = require_dimension(H, 3)
    n, batch = found.n_bands, found.batch_shape
    basis = chiral_operator(chiral, n)
    if grid is None and n > 4:
        raise InputError(
            f"Argument `grid` must be given for {n} bands: only of four is the winding number"
            " proven, of more it can be sampled, such as by grid=24."
        )
    mean = group_mean(found, [Symmetry(basis.operator, -1.0)], n // 2)
    asked = Asked(found, QUANTITY, n // 2)
    if grid is not None:
        return settle(_sampled(mean, basis, grid, batch, asked), on_unresolved, QUANTITY)
    proof, violation = _proven(mean, basis, checked)
    result = conclude(QUANTITY, proof, batch, "mask", asked)
    return settled(result, QUANTITY, violation.reshape(batch), on_unresolved)


# ------------------------------------------------------------------------------------ The proof


#: A rotation of the values without symmetry, so that no ray meets a special point of a model.
_TURN: Final = np.array(
    [[0.4618 + 0.5731j, -0.2297 + 0.6369j], [0.2297 + 0.6369j, 0.4618 - 0.5731j]]
) / np.sqrt(0.4618**2 + 0.5731**2 + 0.2297**2 + 0.6369**2)


def _blocks(
    mean: GroupMean, basis: ChiralBasis
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Coefficients D_R (B, M, N, N) in scaled units, and how far H is from what they make (B,)."""
    rows, size = mean.scaled, np.linalg.norm(mean.scaled, axis=(-2, -1))
    d = basis.plus.conj().T @ rows @ basis.minus
    if not basis.operator.rounds:
        return d, mean.error
    back = basis.plus @ d @ basis.minus.conj().T
    order = {tuple(v): m for m, v in enumerate(mean.h.vectors.tolist())}
    opposite = [order[tuple(-x for x in v)] for v in mean.h.vectors.tolist()]
    left_out = np.linalg.norm(rows - back - back[:, opposite].conj().swapaxes(-1, -2), axis=(2, 3))
    formed = block_error([basis.plus, basis.minus], size)
    return d, np.asarray(UP * (mean.error + (left_out + 2.0 * formed).sum(-1)))


def _proven(
    mean: GroupMean, basis: ChiralBasis, checked: Limits
) -> tuple[Evidence, NDArray[np.float64]]:
    """Prove the degree of the first column; winding 0 of one orbital by the same proof."""
    d, error = _blocks(mean, basis)
    violation = mean.violation.copy()
    many = len(d)
    if d.shape[-1] == 1:  # the same block twice has the gap of one; one column has no degree
        d = d * np.eye(2)
    d = np.where(np.isfinite(error)[:, None, None, None], d, 0.0)
    kept = d.any((0, 2, 3))
    vectors = mean.h.vectors[kept] if kept.any() else mean.h.vectors[:1]
    d = d[:, kept] if kept.any() else d[:, :1]
    turned = _TURN @ d
    norms = np.linalg.norm(turned, axis=(-2, -1))
    formed = np.where(np.isfinite(error), error, 0.0)
    slack = slack_of(norms, np.abs(vectors).sum(-1), 4)
    second = UP * (np.square(vectors).sum(-1) * np.linalg.norm(turned, 2, (-2, -1))).sum(-1) * UP
    columns = np.ascontiguousarray(turned.swapaxes(-1, -2)).reshape(many, len(vectors), 4)
    turns = 2.0 * np.pi * np.arange(TABLE) / TABLE
    table = np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    degree, looks = np.zeros(many, np.int64), np.zeros(many, np.int64)
    evidence, status = np.zeros((many, 5)), np.zeros(many, np.uint8)

    def prove(rows: NDArray[np.intp], least: NDArray[np.float64]) -> None:
        parts = (np.empty(len(rows), np.int64), np.empty((len(rows), 5)),
                 np.empty(len(rows), np.int64), np.empty(len(rows), np.uint8))  # fmt: skip
        certify_degrees_3d(
            columns[rows].view(np.float64), vectors, table, START, checked.max_depth,
            checked.max_evaluations, least, slack[rows], second[rows], *parts,
        )  # fmt: skip
        degree[rows], evidence[rows], status[rows] = parts[0], parts[1], parts[3]
        looks[rows] += parts[2]

    least = demand(checked.min_gap, mean.exponent, formed)
    prove(np.arange(many), least)
    left = np.flatnonzero((status == st.OK) & (violation > 0.0))
    gap = proven_gap(evidence[:, 0], formed, mean.exponent)
    left = left[~(gap[left] > violation[left])]
    if len(left):
        violation[left] = np.minimum(violation[left], mean.sharper(left))
        left = left[~(gap[left] > violation[left])]
        wanted = upper_bound(violation, -mean.exponent) + 2.0 * formed
        again = left[np.isfinite(wanted[left])]
        before = evidence.copy(), degree.copy()
        prove(again, np.maximum(least, np.nextafter(UP * wanted, np.inf))[again])
        lost = again[status[again] != st.OK]  # the first proof stands, and is not enough
        evidence[lost], degree[lost] = before[0][lost], before[1][lost]
        status[lost] = st.OK
    status[~np.isfinite(error)] = st.ROUNDING
    k = (2.0 * np.pi * evidence[:, 2:] + np.pi) % (2.0 * np.pi) - np.pi
    value = np.zeros(many, np.int64) if basis.plus.shape[1] == 1 else degree
    met = evidence[:, 1] + np.where(np.isfinite(error), 2.0 * formed, np.inf)
    return Evidence(
        proven=status == st.OK,
        value=value,
        gap_lower=proven_gap(evidence[:, 0], formed, mean.exponent),
        gap_upper=upper_bound(met, mean.exponent),
        k_at_gap_upper=k,
        evaluations=looks,
        status=status,
    ), violation


# ------------------------------------------------------------------------------------- Samples


def _sampled(
    mean: GroupMean,
    basis: ChiralBasis,
    grid: int | tuple[int, ...],
    batch: tuple[int, ...],
    asked: Asked,
) -> SymmetryCertificate:
    """Integers of the piecewise-linear map through samples."""
    points = math.prod(grid_sizes(3, grid))
    if points > MOST_POINTS:
        raise InputError(
            f"Argument `grid` must have at most {MOST_POINTS} k points in all, but has {points}."
        )
    k = grid_of(3, grid)
    many = len(mean.scaled)
    value, gap = np.zeros(many, np.int64), np.zeros(many)
    at, good = np.zeros((many, 3)), np.zeros(many, bool)
    for b in range(many):
        h = bloch_at(mean.h.vectors, mean.scaled[b], k)
        d = basis.plus.conj().T @ h @ basis.minus
        left, sigma, right = np.linalg.svd(d)
        place = np.unravel_index(sigma[..., -1].argmin(), sigma.shape[:-1])
        gap[b], at[b] = 2.0 * sigma[place][-1], k[place]
        if sigma[..., -1].min() <= 1e-9 * sigma[..., 0].max():
            continue
        degree = _degree(left @ right)
        good[b] = degree is not None
        value[b] = 0 if degree is None else degree
    proof = Certificate(
        quantity=QUANTITY,
        value=value.reshape(batch),
        status=np.where(good, "sampled", "unresolved").reshape(batch),
        gap_lower=np.zeros(batch),
        gap_upper=upper_bound(gap, mean.exponent).reshape(batch),
        k_at_gap_upper=at.reshape(*batch, 3),
        evaluations=np.full(batch, points, np.int64),
        reason=np.where(good, "", np.where(gap > 0.0, "depth", "closed gap"))
        .astype("<U10")
        .reshape(batch),
        asked=asked,
    )
    return replace(
        settled(proof, QUANTITY, mean.violation.reshape(batch), "mask"), status=proof.status
    )


def _degree(q: NDArray[np.complex128]) -> int | None:
    """Degree of unitary blocks (n_x, n_y, n_z, N, N); None where the grid is too coarse to tell.

    Of more than two orbitals columns are removed in several bases, and all have to agree.
    """
    size = q.shape[-1]
    if size == 1:
        return 0
    rng, found = np.random.default_rng(0), set()
    for _ in range(1 if size == 2 else BASES):
        now = q
        for _column in range(size, 2, -1):
            now = _without_a_column(now, rng)
        found.add(_degree_of_columns((_TURN @ now)[..., 0]))
    return found.pop() if len(found) == 1 else None


def _without_a_column(
    q: NDArray[np.complex128], rng: np.random.Generator
) -> NDArray[np.complex128]:
    """Unitary blocks (..., N - 1, N - 1) of the same winding number.

    Of a few random bases the one is taken in which the column stays farthest from -e_1.

    A first column v = (a, w) is the end of the geodesic from e_1 with cos(theta) = Re a, and of
    exp(theta X) e_1, X = [[i b, -w'^dagger], [w', -i b]] with b = Im a / sin(theta), w' = w /
    sin(theta). That unitary depends on v continuously except at v = -e_1, which no map of three
    dimensions meets, so that it is homotopic to 1; its inverse makes the first column e_1.
    """
    n = q.shape[-1]
    best, q_best = -1.0, q
    for _ in range(CANDIDATES):
        drawn = rng.standard_normal((2, 2, n, n))
        left, right = np.linalg.qr(drawn[0] + 1j * drawn[1])[0]
        column = q @ right[:, 0]
        away = float((1.0 + (column @ left[0]).real).min())
        if away > best:
            best, q_best = away, left @ q @ right
    q = q_best
    a, w = q[..., 0, 0], q[..., 1:, 0]
    theta = np.arccos(a.real.clip(-1.0, 1.0))
    turn = np.exp(1j * a.imag / np.sinc(theta / np.pi).clip(1e-300))[..., None, None]
    inside = (w.conj()[..., None] * q[..., 1:, 1:]).sum(-2)[..., None, :]
    weight = np.square(np.abs(w)).sum(-1).clip(1e-300)[..., None, None]
    # rows of the inverse from the second on
    along = q[..., :1, 1:] - (a[..., None, None] - turn) / weight * inside
    u, _, v = np.linalg.svd(turn * q[..., 1:, 1:] - w[..., None] * along)
    return np.asarray(u @ v)


def _degree_of_columns(v: NDArray[np.complex128]) -> int | None:
    """Degree of the piecewise-linear map through columns (n_x, n_y, n_z, 2)."""
    base = np.zeros((*v.shape[:3], 8))
    base[..., :4] = np.ascontiguousarray(v).view(np.float64)
    for axis in range(4):
        degree = degree_of_grid(base, axis, 1.0)
        if abs(degree) < 1 << 40:
            return int(degree)
    return None
