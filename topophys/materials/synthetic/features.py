"""Bands, density of states and gap of toy materials, as a calculation of real ones gives them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.grids import k_grid
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.materials.synthetic.bands import SolidBands, ToyBands, solid_hamiltonian

__all__ = [
    "DOS_BINS",
    "DOS_RANGE",
    "K_FEATURES",
    "K_PATH",
    "SOLID_K_FEATURES",
    "SOLID_PATH",
    "band_features",
    "dos_places",
    "levels_of",
    "path_through",
    "quarter_zone",
    "shared_by_equals",
    "solid_features",
]


# ---- Layers

#: Corners of the path through the zone, in units of 2 pi; it passes through K = (1, -1) / 3.
CORNERS: Final = ((0.5, 0.0), (0.0, 0.0), (0.5, 0.5), (0.0, 0.5), (0.0, 0.0), (0.5, -0.5))
STEPS: Final = 6
#: Momenta where the weights of the occupied states are listed: invariant ones, K and K'.
SPECIAL: Final = np.pi * np.array(
    [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (2 / 3, -2 / 3), (-2 / 3, 2 / 3)]
)
#: Names of the columns of a k point.
K_FEATURES: Final = (
    "cos k1", "sin k1", "cos k2", "sin k2",
    *(f"energy {n}" for n in range(1, 5)),
    *(f"spin of level {n}" for n in range(1, 5)),
    *(f"weight on the first atom of level {n}" for n in range(1, 5)),
)  # fmt: skip
DOS_BINS: Final = 32
DOS_RANGE: Final = 4.0  # energies from -4 to 4 about the Fermi level
DOS_GRID: Final = 16
#: Levels that are closer than this are one level, whose spin and weight are averages.
DEGENERATE: Final = 1e-7


def path_through(corners: Sequence[tuple[float, ...]], steps: int) -> NDArray[np.float64]:
    """Momenta along a path.

    Examples
    --------
    >>> path_through([(0.0, 0.0), (0.5, 0.0)], 2)[:, 0] / np.pi
    array([0. , 0.5, 1. ])
    """
    # -> (steps (P - 1) + 1, dim)
    spots = 2.0 * np.pi * np.array(corners)
    parts = [a + (b - a) * np.arange(steps)[:, None] / steps for a, b in pairwise(spots)]
    return np.concatenate([*parts, spots[-1:]])


K_PATH: Final = path_through(CORNERS, STEPS)


def shared_by_equals(
    energy: NDArray[np.float64], *values: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Give equal levels the mean of their values: which of them comes first means nothing."""
    # energy of (..., n), *values of (..., n) -> (..., n)
    same = (np.abs(energy[..., :, None] - energy[..., None, :]) < DEGENERATE).astype(np.float64)
    share = same / same.sum(-1, keepdims=True)
    return [(share @ value[..., None])[..., 0] for value in values]


def dos_places(energy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the bin of each level, counted through the densities of states of a batch."""
    # energy of (B, P, n) -> (B, P, n)
    place = np.floor((energy + DOS_RANGE) * DOS_BINS / (2.0 * DOS_RANGE)).astype(np.int64)
    first = np.arange(len(energy))[:, None, None] * DOS_BINS
    return np.asarray(first + np.clip(place, 0, DOS_BINS - 1))


def _sorted_levels(
    bands: ToyBands, k: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Energy, spin and weight on the first atom of the four levels, (B, P, 4)."""
    parts = [_block_levels(h, k) for h in (bands.up, bands.down)]
    energy = np.concatenate([p[0] for p in parts], axis=-1)
    weight = np.concatenate([p[1] for p in parts], axis=-1)
    spin = np.broadcast_to([1.0, 1.0, -1.0, -1.0], energy.shape)
    order = np.argsort(energy, axis=-1, kind="stable")
    energy, spin, weight = (np.take_along_axis(x, order, -1) for x in (energy, spin, weight))
    spin, weight = shared_by_equals(energy, spin, weight)
    return energy, spin, weight


def levels_of(h: TwoBandHamiltonian, k: NDArray[np.float64]) -> NDArray[np.float64]:
    """Both energies at given momenta."""
    # k of (P, 2) -> (B, P, 2)
    mean, half, _ = _spread(h, k)
    return np.stack([mean - half, mean + half], axis=-1)


def _block_levels(
    h: TwoBandHamiltonian, k: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Levels of one spin, and their weight on the first atom."""
    mean, half, dz = _spread(h, k)
    part = 0.5 * dz / np.where(half > 0.0, half, 1.0)
    energy = np.stack([mean - half, mean + half], axis=-1)
    return energy, np.stack([0.5 - part, 0.5 + part], axis=-1)


def _spread(
    h: TwoBandHamiltonian, k: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Middle of two levels, half their distance, and dz."""
    matrices = h.bloch(k)
    mean = 0.5 * (matrices[..., 0, 0] + matrices[..., 1, 1]).real
    dz = 0.5 * (matrices[..., 0, 0] - matrices[..., 1, 1]).real
    # NumPy 2.0.0 takes moduli of strided arrays by other code where memory lies otherwise
    return mean, np.hypot(dz, np.abs(np.ascontiguousarray(matrices[..., 0, 1]))), dz


def band_features(bands: ToyBands) -> dict[str, NDArray[np.float32]]:
    """Modalities of the electrons of each material."""
    energy, spin, weight = _sorted_levels(bands, K_PATH)
    top, bottom = energy[..., 1].max(1), energy[..., 2].min(1)
    fermi = 0.5 * (top + bottom)
    energy = energy - fermi[:, None, None]
    waves = np.stack([f(K_PATH[:, i]) for i in (0, 1) for f in (np.cos, np.sin)], axis=-1)
    waves = np.broadcast_to(waves, (len(energy), *waves.shape))
    direct = (energy[..., 2] - energy[..., 1]).min(1)
    special = np.stack(
        [_block_levels(h, SPECIAL)[1][..., 0] for h in (bands.up, bands.down)], axis=-1
    )
    dos, fermi_features = _density(bands, fermi)
    found = {
        "kspace": np.concatenate([waves, energy, spin, weight], axis=-1),
        "decomposition": special.reshape(len(energy), -1),
        "gap": np.stack([direct, bottom - top], axis=1),
        "dos": dos,
        "fermi": fermi_features,
    }
    return {name: value.astype(np.float32) for name, value in found.items()}


def _density(
    bands: ToyBands, fermi: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    grid = k_grid(DOS_GRID, dim=2).reshape(-1, 2)
    energy, spin, _ = _sorted_levels(bands, grid)
    energy = energy - fermi[:, None, None]
    n, flat = len(energy), dos_places(energy).ravel()
    dos = np.bincount(flat, minlength=n * DOS_BINS).reshape(n, DOS_BINS) / len(grid)
    near = np.exp(-((energy / 0.1) ** 2))
    polarisation = (near * spin).sum((1, 2)) / np.maximum(near.sum((1, 2)), 1e-9)
    below = energy[..., :2].max((1, 2)) - energy[..., :2].min((1, 2))
    above = energy[..., 2:].max((1, 2)) - energy[..., 2:].min((1, 2))
    summary = np.stack([near.mean((1, 2)), below / 8.0, above / 8.0, polarisation], axis=1)
    return dos, summary


# ---- Solids

#: Corners of the path, in units of 2 pi: all eight invariant momenta, and back to the first.
SOLID_CORNERS: Final = (
    (0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.5, 0.5, 0.0), (0.0, 0.5, 0.0), (0.0, 0.5, 0.5),
    (0.5, 0.5, 0.5), (0.5, 0.0, 0.5), (0.0, 0.0, 0.5), (0.0, 0.0, 0.0),
)  # fmt: skip
SOLID_STEPS: Final = 4
#: Names of the columns of a k point.
SOLID_K_FEATURES: Final = (
    "cos k1", "sin k1", "cos k2", "sin k2", "cos k3", "sin k3",
    *(f"energy {n}" for n in range(1, 5)),
    *(f"spin of level {n}" for n in range(1, 5)),
    *(f"weight on the first atom of level {n}" for n in range(1, 5)),
)  # fmt: skip
GRID: Final = 8


SOLID_PATH: Final = path_through(SOLID_CORNERS, SOLID_STEPS)


def quarter_zone(n: int, *, flat: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a grid that inversion and mirror do not map to each other, and their weights."""
    # -> points (P, 3) or (P, 2), weights (P,)
    half = 2.0 * np.pi * np.arange(n // 2 + 1) / n
    whole = 2.0 * np.pi * np.arange(n) / n
    share = np.where(np.arange(n // 2 + 1) % (n // 2) == 0, 1.0, 2.0) / n
    axes, shares = [half, whole, half], [share, np.full(n, 1.0 / n), share]
    if flat:
        axes, shares = axes[:2], shares[:2]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    weights = np.prod(np.stack(np.meshgrid(*shares, indexing="ij"), -1), axis=-1).ravel()
    return points, weights


def _levels(
    h: FourierHamiltonian, k: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Energy, spin along z and weight on the first atom of the four levels, (B, P, 4)."""
    energy, states = np.linalg.eigh(h.bloch(k))
    part = np.abs(states) ** 2
    spin = part[..., 0, :] - part[..., 1, :] + part[..., 2, :] - part[..., 3, :]
    weight = part[..., 0, :] + part[..., 1, :]
    spin, weight = shared_by_equals(energy, spin, weight)
    return energy, spin, weight


def solid_features(bands: SolidBands) -> dict[str, NDArray[np.float32]]:
    """Modalities of the electrons of each solid."""
    h = solid_hamiltonian(bands)
    energy, spin, weight = _levels(h, SOLID_PATH)
    top, bottom = energy[..., 1].max(1), energy[..., 2].min(1)
    fermi = 0.5 * (top + bottom)
    energy = energy - fermi[:, None, None]
    waves = np.stack([f(SOLID_PATH[:, i]) for i in range(3) for f in (np.cos, np.sin)], axis=-1)
    waves = np.broadcast_to(waves, (len(energy), *waves.shape))
    lower = [x[:, :-1:SOLID_STEPS, :2].sum(-1) for x in (weight, spin)]
    dos, summary = _solid_density(h, fermi)
    found = {
        "kspace": np.concatenate([waves, energy, spin, weight], axis=-1),
        "decomposition": np.concatenate(lower, axis=1),
        "gap": np.stack([(energy[..., 2] - energy[..., 1]).min(1), bottom - top], axis=1),
        "dos": dos,
        "fermi": summary,
    }
    return {name: value.astype(np.float32) for name, value in found.items()}


def _solid_density(
    h: FourierHamiltonian, fermi: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    grid, share = quarter_zone(GRID)
    energy, spin, _ = _levels(h, grid)
    energy = energy - fermi[:, None, None]
    n, flat = len(energy), dos_places(energy)
    weights = np.broadcast_to(share[:, None], energy.shape).ravel()
    summed = np.bincount(flat.ravel(), weights, minlength=n * DOS_BINS)
    dos = np.asarray(summed, np.float64).reshape(n, DOS_BINS)
    near = np.exp(-((energy / 0.1) ** 2)) * share[:, None]
    polarisation = (near * spin).sum((1, 2)) / np.maximum(near.sum((1, 2)), 1e-9)
    below = energy[..., :2].max((1, 2)) - energy[..., :2].min((1, 2))
    above = energy[..., 2:].max((1, 2)) - energy[..., 2:].min((1, 2))
    density = near.sum((1, 2)) / energy.shape[-1]
    return dos, np.stack([density, below / 8.0, above / 8.0, polarisation], axis=1)
