"""Bloch Hamiltonians in Fourier form, one or a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import KindError
from topophys.grids import grid_of
from topophys.hamiltonians import _hoppings

__all__ = ["FourierHamiltonian"]

H = TypeVar("H", bound="FourierHamiltonian")


class FourierHamiltonian:
    r"""Hamiltonian given by hoppings on a lattice, one or a batch of them.

    .. math:: H(k) = \sum_R H_R \, e^{i k \cdot R}, \qquad H_{-R} = H_R^\dagger

    Parameters
    ----------
    hoppings : mapping of tuple of int to array-like of shape (..., n, n)
        Hopping matrix of each lattice vector R. A missing -R is filled in with the conjugate
        transpose. Leading axes are batch axes and are broadcast against each other.
    n_occupied : int, optional
        Number of occupied bands; half of the bands where not given.
    hermitian : {"check", "average"}, optional
        Where R and -R are both given: raise unless they are conjugate transposes of each other
        (to 1e-10 of the largest entry), or take the Hermitian part.

    Raises
    ------
    ShapeError, InputError
        If a hopping is not a square matrix of finite numbers, or a key not a tuple of integers.
    HermiticityError
        If the hoppings contradict H(-R) = H(R)^dagger.

    References
    ----------
    .. [1] C. M. Goringe, D. R. Bowler, E. Hernandez, Rep. Prog. Phys. 60, 1447 (1997).

    Examples
    --------
    >>> chain = FourierHamiltonian({(0,): [[0, 1], [1, 0]], (1,): [[0, 0], [0.5, 0]]})
    >>> chain
    FourierHamiltonian: 1D, 2 bands (1 occupied), 3 lattice vectors
    >>> chain.bloch([0.0]).real
    array([[0. , 1.5],
           [1.5, 0. ]])
    """

    _error: NDArray[np.float64] | None

    def __init__(
        self,
        hoppings: Mapping[Any, ArrayLike],
        *,
        n_occupied: int | None = None,
        hermitian: Literal["check", "average"] = "check",
    ) -> None:
        _checks.one_of(hermitian, "hermitian", ("check", "average"))
        self._vectors, raw, given = _hoppings.stack(hoppings, "hoppings", "(..., n, n)", tail=2)
        adjoint = np.conj(np.swapaxes(raw, -1, -2))
        self._amplitudes = _hoppings.complete(
            self._vectors, raw, adjoint, given, "hoppings", tail=2, average=hermitian == "average"
        )
        self._error = _hoppings.error_of_mean(raw, adjoint, given, tail=2)
        self._n_occupied = n_occupied
        _ = self.n_occupied  # refuse an impossible number now, not at first use

    @property
    def vectors(self) -> Int[np.ndarray, "M dim"]:
        """Lattice vectors R with a hopping, closed under R -> -R."""
        return self._vectors

    @property
    def amplitudes(self) -> Complex[np.ndarray, "*batch M n n"]:
        """Hopping matrices H_R in the order of `vectors`."""
        return self._amplitudes

    @property
    def hoppings(self) -> Mapping[tuple[int, ...], NDArray[np.complex128]]:
        """Hopping matrices by lattice vector, read-only."""
        keys = [tuple(int(x) for x in vector) for vector in self.vectors]
        return MappingProxyType({key: self.amplitudes[..., m, :, :] for m, key in enumerate(keys)})

    @property
    def dim(self) -> int:
        """Dimension of k space."""
        return int(self.vectors.shape[1])

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return int(self.amplitudes.shape[-1])

    @property
    def n_occupied(self) -> int:
        """Number of occupied bands."""
        if self.n_bands == 1 and self._n_occupied is None:
            return 0
        return _checks.occupied(self._n_occupied, self.n_bands)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading batch axes; () for a single Hamiltonian."""
        return tuple(self.amplitudes.shape[:-3])

    @property
    def amplitude_error(self) -> Float[np.ndarray, "*batch"]:
        r"""Upper bound of what was rounded when this object was formed, in operator norm.

        .. math:: \sup_k \| H_{exact}(k) - H(k) \|

        Zero for hoppings as they are given. Proofs add it to their slack.
        """
        if self._error is None:
            return np.zeros(self.batch_shape)
        return self._error

    def bloch(self, k: ArrayLike) -> Complex[np.ndarray, "..."]:
        r"""Bloch matrix at given momenta.

        Parameters
        ----------
        k : array-like of shape (..., dim)
            Dimensionless momenta, in radians.

        Returns
        -------
        complex128 ndarray of shape (*batch, ..., n, n)
            :math:`H(k)`, in the units of the hoppings.

        Raises
        ------
        ShapeError
            If the last axis of `k` is not `dim`.
        """
        return _hoppings.fourier_sum(self.vectors, self.amplitudes, self._momenta(k), tail=2)

    def on_grid(self, shape: int | tuple[int, ...]) -> Complex[np.ndarray, "..."]:
        """Bloch matrices on the uniform grid of `topophys.k_grid`.

        Parameters
        ----------
        shape : int or tuple of int
            Number of k points in each direction.

        Returns
        -------
        complex128 ndarray of shape (*batch, *shape, n, n)
            Bloch matrices, in the units of the hoppings.

        Raises
        ------
        InputError
            If the number of directions is not `dim`.
        """
        return self.bloch(grid_of(self.dim, shape))

    def _momenta(self, k: ArrayLike) -> NDArray[np.float64]:
        return _checks.as_real(k, "k", f"(..., {self.dim})")

    def _select(self: H, index: tuple[Any, ...]) -> H:
        """Return the same kind of Hamiltonian with `index` applied to the batch axes."""
        chosen = self._blank()
        chosen._vectors = self._vectors
        chosen._amplitudes = self._amplitudes[(*index, *(slice(None),) * 3)]
        return chosen._with_error_of(self, index)

    def _blank(self: H) -> H:
        fresh = type(self).__new__(type(self))
        fresh._n_occupied = self._n_occupied
        fresh._error = None
        return fresh

    def _with_error_of(self: H, whole: H, index: tuple[Any, ...]) -> H:
        """Take over the part of `amplitude_error` that belongs to `index` of the whole batch."""
        if whole._error is not None:
            self._error = np.asarray(whole._error[index])
        return self

    def __len__(self) -> int:
        if not self.batch_shape:
            raise KindError("A single Hamiltonian has no length; only a batch has one.")
        return self.batch_shape[0]

    def __getitem__(self: H, index: Any) -> H:
        if not self.batch_shape:
            raise KindError("A single Hamiltonian cannot be indexed; only a batch can.")
        np.empty(self.batch_shape, dtype=np.uint8)[index]  # raises what NumPy raises
        return self._select(index if isinstance(index, tuple) else (index,))

    def __iter__(self: H) -> Iterator[H]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        many = " x ".join(map(str, self.batch_shape)) + " of " if self.batch_shape else ""
        return (
            f"{type(self).__name__}: {many}{self.dim}D, {self.n_bands} bands"
            f" ({self.n_occupied} occupied), {len(self.vectors)} lattice vectors"
        )
