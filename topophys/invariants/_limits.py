"""How far a proof may go."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from topophys import _validation
from topophys._typing import is_fourier_like
from topophys.errors import InputError

#: How far from an integer a proven sum of phases / 2 pi may be by rounding; it is about 1e-12.
INTEGRAL: Final = 1e-6
#: How often proofs divide a starting cell, if nothing else is asked for.
MAX_DEPTH: Final = 16
#: What `certify_gap` and `certify_chern` evaluate, and how close to the gap met they prove it.
MAX_EVALUATIONS: Final = 100_000
TIGHTNESS: Final = 0.25
#: Evaluations are counted with 64 bits.
MOST: Final = 1 << 62


@dataclass(frozen=True)
class Limits:
    """Checked options of a certificate.

    Attributes
    ----------
    min_gap : float
        Smallest gap to prove, in the units of the hoppings.
    max_depth : int
        How often a starting cell may be divided.
    max_evaluations : int
        Largest number of evaluated k points per Hamiltonian.
    tightness : float
        Share of the smallest gap met that the proven one should reach.
    """

    min_gap: float
    max_depth: int
    max_evaluations: int
    tightness: float = 0.0


def limits(
    min_gap: float,
    max_depth: int,
    max_evaluations: int,
    *,
    deepest: int,
    tightness: float = 0.0,
) -> Limits:
    """Check the options that all certificates share."""
    check_min_gap(min_gap)
    depth = depth_up_to(deepest, max_depth)
    if not 0.0 <= tightness < 1.0:
        raise InputError(
            f"Argument `tightness` must be a number from 0 to below 1, but is {tightness}."
        )
    most = min(_validation.positive_int(max_evaluations, "max_evaluations"), MOST)
    return Limits(float(min_gap), depth, most, float(tightness))


def check_min_gap(min_gap: float) -> None:
    """Require a finite gap."""
    if not 0.0 <= min_gap < math.inf:
        raise InputError(f"Argument `min_gap` must be a finite number >= 0, but is {min_gap}.")


def depth_up_to(deepest: int, max_depth: int) -> int:
    """Return `max_depth`, checked."""
    depth = _validation.positive_int(max_depth, "max_depth", minimum=0)
    if depth > deepest:
        raise InputError(f"Argument `max_depth` must be at most {deepest}, but is {max_depth}.")
    return depth


def described(H: object, instead: str = "") -> str:
    """Say what a user gave instead of a Hamiltonian in Fourier form, and what to do."""
    if hasattr(H, "overlap") and hasattr(H, "shifted"):
        return (
            f"a {type(H).__name__}, with overlaps: use certify_generalized_gap or"
            " certify_generalized_chern, `H.shifted(E)` with an energy E in the gap for other"
            " proofs, or `H.on_grid(...)` for sampled invariants."
        )
    if hasattr(H, "on_grid") and hasattr(H, "bloch") and not is_fourier_like(H):
        return (
            f"a {type(H).__name__}, a function of k: between two momenta it can do anything, so"
            " nothing can be proven. Give its hoppings (FourierHamiltonian, ChiralHamiltonian), or"
            " use the sampled invariants of `H.on_grid(...)`."
        )
    cure = f"; {instead}" if instead and is_fourier_like(H) else ""
    return f"{_validation.short(H)}{cure}."


def dimension(H: object) -> int:
    """Return the number of momenta of a Hamiltonian in Fourier form; 0 for anything else."""
    return int(H.vectors.shape[1]) if is_fourier_like(H) else 0
