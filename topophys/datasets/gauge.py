"""The same Hamiltonians in another basis, with another origin of k: what no label may notice."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.datasets.families import Family
from topophys.errors import RecipeError

__all__ = ["turn_all"]

#: Attempts to prove a turned Hamiltonian before giving up.
ATTEMPTS: Final = 20


def turn_all(
    family: Family,
    hoppings: NDArray[np.complex128],
    label: NDArray[np.int64],
    min_gap: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.complex128], NDArray[np.float64], int]:
    """Give every Hamiltonian a random basis and origin, and prove its label anew.

    The gap is what it was, but its proof goes over other intervals and may fail by the last bit
    where the gap is `min_gap` to the last bit; then another basis is drawn.

    Parameters
    ----------
    family : Family
        Family of the split.
    hoppings : complex128 ndarray of shape (S, M, ...)
        Coefficients.
    label : int64 ndarray of shape (S,)
        Their invariants.
    min_gap : float
        Gap to be proven.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    hoppings : complex128 ndarray of shape (S, M, ...)
        New coefficients.
    gap_lower : float64 ndarray of shape (S,)
        Proven bounds of their gaps.
    unresolved : int
        How many bases were drawn in vain.

    Raises
    ------
    RecipeError
        If a Hamiltonian cannot be proven in any basis.
    """
    turned, bound = hoppings.copy(), np.zeros(len(hoppings))
    left, unresolved = np.arange(len(hoppings)), 0
    for _ in range(ATTEMPTS):
        fresh = family.turn(hoppings[left], rng)
        proof = family.certify(fresh, min_gap)
        good = proof.certified & (proof.value == label[left])
        turned[left[good]], bound[left[good]] = fresh[good], proof.gap_lower[good]
        left = left[~good]
        unresolved += len(left)
        if not len(left):
            return turned, bound, unresolved
    raise RecipeError(
        f"Split with `gauge_of` must keep its labels, but {len(left)} Hamiltonians could not be"
        f" proven in {ATTEMPTS} bases; please report this with the recipe."
    )
