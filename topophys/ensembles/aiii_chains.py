"""Random chiral chains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from topophys import _checks
from topophys._random import as_generator
from topophys.ensembles._gaussian import complex_normal, damping
from topophys.ensembles.proven import draw_proven
from topophys.hamiltonians.chiral import ChiralHamiltonian

__all__ = ["aiii_chains"]


def aiii_chains(
    n: int,
    *,
    n_orbitals: int = 2,
    hopping_range: int = 2,
    decay: float = 0.0,
    min_gap: float | None = None,
    classes: Sequence[int] | None = None,
    rng: np.random.Generator | int | None = None,
) -> ChiralHamiltonian:
    r"""Draw chains of class AIII with Gaussian hoppings.

    .. math:: D(k) = \sum_{m=-r}^{r} D_m e^{imk}, \qquad
        (D_m)_{ab} \sim e^{-\lambda |m|} \, \mathcal{N}_{\mathbb{C}}(0, 1)

    Every chain is then divided by its own root-mean-square band energy
    :math:`(\sum_m \|D_m\|_F^2 / N)^{1/2}`, so that energies and gaps of different chains compare.
    With `min_gap` or `classes` the law is that on condition of the proof; see `draw_proven`.

    Parameters
    ----------
    n : int
        Number of chains.
    n_orbitals : int, optional
        Orbitals per sublattice N; the chains have 2 N bands.
    hopping_range : int, optional
        Largest distance r of a hopping, in cells.
    decay : float, optional
        Inverse decay length :math:`\lambda`, in inverse cells; 0 makes all hoppings alike.
    min_gap : float, optional
        Keep only what is proven to have at least this gap, in units of the root-mean-square band
        energy; chains are drawn until there are n. `draw_proven` also returns the integers, and how
        many were rejected.
    classes : sequence of int, optional
        Keep equal numbers of these winding numbers, proven, in random order.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    ChiralHamiltonian
        Batch of shape (n,), in units of the root-mean-square band energy.

    Raises
    ------
    InputError
        If a number is not a positive integer (`hopping_range` may be 0), or `decay` is negative;
        or if no such Hamiltonian turns up in 200 000 draws.

    References
    ----------
    .. [1] N. Sun, J. Yi, P. Zhang, H. Shen, H. Zhai, Phys. Rev. B 98, 085402 (2018).

    Examples
    --------
    >>> aiii_chains(1000, rng=7)
    ChiralHamiltonian: 1000 of 1D, 4 bands (2 occupied), 5 lattice vectors
    """
    if min_gap is not None or classes is not None:

        def draw(m: int, generator: np.random.Generator) -> ChiralHamiltonian:
            return aiii_chains(
                m, n_orbitals=n_orbitals, hopping_range=hopping_range, decay=decay, rng=generator
            )

        return draw_proven(draw, n, min_gap=min_gap or 0.0, classes=classes, rng=rng).hamiltonians
    n = _checks.positive_int(n, "n")
    size = _checks.positive_int(n_orbitals, "n_orbitals")
    reach = _checks.positive_int(hopping_range, "hopping_range", minimum=0)
    factors = damping(np.arange(-reach, reach + 1)[:, None], decay)
    block = complex_normal(as_generator(rng), (n, 2 * reach + 1, size, size))
    block *= factors[:, None, None]
    block /= np.sqrt((np.abs(block) ** 2).sum((-3, -2, -1), keepdims=True) / size)
    return ChiralHamiltonian.from_array(-reach, block)
