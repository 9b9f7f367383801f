"""det D(k) and |D(k)|_F^2 as trigonometric polynomials, and what their Taylor series prove."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.determinant import determinant, determinant_error

SLACK: Final = 64 * 2.0**-53


@kernel
def norm_coefficients(block: NDArray[np.complex128], g: NDArray[np.complex128]) -> None:
    """Fill g (S,) with sum_s <D_s, D_(s+m)>: |D(k)|_F^2 = g_0 + 2 Re sum_m g_m e^(imk)."""
    n_shift, n, _ = block.shape
    for m in range(n_shift):
        total = 0.0j
        for s in range(n_shift - m):
            for i in range(n):
                for j in range(n):
                    total += np.conj(block[s, i, j]) * block[s + m, i, j]
        g[m] = total


@kernel
def determinant_coefficients(
    block: NDArray[np.complex128],
    norm: float,
    roots: NDArray[np.complex128],
    work: NDArray[np.complex128],
    f: NDArray[np.complex128],
) -> float:
    """Fill f (P+1,) with coefficients of det(sum_s D_s z^s), P = n (S - 1); returns their error.

    Products of coefficients for n <= 2; else samples at the P+1 roots of unity `roots`, then a
    discrete Fourier transform. `norm` is an upper bound of |D(k)|_F and of sqrt(sum |D_s|_F^2);
    work (n, n) is scratch.
    """
    n_shift, n, _ = block.shape
    if n == 1:
        for s in range(n_shift):
            f[s] = block[s, 0, 0]
        return 0.0
    if n == 2:
        f[:] = 0.0
        for s in range(n_shift):
            a, b = block[s, 0, 0], block[s, 0, 1]
            for t in range(n_shift):
                f[s + t] += a * block[t, 1, 1] - b * block[t, 1, 0]
        # 4 S real products a coefficient, together at most sum |D_s|^2 / 2 in size
        return float(SLACK * n_shift * norm * norm)
    n_root = roots.shape[0]
    entry_error = SLACK * n_shift * norm
    worst: float = 0.0
    f[:] = 0.0
    for q in range(n_root):
        for i in range(n):
            for j in range(n):
                total = 0.0j
                for s in range(n_shift):
                    total += block[s, i, j] * roots[(q * s) % n_root]
                work[i, j] = total
        sample, growth = determinant(work)
        worst = max(worst, determinant_error(n, norm, entry_error, growth))
        for m in range(n_root):
            f[m] += sample * np.conj(roots[(q * m) % n_root])
    size: float = 0.0
    for m in range(n_root):
        f[m] /= n_root
        size = max(size, abs(f[m]))
    error: float = worst + SLACK * n_root * size
    return error


@kernel
def polynomial(f: NDArray[np.complex128], z: complex, shift: int) -> tuple[complex, complex]:
    """Return p = sum_m f_m z^m and z^shift d/dk [z^-shift p] for z = e^(ik), by Horner's rule."""
    value, slope = 0.0j, 0.0j
    for m in range(f.shape[0] - 1, -1, -1):
        slope = slope * z + value
        value = value * z + f[m]
    return value, 1j * (slope * z - shift * value)


@kernel
def polynomials(
    f: NDArray[np.complex128],
    cosine: NDArray[np.float64],
    sine: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill out (4, P) with real and imaginary part of p and of dp/dz at P points z."""
    vr, vi, sr, si = out[0], out[1], out[2], out[3]
    out[:] = 0.0
    for m in range(f.shape[0] - 1, -1, -1):
        re, im = f[m].real, f[m].imag
        for j in range(cosine.shape[0]):
            c, s, a, b = cosine[j], sine[j], vr[j], vi[j]
            sr[j], si[j] = sr[j] * c - si[j] * s + a, sr[j] * s + si[j] * c + b
            vr[j], vi[j] = a * c - b * s + re, a * s + b * c + im


@kernel
def norm_and_slope(g: NDArray[np.complex128], z: complex) -> tuple[float, float]:
    """|D|_F^2 = g_0 + 2 Re sum_m g_m z^m and its derivative by k."""
    value, slope = polynomial(g, z, 0)
    return 2.0 * value.real - g[0].real, 2.0 * slope.real


@kernel
def segment_distance(z: complex, half: complex) -> float:
    """Distance of the origin from the segment z - half ... z + half."""
    length = half.real**2 + half.imag**2
    if length == 0.0:
        return abs(z)
    t = -(z.real * half.real + z.imag * half.imag) / length
    return abs(z + min(1.0, max(-1.0, t)) * half)


@kernel
def smallest_singular(n: int, det: float, norm2: float) -> float:
    """Lower bound of the smallest singular value from |det| and |D|_F^2; equality for n <= 2."""
    if n == 1:
        return det
    if n == 2:
        return 2.0 * det / (math.sqrt(norm2 + 2.0 * det) + math.sqrt(max(0.0, norm2 - 2.0 * det)))
    spread: float = ((n - 1) / norm2) ** (0.5 * (n - 1))
    return det * spread


@kernel
def slack_of_gap(n: int, slack: float, value: complex, norm2: float) -> float:
    """How much too small half the gap seen at a point can be: |det| is known within `slack`.

    Where the singular values are equal, their difference is the root of a difference that rounds.
    """
    det = abs(value)
    moved = smallest_singular(n, det + slack, norm2) - smallest_singular(n, det, norm2)
    return float(moved + slack + np.sqrt(SLACK * norm2))


@kernel
def central_harmonic(f: NDArray[np.complex128]) -> int:
    """Harmonic to factor out of f so that its second moment is smallest."""
    weight, moment = 0.0, 0.0
    for m in range(f.shape[0]):
        weight += abs(f[m])
        moment += m * abs(f[m])
    return int(np.floor(moment / weight + 0.5)) if weight > 0.0 else 0


@kernel
def taylor_bounds(
    f: NDArray[np.complex128],
    coefficient_error: float,
    g: NDArray[np.complex128],
    n: int,
    shift: int,
    out: NDArray[np.float64],
) -> None:
    """Fill out (4,): bounds of the second derivatives, and slack for rounding; see above."""
    n_root = f.shape[0]
    size, second, g_second, g_size = 0.0, 0.0, 0.0, 0.0
    for m in range(n_root):
        weight = abs(f[m]) + coefficient_error
        size += (1.0 + abs(m - shift)) * weight
        second += (m - shift) ** 2 * weight
    for m in range(g.shape[0]):
        g_second += 2.0 * m * m * abs(g[m])
        g_size += 2.0 * (1.0 + m) * g[0].real  # a g_m may be small by cancellation
    out[0], out[1] = second, SLACK * n_root * size + n_root * coefficient_error
    out[2] = g_second
    out[3] = SLACK * g.shape[0] * n * n * g_size  # g_m itself is a sum of S n^2 products


@kernel
def prove_interval(
    value: complex,
    slope: complex,
    norm2: float,
    norm_slope: float,
    r: float,
    n: int,
    bounds: NDArray[np.float64],
) -> float:
    """Gap proven on an interval of half width r from f and |D|^2 at its centre; 0 if none.

    bounds (4,): second derivative and slack of f, of |D|_F^2.
    """
    low = segment_distance(value, slope * r) - 0.5 * bounds[0] * r * r - bounds[1]
    if not low > 0.0:
        return 0.0
    high = norm2 + abs(norm_slope) * r + 0.5 * bounds[2] * r * r + bounds[3]
    return 2.0 * smallest_singular(n, low, high)
