"""Integers of occupied bands, proven for `checker.py`, beside which this file must lie.

`gap_checker.py`, also beside it, proves gaps on cells; this file adds what neighbouring cells say
to Chern numbers, charges of boxes, Z2 invariants and Majorana numbers. It needs these, Python and
python-flint, nothing else. Section numbers are those of the page "The checker".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise, product
from operator import mul
from typing import Any, NamedTuple, TypeAlias

from flint import acb, acb_mat, arb, arb_mat

if __package__:
    from topophys.checker import (  # isort: skip
        PI, PLUS_MINUS, Check, Claim, Leaf, Point, RejectedError, argument, complexes,
        dagger, frobenius, integer, keys, least, listed, main, need, norm, number, settle,
        total, unitary, whole,
    )  # fmt: skip
    from topophys.gap_checker import BANDS, CELLS, Bands, Frame, prove_cells, stored
else:  # a copy beside one of the checker
    from checker import *  # type: ignore[import-not-found]  # noqa: F403
    from gap_checker import *  # type: ignore[import-not-found]  # noqa: F403

#: Axis along it, and the point on it whose coordinate along it is 0.
Line: TypeAlias = tuple[int, Point]


# ---------------------------------------------------------------- sides of cells


class Side(NamedTuple):
    """Side of a cell on a line, from low to high."""

    low: int
    high: int
    cell: Any


class Surface:
    """Cells of a surface, whose sides are matched piece by piece.

    What a subclass knows of each cell is noted by `add`; `edge` is called with each piece.
    """

    def __init__(self, bands: Bands, period: Sequence[int]) -> None:
        self.bands, self.period = bands, period  # of each coordinate, 0 where there is none
        self.sides: dict[Line, tuple[list[Side], list[Side]]] = defaultdict(lambda: ([], []))

    def wrapped(self, point: Sequence[int]) -> Point:
        """Take a point to one period."""
        return tuple(x % m if m else x for x, m in zip(point, self.period, strict=True))

    def add(self, leaf: Leaf, cell: Any, u: int = 0, v: int = 1, up: int = 1) -> None:
        """Note the sides of a cell; those that are run through downwards come second.

        `up`: anticlockwise is from axis u to axis v.
        """
        for axis, other, far in ((u, v, 0), (v, u, 1), (u, v, 1), (v, u, 0)):
            base = list(leaf.corner)
            base[other] += far * leaf.edge[other]
            low, base[axis] = base[axis], 0
            down = (far == (axis == u)) == up
            line = axis, self.wrapped(base)
            self.sides[line][down].append(Side(low, low + leaf.edge[axis], cell))

    def match(self, line: Line, plus: list[Side], minus: list[Side], sign: int = 1) -> None:
        """Find all that two lists of sides, which cover the same part of a line, share."""
        plus, minus = sorted(plus, key=lambda i: i.low), sorted(minus, key=lambda i: i.low)
        i = j = 0
        while i < len(plus) and j < len(minus):
            low, high = max(plus[i].low, minus[j].low), min(plus[i].high, minus[j].high)
            need(low < high, "cells on the two sides of a line do not match")
            self.edge(line, low, high, plus[i].cell, minus[j].cell, sign)
            i, j = i + (plus[i].high == high), j + (minus[j].high == high)
        good = i == len(plus) and j == len(minus)
        need(good, "cells on the two sides of a line do not match")

    def edge(self, line: Line, low: int, high: int, one: Any, two: Any, sign: int) -> None:
        """Use the interval [low, high] of a line between two cells."""
        raise NotImplementedError

    def match_all(self) -> None:
        """Match all lines."""
        for line in sorted(self.sides):
            self.match(line, *self.sides[line])


def on_line(line: Line, x: int) -> Point:
    """Point of a line."""
    axis, base = line
    return (*base[:axis], x, *base[axis + 1 :])


# ---------------------------------------------------------------- 4. two bands


def dot(a: Sequence[arb], b: Sequence[arb]) -> arb:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit_vector(a: Sequence[arb]) -> list[arb]:
    """a/|a|."""
    size = dot(a, a).sqrt()
    return [x / size for x in a]


def solid_angle(a: Sequence[arb], b: Sequence[arb], c: Sequence[arb]) -> arb:
    """Signed area of a spherical triangle in an open half sphere (van Oosterom and Strackee)."""
    volume = arb_mat([list(a), list(b), list(c)]).det()
    return 2 * acb(1 + dot(a, b) + dot(b, c) + dot(c, a), volume).arg()


class Degree(Surface):
    """Degree of d/|d|, where H is d.sigma and a part that is the same for both bands."""

    def __init__(self, bands: Bands) -> None:
        super().__init__(bands, bands.size)
        pauli = acb_mat([[0, 0, 1], [1, 1j, 0], [1, -1j, 0], [0, 0, -1]])
        self.table = bands.table * pauli  # tr(sigma H_R)
        self.mean = acb_mat(1, 4, bands.home.entries()) * pauli / 2
        self.area, self.seen = arb(0), dict[Point, tuple[list[arb], list[arb]]]()

    def field(self, point: Point) -> tuple[list[arb], list[arb]]:
        """d(k) and its direction."""
        point = self.wrapped(point)
        if point not in self.seen:
            d = (self.bands.waves(point) * self.table + self.mean).real.entries()
            need(dot(d, d) > 0, "the gap may close at a corner")
            self.seen[point] = d, unit_vector(d)
        return self.seen[point]

    def direction(self, leaf: Leaf) -> list[arb]:
        """Find u with u.d > 0 on a cell: the direction of the nearest point of its hull or so."""
        bands, ((x, y), (a, b)) = self.bands, leaf
        squares = [(PI * s * e) ** 2 / 8 for s, e in zip(bands.step, leaf.edge, strict=True)]
        bends = [total(q * x * x for q, x in zip(squares, r, strict=True)) for r in bands.vectors]
        ends = [self.field(p)[0] for p in product((x, x + a), (y, y + b))]
        seen = [list(map(float, d)) for d in ends]
        u = [sum(t) / 4 for t in zip(*seen, strict=True)]
        for _ in range(12):
            exact = unit_vector(list(map(arb, u)))
            along = (self.table * acb_mat(3, 1, exact)).entries()
            margin = least(*(dot(exact, d) for d in ends)) - total(map(mul, bends, map(abs, along)))
            if margin > bands.error and margin >= bands.gap / 2 + bands.error:
                return exact
            nearest = min(seen, key=lambda d: sum(map(mul, u, d)))
            step = [b - a for a, b in zip(u, nearest, strict=True)]
            length = sum(map(mul, step, step)) or 1.0
            t = min(1.0, max(0.0, -sum(map(mul, u, step)) / length))
            u = [a + t * b for a, b in zip(u, step, strict=True)]
        raise RejectedError("a cell is not proven to keep its gap")

    def edge(self, line: Line, low: int, high: int, one: Any, two: Any, sign: int) -> None:
        """Add the triangles that the interval spans with the directions of both cells."""
        start, end = (self.field(on_line(line, x))[1] for x in (low, high))
        self.area += sign * (solid_angle(one, start, end) - solid_angle(two, start, end))


def two_bands(claim: Claim) -> None:
    """Chern number of two bands; 4. of the page."""
    degree = Degree(Bands(claim))
    need(degree.bands.n == 2, "more than two bands need bases")
    for leaf in degree.bands.leaves(claim.evidence["tree"]):
        degree.add(leaf, degree.direction(leaf))
    degree.match_all()
    settle(integer(degree.area / (4 * PI)), claim)


# ---------------------------------------------------------------- 6. phases on edges


@lru_cache(maxsize=64)
def transition(one: Frame, two: Frame) -> arb:
    """Phase arg det(V_1^dagger P(k) V_2) as a ball that holds it wherever both frames are valid."""
    best = arb(4)
    for frame, other in ((one, two), (two, one)):
        low = dagger(frame.w) * other.v
        rank, sine = min(low.nrows(), low.ncols()), norm(low)
        if sine < 1:
            cosine = (1 - sine * sine).sqrt()
            sum_ = arb((frobenius(low) / cosine * frame.tau).upper())
            largest = arb(least(sine / cosine * frame.most, sum_).upper()) + arb((1, -99))
            if largest < 1:
                best = least(best, least(arb(rank), sum_ / largest) * largest.asin())
        if best < 0.01:
            break
    need(best < PI, "frames of neighbouring cells are too far apart")
    return argument((dagger(one.v) * two.v).det()) + PLUS_MINUS * best


class Phases(Surface):
    """Phases between cells along their edges, gathered at vertices.

    The edge from p to q between cell c, which runs through it anticlockwise, and c' adds
    chi(q) - chi(p) to 2 pi times the integer, chi = arg det(V_c^dagger P V_c').
    """

    def __init__(self, bands: Bands, evidence: dict[str, Any], period: Sequence[int]) -> None:
        super().__init__(bands, period)
        self.known: dict[Point, arb] = defaultdict(arb)
        self.vertices: dict[Point, list[tuple[int, arb, Frame, Frame]]] = defaultdict(list)
        thin = keys(evidence["thin"], "tree bases levels")
        points = keys(evidence["points"], "at bases levels")
        plan, n, dim = thin["tree"], bands.n, bands.dim
        need(isinstance(plan, str) and re.fullmatch("[012]*", plan), "edges are malformed")
        self.plan, self.thin = iter(plan), stored(thin, n, plan.count("1"), 2)
        at = [tuple(whole(x, 0, 2**62) for x in listed(p, dim)) for p in listed(points["at"])]
        need(len(set(at)) == len(at), "a vertex comes twice")
        bases = stored(points, n, len(at), 1)
        self.points = {p: bands.frame(Leaf(p, (0,) * dim), *next(bases)) for p in at}

    def cells(self, data: dict[str, Any], leaves: list[Leaf], *where: int) -> None:
        """Prove leaves of a plane, and note their sides."""
        for leaf, basis in zip(leaves, stored(data, self.bands.n, len(leaves), 4), strict=True):
            self.add(leaf, self.bands.frame(leaf, *basis), *where)

    def edge(self, line: Line, low: int, high: int, one: Any, two: Any, sign: int) -> None:
        """Add the phases at both ends: between the cells, by way of a thin cell, or in halves."""
        what = next(self.plan, "")
        need(what, "edges are missing")
        if what == "2":
            need((high - low) % 2 == 0, "an edge is divided too often")
            middle = (low + high) // 2
            self.edge(line, low, middle, one, two, sign)
            self.edge(line, middle, high, one, two, sign)
            return
        start, end, chain = on_line(line, low), on_line(line, high), [one, two]
        if what == "1":
            leaf = Leaf(start, tuple((high - low) * (i == line[0]) for i in range(len(start))))
            chain.insert(1, self.bands.frame(leaf, *next(self.thin)))
        for first, second in pairwise(chain):
            phase = transition(first, second)
            self.gather(end, sign, phase, first, second)
            self.gather(start, -sign, phase, first, second)

    def gather(self, point: Point, sign: int, phase: arb, one: Frame, two: Frame) -> None:
        """Add a phase to the sum at a vertex."""
        self.vertices[self.wrapped(point)].append((sign, phase, one, two))

    def sharpened(self, phase: arb, one: Frame, two: Frame, frame: Frame | None) -> arb:
        """Phase at a vertex, where there is a frame there by way of it."""
        if frame is None:
            return phase
        through = transition(one, frame) - transition(two, frame)
        through += 2 * PI * round(float((phase - through) / (2 * PI)))
        others = (through + 2 * PI, through - 2 * PI)
        need(not any(x.overlaps(phase) for x in others), "a vertex has two possible phases")
        return through

    def total(self) -> int:
        """Sum of the integers at all vertices, when all lines are matched."""
        self.match_all()
        need(not next(self.plan, ""), "there are too many edges")
        found = 0
        for point, parts in self.vertices.items():
            phase = self.known[point]
            for sign, near, one, two in parts:
                phase += sign * self.sharpened(near, one, two, self.points.get(point))
            found += integer(phase / (2 * PI))
        return found


def chern(claim: Claim) -> None:
    """Chern number of the occupied bands; 6. of the page."""
    bands = Bands(claim)
    phases = Phases(bands, claim.evidence, bands.size)
    phases.cells(claim.evidence, bands.leaves(claim.evidence["tree"]))
    settle(phases.total(), claim)


# ---------------------------------------------------------------- 7. charge of a box


def flux(bands: Bands, evidence: dict[str, Any]) -> int:
    """Integer that flows out of the box on which `bands` lives."""
    phases = Phases(bands, evidence, (0, 0, 0))
    for face, data in enumerate(listed(evidence["faces"], 6)):
        (normal, up), leaves = divmod(face, 2), list[Leaf]()
        u, v = (normal + 1) % 3, (normal + 2) % 3
        keys(data, "tree bases levels")
        for (x, y), (a, b) in bands.leaves(data["tree"], u, v):
            corner, edge = [up * bands.size[normal]] * 3, [0] * 3
            corner[u], corner[v], edge[u], edge[v] = x, y, a, b
            leaves.append(Leaf(tuple(corner), tuple(edge)))
        phases.cells(data, leaves, u, v, up)
    return phases.total()


def weyl(claim: Claim) -> None:
    """Flux out of a box; 7. of the page."""
    settle(flux(Bands(claim), claim.evidence), claim)


# ---------------------------------------------------------------- 8. time reversal


def pfaffian(a: list[list[acb]]) -> acb:
    """Pfaffian of an antisymmetric matrix, from its upper triangle, by elimination."""
    n, found = len(a), acb(1)
    a = [[a[i][j] if i < j else -a[j][i] for j in range(n)] for i in range(n)]
    while a:
        j = max(range(1, len(a)), key=lambda j: abs(complex(a[0][j])))
        if j > 1:
            a[1], a[j] = a[j], a[1]
            for row in a:
                row[1], row[j] = row[j], row[1]
            found = -found
        p, later = a[0][1], range(2, len(a))
        need(p.abs_lower() > 0, "a Pfaffian may vanish")
        found *= p
        a = [[a[i][j] + (a[i][0] * a[1][j] - a[i][1] * a[0][j]) / p for j in later] for i in later]
    return found


def operator(claim: Claim, bands: Bands, name: str, sign: int) -> acb_mat:
    """Exact unitary U = sign U^T of U K, and how far H is from -sign U H* U^dagger."""
    given = acb_mat(bands.n, bands.n, complexes(claim.question[name], bands.n**2))
    u = unitary((given + sign * given.transpose()) / 2)
    parts = (norm(h + sign * (u * h.conjugate() * dagger(u)))
             for h in (bands.home / 2, *bands.matrices))  # fmt: skip
    bands.wrong = number(claim.question["symmetry_violation"], 0.0) * bands.scale
    need(total(parts) <= bands.wrong, "the symmetry is violated by more than it says")
    return u


class HalfZone(Phases):
    """Half of the zone; time reversal k -> -k, psi -> U psi* maps its ends to themselves.

    The exact U is antisymmetric and unitary.
    """

    def __init__(self, claim: Claim) -> None:
        bands = Bands(claim, half=True)
        need(not any(x % 2 for x in (bands.start[1], bands.filled, bands.n)), "an odd number")
        self.u = operator(claim, bands, "time_reversal", -1)
        self.images: dict[Frame, Frame] = {}
        self.end, self.height = bands.size
        super().__init__(bands, claim.evidence, (0, self.height))
        self.cells(claim.evidence, bands.leaves(claim.evidence["tree"]))

    def image(self, frame: Frame) -> Frame:
        """Image of a frame, valid at the image of its cell."""
        if frame not in self.images:
            v, w = (self.u * x.conjugate() for x in (frame.v, frame.w))
            self.images[frame] = Frame(v, w, frame.tau, frame.most)
        return self.images[frame]

    def sign(self, frame: Frame) -> arb:
        """Phase of the Pfaffian of V^dagger U V* at a momentum that time reversal keeps."""
        small = dagger(frame.v) * self.image(frame).v
        need(frobenius(dagger(small) * small - 1) < 0.5, "a basis is not symmetric")
        mixed = norm(dagger(frame.w) * self.image(frame).v)
        # |w^-1| <= 1.5, and V + W T instead of V moves w by at most 2 |W^dagger U V*| t + t^2
        moved = 3 * frame.most * (mixed + frame.most / 2)
        need(moved < 1, "a basis is not good enough")
        return argument(pfaffian(small.tolist())) + PLUS_MINUS * small.nrows() * moved.asin() / 2

    def gather(self, point: Point, sign: int, phase: arb, one: Frame, two: Frame) -> None:
        """Add a phase; vertices at the ends with k_y > 0 are counted where T takes them."""
        x, y = self.wrapped(point)
        if x in (0, self.end) and 0 < y < self.height // 2:
            point, phase, one, two = (x, -y), -phase, self.image(one), self.image(two)
        super().gather(point, sign, phase, one, two)

    def match(self, line: Line, plus: list[Side], minus: list[Side], sign: int = 1) -> None:
        """Match a line; at the ends, its lower half with the image of its upper half."""
        (axis, (x, _)), top = line, self.height // 2
        if axis == 0 or 0 < x < self.end:
            super().match(line, plus, minus, sign)
            return
        sides = sorted(plus + minus, key=lambda i: i.low)
        upper = [i for i in sides if i.low < top]
        images = [Side(2 * top - i.high, 2 * top - i.low, self.image(i.cell)) for i in upper]
        super().match(line, [i for i in sides if i.low >= top], images, 1 if x else -1)
        for y, side in ((0, upper[0]), (top, upper[-1])):
            need((x, y) in self.points, "a momentum that time reversal keeps has no basis")
            frame = self.points[x, y]
            phase = self.sign(frame) + transition(side.cell, frame)
            self.known[x, y] = 2 * phase * (1 if (x > 0) == (y > 0) else -1)


def z2(claim: Claim) -> None:
    """Z2 invariant from half the zone and from what time reversal does at its ends; 8."""
    settle(HalfZone(claim).total() % 2, claim)


# ---------------------------------------------------------------- 9. particle-hole symmetry


def majorana(claim: Claim) -> None:
    """Majorana number: the gap, and Pfaffians of H U, antisymmetric at k = 0 and pi; 9."""
    bands = Bands(claim)
    need(bands.n == 2 * bands.filled, "half of the levels must be occupied")
    u = operator(claim, bands, "particle_hole", 1)
    prove_cells(bands, claim)
    ends = list[acb]()
    for odd in (0, 1):
        h = bands.home
        for (r,), x in zip(bands.vectors, bands.matrices, strict=True):
            h += (x + dagger(x)) * (-1) ** (odd * r % 2)
        b = h * u
        ends.append(pfaffian(((b - b.transpose()) / 2).tolist()))
    both = (ends[0] * ends[1].conjugate()).real
    need(not both.contains(0), "a Pfaffian may vanish")
    settle(int(both < 0), claim)


# ---------------------------------------------------------------- the quantities of this file

SYMMETRY = " symmetry_violation"
PHASES = " thin points"
CHECKS = {
    "Chern number": Check(chern, (2,), BANDS, CELLS + PHASES),
    "Chern number, two bands": Check(two_bands, (2,), BANDS, "start depth tree"),
    "Weyl charge": Check(weyl, (3,), BANDS + " centre half_width", "start depth faces" + PHASES),
    "Z2 invariant": Check(z2, (2,), BANDS + " time_reversal" + SYMMETRY, CELLS + PHASES),
    "Majorana number": Check(majorana, (1,), BANDS + " particle_hole" + SYMMETRY, CELLS),
}


if __name__ == "__main__":
    # certificates of all kinds, as `checker.py`
    raise SystemExit(main())
