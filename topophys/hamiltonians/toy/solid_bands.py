"""Tight-binding Hamiltonians of toy materials in three dimensions, from their structures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.toy._bonds import amplitude, bonds_of, overlapping, too_far
from topophys.hamiltonians.toy._levels import with_crystal_field
from topophys.hamiltonians.toy.bands import ORIGIN as LAYER_ORIGIN
from topophys.hamiltonians.toy.bands import layer_hamiltonian
from topophys.hamiltonians.toy.cells import LAYER_CELLS, SOLID_CELLS
from topophys.hamiltonians.toy.magnetism import ToyMagnetism, toy_magnetism
from topophys.hamiltonians.toy.species import column
from topophys.hamiltonians.toy.structures import ToyStructures
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = [
    "SOLID_CELLS",
    "SolidBands",
    "mirror_blocks",
    "solid_bands",
    "solid_hamiltonian",
    "spin_corner",
]

#: Position of the cell (0, 0, 0) in `SOLID_CELLS`.
ORIGIN: Final = 13
#: Between which distances, in units of the sum of the radii, hoppings end.
ENDS: Final = (1.25, 1.7)
#: Hopping between like atoms, as a share of that over a bond of its length: of s orbitals, and of
#: p orbitals, whose bands are narrower and turned over.
ACROSS: Final = (-0.55, 0.25)
#: What levels are multiplied with: bands are wider than in a layer.
LEVELS: Final = 1.6
#: What exchange splittings are multiplied with, or nearly every magnet would be a semimetal.
MOMENTS: Final = 0.45
#: Strength of the crystal field of a ligand.
FIELD: Final = 2.0


@dataclass(frozen=True, eq=False)
class SolidBands:
    """Electrons of a batch of toy materials in three dimensions.

    Attributes
    ----------
    like : float64 ndarray of shape (B, 27, 2)
        Hoppings from A to A and from B to B, in the order of `SOLID_CELLS`; levels at the origin.
    bond : float64 ndarray of shape (B, 27, 4)
        Hoppings from A to B: without turning the spin, and along x, y, z with it.
    magnetism : ToyMagnetism
        Order and exchange field along z.
    sound : bool ndarray of shape (B,)
        False where atoms overlap, or an orbital would reach beyond the nearest cells.
    along : int64 ndarray of shape (B,)
        1 where B lies half a lattice vector above A, else 0.
    """

    like: NDArray[np.float64]
    bond: NDArray[np.float64]
    magnetism: ToyMagnetism
    sound: NDArray[np.bool_]
    along: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.like)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> SolidBands:
        return SolidBands(
            self.like[rows],
            self.bond[rows],
            self.magnetism[rows],
            self.sound[rows],
            self.along[rows],
        )


def solid_bands(crystals: ToyStructures) -> SolidBands:
    r"""Hoppings of each structure, by distance and direction.

    .. math::
        H_{AA} = \varepsilon_A + \sum_R t_A(R) \cos k R - M_A \sigma_z, \qquad
        H_{AB} = \sum_R e^{i k R} \, t(r) \begin{cases} 1 & \text{like orbitals} \\
            i \, \hat d \cdot \sigma & \text{s and p} \end{cases}

    The p orbital is that of total angular momentum 1/2, which spin-orbit coupling splits off:
    :math:`\hat d \cdot \sigma` is what turns an s orbital into it. On a cubic lattice this is the
    Hamiltonian of Wilson and Dirac. Inversion about A maps H(k) to H(-k).

    Parameters
    ----------
    crystals : ToyStructures
        From `draw_solids`.

    Returns
    -------
    SolidBands
        Hoppings and magnetic order.

    References
    ----------
    .. [1] J. C. Slater, G. F. Koster, Phys. Rev. 94, 1498 (1954).
    .. [2] X.-L. Qi, T. L. Hughes, S.-C. Zhang, Phys. Rev. B 78, 195424 (2008).

    Examples
    --------
    >>> from topophys.hamiltonians.toy import draw_solids
    >>> solid_bands(draw_solids(5, rng=0)).bond.shape
    (5, 27, 4)
    """
    bonds = bonds_of(crystals, SOLID_CELLS, ENDS)
    unit = bonds.vector / bonds.distance[..., None]
    plain, turning = np.where(bonds.alike, bonds.hop, 0.0), np.where(bonds.alike, 0.0, bonds.hop)
    bond = np.concatenate([plain[..., None], turning[..., None] * unit], axis=-1)
    found = toy_magnetism(crystals, bonds, SOLID_CELLS)
    magnetism = ToyMagnetism(found.order, MOMENTS * found.splitting)
    sound = ~overlapping(crystals, SOLID_CELLS) & ~too_far(crystals, 3, ENDS[1])
    along = (crystals.fractional[:, 1, 2] > 0.25).astype(np.int64)
    return SolidBands(_like(crystals), bond, magnetism, sound, along)


def solid_hamiltonian(bands: SolidBands) -> FourierHamiltonian:
    """Hamiltonians in the basis (A up, A down, B up, B down), two bands occupied.

    Parameters
    ----------
    bands : SolidBands
        Hoppings.

    Returns
    -------
    FourierHamiltonian
        Batch of shape (B,) in three dimensions.
    """
    h = np.zeros((len(bands), len(SOLID_CELLS), 4, 4), np.complex128)
    for orbital in (0, 1):
        for spin in (0, 1):
            place = 2 * orbital + spin
            h[..., place, place] = bands.like[..., orbital]
            h[:, ORIGIN, place, place] -= (1 - 2 * spin) * bands.magnetism.splitting[:, orbital]
    corner = spin_corner(bands.bond)
    h[..., :2, 2:] = corner
    h[..., 2:, :2] = corner[:, ::-1].conj().swapaxes(-1, -2)
    return FourierHamiltonian(
        {tuple(cell): h[:, m] for m, cell in enumerate(SOLID_CELLS.tolist())}, n_occupied=2
    )


def spin_corner(
    bond: NDArray[np.float64] | NDArray[np.complex128],
) -> NDArray[np.complex128]:
    """Hoppings from A to B as matrices of the spin, plain + i (x, y, z).sigma.

    Parameters
    ----------
    bond : ndarray of shape (..., 4)
        As in `SolidBands`.

    Returns
    -------
    complex128 ndarray of shape (..., 2, 2)
        Upper right corners of Hamiltonians.
    """
    plain, x, y, z = np.moveaxis(bond, -1, 0)
    corner = np.empty((*plain.shape, 2, 2), np.complex128)
    corner[..., 0, 0], corner[..., 1, 1] = plain + 1j * z, plain - 1j * z
    corner[..., 0, 1], corner[..., 1, 0] = 1j * x + y, 1j * x - y
    return corner


def mirror_blocks(bands: SolidBands, plane: int) -> list[TwoBandHamiltonian]:
    r"""Split the Hamiltonians of a plane that the mirror maps to itself, by mirror eigenvalue.

    Where B lies at the height of A, or in the plane :math:`k_z = 0`, the bonds within the plane
    turn the spin: blocks (A up, B down) and (A down, B up). Where B lies half a lattice vector
    above A and :math:`k_z = \pi`, they do not: blocks (A up, B up) and (A down, B down).
    Like orbitals have hoppings that never turn the spin, and blocks of the second kind.

    Parameters
    ----------
    bands : SolidBands
        Hoppings.
    plane : {0, 1}
        Plane k_z = 0 or pi.

    Returns
    -------
    list of two TwoBandHamiltonian
        Batches of shape (B,) in two dimensions; both together have every level of the plane.
    """
    sign = np.where((SOLID_CELLS[:, 2] % 2 == 1) & (plane == 1), -1.0, 1.0)[:, None]
    flat = len(LAYER_CELLS)

    def summed(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((x * sign).reshape(len(x), flat, 3, x.shape[-1]).sum(2))

    like, bond = summed(bands.like), summed(bands.bond)
    straight = bands.bond[..., 0].any(1) | ((bands.along == 1) & (plane == 1))
    blocks = []
    for s in (1, -1):
        turned = 1j * bond[..., 1] + s * bond[..., 2]
        hop = np.where(straight[:, None], bond[..., 0] + 1j * s * bond[..., 3], turned)
        level = like.copy()
        level[:, LAYER_ORIGIN, 0] -= s * bands.magnetism.splitting[:, 0]
        level[:, LAYER_ORIGIN, 1] -= np.where(straight, s, -s) * bands.magnetism.splitting[:, 1]
        blocks.append(layer_hamiltonian(level, hop))
    return blocks


def _like(crystals: ToyStructures) -> NDArray[np.float64]:
    """Levels with the crystal field of the ligands, and hoppings between like atoms."""
    active = crystals.species[:, :2]
    shifts = SOLID_CELLS @ crystals.lattice
    length = np.linalg.norm(shifts, axis=-1)[..., None]
    reach = 2.0 * column("radius")[active][:, None]
    share = np.where(column("turn")[active] > 0.0, ACROSS[1], ACROSS[0])[:, None]
    there = length > 0.0
    like = share * amplitude(np.where(there, length, 1.0), reach, ENDS)
    level = LEVELS * column("level")[active]
    like[:, ORIGIN] = with_crystal_field(level, crystals, shifts, FIELD)
    return np.asarray(like)
