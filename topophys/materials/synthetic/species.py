"""Species of toy materials: names of elements, parameters of our own making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError

__all__ = ["ACTIVE", "LIGANDS", "SPECIES", "Species", "column", "species_index"]


@dataclass(frozen=True)
class Species:
    """Parameters of one species.

    The symbol and atomic number are those of an element, so that structures can be written to
    files and read by any program; the numbers are not those of the element.
    """

    symbol: str  # chemical symbol
    z: int  # atomic number
    radius: float  # covalent radius, in angstrom
    level: float  # on-site energy of the active orbital
    #: angular momentum of the active orbital about the plane's normal for spin up (0 for s
    #: and pz, 1 for p+)
    turn: int = 0
    #: strength of the spin-orbit coupling that an electron picks up when it passes the atom
    spin_orbit: float = 0.0
    #: mean repulsion U of the Stoner criterion and saturated exchange splitting
    repulsion: float = 0.0
    moment: float = 0.0  # mean repulsion U of the Stoner criterion and saturated exchange splitting
    #: distance, in units of the sum of the radii, at which the direct exchange changes its
    #: sign
    crossover: float = 1.0


#: Every species. The magnetic ones come in two families with common U, moment and crossover.
SPECIES: Final = (
    Species("B", 5, 0.82, 0.55),
    Species("C", 6, 0.76, 0.0),
    Species("N", 7, 0.71, -0.6),
    Species("Si", 14, 1.11, 0.2, 0, 0.12),
    Species("Ge", 32, 1.20, 0.1, 0, 0.26),
    Species("Sn", 50, 1.39, 0.3, 0, 0.42),
    Species("Pb", 82, 1.46, -0.2, 0, 0.6),
    Species("P", 15, 1.07, -0.5, 1, 0.1),
    Species("As", 33, 1.19, -0.25, 1, 0.22),
    Species("Sb", 51, 1.39, 0.15, 1, 0.4),
    Species("Bi", 83, 1.48, 0.45, 1, 0.6),
    Species("Cr", 24, 1.39, 0.35, 0, 0.15, 2.9, 0.6, 1.03),
    Species("Mn", 25, 1.39, -0.1, 0, 0.18, 2.9, 0.6, 1.03),
    Species("Fe", 26, 1.32, 0.2, 1, 0.2, 2.9, 0.6, 1.03),
    Species("Co", 27, 1.26, -0.3, 1, 0.22, 2.5, 0.4, 1.12),
    Species("Ni", 28, 1.24, 0.05, 0, 0.25, 2.5, 0.4, 1.12),
    Species("Ru", 44, 1.46, 0.4, 0, 0.5, 2.5, 0.4, 1.12),
    Species("O", 8, 0.66, -0.9),
    Species("F", 9, 0.57, -0.7),
    Species("S", 16, 1.05, -0.8),
    Species("Cl", 17, 1.02, -0.6),
    Species("Se", 34, 1.20, -0.7),
    Species("H", 1, 0.31, 0.5),
    Species("Li", 3, 1.28, 0.9),
    Species("Na", 11, 1.66, 1.1),
)

#: Positions in `SPECIES` of those with an orbital near the Fermi level, and of the ligands.
ACTIVE: Final = tuple(range(17))
LIGANDS: Final = tuple(range(17, len(SPECIES)))


def column(name: str) -> NDArray[np.float64]:
    """One parameter of all species."""
    # -> (len(SPECIES),)
    return np.array([getattr(one, name) for one in SPECIES], np.float64)


def species_index(symbol: str) -> int:
    """Position of a species in `SPECIES`.

    Parameters
    ----------
    symbol : str
        Chemical symbol.

    Returns
    -------
    int
        Its position.

    Raises
    ------
    InputError
        If there is no such species.

    Examples
    --------
    >>> SPECIES[species_index("Sn")].z
    50
    """
    names = [one.symbol for one in SPECIES]
    if symbol not in names:
        raise InputError(
            f"Argument `symbol` must be one of {', '.join(names)}, but is {symbol!r:.20}."
        )
    return names.index(symbol)
