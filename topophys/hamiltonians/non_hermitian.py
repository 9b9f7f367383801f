"""Non-Hermitian Bloch Hamiltonians of chains, one or a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Complex, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, KindError, ShapeError
from topophys.grids import grid_of
from topophys.hamiltonians.chiral import ChiralHamiltonian

__all__ = ["NonHermitianHamiltonian"]


class NonHermitianHamiltonian:
    r"""Chain with gain, loss or non-reciprocal hoppings.

    .. math:: H(k) = \sum_n H_n \, e^{i n k}

    without any relation between :math:`H_n` and :math:`H_{-n}`.

    Parameters
    ----------
    hoppings : mapping of int or (int,) to array-like of shape (..., n, n)
        Matrices :math:`H_n`; leading axes are batch axes and are broadcast.

    Raises
    ------
    ShapeError, InputError
        If a hopping is not a square matrix of finite numbers, or a key not an integer.

    References
    ----------
    .. [1] Z. Gong, Y. Ashida, K. Kawabata, K. Takasan, S. Higashikawa, M. Ueda, Phys. Rev. X 8,
       031079 (2018).

    Examples
    --------
    >>> chain = NonHermitianHamiltonian({1: [[1.0]], -1: [[0.3]]})
    >>> chain
    NonHermitianHamiltonian: 1D, 1 band, hoppings -1 to 1
    >>> chain.bands([[0.0], [np.pi / 2]]).round(12).ravel()
    array([1.3+0.j , 0. +0.7j])
    """

    def __init__(self, hoppings: Mapping[Any, ArrayLike]) -> None:
        try:
            self._chain = ChiralHamiltonian(hoppings)
        except (InputError, ShapeError) as error:
            raise type(error)(str(error).replace("`block`", "`hoppings`")) from None

    @classmethod
    def _of(cls, chain: ChiralHamiltonian) -> NonHermitianHamiltonian:
        made = cls.__new__(cls)
        made._chain = chain
        return made

    @classmethod
    def from_array(cls, lowest: int, amplitudes: ArrayLike) -> NonHermitianHamiltonian:
        """Make chains from all coefficients at once.

        Parameters
        ----------
        lowest : int
            Order n of the first coefficient.
        amplitudes : array-like of shape (..., M, n, n)
            Coefficients :math:`H_n` for n = lowest, ..., lowest + M - 1.

        Returns
        -------
        NonHermitianHamiltonian
            With batch axes ``amplitudes.shape[:-3]``.

        Raises
        ------
        ShapeError, InputError
            As for the constructor.
        """
        return cls._of(ChiralHamiltonian.from_array(lowest, amplitudes))

    @property
    def dim(self) -> int:
        """Dimension of k space, 1."""
        return 1

    @property
    def n_bands(self) -> int:
        """Number of bands n."""
        return self._chain.n_bands // 2

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading batch axes; () for a single Hamiltonian."""
        return self._chain.batch_shape

    @property
    def vectors(self) -> Int[np.ndarray, "M 1"]:
        """Every n with a coefficient."""
        low, high = self._chain.block_range
        return np.arange(low, high + 1)[:, None]

    @property
    def hoppings(self) -> dict[tuple[int], NDArray[np.complex128]]:
        """Coefficients by (n,)."""
        low, _ = self._chain.block_range
        parts = np.moveaxis(self._chain.block_amplitudes, -3, 0)
        return {(low + i,): part for i, part in enumerate(parts)}

    def bloch(self, k: ArrayLike) -> Complex[np.ndarray, "..."]:
        """Bloch matrices at given momenta.

        Parameters
        ----------
        k : array-like of shape (..., 1)
            Dimensionless momenta, in radians.

        Returns
        -------
        complex128 ndarray of shape (*batch, ..., n, n)
            H(k), in the units of the hoppings.

        Raises
        ------
        ShapeError
            If the last axis of `k` is not 1.
        """
        return self._chain.block(k)

    def on_grid(self, grid: int | tuple[int]) -> Complex[np.ndarray, "..."]:
        """Bloch matrices on the uniform grid of `topophys.k_grid`.

        Parameters
        ----------
        grid : int
            Number of k points N.

        Returns
        -------
        complex128 ndarray of shape (*batch, N, n, n)
            H(k), in the units of the hoppings.

        Raises
        ------
        InputError
            If `grid` is not a positive integer.
        """
        return self.bloch(grid_of(1, grid))

    def bands(self, k: ArrayLike) -> Complex[np.ndarray, "..."]:
        """Complex energies at given momenta.

        Parameters
        ----------
        k : array-like of shape (..., 1)
            Dimensionless momenta, in radians.

        Returns
        -------
        complex128 ndarray of shape (*batch, ..., n)
            Eigenvalues by real, then by imaginary part.

        Raises
        ------
        ShapeError
            If the last axis of `k` is not 1.
        """
        return np.sort_complex(np.linalg.eigvals(self.bloch(k)))

    def hermitized(self, energy: ArrayLike = 0.0) -> ChiralHamiltonian:
        r"""Double the chain into a Hermitian one with chiral symmetry.

        .. math:: \tilde H(k) = \begin{pmatrix} 0 & H(k) - E \\ (H(k) - E)^\dagger & 0 \end{pmatrix}

        Parameters
        ----------
        energy : array-like of shape (...)
            Complex energy E, one for all or one for each Hamiltonian.

        Returns
        -------
        ChiralHamiltonian
            Chains whose winding number is the point-gap winding of H about E; what the difference
            rounds is in their `amplitude_error`.

        Raises
        ------
        InputError, ShapeError
            If `energy` is not finite or does not go with the batch.
        """
        e = _validation.as_complex(energy, "energy", "(...)")
        try:
            np.broadcast_shapes(e.shape, self.batch_shape)
        except ValueError:
            raise ShapeError(
                f"Argument `energy` must go with the batch axes {self.batch_shape}, but has shape"
                f" {e.shape}."
            ) from None
        shift = -e[..., None, None, None] * np.eye(self.n_bands)
        moved: ChiralHamiltonian = self._chain._plus(
            ChiralHamiltonian.from_array(0, shift), np.broadcast_shapes(e.shape, self.batch_shape)
        )
        return moved

    def __len__(self) -> int:
        return len(self._chain)

    def __getitem__(self, index: Any) -> NonHermitianHamiltonian:
        if not self.batch_shape:
            raise KindError("A single Hamiltonian cannot be indexed; only a batch can.")
        return self._of(self._chain[index])

    def __repr__(self) -> str:
        many = " x ".join(map(str, self.batch_shape)) + " of " if self.batch_shape else ""
        low, high = self._chain.block_range
        return (
            f"{type(self).__name__}: {many}1D, {self.n_bands} band{'s' * (self.n_bands > 1)},"
            f" hoppings {low} to {high}"
        )
