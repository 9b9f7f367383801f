"""Random Hamiltonians with exact symmetries: superconductors, time reversal, chirality, none."""

from __future__ import annotations

import itertools
import math
from typing import Final, Literal, TypeAlias

import numpy as np
from jaxtyping import Complex
from numpy.typing import NDArray

from topophys import _validation
from topophys._random import as_generator
from topophys.ensembles.random import complex_normal, damping, half_square
from topophys.errors import InputError
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.non_hermitian import NonHermitianHamiltonian
from topophys.hamiltonians.two_band import PAULI

__all__ = ["bdg_chains", "chiral_3d", "non_hermitian_chains", "time_reversal_planes"]

#: Distributions of entries: Gaussian, real, with a tail that falls off as |x|^-2.5.
Entries: TypeAlias = Literal["gaussian", "real", "heavy tails"]
TAIL: Final = 1.5


def half_in_pairs(n_bands: int) -> int:
    """Count occupied bands in whole Kramers pairs: half of them or a pair less, at least a pair."""
    return 2 * max(1, n_bands // 4)


def _drawn(
    rng: np.random.Generator, shape: tuple[int, ...], entries: str
) -> NDArray[np.complex128]:
    """Independent complex entries."""
    _validation.one_of(entries, "entries", ("gaussian", "real", "heavy tails"))
    if entries == "gaussian":
        return complex_normal(rng, shape)
    if entries == "real":
        return rng.standard_normal(shape).astype(np.complex128)
    size: NDArray[np.float64] = rng.standard_t(TAIL, shape)
    return np.asarray(size * np.exp(2j * np.pi * rng.random(shape)))


def _scaled(drawn: NDArray[np.complex128], twice: NDArray[np.bool_]) -> NDArray[np.complex128]:
    """Divide by the root-mean-square energy; `twice` (M,) marks hoppings whose partner is left out.

    Shapes: `drawn` (n, M, b, b).
    """
    weight = np.square(np.abs(drawn)).sum((-2, -1)) * np.where(twice, 2.0, 1.0)
    scale = np.sqrt(weight.sum(-1) / drawn.shape[-1])
    return np.asarray(drawn / scale[:, None, None, None])


# --------------------------------------------------------------- Superconducting chains (class D)


def bdg_chains(
    n: int,
    *,
    n_bands: int = 4,
    hopping_range: int = 2,
    decay: float = 0.0,
    entries: Entries = "gaussian",
    rng: np.random.Generator | int | None = None,
) -> FourierHamiltonian:
    r"""Draw superconducting chains of class D with Gaussian hoppings, in a Majorana basis.

    .. math:: H(k) = i \sum_m A_m e^{imk}, \qquad
        A_{-m} = -A_m^T, \quad (A_m)_{ab} \sim e^{-\lambda |m|} \, \mathcal{N}(0, 1), \quad
        A_0 = (G - G^T) / \sqrt2

    Particle-hole symmetry is exact to the last bit: C = K. Every chain is divided by its
    root-mean-square band energy.

    Parameters
    ----------
    n : int
        Number of chains.
    n_bands : int, optional
        Number of bands, even.
    hopping_range : int, optional
        Largest distance of a hopping, in cells.
    decay : float, optional
        Inverse decay length :math:`\lambda`, in inverse cells.
    entries : {"gaussian", "real", "heavy tails"}, optional
        Distribution of the entries of :math:`A_m`: Gaussian; Gaussian between the two halves of the
        Majorana operators only, which are hoppings and pairings that are real (class BDI);
        Student's t with 1.5 degrees of freedom.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    FourierHamiltonian
        Batch of shape (n,), half filled, in units of the root-mean-square band energy.

    Raises
    ------
    InputError
        If a number is not a positive integer (`hopping_range` may be 0), `n_bands` is odd, or
        `decay` is negative.

    References
    ----------
    .. [1] A. Altland, M. R. Zirnbauer, Phys. Rev. B 55, 1142 (1997).

    Examples
    --------
    >>> import topophys as tp
    >>> h = bdg_chains(100, rng=7)
    >>> proof = tp.majorana_number(h, particle_hole="majorana", kind="direct")
    >>> proof.all_certified, bool(0.3 < proof.value.mean() < 0.7)
    (True, True)
    """
    n = _validation.positive_int(n, "n")
    size = _even(n_bands)
    reach = _validation.positive_int(hopping_range, "hopping_range", minimum=0)
    factors = damping(np.arange(reach + 1)[:, None], decay)
    _validation.one_of(entries, "entries", ("gaussian", "real", "heavy tails"))
    generator, shape = as_generator(rng), (n, reach + 1, size, size)
    drawn: NDArray[np.float64] = (
        generator.standard_t(TAIL, shape)
        if entries == "heavy tails"
        else generator.standard_normal(shape)
    )
    if entries == "real":
        first = np.arange(size) < size // 2
        drawn *= first[:, None] != first
    drawn *= factors[:, None, None]
    drawn[:, 0] = (drawn[:, 0] - drawn[:, 0].swapaxes(-1, -2)) * np.sqrt(0.5)
    hop = _scaled((1j * drawn).astype(np.complex128), np.arange(reach + 1) > 0)
    return FourierHamiltonian({(m,): hop[:, m] for m in range(reach + 1)}, n_occupied=size // 2)


def _even(n_bands: int) -> int:
    size = _validation.positive_int(n_bands, "n_bands", minimum=2)
    if size % 2:
        raise InputError(f"Argument `n_bands` must be even, but is {n_bands}.")
    return size


# ------------------------------------------------------ Planes with time reversal (class AII)


def time_reversal_planes(
    n: int,
    *,
    n_bands: int = 4,
    hopping_range: int = 1,
    decay: float = 0.0,
    inversion: bool = False,
    spin_conserved: bool = False,
    entries: Entries = "gaussian",
    rng: np.random.Generator | int | None = None,
) -> FourierHamiltonian:
    r"""Draw planes with time-reversal symmetry, T^2 = -1, and Gaussian hoppings.

    .. math:: H_R = \tfrac12 (G_R + U \bar G_R U^\dagger), \quad H_{-R} = H_R^\dagger, \quad
        (G_R)_{ab} \sim e^{-\lambda |R|} \, \mathcal{N}_{\mathbb{C}}(0, 1), \qquad
        U = i s_y \otimes 1

    with all orbitals of spin up before those of spin down; the symmetry is exact to the last bit.
    With inversion H is averaged over P = 1 x diag(1, ..., -1, ...) as well, half of the
    orbitals of each spin odd; with the spin conserved the blocks between spins are left out.

    Parameters
    ----------
    n : int
        Number of Hamiltonians.
    n_bands : int, optional
        Number of bands, even; half of them rounded down to pairs are filled.
    hopping_range : int, optional
        Largest component of a lattice vector.
    decay : float, optional
        Inverse decay length :math:`\lambda`, in inverse lattice constants.
    inversion, spin_conserved : bool, optional
        Further symmetries.
    entries : {"gaussian", "real", "heavy tails"}, optional
        Distribution of the entries of :math:`G_R`: complex Gaussian, real Gaussian, or Student's t
        with 1.5 degrees of freedom times a phase.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    FourierHamiltonian
        Batch of shape (n,), in units of the root-mean-square band energy.

    Raises
    ------
    InputError
        If a number is not a positive integer (`hopping_range` may be 0), `n_bands` is odd or
        below 4, or `decay` is negative.

    References
    ----------
    .. [1] A. Altland, M. R. Zirnbauer, Phys. Rev. B 55, 1142 (1997).
    .. [2] C. L. Kane, E. J. Mele, Phys. Rev. Lett. 95, 146802 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> h = time_reversal_planes(3, rng=1)
    >>> tp.z2_invariant(h, method="flux", time_reversal="up first").status
    array(['certified', 'certified', 'certified'], dtype='<U10')
    """
    n = _validation.positive_int(n, "n")
    size = _even(n_bands)
    if size < 4:
        raise InputError(f"Argument `n_bands` must be at least 4, two pairs, but is {n_bands}.")
    reach = _validation.positive_int(hopping_range, "hopping_range", minimum=0)
    half, orbitals = half_square(reach), size // 2
    drawn = _drawn(as_generator(rng), (n, len(half), size, size), entries)
    drawn *= damping(np.array(half), decay)[:, None, None]
    drawn[:, 0] = (drawn[:, 0] + drawn[:, 0].conj().swapaxes(-1, -2)) * np.sqrt(0.5)
    up, down = slice(None, orbitals), slice(orbitals, None)
    # U conj(G) U^dagger exchanges the spins: blocks are formed once and copied, bit by bit
    same = 0.5 * (drawn[..., up, up] + drawn[..., down, down].conj())
    flip = 0.5 * (drawn[..., up, down] - drawn[..., down, up].conj())
    if inversion:
        # P H(-k) P = H(k): between orbitals of one parity H_R is Hermitian, else antihermitian
        parity = np.where(np.arange(orbitals) < (orbitals + 1) // 2, 1.0, -1.0)
        signs = np.multiply.outer(parity, parity)
        same = 0.5 * (same + signs * same.conj().swapaxes(-1, -2))
        flip = 0.5 * (flip - signs * flip.swapaxes(-1, -2))
    if spin_conserved:
        flip = np.zeros_like(flip)
    made = np.empty_like(drawn)
    made[..., up, up], made[..., down, down] = same, same.conj()
    made[..., up, down], made[..., down, up] = flip, -flip.conj()
    hop = _scaled(made, np.arange(len(half)) > 0)
    return FourierHamiltonian(
        {r: hop[:, m] for m, r in enumerate(half)}, n_occupied=half_in_pairs(size)
    )


# ---------------------------------------------------- Chiral insulators in three dimensions


def chiral_3d(
    n: int,
    *,
    n_bands: int = 4,
    strength: float = 0.3,
    entries: Entries = "gaussian",
    rng: np.random.Generator | int | None = None,
) -> FourierHamiltonian:
    r"""Draw chiral insulators in three dimensions: Dirac models that are perturbed.

    .. math:: D(k) = L \, D_m(\sigma k) R + s \sum_{|R_i| \le 1} G_R e^{ik\cdot R} / \sqrt{27},
        \qquad m \sim \mathcal{U}(-4, 4), \quad
        (G_R)_{ab} \sim \mathcal{N}_{\mathbb{C}}(0, 1)

    with the block :math:`D_m` of `models.chiral_dirac_3d`, Haar-random unitary L and R, and a
    random sign :math:`\sigma` of one momentum; of more than four bands with several such blocks on
    a diagonal, and a constant orbital (energy 2) where a half is left. A D(k) that is random
    altogether has lines on which it is singular, and no gap; perturbed ones of small strength s are
    gapped but near a transition. The chiral operator is diag(1, ..., -1, ...), to the last bit.

    Parameters
    ----------
    n : int
        Number of Hamiltonians.
    n_bands : int, optional
        Number of bands, even and at least 4.
    strength : float, optional
        Root-mean-square size s of a perturbation's entries.
    entries : {"gaussian", "real", "heavy tails"}, optional
        Distribution of the perturbation's entries, as for `time_reversal_planes`.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    FourierHamiltonian
        Batch of shape (n,), in units of the root-mean-square band energy.

    Raises
    ------
    InputError
        If a number is not a positive integer, `n_bands` is odd or below 4, or `strength` is
        negative.

    References
    ----------
    .. [1] A. P. Schnyder, S. Ryu, A. Furusaki, A. W. W. Ludwig, Phys. Rev. B 78, 195125 (2008).

    Examples
    --------
    >>> import topophys as tp
    >>> proof = tp.winding_3d(chiral_3d(40, rng=7), chiral="blocks")
    >>> bool(proof.certified.mean() > 0.5), sorted(set(proof.value.compressed().tolist()))
    (True, [-2, -1, 0, 1])
    """
    n = _validation.positive_int(n, "n")
    if not 0.0 <= strength < math.inf:
        raise InputError(f"Argument `strength` must be a finite number >= 0, but is {strength}.")
    orbitals = _even(n_bands) // 2
    if orbitals < 2:
        raise InputError(f"Argument `n_bands` must be at least 4, but is {n_bands}.")
    generator = as_generator(rng)
    cells = list(itertools.product((-1, 0, 1), repeat=3))
    block = _drawn(generator, (n, 27, orbitals, orbitals), entries) * (strength / np.sqrt(27.0))
    unitary = np.linalg.qr(complex_normal(generator, (2, n, orbitals, orbitals)))[0]
    masses = generator.uniform(-4.0, 4.0, (n, orbitals // 2))
    mirrors = generator.choice([-1.0, 1.0], (n, orbitals // 2))
    one, origin = np.eye(2), cells.index((0, 0, 0))
    for pair in range(orbitals // 2):
        both = slice(2 * pair, 2 * pair + 2)
        left, right = unitary[0][:, :, both], unitary[1][:, both]
        block[:, origin] += masses[:, pair, None, None] * (left @ right)
        for axis, sigma in enumerate(PAULI):
            turn = (mirrors[:, pair] if axis == 0 else np.ones(n))[:, None, None]
            for sign in (1, -1):
                cell = tuple(sign * int(i == axis) for i in range(3))
                block[:, cells.index(cell)] += left @ (0.5 * (one + sign * turn * sigma)) @ right
    if orbitals % 2:
        block[:, origin] += 2.0 * (unitary[0][:, :, -1:] @ unitary[1][:, -1:])
    block /= np.sqrt(np.square(np.abs(block)).sum((1, 2, 3)) / orbitals)[:, None, None, None]
    return chiral_of(np.array(cells), block)


def chiral_of(
    vectors: NDArray[np.int64], block: Complex[np.ndarray, "*batch M N N"]
) -> FourierHamiltonian:
    """Hamiltonians [[0, D], [D^dagger, 0]] of blocks whose vectors are closed under R -> -R.

    Shapes: `vectors` (M, 3), `block` (*batch, M, N, N).
    """
    size = block.shape[-1]
    order = {tuple(v): m for m, v in enumerate(vectors.tolist())}
    hop = {}
    for vector, m in order.items():
        whole = np.zeros((*block.shape[:-3], 2 * size, 2 * size), np.complex128)
        whole[..., :size, size:] = block[..., m, :, :]
        other = block[..., order[tuple(-x for x in vector)], :, :]
        whole[..., size:, :size] = other.conj().swapaxes(-1, -2)
        hop[vector] = whole
    return FourierHamiltonian(hop, n_occupied=size)


# ----------------------------------------------------------------------- Non-Hermitian chains


def non_hermitian_chains(
    n: int,
    *,
    n_bands: int = 2,
    hopping_range: int = 2,
    decay: float = 0.0,
    entries: Entries = "gaussian",
    rng: np.random.Generator | int | None = None,
) -> NonHermitianHamiltonian:
    r"""Draw non-Hermitian chains with Gaussian hoppings.

    .. math:: H(k) = \sum_{m=-r}^{r} H_m e^{imk}, \qquad
        (H_m)_{ab} \sim e^{-\lambda |m|} \, \mathcal{N}_{\mathbb{C}}(0, 1)

    without any relation between :math:`H_m` and :math:`H_{-m}`. Every chain is divided by
    :math:`(\sum_m \|H_m\|_F^2 / n_\mathrm{bands})^{1/2}`.

    Parameters
    ----------
    n : int
        Number of chains.
    n_bands : int, optional
        Number of bands.
    hopping_range : int, optional
        Largest distance of a hopping, in cells.
    decay : float, optional
        Inverse decay length :math:`\lambda`, in inverse cells.
    entries : {"gaussian", "real", "heavy tails"}, optional
        Distribution of the entries, as for `time_reversal_planes`.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    NonHermitianHamiltonian
        Batch of shape (n,).

    Raises
    ------
    InputError
        If a number is not a positive integer (`hopping_range` may be 0), or `decay` is negative.

    References
    ----------
    .. [1] K. Kawabata, K. Shiozaki, M. Ueda, M. Sato, Phys. Rev. X 9, 041015 (2019).

    Examples
    --------
    >>> non_hermitian_chains(100, rng=7)
    NonHermitianHamiltonian: 100 of 1D, 2 bands, hoppings -2 to 2
    """
    n = _validation.positive_int(n, "n")
    size = _validation.positive_int(n_bands, "n_bands")
    reach = _validation.positive_int(hopping_range, "hopping_range", minimum=0)
    drawn = _drawn(as_generator(rng), (n, 2 * reach + 1, size, size), entries)
    drawn *= damping(np.arange(-reach, reach + 1)[:, None], decay)[:, None, None]
    hop = _scaled(drawn, np.zeros(2 * reach + 1, bool))
    return NonHermitianHamiltonian.from_array(-reach, hop)
