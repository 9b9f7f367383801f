"""Proof of the Chern number of any number of occupied bands from the Fourier coefficients of H."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.bloch import bloch_at
from topophys.kernels.bundle_flux import bundle_flux
from topophys.kernels.cells import CORNER_X, CORNER_Y
from topophys.kernels.corner_gap import corner_gap, phase_bound

OK, SMALL_GAP, CLOSED_GAP = st.OK, st.SMALL_GAP, st.CLOSED_GAP
BUDGET, DEPTH = st.BUDGET, st.DEPTH
#: Largest phase of a link in the gauge of a cell: kept clear of pi, for its principal value.
PHASE: Final = 3.0


@kernel
def grown(a: NDArray[np.int64]) -> NDArray[np.int64]:
    """Copy the rows of a into an array with as many free ones."""
    more = np.empty((2 * a.shape[0], a.shape[1]), a.dtype)
    more[: a.shape[0]] = a
    return more


@kernel
def grown_bases(a: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Copy the matrices of a into an array with as many free ones."""
    more = np.empty((2 * a.shape[0], a.shape[1], a.shape[2]), a.dtype)
    more[: a.shape[0]] = a
    return more


@kernel
def walk_bundle(
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
) -> tuple[float, int, int]:
    """Quarter the cells of the zone until each is proven; returns (flux, evaluations, status).

    A cell is proven if its occupied and empty blocks stay apart (`corner_gap`) and its occupied
    space turns so little that the phase of a link is its principal value (`phase_bound`). `second`
    bounds sum_R |H_R| (R_1^2 + R_2^2). evidence (4,) receives the proven gap, the smallest gap
    seen and its k / 2 pi.
    """
    n = onsite.shape[0]
    fine = n_start << (max_depth + 1)
    side = 2 << max_depth
    stack = 3 * max_depth + 4
    cells = np.empty((stack, 3), np.int64)
    corners = np.empty((stack, 4, n, n), np.complex128)
    mids = np.empty((4, n, n), np.complex128)
    keep, h = np.empty((2, n, n), np.complex128)
    work, turned = np.empty((2, n, n), np.complex128)
    point, none = np.empty(2, np.int64), np.empty((0, 1, 1), np.complex128)
    leaves = np.empty((2 * n_start * n_start, 3), np.int64)
    bases = np.empty((2 * n_start * n_start, n, filled), np.complex128)
    base = np.empty((n_start, n_start, n, n), np.complex128)
    evidence[:] = 0.0
    evidence[0], evidence[1] = np.inf, np.inf
    for i in range(n_start):
        for j in range(n_start):
            point[0], point[1] = i * side, j * side
            bloch_at(onsite, hops, vectors, table, point, fine, base[i, j], none)
    found, evaluations = 0, 0
    for start in range(n_start * n_start):
        i, j = start // n_start, start % n_start
        cells[0, 0], cells[0, 1], cells[0, 2] = i * side, j * side, 0
        for q in range(4):
            corners[0, q] = base[(i + CORNER_X[q]) % n_start, (j + CORNER_Y[q]) % n_start]
        top = 0
        while top >= 0:
            # a leaf has about one vertex, whose frame is still to come
            if evaluations + found >= max_evaluations:
                return 0.0, evaluations, BUDGET
            x0, y0, depth = cells[top, 0], cells[top, 1], cells[top, 2]
            half = 1 << (max_depth - depth)
            width = 4.0 * np.pi * half / fine
            point[0], point[1] = x0 + half, y0 + half
            bloch_at(onsite, hops, vectors, table, point, fine, h, none)
            energy, states = np.linalg.eigh(h)
            evaluations += 1
            seen = energy[filled] - energy[filled - 1]
            if not seen >= evidence[1]:
                evidence[1], evidence[2], evidence[3] = seen, point[0] / fine, point[1] / fine
            rest = 0.125 * second * width * width + slack
            # a cell whose middle has no such gap has none: spares the corners
            if seen > 2.0 * slack:
                gap, mixing, mixing_f = corner_gap(corners[top], states, filled, rest, work, turned)
                if (
                    gap > 0.0
                    and gap >= min_gap
                    and phase_bound(gap, mixing, mixing_f, filled, n) < PHASE
                ):
                    evidence[0] = min(evidence[0], gap)
                    if found == leaves.shape[0]:
                        leaves, bases = grown(leaves), grown_bases(bases)
                    leaves[found, 0], leaves[found, 1], leaves[found, 2] = x0, y0, 2 * half
                    bases[found] = states[:, :filled]
                    found += 1
                    top -= 1
                    continue
            if seen + 2.0 * slack < min_gap:
                return 0.0, evaluations, SMALL_GAP
            if seen <= 2.0 * slack:
                return 0.0, evaluations, CLOSED_GAP
            if depth == max_depth:
                return 0.0, evaluations, DEPTH
            for q in range(4):
                after = (q + 1) % 4
                point[0] = x0 + half * (CORNER_X[q] + CORNER_X[after])
                point[1] = y0 + half * (CORNER_Y[q] + CORNER_Y[after])
                bloch_at(onsite, hops, vectors, table, point, fine, mids[q], none)
            for q in range(3, -1, -1):  # child q keeps corner q; child 0 takes the parent's place
                child, after = top + q, (q + 1) % 4
                cells[child, 0] = x0 + half * CORNER_X[q]
                cells[child, 1] = y0 + half * CORNER_Y[q]
                cells[child, 2] = depth + 1
                keep[:] = corners[top, q]
                corners[child, after] = mids[q]
                corners[child, (q + 2) % 4] = h
                corners[child, (q + 3) % 4] = mids[(q + 3) % 4]
                corners[child, q] = keep
            top += 3
    flux, vertices = bundle_flux(
        onsite, hops, vectors, table, leaves[:found], bases[:found], fine, evidence
    )
    return flux, evaluations + vertices, OK


@kernel
def certify_bundles(
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
    flux: NDArray[np.float64],
    evidence: NDArray[np.float64],
    evaluations: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """`walk_bundle` for a batch: onsite (B, n, n), hops (B, M, n, n), others (B,) or shared."""
    for b in range(onsite.shape[0]):
        flux[b], evaluations[b], status[b] = walk_bundle(
            onsite[b], hops[b], vectors, table, filled, second[b], slack[b], n_start, max_depth,
            max_evaluations, min_gap[b], evidence[b],
        )  # fmt: skip
        if status[b] != OK:
            evidence[b, 0] = 0.0
