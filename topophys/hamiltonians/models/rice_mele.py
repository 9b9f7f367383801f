"""Rice-Mele chain and its charge pump."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys.hamiltonians.models._parameters import real
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["rice_mele", "rice_mele_pump"]


def rice_mele(t1: ArrayLike, t2: ArrayLike, delta: ArrayLike) -> TwoBandHamiltonian:
    r"""Rice-Mele chain: alternating hoppings and alternating on-site energies.

    .. math:: d_x - i d_y = t_1 + t_2 e^{ik}, \qquad d_z = \Delta

    Without :math:`\Delta` it is the chain of `ssh`, with the same D(k). With it there is no
    chiral symmetry and no winding number; the Zak phase takes any value. The gap is
    :math:`2 \sqrt{(|t_1| - |t_2|)^2 + \Delta^2}`.

    Parameters
    ----------
    t1, t2 : array-like of shape (...)
        Hoppings inside the cell and to the next cell, in units of energy.
    delta : array-like of shape (...)
        Energy of the first site; that of the second is its negative.

    Returns
    -------
    TwoBandHamiltonian
        Two bands in one dimension, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] M. J. Rice, E. J. Mele, Phys. Rev. Lett. 49, 1455 (1982).

    Examples
    --------
    >>> import topophys as tp
    >>> proof = tp.certify_gap(tp.models.rice_mele(1.0, 1.0, [0.0, 0.5]), min_gap=0.99)
    >>> proof.status, bool(0.99 <= proof.gap_lower[1] <= 1.0)
    (array(['unresolved', 'certified'], dtype='<U10'), True)
    """
    t1, t2, delta = (p[..., None] for p in real(t1=t1, t2=t2, delta=delta))
    x, y, z = np.eye(3)
    return TwoBandHamiltonian({(0,): t1 * x + delta * z, (1,): 0.5 * t2 * (x + 1j * y)})


def rice_mele_pump(
    t: ArrayLike, dimer: ArrayLike, delta: ArrayLike, offset: ArrayLike = 0.0
) -> TwoBandHamiltonian:
    r"""Rice-Mele chain driven around its gapless point; the drive is the second momentum.

    .. math::
        d_x - i d_y &= (t + \tau \cos\phi) + (t - \tau \cos\phi) e^{ik}, \\
        d_z &= \Delta_0 + \Delta \sin\phi, \qquad k_1 = k, \; k_2 = \phi

    The Chern number of the lower band over :math:`(k, \phi)` is the charge carried through the
    chain in one cycle. Phase diagram: :math:`C = \mathrm{sign}(t \tau \Delta)` for
    :math:`|\Delta_0| < |\Delta|`, 0 for :math:`|\Delta_0| > |\Delta|`; gapless where t or
    :math:`\tau` is 0 and :math:`|\Delta_0| \le |\Delta|`.

    Parameters
    ----------
    t : array-like of shape (...)
        Mean hopping, in units of energy.
    dimer : array-like of shape (...)
        Amplitude :math:`\tau` of the dimerisation.
    delta : array-like of shape (...)
        Amplitude of the on-site energy.
    offset : array-like of shape (...), optional
        Mean on-site energy :math:`\Delta_0`.

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
    .. [1] D. J. Thouless, Phys. Rev. B 27, 6083 (1983).
    .. [2] D. Xiao, M.-C. Chang, Q. Niu, Rev. Mod. Phys. 82, 1959 (2010).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_chern(tp.models.rice_mele_pump(1.0, 0.4, [0.5, -0.5], [[0.0], [0.6]])).value
    array([[ 1, -1],
           [ 0,  0]])
    """
    t, dimer, delta, offset = (
        p[..., None] for p in real(t=t, dimer=dimer, delta=delta, offset=offset)
    )
    x, y, z = np.eye(3)
    hop = 0.5 * (x + 1j * y)  # H_12 = t e^(ik) needs d_x = t cos k, d_y = -t sin k
    return TwoBandHamiltonian(
        {
            (0, 0): t * x + offset * z,
            (0, 1): 0.5 * dimer * x - 0.5j * delta * z,
            (1, 0): t * hop,
            (1, 1): -0.5 * dimer * hop,
            (1, -1): -0.5 * dimer * hop,
        }
    )
