"""Random Hamiltonians without symmetry in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from topophys import _checks
from topophys._random import as_generator
from topophys.ensembles._gaussian import complex_normal, damping, half_square
from topophys.ensembles.proven import draw_proven
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["class_a"]


def class_a(
    n: int,
    *,
    n_bands: int,
    n_occupied: int | None = None,
    hopping_range: int = 1,
    decay: float = 0.0,
    min_gap: float | None = None,
    classes: Sequence[int] | None = None,
    rng: np.random.Generator | int | None = None,
) -> FourierHamiltonian:
    r"""Draw Hamiltonians of class A with Gaussian hoppings and any number of bands.

    .. math:: H(k) = \sum_{|R_1|, |R_2| \le r} H_R e^{i k \cdot R}, \qquad
        (H_R)_{ab} = (H_{-R})_{ba}^* \sim e^{-\lambda |R|} \, \mathcal{N}_{\mathbb{C}}(0, 1), \quad
        H_0 = (G + G^\dagger) / \sqrt2, \; G_{ab} \sim \mathcal{N}_{\mathbb{C}}(0, 1)

    The trace of every :math:`H_R` is then taken out, so that the mean of the bands is 0 at every
    k, and every Hamiltonian is divided by its own root-mean-square band energy
    :math:`(\sum_R \|H_R\|_F^2 / n_\mathrm{bands})^{1/2}`, so that gaps of different ones compare.
    With two bands the distribution is that of `two_band`. With `min_gap` or `classes` the law is
    that on condition of the proof; see `draw_proven`.

    Parameters
    ----------
    n : int
        Number of Hamiltonians.
    n_bands : int
        Number of bands, at least 2.
    n_occupied : int, optional
        Number of occupied bands; half of the bands where not given.
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
    FourierHamiltonian
        Batch of shape (n,), in units of the root-mean-square band energy.

    Raises
    ------
    InputError
        If a number is not a positive integer (`hopping_range` may be 0), `n_occupied` does not
        go with `n_bands`, or `decay` is negative; or if no such Hamiltonian turns up in 200 000
        draws.

    References
    ----------
    .. [1] A. Altland, M. R. Zirnbauer, Phys. Rev. B 55, 1142 (1997).
    .. [2] M. L. Mehta, *Random Matrices*, Elsevier (2004), chap. 2.

    Examples
    --------
    >>> class_a(10, n_bands=4, rng=7)
    FourierHamiltonian: 10 of 2D, 4 bands (2 occupied), 9 lattice vectors
    """
    if min_gap is not None or classes is not None:

        def draw(m: int, generator: np.random.Generator) -> FourierHamiltonian:
            return class_a(
                m,
                n_bands=n_bands,
                n_occupied=n_occupied,
                hopping_range=hopping_range,
                decay=decay,
                rng=generator,
            )

        return draw_proven(draw, n, min_gap=min_gap or 0.0, classes=classes, rng=rng).hamiltonians
    n = _checks.positive_int(n, "n")
    size = _checks.positive_int(n_bands, "n_bands", minimum=2)
    filled = _checks.occupied(n_occupied, size)
    reach = _checks.positive_int(hopping_range, "hopping_range", minimum=0)
    half = half_square(reach)
    factors = damping(np.array(half), decay)
    drawn = complex_normal(as_generator(rng), (n, len(half), size, size))
    drawn *= factors[:, None, None]
    origin = drawn[:, 0]
    drawn[:, 0] = (origin + np.conj(np.swapaxes(origin, -1, -2))) * np.sqrt(0.5)
    drawn -= np.trace(drawn, axis1=-2, axis2=-1)[..., None, None] * (np.eye(size) / size)
    weight = (np.abs(drawn) ** 2).sum((-2, -1))
    power = 2.0 * weight.sum(-1) - weight[:, 0]  # R and -R weigh the same, R = 0 counts once
    drawn /= np.sqrt(power / size)[:, None, None, None]
    return FourierHamiltonian({r: drawn[:, m] for m, r in enumerate(half)}, n_occupied=filled)
