"""Classes of toy materials in three dimensions, proven or not given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.hamiltonians.toy.solid_bands import (
    SOLID_CELLS,
    SolidBands,
    mirror_blocks,
    solid_hamiltonian,
)
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.certify_chern import certify_chern
from topophys.materials.solid_features import quarter_zone
from topophys.materials.solid_gap import prove_solid_gap
from topophys.materials.toy_gap import prove_fermi_gap
from topophys.materials.toy_labels import levels_of

__all__ = ["CORNERS", "SOLID_EVIDENCE", "SOLID_REASONS", "SolidLabels", "label_solids"]

#: What proves a class, by the integer in `SolidLabels.evidence`.
SOLID_EVIDENCE: Final = (
    "gap at the Fermi level, mirror Chern numbers certified, parities counted",
    "bands overlap: a level of the second band above one of the third, at two momenta",
    "bands touch: certified Chern numbers of two planes differ",
)
#: Why a material is dropped, by the integer in `SolidLabels.reason`; 0 is kept.
SOLID_REASONS: Final = (
    "kept",
    "atoms overlap, or orbitals reach beyond the nearest cells",
    "ferrimagnetic",
    "exchange too weak to decide",
    "gap or overlap below the smallest, and no proof of a touching",
    "no proof of a gap at the Fermi level",
    "no certificate of the Chern numbers",
)
GRID: Final = 12
#: Invariant momenta, in units of pi.
CORNERS: Final = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)], np.int64)


@dataclass(frozen=True, eq=False)
class SolidLabels:
    """Classes with their evidence, one row for each material.

    Attributes
    ----------
    topology, evidence, reason : int64 ndarrays of shape (B,)
        Positions in `toy_labels.CLASSES`, `SOLID_EVIDENCE` (-1 where dropped), `SOLID_REASONS`.
    chern : int64 ndarray of shape (B, 2, 2)
        Certified Chern numbers of the occupied bands in the planes k_z = 0 and pi, for each
        mirror eigenvalue; 0 where the class does not rest on them.
    odd : int64 ndarray of shape (B, 8)
        Occupied states of odd parity at `CORNERS`; 0 for semimetals.
    z2 : int64 ndarray of shape (B, 4)
        (nu_0; nu_1 nu_2 nu_3) of insulators without moments; -1 for others.
    gap_bound, overlap, fermi : float64 ndarrays of shape (B,)
        Proven lower bound of the global gap; energy by which bands overlap at the two momenta;
        Fermi level at half filling, from the grid.
    """

    topology: NDArray[np.int64]
    evidence: NDArray[np.int64]
    reason: NDArray[np.int64]
    chern: NDArray[np.int64]
    odd: NDArray[np.int64]
    z2: NDArray[np.int64]
    gap_bound: NDArray[np.float64]
    overlap: NDArray[np.float64]
    fermi: NDArray[np.float64]


def label_solids(
    bands: SolidBands, offset: NDArray[np.float64], *, min_gap: float = 0.1
) -> SolidLabels:
    r"""Classify solids at half filling, two electrons a cell.

    Semimetal: the second band overlaps the third, or the Chern numbers of the planes k_z = 0 and
    pi differ, so that the bands touch between (Weyl points). Insulator: no level reaches the
    Fermi level at any k. It is topological if a Chern number of a mirror eigenvalue is not zero,
    or, without moments, if one of the four Z2 indices is odd,

    .. math:: (-1)^{\nu_0} = \prod_{i=1}^{8} (-1)^{n^-_i / 2}, \qquad
        (-1)^{\nu_j} = \prod_{i: k_{i,j} = \pi} (-1)^{n^-_i / 2}

    with the number n of occupied states of odd parity, or, with moments, if the sum of n over
    the eight momenta is 2 modulo 4 (axion insulator). The rest is dropped, and `reason` says why.

    Parameters
    ----------
    bands : SolidBands
        Batch of shape (B,).
    offset : float64 ndarray of shape (B, 3)
        Position of B from A, in units of the lattice vectors: multiples of one half.
    min_gap : float, optional
        Smallest gap, and smallest overlap, on the grid, to keep.

    Returns
    -------
    SolidLabels
        Classes and evidence.

    References
    ----------
    .. [1] L. Fu, C. L. Kane, Phys. Rev. B 76, 045302 (2007).
    .. [2] A. M. Turner, Y. Zhang, R. S. K. Mong, A. Vishwanath, Phys. Rev. B 85, 165120 (2012).
    .. [3] J. C. Y. Teo, L. Fu, C. L. Kane, Phys. Rev. B 78, 045426 (2008).
    """
    n, order = len(bands), bands.magnetism.order
    levels = np.linalg.eigvalsh(solid_hamiltonian(bands).bloch(quarter_zone(GRID)[0]))
    top, bottom = levels[..., 1].max(1), levels[..., 2].min(1)
    fermi, overlap = 0.5 * (top + bottom), top - bottom
    reason = np.where(bands.sound, 0, 1)
    reason = np.where((reason == 0) & (order < 0), np.where(order == -1, 2, 3), reason)
    overlapping = (reason == 0) & (overlap > min_gap)
    insulating = (reason == 0) & (-overlap > min_gap)
    topology, evidence = np.where(overlapping, 2, -1), np.where(overlapping, 1, -1)
    chern, odd = np.zeros((n, 2, 2), np.int64), np.zeros((n, 8), np.int64)
    z2, gap = np.full((n, 4), -1), np.zeros(n)
    between = np.flatnonzero((reason == 0) & ~overlapping & ~insulating)
    reason[between] = 4
    weyl = between[order[between] > 0]  # without moments the Chern numbers of a plane are zero
    planes = [_plane(bands[weyl], plane) for plane in (0, 1)]
    differ = planes[0][0] & planes[1][0] & (planes[0][1].sum(1) != planes[1][1].sum(1))
    found = weyl[differ]
    topology[found], evidence[found], reason[found] = 2, 2, 0
    chern[found] = np.stack([c[differ] for _, c in planes], axis=1)
    rows = np.flatnonzero(insulating)
    gap[rows] = 2.0 * prove_solid_gap(bands[rows], offset[rows], fermi[rows])
    reason[rows[gap[rows] == 0.0]] = 5
    rows = rows[gap[rows] > 0.0]
    planes = [_plane(bands[rows], plane, fermi[rows]) for plane in (0, 1)]
    sure = planes[0][0] & planes[1][0]
    reason[rows[~sure]] = 6
    chern[rows] = np.stack([c for _, c in planes], axis=1)
    odd[rows] = odd_states(bands[rows], offset[rows], fermi[rows])
    plain = order[rows] == 0
    z2[rows[plain]] = _indices(odd[rows[plain]])
    axion = ~plain & (odd[rows].sum(1) % 4 == 2)
    odd_index = plain & (z2[rows] == 1).any(1)
    topology[rows] = (chern[rows] != 0).any((1, 2)) | odd_index | axion
    evidence[rows] = 0
    topology[reason > 0], evidence[reason > 0] = -1, -1
    return SolidLabels(
        topology, evidence, reason, chern, odd, z2, gap, np.where(overlapping, overlap, 0.0), fermi
    )


def _plane(
    bands: SolidBands, plane: int, fermi: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether both Chern numbers of a plane are proven, and they.

    Where a gap at the Fermi level is proven already, levels below it are counted at one momentum;
    otherwise a gap of the plane is proven at a level between its second and third band.
    """
    if not len(bands):
        return np.zeros(0, np.bool_), np.zeros((0, 2), np.int64)
    blocks = mirror_blocks(bands, plane)
    points = quarter_zone(GRID, flat=True)[0]
    levels = [levels_of(h, points) for h in blocks]
    level = fermi
    sure = np.ones(len(bands), np.bool_)
    if level is None:
        every = np.sort(np.concatenate(levels, axis=-1), axis=-1)
        level = 0.5 * (every[..., 1].max(1) + every[..., 2].min(1))
    chern = np.zeros((len(bands), 2), np.int64)
    filled = np.zeros(len(bands), np.int64)
    for b, h in enumerate(blocks):
        below = (levels[b][:, 0] < level[:, None]).sum(-1)
        filled += below
        if fermi is None:
            sure &= prove_fermi_gap(h, level, below) > 0.0
        ask = np.flatnonzero(sure & (below == 1))
        chern[:, b] += _certified(h, ask, sure)
    return sure & (filled == 2), chern


def _certified(
    h: TwoBandHamiltonian, ask: NDArray[np.int64], sure: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Chern numbers of chosen Hamiltonians; what is not certified is struck from `sure`."""
    value = np.zeros(len(sure), np.int64)
    if len(ask):
        proof = certify_chern(h[ask])
        sure[ask] &= proof.certified
        value[ask] = np.where(proof.certified, proof.value, 0)
    return value


def odd_states(
    bands: SolidBands, offset: NDArray[np.float64], fermi: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Count occupied states with another parity than A's orbital at `CORNERS`, (B, 8).

    Inversion about A moves B by twice its offset, a lattice vector, so that its states there have
    parity -1 (s and p) or +1 (like orbitals) times a sign. Where that differs from A's, hoppings
    between them vanish and the levels of B are the diagonal of the Hamiltonian.
    """
    twice = np.rint(2.0 * offset).astype(np.int64)
    alike = np.asarray(bands.bond[..., 0].any(1))
    differs = ((twice @ CORNERS.T) % 2 == 0) ^ alike[:, None]
    level = (np.cos(np.pi * (CORNERS @ SOLID_CELLS.T)) @ bands.like)[..., 1]
    moment = bands.magnetism.splitting[:, 1]
    below = sum((level - s * moment[:, None] < fermi[:, None]).astype(np.int64) for s in (1, -1))
    return np.asarray(np.where(differs, below, 0))


def _indices(odd: NDArray[np.int64]) -> NDArray[np.int64]:
    pairs = odd // 2
    planes = [pairs[:, CORNERS[:, axis] == 1].sum(1) % 2 for axis in range(3)]
    return np.stack([pairs.sum(1) % 2, *planes], axis=1)
