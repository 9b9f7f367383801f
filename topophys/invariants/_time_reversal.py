"""Signs of time-reversal symmetry at the invariant momenta, where no operator is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError

__all__ = [
    "GAPLESS",
    "Corners",
    "corners_of",
    "even_filling",
    "invariant_momenta",
    "refuse",
    "require_pairs",
]

#: Relative energy gap below which nothing is claimed of samples.
GAPLESS: Final = 1e-9
#: Splitting of pairs, relative to the distance of pairs, that is noise and no broken symmetry.
NOISE: Final = 1e-3


@dataclass(frozen=True)
class Corners:
    """What the invariant momenta say of a Hamiltonian.

    Attributes
    ----------
    gap : float
        Smallest gap there.
    split, splitting : float
        Largest splitting of an occupied Kramers pair, and that over the gap.
    least : float
        Gap that rounding can make.
    closed : bool
        Whether occupied and empty bands touch there, to rounding or to the noise of the pairs.
    k : tuple of float
        Momentum of the smallest gap.
    """

    gap: float
    split: float
    splitting: float
    least: float
    closed: bool
    k: tuple[float, ...]


def corners_of(energy: NDArray[np.float64], filled: int, least: float) -> Corners:
    """Read splittings and gap off energies (momenta, n) at the invariant momenta, in their order.

    `least` is the gap that rounding can make. A gap that is not wider than pairs are split is
    closed where the pairs, compared with their distances, are intact; else the symmetry is broken.
    """
    gaps = energy[:, filled] - energy[:, filled - 1]
    gap = float(gaps.min())
    dim = len(energy).bit_length() - 1
    k = tuple(invariant_momenta(dim)[gaps.argmin()].tolist())
    split = float((energy[:, 1:filled:2] - energy[:, 0:filled:2]).max())
    pairs = energy[:, 0 : 2 * (energy.shape[1] // 2) : 2]
    apart = float(np.median(np.diff(pairs, axis=1))) if pairs.shape[1] > 1 else 0.0
    closed = gap <= least or (gap <= split <= NOISE * apart)
    return Corners(gap, split, split / gap if gap > 0.0 else np.inf, least, closed, k)


def invariant_momenta(dim: int) -> NDArray[np.float64]:
    """Momenta with k = -k modulo the reciprocal lattice.

    Parameters
    ----------
    dim : int
        Dimension.

    Returns
    -------
    float64 ndarray of shape (2**dim, dim)
        All combinations of 0 and pi.
    """
    corners = np.stack(np.meshgrid(*[[0.0, np.pi]] * dim, indexing="ij"), -1)
    return corners.reshape(-1, dim)


def even_filling(filled: int) -> None:
    """Raise unless an even number of bands is occupied.

    Parameters
    ----------
    filled : int
        Number of occupied bands.

    Raises
    ------
    InputError
        If it is odd.
    """
    if filled % 2:
        raise InputError(
            "Argument `n_occupied` must be even, because Kramers pairs are occupied together, but"
            f" is {filled}."
        )


def require_pairs(corners: Corners, tolerance: float) -> None:
    """Raise where occupied bands do not come in Kramers pairs, split by up to `tolerance` gaps."""
    if corners.splitting > tolerance:
        raise refuse(
            f"occupied Kramers pairs split by {corners.splitting:.3g} of the gap at k = -k",
            corners.splitting,
            tolerance,
        )


def refuse(observed: str, needed: float, tolerance: float) -> InputError:
    """Return the error for a broken symmetry, with the `tolerance` that would accept it."""
    # three digits that are not below what is needed
    step = 10.0 ** (np.floor(np.log10(needed)) - 2.0)
    return InputError(
        "Argument `h` must be symmetric under time reversal with T^2 = -1, but"
        f" {observed} (`tolerance` is {tolerance:.3g}); for hoppings that break the symmetry by"
        f" rounding set `tolerance` to {np.ceil(needed / step) * step:.3g}, or give"
        " `time_reversal`."
    )
