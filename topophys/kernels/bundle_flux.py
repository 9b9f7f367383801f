"""Berry flux through proven cells of many sizes, from frames at all corners of all cells."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.bloch import bloch_at
from topophys.kernels.determinant import determinant


@kernel
def frame_overlap(
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
def vertices_of(cells: NDArray[np.int64], fine: int) -> NDArray[np.int64]:
    """All corners of cells (L, 3) of (x, y, width), as sorted numbers x fine + y without doubles.

    Modulo the zone: 0 <= x, y < fine.
    """
    keys = np.empty(4 * cells.shape[0], np.int64)
    for c in range(cells.shape[0]):
        x, y, width = cells[c, 0], cells[c, 1], cells[c, 2]
        right, up = (x + width) % fine, (y + width) % fine
        keys[4 * c], keys[4 * c + 1] = x * fine + y, right * fine + y
        keys[4 * c + 2], keys[4 * c + 3] = x * fine + up, right * fine + up
    keys.sort()
    count = 1
    for i in range(1, keys.shape[0]):
        if keys[i] != keys[count - 1]:
            keys[count] = keys[i]
            count += 1
    return keys[:count]


@kernel
def side_phase(
    keys: NDArray[np.int64],
    index: NDArray[np.int64],
    line: int,
    start: int,
    width: int,
    fine: int,
    frames: NDArray[np.complex128],
    basis: NDArray[np.complex128],
    work: NDArray[np.complex128],
) -> float:
    """Sum of the link phases along one side of a cell, from vertex to vertex, in its gauge.

    The side lies on `line` and runs over `width` from `start` on. keys (V,) holds the numbers
    line fine + place of all vertices in order, index (V,) their rows in frames (V, n, filled). The
    gauge is the one in which overlaps with `basis` (n, filled) have a positive determinant.
    """
    first = np.searchsorted(keys, line * fine + start)
    last = np.searchsorted(keys, line * fine + (start + width) % fine)
    end = line * fine + start + width
    here = index[first]
    gauge = frame_overlap(basis, frames[here], work)
    total, p = 0.0, first
    while True:
        p += 1
        done = p >= keys.shape[0] or keys[p] >= end
        there = index[last] if done else index[p]
        next_gauge = frame_overlap(basis, frames[there], work)
        link = gauge * frame_overlap(frames[here], frames[there], work) * np.conj(next_gauge)
        total += math.atan2(link.imag, link.real)
        if done:
            return total
        here, gauge = there, next_gauge


@kernel
def bundle_flux(
    onsite: NDArray[np.complex128],
    hops: NDArray[np.complex128],
    vectors: NDArray[np.int64],
    table: NDArray[np.complex128],
    cells: NDArray[np.int64],
    bases: NDArray[np.complex128],
    fine: int,
    evidence: NDArray[np.float64],
) -> tuple[float, int]:
    """Sum of the fluxes through all cells, 2 pi times the Chern number; and how many vertices.

    cells (L, 3) of (x, y, width) cover the zone once, bases (L, n, filled) are their gauges. Every
    vertex on a side of a cell belongs to its polygon, so that each link is met twice, in
    opposite directions, in two gauges: its phases differ by a multiple of 2 pi. evidence (4,)
    keeps the smallest gap seen.
    """
    n, filled = onsite.shape[0], bases.shape[2]
    by_x = vertices_of(cells, fine)
    count = by_x.shape[0]
    by_y = np.empty(count, np.int64)
    frames = np.empty((count, n, filled), np.complex128)
    h, point = np.empty((n, n), np.complex128), np.empty(2, np.int64)
    none = np.empty((0, 1, 1), np.complex128)
    for v in range(count):
        point[0], point[1] = by_x[v] // fine, by_x[v] % fine
        by_y[v] = point[1] * fine + point[0]
        bloch_at(onsite, hops, vectors, table, point, fine, h, none)
        energy, states = np.linalg.eigh(h)
        frames[v] = states[:, :filled]
        seen = energy[filled] - energy[filled - 1]
        if not seen >= evidence[1]:
            evidence[1], evidence[2], evidence[3] = seen, point[0] / fine, point[1] / fine
    in_x = np.arange(count)
    in_y = np.argsort(by_y)
    by_y = by_y[in_y]
    work = np.empty((filled, filled), np.complex128)
    flux = 0.0
    for c in range(cells.shape[0]):
        x, y, width = cells[c, 0], cells[c, 1], cells[c, 2]
        right, up = (x + width) % fine, (y + width) % fine
        basis = bases[c]
        # anticlockwise; a side that is walked backwards counts with the other sign
        flux -= side_phase(by_y, in_y, y, x, width, fine, frames, basis, work)
        flux -= side_phase(by_x, in_x, right, y, width, fine, frames, basis, work)
        flux += side_phase(by_y, in_y, up, x, width, fine, frames, basis, work)
        flux += side_phase(by_x, in_x, x, y, width, fine, frames, basis, work)
    return flux, count
