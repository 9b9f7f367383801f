"""Haldane model on the honeycomb lattice."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys.hamiltonians.models._parameters import real
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["haldane"]


def haldane(m: ArrayLike, t2: ArrayLike, phi: ArrayLike, t1: ArrayLike = 1.0) -> TwoBandHamiltonian:
    r"""Haldane model: graphene with complex second-neighbour hopping and staggered potential.

    .. math::
        d_x - i d_y &= t_1 (1 + e^{-i k_1} + e^{-i k_2}), \\
        d_z &= m + 2 t_2 \sin\phi \, [\sin k_1 - \sin k_2 - \sin(k_1 - k_2)], \\
        d_0 &= 2 t_2 \cos\phi \, [\cos k_1 + \cos k_2 + \cos(k_1 - k_2)]

    in the coordinates :math:`k_i = k \cdot b_i` of two primitive vectors at 60 degrees, the second
    anticlockwise of the first (periodic gauge).
    Phase diagram: :math:`C = \mathrm{sign}(t_2 \sin\phi)` for
    :math:`|m| < 3\sqrt{3} |t_2 \sin\phi|`, 0 beyond.

    Parameters
    ----------
    m : array-like of shape (...)
        Staggered on-site energy, in the units of `t1`.
    t2 : array-like of shape (...)
        Amplitude of the second-neighbour hopping.
    phi : array-like of shape (...)
        Its phase, in radians.
    t1 : array-like of shape (...), optional
        Nearest-neighbour hopping.

    Returns
    -------
    TwoBandHamiltonian
        Two bands in two dimensions, batch axes as the parameters broadcast.

    References
    ----------
    .. [1] F. D. M. Haldane, Phys. Rev. Lett. 61, 2015 (1988).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_chern(tp.models.haldane(0.1, 0.1, [-np.pi / 2, np.pi / 2])).value
    array([-1,  1])
    """
    m, t2, phi, t1 = (x[..., None] for x in real(m=m, t2=t2, phi=phi, t1=t1))
    x, y, z = np.eye(3)
    hop = 0.5 * t1 * (x + 1j * y)  # t1 e^(-ik): d_x = t1 cos k, d_y = t1 sin k
    turn = -1j * t2 * np.sin(phi) * z  # at -R: -turn makes 2 t2 sin(phi) sin(k.R)
    scalar = (t2 * np.cos(phi))[..., 0]
    return TwoBandHamiltonian(
        {
            (0, 0): m * z + t1 * x,
            (-1, 0): hop - turn,
            (0, -1): hop + turn,
            (1, -1): -turn,
        },
        d0={(1, 0): scalar, (0, 1): scalar, (1, -1): scalar},
    )
