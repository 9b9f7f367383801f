"""Intervals of chains and squares of two bands, as the checker will see them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.invariants.evidence import CellTree

__all__ = ["chain_tree", "square_tree"]

DEEPEST: Final = {1: 40, 2: 22}
MOST: Final = 400_000
#: Demands are raised by this much, so that what float64 barely finds is certainly there.
CLEAR: Final = 1.0 + 1e-12


def chain_tree(blocks: NDArray[np.complex128], least: float) -> CellTree:
    """Intervals on each of which the chord of det D proves the gap `least`.

    Parameters
    ----------
    blocks : complex128 ndarray of shape (S, n, n)
        Coefficients of D of consecutive R, with entries up to 1.
    least : float
        Gap to be proven, in the same unit.

    Returns
    -------
    CellTree
        Intervals of [0, 2 pi].
    """
    n_shift, n, _ = blocks.shape
    count = n * (n_shift - 1) + 1
    z = np.exp(2j * np.pi * np.arange(count) / count)
    waves = z[:, None] ** np.arange(n_shift)
    f = np.fft.fft(np.linalg.det(np.einsum("qs,sij->qij", waves, blocks))) / count
    size = np.abs(f)
    if not size.sum() > 0.0:
        raise InputError("The determinant of D vanishes.")
    shift = round(float((size * np.arange(count)).sum() / size.sum()))
    orders = np.arange(count) - shift
    flat = blocks.reshape(n_shift, n * n)
    gram = flat.conj() @ flat.T
    g = np.array([np.trace(gram, offset=m) for m in range(n_shift)])
    second, bend = (orders**2 * size).sum(), 2.0 * (np.arange(n_shift) ** 2 * np.abs(g)).sum()

    def at(
        points: NDArray[np.int64], fine: int
    ) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        k = 2.0 * np.pi * (points % fine) / fine
        values, norms = np.empty(len(k), complex), np.empty(len(k))
        for s in range(0, len(k), 1024):
            wave = np.exp(1j * k[s : s + 1024, None])
            values[s : s + 1024] = (wave**orders) @ f
            norms[s : s + 1024] = 2.0 * ((wave ** np.arange(1, n_shift)) @ g[1:]).real + g[0].real
        return values, norms

    start = 4 * (count // 2) + 8
    fine = start << DEEPEST[1]
    left, found = np.arange(start) << DEEPEST[1], []
    for level in range(DEEPEST[1] + 1):
        edge = 1 << (DEEPEST[1] - level)
        (f0, n0), (f1, n1) = at(left, fine), at(left + edge, fine)
        square = (2.0 * np.pi * edge / fine) ** 2 / 8.0
        step = f1 - f0
        length = np.abs(step) ** 2
        share = -(f0.conj() * step).real / np.where(length > 0.0, length, 1.0)
        det = np.abs(f0 + share.clip(0.0, 1.0) * step) - square * second
        norm2 = np.maximum(n0, n1) + square * bend
        gap = 2.0 * _smallest(n, det.clip(0.0), norm2)
        good = (det > 0.0) & (gap >= least * CLEAR)
        found.append((left[good], np.full(good.sum(), level)))
        left = (left[~good][:, None] + (edge >> 1) * np.arange(2)).ravel()
        if not len(left):
            break
        if len(left) > MOST:
            raise InputError(f"The certificate needs more than {MOST} intervals.")
    else:
        raise InputError("The gap is too small for a certificate.")
    corner, depth = (np.concatenate([f[i] for f in found]) for i in (0, 1))
    return CellTree.of_cells((start,), DEEPEST[1], corner[:, None], depth)[0]


def _smallest(n: int, det: NDArray[np.float64], norm2: NDArray[np.float64]) -> NDArray[np.float64]:
    if n == 1:
        return det
    if n == 2:
        spread = np.sqrt((norm2 - 2.0 * det).clip(0.0))
        return np.asarray(2.0 * det / (np.sqrt(norm2 + 2.0 * det) + spread))
    return np.asarray(det * ((n - 1) / norm2) ** (0.5 * (n - 1)))


def square_tree(vectors: NDArray[np.int64], series: NDArray[np.float64], least: float) -> CellTree:
    """Squares on each of which d(k) keeps `least` / 2 along some direction.

    Parameters
    ----------
    vectors : int64 ndarray of shape (M, 2)
        Lattice vectors of one half space.
    series : float64 ndarray of shape (M + 1, 2, 3)
        As in `real_series`: the mean and zeros, then even and odd part of each vector.
    least : float
        Gap to be proven, in the unit of `series`.

    Returns
    -------
    CellTree
        Squares of the Brillouin zone.
    """
    mean, even, odd = series[0, 0], series[1:, 0], series[1:, 1]
    weight = (vectors**2).sum(1).astype(float)
    reach = int(np.abs(vectors).max(initial=1))
    start = 16 << (reach - 1).bit_length()
    deepest = DEEPEST[2]
    fine = start << deepest
    if start * start > MOST:
        raise InputError(f"The certificate needs more than {MOST} cells.")
    corner = np.stack(np.meshgrid(*[np.arange(start) << deepest] * 2, indexing="ij"), -1)
    corner = corner.reshape(-1, 2)
    children = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    found = []
    for level in range(deepest + 1):
        edge = 1 << (deepest - level)
        good = np.zeros(len(corner), bool)
        for s in range(0, len(corner), 4096):
            points = (corner[s : s + 4096, None] + edge * children) % fine
            turn = 2.0 * np.pi / fine * ((points @ vectors.T) % fine)
            d = mean + np.cos(turn) @ even + np.sin(turn) @ odd
            u, best = d.mean(1), np.full(len(d), -np.inf)
            for _ in range(5):
                along = np.einsum("li,lqi->lq", u, d)
                bend = np.sqrt((u @ even.T) ** 2 + (u @ odd.T) ** 2) @ weight
                size = np.sqrt((u**2).sum(1))
                margin = along.min(1) - (2.0 * np.pi * edge / fine) ** 2 / 8.0 * bend
                best = np.fmax(best, margin / np.where(size > 0.0, size, np.nan))
                step = d[np.arange(len(d)), along.argmin(1)] - u
                length = (step**2).sum(1)
                t = -(u * step).sum(1) / np.where(length > 0.0, length, 1.0)
                u = u + t.clip(0.0, 1.0)[:, None] * step
            good[s : s + 4096] = (best > 0.0) & (2.0 * best >= least * CLEAR)
        found.append((corner[good], np.full(good.sum(), level)))
        corner = (corner[~good][:, None] + (edge >> 1) * children).reshape(-1, 2)
        if not len(corner):
            break
        if len(corner) > MOST:
            raise InputError(f"The certificate needs more than {MOST} cells.")
    else:
        raise InputError("The gap is too small for a certificate.")
    parts = (np.concatenate([f[i] for f in found]) for i in (0, 1))
    return CellTree.of_cells((start, start), deepest, *parts)[0]
