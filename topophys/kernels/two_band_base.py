"""First look at all cells of the starting grid at once, in loops that vectorise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.two_band_field import UP, phase


@kernel
def grid_phases(
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    n_start: int,
    offset: int,
    fine: int,
    out: NDArray[np.float64],
) -> None:
    """Fill out (M, 2, n_start^2) with cos and sin of k.R on the starting grid, offset in both k."""
    side = fine // n_start
    for m in range(vectors.shape[0]):
        for i in range(n_start):
            for j in range(n_start):
                turn = (i * side + offset) * vectors[m, 0] + (j * side + offset) * vectors[m, 1]
                cell = i * n_start + j
                out[m, 0, cell], out[m, 1, cell] = phase(turn, table, fine)


@kernel
def add_harmonic(
    even: float,
    odd: float,
    cosine: NDArray[np.float64],
    sine: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Add even cos + odd sin to a row."""
    for cell in range(out.shape[0]):
        out[cell] += even * cosine[cell] + odd * sine[cell]


@kernel
def corner_values(
    coefficients: NDArray[np.float64], phases: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Fill out (3, cells) with d at the points of `phases`."""
    for i in range(3):
        out[i] = coefficients[0, i]
        for m in range(phases.shape[0]):
            c = coefficients[m + 1]
            add_harmonic(c[i], c[3 + i], phases[m, 0], phases[m, 1], out[i])


@kernel
def centre_fields(
    coefficients: NDArray[np.float64],
    vectors: NDArray[np.int64],
    phases: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill out (9, cells) with d, d_x d and d_y d at the points of `phases`."""
    for i in range(3):
        out[i] = coefficients[0, i]
        out[3 + i] = 0.0
        out[6 + i] = 0.0
        for m in range(phases.shape[0]):
            even, odd = coefficients[m + 1, i], coefficients[m + 1, 3 + i]
            cosine, sine = phases[m, 0], phases[m, 1]
            add_harmonic(even, odd, cosine, sine, out[i])
            if vectors[m, 0] != 0:
                add_harmonic(odd * vectors[m, 0], -even * vectors[m, 0], cosine, sine, out[3 + i])
            if vectors[m, 1] != 0:
                add_harmonic(odd * vectors[m, 1], -even * vectors[m, 1], cosine, sine, out[6 + i])


@kernel
def centre_margins(
    dx: NDArray[np.float64],
    dy: NDArray[np.float64],
    dz: NDArray[np.float64],
    xx: NDArray[np.float64],
    xy: NDArray[np.float64],
    xz: NDArray[np.float64],
    yx: NDArray[np.float64],
    yy: NDArray[np.float64],
    yz: NDArray[np.float64],
    moments: NDArray[np.float64],
    r: float,
    size: NDArray[np.float64],
    margin: NDArray[np.float64],
) -> None:
    """Fill size (cells,) with |d| and margin with the bound of `margin_along` for u along d.

    Not a number where d vanishes, which no comparison accepts.
    """
    weight, rounding = moments[0], moments[7]
    qx, qy, qz = moments[1], moments[2], moments[3]
    qxy, qyz, qzx = 2.0 * moments[4], 2.0 * moments[5], 2.0 * moments[6]
    for cell in range(size.shape[0]):
        ux, uy, uz = dx[cell], dy[cell], dz[cell]
        norm = ux * ux + uy * uy + uz * uz
        along_x = abs(ux * xx[cell] + uy * xy[cell] + uz * xz[cell])
        along_y = abs(ux * yx[cell] + uy * yy[cell] + uz * yz[cell])
        spread = qx * ux * ux + qy * uy * uy + qz * uz * uz
        spread += qxy * ux * uy + qyz * uy * uz + qzx * uz * ux
        second = math.sqrt(weight * (max(0.0, spread) + rounding * norm)) * UP
        length = math.sqrt(norm)
        size[cell] = length
        margin[cell] = length - (r * (along_x + along_y) + 0.5 * r * r * second) / length


@kernel
def sides(corners: NDArray[np.float64], out: NDArray[np.uint8]) -> None:
    """Fill out (cells,) with the sides of the coordinate planes on which d (3, cells) lies.

    Points that share a bit lie in an open half space without the positive z axis in it.
    """
    for cell in range(out.shape[0]):
        x, y, z = corners[0, cell], corners[1, cell], corners[2, cell]
        out[cell] = (
            int(x < 0.0)
            | (int(x > 0.0) << 1)
            | (int(y < 0.0) << 2)
            | (int(y > 0.0) << 3)
            | (int(z < 0.0) << 4)
        )
