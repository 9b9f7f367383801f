"""Flux and Chern number of batches of samples, before anything is raised."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import InputError
from topophys.grids import k_grid
from topophys.invariants._eigh import HERMITIAN, eigh_batch
from topophys.invariants._series import real_series
from topophys.kernels import status as st
from topophys.kernels.count_flux import count_chern, count_chern_of_series, gather
from topophys.kernels.flux import flux_from_d, flux_from_links
from topophys.kernels.frame_links import frame_links
from topophys.kernels.small_eigh import departures

__all__ = ["chern_of_hamiltonian", "flux_of_bands", "flux_of_d"]


def _turn(axis: int) -> NDArray[np.float64]:
    """Rotation by one radian around a coordinate axis."""
    turn = np.eye(3)
    others = [(axis + 1) % 3, (axis + 2) % 3]
    turn[np.ix_(others, others)] = [[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]]
    return turn


#: Relative gap, and size of a link variable, below which samples count as gapless.
TOLERANCE: Final = 1e-12
#: Splitting of two bands, relative to the energies of the whole zone, that is rounding noise.
ROUNDING: Final = 1e-14
#: A rotation that no lattice symmetry has: by one radian around each axis in turn.
GENERIC: Final = _turn(0) @ _turn(1) @ _turn(2)
TINY: Final = float(np.finfo(np.float64).tiny)
#: Numbers of a strided array that are copied at a time, so that they stay in the cache.
COPIED: Final = 1 << 17
#: Flux (..., Nx, Ny), Chern number (...), and where neither is defined.
Fields: TypeAlias = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]


def flux_of_d(d: NDArray[np.float64], *, with_flux: bool) -> Fields:
    """Flux and Chern number of the lower band of d.sigma.

    Parameters
    ----------
    d : float64 ndarray of shape (..., Nx, Ny, 3)
        d-vectors, of the right type and shape.
    with_flux : bool
        Whether the flux is wanted; without it the first result is empty.

    Returns
    -------
    tuple of ndarray
        Flux of shape (..., Nx, Ny), Chern number and gaplessness of shape (...).

    Raises
    ------
    InputError
        If an entry is not finite: told by the count itself, which reads them all anyway.
    """
    batch, grid = d.shape[:-3], d.shape[-3:-1]
    size = math.prod(batch)
    flat = d.reshape(size, *grid, 3)
    if with_flux:
        _validation.require_finite(d, "d")
    flux = np.empty((size if with_flux else 0, *grid))
    chern, status = np.empty(size, np.int64), np.full(size, st.UNRESOLVED, np.uint8)
    if not with_flux:
        _count(flat, chern, status)
        if (status == st.UNRESOLVED).any():
            _validation.require_finite(flat, "d")
        _again(lambda rest: flat[rest] @ GENERIC, count_chern, chern, status)
    rest = status == st.UNRESOLVED
    if rest.any():
        parts = chern[rest], status[rest]
        flux_from_d(flat[rest], TOLERANCE, flux, *parts, with_flux)
        chern[rest], status[rest] = parts
    bad = (status == st.GAPLESS).reshape(batch)
    return flux.reshape(*(batch if with_flux else (0,)), *grid), chern.reshape(batch), bad


def _count(d: NDArray[np.float64], chern: NDArray[np.int64], status: NDArray[np.uint8]) -> None:
    """Count d (B, Nx, Ny, 3) of any strides; copies a part at a time where memory has gaps."""
    if d.flags.c_contiguous or not d.size:
        count_chern(np.ascontiguousarray(d), chern, status)
        return
    step = max(1, COPIED // d[0].size)
    part = np.empty((min(step, len(d)), *d.shape[1:]))
    for lo in range(0, len(d), step):
        rows = slice(lo, min(lo + step, len(d)))
        copied = part[: rows.stop - lo]
        gather(d[rows], copied)
        count_chern(copied, chern[rows], status[rows])


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
    h = _validation.as_complex(h_k, "h_k", "(..., Nx, Ny, n, n)")
    n_bands = h.shape[-1]
    if n_bands < 2:
        raise InputError("Argument `h_k` must have at least two bands, but has one.")
    filled = _validation.occupied(n_occupied, n_bands)
    _require_hermitian(h)
    if n_bands == 2:
        half_difference = 0.5 * h[..., 0, 0].real - 0.5 * h[..., 1, 1].real
        d = np.stack([h[..., 1, 0].real, h[..., 1, 0].imag, half_difference], -1)
        flux, chern, bad = flux_of_d(d, with_flux=True)
        touching = _touching(d, np.abs(h).max((-4, -3, -2, -1), initial=0.0))
        return flux, chern, np.asarray(bad | touching)
    energy, states = eigh_batch(h)
    # against the energies of the whole zone: where all bands touch at zero, rounding is no gap
    scale = np.abs(energy).max((-3, -2, -1), keepdims=True, initial=0.0)[..., 0].clip(TINY)
    gap = (energy[..., filled] - energy[..., filled - 1]) / scale
    smallest = gap.min((-2, -1), initial=np.inf)
    touching = smallest <= TOLERANCE
    # states turn by up to (rounding of H) / gap
    error = 1e-15 * n_bands * (1.0 + 1.0 / smallest.clip(TOLERANCE))
    batch, grid = h.shape[:-4], h.shape[-4:-2]
    size = math.prod(batch)
    u_x, u_y = np.empty((2, size, *grid), np.complex128)
    frame_links(states.reshape(size, *h.shape[-4:]), filled, u_x, u_y)
    flux = np.empty((size, *grid))
    chern, status = np.empty(size, np.int64), np.empty(size, np.uint8)
    flux_from_links(u_x, u_y, TOLERANCE, error.reshape(size), flux, chern, status)
    bad = np.asarray(touching | (status == st.GAPLESS).reshape(batch))
    return flux.reshape(*batch, *grid), chern.reshape(batch), bad


def chern_of_hamiltonian(
    H: FourierLike, grid: tuple[int, int], n_occupied: int | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Chern number of a Hamiltonian on a grid; with two bands straight from its coefficients.

    Parameters
    ----------
    H : FourierLike
        Hamiltonians in two dimensions.
    grid : tuple of int
        Number of k points in each direction.
    n_occupied : int or None
        Number of occupied bands; that of `H` where None.

    Returns
    -------
    tuple of ndarray
        Chern number and gaplessness of shape (...).
    """
    filled = _validation.occupied(H.n_occupied if n_occupied is None else n_occupied, H.n_bands)
    if H.n_bands != 2:
        _, chern, bad = flux_of_bands(H.on_grid(grid), filled)
        return chern, bad
    vectors, coefficients, *_ = real_series(H)
    size, shape = len(coefficients), coefficients.shape[:2]
    chern, status = np.empty(size, np.int64), np.empty(size, np.uint8)
    # the border is the first point again: the same numbers, not the same up to 2 pi
    k_x, k_y = (np.pad(k_grid(n)[:, 0], (0, 1), mode="wrap") for n in grid)
    x = np.multiply.outer(vectors[:, 0], k_x)
    y = np.multiply.outer(np.arange(int(np.abs(vectors[:, 1]).max(initial=1)) + 1), k_y)
    x, y = (np.stack([np.cos(turns), np.sin(turns)], axis=1) for turns in (x, y))

    def count(c: NDArray[np.float64], *out: NDArray[Any]) -> None:
        count_chern_of_series(c.reshape(-1, shape[1], 6), vectors, x, y, *out)

    count(coefficients, chern, status)
    _again(lambda rest: coefficients[rest] @ GENERIC, count, chern, status)
    rest = status == st.UNRESOLVED
    if rest.any():
        d = _series_on_grid(vectors, coefficients[rest], grid)
        _, chern[rest], gapless = flux_of_d(d, with_flux=False)
        status[rest] = np.where(gapless | _touching(d, 1.0), st.GAPLESS, st.OK)
    return chern.reshape(H.batch_shape), (status == st.GAPLESS).reshape(H.batch_shape)


def _again(
    turned: Callable[[NDArray[np.bool_]], NDArray[np.float64]],
    count: Callable[..., None],
    chern: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Count those that are still unresolved once more, with all d turned by `GENERIC`.

    Models with a high symmetry have the pole of the gauge on the grid, or on a line of it.
    """
    rest = status == st.UNRESOLVED
    if rest.any():
        parts = chern[rest], status[rest]
        with np.errstate(over="ignore", invalid="ignore"):  # infinite: unresolved once more
            d = turned(rest)
        count(d, *parts)
        chern[rest], status[rest] = parts


def _touching(d: NDArray[np.float64], scale: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the bands of d.sigma touch at a grid point, to the rounding of energies `scale`."""
    return np.asarray(np.abs(d).max(-1).min((-2, -1)) <= ROUNDING * scale)


def _series_on_grid(
    vectors: NDArray[np.int64], coefficients: NDArray[np.float64], grid: tuple[int, int]
) -> NDArray[np.float64]:
    turns = np.einsum("xyd,md->xym", k_grid(grid), vectors)
    d = np.einsum("xym,bmi->bxyi", np.cos(turns), coefficients[:, 1:, 0])
    d += np.einsum("xym,bmi->bxyi", np.sin(turns), coefficients[:, 1:, 1])
    return np.asarray(d + coefficients[:, None, None, 0, 0])


def _require_hermitian(h: NDArray[np.complex128]) -> None:
    """Refuse a batch in which one Hamiltonian deviates, by the measure of its own entries."""
    batch = h.shape[:-4]
    scale, off = np.empty((2, math.prod(batch)))
    flat = np.ascontiguousarray(h).reshape(len(scale), math.prod(h.shape[-4:-2]), *h.shape[-2:])
    departures(flat, scale, off)
    bad = off > HERMITIAN * scale
    if bad.any():
        worst = np.argmax(np.where(bad, off, 0.0))
        raise InputError(
            f"Argument `h_k` must be Hermitian, but deviates by {off[worst]:.3g} (largest"
            f" entry {scale[worst]:.3g}); pass Bloch matrices, or their Hermitian part."
        )
