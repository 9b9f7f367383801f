"""How often a piecewise-linear map of the torus to R^3 covers the positive z axis."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels import status
from topophys.kernels._jit import kernel
from topophys.kernels.orientation import TINY, orientation

AMBIGUOUS = status.AMBIGUOUS
DET_ROUNDING: Final = 32 * 2.0**-53


@kernel
def covers_axis(points: NDArray[np.float64], i: int, j: int, k: int) -> int:
    """+1, -1 or 0: whether and with which orientation the cone of three rows contains +z.

    Rows of points (K, 3) by number: to make a slice takes as long as to settle most triangles.
    """
    ax, ay, az = points[i, 0], points[i, 1], points[i, 2]
    bx, by, bz = points[j, 0], points[j, 1], points[j, 2]
    cx, cy, cz = points[k, 0], points[k, 1], points[k, 2]
    if (
        (az < 0.0 and bz < 0.0 and cz < 0.0)
        or (ax < 0.0 and bx < 0.0 and cx < 0.0)
        or (ax > 0.0 and bx > 0.0 and cx > 0.0)
        or (ay < 0.0 and by < 0.0 and cy < 0.0)
        or (ay > 0.0 and by > 0.0 and cy > 0.0)
    ):
        return 0
    ab = orientation(ax, ay, bx, by)
    bc = orientation(bx, by, cx, cy)
    ca = orientation(cx, cy, ax, ay)
    positive = (ab > 0) + (bc > 0) + (ca > 0)
    negative = (ab < 0) + (bc < 0) + (ca < 0)
    if positive > 0 and negative > 0:
        return 0
    if positive + negative < 3:
        return AMBIGUOUS
    # the z axis pierces the triangle: at positive z?
    x = ax * by - ay * bx
    y = bx * cy - by * cx
    z = cx * ay - cy * ax
    det = cz * x + az * y + bz * z
    size = (
        abs(cz) * (abs(ax * by) + abs(ay * bx))
        + abs(az) * (abs(bx * cy) + abs(by * cx))
        + abs(bz) * (abs(cx * ay) + abs(cy * ax))
    )
    if not abs(det) > DET_ROUNDING * size + TINY:
        return AMBIGUOUS
    sign = 1 if positive == 3 else -1
    return sign if (det > 0.0) == (sign > 0) else 0
