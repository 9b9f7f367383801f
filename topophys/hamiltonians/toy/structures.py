"""Structures of toy materials: two active atoms in a layer, and ligands about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from topophys import _checks
from topophys._random import as_generator
from topophys.hamiltonians.toy.cells import LAYER_CELLS
from topophys.hamiltonians.toy.species import ACTIVE, LIGANDS, column

__all__ = ["MAX_LIGANDS", "PROTOTYPES", "VACUUM", "ToyStructures", "draw_structures"]

#: Prototype: ratio b / a, angle in degrees, position of the second active atom.
PROTOTYPES: Final = {
    "honeycomb": (1.0, 60.0, (1 / 3, 1 / 3)),
    "checkerboard": (1.0, 90.0, (1 / 2, 1 / 2)),
    "brick": (1.12, 72.0, (0.37, 0.37)),
    "rectangular": (1.2, 90.0, (1 / 2, 1 / 2)),
    "strained honeycomb": (1.0, 60.0, (1 / 3, 1 / 3)),
    "oblique": (1.0, 70.0, (0.4, 0.4)),
}
MAX_LIGANDS: Final = 3
#: Period across the layer, in angstrom.
VACUUM: Final = 20.0


@dataclass(frozen=True, eq=False)
class ToyStructures:
    """A batch of layered crystals.

    Attributes
    ----------
    prototype : int64 ndarray of shape (B,)
        Position in `PROTOTYPES`.
    lattice : float64 ndarray of shape (B, 3, 3)
        Rows are the lattice vectors, in angstrom; the third is the period across the layer.
    fractional : float64 ndarray of shape (B, 5, 3)
        Positions: active atoms A and B, then ligands.
    species : int64 ndarray of shape (B, 5)
        Positions in `SPECIES`; -1 where there is no ligand.

    Examples
    --------
    >>> draw_structures(4, rng=1).species.shape
    (4, 5)
    """

    prototype: Int[np.ndarray, " B"]
    lattice: Float[np.ndarray, "B 3 3"]
    fractional: Float[np.ndarray, "B 5 3"]
    species: Int[np.ndarray, "B 5"]

    def __len__(self) -> int:
        return len(self.prototype)

    def __getitem__(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> ToyStructures:
        return ToyStructures(
            self.prototype[index], self.lattice[index], self.fractional[index], self.species[index]
        )

    @property
    def positions(self) -> Float[np.ndarray, "B 5 3"]:
        """Cartesian positions, in angstrom."""
        return np.asarray(self.fractional @ self.lattice)


def draw_structures(n: int, *, rng: np.random.Generator | int | None = None) -> ToyStructures:
    """Draw layered crystals from six prototypes.

    Lattice constants follow from the radii of the two active atoms times a random stretch; three
    of the prototypes are distorted at random. Up to three ligands sit above or below an active
    atom, the middle between two, or the hollow site.

    Parameters
    ----------
    n : int
        Number of structures.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    ToyStructures
        Batch of n.

    Examples
    --------
    >>> crystals = draw_structures(100, rng=0)
    >>> bool((crystals.species[:, :2] >= 0).all())
    True
    """
    n = _checks.positive_int(n, "n")
    generator = as_generator(rng)
    kind = generator.integers(len(PROTOTYPES), size=n)
    active = _active_species(generator, n)
    ratio, angle, spot = (np.array(p) for p in zip(*PROTOTYPES.values(), strict=True))
    loose = kind >= 4
    ratio = ratio[kind] * np.where(loose, generator.uniform(0.92, 1.1, n), 1.0)
    angle = angle[kind] + np.where(loose, generator.uniform(-6.0, 10.0, n), 0.0)
    shift = np.where(loose[:, None], generator.uniform(-0.04, 0.04, (n, 2)), 0.0)
    second = spot[kind] + shift
    bond = column("radius")[active].sum(1) * generator.uniform(0.88, 1.32, n)
    height = np.where(generator.random(n) < 0.4, generator.uniform(0.1, 0.45, n), 0.0) * bond
    lattice = _lattices(ratio, np.deg2rad(angle), second, np.sqrt(bond**2 - height**2))
    fractional = np.zeros((n, 2 + MAX_LIGANDS, 3))
    fractional[:, 1, :2], fractional[:, 1, 2] = second, height / VACUUM
    fractional[:, :2, 2] -= 0.5 * height[:, None] / VACUUM
    species = np.full((n, 2 + MAX_LIGANDS), -1, np.int64)
    species[:, :2] = active
    _add_ligands(generator, fractional, species)
    return ToyStructures(kind, lattice, fractional, species)


def _active_species(generator: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Pairs of species: often twice the same, often of one magnetic family."""
    carries = column("moment")[list(ACTIVE)] > 0.0
    pairs = generator.choice(np.flatnonzero(~carries), size=(n, 2))
    some = generator.choice(np.array(ACTIVE), size=(n, 2))
    first, second = np.split(np.flatnonzero(carries), 2)
    families = np.stack([generator.choice(first, (n, 2)), generator.choice(second, (n, 2))])
    both = families[generator.integers(2, size=n), np.arange(n)]
    sort = generator.choice(3, size=n, p=(0.4, 0.45, 0.15))[:, None]
    pairs = np.select([sort == 0, sort == 1], [pairs, both], some)
    same = generator.random(n) < 0.3
    pairs[same, 1] = pairs[same, 0]
    light = generator.random(n) < 0.06
    pairs[light] = generator.integers(3, size=light.sum())[:, None]
    return pairs


def _lattices(
    ratio: NDArray[np.float64],
    angle: NDArray[np.float64],
    second: NDArray[np.float64],
    bond: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Lattices in which the shortest in-plane distance of A and B is `bond`."""
    lattice = np.zeros((len(ratio), 3, 3))
    lattice[:, 0, 0] = 1.0
    lattice[:, 1, 0], lattice[:, 1, 1] = ratio * np.cos(angle), ratio * np.sin(angle)
    apart = (second[:, None] + LAYER_CELLS) @ lattice[:, :2, :2]
    lattice *= (bond / np.linalg.norm(apart, axis=-1).min(1))[:, None, None]
    lattice[:, 2, 2] = VACUUM
    return lattice


def _add_ligands(
    generator: np.random.Generator,
    fractional: NDArray[np.float64],
    species: NDArray[np.int64],
) -> None:
    n = len(species)
    number = generator.choice(MAX_LIGANDS + 1, size=n, p=(0.35, 0.35, 0.2, 0.1))
    a, b = fractional[:, 0], fractional[:, 1]
    spots = np.stack([a, b, 0.5 * (a + b), 2.0 * b - a], axis=1)
    for slot in range(MAX_LIGANDS):
        there = number > slot
        spot = spots[np.arange(n), generator.integers(4, size=n)].copy()
        side = np.where(generator.random(n) < 0.5, 1.0, -1.0)
        spot[:, 2] += side * generator.uniform(1.1, 2.6, n) / VACUUM
        loose = generator.random(n) < 0.3
        spot[:, :2] += np.where(loose[:, None], generator.uniform(-0.1, 0.1, (n, 2)), 0.0)
        fractional[:, 2 + slot] = np.where(there[:, None], spot, 0.0)
        species[:, 2 + slot] = np.where(there, generator.choice(LIGANDS, n), -1)
