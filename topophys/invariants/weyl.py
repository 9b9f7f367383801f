"""Charge of Weyl points: flux of Berry curvature through a closed box, proven."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import InputError
from topophys.invariants._cocycle import charge_evidence
from topophys.invariants._limits import limits
from topophys.invariants._slices import require_dimension
from topophys.invariants._subdivision import Box
from topophys.invariants.evidence import Asked
from topophys.invariants.results import Certificate, OnUnresolved, conclude

__all__ = ["weyl_charge"]

#: Starting cells along each edge of a face.
START: Final = 2
#: How often a cell may be divided at most.
DEEPEST: Final = 16


def weyl_charge(
    H: FourierLike,
    centre: ArrayLike,
    *,
    half_width: ArrayLike = 0.1,
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_cells: int = 4096,
    max_evaluations: int = 100_000,
    tightness: float = 0.0,
    evidence: bool = False,
    on_unresolved: OnUnresolved = "mask",
) -> Certificate:
    r"""Charge of the band touchings inside a box, for the occupied bands, proven.

    .. math:: q = \frac{1}{2\pi} \oint \mathrm{tr}\,\Omega \cdot \mathrm{d}S, \qquad
        \Omega = \nabla \times \mathrm{tr} A, \quad A = i V^\dagger \nabla V

    with the outward normal. For :math:`H = k \cdot \sigma` the lower band has q = +1, for a point
    :math:`H = \sum_{ij} k_i v_{ij} \sigma_j` it is sign det v. The faces are divided
    into cells until the gap is proven open on each. The bundle of occupied states then has a
    section on each cell, and q is the winding of the transition phases between neighbouring
    cells, which are bounded along whole edges.

    The sign is that in Cartesian momenta where `H` has a lattice: for lattice vectors that form a
    left-handed set it is the opposite of that in momenta k.a. The result says which one it is.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in three dimensions, or a batch; its `lattice`, where it has one, gives the
        handedness.
    centre : array-like of shape (3,)
        Centre of the box, momenta k.a in radians.
    half_width : float or array-like of shape (3,), optional
        Half of the edges of the box, in radians, below pi.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given.
    min_gap : float, optional
        Certify only what is proven to have at least this gap on the surface.
    max_cells : int, optional
        Cells are not divided further than this number of them along the edge of a face.
    max_evaluations : int, optional
        How many eigenproblems may be solved per Hamiltonian.
    tightness : float, optional
        Share of `gap_upper` that `gap_lower` should reach, as for `certify_gap`.
    evidence : bool, optional
        Keep the cells and their bases in `Certificate.evidence`.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    Certificate
        Charge, status, proven gap *on the surface* and effort, each of shape (...) like the batch
        of `H`.

    Raises
    ------
    KindError
        If `H` is not a three-dimensional Hamiltonian in Fourier form.
    ShapeError, InputError
        If the box makes no sense.
    UnresolvedError
        If asked for and a charge is unresolved: the surface is too close to a touching.

    References
    ----------
    .. [1] G. E. Volovik, *The Universe in a Helium Droplet*, Oxford University Press (2003),
       chap. 8.
    .. [2] X. Wan, A. M. Turner, A. Vishwanath, S. Y. Savrasov, Phys. Rev. B 83, 205101 (2011).
    .. [3] C. Davis, W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> x, y, z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    >>> simple = tp.FourierHamiltonian(
    ...     {(1, 0, 0): -0.5j * x, (0, 1, 0): -0.5j * y, (0, 0, 1): -0.5j * z})
    >>> int(weyl_charge(simple, [0, 0, 0])), int(weyl_charge(simple, [np.pi, 0, 0]))
    (1, -1)
    """
    found = require_dimension(H, 3)
    filled = _validation.occupied(
        found.n_occupied if n_occupied is None else n_occupied, found.n_bands
    )
    middle, half = _box(centre, half_width)
    most = _validation.positive_int(max_cells, "max_cells", minimum=START)
    depth = min((most // START).bit_length() - 1, DEEPEST)
    checked = limits(min_gap, depth, max_evaluations, deepest=DEEPEST, tightness=tightness)
    box = Box(middle, half, START, depth)
    proof = charge_evidence(found, filled, box, checked, evidence=evidence)
    asked = Asked(found, "Weyl charge", filled, centre=middle, half_width=half)
    return conclude("Weyl charge", proof, found.batch_shape, on_unresolved, asked)


def _box(
    centre: ArrayLike, half_width: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    middle = _validation.as_real(centre, "centre", "(..., 3)").reshape(-1)
    half = np.broadcast_to(_validation.as_real(half_width, "half_width", "(...)"), (3,))
    if len(middle) != 3:
        raise InputError("Argument `centre` must be a single point of three momenta.")
    if not ((half > 0.0) & (half < np.pi)).all():
        raise InputError(
            "Argument `half_width` must be between 0 and pi, but is"
            f" {_validation.short(half_width)}."
        )
    return middle, half
