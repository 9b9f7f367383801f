"""Creutz ladder."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.models._parameters import real

__all__ = ["creutz"]


def creutz(m: ArrayLike, t: ArrayLike, r: ArrayLike) -> ChiralHamiltonian:
    r"""Creutz ladder with half a flux quantum through each square.

    Two legs with hoppings :math:`\pm i t`, diagonals r and rungs m:

    .. math:: H_\mathrm{legs}(k) = 2 t \sin k \, \sigma_z + (m + 2 r \cos k) \, \sigma_x

    It anticommutes with :math:`\sigma_y`. In the eigenvectors :math:`(1, i)/\sqrt2` and
    :math:`(i, 1)/\sqrt2` of :math:`\sigma_y` as basis,

    .. math:: D(k) = m + 2 r \cos k + 2 i t \sin k = m + (r + t) e^{ik} + (r - t) e^{-ik}

    Phase diagram: :math:`\nu = \mathrm{sign}(r t)` for :math:`|m| < 2 |r|`, 0 for
    :math:`|m| > 2 |r|`; gapless at :math:`|m| = 2 |r|`, and for t = 0 also below. Both bands are
    flat for m = 0, :math:`|t| = |r|`.

    Parameters
    ----------
    m : array-like of shape (...)
        Hopping along the rungs, in units of energy.
    t : array-like of shape (...)
        Hopping along the legs.
    r : array-like of shape (...)
        Hopping along the diagonals.

    Returns
    -------
    ChiralHamiltonian
        Two bands, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] M. Creutz, Phys. Rev. Lett. 83, 2636 (1999).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_winding(tp.models.creutz([0.5, 3.0], 1.0, [1.0, 1.0])).value
    array([1, 0])
    """
    m, t, r = real(m=m, t=t, r=r)
    coefficients = np.stack([r - t, m, r + t], axis=-1)
    return ChiralHamiltonian.from_array(-1, coefficients[..., None, None])
