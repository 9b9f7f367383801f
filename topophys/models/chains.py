"""Chains: SSH, Kitaev, Creutz, Rice-Mele."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.non_hermitian import NonHermitianHamiltonian
from topophys.hamiltonians.two_band import PAULI, TwoBandHamiltonian
from topophys.models._parameters import depends, real

__all__ = [
    "creutz",
    "hatano_nelson",
    "kitaev_chain",
    "kitaev_chain_bdg",
    "non_hermitian_ssh",
    "rice_mele",
    "rice_mele_pump",
    "ssh",
]


# ---------------------------------------------------------------- Su-Schrieffer-Heeger chain


@depends(t1="affine", t2="affine", t3="affine")
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


# --------------------------------------------- Kitaev chain, a superconductor of spinless electrons


@depends(mu="affine", t="affine", delta="affine")
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


@depends(mu="affine", t="affine", delta="affine", phase="trigonometric")
def kitaev_chain_bdg(
    mu: ArrayLike, t: ArrayLike, delta: ArrayLike, phase: ArrayLike = 0.0
) -> FourierHamiltonian:
    r"""Kitaev chain with a phase of the pairing, in the Nambu basis.

    .. math::
        H(k) = (-\mu - 2 t \cos k)\, \tau_z
        + 2 \Delta \sin k \, (\cos\phi \, \tau_y + \sin\phi \, \tau_x), \qquad
        \Psi_k = (c_k, c_{-k}^\dagger)

    with pairing :math:`\Delta e^{i\phi} c_j c_{j+1} + h.c.`. Particle-hole symmetry is
    :math:`C = \tau_x K` for every phase; real pairing is the chain of `kitaev_chain`.

    Phase diagram: Majorana number 1 for :math:`|\mu| < 2 |t|` and :math:`\Delta \ne 0`, 0 for
    :math:`|\mu| > 2 |t|`.

    Parameters
    ----------
    mu : array-like of shape (...)
        Chemical potential, in units of energy.
    t : array-like of shape (...)
        Hopping.
    delta : array-like of shape (...)
        Size of the pairing.
    phase : array-like of shape (...), optional
        Phase of the pairing, in radians.

    Returns
    -------
    FourierHamiltonian
        Two bands (of particles and holes), batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] A. Yu. Kitaev, Phys.-Usp. 44, 131 (2001).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.kitaev_chain_bdg([0.5, 2.5], 1.0, 0.7, phase=1.0)
    >>> tp.majorana_number(h, particle_hole="nambu").value
    array([1, 0])
    """
    mu, t, delta, phase = (p[..., None, None] for p in real(mu=mu, t=t, delta=delta, phase=phase))
    x, y, z = PAULI
    pair = delta * (np.cos(phase) * y + np.sin(phase) * x)
    return FourierHamiltonian({(0,): -mu * z, (1,): -t * z - 1j * pair})


# ---------------------------------------------------------------- Creutz ladder


@depends(m="affine", t="affine", r="affine")
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


# -------------------------------------------------------------- Rice-Mele chain and its charge pump


@depends(t1="affine", t2="affine", delta="affine")
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


@depends(t="affine", dimer="affine", delta="affine", offset="affine")
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


# ----------------------------------------------------------------------- Non-Hermitian chains


def hatano_nelson(t_right: ArrayLike, t_left: ArrayLike) -> NonHermitianHamiltonian:
    r"""Hatano-Nelson chain: non-reciprocal hoppings.

    .. math:: H(k) = t_R e^{ik} + t_L e^{-ik}

    The spectrum is an ellipse with half axes :math:`|t_R + t_L|` and :math:`|t_R - t_L|`. The
    winding number about an energy inside is 1 for :math:`|t_R| > |t_L|` and -1 for
    :math:`|t_R| < |t_L|`, about one outside 0.

    Parameters
    ----------
    t_right, t_left : array-like of shape (...)
        Hoppings, in units of energy.

    Returns
    -------
    NonHermitianHamiltonian
        One band, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] N. Hatano, D. R. Nelson, Phys. Rev. Lett. 77, 570 (1996).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.point_gap_winding(tp.models.hatano_nelson([1.0, 0.3], [0.3, 1.0]), 0.1).value
    array([ 1, -1])
    """
    right, left = real(t_right=t_right, t_left=t_left)
    coefficients = np.stack([left, np.zeros_like(left), right], axis=-1)
    return NonHermitianHamiltonian.from_array(-1, coefficients[..., None, None])


def non_hermitian_ssh(t1: ArrayLike, t2: ArrayLike, gamma: ArrayLike) -> NonHermitianHamiltonian:
    r"""Su-Schrieffer-Heeger chain with non-reciprocal hoppings inside the cell.

    .. math:: H(k) = \begin{pmatrix} 0 & t_1 + \gamma / 2 + t_2 e^{-ik} \\
        t_1 - \gamma / 2 + t_2 e^{ik} & 0 \end{pmatrix}

    The winding number about E = 0 is 0 where both entries wind (:math:`|t_2|` above
    :math:`|t_1 \pm \gamma/2|`) or neither does; where one does it is
    :math:`\pm 1`: 1 for :math:`|t_1 - \gamma/2| < |t_2| < |t_1 + \gamma/2|`.

    Parameters
    ----------
    t1, t2 : array-like of shape (...)
        Hoppings inside the cell and to the next cell, in units of energy.
    gamma : array-like of shape (...)
        Difference of the hoppings inside the cell.

    Returns
    -------
    NonHermitianHamiltonian
        Two bands, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] S. Yao, Z. Wang, Phys. Rev. Lett. 121, 086803 (2018).

    Examples
    --------
    >>> import topophys as tp
    >>> tp.point_gap_winding(tp.models.non_hermitian_ssh([0.1, 1.0, 2.0], 1.0, 0.8)).value
    array([0, 1, 0])
    """
    t1, t2, gamma = real(t1=t1, t2=t2, gamma=gamma)
    coefficients = np.zeros((*t1.shape, 3, 2, 2))
    coefficients[..., 0, 0, 1] = coefficients[..., 2, 1, 0] = t2
    coefficients[..., 1, 0, 1], coefficients[..., 1, 1, 0] = t1 + 0.5 * gamma, t1 - 0.5 * gamma
    return NonHermitianHamiltonian.from_array(-1, coefficients)
