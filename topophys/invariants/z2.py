"""Z2 invariant of two-dimensional time-reversal-symmetric insulators."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from topophys import _checks
from topophys._typing import FourierLike
from topophys.errors import InputError, KindError
from topophys.invariants import _time_reversal as tr
from topophys.invariants._flow import FlowRules
from topophys.invariants._loops import checked_matrices
from topophys.invariants._slices import Slice, require_dimension, rows_of
from topophys.invariants._z2_parity import of_parities
from topophys.invariants._z2_wilson import of_grid, of_hamiltonian
from topophys.invariants.certify_gap import certify_gap
from topophys.invariants.z2_result import Z2Result, conclude_z2

__all__ = ["z2_invariant"]

#: Bands up to which the gap is proven where nobody says whether it should be.
FEW_BANDS: Final = 8


def z2_invariant(
    h: FourierLike | ArrayLike,
    *,
    n_occupied: int | None = None,
    method: Literal["wilson", "parity"] = "wilson",
    time_reversal: ArrayLike | None = None,
    inversion: ArrayLike | None = None,
    tolerance: float = 1e-3,
    prove_gap: bool | None = None,
    rules: FlowRules | None = None,
) -> Z2Result:
    r"""Z2 invariant of two-dimensional insulators with time-reversal symmetry, T^2 = -1.

    .. math:: Z_2 = \#\{\text{centres } x_n(k_x) \text{ crossing the largest gap},\;
        0 \le k_x \le \pi\} \bmod 2, \qquad
        (-1)^{Z_2} = \prod_{i=1}^{4} \prod_{m} \xi_{2m}(\Gamma_i)

    The first form follows the Wannier centres along y while k_x is pumped across half of the
    zone. Loops are doubled and lines inserted until no centre moves by more than stated shares of
    the largest gap between centres; where that fails, the status is "unresolved". The second form
    multiplies the parities of the occupied Kramers pairs where k = -k; it needs `inversion`.

    Parameters
    ----------
    h : FourierHamiltonian, or array-like of shape (..., Nx, Ny, n, n)
        Hamiltonian in two dimensions, or a batch; or Bloch matrices on `topophys.k_grid` with Nx
        and Ny even. A grid cannot be refined: it converges or stays unresolved.
    n_occupied : int, optional
        Number of occupied bands, even; that of `h`, or half of the bands, where not given.
    method : {"wilson", "parity"}, optional
        Flow of Wannier centres, or parities.
    time_reversal : array-like of shape (n, n), optional
        Unitary U of T = U K, checked against every hopping. Without it, signs of the symmetry are
        checked: occupied pairs at k = -k, and equal centres at k_x and -k_x.
    inversion : array-like of shape (n, n), optional
        Inversion operator among the orbitals of a cell, checked against every hopping.
    tolerance : float, optional
        Allowed splitting of occupied Kramers pairs, relative to the gap.
    prove_gap : bool, optional
        Ask `certify_gap` for a proof that no bands touch between the lines, and call what it
        refuses unresolved. Where not given: with the parity formula always, else for Hamiltonians
        of up to eight bands.
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
    ...     + np.kron([[0, 0], [0, 1]], one[-R[0], -R[1]].conj()) for R in one}
    >>> found = z2_invariant(tp.FourierHamiltonian(both))
    >>> int(found), str(found.status)
    (1, 'converged')
    """
    _checks.one_of(method, "method", ("wilson", "parity"))
    if not 0.0 <= tolerance < math.inf:
        raise InputError(f"Argument `tolerance` must be a number >= 0, but is {tolerance}.")
    # matrices are small: threads of the linear algebra library only get in each other's way
    with threadpool_limits(1):
        if isinstance(h, FourierLike):
            found = require_dimension(h, 2)
            filled = _filled(n_occupied, found.n_occupied, found.n_bands)
            ask = _Question(
                method, filled, time_reversal, inversion, tolerance, rules or FlowRules()
            )
            return _of_hamiltonians(found, ask, prove_gap)
        if method == "parity" or time_reversal is not None or prove_gap:
            raise KindError(
                "Argument `h` must be a Hamiltonian in Fourier form for parities, for checks of"
                " operators and for proofs of the gap, but is an array of samples."
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


def _filled(n_occupied: int | None, default: int, n_bands: int) -> int:
    filled = _checks.occupied(default if n_occupied is None else n_occupied, n_bands)
    tr.even_filling(filled)
    return filled


def _of_hamiltonians(h: FourierLike, ask: _Question, prove_gap: bool | None) -> Z2Result:
    rows, vectors, filled = rows_of(h), h.vectors, ask.filled
    exact = ask.time_reversal is not None
    if ask.time_reversal is not None:
        tr.require_operator(vectors, rows, ask.time_reversal, "time_reversal")
    if ask.method == "parity":
        if ask.inversion is None:
            raise InputError("Argument `inversion` must be given for the parity formula.")
        p = tr.require_operator(vectors, rows, ask.inversion, "inversion")
        found = [of_parities(vectors, row, p, filled, ask.tolerance, exact=exact) for row in rows]
    else:
        singles = [Slice(vectors, row, filled) for row in rows]
        found = [
            of_hamiltonian(one, filled, ask.rules, ask.tolerance, exact=exact) for one in singles
        ]
    bound = np.full(len(rows), np.nan)
    usual = ask.method == "parity" or h.n_bands <= FEW_BANDS
    if usual if prove_gap is None else prove_gap:
        bound = certify_gap(h, n_occupied=filled).gap_bound.reshape(-1)
    proven = exact and ask.method == "parity" and prove_gap is not False
    status = "certified" if proven else "converged"
    return conclude_z2(found, bound, h.batch_shape, ask.method, status)


def _of_samples(
    h: ArrayLike, n_occupied: int | None, rules: FlowRules, tolerance: float
) -> Z2Result:
    h_k = checked_matrices(h, "h", "(..., Nx, Ny, n, n)")
    filled = _filled(n_occupied, h_k.shape[-1] // 2, h_k.shape[-1])
    found = [of_grid(one, filled, rules, tolerance) for one in h_k.reshape(-1, *h_k.shape[-4:])]
    bound = np.full(len(found), np.nan)
    return conclude_z2(found, bound, h_k.shape[:-4], "wilson", "converged")
