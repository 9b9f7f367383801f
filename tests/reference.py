"""Slow, obvious implementations to compare the kernels with."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np


def winding_in_rationals(loop):
    """Turns of a closed polygon in exact arithmetic; None if it meets the origin."""
    points = [(Fraction(float(x)), Fraction(float(y))) for x, y in loop]
    turns = 0
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        cross = x0 * y1 - x1 * y0
        if cross == 0 and x0 * x1 + y0 * y1 <= 0:
            return None
        turns += (y0 < 0 <= y1 and cross > 0) - (y1 < 0 <= y0 and cross < 0)
    return turns


def exact_complex(z):
    """Real and imaginary part as fractions."""
    return Fraction(float(z.real)), Fraction(float(z.imag))


def determinant_in_rationals(matrix):
    """Determinant by expansion along the first row, in exact complex arithmetic."""
    rows = [[exact_complex(z) for z in row] for row in np.asarray(matrix, complex)]

    def times(a, b):
        return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]

    def expand(rows):
        if len(rows) == 1:
            return rows[0][0]
        total = (Fraction(0), Fraction(0))
        for c, entry in enumerate(rows[0]):
            minor = expand([row[:c] + row[c + 1 :] for row in rows[1:]])
            re, im = times(entry, minor)
            sign = -1 if c % 2 else 1
            total = total[0] + sign * re, total[1] + sign * im
        return total

    return expand(rows)


def determinant_polynomial(blocks):
    """Coefficients, lowest first, of det(sum_s D_s z^s): matrices of polynomials, expanded."""
    n_shift, n, _ = np.shape(blocks)

    def expand(entries):
        if len(entries) == 1:
            return entries[0][0]
        total = np.zeros(1, complex)
        for c, entry in enumerate(entries[0]):
            minor = expand([row[:c] + row[c + 1 :] for row in entries[1:]])
            term = np.convolve(entry, minor) * (-1) ** c
            size = max(len(total), len(term))
            total = np.pad(total, (0, size - len(total))) + np.pad(term, (0, size - len(term)))
        return total

    return expand([[np.array([blocks[s][i][j] for s in range(n_shift)]) for j in range(n)]
                   for i in range(n)])  # fmt: skip


def winding_by_roots(lowest, blocks):
    """Winding = (roots of det in the unit disc) + N * lowest; also how far roots keep off it.

    Roots far from the circle by NumPy; others once more with 60 digits by mpmath.
    """
    coefficients = np.trim_zeros(determinant_polynomial(blocks), "b")
    at_origin = np.flatnonzero(coefficients)[0]
    coefficients = coefficients[at_origin:]
    shift = np.shape(blocks)[1] * lowest + at_origin
    if len(coefficients) == 1:
        return int(shift), np.inf
    roots = np.abs(np.roots(coefficients[::-1]))
    distance = np.abs(roots - 1.0).min()
    if distance < 1e-4:
        roots, distance = _roots_with_many_digits(coefficients)
    return int(shift + (roots < 1.0).sum()), distance


def _roots_with_many_digits(coefficients):
    with mpmath.workdps(60):
        exact = [mpmath.mpc(complex(c)) for c in coefficients[::-1]]
        roots = mpmath.polyroots(exact, maxsteps=500, extraprec=400)
        sizes = [abs(z) for z in roots]
        return np.array([float(s) for s in sizes]), min(float(abs(s - 1)) for s in sizes)


def lower_bands_chern(h_k, n_occupied):
    """Fukui-Hatsugai-Suzuki sum over plaquettes, eigenvectors and angles, written plainly."""
    n_x, n_y = h_k.shape[:2]
    _, states = np.linalg.eigh(h_k)
    v = states[..., :n_occupied]

    def link(a, b):
        return np.linalg.det(a.conj().T @ b)

    total = 0.0
    for i in range(n_x):
        for j in range(n_y):
            k00, k10 = v[i, j], v[(i + 1) % n_x, j]
            k11, k01 = v[(i + 1) % n_x, (j + 1) % n_y], v[i, (j + 1) % n_y]
            loop = link(k00, k10) * link(k10, k11) * link(k11, k01) * link(k01, k00)
            total -= np.angle(loop)
    chern = total / (2 * np.pi)
    assert abs(chern - round(chern)) < 1e-6, "plaquette fluxes of a torus add up to 2 pi n"
    return round(chern)


def chern_dense(d):
    """The same sum for d-vectors (Nx, Ny, 3), with projectors in place of eigenvectors."""
    unit = d / np.linalg.norm(d, axis=-1, keepdims=True)
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    p = 0.5 * (np.eye(2) - np.einsum("xyi,iab->xyab", unit, pauli))
    right, up = np.roll(p, -1, 0), np.roll(p, -1, 1)
    both = np.roll(right, -1, 1)
    loop = np.trace(p @ right @ both @ up, axis1=-2, axis2=-1)
    chern = -np.angle(loop).sum() / (2 * np.pi)
    assert abs(chern - round(chern)) < 1e-6
    return round(chern)


def degree_by_solid_angles(d):
    """Degree of d/|d| on a grid: solid angles of two triangles per cell, summed and divided."""
    u = d / np.linalg.norm(d, axis=-1, keepdims=True)
    right, up = np.roll(u, -1, 0), np.roll(u, -1, 1)
    both = np.roll(right, -1, 1)
    total = 0.0
    for a, b, c in ((u, right, both), (u, both, up)):
        volume = np.einsum("...i,...i->...", a, np.cross(b, c))
        overlap = sum(np.einsum("...i,...i->...", p, q) for p, q in ((a, b), (b, c), (c, a)))
        total += 2.0 * np.arctan2(volume, 1.0 + overlap).sum()
    degree = total / (4 * np.pi)
    assert abs(degree - round(degree)) < 1e-6
    return round(degree)


def covers_axis_in_rationals(a, b, c):
    """Whether the cone of three vectors contains +z, in exact arithmetic; None on its boundary."""
    a, b, c = ([Fraction(float(x)) for x in v] for v in (a, b, c))

    def cross(p, q):
        return p[0] * q[1] - p[1] * q[0]

    # weights of the combination of a, b, c that is parallel to z
    weights = [cross(b, c), cross(c, a), cross(a, b)]
    height = sum(w * v[2] for w, v in zip(weights, (a, b, c), strict=True))
    if height == 0:
        return None
    scaled = [w / height for w in weights]
    if any(w < 0 for w in scaled):
        return 0
    return None if any(w == 0 for w in scaled) else (1 if height > 0 else -1)


def smallest_gap_of_chain(chain, n_k=4000):
    """2 sigma_min(D) on a grid, refined around its minimum: an upper bound close to the gap."""
    k = np.linspace(-np.pi, np.pi, n_k, endpoint=False)
    for _ in range(4):
        gap = 2 * np.linalg.svd(chain.block(k[:, None]), compute_uv=False)[..., -1]
        best = k[np.argmin(gap)]
        width = 2 * (k[1] - k[0])
        k = np.linspace(best - width, best + width, 401)
    return float(gap.min())


def smallest_gap_of_two_bands(h, n_k=96):
    """2 |d| on a grid, refined around each of its local minima: an upper bound close to the gap."""
    step = 2 * np.pi / n_k
    k = step * np.stack(np.meshgrid(np.arange(n_k), np.arange(n_k), indexing="ij"), -1)
    size = np.linalg.norm(h.d(k), axis=-1)
    around = [np.roll(size, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    centre = k[size <= np.min(around, axis=0)]
    window = np.stack(np.meshgrid(*2 * [np.linspace(-1, 1, 9)], indexing="ij"), -1).reshape(81, 2)
    # slowly, or a narrow valley that runs across the axes is left before its lowest point
    for shrink in 1.5 ** -np.arange(30):
        near = centre[:, None] + step * shrink * window
        size = np.linalg.norm(h.d(near), axis=-1)
        centre = near[np.arange(len(near)), size.argmin(-1)]
    return 2 * float(size.min())
