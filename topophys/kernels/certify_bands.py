"""Proof of the Chern number of any number of occupied bands from the Fourier coefficients of H."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.bloch import bloch_at
from topophys.kernels.certify_gap import leaf_gap
from topophys.kernels.degree import AMBIGUOUS
from topophys.kernels.determinant import determinant

OK, UNRESOLVED, SMALL_GAP = st.OK, st.UNRESOLVED, st.SMALL_GAP
CORNER_X: Final = np.array([0, 1, 1, 0])  # corners of a cell, anticlockwise
CORNER_Y: Final = np.array([0, 0, 1, 1])
ROUNDING: Final = 1e-6  # kept clear of pi; phases of computed links are good to about 1e-12


@kernel
def link_angle(gap: float, mixing: float, mixing_f: float, filled: int) -> float:
    """Bound of |arg det V(p)^dagger V(q)| for frames at two points of a leaf.

    From tan(2 theta) <= 2 b / gap (C. Davis, W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970)) in
    operator and in Frobenius norm, the frames projected onto that of the centre.
    """
    s = 2.0 * mixing / gap
    t = s / (1.0 + np.sqrt(1.0 + s * s))
    if t == 0.0:
        return 0.0
    share = min(1.0 * filled, (mixing_f / gap / t) ** 2)
    return float(share * np.arcsin(t * t))


@kernel
def overlap(
    u: NDArray[np.complex128], v: NDArray[np.complex128], work: NDArray[np.complex128]
) -> complex:
    """det(u^dagger v) of two frames (n, filled); work (filled, filled) is scratch."""
    filled = u.shape[1]
    for i in range(filled):
        for j in range(filled):
            total = 0.0j
            for s in range(u.shape[0]):
                total += np.conj(u[s, i]) * v[s, j]
            work[i, j] = total
    det, _ = determinant(work)
    return det


@kernel
def sliver_flux(
    a: NDArray[np.complex128],
    m: NDArray[np.complex128],
    b: NDArray[np.complex128],
    forward: bool,
    work: NDArray[np.complex128],
) -> float:
    """Flux through the triangle a, m, b; the two orientations give exactly opposite numbers."""
    if forward:
        loop = overlap(a, m, work) * overlap(m, b, work) * overlap(b, a, work)
        return -float(np.arctan2(loop.imag, loop.real))
    loop = overlap(b, m, work) * overlap(m, a, work) * overlap(a, b, work)
    return float(np.arctan2(loop.imag, loop.real))


@kernel
def frame_at(
    onsite: NDArray[np.complex128],
    hops: NDArray[np.complex128],
    vectors: NDArray[np.int64],
    table: NDArray[np.complex128],
    x: int,
    y: int,
    fine: int,
    h: NDArray[np.complex128],
    frame: NDArray[np.complex128],
) -> None:
    """frame (n, filled): occupied eigenvectors at k = 2 pi (x, y) / fine; h (n, n) is scratch."""
    point = np.array([x % fine, y % fine])
    bloch_at(onsite, hops, vectors, table, point, fine, h, np.empty((0, 1, 1), np.complex128))
    _, states = np.linalg.eigh(h)
    frame[:] = states[:, : frame.shape[1]]


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

    On a leaf whose links are all shorter than pi / 4 the principal value of the flux through any
    polygon of at most four of its points is the true sum of its link phases. The sum over a
    conforming polygon is that over the corners plus slivers (corner, midpoint, corner) at hanging
    vertices; a cell that is quartered adds the slivers its neighbours would see, and where the
    neighbour is quartered too they cancel. evidence (4,) as in `walk_gap`.
    """
    n = onsite.shape[0]
    fine = n_start << (max_depth + 1)
    side = 2 << max_depth
    depth_stack = 3 * max_depth + 4
    cells = np.empty((depth_stack, 3), np.int64)
    corners = np.empty((depth_stack, 4, n, filled), np.complex128)
    mids, keep = np.empty((5, n, filled), np.complex128), np.empty((n, filled), np.complex128)
    h, slopes = np.empty((n, n), np.complex128), np.empty((2, n, n), np.complex128)
    work, point = np.empty((filled, filled), np.complex128), np.empty(2, np.int64)
    base = np.empty((n_start, n_start, n, filled), np.complex128)
    evidence[:] = 0.0
    evidence[0], evidence[1] = np.inf, np.inf
    if max_evaluations < n_start * n_start:
        return 0.0, 0, UNRESOLVED
    for i in range(n_start):
        for j in range(n_start):
            frame_at(onsite, hops, vectors, table, i * side, j * side, fine, h, base[i, j])
    flux, evaluations = 0.0, n_start * n_start
    for start in range(n_start * n_start):
        i, j = start // n_start, start % n_start
        cells[0, 0], cells[0, 1], cells[0, 2] = i * side, j * side, 0
        for q in range(4):
            corners[0, q] = base[(i + CORNER_X[q]) % n_start, (j + CORNER_Y[q]) % n_start]
        top = 0
        while top >= 0:
            if evaluations >= max_evaluations:
                return 0.0, evaluations, UNRESOLVED
            x0, y0, depth = cells[top, 0], cells[top, 1], cells[top, 2]
            half = 1 << (max_depth - depth)
            r = 2.0 * np.pi * half / fine
            point[0], point[1] = x0 + half, y0 + half
            bloch_at(onsite, hops, vectors, table, point, fine, h, slopes)
            energy, states = np.linalg.eigh(h)
            evaluations += 1
            seen = energy[filled] - energy[filled - 1]
            if not seen >= evidence[1]:
                evidence[1], evidence[2], evidence[3] = seen, point[0] / fine, point[1] / fine
            gap, mixing, mixing_f = leaf_gap(energy, states, slopes, filled, r, second, slack)
            if (
                gap > 0.0
                and gap >= min_gap
                and 4.0 * link_angle(gap, mixing, mixing_f, filled) < np.pi - ROUNDING
            ):
                evidence[0] = min(evidence[0], gap)
                loop = 1.0 + 0.0j
                for q in range(4):
                    loop *= overlap(corners[top, q], corners[top, (q + 1) % 4], work)
                flux -= np.arctan2(loop.imag, loop.real)
                top -= 1
                continue
            if seen + 2.0 * slack < min_gap:
                return 0.0, evaluations, SMALL_GAP
            if depth == max_depth or evaluations + 4 > max_evaluations:
                return 0.0, evaluations, UNRESOLVED
            mids[4] = states[:, :filled]
            for q in range(4):
                after = (q + 1) % 4
                x = x0 + half * (CORNER_X[q] + CORNER_X[after])
                y = y0 + half * (CORNER_Y[q] + CORNER_Y[after])
                frame_at(onsite, hops, vectors, table, x, y, fine, h, mids[q])
                # the neighbour walks this side from `after` to q; sides 0 and 1 run towards
                # larger k, so that both neighbours compute the same triangle
                part = sliver_flux(corners[top, after], mids[q], corners[top, q], q >= 2, work)
                if abs(part) > np.pi - ROUNDING:  # two neighbours might round to different turns
                    return 0.0, evaluations, AMBIGUOUS
                flux += part
            evaluations += 4
            for q in range(3, -1, -1):  # child q keeps corner q; child 0 takes the parent's place
                child, after = top + q, (q + 1) % 4
                cells[child, 0] = x0 + half * CORNER_X[q]
                cells[child, 1] = y0 + half * CORNER_Y[q]
                cells[child, 2] = depth + 1
                keep[:] = corners[top, q]
                corners[child, after] = mids[q]
                corners[child, (q + 2) % 4] = mids[4]
                corners[child, (q + 3) % 4] = mids[(q + 3) % 4]
                corners[child, q] = keep
            top += 3
    return flux, evaluations, OK


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
