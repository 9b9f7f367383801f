"""Su-Schrieffer-Heeger chain."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys.hamiltonians.chiral import ChiralHamiltonian

__all__ = ["ssh"]


def ssh(t1: ArrayLike, t2: ArrayLike, t3: ArrayLike = 0.0) -> ChiralHamiltonian:
    r"""Su-Schrieffer-Heeger chain, extended by a hopping across two cells.

    .. math:: D(k) = t_1 + t_2 e^{ik} + t_3 e^{2ik}

    Phase diagram for :math:`t_3 = 0`: winding number 1 for :math:`|t_2| > |t_1|`, 0 for
    :math:`|t_2| < |t_1|`, gapless in between. It is 2 where :math:`|t_3| > |t_1| + |t_2|`.

    Parameters
    ----------
    t1, t2, t3 : array-like of shape (...)
        Hoppings inside the cell, to the next cell and to the one after, in units of energy;
        arrays make a batch.

    Returns
    -------
    ChiralHamiltonian
        Two bands, batch axes as the parameters broadcast.

    References
    ----------
    .. [1] W. P. Su, J. R. Schrieffer, A. J. Heeger, Phys. Rev. Lett. 42, 1698 (1979).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_winding(tp.models.ssh(1.0, [0.5, 2.0])).value
    array([0, 1])
    """
    return ChiralHamiltonian(
        {n: np.asarray(t, dtype=np.complex128)[..., None, None] for n, t in enumerate((t1, t2, t3))}
    )
