"""What the invariants ask of a Hamiltonian, without importing one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockLike", "FourierLike", "Progress", "TwoBandLike"]

#: Called with (done, total) while long work goes on.
Progress: TypeAlias = Callable[[int, int], Any]


@runtime_checkable
class FourierLike(Protocol):
    """A batch of Hamiltonians H(k) = sum_R H_R exp(i k.R)."""

    @property
    def vectors(self) -> NDArray[np.int64]:
        """Lattice vectors R, of shape (M, dim)."""

    @property
    def amplitudes(self) -> NDArray[np.complex128]:
        """Hoppings H_R, of shape (*batch, M, n, n)."""

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading batch axes."""

    @property
    def n_bands(self) -> int:
        """Number of bands n."""

    @property
    def n_occupied(self) -> int:
        """Number of occupied bands."""

    def on_grid(self, shape: int | tuple[int, ...]) -> NDArray[np.complex128]:
        """Bloch matrices on the uniform grid, of shape (*batch, *shape, n, n)."""


@runtime_checkable
class BlockLike(Protocol):
    """A batch of chiral Hamiltonians with the off-diagonal block D(k) = sum_n D_n exp(i n k)."""

    @property
    def block_range(self) -> tuple[int, int]:
        """Lowest and highest n with a coefficient."""

    @property
    def block_amplitudes(self) -> NDArray[np.complex128]:
        """Coefficients D_n of every n in the range, of shape (*batch, M, N, N)."""


@runtime_checkable
class TwoBandLike(FourierLike, Protocol):
    """A batch of two-band Hamiltonians with the d-vector d(k) = sum_R d_R exp(i k.R)."""

    @property
    def d_vectors(self) -> NDArray[np.int64]:
        """Lattice vectors R with a coefficient, of shape (M, dim)."""

    @property
    def d_amplitudes(self) -> NDArray[np.complex128]:
        """Coefficients d_R, of shape (*batch, M, 3)."""
