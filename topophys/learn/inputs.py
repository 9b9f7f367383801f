"""Inputs of networks from Hamiltonians, arrays and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from topophys import _validation
from topophys._io import is_archive, read_npy
from topophys.datasets.tasks import Sampling, get_task
from topophys.datasets.tbmodels_file import is_tbmodels, read_tbmodels
from topophys.errors import GaplessError, InputError, KindError, ShapeError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.non_hermitian import NonHermitianHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian, pauli_components
from topophys.hamiltonians.wannier90 import read_wannier90
from topophys.invariants.results import Certificate
from topophys.learn.layers import upsample_periodic

__all__ = [
    "certify_hamiltonian",
    "chain_blocks",
    "d_vectors",
    "matrix_samples",
    "read_input",
    "refined",
    "refuse_closed",
    "sampled_chain",
]


#: Hoppings within a sublattice that networks may take for rounding, as a share of the largest.
TOLERANCE: Final = 1e-6


def certify_hamiltonian(
    H: Any,
    kind: str,
    sublattice: Sequence[int] | None = None,
    n_occupied: int | None = None,
) -> Certificate:
    """Prove the invariant that a network of this kind predicts."""
    if not isinstance(H, FourierHamiltonian | NonHermitianHamiltonian):
        raise InputError(
            "Argument `certify` must be False for samples, which prove nothing between k points;"
            " give the Hamiltonian with its hoppings."
        )
    proof: Certificate = get_task(kind).prove(H, n_occupied, sublattice)
    return proof


# ---- Inputs

#: Largest share of a Bloch matrix that may violate H = H^dagger.
DEVIATION: Final = 1e-9
#: Share of the largest norm that counts as none: sums of hoppings cancel up to rounding only.
CLOSED: Final = 1e-13
#: Fewest k points along a direction for which a step differs from its reverse.
FEWEST: Final = 3


def read_input(path: str | Path) -> NDArray[Any] | FourierHamiltonian:
    """Read Hamiltonians from a file: NumPy arrays (.npy), or hoppings of Wannier90 or TBmodels."""
    path = Path(path)
    if ".dat" in path.suffixes or path.name.endswith((".gz", ".tgz")):
        return read_wannier90(path)
    if is_tbmodels(path):
        return read_tbmodels(path)
    try:
        return read_npy(path)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        if is_archive(path):
            reason = "it is an archive; save the one array"
        raise InputError(
            f"Argument `H` must be numbers, or a `file` of a NumPy array (.npy), of Wannier90"
            f" (.dat) or of TBmodels (.hdf5, .json), but `{path}` is not one: {reason.rstrip('.')}."
        ) from None


def sampled_chain(
    H: FourierHamiltonian, sublattice: Sequence[int] | None = None
) -> ChiralHamiltonian:
    """Write a chain by its block, for samples: hoppings that may be rounding are left out."""
    if isinstance(H, ChiralHamiltonian):
        return H
    return ChiralHamiltonian.from_hamiltonian(H, sublattice=sublattice, neglect=TOLERANCE)


def chain_blocks(
    H: Any, k_points: int, size: int, sublattice: Sequence[int] | None
) -> NDArray[np.complex128]:
    """Blocks D(k) of chains on a grid."""
    # H of (..., N, n, n) -> (..., N, size, size)
    if isinstance(H, FourierHamiltonian):
        d_k = _completed(sampled_chain(H, sublattice).block_on_grid(k_points), size)
    else:
        d_k = _validation.as_complex(H, "H", "(..., N, n, n)")
    if d_k.shape[-1] != size:
        n = d_k.shape[-1]
        raise ShapeError(
            f"Argument `H` must have blocks with 2 n^2 = {2 * size**2} real numbers for this"
            f" network, but they are {n} x {n}."
        )
    _refuse_few_points(d_k.shape[-3:-2])
    return d_k


def refined(samples: NDArray[Any], factor: int, axes: Sequence[int]) -> NDArray[Any]:
    """Interpolate samples to a grid that is `factor` times finer along some axes."""
    factor = _validation.positive_int(factor, "refine")
    return upsample_periodic(torch.from_numpy(samples), factor, axes).numpy()


def _completed(d_k: NDArray[np.complex128], size: int) -> NDArray[np.complex128]:
    n = d_k.shape[-1]
    if n >= size:
        return d_k
    scale = np.sqrt((np.abs(d_k) ** 2).mean(axis=(-3, -2, -1)) * n)
    full = np.zeros((*d_k.shape[:-2], size, size), np.complex128)
    full[..., :n, :n] = d_k
    extra = np.arange(n, size)
    full[..., extra, extra] = scale[..., None, None]
    return full


def d_vectors(H: Any, grid: tuple[int, ...]) -> NDArray[np.float64]:
    """d-vectors of two-band Hamiltonians on a grid."""
    # H of (..., Nx, Ny, 3) or (..., Nx, Ny, 2, 2) -> (..., Nx, Ny, 3)
    if isinstance(H, FourierHamiltonian):
        if H.dim != 2 or H.n_bands != 2:
            raise KindError(
                "Argument `H` must have two bands in two dimensions for this network, but is a"
                f" {type(H).__name__} with {H.n_bands} bands in {H.dim} dimensions."
            )
        if isinstance(H, TwoBandHamiltonian):
            return H.d_on_grid(grid)
        return _pauli(H.on_grid(grid))
    array = np.asarray(H)
    if array.ndim >= 4 and array.shape[-2:] == (2, 2):
        d = _pauli(_validation.as_complex(H, "H", "(..., Nx, Ny, n, n)"))
    else:
        d = _validation.as_real(H, "H", "(..., Nx, Ny, 3)")
    _refuse_few_points(d.shape[-3:-1])
    return d


#: Axes of k points, by their number.
_AXES: Final = ("N", "Nx, Ny", "Nx, Ny, Nz")


def points_of(H: Any, dim: int) -> NDArray[np.complex128] | None:
    """Return samples on `dim` axes that the caller gives; None where `H` has to be evaluated."""
    if isinstance(H, FourierHamiltonian):
        if H.dim != dim:
            words = ("one-dimensional", "two-dimensional", "three-dimensional")[dim - 1]
            raise KindError(
                f"Argument `H` must be {words} for this network, but is a"
                f" {type(H).__name__} in {H.dim} dimensions."
            )
        return None
    h_k = _validation.as_complex(H, "H", f"(..., {_AXES[dim - 1]}, n, n)")
    _refuse_few_points(h_k.shape[-2 - dim : -2])
    return h_k


def matrix_samples(
    H: Any, sampling: Sampling
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Bloch matrices on a grid, as they are and with flat bands, 1 - 2 P."""
    # H of (..., *grid, n, n) -> (..., *grid, n, n)
    if sampling.refine != 1:
        raise InputError(
            f"Argument `refine` must be 1 for networks that read projectors, but is"
            f" {sampling.refine}; ask for more `k_points`."
        )
    dim, n_bands, filled = len(sampling.grid), sampling.size, sampling.n_occupied
    h_k = points_of(H, dim)
    if h_k is None:
        h_k = H.on_grid(sampling.grid)
    if h_k.shape[-1] != n_bands:
        raise ShapeError(
            f"Argument `H` must have {n_bands} bands for this network, but has {h_k.shape[-1]}."
        )
    _validation.require_hermitian(h_k, "H", DEVIATION)
    energy, states = np.linalg.eigh(h_k)
    over = tuple(range(-dim, 0))
    gap = (energy[..., filled] - energy[..., filled - 1]).min(axis=over)
    closed = np.ravel(gap <= DEVIATION * np.abs(energy).max(axis=(*(a - 1 for a in over), -1)))
    if closed.any():
        raise GaplessError("H", np.flatnonzero(closed).tolist(), closed.size)
    occupied = states[..., :filled]
    projector = occupied @ np.conj(np.swapaxes(occupied, -1, -2))
    return h_k, np.asarray(np.eye(n_bands) - 2.0 * projector)


def refuse_closed(size: NDArray[np.float64], axes: int) -> None:
    """Refuse Hamiltonians that vanish at a k point, on the scale that they have at others."""
    # size of (..., N) or (..., Nx, Ny)
    over = tuple(range(-axes, 0))
    closed = np.ravel(size.min(axis=over) <= CLOSED * size.max(axis=over))
    if closed.any():
        raise GaplessError("H", np.flatnonzero(closed).tolist(), closed.size)


def _pauli(h_k: NDArray[np.complex128]) -> NDArray[np.float64]:
    _validation.require_hermitian(h_k, "H", DEVIATION)
    return np.asarray(pauli_components(h_k).real)


def _refuse_few_points(grid: tuple[int, ...]) -> None:
    if min(grid) < FEWEST:
        raise ShapeError(
            f"Argument `H` must have at least {FEWEST} k points along each direction, but has"
            f" {' x '.join(map(str, grid))}."
        )
