"""Qi-Wu-Zhang model of a Chern insulator."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys.hamiltonians.models._parameters import real
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["qwz"]


def qwz(m: ArrayLike) -> TwoBandHamiltonian:
    r"""Qi-Wu-Zhang model on the square lattice.

    .. math:: d(k) = (\sin k_x, \; \sin k_y, \; m + \cos k_x + \cos k_y)

    Phase diagram: Chern number of the lower band +1 for :math:`-2 < m < 0`, -1 for
    :math:`0 < m < 2`, 0 for :math:`|m| > 2`; gapless at m = -2, 0, 2.

    Parameters
    ----------
    m : array-like of shape (...)
        Mass, in units of the hopping; an array makes a batch.

    Returns
    -------
    TwoBandHamiltonian
        Two bands in two dimensions, batch axes as `m`.

    References
    ----------
    .. [1] X.-L. Qi, Y.-S. Wu, S.-C. Zhang, Phys. Rev. B 74, 085308 (2006).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_chern(tp.models.qwz([-3.0, -1.0, 1.0, 3.0])).value
    array([ 0,  1, -1,  0])
    """
    (mass,) = real(m=m)
    return TwoBandHamiltonian(
        {
            (0, 0): mass[..., None] * np.array([0.0, 0.0, 1.0]),
            (1, 0): [-0.5j, 0.0, 0.5],
            (0, 1): [0.0, -0.5j, 0.5],
        }
    )
