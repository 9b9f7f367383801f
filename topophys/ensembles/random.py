"""Random Hamiltonians with Gaussian hoppings, random links, and disordered chains."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex
from numpy.typing import NDArray

from topophys import _validation
from topophys._random import as_generator
from topophys.ensembles.rejection import draw_proven
from topophys.errors import InputError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = ["aiii_chains", "class_a", "disordered_ssh", "random_links", "two_band"]


# ----------------------- Gaussian coefficients of hoppings, and the lattice vectors that carry them


def complex_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.complex128]:
    """Draw independent complex normal numbers with E|z|^2 = 1."""
    parts = rng.standard_normal((*shape, 2))
    parts *= np.sqrt(0.5)
    return parts.view(np.complex128)[..., 0]


def half_square(reach: int) -> list[tuple[int, int]]:
    """Lattice vectors with components up to `reach` in size, one of R and -R: 0 comes first.

    Examples
    --------
    >>> half_square(1)
    [(0, 0), (0, 1), (1, -1), (1, 0), (1, 1)]
    """
    square = ((x, y) for x in range(reach + 1) for y in range(-reach, reach + 1))
    return [vector for vector in square if vector >= (0, 0)]


def damping(vectors: NDArray[np.int64], decay: float) -> NDArray[np.float64]:
    """Factors exp(-decay |R|) by which hoppings get smaller with distance.

    Shapes: `vectors` (M, dim); returns (M,).
    """
    if not 0.0 <= decay < math.inf:
        raise InputError(f"Argument `decay` must be a finite number >= 0, but is {decay}.")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1)
    factors: NDArray[np.float64] = np.exp(-decay * lengths)
    return factors


# ---------------------------------------------------------------- Random chiral chains


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
    n = _validation.positive_int(n, "n")
    size = _validation.positive_int(n_orbitals, "n_orbitals")
    reach = _validation.positive_int(hopping_range, "hopping_range", minimum=0)
    factors = damping(np.arange(-reach, reach + 1)[:, None], decay)
    block = complex_normal(as_generator(rng), (n, 2 * reach + 1, size, size))
    block *= factors[:, None, None]
    block /= np.sqrt((np.abs(block) ** 2).sum((-3, -2, -1), keepdims=True) / size)
    return ChiralHamiltonian.from_array(-reach, block)


# ------------------------------------------- Random Hamiltonians without symmetry in two dimensions


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
    n = _validation.positive_int(n, "n")
    size = _validation.positive_int(n_bands, "n_bands", minimum=2)
    filled = _validation.occupied(size // 2 if n_occupied is None else n_occupied, size)
    reach = _validation.positive_int(hopping_range, "hopping_range", minimum=0)
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


# --------------------------------------------------- Random two-band Hamiltonians in two dimensions


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
    n = _validation.positive_int(n, "n")
    reach = _validation.positive_int(hopping_range, "hopping_range", minimum=0)
    generator = as_generator(rng)
    half = half_square(reach)[1:]
    factors = damping(np.array(half, np.int64).reshape(-1, 2), decay)
    origin = generator.standard_normal((n, 3))
    rest = complex_normal(generator, (n, len(half), 3)) * factors[:, None]
    power = (origin**2).sum(-1) + 2.0 * (np.abs(rest) ** 2).sum((-2, -1))
    scale = 1.0 / np.sqrt(power)
    coefficients = {r: rest[:, m] * scale[:, None] for m, r in enumerate(half)}
    return TwoBandHamiltonian({(0, 0): origin * scale[:, None], **coefficients})


# --------------------------------------------------------- Random link variables on a periodic grid


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
    coarse that neighbouring points are independent.

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
    n = _validation.positive_int(n, "n")
    size = _validation.positive_int(n_occupied, "n_occupied")
    if len(grid) != 2:
        raise InputError(f"Argument `grid` must have 2 numbers, but is {grid}.")
    shape = tuple(_validation.positive_int(side, "grid") for side in grid)
    drawn = complex_normal(as_generator(rng), (n, *shape, 2, size, size))
    unitary, upper = np.linalg.qr(drawn)
    diagonal = np.einsum("...aa->...a", upper)
    # what LAPACK leaves to chance, the phases of the columns, would spoil the measure
    return np.asarray(unitary * (diagonal / np.abs(diagonal))[..., None, :])


# ---- Disordered chains


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
