"""Two-band Hamiltonians, given by their d-vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.grids import grid_of
from topophys.hamiltonians import fourier
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.kernels.rounding import UNIT, UP

__all__ = ["TwoBandHamiltonian"]

TwoBand = TypeVar("TwoBand", bound="TwoBandHamiltonian")

PAULI: Final = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def pauli_components(matrices: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Coefficients tr(M sigma_i) / 2 of 2 x 2 matrices; real for Hermitian ones.

    Shapes: `matrices` (..., 2, 2); returns (..., 3).
    """
    return np.asarray(0.5 * np.einsum("...ab,iba->...i", matrices, PAULI))


class TwoBandHamiltonian(FourierHamiltonian):
    r"""Hamiltonian with two bands in terms of its d-vector, one or a batch.

    .. math::
        H(k) = d_0(k) + d(k) \cdot \sigma, \qquad
        d(k) = \sum_R d_R e^{i k \cdot R} \in \mathbb{R}^3, \qquad d_{-R} = d_R^*

    Parameters
    ----------
    d : mapping of tuple of int to array-like of shape (..., 3)
        Coefficients :math:`d_R`. A missing -R is filled in with the complex conjugate.
    d0 : mapping of tuple of int to array-like of shape (...,), optional
        Coefficients of the scalar part; it moves the bands together and no invariant sees it.
    hermitian : {"check", "average"}, optional
        Where R and -R are both given: raise unless they are conjugates, or take the mean.

    Raises
    ------
    ShapeError, InputError
        If a coefficient is not a finite 3-vector, or a key not a tuple of integers.
    HermiticityError
        If the coefficients contradict d(-R) = conj d(R).

    References
    ----------
    .. [1] B. A. Bernevig, T. L. Hughes, *Topological Insulators and Topological
       Superconductors*, Princeton University Press (2013), chap. 8.

    Examples
    --------
    >>> h = TwoBandHamiltonian({(0, 0): [0, 0, -1], (1, 0): [-0.5j, 0, 0.5],
    ...                         (0, 1): [0, -0.5j, 0.5]})
    >>> h
    TwoBandHamiltonian: 2D, 2 bands (1 occupied), 5 lattice vectors
    >>> h.d([np.pi / 2, 0.0]).round(12)
    array([1., 0., 0.])
    """

    def __init__(
        self,
        d: Mapping[Any, ArrayLike],
        *,
        d0: Mapping[Any, ArrayLike] | None = None,
        hermitian: Literal["check", "average"] = "check",
    ) -> None:
        _validation.one_of(hermitian, "hermitian", ("check", "average"))
        average = hermitian == "average"
        self._vectors, raw, given = fourier.stack(d, "d", "(..., 3)", tail=1)
        self._d = fourier.complete(raw, np.conj, given, "d", tail=1, average=average)
        self._n_occupied = 1
        self._error = fourier.error_of_mean(raw, np.conj, given, tail=1)
        self._d0_vectors = np.zeros((0, self.dim), np.int64)
        self._d0 = np.zeros((*self._d.shape[:-2], 0), np.complex128)
        if d0 is not None:
            self._set_scalar(d0, average=average)

    def _set_scalar(self, d0: Mapping[Any, ArrayLike], *, average: bool) -> None:
        vectors, raw, given = fourier.stack(d0, "d0", "(...)", tail=0)
        if vectors.shape[1] != self.dim:
            raise InputError(
                f"Argument `d0` must have lattice vectors of dimension {self.dim} like `d`, but"
                f" has dimension {vectors.shape[1]}."
            )
        self._d0_vectors = vectors
        d0_amplitudes = fourier.complete(raw, np.conj, given, "d0", tail=0, average=average)
        try:
            batch = np.broadcast_shapes(d0_amplitudes.shape[:-1], self._d.shape[:-2])
        except ValueError:
            raise ShapeError(
                "Argument `d0` must have batch axes that go with those of `d`, but has"
                f" {d0_amplitudes.shape[:-1]} and not {self._d.shape[:-2]}."
            ) from None
        self._d = np.broadcast_to(self._d, (*batch, *self._d.shape[-2:])).copy()
        if self._error is not None:
            self._error = np.broadcast_to(self._error, batch).copy()
        self._d0 = np.broadcast_to(d0_amplitudes, (*batch, d0_amplitudes.shape[-1])).copy()

    @property
    def d_vectors(self) -> Int[np.ndarray, "M dim"]:
        """Lattice vectors with a coefficient of d, closed under R -> -R."""
        return self._vectors

    @property
    def d_amplitudes(self) -> Complex[np.ndarray, "*batch M 3"]:
        """Coefficients d_R in the order of `d_vectors`."""
        return self._d

    @property
    def n_bands(self) -> int:
        """Number of bands, 2."""
        return 2

    @property
    def dim(self) -> int:
        """Dimension of k space."""
        return int(self._vectors.shape[1])

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading batch axes; () for a single Hamiltonian."""
        return tuple(self._d.shape[:-2])

    @property
    def vectors(self) -> Int[np.ndarray, "M dim"]:
        """Lattice vectors R with a hopping, closed under R -> -R."""
        return np.unique(np.concatenate([self._vectors, self._d0_vectors]), axis=0)

    @property
    def amplitudes(self) -> Complex[np.ndarray, "*batch M 2 2"]:
        """Hopping matrices H_R of the full Hamiltonian, made on demand."""
        rows = {tuple(v): m for m, v in enumerate(self.vectors.tolist())}
        full = np.zeros((*self.batch_shape, len(rows), 2, 2), np.complex128)
        of_d = [rows[tuple(v)] for v in self._vectors.tolist()]
        of_d0 = [rows[tuple(v)] for v in self._d0_vectors.tolist()]
        full[..., of_d, :, :] += np.einsum("...mi,iab->...mab", self._d, PAULI)
        full[..., of_d0, :, :] += self._d0[..., None, None] * np.eye(2)
        return full

    def d(self, k: ArrayLike) -> Float[np.ndarray, "..."]:
        r"""Evaluate the d-vector at given momenta.

        Parameters
        ----------
        k : array-like of shape (..., dim)
            Dimensionless momenta, in radians.

        Returns
        -------
        float64 ndarray of shape (*batch, ..., 3)
            :math:`d(k)`, in the units of the hoppings.

        Raises
        ------
        ShapeError
            If the last axis of `k` is not `dim`.
        """
        complex_d = fourier.fourier_sum(self._vectors, self._d, self._momenta(k), tail=1)
        return np.ascontiguousarray(complex_d.real)

    def d_on_grid(self, grid: int | tuple[int, ...]) -> Float[np.ndarray, "..."]:
        """d-vectors on the uniform grid of `topophys.k_grid`.

        Parameters
        ----------
        grid : int or tuple of int
            Number of k points in each direction; one number serves all directions.

        Returns
        -------
        float64 ndarray of shape (*batch, *grid, 3)
            d-vectors, in the units of the hoppings.

        Raises
        ------
        InputError
            If `grid` is neither one positive integer nor `dim` of them.
        """
        return self.d(grid_of(self.dim, grid))

    def _times(self: TwoBand, factor: NDArray[np.float64]) -> tuple[TwoBand, NDArray[np.float64]]:
        made = self._blank()
        made._vectors, made._d0_vectors = self._vectors, self._d0_vectors
        made._d, rounded = fourier.multiplied(self._d, factor, tail=1)
        made._d0, rounded0 = fourier.multiplied(self._d0, factor, tail=0)
        return made, np.asarray(rounded + rounded0)

    def _plus(self: TwoBand, other: TwoBand, batch: tuple[int, ...]) -> TwoBand:
        total = self._blank()
        total._vectors, d = fourier.aligned(
            (self._vectors, other._vectors), (self._d, other._d), tail=1
        )
        total._d0_vectors, d0 = fourier.aligned(
            (self._d0_vectors, other._d0_vectors), (self._d0, other._d0), tail=0
        )
        total._d, rounded = fourier.added(d, tail=1)
        total._d0, rounded0 = fourier.added(d0, tail=0)
        return total._of_sum((self, other), batch, rounded + rounded0)

    def _formed(self) -> NDArray[np.float64]:
        # each entry of a hopping matrix is one sum of two coefficients
        return np.asarray(UP * 2.0 * UNIT * np.abs(self.amplitudes).sum((-3, -2, -1)))

    def _select(self: TwoBand, index: tuple[Any, ...]) -> TwoBand:
        chosen = self._blank()
        chosen._vectors, chosen._d0_vectors = self._vectors, self._d0_vectors
        chosen._d = self._d[(*index, slice(None), slice(None))]
        chosen._d0 = self._d0[(*index, slice(None))]
        return chosen._with_error_of(self, index)
