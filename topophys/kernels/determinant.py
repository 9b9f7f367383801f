"""Determinants of small complex matrices, with a bound of their rounding error."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel

UNIT: Final = 2.0**-53


@kernel
def determinant(a: NDArray[np.complex128]) -> tuple[complex, float]:
    """Return the determinant of a (n, n) and the pivot growth; `a` is destroyed for n > 2."""
    n = a.shape[0]
    if n == 1:
        return a[0, 0], 1.0
    if n == 2:
        return a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0], 1.0
    largest, grown = 0.0, 0.0
    for i in range(n):
        for j in range(n):
            largest = max(largest, abs(a[i, j].real) + abs(a[i, j].imag))
    det = 1.0 + 0.0j
    for c in range(n):
        p, best = c, -1.0
        for i in range(c, n):
            size = abs(a[i, c].real) + abs(a[i, c].imag)
            if size > best:
                p, best = i, size
        if best == 0.0:
            return 0.0j, max(1.0, grown / largest) if largest > 0.0 else 1.0
        if p != c:
            det = -det
            for j in range(c, n):
                a[c, j], a[p, j] = a[p, j], a[c, j]
        det *= a[c, c]
        for i in range(c + 1, n):
            ratio = a[i, c] / a[c, c]
            for j in range(c + 1, n):
                a[i, j] -= ratio * a[c, j]
                grown = max(grown, abs(a[i, j].real) + abs(a[i, j].imag))
    return det, max(1.0, grown / largest)


@kernel
def frobenius(a: NDArray[np.complex128]) -> float:
    """Frobenius norm of a (n, n)."""
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += a[i, j].real ** 2 + a[i, j].imag ** 2
    return math.sqrt(total)


@kernel
def determinant_error(n: int, norm: float, entry_error: float, growth: float) -> float:
    """Bound of the error of `determinant` for a matrix of Frobenius norm `norm`.

    `entry_error` bounds (in Frobenius norm) how far the matrix itself is from the meant one. With
    E the sum of that and of the backward error of elimination with partial pivoting (N. J. Higham,
    Accuracy and Stability of Numerical Algorithms, SIAM (2002), theorem 9.5, with room for complex
    arithmetic), |det(A + E) - det A| <= n |E| (|A|_F^2 / (n - 1))^((n - 1) / 2): the singular
    values of the adjugate are products of n - 1 singular values of A.
    """
    if n == 1:
        return entry_error + 4.0 * UNIT * norm
    backward = 16.0 * UNIT * n * n * max(1.0, n / 8.0) * growth * norm
    adjugate: float = ((norm + entry_error + backward) ** 2 / (n - 1)) ** (0.5 * (n - 1))
    return n * adjugate * (entry_error + backward)


@kernel
def inverse_scale(a: NDArray[np.complex128]) -> tuple[float, float]:
    """Return a power of two that brings a (N, n, n) to about 1, and its largest part after that."""
    n_k, n, _ = a.shape
    largest = 0.0
    for k in range(n_k):
        for i in range(n):
            for j in range(n):
                largest = max(largest, abs(a[k, i, j].real), abs(a[k, i, j].imag))
    _, exponent = math.frexp(largest)
    factor = math.ldexp(1.0, min(-exponent, 1000))
    return factor, largest * factor


@kernel
def determinants(
    d_k: NDArray[np.complex128],
    work: NDArray[np.complex128],
    f: NDArray[np.complex128],
    error: NDArray[np.float64],
) -> None:
    """Fill f (B, N) with det of d_k (B, N, n, n), error with bounds; work (n, n) is scratch.

    Each loop of N matrices is first divided by a power of two, so that nothing over- or
    underflows. Its entries count as known to a few units in the last place of the largest.
    """
    n_batch, n_k, n, _ = d_k.shape
    for b in range(n_batch):
        factor, largest = inverse_scale(d_k[b])
        entry_error = 8.0 * UNIT * n * largest
        for j in range(n_k):
            for r in range(n):
                for c in range(n):
                    work[r, c] = d_k[b, j, r, c] * factor
            norm = frobenius(work)
            f[b, j], growth = determinant(work)
            error[b, j] = determinant_error(n, norm, entry_error, growth)
