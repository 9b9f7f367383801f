"""Second Chern numbers in four dimensions: five-vector models proven, others sampled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import InputError
from topophys.hamiltonians.two_band import PAULI
from topophys.invariants._scaling import demand, proven_gap, scaled
from topophys.invariants._slices import require_dimension
from topophys.invariants._symmetry import KIND
from topophys.invariants.evidence import Asked
from topophys.invariants.results import (
    Certificate,
    Evidence,
    OnUnresolved,
    check_on_unresolved,
    conclude,
    settle,
)
from topophys.invariants.symmetric import SymmetryCertificate, settled
from topophys.kernels import status as st
from topophys.kernels.degree import PATHS, degree_of_grid_4d
from topophys.kernels.rounding import MET, UP, slack_of, upper_bound

__all__ = ["GAMMAS", "second_chern"]

_X, _Y, _Z = PAULI
#: Five Gamma matrices, Hermitian and anticommuting; their product is -1.
GAMMAS: Final[NDArray[np.complex128]] = np.array(
    [np.kron(_X, _X), np.kron(_X, _Y), np.kron(_X, _Z), np.kron(_Y, np.eye(2)),
     np.kron(_Z, np.eye(2))]
)  # fmt: skip

QUANTITY: Final = "second Chern number"
#: A rotation of the values without symmetry, so that no ray meets a special point of a model.
_TURN: Final = np.linalg.qr(np.random.default_rng(7).standard_normal((5, 5)))[0]


def second_chern(
    H: FourierLike,
    *,
    gammas: ArrayLike | Literal["dirac"] | None = None,
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_grid: int = 16,
    on_unresolved: OnUnresolved = "mask",
) -> SymmetryCertificate:
    r"""Second Chern number: of the lower bands of a five-vector model proven, of others sampled.

    .. math:: C_2 = \frac{1}{32\pi^2} \int \epsilon^{ijkl}\, \mathrm{tr}\, F_{ij} F_{kl}
        = \pm \deg \left[ d/|d| : T^4 \to S^4 \right]
        \quad\text{if}\quad H(k) = d_0(k) + \sum_{a=1}^5 d_a(k)\, \Gamma_a

    The Gamma matrices are Hermitian and anticommute; the sign is that of their product. On grids
    of 4, 8, 16, ... points a side all cells must keep d within a half space, which proves the gap
    :math:`2|d|` as well; then the degree is that of the piecewise-linear map through the grid. What
    is not of this form counts as violation.

    Without Gamma matrices the integral is a sum over grids of 6, 8, 12, 16, ... points a side,
    with exact derivatives of the occupied states; it converges exponentially. The integer is given,
    as "sampled", where the sums of two successive grids are within 0.1 of it. A gap that closes
    between the points is not seen.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in four dimensions, or a batch; with `gammas` of four bands.
    gammas : array-like of shape (5, 4, 4), or "dirac", optional
        Hermitian matrices with :math:`\{\Gamma_a, \Gamma_b\} = 2 \delta_{ab}`; or those of
        `models.dirac_4d`. Where not given the number is sampled.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given, 2 with `gammas`.
    min_gap : float, optional
        Certify only what is proven to have at least this gap, in the units of the hoppings.
    max_grid : int, optional
        Largest number of points along each axis, at most 32.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    SymmetryCertificate
        Value, status, gap and violation, each of shape (...) like the batch of `H`.

    Raises
    ------
    KindError
        If `H` is not a four-dimensional Hamiltonian in Fourier form.
    InputError
        If it does not have four bands with two occupied, or the matrices are not such Gammas;
        without Gammas, if `min_gap` is given, which samples cannot prove.
    UnresolvedError
        If asked for and a value is unresolved.

    References
    ----------
    .. [1] X.-L. Qi, T. L. Hughes, S.-C. Zhang, Phys. Rev. B 78, 195424 (2008).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.dirac_4d([-5.0, -3.0, -1.0])
    >>> second_chern(h, gammas="dirac").value
    array([ 0, -1,  3])
    >>> found = second_chern(h[1])
    >>> int(found.value), str(found.status)
    (-1, 'sampled')
    """
    check_on_unresolved(on_unresolved)
    found = require_dimension(H, 4)
    most = _validation.positive_int(max_grid, "max_grid", minimum=4)
    if most > 32:
        raise InputError(f"Argument `max_grid` must be at most 32, but is {max_grid}.")
    if not 0.0 <= min_gap < np.inf:
        raise InputError(f"Argument `min_gap` must be a finite number >= 0, but is {min_gap}.")
    if gammas is None:
        if min_gap:
            raise InputError(
                f"Argument `min_gap` must be 0 without `gammas`, but is {min_gap}: samples prove no"
                " gap."
            )
        filled = _validation.occupied(
            found.n_occupied if n_occupied is None else n_occupied, found.n_bands
        )
        return settle(_sampled(found, filled, most), on_unresolved, QUANTITY)
    if n_occupied not in (None, 2):
        raise InputError(f"Argument `n_occupied` must be 2 with `gammas`, but is {n_occupied}.")
    if found.n_bands != 4:
        raise InputError(f"Argument `H` must have four bands, but has {found.n_bands}.")
    matrices, sign = _gammas(gammas)
    rows, exponent, error = scaled(found)
    lost = ~np.isfinite(error)
    d = 0.25 * np.einsum("aij,bmji->bma", matrices, rows)  # of e^(ik.R); d_(-R) = conj d_R
    mean = 0.25 * np.einsum("bmii->bm", rows)[..., None, None] * np.eye(4)
    rest = rows - mean - np.einsum("bma,aij->bmij", d, matrices)
    apart = UP * np.linalg.norm(rest, 2, axis=(-2, -1)).sum(-1)
    size = np.linalg.norm(rows, axis=(-2, -1))
    formed = np.where(lost, 0.0, error) + 2.0**-48 * size.sum(-1)
    least, away = demand(min_gap, exponent, formed), 2.0 * UP * UP * (apart + 2.0 * formed)
    results = []
    for b in range(len(rows)):
        one = (0, 0.0, np.inf, np.zeros(4), 0, st.ROUNDING)
        if not lost[b]:
            one = _prove(found.vectors, d[b], float(least[b]), most)
            needed = UP * (away[b] + 2.0 * formed[b])
            if one[5] == st.OK and one[1] <= needed:
                again = _prove(found.vectors, d[b], float(needed), most)
                one = again if again[5] == st.OK else one
        results.append(one)
    status = np.array([r[5] for r in results], np.uint8)
    proof = Evidence(
        proven=status == st.OK,
        value=sign * np.array([r[0] for r in results], np.int64),
        gap_lower=proven_gap(np.array([r[1] for r in results], np.float64), formed, exponent),
        gap_upper=upper_bound(np.array([r[2] for r in results]) + 2.0 * formed, exponent),
        k_at_gap_upper=np.array([r[3] for r in results], np.float64).reshape(-1, 4),
        evaluations=np.array([r[4] for r in results], np.int64),
        status=status,
    )
    violation = upper_bound(away, exponent)
    asked = Asked(found, QUANTITY, 2, operator=matrices)
    result = conclude(QUANTITY, proof, found.batch_shape, "mask", asked)
    return settled(result, QUANTITY, violation.reshape(found.batch_shape), on_unresolved)


#: Largest distance of a sum from an integer that is taken for it, on two successive grids.
NEAR: Final = 0.1


def _sampled(H: FourierLike, filled: int, most: int) -> SymmetryCertificate:
    """Integers of sums over finer and finer grids."""
    rows, exponent, error = scaled(H)
    many, batch = len(rows), H.batch_shape
    value, good = np.zeros(many, np.int64), np.zeros(many, bool)
    gap, at, looks = np.full(many, np.inf), np.zeros((many, 4)), np.zeros(many, np.int64)
    sizes = [n for n in (6, 8, 12, 16, 24, 32) if n <= most]
    for b in np.flatnonzero(np.isfinite(error)):
        before: int | None = None
        for n in sizes:
            total, met, k = _curvature_sum(H.vectors, rows[b], filled, n)
            looks[b] += n**4
            if met < gap[b]:
                gap[b], at[b] = met, k
            if not gap[b] > 1e-9:
                break
            near = round(total) if abs(total - round(total)) < NEAR else None
            if near is not None and near == before:
                value[b], good[b] = near, True
                break
            before = near
    reason = np.where(good, "", np.where(gap > 1e-9, "depth", "closed gap")).astype("<U10")
    proof = Certificate(
        quantity=QUANTITY,
        value=value.reshape(batch),
        status=np.where(good, "sampled", "unresolved").reshape(batch),
        gap_lower=np.zeros(batch),
        gap_upper=upper_bound(gap, exponent).reshape(batch),
        k_at_gap_upper=at.reshape(*batch, 4),
        evaluations=looks.reshape(batch),
        reason=reason.reshape(batch),
        asked=Asked(H, QUANTITY, filled),
    )
    return replace(settled(proof, QUANTITY, np.zeros(batch), "mask"), status=proof.status)


def _curvature_sum(
    vectors: NDArray[np.int64], hoppings: NDArray[np.complex128], filled: int, n: int
) -> tuple[float, float, NDArray[np.float64]]:
    r"""Sum over a grid of the second Chern form, smallest gap met, and its momentum.

    With M_i the change of occupied states into empty ones, by perturbation theory,
    :math:`F_{ij} = M_i^\dagger M_j - M_j^\dagger M_i`, and the form is
    :math:`-(F_{01} F_{23} - F_{02} F_{13} + F_{03} F_{12}) / 4 \pi^2`, traced.
    """
    line = 2.0 * np.pi * np.arange(n) / n - np.pi
    plane = np.stack(np.meshgrid(line, line, line, indexing="ij"), -1).reshape(-1, 3)
    total, met, where = 0.0, np.inf, np.zeros(4)
    for first in line:
        k = np.concatenate([np.full((len(plane), 1), first), plane], axis=1)
        waves = np.exp(1j * (k @ vectors.T))
        level, states = np.linalg.eigh(np.tensordot(waves, hoppings, 1))
        gaps = level[:, filled] - level[:, filled - 1]
        if gaps.min() < met:
            met, where = float(gaps.min()), k[gaps.argmin()]
        if not met > 0.0:
            break
        low, high = states[..., :filled], states[..., filled:]
        apart = level[:, None, :filled] - level[:, filled:, None]
        m = []
        for axis in range(4):
            slope = np.tensordot(waves * (1j * vectors[:, axis]), hoppings, 1)
            m.append(high.conj().swapaxes(1, 2) @ slope @ low / apart)

        def curvature(i: int, j: int, m: list[NDArray[np.complex128]] = m) -> Any:
            half = m[i].conj().swapaxes(1, 2) @ m[j]
            return half - half.conj().swapaxes(1, 2)

        for sign, (i, j, r, s) in ((1, (0, 1, 2, 3)), (-1, (0, 2, 1, 3)), (1, (0, 3, 1, 2))):
            product = np.einsum("kab,kba->", curvature(i, j), curvature(r, s))
            total -= sign * float(product.real)
    return total * (2.0 * np.pi / n) ** 4 / (4.0 * np.pi**2), met, where


def _gammas(gammas: ArrayLike | str) -> tuple[NDArray[np.complex128], int]:
    """Check the matrices; the sign that takes the degree to the Chern number of the lower bands."""
    if isinstance(gammas, str):
        _validation.one_of(gammas, "gammas", ("dirac",))
        return GAMMAS, -1
    g = _validation.as_complex(gammas, "gammas", "(..., 5, 4, 4)")
    if g.shape != (5, 4, 4):
        raise InputError(f"Argument `gammas` must have shape (5, 4, 4), but has {g.shape}.")
    off = float(np.abs(g).max())
    if off < 2.0:  # products of others may leave the range
        products = np.einsum("aij,bjk->abik", g, g)
        wrong = products + products.swapaxes(0, 1) - 2.0 * np.einsum(
            "ab,ik->abik", np.eye(5), np.eye(4))  # fmt: skip
        off = max(float(np.abs(wrong).max()), float(np.abs(g - g.conj().swapaxes(1, 2)).max()))
    if off > KIND:
        raise InputError(
            "Argument `gammas` must be Hermitian and anticommute, with squares 1, to six digits,"
            f" but deviate by {off:.3g}."
        )
    product = np.linalg.multi_dot([*g])
    return g, 1 if np.trace(product).real > 0.0 else -1


def _prove(
    vectors: NDArray[np.int64], d: NDArray[np.complex128], least: float, most: int
) -> tuple[int, float, float, NDArray[np.float64], int, int]:
    """Degree, gap, smallest gap met, its momentum, evaluations, status of one model (M, 5)."""
    if not d.any():
        return 0, 0.0, 0.0, np.zeros(4), 0, st.CLOSED_GAP
    turned = d @ _TURN.T
    norms = np.sqrt(np.square(np.abs(turned)).sum(-1))
    slack = 2.0 * float(slack_of(2.0 * norms, np.abs(vectors).sum(-1), 4))
    second = UP * float((np.square(vectors).sum(-1) * norms).sum())
    n, looks, met, k = 4, 0, np.inf, np.zeros(4)
    while True:
        turns = np.arange(n)
        waves = [np.exp(2j * np.pi * (np.outer(turns, vectors[:, i]) % n) / n) for i in range(4)]
        values = np.einsum("xm,ym,zm,wm,ma->xyzwa", *waves, turned, optimize=True)
        base = np.ascontiguousarray(values.real)
        bend = (2.0 * np.pi / n) ** 2 / 8.0 * second
        degree, margin, shortest, place = degree_of_grid_4d(base, bend, PATHS)
        looks += n**4
        if 2.0 * np.sqrt(shortest) < met:
            met = 2.0 * float(np.sqrt(shortest))
            where = 2.0 * np.pi * np.array(np.unravel_index(place, (n,) * 4)) / n
            k = (where + np.pi) % (2.0 * np.pi) - np.pi
        gap = 2.0 * (margin - slack)
        seen = met + 2.0 * MET * slack
        if gap > 0.0 and gap >= least:
            certain = abs(degree) < 1 << 40
            return degree, gap, seen, k, looks, st.OK if certain else st.AMBIGUOUS
        if met <= 2.0 * slack:
            return 0, 0.0, seen, k, looks, st.CLOSED_GAP
        if met + 2.0 * slack < least:
            return 0, 0.0, seen, k, looks, st.SMALL_GAP
        if 2 * n > most:
            return 0, 0.0, seen, k, looks, st.DEPTH
        n *= 2
