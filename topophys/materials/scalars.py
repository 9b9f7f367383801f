"""Numbers that describe a material as a whole."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from topophys._extras import load_extra, quiet
from topophys.errors import InputError
from topophys.materials.crystal import Crystal
from topophys.materials.elements import ELEMENT_FEATURES, element_features

__all__ = ["SCALAR_FEATURES", "composition_statistics", "scalar_features", "space_group"]

_COLUMNS: Final = ("atomic number", *ELEMENT_FEATURES)
_SCALES: Final = np.array([50.0, 7.0, 18.0, 10.0, 1.0, 1.0, 1.0, 1.0, 1.0])
_SYSTEMS: Final = (2, 15, 74, 142, 167, 194, 230)  # last space group of each crystal system
_NAMES: Final = (
    "triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic",
)  # fmt: skip
#: Names of the columns of `scalar_features`.
SCALAR_FEATURES: Final = (
    *(f"{how} {name}" for how in ("mean", "spread", "least", "largest") for name in _COLUMNS),
    "number of elements", "largest share",
    *_NAMES, "space group / 230", "atoms in the primitive cell / 10", "volume of an atom / 20",
)  # fmt: skip


def composition_statistics(
    numbers: NDArray[np.int64], amounts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean, spread, minimum and maximum of the descriptors of elements, weighted by amount.

    Parameters
    ----------
    numbers : int64 ndarray of shape (m,)
        Atomic numbers.
    amounts : float64 ndarray of shape (m,)
        How much there is of each.

    Returns
    -------
    float64 ndarray of shape (38,)
        First columns of `SCALAR_FEATURES`.
    """
    table = np.column_stack([numbers, element_features(numbers)]) / _SCALES
    share = amounts / amounts.sum()
    mean = share @ table
    spread = np.sqrt(np.maximum(share @ (table - mean) ** 2, 0.0))
    parts = [mean, spread, table.min(0), table.max(0)]
    kinds = np.unique(numbers)
    largest = max(share[numbers == z].sum() for z in kinds)
    return np.concatenate([*parts, [len(kinds) / 5.0, largest]])


def space_group(crystal: Crystal, *, tolerance: float = 0.01) -> tuple[int, int]:
    """Space group by spglib, and the number of atoms in the primitive cell.

    Parameters
    ----------
    crystal : Crystal
        Structure.
    tolerance : float, optional
        How far an atom may be from its image, in angstrom.

    Returns
    -------
    int, int
        International number from 1 to 230; atoms.

    Raises
    ------
    InputError
        If spglib finds none.
    """
    spglib = load_extra("spglib", "materials")
    cell = (crystal.lattice, crystal.fractional, crystal.numbers)
    with quiet():
        found = spglib.get_symmetry_dataset(cell, symprec=tolerance)
    if found is None:
        raise InputError(f"Sample `{crystal.sample_id}`: no space group found at {tolerance:g}.")
    atoms = len(np.unique(found.mapping_to_primitive))
    return int(found.number), atoms


def scalar_features(crystal: Crystal) -> tuple[Float[np.ndarray, " 48"], int]:
    """Composition statistics, symmetry and density of a structure.

    Parameters
    ----------
    crystal : Crystal
        Structure.

    Returns
    -------
    float32 ndarray of shape (48,), int
        Columns as in `SCALAR_FEATURES`, and the space group.

    Raises
    ------
    InputError
        If there is no space group.
    """
    kinds, amounts = np.unique(crystal.numbers, return_counts=True)
    group, atoms = space_group(crystal)
    systems = np.zeros(len(_SYSTEMS))
    systems[np.searchsorted(_SYSTEMS, group)] = 1.0
    volume = abs(np.linalg.det(crystal.lattice)) / len(crystal)
    rest = [group / 230.0, atoms / 10.0, volume / 20.0]
    statistics = composition_statistics(kinds, amounts.astype(np.float64))
    return np.concatenate([statistics, systems, rest]).astype(np.float32), group
