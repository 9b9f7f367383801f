"""Mirror and spin Chern numbers, Kramers pairs of Majorana modes, axion angles and Z2 indices.

For `checker.py`. A certificate of a mirror or spin Chern number holds a proof of a Chern number for
each sector, one of Kramers pairs a proof that a determinant does not vanish, one of an axion angle
that planes have no Chern numbers, one of Z2 indices the invariants of six planes.
`bundle_checker.py`, `gap_checker.py` and `checker.py`, which must lie beside this file, prove
these; this file proves that they are about the Hamiltonian of the question. Nothing else is needed
but Python and python-flint. Section numbers are those of the page "The checker".
"""

from __future__ import annotations

from functools import reduce
from itertools import chain, product
from math import inf, nextafter
from operator import add, mul
from typing import Any

from flint import acb, acb_mat, arb, fmpq

if __package__:
    from topophys.bundle_checker import operator, pfaffian
    from topophys.checker import (  # isort: skip
        MAX_WAVES, PI, Check, Claim, Model, argument, check_of, complexes, dagger,
        frobenius, integer, keys, listed, main, need, norm, number, settle, total, turning,
        unitary, whole,
    )  # fmt: skip
    from topophys.gap_checker import BANDS, CELLS, Bands, prove_cells
else:  # a copy beside one of the checker
    from bundle_checker import operator, pfaffian  # type: ignore[import-not-found, no-redef]
    from checker import *  # type: ignore[import-not-found]  # noqa: F403
    from gap_checker import *  # type: ignore[import-not-found]  # noqa: F403

#: How near the exact operator must be to the one of the question, and its eigenvalues apart.
NEAR, APART = 1e-5, 1e-3
SECTOR = "basis states n_occupied chern amplitude_error hoppings cells"
PLANE, PARITIES = "amplitude_error hoppings cells", "even odd n_odd"
#: A space turns by less than 2 sin(theta / 2) <= 2^(1/2) sin theta; twice that, rounded up.
TURNED = fmpq(57, 20)


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
    whole_basis, spans = joined(parts, n)
    first = spans[0][1]
    # the exact operator: these eigenspaces, and the stated eigenvalues
    diagonal = acb_mat(n, n, [
        acb(values[i >= first]) if i == j else acb(0) for i in range(n) for j in range(n)
    ])  # fmt: skip
    exact = whole_basis * diagonal * dagger(whole_basis)
    need(frobenius(exact - given) < NEAR, "the sectors are not those of the mirror")
    turned = in_basis(bands, whole_basis)
    # what couples the sectors: half of it counts at R = 0, as there is no -R
    bands.wrong = number(ask["symmetry_violation"], 0.0) * scale
    coupling = total(
        norm(block(h, (0, first), (first, n))).max(norm(block(h, (first, n), (0, first))))
        * (1 if r == (0, 0) else 2)
        for r, h in turned.items()
    )
    need(coupling <= bands.wrong, "the symmetry is violated by more than it says")
    prove_cells(bands, claim)  # the gap of H, and of its part without the coupling
    found, _ = numbers(parts, spans, turned, bands)
    settle(found[0] - found[1], claim)


def joined(parts: list[dict[str, Any]], n: int) -> tuple[acb_mat, list[tuple[int, int]]]:
    """Exact unitary matrix near the bases of all sectors, side by side; which columns are whose."""
    bases, spans, start = list[acb_mat](), list[tuple[int, int]](), 0
    for part in parts:
        words = part["basis"]
        need(isinstance(words, str), "numbers must be a string")
        size = len(words.split(" ")) // (2 * n)
        need(1 <= size < n, "a sector has no state, or all")
        bases.append(acb_mat(n, size, complexes(words, n * size)))
        spans.append((start, start + size))
        start += size
    need(start == n, "the sectors do not make up the whole")
    rows = zip(*(x.tolist() for x in bases), strict=True)
    return unitary(acb_mat([[*chain.from_iterable(row)] for row in rows])), spans


def in_basis(bands: Bands, basis: acb_mat) -> dict[Any, acb_mat]:
    """Hoppings in another basis, one of each pair R, -R."""
    both = zip([(0, 0), *bands.vectors], [bands.home, *bands.matrices], strict=True)
    return {r: dagger(basis) * h * basis for r, h in both}


def numbers(
    parts: list[dict[str, Any]],
    spans: list[tuple[int, int]],
    turned: dict[Any, acb_mat],
    bands: Bands,
) -> tuple[list[int], list[int]]:
    """Chern number and number of occupied states of each sector of a Hamiltonian with a gap."""
    within_budget(parts)
    found, counts, levels = list[int](), list[int](), list[tuple[arb, arb]]()
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
    below, above = zip(*levels, strict=True)
    low, high = reduce(arb.max, below), reduce(arb.min, above)
    need(low + bands.error < high - bands.error, "levels of the sectors are not separated")
    return found, counts


def within_budget(parts: list[dict[str, Any]]) -> None:
    """Keep the work of many proofs in one file within what one may take."""
    work = 0
    for part in parts:
        cells = part["cells"]
        need(isinstance(cells, dict), "an object is missing")
        work += str(cells.get("tree", "")).count("0") * len(listed(part["hoppings"]))
    need(work <= MAX_WAVES, "too many hoppings for so many cells")


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
    prove_part("Chern number", part, blocks, bands, filled, value)
    return value


def prove_part(
    quantity: str,
    part: dict[str, Any],
    blocks: dict[Any, acb_mat],
    bands: Bands,
    filled: int,
    value: int,
    more: dict[str, Any] | None = None,
    gap: float = 0.0,
) -> None:
    """Prove an integer of a plane, whose hoppings are rounded in the evidence."""
    size = next(iter(blocks.values())).nrows()
    question = {
        "quantity": quantity, "dimension": 2, "bands": size, "n_occupied": filled,
        "hoppings": part["hoppings"], "amplitude_error": part["amplitude_error"], **(more or {}),
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
    need(off + bands.error <= allowed, "the hoppings of a part are not those of its block")
    cells = part["cells"]
    need(isinstance(cells, dict), "an object is missing")
    how = check_of(quantity, cells)
    keys(cells, how.evidence)
    how.prove(Claim(question, cells, value, gap))


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
        part = keys(plane, PLANE)
        prove_part("Chern number", part, on_plane(bands, axis), bands, bands.filled, 0)
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


def on_plane(bands: Bands, axis: int, end: int = 0) -> dict[Any, acb_mat]:
    """Hoppings at momentum 0 or pi along an axis, one of each pair R, -R."""
    zero = (0, 0)
    found = {zero: bands.home}
    for vector, h in zip(bands.vectors, bands.matrices, strict=True):
        x = h * (-1) ** (end * vector[axis] % 2)
        one, two = (y for i, y in enumerate(vector) if i != axis)
        r = one, two
        if r == zero:
            found[zero] = found[zero] + x + dagger(x)
            continue
        there, y = (r, x) if r > zero else ((-r[0], -r[1]), dagger(x))
        found[there] = found[there] + y if there in found else y
    return found


# ---------------------------------------------------------------- 18. halves by a projected spin


def spins(claim: Claim) -> None:
    """Difference of the Chern numbers of both halves by a projected spin; 18. of the page."""
    bands = Bands(claim)
    n, half = bands.n, bands.filled // 2
    need(bands.filled % 2 == 0, "the occupied states cannot be halved")
    given = acb_mat(n, n, complexes(claim.question["spin"], n * n))
    parts = [keys(part, SECTOR) for part in listed(claim.evidence["sectors"])]
    need(1 < len(parts) <= n, "there must be two sectors or more")
    basis, spans = joined(parts, n)
    turned = in_basis(bands, basis)
    kept = {r: reduce(add, (only(h, span) for span in spans)) for r, h in turned.items()}
    violation = number(claim.question["symmetry_violation"], 0.0) * bands.scale
    coupling = total(norm(h - kept[r]) * (1 if r == (0, 0) else 2) for r, h in turned.items())
    need(coupling <= violation, "the symmetry is violated by more than it says")
    found, counts = numbers(parts, spans, turned, bands)
    # the spin operator in this basis is nearly its diagonal
    spin = dagger(basis) * (given + dagger(given)) * basis / 2
    level = [spin[i, i].real for i in range(n)]
    rest = frobenius(spin - acb_mat(n, n, [
        acb(level[i] if i == j else 0) for i in range(n) for j in range(n)
    ]))  # fmt: skip
    down, lower, upper, value = 0, list[arb](), list[arb](), 0
    for span, count, chern in zip(spans, counts, found, strict=True):
        if not count:
            continue
        is_up = down >= half
        (upper if is_up else lower).extend(level[slice(*span)])
        down += 0 if is_up else count
        value += chern if is_up else -chern
    need(down == half, "a sector is divided between the halves")
    between = reduce(arb.min, upper) - reduce(arb.max, lower) - 2 * rest
    need(between > 0, "the spins of the halves are not apart")
    width = reduce(arb.max, level) - reduce(arb.min, level) + 2 * rest
    # the gap of the part that keeps the sectors: enough for both gaps on the way to H
    far = violation + 2 * bands.error
    bands.gap = (bands.gap + 2 * violation).max(far * (1 + TURNED * width / between))
    bands.home, *bands.matrices = (basis * x * dagger(basis) for x in kept.values())
    rows = [x.entries() for x in bands.matrices]
    bands.table = acb_mat(len(rows), n * n, [*chain.from_iterable(rows)])
    bands.norms = [norm(x) for x in bands.matrices]
    prove_cells(bands, claim)
    settle(value, claim)


def only(h: acb_mat, span: tuple[int, int]) -> acb_mat:
    """Set what is outside of a diagonal block to 0."""
    inside, n = range(*span), h.nrows()
    return acb_mat(n, n, [
        h[i, j] if i in inside and j in inside else acb(0) for i in range(n) for j in range(n)
    ])  # fmt: skip


# ---------------------------------------------------------------- 19. Z2 indices of solids


def solid(claim: Claim) -> None:
    """Z2 indices from six planes, with the gap on them or in the whole zone; 19 of the page."""
    ask = claim.question
    planes_alone = ask["quantity"] == "Z2 indices of planes"
    box = {"start": [1, 1, 1], "depth": 0}
    bands = Bands(claim._replace(evidence=box) if planes_alone else claim)
    need(bands.filled % 2 == 0 and bands.n % 2 == 0, "an odd number")
    operator(claim, bands, "time_reversal", -1)
    parts = [keys(x, PLANE + " z2 symmetry_violation") for x in listed(claim.evidence["planes"], 6)]
    within_budget(parts)
    violation = number(ask["symmetry_violation"], 0.0)
    need(claim.gap > violation or violation == 0, "the gap is not above the violation")
    if not planes_alone:
        prove_cells(bands, claim)
    found = list[int]()
    for (axis, end), part in zip(product(range(3), (0, 1)), parts, strict=True):
        found.append(whole(part["z2"], 0, 1))
        more = {
            "time_reversal": ask["time_reversal"], "symmetry_violation": part["symmetry_violation"]
        }  # fmt: skip
        prove_part(
            "Z2 invariant", part, on_plane(bands, axis, end), bands, bands.filled, found[-1], more,
            claim.gap if planes_alone else 0.0,
        )  # fmt: skip
    strong = {(found[i] + found[i + 1]) % 2 for i in (0, 2, 4)}
    need(len(strong) == 1, "the three directions do not agree")
    settle(int("".join(map(str, [*strong, *found[1::2]]))), claim)


def four(value: int) -> str:
    """Write indices (nu_0; nu_1 nu_2 nu_3) from their digits."""
    return f"({value // 1000}; {value % 1000:03d})"


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
        CELLS + " sectors",
    ),
    "spin Chern number, times two": Check(
        spins, (2,), BANDS + " spin symmetry_violation", CELLS + " sectors"
    ),
    "Z2 indices": Check(
        solid, (3,), BANDS + " time_reversal symmetry_violation", CELLS + " planes", four
    ),
    "Z2 indices of planes": Check(
        solid, (3,), BANDS + " time_reversal symmetry_violation", "planes", four
    ),
}  # fmt: skip


if __name__ == "__main__":
    # certificates of all kinds, as `checker.py`
    raise SystemExit(main())
