"""Families of Hamiltonians and pairs of them whose phases are known exactly, for `proof_fuzz`.

Each is a sum of blocks with one coordinate x: QWZ planes with the mass x, pairs of a plane and its
time reverse, chains D = t z^p + x z^q. A block closes its gap where x meets one of a few numbers,
so what is proven of a box of parameters, or of a path, is judged by intervals of rational numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

import topophys as tp
from topophys.testing.proof_cases import CLOSED, Case, reversal_of, scale

QWZ = (Fraction(-2), Fraction(0), Fraction(2))
#: Rounding of hoppings and momenta in a random basis, relative to the size of a Hamiltonian.
ROUNDING = Fraction(1, 10**12)
_Z = np.diag([1.0, -1.0])


def rational(rng, low, high, places=12):
    """Rational number that is a float, too."""
    return Fraction(int(rng.integers(round(low * 2**places), round(high * 2**places) + 1)),
                    2**places)  # fmt: skip


def near(rng, centres):
    """A coordinate, its distance from a transition anywhere from 2^-20 to 4."""
    if rng.random() < 0.5:
        off = Fraction(int(rng.choice([-1, 1])), 2 ** int(rng.integers(0, 20)))
        return centres[rng.integers(len(centres))] + off
    return rational(rng, -4, 4, 8)


# ---------------------------------------------------------------- blocks


@dataclass(frozen=True)
class Block:
    """One summand: where its gap closes, its integer, and gap per distance in x."""

    transitions: tuple[Fraction, ...]
    degree: Callable[[Fraction], int]
    slope: Fraction
    hops: dict[tuple[int, ...], np.ndarray]
    rise: dict[tuple[int, ...], np.ndarray]  # times x

    def closed(self, low, high):
        return any(low <= t <= high for t in self.transitions)

    def gap(self, low, high):
        """Upper bound of the gap for x between two ends, none of the transitions in between."""
        return self.slope * min(abs(x - t) for x in (low, high) for t in self.transitions)


def plane_degree(x):
    return 0 if abs(x) > 2 else (1 if x < 0 else -1)


def plane(rng, *, pair):
    """QWZ with the mass x, or such a plane beside its time reverse."""
    weight = Fraction(1, 2 ** int(rng.integers(0, 4)))
    w = float(weight)
    one = {
        tuple(v): w * a for v, a in zip(
            *(getattr(tp.models.qwz(0.0), name) for name in ("vectors", "amplitudes")), strict=True
        )
    }  # fmt: skip
    one = {tuple(int(x) for x in v): a for v, a in one.items()}
    rise = w * _Z.astype(complex)
    if pair:
        one = {v: np.kron(np.diag([1, 0]), a) + np.kron(np.diag([0, 1]), a.conj())
               for v, a in one.items()}  # fmt: skip
        rise = np.kron(np.eye(2), rise)
    return Block(QWZ, plane_degree, 2 * weight, one, {(0, 0): rise})


def chain(rng):
    """D = t z^p + x z^q."""
    t = rational(rng, 0.25, 2, 6)
    p, q = (int(i) for i in rng.choice(np.arange(-3, 4), 2, replace=False))
    return Block((-t, t), lambda x: q if abs(x) > t else p, Fraction(2),
                 {(p,): np.full((1, 1), complex(t))}, {(q,): np.ones((1, 1), complex)})  # fmt: skip


def block_sum(blocks, values, unit, basis):
    """Hoppings of all blocks at their coordinates, in a basis."""
    sizes = [next(iter(b.hops.values())).shape[0] for b in blocks]
    n, at, out = sum(sizes), 0, {}
    for block, size, x in zip(blocks, sizes, values, strict=True):
        for part, factor in ((block.hops, 1.0), (block.rise, x)):
            for v, a in part.items():
                out.setdefault(v, np.zeros((n, n), complex))
                out[v][at : at + size, at : at + size] += factor * a
        at += size
    left, right = basis
    return {v: unit * (left @ a @ right) for v, a in out.items()}


def unitary(rng, n):
    q, r = np.linalg.qr(rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n)))
    return q * (np.diag(r) / np.abs(np.diag(r)))


@dataclass(frozen=True)
class Sum:
    """Blocks of one kind in one basis."""

    kind: str  # "chern", "z2" or "winding"
    blocks: list[Block]
    unit: float
    basis: tuple[np.ndarray, np.ndarray]
    dressed: bool
    reversal: np.ndarray | None
    bend: float = 0.0  # of time reversal

    @property
    def filled(self):
        return len(self.blocks) * (2 if self.kind == "z2" else 1)

    def at(self, values):
        """One Hamiltonian; values are floats."""
        hops = block_sum(self.blocks, values, self.unit, self.basis)
        if self.kind == "winding":
            return tp.ChiralHamiltonian(hops)
        if self.bend:
            odd = np.zeros((4 * len(self.blocks),) * 2, complex)
            odd[:4, :4] = np.kron(_Z, _Z)
            left, right = self.basis
            hops[0, 0] = hops[0, 0] + self.unit * self.bend * (left @ odd @ right)
        return tp.FourierHamiltonian(hops, n_occupied=self.filled)

    def truth(self, ends):
        """Integer for coordinates within intervals; CLOSED where the gap closes for some."""
        if any(b.closed(*e) for b, e in zip(self.blocks, ends, strict=True)):
            return CLOSED
        total = sum(b.degree(e[0]) for b, e in zip(self.blocks, ends, strict=True))
        return total % 2 if self.kind == "z2" else total

    def gap(self, ends):
        """Upper bound of the gap somewhere in the intervals, in the unit of the Hamiltonian."""
        least = min(b.gap(*e) for b, e in zip(self.blocks, ends, strict=True))
        size = max(abs(x) for e in ends for x in e) + 4
        return (least + (ROUNDING * size if self.dressed else 0)) * Fraction(self.unit)


def draw_sum(rng):
    """Blocks of a kind, in a random basis at times, in any unit of energy."""
    kind = str(rng.choice(["chern", "chern", "z2", "winding"]))
    count = int(rng.choice([1, 1, 2] if kind == "z2" else [1, 1, 2, 3]))
    blocks = [
        chain(rng) if kind == "winding" else plane(rng, pair=kind == "z2") for _ in range(count)
    ]
    n = count * {"winding": 1, "chern": 2, "z2": 4}[kind]
    left = right = np.eye(n)
    reversal = reversal_of(n, count) if kind == "z2" else None
    dressed = bool(rng.random() < 0.4)
    if dressed:
        left = unitary(rng, n)
        right = unitary(rng, n) if kind == "winding" else left.conj().T
        reversal = None if reversal is None else left @ reversal @ left.T
    bend = 0.0 if kind != "z2" or rng.random() < 0.5 else float(10.0 ** rng.uniform(-9, -0.5))
    unit = float(np.ldexp(1.0, max(-990, min(scale(rng), 960))))
    return Sum(kind, blocks, unit, (left, right), dressed, reversal, bend)


def features_of(made):
    return tuple(
        [f"family of {made.kind}"] + ["dressed"] * made.dressed
        + ["broken symmetry"] * bool(made.bend) + ["other unit"] * (made.unit != 1.0)
    )  # fmt: skip


# ---------------------------------------------------------------- families over parameters


@dataclass(frozen=True)
class Curve:
    """How a coordinate depends on one parameter: c1 p + c2 p^2, or c1 cos p + c2 sin p."""

    kind: str
    first: Fraction
    second: Fraction

    def __call__(self, p):
        a, b = float(self.first), float(self.second)
        return a * np.cos(p) + b * np.sin(p) if self.kind == "trigonometric" else a * p + b * p * p

    def ends(self, low, high):
        """Smallest and largest value between two floats, rounded inward by 1e-30 where at all."""
        a, b = self.first, self.second
        if self.kind != "trigonometric":
            inner = [-a / (2 * b)] if b else []
            points = [Fraction(low), Fraction(high),
                      *(p for p in inner if Fraction(low) < p < Fraction(high))]  # fmt: skip
            values = [a * p + b * p * p for p in points]
            return min(values), max(values)
        with mpmath.workdps(40):
            exact = [mpmath.mpf(x.numerator) / x.denominator for x in (a, b)]
            top = mpmath.atan2(exact[1], exact[0])
            first = int(mpmath.ceil((low - top) / mpmath.pi))
            last = int(mpmath.floor((high - top) / mpmath.pi))
            points = [low, high, *(top + i * mpmath.pi for i in range(first, last + 1))]
            values = [exact[0] * mpmath.cos(p) + exact[1] * mpmath.sin(p) for p in points]
            tiny = Fraction(1, 10**30)
            lowest, highest = (Fraction(str(f(values))) for f in (min, max))
        return lowest + tiny, max(lowest + tiny, highest - tiny)

    def steepest(self, low, high):
        """Bound of the derivative."""
        a, b = float(self.first), float(self.second)
        if self.kind == "trigonometric":
            return float(np.hypot(a, b)) * (1 + 1e-12)
        return max(abs(a + 2 * b * low), abs(a + 2 * b * high)) * (1 + 1e-12)


def draw_curve(rng, kind):
    if kind == "affine":
        return Curve(kind, rational(rng, -1, 1, 8), Fraction(0))
    return Curve(kind, rational(rng, -1, 1, 8), rational(rng, -1, 1, 8))


def draw_family(rng):
    """A function of one to three parameters with the phases of all its values."""
    made = draw_sum(rng)
    quantity = made.kind if rng.random() < 0.8 else "gap"
    if quantity == "gap":  # of the given family, not of a symmetrised one
        made = replace(made, bend=0.0)
    names = ["a", "b", "c"][: int(rng.choice([1, 1, 1, 2, 2, 3]))]
    kinds = {n: str(rng.choice(["affine", "quadratic", "trigonometric"])) for n in names}
    start = [near(rng, b.transitions) for b in made.blocks]
    curves = [{n: draw_curve(rng, kinds[n]) for n in names} for _ in made.blocks]
    ranges = {}
    for n in names:
        low = float(rational(rng, -3, 2))
        ranges[n] = (low, low + float(2.0 ** rng.uniform(-6, 2)))

    def family(**p):
        values = [
            float(x) + sum(curve[n](p[n]) for n in names)
            for x, curve in zip(start, curves, strict=True)
        ]
        return made.at(values)

    def ends(lower, upper):
        out = []
        for x, curve in zip(start, curves, strict=True):
            parts = [curve[n].ends(float(a), float(b))
                     for n, a, b in zip(names, lower, upper, strict=True)]  # fmt: skip
            out.append((x + sum(p[0] for p in parts), x + sum(p[1] for p in parts)))
        return out

    words = {"affine": "affine", "quadratic": ("polynomial", 2), "trigonometric": "trigonometric"}
    known: dict[str, Any] = {"dependence": {n: words[kinds[n]] for n in names}}
    if made.kind != "z2" and rng.random() < 0.3:
        known = {"lipschitz": {
            n: made.unit * max(
                float(b.slope) / 2 * c[n].steepest(*ranges[n])
                for b, c in zip(made.blocks, curves, strict=True)
            ) * (1 + 1e-9)
            for n in names
        }}  # fmt: skip
    reversal = made.reversal if quantity == "z2" else None
    exponent = int(np.frexp(made.unit)[1]) - 1
    extra = {
        "parameters": ranges, "quantity": quantity, "effort": 3.8, "sum": made, "ends": ends,
        "time_reversal": reversal, "dependence": None, "lipschitz": None, **known,
    }  # fmt: skip
    size = 2 * made.filled
    return Case(family, [0], exponent, (*features_of(made), f"{len(names)} parameters"),
                size // 2, time_reversal=reversal, extra=extra)  # fmt: skip


def phases_twice(family, resume=None, **options):
    """`certify_phases`, at times continued from a first part of itself."""
    if resume:
        first = options | {"share": 0.5 * options["share"], "min_gap": 0.0}
        options["resume"] = tp.certify_phases(family, **first)
    return tp.certify_phases(family, **options)


def judge_phases(case, found):
    """Every proven box against intervals: its integer, its gap, and the gap that was asked for."""
    made, ends = case.extra["sum"], case.extra["ends"]
    good = np.flatnonzero(found.status == "certified")
    if abs(np.prod(found.upper - found.lower, axis=1).sum()
           / np.prod(np.ptp(found.domain, axis=1)) - 1.0) > 1e-9:  # fmt: skip
        return ["wrong"]
    rng = np.random.default_rng(len(good))
    for row in good if len(good) < 200 else rng.choice(good, 200, replace=False):
        here = ends(found.lower[row], found.upper[row])
        truth = made.truth(here)
        if truth is not CLOSED and found.quantity == "gap":
            truth = case.n_occupied
        if truth is CLOSED or int(found.value[row]) != truth:
            return ["wrong"]
        if not 0.0 < found.gap_lower[row] <= max(made.gap(here), 0):
            return ["bound"]
    # a box that was looked at never has less than what is said to be met
    if (found.gap_lower[good] > found.gap_upper[good]).any():
        return ["bound"]
    if case.extra.get("asked") and (found.gap_lower[good] < case.extra["asked"]).any():
        return ["bound"]
    return ["right" if len(good) else "unresolved"]


# ---------------------------------------------------------------- pairs and paths


def draw_pair(rng):
    """Two Hamiltonians, at times some on the way, with what straight paths between them meet."""
    made = draw_sum(rng)
    count = int(rng.choice([2, 2, 2, 3, 4]))
    points = [[near(rng, b.transitions) for b in made.blocks] for _ in range(count)]
    if rng.random() < 0.4:  # close together: one phase
        step = [Fraction(int(rng.integers(-9, 10)), 1000) for _ in made.blocks]
        points = [[x + i * d for x, d in zip(points[0], step, strict=True)] for i in range(count)]
        points = [[Fraction(float(x)) for x in p] for p in points]
    # a factor for each: a straight path between w0 H(x0) and w1 H(x1) meets x between x0 and x1
    factors = [2.0 ** int(rng.integers(-3, 4)) if rng.random() < 0.3 else 1.0 for _ in points]
    if made.kind == "winding":
        factors = [1.0] * count
    stops = [f * made.at([float(x) for x in p]) if f != 1.0 else made.at([float(x) for x in p])
             for p, f in zip(points, factors, strict=True)]  # fmt: skip
    symmetry = {"winding": "chiral", "z2": made.reversal, "chern": None}[made.kind]
    extra = {
        "h1": stops[-1], "waypoints": stops[1:-1], "symmetry": symmetry, "effort": 3.8,
        "sum": made, "points": points, "factors": factors,
    }  # fmt: skip
    exponent = int(np.frexp(made.unit)[1]) - 1
    return Case(stops[0], [0], exponent, (*features_of(made), f"{count} stops"), made.filled,
                extra=extra)  # fmt: skip


def judge_pair(case, found):
    """One phase needs paths without a transition; different ones need different integers."""
    made, points = case.extra["sum"], case.extra["points"]
    integers = [made.truth([(x, x) for x in p]) for p in (points[0], points[-1])]
    legs = [
        [(min(a, b), max(a, b)) for a, b in zip(one, two, strict=True)]
        for one, two in pairwise(points)
    ]
    if found.answer == "open":
        return ["unresolved"]
    if found.answer == "different phases":
        message = [None if v is None else int(v) for v in found.integers or (None, None)]
        return ["right" if CLOSED not in integers and integers[0] != integers[1]
                and message == integers else "wrong"]  # fmt: skip
    if any(made.truth(leg) is CLOSED for leg in legs):
        return ["wrong"]
    least = min(
        made.gap([(x, x) for x in p]) * Fraction(f)
        for p, f in zip(points, case.extra["factors"], strict=True)
    )
    if not 0.0 < found.gap_lower <= min(least, found.gap_upper):
        return ["bound"]
    if case.extra.get("asked") and found.gap_lower < case.extra["asked"]:
        return ["bound"]
    return ["right"]
