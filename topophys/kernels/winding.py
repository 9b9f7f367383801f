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
def meets_disc(z0: complex, z1: complex, radius: float) -> bool:
    """Whether the segment from z0 to z1 may come closer to the origin than `radius`."""
    size0, size1 = z0.real**2 + z0.imag**2, z1.real**2 + z1.imag**2
    if z0.real * z1.real + z0.imag * z1.imag > 0.0:
        # angle below 90 degrees: the segment stays outside 1/sqrt(2) of the nearer end
        return min(size0, size1) <= 2.1 * radius * radius
    cross = abs(z0.real * z1.imag - z1.real * z0.imag)
    length = math.sqrt((z1.real - z0.real) ** 2 + (z1.imag - z0.imag) ** 2)
    reach = radius + 1e-15 * math.sqrt(max(size0, size1))
    return cross * (1.0 - 1e-12) <= reach * length


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
            if side == 2 or meets_disc(z0, z1, max(e0, e1)):
                status[b] = GAPLESS
            else:
                turns[b] += side
            z0, e0 = z1, e1
