"""Pfaffians of small antisymmetric matrices: signs, and how large the entries grew on the way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel


@kernel
def pfaffian_in_place(a: NDArray[np.complex128]) -> tuple[complex, float]:
    """Pfaffian of an antisymmetric matrix a (n, n), n even, and the largest entry met.

    Congruences with pivoting (B. N. Parlett, J. K. Reid, BIT 10, 386 (1970); M. Wimmer, ACM Trans.
    Math. Softw. 38, 30 (2012)): all multipliers are at most 1 in size up to a factor sqrt 2, as the
    pivot is the largest entry by |Re| + |Im|. Each of n / 2 steps changes an entry of the rest by
    two products, and what is rounded there is a change of the matrix itself: the result is the
    exact Pfaffian of a matrix whose entries differ by less than 32 n units of the largest entry
    met; only its factors are multiplied with rounding, which no sign notices.
    """
    n = a.shape[0]
    value, grown = 1.0 + 0.0j, 0.0
    for i in range(n):
        for j in range(n):
            grown = max(grown, abs(a[i, j].real) + abs(a[i, j].imag))
    for k in range(0, n - 1, 2):
        p, best = k + 1, -1.0
        for i in range(k + 1, n):
            size = abs(a[i, k].real) + abs(a[i, k].imag)
            if size > best:
                p, best = i, size
        if best == 0.0:
            return 0.0j, grown
        if p != k + 1:
            for j in range(k, n):
                a[k + 1, j], a[p, j] = a[p, j], a[k + 1, j]
            for i in range(k, n):
                a[i, k + 1], a[i, p] = a[i, p], a[i, k + 1]
            value = -value
        pivot = a[k, k + 1]
        value *= pivot
        for i in range(k + 2, n):
            a[i, k] = a[k, i] / pivot  # the multiplier, where nothing is needed any more
        for i in range(k + 2, n):
            for j in range(k + 2, n):
                a[i, j] += a[i, k] * a[j, k + 1] - a[j, k] * a[i, k + 1]
                grown = max(grown, abs(a[i, j].real) + abs(a[i, j].imag))
    return value, grown


@kernel
def pfaffians(
    matrices: NDArray[np.complex128],
    work: NDArray[np.complex128],
    value: NDArray[np.complex128],
    grown: NDArray[np.float64],
) -> None:
    """Fill value, grown (B,) with Pfaffians of matrices (B, n, n); work (n, n) is scratch."""
    for b in range(matrices.shape[0]):
        work[:] = matrices[b]
        value[b], grown[b] = pfaffian_in_place(work)
