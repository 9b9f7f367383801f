"""Turns of closed planar polygons around the origin."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status as st
from topophys.kernels._jit import kernel
from topophys.kernels.orientation import crossing

OK, GAPLESS = st.OK, st.GAPLESS


@kernel
def may_meet_origin(z0: complex, e0: float, z1: complex, e1: float) -> bool:
    """Whether a segment from within e0 of z0 to within e1 of z1 may meet the origin, or is NaN.

    It does not while the angle between its ends stays below pi. Errors turn an end by at most
    arcsin(e/|z|): less than 45 degrees where |z|^2 > 2 e^2, and together by no more than
    arcsin(e0/|z0| + e1/|z1|), because arcsin is convex.
    """
    size0, size1 = z0.real**2 + z0.imag**2, z1.real**2 + z1.imag**2
    if z0.real * z1.real + z0.imag * z1.imag > 0.0:
        return not (size0 > 2.1 * e0 * e0 and size1 > 2.1 * e1 * e1)
    cross = abs(z0.real * z1.imag - z1.real * z0.imag)
    length0, length1 = math.sqrt(size0), math.sqrt(size1)
    return not cross > 1.001 * (e0 * length1 + e1 * length0) + 1e-15 * length0 * length1


@kernel
def count_turns(
    f: NDArray[np.complex128],
    error: NDArray[np.float64],
    turns: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> None:
    """Signed crossings of the positive real axis by closed polygons.

    f (B, N) with error bounds (B, N) in; turns, status (B,) out. A count whose status is OK is the
    winding of the polygon through the exact vertices: no edge can reach the origin while the
    vertices move within their error bounds.
    """
    n_batch, n_k = f.shape
    for b in range(n_batch):
        turns[b], status[b] = 0, OK
        z0, e0 = f[b, n_k - 1], error[b, n_k - 1]
        for j in range(n_k):
            z1, e1 = f[b, j], error[b, j]
            side = crossing(z0.real, z0.imag, z1.real, z1.imag)
            if side == 2 or may_meet_origin(z0, e0, z1, e1):
                status[b] = GAPLESS
            else:
                turns[b] += side
            z0, e0 = z1, e1
