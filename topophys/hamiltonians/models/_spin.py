"""Matrices of spin and of two orbitals."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.hamiltonians.two_band import PAULI

__all__ = ["ONE", "X", "Y", "Z", "spin_times"]

ONE: Final = np.eye(2, dtype=np.complex128)
X, Y, Z = PAULI


def spin_times(
    spin: NDArray[np.complex128], orbital: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Kronecker product in the order (orbitals of spin up, orbitals of spin down).

    Parameters
    ----------
    spin, orbital : complex128 ndarray of shape (2, 2)
        Matrices.

    Returns
    -------
    complex128 ndarray of shape (4, 4)
        Their product.
    """
    product: NDArray[np.complex128] = np.kron(spin, orbital).astype(np.complex128)
    return product
