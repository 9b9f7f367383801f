"""Periodic grids of the Brillouin zone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topophys._validation import positive_int
from topophys.errors import InputError

__all__ = ["grid_of", "k_grid"]


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


def grid_of(dim: int, shape: int | tuple[int, ...], name: str = "shape") -> NDArray[np.float64]:
    """Grid of `k_grid` for a Hamiltonian, which must have a number for each direction.

    Parameters
    ----------
    dim : int
        Dimension of the Hamiltonian.
    shape : int or tuple of int
        Number of points along each direction.
    name : str, optional
        Name of the argument, for the message.

    Returns
    -------
    float64 ndarray of shape (n_1, ..., n_dim, dim)
        Dimensionless crystal momenta, in radians.

    Raises
    ------
    InputError
        If there are not `dim` positive integers.
    """
    sizes = shape if isinstance(shape, tuple) else (shape,)
    if len(sizes) != dim:
        raise InputError(
            f"Argument `{name}` must have {dim} numbers for a {dim}D Hamiltonian, but is {shape}."
        )
    return _points(sizes, name)


def _points(sizes: tuple[int, ...], name: str) -> NDArray[np.float64]:
    counts = [positive_int(size, name) for size in sizes]
    axes = [-np.pi + 2 * np.pi * np.arange(n) / n for n in counts]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
