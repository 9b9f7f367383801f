"""Random link variables on a periodic grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex

from topophys import _checks
from topophys._random import as_generator
from topophys.ensembles._gaussian import complex_normal
from topophys.errors import InputError

__all__ = ["random_links"]


def random_links(
    n: int,
    *,
    n_occupied: int,
    grid: Sequence[int] = (5, 5),
    rng: np.random.Generator | int | None = None,
) -> Complex[np.ndarray, "n Nx Ny 2 r r"]:
    r"""Draw unitary links between neighbouring k points, each from the Haar measure.

    .. math:: U_\mu(k) = Q, \qquad Q R = G, \quad R_{aa} > 0, \quad
        G_{ab} \sim \mathcal{N}_{\mathbb{C}}(0, 1)

    No Hamiltonian is behind them: they stand for the overlaps of occupied frames on a grid so
    coarse that neighbours know nothing of each other.

    Parameters
    ----------
    n : int
        Number of link fields.
    n_occupied : int
        Number of occupied bands, the size r of a link.
    grid : sequence of two ints, optional
        Number of k points in each direction.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    complex128 ndarray of shape (n, Nx, Ny, 2, r, r)
        Links that leave k along x and along y.

    Raises
    ------
    InputError
        If a number is not a positive integer.

    References
    ----------
    .. [1] F. Mezzadri, Not. Am. Math. Soc. 54, 592 (2007).
    .. [2] L. Huang, O. Balabanov, H. Linander, M. Granath, D. Persson, J. E. Gerken,
       arXiv:2502.15376 (2025).

    Examples
    --------
    >>> links = random_links(10, n_occupied=3, rng=7)
    >>> links.shape
    (10, 5, 5, 2, 3, 3)
    """
    n = _checks.positive_int(n, "n")
    size = _checks.positive_int(n_occupied, "n_occupied")
    if len(grid) != 2:
        raise InputError(f"Argument `grid` must have 2 numbers, but is {grid}.")
    shape = tuple(_checks.positive_int(side, "grid") for side in grid)
    drawn = complex_normal(as_generator(rng), (n, *shape, 2, size, size))
    unitary, upper = np.linalg.qr(drawn)
    diagonal = np.einsum("...aa->...a", upper)
    # what LAPACK leaves to chance, the phases of the columns, would spoil the measure
    return np.asarray(unitary * (diagonal / np.abs(diagonal))[..., None, :])
