"""Gap and turning of the occupied space on a cell, from H at its corners and a basis for it."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel

LOOPS: Final = 8  # bands up to which plain loops beat a call of a matrix product
UP: Final = 1.0 + 1e-12  # rounds norms up


@kernel
def extremes(a: NDArray[np.complex128]) -> tuple[float, float]:
    """Smallest and largest eigenvalue of a Hermitian matrix (f, f)."""
    if a.shape[0] == 1:
        return a[0, 0].real, a[0, 0].real
    if a.shape[0] == 2:
        mean = 0.5 * (a[0, 0].real + a[1, 1].real)
        half = 0.5 * (a[0, 0].real - a[1, 1].real)
        root = math.sqrt(half * half + a[0, 1].real ** 2 + a[0, 1].imag ** 2)
        return mean - root, mean + root
    values = np.linalg.eigvalsh(np.ascontiguousarray(a))
    return values[0], values[-1]


@kernel
def turn_basis(
    states: NDArray[np.complex128],
    h: NDArray[np.complex128],
    work: NDArray[np.complex128],
    out: NDArray[np.complex128],
) -> None:
    """Fill out (n, n) with states^dagger h states; work (n, n) is scratch."""
    n = h.shape[0]
    if n > LOOPS:
        out[:] = np.dot(np.ascontiguousarray(states.conj().T), np.dot(h, states))
        return
    for i in range(n):
        for j in range(n):
            total = 0.0j
            for s in range(n):
                total += h[i, s] * states[s, j]
            work[i, j] = total
    for i in range(n):
        for j in range(i, n):
            total = 0.0j
            for s in range(n):
                total += np.conj(states[s, i]) * work[s, j]
            out[i, j], out[j, i] = total, np.conj(total)


@kernel
def corner_gap(
    corners: NDArray[np.complex128],
    states: NDArray[np.complex128],
    filled: int,
    rest: float,
    work: NDArray[np.complex128],
    turned: NDArray[np.complex128],
) -> tuple[float, float, float]:
    """Gap proven on a cell, and bounds of the block that mixes occupied and empty states there.

    corners (Q, n, n) holds H at the corners, states (n, n) any unitary basis, best that of the
    middle. H is off its interpolation between the corners by at most `rest` in operator norm. On
    the cell the blocks of H - mu in this basis are averages of those at the corners, for mu the
    interpolation of any numbers at the corners: with those halfway between the blocks, the gap at
    every k is at least the smallest distance of the blocks at a corner, less 2 rest. Returns the
    gap, and the mixing block in operator and in Frobenius norm; work and turned are scratch.
    """
    n = states.shape[0]
    gap, mixing = np.inf, 0.0
    for q in range(corners.shape[0]):
        turn_basis(states, corners[q], work, turned)
        _, below = extremes(turned[:filled, :filled])
        above, _ = extremes(turned[filled:, filled:])
        gap = min(gap, above - below)
        total = 0.0
        for i in range(filled, n):
            for j in range(filled):
                total += turned[i, j].real ** 2 + turned[i, j].imag ** 2
        mixing = max(mixing, total)
    mixing = math.sqrt(mixing) * UP
    root = math.sqrt(1.0 * min(filled, n - filled))
    return gap - 2.0 * rest, mixing + rest, mixing + root * rest


@kernel
def phase_bound(gap: float, mixing: float, mixing_f: float, filled: int, n: int) -> float:
    """Bound of |arg det V(p)^dagger V(q)| for two points of the cell, in the gauge of its basis.

    V(k) is spanned by (1, T) in blocks, and tan 2 theta <= 2 b / gap for the angles whose tangents
    are the singular values of T (C. Davis, W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970)), in
    operator and in Frobenius norm: |T| <= t < 1 and |T|_F <= b_F / gap. The phase is that of
    det(1 + T(p)^dagger T(q)), a sum of at most arcsin(t^2) for each of the ranks. Infinite where
    overlaps may be so small that rounding matters.
    """
    s = 2.0 * mixing / gap
    t = s / (1.0 + math.sqrt(1.0 + s * s))
    if t == 0.0:
        return 0.0
    if t * t > 0.9:
        return np.inf
    share = min(1.0 * min(filled, n - filled), (mixing_f / gap / t) ** 2)
    return share * math.asin(t * t)
