"""Charge of Weyl points: flux of Berry curvature through a closed box, proven."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys._typing import FourierLike
from topophys.errors import InputError
from topophys.invariants._limits import INTEGRAL
from topophys.invariants._slices import require_dimension, rows_of
from topophys.invariants._surface import face_evidence
from topophys.invariants.certificate import Certificate, Evidence, conclude
from topophys.kernels import status as st

__all__ = ["weyl_charge"]

#: Cells along each edge of a face: first try.
START: Final = 4


def weyl_charge(
    H: FourierLike,
    centre: ArrayLike,
    *,
    half_width: ArrayLike = 0.1,
    n_occupied: int | None = None,
    max_cells: int = 128,
    on_unresolved: Literal["mark", "raise"] = "mark",
) -> Certificate:
    r"""Charge of the band touchings inside a box, as seen by the occupied bands, proven.

    .. math:: q = \frac{1}{2\pi} \oint \mathrm{tr}\,\Omega \cdot \mathrm{d}S, \qquad
        \Omega = \nabla \times \mathrm{tr} A, \quad A = i V^\dagger \nabla V

    with the outward normal. For :math:`H = k \cdot \sigma` the lower band has q = +1, for a point
    :math:`H = \sum_{ij} k_i v_{ij} \sigma_j` it is sign det v. Each face is divided into n x n
    cells, n doubled until on every cell the gap is proven open and the occupied space is proven
    to turn so little that the flux from the links between corners is not off by a turn. Then the
    fluxes add up to 2 pi q exactly.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in three dimensions, or a batch.
    centre : array-like of shape (3,)
        Centre of the box, in radians.
    half_width : float or array-like of shape (3,), optional
        Half of the edges of the box, in radians, below pi.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given.
    max_cells : int, optional
        Largest number of cells along the edge of a face.
    on_unresolved : {"mark", "raise"}, optional
        Where there is no proof: say so in the status, or raise.

    Returns
    -------
    Certificate
        Charge, status, proven gap *on the surface* and effort, each of shape (...) like the batch
        of `H`; `k_at_gap_upper` is the centre of the box.

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
    filled = _checks.occupied(found.n_occupied if n_occupied is None else n_occupied, found.n_bands)
    middle, half = _box(centre, half_width)
    most = _checks.positive_int(max_cells, "max_cells", minimum=START)
    rows = [_charge(found.vectors, row, filled, middle, half, most) for row in rows_of(found)]
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    proven, turns, bound, seen, evaluations = table.T
    evidence = Evidence(
        proven=proven > 0.0,
        value=np.rint(turns).astype(np.int64),
        gap_lower=bound,
        gap_upper=seen,
        k_at_gap_upper=np.tile((middle + np.pi) % (2.0 * np.pi) - np.pi, (len(table), 1)),
        evaluations=evaluations.astype(np.int64),
        status=np.where(proven > 0.0, st.OK, st.DEPTH).astype(np.uint8),
    )
    return conclude("Weyl charge", evidence, found.batch_shape, on_unresolved)


def _box(
    centre: ArrayLike, half_width: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    middle = _checks.as_real(centre, "centre", "(..., 3)").reshape(-1)
    half = np.broadcast_to(_checks.as_real(half_width, "half_width", "(...)"), (3,))
    if len(middle) != 3:
        raise InputError("Argument `centre` must be a single point of three momenta.")
    if not ((half > 0.0) & (half < np.pi)).all():
        raise InputError(
            f"Argument `half_width` must be between 0 and pi, but is {_checks.short(half_width)}."
        )
    return middle, half


def _charge(
    vectors: NDArray[np.int64],
    amplitudes: NDArray[np.complex128],
    filled: int,
    middle: NDArray[np.float64],
    half: NDArray[np.float64],
    most: int,
) -> tuple[bool, float, float, float, int]:
    """Proven or not, flux / 2 pi, gap bound, smallest gap seen, momenta looked at."""
    n, evaluations, seen = START, 0, np.inf
    while True:
        flux, bound, turn = 0.0, np.inf, 0.0
        for axis in range(3):
            # edges in cyclic order: their cross product points along `axis`
            first, second = (np.eye(3)[(axis + i) % 3] * 2.0 * half for i in (1, 2))
            for side in (1.0, -1.0):
                origin = middle - half
                origin[axis] = middle[axis] + side * half[axis]
                face = face_evidence(vectors, amplitudes, filled, origin, (first, second), n)
                flux += side * face.flux
                bound, turn = min(bound, face.gap_lower), max(turn, face.turn)
                seen = min(seen, face.gap_upper)
        evaluations += 6 * ((n + 1) ** 2 + n * n)
        turns = flux / (2.0 * np.pi)
        whole = abs(turns - np.rint(turns)) < INTEGRAL
        if bound > 0.0 and turn < 1.0 and whole:
            return True, turns, bound, seen, evaluations
        if 2 * n > most:
            return False, turns, 0.0, seen, evaluations
        n *= 2
