"""Censuses of Weyl nodes, proven for `checker.py`.

A certificate of a census lists boxes: outside of them two bands do not touch, and the charges of
some of them are given. `gap_checker.py` proves the gap on cells, `bundle_checker.py` what flows out
of a box; they and `checker.py` must lie beside this file, which proves that cells and boxes fill
the Brillouin zone. Nothing else is needed but Python and python-flint. Section numbers are those of
the page "The checker".
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

from flint import arb, fmpq

if __package__:
    from topophys.bundle_checker import PHASES, flux
    from topophys.checker import (  # isort: skip
        MAX_WAVES, Check, Claim, Leaf, Point, keys, listed, main, need, settle, whole,
    )  # fmt: skip
    from topophys.gap_checker import BANDS, CELLS, Bands, stored
else:  # a copy beside one of the checker
    from bundle_checker import PHASES, flux  # type: ignore[import-not-found, no-redef]
    from checker import *  # type: ignore[import-not-found]  # noqa: F403
    from gap_checker import *  # type: ignore[import-not-found]  # noqa: F403

#: Largest number of points along 2 pi, and of boxes.
MAX_POINTS, MAX_BOXES = 2**40, 1000
#: Charges are at most this.
MAX_CHARGE = 10**6


# ---------------------------------------------------------------- 17. boxes of the Brillouin zone


class Box(NamedTuple):
    """Corners on a lattice around the zone, meant modulo its length; charge, None where left."""

    low: Point
    high: Point
    charge: int | None


def box_of(data: Any, points: int) -> Box:
    """Read a box; one with a charge has a surface, so that it is narrower than the zone."""
    given = keys(data, "low high charge")
    low, high = (
        tuple(whole(x, -2 * points, 2 * points) for x in listed(given[name], 3))
        for name in ("low", "high")
    )
    known = given["charge"] is not None
    widths = [b - a for a, b in zip(low, high, strict=True)]
    need(all(0 < x <= points - known for x in widths), "a box is empty, or wider than the zone")
    return Box(low, high, whole(given["charge"], -MAX_CHARGE, MAX_CHARGE) if known else None)


def apart(one: Box, two: Box, points: int) -> bool:
    """Whether boxes have no inner point in common, wherever in the zone each begins."""

    def meet(a: int, b: int, c: int, d: int) -> bool:
        shift = ((a - d) // points + 1) * points  # the least that takes d beyond a
        return c + shift < b

    return not all(map(meet, one.low, one.high, two.low, two.high))


def holds(box: Box, points: int, leaf: Leaf, size: list[int]) -> bool:
    """Whether a cell lies in a box: numbers are those of both lattices, without division."""
    sides = zip(box.low, box.high, *leaf, size, strict=True)
    for low, high, corner, edge, fine in sides:
        turn = fine * points
        first = corner * points - low * fine
        shift = -(first // turn) * turn  # the least that takes the cell beyond the lower end
        if (corner + edge) * points + shift > high * fine:
            return False
    return True


class Around(Bands):
    """The Hamiltonian on a lattice in a box of the zone, whose corners are parts of 2 pi."""

    def __init__(self, bands: Bands, evidence: dict[str, Any], box: Box, points: int) -> None:
        # what was read of the hoppings, once for all boxes
        self.__dict__.update(bands.__dict__, gap=arb(0), edges=[])
        self.divide(evidence)
        widths = [b - a for a, b in zip(box.low, box.high, strict=True)]
        self.origin = [fmpq(2 * x, points) for x in box.low]
        self.step = [fmpq(2 * w, points * m) for w, m in zip(widths, self.size, strict=True)]


def census(claim: Claim) -> None:
    """Gap outside of boxes, and the charge of each that has one; 17. of the page."""
    points = whole(claim.question["points"], 1, MAX_POINTS)
    given = listed(claim.question["boxes"])
    need(len(given) <= MAX_BOXES, "there are too many boxes")
    boxes = [box_of(x, points) for x in given]
    good = all(apart(one, two, points) for one, two in combinations(boxes, 2))
    need(good, "boxes overlap")
    settle(sum(bool(box.charge) for box in boxes), claim)
    bands = Bands(claim)
    for box, data in zip(boxes, listed(claim.evidence["charges"], len(boxes)), strict=True):
        if box.charge is None:
            keys(data, "")
            continue
        keys(data, "start depth faces" + PHASES)
        around = Around(bands, data, box, points)
        found = flux(around, data)
        need(found == box.charge, f"the charge of a box is {found}, not {box.charge}")
        bands.work = around.work  # the limit is that of the file
    leaves = bands.leaves(claim.evidence["tree"])
    need(len(leaves) * len(boxes) <= MAX_WAVES, "too many boxes for so many cells")
    outside = [
        leaf for leaf in leaves if not any(holds(box, points, leaf, bands.size) for box in boxes)
    ]
    cells = stored(claim.evidence, bands.n, len(outside), 8)
    for leaf, basis in zip(outside, cells, strict=True):
        bands.frame(leaf, *basis, turning=False)


CHECKS = {"Weyl census": Check(census, (3,), BANDS + " points boxes", CELLS + " charges")}


if __name__ == "__main__":
    # certificates of all kinds, as `checker.py`
    raise SystemExit(main())
