"""Models in three and four dimensions: Weyl, Hopf, chiral and Z2 insulators, helium-3."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys.errors import InputError
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import PAULI, TwoBandHamiltonian
from topophys.invariants.chern_4d import GAMMAS
from topophys.models._parameters import depends, real

__all__ = [
    "GAMMAS",
    "chiral_dirac_3d",
    "dirac_4d",
    "fu_kane_mele",
    "helium_3_b",
    "hopf_insulator",
    "weyl_semimetal",
]


# ---------------------------------------------------------------- Weyl semimetal with two nodes


@depends(m="affine")
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


# --------- Hopf insulator: two bands in three dimensions that are topological without Chern numbers

#: Trigonometric polynomial: coefficient of exp(i k.R) by lattice vector R.
Series: TypeAlias = dict[tuple[int, int, int], NDArray[Any]]


def hopf_insulator(m: ArrayLike) -> TwoBandHamiltonian:
    r"""Two bands whose d-vector is made from a spinor, the map of Hopf from S^3 to S^2.

    .. math::
        d_i(k) = z^\dagger \sigma_i z, \qquad
        z(k) = \begin{pmatrix} \sin k_x + i \sin k_y \\
        \sin k_z + i (\cos k_x + \cos k_y + \cos k_z + m) \end{pmatrix}

    The energies are :math:`\pm |z|^2`, so the gap closes only where z = 0: for :math:`|m| = 1`
    and 3. Since z is a periodic spinor without zeros otherwise, the bands have Chern number 0 on
    every plane. The Hopf invariant is 1 in size for :math:`1 < |m| < 3`, 2 for :math:`|m| < 1`,
    and 0 beyond.

    Parameters
    ----------
    m : array-like of shape (...)
        Mass, in units of the hopping in z; the original work has -3/2.

    Returns
    -------
    TwoBandHamiltonian
        Two bands in three dimensions with hoppings up to two cells, batch axes like `m`.

    Raises
    ------
    InputError, ShapeError
        If `m` is not real and finite.

    References
    ----------
    .. [1] J. E. Moore, Y. Ran, X.-G. Wen, Phys. Rev. Lett. 101, 186805 (2008).
    .. [2] D.-L. Deng, S.-T. Wang, C. Shen, L.-M. Duan, Phys. Rev. B 88, 201105 (2013).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.hopf_insulator(-1.5)
    >>> tp.chern_on_slices(h, axis=2, k=[0.0, 1.0]).value
    array([0, 0])
    """
    (mass,) = real(m=m)
    one = np.ones((*mass.shape, 1), dtype=np.complex128)
    mass_z = 1j * mass[..., None] * one
    up: Series = {
        (1, 0, 0): -0.5j * one, (-1, 0, 0): 0.5j * one,
        (0, 1, 0): 0.5 * one, (0, -1, 0): -0.5 * one,
    }  # fmt: skip
    # sin kz + i cos kz = i exp(-i kz)
    down: Series = {
        (0, 0, 0): mass_z, (0, 0, -1): 1j * one,
        (1, 0, 0): 0.5j * one, (-1, 0, 0): 0.5j * one,
        (0, 1, 0): 0.5j * one, (0, -1, 0): 0.5j * one,
    }  # fmt: skip
    with np.errstate(over="ignore", invalid="ignore"):  # refused below, where it is not finite
        cross, first, second = (_product(*p) for p in ((up, down), (up, up), (down, down)))
    d: dict[tuple[int, int, int], NDArray[Any]] = {}
    zero = 0.0 * one
    vectors = {r for s in (cross, first, second) for r in s}
    for r in vectors | {(-x, -y, -z) for x, y, z in vectors}:
        w, back = cross.get(r, zero), cross.get((-r[0], -r[1], -r[2]), zero).conj()
        d[r] = np.concatenate(
            [w + back, -1j * (w - back), first.get(r, zero) - second.get(r, zero)], -1
        )
    return TwoBandHamiltonian(d)


def _product(a: Series, b: Series) -> Series:
    """Coefficients of conj(a) b."""
    total: Series = defaultdict(lambda: np.zeros(1, np.complex128))
    for r, x in a.items():
        for s, y in b.items():
            step = (s[0] - r[0], s[1] - r[1], s[2] - r[2])
            total[step] = total[step] + x.conj() * y
    return dict(total)


# ------------------------------------------------- Chiral insulators and superconductors


@depends(m="affine", v="affine")
def chiral_dirac_3d(m: ArrayLike, v: ArrayLike = 1.0) -> FourierHamiltonian:
    r"""Chiral Dirac Hamiltonian on the cubic lattice: the model of class AIII.

    .. math::
        H(k) = \begin{pmatrix} 0 & D(k) \\ D^\dagger(k) & 0 \end{pmatrix}, \qquad
        D(k) = m + \cos k_x + \cos k_y + \cos k_z
        + i v (\sin k_x \sigma_x + \sin k_y \sigma_y + \sin k_z \sigma_z)

    Phase diagram for v > 0: :math:`W_3 = -2` for :math:`|m| < 1`, 1 for :math:`1 < |m| < 3`, 0
    beyond; the sign changes with v. Gapless between, and for v = 0 where :math:`|m| \le 3`.

    Parameters
    ----------
    m : array-like of shape (...)
        Mass, in units of energy.
    v : array-like of shape (...), optional
        Velocity.

    Returns
    -------
    FourierHamiltonian
        Four bands (two occupied) in three dimensions, batch axes as the parameters broadcast. The
        chiral operator is diag(1, 1, -1, -1): "blocks".

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] A. P. Schnyder, S. Ryu, A. Furusaki, A. W. W. Ludwig, Phys. Rev. B 78, 195125 (2008).
    .. [2] P. Hosur, S. Ryu, A. Vishwanath, Phys. Rev. B 81, 045120 (2010).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.chiral_dirac_3d([0.5, 2.0, 4.0])
    >>> tp.winding_3d(h, chiral="blocks").value
    array([-2,  1,  0])
    """
    m, v = (p[..., None, None] for p in real(m=m, v=v))
    one = np.eye(2)
    hoppings = {(0, 0, 0): _off_diagonal(m * one, m * one)}
    for axis, sigma in enumerate(PAULI):
        cell = (int(axis == 0), int(axis == 1), int(axis == 2))
        # cos k + i v sin k sigma: the coefficient of e^(ik) in D, and in its adjoint
        hoppings[cell] = _off_diagonal(0.5 * (one + v * sigma), 0.5 * (one - v * sigma))
    return FourierHamiltonian(hoppings, n_occupied=2)


def _off_diagonal(upper: NDArray[Any], lower: NDArray[Any]) -> NDArray[np.complex128]:
    """Matrices (..., 4, 4) with two blocks (..., 2, 2) off the diagonal."""
    upper, lower = np.broadcast_arrays(upper, lower)
    out = np.zeros((*upper.shape[:-2], 4, 4), np.complex128)
    out[..., :2, 2:], out[..., 2:, :2] = upper, lower
    return out


@depends(mu="affine", t="affine", delta="affine")
def helium_3_b(mu: ArrayLike, t: ArrayLike = 1.0, delta: ArrayLike = 1.0) -> FourierHamiltonian:
    r"""Superfluid helium-3 in its B phase, on the cubic lattice (class DIII).

    .. math::
        H(k) = \xi(k)\, \tau_z + \Delta\, \tau_x
        (\sin k_x \sigma_x + \sin k_y \sigma_y + \sin k_z \sigma_z), \qquad
        \xi(k) = -\mu + 2 t (3 - \cos k_x - \cos k_y - \cos k_z)

    in the basis :math:`(c_\uparrow, c_\downarrow, c^\dagger_\downarrow, -c^\dagger_\uparrow)`.
    Time reversal is :math:`T = i\sigma_y K`, particle-hole symmetry
    :math:`C = \tau_y \sigma_y K`, and the chiral operator, their product up to a phase, is
    :math:`\tau_y`.

    Phase diagram for :math:`t, \Delta > 0` and the chiral operator :math:`\tau_y`: :math:`W_3 = 1`
    for :math:`0 < \mu < 4t` and :math:`8t < \mu < 12t`, -2 for :math:`4t < \mu < 8t`, 0 beyond.

    Parameters
    ----------
    mu : array-like of shape (...)
        Chemical potential from the bottom of the band, in units of energy.
    t : array-like of shape (...), optional
        Hopping.
    delta : array-like of shape (...), optional
        Pairing.

    Returns
    -------
    FourierHamiltonian
        Four bands (two occupied) in three dimensions, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] G. E. Volovik, *The Universe in a Helium Droplet*, Oxford (2003).
    .. [2] X.-L. Qi, T. L. Hughes, S. Raghu, S.-C. Zhang, Phys. Rev. Lett. 102, 187001 (2009).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.helium_3_b([-1.0, 1.0, 6.0])
    >>> tau_y = np.kron([[0, -1j], [1j, 0]], np.eye(2))
    >>> tp.winding_3d(h, chiral=tau_y).value
    array([ 0,  1, -2])
    """
    mu, t, delta = (p[..., None, None] for p in real(mu=mu, t=t, delta=delta))
    x, _, z = PAULI
    normal = np.kron(z, np.eye(2))
    hoppings = {(0, 0, 0): (6.0 * t - mu) * normal}
    for axis, sigma in enumerate(PAULI):
        cell = (int(axis == 0), int(axis == 1), int(axis == 2))
        hoppings[cell] = -t * normal - 0.5j * delta * np.kron(x, sigma)
    return FourierHamiltonian(hoppings, n_occupied=2)


# ------------------------------------------------- Strong and weak Z2 insulators (class AII)

#: Primitive vectors of the fcc lattice, in units of the cubic constant, and the bonds from an A
#: site: to B in its own cell, along (111), and in the cells -a_1, -a_2, -a_3.
FCC: Final = 0.5 * np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
BONDS: Final = np.array([0.25, 0.25, 0.25]) - np.concatenate([np.zeros((1, 3)), FCC])


@depends(dt="affine", lambda_so="affine", t="affine")
def fu_kane_mele(
    dt: ArrayLike, lambda_so: ArrayLike = 0.125, t: ArrayLike = 1.0
) -> FourierHamiltonian:
    r"""Fu-Kane-Mele model: electrons with spin-orbit coupling on the diamond lattice.

    .. math::
        \mathcal{H} = \sum_{\langle ij \rangle} t_{ij}\, c_i^\dagger c_j
        + i \frac{8 \lambda_{SO}}{a^2} \sum_{\langle\langle ij \rangle\rangle}
        c_i^\dagger\, \mathbf{s} \cdot (\mathbf{d}^1_{ij} \times \mathbf{d}^2_{ij})\, c_j

    in the basis (A up, B up, A down, B down), with t on all bonds but those along (111), which have
    :math:`t + \delta t`; :math:`\mathbf{d}^1, \mathbf{d}^2` are the two bonds from j to i, and a is
    the cubic constant. Momenta belong to the primitive vectors :math:`\frac a2 (0,1,1),
    \frac a2 (1,0,1), \frac a2 (1,1,0)`. Time reversal is :math:`T = i s_y K`, inversion
    exchanges A and B.

    Phase diagram for :math:`t > 0, \lambda_{SO} \ne 0`, indices :math:`(\nu_0; \nu_1 \nu_2 \nu_3)`:
    (1; 111) for :math:`0 < \delta t < 2t`, (0; 111) for :math:`-2t < \delta t < 0`, (1; 000) for
    :math:`-4t < \delta t < -2t`, (0; 000) beyond; gapless at the ends.

    Parameters
    ----------
    dt : array-like of shape (...)
        Change of the hopping along (111), in units of energy.
    lambda_so : array-like of shape (...), optional
        Spin-orbit coupling.
    t : array-like of shape (...), optional
        Hopping.

    Returns
    -------
    FourierHamiltonian
        Four bands (two occupied) in three dimensions, batch axes as the parameters broadcast.

    Raises
    ------
    InputError, ShapeError
        If a parameter is not real and finite, or the shapes do not broadcast.

    References
    ----------
    .. [1] L. Fu, C. L. Kane, E. J. Mele, Phys. Rev. Lett. 98, 106803 (2007).
    .. [2] L. Fu, C. L. Kane, Phys. Rev. B 76, 045302 (2007), for the parities.

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.fu_kane_mele(0.4)
    >>> tp.z2_indices_3d(h, method="parity", time_reversal="up first", inversion=np.kron(
    ...     np.eye(2), [[0, 1], [1, 0]])).label
    '(1; 111)'
    """
    dt, so, t = (p[..., None, None] for p in real(dt=dt, lambda_so=lambda_so, t=t))
    from_b_to_a = np.array([[0.0, 1.0], [0.0, 0.0]])
    hop: defaultdict[tuple[int, ...], Any] = defaultdict(int)
    cells = np.concatenate([np.zeros((1, 3), int), -np.eye(3, dtype=int)])
    for m, cell in enumerate(cells):
        amount = (t + dt if m == 0 else t) * np.kron(np.eye(2), from_b_to_a)
        hop[tuple(int(x) for x in cell)] += amount
        hop[tuple(int(x) for x in -cell)] += amount.swapaxes(-1, -2)
        for n, other in enumerate(cells):
            if m != n:
                # from the A site of the cell -(b_m - b_n) to that at the origin by a B site
                across = -np.cross(BONDS[m], BONDS[n])
                spin = sum(c * sigma for c, sigma in zip(across, PAULI, strict=True))
                key = tuple(int(x) for x in other - cell)
                hop[key] = hop[key] + 8j * so * np.kron(spin, PAULI[2])
    return FourierHamiltonian(dict(hop), n_occupied=2)


# ------------------------------------------------------------------------- Four dimensions


@depends(m="affine")
def dirac_4d(m: ArrayLike) -> FourierHamiltonian:
    r"""Lattice Dirac model in four dimensions, a quantum Hall insulator.

    .. math:: H(k) = \sum_{i=1}^4 \sin k_i \, \Gamma_i + \Big( m + \sum_i \cos k_i \Big) \Gamma_5

    with :math:`\Gamma = (\sigma_x \otimes \sigma_x, \sigma_x \otimes \sigma_y,
    \sigma_x \otimes \sigma_z, \sigma_y \otimes 1, \sigma_z \otimes 1)`. Phase diagram: second Chern
    number -1 for :math:`-4 < m < -2`, 3 for :math:`-2 < m < 0`, -3 for :math:`0 < m < 2`, 1 for
    :math:`2 < m < 4`, 0 beyond; gapless between.

    Parameters
    ----------
    m : array-like of shape (...)
        Mass, in units of energy.

    Returns
    -------
    FourierHamiltonian
        Four bands (two occupied) in four dimensions, batch axes as `m`.

    Raises
    ------
    InputError
        If `m` is not real and finite.

    References
    ----------
    .. [1] X.-L. Qi, T. L. Hughes, S.-C. Zhang, Phys. Rev. B 78, 195424 (2008).

    Examples
    --------
    >>> import topophys as tp
    >>> int(tp.second_chern(tp.models.dirac_4d(-3.0), gammas="dirac"))
    -1
    """
    (mass,) = (p[..., None, None] for p in real(m=m))
    hoppings: dict[tuple[int, ...], NDArray[Any]] = {(0, 0, 0, 0): mass * GAMMAS[4]}
    for axis in range(4):
        cell = tuple(int(i == axis) for i in range(4))
        hoppings[cell] = 0.5 * GAMMAS[4] - 0.5j * GAMMAS[axis]
    return FourierHamiltonian(hoppings, n_occupied=2)
