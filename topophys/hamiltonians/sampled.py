"""Hamiltonians known only as a function of k."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import SampledLike
from topophys.errors import HermiticityError, InputError, KindError, ShapeError
from topophys.grids import grid_of
from topophys.hamiltonians.fourier import FourierHamiltonian, primitive
from topophys.hamiltonians.interop import hoppings_of
from topophys.kernels.lapack import eigenvalues

__all__ = ["SampledHamiltonian", "from_callable"]

TOLERANCE: Final = 1e-10  # of the largest entry


class SampledHamiltonian:
    """Hamiltonian behind a Python function; made by `from_callable`.

    Nothing is known between two momenta: only `sampled` invariants exist, `certify_*` refuses it.
    """

    def __init__(
        self,
        function: Callable[[NDArray[np.float64]], ArrayLike],
        dim: int,
        n_bands: int,
        n_occupied: int | None,
        *,
        vectorized: bool,
        lattice: NDArray[np.float64] | None = None,
        positions: NDArray[np.float64] | None = None,
    ) -> None:
        self._function = function
        self._vectorized = vectorized
        self.dim = dim
        self.n_bands = n_bands
        self._n_occupied = n_occupied
        self.lattice = lattice
        self.positions = positions

    @property
    def n_occupied(self) -> int:
        """Number of occupied bands; an error where more than two bands name none."""
        if self.n_bands == 1 and self._n_occupied is None:
            return 0
        return _validation.occupied(self._n_occupied, self.n_bands)

    def bloch(self, k: ArrayLike) -> Complex[np.ndarray, "..."]:
        r"""Bloch matrix at given momenta.

        Shapes: `k` (..., dim); returns (..., n, n).
        """
        momenta = _validation.as_real(k, "k", f"(..., {self.dim})")
        flat = momenta.reshape(-1, self.dim)
        values: Any = (
            self._function(flat) if self._vectorized else [self._function(q) for q in flat]
        )
        if not len(flat):
            return np.zeros((*momenta.shape[:-1], self.n_bands, self.n_bands), np.complex128)
        h_k = _validation.as_complex(values, "h(k)", "(..., n, n)")
        wanted = (len(flat), self.n_bands, self.n_bands)
        if h_k.shape != wanted:
            raise ShapeError(
                f"Argument `h` must return {self.n_bands} x {self.n_bands} matrices, {wanted} for"
                f" {len(flat)} momenta, but returned {h_k.shape}."
            )
        off = np.abs(h_k - np.conj(np.swapaxes(h_k, -1, -2))).max((-2, -1))
        bad = off > TOLERANCE * np.abs(h_k).max((-2, -1))
        if bad.any():
            raise HermiticityError(
                f"Argument `h` must return Hermitian matrices, but {int(bad.sum())} of {len(flat)}"
                f" are not (off by up to {off.max():.3g}, first at k = {flat[bad.argmax()]})."
            )
        return h_k.reshape(*momenta.shape[:-1], self.n_bands, self.n_bands)

    def on_grid(self, grid: int | tuple[int, ...]) -> Complex[np.ndarray, "..."]:
        """Bloch matrices on the uniform grid of `topophys.k_grid`.

        Shapes: returns (*grid, n, n).
        """
        return self.bloch(grid_of(self.dim, grid))

    def bands(self, k: ArrayLike) -> Float[np.ndarray, "..."]:
        """Energies at given momenta.

        Shapes: `k` (..., dim); returns (..., n).
        """
        return np.asarray(eigenvalues(self.bloch(k)))

    def __repr__(self) -> str:
        return (
            f"SampledHamiltonian: only `sampled` invariants, {self.dim}D, {self.n_bands} bands"
            f" ({_validation.filling_text(self)})"
        )


# before Python 3.12 `isinstance` asks every property, and one that raises counts as none
SampledLike.register(SampledHamiltonian)


def from_callable(
    h: Callable[[NDArray[np.float64]], ArrayLike],
    dim: int,
    *,
    n_bands: int | None = None,
    n_occupied: int | None = None,
    vectorized: bool = False,
    hopping_range: int | tuple[int, ...] | None = None,
    lattice: ArrayLike | None = None,
    positions: ArrayLike | None = None,
) -> SampledHamiltonian | FourierHamiltonian:
    r"""Make a Hamiltonian from a Python function H(k).

    Only `sampled` invariants exist for it, such as ``chern_number(model, grid=24)``. A function
    can do anything between two samples, so there is no proof, and `certify_*` refuses it; for
    those, give the hoppings to `FourierHamiltonian`.

    Parameters
    ----------
    h : callable
        Takes a momentum of shape (dim,) in radians, returns a Hermitian matrix of shape (n, n),
        :math:`2\pi` periodic in each component, or with the `positions` of orbitals in its phases.
    dim : int
        Dimension of k space.
    n_bands : int, optional
        Number of bands; found by one call where not given.
    n_occupied : int, optional
        Number of occupied bands; needed for more than two where a question is about them.
    vectorized : bool, optional
        Whether `h` takes many momenta (M, dim) at once and returns (M, n, n).
    hopping_range : int or tuple of int, optional
        Largest component of a lattice vector, where the function is known to be a sum of such
        hoppings. They are then found by a Fourier transform and checked off its grid, and the
        result can be certified; the deviation met off the grid, at most 1e-9 of the largest
        entry, counts as an error of the hoppings.
    lattice : array-like of shape (dim, d), optional
        Primitive vectors as rows; kept for pictures.
    positions : array-like of shape (n, dim), optional
        Positions of the orbitals, in units of the primitive vectors, that the phases of `h`
        contain: :math:`H_{ij}(k) e^{-i k \cdot (r_i - r_j)}`, the atomic gauge. They are taken out
        of the phases, and kept for Zak phases, centres and pictures.

    Returns
    -------
    SampledHamiltonian or FourierHamiltonian
        With ``.bloch(k)`` and ``.on_grid(grid)``.

    Raises
    ------
    KindError
        If `h` is not callable.
    ShapeError, InputError, HermiticityError
        If `h` returns what is not a finite Hermitian matrix, or is not periodic.

    References
    ----------
    .. [1] D. Vanderbilt, *Berry Phases in Electronic Structure Theory*, Cambridge University
       Press (2018), chap. 2.

    Examples
    --------
    >>> import topophys as tp
    >>> def h(k):
    ...     x, y, z = np.sin(k[0]), np.sin(k[1]), -1 + np.cos(k[0]) + np.cos(k[1])
    ...     return [[z, x - 1j * y], [x + 1j * y, -z]]
    >>> model = from_callable(h, 2)
    >>> model
    SampledHamiltonian: only `sampled` invariants, 2D, 2 bands (1 occupied)
    >>> int(tp.chern_number(model, grid=16))
    1
    """
    if not callable(h):
        raise KindError(f"Argument `h` must be a function of k, but is {_validation.short(h)}.")
    n_dim = _validation.positive_int(dim, "dim")
    if positions is not None:
        h = _periodic(
            h, np.asarray(_validation.as_real(positions, "positions", f"(..., n, {n_dim})"))
        )
    if hopping_range is not None:
        return hoppings_of(
            h, n_dim, hopping_range, n_occupied=n_occupied, vectorized=vectorized,
            lattice=lattice, positions=positions,
        )  # fmt: skip
    probe = np.sqrt(2.0) * np.arange(1, n_dim + 1)  # no symmetric momentum
    if n_bands is None:
        once = _validation.as_complex(
            h(probe[None] if vectorized else probe), "h(k)", "(..., n, n)"
        )
        n_bands = once.shape[-1]
    size = _validation.positive_int(n_bands, "n_bands")
    if n_occupied is not None:
        _validation.occupied(n_occupied, size)
    made = SampledHamiltonian(h, n_dim, size, n_occupied, vectorized=vectorized)
    made.lattice = None if lattice is None else primitive(lattice, n_dim)
    made.positions = None if positions is None else np.asarray(positions, np.float64)
    first = made.bloch(probe)
    for direction, shift in enumerate(2.0 * np.pi * np.eye(n_dim)):
        if np.abs(made.bloch(probe + shift) - first).max() > 1e-8 * np.abs(first).max():
            raise InputError(
                "Argument `h` must be 2 pi periodic in every component of k, but is not in"
                f" component {direction}; give the `positions` of orbitals that its phases"
                " contain."
            )
    return made


def _periodic(
    h: Callable[[NDArray[np.float64]], ArrayLike], positions: NDArray[np.float64]
) -> Callable[[NDArray[np.float64]], ArrayLike]:
    """Take positions of orbitals out of the phases of a function."""

    def periodic(k: NDArray[np.float64]) -> NDArray[np.complex128]:
        h_k = np.asarray(h(k), np.complex128)
        if h_k.shape[-2:] != (len(positions),) * 2:
            raise ShapeError(
                f"Argument `positions` must have a row for each orbital, but has {len(positions)}"
                f" for matrices of shape {h_k.shape[-2:]}."
            )
        turn = np.exp(1j * k @ positions.T)
        return np.asarray(turn[..., :, None] * h_k * turn.conj()[..., None, :])

    return periodic
