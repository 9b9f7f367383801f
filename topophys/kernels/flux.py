"""Berry flux through the plaquettes of a periodic grid, and its integer sum."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel

OK, GAPLESS = st.OK, st.GAPLESS
LINK_ERROR: Final = 4e-15  # of an overlap of two unit spinors: some ten roundings
FLUSH: Final = 1e-200  # far below rounding; products of parts above it cannot underflow


@kernel
def lower_state(dx: float, dy: float, dz: float) -> tuple[complex, complex]:
    """Eigenvector (not normalised) of the lower band of d.sigma; zero where d is."""
    largest = max(abs(dx), abs(dy), abs(dz))
    if largest == 0.0:
        return 0.0j, 0.0j
    dx, dy, dz = dx / largest, dy / largest, dz / largest
    size = np.sqrt(dx * dx + dy * dy + dz * dz)
    if dz > 0.0:
        return complex(-dx, dy), complex(dz + size, 0.0)
    return complex(dz - size, 0.0), complex(dx, dy)


@kernel
def link(u0: complex, v0: complex, u1: complex, v1: complex) -> complex:
    """Overlap <0|1> of two spinors."""
    overlap: complex = np.conj(u0) * u1 + np.conj(v0) * v1
    return overlap


@kernel
def links_from_d(
    d: NDArray[np.float64],
    state: NDArray[np.complex128],
    u_x: NDArray[np.complex128],
    u_y: NDArray[np.complex128],
) -> None:
    """Overlaps u_x, u_y (Nx, Ny) of neighbours for one d (Nx, Ny, 3); state (Nx, Ny, 2) scratch."""
    n_x, n_y, _ = d.shape
    for i in range(n_x):
        for j in range(n_y):
            u, v = lower_state(d[i, j, 0], d[i, j, 1], d[i, j, 2])
            norm = np.sqrt(u.real**2 + u.imag**2 + v.real**2 + v.imag**2)
            if norm > 0.0:
                u, v = u / norm, v / norm
            state[i, j, 0], state[i, j, 1] = u, v
    for i in range(n_x):
        right = i + 1 if i + 1 < n_x else 0
        for j in range(n_y):
            up = j + 1 if j + 1 < n_y else 0
            u, v = state[i, j, 0], state[i, j, 1]
            u_x[i, j] = link(u, v, state[right, j, 0], state[right, j, 1])
            u_y[i, j] = link(u, v, state[i, up, 0], state[i, up, 1])


@kernel
def dropped_turn(z: complex, w: complex, product: complex) -> int:
    """Turn t with arg z + arg w = arg(product) + 2 pi t, from signs alone.

    Principal values: [0, pi] where the imaginary part is not negative, (-pi, 0) where it is.
    """
    if z.imag >= 0.0 and w.imag >= 0.0:
        return 1 if product.imag < 0.0 or (z.real < 0.0 and w.real < 0.0) else 0
    if z.imag < 0.0 and w.imag < 0.0:
        return -1 if product.imag >= 0.0 else 0
    return 0


@kernel
def flushed(u: complex) -> complex:
    """`u` without parts so small that products of them could underflow to a wrong sign."""
    re = u.real if abs(u.real) > FLUSH else 0.0
    im = u.imag if abs(u.imag) > FLUSH else 0.0
    return complex(re, im)


@kernel
def branch_is_open(
    a: complex, b: complex, c: complex, d: complex, loop: complex, error: float
) -> bool:
    """Whether links that are off by `error` could move the loop across the negative real axis."""
    if loop.real >= 0.0:
        return False
    relative = 1e-15 + error * (1.0 / abs(a) + 1.0 / abs(b) + 1.0 / abs(c) + 1.0 / abs(d))
    return abs(loop.imag) <= -relative * loop.real


@kernel
def plaquette_loops(
    u_x: NDArray[np.complex128],
    u_y: NDArray[np.complex128],
    tolerance: float,
    error: float,
    loop: NDArray[np.complex128],
) -> tuple[int, int]:
    """Fill loop (Nx, Ny) with U_x(k) U_y(k+x) conj(U_x(k+y)) conj(U_y(k)); returns (C, status).

    `error` bounds how far each link is off. The sum of F = -arg(loop) is 2 pi C, where C is the
    sum of the turns that the running products drop; the link angles themselves cancel between
    neighbours. Links below `tolerance`, and loops so close to the negative real axis that `error`
    chooses the branch, leave C undefined.
    """
    n_x, n_y = u_x.shape
    turns, status = 0, OK
    for i in range(n_x):
        right = i + 1 if i + 1 < n_x else 0
        for j in range(n_y):
            up = j + 1 if j + 1 < n_y else 0
            a, b = flushed(u_x[i, j]), flushed(u_y[right, j])
            across, along = flushed(u_x[i, up]), flushed(u_y[i, j])
            c, d = np.conj(across), np.conj(along)
            ab, cd = a * b, c * d
            loop[i, j] = ab * cd
            turns += dropped_turn(a, b, ab) + dropped_turn(c, d, cd)
            turns += dropped_turn(ab, cd, loop[i, j])
            # conj maps an angle of exactly pi to -pi: principal values then do not cancel
            turns += branch(across) + branch(along)
            if (
                a.real**2 + a.imag**2 <= tolerance**2
                or d.real**2 + d.imag**2 <= tolerance**2
                or branch_is_open(a, b, c, d, loop[i, j], error)
            ):
                status = GAPLESS
    return turns, status


@kernel
def branch(u: complex) -> int:
    """-1 where u lies on the negative real axis, so that arg(conj u) was taken as +pi, not -pi."""
    return -1 if u.imag == 0.0 and u.real < 0.0 else 0


@kernel
def flux_from_d(
    d: NDArray[np.float64],
    tolerance: float,
    flux: NDArray[np.float64],
    chern: NDArray[np.int64],
    status: NDArray[np.uint8],
    with_flux: bool,
) -> None:
    """Flux (B, Nx, Ny) and Chern number (B,) of the lower band for d (B, Nx, Ny, 3).

    `flux` is left alone unless `with_flux`.
    """
    n_batch, n_x, n_y, _ = d.shape
    state = np.empty((n_x, n_y, 2), np.complex128)
    u_x, u_y = np.empty((n_x, n_y), np.complex128), np.empty((n_x, n_y), np.complex128)
    loop = np.empty((n_x, n_y), np.complex128)
    for b in range(n_batch):
        links_from_d(d[b], state, u_x, u_y)
        chern[b], status[b] = plaquette_loops(u_x, u_y, tolerance, LINK_ERROR, loop)
        if with_flux:
            for i in range(n_x):
                for j in range(n_y):
                    flux[b, i, j] = -np.arctan2(loop[i, j].imag, loop[i, j].real)


@kernel
def flux_from_links(
    u_x: NDArray[np.complex128],
    u_y: NDArray[np.complex128],
    tolerance: float,
    error: NDArray[np.float64],
    flux: NDArray[np.float64],
    chern: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Fill flux (B, Nx, Ny) and chern (B,) from links u_x, u_y (B, Nx, Ny), each off by `error`."""
    n_batch, n_x, n_y = u_x.shape
    loop = np.empty((n_x, n_y), np.complex128)
    for b in range(n_batch):
        least = max(tolerance, error[b])
        chern[b], status[b] = plaquette_loops(u_x[b], u_y[b], least, error[b], loop)
        for i in range(n_x):
            for j in range(n_y):
                flux[b, i, j] = -np.arctan2(loop[i, j].imag, loop[i, j].real)
