"""Proof of the winding number of det D(k) from the Fourier coefficients of D."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.determinant import determinant, determinant_error
from topophys.kernels.orientation import crossing

OK, UNRESOLVED, SMALL_GAP = st.OK, st.UNRESOLVED, st.SMALL_GAP
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

    Samples at the P+1 roots of unity `roots`, then a discrete Fourier transform. `norm` is an
    upper bound of |D(k)|_F; work (n, n) is scratch.
    """
    n_shift, n, _ = block.shape
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
def polynomial(f: NDArray[np.complex128], shift: int, k: float) -> tuple[complex, complex]:
    """Return sum_m f_m e^(i(m - shift)k) and its derivative by k, by Horner's rule."""
    z = complex(np.cos(k), np.sin(k))
    value, slope = 0.0j, 0.0j
    for m in range(f.shape[0] - 1, -1, -1):
        slope = slope * z + value
        value = value * z + f[m]
    turn = complex(np.cos(shift * k), -np.sin(shift * k))
    return value * turn, 1j * turn * (slope * z - shift * value)


@kernel
def norm_bound(g: NDArray[np.complex128], second: float, k: float, r: float) -> float:
    """Upper bound of |D|_F^2 on [k - r, k + r]; with r = 0 the value at k, rounded up."""
    value, slope = float(g[0].real), 0.0
    for m in range(1, g.shape[0]):
        z = g[m] * complex(np.cos(m * k), np.sin(m * k))
        value += 2.0 * z.real
        slope -= 2.0 * m * z.imag
    return value + abs(slope) * r + 0.5 * second * r * r


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
def central_harmonic(f: NDArray[np.complex128]) -> int:
    """Harmonic to factor out of f so that its second moment is smallest."""
    weight, moment = 0.0, 0.0
    for m in range(f.shape[0]):
        weight += abs(f[m])
        moment += m * abs(f[m])
    return int(np.floor(moment / weight + 0.5)) if weight > 0.0 else 0


@kernel
def walk_zone(
    f: NDArray[np.complex128],
    coefficient_error: float,
    g: NDArray[np.complex128],
    n: int,
    min_gap: float,
    max_depth: int,
    max_evaluations: int,
    ends: NDArray[np.int64],
    evidence: NDArray[np.float64],
) -> tuple[int, int, int]:
    """Bisect the zone until every interval is proven; returns (turns, evaluations, status).

    ends (max_depth + 1,) is the stack of right ends still to reach; evidence (3,) receives the
    proven gap, the smallest gap seen (lower bound of it for n > 2) and where it was seen.
    """
    n_root = f.shape[0]
    shift = central_harmonic(f)
    size, second, g_second, g_size = 0.0, 0.0, 0.0, 0.0
    for m in range(n_root):
        size += (1.0 + abs(m - shift)) * (abs(f[m]) + coefficient_error)
        second += (m - shift) ** 2 * (abs(f[m]) + coefficient_error)
    for m in range(g.shape[0]):
        g_second += 2.0 * m * m * abs(g[m])
        g_size += 2.0 * (1.0 + m) * g[0].real  # a g_m may be small by cancellation
    slack = SLACK * n_root * size + n_root * coefficient_error
    g_slack = SLACK * g.shape[0] * n * n * g_size  # g_m itself is a sum of S n^2 products

    evidence[0], evidence[1], evidence[2] = np.inf, np.inf, 0.0
    n_start = 4 * (n_root // 2) + 4
    fine = n_start << max_depth  # intervals of the deepest level; ends are counted in them
    first, _ = polynomial(f, shift, -np.pi)
    turns, evaluations = shift, 1
    left, here = 0, first
    for start in range(n_start):
        depth, ends[0] = 0, (start + 1) << max_depth
        while depth >= 0:
            right = ends[depth]
            if evaluations + (1 if right == fine else 2) > max_evaluations:
                return 0, evaluations, UNRESOLVED
            r = np.pi * (right - left) / fine
            centre = -np.pi + np.pi * (left + right) / fine
            value, slope = polynomial(f, shift, centre)
            evaluations += 1
            norm2 = norm_bound(g, g_second, centre, 0.0)
            seen = 2.0 * smallest_singular(n, abs(value), norm2)
            if not seen >= evidence[1]:
                evidence[1], evidence[2] = seen, centre
            low = segment_distance(value, slope * r) - 0.5 * second * r * r - slack
            high = norm_bound(g, g_second, centre, r) + g_slack
            gap = 2.0 * smallest_singular(n, low, high) if low > 0.0 else 0.0
            if gap > 0.0 and gap >= min_gap:
                end = first
                if right < fine:
                    end, _ = polynomial(f, shift, -np.pi + 2.0 * np.pi * right / fine)
                    evaluations += 1
                side = crossing(here.real, here.imag, end.real, end.imag)
                if side == 2:
                    return 0, evaluations, UNRESOLVED
                turns += side
                evidence[0] = min(evidence[0], gap)
                left, here = right, end
                depth -= 1
                continue
            if n <= 2 and seen + 2.0 * slack_of_gap(n, slack, value, norm2) < min_gap:
                return 0, evaluations, SMALL_GAP
            if right - left == 1:
                return 0, evaluations, UNRESOLVED
            depth += 1
            ends[depth] = (left + right) // 2
    return turns, evaluations, OK


@kernel
def slack_of_gap(n: int, slack: float, value: complex, norm2: float) -> float:
    """How much too small half the gap seen at a point can be: |det| is known within `slack`.

    Where the singular values are equal, their difference is the root of a difference that rounds.
    """
    det = abs(value)
    moved = smallest_singular(n, det + slack, norm2) - smallest_singular(n, det, norm2)
    return float(moved + slack + np.sqrt(SLACK * norm2))


@kernel
def certify_windings(
    blocks: NDArray[np.complex128],
    lowest: int,
    roots: NDArray[np.complex128],
    work: NDArray[np.complex128],
    f: NDArray[np.complex128],
    g: NDArray[np.complex128],
    ends: NDArray[np.int64],
    min_gap: NDArray[np.float64],
    max_evaluations: int,
    turns: NDArray[np.int64],
    evidence: NDArray[np.float64],
    evaluations: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Winding of det sum_s D_s e^(i(lowest + s)k) for blocks (B, S, n, n) with entries up to 1.

    roots (n (S - 1) + 1,) are roots of unity, min_gap (B,) the smallest gaps to accept;
    work (n, n), f like roots, g (S,) and ends (max_depth + 1,) are scratch. Out: turns,
    evaluations, status (B,), evidence (B, 3).
    """
    n = blocks.shape[2]
    max_depth = ends.shape[0] - 1
    for b in range(blocks.shape[0]):
        norm_coefficients(blocks[b], g)
        total = abs(g[0])
        for m in range(1, g.shape[0]):
            total += 2.0 * abs(g[m])
        if total == 0.0:
            evidence[b, 0], evidence[b, 1], evidence[b, 2] = 0.0, 0.0, 0.0
            turns[b], evaluations[b], status[b] = 0, 0, UNRESOLVED
            continue
        error = determinant_coefficients(blocks[b], np.sqrt(total), roots, work, f)
        turns[b], evaluations[b], status[b] = walk_zone(
            f, error, g, n, min_gap[b], max_depth, max_evaluations, ends, evidence[b]
        )
        if status[b] == OK:
            turns[b] += n * lowest
        else:
            evidence[b, 0] = 0.0
