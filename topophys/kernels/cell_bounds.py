"""Bounds that hold everywhere on a cell, from H and its derivatives in a basis of two blocks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.rounding import UP

__all__ = ["UP", "block_norms", "corner_blocks", "mixing_norms", "rotate", "turn_bounds"]


@kernel
def rotate(
    states: NDArray[np.complex128], terms: NDArray[np.complex128], departure: NDArray[np.float64]
) -> None:
    """Replace terms (m, T, n, n) by S^dagger terms S for states S (m, n, n), Hermitian exactly.

    departure (m,) receives |S^dagger S - 1| in Frobenius norm.
    """
    n = states.shape[1]
    work = np.empty((n, n), np.complex128)
    for p in range(states.shape[0]):
        s = states[p]
        off = 0.0
        for i in range(n):
            for j in range(i, n):
                total = 0.0j
                for r in range(n):
                    total += np.conj(s[r, i]) * s[r, j]
                if i == j:
                    off += (total.real - 1.0) ** 2
                else:
                    off += 2.0 * (total.real**2 + total.imag**2)
        departure[p] = math.sqrt(off) * UP
        for t in range(terms.shape[1]):
            a = terms[p, t]
            for i in range(n):
                for j in range(n):
                    work[i, j] = 0.0
                for r in range(n):
                    x = a[i, r]
                    for j in range(n):
                        work[i, j] += x * s[r, j]
            a[:] = 0.0
            for r in range(n):
                for i in range(n):
                    x = np.conj(s[r, i])
                    for j in range(i, n):
                        a[i, j] += x * work[r, j]
            for i in range(n):
                a[i, i] = a[i, i].real
                for j in range(i + 1, n):
                    a[j, i] = np.conj(a[i, j])


@kernel
def corner_blocks(
    terms: NDArray[np.complex128],
    rows: NDArray[np.int64],
    corner: int,
    axes: int,
    filled: int,
    occupied: NDArray[np.complex128],
    empty: NDArray[np.complex128],
) -> None:
    """Fill the blocks of H at one corner of the cells `rows`, with half of the curvature there.

    terms (m, T, n, n) in the basis of each cell. Bit i of `corner` is set where s_i = -1; the
    blocks are those of H + sum_i s_i G_i + sum_(i<j) s_i s_j Q_ij + 1/4 sum_i Q_ii.
    """
    n, n_terms = terms.shape[2], terms.shape[1]
    weight = np.empty(n_terms)
    weight[0] = 1.0
    place = 1 + axes
    for i in range(axes):
        s = -1.0 if (corner >> i) & 1 else 1.0
        weight[1 + i] = s
        weight[place] = 0.25
        place += 1
        for j in range(i + 1, axes):
            weight[place] = s * (-1.0 if (corner >> j) & 1 else 1.0)
            place += 1
    for r in range(rows.shape[0]):
        a = terms[rows[r]]
        for i in range(n):
            low, high = (0, filled) if i < filled else (filled, n)
            for j in range(low, high):
                total = a[0, i, j]
                for t in range(1, n_terms):
                    total += weight[t] * a[t, i, j]
                if i < filled:
                    occupied[r, i, j] = total
                else:
                    empty[r, i - filled, j - filled] = total


@kernel
def power_norm(
    a: NDArray[np.complex128], low: int, high: int, work: NDArray[np.complex128]
) -> float:
    """Upper bound (tr X^8)^(1/8) of the norm of a diagonal block X = a[low:high, low:high]."""
    size = high - low
    if size == 1:
        return float(abs(a[low, low].real) * UP)
    scale = 0.0
    for i in range(low, high):
        for j in range(low, high):
            scale += a[i, j].real ** 2 + a[i, j].imag ** 2
    scale = math.sqrt(scale)
    if scale < 1e-150:
        return float(scale * UP)
    if size == 2:
        mean = 0.5 * (a[low, low].real + a[low + 1, low + 1].real)
        half = 0.5 * (a[low, low].real - a[low + 1, low + 1].real)
        b = a[low, low + 1]
        return float((abs(mean) + math.sqrt(half * half + b.real**2 + b.imag**2)) * UP)
    total = 0.0
    inverse = 1.0 / scale
    for i in range(size):
        for j in range(i, size):
            entry = 0.0j
            for r in range(size):
                entry += a[low + i, low + r] * np.conj(a[low + j, low + r])
            work[i, j] = entry * (inverse * inverse)
            work[j, i] = np.conj(work[i, j])
    for i in range(size):
        for j in range(i, size):
            entry = 0.0j
            for r in range(size):
                entry += work[i, r] * np.conj(work[j, r])
            total += (1.0 if i == j else 2.0) * (entry.real**2 + entry.imag**2)
    return float(scale * total**0.125 * UP)


@kernel
def block_norms(
    terms: NDArray[np.complex128], axes: int, filled: int, curve: NDArray[np.float64]
) -> None:
    """Fill curve (m,) with 1/4 sum_i (|Q_ii^A| + |Q_ii^K|), the half of the curvature left over."""
    n = terms.shape[2]
    work = np.empty((n, n), np.complex128)
    for p in range(terms.shape[0]):
        total, place = 0.0, 1 + axes
        for i in range(axes):
            total += power_norm(terms[p, place], 0, filled, work)
            total += power_norm(terms[p, place], filled, n, work)
            place += axes - i
        curve[p] = 0.25 * total


@kernel
def gram_norm(a: NDArray[np.complex128], work: NDArray[np.complex128]) -> tuple[float, float]:
    """Frobenius norm, and bound (tr (X^dagger X)^2)^(1/4) of the operator norm, of a (p, q)."""
    p, q = a.shape
    square = 0.0
    for i in range(p):
        for j in range(q):
            square += a[i, j].real ** 2 + a[i, j].imag ** 2
    frobenius = math.sqrt(square) * UP
    if min(p, q) == 1 or frobenius < 1e-75:
        return frobenius, frobenius
    total = 0.0
    if p <= q:
        for i in range(p):
            for j in range(i, p):
                entry = 0.0j
                for r in range(q):
                    entry += a[i, r] * np.conj(a[j, r])
                total += (1.0 if i == j else 2.0) * (entry.real**2 + entry.imag**2)
    else:
        work[:q, :q] = 0.0
        for r in range(p):
            for i in range(q):
                x = np.conj(a[r, i])
                for j in range(i, q):
                    work[i, j] += x * a[r, j]
        for i in range(q):
            for j in range(i, q):
                entry = work[i, j]
                total += (1.0 if i == j else 2.0) * (entry.real**2 + entry.imag**2)
    return frobenius, min(frobenius, math.sqrt(math.sqrt(total)) * UP)


@kernel
def mixing_norms(
    terms: NDArray[np.complex128],
    rows: NDArray[np.int64],
    axes: int,
    filled: int,
    frobenius: NDArray[np.float64],
    operator: NDArray[np.float64],
) -> None:
    """Fill bounds (len(rows),) of the block that mixes the sides, up to second order, on cells.

    Norms are convex: the linear part is largest at a corner, and alike at opposite ones. At the
    centre the block is what rounding left of it.
    """
    n = terms.shape[2]
    work = np.empty((n, n), np.complex128)
    part = np.empty((n - filled, filled), np.complex128)
    for r in range(rows.shape[0]):
        a = terms[rows[r]]
        bend_f, bend_o = gram_norm(a[0, filled:, :filled], work)
        place = 1 + axes
        for i in range(axes):
            for j in range(i, axes):
                f, o = gram_norm(a[place, filled:, :filled], work)
                weight = 0.5 if i == j else 1.0
                bend_f += weight * f
                bend_o += weight * o
                place += 1
        top_f, top_o = 0.0, 0.0
        for corner in range(1 << (axes - 1)):
            part[:] = a[1, filled:, :filled]
            for i in range(1, axes):
                if (corner >> (i - 1)) & 1:
                    part -= a[1 + i, filled:, :filled]
                else:
                    part += a[1 + i, filled:, :filled]
            f, o = gram_norm(part, work)
            top_f, top_o = max(top_f, f), max(top_o, o)
        frobenius[r] = top_f + bend_f
        operator[r] = top_o + bend_o


def turn_bounds(
    gap: NDArray[np.float64],
    frobenius: NDArray[np.float64],
    operator: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds (|T|_F, |T|) of the map whose graph is the occupied space, from |tan 2 Theta|.

    By C. Davis, W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970); tan theta <= tan(2 theta) / 2.
    """
    double_f = 2.0 * frobenius / gap * UP
    double = np.minimum(2.0 * operator / gap * UP, double_f)
    return 0.5 * double_f, double / (1.0 + np.sqrt(1.0 + double * double)) * UP
