"""Z2 invariant from parities at the invariant momenta."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.invariants import _time_reversal as tr
from topophys.invariants._loops import frames_of
from topophys.invariants._slices import bloch_at
from topophys.invariants.z2_result import Found

__all__ = ["of_parities", "parity_products"]

#: How far from +1 or -1 a parity may be.
PURE: Final = 1e-6


def parity_products(
    vectors: NDArray[np.int64],
    amplitudes: NDArray[np.complex128],
    inversion: NDArray[np.complex128],
    filled: int,
    tolerance: float,
    *,
    exact: bool,
) -> tuple[NDArray[np.int64], float, float, bool]:
    """Product over occupied Kramers pairs of their parity, at each invariant momentum.

    Parameters
    ----------
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors.
    amplitudes : complex128 ndarray of shape (M, n, n)
        Hoppings of one Hamiltonian.
    inversion : complex128 ndarray of shape (n, n)
        Checked inversion operator.
    filled : int
        Number of occupied bands.
    tolerance : float
        Allowed splitting of Kramers pairs, relative to the gap.
    exact : bool
        Whether time reversal is known to be a symmetry.

    Returns
    -------
    delta : int64 ndarray of shape (2**dim,)
        +1 or -1.
    gap, splitting : float
        Smallest gap at these momenta; largest splitting over it.
    resolved : bool
        Whether all parities are +-1 and come in pairs.
    """
    corners = tr.invariant_momenta(vectors.shape[1])
    states = frames_of(bloch_at(vectors, amplitudes, corners), filled)
    splitting, relative = tr.kramers_splitting(states.energy, filled)
    gap = float(states.gap.min())
    if relative <= tr.GAPLESS:
        return np.ones(len(corners), np.int64), gap, splitting, False
    if not exact:
        tr.require_pairs(splitting, tolerance)
    within = states.frame.conj().swapaxes(-1, -2) @ inversion @ states.frame
    parity = np.linalg.eigvalsh(0.5 * (within + within.conj().swapaxes(-1, -2)))
    odd = (parity < 0.0).sum(-1)
    resolved = bool((np.abs(np.abs(parity) - 1.0) < PURE).all() and (odd % 2 == 0).all())
    return np.where(odd // 2 % 2 == 1, -1, 1).astype(np.int64), gap, splitting, resolved


def of_parities(
    vectors: NDArray[np.int64],
    amplitudes: NDArray[np.complex128],
    inversion: NDArray[np.complex128],
    filled: int,
    tolerance: float,
    *,
    exact: bool,
) -> Found:
    """Z2 invariant of one two-dimensional Hamiltonian by the parity formula.

    Parameters
    ----------
    vectors, amplitudes, inversion, filled, tolerance, exact
        As for `parity_products`.

    Returns
    -------
    Found
        Value and evidence.
    """
    delta, gap, splitting, good = parity_products(
        vectors, amplitudes, inversion, filled, tolerance, exact=exact
    )
    return Found(int(delta.prod() < 0), good, np.nan, gap, splitting, len(delta))
