"""How often a piecewise-linear map of the torus to R^3 covers the positive z axis."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel
from topophys.kernels.orientation import TINY, orientation

AMBIGUOUS: Final = 9  # float64 cannot tell; try another axis
DET_ROUNDING: Final = 32 * 2.0**-53


@kernel
def covers_axis(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> int:
    """+1, -1 or 0: whether and with which orientation the cone of (a, b, c) contains +z."""
    if (
        (a[2] < 0.0 and b[2] < 0.0 and c[2] < 0.0)
        or (a[0] < 0.0 and b[0] < 0.0 and c[0] < 0.0)
        or (a[0] > 0.0 and b[0] > 0.0 and c[0] > 0.0)
        or (a[1] < 0.0 and b[1] < 0.0 and c[1] < 0.0)
        or (a[1] > 0.0 and b[1] > 0.0 and c[1] > 0.0)
    ):
        return 0
    ab = orientation(a[0], a[1], b[0], b[1])
    bc = orientation(b[0], b[1], c[0], c[1])
    ca = orientation(c[0], c[1], a[0], a[1])
    positive = (ab > 0) + (bc > 0) + (ca > 0)
    negative = (ab < 0) + (bc < 0) + (ca < 0)
    if positive > 0 and negative > 0:
        return 0
    if positive + negative < 3:
        return AMBIGUOUS
    # the z axis pierces the triangle: at positive z?
    x = a[0] * b[1] - a[1] * b[0]
    y = b[0] * c[1] - b[1] * c[0]
    z = c[0] * a[1] - c[1] * a[0]
    det = c[2] * x + a[2] * y + b[2] * z
    size = (
        abs(c[2]) * (abs(a[0] * b[1]) + abs(a[1] * b[0]))
        + abs(a[2]) * (abs(b[0] * c[1]) + abs(b[1] * c[0]))
        + abs(b[2]) * (abs(c[0] * a[1]) + abs(c[1] * a[0]))
    )
    if not abs(det) > DET_ROUNDING * size + TINY:
        return AMBIGUOUS
    sign = 1 if positive == 3 else -1
    return sign if (det > 0.0) == (sign > 0) else 0
