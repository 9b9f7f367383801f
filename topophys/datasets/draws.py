"""Random coefficients of every family that a recipe can name, in the shape they are stored in."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from topophys.datasets.specs import HamiltonianSpec
from topophys.ensembles import aiii_chains, class_a, disordered_ssh, two_band
from topophys.models import haldane, qwz
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["draw_bands", "draw_chains", "draw_d", "rotations", "square", "unitaries"]


def square(reach: int) -> Int[np.ndarray, "M 2"]:
    """Lattice vectors with components up to `reach` in size, in lexical order."""
    line = np.arange(-reach, reach + 1)
    return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)


def unitaries(n: int, size: int, rng: np.random.Generator) -> Complex[np.ndarray, "n s s"]:
    """Haar-distributed unitary matrices.

    Parameters
    ----------
    n : int
        How many.
    size : int
        Number of rows.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    complex128 ndarray of shape (n, size, size)
        Unitary matrices.
    """
    parts = rng.standard_normal((2, n, size, size))
    q, r = np.linalg.qr(parts[0] + 1j * parts[1])
    # the phases of R make the distribution of Q uniform
    phase = np.diagonal(r, axis1=-2, axis2=-1)
    result: NDArray[np.complex128] = q * (phase / np.abs(phase))[:, None, :]
    return result


def rotations(n: int, rng: np.random.Generator) -> Float[np.ndarray, "n 3 3"]:
    """Uniformly distributed proper rotations of three dimensions.

    Parameters
    ----------
    n : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    float64 ndarray of shape (n, 3, 3)
        Rotation matrices.
    """
    q = rng.standard_normal((n, 4))
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def draw_chains(
    spec: HamiltonianSpec, reach: int, n: int, rng: np.random.Generator
) -> Complex[np.ndarray, "S M n n"]:
    """Coefficients of chiral chains.

    Parameters
    ----------
    spec : HamiltonianSpec
        Family and number of orbitals.
    reach : int
        Largest order of a coefficient.
    n : int
        Number of chains.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    complex128 ndarray of shape (n, 2 reach + 1, N, N)
        Blocks D_m, m = -reach, ..., reach, in units of the root-mean-square band energy.
    """
    size = spec.n_orbitals
    if spec.family == "aiii_chains":
        chains = aiii_chains(n, n_orbitals=size, hopping_range=reach, rng=rng)
        return chains.block_amplitudes
    block = np.zeros((n, 2 * reach + 1, size, size), np.complex128)
    if spec.family == "disordered_ssh":
        width = spec.disorder or 0.0
        drawn = disordered_ssh(n, cells=size, t1=1.0, t2=1.0, disorder=width, rng=rng)
        block[:, reach : reach + 2] = drawn.block_amplitudes
    else:  # copies of the extended Su-Schrieffer-Heeger chain, turned together
        hop = rng.standard_normal((n, 3, size))
        orbital = np.arange(size)
        block[:, reach - 1 : reach + 2, orbital, orbital] = hop
        left, right = (unitaries(n, size, rng)[:, None] for _ in range(2))
        block = left @ block @ right
    power = (np.abs(block) ** 2).sum((-3, -2, -1)) / size
    block /= np.sqrt(power)[:, None, None, None]
    return block


def draw_d(
    spec: HamiltonianSpec, reach: int, n: int, rng: np.random.Generator
) -> Complex[np.ndarray, "S M 3"]:
    """Coefficients of the d-vectors of two-band Hamiltonians.

    Parameters
    ----------
    spec : HamiltonianSpec
        Family.
    reach : int
        Largest component of a lattice vector.
    n : int
        Number of Hamiltonians.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    complex128 ndarray of shape (n, (2 reach + 1)^2, 3)
        Coefficients d_R, R as in `square`, in units of the root-mean-square band energy.
    """
    if spec.family == "two_band":
        return two_band(n, hopping_range=reach, rng=rng).d_amplitudes
    if spec.family == "qwz":
        drawn = qwz(rng.uniform(-3.0, 3.0, n))
    else:
        t2, phi = rng.uniform(0.1, 0.5, n), rng.uniform(-np.pi, np.pi, n)
        drawn = haldane(rng.uniform(-2.0, 2.0, n), t2, phi)
    return _fill(drawn, reach, rotations(n, rng))


def _fill(
    drawn: TwoBandHamiltonian, reach: int, turn: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Coefficients on all vectors of `square`, turned and scaled."""
    width = 2 * reach + 1
    d = np.zeros((len(turn), width**2, 3), np.complex128)
    rows = (drawn.d_vectors + reach) @ np.array([width, 1])
    d[:, rows] = np.einsum("sij,smj->smi", turn, drawn.d_amplitudes)
    d /= np.sqrt((np.abs(d) ** 2).sum((-2, -1)))[:, None, None]
    return d


def draw_bands(
    spec: HamiltonianSpec, reach: int, n: int, rng: np.random.Generator
) -> Complex[np.ndarray, "S M n n"]:
    """Hopping matrices of Hamiltonians with any number of bands.

    Parameters
    ----------
    spec : HamiltonianSpec
        Number of bands and of occupied ones.
    reach : int
        Largest component of a lattice vector.
    n : int
        Number of Hamiltonians.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    complex128 ndarray of shape (n, (2 reach + 1)^2, bands, bands)
        Matrices H_R, R as in `square`, in units of the root-mean-square band energy.
    """
    return class_a(
        n, n_bands=spec.n_bands or 2, n_occupied=spec.n_occupied, hopping_range=reach, rng=rng
    ).amplitudes
