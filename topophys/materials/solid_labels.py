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
from topophys.materials.solid_features import quarter_zone
from topophys.materials.solid_gap import prove_solid_gap
from topophys.materials.toy_features import levels_of
from topophys.materials.toy_gap import prove_fermi_gap
from topophys.materials.toy_labels import EVIDENCE, REASONS, certified_chern, reasons_to_drop

__all__ = ["CORNERS", "SOLID_EVIDENCE", "SOLID_REASONS", "SolidLabels", "label_solids"]

#: What proves a class, by the integer in `SolidLabels.evidence`.
SOLID_EVIDENCE: Final = (
    "gap at the Fermi level, mirror Chern numbers certified, parities counted",
    EVIDENCE[1],
    "bands touch: certified Chern numbers of two planes differ",
)
#: Why a material is dropped, by the integer in `SolidLabels.reason`; 0 is kept.
SOLID_REASONS: Final = (
    *REASONS[:4],
    "gap or overlap below the smallest, and no proof of a touching",
    *REASONS[5:],
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
        Fermi level at half filling, from the grid. 0 where there is none.
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
    reason = reasons_to_drop(bands)
    fermi, overlap = _fermi_level(bands, reason == 0)
    overlapping = (reason == 0) & (overlap > min_gap)
    insulating = (reason == 0) & (-overlap > min_gap)
    reason[(reason == 0) & ~overlapping & ~insulating] = 4
    n = len(bands)
    found = SolidLabels(
        topology=np.where(overlapping, 2, -1), evidence=np.where(overlapping, 1, -1),
        reason=reason, chern=np.zeros((n, 2, 2), np.int64), odd=np.zeros((n, 8), np.int64),
        z2=np.full((n, 4), -1), gap_bound=np.zeros(n),
        overlap=np.where(overlapping, overlap, 0.0), fermi=fermi,
    )  # fmt: skip
    _touching(bands, found)
    _insulators(bands, offset, np.flatnonzero(insulating), found)
    found.topology[reason > 0], found.evidence[reason > 0] = -1, -1
    return found


def _fermi_level(
    bands: SolidBands, wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fermi level of chosen materials on the grid, and by how much their bands overlap there."""
    fermi, overlap = np.zeros(len(bands)), np.zeros(len(bands))
    rows = np.flatnonzero(wanted)
    if len(rows):
        h = solid_hamiltonian(bands[rows])
        levels = np.linalg.eigvalsh(h.bloch(quarter_zone(GRID)[0]))
        top, bottom = levels[..., 1].max(1), levels[..., 2].min(1)
        fermi[rows], overlap[rows] = 0.5 * (top + bottom), top - bottom
    return fermi, overlap


def _touching(bands: SolidBands, found: SolidLabels) -> None:
    """Find Weyl points among what has neither gap nor overlap.

    Without moments the Chern numbers of both planes are zero: nothing to look for.
    """
    rows = np.flatnonzero((found.reason == 4) & (bands.magnetism.order > 0))
    planes = [_plane(bands[rows], plane) for plane in (0, 1)]
    differ = planes[0][0] & planes[1][0] & (planes[0][1].sum(1) != planes[1][1].sum(1))
    rows = rows[differ]
    found.topology[rows], found.evidence[rows], found.reason[rows] = 2, 2, 0
    found.chern[rows] = np.stack([chern[differ] for _, chern in planes], axis=1)


def _insulators(
    bands: SolidBands, offset: NDArray[np.float64], rows: NDArray[np.int64], found: SolidLabels
) -> None:
    """Prove gap and invariants of what looks like insulators on the grid."""
    fermi, order = found.fermi, bands.magnetism.order
    found.gap_bound[rows] = 2.0 * prove_solid_gap(bands[rows], offset[rows], fermi[rows])
    found.reason[rows[found.gap_bound[rows] == 0.0]] = 5
    rows = rows[found.gap_bound[rows] > 0.0]
    planes = [_plane(bands[rows], plane, fermi[rows]) for plane in (0, 1)]
    found.reason[rows[~(planes[0][0] & planes[1][0])]] = 6
    found.chern[rows] = np.stack([chern for _, chern in planes], axis=1)
    found.odd[rows] = odd_states(bands[rows], offset[rows], fermi[rows])
    plain = order[rows] == 0
    found.z2[rows[plain]] = _indices(found.odd[rows[plain]])
    axion = ~plain & (found.odd[rows].sum(1) % 4 == 2)
    index = plain & (found.z2[rows] == 1).any(1)
    found.topology[rows] = (found.chern[rows] != 0).any((1, 2)) | index | axion
    found.evidence[rows] = 0


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
        chern[:, b] += certified_chern(h, ask, sure)
    return sure & (filled == 2), chern


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
