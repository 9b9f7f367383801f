"""Proof that occupied and empty bands stay apart, from the Fourier coefficients of H."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.bloch import bloch_at, block_bounds

OK, SMALL_GAP, CLOSED_GAP = st.OK, st.SMALL_GAP, st.CLOSED_GAP
BUDGET, DEPTH = st.BUDGET, st.DEPTH


@kernel
def leaf_gap(
    energy: NDArray[np.float64],
    states: NDArray[np.complex128],
    slopes: NDArray[np.complex128],
    filled: int,
    r: float,
    second: float,
    slack: float,
) -> float:
    """Gap proven on a cell of half width r.

    By Weyl's inequality for the two diagonal blocks in the eigenbasis of the centre: no level
    enters (E_n + a, E_(n+1) - c). `second` bounds sum_R |H_R| (|R_1| + ...)^2.
    """
    inside, outside = block_bounds(states, slopes, filled)
    rest = 0.5 * second * r * r + slack
    return float(energy[filled] - energy[filled - 1] - r * (inside + outside) - 2.0 * rest)


@kernel
def walk_gap(
    onsite: NDArray[np.complex128],
    hops: NDArray[np.complex128],
    vectors: NDArray[np.int64],
    table: NDArray[np.complex128],
    filled: int,
    second: float,
    slack: float,
    n_start: int,
    max_depth: int,
    max_evaluations: int,
    min_gap: float,
    evidence: NDArray[np.float64],
) -> tuple[int, int]:
    """Divide the cells of a D-dimensional zone until each is gapped; returns (evaluations, status).

    evidence (2 + D,) receives the proven gap, the smallest gap seen and its k / 2 pi.
    """
    n, n_dim = onsite.shape[0], vectors.shape[1]
    n_child = 1 << n_dim
    fine = n_start << (max_depth + 1)
    depth_of = np.empty((n_child - 1) * max_depth + n_child, np.int64)
    corner = np.empty((depth_of.shape[0], n_dim), np.int64)
    h, slopes = np.empty((n, n), np.complex128), np.empty((n_dim, n, n), np.complex128)
    centre = np.empty(n_dim, np.int64)
    evidence[:] = 0.0
    evidence[0], evidence[1] = np.inf, np.inf
    evaluations = 0
    for start in range(n_start**n_dim):
        rest, top = start, 0
        for axis in range(n_dim):
            corner[0, axis] = (rest % n_start) * (2 << max_depth)
            rest //= n_start
        depth_of[0] = 0
        while top >= 0:
            if evaluations >= max_evaluations:
                return evaluations, BUDGET
            depth = depth_of[top]
            half = 1 << (max_depth - depth)
            r = 2.0 * np.pi * half / fine
            for axis in range(n_dim):
                centre[axis] = corner[top, axis] + half
            bloch_at(onsite, hops, vectors, table, centre, fine, h, slopes)
            energy, states = np.linalg.eigh(h)
            evaluations += 1
            seen = energy[filled] - energy[filled - 1]
            if not seen >= evidence[1]:
                evidence[1] = seen
                for axis in range(n_dim):
                    evidence[2 + axis] = centre[axis] / fine
            gap = leaf_gap(energy, states, slopes, filled, r, second, slack)
            if gap > 0.0 and gap >= min_gap:
                evidence[0] = min(evidence[0], gap)
                top -= 1
                continue
            if seen + 2.0 * slack < min_gap:
                return evaluations, SMALL_GAP
            if seen <= 2.0 * slack:
                return evaluations, CLOSED_GAP
            if depth == max_depth:
                return evaluations, DEPTH
            for child in range(n_child - 1, -1, -1):  # child 0 takes the parent's place, last
                depth_of[top + child] = depth + 1
                for axis in range(n_dim):
                    corner[top + child, axis] = corner[top, axis] + half * ((child >> axis) & 1)
            top += n_child - 1
    return evaluations, OK


@kernel
def certify_gaps(
    onsite: NDArray[np.complex128],
    hops: NDArray[np.complex128],
    vectors: NDArray[np.int64],
    table: NDArray[np.complex128],
    filled: int,
    second: NDArray[np.float64],
    slack: NDArray[np.float64],
    n_start: int,
    max_depth: int,
    max_evaluations: int,
    min_gap: NDArray[np.float64],
    evidence: NDArray[np.float64],
    evaluations: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """`walk_gap` for a batch: onsite (B, n, n), hops (B, M, n, n), others (B,) or shared."""
    for b in range(onsite.shape[0]):
        evaluations[b], status[b] = walk_gap(
            onsite[b], hops[b], vectors, table, filled, second[b], slack[b], n_start, max_depth,
            max_evaluations, min_gap[b], evidence[b],
        )  # fmt: skip
        if status[b] != OK:
            evidence[b, 0] = 0.0
