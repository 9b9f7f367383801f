"""Models in three dimensions: Weyl semimetal and Hopf insulator."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys.errors import InputError
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.models._parameters import depends, real

__all__ = ["hopf_insulator", "weyl_semimetal"]


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
