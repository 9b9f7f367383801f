"""Crystal structures as arrays, and their graphs of neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import InputError

__all__ = ["CUTOFF", "Crystal", "CrystalGraph", "crystal_graph"]

#: Length up to which atoms are neighbours, in angstrom.
CUTOFF: Final = 4.5
#: Distance, in angstrom, below which two atoms cannot be.
TOO_CLOSE: Final = 0.5


@dataclass(frozen=True, eq=False)
class Crystal:
    """Atoms in a periodic cell.

    Attributes
    ----------
    numbers : int64 ndarray of shape (n,)
        Atomic numbers.
    fractional : float64 ndarray of shape (n, 3)
        Positions in units of the lattice vectors.
    lattice : float64 ndarray of shape (3, 3)
        Rows are the lattice vectors, in angstrom.
    sample_id : str
        Name for messages.

    Examples
    --------
    >>> Crystal.checked([6, 6], [[0, 0, 0], [1 / 3, 1 / 3, 0]], np.diag([2.5, 2.5, 20.0]), "c")
    Crystal(c: 2 atoms)
    """

    numbers: Int[np.ndarray, " n"]
    fractional: Float[np.ndarray, "n 3"]
    lattice: Float[np.ndarray, "3 3"]
    sample_id: str = "crystal"

    @classmethod
    def checked(
        cls, numbers: ArrayLike, fractional: ArrayLike, lattice: ArrayLike, sample_id: str
    ) -> Crystal:
        """Make a crystal, or say in one line what is wrong with which sample.

        Parameters
        ----------
        numbers, fractional, lattice : array-like
            As the attributes.
        sample_id : str
            Name for messages.

        Returns
        -------
        Crystal
            With atoms that exist and do not overlap.

        Raises
        ------
        InputError
            If there is no atom, an atomic number or coordinate is impossible, the cell has no
            volume, or two atoms are closer than 0.5 angstrom.
        """
        z = np.asarray(numbers)
        where = f"Sample `{sample_id}`"
        if z.ndim != 1 or not len(z):
            raise InputError(f"{where}: a structure must have at least one atom, but has none.")
        if z.dtype.kind not in "iu" or z.min() < 1 or z.max() > 118:
            raise InputError(f"{where}: atomic numbers must be from 1 to 118, but are {z!s:.60}.")
        try:
            spots = _checks.as_real(fractional, "fractional", "(..., n, 3)")
            cell = _checks.as_real(lattice, "lattice", "(..., 3, 3)")
        except ValueError as error:
            raise InputError(f"{where}: {error}") from None
        if spots.shape != (len(z), 3) or cell.shape != (3, 3):
            raise InputError(
                f"{where}: there must be one position for each of {len(z)} atoms and one 3 x 3"
                f" lattice, but the shapes are {spots.shape} and {cell.shape}."
            )
        if abs(np.linalg.det(cell)) < 1e-3:
            raise InputError(f"{where}: the lattice vectors must span a volume, but do not.")
        crystal = cls(z.astype(np.int64), spots, cell, sample_id)
        pairs = crystal_graph(crystal, TOO_CLOSE)
        if len(pairs.distance):
            i, j = pairs.edges[:, 0]
            raise InputError(
                f"{where}: atoms must not overlap, but atoms {i} and {j} are"
                f" {pairs.distance[0]:.2g} angstrom apart."
            )
        return crystal

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        return f"Crystal({self.sample_id}: {len(self)} atoms)"


@dataclass(frozen=True, eq=False)
class CrystalGraph:
    """Pairs of neighbours, periodic images included, each pair in both directions.

    Attributes
    ----------
    edges : int64 ndarray of shape (2, E)
        Receiving and sending atom.
    vector : float64 ndarray of shape (E, 3)
        From the receiver to the image of the sender, in angstrom.
    distance : float64 ndarray of shape (E,)
        Its length.
    """

    edges: NDArray[np.int64]
    vector: NDArray[np.float64]
    distance: NDArray[np.float64]


def images_within(lattice: NDArray[np.float64], radius: float) -> NDArray[np.int64]:
    """Cells that can hold a point within `radius` of a point of the cell at the origin."""
    heights = 1.0 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    reach = [math.ceil(radius / h) + 1 if radius > 0 else 0 for h in heights]
    axes = [np.arange(-n, n + 1) for n in reach]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def crystal_graph(crystal: Crystal, cutoff: float = CUTOFF) -> CrystalGraph:
    """Find all pairs of atoms within a distance, periodic images included.

    There is no limit on their number, which would have to choose among equal distances; so the
    graph of a supercell is that of the cell, repeated.

    Parameters
    ----------
    crystal : Crystal
        Structure.
    cutoff : float, optional
        Largest distance, in angstrom.

    Returns
    -------
    CrystalGraph
        The pairs.

    Examples
    --------
    >>> cube = Crystal(np.array([84]), np.zeros((1, 3)), 3.0 * np.eye(3))
    >>> crystal_graph(cube, 3.5).distance
    array([3., 3., 3., 3., 3., 3.])
    """
    wrapped = crystal.fractional - np.floor(crystal.fractional)
    shifts = images_within(crystal.lattice, cutoff) @ crystal.lattice
    spots = wrapped @ crystal.lattice
    apart = spots[None, :, None] - spots[:, None, None] + shifts
    distance = np.sqrt((apart**2).sum(-1))
    near = distance <= cutoff
    middle = len(shifts) // 2
    near[np.arange(len(spots)), np.arange(len(spots)), middle] = False
    receiver, sender, _ = np.nonzero(near)
    return CrystalGraph(np.stack([receiver, sender]), apart[near], distance[near])
