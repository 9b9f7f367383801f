"""Classes of toy materials, certified or not given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.grids import k_grid
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.chern import certify_chern
from topophys.invariants.gap import certify_gap
from topophys.invariants.winding import certify_winding
from topophys.materials.synthetic.bands import (
    SOLID_CELLS,
    SolidBands,
    ToyBands,
    mirror_blocks,
    solid_hamiltonian,
    spin_corner,
)
from topophys.materials.synthetic.features import levels_of, quarter_zone

__all__ = [
    "CLASSES",
    "CORNERS",
    "EVIDENCE",
    "REASONS",
    "SOLID_EVIDENCE",
    "SOLID_REASONS",
    "Margin",
    "SolidLabels",
    "ToyLabels",
    "certified_chern",
    "label_solids",
    "label_toys",
    "prove_fermi_gap",
    "prove_solid_gap",
    "reasons_to_drop",
    "walk_cells",
]


# ---- Subdivision

#: From materials (C,), centres (C, dim) and half widths of cells to lower bounds (C,).
Margin: TypeAlias = Callable[[NDArray[np.int64], NDArray[np.float64], float], NDArray[np.float64]]


def walk_cells(
    margin: Margin, n: int, start: NDArray[np.float64], half: float, *, depth: int, most: int
) -> NDArray[np.float64]:
    """Smallest of the bounds over all cells of each material, once all of them are positive.

    Examples
    --------
    >>> grown = walk_cells(lambda row, k, half: 0.5 - half + 0.0 * row, 2, np.zeros((1, 2)), 0.6,
    ...                    depth=3, most=100)
    >>> grown
    array([0.2, 0.2])
    """
    # start of (C, dim) -> (n,)
    dim = start.shape[1]
    children = np.stack(np.meshgrid(*[[-0.5, 0.5]] * dim, indexing="ij"), -1).reshape(-1, dim)
    proven = np.full(n, np.inf)
    row, centre = np.repeat(np.arange(n), len(start)), np.tile(start, (n, 1))
    for _ in range(depth + 1):
        bound = margin(row, centre, half)
        good = bound > 0.0
        np.minimum.at(proven, row[good], bound[good])
        row, centre = row[~good], centre[~good]
        proven[np.bincount(row, minlength=n) > most] = 0.0
        keep = proven[row] > 0.0
        row, centre = row[keep], centre[keep]
        if not len(row):
            return proven
        half *= 0.5
        centre = (centre[:, None] + 2.0 * half * children).reshape(-1, dim)
        row = np.repeat(row, len(children))
    proven[row] = 0.0
    return proven


# ---- Global gap of two-band blocks

#: How often cells are subdivided, and how many are looked at before the proof gives up.
DEPTH: Final = 7
MOST: Final = 10_000


def prove_fermi_gap(
    h: TwoBandHamiltonian, level: NDArray[np.float64], below: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Prove that at every k exactly `below` of the two levels lie below `level`.

    Returns the distance that all levels are proven to keep from `level`; 0 without a proof.
    """
    # level of (B,), below of (B,) -> (B,)
    proof = certify_gap(h, level=level, max_depth=DEPTH, max_evaluations=MOST, tightness=0.0)
    apart = np.minimum(level - proof.valence_upper, proof.conduction_lower - level)
    right = proof.certified & (np.ma.filled(proof.value, -1) == below)
    return np.where(right, apart, 0.0)


# ---- Global gap of four-band solids

#: Cells of the starting grid along half of the zone; how often they are divided; cells of one
#: material at one depth beyond which the proof gives up.
SOLID_START: Final = 4
SOLID_DEPTH: Final = 5
SOLID_MOST: Final = 6000
#: Cells processed at once, to bound the memory.
SOLID_CHUNK: Final = 20_000


def prove_solid_gap(
    bands: SolidBands, offset: NDArray[np.float64], level: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Prove that at every k exactly two of the four levels lie below `level`.

    .. math::
        E_2(k) \le \lambda_{\max}(V^\dagger H(k) V)
            \le E_2(c) + r \sum_i \|V^\dagger \partial_i H(c) V\| + M_2 r^2 / 2

    on a cubic cell with centre c and half width r, for the two lowest states V of c, by the
    principle of Courant and Fischer; likewise the third level from below. Cells where this does
    not do are divided into eight. Inversion and the mirror leave a quarter of the zone to do.

    Ref.: R. Courant, D. Hilbert, *Methods of Mathematical Physics*, vol. 1, Interscience (1953).
    """
    # offset of (B, 3), level of (B,) -> (B,)
    if not len(bands):
        return np.zeros(0)
    span = np.abs(SOLID_CELLS + offset[:, None]).sum(-1)
    across = np.abs(SOLID_CELLS).sum(-1)
    size = np.linalg.norm(bands.bond, axis=-1)
    like = np.abs(bands.like).max(-1)
    second = (size * span**2).sum(1) + (like * across**2).sum(1)
    total = size.sum(1) + like.sum(1) + np.abs(bands.magnetism.splitting).max(1)
    slack = 64 * 2.0**-53 * 2 * len(SOLID_CELLS) * total
    half = np.pi / (2 * SOLID_START)
    whole = -np.pi + half * (2 * np.arange(2 * SOLID_START) + 1)
    part = whole[SOLID_START:]
    start = np.stack(np.meshgrid(part, whole, part, indexing="ij"), -1).reshape(-1, 3)

    def margin(
        row: NDArray[np.int64], centre: NDArray[np.float64], half: float
    ) -> NDArray[np.float64]:
        found = np.empty(len(row))
        for first in range(0, len(row), SOLID_CHUNK):
            cut = slice(first, first + SOLID_CHUNK)
            found[cut] = _solid_margin(bands, offset, row[cut], centre[cut], half, level)
        return np.asarray(found - (0.5 * second[row] * half**2 + slack[row]))

    return walk_cells(margin, len(bands), start, half, depth=SOLID_DEPTH, most=SOLID_MOST)


def _solid_margin(
    bands: SolidBands,
    offset: NDArray[np.float64],
    row: NDArray[np.int64],
    k: NDArray[np.float64],
    half: float,
    level: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Distance of the levels from `level` with the linear bound, which may be negative."""
    phase = np.exp(1j * (k @ SOLID_CELLS.T))
    like, bond = bands.like[row], bands.bond[row]
    # rows of `waves`: the sum itself and its three derivatives
    ones = np.ones((1, len(SOLID_CELLS)))
    along = np.concatenate([ones, SOLID_CELLS.T]) * np.array([1, 1j, 1j, 1j])[:, None]
    diagonal = ((phase[:, None] * along) @ like).real
    shift = np.exp(1j * (k * offset[row]).sum(-1))
    hops = (phase[:, None] * along) @ bond * shift[:, None, None]
    hops[:, 1:] += 1j * offset[row][:, :, None] * hops[:, :1]
    h = np.zeros((len(k), 4, 4, 4), np.complex128)
    for orbital in (0, 1):
        for spin in (0, 1):
            place = 2 * orbital + spin
            h[:, :, place, place] = diagonal[..., orbital]
            h[:, 0, place, place] -= (1 - 2 * spin) * bands.magnetism.splitting[row, orbital]
    h[..., :2, 2:] = spin_corner(hops)
    h[..., 2:, :2] = h[..., :2, 2:].conj().swapaxes(-1, -2)
    energy, states = np.linalg.eigh(h[:, 0])
    turned = states.conj().swapaxes(-1, -2)[:, None] @ h[:, 1:] @ states[:, None]
    low, high = (half * _norm(turned[..., s, s]).sum(1) for s in (slice(0, 2), slice(2, 4)))
    fermi = level[row]
    return np.asarray(np.minimum(fermi - energy[:, 1] - low, energy[:, 2] - fermi - high))


def _norm(block: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Largest size of the two eigenvalues of Hermitian 2 x 2 matrices."""
    a, d = block[..., 0, 0].real, block[..., 1, 1].real
    # NumPy 2.0.0 takes moduli of strided arrays by other code where memory lies otherwise
    b = np.abs(np.ascontiguousarray(block[..., 0, 1]))
    return np.asarray(0.5 * np.abs(a + d) + np.hypot(0.5 * (a - d), b))


# ---- Classes of layers

#: Topology classes, by the integer in `ToyLabels.topology`.
CLASSES: Final = ("trivial", "topological insulator", "semimetal")
#: What proves a class, by the integer in `ToyLabels.evidence`.
EVIDENCE: Final = (
    "gap at the Fermi level and Chern numbers of both spins certified",
    "bands overlap: a level of the second band above one of the third, at two momenta",
    "bands touch: dz = 0 for all k, and certified winding numbers of two slices differ",
)
#: Why a material is dropped, by the integer in `ToyLabels.reason`; 0 is kept.
REASONS: Final = (
    "kept",
    "atoms overlap, or orbitals reach beyond the nearest cells",
    "ferrimagnetic",
    "exchange too weak to decide",
    "gap or overlap below the smallest",
    "no proof of a gap at the Fermi level",
    "no certificate of the Chern numbers",
)
GRID: Final = 24  # a multiple of 3, so that the corners of hexagonal zones are among its points
#: Momenta k2 of the slices whose winding numbers are compared.
SLICES: Final = (0.0, 0.5, 1.0, 2.5, 3.0, np.pi)


@dataclass(frozen=True, eq=False)
class ToyLabels:
    """Classes with their evidence, one row for each material.

    Attributes
    ----------
    topology : int64 ndarray of shape (B,)
        Position in `CLASSES`; -1 where dropped.
    evidence : int64 ndarray of shape (B,)
        Position in `EVIDENCE`; -1 where dropped.
    reason : int64 ndarray of shape (B,)
        Position in `REASONS`.
    chern : int64 ndarray of shape (B, 2)
        Certified Chern number of the occupied bands of spin up and down; 0 for semimetals, where
        they are not defined.
    gap_bound : float64 ndarray of shape (B,)
        Proven lower bound of the global gap; 0 for semimetals.
    overlap : float64 ndarray of shape (B,)
        Energy by which bands overlap at the two momenta; 0 for others.
    fermi : float64 ndarray of shape (B,)
        Fermi level at half filling, from the grid.
    """

    topology: NDArray[np.int64]
    evidence: NDArray[np.int64]
    reason: NDArray[np.int64]
    chern: NDArray[np.int64]
    gap_bound: NDArray[np.float64]
    overlap: NDArray[np.float64]
    fermi: NDArray[np.float64]


def reasons_to_drop(bands: ToyBands | SolidBands) -> NDArray[np.int64]:
    """Drop what structure and magnetic order alone rule out."""
    # -> (B,)
    order = bands.magnetism.order
    reason = np.where(bands.sound, 0, 1)
    return np.where((reason == 0) & (order < 0), np.where(order == -1, 2, 3), reason)


def certified_chern(
    h: TwoBandHamiltonian, ask: NDArray[np.int64], sure: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Chern numbers of chosen Hamiltonians."""
    # sure of (B,) -> (B,)
    value = np.zeros(len(sure), np.int64)
    if len(ask):
        proof = certify_chern(h[ask])
        sure[ask] &= proof.certified
        value[ask] = np.where(proof.certified, np.ma.getdata(proof.value), 0)
    return value


def label_toys(bands: ToyBands, *, min_gap: float = 0.05) -> ToyLabels:
    """Classify toy materials at half filling, two electrons a cell.

    Semimetal: the second band overlaps the third (two momenta that show it), or touches it (dz
    vanishes identically and the winding of dx - i dy changes from slice to slice, so that it has
    a zero between). Insulator: no level reaches the Fermi level at any k. An insulator is
    topological if a certified Chern number of a spin is not zero: without moments this is the Z2
    index or an even spin Chern number, with moments a Chern or a spin Chern insulator (the spin
    along the normal is conserved). The rest is dropped, and `reason` says why.

    Parameters
    ----------
    bands : ToyBands
        Hamiltonians.
    min_gap : float, optional
        Smallest global gap of insulators and smallest overlap of semimetals to keep.

    Returns
    -------
    ToyLabels
        Classes and evidence.

    Examples
    --------
    >>> from topophys.materials.synthetic import draw_structures, toy_bands
    >>> labels = label_toys(toy_bands(draw_structures(200, rng=0)))
    >>> sorted(set(labels.topology[labels.reason == 0].tolist()))
    [0, 1, 2]
    """
    grid = k_grid(GRID, dim=2).reshape(-1, 2)
    both = [levels_of(h, grid) for h in (bands.up, bands.down)]
    levels = np.sort(np.concatenate(both, axis=-1), axis=-1)
    top, bottom = levels[..., 1].max(1), levels[..., 2].min(1)
    fermi, n = 0.5 * (top + bottom), len(top)
    reason = reasons_to_drop(bands)
    kept = reason == 0
    overlap = top - bottom
    scale = np.abs(bands.up.amplitudes).sum((-3, -2, -1))
    touching = kept & (overlap <= min_gap) & _touching(bands)
    overlapping = kept & (overlap > np.maximum(min_gap, 1e-9 * scale))
    reason[kept & ~touching & ~overlapping & (-overlap < min_gap)] = 4
    topology, evidence = np.full(n, -1), np.full(n, -1)
    topology[touching | overlapping] = 2
    evidence[touching], evidence[overlapping] = 2, 1
    chern, gap = np.zeros((n, 2), np.int64), np.zeros(n)
    rows = np.flatnonzero((reason == 0) & (topology < 0))
    if len(rows):
        reason[rows], chern[rows], gap[rows] = _insulators(bands, rows, fermi[rows], both)
        good = rows[reason[rows] == 0]
        topology[good], evidence[good] = (chern[good] != 0).any(1).astype(np.int64), 0
    return ToyLabels(
        topology, evidence, reason, chern, gap, np.where(overlapping, overlap, 0.0), fermi
    )


def _insulators(
    bands: ToyBands,
    rows: NDArray[np.int64],
    fermi: NDArray[np.float64],
    both: list[NDArray[np.float64]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Reason, Chern numbers and proven gap of what looks like insulators on the grid."""
    plain = bands.magnetism.order[rows] == 0
    margins, cherns, sure = [], [], np.ones(len(rows), np.bool_)
    for spin, h in enumerate((bands.up, bands.down)):
        below = (both[spin][rows].min(1) < fermi[:, None]).sum(-1)
        # without moments spin down is the time-reversed partner of spin up, with its levels
        todo = np.flatnonzero(~plain) if spin else np.arange(len(rows))
        margin, chosen = np.full(len(rows), np.inf), h[rows]
        if len(todo):
            margin[todo] = prove_fermi_gap(chosen[todo], fermi[todo], below[todo])
        ask = todo[(below[todo] == 1) & (margin[todo] > 0.0)]
        margins.append(margin)
        cherns.append(certified_chern(chosen, ask, sure))
    up, down = cherns
    proven = np.minimum(*margins)
    reason = np.where(proven > 0.0, np.where(sure, 0, 6), 5)
    return reason, np.stack([up, np.where(plain, -up, down)], axis=1), 2.0 * proven


def _touching(bands: ToyBands) -> NDArray[np.bool_]:
    """Where spin up is proven to have a touching of its two bands."""
    d = bands.up.d_amplitudes
    flat = np.flatnonzero(~d[..., 2].any(-1))
    found = np.zeros(len(d), np.bool_)
    if not len(flat):
        return found
    hop = d[flat, :, 0] - 1j * d[flat, :, 1]
    vectors = bands.up.d_vectors
    windings, sure = [], []
    for k in SLICES:
        part = hop * np.exp(1j * k * vectors[:, 1])
        block = {
            (m,): part[:, vectors[:, 0] == m].sum(1)[:, None, None]
            for m in np.unique(vectors[:, 0]).tolist()
        }
        proof = certify_winding(ChiralHamiltonian(block))
        windings.append(np.ma.getdata(proof.value))
        sure.append(proof.certified)
    value, good = np.array(windings), np.array(sure)
    low = np.where(good, value, 99).min(0)
    high = np.where(good, value, -99).max(0)
    found[flat] = (low < high) & (good.sum(0) >= 2)
    return found


# ---- Classes of solids

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
SOLID_GRID: Final = 12
#: Invariant momenta, in units of pi.
CORNERS: Final = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)], np.int64)


@dataclass(frozen=True, eq=False)
class SolidLabels:
    """Classes with their evidence, one row for each material."""

    #: (B,), positions in `toy_labels.CLASSES`, `SOLID_EVIDENCE` (-1 where dropped),
    #: `SOLID_REASONS`
    topology: NDArray[np.int64]
    #: (B,), positions in `toy_labels.CLASSES`, `SOLID_EVIDENCE` (-1 where dropped),
    #: `SOLID_REASONS`
    evidence: NDArray[np.int64]
    #: (B,), positions in `toy_labels.CLASSES`, `SOLID_EVIDENCE` (-1 where dropped),
    #: `SOLID_REASONS`
    reason: NDArray[np.int64]
    #: (B, 2, 2), certified Chern numbers of the occupied bands in the planes k_z = 0 and pi,
    #: for each mirror eigenvalue
    chern: NDArray[np.int64]
    odd: NDArray[np.int64]  # (B, 8), occupied states of odd parity at `CORNERS`
    z2: NDArray[np.int64]  # (B, 4), (nu_0
    gap_bound: NDArray[np.float64]  # (B,), proven lower bound of the global gap
    overlap: NDArray[np.float64]  # (B,), proven lower bound of the global gap
    fermi: NDArray[np.float64]  # (B,), proven lower bound of the global gap


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

    Ref.: L. Fu, C. L. Kane, Phys. Rev. B 76, 045302 (2007). A. M. Turner, Y. Zhang, R. S. K. Mong,
    A. Vishwanath, Phys. Rev. B 85, 165120 (2012). J. C. Y. Teo, L. Fu, C. L. Kane, Phys. Rev. B 78,
    045426 (2008).
    """
    # offset of (B, 3)
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
    _solid_touching(bands, found)
    _solid_insulators(bands, offset, np.flatnonzero(insulating), found)
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
        levels = np.linalg.eigvalsh(h.bloch(quarter_zone(SOLID_GRID)[0]))
        top, bottom = levels[..., 1].max(1), levels[..., 2].min(1)
        fermi[rows], overlap[rows] = 0.5 * (top + bottom), top - bottom
    return fermi, overlap


def _solid_touching(bands: SolidBands, found: SolidLabels) -> None:
    """Find Weyl points among what has neither gap nor overlap.

    Without moments the Chern numbers of both planes are zero: nothing to look for.
    """
    rows = np.flatnonzero((found.reason == 4) & (bands.magnetism.order > 0))
    planes = [_plane(bands[rows], plane) for plane in (0, 1)]
    differ = planes[0][0] & planes[1][0] & (planes[0][1].sum(1) != planes[1][1].sum(1))
    rows = rows[differ]
    found.topology[rows], found.evidence[rows], found.reason[rows] = 2, 2, 0
    found.chern[rows] = np.stack([chern[differ] for _, chern in planes], axis=1)


def _solid_insulators(
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
    points = quarter_zone(SOLID_GRID, flat=True)[0]
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
