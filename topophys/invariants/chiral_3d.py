"""Winding numbers of chiral insulators and superconductors in three dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import InputError, ShapeError
from topophys.grids import grid_of, grid_sizes
from topophys.invariants._cocycle import gap_evidence
from topophys.invariants._limits import Limits, limits
from topophys.invariants._scaling import demand, proven_gap
from topophys.invariants._slices import Slice, bloch_at, require_dimension
from topophys.invariants._symmetry import (
    KIND,
    Operator,
    block_error,
    orthonormality,
    product_error,
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
#: Largest blocks of a proof, how far the series of the last column reach, in hoppings of D, and
#: how many terms they may have.
MOST_ORBITALS: Final = 4
GROWTH: Final = {3: 2, 4: 5}
MOST_TERMS: Final = 100_000
#: Frames to choose from for the removal of a column, and how many proofs are tried.
FRAMES: Final = 150
TRIES: Final = 4
#: Points along each axis on which frames are compared.
COMPARED: Final = 8


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
    without zeros, counted by signs of determinants. For six and eight bands the gap is proven as
    for `certify_gap`, and columns are removed one by one: :math:`W_3` is a sum of degrees of maps
    to :math:`\mathbb{C}^2` whose entries are polynomials in those of D. With `grid` it is
    sampled, for any number of bands: columns are rotated away one by one until two are left.

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
        If the chiral operator is not of its kind, an option is out of range, or more than eight
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
    if grid is None and n > 2 * MOST_ORBITALS:
        raise InputError(
            f"Argument `grid` must be given for {n} bands: up to {2 * MOST_ORBITALS} the winding"
            " number is proven, of more it can be sampled, such as by grid=24."
        )
    mean = group_mean(found, [Symmetry(basis.operator, -1.0)], n // 2)
    asked = Asked(found, QUANTITY, n // 2, operator=basis.operator.matrix)
    if grid is not None:
        return settle(_sampled(mean, basis, grid, batch, asked), on_unresolved, QUANTITY)
    if n > 4:
        _require_few_terms(mean.h.vectors[mean.scaled.any((0, 2, 3))], n // 2)
    prove = _proven if n <= 4 else _proven_by_columns
    proof, violation = prove(mean, basis, checked)
    result = conclude(QUANTITY, proof, batch, "mask", asked)
    return settled(result, QUANTITY, violation.reshape(batch), on_unresolved)


# ------------------------------------------------------------------------------------ The proof


#: A rotation of the values without symmetry, so that no ray meets a special point of a model.
_TURN: Final = np.array(
    [[0.4618 + 0.5731j, -0.2297 + 0.6369j], [0.2297 + 0.6369j, 0.4618 - 0.5731j]]
) / np.sqrt(0.4618**2 + 0.5731**2 + 0.2297**2 + 0.6369**2)


def _table() -> NDArray[np.float64]:
    """Cosines and sines of the phases of the kernel (TABLE, 2)."""
    turns = 2.0 * np.pi * np.arange(TABLE) / TABLE
    return np.stack([np.cos(turns), np.sin(turns)], axis=-1)


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
    table = _table()
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


# ------------------------------------------------------------- The proof of three and four orbitals


@dataclass(frozen=True, eq=False)
class Series:
    """Fourier series f(k) with coefficients on a box, -r..r along each axis, and its error.

    Attributes
    ----------
    box : complex128 ndarray of shape (2 r_x + 1, 2 r_y + 1, 2 r_z + 1)
        Coefficients.
    error : float
        Bound, over all k, of the distance from the series that is meant.
    """

    box: NDArray[np.complex128]
    error: float

    @property
    def reach(self) -> tuple[int, ...]:
        """Largest component of a vector along each axis."""
        return tuple(length // 2 for length in self.box.shape)

    def padded(self, reach: Sequence[int]) -> NDArray[np.complex128]:
        """Coefficients on a larger box."""
        return np.pad(self.box, [(to - r,) * 2 for to, r in zip(reach, self.reach, strict=True)])

    @property
    def size(self) -> float:
        """Bound of |f(k)|."""
        return float(UP * np.abs(self.box).sum())

    def __add__(self, other: Series) -> Series:
        reach = [max(pair) for pair in zip(self.reach, other.reach, strict=True)]
        rounded = 2.0 * UNIT * (self.size + other.size)
        whole = self.padded(reach) + other.padded(reach)
        return Series(whole, UP * (self.error + other.error + rounded))

    def __neg__(self) -> Series:
        return Series(-self.box, self.error)

    def __mul__(self, other: Series) -> Series:
        few, many = sorted((self, other), key=lambda f: np.count_nonzero(f.box))
        width = many.box.shape
        shape = [n + m - 1 for n, m in zip(few.box.shape, width, strict=True)]
        out = np.zeros(shape, np.complex128)
        places = np.argwhere(few.box != 0.0)
        for x, y, z in places.tolist():
            out[x : x + width[0], y : y + width[1], z : z + width[2]] += few.box[x, y, z] * many.box
        a, b = few.size, many.size
        # a sum of so many complex products
        rounded = (len(places) + 8) * 2.0 * UNIT * a * b
        return Series(out, UP * (a * many.error + b * few.error + few.error * many.error + rounded))

    @property
    def conj(self) -> Series:
        """Complex conjugate for real k."""
        return Series(self.box[::-1, ::-1, ::-1].conj(), self.error)


Rows = list[list[Series]]


def _require_few_terms(vectors: NDArray[np.int64], n: int) -> None:
    """Refuse hoppings (M, 3) of blocks of n orbitals that make the last series too long."""
    reach = np.abs(vectors).max(0, initial=0)
    terms = math.prod(2 * GROWTH[n] * int(r) + 1 for r in reach)
    if terms > MOST_TERMS:
        raise InputError(
            f"Argument `H` must not reach as far as {tuple(reach.tolist())} cells for a proof of"
            f" {2 * n} bands: its last series would have {terms} terms, more than {MOST_TERMS}."
            " Sample it, such as by grid=24."
        )


def _with_one_less(m: Rows) -> tuple[Rows, tuple[Series, Series]]:
    """Remove the last row and a column of N - 1 columns M (N rows) of an invertible matrix.

    With a = (r_1, r_2) != 0 from the last row r, the columns w_1 = (r_2, -r_1, 0, ...) and
    |a|^2 e_j - r_j (r_1*, r_2*, 0, ...) are orthogonal to r*. Returns M times them without its last
    row, which is 0, and (r_2, -r_1): the winding number of M is that of the former less the degree
    of the latter.
    """
    last = m[-1]
    r, s = last[0], last[1]
    weight = r * r.conj + s * s.conj
    rows: Rows = []
    for row in m[:-1]:
        along = row[0] * r.conj + row[1] * s.conj
        first = row[0] * s + -(row[1] * r)
        rest = [weight * x + -(y * along) for x, y in zip(row[2:], last[2:], strict=True)]
        rows.append([first, *rest])
    return rows, (s, -r)


def _frames(
    rng: np.random.Generator, values: NDArray[np.complex128]
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Unitary L and R for which (L D R)_{N1}, (L D R)_{N2}, and what is left, stay far from 0.

    Shapes: `values` (P, N, N), D on a grid.
    """
    n = values.shape[-1]
    best, kept = -1.0, (np.eye(n, dtype=np.complex128),) * 2
    for _ in range(FRAMES):
        drawn = rng.standard_normal((2, 2, n, n))
        left, right = np.linalg.qr(drawn[0] + 1j * drawn[1])[0]
        m = values @ right[:, : n - 1]
        m = left @ m
        score = np.inf
        while m.shape[-1] > 1:
            r, s = m[:, -1, 0], m[:, -1, 1]
            score = min(score, _least(r, s))
            weight = np.square(np.abs(r)) + np.square(np.abs(s))
            along = m[:, :-1, 0] * r.conj()[:, None] + m[:, :-1, 1] * s.conj()[:, None]
            first = m[:, :-1, 0] * s[:, None] - m[:, :-1, 1] * r[:, None]
            rest = weight[:, None, None] * m[:, :-1, 2:] - m[:, -1:, 2:] * along[:, :, None]
            m = np.concatenate([first[..., None], rest], axis=-1)
        score = min(score, _least(m[:, 0, 0], m[:, 1, 0]))
        if score > best:
            best, kept = score, (left, right)
    return kept


def _least(a: NDArray[np.complex128], b: NDArray[np.complex128]) -> float:
    """Smallest length of a vector on a grid, relative to a typical one."""
    square = np.square(np.abs(a)) + np.square(np.abs(b))
    return float(square.min() / max(float(square.mean()), 1e-300))


def _degree_of_pair(a: Series, b: Series, depth: int, most: int) -> tuple[int, int, int]:
    """Degree of (a, b) to C^2 without zeros, evaluations, and status.

    The matrix with the columns (a, b) and (-b*, a*) is its length times a unitary one: its proof
    is that of one column.
    """
    reach = [max(pair) for pair in zip(a.reach, b.reach, strict=True)]
    pair = np.stack([f.padded(reach) for f in (a, b)], axis=-1)
    _, exponent = np.frexp(np.abs(pair).max())
    pair = np.ldexp(pair.view(np.float64), -exponent).view(np.complex128)
    error = UP * (a.error + b.error) * 2.0 ** -float(exponent)
    axes = [np.arange(-r, r + 1) for r in reach]
    vectors = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    pair = pair.reshape(-1, 2)
    opposite = pair[::-1].conj()
    d = np.stack([pair, np.stack([-opposite[:, 1], opposite[:, 0]], axis=-1)], axis=-1)
    kept = d.any((1, 2))
    d, vectors = _TURN @ d[kept], vectors[kept]
    norms = np.linalg.norm(d, axis=(-2, -1))
    slack = slack_of(norms[None], np.abs(vectors).sum(-1), 4)
    second = np.array([UP * (np.square(vectors).sum(-1) * norms).sum()])
    columns = np.ascontiguousarray(d.swapaxes(-1, -2)).reshape(1, len(vectors), 4)
    parts = (np.zeros(1, np.int64), np.zeros((1, 5)), np.zeros(1, np.int64), np.zeros(1, np.uint8))
    certify_degrees_3d(
        columns.view(np.float64), vectors, _table(), START, depth, most,
        np.array([np.nextafter(2.0 * UP * error, np.inf)]), slack, second, *parts,
    )  # fmt: skip
    return int(parts[0][0]), int(parts[2][0]), int(parts[3][0])


def _winding_of_block(
    vectors: NDArray[np.int64], d: NDArray[np.complex128], error: float, checked: Limits
) -> tuple[int, int, int]:
    """Winding number of an invertible block (M, N, N), evaluations, and status.

    `error` bounds the distance of the block from the one that is meant.
    """
    n, reach = d.shape[-1], np.abs(vectors).max(0)
    rng, looks, status = np.random.default_rng(0), 0, st.DEPTH
    turns = 2.0 * np.pi * np.arange(COMPARED) / COMPARED
    grid = np.stack(np.meshgrid(turns, turns, turns, indexing="ij"), axis=-1).reshape(-1, 3)
    values = np.einsum("pm,mij->pij", np.exp(1j * grid @ vectors.T), d)
    for _ in range(TRIES):
        left, right = _frames(rng, values)
        turned = left @ d @ right
        # both matrices are invertible as they are; what their products round is in the error
        size = float(np.linalg.norm(d, axis=(-2, -1)).sum())
        off = UP * (1.001 * error + float(product_error(n, np.asarray(size))))
        m: Rows = []
        for i in range(n):
            m.append([])
            for j in range(n - 1):
                box = np.zeros(2 * reach + 1, np.complex128)
                np.add.at(box, tuple((vectors + reach).T), turned[:, i, j])
                m[-1].append(Series(box, off))
        total, pairs = 0, []
        while len(m) > 2:
            m, taken = _with_one_less(m)
            pairs.append((*taken, -1))
        pairs.append((m[0][0], m[1][0], 1))
        for a, b, sign in pairs:
            degree, used, status = _degree_of_pair(
                a, b, checked.max_depth, checked.max_evaluations - looks
            )
            looks += used
            total += sign * degree
            if status != st.OK:
                break
        if status == st.OK:
            return total, looks, status
        if looks >= checked.max_evaluations or status == st.BUDGET:
            break
    return 0, looks, st.BUDGET if status == st.BUDGET else st.DEPTH


def _proven_by_columns(
    mean: GroupMean, basis: ChiralBasis, checked: Limits
) -> tuple[Evidence, NDArray[np.float64]]:
    """Prove the gap, then the degrees that make up the winding number."""
    filled = basis.plus.shape[1]
    found = gap_evidence(mean.h, filled, checked, evidence=False)
    violation = mean.violation.copy()
    proven, gap, looks = found.proven.copy(), found.gap_lower.copy(), found.evaluations.copy()
    left = np.flatnonzero(proven & (violation > 0.0) & ~(gap > violation))
    if len(left):
        violation[left] = np.minimum(violation[left], mean.sharper(left))
    for b in left[~(gap[left] > violation[left])]:
        if not np.isfinite(violation[b]):
            continue
        least = max(checked.min_gap, float(np.nextafter(violation[b], np.inf)))
        error = mean.h.amplitude_error
        one = Slice(
            mean.h.vectors, mean.h.amplitudes[b : b + 1], filled,
            np.zeros(1) if error is None else error[b : b + 1],
        )  # fmt: skip
        again = gap_evidence(one, filled, replace(checked, min_gap=least), evidence=False)
        looks[b] += again.evaluations[0]
        if again.proven[0]:
            gap[b] = again.gap_lower[0]
    d, error_of_block = _blocks(mean, basis)
    kept = np.abs(d).max((0, 2, 3), initial=0.0) > 0.0
    value, status = np.zeros(len(d), np.int64), found.status.copy()
    for b in np.flatnonzero(proven & ~(gap <= violation)):
        rest = replace(checked, max_evaluations=checked.max_evaluations - int(looks[b]))
        if rest.max_evaluations <= 0:
            value[b], used, status[b] = 0, 0, st.BUDGET
        else:
            value[b], used, status[b] = _winding_of_block(
                mean.h.vectors[kept], d[b][kept], float(error_of_block[b]), rest
            )
        looks[b] += used
        proven[b] = status[b] == st.OK
    return replace(
        found, proven=proven, value=np.where(proven, value, 0),
        gap_lower=np.where(proven, gap, 0.0), evaluations=looks, status=status,
    ), violation  # fmt: skip


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
