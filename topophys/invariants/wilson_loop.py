"""Wilson loops of the occupied bands of sampled Bloch matrices."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, SampledLike
from topophys.invariants._loops import TOLERANCE, loop_frames, transport, unitary_links
from topophys.invariants._samples import bloch_samples, hamiltonian_axis

__all__ = ["wilson_loop"]


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

    Parameters
    ----------
    h_k, n_occupied, axis
        As for `wilson_loop`.
    name : str
        Quantity that was asked for, for the message.
    grid : int or tuple of int, optional
        As for `wilson_loop`.

    Returns
    -------
    complex128 ndarray of shape (..., m, m)
        Unitary matrices.

    Raises
    ------
    GaplessError
        As for `wilson_loop`.
    """
    samples, filled = bloch_samples(h_k, grid, n_occupied, "h_k")
    states = loop_frames(samples, filled, hamiltonian_axis(h_k, axis))
    links, overlap = unitary_links(states.frame)
    bad = np.atleast_1d(states.closes(TOLERANCE, 1) | (overlap <= TOLERANCE).any(-1))
    _validation.require_gapped(bad, name)
    return transport(links)
