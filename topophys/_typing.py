"""What the invariants ask of a Hamiltonian, without importing one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing_extensions import TypeIs

__all__ = [
    "BlockLike",
    "FourierLike",
    "GeneralizedLike",
    "Progress",
    "SampledLike",
    "TwoBandLike",
    "is_block_like",
    "is_fourier_like",
    "is_sampled_like",
    "is_two_band_like",
]

#: Called with (done, total) while long work continues.
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

    def on_grid(self, grid: int | tuple[int, ...]) -> NDArray[np.complex128]:
        """Bloch matrices on the uniform grid, of shape (*batch, *grid, n, n)."""


@runtime_checkable
class SampledLike(Protocol):
    """Hamiltonians that are known as a function of k only."""

    @property
    def dim(self) -> int:
        """Dimension of k space."""

    @property
    def n_occupied(self) -> int:
        """Number of occupied bands."""

    def on_grid(self, grid: int | tuple[int, ...]) -> NDArray[np.complex128]:
        """Bloch matrices on the uniform grid, of shape (*batch, *grid, n, n)."""


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


def _provides(value: object, names: tuple[str, ...]) -> bool:
    # properties are looked up and not asked: making all hopping matrices of a large batch takes
    # longer than its sampled Chern numbers
    own = getattr(value, "__dict__", {})
    return all(hasattr(type(value), name) or name in own for name in names)


@runtime_checkable
class GeneralizedLike(Protocol):
    """A generalised eigenproblem H(k) x = E S(k) x in Fourier form."""

    @property
    def dim(self) -> int:
        """Dimension of k space."""

    @property
    def n_bands(self) -> int:
        """Number of levels n."""

    @property
    def hamiltonian(self) -> FourierLike:
        """The hoppings."""

    @property
    def overlap(self) -> FourierLike:
        """The overlaps."""

    def bands(self, k: Any) -> NDArray[np.float64]:
        """Levels at momenta (..., dim), of shape (..., n)."""

    def shifted(self, energy: Any) -> FourierLike:
        """H - E S."""

    def midgap(
        self, n_occupied: int, reach: int, points: int
    ) -> tuple[dict[tuple[int, ...], complex], float]:
        """Coefficients of an energy in the gap, and its distance from levels on a grid."""


def is_fourier_like(value: object) -> TypeIs[FourierLike]:
    """Whether `value` has the names of `FourierLike`."""
    names = ("vectors", "amplitudes", "batch_shape", "n_bands", "n_occupied", "on_grid")
    return _provides(value, names)


def is_sampled_like(value: object) -> TypeIs[SampledLike]:
    """Whether `value` has the names of `SampledLike`."""
    return _provides(value, ("dim", "n_occupied", "on_grid"))


def is_block_like(value: object) -> TypeIs[BlockLike]:
    """Whether `value` has the names of `BlockLike`."""
    return _provides(value, ("block_range", "block_amplitudes"))


def is_two_band_like(value: object) -> TypeIs[TwoBandLike]:
    """Whether `value` has the names of `TwoBandLike`."""
    return is_fourier_like(value) and _provides(value, ("d_vectors", "d_amplitudes"))
