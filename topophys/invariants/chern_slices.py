"""Certified Chern numbers on slices of three-dimensional Hamiltonians."""

from __future__ import annotations

from numpy.typing import ArrayLike

from topophys._typing import FourierLike
from topophys.grids import grid_of
from topophys.invariants._slices import require_dimension, slice_at
from topophys.invariants.certificate import Certificate, OnUnresolved
from topophys.invariants.certify_chern import certify_chern

__all__ = ["chern_on_slices"]


def chern_on_slices(
    H: FourierLike,
    *,
    axis: int = 2,
    grid: int = 16,
    k: ArrayLike | None = None,
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_depth: int = 16,
    max_evaluations: int = 100_000,
    tightness: float = 0.25,
    evidence: bool = False,
    on_unresolved: OnUnresolved = "mask",
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
    grid : int, optional
        Number of planes, at the momenta of `topophys.k_grid`.
    k : array-like of shape (...), optional
        Momenta of the planes in place of those.
    n_occupied, min_gap, max_depth, max_evaluations, tightness, evidence, on_unresolved
        As for `certify_chern`, of each plane.

    Returns
    -------
    Certificate
        Each entry of shape (*batch, grid), or (*batch, ...) like `k`; `k_at_gap_upper` holds the
        two momenta in the plane, in cyclic order.

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
    momenta = grid_of(1, grid)[:, 0] if k is None else k
    return certify_chern(
        slice_at(found, axis, momenta, n_occupied=n_occupied),
        n_occupied=n_occupied,
        min_gap=min_gap,
        max_depth=max_depth,
        max_evaluations=max_evaluations,
        tightness=tightness,
        evidence=evidence,
        on_unresolved=on_unresolved,
    )
