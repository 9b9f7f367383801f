"""Structures of toy materials: layers, and solids in orthogonal-axis cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from topophys import _validation
from topophys._random import as_generator
from topophys.materials.synthetic.species import ACTIVE, LIGANDS, column

__all__ = [
    "LAYER_CELLS",
    "MAX_LIGANDS",
    "PROTOTYPES",
    "SOLIDS",
    "SOLID_CELLS",
    "VACUUM",
    "ToyStructures",
    "cells_within",
    "draw_solids",
    "draw_structures",
]


# ---- Neighbouring cells


def cells_within(reach: int, dim: int) -> NDArray[np.int64]:
    """Cells up to `reach` steps away along each lattice vector, in lexical order.

    Examples
    --------
    >>> cells_within(1, 2)[:4].tolist()
    [[-1, -1], [-1, 0], [-1, 1], [0, -1]]
    """
    # -> ((2 reach + 1)^dim, dim)
    steps = np.arange(-reach, reach + 1, dtype=np.int64)
    return np.stack(np.meshgrid(*[steps] * dim, indexing="ij"), -1).reshape(-1, dim)


#: Cells that a hopping of a layer, and of a solid, may reach.
LAYER_CELLS: Final = cells_within(1, 2)
SOLID_CELLS: Final = cells_within(1, 3)


# ---- Layers

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
    n = _validation.positive_int(n, "n")
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


# ---- Solids

#: Solid: position of the second active atom, in units of the lattice vectors; c / a.
SOLIDS: Final = {
    "caesium chloride": ((0.5, 0.5, 0.5), 1.0),
    "stacked checkerboards": ((0.5, 0.5, 0.0), 0.8),
    "alternating squares": ((0.0, 0.0, 0.5), 1.8),
}
#: Middles between lattice points, where an atom leaves inversion and the mirror as they are.
MIDDLES: Final = 0.5 * np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1),
                                 (1, 1, 1)])  # fmt: skip


def draw_solids(n: int, *, rng: np.random.Generator | int | None = None) -> ToyStructures:
    """Draw crystals from three prototypes with inversion and a mirror across the third axis.

    The third lattice vector is at right angles to the others, which need not be to each other.
    Ligands sit at free middles between lattice points: every symmetry of the prototype stays.

    Parameters
    ----------
    n : int
        Number of structures.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    ToyStructures
        Batch of n; `prototype` is the position in `SOLIDS`.

    Examples
    --------
    >>> solids = draw_solids(50, rng=0)
    >>> bool((solids.fractional[:, 0] == 0).all())
    True
    """
    n = _validation.positive_int(n, "n")
    generator = as_generator(rng)
    kind = generator.integers(len(SOLIDS), size=n)
    active = _solid_active_species(generator, n)
    spot, tall = (np.array(part) for part in zip(*SOLIDS.values(), strict=True))
    loose = generator.random(n) < 0.4
    ratio = np.where(loose, generator.uniform(0.9, 1.12, n), 1.0)
    angle = np.deg2rad(np.where(loose, generator.uniform(80.0, 96.0, n), 90.0))
    height = tall[kind] * generator.uniform(0.85, 1.2, n)
    # two moments decide on their order where bonds are neither too short nor too long
    both = (column("moment")[active] > 0.0).all(1)
    stretch = generator.uniform(0.88, np.where(both, 1.12, 1.25))
    bond = column("radius")[active].sum(1) * stretch
    lattice = _solid_lattices(ratio, angle, height, spot[kind], bond)
    fractional = np.zeros((n, 2 + MAX_LIGANDS, 3))
    fractional[:, 1] = spot[kind]
    species = np.full((n, 2 + MAX_LIGANDS), -1, np.int64)
    species[:, :2] = active
    _add_solid_ligands(generator, fractional, species)
    return ToyStructures(kind, lattice, fractional, species)


def _solid_active_species(generator: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Pairs of an s and a p orbital; often without moments, often of one magnetic family."""
    every = np.array(ACTIVE)
    turn, moment = column("turn")[every] > 0.0, column("moment")[every] > 0.0
    pools = [every[~turn & ~moment], every[turn & ~moment], every[~turn & moment],
             every[turn & moment]]  # fmt: skip
    s, p, magnetic_s, magnetic_p = (generator.choice(pool, n) for pool in pools)
    some = generator.choice(every, (n, 2))
    sort = generator.choice(6, size=n, p=(0.4, 0.08, 0.07, 0.25, 0.14, 0.06))[:, None]
    again = generator.choice(pools[2], n)
    pairs = np.select(
        [sort == 0, sort == 1, sort == 2, sort == 3, sort == 4],
        [np.stack(two, 1) for two in ((s, p), (magnetic_s, p), (s, magnetic_p),
                                      (magnetic_s, magnetic_p), (magnetic_s, again))],
        some,
    )  # fmt: skip
    turned = generator.random(n) < 0.5
    return np.asarray(np.where(turned[:, None], pairs[:, ::-1], pairs))


def _solid_lattices(
    ratio: NDArray[np.float64],
    angle: NDArray[np.float64],
    height: NDArray[np.float64],
    spot: NDArray[np.float64],
    bond: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Lattices in which the shortest distance of A and B is `bond`."""
    lattice = np.zeros((len(ratio), 3, 3))
    lattice[:, 0, 0] = 1.0
    lattice[:, 1, 0], lattice[:, 1, 1] = ratio * np.cos(angle), ratio * np.sin(angle)
    lattice[:, 2, 2] = height
    apart = (spot[:, None] + SOLID_CELLS) @ lattice
    return np.asarray(lattice * (bond / np.linalg.norm(apart, axis=-1).min(1))[:, None, None])


def _add_solid_ligands(
    generator: np.random.Generator,
    fractional: NDArray[np.float64],
    species: NDArray[np.int64],
) -> None:
    n = len(species)
    number = generator.choice(MAX_LIGANDS + 1, size=n, p=(0.4, 0.35, 0.2, 0.05))
    taken = np.abs(MIDDLES - fractional[:, None, 1]).max(-1) < 1e-9
    order = np.argsort(np.where(taken, 2.0, generator.random((n, len(MIDDLES)))), axis=1)
    for slot in range(MAX_LIGANDS):
        there = number > slot
        fractional[:, 2 + slot] = np.where(there[:, None], MIDDLES[order[:, slot]], 0.0)
        species[:, 2 + slot] = np.where(there, generator.choice(LIGANDS, n), -1)
