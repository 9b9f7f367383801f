"""Wilson loops, Berry phases and hybrid Wannier centres of sampled Bloch matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, SampledLike
from topophys._validation import Bands
from topophys.errors import InputError, ShapeError
from topophys.invariants._cells import HERMITIAN, eigh_batch
from topophys.invariants._samples import (
    Positions,
    bloch_samples,
    hamiltonian_axis,
    in_periodic_gauge,
    jumping,
    momenta,
    own_positions,
)

__all__ = [
    "Frames",
    "berry_phase",
    "centres_of",
    "frames_of",
    "loop_frames",
    "polarization",
    "transport",
    "unitary_links",
    "wannier_centres",
    "wilson_loop",
    "zak_phase",
]


# ---------------------- Occupied frames along closed loops, parallel transport, and its eigenphases

#: Relative gap, and smallest singular value of an overlap, below which a loop counts as gapless.
TOLERANCE: Final = 1e-12
TINY: Final = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class Frames:
    """States of a group of bands with what says how far they are from the others.

    Attributes
    ----------
    frame : complex128 ndarray of shape (..., n, m)
        Orthonormal states as columns, in any gauge.
    energy : float64 ndarray of shape (..., n)
        Energies in ascending order.
    gap : float64 ndarray of shape (...)
        Direct gap around the m bands.
    """

    frame: NDArray[np.complex128]
    energy: NDArray[np.float64]
    gap: NDArray[np.float64]

    def closes(self, tolerance: float, n_axes: int) -> NDArray[np.bool_]:
        """Whether the gap closes somewhere on the last `n_axes` axes of momenta.

        Shapes: returns (...).
        """
        own = tuple(range(-n_axes, 0))
        scale = np.abs(self.energy).max((*(a - 1 for a in own), -1))
        return np.asarray(self.gap.min(own) <= tolerance * scale)


def frames_of(h: NDArray[np.complex128], high: int, low: int = 0) -> Frames:
    """Diagonalise Hermitian matrices; frames of the bands [low, high), the gaps around them.

    Shapes: `h` (..., n, n).
    """
    energy, states = eigh_batch(h)
    return Frames(
        np.ascontiguousarray(states[..., low:high]), energy, gap_around(energy, low, high)
    )


def gap_around(energy: NDArray[np.float64], low: int, high: int) -> NDArray[np.float64]:
    """Smaller one of the direct gaps below and above the bands [low, high).

    Shapes: `energy` (..., n) ascending; returns (...).
    """
    edges = [edge for edge in (low, high) if 0 < edge < energy.shape[-1]]
    gaps = [energy[..., edge] - energy[..., edge - 1] for edge in edges]
    return gaps[0] if len(gaps) == 1 else np.minimum(*gaps)


def checked_matrices(h_k: ArrayLike, name: str, shape: str) -> NDArray[np.complex128]:
    """Check that an argument holds Hermitian matrices of at least two bands.

    Shapes: `h_k` (..., n, n); returns (..., n, n).
    """
    h = _validation.as_complex(h_k, name, shape)
    if h.shape[-1] < 2:
        raise InputError(f"Argument `{name}` must have at least two bands, but has one.")
    _validation.require_hermitian(h, name, HERMITIAN)
    return h


def loop_frames(
    h_k: ArrayLike | FourierLike | SampledLike,
    choice: tuple[int | None, Bands | None],
    axis: int,
    grid: int | tuple[int, ...] | None,
    positions: Positions,
    *,
    periodic: bool = True,
) -> tuple[Frames, NDArray[np.float64] | None]:
    """Frames of Bloch matrices with the loop direction moved behind the others.

    Shapes: `h_k` (..., n, n); returns frames, and the positions (n,) along the loop or None.
    """
    n_occupied, bands = choice
    samples, filled = bloch_samples(h_k, grid, n_occupied, "h_k", bands=bands)
    dim, axis = momenta(h_k), hamiltonian_axis(h_k, axis)
    h = checked_matrices(samples, "h_k", "(..., N, n, n)")
    low, high = _validation.band_group(bands, filled, h.shape[-1])
    n_axes = h.ndim - 2
    direction = _validation.integer(axis, "axis")
    if not -n_axes <= direction < n_axes:
        raise ShapeError(
            f"Argument `axis` must be one of the {n_axes} axes before the band axes, but is {axis}."
        )
    where = _along(own_positions(h_k, positions, h.shape[-1], dim or 1), direction, dim)
    h = np.moveaxis(h, direction % n_axes, n_axes - 1)
    if not dim:
        h = h if where is None else in_periodic_gauge(h, where[:, None], (-1,))
        if periodic:
            # the next axis is that of the lines of a map, or of a batch of chains
            jumping(h, (-1,), "h_k", lead=max(n_axes - 2, 0), positions_given=where is not None)
    return frames_of(h, high, low), where


def _along(
    positions: NDArray[np.float64] | None, direction: int, dim: int
) -> NDArray[np.float64] | None:
    """Positions (n,) along the loop, of those (n, dim) in all directions."""
    if positions is None:
        return None
    return positions[:, direction % dim if dim else 0]


def unitary_links(
    frame: NDArray[np.complex128], positions: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Unitary parts of the overlaps of neighbours on closed loops.

    Orbitals at other positions than the origin of their cell turn by exp(-i k.r), the same from
    each point of a uniform grid to the next.

    Shapes: `frame` (..., N, n, m), `positions` (n,); returns `links` (..., N, m, m), `overlap`
    (..., N).
    """
    ahead = np.roll(frame, -1, axis=-3)
    if positions is not None:
        ahead = np.exp(-2j * np.pi * positions / frame.shape[-3])[:, None] * ahead
    overlap = frame.conj().swapaxes(-1, -2) @ ahead
    if frame.shape[-1] == 1:
        size = np.abs(overlap)
        return overlap / size.clip(TINY), size[..., 0, 0]
    left, sigma, right = np.linalg.svd(overlap)
    links: NDArray[np.complex128] = left @ right
    return links, sigma[..., -1]


def transport(links: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Product of the links of each loop, in the order of the loop.

    Shapes: `links` (..., N, m, m); returns (..., m, m).
    """
    while links.shape[-3] > 1:
        pairs = links.shape[-3] // 2
        done = links[..., 0 : 2 * pairs : 2, :, :] @ links[..., 1 : 2 * pairs : 2, :, :]
        links = np.concatenate([done, links[..., 2 * pairs :, :, :]], axis=-3)
    return links[..., 0, :, :]


def centres_of(loop: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Sorted eigenphases of Wilson loops, as positions in the cell.

    Shapes: `loop` (..., m, m); returns (..., m).
    """
    phase = np.angle(loop[..., 0]) if loop.shape[-1] == 1 else np.angle(np.linalg.eigvals(loop))
    centre = -phase / (2.0 * np.pi)
    return np.sort(np.where(centre <= -0.5, centre + 1.0, centre), axis=-1)


# ------------------------------------- Wilson loops of the occupied bands of sampled Bloch matrices


def wilson_loop(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    axis: int = -1,
    grid: int | tuple[int, ...] | None = None,
    positions: Positions = "own",
) -> Complex[np.ndarray, "... m m"]:
    r"""Wilson loop of the occupied bands along a closed direction of the grid.

    .. math:: W = U_0 U_1 \cdots U_{N-1}, \qquad
        U_j = \mathrm{polar}[V(k_j)^\dagger V(k_{j+1})], \qquad k_N = k_0

    with V(k) the frame of the m occupied states; each overlap is replaced by the unitary matrix
    nearest to it. In the limit of a fine grid W is the path-ordered exponential of
    :math:`-i \oint A \, \mathrm{d}k`, :math:`A = i V^\dagger \partial_k V`, and its eigenvalues
    are :math:`e^{-2\pi i x_n}` with the Wannier charge centres :math:`x_n`. A change of gauge
    conjugates W by a unitary matrix: eigenvalues, trace and determinant are gauge invariant, for
    degenerate bands as well.

    Parameters
    ----------
    h_k : array-like of shape (..., N, n, n), or Hamiltonian
        Bloch matrices, along `axis` on the periodic grid of `topophys.k_grid`; or Hamiltonians, to
        be sampled on `grid`.
    n_occupied : int, optional
        Number m of occupied bands; that of the Hamiltonian where not given. Samples have none, and
        need it if there are more than two bands.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of m neighbouring bands, counted from 0, such as
        ``range(2, 4)``. It must be apart from the bands below and above.
    axis : int, optional
        Loop direction: of samples among the axes before the two band axes, of a Hamiltonian among
        its directions (0 is k_x). The last of them where not given.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.
    positions : array-like, "own" or None, optional
        Positions of the orbitals in units of the primitive vectors, which Zak phases and centres
        then refer to. "own" takes those of a Hamiltonian, where it has any; None puts all at the
        origin of the cell. Of a Hamiltonian (n, dim). Of samples (n,) along the loop: it says that
        the phases of `h_k` contain them, :math:`H_{ij}(k) e^{-i k (r_i - r_j)}` (atomic gauge).

    Returns
    -------
    complex128 ndarray of shape (..., m, m)
        Unitary matrices, one for each loop; the loop axis is gone.

    Raises
    ------
    ShapeError, InputError
        If `h_k` has other axes, is not finite, not Hermitian or not periodic, or `grid` does not
        fit.
    GaplessError
        If the bands touch others on a loop, or neighbouring spaces are orthogonal.

    References
    ----------
    .. [1] F. Wilczek, A. Zee, Phys. Rev. Lett. 52, 2111 (1984).
    .. [2] A. Alexandradinata, X. Dai, B. A. Bernevig, Phys. Rev. B 89, 155114 (2014).

    Examples
    --------
    >>> import topophys as tp
    >>> loops = wilson_loop(tp.models.qwz(-1.0), grid=(8, 40))
    >>> loops.shape, bool(np.allclose(np.abs(loops), 1.0))
    ((8, 1, 1), True)
    """
    return loops_or_raise(h_k, (n_occupied, bands), axis, "wilson_loop", grid, positions)


def loops_or_raise(
    h_k: ArrayLike | FourierLike | SampledLike,
    choice: tuple[int | None, Bands | None],
    axis: int,
    name: str,
    grid: int | tuple[int, ...] | None = None,
    positions: Positions = None,
) -> NDArray[np.complex128]:
    """Wilson loops of sampled Bloch matrices, refused where the gap closes.

    Shapes: returns (..., m, m).
    """
    # a closed path need not go across the zone, nor step evenly
    periodic = name != "berry_phase"
    states, where = loop_frames(h_k, choice, axis, grid, positions, periodic=periodic)
    links, overlap = unitary_links(states.frame, where)
    bad = np.atleast_1d(states.closes(TOLERANCE, 1) | (overlap <= TOLERANCE).any(-1))
    _validation.require_gapped(bad, name)
    return transport(links)


# ------------------------------------------ Hybrid Wannier charge centres of sampled Bloch matrices


def wannier_centres(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    axis: int = -1,
    grid: int | tuple[int, ...] | None = None,
    positions: Positions = "own",
) -> Float[np.ndarray, "... m"]:
    r"""Wannier charge centres along one direction, at each momentum across it.

    .. math:: x_n = -\frac{1}{2\pi} \arg \mathrm{eig}_n W, \qquad
        \sum_n x_n = \frac{1}{2\pi} \oint \mathrm{tr} A \, \mathrm{d}k \pmod 1

    with W from `wilson_loop`: positions, in lattice constants, of the maximally localised hybrid
    Wannier functions. Orbitals sit at `positions`, or at the origin of their cell where there are
    none. Around the zone the sum of the centres along y turns by +C as k_x grows, that along x by
    -C as k_y grows.

    Parameters
    ----------
    h_k, n_occupied, bands, axis, grid, positions
        As for `wilson_loop`.

    Returns
    -------
    float64 ndarray of shape (..., m)
        Centres in (-1/2, 1/2], in ascending order; the loop axis is gone.

    Raises
    ------
    ShapeError, InputError, GaplessError
        As `wilson_loop`.

    References
    ----------
    .. [1] N. Marzari, D. Vanderbilt, Phys. Rev. B 56, 12847 (1997).
    .. [2] A. A. Soluyanov, D. Vanderbilt, Phys. Rev. B 83, 035108 (2011).

    Examples
    --------
    >>> import topophys as tp
    >>> abs(wannier_centres(tp.models.ssh([0.5, 2.0], 1.0), grid=64)).round(12)
    array([[0.5],
           [0. ]])
    """
    loops = loops_or_raise(h_k, (n_occupied, bands), axis, "wannier_centres", grid, positions)
    return centres_of(loops)


# ----------------------- Berry phase of the occupied bands around closed paths, and across the zone


def berry_phase(
    h_path: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    grid: int | tuple[int, ...] | None = None,
) -> Float[np.ndarray, "..."]:
    r"""Berry phase of the occupied bands around a closed path of Bloch matrices.

    .. math:: \gamma = -\arg \prod_j \det[V(k_j)^\dagger V(k_{j+1})]
        \;\to\; \oint \mathrm{tr} A \cdot \mathrm{d}k, \qquad A = i V^\dagger \nabla_k V

    Around the boundary of a region, taken anticlockwise, it is the flux of the Berry curvature
    through the region, modulo 2 pi.

    Parameters
    ----------
    h_path : array-like of shape (..., N, n, n), or Hamiltonian
        Bloch matrices in the order of the path. The last is joined to the first; to repeat the
        first at the end does no harm. Of a Hamiltonian: across the zone along its last direction,
        as `zak_phase`.
    n_occupied : int, optional
        Number of occupied bands; that of the Hamiltonian where not given. Samples have none, and
        need it if there are more than two bands.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of bands, as for `wilson_loop`.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.

    Returns
    -------
    float64 ndarray of shape (...)
        Phase in radians, in (-pi, pi], defined modulo 2 pi.

    Raises
    ------
    ShapeError, InputError
        If `h_path` has other axes, is not finite or not Hermitian, or `grid` does not fit.
    GaplessError
        If occupied and empty bands touch on the path.

    References
    ----------
    .. [1] M. V. Berry, Proc. R. Soc. Lond. A 392, 45 (1984).
    .. [2] R. D. King-Smith, D. Vanderbilt, Phys. Rev. B 47, 1651 (1993).

    Examples
    --------
    A circle around a Dirac point of graphene picks up pi:

    >>> import topophys as tp
    >>> angle = np.linspace(0.0, 2.0 * np.pi, 100, endpoint=False)
    >>> circle = np.stack([np.cos(angle), np.sin(angle)], -1)
    >>> dirac = np.einsum("ki,iab->kab", circle, [[[0, 1], [1, 0]], [[0, -1j], [1j, 0]]])
    >>> round(abs(float(berry_phase(dirac))) / np.pi, 9)
    1.0
    """
    return _phase(h_path, (n_occupied, bands), -1, "berry_phase", grid, None)


def zak_phase(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    axis: int = -1,
    grid: int | tuple[int, ...] | None = None,
    positions: Positions = "own",
) -> Float[np.ndarray, "..."]:
    r"""Zak phase: Berry phase of the occupied bands across the Brillouin zone.

    .. math:: \gamma = \oint_{-\pi}^{\pi} \mathrm{tr} A(k) \, \mathrm{d}k = 2\pi \sum_n x_n
        \pmod{2\pi}

    The polarisation of the occupied bands is :math:`-e \gamma / 2\pi`; `polarization` adds that of
    the ions. It refers to orbitals at `positions`, or all at the origin of the cell where there are
    none; other positions shift it. For a chiral chain with winding number nu, and orbitals at the
    origin, it is pi nu modulo 2 pi.

    Parameters
    ----------
    h_k : array-like of shape (..., N, n, n), or Hamiltonian
        Bloch matrices, along `axis` on the periodic grid of `topophys.k_grid`; or Hamiltonians, to
        be sampled on `grid`.
    n_occupied : int, optional
        Number of occupied bands; that of the Hamiltonian where not given. Samples have none, and
        need it if there are more than two bands.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of bands, as for `wilson_loop`.
    axis : int, optional
        Direction: of samples among the axes before the two band axes, of a Hamiltonian among
        its directions (0 is k_x). The last of them where not given.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.
    positions : array-like, "own" or None, optional
        Positions of the orbitals, as for `wilson_loop`.

    Returns
    -------
    float64 ndarray of shape (...)
        Phase in radians, in (-pi, pi], defined modulo 2 pi.

    Raises
    ------
    ShapeError, InputError, GaplessError
        As `wilson_loop`.

    References
    ----------
    .. [1] J. Zak, Phys. Rev. Lett. 62, 2747 (1989).
    .. [2] R. D. King-Smith, D. Vanderbilt, Phys. Rev. B 47, 1651 (1993).

    Examples
    --------
    >>> import topophys as tp
    >>> abs(zak_phase(tp.models.ssh([0.5, 2.0], 1.0), grid=64)).round(9) / np.pi
    array([1., 0.])
    """
    return _phase(h_k, (n_occupied, bands), axis, "zak_phase", grid, positions)


def _phase(
    h_k: ArrayLike | FourierLike | SampledLike,
    choice: tuple[int | None, Bands | None],
    axis: int,
    name: str,
    grid: int | tuple[int, ...] | None,
    positions: Positions,
) -> NDArray[np.float64]:
    loops = loops_or_raise(h_k, choice, axis, name, grid, positions)
    phase = -np.angle(np.linalg.det(loops))
    return np.asarray(np.where(phase <= -np.pi, np.pi, phase))


# --------------------------------------------------- Polarisation of electrons and ions of a chain


def polarization(
    H: FourierLike | SampledLike,
    *,
    charges: ArrayLike,
    grid: int | tuple[int, ...],
    n_occupied: int | None = None,
    bands: Bands | None = None,
    axis: int = -1,
    positions: Positions = "own",
    ion_positions: ArrayLike | None = None,
    spin_degenerate: bool = False,
) -> Float[np.ndarray, "..."]:
    r"""Polarisation along one direction: of the ions, and of the electrons by their Zak phase.

    .. math:: P = \sum_i Z_i \, r_i - g \, \frac{\gamma}{2\pi} \pmod{g}, \qquad
        \sum_i Z_i = g \, n_\mathrm{occupied}

    in units of the elementary charge times the primitive vector (per length, area or volume of the
    cell across it), with g = 2 electrons in each band where `spin_degenerate`. Only differences,
    and P modulo g, have a meaning.

    Parameters
    ----------
    H : Hamiltonian
        A Hamiltonian, or a batch.
    charges : array-like of shape (n_ions,)
        Charges of the ions, in units of e > 0; neutral together with the electrons.
    grid : int or tuple of int
        Number of k points in each direction.
    n_occupied, bands, axis, positions
        As for `zak_phase`; there must be positions.
    ion_positions : array-like of shape (n_ions, dim), optional
        Where the ions are, in units of the primitive vectors; at the orbitals where not given.
    spin_degenerate : bool, optional
        Whether each band holds two electrons.

    Returns
    -------
    float64 ndarray of shape (...)
        In (-g/2, g/2], with the axes across the loop; values within 1e-9 of the edge count as g/2.

    Raises
    ------
    InputError
        If there are no positions, or the cell is not neutral.
    ShapeError, GaplessError
        As `zak_phase`.

    References
    ----------
    .. [1] R. D. King-Smith, D. Vanderbilt, Phys. Rev. B 47, 1651 (1993).
    .. [2] R. Resta, D. Vanderbilt, in *Physics of Ferroelectrics*, Springer (2007), p. 31.

    Examples
    --------
    The two phases of the SSH chain, its sites half a cell apart, differ by half a charge:

    >>> import topophys as tp
    >>> chain = tp.models.ssh([2.0, 1.0], [1.0, 2.0]).with_geometry(positions=[[0.0], [0.5]])
    >>> polarization(chain, charges=[0.5, 0.5], grid=64).round(12) + 0.0
    array([0. , 0.5])
    """
    dim = momenta(H)
    if not dim:
        raise InputError(
            f"Argument `H` must be a Hamiltonian, but is {_validation.short(H)}; of samples, take"
            " `zak_phase` with `positions`."
        )
    system: Any = H
    n_bands = int(system.n_bands)
    at = own_positions(system, positions, n_bands, dim)
    if at is None:
        raise InputError(
            "Argument `positions` must be given, (n, dim) in units of the primitive vectors,"
            " because the Hamiltonian has none."
        )
    own = n_occupied is None and bands is None
    low, high = _validation.band_group(bands, H.n_occupied if own else n_occupied, n_bands)
    held = 2 if spin_degenerate else 1
    ions = _validation.as_real(charges, "charges", "(..., n_ions)")
    where = at if ion_positions is None else _validation.as_real(
        ion_positions, "ion_positions", f"(..., n_ions, {dim})")  # fmt: skip
    if ions.shape != (len(where),):
        raise ShapeError(
            f"Argument `charges` must hold a charge for each of the {len(where)} ions, but has"
            f" shape {ions.shape}."
        )
    electrons = held * (high - low)
    if abs(ions.sum() - electrons) > 1e-9 * electrons:
        raise InputError(
            f"Argument `charges` must add up to the {electrons} electrons of the cell, but add up"
            f" to {ions.sum():g}."
        )
    phase = zak_phase(H, n_occupied=n_occupied, bands=bands, axis=axis, grid=grid, positions=at)
    total = ions @ where[:, axis % dim if axis >= 0 else axis] - held * phase / (2.0 * np.pi)
    folded = total - held * np.rint(total / held)
    return np.asarray(np.where(folded <= -0.5 * held + 1e-9, folded + held, folded))
