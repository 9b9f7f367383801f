"""Wilson loops, Berry phases and hybrid Wannier centres of sampled Bloch matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, SampledLike
from topophys.errors import InputError, ShapeError
from topophys.invariants._cells import HERMITIAN, eigh_batch
from topophys.invariants._samples import bloch_samples, hamiltonian_axis

__all__ = [
    "Frames",
    "berry_phase",
    "centres_of",
    "frames_of",
    "loop_frames",
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
    """Occupied states with what says how far they are from the empty ones.

    Attributes
    ----------
    frame : complex128 ndarray of shape (..., n, m)
        Orthonormal occupied states as columns, in any gauge.
    energy : float64 ndarray of shape (..., n)
        Energies in ascending order.
    gap : float64 ndarray of shape (...)
        Direct gap above the m occupied bands.
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


def frames_of(h: NDArray[np.complex128], filled: int) -> Frames:
    """Diagonalise Hermitian matrices.

    Shapes: `h` (..., n, n).
    """
    energy, states = eigh_batch(h)
    gap = energy[..., filled] - energy[..., filled - 1]
    return Frames(np.ascontiguousarray(states[..., :filled]), energy, gap)


def checked_matrices(h_k: ArrayLike, name: str, shape: str) -> NDArray[np.complex128]:
    """Check that an argument holds Hermitian matrices of at least two bands.

    Shapes: `h_k` (..., n, n); returns (..., n, n).
    """
    h = _validation.as_complex(h_k, name, shape)
    if h.shape[-1] < 2:
        raise InputError(f"Argument `{name}` must have at least two bands, but has one.")
    scale = np.abs(h).max(initial=0.0)
    off = np.abs(h - h.conj().swapaxes(-1, -2)).max(initial=0.0)
    if off > HERMITIAN * scale:
        raise InputError(
            f"Argument `{name}` must be Hermitian, but deviates by {off:.3g} (largest entry"
            f" {scale:.3g}); pass Bloch matrices, or their Hermitian part."
        )
    return h


def loop_frames(h_k: ArrayLike, n_occupied: int | None, axis: int) -> Frames:
    """Frames of sampled Bloch matrices with the loop direction moved behind the others.

    Shapes: `h_k` (..., n, n).
    """
    h = checked_matrices(h_k, "h_k", "(..., N, n, n)")
    filled = _validation.occupied(n_occupied, h.shape[-1])
    n_axes = h.ndim - 2
    direction = _validation.integer(axis, "axis")
    if not -n_axes <= direction < n_axes:
        raise ShapeError(
            f"Argument `axis` must be one of the {n_axes} axes before the band axes, but is {axis}."
        )
    return frames_of(np.moveaxis(h, direction % n_axes, n_axes - 1), filled)


def unitary_links(
    frame: NDArray[np.complex128],
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Unitary parts of the overlaps of neighbours on closed loops.

    Shapes: `frame` (..., N, n, m); returns `links` (..., N, m, m), `overlap` (..., N).
    """
    overlap = frame.conj().swapaxes(-1, -2) @ np.roll(frame, -1, axis=-3)
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
    axis: int = -1,
    grid: int | tuple[int, ...] | None = None,
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
        Number m of occupied bands; that of the Hamiltonian, or half of the bands, where not given.
    axis : int, optional
        Loop direction: of samples among the axes before the two band axes, of a Hamiltonian among
        its directions (0 is k_x). The last of them where not given.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.

    Returns
    -------
    complex128 ndarray of shape (..., m, m)
        Unitary matrices, one for each loop; the loop axis is gone.

    Raises
    ------
    ShapeError, InputError
        If `h_k` has other axes, is not finite or not Hermitian, or `grid` does not fit.
    GaplessError
        If occupied and empty bands touch on a loop, or neighbouring occupied spaces are
        orthogonal.

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
    return loops_or_raise(h_k, n_occupied, axis, "wilson_loop", grid)


def loops_or_raise(
    h_k: ArrayLike | FourierLike | SampledLike,
    n_occupied: int | None,
    axis: int,
    name: str,
    grid: int | tuple[int, ...] | None = None,
) -> NDArray[np.complex128]:
    """Wilson loops of sampled Bloch matrices, refused where the gap closes.

    Shapes: returns (..., m, m).
    """
    samples, filled = bloch_samples(h_k, grid, n_occupied, "h_k")
    states = loop_frames(samples, filled, hamiltonian_axis(h_k, axis))
    links, overlap = unitary_links(states.frame)
    bad = np.atleast_1d(states.closes(TOLERANCE, 1) | (overlap <= TOLERANCE).any(-1))
    _validation.require_gapped(bad, name)
    return transport(links)


# ------------------------------------------ Hybrid Wannier charge centres of sampled Bloch matrices


def wannier_centres(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    axis: int = -1,
    grid: int | tuple[int, ...] | None = None,
) -> Float[np.ndarray, "... m"]:
    r"""Wannier charge centres along one direction, at each momentum across it.

    .. math:: x_n = -\frac{1}{2\pi} \arg \mathrm{eig}_n W, \qquad
        \sum_n x_n = \frac{1}{2\pi} \oint \mathrm{tr} A \, \mathrm{d}k \pmod 1

    with W from `wilson_loop`: positions, in lattice constants, of the maximally localised hybrid
    Wannier functions. The orbitals of a cell count as sitting at its origin. Around the zone the
    sum of the centres along y turns by +C as k_x grows, that along x by -C as k_y grows.

    Parameters
    ----------
    h_k, n_occupied, axis, grid
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
    return centres_of(loops_or_raise(h_k, n_occupied, axis, "wannier_centres", grid))


# ----------------------- Berry phase of the occupied bands around closed paths, and across the zone


def berry_phase(
    h_path: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
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
        Number of occupied bands; that of the Hamiltonian, or half of the bands, where not given.
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
    return _phase(h_path, n_occupied, -1, "berry_phase", grid)


def zak_phase(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    axis: int = -1,
    grid: int | tuple[int, ...] | None = None,
) -> Float[np.ndarray, "..."]:
    r"""Zak phase: Berry phase of the occupied bands across the Brillouin zone.

    .. math:: \gamma = \oint_{-\pi}^{\pi} \mathrm{tr} A(k) \, \mathrm{d}k = 2\pi \sum_n x_n
        \pmod{2\pi}

    The polarisation of the occupied bands is :math:`-e \gamma / 2\pi`. It refers to orbitals that
    all sit at the origin of the cell; another origin or other positions shift it. For a chiral
    chain with winding number nu it is pi nu modulo 2 pi.

    Parameters
    ----------
    h_k : array-like of shape (..., N, n, n), or Hamiltonian
        Bloch matrices, along `axis` on the periodic grid of `topophys.k_grid`; or Hamiltonians, to
        be sampled on `grid`.
    n_occupied : int, optional
        Number of occupied bands; that of the Hamiltonian, or half of the bands, where not given.
    axis : int, optional
        Direction: of samples among the axes before the two band axes, of a Hamiltonian among
        its directions (0 is k_x). The last of them where not given.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.

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
    return _phase(h_k, n_occupied, axis, "zak_phase", grid)


def _phase(
    h_k: ArrayLike | FourierLike | SampledLike,
    n_occupied: int | None,
    axis: int,
    name: str,
    grid: int | tuple[int, ...] | None,
) -> NDArray[np.float64]:
    loops = loops_or_raise(h_k, n_occupied, axis, name, grid)
    phase = -np.angle(np.linalg.det(loops))
    return np.asarray(np.where(phase <= -np.pi, np.pi, phase))
