"""Tight-binding Hamiltonians of toy materials, from their structures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.hamiltonians.toy._bonds import (
    LAYER_ENDS,
    Bonds,
    amplitude,
    bonds_of,
    overlapping,
    too_far,
)
from topophys.hamiltonians.toy._levels import with_crystal_field
from topophys.hamiltonians.toy.cells import LAYER_CELLS
from topophys.hamiltonians.toy.magnetism import ToyMagnetism, toy_magnetism
from topophys.hamiltonians.toy.species import column
from topophys.hamiltonians.toy.structures import ToyStructures
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["ToyBands", "toy_bands"]

#: Hopping between like atoms of neighbouring cells, as a share of that over a bond of its length.
ACROSS: Final = 0.7
#: Strength of the crystal field of a ligand.
FIELD: Final = 2.5
#: Position of the cell (0, 0) in `LAYER_CELLS`.
ORIGIN: Final = 4


@dataclass(frozen=True, eq=False)
class ToyBands:
    """Electrons of a batch of toy materials: one two-band Hamiltonian for each spin.

    Attributes
    ----------
    up, down : TwoBandHamiltonian
        Batches of shape (B,), in the basis (A, B) of the active orbitals.
    magnetism : ToyMagnetism
        Order and exchange field.
    sound : bool ndarray of shape (B,)
        False where atoms overlap, or an orbital would reach beyond the nearest cells.
    """

    up: TwoBandHamiltonian
    down: TwoBandHamiltonian
    magnetism: ToyMagnetism
    sound: NDArray[np.bool_]

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ToyBands:
        return ToyBands(self.up[rows], self.down[rows], self.magnetism[rows], self.sound[rows])


def toy_bands(crystals: ToyStructures) -> ToyBands:
    r"""Hamiltonian of each structure, by hoppings that depend on distance and direction.

    .. math::
        H_{ij}(R) = t(r) \, e^{i (m_j - m_i) \varphi}
            + i \lambda_l s \sum_l (\hat d_{il} \times \hat d_{lj})_z t(r_{il}) t(r_{lj}), \qquad
        H_{ii}(0) = \varepsilon_i + \sum_L q_L e^{-r_{iL} / \rho} - s M_i

    with the spin s = +-1, the direction :math:`\varphi` of the bond, the angular momentum m of
    the orbitals (0 for s, 1 for p+ at spin up, opposite at spin down) and ligands L. The spin
    along the normal is conserved. Without moments the two blocks are time reversed partners.

    Parameters
    ----------
    crystals : ToyStructures
        Structures.

    Returns
    -------
    ToyBands
        Hamiltonians and magnetic order.

    References
    ----------
    .. [1] J. C. Slater, G. F. Koster, Phys. Rev. 94, 1498 (1954).
    .. [2] C. L. Kane, E. J. Mele, Phys. Rev. Lett. 95, 226801 (2005).

    Examples
    --------
    >>> from topophys.hamiltonians.toy import draw_structures
    >>> toy_bands(draw_structures(5, rng=0)).up
    TwoBandHamiltonian: 5 of 2D, 2 bands (1 occupied), 9 lattice vectors
    """
    bonds = bonds_of(crystals)
    magnetism = toy_magnetism(crystals, bonds)
    shifts = LAYER_CELLS @ crystals.lattice[:, :2]
    active = column("level")[crystals.species[:, :2]]
    level = with_crystal_field(active, crystals, shifts, FIELD)
    across = _like(crystals, shifts)
    twist, twist_far = _spin_orbit(crystals, bonds)
    blocks = [
        _block(crystals, bonds, level - s * magnetism.splitting, across, s * twist, s)
        for s in (1, -1)
    ]
    too_wide = too_far(crystals, 2, LAYER_ENDS[1])
    sound = ~twist_far & ~overlapping(crystals, LAYER_CELLS) & ~too_wide
    return ToyBands(blocks[0], blocks[1], magnetism, sound)


def _block(
    crystals: ToyStructures,
    bonds: Bonds,
    level: NDArray[np.float64],
    across: NDArray[np.float64],
    twist: NDArray[np.float64],
    spin: int,
) -> TwoBandHamiltonian:
    """One spin: like atoms give d0 and dz, bonds from B to A give dx - i dy."""
    turn = column("turn")[crystals.species[:, :2]]
    angle = np.arctan2(bonds.vector[..., 1], bonds.vector[..., 0])
    phase = np.exp(1j * spin * (turn[:, 1] - turn[:, 0])[:, None] * angle)
    like = across + 1j * twist
    like[:, ORIGIN] = level
    return layer_hamiltonian(like, bonds.hop * phase)


def layer_hamiltonian(
    like: NDArray[np.float64] | NDArray[np.complex128], hop: NDArray[np.complex128]
) -> TwoBandHamiltonian:
    """Two bands from hoppings in the order of `LAYER_CELLS`.

    Parameters
    ----------
    like : ndarray of shape (B, 9, 2)
        Hoppings A to A and B to B; levels at the origin.
    hop : complex128 ndarray of shape (B, 9)
        <A 0|H|B R>: coefficients of e^{ikR} in the upper right entry.

    Returns
    -------
    TwoBandHamiltonian
        Batch of shape (B,).
    """
    d = np.zeros((*hop.shape, 3), np.complex128)
    d[..., 2] = 0.5 * (like[..., 0] - like[..., 1])
    # dx - i dy = sum hop e^{ikR}, dx + i dy = its conjugate, in which R and -R change places
    back = hop[:, ::-1].conj()
    d[..., 0], d[..., 1] = 0.5 * (hop + back), 0.5j * (hop - back)
    d0 = 0.5 * (like[..., 0] + like[..., 1])
    keys = [tuple(cell) for cell in LAYER_CELLS.tolist()]
    return TwoBandHamiltonian(
        {key: d[:, m] for m, key in enumerate(keys)},
        d0={key: d0[:, m] for m, key in enumerate(keys)},
    )


def _like(crystals: ToyStructures, shifts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hoppings between like atoms, (B, 9, 2); s and p orbitals with opposite signs."""
    length = np.linalg.norm(shifts, axis=-1)[..., None]
    active = crystals.species[:, :2]
    sign = 1.0 - 2.0 * column("turn")[active]
    reach = 2.0 * column("radius")[active]
    hop = -ACROSS * sign[:, None] * amplitude(np.where(length > 0.0, length, 1.0), reach[:, None])
    hop[:, ORIGIN] = 0.0
    return np.asarray(hop)


def _spin_orbit(
    crystals: ToyStructures, bonds: Bonds
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Kane-Mele hoppings of A and B over one atom of the other kind, (B, 9, 2)."""
    strength = column("spin_orbit")[crystals.species[:, :2]]
    weight = bonds.hop * bonds.near
    unit = bonds.vector / bonds.distance[..., None]
    cross = unit[:, :, None, 0] * unit[:, None, :, 1] - unit[:, :, None, 1] * unit[:, None, :, 0]
    pairs = weight[:, :, None] * weight[:, None] * cross
    size = (len(crystals), len(LAYER_CELLS), 2)
    twist, far = np.zeros(size), np.zeros(len(crystals), np.bool_)
    for i, first in enumerate(LAYER_CELLS):
        for j, second in enumerate(LAYER_CELLS):
            apart = first - second
            if i == j:
                continue
            if np.abs(apart).max() > 1:
                far |= np.abs(pairs[:, i, j]) > 0.0
                continue
            m = 3 * (apart[0] + 1) + apart[1] + 1
            # A at 0 over B at `first` to A at first - second: second leg is minus unit[second]
            twist[:, m, 0] -= strength[:, 1] * pairs[:, i, j]
            # B at 0 over A at -second to B at first - second: first leg is minus unit[second]
            twist[:, m, 1] += strength[:, 0] * pairs[:, i, j]
    return twist, far & (strength.max(1) > 0.0)
