"""Proof of a global gap of two-band blocks: no level of any k reaches the Fermi level."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.materials.cell_walk import walk_cells

__all__ = ["prove_fermi_gap"]

#: Cells of the starting grid along each direction; how often they are quartered; cells of one
#: Hamiltonian at one depth beyond which the proof gives up.
START: Final = 12
DEPTH: Final = 6
MOST: Final = 1500
#: Cells that are looked at together, for the sake of memory.
CHUNK: Final = 200_000


def prove_fermi_gap(
    h: TwoBandHamiltonian, level: NDArray[np.float64], below: NDArray[np.int64]
) -> NDArray[np.float64]:
    r"""Prove that at every k exactly `below` of the two levels lie below `level`.

    .. math::
        E_\pm = d_0 \pm |d|, \qquad E_-(k) \le d_0(k) - u \cdot d(k)
            \le (d_0 - u \cdot d)(c) + r \sum_i |\partial_i (d_0 - u \cdot d)(c)| + M_2 r^2 / 2

    on a square cell with centre c and half width r, for any unit vector u, here the direction of
    d(c); and likewise from below for the upper level. Cells where this does not do are quartered.

    Parameters
    ----------
    h : TwoBandHamiltonian
        Batch of shape (B,) in two dimensions.
    level : float64 ndarray of shape (B,)
        Energy that no level may reach.
    below : int64 ndarray of shape (B,)
        Levels that must lie below: 0, 1 or 2.

    Returns
    -------
    float64 ndarray of shape (B,)
        Proven least distance of any level to `level`; 0 where there is no proof.

    Examples
    --------
    >>> import topophys as tp
    >>> prove_fermi_gap(tp.models.qwz([-1.0, -2.0]), np.zeros(2), np.ones(2, int)) > 0.5
    array([ True, False])
    """
    vectors, series = _series(h)
    weight = np.abs(vectors).sum(-1)
    size = np.linalg.norm(series[..., 1:], axis=-1) + np.abs(series[..., 0])
    second = (size * weight**2).sum(-1)
    slack = 64 * 2.0**-53 * len(vectors) * size.sum(-1)
    half = np.pi / START
    axis = -np.pi + half * (2 * np.arange(START) + 1)
    start = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)

    def margin(
        row: NDArray[np.int64], centre: NDArray[np.float64], half: float
    ) -> NDArray[np.float64]:
        parts = np.array_split(np.arange(len(row)), max(1, -(-len(row) // CHUNK)))
        found = [
            _margin(vectors, series[row[p]], centre[p], half, second[row[p]], level[row[p]],
                    below[row[p]]) for p in parts
        ]  # fmt: skip
        return np.asarray(np.concatenate(found) - slack[row])

    return walk_cells(margin, len(h), start, half, depth=DEPTH, most=MOST)


def _series(h: TwoBandHamiltonian) -> tuple[NDArray[np.int64], NDArray[np.complex128]]:
    """Coefficients of (d0, d) in one list of vectors, (B, M, 4)."""
    matrices = h.amplitudes
    d0 = 0.5 * (matrices[..., 0, 0] + matrices[..., 1, 1])
    dz = 0.5 * (matrices[..., 0, 0] - matrices[..., 1, 1])
    dx = 0.5 * (matrices[..., 0, 1] + matrices[..., 1, 0])
    dy = 0.5j * (matrices[..., 0, 1] - matrices[..., 1, 0])
    return h.vectors, np.stack([d0, dx, dy, dz], axis=-1)


def _margin(
    vectors: NDArray[np.int64],
    series: NDArray[np.complex128],
    k: NDArray[np.float64],
    half: float,
    second: NDArray[np.float64],
    level: NDArray[np.float64],
    below: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Lower bound, over a cell, of the distance of the levels from `level`; may be negative."""
    phase = np.exp(1j * (k @ vectors.T))
    factors = np.stack([phase, 1j * vectors[:, 0] * phase, 1j * vectors[:, 1] * phase], axis=1)
    value, *slopes = np.moveaxis((factors @ series).real, 1, 0)
    d0, d = value[:, 0], value[:, 1:]
    length = np.linalg.norm(d, axis=-1)
    u = d / np.where(length > 0.0, length, 1.0)[:, None]
    bend = 0.5 * second * half**2
    along = [(s[:, 0], (u * s[:, 1:]).sum(-1), np.linalg.norm(s[:, 1:], axis=-1)) for s in slopes]
    lower = level - (d0 - length) - half * sum(np.abs(a - b) for a, b, _ in along) - bend
    upper = (d0 + length) - level - half * sum(np.abs(a + b) for a, b, _ in along) - bend
    reach = half * sum(np.abs(a) + c for a, _, c in along) + bend
    full = level - (d0 + length) - reach
    empty = (d0 - length) - level - reach
    margin: NDArray[np.float64] = np.select(
        [below == 1, below == 2], [np.minimum(lower, upper), full], empty
    )
    return margin
