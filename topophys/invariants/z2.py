"""Z2 invariant of two-dimensional time-reversal-symmetric insulators."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from topophys import _checks
from topophys._typing import FourierLike, is_fourier_like
from topophys.errors import InputError, KindError
from topophys.invariants import _time_reversal as tr
from topophys.invariants._flow import FlowRules
from topophys.invariants._half_zone import prove_half_zone
from topophys.invariants._loops import checked_matrices
from topophys.invariants._slices import Slice, require_dimension, rows_of
from topophys.invariants._z2_parity import of_parities
from topophys.invariants._z2_wilson import check_reversal, of_grid, of_hamiltonian
from topophys.invariants.certify_gap import certify_gap
from topophys.invariants.z2_result import Found, Z2Result, conclude_z2

__all__ = ["z2_invariant"]

#: Bands up to which a flow is followed by a proof where nobody says whether it should be.
FEW_BANDS: Final = 8
#: How often a cell of a proof may be quartered.
MAX_DEPTH: Final = 16


def z2_invariant(
    h: FourierLike | ArrayLike,
    *,
    n_occupied: int | None = None,
    method: Literal["wilson", "flux", "parity"] = "wilson",
    time_reversal: ArrayLike | None = None,
    inversion: ArrayLike | None = None,
    tolerance: float = 1e-3,
    prove: bool | None = None,
    max_evaluations: int = 20_000,
    rules: FlowRules | None = None,
) -> Z2Result:
    r"""Z2 invariant of two-dimensional insulators with time-reversal symmetry, T^2 = -1.

    .. math:: Z_2 = \#\{\text{centres } x_n(k_x) \text{ crossing the largest gap},\;
        0 \le k_x \le \pi\} \bmod 2

    The first form, "wilson", follows the Wannier centres along y while k_x is pumped across half
    of the zone. Loops are doubled and lines inserted until no centre moves by more than stated
    shares of the largest gap between centres. What happens within a narrow range of k_x can still
    be overlooked, so for Hamiltonians of few bands the second form, "flux", follows as a proof:

    .. math:: Z_2 = \frac{1}{2\pi} \int_{0 \le k_x \le \pi} \mathrm{tr}\,\Omega
        - 2 X(\pi) + 2 X(0) \pmod 2

    with X the sum over Kramers pairs of their centre. Half of the zone is divided into cells until
    on each the gap is proven open and the flux proven to be the principal value. The third form,
    "parity", multiplies the parities of occupied Kramers pairs where k = -k, and proves the gap:

    .. math:: (-1)^{Z_2} = \prod_{i=1}^{4} \prod_{m} \xi_{2m}(\Gamma_i)

    Parameters
    ----------
    h : FourierHamiltonian, or array-like of shape (..., Nx, Ny, n, n)
        Hamiltonian in two dimensions, or a batch; or Bloch matrices on `topophys.k_grid` with Nx
        and Ny even. A grid cannot be refined: it converges or stays unresolved.
    n_occupied : int, optional
        Number of occupied bands, even; that of `h`, or half of the bands, where not given.
    method : {"wilson", "flux", "parity"}, optional
        Flow of Wannier centres, proof by fluxes without a flow, or parities.
    time_reversal : array-like of shape (n, n), optional
        Unitary U of T = U K, checked against every hopping. Without it, signs of the symmetry are
        checked: occupied pairs at k = -k, and equal centres at k_x and -k_x.
    inversion : array-like of shape (n, n), optional
        Inversion operator among the orbitals of a cell, checked against every hopping.
    tolerance : float, optional
        Allowed splitting of occupied Kramers pairs, relative to the gap.
    prove : bool, optional
        Whether to follow the flow by the proof, or parities by a proof of the gap; what stays
        unproven is then unresolved. Where not given: for Hamiltonians of up to eight bands, and
        for parities.
    max_evaluations : int, optional
        Largest number of cells of a proof.
    rules : FlowRules, optional
        Shares and limits of the refinement.

    Returns
    -------
    Z2Result
        Values, status and evidence, each of shape (...) like the batch.

    Raises
    ------
    KindError
        If `h` is a Hamiltonian of another dimension, or a grid where one is needed.
    ShapeError, InputError
        If an argument makes no sense, or `h` is not symmetric under time reversal.

    References
    ----------
    .. [1] L. Fu, C. L. Kane, Phys. Rev. B 76, 045302 (2007).
    .. [2] A. A. Soluyanov, D. Vanderbilt, Phys. Rev. B 83, 235401 (2011).
    .. [3] R. Yu, X. L. Qi, A. Bernevig, Z. Fang, X. Dai, Phys. Rev. B 84, 075119 (2011).

    Examples
    --------
    Two copies of QWZ that time reversal maps to each other (the BHZ model):

    >>> import numpy as np
    >>> import topophys as tp
    >>> one = tp.models.qwz(-1.0).hoppings
    >>> both = {R: np.kron([[1, 0], [0, 0]], one[R])
    ...     + np.kron([[0, 0], [0, 1]], one[R].conj()) for R in one}
    >>> found = z2_invariant(tp.FourierHamiltonian(both))
    >>> int(found), str(found.status)
    (1, 'converged')
    """
    _checks.one_of(method, "method", ("wilson", "flux", "parity"))
    if not 0.0 <= tolerance < math.inf:
        raise InputError(f"Argument `tolerance` must be a number >= 0, but is {tolerance}.")
    # matrices are small: threads of the linear algebra library only get in each other's way
    with threadpool_limits(1):
        if is_fourier_like(h):
            found = require_dimension(h, 2)
            filled = _filled(n_occupied, found.n_occupied, found.n_bands)
            usual = method == "parity" or found.n_bands <= FEW_BANDS
            ask = _Question(
                method, filled, time_reversal, inversion, tolerance, rules or FlowRules(),
                method == "flux" or (usual if prove is None else prove),
                _checks.positive_int(max_evaluations, "max_evaluations"),
            )  # fmt: skip
            return _of_hamiltonians(found, ask)
        if method != "wilson" or time_reversal is not None or prove:
            raise KindError(
                "Argument `h` must be a Hamiltonian in Fourier form for parities, for checks of"
                " operators and for proofs, but is an array of samples."
            )
        return _of_samples(h, n_occupied, rules or FlowRules(), tolerance)


@dataclass(frozen=True, eq=False)
class _Question:
    """Checked options for Hamiltonians."""

    method: str
    filled: int
    time_reversal: ArrayLike | None
    inversion: ArrayLike | None
    tolerance: float
    rules: FlowRules
    prove: bool
    max_evaluations: int


def _filled(n_occupied: int | None, default: int, n_bands: int) -> int:
    filled = _checks.occupied(default if n_occupied is None else n_occupied, n_bands)
    tr.even_filling(filled)
    return filled


def _of_hamiltonians(h: FourierLike, ask: _Question) -> Z2Result:
    rows, filled = rows_of(h), ask.filled
    exact = ask.time_reversal is not None
    if ask.time_reversal is not None:
        tr.require_operator(h.vectors, rows, ask.time_reversal, "time_reversal")
    status = "certified" if exact and ask.prove else "converged"
    bound = np.full(len(rows), np.nan)
    if ask.method == "parity":
        found = _by_parity(h.vectors, rows, ask, exact=exact)
        if ask.prove:
            proof = certify_gap(h, n_occupied=filled, max_evaluations=ask.max_evaluations)
            bound = proof.gap_lower.reshape(-1)
    else:
        pairs = [_by_centres(Slice(h.vectors, row, filled), ask, exact=exact) for row in rows]
        found = [one for one, _ in pairs]
        bound = np.array([gap for _, gap in pairs], dtype=np.float64)
    return conclude_z2(found, bound, h.batch_shape, ask.method, status)


def _by_parity(
    vectors: NDArray[np.int64], rows: NDArray[np.complex128], ask: _Question, *, exact: bool
) -> list[Found]:
    if ask.inversion is None:
        raise InputError("Argument `inversion` must be given for the parity formula.")
    p = tr.require_operator(vectors, rows, ask.inversion, "inversion")
    return [of_parities(vectors, row, p, ask.filled, ask.tolerance, exact=exact) for row in rows]


def _by_centres(h: Slice, ask: _Question, *, exact: bool) -> tuple[Found, float]:
    """Flow, proof, or both; and the proven gap: NaN where no proof was wanted, 0 where none is."""
    corners = check_reversal(h, ask.filled, ask.rules, ask.tolerance, exact=exact)
    found = Found(0, False, np.nan, corners.gap, corners.splitting, 4)
    if ask.method == "wilson":
        found = of_hamiltonian(h, ask.filled, ask.rules, corners)
    if not ask.prove:
        return found, np.nan
    if corners.gapless:
        return found, 0.0
    zone = prove_half_zone(h, ask.filled, max_depth=MAX_DEPTH, max_evaluations=ask.max_evaluations)
    proven = replace(
        found,
        value=zone.value,
        resolved=zone.proven,
        gap_upper=min(found.gap_upper, zone.gap_upper),
        evaluations=found.evaluations + zone.evaluations,
    )
    return proven, zone.gap_lower if zone.proven else 0.0


def _of_samples(
    h: ArrayLike, n_occupied: int | None, rules: FlowRules, tolerance: float
) -> Z2Result:
    h_k = checked_matrices(h, "h", "(..., Nx, Ny, n, n)")
    filled = _filled(n_occupied, h_k.shape[-1] // 2, h_k.shape[-1])
    found = [of_grid(one, filled, rules, tolerance) for one in h_k.reshape(-1, *h_k.shape[-4:])]
    bound = np.full(len(found), np.nan)
    return conclude_z2(found, bound, h_k.shape[:-4], "wilson", "converged")
