"""Classes of toy materials, proven or not given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.grids import k_grid
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.toy import SolidBands, ToyBands
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.certify_chern import certify_chern
from topophys.invariants.certify_winding import certify_winding
from topophys.materials.toy_features import levels_of
from topophys.materials.toy_gap import prove_fermi_gap

__all__ = [
    "CLASSES",
    "EVIDENCE",
    "REASONS",
    "ToyLabels",
    "certified_chern",
    "label_toys",
    "reasons_to_drop",
]

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
    """Drop what structure and magnetic order alone rule out.

    Parameters
    ----------
    bands : ToyBands or SolidBands
        Batch of shape (B,).

    Returns
    -------
    int64 ndarray of shape (B,)
        Position in `REASONS`; 0 where there is none so far.
    """
    order = bands.magnetism.order
    reason = np.where(bands.sound, 0, 1)
    return np.where((reason == 0) & (order < 0), np.where(order == -1, 2, 3), reason)


def certified_chern(
    h: TwoBandHamiltonian, ask: NDArray[np.int64], sure: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Chern numbers of chosen Hamiltonians.

    Parameters
    ----------
    h : TwoBandHamiltonian
        Batch of shape (B,).
    ask : int64 ndarray
        Which.
    sure : bool ndarray of shape (B,)
        False from now on where there is no certificate.

    Returns
    -------
    int64 ndarray of shape (B,)
        Proven integers; 0 where there is none, or none was asked for.
    """
    value = np.zeros(len(sure), np.int64)
    if len(ask):
        proof = certify_chern(h[ask])
        sure[ask] &= proof.certified
        value[ask] = np.where(proof.certified, proof.value, 0)
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
    >>> from topophys.hamiltonians.toy import draw_structures, toy_bands
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
        windings.append(proof.value)
        sure.append(proof.certified)
    value, good = np.array(windings), np.array(sure)
    low = np.where(good, value, 99).min(0)
    high = np.where(good, value, -99).max(0)
    found[flat] = (low < high) & (good.sum(0) >= 2)
    return found
