"""Kane-Mele model of a quantum spin Hall insulator."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.models._parameters import real
from topophys.hamiltonians.models._spin import ONE, X, Y, Z, spin_times

__all__ = ["kane_mele"]

#: Cell R of each neighbour B of the A site at the origin, and the direction it lies in.
NEIGHBOURS: Final = (
    ((0, 0), (np.sqrt(3) / 2, 0.5)),
    ((-1, 0), (-np.sqrt(3) / 2, 0.5)),
    ((0, -1), (0.0, -1.0)),
)


def kane_mele(
    lambda_so: ArrayLike,
    lambda_v: ArrayLike = 0.0,
    lambda_r: ArrayLike = 0.0,
    t: ArrayLike = 1.0,
) -> FourierHamiltonian:
    r"""Kane-Mele model: graphene with spin-orbit coupling.

    .. math::
        \mathcal{H} = t \sum_{\langle ij \rangle} c_i^\dagger c_j
        + i \lambda_{SO} \sum_{\langle\langle ij \rangle\rangle} \nu_{ij} c_i^\dagger s_z c_j
        + i \lambda_R \sum_{\langle ij \rangle} c_i^\dagger (s \times \hat d_{ij})_z c_j
        + \lambda_v \sum_i \xi_i c_i^\dagger c_i

    with the lattice, the gauge and the coordinates of `haldane`, in the basis (A up, B up, A down,
    B down); :math:`\hat d_{ij}` is the unit vector from j to i. For :math:`\lambda_R = 0` the
    spin-up block is `haldane` with :math:`t_2 = \lambda_{SO}`, :math:`\phi = \pi/2`, the
    spin-down block its time-reversed partner. Time reversal is :math:`T = i s_y K`.

    Phase diagram: for :math:`\lambda_R = 0`, Z2 index 1 for
    :math:`|\lambda_v| < 3\sqrt3 |\lambda_{SO}|`, with :math:`C_\uparrow = -C_\downarrow =
    \mathrm{sign}\,\lambda_{SO}`, else 0. For :math:`\lambda_v = 0`, Z2 index 1 for
    :math:`|\lambda_R| < 2\sqrt3 |\lambda_{SO}|`. Gapless on the lines between.

    Parameters
    ----------
    lambda_so : array-like of shape (...)
        Spin-orbit coupling, in units of energy.
    lambda_v : array-like of shape (...), optional
        Staggered on-site energy.
    lambda_r : array-like of shape (...), optional
        Rashba coupling.
    t : array-like of shape (...), optional
        Nearest-neighbour hopping.

    Returns
    -------
    FourierHamiltonian
        Four bands (two occupied) in two dimensions, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] C. L. Kane, E. J. Mele, Phys. Rev. Lett. 95, 146802 (2005).
    .. [2] C. L. Kane, E. J. Mele, Phys. Rev. Lett. 95, 226801 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.kane_mele(0.1, lambda_v=[0.1, 0.8])
    >>> up = tp.FourierHamiltonian({R: m[..., :2, :2] for R, m in h.hoppings.items()})
    >>> tp.certify_chern(up).value, tp.certify_chern(h).value
    (array([1, 0]), array([0, 0]))
    """
    so, v, r, t = (
        p[..., None, None]
        for p in real(lambda_so=lambda_so, lambda_v=lambda_v, lambda_r=lambda_r, t=t)
    )
    from_b_to_a = np.array([[0, 1], [0, 0]], dtype=np.complex128)
    bonds = {
        # the vector from B to A is the opposite of that to the neighbour
        cell: t * spin_times(ONE, from_b_to_a) - 1j * r * spin_times(d_y * X - d_x * Y, from_b_to_a)
        for cell, (d_x, d_y) in NEIGHBOURS
    }
    turn = 1j * so * spin_times(Z, Z)
    onsite = bonds.pop((0, 0))
    return FourierHamiltonian(
        {
            (0, 0): onsite + np.conj(np.swapaxes(onsite, -1, -2)) + v * spin_times(ONE, Z),
            (-1, 0): bonds[(-1, 0)] + turn,
            (1, 0): np.conj(np.swapaxes(bonds[(-1, 0)] + turn, -1, -2)),
            (0, -1): bonds[(0, -1)] - turn,
            (0, 1): np.conj(np.swapaxes(bonds[(0, -1)] - turn, -1, -2)),
            (1, -1): turn,
        },
        n_occupied=2,
    )
