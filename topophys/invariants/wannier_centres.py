"""Hybrid Wannier charge centres of sampled Bloch matrices."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from topophys._typing import FourierLike, SampledLike
from topophys.invariants._loops import centres_of
from topophys.invariants.wilson_loop import loops_or_raise

__all__ = ["wannier_centres"]


def wannier_centres(
    h_k: ArrayLike | FourierLike | SampledLike,
    *,
    n_occupied: int | None = None,
    axis: int = -1,
    grid: int | tuple[int, ...] | None = None,
) -> Float[np.ndarray, "... m"]:
    r"""Wannier charge centres along one direction, at each momentum across it.

    .. math:: x_n = -\frac{1}{2\pi} \arg \mathrm{eig}_n W, \qquad
        \sum_n x_n = \frac{1}{2\pi} \oint \mathrm{tr} A \, \mathrm{d}k \pmod 1

    with W from `wilson_loop`: positions, in lattice constants, of the maximally localised hybrid
    Wannier functions. The orbitals of a cell count as sitting at its origin. Around the zone the
    sum of the centres along y turns by +C as k_x grows, that along x by -C as k_y grows.

    Parameters
    ----------
    h_k, n_occupied, axis, grid
        As for `wilson_loop`.

    Returns
    -------
    float64 ndarray of shape (..., m)
        Centres in (-1/2, 1/2], in ascending order; the loop axis is gone.

    Raises
    ------
    ShapeError, InputError, GaplessError
        As `wilson_loop`.

    References
    ----------
    .. [1] N. Marzari, D. Vanderbilt, Phys. Rev. B 56, 12847 (1997).
    .. [2] A. A. Soluyanov, D. Vanderbilt, Phys. Rev. B 83, 035108 (2011).

    Examples
    --------
    >>> import topophys as tp
    >>> abs(wannier_centres(tp.models.ssh([0.5, 2.0], 1.0), grid=64)).round(12)
    array([[0.5],
           [0. ]])
    """
    return centres_of(loops_or_raise(h_k, n_occupied, axis, "wannier_centres", grid))
