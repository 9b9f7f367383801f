"""Crystal structures as arrays, and their graphs of neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError

__all__ = ["CUTOFF", "Crystal", "CrystalGraph", "crystal_graph"]

#: Length up to which atoms are neighbours, in angstrom.
CUTOFF: Final = 4.5
#: Distance, in angstrom, below which two atoms cannot be.
TOO_CLOSE: Final = 0.5
#: Largest component of a lattice vector, in angstrom.
LONGEST: Final = 1e5
#: Cells to look for neighbours in, and pairs of an atom and an image of another one.
MOST_IMAGES: Final = 100_000
MOST_PAIRS: Final = 500_000_000
#: Pairs processed at once.
AT_ONCE: Final = 1_000_000


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
    notes : tuple of str
        What was decided where the file left a choice, such as elements from a comment.
    substituted : bool
        Whether partly occupied sites were given one element, or none: atoms and electrons are then
        not those of the material.

    Examples
    --------
    >>> Crystal.checked([6, 6], [[0, 0, 0], [1 / 3, 1 / 3, 0]], np.diag([2.5, 2.5, 20.0]), "c")
    Crystal(c: 2 atoms)
    """

    numbers: NDArray[np.int64]
    fractional: NDArray[np.float64]
    lattice: NDArray[np.float64]
    sample_id: str = "crystal"
    notes: tuple[str, ...] = ()
    substituted: bool = False

    @classmethod
    def checked(
        cls,
        numbers: ArrayLike,
        fractional: ArrayLike,
        lattice: ArrayLike,
        sample_id: str,
        *,
        notes: tuple[str, ...] = (),
        substituted: bool = False,
    ) -> Crystal:
        """Make a crystal, or raise one line that names the invalid sample.

        Parameters
        ----------
        numbers, fractional, lattice : array-like
            As the attributes.
        sample_id : str
            Name for messages.
        notes : tuple of str, optional
            As the attribute.
        substituted : bool, optional
            As the attribute.

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
            spots = _validation.as_real(fractional, "fractional", "(..., n, 3)")
            cell = _validation.as_real(lattice, "lattice", "(..., 3, 3)")
        except ValueError as error:
            raise InputError(f"{where}: {error}") from None
        if spots.shape != (len(z), 3) or cell.shape != (3, 3):
            raise InputError(
                f"{where}: there must be one position for each of {len(z)} atoms and one 3 x 3"
                f" lattice, but the shapes are {spots.shape} and {cell.shape}."
            )
        if np.abs(cell).max() > LONGEST:
            raise InputError(f"{where}: lattice vectors must be below {LONGEST:g} angstrom.")
        if abs(np.linalg.det(cell)) < 1e-3:
            raise InputError(f"{where}: the lattice vectors must span a volume, but do not.")
        crystal = cls(z.astype(np.int64), spots, cell, sample_id, notes, substituted)
        for receiver, sender, apart in _neighbours(crystal, TOO_CLOSE):
            if len(receiver):
                raise InputError(
                    f"{where}: atoms must not overlap, but atoms {receiver[0]} and {sender[0]} are"
                    f" {np.linalg.norm(apart[0]):.2g} angstrom apart."
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


def images_within(
    lattice: NDArray[np.float64], radius: float, n_atoms: int = 1, sample_id: str = "crystal"
) -> NDArray[np.int64]:
    """Cells that can hold a point within `radius` of a point of the cell at the origin.

    A cell that is long and flat, or has many atoms, would have too many pairs to compute.
    """
    heights = 1.0 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    reach = [math.ceil(radius / h) + 1 if radius > 0 else 0 for h in heights]
    images = math.prod(2 * n + 1 for n in reach)
    if images > MOST_IMAGES or images * n_atoms**2 > MOST_PAIRS:
        raise InputError(
            f"Sample `{sample_id}`: a cell must be compact and have few atoms, but {n_atoms} atoms"
            f" in {images:.3g} cells can be neighbours; give the primitive cell."
        )
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
    receivers, senders, vectors = zip(*_neighbours(crystal, cutoff), strict=True)
    vector = np.concatenate(vectors)
    edges = np.stack([np.concatenate(receivers), np.concatenate(senders)])
    return CrystalGraph(edges, vector, np.sqrt((vector**2).sum(-1)))


def _neighbours(crystal: Crystal, cutoff: float) -> Iterator[tuple[NDArray[Any], ...]]:
    """Receivers, senders and vectors of pairs within a distance, some receivers at a time."""
    wrapped = crystal.fractional - np.floor(crystal.fractional)
    shifts = images_within(crystal.lattice, cutoff, len(crystal), crystal.sample_id)
    spots, images = wrapped @ crystal.lattice, shifts @ crystal.lattice
    middle = len(images) // 2
    step = max(1, AT_ONCE // (len(spots) * len(images)))
    for start in range(0, len(spots), step):
        mine = spots[start : start + step]
        apart = spots[None, :, None] - mine[:, None, None] + images
        near = np.sqrt((apart**2).sum(-1)) <= cutoff
        rows = np.arange(len(mine))
        near[rows, start + rows, middle] = False
        receiver, sender, _ = np.nonzero(near)
        yield receiver + start, sender, apart[near]
