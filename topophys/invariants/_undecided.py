"""What boxes of a census hold that are not proven to hold one Weyl node: looked for, not proven.

Energies at single momenta are proven, by their rounding; what happens between them is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.invariants._scaling import divide_out, error_of
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import UP, at_least, at_most, lower_bound, slack_of, upper_bound

__all__ = ["STARTS", "Nearness", "Seen", "describe", "nearest_three"]

Real = NDArray[np.float64]
Array = NDArray[np.complex128]

#: Momenta of a box from which touchings are looked for, and those from which a third band is.
STARTS: Final = 64
FEW: Final = 16
#: Steps of the method of Gauss and Newton, and how short the last one is, in radians.
STEPS: Final = 40
SHORT: Final = 1e-9
#: Slopes below this share of the largest do not count: a line has two that do.
ALONG: Final = 0.05
#: Slopes below this share vanish.
NONE: Final = 1e-5
#: A slope below these shares of the largest, and of the largest possible, is none.
STEEP: Final = 1e-3
FLAT: Final = 1e-6
#: A line has a gap that two slopes make within this share of its length.
STRAIGHT: Final = 0.01
#: Fewest momenta of a line, and the widest step between them as a share of its length.
MANY: Final = 8
STEP: Final = 0.3
#: A line is longer than this share of its box: what is shorter is one touching, met by searches
#: that end beside each other where slopes vanish.
EXTENT: Final = 1e-3
#: Three bands touch where they are as near as slopes make them within this many radians.
SAME: Final = 1e-3
#: Touchings nearer than this, as a share of the box, are one.
ONE: Final = 1e-5
#: How many of them are named.
PLACES: Final = 4
#: Gap of a touching, relative to the size of H.
CLOSED: Final = 1e-12
#: What bands of a line or of a triple point may be apart, relative to the size of H.
MET: Final = 1e-10


@dataclass(frozen=True, eq=False)
class Seen:
    """What a box seems to hold.

    Attributes
    ----------
    kind : str
        One of those that `WeylCensus.kind` lists.
    words : str
        What that rests on.
    third : float
        Range of energies of three bands at one momentum: an upper bound; NaN where not looked for.
    third_at : float64 ndarray of shape (3,)
        That momentum.
    """

    kind: str
    words: str
    third: float
    third_at: Real


@dataclass(frozen=True, eq=False)
class _Found:
    """Momenta (m, 3) where bands come nearest, their energies (m, n), three slopes (m, 3)."""

    k: Real
    energy: Real
    slopes: Real

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> _Found:
        return _Found(self.k[rows], self.energy[rows], self.slopes[rows])


class Nearness:
    """Momenta of a box at which neighbouring bands come nearest to each other."""

    def __init__(self, h: FourierLike, filled: int, centre: Real, half: Real) -> None:
        (hops,), exponent = divide_out(h.amplitudes[None])
        self.n, self.filled, self.centre, self.half = h.n_bands, filled, centre, half
        self.vectors = h.vectors.astype(np.float64)
        self.flat = hops.reshape(len(self.vectors), -1)
        norms = np.linalg.norm(hops, axis=(-2, -1)) * UP
        reach = np.abs(h.vectors).sum(1)
        self.size, self.speed = float(norms.sum()), float(norms @ reach)
        self.exponent = int(exponent[0])
        moved = 16.0 * 2.0**-53 * float((np.abs(centre) + half).max() + np.pi)
        off = float(error_of(h, exponent)[0]) + moved * float(norms @ reach)
        #: what an energy at a momentum can be off by
        self.slack = float(slack_of(norms, reach, self.n, off))

    def _local(self, k: Real, first: int, count: int) -> tuple[Real, Array]:
        """Energies (m, n), and slopes (m, 3, count, count) between the states of some bands."""
        phase, n = np.exp(1j * (k @ self.vectors.T)), self.n
        here = (phase @ self.flat).reshape(-1, n, n)
        energy, states = np.linalg.eigh(0.5 * (here + here.conj().swapaxes(-1, -2)))
        near = np.ascontiguousarray(states[:, :, first : first + count])
        slopes = np.empty((len(k), 3, count, count), np.complex128)
        for axis in range(3):
            turned = ((1j * self.vectors[:, axis] * phase) @ self.flat).reshape(-1, n, n)
            slopes[:, axis] = near.conj().swapaxes(-1, -2) @ (turned @ near)
        return energy, 0.5 * (slopes + slopes.conj().swapaxes(-1, -2))

    def nearest(self, k: Real, first: int, count: int, share: float) -> _Found:
        """Follow slopes above a share of the largest to where `count` bands are nearest.

        What does not arrive in the box is left out.
        """
        k = k.copy()
        energy, slopes = np.empty((len(k), self.n)), np.empty((len(k), 3))
        live, here = np.arange(len(k)), np.zeros(len(k), np.bool_)
        for _ in range(STEPS):
            if not len(live):
                break
            level, matrix = self._local(k[live], first, count)
            target = np.zeros((len(live), count, count))
            some = level[:, first : first + count]
            target[:, range(count), range(count)] = some - some.mean(1, keepdims=True)
            mean = np.trace(matrix, axis1=-2, axis2=-1) / count
            matrix[..., range(count), range(count)] -= mean[..., None]
            columns = _reals(matrix).swapaxes(-1, -2)
            u, s, v = np.linalg.svd(columns, full_matrices=False)
            # of two bands these are half the slopes of the gap times the root of two
            energy[live], slopes[live] = level, np.sqrt(2.0) * s
            part = np.einsum("mci,mc->mi", u, _reals(target.astype(np.complex128)))
            good = s > share * s[:, :1].clip(1e-300)
            step = -np.einsum("mij,mi->mj", v, np.where(good, part / np.where(good, s, 1.0), 0.0))
            step *= np.minimum(1.0, (0.5 * self.half / np.abs(step).clip(1e-300)).min(1))[:, None]
            done = np.abs(step).max(1) <= SHORT
            here[live[done]] = True
            k[live] += step
            live = live[~done]
            # what leaves the box does not come back
            live = live[(np.abs(k[live] - self.centre) <= 1.5 * self.half).all(1)]
        here &= (np.abs(k - self.centre) <= self.half).all(1)
        energy[here] = self.energies(k[here])
        return _Found(k[here], energy[here], slopes[here])

    def energies(self, k: Real) -> Real:
        """Energies (m, n)."""
        n = self.n
        here = (np.exp(1j * (k @ self.vectors.T)) @ self.flat).reshape(-1, n, n)
        return np.asarray(eigenvalues(0.5 * (here + here.conj().swapaxes(-1, -2))))

    def in_units(self, energy: float) -> float:
        """Upper bound of a difference of two energies at one momentum, in the units of H."""
        return float(upper_bound((energy + 2.0 * self.slack) * UP, self.exponent))

    def grid(self, points: int) -> Real:
        """Momenta (points^3, 3) across the box."""
        line = np.linspace(-1.0, 1.0, points + 2)[1:-1]
        u = np.stack(np.meshgrid(line, line, line, indexing="ij"), -1).reshape(-1, 3)
        return np.asarray(self.centre + self.half * u)


def _reals(m: Array) -> Real:
    """Real and imaginary parts (..., 2 c^2) of matrices (..., c, c)."""
    flat = np.ascontiguousarray(m).reshape(*m.shape[:-2], -1)
    return np.concatenate([flat.real, flat.imag], -1)


def nearest_three(box: Nearness, starts: Real) -> tuple[_Found, Real]:
    """Momenta at which bands n, n + 1 and one beside them come nearest, and their ranges (m,)."""
    parts, ranges = [], []
    for first in (box.filled - 2, box.filled - 1):
        if not 0 <= first <= box.n - 3:
            continue
        found = box.nearest(starts, first, 3, NONE)
        parts.append(found)
        ranges.append(found.energy[:, first + 2] - found.energy[:, first])
    if not parts:
        return _Found(np.empty((0, 3)), np.empty((0, box.n)), np.empty((0, 3))), np.empty(0)
    joined = (np.concatenate([getattr(p, x) for p in parts]) for x in ("k", "energy", "slopes"))
    return _Found(*joined), np.concatenate(ranges)


def describe(
    h: FourierLike,
    filled: int,
    centre: Real,
    half: Real,
    cells: Real,
    charge: int | None,
    isolated: bool,
) -> Seen:
    """Look for what a box holds, from momenta `cells` (m, 3) where touchings may be."""
    box = Nearness(h, filled, centre, half)
    found = box.nearest(np.concatenate([_some(cells, STARTS), box.grid(3)]), filled - 1, 2, ALONG)
    gap = found.energy[:, filled] - found.energy[:, filled - 1]
    found, gap = found.take(np.argsort(gap, kind="stable")), np.sort(gap)
    line = _line(found, gap, EXTENT * float(half.min()))
    third, at, words = np.nan, np.full(3, np.nan), ""
    if not isolated and box.n > 2:
        third, at, words, kind = _third(box, found, line)
        if kind:
            return Seen(kind, words, third, at)
    if line.any():
        kind = _nearly(box, float(np.median(gap[line])), "nodal line")
        return Seen(kind, _words_of(box, found, gap, line) + words, third, at)
    kind, words = _points(box, found, gap, charge)
    return Seen(kind, words, third, at)


def _some(k: Real, most: int) -> Real:
    """At most so many of some momenta, spread over their list."""
    return k[np.linspace(0, len(k) - 1, min(most, len(k))).astype(np.int64)]


def _line(found: _Found, gap: Real, least: float) -> NDArray[np.bool_]:
    """Which momenta (m,) lie on a line of touchings longer than that, as far as they show it."""
    rows = np.flatnonzero(found.slopes[:, 1] > ALONG * found.slopes[:, 0])
    none = np.zeros(len(gap), np.bool_)
    if len(rows) < MANY:
        return none
    k = found.k[rows]
    length = float(np.ptp(k, axis=0).max())
    # what lies within a gap that slopes make on a small part of the length
    near = gap[rows] <= STRAIGHT * length * found.slopes[rows, 1]
    if int(near.sum()) < MANY:
        return none
    rows, k = rows[near], k[near]
    length = float(np.ptp(k, axis=0).max())
    if length <= least:
        return none
    bins = np.unique(np.floor((k - k.min(0)) / length * 2.0 * MANY), axis=0)
    if len(bins) < MANY or _widest(k) > STEP * length:
        return none
    none[rows] = True
    return none


def _widest(k: Real) -> float:
    """Longest edge of the shortest tree between momenta (m, 3) of the torus."""
    near, left, widest = np.full(len(k), np.inf), np.ones(len(k), np.bool_), 0.0
    at = 0
    for _ in range(len(k) - 1):
        left[at] = False
        near = np.minimum(near, np.linalg.norm(_wrapped(k - k[at]), axis=1))
        at = int(np.where(left, near, np.inf).argmin())
        widest = max(widest, float(near[at]))
    return widest


def _words_of(box: Nearness, found: _Found, gap: Real, line: NDArray[np.bool_]) -> str:
    """Words for a line."""
    length = float(np.ptp(found.k[line], axis=0).max())
    gaps = at_most(box.in_units(float(gap[line].max())), 2)
    lowest = float(lower_bound(float(gap[line].min()) - 2.0 * box.slack, box.exponent))
    least = f" and at least {at_least(lowest, 2)}" if lowest > 0.0 else ""
    return (
        f"gap at most {gaps}{least} (proven) at {int(line.sum())} momenta that make a curve of"
        f" extent {length:.3g} (sampled)"
    )


def _third(box: Nearness, found: _Found, line: NDArray[np.bool_]) -> tuple[float, Real, str, str]:
    """Range of three bands and where, words, and the kind of box where that is its kind."""
    grid = box.grid(2)
    meet, spread = nearest_three(box, np.concatenate([_some(found.k, FEW), grid]))
    if not len(spread):
        return np.nan, np.full(3, np.nan), "", ""
    order = np.argsort(spread, kind="stable")
    meet, spread = meet.take(order), spread[order]
    third, at = box.in_units(float(spread[0])), _wrapped(meet.k[0])
    good = spread <= SAME * meet.slopes[:, 0] + CLOSED * box.size
    if not good.any():
        return third, at, "", ""
    first, last, _ = _together(box, meet.energy[0], float(spread[0]))
    if line.any():
        # of three bands all along the line?
        here = found.energy[line]
        reach = 3.0 * (here[:, box.filled] - here[:, box.filled - 1]).max() + CLOSED * box.size
        low, high = max(0, box.filled - 2), min(box.n, box.filled + 2)
        count = np.abs(here - here[:, box.filled - 1 : box.filled + 1].mean(1)[:, None]) <= reach
        if np.median(count[:, low:high].sum(1)) > 2.0:
            return third, at, f", and of bands {first} to {last} at some of them", ""
    places = _apart(meet.k, 10.0 * SAME, np.flatnonzero(good))
    parts = []
    for row in places[:PLACES]:
        low, high, within = _together(box, meet.energy[row], float(spread[row]))
        where = ", ".join(f"{x:.6g}" for x in _wrapped(meet.k[row]))
        parts.append(f"bands {low} to {high} within {at_most(within, 2)} near ({where})")
    words = f"{' and '.join(parts)} (proven; that they touch is not)"
    if line.any():
        gap = found.energy[:, box.filled] - found.energy[:, box.filled - 1]
        words += f", on a line: {_words_of(box, found, gap, line)}"
    name = "triple point" if last - first == 2 else "multiple point"
    return third, at, words, _nearly(box, float(spread[0]), name)


def _together(box: Nearness, level: Real, spread: float) -> tuple[int, int, float]:
    """First and last of the bands that meet at a momentum, from 1, and a bound of their range."""
    middle = 0.5 * (level[box.filled - 1] + level[box.filled])
    rows = np.flatnonzero(np.abs(level - middle) <= 3.0 * spread + CLOSED * box.size)
    first, last = int(rows[0]), int(rows[-1])
    return first + 1, last + 1, box.in_units(float(level[last] - level[first]))


def _nearly(box: Nearness, energy: float, kind: str) -> str:
    """Kind of a touching, or what it nearly is where bands are that far apart."""
    return kind if energy <= MET * box.size else f"nearly {kind}"


def _points(box: Nearness, found: _Found, gap: Real, charge: int | None) -> tuple[str, str]:
    """Kind and words of a box without a line or a third band."""
    exact = box.nearest(np.concatenate([found.k[:FEW], box.grid(2)]), box.filled - 1, 2, NONE)
    closed = exact.energy[:, box.filled] - exact.energy[:, box.filled - 1] <= CLOSED * box.size
    exact = exact.take(closed)
    places = _apart(exact.k, ONE * float(box.half.max()), np.arange(len(exact.k)))
    if charge is not None and abs(charge) > 1:
        return "higher charge", f"charge {charge:+d} (proven), touchings met: {len(places)}"
    if len(places) > 1:
        return "several nodes", f"touchings met: {len(places)}"
    if len(places) == 1:
        s = exact.slopes[places[0]]
        if s[2] > max(STEEP * s[0], FLAT * box.speed):
            return "unknown", "one touching met, with slopes in all directions"
        return "higher charge", "one touching met, without slope in some direction"
    if not len(gap):
        return "unknown", "no touching met"
    return "small gap", f"no touching met; gap at most {at_most(box.in_units(float(gap[0])), 2)}"


def _apart(k: Real, near: float, rows: NDArray[np.intp]) -> list[int]:
    """Keep rows of momenta (m, 3) that are further from each other than that, the first first."""
    kept: list[int] = []
    for row in rows.tolist():
        if all(float(np.abs(_wrapped(k[row] - k[other])).max()) > near for other in kept):
            kept.append(row)
    return kept


def _wrapped(k: Real) -> Real:
    return np.asarray((k + np.pi) % (2.0 * np.pi) - np.pi)
