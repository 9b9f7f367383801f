"""Flow of Wannier centres across half of the zone: largest gaps, crossings, refinement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flow", "FlowRules", "Line", "follow", "make_line", "shift_between"]


@dataclass(frozen=True)
class FlowRules:
    """Criteria for a converged flow; fractions are of the largest gap between centres.

    Attributes
    ----------
    loop_share : float
        A loop is fine enough when twice as many points move no centre by more.
    move_share : float
        Neighbouring lines are close enough when no centre moves by more.
    gap_share : float
        ... and when no centre comes closer to the middle of the gap of its neighbour.
    max_loop : int
        Largest number of points on a loop.
    max_halvings : int
        How often the space between two lines may be halved.

    Examples
    --------
    >>> import topophys as tp
    >>> int(tp.z2_invariant(tp.models.bhz(1.0), rules=FlowRules(move_share=0.1)).value)
    1
    """

    loop_share: float = 0.1
    move_share: float = 0.3
    gap_share: float = 0.3
    max_loop: int = 512
    max_halvings: int = 7


@dataclass(frozen=True, eq=False)
class Line:
    """Centres at one value of the pumping momentum.

    Attributes
    ----------
    t : float
        Pumping momentum.
    centres : float64 ndarray of shape (m,)
        Ascending, in (-1/2, 1/2].
    middle, size : float
        Middle and length of the largest gap between centres on the circle.
    settled : bool
        Whether the loop was fine enough.
    gap : float
        Smallest direct energy gap met on the loop.
    points : int
        Number of evaluated momenta.
    k_at_gap : float
        Momentum along the loop where that gap was met.
    """

    t: float
    centres: NDArray[np.float64]
    middle: float
    size: float
    settled: bool
    gap: float
    points: int
    k_at_gap: float = np.nan


@dataclass(frozen=True, eq=False)
class Flow:
    """Followed flow.

    Attributes
    ----------
    lines : tuple of Line
        By ascending t.
    crossings : int
        How often centres cross the middle of the largest gap.
    followed : bool
        Whether all rules hold.
    """

    lines: tuple[Line, ...]
    crossings: int
    followed: bool


def make_line(
    t: float,
    centres: NDArray[np.float64],
    *,
    settled: bool,
    gap: float,
    points: int,
    k_at_gap: float = np.nan,
) -> Line:
    """Line with its largest gap between centres on the circle."""
    width = np.diff(centres, append=centres[0] + 1.0)
    largest = int(np.argmax(width))
    middle = (centres[largest] + 0.5 * width[largest] + 0.5) % 1.0 - 0.5
    size = float(width[largest])
    return Line(t, centres, float(middle), size, settled, gap, points, k_at_gap)


def circular(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from the nearest integer."""
    return np.abs(x - np.rint(x))


def shift_between(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Largest distance between centres paired in order around the circle, for the best pairing.

    Shapes: `a` and `b` (m,).
    """
    m = len(a)
    turned = b[(np.arange(m) + np.arange(m)[:, None]) % m]
    return float(circular(a - turned).max(-1).min())


def _near(a: Line, b: Line, rules: FlowRules) -> bool:
    least = min(a.size, b.size)
    apart = min(circular(a.middle - b.centres).min(), circular(b.middle - a.centres).min())
    return bool(
        apart >= rules.gap_share * least
        and shift_between(a.centres, b.centres) <= rules.move_share * least
    )


def _crossings(a: Line, b: Line) -> int:
    """Centres of `b` between the two middles; an even total makes either arc as good."""
    low, high = sorted((a.middle, b.middle))
    return int(((low < b.centres) & (b.centres < high)).sum())


def follow(lines: list[Line], rules: FlowRules, evaluate: Callable[[float], Line] | None) -> Flow:
    """Refine between neighbours that break a rule, then count crossings."""
    done, followed = [lines[0]], True
    # neighbours still to be checked, the next one last, with how often their space was halved
    todo = [(line, 0) for line in reversed(lines[1:])]
    while todo:
        line, halvings = todo.pop()
        good = _near(done[-1], line, rules)
        if good or evaluate is None or halvings >= rules.max_halvings or not followed:
            followed = followed and good
            done.append(line)
            continue
        middle = evaluate(0.5 * (done[-1].t + line.t))
        todo += [(line, halvings + 1), (middle, halvings + 1)]
    followed = followed and all(line.settled for line in done)
    crossings = sum(_crossings(a, b) for a, b in pairwise(done))
    return Flow(tuple(done), crossings, followed)
