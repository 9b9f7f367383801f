"""det D(k) and |D(k)|_F^2 as trigonometric polynomials, and what their bounds prove."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.determinant import determinant, determinant_error, frobenius
from topophys.kernels.orientation import TINY
from topophys.kernels.rounding import SLACK, UNIT

#: What products of numbers up to 1 that underflow can hide, with room to spare.
NOTHING: Final = 2.0**-900


@kernel
def modulus(z: complex) -> float:
    """|z| for z up to about 1; what underflows counts as zero."""
    return math.sqrt(z.real * z.real + z.imag * z.imag)


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
    norms: float = 0.0
    for s in range(n_shift):
        norms += frobenius(block[s])
    entry_error = 2.0 * UNIT * (n_shift + 20) * norms  # each root is good to 20 units
    worst: float = 0.0
    size: float = 0.0
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
        size += modulus(sample)
        for m in range(n_root):
            f[m] += sample * np.conj(roots[(q * m) % n_root])
    for m in range(n_root):
        f[m] /= n_root
    # a sum of n_root products of samples with roots, which are good to 16 units: the error is
    # relative to the mean size of the samples, for any number of them
    error: float = worst + 4.0 * UNIT * (n_root + 16) * (size / n_root)
    return error


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
def slack_of_gap(n: int, slack: float, det: float, norm2: float) -> float:
    """How much too small half the gap seen at a point can be: |det| is known within `slack`.

    Where the singular values are equal, their difference is the root of a difference that rounds.
    """
    moved = smallest_singular(n, det + slack, norm2) - smallest_singular(n, det, norm2)
    return float(moved + slack + np.sqrt(SLACK * norm2))


@kernel
def central_harmonic(f: NDArray[np.complex128]) -> int:
    """Harmonic to factor out of f so that its second moment is smallest."""
    weight, moment = 0.0, 0.0
    for m in range(f.shape[0]):
        size = modulus(f[m])
        weight += size
        moment += m * size
    return int(np.floor(moment / weight + 0.5)) if weight > 0.0 else 0


@kernel
def series_bounds(
    f: NDArray[np.complex128],
    coefficient_error: float,
    g: NDArray[np.complex128],
    n: int,
    shift: int,
    out: NDArray[np.float64],
) -> None:
    """Fill out (4,): bounds of the second derivatives, and slack for rounding.

    Of the root f: second derivative and rounding; of g, the sum of squared entries: the same.
    A value of f rounds to 3 P for the sum of P terms, 8 for the phases of a table, or 16 for each
    harmonic between m and the middle and between the middle and `shift` where phases come from a
    recurrence, together below 30 P units of 2^-53 for each |f_m|: half of the slack.
    """
    n_root = f.shape[0]
    size, second, g_second, g_size = 0.0, 0.0, 0.0, 0.0
    for m in range(n_root):
        weight = modulus(f[m]) + coefficient_error
        size += (1.0 + abs(m - shift)) * weight
        second += (m - shift) ** 2 * weight
    for m in range(g.shape[0]):
        g_second += 2.0 * m * m * modulus(g[m])
        g_size += 2.0 * (1.0 + m) * g[0].real  # a g_m may be small by cancellation
    second *= 1.0 + 4.0 * UNIT * (n_root + 8)  # it is a rounded sum itself
    # determinants of many orbitals may be so small that even their error underflows
    out[0], out[1] = second, SLACK * n_root * size + n_root * coefficient_error + NOTHING
    out[2] = g_second
    out[3] = SLACK * g.shape[0] * n * n * g_size  # g_m itself is a sum of S n^2 products


@kernel
def few_values_at(
    terms: NDArray[np.float64], orders: NDArray[np.int64], whole: int, point: int
) -> tuple[float, float, float]:
    """As `value_at` at k = -pi + 2 pi point / whole, for the harmonics in `orders`."""
    x, y, norm2 = terms[0, 0], terms[1, 0], terms[2, 0]
    point += whole // 2
    for i in range(orders.shape[0]):
        angle = 2.0 * np.pi * ((orders[i] * point) & (whole - 1)) / whole
        re, im = math.cos(angle), math.sin(angle)
        x += terms[0, 2 * i + 1] * re + terms[0, 2 * i + 2] * im
        y += terms[1, 2 * i + 1] * re + terms[1, 2 * i + 2] * im
        norm2 += terms[2, 2 * i + 1] * re + terms[2, 2 * i + 2] * im
    return x, y, norm2


@kernel
def value_at(
    terms: NDArray[np.float64],
    used: int,
    turn: int,
    orders: NDArray[np.int64],
    n_node: int,
    place: int,
    part: int,
    fine: int,
) -> tuple[float, float, float]:
    """Real and imaginary part of f z^-turn and |D|_F^2 at -pi + 2 pi (place + part/fine) / n_node.

    terms (3, columns) has both series. Columns belong to all harmonics in turn, whose phases come
    from a recurrence, or to the few in `orders`, each with a phase of its own: then n_node and
    fine are powers of two, and products of integers are reduced before they become angles.
    """
    if orders.shape[0] > 0:
        return few_values_at(terms, orders, n_node * fine, place * fine + part)
    k = 2.0 * np.pi * ((place - (n_node >> 1) + part / fine) / n_node)
    c, s = math.cos(k), math.sin(k)
    x, y, norm2 = terms[0, 0], terms[1, 0], terms[2, 0]
    re, im, back_re, back_im = c, s, 1.0, 0.0
    for i in range(1, used - 1, 2):
        x += terms[0, i] * re + terms[0, i + 1] * im
        y += terms[1, i] * re + terms[1, i + 1] * im
        norm2 += terms[2, i] * re + terms[2, i + 1] * im
        if i == 2 * abs(turn) - 1:
            back_re, back_im = re, im if turn > 0 else -im
        re, im = re * c - im * s, re * s + im * c
    return x * back_re + y * back_im, y * back_re - x * back_im, norm2


@kernel
def prove_chord(
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    norm2: float,
    width: float,
    n: int,
    bounds: NDArray[np.float64],
) -> float:
    """Gap proven on an interval from f at its ends and the larger |D|_F^2 there; 0 if none.

    bounds (4,): second derivative and slack of f, of |D|_F^2.
    """
    step_x, step_y = x1 - x0, y1 - y0
    t = -(x0 * step_x + y0 * step_y) / (step_x * step_x + step_y * step_y + TINY)
    t = min(1.0, max(0.0, t))
    low = modulus(complex(x0 + t * step_x, y0 + t * step_y))
    low -= width * width / 8.0 * bounds[0] + bounds[1]
    if not low > 0.0:
        return 0.0
    high = norm2 + width * width / 8.0 * bounds[2] + bounds[3]
    return 2.0 * smallest_singular(n, low, high)
