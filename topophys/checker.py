"""Check a certificate of a topological invariant: `python checker.py x.cert.json`.

Needs Python and python-flint, nothing else, and shares no code with the program that wrote the
file. From the file it takes as true only the question: the hoppings (exact binary numbers) and what
is asked of them. Everything else in it, bases, energies, how cells were divided, is a suggestion:
it is read as exact numbers from which each inequality is proven again in ball arithmetic, where
`arb`, `acb` and `acb_mat` of flint hold every number with a bound of its error, and a comparison is
true only if it is certain. The page "The checker" of the documentation states the theorems; section
numbers below are those of that page.

Exit status: 0 accepted; 1 rejected; 2 the file cannot be read or is no certificate.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from functools import lru_cache, reduce
from itertools import combinations_with_replacement, pairwise, product
from math import frexp, inf, ldexp, prod, sqrt
from operator import add, mul
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from flint import acb, acb_mat, acb_poly, arb, arb_mat, ctx, fmpq

FORMAT, VERSION = "topophys certificate", 1
#: Limits that keep time and memory in proportion to the file.
MAX_BYTES, MAX_BANDS, MAX_RANGE, MAX_START = 2**31, 256, 10**6, 10**6
MAX_WORK, MAX_WAVES = 2 * 10**8, 2 * 10**7
DEEPEST = {1: 48, 2: 26, 3: 20}
ctx.prec = 256
PI, PLUS_MINUS = arb.pi(), arb(0, 1)
Point: TypeAlias = tuple[int, ...]
#: Axis along it, and the point on it whose coordinate along it is 0.
Line: TypeAlias = tuple[int, Point]


class RejectedError(Exception):
    """The file does not prove its claim."""


class UnreadableError(Exception):
    """The file is no certificate."""


def need(condition: object, reason: str) -> None:
    """Reject unless the condition holds; comparisons of balls hold only if they are certain."""
    if not condition:
        raise RejectedError(reason)


# ---------------------------------------------------------------- 1. reading


def read(text: str, form: str = FORMAT, version: int = VERSION) -> dict[str, Any]:
    """Parse JSON without duplicate keys; other numbers than integers are refused where they are."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len(dict(pairs)) == len(pairs), "a key comes twice")
        return dict(pairs)

    try:
        data = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("not JSON") from error
    head = [data.get(x) for x in ("format", "version")] if isinstance(data, dict) else []
    if head != [form, version] or type(head[1]) is not int:
        raise UnreadableError(f'not "{form}" of version {version}')
    return keys(data, "format version question claim evidence")


def keys(value: Any, names: str) -> dict[str, Any]:
    """Require an object with exactly these keys."""
    need(isinstance(value, dict) and set(value) == set(names.split()), f"keys must be: {names}")
    return dict(value)


def whole(value: Any, low: int, high: int) -> int:
    """Require an integer in a range."""
    need(type(value) is int and low <= value <= high, f"an integer must be from {low} to {high}")
    return int(value)


def listed(value: Any, length: int | None = None) -> list[Any]:
    """Require a list, of a given length where one is given."""
    need(isinstance(value, list) and length in (None, len(value)), "a list has the wrong length")
    return list(value)


def number(word: Any, least_: float = -inf) -> float:
    """Require a finite float64 in hexadecimal, exactly as Python writes it; "0" for zero."""
    try:
        value = 0.0 if word == "0" else float.fromhex(word)
    except (ValueError, TypeError, OverflowError) as error:
        raise RejectedError("a number is not a hexadecimal float") from error
    need(word == "0" or (value.hex() == word and abs(value) < inf), "a float is malformed")
    need(value >= least_, "a number is too small")
    return value


def complexes(words: Any, count: int) -> list[complex]:
    """Require `count` complex numbers: real and imaginary parts, separated by single spaces."""
    need(isinstance(words, str), "numbers must be a string")
    values = [number(word) for word in words.split(" ")]
    need(len(values) == 2 * count, "a matrix has the wrong number of entries")
    return list(map(complex, values[::2], values[1::2]))


class Claim(NamedTuple):
    """What is asked, what is said to be true of it, and what is to prove it."""

    question: dict[str, Any]
    evidence: dict[str, Any]
    value: int
    gap: float


class Model:
    """Terms {R: entries of H_R row by row}, and how momenta are divided.

    R is in one half space for Hermitian H, anywhere for a chiral block. Energies are over
    2^exponent, so that floats, which only suggest things, do not underflow.
    """

    def __init__(self, claim: Claim, n: int, dim: int, *, block: bool = False) -> None:
        start = [whole(x, 1, MAX_START) for x in listed(claim.evidence["start"], dim)]
        depth = whole(claim.evidence["depth"], 0, DEEPEST[dim])
        self.n, self.dim, self.start, self.depth = n, dim, start, depth
        self.size = [x << depth for x in start]
        given: dict[Point, list[complex]] = {}
        for item in listed(claim.question["hoppings"]):
            vector, words = listed(item, 2)
            at = tuple(whole(x, -MAX_RANGE, MAX_RANGE) for x in listed(vector, dim))
            need(at not in given and (block or at >= (0,) * dim), "a lattice vector comes twice")
            given[at] = complexes(words, n * n)
        home = given.get((0,) * dim, [0j] * (n * n))
        good = block or all(home[i] == home[i % n * n + i // n].conjugate() for i in range(n * n))
        need(good, "the matrix at R = 0 is not Hermitian")
        parts = (max(abs(z.real), abs(z.imag)) for entries in given.values() for z in entries)
        self.exponent = frexp(max(parts, default=0.0))[1]
        self.scale = arb((1, -self.exponent))
        self.terms = {r: [acb(z) * self.scale for z in entries] for r, entries in given.items()}
        self.error = number(claim.question["amplitude_error"], 0.0) * self.scale
        self.gap = claim.gap * self.scale


class Leaf(NamedTuple):
    """Lowest corner and edges of a cell in units of the finest lattice."""

    corner: Point
    edge: Point


def tree(bits: Any, start: Sequence[int], depth: int) -> list[Leaf]:
    """Leaves of a tree, which tile the box by construction; 2. of the page."""
    need(isinstance(bits, str) and re.fullmatch("[01]*", bits), "a tree must be a string of bits")
    need(prod(start) <= len(bits), "leaves are missing")
    rest, dim = iter(bits), len(start)

    def divided(corner: Point, edge: int) -> Iterator[Leaf]:
        bit = next(rest, "")
        need(bit, "leaves are missing")
        if bit == "0":
            yield Leaf(corner, (edge,) * dim)
            return
        need(edge > 1, "a tree is deeper than it says")
        for child in product((0, edge // 2), repeat=dim):
            yield from divided(tuple(map(add, corner, child)), edge // 2)

    firsts = product(*(range(0, n << depth, 1 << depth) for n in start))
    leaves = [leaf for first in firsts for leaf in divided(first, 1 << depth)]
    need(not next(rest, ""), "a tree has more leaves than its box")
    return leaves


# ---------------------------------------------------------------- balls and matrices of balls


def least(*values: arb) -> arb:
    """Ball that contains the smallest of some numbers."""
    return reduce(lambda a, b: a.min(b), values)


def most(*values: arb) -> arb:
    """Ball that contains the largest of some numbers."""
    return reduce(lambda a, b: a.max(b), values)


def total(values: Iterator[arb]) -> arb:
    """Sum, also of nothing."""
    return sum(values, arb(0))


def integer(x: arb) -> int:
    """Return the only integer in a ball."""
    found = x.unique_fmpz()
    if found is None:
        raise RejectedError("a sum is not known well enough")
    return int(found)


def argument(z: acb) -> arb:
    """One value of arg z, in a narrow ball also next to the negative axis."""
    need(z.abs_lower() > 0, "a determinant may vanish")
    return z.arg() if z.real.mid() >= 0 else (-z).arg() + PI


def dagger(x: acb_mat) -> acb_mat:
    """Conjugate transpose."""
    return x.conjugate().transpose()


def frobenius(x: acb_mat) -> arb:
    """Root of the sum of squares, from above."""
    row = acb_mat(1, x.nrows() * x.ncols(), x.entries())
    return arb((row * dagger(row)).trace().abs_upper()).sqrt()


def norm(x: acb_mat) -> arb:
    """Operator norm from above, by |X|^16 <= |(X^dagger X)^4|_F^2."""
    gram = dagger(x) * x if x.ncols() <= x.nrows() else x * dagger(x)
    square = gram * gram
    return frobenius(square * square).sqrt().sqrt().sqrt()


def unitary(z: acb_mat) -> acb_mat:
    """Polar factor Z (1 + E)^(-1/2), E = Z^dagger Z - 1, of a nearly unitary matrix."""
    e = dagger(z) * z - 1
    size = frobenius(e)
    need(size < 0.001, "a basis is far from orthonormal")
    n, rest = z.nrows(), PLUS_MINUS * size * size * size / 3  # |Z| sum of 5/16 |E|^m from m = 3
    return z * (1 - e / 2 + e * e * 3 / 8) + acb_mat(n, n, [acb(rest, rest)] * (n * n))


def highest(x: acb_mat, level: float) -> arb:
    """Largest eigenvalue from above, by a Cholesky factor of level - X and its residual.

    If level - X = L L^dagger + R, then X is at most level + |R|, whatever L is.
    """
    rest, n = level - x, x.nrows()
    rows, bars = list[list[complex]](), list[list[complex]]()
    for i, given in enumerate(rest.tolist()):
        row: list[complex] = []
        for j in range(i):
            row.append((complex(given[j]) - sum(map(mul, row, bars[j]))) / bars[j][j])
        square = complex(given[i]).real - sum(abs(z) ** 2 for z in row)
        need(square > 0.0, "a block is not on its side of the gap")
        rows.append([*row, sqrt(square)])
        bars.append([z.conjugate() for z in rows[i]])
    lower = acb_mat([row + [0] * (n - len(row)) for row in rows])
    return level + frobenius(rest - lower * dagger(lower))


# ---------------------------------------------------------------- 3. winding number


def chord(f0: acb, f1: acb) -> arb:
    """Distance of the segment from 0, from below: along any direction u its ends decide."""
    step = f1 - f0
    size = (step * step.conjugate()).real
    share = float(-(f0.conjugate() * step).real / size) if size > 0 else 0.0
    u = (f0 + step * min(1.0, max(0.0, share))).mid()
    need(abs(u) > 0, "the determinant vanishes")
    return least((u.conjugate() * f0).real, (u.conjugate() * f1).real) / abs(u)


def smallest_singular(n: int, det: arb, norm2: arb) -> arb:
    """Bound of the smallest singular value from |det| > 0 and |D|_F^2; exact for n <= 2."""
    if n == 2:
        root = most(arb(0), arb((norm2 - 2 * det).upper())).sqrt()
        return 2 * det / ((norm2 + 2 * det).sqrt() + root)
    return det if n == 1 else det * (arb(n - 1) / norm2) ** (arb(n - 1) / 2)


def winding(claim: Claim) -> None:
    """Winding number of det D(k); 3. of the page."""
    n = whole(claim.question["block"], 1, 16)
    h = Model(claim, n, 1, block=True)
    need(h.terms, "there are no hoppings")
    low, high = min(h.terms)[0], max(h.terms)[0]
    width, zero, (fine,) = high - low, [acb(0)] * (n * n), h.size
    leaves, points = tree(claim.evidence["tree"], h.start, h.depth), max(n, 2) * width + 1
    work = points * max(len(leaves), 2000 * n * n)
    need(work <= MAX_WORK, "the determinant has too many harmonics")
    # D at roots of unity, entry by entry; from these det D = z^(n low) f and |D|_F^2 = g
    terms = [h.terms.get((s,), zero) for s in range(low, high + 1)]
    padded = [[*x, *[acb(0)] * (points - len(x))] for x in zip(*terms, strict=True)]
    at = [acb_mat(n, n, x) for x in zip(*map(acb.dft, padded), strict=True)]
    f = acb.dft([x.det() for x in at], inverse=True)
    g = acb.dft([(dagger(x) * x).trace() for x in at], inverse=True)
    g = [g[m - width] for m in range(2 * width + 1)]  # times z^width
    det, norm2 = acb_poly(f), acb_poly(g)
    weight = total(map(abs, f))
    need(weight > 0, "the determinant vanishes")
    shift = round(float(total(m * abs(x) for m, x in enumerate(f)) / weight))
    # second derivatives of f, with z^shift taken out, and of g at most:
    f2 = total((m - shift) ** 2 * abs(x) for m, x in enumerate(f))
    g2 = total((m - width) ** 2 * abs(x) for m, x in enumerate(g))
    value, size = list[acb](), list[arb]()
    for leaf in leaves:
        z, back, across = (
            acb(0, 2 * PI * fmpq(m * leaf.corner[0] % fine, fine)).exp()
            for m in (1, -shift, -width)
        )
        value.append(det(z) * back)
        size.append((norm2(z) * across).real)
    turns = arb(0)
    for i, leaf in enumerate(leaves):
        j = (i + 1) % len(leaves)
        square = (2 * PI * leaf.edge[0] / fine) ** 2 / 8
        away = chord(value[i], value[j]) - square * f2
        need(away > 0, "the determinant may vanish on an interval")
        sigma = smallest_singular(n, away, most(size[i], size[j]) + square * g2)
        good = sigma > h.error and sigma >= h.gap / 2 + h.error
        need(good, "the gap may be smaller on an interval")
        turns += (value[j] / value[i]).arg()  # below pi in size: the image is in a half plane
    settle(integer(turns / (2 * PI)) + n * low + shift, claim)


def settle(found: int, claim: Claim) -> None:
    """Require that an integer is the one claimed."""
    need(found == claim.value, f"the integer is {found}, not {claim.value}")


# ---------------------------------------------------------------- 5. gap of many bands


@dataclass(frozen=True, eq=False)
class Frame:
    """Basis (V, W) of a cell; the occupied space is V + W T there, |T|_F <= tau, |T| <= most."""

    v: acb_mat
    w: acb_mat
    tau: arb
    most: arb


def corners(x: dict[Point, acb_mat], dim: int) -> Iterator[acb_mat]:
    """Block at each corner, with half of the range of pure second derivatives."""
    base = reduce(add, (x[i, i] / 4 for i in range(dim)), x[()])
    slopes = [(order, y) for order, y in x.items() if order and len(set(order)) == len(order)]
    for signs in product((1, -1), repeat=dim):
        yield reduce(add, (y * prod(signs[i] for i in order) for order, y in slopes), base)


class Bands(Model):
    """Hamiltonian at k = unit (origin + step x), x on an integer lattice, and how it is divided."""

    def __init__(self, claim: Claim, *, half: bool = False) -> None:
        ask = claim.question
        dim, n = whole(ask["dimension"], 1, 3), whole(ask["bands"], 2, MAX_BANDS)
        super().__init__(claim, n, dim)
        self.filled, terms = whole(ask["n_occupied"], 1, n - 1), self.terms
        if "centre" in ask:
            middle, reach = ([fmpq(*number(x).as_integer_ratio()) for x in listed(ask[name], dim)]
                             for name in ("centre", "half_width"))  # fmt: skip
            need(all(x > 0 for x in reach), "the box is empty")
            self.unit, self.origin = arb(1), [c - x for c, x in zip(middle, reach, strict=True)]
        else:
            reach = [fmpq(1, 2 if half and axis == 0 else 1) for axis in range(dim)]
            self.unit, self.origin = PI, [fmpq(0)] * dim
        self.step = [2 * x / m for x, m in zip(reach, self.size, strict=True)]
        self.home = acb_mat(n, n, terms.pop((0,) * dim, [acb(0)] * (n * n)))
        self.vectors, self.matrices = list(terms), [acb_mat(n, n, x) for x in terms.values()]
        self.table = acb_mat(len(terms), n * n, [z for x in terms.values() for z in x])
        self.norms = [norm(x) for x in self.matrices]
        self.work, self.wrong = 0, arb(0)  # violation of a symmetry
        self.edges = list[tuple[arb, arb]]()  # above all occupied, below all empty levels of cells

    def leaves(self, bits: Any, *axes: int) -> list[Leaf]:
        """Leaves of the whole box, or of some of its axes."""
        found = tree(bits, [self.start[i] for i in axes or range(self.dim)], self.depth)
        need(len(found) * len(self.vectors) <= MAX_WAVES, "too many hoppings for so many cells")
        return found

    def waves(self, point: Sequence[int | fmpq]) -> acb_mat:
        """Row of e^(ik.R) for each R."""
        self.work += len(self.vectors)
        need(self.work <= MAX_WAVES, "too many hoppings for so many cells")
        k = [o + s * x for o, s, x in zip(self.origin, self.step, point, strict=True)]
        phases = [self.unit * sum(map(mul, r, k), fmpq(0)) for r in self.vectors]
        return acb_mat(1, len(phases), [acb(0, x).exp() for x in phases])

    def taylor(self, leaf: Leaf) -> tuple[dict[Point, acb_mat], arb]:
        """H, its first and second derivatives times half edges at the centre, and the rest.

        Derivatives are named by the sides along which they are taken.
        """
        waves = self.waves([c + fmpq(e, 2) for c, e in zip(*leaf, strict=True)]).entries()
        reach = [
            [self.unit * self.step[axis] * edge / 2 * r[axis] for r in self.vectors]
            for axis, edge in enumerate(leaf.edge) if edge
        ]  # fmt: skip
        found, rest, sides = dict[Point, acb_mat](), arb(0), range(len(reach))
        for order in ((), *((i,) for i in sides), *combinations_with_replacement(sides, 2)):
            row = [
                reduce(mul, (acb(0, reach[i][m]) for i in order), w) for m, w in enumerate(waves)
            ]
            terms = acb_mat(1, len(row), row) * self.table
            half = acb_mat(self.n, self.n, terms.entries())
            found[order] = half + dagger(half)
        found[()] += self.home
        for signs in product((1, -1), repeat=len(reach)):
            at = (abs(sum(map(mul, signs, q), arb(0))) for q in zip(*reach, strict=True))
            rest = most(
                rest, total(x * x * x * a / 3 for x, a in zip(at, self.norms, strict=False))
            )
        return found, rest

    def frame(
        self, leaf: Leaf, basis: acb_mat, levels: Sequence[float], *, turning: bool = True
    ) -> Frame:
        """Prove the gap on a cell, and how far the occupied space can turn; 5. of the page."""
        derivatives, rest = self.taylor(leaf)
        dim, m, rest = sum(e > 0 for e in leaf.edge), self.filled, rest + self.error
        rows = unitary(basis).tolist()
        v, w = acb_mat([row[:m] for row in rows]), acb_mat([row[m:] for row in rows])
        a, b, k = (dict[Point, acb_mat]() for _ in range(3))
        for order, x in derivatives.items():
            xv = x * v
            a[order], b[order], k[order] = dagger(v) * xv, dagger(w) * xv, dagger(w) * (x * w)
        each = [ldexp(x, -self.exponent) for x in levels]
        parts = zip(corners(a, dim), corners(k, dim), each[::2], each[1::2], strict=True)
        blocks = [(highest(x, low), -highest(-y, -high)) for x, y, low, high in parts]
        bend, flex = (total(norm(x[i, i]) for i in range(dim)) / 4 + rest for x in (a, k))
        gap = least(*(high - low for low, high in blocks)) - bend - flex
        edges = most(*(x for x, _ in blocks)) + bend, least(*(x for _, x in blocks)) - flex
        self.edges.append(edges)
        need(gap >= self.gap, "the gap may be smaller on a cell")
        gap -= 2 * self.wrong
        need(gap > 0, "the gap may close on a cell")
        if not turning:
            return Frame(v, w, arb(0), arb(0))
        both = []  # |tan 2 Theta|, Theta the angles by which the occupied space turns
        for measure, rank in ((frobenius, min(m, self.n - m)), (norm, 1)):
            turned = arb(rank).sqrt() * (rest + self.wrong)
            turned += most(arb(0), *(
                measure(reduce(add, (b[i,] * s for i, s in enumerate(signs))))
                for signs in product((1, -1), repeat=dim) if signs[:1] == (1,)
            ))  # fmt: skip
            for order, x in b.items():
                if len(order) != 1:
                    turned += measure(x) / (2 if len(set(order)) < len(order) else 1)
            both.append(2 * turned / gap)
        tangent = least(*both)
        return Frame(v, w, both[0] / 2, tangent / (1 + (1 + tangent * tangent).sqrt()))


def stored(data: dict[str, Any], n: int, count: int, corners_: int) -> Iterator[tuple[Any, ...]]:
    """Bases and energies of cells, in order: little-endian float32 and float64 in base64."""
    parts = {"bases": struct.Struct(f"<{2 * n * n}f"), "levels": struct.Struct(f"<{2 * corners_}d")}
    try:
        raw = [base64.b64decode(data[name], validate=True) for name in parts]
    except (TypeError, ValueError) as error:
        raise RejectedError("an array is not base64") from error
    good = [len(x) == count * part.size for x, part in zip(raw, parts.values(), strict=True)]
    need(all(good), "an array has the wrong length")
    bases, levels = (part.iter_unpack(x) for x, part in zip(raw, parts.values(), strict=True))
    matrices = (acb_mat(n, n, list(map(acb, z[::2], z[1::2]))) for z in bases)
    return zip(matrices, levels, strict=True)


def gap(claim: Claim) -> None:
    """Direct gap in one to three dimensions; 5. of the page."""
    bands = Bands(claim)
    settle(bands.filled, claim)  # the value of a gap is the number of bands below it
    prove_cells(bands, claim)


def prove_cells(bands: Bands, claim: Claim) -> None:
    """Prove the gap on all leaves."""
    leaves = bands.leaves(claim.evidence["tree"])
    cells = stored(claim.evidence, bands.n, len(leaves), 1 << bands.dim)
    for leaf, basis in zip(leaves, cells, strict=True):
        bands.frame(leaf, *basis, turning=False)


def indirect(claim: Claim) -> None:
    """All occupied levels below all empty ones, and an energy between them; 5. of the page."""
    bands = Bands(claim)
    settle(bands.filled, claim)
    prove_cells(bands, claim)
    below, above = zip(*bands.edges, strict=True)
    top, bottom = most(*below), least(*above)
    need(bottom - top >= bands.gap, "the gap may be smaller")
    need(bottom > top, "the bands may overlap")
    if "level" in claim.question:
        level = number(claim.question["level"]) * bands.scale
        need(top < level < bottom, "the energy may not lie in the gap")


# ---------------------------------------------------------------- sides of cells


class Side(NamedTuple):
    """Side of a cell on a line, from low to high."""

    low: int
    high: int
    cell: Any


class Surface:
    """Cells of a surface, whose sides are matched piece by piece.

    What a subclass knows of each cell is noted by `add`; `edge` is told of each piece.
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


def weyl(claim: Claim) -> None:
    """Flux out of a box; 7. of the page."""
    bands = Bands(claim)
    phases = Phases(bands, claim.evidence, (0, 0, 0))
    for face, data in enumerate(listed(claim.evidence["faces"], 6)):
        (normal, up), leaves = divmod(face, 2), list[Leaf]()
        u, v = (normal + 1) % 3, (normal + 2) % 3
        keys(data, "tree bases levels")
        for (x, y), (a, b) in bands.leaves(data["tree"], u, v):
            corner, edge = [up * bands.size[normal]] * 3, [0] * 3
            corner[u], corner[v], edge[u], edge[v] = x, y, a, b
            leaves.append(Leaf(tuple(corner), tuple(edge)))
        phases.cells(data, leaves, u, v, up)
    settle(phases.total(), claim)


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


# ---------------------------------------------------------------- 10. the program

#: What proves each quantity, its dimensions, and what is in its question and in its evidence.
BANDS = "quantity dimension bands n_occupied hoppings amplitude_error"
CELLS = "start depth tree bases levels"
CHECKS = {
    "winding number": (
        winding,
        (None,),
        "quantity block hoppings amplitude_error",
        "start depth tree",
    ),
    "gap": (gap, (1, 2, 3), BANDS, CELLS),
    "indirect gap": (indirect, (1, 2, 3), BANDS, CELLS),
    "gap around an energy": (indirect, (1, 2, 3), BANDS + " level", CELLS),
    "Chern number": (chern, (2,), BANDS, CELLS + " thin points"),
    "Z2 invariant": (z2, (2,), BANDS + " time_reversal symmetry_violation", CELLS + " thin points"),
    "Majorana number": (majorana, (1,), BANDS + " particle_hole symmetry_violation", CELLS),
    "Weyl charge": (weyl, (3,), BANDS + " centre half_width", "start depth faces thin points"),
}
#: Chern numbers without bases are those of two bands.
TWO_BANDS = (two_bands, (2,), BANDS, "start depth tree")


def check(text: str) -> str:
    """Check the text of a certificate; what it proves, or `RejectedError`, `UnreadableError`."""
    data = read(text)
    question, evidence = data["question"], data["evidence"]
    said = keys(data["claim"], "value gap_lower")
    value, lower = whole(said["value"], -(10**12), 10**12), number(said["gap_lower"], 0.0)
    need(isinstance(question, dict) and isinstance(evidence, dict), "an object is missing")
    quantity = question.get("quantity")
    need(isinstance(quantity, str) and quantity in CHECKS, "the quantity is unknown")
    two = quantity == "Chern number" and "bases" not in evidence
    prove, dims, asked, shown = TWO_BANDS if two else CHECKS[quantity]
    keys(question, asked)
    keys(evidence, shown)
    need(question.get("dimension") in dims, "the dimension is not one of this quantity")
    ctx.prec = 256 if quantity == "winding number" else 128
    try:
        prove(Claim(question, evidence, value, lower))
    except (ArithmeticError, ValueError, RecursionError, MemoryError) as error:
        reason = f"the numbers cannot be worked with ({type(error).__name__})"
        raise RejectedError(reason) from error
    return f"{quantity} {value}, gap at least {rounded_down(lower)}"


def rounded_down(bound: float) -> str:
    """Six digits of a proven bound that are proven, too."""
    six = Context(prec=6, rounding=ROUND_FLOOR).create_decimal(Decimal(bound))
    return f"{float(six):.6g}"


def contents(path: Path) -> str:
    """Text of a regular file; pipes and devices could keep us waiting, or fill the memory."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise UnreadableError("no file, or one that is too large")
    return path.read_bytes().decode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Check files; 0 if all are accepted, 1 if one is rejected, 2 if one cannot be read."""
    names = sys.argv[1:] if arguments is None else list(arguments)
    status = 0 if names else 2
    for name in names:
        try:
            print(f"{name}: accepted: {check(contents(Path(name)))}")
        except (OSError, UnicodeDecodeError, UnreadableError) as error:
            print(f"{name}: unreadable: {error}")
            status = 2
        except RejectedError as error:
            print(f"{name}: rejected: {error}")
            status = max(status, 1)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
