"""Certified Chern numbers on slices of three-dimensional Hamiltonians."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from topophys._typing import FourierLike
from topophys.grids import k_grid
from topophys.invariants._slices import require_dimension, slice_at
from topophys.invariants.certificate import Certificate
from topophys.invariants.certify_chern import certify_chern

__all__ = ["chern_on_slices"]


def chern_on_slices(
    H: FourierLike, *, axis: int = 2, n: int = 16, k: ArrayLike | None = None, **options: Any
) -> Certificate:
    r"""Chern number of the occupied bands on planes of a three-dimensional zone, each proven.

    .. math:: C(k_z) = \frac{1}{2\pi} \int \mathrm{d}k_x \, \mathrm{d}k_y \;
        \mathrm{tr}\,\Omega_z(k_x, k_y, k_z)

    and cyclic. C is constant between planes that contain band touchings, and changes there by the
    charge of the Weyl points: C(k+) - C(k-) is the sum of `weyl_charge` in between. Planes through
    a touching are unresolved.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in three dimensions, or a batch.
    axis : int, optional
        Direction of the normal of the planes: 0, 1 or 2.
    n : int, optional
        Number of planes, at the momenta of `topophys.k_grid`.
    k : array-like of shape (...), optional
        Momenta of the planes in place of those.
    **options
        As for `certify_chern`.

    Returns
    -------
    Certificate
        Each entry of shape (*batch, n), or (*batch, ...) like `k`; `k_at_gap_upper` holds the two
        momenta in the plane, in cyclic order.

    Raises
    ------
    KindError
        If `H` is not a three-dimensional Hamiltonian in Fourier form.
    InputError
        If `axis` is not 0, 1 or 2.
    UnresolvedError
        If asked for and a plane is unresolved.

    References
    ----------
    .. [1] X. Wan, A. M. Turner, A. Vishwanath, S. Y. Savrasov, Phys. Rev. B 83, 205101 (2011).
    .. [2] A. A. Burkov, L. Balents, Phys. Rev. Lett. 107, 127205 (2011).

    Examples
    --------
    QWZ layers with a mass that depends on k_z, in two planes of different phase:

    >>> import topophys as tp
    >>> import numpy as np
    >>> x, y, z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    >>> weyl = tp.FourierHamiltonian(
    ...     {(0, 0, 0): -2 * z, (1, 0, 0): (z - 1j * x) / 2, (0, 1, 0): (z - 1j * y) / 2,
    ...      (0, 0, 1): z / 2})
    >>> chern_on_slices(weyl, k=[0.0, np.pi]).value
    array([1, 0])
    """
    found = require_dimension(H, 3)
    momenta = k_grid(n)[:, 0] if k is None else k
    plane = slice_at(found, axis, momenta, n_occupied=options.get("n_occupied"))
    return certify_chern(plane, **options)
