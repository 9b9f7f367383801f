"""Chern insulators and p + ip superconductors: QWZ, Haldane, kagome, Hofstadter and others."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from topophys import _validation
from topophys.errors import InputError
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.models._parameters import depends, real

__all__ = [
    "checkerboard",
    "d_wave_chern",
    "haldane",
    "higher_chern",
    "hofstadter",
    "kagome",
    "p_plus_ip",
    "qwz",
]


# ----------------------------------------------------------- Qi-Wu-Zhang model of a Chern insulator


@depends(m="affine")
def qwz(m: ArrayLike) -> TwoBandHamiltonian:
    r"""Qi-Wu-Zhang model on the square lattice.

    .. math:: d(k) = (\sin k_x, \; \sin k_y, \; m + \cos k_x + \cos k_y)

    Phase diagram: Chern number of the lower band +1 for :math:`-2 < m < 0`, -1 for
    :math:`0 < m < 2`, 0 for :math:`|m| > 2`; gapless at m = -2, 0, 2.

    Parameters
    ----------
    m : array-like of shape (...)
        Mass, in units of the hopping; an array makes a batch.

    Returns
    -------
    TwoBandHamiltonian
        Two bands in two dimensions, batch axes as `m`.

    References
    ----------
    .. [1] X.-L. Qi, Y.-S. Wu, S.-C. Zhang, Phys. Rev. B 74, 085308 (2006).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_chern(tp.models.qwz([-3.0, -1.0, 1.0, 3.0])).value
    array([ 0,  1, -1,  0])
    """
    (mass,) = real(m=m)
    return TwoBandHamiltonian(
        {
            (0, 0): mass[..., None] * np.array([0.0, 0.0, 1.0]),
            (1, 0): [-0.5j, 0.0, 0.5],
            (0, 1): [0.0, -0.5j, 0.5],
        }
    )


# ----------------------------------------------------------- Haldane model on the honeycomb lattice


@depends(m="affine", t2="affine", phi="trigonometric", t1="affine")
def haldane(m: ArrayLike, t2: ArrayLike, phi: ArrayLike, t1: ArrayLike = 1.0) -> TwoBandHamiltonian:
    r"""Haldane model: graphene with complex second-neighbour hopping and staggered potential.

    .. math::
        d_x - i d_y &= t_1 (1 + e^{-i k_1} + e^{-i k_2}), \\
        d_z &= m + 2 t_2 \sin\phi \, [\sin k_1 - \sin k_2 - \sin(k_1 - k_2)], \\
        d_0 &= 2 t_2 \cos\phi \, [\cos k_1 + \cos k_2 + \cos(k_1 - k_2)]

    in the coordinates :math:`k_i = k \cdot b_i` of two primitive vectors at 60 degrees, the second
    anticlockwise of the first (periodic gauge).
    Phase diagram: :math:`C = \mathrm{sign}(t_2 \sin\phi)` for
    :math:`|m| < 3\sqrt{3} |t_2 \sin\phi|`, 0 beyond.

    Parameters
    ----------
    m : array-like of shape (...)
        Staggered on-site energy, in the units of `t1`.
    t2 : array-like of shape (...)
        Amplitude of the second-neighbour hopping.
    phi : array-like of shape (...)
        Its phase, in radians.
    t1 : array-like of shape (...), optional
        Nearest-neighbour hopping.

    Returns
    -------
    TwoBandHamiltonian
        Two bands in two dimensions, batch axes as the parameters broadcast.

    References
    ----------
    .. [1] F. D. M. Haldane, Phys. Rev. Lett. 61, 2015 (1988).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_chern(tp.models.haldane(0.1, 0.1, [-np.pi / 2, np.pi / 2])).value
    array([-1,  1])
    """
    m, t2, phi, t1 = (x[..., None] for x in real(m=m, t2=t2, phi=phi, t1=t1))
    x, y, z = np.eye(3)
    hop = 0.5 * t1 * (x + 1j * y)  # t1 e^(-ik): d_x = t1 cos k, d_y = t1 sin k
    turn = -1j * t2 * np.sin(phi) * z  # at -R: -turn makes 2 t2 sin(phi) sin(k.R)
    scalar = (t2 * np.cos(phi))[..., 0]
    return TwoBandHamiltonian(
        {
            (0, 0): m * z + t1 * x,
            (-1, 0): hop - turn,
            (0, -1): hop + turn,
            (1, -1): -turn,
        },
        d0={(1, 0): scalar, (0, 1): scalar, (1, -1): scalar},
    )


# ------------------------------------------------------ Chern insulator on the checkerboard lattice


@depends(phi="trigonometric", t1="affine", t2="affine", t3="affine", m="affine", t="affine")
def checkerboard(
    phi: ArrayLike,
    t1: ArrayLike,
    t2: ArrayLike,
    t3: ArrayLike = 0.0,
    m: ArrayLike = 0.0,
    t: ArrayLike = 1.0,
) -> TwoBandHamiltonian:
    r"""Checkerboard lattice with staggered flux, which can have a nearly flat Chern band.

    .. math::
        d_x - i d_y &= -t \, [e^{i\phi} (1 + e^{i(k_x + k_y)}) + e^{-i\phi} (e^{ik_x} + e^{ik_y})],
        \\
        d_z &= m - (t_1 - t_2)(\cos k_x - \cos k_y), \\
        d_0 &= -(t_1 + t_2)(\cos k_x + \cos k_y) - 4 t_3 \cos k_x \cos k_y

    (periodic gauge: the second site of the cell sits at (1/2, 1/2) and carries
    :math:`e^{i(k_x + k_y)/2}`). Phase diagram:
    :math:`C = -\mathrm{sign}[(t_1 - t_2) \sin 2\phi]` for :math:`|m| < 2 |t_1 - t_2|`, 0 for
    :math:`|m| > 2 |t_1 - t_2|`; gapless in between, and inside also for :math:`\sin 2\phi = 0`.
    The upper band is nearly flat at :math:`\phi = \pi/4`, :math:`t_1 = -t_2 = 1/(2 + \sqrt2)`,
    :math:`t_3 = 1/(2 + 2\sqrt2)`, in units of t.

    Parameters
    ----------
    phi : array-like of shape (...)
        Phase of the nearest-neighbour hopping, in radians.
    t1, t2 : array-like of shape (...)
        Second-neighbour hoppings of the first sublattice along x and y; along y and x for the
        second sublattice.
    t3 : array-like of shape (...), optional
        Third-neighbour hopping.
    m : array-like of shape (...), optional
        Staggered on-site energy.
    t : array-like of shape (...), optional
        Nearest-neighbour hopping, in units of energy.

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
    .. [1] K. Sun, Z. Gu, H. Katsura, S. Das Sarma, Phys. Rev. Lett. 106, 236803 (2011).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_chern(tp.models.checkerboard([0.8, -0.8], 0.3, -0.3, m=[[0.0], [1.5]])).value
    array([[-1,  1],
           [ 0,  0]])
    """
    phi, t1, t2, t3, m, t = real(phi=phi, t1=t1, t2=t2, t3=t3, m=m, t=t)
    x, y, z = np.eye(3)
    hop = 0.5 * (x + 1j * y)
    plus = (-t * np.exp(1j * phi))[..., None] * hop
    minus = (-t * np.exp(-1j * phi))[..., None] * hop
    # the real part at R = 0 is not a pair of coefficients but one: -t e^(i phi) = d_x - i d_y
    origin = np.stack([-t * np.cos(phi), t * np.sin(phi), m], axis=-1)
    stretch = 0.5 * (t1 - t2)[..., None] * z
    return TwoBandHamiltonian(
        {(0, 0): origin, (1, 1): plus, (1, 0): minus - stretch, (0, 1): minus + stretch},
        d0={(1, 0): -0.5 * (t1 + t2), (0, 1): -0.5 * (t1 + t2), (1, 1): -t3, (1, -1): -t3},
    )


# --------------------------------------------------- Kagome lattice with flux through its triangles


@depends(phi="trigonometric", t="affine")
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


# ---------------------------- Hofstadter model: electrons on the square lattice in a magnetic field


@depends(t="affine")
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
    p, q = _validation.integer(p, "p"), _validation.positive_int(q, "q")
    if math.gcd(p, q) != 1:
        raise InputError(
            f"Arguments `p` and `q` must have no common divisor, but are {p} and {q}; reduce p/q."
        )
    hop = float(_validation.as_real(t, "t", "(...)"))
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


# -------------------------------------------------------- Two-band models with larger Chern numbers


@depends(m="affine")
def higher_chern(m: ArrayLike, n: int) -> TwoBandHamiltonian:
    r"""Qi-Wu-Zhang model with n-fold winding, so that the Chern number is multiplied by n.

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
    turns = _validation.integer(n, "n")
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


@depends(m="affine")
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


# ------------------------------------------------- Chiral superconductor without spin (class D)


@depends(mu="affine", t="affine", delta="affine")
def p_plus_ip(mu: ArrayLike, t: ArrayLike = 1.0, delta: ArrayLike = 1.0) -> TwoBandHamiltonian:
    r"""Spinless p + ip superconductor on the square lattice.

    .. math::
        H(k) = \begin{pmatrix} \xi & \Delta (\sin k_x + i \sin k_y) \\
        \Delta (\sin k_x - i \sin k_y) & -\xi \end{pmatrix}, \qquad
        \xi(k) = -2t (\cos k_x + \cos k_y) - \mu

    in the Nambu basis :math:`(c_k, c^\dagger_{-k})`; particle-hole symmetry is
    :math:`C = \tau_x K` (class D), and the Chern number is that of chiral Majorana edge modes.

    Phase diagram for any :math:`\Delta \ne 0`: Chern number of the lower band +1 for
    :math:`-4|t| < \mu < 0`, -1 for :math:`0 < \mu < 4|t|`, 0 for :math:`|\mu| > 4|t|`. Gapless at
    :math:`\mu = -4|t|, 0, 4|t|`.

    Parameters
    ----------
    mu : array-like of shape (...)
        Chemical potential, in units of energy.
    t : array-like of shape (...), optional
        Hopping.
    delta : array-like of shape (...), optional
        Pairing.

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
    .. [1] N. Read, D. Green, Phys. Rev. B 61, 10267 (2000).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_chern(tp.models.p_plus_ip([-5.0, -1.0, 1.0, 5.0])).value
    array([ 0,  1, -1,  0])
    """
    mu, t, delta = (p[..., None] for p in real(mu=mu, t=t, delta=delta))
    x, y, z = np.eye(3)
    return TwoBandHamiltonian(
        {
            (0, 0): -mu * z,
            (1, 0): -0.5j * delta * x - t * z,
            (0, 1): 0.5j * delta * y - t * z,
        }
    )
