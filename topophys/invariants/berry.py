"""Berry flux, Berry curvature, quantum metric and Chern number of sampled Bloch matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, SampledLike, is_fourier_like
from topophys._validation import Bands
from topophys.errors import InputError
from topophys.grids import grid_sizes, k_grid
from topophys.invariants._cells import HERMITIAN, eigh_batch
from topophys.invariants._samples import (
    Positions,
    bloch_samples,
    d_samples,
    in_periodic_gauge,
    jumping,
    momenta,
    own_positions,
    repeats_first,
)
from topophys.invariants._scaling import divide_out, real_series
from topophys.invariants.results import OnUnresolved, check_on_unresolved, masked
from topophys.invariants.wilson import TOLERANCE, checked_matrices, gap_around
from topophys.kernels import status as st
from topophys.kernels.chern_sampled import (
    count_chern,
    count_chern_of_series,
    flux_from_d,
    flux_from_links,
    frame_links,
    gather,
)
from topophys.kernels.small_linalg import departures

__all__ = [
    "berry_curvature",
    "berry_flux",
    "berry_flux_from_d",
    "chern_number",
    "chern_number_from_d",
    "chern_of_hamiltonian",
    "flux_of_bands",
    "flux_of_d",
    "quantum_metric",
]


# --------------------------- Flux and Chern number of batches of samples, before anything is raised


def _turn(axis: int) -> NDArray[np.float64]:
    """Rotation by one radian around a coordinate axis."""
    turn = np.eye(3)
    others = [(axis + 1) % 3, (axis + 2) % 3]
    turn[np.ix_(others, others)] = [[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]]
    return turn


#: Relative gap, and size of a link variable, below which samples count as gapless.
DEGENERACY: Final = 1e-12
#: Splitting of two bands, relative to the energies of the whole zone, that is rounding noise.
ROUNDING: Final = 1e-14
#: A rotation that no lattice symmetry has: by one radian around each axis in turn.
GENERIC: Final = _turn(0) @ _turn(1) @ _turn(2)
TINY: Final = float(np.finfo(np.float64).tiny)
#: Numbers of a strided array that are copied at a time, so that they stay in the cache.
COPIED: Final = 1 << 17
#: Flux (..., Nx, Ny), Chern number (...), and where neither is defined.
Fields: TypeAlias = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]


def flux_of_d(d: NDArray[np.float64], *, with_flux: bool) -> Fields:
    """Flux and Chern number of the lower band of d.sigma.

    Shapes: `d` (..., Nx, Ny, 3).
    """
    batch, grid = d.shape[:-3], d.shape[-3:-1]
    size = math.prod(batch)
    flat = d.reshape(size, *grid, 3)
    if with_flux:
        _validation.require_finite(d, "d")
    flux = np.empty((size if with_flux else 0, *grid))
    chern, status = np.empty(size, np.int64), np.full(size, st.UNRESOLVED, np.uint8)
    if not with_flux:
        _count(flat, chern, status)
        if (status == st.UNRESOLVED).any():
            _validation.require_finite(flat, "d")
        _again(lambda rest: _turned(flat[rest]), count_chern, chern, status)
    rest = status == st.UNRESOLVED
    if rest.any():
        parts = chern[rest], status[rest]
        flux_from_d(flat[rest], DEGENERACY, flux, *parts, with_flux)
        chern[rest], status[rest] = parts
    bad = (status == st.GAPLESS).reshape(batch)
    return flux.reshape(*(batch if with_flux else (0,)), *grid), chern.reshape(batch), bad


def _turned(d: NDArray[np.float64]) -> NDArray[np.float64]:
    """All vectors of d (..., 3) turned by `GENERIC`, as one product of two matrices."""
    return np.asarray((d.reshape(-1, 3) @ GENERIC).reshape(d.shape))


def _count(d: NDArray[np.float64], chern: NDArray[np.int64], status: NDArray[np.uint8]) -> None:
    """Count d (B, Nx, Ny, 3) of any strides; copies a part at a time where memory has gaps."""
    if d.flags.c_contiguous or not d.size:
        count_chern(np.ascontiguousarray(d), chern, status)
        return
    step = max(1, COPIED // d[0].size)
    part = np.empty((min(step, len(d)), *d.shape[1:]))
    for lo in range(0, len(d), step):
        rows = slice(lo, min(lo + step, len(d)))
        copied = part[: rows.stop - lo]
        gather(d[rows], copied)
        count_chern(copied, chern[rows], status[rows])


def flux_of_bands(
    h_k: ArrayLike | FourierLike | SampledLike,
    n_occupied: int | None,
    *,
    grid: int | tuple[int, int] | None = None,
    bands: Bands | None = None,
    positions: Positions = None,
    mask: bool = False,
    in_periodic: bool = False,
) -> Fields:
    """Flux and Chern number of a group of bands of Bloch matrices.

    Samples that are not periodic are refused, or marked with `mask`. The flux is that of orbitals
    at their positions, or with `in_periodic` at the origin.

    Shapes: `h_k` (..., Nx, Ny, n, n).
    """
    samples, n_occupied = bloch_samples(h_k, grid, n_occupied, "h_k", dim=2, bands=bands)
    h = _validation.as_complex(samples, "h_k", "(..., Nx, Ny, n, n)")
    n_bands = h.shape[-1]
    if n_bands < 2:
        raise InputError("Argument `h_k` must have at least two bands, but has one.")
    low, high = _validation.band_group(bands, n_occupied, n_bands)
    where = own_positions(h_k, positions, n_bands, 2)
    _require_hermitian(h)
    jumps = np.zeros(h.shape[:-4], np.bool_)
    if not momenta(h_k):
        h = h if where is None else in_periodic_gauge(h, where, (-2, -1))
        jumps = jumping(h, (-2, -1), "h_k", mask=mask, positions_given=where is not None)
    where = None if in_periodic else where
    if n_bands == 2 and where is None:
        half_difference = 0.5 * h[..., 0, 0].real - 0.5 * h[..., 1, 1].real
        d = np.stack([h[..., 1, 0].real, h[..., 1, 0].imag, half_difference], -1)
        flux, chern, bad = flux_of_d(d if high == 1 else -d, with_flux=True)
        touching = _touching(d, np.abs(h).max((-4, -3, -2, -1), initial=0.0))
        return flux, chern, np.asarray(jumps | bad | touching)
    energy, states = eigh_batch(h)
    # against the energies of the whole zone: where all bands touch at zero, rounding is no gap
    scale = np.abs(energy).max((-3, -2, -1), keepdims=True, initial=0.0)[..., 0].clip(TINY)
    gap = gap_around(energy, low, high) / scale
    smallest = gap.min((-2, -1), initial=np.inf)
    touching = smallest <= DEGENERACY
    # states turn by up to (rounding of H) / gap
    error = 1e-15 * n_bands * (1.0 + 1.0 / smallest.clip(DEGENERACY))
    batch, sizes = h.shape[:-4], h.shape[-4:-2]
    size = math.prod(batch)
    u_x, u_y = np.empty((2, size, *sizes), np.complex128)
    frame = np.ascontiguousarray(states[..., low:]) if low else states
    frame = frame.reshape(size, *sizes, n_bands, n_bands - low)
    if where is None:
        frame_links(frame, high - low, u_x, u_y)
    else:
        u_x, u_y = _links_at(frame[..., : high - low], where)
    flux = np.empty((size, *sizes))
    chern, status = np.empty(size, np.int64), np.empty(size, np.uint8)
    flux_from_links(u_x, u_y, DEGENERACY, error.reshape(size), flux, chern, status)
    bad = np.asarray(jumps | touching | (status == st.GAPLESS).reshape(batch))
    return flux.reshape(*batch, *sizes), chern.reshape(batch), bad


def _links_at(
    frame: NDArray[np.complex128], positions: NDArray[np.float64]
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Links of frames (B, Nx, Ny, n, m) of orbitals at positions (n, 2), to the next points."""
    bra = frame.conj().swapaxes(-1, -2)
    links = []
    for axis, where in zip((1, 2), positions.T, strict=True):
        turn = np.exp(-2j * np.pi * where / frame.shape[axis])[:, None]
        links.append(np.asarray(np.linalg.det(bra @ (turn * np.roll(frame, -1, axis)))))
    return links[0], links[1]


def chern_of_hamiltonian(
    H: FourierLike, grid: tuple[int, int], n_occupied: int | None, bands: Bands | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Chern number of a Hamiltonian on a grid; with two bands straight from its coefficients."""
    if H.n_bands != 2:
        _, chern, bad = flux_of_bands(H, n_occupied, grid=grid, bands=bands)
        return chern, bad
    filled = H.n_occupied if bands is None and n_occupied is None else n_occupied
    upper, _ = _validation.band_group(bands, filled, 2)
    vectors, coefficients, *_ = real_series(H)
    size, shape = len(coefficients), coefficients.shape[:2]
    chern, status = np.empty(size, np.int64), np.empty(size, np.uint8)
    # the border is the first point again: the same numbers, not the same up to 2 pi
    k_x, k_y = (np.pad(k_grid(n)[:, 0], (0, 1), mode="wrap") for n in grid)
    x = np.multiply.outer(vectors[:, 0], k_x)
    y = np.multiply.outer(np.arange(int(np.abs(vectors[:, 1]).max(initial=1)) + 1), k_y)
    x, y = (np.stack([np.cos(turns), np.sin(turns)], axis=1) for turns in (x, y))

    def count(c: NDArray[np.float64], *out: NDArray[Any]) -> None:
        count_chern_of_series(c.reshape(-1, shape[1], 6), vectors, x, y, *out)

    count(coefficients, chern, status)
    _again(lambda rest: coefficients[rest] @ GENERIC, count, chern, status)
    rest = status == st.UNRESOLVED
    if rest.any():
        d = _series_on_grid(vectors, coefficients[rest], grid)
        _, chern[rest], gapless = flux_of_d(d, with_flux=False)
        status[rest] = np.where(gapless | _touching(d, 1.0), st.GAPLESS, st.OK)
    chern = -chern if upper else chern
    return chern.reshape(H.batch_shape), (status == st.GAPLESS).reshape(H.batch_shape)


def _again(
    turned: Callable[[NDArray[np.bool_]], NDArray[np.float64]],
    count: Callable[..., None],
    chern: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Count those that are still unresolved once more, with all d turned by `GENERIC`.

    Models with a high symmetry have the pole of the gauge on the grid, or on a line of it.
    """
    rest = status == st.UNRESOLVED
    if rest.any():
        parts = chern[rest], status[rest]
        with np.errstate(over="ignore", invalid="ignore"):  # infinite: unresolved once more
            d = turned(rest)
        count(d, *parts)
        chern[rest], status[rest] = parts


def _touching(d: NDArray[np.float64], scale: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the bands of d.sigma touch at a grid point, to the rounding of energies `scale`."""
    return np.asarray(np.abs(d).max(-1).min((-2, -1)) <= ROUNDING * scale)


def _series_on_grid(
    vectors: NDArray[np.int64], coefficients: NDArray[np.float64], grid: tuple[int, int]
) -> NDArray[np.float64]:
    turns = np.einsum("xyd,md->xym", k_grid(grid), vectors)
    d = np.einsum("xym,bmi->bxyi", np.cos(turns), coefficients[:, 1:, 0])
    d += np.einsum("xym,bmi->bxyi", np.sin(turns), coefficients[:, 1:, 1])
    return np.asarray(d + coefficients[:, None, None, 0, 0])


def _require_hermitian(h: NDArray[np.complex128]) -> None:
    """Refuse a batch in which one Hamiltonian deviates, by the measure of its own entries."""
    batch = h.shape[:-4]
    scale, off = np.empty((2, math.prod(batch)))
    flat = np.ascontiguousarray(h).reshape(len(scale), math.prod(h.shape[-4:-2]), *h.shape[-2:])
    departures(flat, scale, off)
    _validation.refuse_non_hermitian(off, scale, "h_k", HERMITIAN)


# --------------------------- Berry flux, Berry curvature and Chern number of sampled Bloch matrices


def berry_flux(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    grid: int | tuple[int, int] | None = None,
    positions: Positions = "own",
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
        Number of occupied bands; that of the Hamiltonian where not given. Samples have none, and
        need it if there are more than two bands.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of neighbouring bands, counted from 0, such as
        ``range(2, 4)``. It must be apart from the bands below and above.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.
    positions : array-like of shape (n, 2), "own" or None, optional
        Positions of the orbitals in units of the primitive vectors. They change the flux of single
        plaquettes, not its sum. "own" takes those of a Hamiltonian, where it has any; None puts all
        at the origin of the cell. With samples they say that the phases of `h_k` contain them:
        :math:`H_{ij}(k) e^{-i k \cdot (r_i - r_j)}`, the atomic gauge.

    Returns
    -------
    float64 ndarray of shape (..., Nx, Ny)
        Flux through the plaquette whose lower left corner is the grid point, in radians.

    Raises
    ------
    ShapeError, InputError
        If `h_k` has other axes, is not finite, not Hermitian or not periodic, or `grid` does not
        fit.
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
    flux, _, bad = flux_of_bands(h_k, n_occupied, grid=grid, bands=bands, positions=positions)
    _validation.require_gapped(bad, "berry_flux")
    return flux


def berry_curvature(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    grid: int | tuple[int, int] | None = None,
    positions: Positions = "own",
) -> Float[np.ndarray, "... Nx Ny"]:
    r"""Mean Berry curvature of the occupied bands over each plaquette.

    .. math:: \Omega(k) = F(k) \, \frac{N_x N_y}{(2\pi)^2}

    Parameters
    ----------
    h_k : array-like of shape (..., Nx, Ny, n, n), or Hamiltonian
        Bloch matrices on the periodic grid of `topophys.k_grid`; or Hamiltonians in two
        dimensions, to be sampled on `grid`.
    n_occupied : int, optional
        Number of occupied bands; that of the Hamiltonian where not given. Samples have none, and
        need it if there are more than two bands.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of neighbouring bands, counted from 0, such as
        ``range(2, 4)``. It must be apart from the bands below and above.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.
    positions : array-like of shape (n, 2), "own" or None, optional
        Positions of the orbitals, as for `berry_flux`.

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
    flux = berry_flux(h_k, n_occupied=n_occupied, bands=bands, grid=grid, positions=positions)
    n_x, n_y = flux.shape[-2:]
    omega: NDArray[np.float64] = flux * (n_x * n_y / (2.0 * np.pi) ** 2)
    return omega


def chern_number(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    grid: int | tuple[int, int] | None = None,
    positions: ArrayLike | None = None,
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
        Number of occupied bands; that of the Hamiltonian where not given. Samples have none, and
        need it if there are more than two bands.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of neighbouring bands, counted from 0, such as
        ``range(2, 4)``. It must be apart from the bands below and above.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.
    positions : array-like of shape (n, 2), optional
        Of samples whose phases contain positions of orbitals (atomic gauge): these positions, in
        units of the primitive vectors.
    on_unresolved : {"raise", "mask"}, optional
        Where bands touch on the grid or a flux is pi to rounding: raise, or return a masked array.

    Returns
    -------
    int64 ndarray of shape (...)
        Chern number of all bands of the group together.

    Raises
    ------
    ShapeError, InputError
        If `h_k` has other axes, is not finite, not Hermitian or not periodic, or `grid` does not
        fit.
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
        if positions is not None:
            raise InputError(
                "Argument `positions` must be left out for a Hamiltonian, which is periodic; it"
                " tells of samples that they are in the atomic gauge."
            )
        chern, bad = chern_of_hamiltonian(h_k, (n_x, n_y), n_occupied, bands)
    else:
        _, chern, bad = flux_of_bands(
            h_k, n_occupied, grid=grid, bands=bands, positions=positions,
            mask=on_unresolved == "mask", in_periodic=True,
        )  # fmt: skip
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
    if not momenta(d):
        jumping(given, (-2, -1), "d", tail=1, cure=False, positions_given=True)
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
    jumps: NDArray[np.bool_] | bool = False
    if not momenta(d):
        jumps = jumping(
            given,
            (-2, -1),
            "d",
            tail=1,
            cure=False,
            positions_given=True,
            mask=on_unresolved == "mask",
        )
    _, chern, bad = flux_of_d(given, with_flux=False)
    return _integers(chern, np.asarray(jumps | bad), "chern_number_from_d", on_unresolved)


def _integers(
    chern: NDArray[np.int64], bad: NDArray[np.bool_], name: str, on_unresolved: OnUnresolved
) -> NDArray[np.int64]:
    check_on_unresolved(on_unresolved)
    if on_unresolved == "raise":
        _validation.require_gapped(bad, name, mask=True)
    return masked(chern, ~bad)


# ----------------------------------- Quantum metric of the occupied bands of sampled Bloch matrices


def quantum_metric(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    dim: int | None = None,
    grid: int | tuple[int, ...] | None = None,
    positions: Positions = "own",
) -> Float[np.ndarray, "... i j"]:
    r"""Quantum metric of the occupied bands at each point of the grid.

    .. math:: g_{ij} = \tfrac{1}{2} \mathrm{tr}(\partial_i P \, \partial_j P)
        = \mathrm{Re} \sum_{n} \sum_{l} \frac{\langle n | \partial_i H | l \rangle
        \langle l | \partial_j H | n \rangle}{(E_l - E_n)^2}

    with P the projector on the m occupied bands, n one of them and l one of the others: gauge
    invariant, for degenerate bands too.
    Derivatives of H are those of its trigonometric interpolation: exact where the grid has more
    points in each direction than twice the range of the hoppings, and then g carries rounding
    errors only. Pointwise :math:`\mathrm{tr}\, g \ge 2\sqrt{\det g} \ge |\mathrm{tr}\,\Omega|` in
    two dimensions.

    Parameters
    ----------
    h_k : array-like of shape (..., N_1, ..., N_dim, n, n), or Hamiltonian
        Bloch matrices on the periodic grid of `topophys.k_grid`; or Hamiltonians, to be sampled on
        `grid`.
    n_occupied : int, optional
        Number m of occupied bands; that of the Hamiltonian where not given. Samples have none, and
        need it if there are more than two bands.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of neighbouring bands, as for `berry_flux`.
    dim : int, optional
        Number of k directions of samples, 2 where not given; a Hamiltonian has its own.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.
    positions : array-like of shape (n, dim), "own" or None, optional
        Positions of the orbitals, as for `berry_flux`; they change the metric.

    Returns
    -------
    float64 ndarray of shape (..., N_1, ..., N_dim, dim, dim)
        Symmetric, positive semidefinite matrices; dimensionless like k.

    Raises
    ------
    ShapeError, InputError
        If `h_k` has other axes, is not finite, not Hermitian or not periodic, or `grid` or `dim`
        does not fit.
    GaplessError
        If occupied and empty bands touch on the grid.

    References
    ----------
    .. [1] J. P. Provost, G. Vallee, Commun. Math. Phys. 76, 289 (1980).
    .. [2] R. Roy, Phys. Rev. B 90, 165139 (2014).
    .. [3] T. Ozawa, B. Mera, Phys. Rev. B 104, 045103 (2021).

    Examples
    --------
    >>> import topophys as tp
    >>> g = quantum_metric(tp.models.qwz(-1.0), grid=24)
    >>> omega = tp.berry_curvature(tp.models.qwz(-1.0), grid=24)
    >>> g.shape, bool(g[..., 0, 0].mean() + g[..., 1, 1].mean() > omega.mean())
    ((24, 24, 2, 2), True)
    """
    own = momenta(h_k)
    if own and dim not in (None, own):
        raise InputError(f"Argument `dim` must be left out for a {own}D Hamiltonian, but is {dim}.")
    samples, n_occupied = bloch_samples(h_k, grid, n_occupied, "h_k", bands=bands)
    dim = own or (2 if dim is None else _validation.positive_int(dim, "dim"))
    directions = ", ".join(f"N{i}" for i in range(dim))
    given = checked_matrices(samples, "h_k", f"(..., {directions}, n, n)")
    where = own_positions(h_k, positions, given.shape[-1], dim)
    if not own:
        every = tuple(range(-dim, 0))
        given = given if where is None else in_periodic_gauge(given, where, every)
        jumping(given, every, "h_k", positions_given=where is not None)
        _require_open(given, every)
    # of any unit of energy: quotients of the smallest numbers would overflow
    points = math.prod(given.shape[-dim - 2 : -2])
    scaled, _ = divide_out(given.reshape(-1, points, *given.shape[-2:]))
    h: NDArray[np.complex128] = scaled.reshape(given.shape)
    low, high = _validation.band_group(bands, n_occupied, h.shape[-1])
    energy, states = eigh_batch(h)
    others = np.r_[0:low, high : h.shape[-1]]
    step = energy[..., None, others] - energy[..., low:high, None]
    axes = tuple(range(-dim, 0))
    scale = np.abs(energy).max((*(axis - 1 for axis in axes), -1))
    least = np.abs(step).min((*(axis - 2 for axis in axes), -2, -1))
    bad = np.atleast_1d(least <= TOLERANCE * scale)
    _validation.require_gapped(bad, "quantum_metric")
    full, empty = states[..., low:high].conj().swapaxes(-1, -2), states[..., others]
    mixing = np.stack(
        [full @ _slope(h, axis, dim, where) @ empty / step for axis in range(dim)], axis=-3
    )
    flat = mixing.reshape(*mixing.shape[:-2], -1)
    metric: NDArray[np.float64] = (flat @ flat.conj().swapaxes(-1, -2)).real
    return metric


def _require_open(h: NDArray[np.complex128], axes: tuple[int, ...]) -> None:
    """Refuse grids that hold their first momentum twice: interpolation counts every point."""
    own = tuple(range(h.ndim - 2, h.ndim))
    for axis in axes:
        lines = np.moveaxis(h, axis - 2, 0)
        if repeats_first(lines, own) and not repeats_first(lines[:-1], own):
            raise InputError(
                "Argument `h_k` must not repeat the first momentum at the end, but does along axis"
                f" {axis} of the grid; leave it out, as `topophys.k_grid` does."
            )


def _slope(
    h: NDArray[np.complex128], axis: int, dim: int, positions: NDArray[np.float64] | None
) -> NDArray[np.complex128]:
    """Differentiate H in the atomic gauge, turned back into the periodic one: dH + i [H, r].

    Shapes: `h` (..., n, n), `positions` (n, dim).
    """
    slope = _derivative(h, axis - dim - 2)
    if positions is None:
        return slope
    where = positions[:, axis]
    return slope + 1j * h * (where[None, :] - where[:, None])


def _derivative(h: NDArray[np.complex128], axis: int) -> NDArray[np.complex128]:
    """Differentiate the trigonometric interpolation along a periodic axis."""
    n = h.shape[axis]
    order = np.fft.fftfreq(n, 1.0 / n)
    if n % 2 == 0:
        order[n // 2] = 0.0  # the highest harmonic has no sign: its derivative vanishes on the grid
    shape = [1] * h.ndim
    shape[axis] = n
    slope: NDArray[np.complex128] = np.fft.ifft(
        1j * order.reshape(shape) * np.fft.fft(h, axis=axis), axis=axis
    )
    return slope
