"""Two-band models with larger Chern numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys import _checks
from topophys.errors import InputError
from topophys.hamiltonians.models._parameters import real
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["d_wave_chern", "higher_chern"]


def higher_chern(m: ArrayLike, n: int) -> TwoBandHamiltonian:
    r"""Qi-Wu-Zhang model wound n times around the zone.

    .. math:: d(k) = (\sin n k_x, \; \sin k_y, \; m + \cos n k_x + \cos k_y)

    Phase diagram: n times the Chern number of `qwz`: +n for :math:`-2 < m < 0`, -n for
    :math:`0 < m < 2`, 0 for :math:`|m| > 2`; gapless at m = -2, 0, 2.

    Parameters
    ----------
    m : array-like of shape (...)
        Mass, in units of the hopping; an array makes a batch.
    n : int
        How often, not 0; negative numbers turn the other way.

    Returns
    -------
    TwoBandHamiltonian
        Two bands in two dimensions, batch axes as `m`.

    Raises
    ------
    InputError
        If `n` is not an integer or 0, or `m` not real and finite.

    References
    ----------
    .. [1] D. Sticlet, F. Piéchon, J.-N. Fuchs, P. Kalugin, P. Simon, Phys. Rev. B 85,
       165456 (2012).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_chern(tp.models.higher_chern([-1.0, 1.0, 3.0], 3)).value
    array([ 3, -3,  0])
    """
    turns = _checks.integer(n, "n")
    if turns == 0:
        raise InputError("Argument `n` must not be 0, which leaves no dependence on kx.")
    (mass,) = real(m=m)
    return TwoBandHamiltonian(
        {
            (0, 0): mass[..., None] * np.array([0.0, 0.0, 1.0]),
            (turns, 0): [-0.5j, 0.0, 0.5],
            (0, 1): [0.0, -0.5j, 0.5],
        }
    )


def d_wave_chern(m: ArrayLike) -> TwoBandHamiltonian:
    r"""Chern insulator with Chern number 2 from coupling of d-wave form.

    .. math:: d(k) = (\cos k_x - \cos k_y, \; \sin k_x \sin k_y, \; m + \cos k_x + \cos k_y)

    Phase diagram: Chern number of the lower band -2 for :math:`|m| < 2`, 0 for
    :math:`|m| > 2`. At m = -2 and 2 the bands touch quadratically at (0, 0) and
    :math:`(\pi, \pi)`.

    Parameters
    ----------
    m : array-like of shape (...)
        Mass, in units of the hopping; an array makes a batch.

    Returns
    -------
    TwoBandHamiltonian
        Two bands in two dimensions, batch axes as `m`.

    Raises
    ------
    InputError
        If `m` is not real and finite.

    References
    ----------
    .. [1] D. Sticlet, F. Piéchon, J.-N. Fuchs, P. Kalugin, P. Simon, Phys. Rev. B 85,
       165456 (2012).
    .. [2] N. Read, D. Green, Phys. Rev. B 61, 10267 (2000), for the form of the coupling.

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_chern(tp.models.d_wave_chern([-3.0, 0.5])).value
    array([ 0, -2])
    """
    (mass,) = real(m=m)
    return TwoBandHamiltonian(
        {
            (0, 0): mass[..., None] * np.array([0.0, 0.0, 1.0]),
            (1, 0): [0.5, 0.0, 0.5],
            (0, 1): [-0.5, 0.0, 0.5],
            (1, 1): [0.0, -0.25, 0.0],
            (1, -1): [0.0, 0.25, 0.0],
        }
    )
