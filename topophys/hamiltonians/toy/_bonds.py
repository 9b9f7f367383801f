"""Bonds between the active atoms of toy materials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.hamiltonians.toy.cells import LAYER_CELLS, cells_within
from topophys.hamiltonians.toy.species import column
from topophys.hamiltonians.toy.structures import ToyStructures

#: Distance, in units of the sum of the radii, below which two atoms overlap.
OVERLAP: Final = 0.55
#: Decay length of a hopping between atoms whose radii add up to `TYPICAL`, both in angstrom; it is
#: in proportion to that sum.
DECAY: Final = 0.55
TYPICAL: Final = 2.2
#: Distances, in units of the sum of the radii, between which hoppings of layers end.
LAYER_ENDS: Final = (1.6, 2.2)
#: Amplitudes by the angular momenta of the two orbitals: both alike, or different.
ALIKE: Final = 1.0
DIFFERENT: Final = 0.9


@dataclass(frozen=True, eq=False)
class Bonds:
    """Bonds from A at the origin to B in the nearest cells, one row for each structure.

    Attributes
    ----------
    vector : float64 ndarray of shape (B, M, 3)
        From A to B in each of M cells, in angstrom.
    distance, hop, near : float64 ndarray of shape (B, M)
        Length; amplitude of the hopping; 1 for a short bond, falling smoothly to 0.
    alike : bool ndarray of shape (B, 1)
        Whether both orbitals have the same angular momentum.
    """

    vector: NDArray[np.float64]
    distance: NDArray[np.float64]
    hop: NDArray[np.float64]
    near: NDArray[np.float64]
    alike: NDArray[np.bool_]


def bonds_of(
    crystals: ToyStructures,
    cells: NDArray[np.int64] = LAYER_CELLS,
    ends: tuple[float, float] = LAYER_ENDS,
) -> Bonds:
    """Measure the bonds of structures.

    Orbitals of different angular momentum about the normal of a layer hop by the share of the bond
    that lies in the layer; in a solid there is no such direction.

    Parameters
    ----------
    crystals : ToyStructures
        Structures.
    cells : int64 ndarray of shape (M, D), optional
        Cells along the first D lattice vectors: two of a layer, or three of a solid.
    ends : tuple of float, optional
        Where hoppings end, as for `amplitude`.

    Returns
    -------
    Bonds
        In the order of `cells`.
    """
    where, dim = crystals.positions, cells.shape[1]
    shifts = cells @ crystals.lattice[:, :dim]
    vector = (where[:, 1] - where[:, 0])[:, None] + shifts
    distance = np.linalg.norm(vector, axis=-1)
    active = crystals.species[:, :2]
    reach = column("radius")[active].sum(1)[:, None]
    turn = column("turn")[active]
    alike = (turn[:, 0] == turn[:, 1])[:, None]
    flat = np.linalg.norm(vector[..., :2], axis=-1) / distance if dim == 2 else 1.0
    size = np.where(alike, ALIKE, DIFFERENT * flat)
    hop = size * amplitude(distance, reach, ends)
    return Bonds(vector, distance, hop, smooth_end(distance / reach, 1.15, 1.6), alike)


def amplitude(
    distance: NDArray[np.float64],
    reach: NDArray[np.float64],
    ends: tuple[float, float] = LAYER_ENDS,
) -> NDArray[np.float64]:
    """Hopping over a distance, 1 at the sum of the radii and 0 from `ends[1]` times that on."""
    decay: NDArray[np.float64] = np.exp(-(distance - reach) / (DECAY * reach / TYPICAL))
    return decay * smooth_end(distance / reach, *ends)


def smooth_end(x: NDArray[np.float64], start: float, stop: float) -> NDArray[np.float64]:
    """1 up to `start`, 0 from `stop` on, a cosine between."""
    part = np.clip((x - start) / (stop - start), 0.0, 1.0)
    return np.asarray(0.5 * (1.0 + np.cos(np.pi * part)))


def overlapping(crystals: ToyStructures, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether two atoms of a crystal are closer than `OVERLAP` times the sum of their radii.

    Parameters
    ----------
    crystals : ToyStructures
        Batch of n.
    cells : int64 ndarray of shape (m, D)
        Neighbouring cells along the first D lattice vectors, with the origin in the middle.

    Returns
    -------
    bool ndarray of shape (n,)
        True for crystals to leave out.
    """
    where, radius = crystals.positions, column("radius")
    shifts = cells @ crystals.lattice[:, : cells.shape[1]]
    bad = np.zeros(len(crystals), np.bool_)
    for i in range(where.shape[1]):
        for j in range(i + 1):
            apart = np.linalg.norm(where[:, None, i] - where[:, None, j] + shifts, axis=-1)
            if i == j:
                apart[:, len(cells) // 2] = np.inf
            there = (crystals.species[:, i] >= 0) & (crystals.species[:, j] >= 0)
            least = radius[crystals.species[:, i]] + radius[crystals.species[:, j]]
            bad |= there & (apart.min(1) < OVERLAP * least)
    return bad


def too_far(crystals: ToyStructures, dim: int, reach: float) -> NDArray[np.bool_]:
    """Whether a hopping between the two active atoms would reach beyond the neighbouring cells.

    Parameters
    ----------
    crystals : ToyStructures
        Batch of n.
    dim : int
        Lattice vectors along which there are cells.
    reach : float
        Where hoppings end, in units of the sum of the radii.

    Returns
    -------
    bool ndarray of shape (n,)
        True for crystals to leave out.
    """
    cells = cells_within(3, dim)
    shifts = cells[np.abs(cells).max(1) > 1] @ crystals.lattice[:, :dim]
    where, radius = crystals.positions, column("radius")[crystals.species[:, :2]]
    bond = (where[:, 1] - where[:, 0])[:, None] + shifts
    between = np.linalg.norm(bond, axis=-1).min(1) < reach * radius.sum(1)
    alike = np.linalg.norm(shifts, axis=-1).min(1) < reach * 2.0 * radius.max(1)
    return np.asarray(between | alike)
