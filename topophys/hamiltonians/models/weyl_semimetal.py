"""Weyl semimetal with two nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys.errors import InputError
from topophys.hamiltonians.models._parameters import real
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["weyl_semimetal"]


def weyl_semimetal(k0: ArrayLike, m: ArrayLike = 1.0) -> TwoBandHamiltonian:
    r"""Weyl semimetal with two nodes, at (0, 0, +-k0).

    .. math::
        d(k) = (\sin k_x, \; \sin k_y, \; m (\cos k_x + \cos k_y - 2) + \cos k_z - \cos k_0)

    Each plane of constant kz away from the nodes is a two-dimensional insulator. The Chern number
    of its lower band over (kx, ky) is +1 for :math:`|k_z| < k_0` and 0 for :math:`|k_z| > k_0`;
    it falls by 1 at :math:`k_z = +k_0` and rises by 1 at :math:`-k_0`, which are the fluxes of the
    Berry curvature of the lower band out of the two nodes. The Hamiltonian in three dimensions is
    gapless, and no gap will be certified.

    Parameters
    ----------
    k0 : array-like of shape (...)
        Position of the nodes, in radians, between 0 and pi.
    m : array-like of shape (...), optional
        How fast the planes become trivial away from kx = ky = 0; at least 1, in units of the
        hopping along z, so that there are no more nodes.

    Returns
    -------
    TwoBandHamiltonian
        Two bands in three dimensions, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, out of range, or the shapes do not broadcast.

    References
    ----------
    .. [1] X. Wan, A. M. Turner, A. Vishwanath, S. Y. Savrasov, Phys. Rev. B 83, 205101 (2011).
    .. [2] N. P. Armitage, E. J. Mele, A. Vishwanath, Rev. Mod. Phys. 90, 015001 (2018).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.weyl_semimetal(np.pi / 3)
    >>> plane = np.concatenate([tp.k_grid(24, 2), np.full((24, 24, 1), 0.5)], axis=-1)
    >>> int(tp.chern_number_from_d(h.d(plane))), str(tp.certify_gap(h, max_depth=6).status)
    (1, 'unresolved')
    """
    k0, m = real(k0=k0, m=m)
    if not ((k0 > 0) & (k0 < np.pi)).all():
        raise InputError("Argument `k0` must be between 0 and pi, end points excluded, but is not.")
    if not (m >= 1).all():
        raise InputError(f"Argument `m` must be at least 1, but goes down to {m.min()}.")
    x, y, z = np.eye(3)
    slope = 0.5 * m[..., None] * z
    return TwoBandHamiltonian(
        {
            (0, 0, 0): (-2.0 * m - np.cos(k0))[..., None] * z,
            (1, 0, 0): slope - 0.5j * x,
            (0, 1, 0): slope - 0.5j * y,
            (0, 0, 1): 0.5 * z,
        }
    )
