"""Bounds of the gap, and of how far the occupied space turns, everywhere on cells of k space."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.invariants._loops import TINY
from topophys.invariants._slices import bloch_at

__all__ = ["cell_bounds"]

SLACK: Final = 64 * 2.0**-53
Array = NDArray[np.complex128]
Real = NDArray[np.float64]


def cell_bounds(
    vectors: NDArray[np.int64],
    amplitudes: NDArray[np.complex128],
    filled: int,
    centre: NDArray[np.float64],
    half: NDArray[np.float64],
    slack: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Bounds that hold everywhere on cells of one size, from their centres.

    In the eigenbasis of the centre the linear part of the occupied block has a largest level that
    is convex in k, and the empty block a smallest one that is concave: their distance is smallest
    at a corner. What is beyond the linear part is bounded by second derivatives at the centre and
    a third-order remainder, or by a second-order remainder, whichever is smaller. The block that
    mixes both sides turns the occupied space by the tan 2-Theta theorem.

    Parameters
    ----------
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors.
    amplitudes : complex128 ndarray of shape (M, b, b)
        Hoppings of one Hamiltonian.
    filled : int
        Number of occupied bands.
    centre : float64 ndarray of shape (..., dim)
        Centres of cells of one size.
    half : float64 ndarray of shape (D, dim)
        Half of their edges, one to three of them.
    slack : float, optional
        What rounding can do to H(k) and its derivatives, where that was bounded before.

    Returns
    -------
    bound : float64 ndarray of shape (...)
        Lower bound of the direct gap on the cell; not positive where there is none.
    link : float64 ndarray of shape (...)
        Largest phase of a link between two points of the cell in the gauge parallel to its
        centre; infinite where the gap is not proven.
    seen : float64 ndarray of shape (...)
        Gap at the centre.
    """
    energy, states = np.linalg.eigh(bloch_at(vectors, amplitudes, centre))
    reach = vectors @ half.T
    far = np.abs(reach).sum(-1)
    norms = np.linalg.norm(amplitudes, ord=2, axis=(-2, -1)) * (1.0 + 1e-12)
    second, third = 0.5 * (norms * far**2).sum(), (norms * far**3).sum() / 6.0
    n_bands = amplitudes.shape[-1]
    slack = max(slack, SLACK * (len(vectors) + n_bands) * (norms * (1.0 + far)).sum())

    def turned(factor: NDArray[np.complex128]) -> Array:
        part = bloch_at(vectors, factor[:, None, None] * amplitudes, centre)
        return np.asarray(states.conj().swapaxes(-1, -2) @ part @ states)

    slopes = [turned(1j * r) for r in reach.T]
    occupied, empty = (slice(None, filled),) * 2, (slice(filled, None),) * 2
    mixing = (slice(filled, None), slice(None, filled))
    rests = [np.zeros(energy.shape[:-1]) for _ in range(4)]
    for i, j in itertools.combinations_with_replacement(range(len(half)), 2):
        weight = 0.5 if i == j else 1.0
        curve = weight * turned(-(reach[:, i] * reach[:, j]).astype(complex))
        parts = [curve[(..., *block)] for block in (occupied, empty, mixing)]
        sizes = [*map(_norm, parts), _frobenius(parts[2])]
        rests = [rest + size for rest, size in zip(rests, sizes, strict=True)]
    root = np.sqrt(min(filled, n_bands - filled))
    spread = (1.0, 1.0, 1.0, root)
    rests = [
        np.minimum(s * second, rest + s * third) + slack
        for s, rest in zip(spread, rests, strict=True)
    ]
    apart = _corner_gap(energy, slopes, filled)
    bound = apart - rests[0] - rests[1]
    mixed, mixed_f = rests[2], rests[3]
    sides = [s for s in itertools.product((1.0, -1.0), repeat=len(half)) if s[0] > 0.0]
    corners = [
        sum(c * s[(..., *mixing)] for c, s in zip(side, slopes, strict=True)) for side in sides
    ]
    # norms are convex: largest at a corner, and alike at opposite ones
    mixed = mixed + np.max([_norm(np.asarray(c)) for c in corners], axis=0)
    mixed_f = mixed_f + np.max([_frobenius(np.asarray(c)) for c in corners], axis=0)
    seen = energy[..., filled] - energy[..., filled - 1]
    return bound, _link(bound, mixed, mixed_f, filled), seen


def _link(bound: Real, mixed: Real, mixed_f: Real, filled: int) -> Real:
    """Largest phase of a link from tan 2 theta <= 2 b / gap in operator and Frobenius norm."""
    safe = np.where(bound > 0.0, bound, 1.0)
    double = 2.0 * mixed / safe
    tangent = double / (1.0 + np.sqrt(1.0 + double**2))
    # sum of arcsin(t_i^2) with t_i <= t and sum t_i^2 <= |tan Theta|_F^2
    share = np.minimum(filled, (mixed_f / safe / tangent.clip(1e-150)) ** 2)
    phase = share * np.arcsin((tangent**2).clip(0.0, 1.0))
    return np.where(bound > 0.0, phase, np.inf)


def _corner_gap(energy: Real, slopes: list[Array], filled: int) -> Real:
    """Smallest distance over the corners between the levels of the two linear blocks."""
    n_bands = energy.shape[-1]
    best = np.full(energy.shape[:-1], np.inf)
    level = energy[..., None] * np.eye(n_bands)
    for side in itertools.product((1.0, -1.0), repeat=len(slopes)):
        linear = level + sum(s * slope for s, slope in zip(side, slopes, strict=True))
        top = np.linalg.eigvalsh(linear[..., :filled, :filled])[..., -1]
        bottom = np.linalg.eigvalsh(linear[..., filled:, filled:])[..., 0]
        best = np.minimum(best, bottom - top)
    return best


def _norm(block: Array) -> Real:
    """Upper bound of the operator norm: (tr (a^dagger a)^8)^(1/16), at most n^(1/16) too large."""
    rows, columns = block.shape[-2:]
    dagger = block.conj().swapaxes(-1, -2)
    gram = block @ dagger if rows <= columns else dagger @ block
    scale = np.sqrt((np.abs(gram) ** 2).sum((-2, -1))).clip(TINY)[..., None, None]
    power = gram / scale
    power = power @ power
    power = power @ power
    root = (np.abs(power) ** 2).sum((-2, -1)) ** (1.0 / 16.0)
    return np.asarray(np.sqrt(scale[..., 0, 0]) * root * (1.0 + 1e-10))


def _frobenius(block: Array) -> Real:
    return np.asarray(np.sqrt((np.abs(block) ** 2).sum((-2, -1))))
