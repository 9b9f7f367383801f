"""Spin operators and Hamiltonians whose spin Chern numbers are known exactly, for `proof_fuzz`."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

import topophys as tp
from topophys.testing.proof_cases import (
    BITS,
    CLOSED,
    ONE,
    Case,
    Fixed,
    congruent,
    direct_sum,
    draw_blocks,
    embed,
    finished,
    mass,
    put,
    qwz,
    qwz_degree,
    scale,
    shifted,
    unimodular,
    with_levels,
)


@dataclass
class Occupied:
    """Occupied states of one spin: their Chern number, and how many bands they are."""

    spin: Fraction
    chern: int
    bands: int = 1


def halves(states):
    """Chern numbers (up, down) of the halves by spin, and the gap between them; CLOSED if none."""
    bands = sum(s.bands for s in states)
    by_spin: dict[Fraction, list[int]] = {}
    for s in states:
        found = by_spin.setdefault(s.spin, [0, 0])
        found[0] += s.bands
        found[1] += s.chern
    seen, down = 0, 0
    spins = [spin for spin in sorted(by_spin) if by_spin[spin][0]]
    for lower, upper in itertools.pairwise(spins):
        seen += by_spin[lower][0]
        down += by_spin[lower][1]
        if 2 * seen == bands:
            return (sum(s.chern for s in states) - down, down), upper - lower
    return CLOSED, Fraction(0)


def corner_gaps(m, weight):
    """Smallest and largest |d(k)| of QWZ: |d|^2 is bilinear in both cosines."""
    sizes = [abs((m + s * ONE) * weight // ONE) for s in (-2, 0, 2)]
    return min(sizes), max(sizes)


def draw_sectors(rng, size):
    """Conserved spin: blocks and levels of each of its values, behind a change of basis of each."""
    spins = rng.choice(np.arange(-4, 5), int(rng.choice([2, 2, 3])), replace=False)
    if rng.random() < 0.5:  # the same number of both spins, or two such pairs
        spins = [int(s) for s in (rng.choice([1, 2, 3]), 0)]
        spins[1] = -spins[0]
    hop, values, states, closed = {}, [], [[] for _ in range(size)], np.zeros(size, bool)
    pairs = len(spins) == 2 and rng.random() < 0.4
    last, count = None, 0
    for index, spin in enumerate(spins):
        if pairs and index:
            block, n, below, degree = last
            # conj(h(-k)): hoppings are conjugated where they are
            block = {key: Fixed(value.re, -value.im) for key, value in block.items()}
            degree = [value if value is CLOSED else -value for value in degree]
        else:
            found = draw_blocks(rng, size, 1, pairs=False, broken=False)
            block, n, below = with_levels(rng, found.parts, int(rng.choice([0, 0, 1])), size, 1)
            if rng.random() < 0.4:
                block = congruent(block, unimodular(rng, n, 2))
            degree = [
                CLOSED if c else int(t) for t, c in zip(found.total, found.closed, strict=True)
            ]
            below += 1
            last = block, n, below, degree
        count += below
        closed |= [value is CLOSED for value in degree]
        for one, value in zip(states, degree, strict=True):
            one.append(Occupied(Fraction(int(spin)), value or 0, below))
        hop, at = enlarged(hop, n), len(values)
        for key, value in block.items():
            put(hop, key, embed(value, at + n, at))
        values += [int(spin)] * n
    if count % 2:
        spin = int(rng.choice(spins))
        hop, at = enlarged(hop, 1), len(values)
        put(hop, (0, 0), embed(Fixed(np.full((size, 1, 1), -ONE, object)), at + 1, at))
        values.append(spin)
        count += 1
        for one in states:
            one.append(Occupied(Fraction(spin), 0))
    found = [halves(one) for one in states]
    truth = [CLOSED if c else value for (value, _), c in zip(found, closed, strict=True)]
    return hop, values, count, truth, [0] * size, [gap for _, gap in found]


def enlarged(hop, more):
    """Hoppings with zeros for orbitals that are to come."""
    return {key: embed(value, value.re.shape[-1] + more, 0) for key, value in hop.items()}


def draw_mixed(rng, size):
    """Two spins that couple, of which gap, halves and their Chern numbers are known by algebra.

    - "copies", h x 1 + c x s_x: energies are those of h plus and minus c; while c is below the
      smallest |d| the lower bands of both copies are filled, beyond it the gap closes.
    - "opposite", h x s_z + c x s_x: energies are the roots of |d|^2 + c^2; the states from both
      bands of h have the spins (a + b)/2 +- (a - b)/2 |d|/(|d|^2 + c^2)^(1/2), and the Chern
      numbers +C and -C, whatever c is.
    """
    opposite = rng.random() < 0.6
    a, b = sorted((int(x) for x in rng.choice(np.arange(-12, 13), 2, replace=False)), reverse=True)
    levels = [int(x) for x in rng.integers(b - 2, a + 3, int(rng.choice([0, 2, 2])))]
    rows, truth, violation, gaps = [], [], [], []
    matrix = [[1, 0], [0, 1]] if rng.random() < 0.6 else unimodular(rng, 2, 2).tolist()
    weight = ONE >> int(rng.integers(0, 4))
    masses = [mass(rng, (-2, 0, 2)) for _ in range(size)]
    for m in masses:
        low, high = corner_gaps(m, weight)
        base = low if not opposite or rng.random() < 0.5 else high
        kind = rng.random()
        if kind < 0.05:
            c = base
        elif kind < 0.65:
            c = base >> int(rng.integers(2, 20))
        else:
            c = base + int(rng.choice([-1, -1, 1])) * (base >> int(rng.integers(1, 30)))
        if not opposite:
            c = min(c, high)
        rows.append(c)
        degree = qwz_degree(m)
        fixed = [Occupied(Fraction(t), 0) for t in levels]
        order = [
            Occupied(Fraction(a), degree or 0),
            Occupied(Fraction(b), (-1) ** opposite * (degree or 0)),
        ]
        found, gap = halves([*order, *fixed])
        if not opposite:
            truth.append(found if c < low else CLOSED)
        elif low == 0 == c:
            truth.append(CLOSED)
        else:
            truth.append(turned_halves(a, b, levels, degree or 0, (low, high, c)))
        violation.append(2 * c)
        gaps.append(gap)
    h = qwz(masses, matrix, weight=weight)
    minus = {key: value * (-1 if opposite else 1) for key, value in h.items()}
    hop = direct_sum([(h, 2), (minus, 2)], 4 + len(levels))
    coupling = Fixed(np.zeros((size, 4 + len(levels), 4 + len(levels)), object))
    for i, j in ((0, 2), (1, 3), (2, 0), (3, 1)):
        coupling.re[:, i, j] = rows
    for i in range(4, 4 + len(levels)):
        coupling.re[:, i, i] = -ONE << int(rng.choice([0, 6, 18]))
    put(hop, (0, 0), coupling)
    return hop, [a, a, b, b, *levels], 2 + len(levels), truth, violation, gaps


def turned_halves(a, b, levels, degree, sizes):
    """Halves of "opposite" for |d| from low to high; CLOSED if their gap closes for one of them.

    The spins are a line in the cosine x = |d|/(|d|^2 + c^2)^(1/2) from [x(low), x(high)], so that
    the middle two can only meet at x = 0 or where a line crosses a level.
    """
    low, high, c = sizes
    middle, half = Fraction(a + b, 2), Fraction(a - b, 2)

    def reached(x):  # low^2 / (low^2 + c^2) <= x^2 <= high^2 / (high^2 + c^2)
        return (
            x * x * (low * low + c * c) >= low * low
            and x * x * (high * high + c * c) <= high * high
        )

    def at(x):
        fixed = [Occupied(Fraction(t), 0) for t in levels]
        return halves(
            [Occupied(middle + half * x, degree), Occupied(middle - half * x, -degree), *fixed]
        )[0]

    crossings = {Fraction(0), *(abs(t - middle) / half for t in levels)}
    if any(reached(x) and at(x) is CLOSED for x in crossings):
        return CLOSED
    # between two crossings nothing changes: one value of x in reach, as a fraction
    x = (
        Fraction(math.isqrt((high * high << 120) // (high * high + c * c)), 1 << 60)
        if high
        else Fraction(0)
    )
    return at(x)


def draw_spin(rng):
    """A spin operator with known Chern numbers of both halves of the occupied space."""
    batch = int(rng.choice([0, 2]))
    size, exponent = max(batch, 1), scale(rng)
    mixed = rng.random() < 0.4
    hop, values, filled, truth, violation, gaps = (draw_mixed if mixed else draw_sectors)(rng, size)
    n, features = len(values), ["spins coupled" if mixed else "spin conserved"]
    if rng.random() < 0.2:
        shift = np.zeros((n, 2), int)
        shift[rng.integers(n)] = rng.integers(-1, 2, 2)
        hop = shifted(hop, shift)
        features.append("shifted")
    basis = np.eye(n, dtype=object)[rng.permutation(n)]
    spin = basis @ np.diag(np.array(values, object)) @ basis.T
    hop, doubled = congruent(hop, basis), 0
    if rng.random() < 0.4:  # W / 2 is orthogonal
        basis = 2 * np.eye(n, dtype=object)
        signs = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], object)
        basis[:4, :4] = signs
        hop, spin, doubled = congruent(hop, basis), basis @ spin @ basis.T, 2
        features.append("mixed basis")
    built = finished(hop, exponent - doubled, batch)
    if built is None:
        return None
    # a spin operator plus a constant, times a power of two
    constant, power = int(rng.choice([0, 0, 0, 0, 1 << 20, 1 << 30, 1 << 30, 1 << 31])), 0
    if rng.random() < 0.3:
        power = int(rng.choice([-1072, -1060, 900, int(rng.integers(-900, 900))]))
    s_z = (spin + np.eye(n, dtype=object) * (constant << doubled)).astype(float)
    s_z = np.ldexp(s_z, power - doubled)
    if not np.array_equal(
        np.ldexp(s_z, doubled - power), spin + np.eye(n, dtype=object) * (constant << doubled)
    ):
        return None
    h = tp.FourierHamiltonian(built, n_occupied=filled)
    # what couples spins that rounding merges is no violation
    known = [0.0 if constant else float(np.ldexp(float(v), exponent - BITS)) for v in violation]
    return Case(h, truth, exponent, (*features, f"{n} bands"), filled,
                extra={"s_z": s_z, "violation": known, "effort": 3.7,
                       "spin_gap": [float(np.ldexp(float(g), power)) for g in gaps]})  # fmt: skip
