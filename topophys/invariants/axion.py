"""Axion angles of insulators with inversion symmetry, by parities."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.invariants._cocycle import gap_evidence
from topophys.invariants._limits import MAX_DEPTH, Limits, limits
from topophys.invariants._scaling import scaled
from topophys.invariants._slices import Slice, require_dimension, slice_at
from topophys.invariants._symmetry import (
    Operator,
    count_parities,
    inversion_operator,
    symmetrise,
)
from topophys.invariants.chern import certify_chern
from topophys.invariants.evidence import Asked
from topophys.invariants.results import Evidence, OnUnresolved, check_on_unresolved, conclude
from topophys.invariants.symmetric import SymmetryCertificate, settled
from topophys.kernels import status as st
from topophys.kernels.rounding import lower_bound, upper_bound

__all__ = ["axion_angle"]

QUANTITY: Final = "axion angle"
#: Words of a proof of a Chern number.
_CODES: Final = {"budget": st.BUDGET, "depth": st.DEPTH, "rounding": st.ROUNDING,
                 "closed gap": st.CLOSED_GAP, "small gap": st.SMALL_GAP}  # fmt: skip


class _Found(NamedTuple):
    """What was found for one Hamiltonian, in scaled units."""

    value: int
    gap_lower: float
    gap_upper: float
    k: NDArray[np.float64]
    evaluations: int
    status: int
    violation: float


def axion_angle(
    H: FourierLike,
    *,
    inversion: ArrayLike,
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = 100_000,
    on_unresolved: OnUnresolved = "mask",
) -> SymmetryCertificate:
    r"""Axion angle of insulators with inversion symmetry, in units of pi, proven.

    .. math:: \frac{\theta}{\pi} = \frac12 \sum_{i=1}^{8} n_-(\Gamma_i) \bmod 2, \qquad
        P H(k) P^{-1} = H(-k)

    with :math:`n_-` the number of occupied states of odd parity where k = -k. Time reversal is not
    asked for: the angle is quantised by inversion alone, in magnetic insulators too, as long as
    no plane has a Chern number. Proven are the gap at all k, the Chern numbers 0 of the three
    planes, and the parities.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in three dimensions, or a batch.
    inversion : array-like of shape (n, n)
        Unitary P with P P = 1, for orbitals of one cell.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given.
    min_gap : float, optional
        Certify only what is proven to have at least this gap, in the units of the hoppings.
    max_depth, max_evaluations : int, optional
        As for `certify_gap`, of each proof.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    SymmetryCertificate
        Value 0 or 1, status, gap of the symmetrised Hamiltonian and violation of the symmetry, each
        of shape (...) like the batch of `H`. The reason "layers" says that a plane has a Chern
        number: the angle then depends on the origin.

    Raises
    ------
    KindError
        If `H` is not a three-dimensional Hamiltonian in Fourier form.
    ShapeError, InputError
        If the operator is no inversion to six digits, or an option is out of range.
    UnresolvedError
        If asked for and a value is unresolved.

    References
    ----------
    .. [1] A. M. Turner, Y. Zhang, R. S. K. Mong, A. Vishwanath, Phys. Rev. B 85, 165120 (2012).
    .. [2] T. L. Hughes, E. Prodan, B. A. Bernevig, Phys. Rev. B 83, 245132 (2011).

    Examples
    --------
    A magnetic field on the spins of a strong insulator breaks time reversal, and leaves the angle:

    >>> import numpy as np
    >>> import topophys as tp
    >>> zeeman = tp.FourierHamiltonian({(0, 0, 0): 0.1 * np.diag([1.0, 1.0, -1.0, -1.0])})
    >>> swap = np.kron(np.eye(2), [[0, 1], [1, 0]])
    >>> h = tp.models.fu_kane_mele(0.4) + zeeman
    >>> int(axion_angle(h, inversion=swap, n_occupied=2))
    1
    """
    check_on_unresolved(on_unresolved)
    checked = limits(min_gap, max_depth, max_evaluations, deepest=24)
    found = require_dimension(H, 3)
    given = found.n_occupied if n_occupied is None else n_occupied
    filled = _validation.occupied(given, found.n_bands)
    operator = inversion_operator(inversion, found.n_bands)
    rows, exponent, error = scaled(found)
    each = []
    for row, e, power in zip(rows, error, exponent, strict=True):
        least = float(upper_bound(checked.min_gap, -power))
        each.append(_of_one(found.vectors, row, float(e), operator, filled, checked, least))
    batch = found.batch_shape

    def column(name: str) -> NDArray[np.float64]:
        return np.array([getattr(one, name) for one in each], np.float64)

    status = np.array([one.status for one in each], np.uint8)
    proof = Evidence(
        proven=status == st.OK,
        value=np.array([one.value for one in each], np.int64),
        gap_lower=lower_bound(column("gap_lower"), exponent),
        gap_upper=upper_bound(column("gap_upper"), exponent),
        k_at_gap_upper=column("k").reshape(-1, 3),
        evaluations=np.array([one.evaluations for one in each], np.int64),
        status=status,
    )
    violation = upper_bound(column("violation"), exponent).reshape(batch)
    asked = Asked(found, QUANTITY, filled, operator=operator.matrix)
    result = conclude(QUANTITY, proof, batch, "mask", asked)
    return settled(result, QUANTITY, violation, on_unresolved)


def _of_one(
    vectors: NDArray[np.int64],
    row: NDArray[np.complex128],
    error: float,
    inversion: Operator,
    filled: int,
    checked: Limits,
    least: float,
) -> _Found:
    """Gap, planes and parities of the symmetrised Hamiltonian, hoppings (M, n, n) up to 1."""
    nothing = _Found(0, 0.0, np.inf, np.zeros(3), 0, st.ROUNDING, np.inf)
    if not np.isfinite(error):
        return nothing
    mean = symmetrise(vectors, row, error, None, inversion)
    h = Slice(vectors, mean.row, filled, np.asarray(mean.error))

    def gap(needed: float) -> Evidence:
        asked = Limits(needed, checked.max_depth, checked.max_evaluations)
        return gap_evidence(h, filled, asked, evidence=False)

    if not np.isfinite(least):  # no gap is that large
        return nothing._replace(status=st.SMALL_GAP)
    proof = gap(least)
    looks, lower = int(proof.evaluations[0]), float(proof.gap_lower[0])
    upper, k = float(proof.gap_upper[0]), proof.k_at_gap_upper[0]
    violation = mean.apart.below(lower)
    if not proof.proven[0]:
        return _Found(0, 0.0, upper, k, looks, int(proof.status[0]), mean.apart.best)
    if 0.0 < lower <= violation:
        again = gap(max(least, float(np.nextafter(violation, np.inf))))
        looks += int(again.evaluations[0])
        lower = float(again.gap_lower[0]) if again.proven[0] else lower
    status = st.OK
    for axis in range(3):
        plane = certify_chern(
            slice_at(h, axis, np.array(0), halves=True, n_occupied=filled), n_occupied=filled,
            max_depth=checked.max_depth, max_evaluations=checked.max_evaluations,
        )  # fmt: skip
        looks += int(plane.evaluations)
        if not plane.certified:
            status = _CODES[str(plane.reason)]
        elif int(plane) != 0:
            status = st.LAYERS
        if status != st.OK:
            return _Found(0, 0.0, upper, k, looks, status, violation)
    parities = count_parities(h, inversion, filled)
    odd = int(parities.odd.sum())
    if not parities.proven or odd % 2:  # an odd sum means nodes, which a proven gap excludes
        status = st.ROUNDING
    return _Found(odd // 2 % 2, lower, upper, k, looks + 8, status, violation)
