"""Local quantities that only interpretation needs: controls, and other ways to count."""

from __future__ import annotations

from itertools import permutations
from typing import TypeVar

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian

__all__ = [
    "cumulative_winding",
    "fold_d",
    "permanent",
    "scrambled",
    "solid_angle",
    "wrapped_steps",
]

T = TypeVar("T")


def permanent(block: Complex[np.ndarray, "... n n"]) -> Complex[np.ndarray, "..."]:
    r"""Permanent of square blocks: the determinant without its signs.

    .. math:: \mathrm{perm}\, D = \sum_\sigma \prod_i D_{i \sigma(i)}

    A quadratic form of a 2 x 2 block like the determinant, but it may vanish on a gapped chain:
    its phase knows nothing of the winding number.

    Parameters
    ----------
    block : complex128 ndarray of shape (..., n, n)
        Blocks, n at most 6.

    Returns
    -------
    complex128 ndarray of shape (...)
        Permanents.

    Raises
    ------
    InputError
        If n is larger than 6.

    Examples
    --------
    >>> permanent(np.array([[[1.0, 2.0j], [3.0, 4.0]]]))
    array([4.+6.j])
    """
    n = block.shape[-1]
    if n > 6:
        raise InputError(f"Argument `block` must be at most 6 x 6, but is {n} x {n}.")
    terms = (block[..., range(n), order].prod(-1) for order in permutations(range(n)))
    total: NDArray[np.complex128] = sum(terms, np.zeros(block.shape[:-2], np.complex128))
    return total


def wrapped_steps(angle: Float[np.ndarray, "samples n"]) -> Float[np.ndarray, "samples n"]:
    """Change of an angle from each k point to the next, around the zone.

    Parameters
    ----------
    angle : float64 ndarray of shape (S, N)
        Angles in radians.

    Returns
    -------
    float64 ndarray of shape (S, N)
        Steps in [-pi, pi).

    Examples
    --------
    >>> wrapped_steps(np.pi * np.array([[0.0, 0.75, -0.75]])) / np.pi
    array([[0.75, 0.5 , 0.75]])
    """
    step = np.roll(angle, -1, axis=1) - angle
    return np.asarray((step + np.pi) % (2.0 * np.pi) - np.pi)


def cumulative_winding(steps: Float[np.ndarray, "samples n"]) -> Float[np.ndarray, "samples n"]:
    """Count the turns completed after each link, from the first k point on.

    Parameters
    ----------
    steps : float64 ndarray of shape (S, N)
        Winding steps in radians.

    Returns
    -------
    float64 ndarray of shape (S, N)
        Turns; the last is the winding number.

    Examples
    --------
    >>> cumulative_winding(np.full((1, 4), np.pi / 2))
    array([[0.25, 0.5 , 0.75, 1.  ]])
    """
    return np.asarray(np.cumsum(steps, axis=1) / (2.0 * np.pi))


def solid_angle(d: Float[np.ndarray, "samples nx ny 3"]) -> Float[np.ndarray, "samples nx ny"]:
    r"""Signed solid angle that unit d-vectors sweep over each plaquette.

    .. math:: \tan\frac{\Omega}{2} = \frac{a \cdot (b \times c)}{1 + a\cdot b + b\cdot c + c\cdot a}

    summed over the two triangles of the plaquette. Where both are small it is twice the Berry flux
    of the lower band.

    Parameters
    ----------
    d : float64 ndarray of shape (S, Nx, Ny, 3)
        Unit vectors on a periodic grid.

    Returns
    -------
    float64 ndarray of shape (S, Nx, Ny)
        Solid angles; the sum is 4 pi times an integer.

    References
    ----------
    .. [1] A. Van Oosterom, J. Strackee, IEEE Trans. Biomed. Eng. BME-30, 125 (1983).

    Examples
    --------
    >>> import topophys as tp
    >>> d = tp.flatten_d(tp.models.qwz([-1.0]).d_on_grid((16, 16)))
    >>> round(float(solid_angle(d).sum() / (4 * np.pi)), 12)
    1.0
    """
    right, above = np.roll(d, -1, axis=1), np.roll(d, -1, axis=2)
    across = np.roll(right, -1, axis=2)
    return _triangle(d, right, across) + _triangle(d, across, above)


def _triangle(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> NDArray[np.float64]:
    volume = (a * np.cross(b, c)).sum(-1)
    rest = 1.0 + (a * b).sum(-1) + (b * c).sum(-1) + (c * a).sum(-1)
    return np.asarray(2.0 * np.arctan2(volume, rest))


def fold_d(d: Float[np.ndarray, "... 3"]) -> Float[np.ndarray, "... 3"]:
    """Reflect d-vectors into the upper half space.

    The flux of the result is as local and as large as the true one, but its sum is always 0.

    Parameters
    ----------
    d : float64 ndarray of shape (..., 3)
        d-vectors.

    Returns
    -------
    float64 ndarray of shape (..., 3)
        (dx, dy, |dz|).

    Examples
    --------
    >>> fold_d(np.array([0.6, 0.0, -0.8]))
    array([0.6, 0. , 0.8])
    """
    return np.concatenate([d[..., :2], np.abs(d[..., 2:])], axis=-1)


def scrambled(H: T) -> T:
    """Hamiltonians with the coefficients of the given ones on other lattice vectors.

    A chain has its coefficients rotated by one, D_(n+1) at n and the lowest at the highest, so
    that the reach stays the same; a two-band Hamiltonian has those of all R > 0 moved on by one.

    Parameters
    ----------
    H : ChiralHamiltonian or TwoBandHamiltonian
        Hamiltonians.

    Returns
    -------
    ChiralHamiltonian or TwoBandHamiltonian
        Of the same kind; its densities are as large as those of `H` and have nothing to do with
        them.

    Raises
    ------
    InputError
        If `H` is of another kind, or has too few coefficients to move.

    Examples
    --------
    >>> import topophys as tp
    >>> scrambled(tp.ensembles.aiii_chains(2, rng=0)).block_range
    (-2, 2)
    """
    if isinstance(H, ChiralHamiltonian):
        lowest, _ = H.block_range
        order = np.roll(np.arange(H.block_amplitudes.shape[-3]), -1)
        moved: object = ChiralHamiltonian.from_array(lowest, H.block_amplitudes[..., order, :, :])
    elif isinstance(H, TwoBandHamiltonian):
        vectors = [tuple(v) for v in H.d_vectors.tolist()]
        later = [m for m, v in enumerate(vectors) if v > tuple(-x for x in v)]
        source = dict(zip(later, later[1:] + later[:1], strict=True))
        amplitudes = H.d_amplitudes
        d = {vectors[m]: amplitudes[..., source.get(m, m), :] for m in later}
        d |= {v: amplitudes[..., m, :] for m, v in enumerate(vectors) if not any(v)}
        moved = TwoBandHamiltonian(d)
    else:
        raise InputError(
            "Argument `H` must be a ChiralHamiltonian or TwoBandHamiltonian, but is a"
            f" {type(H).__name__}."
        )
    return moved  # type: ignore[return-value]  # of the type of H by construction
