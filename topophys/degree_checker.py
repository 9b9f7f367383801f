"""Windings in three dimensions, second Chern numbers and localizer indices, for `checker.py`.

Needs `checker.py` and `gap_checker.py` beside it, Python and python-flint. Section numbers are
those of the page "The checker".
"""

from __future__ import annotations

import base64
import struct
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache, reduce
from itertools import pairwise, permutations, product
from math import sqrt
from operator import add, mul
from typing import NamedTuple, TypeAlias

from flint import acb, acb_mat, arb, fmpq, fmpz_mat

if __package__:
    from topophys.checker import (  # isort: skip
        MAX_WAVES, PI, Check, Claim, Leaf, Model, Point, RejectedError, complexes, dagger,
        frobenius, least, listed, main, most, need, norm, number, settle, total, tree,
        unitary, whole,
    )  # fmt: skip
    from topophys.gap_checker import BANDS, Bands
else:  # a copy beside one of the checker
    from checker import *  # type: ignore[import-not-found]  # noqa: F403
    from gap_checker import *  # type: ignore[import-not-found]  # noqa: F403

#: How near the exact operators must be to those of the question.
NEAR = 1e-5
#: Rays that may be tried; limits for time and memory: cells of three axes, points of a grid along
#: each of four, orbitals of a finite sample.
RAYS, MAX_CELLS, MAX_GRID, MAX_ORBITALS = 8, 100_000, 16, 400
#: Values are rounded to multiples of this, in units of the largest hopping.
GRAIN = arb((1, -60))
#: More than what that can change of a product with a unit vector.
ROUNDED = arb((1, -50))
Vector: TypeAlias = list[int]


# ---------------------------------------------------------------- 12. degree of a map to a sphere


def dot(a: Vector, b: Vector) -> int:
    """Scalar product."""
    return sum(map(mul, a, b))


def rounded(values: Sequence[arb]) -> Vector:
    """Multiples of `GRAIN` within 2 of them of some numbers."""
    found = []
    for x in values:
        there = (x / GRAIN).mid().floor().unique_fmpz()
        if there is None or not abs(x / GRAIN - there) < 2:
            raise RejectedError("a value is not known well enough")
        found.append(int(there))
    return found


def direction(x: Sequence[float]) -> Vector:
    """Integers along a vector of floats."""
    size = sqrt(sum(a * a for a in x))
    need(size > 0, "the gap may close on a cell")
    return [round(a / size * 2**20) for a in x]


def length(x: Vector) -> arb:
    """Length of a vector of integers."""
    return arb(dot(x, x)).sqrt()


def ray(number_: int, dim: int) -> Vector:
    """Name a direction without symmetry."""
    return [pow(5, 7 * number_ + axis + 1, 10007) - 5003 for axis in range(dim)]


def cover(simplex: list[Vector], way: Vector) -> int:
    """+1, -1 or 0: whether and how the cone of as many vectors as dimensions contains a ray.

    If r = sum c_i v_i, the determinant with r in place of v_i is c_i det(v): two of these with
    opposite signs exclude the closed cone, and all of the sign of det(v) prove its inside.
    """
    parts = [
        fmpz_mat([way if i == j else row for j, row in enumerate(simplex)]).det()
        for i in range(len(simplex))
    ]
    if max(parts) > 0 > min(parts):
        return 0
    det = fmpz_mat(simplex).det()
    if det == 0 and fmpz_mat([*simplex, way]).rank() > fmpz_mat(simplex).rank():
        return 0  # the ray is not even in the span
    need(det != 0 and 0 not in parts, "a ray meets the edge of a cone")
    if (det > 0) != (parts[0] > 0):  # all coefficients are negative
        return 0
    return 1 if det > 0 else -1


class Cell(NamedTuple):
    """A cell, of which a convex cone without 0 holds all values: its vertices, and simplices.

    Where it is known, a side with which all vertices have positive products.
    """

    side: Vector
    vertices: Callable[[], list[Vector]]
    simplices: Callable[[], Iterator[tuple[int, list[Vector]]]]


def degree(cells: list[Cell], dim: int) -> int:
    """How often the simplices cover a ray; of several rays the first that meets no edge."""
    for number_ in range(RAYS):
        way = ray(number_, dim)
        try:
            return sum(covers(cell, way) for cell in cells)
        except RejectedError:
            if number_ == RAYS - 1:
                raise
    raise AssertionError


def covers(cell: Cell, way: Vector) -> int:
    """Count for one cell; there is nothing to count beyond a plane between it and the ray."""
    if cell.side and dot(cell.side, way) <= 0:
        return 0
    vertices, size = cell.vertices(), sqrt(dot(way, way))
    mean = direction([float(sum(x)) for x in zip(*vertices, strict=True)])
    h = [x - round(y / size * 2**20) for x, y in zip(mean, way, strict=True)]
    if dot(h, way) <= 0 and all(dot(h, v) > 0 for v in vertices):
        return 0
    return sum(weight * cover(simplex, way) for weight, simplex in cell.simplices())


def path(order: Sequence[int]) -> tuple[int, list[int]]:
    """Sign of a permutation of axes, and the corners 0 to 15 met when it is taken from 0 to 15."""
    pairs = sum(order[i] > order[j] for i in range(len(order)) for j in range(i + 1, len(order)))
    steps = [8 >> axis for axis in order]
    return (-1) ** pairs, [sum(steps[:i]) for i in range(5)]


#: Simplices around the main diagonal of a cell with four axes.
PATHS = [path(order) for order in permutations(range(4))]


# ---------------------------------------------------------------- 13. three dimensions


Square: TypeAlias = tuple[int, int, int, int, int]  # normal axis, its coordinate, corner, edge


class Zone:
    """Leaves that tile the zone, and the polygons in which they meet."""

    def __init__(self, leaves: Sequence[Leaf], size: Sequence[int], first: int) -> None:
        self.size, self.first = tuple(size), first
        self.lines = defaultdict[tuple[int, Point], list[int]](list)
        #: Squares that contain smaller ones, seen from below and from above.
        self.divided: tuple[set[Square], set[Square]] = (set(), set())
        points = {
            self.wrapped(tuple(map(add, leaf.corner, step)))
            for leaf in leaves for step in product((0, leaf.edge[0]), repeat=3)
        }  # fmt: skip
        for point in sorted(points):
            for axis in range(3):
                self.lines[axis, (*point[:axis], *point[axis + 1 :])].append(point[axis])
        for leaf in leaves:
            for upper, square in self.faces(leaf):
                axis, at, u, v, edge = square
                while edge < first:
                    edge *= 2
                    self.divided[upper].add((axis, at, u // edge * edge, v // edge * edge, edge))
        met = Counter[Square]()
        for leaf in leaves:
            for upper, face in self.faces(leaf):
                for square in self.squares(upper, face):
                    met[square] += 1 if upper else -1
        need(not any(met.values()), "cells on the two sides of a face do not match")

    def wrapped(self, point: Sequence[int]) -> Point:
        """Take a point to one period."""
        return tuple(x % m for x, m in zip(point, self.size, strict=True))

    def faces(self, leaf: Leaf) -> Iterator[tuple[int, Square]]:
        """Lower (0) and upper (1) faces."""
        for axis, upper in product(range(3), (0, 1)):
            at = (leaf.corner[axis] + upper * leaf.edge[axis]) % self.size[axis]
            u, v = leaf.corner[(axis + 1) % 3], leaf.corner[(axis + 2) % 3]
            yield upper, (axis, at, u, v, leaf.edge[axis])

    def squares(self, upper: int, square: Square) -> Iterator[Square]:
        """Parts of a face that single leaves on its other side share."""
        if square not in self.divided[1 - upper]:
            yield square
            return
        axis, at, u, v, edge = square
        half = edge // 2
        for x, y in product((0, half), repeat=2):
            yield from self.squares(upper, (axis, at, u + x, v + y, half))

    def polygon(self, square: Square) -> list[Point]:
        """Corners of a square and all vertices on its edges, around its axis."""
        axis, at, u, v, edge = square
        one, two = (axis + 1) % 3, (axis + 2) % 3

        def side(along: int, across: int, base: int, low: int) -> list[Point]:
            fixed = {axis: at, across: base % self.size[across]}
            found = self.lines[along, tuple(fixed[i] for i in range(3) if i != along)]
            some = found[bisect_right(found, low) : bisect_left(found, low + edge)]
            return [tuple({**fixed, along: x}[i] for i in range(3)) for x in (low, *some)]

        def end(along: int, across: int, base: int, low: int) -> list[Point]:
            """Run along an edge downwards, from its upper end."""
            _, *some = side(along, across, base, low)
            first = {axis: at, across: base, along: low + edge}
            return [self.wrapped([first[i] for i in range(3)]), *reversed(some)]

        return [*side(one, two, v, u), *side(two, one, u + edge, v),
                *end(one, two, v + edge, u), *end(two, one, u, v)]  # fmt: skip

    def boundary(self, leaf: Leaf) -> Iterator[tuple[int, Point, Point, Point]]:
        """Triangles of the surface of a leaf, with their signs; outwards is positive."""
        for upper, face in self.faces(leaf):
            for square in self.squares(upper, face):
                first, *rest = self.polygon(square)
                for one, two in pairwise(rest):
                    yield 1 if upper else -1, first, one, two


def halves(claim: Claim, bands: Bands) -> tuple[list[acb_mat], list[acb_mat], arb]:
    """Blocks D_R for R and for -R in the basis of the chiral operator; what violates it.

    The first matrix of both lists belongs to R = 0 and to the vectors of `bands` after it.
    """
    n, ask = bands.n, claim.question
    basis = unitary(acb_mat(n, n, complexes(claim.evidence["basis"], n * n)))
    signs = acb_mat(n, n, [
        acb((i == j) * (1 if i < n // 2 else -1)) for i in range(n) for j in range(n)
    ])  # fmt: skip
    given = acb_mat(n, n, complexes(ask["chiral"], n * n))
    exact = basis * signs * dagger(basis)
    need(frobenius(exact - given) < NEAR, "the basis is not that of the chiral operator")
    low, high, wrong = (0, n // 2), (n // 2, n), arb(0)
    there, back = list[acb_mat](), list[acb_mat]()
    for i, h in enumerate((bands.home, *bands.matrices)):
        x = dagger(basis) * h * basis
        there.append(part(x, low, high))
        back.append(dagger(part(x, high, low)))
        wrong += most(norm(part(x, low, low)), norm(part(x, high, high))) * (2 if i else 1)
    return there, back, wrong


def part(x: acb_mat, rows: tuple[int, int], across: tuple[int, int]) -> acb_mat:
    """Part of a matrix."""
    return acb_mat([row[slice(*across)] for row in x.tolist()[slice(*rows)]])


def polar(d: Sequence[complex]) -> acb_mat:
    """Find a matrix near the unitary factor of a 2 x 2 matrix, in exact numbers."""
    p, q, r, s = d
    det = p * s - q * r
    need(abs(det) > 0, "the block may be singular")
    turn = det / abs(det)
    a, b = p + turn * s.conjugate(), q - turn * r.conjugate()
    size = sqrt(abs(a) ** 2 + abs(b) ** 2)
    a, b = a / size, b / size
    return acb_mat(2, 2, [a, b, -turn * b.conjugate(), turn * a.conjugate()])


def lowest(x: acb_mat) -> arb:
    """Lowest eigenvalue of the Hermitian part of a 2 x 2 matrix, from below."""
    p, q, r, s = x.entries()
    off, half = (q + r.conjugate()) / 2, (p.real - s.real) / 2
    square = half * half + off.real * off.real + off.imag * off.imag
    return (p.real + s.real) / 2 - arb(square.abs_upper()).sqrt()


def winding_3d(claim: Claim) -> None:
    """Winding number of a block with two orbitals in three dimensions; 13. of the page."""
    bands = Bands(claim)
    need(bands.n == 4 and bands.filled == 2, "there must be four bands, and two below the gap")
    there, back, wrong = halves(claim, bands)
    bands.wrong = number(claim.question["symmetry_violation"], 0.0) * bands.scale
    need(wrong <= bands.wrong, "the symmetry is violated by more than it says")
    need(bands.gap > 0 or bands.wrong == 0, "the gap is not above the violation")
    forward, backward = (
        acb_mat(len(x) - 1, 4, [z for y in x[1:] for z in y.entries()]) for x in (there, back)
    )
    sizes = [norm(x) + norm(y) for x, y in zip(there[1:], back[1:], strict=True)]
    need(str(claim.evidence["tree"]).count("0") <= MAX_CELLS, "there are too many cells")
    leaves = bands.leaves(claim.evidence["tree"])
    zone = Zone(leaves, bands.size, 1 << bands.depth)
    values = dict[Point, acb_mat]()

    def block(point: Sequence[int]) -> acb_mat:
        point = zone.wrapped(point)
        if point not in values:
            waves = bands.waves(point)
            entries = waves * forward + waves.conjugate() * backward
            values[point] = there[0] + acb_mat(2, 2, entries.entries())
        return values[point]

    @cache
    def column(point: Point) -> Vector:
        x, _, y, _ = block(point).entries()
        return rounded([x.real, x.imag, y.real, y.imag])

    def made(leaf: Leaf) -> Cell:
        def vertices() -> list[Vector]:
            around = {point for _, *points in zone.boundary(leaf) for point in points}
            return list(map(column, sorted({leaf.corner, *around})))

        def simplices() -> Iterator[tuple[int, list[Vector]]]:
            for sign, *points in zone.boundary(leaf):
                if len({leaf.corner, *points}) == 4:
                    yield sign, list(map(column, (leaf.corner, *points)))

        return Cell([], vertices, simplices)

    narrowest, cells = arb(10**300), list[Cell]()
    for leaf in leaves:
        width = [bands.unit * step * e for step, e in zip(bands.step, leaf.edge, strict=True)]
        bend = total(
            x * total((w * r) ** 2 for w, r in zip(width, vector, strict=True)) / 8
            for x, vector in zip(sizes, bands.vectors, strict=True)
        )
        ends = [tuple(map(add, leaf.corner, s)) for s in product((0, leaf.edge[0]), repeat=3)]
        q = polar([complex(z) for z in reduce(add, map(block, ends)).entries()])
        size = (1 + frobenius(dagger(q) * q - 1)).sqrt()  # |Q|, from above
        apart = least(*(lowest(dagger(q) * block(end)) for end in ends)) / size - bend
        need(apart > 0, "the block may be singular on a cell")
        narrowest = narrowest.min(apart)
        # Re (Q e_1)^dagger v is positive for the first columns v, with room for all rounding
        cells.append(made(leaf))
    room = narrowest - bands.error - bands.wrong - ROUNDED
    need(room > 0 and 2 * room >= bands.gap, "the gap may be smaller")
    settle(degree(cells, 4), claim)


# ---------------------------------------------------------------- 14. four dimensions


def gammas() -> list[acb_mat]:
    """Five Hermitian matrices that anticommute, with product -1."""
    one, x, y, z = ([1, 0, 0, 1], [0, 1, 1, 0], [0, -1j, 1j, 0], [1, 0, 0, -1])
    return [
        acb_mat(4, 4, [a[2 * (i // 2) + j // 2] * b[2 * (i % 2) + j % 2]
                       for i in range(4) for j in range(4)])
        for a, b in ((x, x), (x, y), (x, z), (y, one), (z, one))
    ]  # fmt: skip


class FiveVector(Model):
    """H = d_0 + sum_a d_a Gamma_a with exact matrices near those of the question, and a rest."""

    def __init__(self, claim: Claim) -> None:
        ask = claim.question
        need(ask["bands"] == 4 and ask["n_occupied"] == 2, "there must be four bands, two of them"
             " below the gap")  # fmt: skip
        super().__init__(claim, 4, 4)
        given = complexes(ask["gammas"], 80)
        basis = unitary(acb_mat(4, 4, complexes(claim.evidence["basis"], 16)))
        turned = [basis * x * dagger(basis) for x in gammas()]
        asked = [acb_mat(4, 4, given[16 * a : 16 * a + 16]) for a in range(5)]
        for self.sign in (1, -1):
            exact = [self.sign * x for x in turned]
            if all(frobenius(x - y) < NEAR for x, y in zip(exact, asked, strict=True)):
                break
        else:
            raise RejectedError("the basis is not that of the matrices")
        self.rest, fields = arb(0), dict[Point, list[acb]]()
        for vector, entries in self.terms.items():
            h = acb_mat(4, 4, entries)
            fields[vector] = [(x * h).trace() / 4 for x in exact]
            away = h - h.trace() / 4
            for x, d in zip(exact, fields[vector], strict=True):
                away -= x * d
            self.rest += norm(away) * (2 if any(vector) else 1)
        zero = [acb(0)] * 5
        self.home = [x.real for x in fields.pop((0,) * 4, zero)]
        self.vectors = list(fields)
        self.table = acb_mat(len(fields), 5, [x for d in fields.values() for x in d])
        self.lengths = [
            2 * total(x.real * x.real + x.imag * x.imag for x in d).sqrt()
            for d in fields.values()
        ]  # fmt: skip


def second_chern(claim: Claim) -> None:
    """Second Chern number of the lower bands of a five-vector model; 14. of the page."""
    whole(claim.question["dimension"], 4, 4)
    h = FiveVector(claim)
    wrong = number(claim.question["symmetry_violation"], 0.0) * h.scale
    need(h.rest <= wrong, "the symmetry is violated by more than it says")
    need(h.gap > 0 or wrong == 0, "the gap is not above the violation")
    n = h.start[0]
    good = h.start == [n] * 4 and h.depth == 0 and n <= MAX_GRID
    need(good, "the cells must be those of one grid")
    leaves = tree(claim.evidence["tree"], h.start, 0)
    need(len(leaves) * len(h.vectors) <= MAX_WAVES, "too many hoppings for so many cells")
    roots = [acb(0, 2 * PI * fmpq(m, n)).exp() for m in range(n)]
    width = (2 * PI / n) ** 2 / 8
    bend = width * total(
        x * sum(r * r for r in vector) for x, vector in zip(h.lengths, h.vectors, strict=True)
    )
    values = list[Vector]()  # in the order of the leaves, last axis fastest
    for leaf in leaves:
        waves = [roots[sum(map(mul, leaf.corner, r)) % n] for r in h.vectors]
        d = (acb_mat(1, len(waves), waves) * h.table).entries()
        values.append(rounded([2 * x.real + y for x, y in zip(d, h.home, strict=True)]))

    def made(side: Vector, corners: list[Vector]) -> Cell:
        return Cell(side, lambda: corners, lambda: (
            (sign, [corners[i] for i in path]) for sign, path in PATHS
        ))  # fmt: skip

    narrowest, cells = arb(10**300), list[Cell]()
    for leaf in leaves:
        at = [0]
        for x in leaf.corner:
            at = [n * y + z for y in at for z in (x, (x + 1) % n)]
        corners = [values[y] for y in at]
        side = direction([float(sum(x)) for x in zip(*corners, strict=True)])
        low = min(dot(side, d) for d in corners)
        need(low > 0, "the gap may close on a cell")
        narrowest = narrowest.min(low / length(side) * GRAIN)
        cells.append(made(side, corners))
    room = narrowest - bend - h.error - wrong - ROUNDED
    need(room > 0 and 2 * room >= h.gap, "the gap may be smaller")
    settle(-h.sign * degree(cells, 5), claim)


# ---------------------------------------------------------------- 15. finite samples


def localizer(claim: Claim) -> None:
    """Half the signature of the localizer of a finite sample; 15. of the page."""
    ask = claim.question
    m = whole(ask["orbitals"], 1, MAX_ORBITALS)
    try:
        raw = base64.b64decode(claim.evidence["bases"], validate=True)
    except (TypeError, ValueError) as error:
        raise RejectedError("an array is not base64") from error
    need(len(raw) == 8 * (2 * m) ** 2, "an array has the wrong length")
    words = complexes(ask["matrix"], m * m)
    good = all(words[i * m + j] == words[j * m + i].conjugate() for i in range(m) for j in range(m))
    need(good, "the matrix is not Hermitian")
    kappa, energy = arb(number(ask["kappa"])), arb(number(ask["energy"]))
    need(kappa > 0, "kappa must be positive")
    x0, y0 = (arb(number(x)) for x in listed(ask["centre"], 2))
    steps = [
        kappa * acb(number(x) - x0, number(y) - y0)
        for x, y in (listed(at, 2) for at in listed(ask["positions"], m))
    ]
    rows = [[acb(0)] * (2 * m) for _ in range(2 * m)]
    for i in range(m):
        for j in range(m):
            here = acb(words[i * m + j]) - (energy if i == j else 0)
            rows[i][j], rows[m + i][m + j] = here, -here
        rows[i][m + i], rows[m + i][i] = steps[i].conjugate(), steps[i]
    numbers = struct.unpack(f"<{2 * (2 * m) ** 2}f", raw)
    v = acb_mat(2 * m, 2 * m, list(map(acb, numbers[::2], numbers[1::2])))
    back = dagger(v)
    inside, gram = back * (acb_mat(rows) * v), back * v
    # no level of L within t of 0: those above t are as many as those above -t
    t = arb(claim.gap) + number(ask["amplitude_error"], 0.0)
    above = {positive(inside - gram * x) for x in (t, -t)}
    need(len(above) == 1, "the gap of the localizer may be smaller")
    settle(m - above.pop(), claim)


def positive(x: acb_mat) -> int:
    """Count positive eigenvalues of a Hermitian matrix whose circles do not meet 0."""
    count = 0
    for i, row in enumerate(x.tolist()):
        radius = total(abs(z) for j, z in enumerate(row) if j != i)
        need(row[i].real > radius or -row[i].real > radius, "a level may be zero")
        count += row[i].real > 0
    return count


CHECKS = {
    "three-dimensional winding number": Check(
        winding_3d, (3,), BANDS + " chiral symmetry_violation", "start depth tree basis"
    ),
    "second Chern number": Check(
        second_chern, (4,), BANDS + " gammas symmetry_violation", "start depth tree basis"
    ),
    "localizer index": Check(
        localizer, (None,),
        "quantity orbitals matrix positions kappa energy centre amplitude_error", "bases",
    ),
}  # fmt: skip


if __name__ == "__main__":
    # certificates of all kinds, as `checker.py`
    raise SystemExit(main())
