"""Two-band Hamiltonians, given by their d-vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Self

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys.errors import InputError
from topophys.hamiltonians import _hoppings
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["TwoBandHamiltonian"]

PAULI: Final = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


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
        average = hermitian == "average"
        vectors, raw, given = _hoppings.stack(d, "d", "(..., 3)", tail=1)
        self._vectors, self._d = _hoppings.complete(
            vectors, raw, raw.conj(), given, "d", tail=1, average=average
        )
        self._n_occupied = 1
        self._scalar: FourierHamiltonian | None = None
        if d0 is not None:
            scalar = {key: np.asarray(value)[..., None, None] for key, value in d0.items()}
            self._scalar = FourierHamiltonian(scalar, hermitian=hermitian)
            if self._scalar.dim != self.dim:
                raise InputError(
                    f"Argument `d0` must have lattice vectors of dimension {self.dim} like `d`, but"
                    f" has dimension {self._scalar.dim}."
                )
            batch = np.broadcast_shapes(self._scalar.batch_shape, self._d.shape[:-2])
            self._d = np.broadcast_to(self._d, (*batch, *self._d.shape[-2:])).copy()
            amplitudes = self._scalar.amplitudes
            self._scalar._amplitudes = np.broadcast_to(  # noqa: SLF001
                amplitudes, (*batch, *amplitudes.shape[-3:])
            ).copy()

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
        if self._scalar is None:
            return self._vectors
        return np.unique(np.concatenate([self._vectors, self._scalar.vectors]), axis=0)

    @property
    def amplitudes(self) -> Complex[np.ndarray, "*batch M 2 2"]:
        """Hopping matrices H_R of the full Hamiltonian, made on demand."""
        spin = np.einsum("...mi,iab->...mab", self._d, PAULI)
        if self._scalar is None:
            return spin
        vectors = self.vectors
        full = np.zeros((*self.batch_shape, len(vectors), 2, 2), np.complex128)
        rows = {tuple(v): m for m, v in enumerate(vectors.tolist())}
        full[..., [rows[tuple(v)] for v in self._vectors.tolist()], :, :] += spin
        where = [rows[tuple(v)] for v in self._scalar.vectors.tolist()]
        full[..., where, :, :] += self._scalar.amplitudes * np.eye(2)
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
        complex_d = _hoppings.fourier_sum(self._vectors, self._d, self._momenta(k), tail=1)
        return np.ascontiguousarray(complex_d.real)

    def d_on_grid(self, shape: int | tuple[int, ...]) -> Float[np.ndarray, "..."]:
        """d-vectors on the uniform grid of `topophys.k_grid`.

        Parameters
        ----------
        shape : int or tuple of int
            Number of k points in each direction.

        Returns
        -------
        float64 ndarray of shape (*batch, *shape, 3)
            d-vectors, in the units of the hoppings.

        Raises
        ------
        InputError
            If the number of directions is not `dim`.
        """
        return self.d(self._grid(shape))

    def _select(self, index: Any) -> Self:
        chosen = self._blank()
        chosen._vectors = self._vectors
        chosen._d = self._d[index]
        chosen._scalar = None if self._scalar is None else self._scalar[index]
        return chosen

