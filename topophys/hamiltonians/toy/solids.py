"""Structures of toy materials in three dimensions: two active atoms in an orthogonal-axis cell."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys import _checks
from topophys._random import as_generator
from topophys.hamiltonians.toy.cells import SOLID_CELLS
from topophys.hamiltonians.toy.species import ACTIVE, LIGANDS, column
from topophys.hamiltonians.toy.structures import MAX_LIGANDS, ToyStructures

__all__ = ["SOLIDS", "draw_solids"]

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
    n = _checks.positive_int(n, "n")
    generator = as_generator(rng)
    kind = generator.integers(len(SOLIDS), size=n)
    active = _active_species(generator, n)
    spot, tall = (np.array(part) for part in zip(*SOLIDS.values(), strict=True))
    loose = generator.random(n) < 0.4
    ratio = np.where(loose, generator.uniform(0.9, 1.12, n), 1.0)
    angle = np.deg2rad(np.where(loose, generator.uniform(80.0, 96.0, n), 90.0))
    height = tall[kind] * generator.uniform(0.85, 1.2, n)
    # two moments decide on their order where bonds are neither too short nor too long
    both = (column("moment")[active] > 0.0).all(1)
    stretch = generator.uniform(0.88, np.where(both, 1.12, 1.25))
    bond = column("radius")[active].sum(1) * stretch
    lattice = _lattices(ratio, angle, height, spot[kind], bond)
    fractional = np.zeros((n, 2 + MAX_LIGANDS, 3))
    fractional[:, 1] = spot[kind]
    species = np.full((n, 2 + MAX_LIGANDS), -1, np.int64)
    species[:, :2] = active
    _add_ligands(generator, fractional, species)
    return ToyStructures(kind, lattice, fractional, species)


def _active_species(generator: np.random.Generator, n: int) -> NDArray[np.int64]:
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


def _lattices(
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


def _add_ligands(
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
