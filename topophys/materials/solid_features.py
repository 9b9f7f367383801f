"""Bands and density of states of toy solids, as a calculation of real ones gives them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.toy.solid_bands import SolidBands, solid_hamiltonian
from topophys.materials.toy_features import DOS_BINS, dos_places, path_through, shared_by_equals

__all__ = ["SOLID_K_FEATURES", "SOLID_PATH", "quarter_zone", "solid_features"]

#: Corners of the path, in units of 2 pi: all eight invariant momenta, and back to the first.
SOLID_CORNERS: Final = (
    (0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.5, 0.5, 0.0), (0.0, 0.5, 0.0), (0.0, 0.5, 0.5),
    (0.5, 0.5, 0.5), (0.5, 0.0, 0.5), (0.0, 0.0, 0.5), (0.0, 0.0, 0.0),
)  # fmt: skip
STEPS: Final = 4
#: Names of the columns of a k point.
SOLID_K_FEATURES: Final = (
    "cos k1", "sin k1", "cos k2", "sin k2", "cos k3", "sin k3",
    *(f"energy {n}" for n in range(1, 5)),
    *(f"spin of level {n}" for n in range(1, 5)),
    *(f"weight on the first atom of level {n}" for n in range(1, 5)),
)  # fmt: skip
GRID: Final = 8


SOLID_PATH: Final = path_through(SOLID_CORNERS, STEPS)


def quarter_zone(n: int, *, flat: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a grid that inversion and the mirror do not map to each other, and their weights.

    Parameters
    ----------
    n : int
        Even number of points of the whole grid along each direction.
    flat : bool, optional
        Of a plane of fixed k_z instead, where the two together turn it by half a turn.

    Returns
    -------
    float64 ndarray of shape (P, 3) or (P, 2), float64 ndarray of shape (P,)
        Momenta, the first at zero, and the share of the zone that each stands for.
    """
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
    """Modalities of the electrons of each solid.

    Parameters
    ----------
    bands : SolidBands
        Batch of shape (B,).

    Returns
    -------
    dict of str to float32 ndarray
        "kspace" (B, 33, 18): columns `SOLID_K_FEATURES` along the path, energies from the Fermi
        level. "decomposition" (B, 16): at each of eight invariant momenta weight on the first
        atom and spin of the two lower levels together. "gap" (B, 2): direct and global gap on the
        path, negative where bands overlap. "dos" (B, 32), "fermi" (B, 4): as in two dimensions.
    """
    h = solid_hamiltonian(bands)
    energy, spin, weight = _levels(h, SOLID_PATH)
    top, bottom = energy[..., 1].max(1), energy[..., 2].min(1)
    fermi = 0.5 * (top + bottom)
    energy = energy - fermi[:, None, None]
    waves = np.stack([f(SOLID_PATH[:, i]) for i in range(3) for f in (np.cos, np.sin)], axis=-1)
    waves = np.broadcast_to(waves, (len(energy), *waves.shape))
    lower = [x[:, :-1:STEPS, :2].sum(-1) for x in (weight, spin)]
    dos, summary = _density(h, fermi)
    found = {
        "kspace": np.concatenate([waves, energy, spin, weight], axis=-1),
        "decomposition": np.concatenate(lower, axis=1),
        "gap": np.stack([(energy[..., 2] - energy[..., 1]).min(1), bottom - top], axis=1),
        "dos": dos,
        "fermi": summary,
    }
    return {name: value.astype(np.float32) for name, value in found.items()}


def _density(
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
