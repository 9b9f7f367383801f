"""Chern insulator on the checkerboard lattice."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys.hamiltonians.models._parameters import real
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["checkerboard"]


def checkerboard(
    phi: ArrayLike,
    t1: ArrayLike,
    t2: ArrayLike,
    t3: ArrayLike = 0.0,
    m: ArrayLike = 0.0,
    t: ArrayLike = 1.0,
) -> TwoBandHamiltonian:
    r"""Checkerboard lattice with staggered flux, which can have a nearly flat Chern band.

    .. math::
        d_x - i d_y &= -t \, [e^{i\phi} (1 + e^{i(k_x + k_y)}) + e^{-i\phi} (e^{ik_x} + e^{ik_y})],
        \\
        d_z &= m - (t_1 - t_2)(\cos k_x - \cos k_y), \\
        d_0 &= -(t_1 + t_2)(\cos k_x + \cos k_y) - 4 t_3 \cos k_x \cos k_y

    (periodic gauge: the second site of the cell sits at (1/2, 1/2) and carries
    :math:`e^{i(k_x + k_y)/2}`). Phase diagram:
    :math:`C = -\mathrm{sign}[(t_1 - t_2) \sin 2\phi]` for :math:`|m| < 2 |t_1 - t_2|`, 0 for
    :math:`|m| > 2 |t_1 - t_2|`; gapless in between, and inside also for :math:`\sin 2\phi = 0`.
    The upper band is nearly flat at :math:`\phi = \pi/4`, :math:`t_1 = -t_2 = 1/(2 + \sqrt2)`,
    :math:`t_3 = 1/(2 + 2\sqrt2)`, in units of t.

    Parameters
    ----------
    phi : array-like of shape (...)
        Phase of the nearest-neighbour hopping, in radians.
    t1, t2 : array-like of shape (...)
        Second-neighbour hoppings of the first sublattice along x and y; along y and x for the
        second sublattice.
    t3 : array-like of shape (...), optional
        Third-neighbour hopping.
    m : array-like of shape (...), optional
        Staggered on-site energy.
    t : array-like of shape (...), optional
        Nearest-neighbour hopping, in units of energy.

    Returns
    -------
    TwoBandHamiltonian
        Two bands in two dimensions, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] K. Sun, Z. Gu, H. Katsura, S. Das Sarma, Phys. Rev. Lett. 106, 236803 (2011).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_chern(tp.models.checkerboard([0.8, -0.8], 0.3, -0.3, m=[[0.0], [1.5]])).value
    array([[-1,  1],
           [ 0,  0]])
    """
    phi, t1, t2, t3, m, t = real(phi=phi, t1=t1, t2=t2, t3=t3, m=m, t=t)
    x, y, z = np.eye(3)
    hop = 0.5 * (x + 1j * y)
    plus = (-t * np.exp(1j * phi))[..., None] * hop
    minus = (-t * np.exp(-1j * phi))[..., None] * hop
    # the real part at R = 0 is not a pair of coefficients but one: -t e^(i phi) = d_x - i d_y
    origin = np.stack([-t * np.cos(phi), t * np.sin(phi), m], axis=-1)
    stretch = 0.5 * (t1 - t2)[..., None] * z
    return TwoBandHamiltonian(
        {(0, 0): origin, (1, 1): plus, (1, 0): minus - stretch, (0, 1): minus + stretch},
        d0={(1, 0): -0.5 * (t1 + t2), (0, 1): -0.5 * (t1 + t2), (1, 1): -t3, (1, -1): -t3},
    )
