"""Quantum metric of the occupied bands of sampled Bloch matrices."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, SampledLike
from topophys.errors import InputError
from topophys.invariants._eigh import eigh_batch
from topophys.invariants._loops import TOLERANCE, checked_matrices
from topophys.invariants._samples import bloch_samples, momenta
from topophys.invariants._scale import divide_out

__all__ = ["quantum_metric"]


def quantum_metric(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    dim: int | None = None,
    grid: int | tuple[int, ...] | None = None,
) -> Float[np.ndarray, "... i j"]:
    r"""Quantum metric of the occupied bands at each point of the grid.

    .. math:: g_{ij} = \tfrac{1}{2} \mathrm{tr}(\partial_i P \, \partial_j P)
        = \mathrm{Re} \sum_{n \le m < l} \frac{\langle n | \partial_i H | l \rangle
        \langle l | \partial_j H | n \rangle}{(E_l - E_n)^2}

    with P the projector on the m occupied bands: gauge invariant, for degenerate bands too.
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
        Number m of occupied bands; that of the Hamiltonian, or half of the bands, where not given.
    dim : int, optional
        Number of k directions of samples, 2 where not given; a Hamiltonian has its own.
    grid : int or tuple of int, optional
        Number of k points in each direction, for Hamiltonians; one number serves all directions.

    Returns
    -------
    float64 ndarray of shape (..., N_1, ..., N_dim, dim, dim)
        Symmetric, positive semidefinite matrices; dimensionless like k.

    Raises
    ------
    ShapeError, InputError
        If `h_k` has other axes, is not finite or not Hermitian, or `grid` or `dim` does not fit.
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
    h_k, n_occupied = bloch_samples(h_k, grid, n_occupied, "h_k")
    dim = own or (2 if dim is None else _validation.positive_int(dim, "dim"))
    directions = ", ".join(f"N{i}" for i in range(dim))
    given = checked_matrices(h_k, "h_k", f"(..., {directions}, n, n)")
    # of any unit of energy: quotients of the smallest numbers would overflow
    points = math.prod(given.shape[-dim - 2 : -2])
    scaled, _ = divide_out(given.reshape(-1, points, *given.shape[-2:]))
    h: NDArray[np.complex128] = scaled.reshape(given.shape)
    filled = _validation.occupied(n_occupied, h.shape[-1])
    energy, states = eigh_batch(h)
    step = energy[..., None, filled:] - energy[..., :filled, None]
    axes = tuple(range(-dim, 0))
    scale = np.abs(energy).max((*(axis - 1 for axis in axes), -1))
    bad = np.atleast_1d(step.min((*(axis - 2 for axis in axes), -2, -1)) <= TOLERANCE * scale)
    _validation.require_gapped(bad, "quantum_metric")
    full, empty = states[..., :filled].conj().swapaxes(-1, -2), states[..., filled:]
    mixing = np.stack(
        [full @ _derivative(h, axis - dim - 2) @ empty / step for axis in range(dim)], axis=-3
    )
    flat = mixing.reshape(*mixing.shape[:-2], -1)
    metric: NDArray[np.float64] = (flat @ flat.conj().swapaxes(-1, -2)).real
    return metric


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
