"""Quantum spin Hall insulators: Bernevig-Hughes-Zhang and Kane-Mele."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import PAULI
from topophys.models._parameters import depends, real

__all__ = ["ONE", "X", "Y", "Z", "bhz", "kane_mele", "spin_times"]


# ------------------------------------------------------------- Matrices of spin and of two orbitals

ONE: Final = np.eye(2, dtype=np.complex128)
X, Y, Z = PAULI


def spin_times(
    spin: NDArray[np.complex128], orbital: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Kronecker product in the order (orbitals of spin up, orbitals of spin down).

    Shapes: `spin` and `orbital` (2, 2); returns (4, 4).
    """
    product: NDArray[np.complex128] = np.kron(spin, orbital).astype(np.complex128)
    return product


# ------------------------------------- Bernevig-Hughes-Zhang model of a quantum spin Hall insulator


@depends(m="affine", a="affine", b="affine", d="affine", delta="affine", rashba="affine")
def bhz(
    m: ArrayLike,
    a: ArrayLike = 1.0,
    b: ArrayLike = 1.0,
    d: ArrayLike = 0.0,
    delta: ArrayLike = 0.0,
    rashba: ArrayLike = 0.0,
) -> FourierHamiltonian:
    r"""Bernevig-Hughes-Zhang model on the square lattice.

    .. math::
        H(k) = \begin{pmatrix} h(k) & 0 \\ 0 & h^*(-k) \end{pmatrix} + \delta\, s_y \sigma_y
        + \lambda_R (\sin k_x s_y - \sin k_y s_x) \tfrac{1 + \sigma_z}{2}, \\
        h(k) = a (\sin k_x \, \sigma_x + \sin k_y \, \sigma_y)
        + (m - b \kappa) \sigma_z - d \kappa, \\
        \kappa = 2 (2 - \cos k_x - \cos k_y)

    in the basis (E up, H up, E down, H down). Time reversal is
    :math:`T = i s_y K`: :math:`T H(k) T^{-1} = H(-k)`. The term :math:`\delta` breaks
    inversion and the conservation of :math:`s_z`, as in zinc blende; so does the Rashba coupling
    :math:`\lambda_R` of the electrons, of a field along z.

    Phase diagram for :math:`\delta = 0`: Z2 index 1 for :math:`0 < m / b < 8` except at
    :math:`m / b = 4`, else 0; gapless at :math:`m / b = 0, 4, 8`. The Chern number of the lower
    band of h(k) is :math:`C_\uparrow = +1` for :math:`0 < m/b < 4` and b > 0, -1 for
    :math:`4 < m/b < 8`, and changes sign with b; :math:`C_\downarrow = -C_\uparrow`, so that the
    Chern number of both lower bands is always 0.

    For :math:`d = \delta = 0` and :math:`M = m - b\kappa`, :math:`s^2 = \sin^2 k_x + \sin^2 k_y`,
    the determinant :math:`\prod_\pm (M^2 \pm M \lambda_R s + a^2 s^2)` has no further zeros while
    :math:`|\lambda_R| < 2|a|`, and the Z2 index stays the same.

    Parameters
    ----------
    m : array-like of shape (...)
        Mass at the centre of the Brillouin zone, in units of energy.
    a : array-like of shape (...), optional
        Coupling of the orbitals.
    b : array-like of shape (...), optional
        Curvature of the mass.
    d : array-like of shape (...), optional
        Asymmetry of electrons and holes.
    delta : array-like of shape (...), optional
        Inversion asymmetry.
    rashba : array-like of shape (...), optional
        Rashba coupling :math:`\lambda_R`.

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
    .. [3] D. G. Rothe *et al.*, New J. Phys. 12, 065012 (2010), for the Rashba coupling.

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.bhz(1.0)
    >>> up = tp.FourierHamiltonian({R: m[:2, :2] for R, m in h.hoppings.items()})
    >>> int(tp.certify_chern(up)), int(tp.certify_chern(h))
    (1, 0)
    """
    m, a, b, d, delta, r = (
        p[..., None, None] for p in real(m=m, a=a, b=b, d=d, delta=delta, rashba=rashba)
    )
    electrons = 0.5 * (ONE + Z)
    mass, even = spin_times(ONE, Z), spin_times(ONE, ONE)
    # h*(-k) has -sin kx for sin kx in front of sigma_x, and +sin ky in front of sigma_y
    along_x, along_y = spin_times(Z, X), spin_times(ONE, Y)
    same = b * mass + d * even
    return FourierHamiltonian(
        {
            (0, 0): (m - 4 * b) * mass - 4 * d * even + delta * spin_times(Y, Y),
            (1, 0): -0.5j * (a * along_x + r * spin_times(Y, electrons)) + same,
            (0, 1): -0.5j * (a * along_y - r * spin_times(X, electrons)) + same,
        },
        n_occupied=2,
    )


# ------------------------------------------------- Kane-Mele model of a quantum spin Hall insulator

#: Cell R of each neighbour B of the A site at the origin, and the direction it lies in.
NEIGHBOURS: Final = (
    ((0, 0), (np.sqrt(3) / 2, 0.5)),
    ((-1, 0), (-np.sqrt(3) / 2, 0.5)),
    ((0, -1), (0.0, -1.0)),
)


@depends(lambda_so="affine", lambda_v="affine", lambda_r="affine", t="affine")
def kane_mele(
    lambda_so: ArrayLike,
    lambda_v: ArrayLike = 0.0,
    lambda_r: ArrayLike = 0.0,
    t: ArrayLike = 1.0,
) -> FourierHamiltonian:
    r"""Kane-Mele model: graphene with spin-orbit coupling.

    .. math::
        \mathcal{H} = t \sum_{\langle ij \rangle} c_i^\dagger c_j
        + i \lambda_{SO} \sum_{\langle\langle ij \rangle\rangle} \nu_{ij} c_i^\dagger s_z c_j
        + i \lambda_R \sum_{\langle ij \rangle} c_i^\dagger (s \times \hat d_{ij})_z c_j
        + \lambda_v \sum_i \xi_i c_i^\dagger c_i

    with the lattice, the gauge and the coordinates of `haldane`, in the basis (A up, B up, A down,
    B down); :math:`\hat d_{ij}` is the unit vector from j to i. For :math:`\lambda_R = 0` the
    spin-up block is `haldane` with :math:`t_2 = \lambda_{SO}`, :math:`\phi = \pi/2`, the
    spin-down block its time-reversed partner. Time reversal is :math:`T = i s_y K`.

    Phase diagram: for :math:`\lambda_R = 0`, Z2 index 1 for
    :math:`|\lambda_v| < 3\sqrt3 |\lambda_{SO}|`, with :math:`C_\uparrow = -C_\downarrow =
    \mathrm{sign}\,\lambda_{SO}`, else 0. For :math:`\lambda_v = 0`, Z2 index 1 for
    :math:`|\lambda_R| < 2\sqrt3 |\lambda_{SO}|`. Gapless on the lines between.

    Parameters
    ----------
    lambda_so : array-like of shape (...)
        Spin-orbit coupling, in units of energy.
    lambda_v : array-like of shape (...), optional
        Staggered on-site energy.
    lambda_r : array-like of shape (...), optional
        Rashba coupling.
    t : array-like of shape (...), optional
        Nearest-neighbour hopping.

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
    .. [1] C. L. Kane, E. J. Mele, Phys. Rev. Lett. 95, 146802 (2005).
    .. [2] C. L. Kane, E. J. Mele, Phys. Rev. Lett. 95, 226801 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.kane_mele(0.1, lambda_v=[0.1, 0.8])
    >>> up = tp.FourierHamiltonian({R: m[..., :2, :2] for R, m in h.hoppings.items()})
    >>> tp.certify_chern(up).value, tp.certify_chern(h).value
    (array([1, 0]), array([0, 0]))
    """
    so, v, r, t = (
        p[..., None, None]
        for p in real(lambda_so=lambda_so, lambda_v=lambda_v, lambda_r=lambda_r, t=t)
    )
    from_b_to_a = np.array([[0, 1], [0, 0]], dtype=np.complex128)
    bonds = {
        # the vector from B to A is the opposite of that to the neighbour
        cell: t * spin_times(ONE, from_b_to_a) - 1j * r * spin_times(d_y * X - d_x * Y, from_b_to_a)
        for cell, (d_x, d_y) in NEIGHBOURS
    }
    turn = 1j * so * spin_times(Z, Z)
    onsite = bonds.pop((0, 0))
    return FourierHamiltonian(
        {
            (0, 0): onsite + np.conj(np.swapaxes(onsite, -1, -2)) + v * spin_times(ONE, Z),
            (-1, 0): bonds[(-1, 0)] + turn,
            (1, 0): np.conj(np.swapaxes(bonds[(-1, 0)] + turn, -1, -2)),
            (0, -1): bonds[(0, -1)] - turn,
            (0, 1): np.conj(np.swapaxes(bonds[(0, -1)] - turn, -1, -2)),
            (1, -1): turn,
        },
        n_occupied=2,
    )
