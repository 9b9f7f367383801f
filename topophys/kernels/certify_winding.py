"""Proof of the winding number of det D(k) from the Fourier coefficients of D."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.determinant_series import (
    central_harmonic,
    determinant_coefficients,
    norm_and_slope,
    norm_coefficients,
    polynomial,
    polynomials,
    prove_interval,
    slack_of_gap,
    smallest_singular,
    taylor_bounds,
)
from topophys.kernels.orientation import crossing

OK, UNRESOLVED, SMALL_GAP = st.OK, st.UNRESOLVED, st.SMALL_GAP


@kernel
def note(evidence: NDArray[np.float64], seen: float, k: float) -> None:
    """Keep the smallest gap seen and where."""
    if not seen >= evidence[1]:
        evidence[1], evidence[2] = seen, k


@kernel
def walk_interval(
    f: NDArray[np.complex128],
    g: NDArray[np.complex128],
    n: int,
    shift: int,
    bounds: NDArray[np.float64],
    start: float,
    width: float,
    here: complex,
    last: complex,
    min_gap: float,
    budget: int,
    ends: NDArray[np.int64],
    evidence: NDArray[np.float64],
) -> tuple[int, int, int]:
    """Bisect [start, start + width] until every part is proven; returns as `walk_zone`.

    here and last are the values of f at the ends; ends (max_depth + 1,) is the stack of right
    ends still to reach, in parts of the deepest level.
    """
    fine = 1 << (ends.shape[0] - 1)
    turns, evaluations, left, depth = 0, 0, 0, 0
    ends[0] = fine
    while depth >= 0:
        right = ends[depth]
        if evaluations + (1 if right == fine else 2) > budget:
            return 0, evaluations, UNRESOLVED
        r = 0.5 * width * (right - left) / fine
        centre = start + 0.5 * width * (left + right) / fine
        z = complex(math.cos(centre), math.sin(centre))
        value, slope = polynomial(f, z, shift)
        norm2, norm_slope = norm_and_slope(g, z)
        evaluations += 1
        note(evidence, 2.0 * smallest_singular(n, abs(value), norm2), centre)
        gap = prove_interval(value, slope, norm2, norm_slope, r, n, bounds)
        if gap > 0.0 and gap >= min_gap:
            end = last
            if right < fine:
                k = start + width * right / fine
                end, _ = polynomial(f, complex(math.cos(k), math.sin(k)), 0)
                end *= complex(math.cos(shift * k), -math.sin(shift * k))
                evaluations += 1
            side = crossing(here.real, here.imag, end.real, end.imag)
            if side == 2:
                return 0, evaluations, UNRESOLVED
            turns += side
            evidence[0] = min(evidence[0], gap)
            left, here = right, end
            depth -= 1
            continue
        allowance = 2.0 * slack_of_gap(n, bounds[1], value, norm2)
        if n <= 2 and 2.0 * smallest_singular(n, abs(value), norm2) + allowance < min_gap:
            return 0, evaluations, SMALL_GAP
        if right - left == 1:
            return 0, evaluations, UNRESOLVED
        depth += 1
        ends[depth] = (left + right) // 2
    return turns, evaluations, OK


@kernel
def walk_zone(
    f: NDArray[np.complex128],
    coefficient_error: float,
    g: NDArray[np.complex128],
    n: int,
    min_gap: float,
    max_evaluations: int,
    circle: NDArray[np.float64],
    base: NDArray[np.float64],
    bounds: NDArray[np.float64],
    ends: NDArray[np.int64],
    evidence: NDArray[np.float64],
) -> tuple[int, int, int]:
    """Prove every interval of the zone; returns (turns, evaluations, status).

    circle (4, P) holds cos and sin at the centres and at the right ends of the P starting
    intervals; base (12, P), bounds (4,) and ends (max_depth + 1,) are scratch. evidence (3,)
    receives the proven gap, the smallest gap seen (lower bound of it for n > 2) and its k.
    """
    n_start = circle.shape[1]
    shift = central_harmonic(f)
    taylor_bounds(f, coefficient_error, g, n, shift, bounds)
    evidence[0], evidence[1], evidence[2] = np.inf, np.inf, 0.0
    if max_evaluations < 2 * n_start:
        return 0, 0, UNRESOLVED
    polynomials(f, circle[0], circle[1], base[:4])
    polynomials(g, circle[0], circle[1], base[4:8])
    polynomials(f, circle[2], circle[3], base[8:])
    width = 2.0 * np.pi / n_start
    turns, evaluations = shift, 2 * n_start
    here = turned_back(base[8, n_start - 1], base[9, n_start - 1], shift, n_start, circle)
    for j in range(n_start):
        end = turned_back(base[8, j], base[9, j], shift, j + 1, circle)
        z = complex(circle[0, j], circle[1, j])
        value = complex(base[0, j], base[1, j])
        slope = 1j * (complex(base[2, j], base[3, j]) * z - shift * value)
        norm2 = 2.0 * base[4, j] - g[0].real
        norm_slope = -2.0 * (base[6, j] * z.imag + base[7, j] * z.real)
        gap = prove_interval(value, slope, norm2, norm_slope, 0.5 * width, n, bounds)
        if gap > 0.0 and gap >= min_gap:
            note(
                evidence, 2.0 * smallest_singular(n, abs(value), norm2), -np.pi + (j + 0.5) * width
            )
            evidence[0] = min(evidence[0], gap)
            side = crossing(here.real, here.imag, end.real, end.imag)
            if side == 2:
                return 0, evaluations, UNRESOLVED
            turns += side
        else:
            count, used, status = walk_interval(
                f, g, n, shift, bounds, -np.pi + j * width, width, here, end, min_gap,
                max_evaluations - evaluations, ends, evidence,
            )  # fmt: skip
            turns += count
            evaluations += used
            if status != OK:
                return 0, evaluations, status
        here = end
    return turns, evaluations, OK


@kernel
def turned_back(re: float, im: float, shift: int, j: int, circle: NDArray[np.float64]) -> complex:
    """(re + i im) e^(-i shift k_j) for the left end k_j = -pi + 2 pi j / P of interval j."""
    n_start = circle.shape[1]
    # right end q of the table is at -pi + 2 pi (q + 1) / P; e^(i shift k_j) sits at shift j,
    # with a sign (-1)^(shift + 1) because the table begins at -pi as well
    q = (shift * j - 1) % n_start
    sign = -1.0 if shift % 2 == 0 else 1.0
    c, s = sign * circle[2, q], sign * circle[3, q]
    return complex(re * c + im * s, im * c - re * s)


@kernel
def certify_windings(
    blocks: NDArray[np.complex128],
    lowest: int,
    roots: NDArray[np.complex128],
    circle: NDArray[np.float64],
    min_gap: NDArray[np.float64],
    max_depth: int,
    max_evaluations: int,
    turns: NDArray[np.int64],
    evidence: NDArray[np.float64],
    evaluations: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Winding of det sum_s D_s e^(i(lowest + s)k) for blocks (B, S, n, n) with entries up to 1.

    roots (n (S - 1) + 1,) are roots of unity, circle (4, P) as in `walk_zone`, min_gap (B,) the
    smallest gaps to accept. Out: turns, evaluations, status (B,), evidence (B, 3).
    """
    n_shift, n = blocks.shape[1], blocks.shape[2]
    work = np.empty((n, n), np.complex128)
    f, g = np.empty(roots.shape[0], np.complex128), np.empty(n_shift, np.complex128)
    base, bounds = np.empty((12, circle.shape[1])), np.empty(4)
    ends = np.empty(max_depth + 1, np.int64)
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
            f, error, g, n, min_gap[b], max_evaluations, circle, base, bounds, ends, evidence[b]
        )
        if status[b] == OK:
            turns[b] += n * lowest
        else:
            evidence[b, 0] = 0.0
