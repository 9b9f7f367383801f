"""Small matrices: signs, determinants with error bounds, eigenvalues, Pfaffians."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import fused_kernel, kernel

# ---------------------------------------------------------------- Signs that rounding cannot turn

ROUNDING: Final = 4 * 2.0**-53  # relative error bound of x0*y1 - x1*y0
TINY: Final = 2.0**-1022  # smallest normal float64: below it products may underflow


@kernel
def orientation(x0: float, y0: float, x1: float, y1: float) -> int:
    """Sign of x0*y1 - x1*y0, or 0 where float64 does not settle it.

    Static error filter as in J. R. Shewchuk, Discrete Comput. Geom. 18, 305 (1997).
    """
    left, right = x0 * y1, x1 * y0
    cross = left - right
    if abs(cross) > ROUNDING * (abs(left) + abs(right)) + TINY:
        return 1 if cross > 0.0 else -1
    s, t = np.sign(x0) * np.sign(y1), np.sign(x1) * np.sign(y0)
    if s * t <= 0.0 and s != t:  # terms of opposite sign cannot cancel
        return 1 if s > t else -1
    return 0


@kernel
def crossing(x0: float, y0: float, x1: float, y1: float) -> int:
    """Signed crossing of the positive x axis by the edge from point 0 to point 1.

    +1 upwards, -1 downwards, 0 none, 2 where the edge meets the origin or float64 cannot tell.
    """
    upward, downward = y0 < 0.0 <= y1, y1 < 0.0 <= y0
    if not (upward or downward):
        ends = (x0 == 0.0 and y0 == 0.0) or (x1 == 0.0 and y1 == 0.0)
        along = y0 == 0.0 and y1 == 0.0 and ((x0 <= 0.0 <= x1) or (x1 <= 0.0 <= x0))
        return 2 if ends or along else 0
    side = orientation(x0, y0, x1, y1)
    if side == 0:
        return 2
    if upward:
        return 1 if side > 0 else 0
    return -1 if side < 0 else 0


# --------------------- Determinants of small complex matrices, with a bound of their rounding error

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
            total += a[i, j].real * a[i, j].real + a[i, j].imag * a[i, j].imag
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


# ---------------------- Eigenvalues and eigenvectors of many small Hermitian matrices, side by side

#: Matrices treated together: loops over them vectorise, and all of them fit the nearest cache.
LANES: Final = 128
#: Up to this size the rotations are faster than LAPACK, which is called for each matrix.
LARGEST: Final = 8
SWEEPS: Final = 30  # never reached: convergence is quadratic
#: Of the squared norm: what is left of the off-diagonal part, far below rounding of the matrix.
DIAGONAL: Final = 1e-32
EIGH_TINY: Final = 1e-300
#: |A_pq|^2 up to which an entry is left alone, relative to the largest one: it is far below
#: rounding, while rotations by it would still mix equal levels and round them again and again.
NOTHING: Final = 1e-44


@fused_kernel
def find_rotation(w: NDArray[np.float64], n: int, p: int, q: int) -> None:
    """Fill three rows of w with c, s e_x, s e_y of the rotation that zeroes A_pq = |A_pq| e.

    w (4 n^2 + 6, lanes) holds real and imaginary parts of A, then those of the eigenvectors, the
    rotation, 1 for lanes that still turn, and two rows of scratch. The diagonal of A is updated.
    With d = A_qq - A_pp and r^2 = d^2 + 4 |A_pq|^2 the smaller angle has c^2 = (r + |d|) / 2r and
    s = sign(d) |A_pq| / r c.
    """
    re, im, turn = p * n + q, n * n + p * n + q, 4 * n * n
    for lane in range(w.shape[1]):
        x, y = w[re, lane], w[im, lane]
        square = x * x + y * y
        spread = w[q * n + q, lane] - w[p * n + p, lane]
        root = math.sqrt(spread * spread + 4.0 * square)
        both = root + abs(spread) + EIGH_TINY
        c = math.sqrt(both / (2.0 * root + EIGH_TINY))
        sign = math.copysign(w[turn + 3, lane], spread) if square > NOTHING else 0.0
        along = sign / (root * c + EIGH_TINY)
        shift = sign * 2.0 * square / both
        w[p * n + p, lane] -= shift
        w[q * n + q, lane] += shift
        w[re, lane] = 0.0
        w[im, lane] = 0.0
        w[turn, lane] = c if sign != 0.0 else 1.0
        w[turn + 1, lane] = along * x
        w[turn + 2, lane] = along * y


@fused_kernel
def mix(
    w: NDArray[np.float64],
    turn: int,
    x_re: int,
    x_im: int,
    x_sign: float,
    y_re: int,
    y_im: int,
    y_sign: float,
) -> None:
    """Rotate pairs: x <- c x - s conj(e) y, y <- s e x + c y; signs where conjugates are stored."""
    for lane in range(w.shape[1]):
        c, a, b = w[turn, lane], w[turn + 1, lane], w[turn + 2, lane]
        xr, xi = w[x_re, lane], x_sign * w[x_im, lane]
        yr, yi = w[y_re, lane], y_sign * w[y_im, lane]
        w[x_re, lane] = c * xr - (a * yr + b * yi)
        w[x_im, lane] = x_sign * (c * xi - (a * yi - b * yr))
        w[y_re, lane] = c * yr + (a * xr - b * xi)
        w[y_im, lane] = y_sign * (c * yi + (a * xi + b * xr))


@fused_kernel
def mix_pair(w: NDArray[np.float64], turn: int, x: int, y: int, row: int, square: int) -> None:
    """Rotate two pairs at once: x, y as in `mix`, and the pair `row` further."""
    for lane in range(w.shape[1]):
        c, a, b = w[turn, lane], w[turn + 1, lane], w[turn + 2, lane]
        xr, xi, yr, yi = w[x, lane], w[x + square, lane], w[y, lane], w[y + square, lane]
        w[x, lane] = c * xr - (a * yr + b * yi)
        w[x + square, lane] = c * xi - (a * yi - b * yr)
        w[y, lane] = c * yr + (a * xr - b * xi)
        w[y + square, lane] = c * yi + (a * xi + b * xr)
        xr, xi = w[x + row, lane], w[x + row + square, lane]
        yr, yi = w[y + row, lane], w[y + row + square, lane]
        w[x + row, lane] = c * xr - (a * yr + b * yi)
        w[x + row + square, lane] = c * xi - (a * yi - b * yr)
        w[y + row, lane] = c * yr + (a * xr - b * xi)
        w[y + row + square, lane] = c * yi + (a * xi + b * xr)


@fused_kernel
def rotate_values(w: NDArray[np.float64], n: int, p: int, q: int) -> None:
    """Zero A_pq, p < q, in all lanes; only entries above the diagonal are kept."""
    find_rotation(w, n, p, q)
    square, turn = n * n, 4 * n * n
    for k in range(n):
        if k not in (p, q):
            x, x_sign = (k * n + p, 1.0) if k < p else (p * n + k, -1.0)
            y, y_sign = (k * n + q, 1.0) if k < q else (q * n + k, -1.0)
            mix(w, turn, x, square + x, x_sign, y, square + y, y_sign)


@fused_kernel
def rotate(w: NDArray[np.float64], n: int, p: int, q: int) -> None:
    """As `rotate_values`, and the eigenvectors with it."""
    rotate_values(w, n, p, q)
    square, turn = n * n, 4 * n * n
    for k in range(0, n - 1, 2):
        mix_pair(w, turn, 2 * square + k * n + p, 2 * square + k * n + q, n, square)
    if n % 2:
        x, y = 3 * square - n + p, 3 * square - n + q
        mix(w, turn, x, square + x, 1.0, y, square + y, 1.0)


@kernel
def mark_unfinished(w: NDArray[np.float64], n: int) -> bool:
    """Mark the lanes whose off-diagonal part is above rounding; whether there is any.

    The others are left alone from here on: what a lane holds does not depend on its neighbours.
    """
    mark, off, whole = 4 * n * n + 3, 4 * n * n + 4, 4 * n * n + 5
    for lane in range(w.shape[1]):
        w[off, lane] = w[whole, lane] = 0.0
    for i in range(n):
        for lane in range(w.shape[1]):
            w[whole, lane] += w[i * n + i, lane] * w[i * n + i, lane]
        for j in range(i + 1, n):
            re, im = i * n + j, n * n + i * n + j
            for lane in range(w.shape[1]):
                w[off, lane] += w[re, lane] * w[re, lane] + w[im, lane] * w[im, lane]
    found = 0
    for lane in range(w.shape[1]):
        above = w[off, lane] > DIAGONAL * w[whole, lane]
        w[mark, lane] = 1.0 if above else 0.0
        found += int(above)
    return found > 0


@kernel
def load(
    h: NDArray[np.complex128], first: int, w: NDArray[np.float64], factor: NDArray[np.float64]
) -> None:
    """Fill w with the upper triangles of h (B, n, n) from `first` on, and with unit vectors.

    Each matrix is multiplied by a power of two, so that its entries are up to 1; factor (lanes,)
    receives its inverse. Lanes beyond the last matrix are zero.
    """
    n = h.shape[1]
    for row in range(w.shape[0]):
        entry_of_states = row - 2 * n * n
        unit = 0 <= entry_of_states < n * n and entry_of_states % (n + 1) == 0
        for lane in range(w.shape[1]):
            w[row, lane] = 1.0 if unit else 0.0
    for lane in range(w.shape[1]):
        if first + lane >= h.shape[0]:
            continue
        largest = 0.0
        for i in range(n):
            for j in range(i, n):
                entry = h[first + lane, i, j]
                largest = max(largest, abs(entry.real), abs(entry.imag))
        _, exponent = math.frexp(largest)
        exponent = max(-1000, min(1000, exponent))
        factor[lane] = math.ldexp(1.0, exponent)
        down = math.ldexp(1.0, -exponent)
        for i in range(n):
            w[i * n + i, lane] = h[first + lane, i, i].real * down
            for j in range(i + 1, n):
                w[i * n + j, lane] = h[first + lane, i, j].real * down
                w[n * n + i * n + j, lane] = h[first + lane, i, j].imag * down


@kernel
def store(
    w: NDArray[np.float64],
    factor: NDArray[np.float64],
    first: int,
    order: NDArray[np.int64],
    energy: NDArray[np.float64],
    states: NDArray[np.complex128],
) -> None:
    """Write energies in ascending order and the vectors that belong to them; order (n,) scratch."""
    n = energy.shape[1]
    for lane in range(min(w.shape[1], energy.shape[0] - first)):
        for i in range(n):
            place, value = i, w[i * n + i, lane]
            while place > 0 and w[order[place - 1] * (n + 1), lane] > value:
                order[place] = order[place - 1]
                place -= 1
            order[place] = i
        for k in range(n):
            column = order[k]
            energy[first + lane, k] = w[column * (n + 1), lane] * factor[lane]
            for i in range(n):
                place = 2 * n * n + i * n + column
                states[first + lane, i, k] = complex(w[place, lane], w[place + n * n, lane])


@kernel
def small_eigh(
    h: NDArray[np.complex128], energy: NDArray[np.float64], states: NDArray[np.complex128]
) -> None:
    """Fill energy (B, n), ascending, and states (B, n, n), columns, for h (B, n, n).

    Cyclic Jacobi rotations (C. G. J. Jacobi, J. reine angew. Math. 30, 51 (1846)), unconditionally
    stable; only the upper triangle of h is read.
    """
    n = h.shape[1]
    lanes = max(8, min(LANES, 8 * ((h.shape[0] + 7) // 8)))
    w, factor = np.empty((4 * n * n + 6, lanes)), np.ones(lanes)
    order = np.empty(n, np.int64)
    for first in range(0, h.shape[0], lanes):
        load(h, first, w, factor)
        for _ in range(SWEEPS):
            if not mark_unfinished(w, n):
                break
            for p in range(n - 1):
                for q in range(p + 1, n):
                    rotate(w, n, p, q)
        store(w, factor, first, order, energy, states)


@kernel
def extremes_of_two(
    h: NDArray[np.complex128], low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    """As `small_extremes` for one band or two, in closed form: nothing else is compiled for it."""
    if h.shape[1] == 1:
        for b in range(h.shape[0]):
            low[b] = high[b] = h[b, 0, 0].real
        return
    for b in range(h.shape[0]):
        mean = 0.5 * (h[b, 0, 0].real + h[b, 1, 1].real)
        half = 0.5 * (h[b, 0, 0].real - h[b, 1, 1].real)
        x = h[b, 0, 1]
        root = math.sqrt(half * half + x.real * x.real + x.imag * x.imag)
        low[b], high[b] = mean - root, mean + root


@kernel
def small_extremes(
    h: NDArray[np.complex128], low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    """Fill low and high (B,) with the smallest and largest eigenvalue of h (B, n, n), n above 2."""
    n = h.shape[1]
    lanes = max(8, min(LANES, 8 * ((h.shape[0] + 7) // 8)))
    w, factor = np.empty((4 * n * n + 6, lanes)), np.ones(lanes)
    for first in range(0, h.shape[0], lanes):
        load(h, first, w, factor)
        for _ in range(SWEEPS):
            if not mark_unfinished(w, n):
                break
            for p in range(n - 1):
                for q in range(p + 1, n):
                    rotate_values(w, n, p, q)
        for lane in range(min(lanes, h.shape[0] - first)):
            least, most = w[0, lane], w[0, lane]
            for i in range(1, n):
                value = w[i * n + i, lane]
                least, most = min(least, value), max(most, value)
            low[first + lane], high[first + lane] = least * factor[lane], most * factor[lane]


@kernel
def departures(
    h: NDArray[np.complex128], scale: NDArray[np.float64], off: NDArray[np.float64]
) -> None:
    """Fill scale (B,) with the largest part of h (B, K, n, n), off (B,) with that of h - h^dagger.

    Parts are real and imaginary parts of entries.
    """
    n = h.shape[2]
    for b in range(h.shape[0]):
        largest, worst = 0.0, 0.0
        for k in range(h.shape[1]):
            for i in range(n):
                for j in range(i, n):
                    x, y = h[b, k, i, j], h[b, k, j, i]
                    # grouped: a running maximum waits for itself
                    first, second = max(abs(x.real), abs(x.imag)), max(abs(y.real), abs(y.imag))
                    apart = max(abs(x.real - y.real), abs(x.imag + y.imag))
                    both = max(first, second)
                    largest, worst = max(largest, both), max(worst, apart)
        scale[b], off[b] = largest, worst


# -------------------------------------------------------------------------- Singular values, 2 x 2


@kernel
def smallest_singular_2x2(p: complex, q: complex, r: complex, s: complex) -> float:
    """Smallest singular value of [[p, q], [r, s]], good to the last digits.

    sigma_max +- sigma_min are the Frobenius norms of D +- e^(i arg det) cof(D)^*, over sqrt 2, and
    their product is |det|: no difference of nearly equal numbers is taken.
    """
    det = p * s - q * r
    size = abs(det)
    turn = det / size if size > 0.0 else 1.0 + 0.0j
    total, spread = 0.0, 0.0
    for sign in (1.0, -1.0):
        first, second = p + sign * turn * np.conj(s), q - sign * turn * np.conj(r)
        norm = (
            first.real * first.real
            + first.imag * first.imag
            + second.real * second.real
            + second.imag * second.imag
        )
        total, spread = spread, math.sqrt(norm)
    return 2.0 * size / (total + spread) if total + spread > 0.0 else 0.0


# ---- Pfaffians


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
