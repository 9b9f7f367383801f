"""Gaps of many bands in one to three dimensions, proven for `checker.py`.

On each cell of the Brillouin zone, a stored basis divides the Hamiltonian into blocks on either
side of the gap; all proofs about occupied bands build on this. `checker.py` must lie beside this
file; nothing else is needed but Python and python-flint. Section numbers are those of the page
"The checker".
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations_with_replacement, product
from math import ldexp, prod, sqrt
from operator import add, mul
from typing import Any

from flint import acb, acb_mat, arb, fmpq

if __package__:
    from topophys.checker import (  # isort: skip
        MAX_BANDS, MAX_WAVES, PI, Check, Claim, Leaf, Model, Point, RejectedError, dagger,
        frobenius, least, listed, main, most, need, norm, number, settle, total, tree,
        unitary, whole,
    )  # fmt: skip
else:  # a copy beside one of the checker
    from checker import *  # type: ignore[import-not-found]  # noqa: F403


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
        work = str(bits).count("0") * len(self.vectors)
        need(work <= MAX_WAVES, "too many hoppings for so many cells")
        return tree(bits, [self.start[i] for i in axes or range(self.dim)], self.depth)

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


BANDS = "quantity dimension bands n_occupied hoppings amplitude_error"
CELLS = "start depth tree bases levels"
CHECKS = {
    "gap": Check(gap, (1, 2, 3), BANDS, CELLS),
    "indirect gap": Check(indirect, (1, 2, 3), BANDS, CELLS),
    "gap around an energy": Check(indirect, (1, 2, 3), BANDS + " level", CELLS),
}


if __name__ == "__main__":
    # certificates of all kinds, as `checker.py`
    raise SystemExit(main())
