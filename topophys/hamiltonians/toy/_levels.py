"""On-site energies of toy materials."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.hamiltonians.toy.species import column
from topophys.hamiltonians.toy.structures import ToyStructures

__all__ = ["with_crystal_field"]

#: Decay length, in angstrom, of the crystal field of a ligand.
FIELD_LENGTH: Final = 0.9


def with_crystal_field(
    level: NDArray[np.float64],
    crystals: ToyStructures,
    shifts: NDArray[np.float64],
    strength: float,
) -> NDArray[np.float64]:
    r"""Levels of the active atoms in the field of the ligands.

    .. math:: \varepsilon_i + s \sum_L q_L \sum_R e^{-r_{iL}(R) / \rho}

    Parameters
    ----------
    level : float64 ndarray of shape (B, 2)
        Levels without it.
    crystals : ToyStructures
        Structures.
    shifts : float64 ndarray of shape (B, M, 3)
        Vectors to the cells in which ligands are looked for, in angstrom.
    strength : float
        Factor s.

    Returns
    -------
    float64 ndarray of shape (B, 2)
        Levels.
    """
    where, charges = crystals.positions, column("level")
    for slot in range(2, where.shape[1]):
        apart = where[:, slot, None, None] + shifts[:, :, None] - where[:, None, :2]
        field = np.exp(-np.linalg.norm(apart, axis=-1) / FIELD_LENGTH).sum(1)
        kind = crystals.species[:, slot]
        level = level + strength * np.where(kind >= 0, charges[kind], 0.0)[:, None] * field
    return np.asarray(level)
