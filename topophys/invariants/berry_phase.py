"""Berry phase of the occupied bands around closed paths, and across the zone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray

from topophys._typing import FourierLike, SampledLike
from topophys.invariants.wilson_loop import loops_or_raise

__all__ = ["berry_phase", "zak_phase"]


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
