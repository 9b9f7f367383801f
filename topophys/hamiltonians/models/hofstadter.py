"""Hofstadter model: electrons on the square lattice in a magnetic field."""

from __future__ import annotations

import math

import numpy as np

from topophys import _checks
from topophys.errors import InputError
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["hofstadter"]


def hofstadter(p: int, q: int, *, t: float = 1.0, n_occupied: int = 1) -> FourierHamiltonian:
    r"""Square lattice with p/q flux quanta through each plaquette.

    .. math::
        H(k)_{nn} = -2 t \cos(k_y + 2\pi n p / q), \qquad
        H(k)_{n, n+1} = -t \quad (n < q - 1), \qquad H(k)_{q-1, 0} = -t e^{ik_x}

    for the q sites n of a magnetic cell along x (Landau gauge; kx is the momentum times q lattice
    constants). Chern number of the lowest r bands: :math:`C = \tau`, where
    :math:`r = q \sigma + p \tau` with integers and :math:`|\tau| \le q/2`. For even q the two
    bands in the middle touch, so that r = q/2 is gapless.

    Parameters
    ----------
    p, q : int
        Flux in units of the flux quantum, without common divisor; q is positive.
    t : float, optional
        Hopping, in units of energy.
    n_occupied : int, optional
        Number r of occupied bands.

    Returns
    -------
    FourierHamiltonian
        q bands in two dimensions; a single Hamiltonian.

    Raises
    ------
    InputError
        If p and q are not integers without common divisor, or q is not positive, or `n_occupied`
        is not from 1 to q - 1.

    References
    ----------
    .. [1] D. R. Hofstadter, Phys. Rev. B 14, 2239 (1976).
    .. [2] D. J. Thouless, M. Kohmoto, M. P. Nightingale, M. den Nijs, Phys. Rev. Lett. 49,
       405 (1982).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.hofstadter(1, 3)
    >>> [int(tp.certify_chern(h, n_occupied=r)) for r in (1, 2)]
    [1, -1]
    """
    p, q = _checks.integer(p, "p"), _checks.positive_int(q, "q")
    if math.gcd(p, q) != 1:
        raise InputError(
            f"Arguments `p` and `q` must have no common divisor, but are {p} and {q}; reduce p/q."
        )
    hop = float(_checks.as_real(t, "t", "(...)"))
    # p n is reduced before it meets pi: exact for any p
    phase = np.exp(2j * np.pi * ((p * np.arange(q)) % q) / q)
    around = np.zeros((q, q))
    around[q - 1, 0] = -hop
    return FourierHamiltonian(
        {
            (0, 0): -hop * (np.eye(q, k=1) + np.eye(q, k=-1)),
            (1, 0): around,
            (0, 1): -hop * np.diag(phase),
        },
        n_occupied=None if q == 1 else n_occupied,
    )
