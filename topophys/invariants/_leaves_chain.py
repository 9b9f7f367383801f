"""Intervals of the proof of a winding number, level by level in plain NumPy."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys._typing import BlockLike
from topophys.invariants._scale import divide_out, times_power

__all__ = ["Found", "chain_leaves"]

#: Corners, sizes, depths, gap bounds and contributions of leaves.
Found: TypeAlias = tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64],
    NDArray[np.int64],
]  # fmt: skip
SLACK: Final = 64 * 2.0**-53
#: Relative error of a two by two determinant of rounded numbers.
SIGN: Final = 8 * 2.0**-53
#: Directions of the ray, tried until no end point lies on it to rounding.
RAYS: Final = (0.0, 2.1, 4.3)


class _Series:
    """f(k) = sum_m f_m e^(imk) and what bounds it: second derivative and slack."""

    def __init__(self, orders: NDArray[np.int64], f: NDArray[np.complex128], error: float) -> None:
        self.orders, self.f = orders, f
        size = np.abs(f) + error
        self.second = float((orders.astype(float) ** 2 * size).sum())
        weight = ((1.0 + np.abs(orders)) * size).sum()
        self.slack = float(SLACK * len(f) * weight + len(f) * error)

    def at(self, k: NDArray[np.float64]) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        wave = np.exp(1j * k[:, None] * self.orders)
        return wave @ self.f, wave @ (1j * self.orders * self.f)


def chain_leaves(H: BlockLike, max_depth: int, max_leaves: int) -> Found | None:
    """Prove every interval of the zone of one chain.

    Parameters
    ----------
    H : BlockLike
        A single chain.
    max_depth, max_leaves : int
        How far to go.

    Returns
    -------
    tuple of ndarray or None
        As in `CertificateLeaves`; None where something stays unproven.
    """
    scaled, exponent = divide_out(H.block_amplitudes[None])
    det, norm = _determinant(scaled[0], H.block_range[0]), _norm(scaled[0])
    n = scaled.shape[-1]
    n_start = 4 * (len(det.f) // 2) + 4
    fine = n_start << (max_depth + 1)
    left = np.arange(n_start, dtype=np.int64) << (max_depth + 1)
    kept: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    for depth in range(max_depth + 1):
        half = 1 << (max_depth - depth)
        gap = _proven(det, norm, n, _momentum(left + half, fine), np.pi * 2 * half / fine)
        good = gap > 0.0
        kept.append((left[good], np.full(good.sum(), depth), gap[good]))
        left = np.concatenate([left[~good], left[~good] + half])
        if not len(left) or sum(len(k[0]) for k in kept) + len(left) > max_leaves:
            break
    if len(left):
        return None
    start, level, bound = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    order = np.argsort(start)
    start, level, bound = start[order], level[order], bound[order]
    turns = _crossings(det.at(_momentum(start, fine))[0])
    if turns is None:
        return None
    size = 2.0 * np.pi / n_start * 0.5**level
    gaps = times_power(bound, np.full(len(bound), exponent[0]))
    return _momentum(start, fine)[:, None], size, level, gaps, turns


def _momentum(point: NDArray[np.int64], fine: int) -> NDArray[np.float64]:
    return -np.pi + 2.0 * np.pi * (point % fine) / fine


def _determinant(block: NDArray[np.complex128], lowest: int) -> _Series:
    """Fourier series of det D(k), from its values at roots of unity."""
    n_shift, n, _ = block.shape
    count = n * (n_shift - 1) + 1
    z = np.exp(2j * np.pi * np.arange(count) / count)
    samples = np.linalg.det(np.einsum("qs,sij->qij", z[:, None] ** np.arange(n_shift), block))
    norm = float(np.linalg.norm(block, axis=(1, 2)).sum())
    # elimination with partial pivoting: entries grow by at most 2^(n-1); entries are sums
    error = SLACK * (n_shift + n**3 * 2.0 ** (n - 1) + count) * norm**n
    f = np.asarray(np.fft.fft(samples) / count)
    return _Series(n * lowest + np.arange(count), f, error)


def _norm(block: NDArray[np.complex128]) -> _Series:
    """Fourier series of |D(k)|_F^2."""
    n_shift, n, _ = block.shape
    orders = np.arange(1 - n_shift, n_shift)
    flat = block.reshape(n_shift, n * n)
    gram = flat.conj() @ flat.T
    g = np.array([np.trace(gram, offset=m) for m in orders])
    return _Series(orders, g, float(SLACK * n_shift * n * n * gram.trace().real))


def _proven(
    det: _Series, norm: _Series, n: int, k: NDArray[np.float64], r: float
) -> NDArray[np.float64]:
    """Gap proven on the intervals of half width r around k; not positive where there is none."""
    value, slope = det.at(k)
    half = slope * r
    length = np.abs(half) ** 2
    t = -(value * half.conj()).real / np.where(length > 0.0, length, 1.0)
    nearest = np.abs(value + np.clip(t, -1.0, 1.0) * half)
    low = nearest - 0.5 * det.second * r * r - det.slack
    total, change = norm.at(k)
    high = total.real + np.abs(change.real) * r + 0.5 * norm.second * r * r + norm.slack
    sure = np.clip(low, 0.0, None)
    if n == 1:
        return np.asarray(2.0 * sure)
    if n == 2:
        spread = np.sqrt(np.clip(high - 2.0 * sure, 0.0, None))
        return np.asarray(4.0 * sure / (np.sqrt(high + 2.0 * sure) + spread))
    return np.asarray(2.0 * sure * ((n - 1) / high) ** (0.5 * (n - 1)))


def _crossings(ends: NDArray[np.complex128]) -> NDArray[np.int64] | None:
    """Signed meetings of each side of the closed polygon with a ray; None if no ray will do."""
    for angle in RAYS:
        p = ends * np.exp(-1j * angle)
        q = np.roll(p, -1)
        cross = p.real * q.imag - p.imag * q.real
        size = np.abs(p.real * q.imag) + np.abs(p.imag * q.real)
        through = (p.imag < 0.0) != (q.imag < 0.0)
        if (through & (np.abs(cross) <= SIGN * size)).any():
            continue
        up = (p.imag < 0.0) & (q.imag >= 0.0) & (cross > 0.0)
        down = (p.imag >= 0.0) & (q.imag < 0.0) & (cross < 0.0)
        return np.asarray(up.astype(np.int64) - down.astype(np.int64))
    return None
