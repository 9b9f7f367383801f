"""Berry flux and Chern numbers of samples: links of frames, plaquettes, d-vectors."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import fused_kernel, kernel
from topophys.kernels.small_linalg import determinant

# ------------------------------- Links between the occupied spaces of neighbouring points of a grid


@fused_kernel
def overlap_of_columns(
    states: NDArray[np.complex128],
    a: tuple[int, int, int],
    b: tuple[int, int, int],
    row: int,
    column: int,
) -> complex:
    """<v_row(a)|v_column(b)> for columns of states (B, Nx, Ny, n, n)."""
    re, im = 0.0, 0.0
    for i in range(states.shape[3]):
        x, y = states[a[0], a[1], a[2], i, row], states[b[0], b[1], b[2], i, column]
        re += x.real * y.real + x.imag * y.imag
        im += x.real * y.imag - x.imag * y.real
    return complex(re, im)


@fused_kernel
def link_of_two(
    states: NDArray[np.complex128], a: tuple[int, int, int], b: tuple[int, int, int]
) -> complex:
    """Return det of the overlaps of the first two states, all four in one pass."""
    pr, pi, qr, qi, rr, ri, sr, si = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(states.shape[3]):
        u, v = states[a[0], a[1], a[2], i, 0], states[a[0], a[1], a[2], i, 1]
        x, y = states[b[0], b[1], b[2], i, 0], states[b[0], b[1], b[2], i, 1]
        pr += u.real * x.real + u.imag * x.imag
        pi += u.real * x.imag - u.imag * x.real
        qr += u.real * y.real + u.imag * y.imag
        qi += u.real * y.imag - u.imag * y.real
        rr += v.real * x.real + v.imag * x.imag
        ri += v.real * x.imag - v.imag * x.real
        sr += v.real * y.real + v.imag * y.imag
        si += v.real * y.imag - v.imag * y.real
    re = pr * sr - pi * si - qr * rr + qi * ri
    return complex(re, pr * si + pi * sr - qr * ri - qi * rr)


@kernel
def link(
    states: NDArray[np.complex128],
    a: tuple[int, int, int],
    b: tuple[int, int, int],
    work: NDArray[np.complex128],
) -> complex:
    """Return det of the overlaps of the first m states at two points; work (m, m) is scratch."""
    filled = work.shape[0]
    if filled == 1:
        return overlap_of_columns(states, a, b, 0, 0)
    if filled == 2:
        return link_of_two(states, a, b)
    for row in range(filled):
        for column in range(filled):
            work[row, column] = overlap_of_columns(states, a, b, row, column)
    return determinant(work)[0]


@kernel
def frame_links(
    states: NDArray[np.complex128],
    filled: int,
    u_x: NDArray[np.complex128],
    u_y: NDArray[np.complex128],
) -> None:
    """Fill u_x, u_y (B, Nx, Ny) with links of the first `filled` columns to the next points."""
    n_batch, n_x, n_y = states.shape[:3]
    work = np.empty((filled, filled), np.complex128)
    for b in range(n_batch):
        for i in range(n_x):
            for j in range(n_y):
                here = (b, i, j)
                right, up = (b, i + 1 if i + 1 < n_x else 0, j), (b, i, j + 1 if j + 1 < n_y else 0)
                u_x[b, i, j] = link(states, here, right, work)
                u_y[b, i, j] = link(states, here, up, work)


# ------------------------ Berry flux through the plaquettes of a periodic grid, and its integer sum

OK = st.OK
GAPLESS = st.GAPLESS
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
def spinor_link(u0: complex, v0: complex, u1: complex, v1: complex) -> complex:
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
            norm = np.sqrt(u.real * u.real + u.imag * u.imag + v.real * v.real + v.imag * v.imag)
            if norm > 0.0:
                u, v = u / norm, v / norm
            state[i, j, 0], state[i, j, 1] = u, v
    for i in range(n_x):
        right = i + 1 if i + 1 < n_x else 0
        for j in range(n_y):
            up = j + 1 if j + 1 < n_y else 0
            u, v = state[i, j, 0], state[i, j, 1]
            u_x[i, j] = spinor_link(u, v, state[right, j, 0], state[right, j, 1])
            u_y[i, j] = spinor_link(u, v, state[i, up, 0], state[i, up, 1])


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
                a.real * a.real + a.imag * a.imag <= tolerance * tolerance
                or d.real * d.real + d.imag * d.imag <= tolerance * tolerance
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


# ---------------- Whole turns of the flux through plaquettes, found by signs wherever possible
# In a gauge that is regular but for the south pole of the sphere, the flux through a plaquette is
# the sum of its link angles plus 2 pi times a whole number, and these whole numbers add up to the
# Chern number. Corners of a plaquette that lie in one open half space, on one side of a coordinate
# plane that has the south pole on it or beyond it, have the number 0: their flux is below pi in
# size, and the geodesic quadrangle does not cover the pole. That is nearly every plaquette, by
# signs alone. Link variables are needed for the few others.

UNRESOLVED = st.UNRESOLVED
Scratch: TypeAlias = tuple[
    NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]
]
#: |overlap|^2 of neighbouring unit spinors, and distance of a loop from the negative real axis,
#: below which rounding is not left to chance here.
OVERLAP: Final = 1e-6
AXIS: Final = 1e-6
#: Of the largest component: below it the direction of d may be rounding noise. Products of eight
#: components then stay in range if the largest is near 1.
VANISHING: Final = 1e-10
#: Of |d|: distance |d| + z from the south pole below which a difference has lost half its digits.
POLE: Final = 1e-10
#: Of the largest component: distance from a coordinate plane below which d is on neither side.
#: Far above rounding, and so far that the links of a plaquette on one side, and the distance of
#: its flux from pi, are beyond what `flux` asks for.
SIDE: Final = 1e-5
#: Marks what is no plaquette; sides use the five lower bits.
BORDER: Final = 32
#: Added to eight bytes, each of which is below 128, sets the high bit of all but zeros.
CARRY: Final = np.uint64(0x7F7F7F7F7F7F7F7F)
HIGH: Final = np.uint64(0x8080808080808080)


@kernel
def sides(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
    side: NDArray[np.uint8],
) -> None:
    """Fill side (full,) with the sides of the coordinate planes on which d lies, a bit each.

    The side of negative z is left out: the south pole is there.
    """
    for p in range(x.shape[0]):
        side[p] = (
            int(x[p] < -SIDE)
            | (int(x[p] > SIDE) << 1)
            | (int(y[p] < -SIDE) << 2)
            | (int(y[p] > SIDE) << 3)
            | (int(z[p] > SIDE) << 4)
        )


@kernel
def dropped(zr: float, zi: float, wr: float, wi: float, product: float) -> int:
    """Turn dropped in the product of z and w whose imaginary part is `product`; see `flux`."""
    up = (zi >= 0.0) & (wi >= 0.0) & ((product < 0.0) | ((zr < 0.0) & (wr < 0.0)))
    down = (zi < 0.0) & (wi < 0.0) & (product >= 0.0)
    return int(up) - int(down)


@kernel
def spinors(corners: NDArray[np.float64], state: NDArray[np.float64]) -> int:
    """Lower states (p + iq, w) and squared norm of four d, (4, 3) to (4, 4); d up to about 1.

    One gauge for the whole zone, w >= 0 real; the state vanishes on the south pole. Returns how
    many d are close to zero or to the pole.
    """
    delicate = 0
    for c in range(4):
        x, y, z = corners[c, 0], corners[c, 1], corners[c, 2]
        size = math.sqrt(x * x + y * y + z * z)
        upper = size + z
        state[c, 0], state[c, 1], state[c, 2] = -x, y, upper
        state[c, 3] = 2.0 * size * upper  # = |x|^2 + |y|^2 + upper^2
        delicate += int(not ((size > VANISHING) & (upper > POLE * size)))
    return delicate


@kernel
def spinor_overlap(state: NDArray[np.float64], i: int, j: int) -> tuple[float, float, int]:
    """Overlap <i|j> of two of the states, and whether it is small or negative real.

    Without fused operations: both plaquettes at a link must find the same number.
    """
    re = state[i, 0] * state[j, 0] + state[i, 1] * state[j, 1] + state[i, 2] * state[j, 2]
    im = state[i, 0] * state[j, 1] - state[i, 1] * state[j, 0]
    small = not re * re + im * im > OVERLAP * state[i, 3] * state[j, 3]
    return re, im, int(small | ((im == 0.0) & (re < 0.0)))


@kernel
def turns_of_plaquette(corners: NDArray[np.float64], state: NDArray[np.float64]) -> tuple[int, int]:
    """Count the turns that the product of the four links drops, and what about it is delicate.

    corners (4, 3) holds d at k, k + x, k + x + y and k + y; state (4, 4) is scratch.
    """
    delicate = spinors(corners, state)
    ar, ai, bad_a = spinor_overlap(state, 0, 1)
    br, bi, bad_b = spinor_overlap(state, 1, 2)
    cr, ci, bad_c = spinor_overlap(state, 3, 2)
    er, ei, bad_e = spinor_overlap(state, 0, 3)
    fr, fi = ar * br - ai * bi, ar * bi + ai * br
    gr, gi = cr * er - ci * ei, -cr * ei - ci * er
    lr, li = fr * gr - fi * gi, fr * gi + fi * gr
    turns = dropped(ar, ai, br, bi, fi) + dropped(cr, -ci, er, -ei, gi)
    turns += dropped(fr, fi, gr, gi, li)
    close = int((lr <= 0.0) & (abs(li) <= -AXIS * lr))
    return turns, delicate + bad_a + bad_b + bad_c + bad_e + close


@kernel
def chern_of_sides(
    d: NDArray[np.float64],
    strides: tuple[int, int],
    point: NDArray[np.int64],
    scale: tuple[float, float],
    row: int,
    scratch: Scratch,
) -> tuple[int, int]:
    """Chern number of d from the sides of its points, already in scratch; and UNRESOLVED or OK.

    Points lie row after row with a border that repeats the first row and column: neighbours in x
    are `row` apart, neighbours in y are next to each other. Component a of the point at p is
    d[a strides[0] + point[p] strides[1]], times both scales.
    """
    side, shared, corners, state = scratch
    for p in range(side.shape[0] - row - 1):
        shared[p] = side[p] & side[p + 1] & side[p + row] & side[p + row + 1]
    for p in range(row - 1, side.shape[0] - row, row):
        shared[p] = BORDER
    turns, delicate = 0, 0
    words = shared.view(np.uint64)
    for word in range(words.shape[0]):
        if (words[word] + CARRY) & HIGH == HIGH:
            continue
        for p in range(8 * word, 8 * word + 8):
            if shared[p] != 0:
                continue
            for c, q in enumerate((p, p + row, p + row + 1, p + 1)):
                for axis in range(3):
                    at = axis * strides[0] + point[q] * strides[1]
                    corners[c, axis] = d[at] * scale[0] * scale[1]
            dropped_here, bad = turns_of_plaquette(corners, state)
            turns += dropped_here
            delicate += bad
    return turns, OK if delicate == 0 else UNRESOLVED


@kernel
def scratch_for(full: int) -> Scratch:
    """Scratch for a grid of `full` points with its border: sides, shared sides, corners, states."""
    shared = np.full((full + 7) // 8 * 8, BORDER, np.uint8)
    return np.empty(full, np.uint8), shared, np.empty((4, 3)), np.empty((4, 4))


# ------------- Chern numbers of sampled d-vectors at full speed; what is delicate is left to `flux`

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
