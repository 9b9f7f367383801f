"""Chern numbers of sampled d-vectors at full speed; what is delicate is left to `flux`."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import fused_kernel, kernel
from topophys.kernels.plaquette_turns import SIDE, UNRESOLVED, chern_of_sides, scratch_for, sides

MAGNITUDE: Final = np.int64(0x7FFFFFFFFFFFFFFF)  # all bits of a float but its sign
ENDLESS: Final = 0x7FF - 1022  # exponent of infinities, and of what is no number
UNIT: Final = (1.0, 1.0)
TILE: Final = 4  # points of which each stream of a strided array is read along the batch


@kernel
def exponent(d: NDArray[np.float64]) -> int:
    """Exponent of two of the largest of the numbers d (n,) in size; `ENDLESS` if not finite.

    The bits of positive floats are ordered as integers are, and integers are compared faster.
    """
    largest = np.int64(0)
    bits = d.view(np.int64)
    for j in range(bits.shape[0]):
        largest = max(largest, bits[j] & MAGNITUDE)
    return max(int(largest >> 52), 1) - 1022


@kernel
def sides_of_samples(
    d: NDArray[np.float64],
    least: float,
    row: int,
    code: NDArray[np.uint8],
    side: NDArray[np.uint8],
) -> None:
    """Fill side (full,) as `sides` does, from d (3 Nx Ny,) and with a border; code is scratch."""
    for j in range(d.shape[0]):
        code[j] = int(d[j] < -least) | (int(d[j] > least) << 1)
    n_y = row - 1
    for i in range(side.shape[0] // row - 1):
        for j in range(n_y):
            q = 3 * (i * n_y + j)
            side[i * row + j] = code[q] | (code[q + 1] << 2) | ((code[q + 2] & 2) << 3)
        side[i * row + n_y] = side[i * row]
    for j in range(row):
        side[side.shape[0] - row + j] = side[j]


@kernel
def count_chern(
    d: NDArray[np.float64], chern: NDArray[np.int64], status: NDArray[np.uint8]
) -> None:
    """Chern number (B,) of the lower band for d (B, Nx, Ny, 3); UNRESOLVED where delicate."""
    n_batch, n_x, n_y, _ = d.shape
    row = n_y + 1
    scratch = scratch_for((n_x + 1) * row)
    code = np.empty(3 * n_x * n_y, np.uint8)
    point = np.empty((n_x + 1) * row, np.int64)
    for p in range(point.shape[0]):
        point[p] = p // row % n_x * n_y + p % row % n_y
    for b in range(n_batch):
        flat = d[b].reshape(code.shape[0])
        power = exponent(flat)
        if power == ENDLESS:
            chern[b], status[b] = 0, UNRESOLVED
            continue
        # powers of two round nothing; one factor alone may overflow
        scale = math.ldexp(1.0, -(power // 2)), math.ldexp(1.0, power // 2 - power)
        least = SIDE / scale[0] / scale[1]
        sides_of_samples(flat, least, row, code, scratch[0])
        chern[b], status[b] = chern_of_sides(flat, (1, 3), point, scale, row, scratch)


@kernel
def gather(d: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Copy d (B, Nx, Ny, 3) of any strides to out of the same shape, a few blocks of the batch.

    The axis along which memory runs is the inner one: lines of the cache are read as a whole.
    """
    n_batch, n_x, n_y, _ = d.shape
    if d.strides[0] < d.strides[2]:
        for i in range(n_x):
            for first in range(0, n_y, TILE):
                for b in range(n_batch):
                    for j in range(first, min(first + TILE, n_y)):
                        for axis in range(3):
                            out[b, i, j, axis] = d[b, i, j, axis]
        return
    for b in range(n_batch):
        if d.strides[1] < d.strides[2]:
            for j in range(n_y):
                for i in range(n_x):
                    for axis in range(3):
                        out[b, i, j, axis] = d[b, i, j, axis]
        elif d.strides[3] > d.strides[2]:
            for i in range(n_x):
                for axis in range(3):
                    for j in range(n_y):
                        out[b, i, j, axis] = d[b, i, j, axis]
        else:
            for i in range(n_x):
                for j in range(n_y):
                    for axis in range(3):
                        out[b, i, j, axis] = d[b, i, j, axis]


@fused_kernel
def evaluate_series(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    phases_x: NDArray[np.float64],
    phases_y: NDArray[np.float64],
    harmonics: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill out (3, rows, row) with d on a grid, row by row as a series in k_y.

    harmonics (P + 1, 6, rows) with P >= 1 is scratch: cos and sin coefficients of the components
    for every k_x.
    """
    n_order, _, n_rows = harmonics.shape
    harmonics[:] = 0.0
    for axis in range(3):
        harmonics[0, axis] = coefficients[0, axis]
    for m in range(vectors.shape[0]):
        order, sign = abs(vectors[m, 1]), 1.0 if vectors[m, 1] >= 0 else -1.0
        for axis in range(3):
            even, odd = coefficients[m + 1, axis], coefficients[m + 1, 3 + axis]
            for i in range(n_rows):
                c, s = phases_x[m, 0, i], phases_x[m, 1, i]
                harmonics[order, axis, i] += even * c + odd * s
                harmonics[order, 3 + axis, i] += sign * (odd * c - even * s)
    for i in range(n_rows):
        for axis in range(3):
            mean = harmonics[0, axis, i]
            even, odd = harmonics[1, axis, i], harmonics[1, 3 + axis, i]
            for j in range(out.shape[2]):
                out[axis, i, j] = mean + (even * phases_y[1, 0, j] + odd * phases_y[1, 1, j])
            for n in range(2, n_order):
                even, odd = harmonics[n, axis, i], harmonics[n, 3 + axis, i]
                for j in range(out.shape[2]):
                    out[axis, i, j] += even * phases_y[n, 0, j] + odd * phases_y[n, 1, j]


@kernel
def count_chern_of_series(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    phases_x: NDArray[np.float64],
    phases_y: NDArray[np.float64],
    chern: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Chern number (B,) of the lower band of Fourier series; UNRESOLVED where delicate.

    coefficients (B, M + 1, 6) and vectors (M, 2) as in `certify_two_band`; phases_x (M, 2, Nx + 1)
    cos and sin of k_x R_x, phases_y (P + 1, 2, Ny + 1) those of n k_y for n up to P = max |R_y|, on
    the grid with its border.
    """
    n_row, row = phases_x.shape[2], phases_y.shape[2]
    field = np.empty((3, n_row * row))
    scratch = scratch_for(n_row * row)
    point = np.arange(n_row * row)
    harmonics = np.empty((phases_y.shape[0], 6, n_row))
    for b in range(coefficients.shape[0]):
        evaluate_series(
            coefficients[b], vectors, phases_x, phases_y, harmonics, field.reshape(3, n_row, row)
        )
        sides(field[0], field[1], field[2], scratch[0])
        flat = field.reshape(field.size)
        chern[b], status[b] = chern_of_sides(flat, (n_row * row, 1), point, UNIT, row, scratch)
