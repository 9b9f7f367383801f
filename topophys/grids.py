"""Periodic grids of the Brillouin zone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from topophys._validation import positive_int
from topophys.errors import InputError

__all__ = ["grid_of", "grid_sizes", "k_grid", "low_pass"]


def k_grid(n: int | tuple[int, ...], dim: int = 1) -> NDArray[np.float64]:
    r"""Uniform grid of the Brillouin zone without its end point.

    .. math:: k_j = -\pi + 2\pi j / N, \qquad j = 0, \dots, N - 1

    Parameters
    ----------
    n : int or tuple of int
        Number of points along each direction; one number serves all directions.
    dim : int, optional
        Dimension of k space; ignored where `n` is a tuple.

    Returns
    -------
    float64 ndarray of shape (n_1, ..., n_dim, dim)
        Dimensionless crystal momenta, in radians.

    Raises
    ------
    InputError
        If a number of points or the dimension is not a positive integer.

    References
    ----------
    .. [1] H. J. Monkhorst, J. D. Pack, Phys. Rev. B 13, 5188 (1976).

    Examples
    --------
    >>> k_grid(4)[:, 0] / np.pi
    array([-1. , -0.5,  0. ,  0.5])
    >>> k_grid((2, 3)).shape
    (2, 3, 2)
    """
    if isinstance(n, tuple) and not n:
        raise InputError("Argument `n` must name at least one direction, but is ().")
    sizes = n if isinstance(n, tuple) else (n,) * positive_int(dim, "dim")
    return _points(sizes, "n")


def grid_sizes(dim: int, grid: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """Numbers of k points along each direction of a Hamiltonian.

    Parameters
    ----------
    dim : int
        Dimension of the Hamiltonian.
    grid : int, tuple of int or None
        Number of points along each direction; one number serves all directions.

    Returns
    -------
    tuple of int
        One number for each direction.

    Raises
    ------
    InputError
        If `grid` is neither one positive integer nor `dim` of them.
    """
    sizes = grid if isinstance(grid, tuple) else (grid,) * dim
    if grid is None or len(sizes) != dim:
        such = "24" if dim == 1 else f"24, or {dim} of them such as {(24,) * dim},"
        raise InputError(
            f"Argument `grid` must be a number of k points such as {such} for a {dim}D Hamiltonian,"
            f" but is {grid}."
        )
    return tuple(positive_int(size, "grid") for size in sizes)  # type: ignore[arg-type]  # checked


def grid_of(dim: int, grid: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Grid of `k_grid` for a Hamiltonian.

    Parameters
    ----------
    dim : int
        Dimension of the Hamiltonian.
    grid : int or tuple of int
        Number of points along each direction; one number serves all directions.

    Returns
    -------
    float64 ndarray of shape (n_1, ..., n_dim, dim)
        Dimensionless crystal momenta, in radians.

    Raises
    ------
    InputError
        If `grid` is neither one positive integer nor `dim` of them.
    """
    return _points(grid_sizes(dim, grid), "grid")


def _points(sizes: tuple[int, ...], name: str) -> NDArray[np.float64]:
    counts = [positive_int(size, name) for size in sizes]
    axes = [-np.pi + 2 * np.pi * np.arange(n) / n for n in counts]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def low_pass(values: NDArray[Any], reach: int, axes: tuple[int, ...]) -> NDArray[Any]:
    """Remove all harmonics beyond `reach` along some axes of periodic samples.

    Real samples stay real. Samples of hoppings up to `reach` cells are not changed; noise on them
    is, in all harmonics that they cannot have.
    """
    waves = np.fft.fftn(values, axes=axes)
    for axis in axes:
        order = np.abs(np.fft.fftfreq(values.shape[axis], 1.0 / values.shape[axis]))
        shape = [1] * values.ndim
        shape[axis] = len(order)
        waves *= (order <= reach).reshape(shape)
    filtered = np.fft.ifftn(waves, axes=axes)
    return filtered if np.iscomplexobj(values) else filtered.real
