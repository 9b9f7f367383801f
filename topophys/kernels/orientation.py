"""Signs that rounding cannot turn."""

from __future__ import annotations

from typing import Final

import numpy as np

from topophys.kernels._jit import kernel

ROUNDING: Final = 4 * 2.0**-53  # relative error bound of x0*y1 - x1*y0
TINY: Final = 2.0**-1022  # smallest normal float64: below it products may underflow


@kernel
def orientation(x0: float, y0: float, x1: float, y1: float) -> int:
    """Sign of x0*y1 - x1*y0, or 0 where float64 does not settle it.

    Static error filter as in J. R. Shewchuk, Discrete Comput. Geom. 18, 305 (1997).
    """
    left, right = x0 * y1, x1 * y0
    cross = left - right
    if abs(cross) > ROUNDING * (abs(left) + abs(right)) + TINY:
        return 1 if cross > 0.0 else -1
    s, t = np.sign(x0) * np.sign(y1), np.sign(x1) * np.sign(y0)
    if s * t <= 0.0 and s != t:  # terms of opposite sign cannot cancel
        return 1 if s > t else -1
    return 0


@kernel
def crossing(x0: float, y0: float, x1: float, y1: float) -> int:
    """Signed crossing of the positive x axis by the edge from point 0 to point 1.

    +1 upwards, -1 downwards, 0 none, 2 where the edge meets the origin or float64 cannot tell.
    """
    upward, downward = y0 < 0.0 <= y1, y1 < 0.0 <= y0
    if not (upward or downward):
        ends = (x0 == 0.0 and y0 == 0.0) or (x1 == 0.0 and y1 == 0.0)
        along = y0 == 0.0 and y1 == 0.0 and ((x0 <= 0.0 <= x1) or (x1 <= 0.0 <= x0))
        return 2 if ends or along else 0
    side = orientation(x0, y0, x1, y1)
    if side == 0:
        return 2
    if upward:
        return 1 if side > 0 else 0
    return -1 if side < 0 else 0
