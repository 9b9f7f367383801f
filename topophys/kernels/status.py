"""What a kernel says of one batch element; the functions above turn it into words or errors."""

from __future__ import annotations

from typing import Final

OK: Final = 0
UNRESOLVED: Final = 1  # a count that the filter of this kernel leaves to a more careful one
SMALL_GAP: Final = 2  # a point was found where the gap is below the one asked for
GAPLESS: Final = 3  # samples on which the invariant is not defined
# why a proof was given up:
BUDGET: Final = 4  # the allowed number of evaluations did not suffice
DEPTH: Final = 5  # the allowed number of divisions did not suffice
ROUNDING: Final = 6  # float64 cannot decide
SYMMETRY: Final = 7  # a symmetry is violated by half of the proven gap or more
CLOSED_GAP: Final = 8  # a point was found where the gap is zero to rounding
LAYERS: Final = 10  # planes have a Chern number, so that the question has no answer
AMBIGUOUS: Final = 9  # float64 cannot tell a sign; another axis may do
