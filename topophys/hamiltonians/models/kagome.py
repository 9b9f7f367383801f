"""Kagome lattice with flux through its triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.models._parameters import real

__all__ = ["kagome"]


def kagome(phi: ArrayLike, t: ArrayLike = 1.0, *, n_occupied: int = 1) -> FourierHamiltonian:
    r"""Kagome lattice with hopping :math:`t e^{i\phi}` anticlockwise around each triangle.

    .. math::
        H_{AB} = z^* (1 + e^{-ik_1}), \quad H_{BC} = z^* (1 + e^{i(k_1 - k_2)}), \quad
        H_{CA} = z^* (1 + e^{ik_2}), \qquad z = t e^{i\phi}

    in the coordinates :math:`k_i = k \cdot a_i` of two primitive vectors at 60 degrees, the second
    anticlockwise of the first; A sits at 0, B at :math:`a_1 / 2`, C at :math:`a_2 / 2`. The flux is
    :math:`3 \phi` through each triangle and :math:`-6 \phi` through each hexagon: that of spins
    with a chirality, or of spin-orbit coupling.

    Phase diagram: Chern numbers (s, 0, -s) of the three bands from below, with
    :math:`s = \mathrm{sign}(t \sin 3\phi)`; gapless where :math:`\sin 3\phi = 0`.

    Parameters
    ----------
    phi : array-like of shape (...)
        Phase of the hopping, in radians.
    t : array-like of shape (...), optional
        Its amplitude, in units of energy.
    n_occupied : int, optional
        Number of occupied bands, 1 or 2.

    Returns
    -------
    FourierHamiltonian
        Three bands in two dimensions, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] K. Ohgushi, S. Murakami, N. Nagaosa, Phys. Rev. B 62, R6065 (2000).
    .. [2] E. Tang, J.-W. Mei, X.-G. Wen, Phys. Rev. Lett. 106, 236802 (2011).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.kagome([0.3, -0.3])
    >>> tp.certify_chern(h).value, tp.certify_chern(h, n_occupied=2).value
    (array([ 1, -1]), array([ 1, -1]))
    """
    phi, t = real(phi=phi, t=t)
    clockwise = (t * np.exp(-1j * phi))[..., None, None]
    a, b, c = np.eye(3)
    ab, bc, ca = np.outer(a, b), np.outer(b, c), np.outer(c, a)
    inside = clockwise * (ab + bc + ca)
    return FourierHamiltonian(
        {
            (0, 0): inside + np.conj(np.swapaxes(inside, -1, -2)),
            (-1, 0): clockwise * ab,
            (1, -1): clockwise * bc,
            (0, 1): clockwise * ca,
        },
        n_occupied=n_occupied,
    )
