"""Kitaev chain, a superconductor of spinless electrons."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.models._parameters import real

__all__ = ["kitaev_chain"]


def kitaev_chain(mu: ArrayLike, t: ArrayLike, delta: ArrayLike) -> ChiralHamiltonian:
    r"""Kitaev chain with real pairing, in the basis in which its chiral symmetry is diagonal.

    .. math::
        \mathcal{H} = \sum_j \left[ -\mu\, c_j^\dagger c_j - t\, (c_j^\dagger c_{j+1} + h.c.)
        + \Delta\, (c_j c_{j+1} + h.c.) \right]
        = \tfrac12 \sum_k \Psi_k^\dagger H_\mathrm{BdG}(k) \Psi_k + \text{const.}, \qquad
        \Psi_k = (c_k, c_{-k}^\dagger)

    with :math:`H_\mathrm{BdG} = (-\mu - 2 t \cos k)\, \tau_z + 2 \Delta \sin k \, \tau_y`. It
    anticommutes with :math:`\tau_x`, whose eigenvectors :math:`(1, -1)/\sqrt2` and
    :math:`(1, 1)/\sqrt2` are the new basis:

    .. math::
        D(k) = -\mu - 2 t \cos k - 2 i \Delta \sin k
        = -\mu - (t + \Delta) e^{ik} - (t - \Delta) e^{-ik}

    Phase diagram: :math:`\nu = \mathrm{sign}(t \Delta)` for :math:`|\mu| < 2 |t|`, 0 for
    :math:`|\mu| > 2 |t|`; gapless at :math:`|\mu| = 2 |t|`, and for :math:`\Delta = 0` also below.

    Parameters
    ----------
    mu : array-like of shape (...)
        Chemical potential, in units of energy.
    t : array-like of shape (...)
        Hopping.
    delta : array-like of shape (...)
        Pairing amplitude.

    Returns
    -------
    ChiralHamiltonian
        Two bands (of particles and holes), batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] A. Yu. Kitaev, Phys.-Usp. 44, 131 (2001).
    .. [2] J. Alicea, Rep. Prog. Phys. 75, 076501 (2012).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_winding(tp.models.kitaev_chain([0.5, 2.5], 1.0, 0.7)).value
    array([1, 0])
    """
    mu, t, delta = real(mu=mu, t=t, delta=delta)
    coefficients = np.stack([delta - t, -mu, -t - delta], axis=-1)
    return ChiralHamiltonian.from_array(-1, coefficients[..., None, None])
