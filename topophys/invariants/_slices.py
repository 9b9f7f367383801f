"""Bloch sums, and Hamiltonians of one dimension less at fixed momenta."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, is_fourier_like
from topophys.errors import InputError, KindError
from topophys.grids import k_grid
from topophys.invariants._phases import PHASE_ERROR, phases_of, phases_of_halves
from topophys.invariants._scale import scaled, times_power
from topophys.kernels.rounding import SMALLEST, UNIT, UP, upper_bound

__all__ = ["Slice", "bloch_at", "slice_at"]


@dataclass(frozen=True, eq=False)
class Slice:
    """Hamiltonians in Fourier form at fixed values of one momentum.

    Attributes
    ----------
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors of the remaining directions.
    amplitudes : complex128 ndarray of shape (*batch, M, n, n)
        Their hoppings.
    n_occupied : int
        Number of occupied bands.
    amplitude_error : float64 ndarray of shape (*batch,), optional
        Upper bound, in operator norm and over all momenta, of what was rounded when the hoppings
        were formed; zeros where not given.
    """

    vectors: Int[np.ndarray, "M dim"]
    amplitudes: Complex[np.ndarray, "*batch M n n"]
    n_occupied: int
    amplitude_error: Float[np.ndarray, "*batch"] | None = None

    def __post_init__(self) -> None:
        if self.amplitude_error is None:
            object.__setattr__(self, "amplitude_error", np.zeros(self.batch_shape))

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading batch axes."""
        return tuple(self.amplitudes.shape[:-3])

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return int(self.amplitudes.shape[-1])

    def on_grid(self, grid: int | tuple[int, ...]) -> Complex[np.ndarray, "..."]:
        """Bloch matrices on the uniform grid of `topophys.k_grid`.

        Parameters
        ----------
        grid : int or tuple of int
            Number of k points in each direction; one number serves all directions.

        Returns
        -------
        complex128 ndarray of shape (*batch, *grid, n, n)
            Bloch matrices.
        """
        return bloch_at(self.vectors, self.amplitudes, k_grid(grid, self.vectors.shape[1]))


def slice_at(
    H: FourierLike,
    axis: int,
    k: ArrayLike,
    *,
    halves: bool = False,
    n_occupied: int | None = None,
) -> Slice:
    r"""Fix one component of the momentum.

    .. math:: H_k(\kappa) = \sum_\rho \Big( \sum_{R_\perp = \rho} H_R \, e^{i k R_{axis}} \Big)
        e^{i \kappa \cdot \rho}

    The slice is that at exactly the given float64; what is rounded on the way is bounded by
    `Slice.amplitude_error`.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in two or more dimensions, or a batch.
    axis : int
        Component to fix. The others keep their cyclic order: for axis 1 of three, what is left is
        (k_z, k_x), so that the normal of a slice points along the fixed axis.
    k : array-like of shape (...)
        Values of the component, in radians; their axes follow the batch axes.
    halves : bool, optional
        Whether `k` counts half turns instead: integers h for the momenta pi h, which no float64
        is.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given.

    Returns
    -------
    Slice
        With batch axes (\*batch, ...).

    Raises
    ------
    InputError
        If `axis` is not a direction of `H`.
    """
    momenta = np.asarray(_validation.as_real(k, "k", "(...)"))
    dim = H.vectors.shape[1]
    if not 0 <= _validation.integer(axis, "axis") < dim or dim < 2:
        raise InputError(
            f"Argument `axis` must be from 0 to {dim - 1} for a {dim}D Hamiltonian, but is {axis}."
        )
    rest = [(axis + 1 + i) % dim for i in range(dim - 1)] if dim == 3 else (
        [i for i in range(dim) if i != axis])  # fmt: skip
    vectors, slot = np.unique(H.vectors[:, rest], axis=0, return_inverse=True)
    n, batch = H.n_bands, H.batch_shape
    flat, exponent, error = scaled(H)
    flat = flat.reshape(-1, len(H.vectors), n * n)
    orders, which = np.unique(H.vectors[:, axis], return_inverse=True)
    phases = phases_of_halves(momenta.ravel(), orders) if halves else (
        phases_of(momenta.ravel(), orders))  # fmt: skip
    member = (slot.reshape(-1) == np.arange(len(vectors))[:, None]).astype(np.float64)
    # one matrix (momentum, new vector) x (old vector) does all sums at once
    gather = (phases[:, which.reshape(-1)][:, None, :] * member).reshape(-1, len(H.vectors))
    shape = (*batch, *momenta.shape)
    made = (gather @ flat).reshape(len(flat), momenta.size, len(vectors), n, n)
    error = error + _sum_error(flat, int(member.sum(1).max(initial=0.0)), exact=halves)
    amplitudes, error = _in_units(made, error, exponent)
    return Slice(
        vectors,
        amplitudes.reshape(*shape, len(vectors), n, n),
        H.n_occupied if n_occupied is None else n_occupied,
        np.broadcast_to(error[:, None], made.shape[:2]).reshape(shape).copy(),
    )


def _sum_error(flat: NDArray[np.complex128], n_terms: int, *, exact: bool) -> NDArray[np.float64]:
    """Bound (B,) of what sums of n_terms products of a phase and a hopping (B, M, n^2) round.

    A sum of 2 n_terms real products rounds to 2 n_terms units of the sum of their sizes, in any
    order; the Frobenius norms of all new hoppings together bound the operator norm for every k.
    """
    if exact and n_terms == 1:
        return np.zeros(len(flat))
    unit = (0.0 if exact else PHASE_ERROR) + 4 * UNIT * (n_terms + 2)
    return np.asarray(UP * unit * np.linalg.norm(flat, axis=-1).sum(-1))


def _in_units(
    made: NDArray[np.complex128], error: NDArray[np.float64], exponent: NDArray[np.int64]
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Hoppings (B, K, M, n, n) and error (B,) times 2^exponent.

    Where a sum leaves the range of float64, the hoppings are zeros and the error is infinite:
    nothing can be proven. Where it is denormal, what is cut off goes into the error.
    """
    moved = times_power(made, exponent)
    lost = ~np.isfinite(moved).all((1, 2, 3, 4))
    moved[lost] = 0.0
    bound = upper_bound(error, exponent)
    # each of the 2 M n^2 real parts may lose half of the smallest float64
    cut = exponent < -900
    bound = np.where(cut, bound + float(np.prod(made.shape[2:])) * SMALLEST, bound)
    return moved, np.where(lost, np.inf, bound)


def bloch_at(
    vectors: NDArray[np.int64], amplitudes: NDArray[np.complex128], k: Float[np.ndarray, "... dim"]
) -> NDArray[np.complex128]:
    """Sum of H_R exp(i k.R).

    Parameters
    ----------
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors.
    amplitudes : complex128 ndarray of shape (*batch, M, n, n)
        Hoppings.
    k : float64 ndarray of shape (..., dim)
        Momenta.

    Returns
    -------
    complex128 ndarray of shape (*batch, ..., n, n)
        Bloch matrices, Hermitian to the last bit.
    """
    n, batch = amplitudes.shape[-1], amplitudes.shape[:-3]
    phases = np.exp(1j * (k.reshape(-1, k.shape[-1]) @ vectors.T))
    flat = amplitudes.reshape(*batch, len(vectors), n * n)
    h = (phases @ flat).reshape(*batch, *k.shape[:-1], n, n)
    hermitian: NDArray[np.complex128] = 0.5 * (h + h.conj().swapaxes(-1, -2))
    return hermitian


def rows_of(H: FourierLike) -> NDArray[np.complex128]:
    """Hoppings of the flattened batch.

    Parameters
    ----------
    H : FourierLike
        Hamiltonians.

    Returns
    -------
    complex128 ndarray of shape (B, M, n, n)
        One row for each Hamiltonian.
    """
    return H.amplitudes.reshape(math.prod(H.batch_shape), *H.amplitudes.shape[-3:])


def require_dimension(H: object, dim: int) -> FourierLike:
    """Return `H` if it is a Hamiltonian in Fourier form of a given dimension.

    Parameters
    ----------
    H : object
        Argument to check.
    dim : int
        Wanted dimension.

    Returns
    -------
    FourierLike
        `H` itself.

    Raises
    ------
    KindError
        If it is something else.
    """
    if not is_fourier_like(H) or H.vectors.shape[1] != dim:
        raise KindError(
            f"Argument `H` must be a {dim}-dimensional Hamiltonian in Fourier form, but is"
            f" {_validation.short(H)}."
        )
    return H
