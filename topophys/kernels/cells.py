"""What proofs that divide square cells have in common."""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["CORNER_X", "CORNER_Y", "SLACK"]

#: Corners of a cell, anticlockwise, in units of its width.
CORNER_X: Final = np.array([0, 1, 1, 0])
CORNER_Y: Final = np.array([0, 0, 1, 1])
#: Allowance for the rounding of a sum, relative to the sum of the sizes of its terms.
SLACK: Final = 64 * 2.0**-53
