"""Bloch matrices and their derivatives at lattice points of the zone, and bounds of blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel


@kernel
def bloch_at(
    onsite: NDArray[np.complex128],
    hops: NDArray[np.complex128],
    vectors: NDArray[np.int64],
    table: NDArray[np.complex128],
    point: NDArray[np.int64],
    fine: int,
    h: NDArray[np.complex128],
    slopes: NDArray[np.complex128],
) -> None:
    """h (n, n) = H and slopes (D, n, n) = its derivatives at k = 2 pi point / fine.

    onsite (n, n) = H_0, hops (M, n, n) of the vectors (M, D) of one half space; table (T,) holds
    e^(2 pi i j / T). With D = 0 rows in `slopes` the derivatives are left out. Equal points
    (modulo the Brillouin zone) give equal bits.
    """
    n, n_table, n_dim = h.shape[0], table.shape[0], vectors.shape[1]
    stride = fine // n_table
    h[:] = 0.0
    slopes[:] = 0.0
    for m in range(vectors.shape[0]):
        turn = 0
        for axis in range(n_dim):
            turn += point[axis] * vectors[m, axis]
        turn %= fine
        if turn % stride == 0:
            phase = table[turn // stride]
        else:
            angle = 2.0 * np.pi * turn / fine
            phase = complex(np.cos(angle), np.sin(angle))
        for i in range(n):
            for j in range(n):
                term = phase * hops[m, i, j]
                h[i, j] += term
                for axis in range(slopes.shape[0]):
                    slopes[axis, i, j] += 1j * vectors[m, axis] * term
    for axis in range(slopes.shape[0]):
        add_adjoint(slopes[axis])
    add_adjoint(h)
    for i in range(n):
        for j in range(n):
            h[i, j] += onsite[i, j]


@kernel
def add_adjoint(a: NDArray[np.complex128]) -> None:
    """Add the adjoint of a (n, n) to it in place: Hermitian to the last bit."""
    n = a.shape[0]
    for i in range(n):
        a[i, i] = 2.0 * a[i, i].real
        for j in range(i + 1, n):
            a[i, j] += np.conj(a[j, i])
            a[j, i] = np.conj(a[i, j])


@kernel
def operator_norm_bound(a: NDArray[np.complex128]) -> float:
    """Upper bound of the operator norm of a (p, q): (tr (a^dagger a)^2)^(1/4), rounded up."""
    p, q = a.shape
    total = 0.0
    if p <= q:
        for i in range(p):
            for j in range(p):
                entry = 0.0j
                for s in range(q):
                    entry += a[i, s] * np.conj(a[j, s])
                total += entry.real**2 + entry.imag**2
    else:
        for i in range(q):
            for j in range(q):
                entry = 0.0j
                for s in range(p):
                    entry += np.conj(a[s, i]) * a[s, j]
                total += entry.real**2 + entry.imag**2
    return float(np.sqrt(np.sqrt(total)) * (1.0 + 1e-12))


@kernel
def block_bounds(
    states: NDArray[np.complex128], slopes: NDArray[np.complex128], filled: int
) -> tuple[float, float]:
    """Norms of diagonal blocks of the derivatives in the eigenbasis, summed over the directions.

    states (n, n) has the eigenvectors as columns, the first `filled` occupied. Returns bounds of
    the operator norms of the occupied and of the empty block.
    """
    inside, outside = 0.0, 0.0
    adjoint = np.ascontiguousarray(states.conj().T)
    for axis in range(slopes.shape[0]):
        turned = np.dot(np.dot(adjoint, slopes[axis]), states)
        inside += operator_norm_bound(turned[:filled, :filled])
        outside += operator_norm_bound(turned[filled:, filled:])
    return inside, outside
