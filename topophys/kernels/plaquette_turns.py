"""Whole turns of the flux through plaquettes, told by signs wherever signs can tell.

In a gauge that is regular but for the south pole of the sphere, the flux through a plaquette is
the sum of its link angles plus 2 pi times a whole number, and these whole numbers add up to the
Chern number. Corners of a plaquette that lie in one open half space, on one side of a coordinate
plane that has the south pole on it or beyond it, have the number 0: their flux is below pi in
size, and the geodesic quadrangle does not cover the pole. That is nearly every plaquette, told by
signs alone. Link variables are needed for the few others.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel

OK, UNRESOLVED = st.OK, st.UNRESOLVED
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
