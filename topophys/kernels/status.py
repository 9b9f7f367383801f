"""What a kernel says of one batch element; the functions above turn it into words or errors."""

from __future__ import annotations

from typing import Final

OK: Final = 0
UNRESOLVED: Final = 1  # the allowed depth or number of evaluations did not suffice
SMALL_GAP: Final = 2  # a point was found where the gap is below the one asked for
GAPLESS: Final = 3  # samples on which the invariant is not defined
