"""Hamiltonians from the coefficients that data files hold."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.datasets.schema import Kind
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["Stored", "bands_of", "rebuild", "two_band_of"]

#: Hamiltonians that a data file can hold.
Stored: TypeAlias = ChiralHamiltonian | TwoBandHamiltonian | FourierHamiltonian


def rebuild(
    kind: Kind, vectors: NDArray[np.int64], hoppings: NDArray[np.complex128], filled: int
) -> Stored:
    """Hamiltonians with exactly the stored coefficients.

    Parameters
    ----------
    kind : {"winding", "chern", "bands"}
        Kind of data set.
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors, as stored.
    hoppings : complex128 ndarray of shape (..., M, n, n) or (..., M, 3)
        Coefficients, as stored.
    filled : int
        Number of occupied bands.

    Returns
    -------
    ChiralHamiltonian, TwoBandHamiltonian or FourierHamiltonian
        One Hamiltonian, or a batch.
    """
    if kind == "winding":
        return ChiralHamiltonian.from_array(int(vectors[0, 0]), hoppings)
    if kind == "chern":
        return two_band_of(vectors, hoppings)
    return bands_of(vectors, hoppings, filled)


def two_band_of(vectors: NDArray[np.int64], hoppings: NDArray[np.complex128]) -> TwoBandHamiltonian:
    """Two-band Hamiltonians from coefficients (..., M, 3) on vectors (M, 2)."""
    return TwoBandHamiltonian(
        {tuple(v): hoppings[..., m, :] for m, v in enumerate(vectors.tolist())}
    )


def bands_of(
    vectors: NDArray[np.int64], hoppings: NDArray[np.complex128], filled: int
) -> FourierHamiltonian:
    """Hamiltonians from matrices (..., M, n, n) on vectors (M, 2), so many bands filled."""
    return FourierHamiltonian(
        {tuple(v): hoppings[..., m, :, :] for m, v in enumerate(vectors.tolist())},
        n_occupied=filled,
    )
