"""Berry flux through the plaquettes of a periodic grid, and its integer sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel

OK, GAPLESS = st.OK, st.GAPLESS


@kernel
def lower_state(dx: float, dy: float, dz: float) -> tuple[complex, complex]:
    """Eigenvector (not normalised) of the lower band of d.sigma; zero where d is."""
    size = np.sqrt(dx * dx + dy * dy + dz * dz)
    if dz > 0.0:
        return complex(-dx, dy), complex(dz + size, 0.0)
    return complex(dz - size, 0.0), complex(dx, dy)


@kernel
def link(u0: complex, v0: complex, u1: complex, v1: complex) -> complex:
    """Overlap <0|1> of two spinors."""
    return np.conj(u0) * u1 + np.conj(v0) * v1


@kernel
def links_from_d(
    d: NDArray[np.float64],
    state: NDArray[np.complex128],
    u_x: NDArray[np.complex128],
    u_y: NDArray[np.complex128],
) -> None:
    """u_x, u_y (Nx, Ny): overlaps of neighbours for one d (Nx, Ny, 3); state (Nx, Ny, 2) scratch."""
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
def plaquette_loops(
    u_x: NDArray[np.complex128],
    u_y: NDArray[np.complex128],
    tolerance: float,
    loop: NDArray[np.complex128],
) -> tuple[int, int]:
    """loop (Nx, Ny) = U_x(k) U_y(k+x) conj(U_x(k+y)) conj(U_y(k)); returns (C, status).

    The sum of F = -arg(loop) is 2 pi C with C = the sum of the turns that the running products
    drop; the link angles themselves cancel between neighbours. Links below `tolerance`, and loops
    so close to the negative real axis that rounding chooses the branch, leave C undefined.
    """
    n_x, n_y = u_x.shape
    turns, status = 0, OK
    for i in range(n_x):
        right = i + 1 if i + 1 < n_x else 0
        for j in range(n_y):
            up = j + 1 if j + 1 < n_y else 0
            a, b, c, d = u_x[i, j], u_y[right, j], np.conj(u_x[i, up]), np.conj(u_y[i, j])
            ab, cd = a * b, c * d
            loop[i, j] = ab * cd
            turns += dropped_turn(a, b, ab) + dropped_turn(c, d, cd)
            turns += dropped_turn(ab, cd, loop[i, j])
            # conj maps an angle of exactly pi to -pi: principal values then do not cancel
            turns += branch(u_x[i, up]) + branch(u_y[i, j])
            small = tolerance * tolerance
            if (
                a.real**2 + a.imag**2 <= small
                or d.real**2 + d.imag**2 <= small
                or (loop[i, j].real < 0.0 and abs(loop[i, j].imag) <= 1e-13 * -loop[i, j].real)
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
        chern[b], status[b] = plaquette_loops(u_x, u_y, tolerance, loop)
        if with_flux:
            for i in range(n_x):
                for j in range(n_y):
                    flux[b, i, j] = -np.arctan2(loop[i, j].imag, loop[i, j].real)


@kernel
def flux_from_links(
    u_x: NDArray[np.complex128],
    u_y: NDArray[np.complex128],
    tolerance: float,
    flux: NDArray[np.float64],
    chern: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Flux (B, Nx, Ny) and Chern number (B,) from links u_x, u_y (B, Nx, Ny)."""
    n_batch, n_x, n_y = u_x.shape
    loop = np.empty((n_x, n_y), np.complex128)
    for b in range(n_batch):
        chern[b], status[b] = plaquette_loops(u_x[b], u_y[b], tolerance, loop)
        for i in range(n_x):
            for j in range(n_y):
                flux[b, i, j] = -np.arctan2(loop[i, j].imag, loop[i, j].real)
