"""Check a certificate of a topological invariant: `python checker.py x.cert.json`.

Needs Python and python-flint, nothing else, and shares no code with the program that wrote the
file. From the file it takes as true only the question: the hoppings (exact binary numbers) and what
is asked of them. Everything else in it, frames, energies, how cells were divided, is a suggestion:
it is read as exact numbers from which each inequality is proven again, in ball arithmetic (flint's
`arb`, `acb`) or in integers with a bound of what was cut off (`Matrix`). The page "The checker" of
the documentation states the theorems; section numbers below are those of that page.

Exit status: 0 accepted; 1 rejected; 2 the file cannot be read or is no certificate.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, reduce
from itertools import pairwise, product
from math import frexp, ldexp, prod, sqrt
from operator import add, mul
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from flint import acb, acb_poly, arb, arb_mat, ctx, fmpq, fmpz_mat

FORMAT, VERSION = "topophys certificate", 1
#: Limits that keep time and memory in proportion to the file.
MAX_BYTES, MAX_BANDS, MAX_RANGE, MAX_START = 2**31, 256, 10**6, 10**6
MAX_SPAN, MAX_COST, MAX_MINORS, MAX_WAVES = 20_000, 2 * 10**8, 10**8, 2 * 10**7
DEEPEST = {1: 48, 2: 26, 3: 20}
#: Matrices hold integers in units of 2^-BITS of the largest hopping.
BITS = 58
ctx.prec = 128


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
    keys(data, "format version question claim evidence")
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


def number(word: Any) -> float:
    """Require a finite float64 in hexadecimal, exactly as Python writes it; "0" for zero."""
    try:
        value = 0.0 if word == "0" else float.fromhex(word)
    except (ValueError, TypeError, OverflowError) as error:
        raise RejectedError("a number is not a hexadecimal float") from error
    need(word == "0" or (value.hex() == word and abs(value) < float("inf")), "a float is malformed")
    return value


def positive(word: Any) -> float:
    """Require a float that is not negative."""
    value = number(word)
    need(value >= 0.0, "a bound is negative")
    return value


def complexes(words: Any, count: int) -> list[complex]:
    """Require `count` complex numbers: real and imaginary parts, separated by single spaces."""
    need(isinstance(words, str), "numbers must be a string")
    parts = words.split(" ")
    need(len(parts) == 2 * count, "a matrix has the wrong number of entries")
    values = [number(word) for word in parts]
    return [complex(*pair) for pair in zip(values[::2], values[1::2], strict=True)]


def floats(text: Any, kind: str, count: int) -> array[float]:
    """Decode base64 of little-endian float32 (kind "f") or float64 ("d")."""
    out: array[float] = array(kind)
    need(isinstance(text, str), "an array must be a base64 string")
    need(len(text) == 4 * ((count * out.itemsize + 2) // 3), "an array has the wrong length")
    try:
        out.frombytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise RejectedError("an array is not base64") from error
    need(len(out) == count, "an array has the wrong length")
    if sys.byteorder == "big":
        out.byteswap()
    need(all(abs(x) < 1e300 for x in out), "an array has a number that is not finite")
    return out


class Hoppings(NamedTuple):
    """H(k) = sum_R H_R e^(ik.R): terms {R: entries row by row}; R and -R both for a block."""

    n: int
    dim: int
    terms: dict[tuple[int, ...], list[complex]]
    error: float


def hoppings(question: dict[str, Any], n: int, dim: int, *, block: bool = False) -> Hoppings:
    """Read hoppings: of R in one half space for Hermitian H, of all R for a chiral block."""
    terms: dict[tuple[int, ...], list[complex]] = {}
    for item in listed(question["hoppings"]):
        vector, words = listed(item, 2)
        at = tuple(whole(x, -MAX_RANGE, MAX_RANGE) for x in listed(vector, dim))
        need(at not in terms and (block or at >= (0,) * dim), "a lattice vector comes twice")
        terms[at] = complexes(words, n * n)
    home = terms.get((0,) * dim, [0j] * (n * n))
    if not block:
        good = all(
            home[i * n + j] == home[j * n + i].conjugate() for i in range(n) for j in range(n)
        )
        need(good, "the matrix at R = 0 is not Hermitian")
    return Hoppings(n, dim, terms, positive(question["amplitude_error"]))


class Cell(NamedTuple):
    """Lowest corner and edges in units of the finest lattice."""

    corner: tuple[int, ...]
    edge: tuple[int, ...]


def tree(bits: Any, start: Sequence[int], depth: int) -> list[Cell]:
    """Leaves of a tree, which tile the box by construction; 2. of the page."""
    dim = len(start)
    need(isinstance(bits, str) and re.fullmatch("[01]*", bits), "a tree must be a string of bits")
    need(prod(start) <= len(bits), "leaves are missing")
    children, leaves, at = list(product((0, 1), repeat=dim)), [], 0
    for first in product(*(range(n) for n in start)):
        stack = [(tuple(x << depth for x in first), depth)]
        while stack:
            corner, level = stack.pop()
            need(at < len(bits), "leaves are missing")
            at += 1
            if bits[at - 1] == "0":
                leaves.append(Cell(corner, (1 << level,) * dim))
                continue
            need(level > 0, "a tree is deeper than it says")
            half = 1 << (level - 1)
            for child in reversed(children):
                moved = tuple(c + half * b for c, b in zip(corner, child, strict=True))
                stack.append((moved, level - 1))
    need(at == len(bits), "a tree has more leaves than its box")
    return leaves


def box(evidence: dict[str, Any], dim: int) -> tuple[list[int], int]:
    """Numbers of starting cells and the largest depth."""
    start = [whole(n, 1, MAX_START) for n in listed(evidence["start"], dim)]
    return start, whole(evidence["depth"], 0, DEEPEST[dim])


# ---------------------------------------------------------------- 3. winding number


def determinant(entries: list[list[acb_poly]]) -> acb_poly:
    """Expand along rows; minors of the first i rows by their set of columns."""
    n = len(entries)
    minors = {0: acb_poly([1])}
    for row in entries:
        step: dict[int, acb_poly] = {}
        for used, minor in minors.items():
            for j in (j for j in range(n) if not used >> j & 1):
                term = -minor * row[j] if (used >> j).bit_count() % 2 else minor * row[j]
                step[used | 1 << j] = step[used | 1 << j] + term if used | 1 << j in step else term
        minors = step
    return minors[(1 << n) - 1]


def on_circle(series: dict[int, acb], points: list[int], fine: int) -> Iterator[acb]:
    """Values of sum_m f_m e^(imk) at k = 2 pi p / fine."""
    low = min(series)
    poly = acb_poly([series.get(m, acb(0)) for m in range(low, max(series) + 1)])
    for p in points:
        yield poly(turn(p, fine)) * turn(p * low, fine)


def turn(p: int, fine: int) -> acb:
    """e^(2 pi i p / fine)."""
    sine, cosine = arb.sin_cos_pi_fmpq(fmpq(2 * (p % fine), fine))
    return acb(cosine, sine)


def curvature(series: dict[int, acb]) -> arb:
    """Bound of the second derivative."""
    return sum((m * m * f.abs_upper() for m, f in series.items()), arb(0))


def chord(f0: acb, f1: acb) -> arb:
    """Distance of the segment from 0, from below: along any direction u its ends decide."""
    step = f1 - f0
    size = (step * step.conjugate()).real
    share = float((-(f0.conjugate() * step).real / size).mid()) if size > 0 else 0.0
    u = (f0 + step * min(1.0, max(0.0, share))).mid()
    need(abs(u) > 0, "the determinant vanishes")
    return min_of((u.conjugate() * f0).real, (u.conjugate() * f1).real) / abs(u)


def min_of(*values: arb) -> arb:
    """Ball that contains the smallest of some numbers."""
    low = values[0]
    for value in values[1:]:
        low = low.min(value)
    return low


def smallest_singular(n: int, det: arb, norm2: arb) -> arb:
    """Bound of the smallest singular value from |det| > 0 and |D|_F^2; exact for n <= 2."""
    if n == 1:
        return det
    if n == 2:
        rest = norm2 - 2 * det
        rest = arb(0).max(arb(rest.upper()))
        return 2 * det / ((norm2 + 2 * det).sqrt() + rest.sqrt())
    return det * (arb(n - 1) / norm2) ** (arb(n - 1) / 2)


def winding(question: dict[str, Any], claim: dict[str, Any], evidence: dict[str, Any]) -> None:
    """Winding number of det D(k); 3. of the page."""
    keys(question, "quantity block hoppings amplitude_error")
    keys(evidence, "start depth tree")
    n = whole(question["block"], 1, 16)
    h = hoppings(question, n, 1, block=True)
    need(h.terms, "there are no hoppings")
    low, high = min(h.terms)[0], max(h.terms)[0]
    span = n * (high - low) + 1
    (start,), depth = box(evidence, 1)
    leaves = tree(evidence["tree"], (start,), depth)
    good = high - low <= MAX_SPAN and n * 2**n * span <= MAX_MINORS
    need(good and len(leaves) * span <= MAX_COST, "the determinant has too many harmonics")
    ctx.prec = 256
    rows = [
        [acb_poly([acb(h.terms[s,][i * n + j]) if (s,) in h.terms else acb(0)
                   for s in range(low, high + 1)]) for j in range(n)] for i in range(n)
    ]  # fmt: skip
    found = determinant(rows).coeffs()
    weight = sum((abs(f) for f in found), arb(0))
    need(weight > 0, "the determinant vanishes")
    shift = round(float((sum((m * abs(f) for m, f in enumerate(found)), arb(0)) / weight).mid()))
    f = {m - shift: value for m, value in enumerate(found)}  # det D = z^(n low + shift) f
    norms = acb_poly([0])  # |D|_F^2, times z^(high - low)
    for row in rows:
        for entry in row if n > 1 else ():
            parts = entry.coeffs() + [acb(0)] * (high - low + 1 - entry.length())
            norms += entry * acb_poly([z.conjugate() for z in reversed(parts)])
    g = {m - high + low: z for m, z in enumerate(norms.coeffs() or [acb(0)])}
    fine = start << depth
    points = [leaf.corner[0] for leaf in leaves]
    value, size = list(on_circle(f, points, fine)), [z.real for z in on_circle(g, points, fine)]
    f2, g2, turns = curvature(f), curvature(g), arb(0)
    least = arb(claim["gap"]) / 2 + arb(h.error)
    for i, leaf in enumerate(leaves):
        j = (i + 1) % len(leaves)
        square = (2 * arb.pi() * leaf.edge[0] / fine) ** 2 / 8
        det = chord(value[i], value[j]) - square * f2
        need(det > 0, "the determinant may vanish on an interval")
        sigma = smallest_singular(n, det, size[i].max(size[j]) + square * g2)
        need(sigma > arb(h.error) and sigma >= least, "the gap may be smaller on an interval")
        turns += (value[j] / value[i]).arg()  # below pi in size: the image is in a half plane
    integer(turns / (2 * arb.pi()) + n * low + shift, claim["value"])


def integer(total: arb, value: int) -> None:
    """Require that the only integer in a ball is the one claimed."""
    found = total.unique_fmpz()
    if found is None:
        raise RejectedError("the sum is not known well enough")
    need(int(found) == value, f"the integer is {found}, not {value}")


# ---------------------------------------------------------------- 4. two bands

#: d(k) = mean + sum even cos k.R + odd sin k.R: R, even, odd.
Series: TypeAlias = tuple[tuple[int, int], list[arb], list[arb]]


def exponent(h: Hoppings) -> int:
    """Power of two above all entries."""
    parts = (max(abs(z.real), abs(z.imag)) for entries in h.terms.values() for z in entries)
    return frexp(max(parts, default=0.0))[1]


def degree(question: dict[str, Any], claim: dict[str, Any], evidence: dict[str, Any]) -> None:
    """Chern number of d(k).sigma as the degree of d; 4. of the page."""
    keys(evidence, "start depth tree")
    h = hoppings(question, 2, 2)
    series: list[Series] = []
    mean = [arb(0)] * 3
    unit = arb((1, -exponent(h)))  # so that floats, which only suggest directions, do not underflow
    for (rx, ry), entries in h.terms.items():
        a, b, c, d = (acb(z) * unit for z in entries)
        parts = [b + c, acb(0, 1) * (b - c), a - d]  # tr(sigma H_R)
        if rx or ry:
            series.append(((rx, ry), [p.real for p in parts], [-p.imag for p in parts]))
        else:
            mean = [p.real / 2 for p in parts]
    error, least = arb(h.error) * unit, (arb(claim["gap"]) / 2 + arb(h.error)) * unit
    start, depth = box(evidence, 2)
    need(start[0] == start[1], "cells must be squares")
    fine = start[0] << depth
    leaves = tree(evidence["tree"], start, depth)
    need(len(leaves) * len(series) <= MAX_WAVES, "too many hoppings for so many cells")
    phases: dict[int, tuple[arb, arb]] = {}

    def field(point: tuple[int, int]) -> list[arb]:
        d = list(mean)
        for (rx, ry), even, odd in series:
            p = (rx * point[0] + ry * point[1]) % fine
            if p not in phases:
                phases[p] = arb.sin_cos_pi_fmpq(fmpq(2 * p, fine))
            s, c = phases[p]
            d = [x + e * c + o * s for x, e, o in zip(d, even, odd, strict=True)]
        return d

    lines: dict[tuple[int, int], set[int]] = defaultdict(set)  # vertices on each line of cells
    for (x, y), (w, _) in leaves:
        for axis, at, low in ((0, y, x), (0, y + w, x), (1, x, y), (1, x + w, y)):
            lines[axis, at % fine] |= {low, low + w}
    marks = {line: sorted(found) for line, found in lines.items()}

    def along(axis: int, at: int, low: int, high: int) -> list[int]:
        found = marks[axis, at % fine]
        return [*found[bisect_left(found, low) : bisect_left(found, high)], high]

    values: dict[tuple[int, int], tuple[list[arb], list[arb]]] = {}
    area = arb(0)
    for (x, y), (w, _) in leaves:
        bottom, top = along(0, y, x, x + w), along(0, y + w, x, x + w)
        left, right = along(1, x, y, y + w), along(1, x + w, y, y + w)
        path = [(i, y) for i in bottom[:-1]] + [(x + w, j) for j in right[:-1]]
        path += [(i, y + w) for i in top[:0:-1]] + [(x, j) for j in left[:0:-1]]
        points = [(i % fine, j % fine) for i, j in path]
        for p in points:
            if p not in values:
                at_p = field(p)
                size = sum((t * t for t in at_p), arb(0)).sqrt()
                need(size > 0, "the gap may close at a corner")
                values[p] = at_p, [t / size for t in at_p]
        ends = [values[i % fine, j % fine][0] for i in (x, x + w) for j in (y, y + w)]
        square = (2 * arb.pi() * w / fine) ** 2 / 8
        margin = half_space(ends, series, square, least)
        need(margin > error and margin >= least, "a cell is not proven to keep its gap")
        first, *rest = (values[p][1] for p in points)
        area += sum((solid_angle(first, b, c) for b, c in pairwise(rest)), arb(0))
    integer(area / (4 * arb.pi()), claim["value"])


def dot(a: Sequence[arb], b: Sequence[arb]) -> arb:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def half_space(ends: list[list[arb]], series: list[Series], square: arb, least: arb) -> arb:
    """Largest bound of u.d/|u| on a cell, u pointing to the nearest point of the hull or so."""
    seen = [[float(t.mid()) for t in d] for d in ends]
    u, best = [sum(t) / 4 for t in zip(*seen, strict=True)], arb(-1)
    for _ in range(12):
        exact = [arb(t) for t in u]
        size = dot(exact, exact).sqrt()
        if not size > 0:
            break
        bend = arb(0)
        for (rx, ry), even, odd in series:
            bend += (rx * rx + ry * ry) * abs(acb(dot(exact, even), dot(exact, odd)))
        best = best.max((min_of(*(dot(exact, d) for d in ends)) - square * bend) / size)
        nearest = min(seen, key=lambda d: sum(map(mul, u, d)))
        step = [b - a for a, b in zip(u, nearest, strict=True)]
        length = sum(map(mul, step, step))
        if (best > 0 and best >= least) or length == 0.0:
            break
        t = min(1.0, max(0.0, -sum(map(mul, u, step)) / length))
        u = [a + t * b for a, b in zip(u, step, strict=True)]
    return best


def solid_angle(a: Sequence[arb], b: Sequence[arb], c: Sequence[arb]) -> arb:
    """Signed area of a spherical triangle in an open half sphere (van Oosterom and Strackee)."""
    volume = a[0] * (b[1] * c[2] - b[2] * c[1])
    volume += a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])
    return 2 * acb(1 + dot(a, b) + dot(b, c) + dot(c, a), volume).arg()


# ---------------------------------------------------------------- 5. many bands


#: Axes along which a derivative is taken.
Order: TypeAlias = tuple[int, ...]


class Matrix(NamedTuple):
    """Complex matrix of integers; the unit is said where it is used."""

    re: fmpz_mat
    im: fmpz_mat

    def __matmul__(self, other: Matrix) -> Matrix:
        a, b = self.re * other.re, self.im * other.im
        return Matrix(a - b, (self.re + self.im) * (other.re + other.im) - a - b)

    def __add__(self, other: Any) -> Matrix:
        return Matrix(self.re + other.re, self.im + other.im)

    def __sub__(self, other: Matrix) -> Matrix:
        return Matrix(self.re - other.re, self.im - other.im)

    def scaled(self, factor: int) -> Matrix:
        """Integer multiple."""
        return Matrix(self.re * factor, self.im * factor)

    def conjugate(self) -> Matrix:
        """Complex conjugate."""
        return Matrix(self.re, -self.im)

    def adjoint(self) -> Matrix:
        """Conjugate transpose."""
        return Matrix(self.re.transpose(), -self.im.transpose())

    def cut(self, bits: int) -> Matrix:
        """Divide by 2^bits and round down: each part moves by less than 1."""
        rows, cols = self.re.nrows(), self.re.ncols()
        return Matrix(*(fmpz_mat(rows, cols, [x >> bits for x in part.entries()]) for part in self))

    def square(self) -> int:
        """Square of the Frobenius norm: the trace of X X^T of both parts."""
        wide = self.re.nrows() <= self.re.ncols()
        grams = [x * x.transpose() if wide else x.transpose() * x for x in self]
        return sum(int(gram[i, i]) for gram in grams for i in range(gram.nrows()))

    def size(self, bits: int) -> arb:
        """Frobenius norm, the unit being 2^-bits."""
        return arb(self.square()).sqrt() * arb((1, -bits))

    def values(self, bits: int) -> list[list[complex]]:
        """Rows of floats, the unit being 2^-bits: to suggest factors, never as a proof."""
        parts = [[float(x) * 2.0**-bits for x in arb_mat(part).entries()] for part in self]
        flat, cols = list(map(complex, *parts)), self.re.ncols()
        return [flat[i : i + cols] for i in range(0, len(flat), cols)]


def fixed_point(re_: Sequence[float], im_: Sequence[float], rows: int, cols: int) -> Matrix:
    """Matrix in units of 2^-BITS of numbers up to about 1; each part moves by less than 1."""
    return Matrix(*(fmpz_mat(rows, cols, [int(x * 2.0**BITS) for x in z]) for z in (re_, im_)))


def matrix(z: Sequence[complex], n: int) -> Matrix:
    """Do the same for a square matrix."""
    return fixed_point([w.real for w in z], [w.imag for w in z], n, n)


@cache
def identity(n: int, bits: int) -> Matrix:
    """Build a unit matrix in units of 2^-bits."""
    one = [(i % (n + 1) == 0) << bits for i in range(n * n)]
    return Matrix(fmpz_mat(n, n, one), fmpz_mat(n, n))


def norm(x: Matrix, bits: int) -> arb:
    """Operator norm from above, by |X|^16 <= |(X^dagger X)^4|_F^2 of X cut to 32 bits."""
    loss = max(0, x.square().bit_length() // 2 - 32)
    small = x.cut(loss) if loss else x
    gram = small.adjoint() @ small if x.re.ncols() <= x.re.nrows() else small @ small.adjoint()
    square = gram @ gram
    found = arb((square @ square).square())
    for _ in range(4):
        found = found.sqrt()
    rest = arb(2 * x.re.nrows() * x.re.ncols()).sqrt() if loss else arb(0)
    return arb(((found + rest) * arb((1, loss - bits))).upper())


def unitary(z: Matrix) -> tuple[Matrix, arb]:
    """Polar factor of a nearly unitary matrix in units of 2^-BITS, and how far it may be off.

    With Z^dagger Z = 1 + E it is Z (1 - E/2 + rest), |rest| <= 0.4 |E|^2 for |E| <= 0.001.
    """
    n = z.re.nrows()
    e = z.adjoint() @ z - identity(n, 2 * BITS)
    size = e.size(2 * BITS)
    need(size < 0.001, "a basis is far from orthonormal")
    found = (z @ (identity(n, 2 * BITS + 1) - e)).cut(2 * BITS + 1)
    return found, size * size / 2 + arb((2 * n, -BITS))


class Shape(NamedTuple):
    """What cells of one size share: Taylor weights of each R, and bounds."""

    weights: dict[Order, list[int]]
    third: arb
    rounding: arb
    size: arb


class Frame(NamedTuple):
    """Basis (V, W) of a cell, exact to `off`; V(k) = V + W T with |T|_F <= tau and |T| <= most."""

    v: Matrix
    w: Matrix
    off: arb
    tau: arb
    most: arb


class Bands:
    """Hamiltonian on a box of momenta k = unit (origin + step x) with x on an integer lattice."""

    def __init__(
        self, question: dict[str, Any], claim: dict[str, Any], unit: arb | None,
        origin: Sequence[fmpq], step: Sequence[fmpq],
    ) -> None:  # fmt: skip
        self.dim, self.n, self.filled = sizes(question)
        self.origin, self.step = origin, step
        self.turns, self.unit = unit is not None, unit or arb(1)
        h, n = hoppings(question, self.n, self.dim), self.n
        self.scale = arb((1, -exponent(h)))  # the unit of energy is 2^exponent
        self.exponent = exponent(h)
        self.claim, self.error = claim["gap"] * self.scale, h.error * self.scale
        self.wrong = arb(0)  # violation of a symmetry
        terms = {r: matrix([self.shrink(z) for z in m], n) for r, m in h.terms.items()}
        self.home = terms.pop((0,) * h.dim, identity(n, 0).scaled(0))
        self.vectors, self.matrices = list(terms), list(terms.values())
        self.norms = [norm(m, BITS) + arb((2 * n, -BITS)) for m in self.matrices]
        # c X(k) + s Y(k) + adjoint = S + i A is kept as the real matrix S + A, S being symmetric
        # and A antisymmetric
        table = []
        for x, y in self.matrices:
            xt, yt = x.transpose(), y.transpose()
            table += [(x + xt + y - yt).entries(), (x - xt - y - yt).entries()]
        self.table = fmpz_mat(len(table), n * n, [x for row in table for x in row])
        self.shapes: dict[tuple[tuple[int, int], ...], Shape] = {}
        self.waves: dict[fmpq, tuple[int, int]] = {}
        self.work = 0

    def shrink(self, z: complex) -> complex:
        """Scale a hopping; what falls below the smallest float is below rounding."""
        return complex(ldexp(z.real, -self.exponent), ldexp(z.imag, -self.exponent))

    def shape(self, sides: tuple[tuple[int, int], ...]) -> Shape:
        """Weights and bounds of cells that extend by +-edge/2 along each (axis, edge)."""
        if sides in self.shapes:
            return self.shapes[sides]
        half = [self.unit * self.step[axis] * edge / 2 for axis, edge in sides]
        reach = [
            [q * r[axis] for r in self.vectors] for q, (axis, _) in zip(half, sides, strict=True)
        ]
        weights, n = dict[Order, list[int]](), self.n
        rounding, size, third = arb(16 * n), norm(self.home, BITS), arb(0)
        for order in orders(len(sides)):
            factor = [arb(1)] * len(self.vectors)
            for i in order:
                factor = list(map(mul, factor, reach[i]))
            for f, a in zip(factor, self.norms, strict=True):
                rounding += 3 * ((abs(f) + 3) * a + n * (abs(f) + 1))
                size += 2 * abs(f) * a
            rounding += 8 * n
            weights[order] = [fixed(f) for f in factor]
        for signs in product((1, -1), repeat=len(sides)):
            total = arb(0)
            for m, a in enumerate(self.norms):
                at = sum((s * q[m] for s, q in zip(signs, reach, strict=True)), arb(0))
                total += abs(at * at * at) * a / 3  # R and -R
            third = third.max(total)
        self.shapes[sides] = Shape(weights, third, rounding * arb((1, -BITS)), size)
        return self.shapes[sides]

    def wave(self, vector: tuple[int, ...], at: Sequence[fmpq]) -> tuple[int, int]:
        """Cosine and sine of k.R, off by less than 1.01 in units of 2^-BITS."""
        q = sum(map(mul, vector, at), fmpq(0))
        if self.turns:
            q -= 2 * (q / 2).floor()
        if q not in self.waves:
            if len(self.waves) > 10**6:
                self.waves.clear()
            s, c = arb.sin_cos_pi_fmpq(q) if self.turns else arb(q).sin_cos()
            self.waves[q] = fixed(c), fixed(s)
        return self.waves[q]

    def derivatives(self, at: Sequence[fmpq], shape: Shape) -> dict[Order, Matrix]:
        """H and its derivatives times half edges, in units of 2^-BITS."""
        self.work += len(self.vectors)
        need(self.work <= MAX_WAVES, "too many hoppings for so many cells")
        n, waves, rows = self.n, [self.wave(r, at) for r in self.vectors], list[int]()
        for order, weight in shape.weights.items():
            for w, (c, s) in zip(weight, waves, strict=True):
                for _ in order:  # a factor i for each derivative
                    c, s = -s, c  # noqa: PLW2901
                rows += [w * c >> BITS, w * s >> BITS]
        sums = (fmpz_mat(len(shape.weights), 2 * len(waves), rows) * self.table).entries()
        out = {}
        for i, order in enumerate(shape.weights):
            half = [x >> (BITS + 1) for x in sums[i * n * n : (i + 1) * n * n]]
            both = fmpz_mat(n, n, half)
            turned = both.transpose()
            out[order] = Matrix(both + turned, both - turned)
        out[()] += self.home
        return out

    def frame(
        self, corner: Sequence[int], edge: Sequence[int], basis: Matrix, levels: Sequence[float],
        *, turning: bool = True,
    ) -> Frame:  # fmt: skip
        """Prove the gap on a cell, and how far the occupied space can turn; 5. of the page."""
        sides = tuple((axis, e) for axis, e in enumerate(edge) if e)
        dim, n, bits = len(sides), self.n, 3 * BITS
        middle = [c + fmpq(e, 2) for c, e in zip(corner, edge, strict=True)]
        at = [o + s * x for o, s, x in zip(self.origin, self.step, middle, strict=True)]
        shape = self.shape(sides)
        exact, off = unitary(basis)
        v, w = columns(exact, 0, self.filled), columns(exact, self.filled, n)
        vd, wd = v.adjoint(), w.adjoint()
        a, b, k = (dict[Order, Matrix]() for _ in range(3))
        for order, x in self.derivatives(at, shape).items():
            xv = x @ v
            a[order], b[order], k[order] = vd @ xv, wd @ xv, wd @ (x @ w)
        rounding = arb(101) / 100 * shape.rounding + arb(21) / 10 * off * shape.size
        rest = shape.third + rounding + self.error
        energies = [ldexp(x, -self.exponent) for x in levels]
        gap = min_of(*(
            -highest(y.scaled(-1), -high) - highest(x, low)
            for x, y, low, high in zip(corners(a, dim), corners(k, dim), energies[::2],
                                       energies[1::2], strict=True)
        ))  # fmt: skip
        pure = [x[i, i] for x in (a, k) for i in range(dim)]
        bend = sum((x.size(bits + 2) for x in pure), arb(0))
        if not bend < FLAT * gap:
            bend = sum((norm(x, bits + 2) for x in pure), arb(0))
        proven = gap - bend - 2 * rest
        need(proven >= self.claim, "the gap may be smaller on a cell")
        proven -= 2 * self.wrong
        need(proven > 0, "the gap may close on a cell")
        if not turning:
            return Frame(v, w, off, arb(0), arb(0))
        rest += self.wrong
        root = arb(min(self.filled, n - self.filled)).sqrt()
        linear = [
            reduce(add, (b[i,].scaled(s) for i, s in enumerate(signs)))
            for signs in product((1, -1), repeat=dim) if signs[:1] == (1,)
        ]  # fmt: skip
        both: list[arb] = []
        for measure, extra in ((Matrix.size, root * rest), (norm, rest)):
            largest = arb(0)
            for x in linear:
                largest = largest.max(measure(x, bits))
            for order, x in b.items():
                if len(order) != 1:
                    largest += measure(x, bits) / (2 if order and order[0] == order[1] else 1)
            both.append(2 * (largest + extra) / proven)  # |tan 2 Theta|
            if both[0] < SMALL:
                break
        double = min_of(*both)
        return Frame(v, w, off, both[0] / 2, double / (1 + (1 + double * double).sqrt()))


def orders(dim: int) -> list[Order]:
    """No derivative, first and second derivatives."""
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
    return [(), *((i,) for i in range(dim)), *pairs]


def fixed(x: arb) -> int:
    """Integer in units of 2^-BITS, off by less than 1.01."""
    man, exp = x.mid().man_exp()
    shift = int(exp) + BITS
    return int(man) << shift if shift >= 0 else int(man) >> -shift


def columns(x: Matrix, low: int, high: int) -> Matrix:
    """Take some columns of a square matrix."""
    n = x.re.nrows()
    pick = fmpz_mat(n, high - low, [i == low + j for i in range(n) for j in range(high - low)])
    return Matrix(x.re * pick, x.im * pick)


def corners(x: dict[Order, Matrix], dim: int) -> Iterator[Matrix]:
    """Block at each corner, with half of the range of pure second derivatives; times 4."""
    base = reduce(add, (x[i, i] for i in range(dim)), x[()].scaled(4))
    slopes = {o: y.scaled(4) for o, y in x.items() if o and len(set(o)) == len(o)}
    for signs in product((1, -1), repeat=dim):
        total = base
        for order, y in slopes.items():
            total = total + y if prod(signs[i] for i in order) > 0 else total - y
        yield total


def highest(x: Matrix, level: float) -> arb:
    """Largest eigenvalue from above, by a Cholesky factor of level - X and its residual.

    X is Hermitian in units of 2^-(3 BITS + 2). If level - X = L L^dagger + R, then X is at most
    level + |R|, whatever L is.
    """
    n, bits = x.re.nrows(), 3 * BITS + 2
    need(abs(level) < 2.0**40, "an energy is out of range")
    top = int(level * 2.0**80) << (bits - 80)
    rest = identity(n, 0).scaled(top) - x
    rows, bars = list[list[complex]](), list[list[complex]]()
    for i, given in enumerate(rest.values(bits)):
        row: list[complex] = []
        for j in range(i):
            row.append((given[j] - sum(map(mul, row, bars[j]))) / bars[j][j])
        square = given[i].real - sum(abs(z) ** 2 for z in row)
        need(square > 0.0, "a block is not on its side of the gap")
        row.append(complex(sqrt(square)))
        rows.append(row)
        bars.append([z.conjugate() for z in row])
    lower = matrix([z for row in rows for z in row + [0j] * (n - len(row))], n)
    rest -= (lower @ lower.adjoint()).scaled(1 << (bits - 2 * BITS))
    return arb(top) * arb((1, -bits)) + rest.size(bits)


# ---------------------------------------------------------------- 6. phases on edges

PLUS_MINUS = arb(0, 1)
#: Where Frobenius norms do as well as operator norms, the latter are not worked out: phases below
#: the first, angles below the second, curvature below the third part of the gap.
FINE, SMALL, FLAT = arb(0.1), arb(0.2), arb(0.05)
#: Phases that are known this well are not sharpened.
GOOD = arb(0.01)
Point: TypeAlias = tuple[int, ...]
#: Axis along it, and the point on it whose coordinate along it is 0.
Line: TypeAlias = tuple[int, Point]


class Stored:
    """Bases and energies of one kind of cell, handed out in order."""

    def __init__(self, data: dict[str, Any], n: int, count: int, corners_: int) -> None:
        self.n, self.levels_each, self.at, self.count = n, 2 * corners_, 0, count
        self.bases = floats(data["bases"], "f", count * 2 * n * n)
        self.levels = floats(data["levels"], "d", count * 2 * corners_)

    def next(self) -> tuple[Matrix, Sequence[float]]:
        """Basis and energies of the next cell."""
        need(self.at < self.count, "a cell has no basis")
        n, i, m = self.n, self.at, self.levels_each
        self.at += 1
        z = self.bases[i * 2 * n * n : (i + 1) * 2 * n * n]
        need(max(z) < 2 and min(z) > -2, "a basis is far from orthonormal")
        return fixed_point(z[::2], z[1::2], n, n), self.levels[i * m : (i + 1) * m]


def transition(one: Frame, two: Frame) -> arb:
    """Phase arg det(V_1^dagger P(k) V_2) as a ball that holds it wherever both frames are valid."""
    off = arb(101) / 100 * (one.off + two.off)
    best, cosine = arb(4), arb(0)
    # begin with the frame that turns less: the other is often not needed
    for frame, other in sorted(((one, two), (two, one)), key=lambda x: float(x[0].tau.mid())):
        low = frame.w.adjoint() @ other.v
        rank = arb(min(low.re.nrows(), low.re.ncols()))
        spread = low.size(2 * BITS) + rank.sqrt() * off
        for measure in (spread, None):
            sine = norm(low, 2 * BITS) + off if measure is None else measure
            rest = 1 - sine * sine
            if not rest > 0:
                continue
            total = spread / rest.sqrt() * frame.tau
            most = min_of(sine / rest.sqrt() * frame.most, total)
            if not most < 1:
                continue
            total, most = arb(total.upper()), arb(most.upper())
            turned = min_of(rank, total / most) * most.asin() if most > 0 else arb(0)
            best, cosine = min_of(best, turned), cosine.max(rest.sqrt())
            if turned < FINE:
                break
        if best < GOOD:
            break
    need(best < arb.pi(), "frames of neighbouring cells are too far apart")
    return determinant_phase(one.v.adjoint() @ two.v, off, cosine) + PLUS_MINUS * best


def determinant_phase(x: Matrix, off: arb, least: arb) -> arb:
    """Phase of det X, X in units of 2^-2 BITS within `off`, singular values at least `least` > 0.

    For any L and U, det(LU) = det X det(1 - X^-1 R) with R = X - LU.
    """
    n, rows, sign = x.re.nrows(), x.values(2 * BITS), 1
    order = list(range(n))
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(rows[i][k]))
        if pivot != k:
            rows[k], rows[pivot] = rows[pivot], rows[k]
            order[k], order[pivot] = order[pivot], order[k]
            sign = -sign
        head, tail = rows[k], rows[k][k + 1 :]
        need(abs(head[k]) > 1e-30, "frames of neighbouring cells are too far apart")
        for row in rows[k + 1 :]:
            factor = row[k] = row[k] / head[k]
            row[k + 1 :] = [a - factor * b for a, b in zip(row[k + 1 :], tail, strict=True)]
    lower = matrix([z for i, r in enumerate(rows) for z in [*r[:i], 1, *[0j] * (n - i - 1)]], n)
    upper = matrix([z for i, r in enumerate(rows) for z in [0j] * i + r[i:]], n)
    pick = fmpz_mat(n, n, [j == i for i in order for j in range(n)])
    rest = Matrix(pick * x.re, pick * x.im) - lower @ upper
    size = (rest.size(2 * BITS) + off) / least
    need(size < 1, "frames of neighbouring cells are too far apart")
    found = acb(sign)
    for i in range(n):
        found *= acb(arb(upper.re[i, i]), arb(upper.im[i, i]))
    return argument(found) + PLUS_MINUS * n * size.asin()


def argument(z: acb) -> arb:
    """One value of arg z, in a narrow ball also next to the negative axis."""
    return z.arg() if z.real.mid() >= 0 else (-z).arg() + arb.pi()


class Interval(NamedTuple):
    """Side of a cell on a line, from low to high."""

    low: int
    high: int
    cell: Frame


class Phases:
    """Phases between cells along their edges, gathered at vertices.

    The edge from p to q between cell c, which runs through it anticlockwise, and c' adds
    chi(q) - chi(p) to 2 pi times the integer, chi = arg det(V_c^dagger P V_c').
    """

    def __init__(self, bands: Bands, evidence: dict[str, Any], period: Sequence[int]) -> None:
        self.bands, self.period = bands, period  # of each coordinate, 0 where there is none
        self.sides: dict[Line, tuple[list[Interval], list[Interval]]]
        self.sides = defaultdict(lambda: ([], []))
        self.known: dict[Point, arb] = defaultdict(arb)
        self.pairs: dict[tuple[int, int], arb] = {}
        self.vertices: dict[Point, list[tuple[int, arb, Frame, Frame]]] = defaultdict(list)
        thin = keys(evidence["thin"], "tree bases levels")
        points = keys(evidence["points"], "at bases levels")
        self.plan, self.step = thin["tree"], 0
        good = isinstance(self.plan, str) and re.fullmatch("[012]*", self.plan)
        need(good, "edges are malformed")
        self.thin = Stored(thin, bands.n, self.plan.count("1"), 2)
        at = [tuple(whole(x, 0, 2**62) for x in listed(p, bands.dim)) for p in listed(points["at"])]
        need(len(set(at)) == len(at), "a vertex comes twice")
        stored = Stored(points, bands.n, len(at), 1)
        self.points = {p: bands.frame(p, (0,) * len(p), *stored.next()) for p in at}

    def cells(self, data: dict[str, Any], leaves: list[Cell], u: int, v: int, up: int) -> None:
        """Prove leaves of a plane with axes u, v, and note their sides.

        Those that are run through downwards come second; `up`: anticlockwise is from u to v.
        """
        stored = Stored(data, self.bands.n, len(leaves), 4)
        for corner, edge in leaves:
            cell = self.bands.frame(corner, edge, *stored.next())
            for axis, other, far in ((u, v, 0), (v, u, 1), (u, v, 1), (v, u, 0)):
                base = list(corner)
                base[other] += far * edge[other]
                base[axis] = 0
                down, low = (far == (axis == u)) == up, corner[axis]
                self.sides[axis, self.wrapped(base)][down].append(
                    Interval(low, low + edge[axis], cell)
                )

    def wrapped(self, point: Sequence[int]) -> Point:
        """Take a point to one period."""
        return tuple(x % m if m else x for x, m in zip(point, self.period, strict=True))

    def edges(self, line: Line, plus: list[Interval], minus: list[Interval], sign: int = 1) -> None:
        """Add all that two lists of intervals, which cover the same part of a line, share."""
        plus, minus = sorted(plus, key=lambda i: i.low), sorted(minus, key=lambda i: i.low)
        i = j = 0
        while i < len(plus) and j < len(minus):
            low, high = max(plus[i].low, minus[j].low), min(plus[i].high, minus[j].high)
            need(low < high, "cells on the two sides of a line do not match")
            self.edge(line, low, high, plus[i].cell, minus[j].cell, sign)
            i, j = i + (plus[i].high == high), j + (minus[j].high == high)
        good = i == len(plus) and j == len(minus)
        need(good, "cells on the two sides of a line do not match")

    def edge(self, line: Line, low: int, high: int, one: Frame, two: Frame, sign: int) -> None:
        """Add the interval [low, high] of a line between two cells."""
        need(self.step < len(self.plan), "edges are missing")
        what, (axis, base) = self.plan[self.step], line
        self.step += 1
        if what == "2":
            need((high - low) % 2 == 0, "an edge is divided too often")
            middle = (low + high) // 2
            self.edge(line, low, middle, one, two, sign)
            self.edge(line, middle, high, one, two, sign)
            return
        start, end = ((*base[:axis], x, *base[axis + 1 :]) for x in (low, high))
        chain = [one, two]
        if what == "1":
            edge = [(high - low) * (i == axis) for i in range(len(base))]
            chain.insert(1, self.bands.frame(start, edge, *self.thin.next()))
        for first, second in pairwise(chain):
            phase = transition(first, second)
            self.add(end, sign, phase, first, second)
            self.add(start, -sign, phase, first, second)

    def add(self, point: Point, sign: int, phase: arb, one: Frame, two: Frame) -> None:
        """Add a phase to the sum at a vertex."""
        self.vertices[self.wrapped(point)].append((sign, phase, one, two))

    def at(self, sign: int, phase: arb, one: Frame, two: Frame, frame: Frame | None) -> arb:
        """Sharpen a phase at a vertex by a frame there."""
        if frame is None:
            return sign * phase
        through = self.seen(one, frame) - self.seen(two, frame)
        through += 2 * arb.pi() * round(float(((phase - through) / (2 * arb.pi())).mid()))
        others = (through + 2 * arb.pi(), through - 2 * arb.pi())
        need(not any(x.overlaps(phase) for x in others), "a vertex has two possible phases")
        return sign * through

    def seen(self, cell: Frame, frame: Frame) -> arb:
        """Phase between a cell and a point on it, which each of its edges there asks for."""
        pair = id(cell), id(frame)
        if pair not in self.pairs:
            self.pairs[pair] = transition(cell, frame)
        return self.pairs[pair]

    def total(self) -> int:
        """Sum of the integers at all vertices."""
        need(self.step == len(self.plan) and self.thin.at == self.thin.count, "too many edges")
        found = 0
        for point, parts in self.vertices.items():
            frame = self.points.get(point)
            phase = sum((self.at(*part, frame) for part in parts), self.known[point])
            turns = (phase / (2 * arb.pi())).unique_fmpz()
            if turns is None:
                raise RejectedError("the phases at a vertex are not known well enough")
            found += int(turns)
        return found

    def settle(self, value: int) -> None:
        """Match all lines; the integer must be the one claimed."""
        for line in sorted(self.sides):
            self.edges(line, *self.sides[line])
        need(self.total() == value, "the phases add up to another integer")


def sizes(question: dict[str, Any]) -> tuple[int, int, int]:
    """Dimension, number of bands and number of those below the gap."""
    n = whole(question["bands"], 2, MAX_BANDS)
    return whole(question["dimension"], 1, 3), n, whole(question["n_occupied"], 1, n - 1)


def zone(
    question: dict[str, Any], claim: dict[str, Any], evidence: dict[str, Any], *, half: bool = False
) -> tuple[Bands, list[Cell], list[int]]:
    """Hamiltonian and leaves on the zone, or on its half 0 <= k_x <= pi."""
    dim, *_ = sizes(question)
    start, depth = box(evidence, dim)
    size = [m << depth for m in start]
    step = [fmpq(1 if half and axis == 0 else 2, m) for axis, m in enumerate(size)]
    bands = Bands(question, claim, arb.pi(), [fmpq(0)] * dim, step)
    return bands, tree(evidence["tree"], start, depth), size


def gap(question: dict[str, Any], claim: dict[str, Any], evidence: dict[str, Any]) -> None:
    """Direct gap in one to three dimensions; 5. of the page."""
    keys(evidence, "start depth tree bases levels")
    need(claim["value"] == sizes(question)[2], "the value of a gap is the number of bands below it")
    bands, leaves, _ = zone(question, claim, evidence)
    stored = Stored(evidence, bands.n, len(leaves), 1 << bands.dim)
    for leaf in leaves:
        bands.frame(*leaf, *stored.next(), turning=False)


def chern(question: dict[str, Any], claim: dict[str, Any], evidence: dict[str, Any]) -> None:
    """Chern number of the occupied bands; 4. or 6. of the page."""
    dim, n, _ = sizes(question)
    need(dim == 2, "a Chern number is one of two dimensions")
    if "bases" not in evidence:
        need(n == 2, "more than two bands need bases")
        degree(question, claim, evidence)
        return
    keys(evidence, "start depth tree bases levels thin points")
    bands, leaves, period = zone(question, claim, evidence)
    phases = Phases(bands, evidence, period)
    phases.cells(evidence, leaves, 0, 1, 1)
    phases.settle(claim["value"])


# ---------------------------------------------------------------- 7. charge of a box


def weyl(question: dict[str, Any], claim: dict[str, Any], evidence: dict[str, Any]) -> None:
    """Flux out of a box; 7. of the page."""
    keys(question, QUESTION + " centre half_width")
    keys(evidence, "start depth faces thin points")
    need(sizes(question)[0] == 3, "a Weyl charge is one of three dimensions")
    centre, half = (
        [fmpq(*number(x).as_integer_ratio()) for x in listed(question[k], 3)]
        for k in ("centre", "half_width")
    )
    need(all(x > 0 for x in half), "the box is empty")
    start, depth = box(evidence, 3)
    size = [m << depth for m in start]
    origin = [c - x for c, x in zip(centre, half, strict=True)]
    step = [2 * x / m for x, m in zip(half, size, strict=True)]
    phases = Phases(Bands(question, claim, None, origin, step), evidence, (0, 0, 0))
    for face, data in enumerate(listed(evidence["faces"], 6)):
        normal, up = divmod(face, 2)
        u, v = (normal + 1) % 3, (normal + 2) % 3
        keys(data, "tree bases levels")
        leaves = [
            Cell(*(
                tuple(pair[(i - u) % 3] if i != normal else across for i in range(3))
                for pair, across in ((corner, up * size[normal]), (edge, 0))
            ))
            for corner, edge in tree(data["tree"], (start[u], start[v]), depth)
        ]  # fmt: skip
        phases.cells(data, leaves, u, v, up)
    phases.settle(claim["value"])


# ---------------------------------------------------------------- 8. time reversal


def z2(question: dict[str, Any], claim: dict[str, Any], evidence: dict[str, Any]) -> None:
    """Z2 invariant from half the zone and from what time reversal does at its ends; 8."""
    keys(question, QUESTION + " time_reversal symmetry_violation")
    keys(evidence, "start depth tree bases levels thin points")
    need(sizes(question)[0] == 2, "a Z2 invariant is one of two dimensions")
    bands, leaves, (end, period) = zone(question, claim, evidence, half=True)
    even = (evidence["start"][1], bands.filled, bands.n)
    need(not any(x % 2 for x in even), "an odd number")
    unitary_, stated = question["time_reversal"], positive(question["symmetry_violation"])
    reverse = Reversal(bands, complexes(unitary_, bands.n**2), stated)
    phases = HalfZone(bands, evidence, (0, period), reverse, end)
    phases.cells(evidence, leaves, 0, 1, 1)
    first: dict[Point, Frame] = {}
    top = period // 2
    for line in sorted(phases.sides):
        (axis, (x, _)), (plus, minus) = line, phases.sides[line]
        if axis == 0 or 0 < x < end:
            phases.edges(line, plus, minus)
            continue
        lower = [i for i in plus + minus if i.low >= top]
        upper = [i for i in plus + minus if i.low < top]
        images = [Interval(period - i.high, period - i.low, reverse(i.cell)) for i in upper]
        phases.edges(line, lower, images, 1 if x else -1)
        first[x, 0] = min(upper, key=lambda i: i.low).cell
        first[x, top] = max(upper, key=lambda i: i.high).cell
    for point, cell in first.items():
        need(point in phases.points, "a momentum that time reversal keeps has no basis")
        frame = phases.points[point]
        phase = reverse.sign(frame) + transition(cell, frame)
        phases.known[point] = 2 * phase * (1 if (point[0] > 0) == (point[1] > 0) else -1)
    need(phases.total() % 2 == claim["value"], "the phases add up to another parity")


class HalfZone(Phases):
    """At the ends of the half zone, vertices with k_y > 0 are counted where T takes them."""

    def __init__(
        self, bands: Bands, evidence: dict[str, Any], period: Sequence[int], reverse: Reversal,
        end: int,
    ) -> None:  # fmt: skip
        super().__init__(bands, evidence, period)
        self.reverse, self.end = reverse, end

    def add(self, point: Point, sign: int, phase: arb, one: Frame, two: Frame) -> None:
        """Add a phase, or the phase of the image."""
        x, y = self.wrapped(point)
        if x in (0, self.end) and 0 < y < self.period[1] // 2:
            point, phase, one, two = (x, -y), -phase, self.reverse(one), self.reverse(two)
        super().add(point, sign, phase, one, two)


class Reversal:
    """Time reversal k -> -k, psi -> U psi*, with the exact U antisymmetric and unitary."""

    def __init__(self, bands: Bands, entries: list[complex], stated: float) -> None:
        n = self.n = bands.n
        need(all(abs(z) < 2 for z in entries), "time reversal is far from unitary")
        given = matrix(entries, n)
        turned = given.adjoint().conjugate()
        self.u, self.off = unitary((given - turned).cut(1))
        self.images: dict[int, tuple[Frame, Frame]] = {}
        wrong = arb(0)
        for vector, h in [*zip(bands.vectors, bands.matrices, strict=True), ((), bands.home)]:
            image = self.u @ h.conjugate() @ self.u.adjoint()
            found = norm(h.scaled(1 << 2 * BITS) - image, 3 * BITS)
            found += arb((8 * n, -BITS)) + 3 * self.off * norm(h, BITS)
            wrong += found if vector else found / 2
        bands.wrong = stated * bands.scale
        need(wrong <= bands.wrong, "time reversal is violated by more than it says")

    def __call__(self, frame: Frame) -> Frame:
        """Image of a frame, valid at the image of its cell."""
        if id(frame) not in self.images:
            v, w = ((self.u @ x.conjugate()).cut(BITS) for x in (frame.v, frame.w))
            off = arb(101) / 100 * (frame.off + self.off) + arb((2 * self.n, -BITS))
            self.images[id(frame)] = frame, Frame(v, w, off, frame.tau, frame.most)
        return self.images[id(frame)][1]

    def sign(self, frame: Frame) -> arb:
        """Phase of the Pfaffian of V^dagger U V* at a momentum that time reversal keeps."""
        n = frame.v.re.ncols()
        small = frame.v.adjoint() @ self(frame).v
        gram = small.adjoint() @ small - identity(n, 4 * BITS)
        off = arb(101) / 100 * (frame.off + self(frame).off)
        need(gram.size(4 * BITS) + 3 * off < 0.5, "a basis is not symmetric")
        moved = 4 * (frame.most + off)  # |w^-1| <= 1.5, and w moves by at most 2t + t^2
        need(moved < 1, "a basis is not good enough")
        unit, ball = arb((1, -2 * BITS)), acb(PLUS_MINUS * off, PLUS_MINUS * off)
        parts = zip(small.re.table(), small.im.table(), strict=True)
        w = [[acb(x * unit, y * unit) + ball for x, y in zip(*row, strict=True)] for row in parts]
        return argument(pfaffian(w)) + PLUS_MINUS * n * moved.asin() / 2


def pfaffian(a: list[list[acb]]) -> acb:
    """Pfaffian of an antisymmetric matrix, from its upper triangle, by elimination."""
    n, found = len(a), acb(1)
    a = [[a[i][j] if i < j else -a[j][i] for j in range(n)] for i in range(n)]
    while a:
        j = max(range(1, len(a)), key=lambda j: float(abs(a[0][j]).mid()))
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
    data = read(text)
    question, evidence = data["question"], data["evidence"]
    need(isinstance(question, dict) and isinstance(evidence, dict), "an object is missing")
    quantity = question.get("quantity")
    need(isinstance(quantity, str) and quantity in CHECKS, "the quantity is unknown")
    claim = keys(data["claim"], "value gap_lower")
    value = whole(claim["value"], -(10**12), 10**12)
    least = positive(claim["gap_lower"])
    if quantity in ("gap", "Chern number"):
        keys(question, QUESTION)
    ctx.prec = 128
    try:
        CHECKS[quantity](question, {"value": value, "gap": least}, evidence)
    except (ArithmeticError, ValueError, RecursionError, MemoryError) as error:
        raise RejectedError(
            f"the numbers cannot be worked with ({type(error).__name__})"
        ) from error
    return f"{quantity} {value}, gap at least {least:.6g}"


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
