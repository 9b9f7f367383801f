"""Bernevig-Hughes-Zhang model of a quantum spin Hall insulator."""

from __future__ import annotations

from numpy.typing import ArrayLike

from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.models._parameters import real
from topophys.hamiltonians.models._spin import ONE, X, Y, Z, spin_times

__all__ = ["bhz"]


def bhz(
    m: ArrayLike,
    a: ArrayLike = 1.0,
    b: ArrayLike = 1.0,
    d: ArrayLike = 0.0,
    delta: ArrayLike = 0.0,
) -> FourierHamiltonian:
    r"""Bernevig-Hughes-Zhang model on the square lattice.

    .. math::
        H(k) = \begin{pmatrix} h(k) & 0 \\ 0 & h^*(-k) \end{pmatrix} + \delta\, s_y \sigma_y, \qquad
        h(k) = a (\sin k_x \, \sigma_x + \sin k_y \, \sigma_y)
        + (m - b \kappa) \sigma_z - d \kappa, \\
        \kappa = 2 (2 - \cos k_x - \cos k_y)

    in the basis (E up, H up, E down, H down). Time reversal is
    :math:`T = i s_y K`: :math:`T H(k) T^{-1} = H(-k)`. The term :math:`\delta` breaks
    inversion and the conservation of :math:`s_z`, as in zinc blende.

    Phase diagram for :math:`\delta = 0`: Z2 index 1 for :math:`0 < m / b < 8` except at
    :math:`m / b = 4`, else 0; gapless at :math:`m / b = 0, 4, 8`. The Chern number of the lower
    band of h(k) is :math:`C_\uparrow = +1` for :math:`0 < m/b < 4` and b > 0, -1 for
    :math:`4 < m/b < 8`, and changes sign with b; :math:`C_\downarrow = -C_\uparrow`, so that the
    Chern number of both lower bands is always 0.

    Parameters
    ----------
    m : array-like of shape (...)
        Mass at the centre of the zone, in units of energy.
    a : array-like of shape (...), optional
        Coupling of the orbitals.
    b : array-like of shape (...), optional
        Curvature of the mass.
    d : array-like of shape (...), optional
        Asymmetry of electrons and holes.
    delta : array-like of shape (...), optional
        Inversion asymmetry.

    Returns
    -------
    FourierHamiltonian
        Four bands (two occupied) in two dimensions, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] B. A. Bernevig, T. L. Hughes, S.-C. Zhang, Science 314, 1757 (2006).
    .. [2] M. König *et al.*, J. Phys. Soc. Jpn. 77, 031007 (2008).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.bhz(1.0)
    >>> up = tp.FourierHamiltonian({R: m[:2, :2] for R, m in h.hoppings.items()})
    >>> int(tp.certify_chern(up)), int(tp.certify_chern(h))
    (1, 0)
    """
    m, a, b, d, delta = (p[..., None, None] for p in real(m=m, a=a, b=b, d=d, delta=delta))
    mass, even = spin_times(ONE, Z), spin_times(ONE, ONE)
    # h*(-k) has -sin kx for sin kx in front of sigma_x, and +sin ky in front of sigma_y
    along_x, along_y = spin_times(Z, X), spin_times(ONE, Y)
    same = b * mass + d * even
    return FourierHamiltonian(
        {
            (0, 0): (m - 4 * b) * mass - 4 * d * even + delta * spin_times(Y, Y),
            (1, 0): -0.5j * a * along_x + same,
            (0, 1): -0.5j * a * along_y + same,
        },
        n_occupied=2,
    )
