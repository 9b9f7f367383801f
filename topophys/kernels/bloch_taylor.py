"""Taylor coefficients of Bloch matrices at many points of k space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel

__all__ = ["lattice_phases", "plane_phases", "taylor_sums", "term_count"]


def term_count(axes: int) -> int:
    """Coefficients up to second order: the value, `axes` slopes, and the upper half of a square."""
    return 1 + axes + axes * (axes + 1) // 2


@kernel
def lattice_phases(
    points: NDArray[np.int64],
    vectors: NDArray[np.int64],
    fine: int,
    phases: NDArray[np.complex128],
) -> None:
    """Fill phases (m, M) with e^(i k.R) at k = 2 pi point / fine, from exact integers.

    points (m, D) and vectors (M, D) must be reduced: products of entries stay below 2^60.
    """
    for p in range(points.shape[0]):
        for m in range(vectors.shape[0]):
            turn = 0
            for axis in range(vectors.shape[1]):
                turn += (points[p, axis] * vectors[m, axis]) % fine
            turn %= fine
            angle = 2.0 * np.pi * turn / fine
            phases[p, m] = complex(np.cos(angle), np.sin(angle))


@kernel
def plane_phases(
    k: NDArray[np.float64], vectors: NDArray[np.float64], phases: NDArray[np.complex128]
) -> None:
    """Fill phases (m, M) with e^(i k.R) at any momenta k (m, D)."""
    for p in range(k.shape[0]):
        for m in range(vectors.shape[0]):
            angle = 0.0
            for axis in range(vectors.shape[1]):
                angle += k[p, axis] * vectors[m, axis]
            phases[p, m] = complex(np.cos(angle), np.sin(angle))


@kernel
def taylor_sums(
    phases: NDArray[np.complex128],
    first: NDArray[np.int64],
    reach: NDArray[np.float64],
    size: NDArray[np.float64],
    onsite: NDArray[np.complex128],
    hops: NDArray[np.complex128],
    out: NDArray[np.complex128],
) -> None:
    """Fill out (m, T, n, n) with H, its slopes and its second derivatives, times half widths.

    Points first[b] to first[b + 1] belong to Hamiltonian b: onsite (B, n, n) and hops (B, M, n n)
    of one half space. reach (M, A) is R.r for the half edges r of a cell of size 1, size (m,) the
    size of each cell. The order of the terms is 1; i; ii, ij, ... with i <= j. With T = 1 only
    the value is formed.
    """
    n_terms, n, n_axes, n_hops = out.shape[1], out.shape[2], reach.shape[1], reach.shape[0]
    flat = out.reshape(out.shape[0] * n_terms, n * n)
    for b in range(first.shape[0] - 1):
        lo, hi = first[b], first[b + 1]
        if lo == hi:
            continue
        weighted = np.empty(((hi - lo) * n_terms, n_hops), np.complex128)
        for p in range(lo, hi):
            row, scale = (p - lo) * n_terms, size[p]
            for m in range(n_hops):
                weighted[row, m] = phases[p, m]
            if n_terms == 1:
                continue
            for m in range(n_hops):
                turned = 1j * phases[p, m]
                place = 1 + n_axes
                for i in range(n_axes):
                    x = scale * reach[m, i]
                    weighted[row + 1 + i, m] = x * turned
                    for j in range(i, n_axes):
                        weighted[row + place, m] = -(x * (scale * reach[m, j])) * phases[p, m]
                        place += 1
        np.dot(weighted, hops[b], flat[lo * n_terms : hi * n_terms])
        for p in range(lo, hi):
            for t in range(n_terms):
                a = out[p, t]
                for i in range(n):
                    a[i, i] = 2.0 * a[i, i].real
                    for j in range(i + 1, n):
                        a[i, j] += np.conj(a[j, i])
                        a[j, i] = np.conj(a[i, j])
            for i in range(n):
                for j in range(n):
                    out[p, 0, i, j] += onsite[b, i, j]
