"""Taylor coefficients of Bloch matrices at many points of k space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel

__all__ = ["lattice_phases", "plane_phases", "taylor_planes", "taylor_sums", "term_count"]


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
            complete(out[p], onsite[b])


@kernel
def complete(terms: NDArray[np.complex128], onsite: NDArray[np.complex128]) -> None:
    """Add the adjoint to sums (T, n, n) over one half space, and H_0 to the first."""
    n = terms.shape[1]
    for t in range(terms.shape[0]):
        a = terms[t]
        for i in range(n):
            a[i, i] = 2.0 * a[i, i].real
            for j in range(i + 1, n):
                a[i, j] += np.conj(a[j, i])
                a[j, i] = np.conj(a[i, j])
    for i in range(n):
        for j in range(n):
            terms[0, i, j] += onsite[i, j]


@kernel
def powers(point: int, step: int, fine: int, reach: float, out: NDArray[np.complex128]) -> None:
    """Fill out (3,) with (i reach)^o e^(2 pi i point step / fine) for o = 0, 1, 2."""
    angle = 2.0 * np.pi * ((point * step) % fine) / fine
    out[0] = complex(np.cos(angle), np.sin(angle))
    out[1] = 1j * reach * out[0]
    out[2] = 1j * reach * out[1]


@kernel
def taylor_planes(
    points: NDArray[np.int64],
    fine: int,
    size: NDArray[np.float64],
    half: NDArray[np.float64],
    vectors: NDArray[np.int64],
    pair: NDArray[np.int64],
    pairs: NDArray[np.int64],
    first: NDArray[np.int64],
    onsite: NDArray[np.complex128],
    hops: NDArray[np.complex128],
    out: NDArray[np.complex128],
) -> None:
    """Fill out (m, 10, n, n) as `taylor_sums` does, for one Hamiltonian in three dimensions.

    points (m, 3), in units of which `fine` make 2 pi, are best sorted by z, then y: the sum over
    R_z is done once for all points of a plane, the sum over R_y once for all of a row. pair (M,)
    is the row in pairs (P, 2) of each vector (M, 3): the place of its first component in first (X,)
    and its second component; half (3,) are the half edges of a cell of size 1.
    """
    n_flat, n_x = hops.shape[1], first.shape[0]
    plane = np.empty((3, pairs.shape[0], n_flat), np.complex128)
    row = np.empty((3, 3, n_x, n_flat), np.complex128)
    w = np.empty(3, np.complex128)
    flat = out.reshape(out.shape[0], out.shape[1], n_flat)
    for c in range(points.shape[0]):
        scale = size[c]
        new_plane = c == 0 or points[c, 2] != points[c - 1, 2] or scale != size[c - 1]
        if new_plane:
            plane[:] = 0.0
            for m in range(vectors.shape[0]):
                r_z = vectors[m, 2]
                powers(points[c, 2], r_z % fine, fine, r_z * half[2] * scale, w)
                for o in range(3):
                    x, target = w[o], plane[o, pair[m]]
                    for s in range(n_flat):
                        target[s] += x * hops[m, s]
        if new_plane or points[c, 1] != points[c - 1, 1]:
            row[:] = 0.0
            for p in range(pairs.shape[0]):
                r_y = pairs[p, 1]
                powers(points[c, 1], r_y % fine, fine, r_y * half[1] * scale, w)
                for oz in range(3):
                    source = plane[oz, p]
                    for oy in range(3 - oz):
                        x, target = w[oy], row[oy, oz, pairs[p, 0]]
                        for s in range(n_flat):
                            target[s] += x * source[s]
        flat[c] = 0.0
        for i in range(n_x):
            r_x = first[i]
            powers(points[c, 0], r_x % fine, fine, r_x * half[0] * scale, w)
            for oz in range(3):
                for oy in range(3 - oz):
                    source = row[oy, oz, i]
                    for ox in range(3 - oz - oy):
                        x, target = w[ox], flat[c, term_of(ox, oy, oz)]
                        for s in range(n_flat):
                            target[s] += x * source[s]
        complete(out[c], onsite)


@kernel
def term_of(x: int, y: int, z: int) -> int:
    """Place of the derivative of these orders among 1; x, y, z; xx, xy, xz, yy, yz, zz."""
    if x + y + z == 0:
        return 0
    if x + y + z == 1:
        return 1 if x else 2 if y else 3
    if x:
        return 4 if x == 2 else 5 if y else 6
    return 7 if y == 2 else 8 if y else 9
