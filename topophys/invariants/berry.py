"""Berry flux, Berry curvature and Chern number of sampled Bloch matrices."""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import GaplessError, InputError
from topophys.invariants.certificate import UNRESOLVED_VALUE
from topophys.kernels import status as st
from topophys.kernels.flux import flux_from_d, flux_from_links

__all__ = [
    "berry_curvature",
    "berry_flux",
    "berry_flux_from_d",
    "chern_number",
    "chern_number_from_d",
]

OnGapless = Literal["raise", "mask"]
#: Relative gap, and size of a link variable, below which samples count as gapless.
TOLERANCE: Final = 1e-12


def berry_flux(h_k: ArrayLike, *, n_occupied: int | None = None) -> Float[np.ndarray, "... Nx Ny"]:
    r"""Berry flux of the occupied bands through each plaquette of the grid.

    .. math:: F(k) = -\arg[U_x(k) U_y(k + \hat x) \overline{U_x(k + \hat y)} \, \overline{U_y(k)}],
        \qquad U_\mu(k) = \det[V(k)^\dagger V(k + \hat\mu)]

    with V(k) the frame of occupied states. Gauge invariant, in (-pi, pi], and
    :math:`\sum F = 2\pi C`. The sign makes F the integral of
    :math:`\partial_x A_y - \partial_y A_x`, A = i<u|grad u>.

    Parameters
    ----------
    h_k : array-like of shape (..., Nx, Ny, n, n)
        Bloch matrices on the periodic grid of `topophys.k_grid`.
    n_occupied : int, optional
        Number of occupied bands; half of the bands where not given.

    Returns
    -------
    float64 ndarray of shape (..., Nx, Ny)
        Flux through the plaquette whose lower left corner is the grid point, in radians.

    Raises
    ------
    ShapeError, InputError
        If `h_k` has other axes, is not finite or not Hermitian.
    GaplessError
        If occupied and empty bands touch on the grid.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005); they define
       A = <n|d n>, hence the opposite sign.

    Examples
    --------
    >>> import topophys as tp
    >>> flux = berry_flux(tp.models.qwz(-1.0).on_grid((24, 24)))
    >>> round(float(flux.sum() / (2 * np.pi)), 12)
    1.0
    """
    flux, _, bad = _sampled(h_k, n_occupied)
    _refuse(bad, "berry_flux", mask=False)
    return flux


def berry_curvature(
    h_k: ArrayLike, *, n_occupied: int | None = None
) -> Float[np.ndarray, "... Nx Ny"]:
    r"""Mean Berry curvature of the occupied bands over each plaquette.

    .. math:: \Omega(k) = F(k) \, \frac{N_x N_y}{(2\pi)^2}

    Parameters
    ----------
    h_k : array-like of shape (..., Nx, Ny, n, n)
        Bloch matrices on the periodic grid of `topophys.k_grid`.
    n_occupied : int, optional
        Number of occupied bands; half of the bands where not given.

    Returns
    -------
    float64 ndarray of shape (..., Nx, Ny)
        Curvature per unit of dimensionless k-area.

    Raises
    ------
    ShapeError, InputError, GaplessError
        As `berry_flux`.

    References
    ----------
    .. [1] M. V. Berry, Proc. R. Soc. Lond. A 392, 45 (1984).
    .. [2] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> omega = berry_curvature(tp.models.qwz(-1.0).on_grid((24, 24)))
    >>> omega.shape, bool(omega.max() > 0)
    ((24, 24), True)
    """
    flux = berry_flux(h_k, n_occupied=n_occupied)
    n_x, n_y = flux.shape[-2:]
    return flux * (n_x * n_y / (2.0 * np.pi) ** 2)


def chern_number(
    h_k: ArrayLike, *, n_occupied: int | None = None, on_gapless: OnGapless = "raise"
) -> Int[np.ndarray, "..."]:
    r"""Chern number of the occupied bands on the sampled grid.

    .. math:: C = \frac{1}{2\pi} \sum_k F(k)

    with F from `berry_flux`. The sum is an integer whatever the grid; it is found by counting
    dropped turns of 2 pi, by signs alone. On a coarse grid it may be another integer than that of
    the continuous Hamiltonian: see `certify_chern`.

    Parameters
    ----------
    h_k : array-like of shape (..., Nx, Ny, n, n)
        Bloch matrices on the periodic grid of `topophys.k_grid`.
    n_occupied : int, optional
        Number of occupied bands; half of the bands where not given.
    on_gapless : {"raise", "mask"}, optional
        Where bands touch on the grid or a flux is pi to rounding: raise, or return the smallest
        int64.

    Returns
    -------
    int64 ndarray of shape (...)
        Chern number of all occupied bands together.

    Raises
    ------
    ShapeError, InputError
        If `h_k` has other axes, is not finite or not Hermitian.
    GaplessError
        If asked for and the integer is not defined.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> chern_number(tp.models.qwz([-1.0, 1.0, 3.0]).on_grid((12, 12)))
    array([ 1, -1,  0])
    """
    _, chern, bad = _sampled(h_k, n_occupied)
    return _integers(chern, bad, "chern_number", on_gapless)


def berry_flux_from_d(d: ArrayLike) -> Float[np.ndarray, "... Nx Ny"]:
    r"""Berry flux of the lower band of :math:`d \cdot \sigma`, without eigenvectors.

    .. math:: F = -\arg \mathrm{tr}(P_1 P_2 P_3 P_4), \qquad P = (1 - \hat d \cdot \sigma) / 2

    with the four corners of the plaquette in the order k, k+x, k+x+y, k+y.

    Parameters
    ----------
    d : array-like of shape (..., Nx, Ny, 3)
        d-vectors on the periodic grid of `topophys.k_grid`; their length does not matter.

    Returns
    -------
    float64 ndarray of shape (..., Nx, Ny)
        Flux through each plaquette, in radians, in (-pi, pi].

    Raises
    ------
    ShapeError, InputError
        If `d` has other axes or is not finite.
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
    flux, _, bad = _sampled_from_d(_checks.as_real(d, "d", "(..., Nx, Ny, 3)"), with_flux=True)
    _refuse(bad, "berry_flux_from_d", mask=False)
    return flux


def chern_number_from_d(
    d: ArrayLike, *, on_gapless: OnGapless = "raise"
) -> Int[np.ndarray, "..."]:
    r"""Chern number of the lower band of :math:`d \cdot \sigma` on the sampled grid.

    .. math:: C = \frac{1}{2\pi} \sum_k F(k)

    Parameters
    ----------
    d : array-like of shape (..., Nx, Ny, 3)
        d-vectors on the periodic grid of `topophys.k_grid`; their length does not matter.
    on_gapless : {"raise", "mask"}, optional
        As for `chern_number`.

    Returns
    -------
    int64 ndarray of shape (...)
        Chern number of the lower band.

    Raises
    ------
    ShapeError, InputError, GaplessError
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
    _, chern, bad = _sampled_from_d(_checks.as_real(d, "d", "(..., Nx, Ny, 3)"), with_flux=False)
    return _integers(chern, bad, "chern_number_from_d", on_gapless)


_Fields = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]


def _sampled_from_d(d: NDArray[np.float64], *, with_flux: bool) -> _Fields:
    batch, grid = d.shape[:-3], d.shape[-3:-1]
    size = math.prod(batch)
    flux = np.empty((size if with_flux else 0, *grid))
    chern, status = np.empty(size, np.int64), np.empty(size, np.uint8)
    flux_from_d(d.reshape(size, *grid, 3), TOLERANCE, flux, chern, status, with_flux)
    bad = (status == st.GAPLESS).reshape(batch)
    return flux.reshape(*(batch if with_flux else (0,)), *grid), chern.reshape(batch), bad


def _sampled(h_k: ArrayLike, n_occupied: int | None) -> _Fields:
    h = _checks.as_complex(h_k, "h_k", "(..., Nx, Ny, n, n)")
    n_bands = h.shape[-1]
    if n_bands < 2:
        raise InputError("Argument `h_k` must have at least two bands, but has one.")
    filled = _checks.occupied(n_occupied, n_bands)
    scale = np.abs(h).max()
    off = np.abs(h - h.conj().swapaxes(-1, -2)).max()
    if off > 1e-9 * scale:
        raise InputError(
            f"Argument `h_k` must be Hermitian, but deviates by {off:.3g} (largest entry"
            f" {scale:.3g}); pass Bloch matrices, or their Hermitian part."
        )
    if n_bands == 2:
        d = np.stack([h[..., 1, 0].real, h[..., 1, 0].imag, 0.5 * (h[..., 0, 0] - h[..., 1, 1]).real], -1)
        return _sampled_from_d(d, with_flux=True)
    energy, states = np.linalg.eigh(h)
    gap = energy[..., filled] - energy[..., filled - 1]
    touching = (gap <= TOLERANCE * np.abs(energy).max(-1)).any((-2, -1))
    frame = states[..., :filled]
    u_x, u_y = (_links(frame, axis) for axis in (-4, -3))
    batch, grid = h.shape[:-4], h.shape[-4:-2]
    size = math.prod(batch)
    flux = np.empty((size, *grid))
    chern, status = np.empty(size, np.int64), np.empty(size, np.uint8)
    flux_from_links(
        u_x.reshape(size, *grid), u_y.reshape(size, *grid), TOLERANCE, flux, chern, status
    )
    bad = touching | (status == st.GAPLESS).reshape(batch)
    return flux.reshape(*batch, *grid), chern.reshape(batch), bad


def _links(frame: NDArray[np.complex128], axis: int) -> NDArray[np.complex128]:
    """Determinants of the overlaps of each frame (..., Nx, Ny, n, m) with the next along `axis`."""
    following = np.roll(frame, -1, axis=axis)
    overlap = frame.conj().swapaxes(-1, -2) @ following
    links: NDArray[np.complex128] = np.linalg.det(overlap)
    return np.ascontiguousarray(links)


def _refuse(bad: NDArray[np.bool_], name: str, *, mask: bool) -> None:
    if bad.any():
        raise GaplessError(name, np.flatnonzero(bad).tolist(), bad.size, mask=mask)


def _integers(
    chern: NDArray[np.int64], bad: NDArray[np.bool_], name: str, on_gapless: OnGapless
) -> NDArray[np.int64]:
    if on_gapless not in ("raise", "mask"):
        raise InputError(f"Argument `on_gapless` must be 'raise' or 'mask', but is {on_gapless!r}.")
    if on_gapless == "raise":
        _refuse(bad, name, mask=True)
    return np.where(bad, UNRESOLVED_VALUE, chern)
