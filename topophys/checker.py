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
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise, product
from math import frexp, inf, ldexp, prod, sqrt
from operator import add, mul
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from flint import acb, acb_mat, acb_poly, arb, arb_mat, ctx, fmpq

FORMAT, VERSION = "topophys certificate", 1
#: Limits that keep time and memory in proportion to the file.
MAX_BYTES, MAX_BANDS, MAX_RANGE, MAX_START, MAX_WORK = 2**31, 256, 10**6, 10**6, 2 * 10**8
DEEPEST = {1: 48, 2: 26, 3: 20}
ctx.prec = 256
PI, PLUS_MINUS = arb.pi(), arb(0, 1)
Point: TypeAlias = tuple[int, ...]


class RejectedError(Exception):
    """The file does not prove its claim."""


class UnreadableError(Exception):
    """The file is no certificate."""


def need(condition: object, reason: str) -> None:
    """Reject unless the condition holds; comparisons of balls hold only if they are certain."""
    if not condition:
        raise RejectedError(reason)


# ---------------------------------------------------------------- 1. reading


def read(text: str) -> dict[str, Any]:
    """Parse strictly: no duplicate keys, no floats, no huge integers, no NaN."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len(dict(pairs)) == len(pairs), "a key comes twice")
        return dict(pairs)

    def integer(digits: str) -> int:
        need(len(digits) < 19, "an integer is too large")
        return int(digits)

    def refuse(_: str) -> Any:
        raise RejectedError("numbers must be integers or hexadecimal strings")

    try:
        data = json.loads(
            text, object_pairs_hook=unique, parse_int=integer, parse_float=refuse,
            parse_constant=refuse,
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise UnreadableError("not JSON") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise UnreadableError(f'not a "{FORMAT}"')
    if data.get("version") != VERSION or isinstance(data["version"], bool):
        raise UnreadableError(f"another version; this checker reads {VERSION}")
    return data


def keys(value: Any, names: str) -> dict[str, Any]:
    """Require an object with exactly these keys."""
    need(isinstance(value, dict) and set(value) == set(names.split()), f"keys must be: {names}")
    return dict(value)


def whole(value: Any, low: int, high: int) -> int:
    """Require an integer in a range."""
    good = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    need(good, f"an integer must be from {low} to {high}")
    return int(value)


def listed(value: Any, length: int | None = None) -> list[Any]:
    """Require a list, of a given length where one is given."""
    good = isinstance(value, list) and (length is None or len(value) == length)
    need(good, "a list is missing or has the wrong length")
    return list(value)


def number(word: Any, least: float = -inf) -> float:
    """Require a finite float64 in hexadecimal, exactly as Python writes it; "0" for zero."""
    try:
        value = 0.0 if word == "0" else float.fromhex(word)
    except (ValueError, TypeError, OverflowError) as error:
        raise RejectedError("a number is not a hexadecimal float") from error
    need(word == "0" or (value.hex() == word and abs(value) < inf), "a float is malformed")
    need(value >= least, "a number is too small")
    return value


def complexes(words: Any, count: int) -> list[complex]:
    """Require `count` complex numbers: real and imaginary parts, separated by single spaces."""
    need(isinstance(words, str), "numbers must be a string")
    values = [number(word) for word in words.split(" ")]
    need(len(values) == 2 * count, "a matrix has the wrong number of entries")
    return list(map(complex, values[::2], values[1::2]))


def floats(text: Any, kind: str, count: int) -> array[float]:
    """Decode base64 of little-endian float32 (kind "f") or float64 ("d")."""
    out: array[float] = array(kind)
    good = isinstance(text, str) and len(text) == 4 * ((count * out.itemsize + 2) // 3)
    need(good, "an array is missing or has the wrong length")
    try:
        out.frombytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise RejectedError("an array is not base64") from error
    if sys.byteorder == "big":
        out.byteswap()
    need(len(out) == count and all(abs(x) < 1e300 for x in out), "an array is malformed")
    return out


class Claim(NamedTuple):
    """What is asked, what is said to be true of it, and what is to prove it."""

    question: dict[str, Any]
    evidence: dict[str, Any]
    value: int
    gap: float


class Hoppings(NamedTuple):
    """H(k) = sum_R H_R e^(ik.R), in units of 2^exponent, which is above all entries.

    Terms {R: entries row by row} are of R in one half space for Hermitian H, of all R for a block.
    """

    terms: dict[Point, list[acb]]
    exponent: int
    error: arb
    gap: arb


def hoppings(claim: Claim, n: int, dim: int, *, block: bool = False) -> Hoppings:
    """Read hoppings, and scale them: floats, which only suggest things, shall not underflow."""
    given: dict[Point, list[complex]] = {}
    for item in listed(claim.question["hoppings"]):
        vector, words = listed(item, 2)
        at = tuple(whole(x, -MAX_RANGE, MAX_RANGE) for x in listed(vector, dim))
        need(at not in given and (block or at >= (0,) * dim), "a lattice vector comes twice")
        given[at] = complexes(words, n * n)
    home = given.get((0,) * dim, [0j] * (n * n))
    good = block or all(home[i] == home[i % n * n + i // n].conjugate() for i in range(n * n))
    need(good, "the matrix at R = 0 is not Hermitian")
    parts = [max(abs(z.real), abs(z.imag)) for entries in given.values() for z in entries]
    exponent = frexp(max(parts, default=0.0))[1]
    unit = arb((1, -exponent))
    terms = {r: [acb(z) * unit for z in entries] for r, entries in given.items()}
    error = number(claim.question["amplitude_error"], 0.0)
    return Hoppings(terms, exponent, error * unit, claim.gap * unit)


class Leaf(NamedTuple):
    """Lowest corner and edges in units of the finest lattice."""

    corner: Point
    edge: Point


def tree(bits: Any, start: Sequence[int], depth: int) -> list[Leaf]:
    """Leaves of a tree, which tile the box by construction; 2. of the page."""
    dim = len(start)
    need(isinstance(bits, str) and re.fullmatch("[01]*", bits), "a tree must be a string of bits")
    need(prod(start) <= len(bits), "leaves are missing")
    children, leaves, rest = list(product((1, 0), repeat=dim)), [], iter(bits)
    for first in product(*(range(n) for n in start)):
        stack = [(tuple(x << depth for x in first), 1 << depth)]
        while stack:
            corner, edge = stack.pop()
            bit = next(rest, "")
            need(bit, "leaves are missing")
            if bit == "0":
                leaves.append(Leaf(corner, (edge,) * dim))
                continue
            need(edge > 1, "a tree is deeper than it says")
            for child in children:
                moved = tuple(c + edge // 2 * b for c, b in zip(corner, child, strict=True))
                stack.append((moved, edge // 2))
    need(not next(rest, ""), "a tree has more leaves than its box")
    return leaves


def box(evidence: dict[str, Any], dim: int) -> tuple[list[int], int]:
    """Numbers of starting cells and the largest depth."""
    start = [whole(n, 1, MAX_START) for n in listed(evidence["start"], dim)]
    return start, whole(evidence["depth"], 0, DEEPEST[dim])


# ---------------------------------------------------------------- 3. winding number


def determinant(entries: list[list[acb_poly]]) -> acb_poly:
    """Expand along rows; minors of the first i rows by their set of columns."""
    minors = {0: acb_poly([1])}
    for row in entries:
        step: dict[int, acb_poly] = defaultdict(acb_poly)
        for used, minor in minors.items():
            for j, entry in enumerate(row):
                if not used >> j & 1:
                    odd = (used >> j).bit_count() % 2
                    step[used | 1 << j] += minor * (-entry if odd else entry)
        minors = step
    return minors[(1 << len(entries)) - 1]


def turn(p: int, fine: int) -> acb:
    """e^(2 pi i p / fine)."""
    return acb(0, 2 * PI * fmpq(p % fine, fine)).exp()


def least(*values: arb) -> arb:
    """Ball that contains the smallest of some numbers."""
    return reduce(lambda a, b: a.min(b), values)


def most(*values: arb) -> arb:
    """Ball that contains the largest of some numbers."""
    return reduce(lambda a, b: a.max(b), values)


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
    if n == 1:
        return det
    if n == 2:
        root = most(arb(0), arb((norm2 - 2 * det).upper())).sqrt()
        return 2 * det / ((norm2 + 2 * det).sqrt() + root)
    return det * (arb(n - 1) / norm2) ** (arb(n - 1) / 2)


def winding(claim: Claim) -> None:
    """Winding number of det D(k); 3. of the page."""
    keys(claim.question, "quantity block hoppings amplitude_error")
    keys(claim.evidence, "start depth tree")
    n = whole(claim.question["block"], 1, 16)
    h = hoppings(claim, n, 1, block=True)
    need(h.terms, "there are no hoppings")
    low, high = min(h.terms)[0], max(h.terms)[0]
    width = high - low
    (start,), depth = box(claim.evidence, 1)
    leaves = tree(claim.evidence["tree"], (start,), depth)
    work = (n * width + 1) * max(len(leaves), 2 * n * 2**n)
    need(work <= MAX_WORK and width <= 20_000, "the determinant has too many harmonics")
    zero, norms, rows = [acb(0)] * (n * n), acb_poly(), list[list[acb_poly]]()
    for i in range(n):
        rows.append([])
        for j in range(n):
            entry = [h.terms.get((s,), zero)[i * n + j] for s in range(low, high + 1)]
            rows[i].append(acb_poly(entry))
            if n > 1:  # |D|_F^2, times z^width
                norms += rows[i][j] * acb_poly([z.conjugate() for z in reversed(entry)])
    det = determinant(rows)
    found = det.coeffs()
    weight = sum(map(abs, found), arb(0))
    need(weight > 0, "the determinant vanishes")
    shift = round(float(sum((m * abs(f) for m, f in enumerate(found)), arb(0)) / weight))
    # det D = z^(n low + shift) f; second derivatives of f and of |D|_F^2 at most:
    f2 = sum(((m - shift) ** 2 * abs(f) for m, f in enumerate(found)), arb(0))
    g2 = sum(((m - width) ** 2 * abs(g) for m, g in enumerate(norms.coeffs())), arb(0))
    fine = start << depth
    points = [leaf.corner[0] for leaf in leaves]
    value = [det(turn(p, fine)) * turn(-shift * p, fine) for p in points]
    size = [(norms(turn(p, fine)) * turn(-width * p, fine)).real for p in points]
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
    need(integer(turns / (2 * PI)) + n * low + shift == claim.value, "it is another integer")


def integer(total: arb) -> int:
    """Return the only integer in a ball."""
    found = total.unique_fmpz()
    if found is None:
        raise RejectedError("a sum is not known well enough")
    return int(found)


# ---------------------------------------------------------------- what all others share


def dagger(x: acb_mat) -> acb_mat:
    """Conjugate transpose."""
    return x.conjugate().transpose()


def frobenius(x: acb_mat) -> arb:
    """Root of the sum of squares, from above."""
    return arb((dagger(x) * x).trace().abs_upper()).sqrt()


def norm(x: acb_mat) -> arb:
    """Operator norm from above, by |X|^16 <= |(X^dagger X)^4|_F^2."""
    gram = dagger(x) * x if x.ncols() <= x.nrows() else x * dagger(x)
    square = gram * gram
    return frobenius(square * square).sqrt().sqrt().sqrt()


class Bands:
    """Hamiltonian at k = unit (origin + step x), x on an integer lattice."""

    def __init__(
        self, claim: Claim, unit: arb, origin: Sequence[fmpq], step: Sequence[fmpq]
    ) -> None:
        self.dim, self.n, self.filled = sizes(claim)
        self.unit, self.origin, self.step, self.work = unit, origin, step, 0
        h, n = hoppings(claim, self.n, self.dim), self.n
        self.exponent, self.error, self.gap = h.exponent, h.error, h.gap
        self.home = acb_mat(n, n, h.terms.pop((0,) * self.dim, [acb(0)] * (n * n)))
        self.vectors, self.matrices = list(h.terms), [acb_mat(n, n, x) for x in h.terms.values()]
        self.table = acb_mat(len(h.terms), n * n, [z for x in h.terms.values() for z in x])
        self.norms = [norm(x) for x in self.matrices]
        self.wrong = arb(0)  # violation of a symmetry
        self.known: dict[tuple[tuple[int, int], ...], tuple[list[list[acb]], arb]] = {}

    def waves(self, point: Sequence[int | fmpq]) -> list[acb]:
        """e^(ik.R) for each R."""
        self.work += 10 * len(self.vectors)
        need(self.work <= MAX_WORK, "too many hoppings for so many cells")
        k = [o + s * x for o, s, x in zip(self.origin, self.step, point, strict=True)]
        return [acb(0, self.unit * sum(map(mul, r, k), fmpq(0))).exp() for r in self.vectors]

    def weights(self, sides: tuple[tuple[int, int], ...]) -> tuple[list[list[acb]], arb]:
        """Factors of derivatives times half edges, and a bound of the third derivative.

        Cells extend by +-edge/2 along each (axis, edge).
        """
        if sides not in self.known:
            reach = [
                [self.unit * self.step[axis] * edge / 2 * r[axis] for r in self.vectors]
                for axis, edge in sides
            ]
            factors = [
                [reduce(mul, (acb(0, q[m]) for q in picked), acb(1)) for m in range(len(self.norms))]
                for picked in ([reach[i] for i in order] for order in orders(len(sides)))
            ]
            third = arb(0)
            for signs in product((1, -1), repeat=len(sides)):
                at = [sum(map(mul, signs, q), arb(0)) for q in zip(*reach, strict=True)]
                third = most(third, sum((abs(x * x * x) * a / 3 for x, a in zip(at, self.norms)), arb(0)))
            self.known[sides] = factors, third
        return self.known[sides]

    def derivatives(self, leaf: Leaf, sides: tuple[tuple[int, int], ...]) -> list[acb_mat]:
        """H and its derivatives times half edges at the centre of a cell, by `orders`."""
        waves = self.waves([c + fmpq(e, 2) for c, e in zip(*leaf, strict=True)])
        factors, _ = self.weights(sides)
        rows = [f * w for row in factors for f, w in zip(row, waves, strict=True)]
        found, n = [], self.n
        for row in (acb_mat(len(factors), len(waves), rows) * self.table).tolist():
            half = acb_mat(n, n, row)
            found.append(half + dagger(half))
        found[0] += self.home
        return found

    def frame(
        self, leaf: Leaf, basis: acb_mat, levels: Sequence[float], *, turning: bool = True
    ) -> Frame:
        """Prove the gap on a cell, and how far the occupied space can turn; 5. of the page."""
        sides = tuple((axis, e) for axis, e in enumerate(leaf.edge) if e)
        dim, zero = len(sides), arb(0)
        all_orders, rest = orders(dim), self.weights(sides)[1] + self.error
        rows = unitary(basis).tolist()
        v, w = (acb_mat([row[part] for row in rows])
                for part in (slice(self.filled), slice(self.filled, None)))  # fmt: skip
        vd, wd = dagger(v), dagger(w)
        a, b, k = (dict[Point, acb_mat]() for _ in range(3))
        for order, x in zip(all_orders, self.derivatives(leaf, sides), strict=True):
            xv = x * v
            a[order], b[order], k[order] = vd * xv, wd * xv, wd * (x * w)
        energies = [ldexp(x, -self.exponent) for x in levels]
        gap = least(*(
            -highest(-y, -high) - highest(x, low)
            for x, y, low, high in zip(corners(a, dim), corners(k, dim), energies[::2],
                                       energies[1::2], strict=True)
        ))  # fmt: skip
        gap -= sum((norm(x[i, i]) for x in (a, k) for i in range(dim)), zero) / 4 + 2 * rest
        need(gap >= self.gap, "the gap may be smaller on a cell")
        gap -= 2 * self.wrong
        need(gap > 0, "the gap may close on a cell")
        if not turning:
            return Frame(v, w, zero, zero)
        both = []  # |tan 2 Theta|, Theta the angles by which the occupied space turns
        ranks = arb(min(self.filled, self.n - self.filled)).sqrt()
        for measure, extra in ((frobenius, ranks), (norm, arb(1))):
            total = extra * (rest + self.wrong)
            slopes = [
                reduce(add, (b[i,] * s for i, s in enumerate(signs)))
                for signs in product((1, -1), repeat=dim) if signs[:1] == (1,)
            ]  # fmt: skip
            total += most(zero, *map(measure, slopes))
            for order, x in b.items():
                if len(order) != 1:
                    total += measure(x) / (2 if order and order[0] == order[1] else 1)
            both.append(2 * total / gap)
        tangent = least(*both)
        return Frame(v, w, both[0] / 2, tangent / (1 + (1 + tangent * tangent).sqrt()))


@dataclass(frozen=True, eq=False)
class Frame:
    """Basis (V, W) of a cell; the occupied space is V + W T there, |T|_F <= tau, |T| <= most."""

    v: acb_mat
    w: acb_mat
    tau: arb
    most: arb


def orders(dim: int) -> list[Point]:
    """Axes along which derivatives are taken: none, first and second derivatives."""
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
    return [(), *((i,) for i in range(dim)), *pairs]


def unitary(z: acb_mat) -> acb_mat:
    """Polar factor Z (Z^dagger Z)^(-1/2) of a nearly unitary matrix, by its series."""
    e = dagger(z) * z - 1
    size = frobenius(e)
    need(size < 0.001, "a basis is far from orthonormal")
    n, rest = z.nrows(), PLUS_MINUS * size * size * size / 3  # |Z| sum of 5/16 |E|^m from m = 3
    return z * (1 - e / 2 + e * e * 3 / 8) + acb_mat(n, n, [acb(rest, rest)] * (n * n))


def corners(x: dict[Point, acb_mat], dim: int) -> Iterator[acb_mat]:
    """Block at each corner, with half of the range of pure second derivatives."""
    base = reduce(add, (x[i, i] / 4 for i in range(dim)), x[()])
    slopes = [(order, y) for order, y in x.items() if order and len(set(order)) == len(order)]
    for signs in product((1, -1), repeat=dim):
        yield reduce(add, (y * prod(signs[i] for i in order) for order, y in slopes), base)


def highest(x: acb_mat, level: float) -> arb:
    """Largest eigenvalue from above, by a Cholesky factor of level - X and its residual.

    If level - X = L L^dagger + R, then X is at most level + |R|, whatever L is.
    """
    rest = arb(level) - x
    rows, bars, n = list[list[complex]](), list[list[complex]](), x.nrows()
    for i, given in enumerate(rest.tolist()):
        row: list[complex] = []
        for j in range(i):
            row.append((complex(given[j]) - sum(map(mul, row, bars[j]))) / bars[j][j])
        square = complex(given[i]).real - sum(abs(z) ** 2 for z in row)
        need(square > 0.0, "a block is not on its side of the gap")
        row.append(complex(sqrt(square)))
        rows.append(row)
        bars.append([z.conjugate() for z in row])
    lower = acb_mat([row + [0] * (n - len(row)) for row in rows])
    return level + frobenius(rest - lower * dagger(lower))


def sizes(claim: Claim) -> tuple[int, int, int]:
    """Dimension, number of bands and number of those below the gap."""
    n = whole(claim.question["bands"], 2, MAX_BANDS)
    return whole(claim.question["dimension"], 1, 3), n, whole(claim.question["n_occupied"], 1, n - 1)


def zone(claim: Claim, *, half: bool = False) -> tuple[Bands, list[Leaf], list[int]]:
    """Hamiltonian and leaves on the zone, or on its half 0 <= k_x <= pi."""
    dim, *_ = sizes(claim)
    start, depth = box(claim.evidence, dim)
    size = [m << depth for m in start]
    step = [fmpq(1 if half and axis == 0 else 2, m) for axis, m in enumerate(size)]
    bands = Bands(claim, PI, [fmpq(0)] * dim, step)
    return bands, tree(claim.evidence["tree"], start, depth), size


def stored(
    data: dict[str, Any], n: int, count: int, corners_: int
) -> Iterator[tuple[acb_mat, Sequence[float]]]:
    """Bases and energies of one kind of cell, in order."""
    size, each = 2 * n * n, 2 * corners_
    bases, levels = floats(data["bases"], "f", count * size), floats(data["levels"], "d", count * each)
    return (
        (acb_mat(n, n, list(map(acb, z[::2], z[1::2]))), levels[i * each : (i + 1) * each])
        for i in range(count) for z in [bases[i * size : (i + 1) * size]]
    )  # fmt: skip


def gap(claim: Claim) -> None:
    """Direct gap in one to three dimensions; 5. of the page."""
    keys(claim.evidence, "start depth tree bases levels")
    need(claim.value == sizes(claim)[2], "the value of a gap is the number of bands below it")
    bands, leaves, _ = zone(claim)
    cells = stored(claim.evidence, bands.n, len(leaves), 1 << bands.dim)
    for leaf, basis in zip(leaves, cells, strict=True):
        bands.frame(leaf, *basis, turning=False)


# ---------------------------------------------------------------- sides of cells

#: Axis along it, and the point on it whose coordinate along it is 0.
Line: TypeAlias = tuple[int, Point]


class Side(NamedTuple):
    """Side of a cell on a line, from low to high."""

    low: int
    high: int
    cell: Any


class Surface:
    """Cells of a surface, whose sides are matched piece by piece."""

    def __init__(self, bands: Bands, period: Sequence[int]) -> None:
        self.bands, self.period = bands, period  # of each coordinate, 0 where there is none
        self.sides: dict[Line, tuple[list[Side], list[Side]]]
        self.sides = defaultdict(lambda: ([], []))

    def add(self, leaf: Leaf, cell: Any, axes: tuple[int, int] = (0, 1), up: int = 1) -> None:
        """Note the sides of a cell; those that are run through downwards come second.

        `up`: anticlockwise is from the first axis to the second.
        """
        for axis, other, far in ((*axes, 0), (*axes[::-1], 1), (*axes, 1), (*axes[::-1], 0)):
            base = list(leaf.corner)
            base[other] += far * leaf.edge[other]
            low, base[axis] = base[axis], 0
            down = (far == (axis == axes[0])) == up
            side = Side(low, low + leaf.edge[axis], cell)
            self.sides[axis, self.wrapped(base)][down].append(side)

    def wrapped(self, point: Sequence[int]) -> Point:
        """Take a point to one period."""
        return tuple(x % m if m else x for x, m in zip(point, self.period, strict=True))

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

    def settle(self, value: int) -> None:
        """Match all lines; the integer must be the one claimed."""
        for line in sorted(self.sides):
            self.match(line, *self.sides[line])
        found = self.total()
        need(found == value, f"the integer is {found}, not {value}")


# ---------------------------------------------------------------- 4. two bands


class Degree(Surface):
    """Degree of d(k)/|d(k)|, H = d.sigma and a part that is the same for both bands."""

    def __init__(self, claim: Claim) -> None:
        keys(claim.evidence, "start depth tree")
        bands, leaves, period = zone(claim)
        super().__init__(bands, period)
        need(bands.n == 2, "more than two bands need bases")
        pauli = acb_mat([[0, 0, 1], [1, 1j, 0], [1, -1j, 0], [0, 0, -1]])
        self.table = bands.table * pauli  # tr(sigma H_R)
        self.mean = acb_mat(1, 4, bands.home.entries()) * pauli / 2
        self.area, self.seen = arb(0), dict[Point, tuple[list[arb], list[arb]]]()
        for leaf in leaves:
            self.add(leaf, self.direction(leaf))

    def field(self, point: Point) -> tuple[list[arb], list[arb]]:
        """d(k), and its direction."""
        point = self.wrapped(point)
        if point not in self.seen:
            waves = self.bands.waves(point)
            total = acb_mat(1, len(waves), waves) * self.table + self.mean
            d = [z.real for z in total.entries()]
            need(dot(d, d) > 0, "the gap may close at a corner")
            self.seen[point] = d, direction(d)
        return self.seen[point]

    def direction(self, leaf: Leaf) -> list[arb]:
        """A direction u with u.d > 0 on a cell: that of the nearest point of its hull or so."""
        bands, zero = self.bands, arb(0)
        squares = [(PI * s * e) ** 2 / 8 for s, e in zip(bands.step, leaf.edge, strict=True)]
        bends = [sum((q * x * x for q, x in zip(squares, r)), zero) for r in bands.vectors]
        (x, y), (a, b) = leaf
        ends = [self.field(p)[0] for p in product((x, x + a), (y, y + b))]
        floats_ = [list(map(float, d)) for d in ends]
        u = [sum(t) / 4 for t in zip(*floats_, strict=True)]
        for _ in range(12):
            exact = direction(list(map(arb, u)))
            along = (self.table * acb_mat(3, 1, exact)).entries()
            bend = sum(map(mul, bends, map(abs, along)), zero)
            margin = least(*(dot(exact, d) for d in ends)) - bend
            if margin > bands.error and margin >= bands.gap / 2 + bands.error:
                return exact
            nearest = min(floats_, key=lambda d: sum(map(mul, u, d)))
            step = [b - a for a, b in zip(u, nearest, strict=True)]
            length = sum(map(mul, step, step)) or 1.0
            t = min(1.0, max(0.0, -sum(map(mul, u, step)) / length))
            u = [a + t * b for a, b in zip(u, step, strict=True)]
        raise RejectedError("a cell is not proven to keep its gap")

    def edge(self, line: Line, low: int, high: int, one: Any, two: Any, sign: int) -> None:
        """Add the triangles that the interval spans with the directions of both cells."""
        start, end = (self.field(p)[1] for p in ends_of(line, low, high))
        self.area += sign * (solid_angle(one, start, end) - solid_angle(two, start, end))

    def total(self) -> int:
        """Return the degree."""
        return integer(self.area / (4 * PI))


def ends_of(line: Line, *positions: int) -> list[Point]:
    """Points of a line."""
    axis, base = line
    return [(*base[:axis], x, *base[axis + 1 :]) for x in positions]


def dot(a: Sequence[arb], b: Sequence[arb]) -> arb:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def direction(a: Sequence[arb]) -> list[arb]:
    """Unit vector."""
    size = dot(a, a).sqrt()
    return [x / size for x in a]


def solid_angle(a: Sequence[arb], b: Sequence[arb], c: Sequence[arb]) -> arb:
    """Signed area of a spherical triangle in an open half sphere (van Oosterom and Strackee)."""
    volume = arb_mat([list(a), list(b), list(c)]).det()
    return 2 * acb(1 + dot(a, b) + dot(b, c) + dot(c, a), volume).arg()


# ---------------------------------------------------------------- 6. phases on edges


def transition(one: Frame, two: Frame) -> arb:
    """Phase arg det(V_1^dagger P(k) V_2) as a ball that holds it wherever both frames are valid."""
    best = arb(4)
    for frame, other in ((one, two), (two, one)):
        low = dagger(frame.w) * other.v
        rank, sine = min(low.nrows(), low.ncols()), norm(low)
        if not sine < 1:
            continue
        cosine = (1 - sine * sine).sqrt()
        total = arb((frobenius(low) / cosine * frame.tau).upper())
        largest = arb(least(sine / cosine * frame.most, total).upper())
        if largest == 0:
            best = arb(0)
        elif largest < 1:
            best = least(best, least(arb(rank), total / largest) * largest.asin())
        if best < 0.01:
            break
    need(best < PI, "frames of neighbouring cells are too far apart")
    return argument((dagger(one.v) * two.v).det()) + PLUS_MINUS * best


def argument(z: acb) -> arb:
    """One value of arg z, in a narrow ball also next to the negative axis."""
    need(z.abs_lower() > 0, "a determinant may vanish")
    return z.arg() if z.real.mid() >= 0 else (-z).arg() + PI


class Phases(Surface):
    """Phases between cells along their edges, gathered at vertices.

    The edge from p to q between cell c, which runs through it anticlockwise, and c' adds
    chi(q) - chi(p) to 2 pi times the integer, chi = arg det(V_c^dagger P V_c').
    """

    def __init__(self, bands: Bands, evidence: dict[str, Any], period: Sequence[int]) -> None:
        super().__init__(bands, period)
        self.known: dict[Point, arb] = defaultdict(arb)
        self.pairs: dict[tuple[Frame, Frame], arb] = {}
        self.vertices: dict[Point, list[tuple[int, arb, Frame, Frame]]] = defaultdict(list)
        thin = keys(evidence["thin"], "tree bases levels")
        points = keys(evidence["points"], "at bases levels")
        plan, n = thin["tree"], bands.n
        need(isinstance(plan, str) and re.fullmatch("[012]*", plan), "edges are malformed")
        self.plan, self.thin = iter(plan), stored(thin, n, plan.count("1"), 2)
        at = [tuple(whole(x, 0, 2**62) for x in listed(p, bands.dim)) for p in listed(points["at"])]
        need(len(set(at)) == len(at), "a vertex comes twice")
        self.points = {
            p: bands.frame(Leaf(p, (0,) * bands.dim), *basis)
            for p, basis in zip(at, stored(points, n, len(at), 1), strict=True)
        }

    def cells(self, data: dict[str, Any], leaves: list[Leaf], *where: Any) -> None:
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
        start, end = ends_of(line, low, high)
        chain = [one, two]
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
        for cell in (one, two):
            if (cell, frame) not in self.pairs:
                self.pairs[cell, frame] = transition(cell, frame)
        through = self.pairs[one, frame] - self.pairs[two, frame]
        through += 2 * PI * round(float((phase - through) / (2 * PI)))
        others = (through + 2 * PI, through - 2 * PI)
        need(not any(x.overlaps(phase) for x in others), "a vertex has two possible phases")
        return through

    def total(self) -> int:
        """Sum of the integers at all vertices."""
        need(not next(self.plan, ""), "there are too many edges")
        found = 0
        for point, parts in self.vertices.items():
            frame = self.points.get(point)
            phase = sum((s * self.sharpened(*part, frame) for s, *part in parts), self.known[point])
            found += integer(phase / (2 * PI))
        return found


def chern(claim: Claim) -> None:
    """Chern number of the occupied bands; 4. or 6. of the page."""
    need(sizes(claim)[0] == 2, "a Chern number is one of two dimensions")
    if "bases" not in claim.evidence:
        Degree(claim).settle(claim.value)
        return
    keys(claim.evidence, "start depth tree bases levels thin points")
    bands, leaves, period = zone(claim)
    phases = Phases(bands, claim.evidence, period)
    phases.cells(claim.evidence, leaves)
    phases.settle(claim.value)


# ---------------------------------------------------------------- 7. charge of a box


def weyl(claim: Claim) -> None:
    """Flux out of a box; 7. of the page."""
    question, evidence = claim.question, claim.evidence
    keys(question, QUESTION + " centre half_width")
    keys(evidence, "start depth faces thin points")
    need(sizes(claim)[0] == 3, "a Weyl charge is one of three dimensions")
    centre, half = (
        [fmpq(*number(x).as_integer_ratio()) for x in listed(question[name], 3)]
        for name in ("centre", "half_width")
    )
    need(all(x > 0 for x in half), "the box is empty")
    start, depth = box(evidence, 3)
    size = [m << depth for m in start]
    origin = [c - x for c, x in zip(centre, half, strict=True)]
    step = [2 * x / m for x, m in zip(half, size, strict=True)]
    phases = Phases(Bands(claim, arb(1), origin, step), evidence, (0, 0, 0))
    for face, data in enumerate(listed(evidence["faces"], 6)):
        normal, up = divmod(face, 2)
        axes = u, v = (normal + 1) % 3, (normal + 2) % 3
        keys(data, "tree bases levels")
        leaves = [
            Leaf(*(
                tuple(pair[(i - u) % 3] if i != normal else across for i in range(3))
                for pair, across in ((corner, up * size[normal]), (edge, 0))
            ))
            for corner, edge in tree(data["tree"], (start[u], start[v]), depth)
        ]  # fmt: skip
        phases.cells(data, leaves, axes, up)
    phases.settle(claim.value)


# ---------------------------------------------------------------- 8. time reversal


class Reversal:
    """Time reversal k -> -k, psi -> U psi*, with the exact U antisymmetric and unitary."""

    def __init__(self, bands: Bands, entries: list[complex], stated: float) -> None:
        given = acb_mat(bands.n, bands.n, entries)
        self.u = unitary((given - given.transpose()) / 2)
        self.images: dict[Frame, Frame] = {}
        ud, wrong = dagger(self.u), arb(0)
        for weight, h in ((1, bands.home / 2), *((1, x) for x in bands.matrices)):
            wrong += weight * norm(h - self.u * h.conjugate() * ud)
        bands.wrong = arb(stated) * arb((1, -bands.exponent))
        need(wrong <= bands.wrong, "time reversal is violated by more than it says")

    def __call__(self, frame: Frame) -> Frame:
        """Image of a frame, valid at the image of its cell."""
        if frame not in self.images:
            v, w = (self.u * x.conjugate() for x in (frame.v, frame.w))
            self.images[frame] = Frame(v, w, frame.tau, frame.most)
        return self.images[frame]

    def sign(self, frame: Frame) -> arb:
        """Phase of the Pfaffian of V^dagger U V* at a momentum that time reversal keeps."""
        small = dagger(frame.v) * self(frame).v
        need(frobenius(dagger(small) * small - 1) < 0.5, "a basis is not symmetric")
        moved = 4 * frame.most  # |w^-1| <= 1.5, and w moves by at most 2t + t^2
        need(moved < 1, "a basis is not good enough")
        return argument(pfaffian(small.tolist())) + PLUS_MINUS * small.nrows() * moved.asin() / 2


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
        p = a[0][1]
        need(p.abs_lower() > 0, "a Pfaffian may vanish")
        found *= p
        later = range(2, len(a))
        a = [[a[i][j] + (a[i][0] * a[1][j] - a[i][1] * a[0][j]) / p for j in later] for i in later]
    return found


class HalfZone(Phases):
    """Half of the zone, whose ends time reversal maps to themselves."""

    def __init__(self, claim: Claim) -> None:
        bands, leaves, (self.end, self.height) = zone(claim, half=True)
        even = (claim.evidence["start"][1], bands.filled, bands.n)
        need(not any(x % 2 for x in even), "an odd number")
        question = claim.question
        matrix, stated = complexes(question["time_reversal"], bands.n**2), question["symmetry_violation"]
        self.reverse = Reversal(bands, matrix, number(stated, 0.0))
        super().__init__(bands, claim.evidence, (0, self.height))
        self.cells(claim.evidence, leaves)

    def gather(self, point: Point, sign: int, phase: arb, one: Frame, two: Frame) -> None:
        """Add a phase; vertices at the ends with k_y > 0 are counted where T takes them."""
        x, y = self.wrapped(point)
        if x in (0, self.end) and 0 < y < self.height // 2:
            point, phase, one, two = (x, -y), -phase, self.reverse(one), self.reverse(two)
        super().gather(point, sign, phase, one, two)

    def match(self, line: Line, plus: list[Side], minus: list[Side], sign: int = 1) -> None:
        """Match a line; at the ends, its lower half with the image of its upper half."""
        axis, (x, _) = line
        if axis == 0 or 0 < x < self.end:
            super().match(line, plus, minus, sign)
            return
        top = self.height // 2
        lower, upper = [], []
        for side in plus + minus:
            (upper if side.low < top else lower).append(side)
        images = [Side(self.height - i.high, self.height - i.low, self.reverse(i.cell)) for i in upper]
        super().match(line, lower, images, 1 if x else -1)
        ends = min(upper, key=lambda i: i.low), max(upper, key=lambda i: i.high)
        for y, side in zip((0, top), ends, strict=True):
            need((x, y) in self.points, "a momentum that time reversal keeps has no basis")
            frame = self.points[x, y]
            phase = self.reverse.sign(frame) + transition(side.cell, frame)
            self.known[x, y] = 2 * phase * (1 if (x > 0) == (y > 0) else -1)

    def total(self) -> int:
        """Return the parity."""
        return super().total() % 2


def z2(claim: Claim) -> None:
    """Z2 invariant from half the zone and from what time reversal does at its ends; 8."""
    keys(claim.question, QUESTION + " time_reversal symmetry_violation")
    keys(claim.evidence, "start depth tree bases levels thin points")
    need(sizes(claim)[0] == 2, "a Z2 invariant is one of two dimensions")
    HalfZone(claim).settle(claim.value)


# ---------------------------------------------------------------- 9. the program

QUESTION = "quantity dimension bands n_occupied hoppings amplitude_error"
CHECKS = {
    "winding number": winding,
    "gap": gap,
    "Chern number": chern,
    "Z2 invariant": z2,
    "Weyl charge": weyl,
}


def check(text: str) -> str:
    """Check the text of a certificate; what it proves, or `RejectedError`, `UnreadableError`."""
    data = keys(read(text), "format version question claim evidence")
    question, evidence = data["question"], data["evidence"]
    need(isinstance(question, dict) and isinstance(evidence, dict), "an object is missing")
    quantity = question.get("quantity")
    need(isinstance(quantity, str) and quantity in CHECKS, "the quantity is unknown")
    said = keys(data["claim"], "value gap_lower")
    value, gap_ = whole(said["value"], -(10**12), 10**12), number(said["gap_lower"], 0.0)
    if quantity in ("gap", "Chern number"):
        keys(question, QUESTION)
    ctx.prec = 256 if quantity == "winding number" else 128
    try:
        CHECKS[quantity](Claim(question, evidence, value, gap_))
    except (ArithmeticError, ValueError, RecursionError, MemoryError) as error:
        reason = f"the numbers cannot be worked with ({type(error).__name__})"
        raise RejectedError(reason) from error
    return f"{quantity} {value}, gap at least {gap_:.6g}"


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
