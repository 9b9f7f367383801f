"""Check a certificate of a topological invariant: `python checker.py x.cert.json`.

Needs Python and python-flint, nothing else, and shares no code with the program that wrote the
file. Winding numbers are proven here; all others by files that lie beside this one and build on
it, which `BESIDE` names.

From the certificate they take as true only the question: the hoppings (exact binary numbers) and
what is asked of them. Everything else in it, bases, energies, how cells were divided, is a
suggestion: it is read as exact numbers from which each inequality is proven again in ball
arithmetic, where `arb`, `acb` and `acb_mat` of flint hold every number with a bound of its error,
and a comparison is true only if it is certain. The page "The checker" of the documentation states
the theorems; section numbers are those of that page.

Exit status: 0 accepted; 1 rejected; 2 the file cannot be read or is no certificate.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_FLOOR, Context, Decimal
from functools import reduce
from importlib import import_module
from itertools import product
from math import frexp, inf, prod
from operator import add
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from flint import acb, acb_mat, acb_poly, arb, ctx, fmpq

FORMAT, VERSION = "topophys certificate", 1
#: Limits that keep time and memory in proportion to the file.
MAX_BYTES, MAX_BANDS, MAX_RANGE, MAX_START = 2**31, 256, 10**6, 10**6
MAX_WORK, MAX_WAVES = 2 * 10**8, 2 * 10**7
#: Cells: each takes memory.
MAX_LEAVES = 10**6
DEEPEST = {1: 48, 2: 26, 3: 20, 4: 0}
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
        self.n, self.dim = n, dim
        self.divide(claim.evidence)
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

    def divide(self, evidence: dict[str, Any]) -> None:
        """Read how many cells there are along each axis, and how often they may be halved."""
        self.start = [whole(x, 1, MAX_START) for x in listed(evidence["start"], self.dim)]
        self.depth = whole(evidence["depth"], 0, DEEPEST[self.dim])
        self.size = [x << self.depth for x in self.start]


class Leaf(NamedTuple):
    """Lowest corner and edges of a cell in units of the finest lattice."""

    corner: Point
    edge: Point


def tree(bits: Any, start: Sequence[int], depth: int) -> list[Leaf]:
    """Leaves of a tree, which tile the box by construction; 2. of the page."""
    need(isinstance(bits, str) and re.fullmatch("[01]*", bits), "a tree must be a string of bits")
    need(bits.count("0") <= MAX_LEAVES, "there are too many cells")
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


def turning(claim: Claim) -> tuple[dict[int, arb], int, int]:
    """Prove that det D stays away from 0, by what gap and errors ask; 3. of the page.

    Returns by how much the phase of e^(-ikp) det D turns on each leaf, by its beginning; the
    length of 2 pi, and p.
    """
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
    steps = dict[int, arb]()
    for i, leaf in enumerate(leaves):
        j = (i + 1) % len(leaves)
        square = (2 * PI * leaf.edge[0] / fine) ** 2 / 8
        away = chord(value[i], value[j]) - square * f2
        need(away > 0, "the determinant may vanish on an interval")
        sigma = smallest_singular(n, away, most(size[i], size[j]) + square * g2)
        good = sigma > h.error and sigma >= h.gap / 2 + h.error
        need(good, "the gap may be smaller on an interval")
        # below pi in size: the image is in a half plane
        steps[leaf.corner[0]] = (value[j] / value[i]).arg()
    return steps, fine, n * low + shift


def winding(claim: Claim) -> None:
    """Winding number of det D(k); 3. of the page."""
    steps, _, power = turning(claim)
    settle(integer(total(iter(steps.values())) / (2 * PI)) + power, claim)


def settle(found: int, claim: Claim) -> None:
    """Require that an integer is the one claimed."""
    need(found == claim.value, f"the integer is {found}, not {claim.value}")


# ---------------------------------------------------------------- the program


class Check(NamedTuple):
    """What proves a quantity, its dimensions, and what is in its question and in its evidence."""

    prove: Callable[[Claim], None]
    dimensions: tuple[int | None, ...]
    question: str
    evidence: str
    shown: Callable[[int], str] = str


CHECKS = {
    "winding number": Check(
        winding, (None,), "quantity block hoppings amplitude_error", "start depth tree"
    ),
}
#: Quantities that a file beside this one proves, in a table `CHECKS` of its own.
BESIDE = {
    "gap": "gap_checker",
    "indirect gap": "gap_checker",
    "gap around an energy": "gap_checker",
    "Chern number": "bundle_checker",
    "Z2 invariant": "bundle_checker",
    "Majorana number": "bundle_checker",
    "Weyl charge": "bundle_checker",
    "Weyl census": "census_checker",
    "mirror Chern number, times two": "symmetry_checker",
    "Majorana Kramers number": "symmetry_checker",
    "axion angle": "symmetry_checker",
    "spin Chern number, times two": "symmetry_checker",
    "Z2 indices": "symmetry_checker",
    "Z2 indices of planes": "symmetry_checker",
    "three-dimensional winding number": "degree_checker",
    "second Chern number": "degree_checker",
    "localizer index": "degree_checker",
}


def check_of(quantity: Any, evidence: dict[str, Any]) -> Check:
    """Find what proves a quantity; a Chern number without bases is one of two bands."""
    need(isinstance(quantity, str) and quantity in {*CHECKS, *BESIDE}, "the quantity is unknown")
    if quantity in CHECKS:
        return CHECKS[quantity]
    name = BESIDE[quantity]
    try:
        table = import_module(f"{__package__}.{name}" if __package__ else name).CHECKS
    except ModuleNotFoundError as error:
        gone = str(error.name).rpartition(".")[2]
        raise UnreadableError(f"{quantity}: needs {gone}.py beside checker.py") from error
    two = quantity == "Chern number" and "bases" not in evidence
    found: Check = table[quantity + ", two bands" * two]
    return found


def check(text: str) -> str:
    """Check the text of a certificate; what it proves, or `RejectedError`, `UnreadableError`."""
    data = read(text)
    question, evidence = data["question"], data["evidence"]
    said = keys(data["claim"], "value gap_lower")
    value, lower = whole(said["value"], -(10**12), 10**12), number(said["gap_lower"], 0.0)
    need(isinstance(question, dict) and isinstance(evidence, dict), "an object is missing")
    quantity = question.get("quantity")
    how = check_of(quantity, evidence)
    keys(question, how.question)
    keys(evidence, how.evidence)
    need(question.get("dimension") in how.dimensions, "the dimension is not one of this quantity")
    ctx.prec = 256 if quantity == "winding number" else 128
    try:
        how.prove(Claim(question, evidence, value, lower))
    except (ArithmeticError, ValueError, RecursionError, MemoryError) as error:
        reason = f"the numbers cannot be worked with ({type(error).__name__})"
        raise RejectedError(reason) from error
    return f"{quantity} {how.shown(value)}, gap at least {rounded_down(lower)}"


def rounded_down(bound: float) -> str:
    """Six digits of a proven bound that are proven, too."""
    six = Context(prec=6, rounding=ROUND_FLOOR).create_decimal(Decimal(bound))
    return f"{float(six):.6g}" if bound == 0.0 or bound > 1e-300 else f"{six:.5e}"


def contents(path: Path) -> str:
    """Text of a regular file; pipes and devices could keep us waiting, or fill the memory."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise UnreadableError("no file, or one that is too large")
    content = path.read_bytes()
    if content[:2] == b"PK":
        raise UnreadableError("a zip archive, which phase_checker.py reads")
    return content.decode()


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
    # files beside this one import it by name: they are to find what runs, not a second copy
    sys.modules[f"{__package__}.checker" if __package__ else "checker"] = sys.modules[__name__]
    raise SystemExit(main())
