"""Second Chern numbers of five-vector models in four dimensions."""

from __future__ import annotations

from typing import Final, Literal

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
from topophys.invariants.results import Evidence, OnUnresolved, check_on_unresolved, conclude
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
    gammas: ArrayLike | Literal["dirac"],
    min_gap: float = 0.0,
    max_grid: int = 16,
    on_unresolved: OnUnresolved = "mask",
) -> SymmetryCertificate:
    r"""Second Chern number of the two lower of four bands of a five-vector model, proven.

    .. math:: H(k) = d_0(k) + \sum_{a=1}^5 d_a(k)\, \Gamma_a, \qquad
        C_2 = \frac{1}{32\pi^2} \int \epsilon^{ijkl}\, \mathrm{tr}\, F_{ij} F_{kl}
        = \pm \deg \left[ d/|d| : T^4 \to S^4 \right]

    The Gamma matrices are Hermitian and anticommute; the sign is that of their product. On grids
    of 4, 8, 16, ... points a side all cells must keep d within a half space, which proves the gap
    :math:`2|d|` as well; then the degree is that of the piecewise-linear map through the grid. What
    is not of this form counts as violation.

    Parameters
    ----------
    H : FourierHamiltonian
        Four bands in four dimensions, or a batch.
    gammas : array-like of shape (5, 4, 4), or "dirac"
        Hermitian matrices with :math:`\{\Gamma_a, \Gamma_b\} = 2 \delta_{ab}`; or those of
        `models.dirac_4d`.
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
        If it does not have four bands, or the matrices are not such Gammas.
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
    """
    check_on_unresolved(on_unresolved)
    found = require_dimension(H, 4)
    most = _validation.positive_int(max_grid, "max_grid", minimum=4)
    if most > 32:
        raise InputError(f"Argument `max_grid` must be at most 32, but is {max_grid}.")
    if not 0.0 <= min_gap < np.inf:
        raise InputError(f"Argument `min_gap` must be a finite number >= 0, but is {min_gap}.")
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
    result = conclude(QUANTITY, proof, found.batch_shape, "mask", Asked(found, QUANTITY, 2))
    return settled(result, QUANTITY, violation.reshape(found.batch_shape), on_unresolved)


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
