"""Mirror Chern numbers, Kramers pairs of Majorana modes and axion angles, for `checker.py`.

A certificate of a mirror Chern number holds a proof of a Chern number for each sector, one of
Kramers pairs a proof that a determinant does not vanish, one of an axion angle that planes have no
Chern numbers. `bundle_checker.py` and `checker.py`,
which must lie beside this file, prove these; this file proves that they are about the Hamiltonian
of the question. Nothing else is needed but Python and python-flint. Section numbers are those of
the page "The checker".
"""

from __future__ import annotations

from functools import reduce
from itertools import product
from math import inf, nextafter
from operator import mul
from typing import Any

from flint import acb, acb_mat, arb

if __package__:
    from topophys.bundle_checker import pfaffian
    from topophys.checker import (  # isort: skip
        BANDS, CELLS, PI, Bands, Check, Claim, Model, argument, check_of, complexes, dagger,
        frobenius, integer, keys, listed, need, norm, number, prove_cells, settle, total, turning,
        unitary, whole,
    )  # fmt: skip
else:  # a copy beside one of the checker
    from bundle_checker import pfaffian  # type: ignore[import-not-found, no-redef]
    from checker import *  # type: ignore[import-not-found]  # noqa: F403

#: How near the exact operator must be to the one of the question, and its eigenvalues apart.
NEAR, APART = 1e-5, 1e-3
SECTOR = "basis states n_occupied chern amplitude_error hoppings cells"
PLANE, PARITIES = "amplitude_error hoppings cells", "even odd n_odd"


# ---------------------------------------------------------------- 10. sectors of a unitary


def count_below(h: acb_mat, states: acb_mat, filled: int) -> tuple[arb, arb]:
    """Bounds above the `filled` lowest levels and below all others, by Gershgorin's circles.

    In a basis near that of its eigenvectors, given in the order of their energies, the circles of
    a matrix lie apart; each group of circles has as many eigenvalues as circles.
    """
    basis = unitary(states)
    rows = (dagger(basis) * h * basis).tolist()
    discs = [
        (row[i].real, total(abs(z) for j, z in enumerate(row) if j != i))
        for i, row in enumerate(rows)
    ]
    ends = [(x + r, x - r) for x, r in discs]
    low, high = arb(-(10**300)), arb(10**300)
    for up, _ in ends[:filled]:
        low = low.max(up)
    for _, down in ends[filled:]:
        high = high.min(down)
    need(low < high, "levels of a sector are not separated")
    return low, high


def sectors(claim: Claim) -> None:
    """Difference of the Chern numbers of two sectors; 10. of the page."""
    ask = claim.question
    bands = Bands(claim)
    n, scale = bands.n, bands.scale
    given = acb_mat(n, n, complexes(ask["mirror"], n * n))
    values = complexes(ask["eigenvalues"], 2)
    need(abs(values[0] - values[1]) > APART, "the eigenvalues are not apart")
    parts = [keys(part, SECTOR) for part in listed(claim.evidence["sectors"], 2)]
    bases = list[acb_mat]()
    for part in parts:
        words = part["basis"]
        need(isinstance(words, str), "numbers must be a string")
        size = len(words.split(" ")) // (2 * n)
        need(1 <= size < n, "a sector has no state, or all")
        bases.append(acb_mat(n, size, complexes(words, n * size)))
    first = bases[0].ncols()
    need(first + bases[1].ncols() == n, "the sectors do not make up the whole")
    joined = acb_mat([a + b for a, b in zip(*(x.tolist() for x in bases), strict=True)])
    whole_basis = unitary(joined)
    # the exact operator: these eigenspaces, and the stated eigenvalues
    diagonal = acb_mat(n, n, [
        acb(values[i >= first]) if i == j else acb(0) for i in range(n) for j in range(n)
    ])  # fmt: skip
    operator = whole_basis * diagonal * dagger(whole_basis)
    need(frobenius(operator - given) < NEAR, "the sectors are not those of the mirror")
    turned = {
        r: dagger(whole_basis) * h * whole_basis
        for r, h in zip(
            [(0, 0), *bands.vectors], [bands.home, *bands.matrices], strict=True
        )
    }  # fmt: skip
    # what couples the sectors: half of it counts at R = 0, as there is no -R
    bands.wrong = number(ask["symmetry_violation"], 0.0) * scale
    coupling = total(
        norm(block(h, (0, first), (first, n))).max(norm(block(h, (first, n), (0, first))))
        * (1 if r == (0, 0) else 2)
        for r, h in turned.items()
    )
    need(coupling <= bands.wrong, "the symmetry is violated by more than it says")
    prove_cells(bands, claim)  # the gap of H, and of its part without the coupling
    spans, found = ((0, first), (first, n)), list[int]()
    levels = list[tuple[arb, arb]]()
    counts = list[int]()
    for part, span in zip(parts, spans, strict=True):
        blocks = {r: block(h, span, span) for r, h in turned.items()}
        size = span[1] - span[0]
        counts.append(whole(part["n_occupied"], 0, size))
        at_zero = blocks[0, 0]
        for r, x in blocks.items():
            at_zero = at_zero + (x + dagger(x)) * (r != (0, 0))
        states = acb_mat(size, size, complexes(part["states"], size * size))
        levels.append(count_below(at_zero, states, counts[-1]))
        found.append(one_sector(part, blocks, bands, counts[-1]))
    need(sum(counts) == bands.filled, "the sectors do not share the occupied states")
    below, above = levels[0][0].max(levels[1][0]), levels[0][1].min(levels[1][1])
    need(below + bands.error < above - bands.error, "levels of the sectors are not separated")
    settle(found[0] - found[1], claim)


def block(h: acb_mat, rows: tuple[int, int], across: tuple[int, int]) -> acb_mat:
    """Part of a matrix."""
    return acb_mat([row[slice(*across)] for row in h.tolist()[slice(*rows)]])


def one_sector(part: dict[str, Any], blocks: dict[Any, acb_mat], bands: Bands, filled: int) -> int:
    """Chern number of one sector, whose hoppings are rounded in the evidence."""
    size = next(iter(blocks.values())).nrows()
    value = whole(part["chern"], -(10**12), 10**12)
    if filled in (0, size):
        need(value == 0 and part["cells"] == {}, "a sector that is empty or full has no number")
        return 0
    question = {
        "quantity": "Chern number", "dimension": 2, "bands": size, "n_occupied": filled,
        "hoppings": part["hoppings"], "amplitude_error": part["amplitude_error"],
    }  # fmt: skip
    given = dict[Any, acb_mat]()
    for item in listed(part["hoppings"]):
        vector, words = listed(item, 2)
        at = tuple(whole(x, -(10**6), 10**6) for x in listed(vector, 2))
        given[at] = acb_mat(size, size, complexes(words, size * size)) * bands.scale
    nothing = acb_mat(size, size)
    off = total(
        norm(blocks.get(r, nothing) - given.get(r, nothing)) * (1 if r == (0, 0) else 2)
        for r in sorted({*blocks, *given})
    )
    allowed = number(part["amplitude_error"], 0.0) * bands.scale
    need(off + bands.error <= allowed, "the hoppings of a sector are not those of its block")
    cells = part["cells"]
    need(isinstance(cells, dict), "an object is missing")
    how = check_of("Chern number", cells)
    keys(cells, how.evidence)
    how.prove(Claim(question, cells, value, 0.0))
    return value


# ---------------------------------------------------------------- 11. Kramers pairs of Majoranas


def chiral_block(y: acb_mat) -> acb_mat:
    """Coefficient of D from the part i y, y real, of a hopping that both symmetries keep."""
    half = y.nrows() // 2
    low, high = (0, half), (half, 2 * half)
    a = (block(y, low, low) - block(y, high, high)) / 2
    b = (block(y, low, high) + block(y, high, low)) / 2
    return a * acb(0, 1) + b


def kramers(claim: Claim) -> None:
    """Parity of Kramers pairs of Majorana modes; 11. of the page."""
    ask, shown = claim.question, claim.evidence
    n = whole(ask["bands"], 4, 32)
    need(n % 4 == 0 and ask["n_occupied"] == n // 2, "half of the levels must be occupied")
    h, half = Model(claim, n, 1), n // 2
    w = unitary(acb_mat(n, n, complexes(shown["basis"], n * n)))
    flip = acb_mat(n, n, [
        acb((j == i + half) - (i == j + half)) for i in range(n) for j in range(n)
    ])  # fmt: skip
    for name, exact in (
        ("particle_hole", w * w.transpose()),
        ("time_reversal", w * flip * w.transpose()),
    ):
        given = acb_mat(n, n, complexes(ask[name], n * n))
        need(frobenius(exact - given) < NEAR, "the basis is not that of the symmetries")
    given_blocks = dict[int, acb_mat]()
    words = dict[int, list[complex]]()
    for item in listed(shown["hoppings"]):
        vector, text = listed(item, 2)
        order = whole(vector, 0, 10**6)
        need(order not in words, "a lattice vector comes twice")
        words[order] = complexes(text, half * half)
        given_blocks[order] = acb_mat(half, half, words[order]) * h.scale
    home = words.get(0, [0j] * half**2)
    odd = all(home[i] == -home[i % half * half + i // half] for i in range(half**2))
    need(odd, "the block at R = 0 is not antisymmetric")
    # H_R = W i [[a, b], [b, -a]] W^dagger and a rest, which violates the symmetries
    wrong, off, nothing = arb(0), arb(0), acb_mat(half, half)
    terms = {r: acb_mat(n, n, entries) for (r,), entries in h.terms.items()}
    for r in sorted({*terms, *given_blocks}):
        twice = 1 if r == 0 else 2
        x = dagger(w) * terms.get(r, acb_mat(n, n)) * w
        y = acb_mat(n, n, [acb(z.imag) for z in x.entries()])
        kept = (y - flip * y * flip.transpose()) / 2
        wrong += twice * norm(x - kept * acb(0, 1))
        off += twice * norm(chiral_block(y) - given_blocks.get(r, nothing))
    violation = number(ask["symmetry_violation"], 0.0)
    need(wrong <= violation * h.scale, "the symmetry is violated by more than it says")
    need(claim.gap > 0 or violation == 0, "the gap is not above the violation")
    error = number(shown["amplitude_error"], 0.0)
    need(off + h.error <= error * h.scale, "the block is not that of the Hamiltonian")
    least = nextafter(nextafter(claim.gap + 2.0 * violation, inf), inf) if violation else claim.gap
    steps, fine, power = turning(Claim(
        {"block": half, "hoppings": both_sides(words, half), "amplitude_error": error.hex()
         if error else "0"},
        {name: shown[name] for name in ("start", "depth", "tree")}, 0, least,
    ))  # fmt: skip
    need(fine % 2 == 0 and fine // 2 in steps, "no interval ends at pi")
    turned = total(step for k, step in steps.items() if k < fine // 2) + PI * power
    ends = list[arb]()
    for at in (0, 1):
        d = acb_mat(half, half)
        for r, x in given_blocks.items():
            d += (x if r == 0 else x - x.transpose()) * (-1) ** (at * r % 2)
        ends.append(argument(pfaffian(d.tolist())))
    settle(integer((ends[1] - ends[0] - turned / 2) / PI) % 2, claim)


def both_sides(words: dict[int, list[complex]], half: int) -> list[Any]:
    """Hoppings of a block with D_(-R) = -D_R^T, as a certificate of a winding number has them."""
    found = list[Any]()
    for r, entries in words.items():
        found.append([[r], written(entries)])
        if r:
            turned = [-entries[i % half * half + i // half] for i in range(half**2)]
            found.append([[-r], written(turned)])
    return found


def written(entries: list[complex]) -> str:
    """Write complex numbers as a certificate has them."""
    return " ".join((x.hex() if x else "0") for z in entries for x in (z.real, z.imag))


# ---------------------------------------------------------------- 16. axion angles by parities


def axion(claim: Claim) -> None:
    """Axion angle over pi from parities, where no plane has a Chern number; 16. of the page."""
    ask, shown = claim.question, claim.evidence
    bands = Bands(claim)
    n, even = bands.n, bands.n - whole(shown["n_odd"], 0, bands.n)
    basis = unitary(acb_mat(n, n, complexes(shown["basis"], n * n)))
    signs = acb_mat(n, n, [
        acb((i == j) * (1 if i < even else -1)) for i in range(n) for j in range(n)
    ])  # fmt: skip
    given = acb_mat(n, n, complexes(ask["inversion"], n * n))
    exact = basis * signs * dagger(basis)
    need(frobenius(exact - given) < NEAR, "the basis is not that of the inversion")
    bands.wrong = number(ask["symmetry_violation"], 0.0) * bands.scale
    inside = [dagger(basis) * h * basis for h in (bands.home, *bands.matrices)]
    wrong = total(
        norm(x - signs * dagger(x) * signs) / (1 if i else 2) for i, x in enumerate(inside)
    )
    need(wrong <= bands.wrong, "the symmetry is violated by more than it says")
    need(bands.gap > 0 or bands.wrong == 0, "the gap is not above the violation")
    prove_cells(bands, claim)  # the gap of H, and of its mean over the inversion
    for axis, plane in enumerate(listed(shown["planes"], 3)):
        part = {**keys(plane, PLANE), "chern": 0}
        one_sector(part, on_plane(bands, axis), bands, bands.filled)
    found = 0
    for corner, item in zip(product((0, 1), repeat=3), listed(shown["parities"], 8), strict=True):
        part, at = keys(item, PARITIES), inside[0]
        for vector, x in zip(bands.vectors, inside[1:], strict=True):
            at = at + (x + dagger(x)) * (-1) ** (sum(map(mul, corner, vector)) % 2)
        count = whole(part["n_odd"], 0, n)
        levels = list[tuple[arb, arb]]()
        for span, name, filled in (
            ((0, even), "even", bands.filled - count), ((even, n), "odd", count),
        ):  # fmt: skip
            size = span[1] - span[0]
            need(0 <= filled <= size, "a block has too few states")
            if size:
                states = acb_mat(size, size, complexes(part[name], size * size))
                levels.append(count_below(block(at, span, span), states, filled))
        below, above = zip(*levels, strict=True)
        low, high = reduce(arb.max, below), reduce(arb.min, above)
        need(low + bands.error < high - bands.error, "levels of the parities are not separated")
        found += count
    need(found % 2 == 0, "the number of odd states is odd")
    settle(found // 2 % 2, claim)


def on_plane(bands: Bands, axis: int) -> dict[Any, acb_mat]:
    """Hoppings at momentum 0 along an axis, one of each pair R, -R."""
    zero = (0, 0)
    found = {zero: bands.home}
    for vector, x in zip(bands.vectors, bands.matrices, strict=True):
        one, two = (x for i, x in enumerate(vector) if i != axis)
        r = one, two
        if r == zero:
            found[zero] = found[zero] + x + dagger(x)
            continue
        there, y = (r, x) if r > zero else ((-r[0], -r[1]), dagger(x))
        found[there] = found[there] + y if there in found else y
    return found


CHECKS = {
    "axion angle": Check(
        axion, (3,), BANDS + " inversion symmetry_violation", CELLS + " basis n_odd planes parities"
    ),
    "Majorana Kramers number": Check(
        kramers, (1,), BANDS + " particle_hole time_reversal symmetry_violation",
        "start depth tree basis hoppings amplitude_error",
    ),
    "mirror Chern number, times two": Check(
        sectors, (2,), BANDS + " mirror eigenvalues symmetry_violation",
        "start depth tree bases levels sectors",
    ),
}  # fmt: skip
