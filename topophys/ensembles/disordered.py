"""Su-Schrieffer-Heeger chains with random hoppings."""

from __future__ import annotations

import math

import numpy as np

from topophys import _validation
from topophys._random import as_generator
from topophys.errors import InputError
from topophys.hamiltonians.chiral import ChiralHamiltonian

__all__ = ["disordered_ssh"]


def disordered_ssh(
    n: int,
    *,
    cells: int,
    t1: float,
    t2: float,
    disorder: float | tuple[float, float],
    periodic: bool = True,
    rng: np.random.Generator | int | None = None,
) -> ChiralHamiltonian:
    r"""Draw Su-Schrieffer-Heeger chains with uniformly distributed hoppings.

    .. math:: D(k)_{jj} = t_1 + W_1 \omega_j, \quad D(k)_{j,j+1} = t_2 + W_2 \omega_j', \quad
        D(k)_{L,1} = (t_2 + W_2 \omega_L') e^{ik}, \qquad
        \omega, \omega' \sim \mathcal{U}(-\tfrac12, \tfrac12)

    for L cells. Periodic, these are one cell of a superlattice, and

    .. math:: \det D(k) = \prod_j D_{jj} + (-1)^{L-1} e^{ik} \prod_j D_{j,j+1},

    so that the winding number is 1 where the product of the hoppings between cells is the larger
    one in size, else 0. Energies are those of `t1` and `t2`; nothing is normalised.

    Parameters
    ----------
    n : int
        Number of chains.
    cells : int
        Number of cells L of the supercell; the chains have 2 L bands.
    t1, t2 : float
        Mean hoppings inside a cell and to the next one, in units of energy.
    disorder : float or pair of float
        Widths :math:`W_1, W_2` of their distributions; one number for both.
    periodic : bool, optional
        Whether the last cell is joined to the first; if not, the chains are finite and D does not
        depend on k.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    ChiralHamiltonian
        Batch of shape (n,).

    Raises
    ------
    InputError
        If a number is not a positive integer, a hopping not finite, or a width negative.

    References
    ----------
    .. [1] I. Mondragon-Shem, T. L. Hughes, J. Song, E. Prodan, Phys. Rev. Lett. 113,
       046802 (2014).

    Examples
    --------
    >>> import topophys as tp
    >>> chains = disordered_ssh(3, cells=8, t1=0.5, t2=1.0, disorder=0.2, rng=7)
    >>> tp.certify_winding(chains).value
    array([1, 1, 1])
    """
    n = _validation.positive_int(n, "n")
    length = _validation.positive_int(cells, "cells")
    w1, w2 = disorder if isinstance(disorder, tuple) else (disorder, disorder)
    if not all(map(math.isfinite, (t1, t2))):
        raise InputError(f"Arguments `t1` and `t2` must be finite, but are {t1} and {t2}.")
    if not all(0.0 <= w < math.inf for w in (w1, w2)):
        raise InputError(f"Argument `disorder` must be finite and >= 0, but is {disorder}.")
    shift = as_generator(rng).uniform(-0.5, 0.5, (n, 2, length))
    inside, between = t1 + w1 * shift[:, 0], t2 + w2 * shift[:, 1]
    block = np.zeros((n, 2 if periodic else 1, length, length), np.complex128)
    j = np.arange(length)
    block[:, 0, j, j] = inside
    block[:, 0, j[:-1], j[1:]] = between[:, :-1]
    if periodic:
        block[:, 1, -1, 0] = between[:, -1]
    return ChiralHamiltonian.from_array(0, block)
