"""Berry flux, Berry curvature and Chern number of sampled Bloch matrices."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, SampledLike, is_fourier_like
from topophys.grids import grid_sizes
from topophys.invariants._plaquettes import chern_of_hamiltonian, flux_of_bands, flux_of_d
from topophys.invariants._samples import bloch_samples, d_samples, momenta
from topophys.invariants.certificate import OnUnresolved, check_on_unresolved, masked

__all__ = [
    "berry_curvature",
    "berry_flux",
    "berry_flux_from_d",
    "chern_number",
    "chern_number_from_d",
]


def berry_flux(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    grid: int | tuple[int, int] | None = None,
) -> Float[np.ndarray, "... Nx Ny"]:
    r"""Berry flux of the occupied bands through each plaquette of the grid.

    .. math:: F(k) = -\arg[U_x(k) U_y(k + \hat x) \overline{U_x(k + \hat y)} \, \overline{U_y(k)}],
        \qquad U_\mu(k) = \det[V(k)^\dagger V(k + \hat\mu)]

    with V(k) the frame of occupied states. Gauge invariant, in (-pi, pi], and
    :math:`\sum F = 2\pi C`. The sign makes F the integral of
    :math:`\partial_x A_y - \partial_y A_x`, A = i<u|grad u>.

    Parameters
    ----------
    h_k : array-like of shape (..., Nx, Ny, n, n), or Hamiltonian
        Bloch matrices on the periodic grid of `topophys.k_grid`; or Hamiltonians in two
        dimensions, to be sampled on `grid`.
    n_occupied : int, optional
        Number of occupied bands; that of the Hamiltonian, or half of the bands, where not given.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.

    Returns
    -------
    float64 ndarray of shape (..., Nx, Ny)
        Flux through the plaquette whose lower left corner is the grid point, in radians.

    Raises
    ------
    ShapeError, InputError
        If `h_k` has other axes, is not finite or not Hermitian, or `grid` does not fit.
    KindError
        If `h_k` is a Hamiltonian of another dimension.
    GaplessError
        If occupied and empty bands touch on the grid.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005); they define
       A = <n|d n>, hence the opposite sign.

    Examples
    --------
    >>> import topophys as tp
    >>> flux = berry_flux(tp.models.qwz(-1.0), grid=24)
    >>> round(float(flux.sum() / (2 * np.pi)), 12)
    1.0
    """
    samples, filled = bloch_samples(h_k, grid, n_occupied, "h_k", dim=2)
    flux, _, bad = flux_of_bands(samples, filled)
    _validation.require_gapped(bad, "berry_flux")
    return flux


def berry_curvature(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    grid: int | tuple[int, int] | None = None,
) -> Float[np.ndarray, "... Nx Ny"]:
    r"""Mean Berry curvature of the occupied bands over each plaquette.

    .. math:: \Omega(k) = F(k) \, \frac{N_x N_y}{(2\pi)^2}

    Parameters
    ----------
    h_k : array-like of shape (..., Nx, Ny, n, n), or Hamiltonian
        Bloch matrices on the periodic grid of `topophys.k_grid`; or Hamiltonians in two
        dimensions, to be sampled on `grid`.
    n_occupied : int, optional
        Number of occupied bands; that of the Hamiltonian, or half of the bands, where not given.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.

    Returns
    -------
    float64 ndarray of shape (..., Nx, Ny)
        Curvature per unit of dimensionless k-area.

    Raises
    ------
    ShapeError, InputError, KindError, GaplessError
        As `berry_flux`.

    References
    ----------
    .. [1] M. V. Berry, Proc. R. Soc. Lond. A 392, 45 (1984).
    .. [2] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> omega = berry_curvature(tp.models.qwz(-1.0), grid=24)
    >>> omega.shape, bool(omega.max() > 0)
    ((24, 24), True)
    """
    flux = berry_flux(h_k, n_occupied=n_occupied, grid=grid)
    n_x, n_y = flux.shape[-2:]
    omega: NDArray[np.float64] = flux * (n_x * n_y / (2.0 * np.pi) ** 2)
    return omega


def chern_number(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    grid: int | tuple[int, int] | None = None,
    on_unresolved: OnUnresolved = "raise",
) -> Int[np.ndarray, "..."]:
    r"""Chern number of the occupied bands on the sampled grid.

    .. math:: C = \frac{1}{2\pi} \sum_k F(k)

    with F from `berry_flux`. The sum is an integer whatever the grid; it is found by counting
    dropped turns of 2 pi, by signs alone. On a coarse grid it may be another integer than that of
    the continuous Hamiltonian: see `certify_chern`.

    Parameters
    ----------
    h_k : array-like of shape (..., Nx, Ny, n, n), or Hamiltonian
        Bloch matrices on the periodic grid of `topophys.k_grid`; or Hamiltonians in two
        dimensions, to be sampled on `grid`. With two bands the second way needs no matrices and
        is the fastest.
    n_occupied : int, optional
        Number of occupied bands; that of the Hamiltonian, or half of the bands, where not given.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.
    on_unresolved : {"raise", "mask"}, optional
        Where bands touch on the grid or a flux is pi to rounding: raise, or return a masked array.

    Returns
    -------
    int64 ndarray of shape (...)
        Chern number of all occupied bands together.

    Raises
    ------
    ShapeError, InputError
        If `h_k` has other axes, is not finite or not Hermitian, or `grid` does not fit.
    KindError
        If `h_k` is a Hamiltonian of another dimension.
    GaplessError
        If asked for and the integer is not defined.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> model = tp.models.qwz([-1.0, 1.0, 3.0])
    >>> chern_number(model.on_grid((12, 12))), chern_number(model, grid=12)
    (array([ 1, -1,  0]), array([ 1, -1,  0]))
    """
    if is_fourier_like(h_k) and momenta(h_k) == 2:
        n_x, n_y = grid_sizes(2, grid)
        chern, bad = chern_of_hamiltonian(h_k, (n_x, n_y), n_occupied)
    else:
        samples, filled = bloch_samples(h_k, grid, n_occupied, "h_k", dim=2)
        _, chern, bad = flux_of_bands(samples, filled)
    return _integers(chern, bad, "chern_number", on_unresolved)


def berry_flux_from_d(
    d: ArrayLike | FourierLike, *, grid: int | tuple[int, int] | None = None
) -> Float[np.ndarray, "... Nx Ny"]:
    r"""Berry flux of the lower band of :math:`d \cdot \sigma`, without eigenvectors.

    .. math:: F = -\arg \mathrm{tr}(P_1 P_2 P_3 P_4), \qquad P = (1 - \hat d \cdot \sigma) / 2

    with the four corners of the plaquette in the order k, k+x, k+x+y, k+y.

    Parameters
    ----------
    d : array-like of shape (..., Nx, Ny, 3), or TwoBandHamiltonian
        d-vectors on the periodic grid of `topophys.k_grid`, whose length does not matter; or
        Hamiltonians in two dimensions, to be sampled on `grid`.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.

    Returns
    -------
    float64 ndarray of shape (..., Nx, Ny)
        Flux through each plaquette, in radians, in (-pi, pi].

    Raises
    ------
    ShapeError, InputError
        If `d` has other axes or is not finite, or `grid` does not fit.
    KindError
        If `d` is a Hamiltonian of another kind.
    GaplessError
        If d vanishes on the grid, or neighbouring d are opposite.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> flux = berry_flux_from_d(tp.models.qwz(1.0).d_on_grid((24, 24)))
    >>> round(float(flux.sum() / (2 * np.pi)), 12)
    -1.0
    """
    given = _validation.as_real(d_samples(d, grid), "d", "(..., Nx, Ny, 3)", finite=False)
    flux, _, bad = flux_of_d(given, with_flux=True)
    _validation.require_gapped(bad, "berry_flux_from_d")
    return flux


def chern_number_from_d(
    d: ArrayLike | FourierLike,
    *,
    grid: int | tuple[int, int] | None = None,
    on_unresolved: OnUnresolved = "raise",
) -> Int[np.ndarray, "..."]:
    r"""Chern number of the lower band of :math:`d \cdot \sigma` on the sampled grid.

    .. math:: C = \frac{1}{2\pi} \sum_k F(k)

    Parameters
    ----------
    d : array-like of shape (..., Nx, Ny, 3), or TwoBandHamiltonian
        d-vectors on the periodic grid of `topophys.k_grid`, whose length does not matter; or
        Hamiltonians in two dimensions, to be sampled on `grid`.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.
    on_unresolved : {"raise", "mask"}, optional
        As for `chern_number`.

    Returns
    -------
    int64 ndarray of shape (...)
        Chern number of the lower band.

    Raises
    ------
    ShapeError, InputError, KindError, GaplessError
        As `berry_flux_from_d`.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> chern_number_from_d(tp.models.qwz([-1.0, 1.0]).d_on_grid((12, 12)))
    array([ 1, -1])
    """
    given = _validation.as_real(
        d_samples(d, grid), "d", "(..., Nx, Ny, 3)", finite=False, contiguous=False
    )
    _, chern, bad = flux_of_d(given, with_flux=False)
    return _integers(chern, bad, "chern_number_from_d", on_unresolved)


def _integers(
    chern: NDArray[np.int64], bad: NDArray[np.bool_], name: str, on_unresolved: OnUnresolved
) -> NDArray[np.int64]:
    check_on_unresolved(on_unresolved)
    if on_unresolved == "raise":
        _validation.require_gapped(bad, name, mask=True)
    return masked(chern, ~bad)
