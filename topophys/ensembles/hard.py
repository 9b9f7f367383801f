"""Hard ensembles: random Hamiltonians without a gap filter, of many distributions of hoppings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys import _validation
from topophys._random import as_generator
from topophys.ensembles.random import complex_normal, half_square
from topophys.errors import InputError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = [
    "HARD_CHAINS",
    "HARD_PLANES",
    "hard_chains",
    "hard_planes",
    "mixed_chains",
    "mixed_planes",
]

_Draw: TypeAlias = Callable[[np.random.Generator, int, int], NDArray[np.complex128]]


# ------------------------------------------------------------ Blocks D_m of chains, m = -r, ..., r


def _shape(n: int, reach: int, size: int) -> tuple[int, int, int, int]:
    return (n, 2 * reach + 1, size, size)


def _distance(reach: int) -> NDArray[np.float64]:
    return np.abs(np.arange(-reach, reach + 1)).astype(np.float64)[:, None, None]


def _gaussian(rng: np.random.Generator, n: int, size: int) -> NDArray[np.complex128]:
    return complex_normal(rng, _shape(n, 2, size))


def _uniform(rng: np.random.Generator, n: int, size: int) -> NDArray[np.complex128]:
    parts = rng.uniform(-1.0, 1.0, (*_shape(n, 2, size), 2))
    return parts.view(np.complex128)[..., 0]


def _real(rng: np.random.Generator, n: int, size: int) -> NDArray[np.complex128]:
    return rng.uniform(-1.0, 1.0, _shape(n, 2, size)).astype(np.complex128)


def _sparse(rng: np.random.Generator, n: int, size: int) -> NDArray[np.complex128]:
    drawn = complex_normal(rng, _shape(n, 2, size))
    drawn *= rng.random(drawn.shape) < 0.4
    # a chain without hoppings would have no gap: the cell itself keeps a small diagonal
    drawn[:, 2] += 0.1 * np.eye(size)
    return drawn


def _heavy_tails(rng: np.random.Generator, n: int, size: int) -> NDArray[np.complex128]:
    shape = _shape(n, 2, size)
    tails: NDArray[np.float64] = rng.standard_t(1.5, shape)
    phase: NDArray[np.float64] = rng.uniform(0.0, 2.0 * np.pi, shape)
    return np.asarray(tails * np.exp(1j * phase))


def _long_range(rng: np.random.Generator, n: int, size: int) -> NDArray[np.complex128]:
    return np.asarray(complex_normal(rng, _shape(n, 6, size)) / (1.0 + _distance(6)))


def _exponential(rng: np.random.Generator, n: int, size: int) -> NDArray[np.complex128]:
    return np.asarray(complex_normal(rng, _shape(n, 5, size)) * np.exp(-_distance(5) / 1.5))


def _ssh(rng: np.random.Generator, n: int, size: int) -> NDArray[np.complex128]:
    # independent Su-Schrieffer-Heeger chains with a weak random coupling, in a random basis
    drawn = 0.1 * complex_normal(rng, _shape(n, 1, size))
    for a in range(size):
        drawn[:, 1, a, a] += rng.uniform(-1.0, 1.0, n)
        drawn[:, 2, a, a] += rng.uniform(-1.0, 1.0, n)
    left, _ = np.linalg.qr(complex_normal(rng, (n, 1, size, size)))
    right, _ = np.linalg.qr(complex_normal(rng, (n, 1, size, size)))
    return np.asarray(left @ drawn @ right)


def _rank_one(rng: np.random.Generator, n: int, size: int) -> NDArray[np.complex128]:
    # hoppings of rank one around a cell of full rank
    columns, rows = complex_normal(rng, (2, n, 5, size))
    drawn = columns[..., :, None] * rows[..., None, :]
    drawn[:, 2] += complex_normal(rng, (n, size, size))
    return np.asarray(drawn)


def _anisotropic(rng: np.random.Generator, n: int, size: int) -> NDArray[np.complex128]:
    # orbitals of very different strength: the blocks are badly conditioned
    strength = 10.0 ** rng.uniform(-1.0, 1.0, (n, 1, size, 1))
    return np.asarray(complex_normal(rng, _shape(n, 2, size)) * strength)


_CHAINS: Final[dict[str, _Draw]] = {
    "gaussian": _gaussian,
    "uniform": _uniform,
    "real": _real,
    "sparse": _sparse,
    "heavy_tails": _heavy_tails,
    "long_range": _long_range,
    "exponential": _exponential,
    "ssh": _ssh,
    "rank_one": _rank_one,
    "anisotropic": _anisotropic,
}
#: Names of the ensembles of `hard_chains`.
HARD_CHAINS: Final = tuple(_CHAINS)
#: Ranges of those whose range is not 2, and of the planes whose range is not 1.
CHAIN_RANGES: Final = {"long_range": 6, "exponential": 5, "ssh": 1}
PLANE_RANGES: Final = {"long_range": 3}


def hard_chains(
    ensemble: str,
    n: int,
    *,
    n_orbitals: int = 2,
    rng: np.random.Generator | int | None = None,
) -> ChiralHamiltonian:
    r"""Draw chiral chains of one of ten ensembles, without any filter on the gap.

    .. math:: D(k) = \sum_{m=-r}^{r} D_m e^{imk}, \qquad
        \sum_m \|D_m\|_F^2 = N \text{ after scaling}

    - "gaussian": complex Gaussian entries, r = 2;
    - "uniform": real and imaginary parts uniform in [-1, 1], r = 2;
    - "real": real entries uniform in [-1, 1], r = 2, class BDI;
    - "sparse": each Gaussian entry is kept with probability 0.4, r = 2;
    - "heavy_tails": sizes of Student's t with 1.5 degrees of freedom, uniform phases, r = 2;
    - "long_range": Gaussian entries times 1 / (1 + \|m\|), r = 6;
    - "exponential": Gaussian entries times exp(-\|m\| / 1.5), r = 5;
    - "ssh": weakly coupled Su-Schrieffer-Heeger chains in a random basis, r = 1;
    - "rank_one": hoppings of rank one around a Gaussian cell, r = 2;
    - "anisotropic": rows of strengths log-uniform between 0.1 and 10, r = 2.

    Parameters
    ----------
    ensemble : str
        Name of the ensemble, one of `HARD_CHAINS`.
    n : int
        Number of chains.
    n_orbitals : int, optional
        Orbitals per sublattice N.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    ChiralHamiltonian
        Batch of shape (n,), in units of the root-mean-square band energy.

    Raises
    ------
    InputError
        If the ensemble is unknown or a number is not a positive integer.

    References
    ----------
    .. [1] A. Altland, M. R. Zirnbauer, Phys. Rev. B 55, 1142 (1997).

    Examples
    --------
    >>> hard_chains("long_range", 3, rng=7)
    ChiralHamiltonian: 3 of 1D, 4 bands (2 occupied), 13 lattice vectors
    """
    _validation.one_of(ensemble, "ensemble", HARD_CHAINS)
    count = _validation.positive_int(n, "n")
    size = _validation.positive_int(n_orbitals, "n_orbitals")
    block = _CHAINS[ensemble](as_generator(rng), count, size)
    block /= np.sqrt((np.abs(block) ** 2).sum((-3, -2, -1), keepdims=True) / size)
    return ChiralHamiltonian.from_array(-(block.shape[1] // 2), block)


# ----------------------------------------------------- Hopping matrices of planes, one of R and -R


def _plane_entries(
    name: str, rng: np.random.Generator, shape: tuple[int, ...]
) -> NDArray[np.complex128]:
    if name == "sparse":
        drawn = complex_normal(rng, shape)
        return np.asarray(drawn * (rng.random(shape) < 0.4))
    if name == "heavy_tails":
        phase: NDArray[np.float64] = rng.uniform(0.0, 2.0 * np.pi, shape)
        return np.asarray(rng.standard_t(1.5, shape) * np.exp(1j * phase))
    if name == "uniform":
        return rng.uniform(-1.0, 1.0, (*shape, 2)).view(np.complex128)[..., 0]
    return complex_normal(rng, shape)


#: Names of the ensembles of `hard_planes`.
HARD_PLANES: Final = (
    "decaying",
    "gaussian",
    "uniform",
    "sparse",
    "heavy_tails",
    "long_range",
    "anisotropic",
)


def hard_planes(
    ensemble: str,
    n: int,
    *,
    n_bands: int = 2,
    n_occupied: int | None = None,
    rng: np.random.Generator | int | None = None,
) -> FourierHamiltonian:
    r"""Draw Hamiltonians without symmetry in two dimensions, without any filter on the gap.

    .. math:: H(k) = \sum_{|R_1|, |R_2| \le r} H_R e^{i k \cdot R}, \qquad H_{-R} = H_R^\dagger

    - "decaying": Gaussian matrices times 0.7^(\|R_1\| + \|R_2\|), 1.5 for R = 0, r = 1;
    - "gaussian": Gaussian matrices, all alike, r = 1;
    - "uniform", "sparse", "heavy_tails": entries as in `hard_chains`, r = 1;
    - "long_range": Gaussian matrices times 1 / (1 + \|R_1\| + \|R_2\|)^2, r = 3;
    - "anisotropic": hoppings along y a tenth to ten times those along x, r = 1.

    Parameters
    ----------
    ensemble : str
        Name of the ensemble, one of `HARD_PLANES`.
    n : int
        Number of Hamiltonians.
    n_bands, n_occupied : int, optional
        Numbers of bands and of occupied ones; half of the bands where not given.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    FourierHamiltonian
        Batch of shape (n,), with traces taken out, in units of the root-mean-square band energy.

    Raises
    ------
    InputError
        If the ensemble is unknown, a number is not a positive integer, or `n_occupied` does not go
        with `n_bands`.

    References
    ----------
    .. [1] A. Altland, M. R. Zirnbauer, Phys. Rev. B 55, 1142 (1997).

    Examples
    --------
    >>> hard_planes("decaying", 2, n_bands=4, rng=7)
    FourierHamiltonian: 2 of 2D, 4 bands (2 occupied), 9 lattice vectors
    """
    _validation.one_of(ensemble, "ensemble", HARD_PLANES)
    count = _validation.positive_int(n, "n")
    size = _validation.positive_int(n_bands, "n_bands", minimum=2)
    filled = _filled_bands(n_occupied, size)
    generator = as_generator(rng)
    half = half_square(PLANE_RANGES.get(ensemble, 1))
    drawn = _plane_entries(ensemble, generator, (count, len(half), size, size))
    distance = np.abs(np.array(half)).sum(-1)
    if ensemble == "decaying":
        drawn *= np.where(distance == 0, 1.5, 0.7**distance)[:, None, None]
    elif ensemble == "long_range":
        drawn *= (1.0 / (1.0 + distance) ** 2)[:, None, None]
    elif ensemble == "anisotropic":
        ratio = 10.0 ** generator.uniform(-1.0, 1.0, (count, 1))
        drawn *= (ratio ** np.abs(np.array(half))[:, 1])[..., None, None]
    return _hermitian_planes(drawn, half, filled)


# --------------------------------------------------------- Mixtures of distributions, for training

#: Largest range of the chains and planes of the mixtures.
CHAIN_REACH: Final = 6
PLANE_REACH: Final = 2


def mixed_chains(
    n: int,
    *,
    n_orbitals: int = 2,
    ranges: tuple[int, int] = (1, CHAIN_REACH),
    powers: tuple[float, float] = (0.0, 2.5),
    real: float = 0.4,
    uneven: float = 0.3,
    rng: np.random.Generator | int | None = None,
) -> ChiralHamiltonian:
    r"""Draw chains of a wide mixture of distributions, to train on.

    .. math:: D_m = 10^{u_a} \, e^{\sigma x_m} \, (1 + |m|)^{-p} \, G_m, \qquad |m| \le r

    with range r and power p uniform between their limits, spreads :math:`\sigma` of 0 or 0.7,
    strengths :math:`u_a` of the rows of 0 or uniform in [-1, 1], and complex or real Gaussian
    entries, the real ones in a random basis or as they are. There is no
    filter on the gap. No ensemble of `hard_chains` is a part of it, though ranges and symmetries
    overlap.

    Parameters
    ----------
    n : int
        Number of chains.
    n_orbitals : int, optional
        Orbitals per sublattice N.
    ranges, powers : pair of numbers, optional
        Smallest and largest range r, at most 6, and power p.
    real, uneven : float, optional
        Shares of chains with real entries, and with rows of different strengths.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    ChiralHamiltonian
        Batch of shape (n,), in units of the root-mean-square band energy.

    Raises
    ------
    InputError
        If a number is not a positive integer, or limits are not in order.

    References
    ----------
    .. [1] A. Altland, M. R. Zirnbauer, Phys. Rev. B 55, 1142 (1997).

    Examples
    --------
    >>> mixed_chains(4, rng=7)
    ChiralHamiltonian: 4 of 1D, 4 bands (2 occupied), 13 lattice vectors
    """
    count = _validation.positive_int(n, "n")
    size = _validation.positive_int(n_orbitals, "n_orbitals")
    least, most = _limits(ranges, "ranges", 1, CHAIN_REACH)
    low, high = _limits(powers, "powers", 0.0, 100.0)
    generator = as_generator(rng)
    block = complex_normal(generator, _shape(count, CHAIN_REACH, size))
    is_real = generator.random(count) < _share(real, "real")
    block[is_real] = np.sqrt(2.0) * block[is_real].real
    distance = _distance(CHAIN_REACH)
    reach = generator.integers(int(least), int(most) + 1, (count, 1, 1, 1))
    power = generator.uniform(low, high, (count, 1, 1, 1))
    block *= (distance <= reach) / (1.0 + distance) ** power
    spread = 0.7 * (generator.random((count, 1, 1, 1)) < 0.3)
    block *= np.exp(spread * generator.standard_normal((count, block.shape[1], 1, 1)))
    is_uneven = generator.random((count, 1, 1, 1)) < _share(uneven, "uneven")
    block *= 10.0 ** (is_uneven * generator.uniform(-1.0, 1.0, (count, 1, size, 1)))
    turned = generator.random(count) < 0.5
    bases, _ = np.linalg.qr(complex_normal(generator, (2, count, 1, size, size)))
    block[turned] = (bases[0] @ block @ bases[1])[turned]
    block /= np.sqrt((np.abs(block) ** 2).sum((-3, -2, -1), keepdims=True) / size)
    return ChiralHamiltonian.from_array(-CHAIN_REACH, block)


def mixed_planes(
    n: int,
    *,
    n_bands: int = 2,
    n_occupied: int | None = None,
    ranges: tuple[int, int] = (1, PLANE_REACH),
    powers: tuple[float, float] = (0.0, 2.0),
    rng: np.random.Generator | int | None = None,
) -> FourierHamiltonian:
    r"""Draw planes of a wide mixture of distributions, to train on.

    .. math:: H_R = (1 + |R_1| + |R_2|)^{-p} \, 10^{u |R_2|} \, G_R, \qquad |R_1|, |R_2| \le r

    with range r and power p uniform between their limits, anisotropy u of 0 or uniform in
    [-1/2, 1/2], and the matrix of R = 0 times a number uniform in [1/2, 2]. There is no filter on
    the gap.

    Parameters
    ----------
    n : int
        Number of Hamiltonians.
    n_bands, n_occupied : int, optional
        Numbers of bands and of occupied ones; half of the bands where not given.
    ranges, powers : pair of numbers, optional
        Smallest and largest range r, at most 6, and power p.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    FourierHamiltonian
        Batch of shape (n,), with traces taken out, in units of the root-mean-square band energy.

    Raises
    ------
    InputError
        If a number is not a positive integer, limits are not in order, or `n_occupied` does not go
        with `n_bands`.

    References
    ----------
    .. [1] A. Altland, M. R. Zirnbauer, Phys. Rev. B 55, 1142 (1997).

    Examples
    --------
    >>> mixed_planes(2, n_bands=3, n_occupied=1, rng=7)
    FourierHamiltonian: 2 of 2D, 3 bands (1 occupied), 25 lattice vectors
    """
    count = _validation.positive_int(n, "n")
    size = _validation.positive_int(n_bands, "n_bands", minimum=2)
    filled = _filled_bands(n_occupied, size)
    least, most = _limits(ranges, "ranges", 1, CHAIN_REACH)
    low, high = _limits(powers, "powers", 0.0, 100.0)
    generator = as_generator(rng)
    half = half_square(int(most))
    vectors = np.abs(np.array(half))
    drawn = complex_normal(generator, (count, len(half), size, size))
    power = generator.uniform(low, high, (count, 1))
    factor = (1.0 + vectors.sum(-1)) ** -power
    factor[:, 0] *= generator.uniform(0.5, 2.0, count)
    factor *= vectors.max(-1) <= generator.integers(int(least), int(most) + 1, (count, 1))
    uneven = generator.random((count, 1)) < 0.3
    factor *= 10.0 ** (uneven * generator.uniform(-0.5, 0.5, (count, 1)) * vectors[:, 1])
    drawn *= factor[..., None, None]
    return _hermitian_planes(drawn, half, filled)


def _limits(
    given: tuple[float, float], name: str, least: float, most: float
) -> tuple[float, float]:
    """Check a smallest and a largest value; integers where `least` is one."""
    values = _validation.as_real(given, name, "(2)")
    whole = not isinstance(least, int) or bool((values == np.rint(values)).all())
    if not (values.shape == (2,) and least <= values[0] <= values[1] <= most and whole):
        kind = "integers" if isinstance(least, int) else "numbers"
        raise InputError(
            f"Argument `{name}` must be two {kind} between {least} and {most}, the smaller one"
            f" first, but is {_validation.short(given)}."
        )
    return float(values[0]), float(values[1])


def _share(given: float, name: str) -> float:
    """Check a share."""
    value = _validation.as_real(given, name, "()")
    if value.ndim or not 0.0 <= value <= 1.0:
        raise InputError(
            f"Argument `{name}` must be a number from 0 to 1, but is {_validation.short(given)}."
        )
    return float(value)


def _filled_bands(n_occupied: int | None, size: int) -> int:
    if n_occupied is not None and not 0 < n_occupied < size:
        raise InputError(
            f"Argument `n_occupied` must lie between 1 and {size - 1} for {size} bands, but is"
            f" {n_occupied}."
        )
    return size // 2 if n_occupied is None else int(n_occupied)


def _hermitian_planes(
    drawn: NDArray[np.complex128], half: list[tuple[int, int]], filled: int
) -> FourierHamiltonian:
    """Traceless Hamiltonians of unit root-mean-square energy from the matrices of one of R, -R."""
    size = drawn.shape[-1]
    origin = drawn[:, 0]
    drawn[:, 0] = (origin + np.conj(np.swapaxes(origin, -1, -2))) * np.sqrt(0.5)
    drawn -= np.trace(drawn, axis1=-2, axis2=-1)[..., None, None] * (np.eye(size) / size)
    weight = (np.abs(drawn) ** 2).sum((-2, -1))
    power = 2.0 * weight.sum(-1) - weight[:, 0]
    drawn /= np.sqrt(power / size)[:, None, None, None]
    return FourierHamiltonian({r: drawn[:, m] for m, r in enumerate(half)}, n_occupied=filled)
