"""Arrays of samples from what a user gives: the samples themselves, or a Hamiltonian and a grid."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import (
    BlockLike,
    FourierLike,
    SampledLike,
    is_block_like,
    is_fourier_like,
    is_sampled_like,
    is_two_band_like,
)
from topophys.errors import InputError, KindError
from topophys.grids import grid_of, grid_sizes

__all__ = ["bloch_samples", "block_samples", "d_samples", "hamiltonian_axis", "momenta"]

#: Diagonal blocks of a chiral Hamiltonian, relative to its largest entry, that are rounding.
TOLERANCE: Final = 1e-10


def momenta(h: object) -> int:
    """Dimension of k space of a Hamiltonian of any kind; 0 for arrays."""
    if is_fourier_like(h):
        return int(h.vectors.shape[1])
    return int(h.dim) if is_sampled_like(h) else 0


def bloch_samples(
    h: ArrayLike | FourierLike | SampledLike,
    grid: int | tuple[int, ...] | None,
    n_occupied: int | None,
    name: str,
    *,
    dim: int | None = None,
) -> tuple[ArrayLike, int | None]:
    """Bloch matrices of a Hamiltonian on a grid, or those given; and the number of filled bands.

    Shapes: `h` (..., n, n); returns (..., n, n).
    """
    own = momenta(h)
    if not own:
        no_grid(grid, name)
        return h, n_occupied  # type: ignore[return-value]  # no Hamiltonian, as its dimension tells
    if dim is not None and own != dim:
        raise KindError(
            f"Argument `{name}` must be a {dim}-dimensional Hamiltonian, but is"
            f" {_validation.short(h)}."
        )
    H: Any = h
    sizes = grid_sizes(own, grid)
    return H.on_grid(sizes), H.n_occupied if n_occupied is None else n_occupied


def no_grid(grid: object, name: str) -> None:
    """Refuse a grid that comes with samples, which are on one."""
    if grid is not None:
        raise InputError(f"Argument `grid` must be left out where `{name}` is an array of samples.")


def d_samples(d: ArrayLike | FourierLike, grid: int | tuple[int, ...] | None) -> ArrayLike:
    """d-vectors of a two-dimensional two-band Hamiltonian on a grid, or those given."""
    if not momenta(d):
        no_grid(grid, "d")
        return d  # type: ignore[return-value]  # no Hamiltonian, as its dimension tells
    if not (is_two_band_like(d) and hasattr(d, "d_on_grid") and momenta(d) == 2):
        raise KindError(
            "Argument `d` must be an array of d-vectors or a two-dimensional TwoBandHamiltonian,"
            f" but is {_validation.short(d)}; use the function of the same name without `_from_d`."
        )
    found: ArrayLike = d.d_on_grid(grid_sizes(2, grid))
    return found


def block_samples(
    d_k: ArrayLike | BlockLike | FourierLike | SampledLike, grid: int | tuple[int, ...] | None
) -> ArrayLike:
    """Chiral blocks D(k) of a Hamiltonian on a chain of k points, or those given.

    Shapes: `d_k` (..., N, n, n); returns (..., N, n, n).
    """
    if is_block_like(d_k):
        (lowest, highest), (n_k,) = d_k.block_range, grid_sizes(1, grid)
        amplitudes = d_k.block_amplitudes
        *batch, n_orders, n, _ = amplitudes.shape
        phases = np.exp(1j * (grid_of(1, n_k) @ np.arange(lowest, highest + 1)[None]))
        flat = amplitudes.reshape(*batch, n_orders, n * n)
        return np.asarray((phases @ flat).reshape(*batch, n_k, n, n))
    if not momenta(d_k):
        no_grid(grid, "d_k")
        return d_k  # type: ignore[return-value]  # no Hamiltonian, as its dimension tells
    h_k, _ = bloch_samples(d_k, grid, None, "d_k", dim=1)
    return _off_diagonal(np.asarray(h_k, np.complex128), d_k)


def _off_diagonal(h_k: NDArray[np.complex128], given: object) -> NDArray[np.complex128]:
    half, odd = divmod(h_k.shape[-1], 2)
    blocks = np.abs(h_k[..., :half, :half]), np.abs(h_k[..., half:, half:])
    off = max(float(block.max(initial=0.0)) for block in blocks)
    if odd or off > TOLERANCE * np.abs(h_k).max(initial=0.0):
        raise KindError(
            "Argument `d_k` must be a chiral chain whose H(k) has zero diagonal blocks (chiral"
            f" operator diag(1, ..., -1, ...)), but {_validation.short(given)} has entries of"
            f" {off:.3g} there."
        )
    return np.ascontiguousarray(h_k[..., :half, half:])


def hamiltonian_axis(h: object, axis: int) -> int:
    """Axis among those before the band axes of samples, for a direction of a Hamiltonian.

    Of a Hamiltonian, 0 is k_x whatever batch axes come first; of samples, axes are counted as
    NumPy counts them.
    """
    dim = momenta(h)
    if not dim:
        return axis
    direction = _validation.integer(axis, "axis")
    if not -dim <= direction < dim:
        raise InputError(
            f"Argument `axis` must be from 0 to {dim - 1} for a {dim}D Hamiltonian, but is {axis}."
        )
    return direction % dim - dim
