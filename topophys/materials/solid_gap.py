"""Proof of a global gap of four-band solids: two levels below the Fermi level at every k."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.hamiltonians.toy.solid_bands import SOLID_CELLS, SolidBands, spin_corner
from topophys.materials.cell_walk import walk_cells

__all__ = ["prove_solid_gap"]

#: Cells of the starting grid along half of the zone; how often they are divided; cells of one
#: material at one depth beyond which the proof gives up.
START: Final = 4
DEPTH: Final = 5
MOST: Final = 6000
#: Cells that are looked at together, for the sake of memory.
CHUNK: Final = 20_000


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

    Parameters
    ----------
    bands : SolidBands
        Batch of shape (B,).
    offset : float64 ndarray of shape (B, 3)
        Position of B in units of the lattice vectors: with it in the phases, derivatives are
        smaller, and the levels are the same.
    level : float64 ndarray of shape (B,)
        Energy that no level may reach.

    Returns
    -------
    float64 ndarray of shape (B,)
        Proven least distance of any level to `level`; 0 where there is no proof.

    References
    ----------
    .. [1] R. Courant, D. Hilbert, *Methods of Mathematical Physics*, vol. 1, Interscience (1953).
    """
    if not len(bands):
        return np.zeros(0)
    span = np.abs(SOLID_CELLS + offset[:, None]).sum(-1)
    across = np.abs(SOLID_CELLS).sum(-1)
    size = np.linalg.norm(bands.bond, axis=-1)
    like = np.abs(bands.like).max(-1)
    second = (size * span**2).sum(1) + (like * across**2).sum(1)
    total = size.sum(1) + like.sum(1) + np.abs(bands.magnetism.splitting).max(1)
    slack = 64 * 2.0**-53 * 2 * len(SOLID_CELLS) * total
    half = np.pi / (2 * START)
    whole = -np.pi + half * (2 * np.arange(2 * START) + 1)
    part = whole[START:]
    start = np.stack(np.meshgrid(part, whole, part, indexing="ij"), -1).reshape(-1, 3)

    def margin(
        row: NDArray[np.int64], centre: NDArray[np.float64], half: float
    ) -> NDArray[np.float64]:
        found = np.empty(len(row))
        for first in range(0, len(row), CHUNK):
            cut = slice(first, first + CHUNK)
            found[cut] = _margin(bands, offset, row[cut], centre[cut], half, level)
        return np.asarray(found - (0.5 * second[row] * half**2 + slack[row]))

    return walk_cells(margin, len(bands), start, half, depth=DEPTH, most=MOST)


def _margin(
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
