"""Tight-binding Hamiltonians of toy materials, from their structures and magnetic order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.materials.synthetic.species import column
from topophys.materials.synthetic.structures import (
    LAYER_CELLS,
    SOLID_CELLS,
    ToyStructures,
    cells_within,
)

__all__ = [
    "DROPPED",
    "ORDERS",
    "SOLID_CELLS",
    "SolidBands",
    "ToyBands",
    "ToyMagnetism",
    "mirror_blocks",
    "solid_bands",
    "solid_hamiltonian",
    "spin_corner",
    "toy_bands",
    "toy_magnetism",
    "with_crystal_field",
]


# ---- Bonds

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
    """Bonds from A at the origin to B in the nearest cells, one row for each structure."""

    vector: NDArray[np.float64]  # (B, M, 3), from A to B in each of M cells, in angstrom
    distance: NDArray[np.float64]  # (B, M), length
    hop: NDArray[np.float64]  # (B, M), length
    near: NDArray[np.float64]  # (B, M), length
    alike: NDArray[np.bool_]  # (B, 1), whether both orbitals have the same angular momentum


def bonds_of(
    crystals: ToyStructures,
    cells: NDArray[np.int64] = LAYER_CELLS,
    ends: tuple[float, float] = LAYER_ENDS,
) -> Bonds:
    """Measure the bonds of structures.

    Orbitals of different angular momentum about the normal of a layer hop by the share of the bond
    that lies in the layer; in a solid there is no such direction.
    """
    # cells of (M, D)
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
    """Whether two atoms of a crystal are closer than `OVERLAP` times the sum of their radii."""
    # cells of (m, D) -> (n,)
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
    """Whether a hopping between the two active atoms would reach beyond the neighbouring cells."""
    # -> (n,)
    cells = cells_within(3, dim)
    shifts = cells[np.abs(cells).max(1) > 1] @ crystals.lattice[:, :dim]
    where, radius = crystals.positions, column("radius")[crystals.species[:, :2]]
    bond = (where[:, 1] - where[:, 0])[:, None] + shifts
    between = np.linalg.norm(bond, axis=-1).min(1) < reach * radius.sum(1)
    alike = np.linalg.norm(shifts, axis=-1).min(1) < reach * 2.0 * radius.max(1)
    return np.asarray(between | alike)


# ---- On-site energies

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
    """
    # level of (B, 2), shifts of (B, M, 3) -> (B, 2)
    where, charges = crystals.positions, column("level")
    for slot in range(2, where.shape[1]):
        apart = where[:, slot, None, None] + shifts[:, :, None] - where[:, None, :2]
        field = np.exp(-np.linalg.norm(apart, axis=-1) / FIELD_LENGTH).sum(1)
        kind = crystals.species[:, slot]
        level = level + strength * np.where(kind >= 0, charges[kind], 0.0)[:, None] * field
    return np.asarray(level)


# ---- Magnetic order

#: Names of the classes, by the integer in `ToyMagnetism.order`.
ORDERS: Final = ("NM", "FM", "AFM")
#: What `ToyMagnetism.order` holds where the order is none of these, and why.
DROPPED: Final = {-1: "ferrimagnetic", -2: "exchange too weak to decide"}
#: Exchange, in units of a bond's, below which the order is not decided.
LEAST_EXCHANGE: Final = 0.01


@dataclass(frozen=True, eq=False)
class ToyMagnetism:
    """Ordered moments of a batch.

    Attributes
    ----------
    order : int64 ndarray of shape (B,)
        Position in `ORDERS`, or a key of `DROPPED`.
    splitting : float64 ndarray of shape (B, 2)
        Exchange field on the active atoms, in units of energy; its sign is that of the moment.
    """

    order: Int[np.ndarray, " B"]
    splitting: Float[np.ndarray, "B 2"]

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ToyMagnetism:
        return ToyMagnetism(self.order[rows], self.splitting[rows])


def toy_magnetism(
    crystals: ToyStructures, bonds: Bonds, cells: NDArray[np.int64] = LAYER_CELLS
) -> ToyMagnetism:
    r"""Find moments by the Stoner criterion and their order by the sign of the exchange.

    .. math::
        M_i = M^0_i \sqrt{1 - (W / U_i)^2} \;\; (W < U_i), \qquad
        W^2 = \sum_j |t_{ij}|^2, \qquad
        J = \sum_j f(r_{ij}) + \sum_l g_l \, (\sin^2\theta_l - \cos^2\theta_l)

    Wide bands carry no moment. Two moments align for J > 0 and oppose each other for J < 0, which
    is the ground state of the classical Heisenberg model with these two in a cell. The direct
    exchange f changes its sign with the distance (Bethe and Slater); ligands l between the two
    add superexchange, antiferromagnetic at angles A-l-B of 180 and ferromagnetic at 90 degrees
    (Goodenough and Kanamori).

    Parameters
    ----------
    crystals : ToyStructures
        Structures.
    bonds : Bonds
        Their bonds.
    cells : int64 ndarray of shape (M, D), optional
        Cells along the first D lattice vectors in which ligands between the two are looked for.

    Returns
    -------
    ToyMagnetism
        Classes and exchange fields.

    References
    ----------
    .. [1] E. C. Stoner, Proc. R. Soc. Lond. A 165, 372 (1938).
    .. [2] J. B. Goodenough, Phys. Rev. 100, 564 (1955).
    """
    active = crystals.species[:, :2]
    repulsion, full = column("repulsion")[active], column("moment")[active]
    width = np.sqrt((bonds.hop**2).sum(1))[:, None]
    share = np.where(repulsion > width, width / np.where(repulsion > 0.0, repulsion, 1.0), 1.0)
    size = full * np.sqrt(1.0 - share**2)
    exchange = _direct(active, bonds) + _through_ligands(crystals, cells)
    magnetic = size > 0.0
    two = magnetic.all(1)
    order = np.where(magnetic.any(1), 1, 0)
    order = np.where(two & (exchange < 0.0), 2, order)
    order = np.where((order == 2) & (size[:, 0] != size[:, 1]), -1, order)
    order = np.where(two & (np.abs(exchange) < LEAST_EXCHANGE), -2, order)
    sign = np.stack([np.ones(len(order)), np.where(order == 2, -1.0, 1.0)], axis=1)
    return ToyMagnetism(order, size * sign)


def _direct(active: NDArray[np.int64], bonds: Bonds) -> NDArray[np.float64]:
    reach = column("radius")[active].sum(1)[:, None]
    change = column("crossover")[active].mean(1)[:, None]
    x = bonds.distance / reach
    total: NDArray[np.float64] = ((x - change) * np.exp(-3.0 * (x - 1.0)) * bonds.near).sum(1)
    return total


def _through_ligands(crystals: ToyStructures, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Superexchange over ligands that lie between A and the nearest images of B."""
    where = crystals.positions
    shifts = cells @ crystals.lattice[:, : cells.shape[1]]
    total = np.zeros(len(crystals))
    for slot in range(2, where.shape[1]):
        to_a = where[:, None, 0] + shifts - where[:, None, slot]
        to_b = where[:, None, 1] + shifts - where[:, None, slot]
        r_a, r_b = np.linalg.norm(to_a, axis=-1), np.linalg.norm(to_b, axis=-1)
        product = np.maximum(r_a[:, :, None] * r_b[:, None], 1e-9)  # where there is no ligand
        cosine = np.einsum("bix,bjx->bij", to_a, to_b) / product
        weight = np.exp(-2.0 * (r_a - 1.6))[:, :, None] * np.exp(-2.0 * (r_b - 1.6))[:, None]
        pull = (weight * (1.0 - 2.0 * cosine**2)).sum((1, 2))
        total += np.where(crystals.species[:, slot] >= 0, 0.25 * pull, 0.0)
    return total


# ---- Hamiltonians of layers

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
    >>> from topophys.materials.synthetic import draw_structures
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
    """Two bands from hoppings in the order of `LAYER_CELLS`."""
    # like of (B, 9, 2), hop of (B, 9)
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


# ---- Hamiltonians of solids

#: Position of the cell (0, 0, 0) in `SOLID_CELLS`.
SOLID_ORIGIN: Final = 13
#: Between which distances, in units of the sum of the radii, hoppings end.
ENDS: Final = (1.25, 1.7)
#: Hopping between like atoms, as a share of that over a bond of its length: of s orbitals, and of
#: p orbitals, whose bands are narrower and turned over.
SOLID_ACROSS: Final = (-0.55, 0.25)
#: What levels are multiplied with: bands are wider than in a layer.
LEVELS: Final = 1.6
#: What exchange splittings are multiplied with, or nearly every magnet would be a semimetal.
MOMENTS: Final = 0.45
#: Strength of the crystal field of a ligand.
SOLID_FIELD: Final = 2.0


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
    >>> from topophys.materials.synthetic import draw_solids
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
    return SolidBands(_like_solid(crystals), bond, magnetism, sound, along)


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
            h[:, SOLID_ORIGIN, place, place] -= (1 - 2 * spin) * bands.magnetism.splitting[
                :, orbital
            ]
    corner = spin_corner(bands.bond)
    h[..., :2, 2:] = corner
    h[..., 2:, :2] = corner[:, ::-1].conj().swapaxes(-1, -2)
    return FourierHamiltonian(
        {tuple(cell): h[:, m] for m, cell in enumerate(SOLID_CELLS.tolist())}, n_occupied=2
    )


def spin_corner(
    bond: NDArray[np.float64] | NDArray[np.complex128],
) -> NDArray[np.complex128]:
    """Hoppings from A to B as matrices of the spin, plain + i (x, y, z).sigma."""
    # bond of (..., 4) -> (..., 2, 2)
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
        level[:, ORIGIN, 0] -= s * bands.magnetism.splitting[:, 0]
        level[:, ORIGIN, 1] -= np.where(straight, s, -s) * bands.magnetism.splitting[:, 1]
        blocks.append(layer_hamiltonian(level, hop))
    return blocks


def _like_solid(crystals: ToyStructures) -> NDArray[np.float64]:
    """Levels with the crystal field of the ligands, and hoppings between like atoms."""
    active = crystals.species[:, :2]
    shifts = SOLID_CELLS @ crystals.lattice
    length = np.linalg.norm(shifts, axis=-1)[..., None]
    reach = 2.0 * column("radius")[active][:, None]
    share = np.where(column("turn")[active] > 0.0, SOLID_ACROSS[1], SOLID_ACROSS[0])[:, None]
    there = length > 0.0
    like = share * amplitude(np.where(there, length, 1.0), reach, ENDS)
    level = LEVELS * column("level")[active]
    like[:, SOLID_ORIGIN] = with_crystal_field(level, crystals, shifts, SOLID_FIELD)
    return np.asarray(like)
