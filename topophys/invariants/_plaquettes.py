"""Flux and Chern number of batches of samples, before anything is raised."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import InputError
from topophys.kernels import status as st
from topophys.kernels.count_flux import count_chern
from topophys.kernels.flux import flux_from_d, flux_from_links

__all__ = ["flux_of_bands", "flux_of_d"]

#: Relative gap, and size of a link variable, below which samples count as gapless.
TOLERANCE: Final = 1e-12
#: Allowed deviation from Hermitian matrices, relative to the largest entry.
HERMITIAN: Final = 1e-9
TINY: Final = float(np.finfo(np.float64).tiny)
#: Flux (..., Nx, Ny), Chern number (...), and where neither is defined.
Fields: TypeAlias = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]


def flux_of_d(d: NDArray[np.float64], *, with_flux: bool) -> Fields:
    """Flux and Chern number of the lower band of d.sigma.

    Parameters
    ----------
    d : float64 ndarray of shape (..., Nx, Ny, 3)
        Checked d-vectors.
    with_flux : bool
        Whether the flux is wanted; without it the first result is empty.

    Returns
    -------
    tuple of ndarray
        Flux of shape (..., Nx, Ny), Chern number and gaplessness of shape (...).
    """
    batch, grid = d.shape[:-3], d.shape[-3:-1]
    size = math.prod(batch)
    flat = d.reshape(size, *grid, 3)
    flux = np.empty((size if with_flux else 0, *grid))
    chern, status = np.empty(size, np.int64), np.full(size, st.UNRESOLVED, np.uint8)
    if not with_flux:
        count_chern(flat, chern, status)
    rest = status == st.UNRESOLVED
    if rest.any():
        parts = chern[rest], status[rest]
        flux_from_d(flat[rest], TOLERANCE, flux, *parts, with_flux)
        chern[rest], status[rest] = parts
    bad = (status == st.GAPLESS).reshape(batch)
    return flux.reshape(*(batch if with_flux else (0,)), *grid), chern.reshape(batch), bad


def flux_of_bands(h_k: ArrayLike, n_occupied: int | None) -> Fields:
    """Flux and Chern number of the occupied bands of Bloch matrices.

    Parameters
    ----------
    h_k : array-like of shape (..., Nx, Ny, n, n)
        Bloch matrices.
    n_occupied : int or None
        Number of occupied bands.

    Returns
    -------
    tuple of ndarray
        Flux of shape (..., Nx, Ny), Chern number and gaplessness of shape (...).
    """
    h = _checks.as_complex(h_k, "h_k", "(..., Nx, Ny, n, n)")
    n_bands = h.shape[-1]
    if n_bands < 2:
        raise InputError("Argument `h_k` must have at least two bands, but has one.")
    filled = _checks.occupied(n_occupied, n_bands)
    _require_hermitian(h)
    if n_bands == 2:
        half_difference = 0.5 * h[..., 0, 0].real - 0.5 * h[..., 1, 1].real
        d = np.stack([h[..., 1, 0].real, h[..., 1, 0].imag, half_difference], -1)
        return flux_of_d(d, with_flux=True)
    energy, states = np.linalg.eigh(h)
    gap = (energy[..., filled] - energy[..., filled - 1]) / np.abs(energy).max(-1).clip(TINY)
    smallest = gap.min((-2, -1), initial=np.inf)
    touching = smallest <= TOLERANCE
    # states turn by up to (rounding of H) / gap
    error = 1e-15 * n_bands * (1.0 + 1.0 / smallest.clip(TOLERANCE))
    frame = states[..., :filled]
    u_x, u_y = (_links(frame, axis) for axis in (-4, -3))
    batch, grid = h.shape[:-4], h.shape[-4:-2]
    size = math.prod(batch)
    flux = np.empty((size, *grid))
    chern, status = np.empty(size, np.int64), np.empty(size, np.uint8)
    flux_from_links(
        u_x.reshape(size, *grid), u_y.reshape(size, *grid), TOLERANCE, error.reshape(size), flux,
        chern, status,
    )  # fmt: skip
    bad = np.asarray(touching | (status == st.GAPLESS).reshape(batch))
    return flux.reshape(*batch, *grid), chern.reshape(batch), bad


def _require_hermitian(h: NDArray[np.complex128]) -> None:
    """Refuse a batch in which one Hamiltonian deviates, by the measure of its own entries."""
    own = (-4, -3, -2, -1)
    scale = np.abs(h).max(own, initial=0.0)
    off = np.abs(h - h.conj().swapaxes(-1, -2)).max(own, initial=0.0)
    bad = off > HERMITIAN * scale
    if bad.any():
        worst = np.argmax(np.where(bad, off, 0.0))
        raise InputError(
            f"Argument `h_k` must be Hermitian, but deviates by {off.flat[worst]:.3g} (largest"
            f" entry {scale.flat[worst]:.3g}); pass Bloch matrices, or their Hermitian part."
        )


def _links(frame: NDArray[np.complex128], axis: int) -> NDArray[np.complex128]:
    """Link det <V(k)|V(k + step)> of each frame (..., Nx, Ny, n, m) along `axis`."""
    following = np.roll(frame, -1, axis=axis)
    overlap = frame.conj().swapaxes(-1, -2) @ following
    links: NDArray[np.complex128] = np.linalg.det(overlap)
    return np.ascontiguousarray(links)
