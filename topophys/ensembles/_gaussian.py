"""Gaussian coefficients of hoppings, and the lattice vectors that carry them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError


def complex_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.complex128]:
    """Draw independent complex normal numbers with E|z|^2 = 1.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Shape of the result.

    Returns
    -------
    complex128 ndarray of shape `shape`
        Real and imaginary parts have variance 1/2.
    """
    parts = rng.standard_normal((*shape, 2))
    parts *= np.sqrt(0.5)
    return parts.view(np.complex128)[..., 0]


def half_square(reach: int) -> list[tuple[int, int]]:
    """Lattice vectors with components up to `reach` in size, one of R and -R: 0 comes first.

    Parameters
    ----------
    reach : int
        Largest component.

    Returns
    -------
    list of (int, int)
        In lexical order.

    Examples
    --------
    >>> half_square(1)
    [(0, 0), (0, 1), (1, -1), (1, 0), (1, 1)]
    """
    square = ((x, y) for x in range(reach + 1) for y in range(-reach, reach + 1))
    return [vector for vector in square if vector >= (0, 0)]


def damping(vectors: NDArray[np.int64], decay: float) -> NDArray[np.float64]:
    """Factors exp(-decay |R|) by which hoppings get smaller with distance.

    Parameters
    ----------
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors R; their length is Euclidean, in lattice constants.
    decay : float
        Inverse decay length, in inverse lattice constants.

    Returns
    -------
    float64 ndarray of shape (M,)
        Factors; exactly 1 where `decay` is 0.

    Raises
    ------
    InputError
        If `decay` is negative or not finite.
    """
    if not 0.0 <= decay < math.inf:
        raise InputError(f"Argument `decay` must be a finite number >= 0, but is {decay}.")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1)
    factors: NDArray[np.float64] = np.exp(-decay * lengths)
    return factors
