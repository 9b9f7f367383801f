"""Random two-band Hamiltonians in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from topophys import _checks
from topophys._random import as_generator
from topophys.ensembles._gaussian import complex_normal, damping, half_square
from topophys.ensembles.proven import draw_proven
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["two_band"]


def two_band(
    n: int,
    *,
    hopping_range: int = 1,
    decay: float = 0.0,
    min_gap: float | None = None,
    classes: Sequence[int] | None = None,
    rng: np.random.Generator | int | None = None,
) -> TwoBandHamiltonian:
    r"""Draw two-band Hamiltonians of class A with Gaussian coefficients of the d-vector.

    .. math:: d(k) = \sum_{|R_1|, |R_2| \le r} d_R e^{i k \cdot R}, \qquad
        d_R = d_{-R}^* \sim e^{-\lambda |R|} \, \mathcal{N}_{\mathbb{C}}(0, 1), \quad
        d_0 \sim \mathcal{N}(0, 1)

    Every Hamiltonian is then divided by its own :math:`(\sum_R |d_R|^2)^{1/2}`, the
    root-mean-square of :math:`|d(k)|` over the zone, so that gaps of different ones compare.
    With `min_gap` or `classes` the law is that on condition of the proof; see `draw_proven`.

    Parameters
    ----------
    n : int
        Number of Hamiltonians.
    hopping_range : int, optional
        Largest component r of a lattice vector.
    decay : float, optional
        Inverse decay length :math:`\lambda` with the Euclidean length of R, in inverse lattice
        constants; 0 makes all hoppings alike.
    min_gap : float, optional
        Keep only what is proven to have at least this gap, in units of the root-mean-square band
        energy; Hamiltonians are drawn until there are n. `draw_proven` also returns the
        integers, and how many were rejected.
    classes : sequence of int, optional
        Keep equal numbers of these Chern numbers, proven, in random order.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    TwoBandHamiltonian
        Batch of shape (n,), in units of the root-mean-square band energy.

    Raises
    ------
    InputError
        If a number is not a positive integer (`hopping_range` may be 0), or `decay` is
        negative; or if no such Hamiltonian turns up in 200 000 draws.

    References
    ----------
    .. [1] N. Sun, J. Yi, P. Zhang, H. Shen, H. Zhai, Phys. Rev. B 98, 085402 (2018).

    Examples
    --------
    >>> two_band(10, rng=7)
    TwoBandHamiltonian: 10 of 2D, 2 bands (1 occupied), 9 lattice vectors
    """
    if min_gap is not None or classes is not None:

        def draw(m: int, generator: np.random.Generator) -> TwoBandHamiltonian:
            return two_band(m, hopping_range=hopping_range, decay=decay, rng=generator)

        return draw_proven(draw, n, min_gap=min_gap or 0.0, classes=classes, rng=rng).hamiltonians
    n = _checks.positive_int(n, "n")
    reach = _checks.positive_int(hopping_range, "hopping_range", minimum=0)
    generator = as_generator(rng)
    half = half_square(reach)[1:]
    factors = damping(np.array(half, np.int64).reshape(-1, 2), decay)
    origin = generator.standard_normal((n, 3))
    rest = complex_normal(generator, (n, len(half), 3)) * factors[:, None]
    power = (origin**2).sum(-1) + 2.0 * (np.abs(rest) ** 2).sum((-2, -1))
    scale = 1.0 / np.sqrt(power)
    coefficients = {r: rest[:, m] * scale[:, None] for m, r in enumerate(half)}
    return TwoBandHamiltonian({(0, 0): origin * scale[:, None], **coefficients})
