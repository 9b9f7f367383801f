"""What the proof on docs/theory/filling.md says of the 230 groups, from their operations alone."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from topophys._optional import quiet
from topophys.materials import filling_allows_insulator, wyckoff_multiplicities

#: Groups in which the smallest multiplicity does not divide the others.
EXCEPTIONS = {199, 214, 220, 230}
#: Groups for which the page refers to the compatibility relations.
REFERRED = {24, 73, 106, 110, 133, 135, 142, 206, 228}
IDENTITY = np.eye(3, dtype=np.int64)
BOX = np.array(list(itertools.product(range(-2, 3), repeat=3)))


@pytest.fixture(scope="module")
def operations():
    """Rotations, translations in 24ths, and lattice vectors of each group, conventional axes."""
    spglib = pytest.importorskip("spglib")
    found = {}
    with quiet():
        for hall in range(1, 531):
            number = spglib.get_spacegroup_type(hall).number
            if number in found:
                continue
            stored = spglib.get_symmetry_from_database(hall)
            rotations = stored["rotations"].astype(np.int64)
            shifts = np.rint(24 * stored["translations"]).astype(np.int64)
            centring = shifts[(rotations == IDENTITY).all((1, 2))]
            lattice = (centring[:, None] + 24 * BOX).reshape(-1, 3)
            elements = {r.tobytes(): (r, s) for r, s in zip(rotations, shifts, strict=True)}
            found[number] = elements, lattice
    return found


def powers(rotation):
    found = [IDENTITY]
    while not (rotation @ found[-1] == IDENTITY).all():
        found.append(rotation @ found[-1])
    return found


def moves_every_point(rotation, shift, lattice):
    """Whether the operation has no fixed point, whatever lattice vector follows it."""
    along = sum(powers(rotation)) @ (shift + lattice).T  # zero for a fixed point, times the order
    return bool((along != 0).any(axis=0).all())


def generated(elements, generators):
    """Point group that some rotations generate; None beyond the twelve of free groups."""
    found = {IDENTITY.tobytes()}
    new = set(found)
    while new:
        new = {(elements[a][0] @ elements[b][0]).tobytes() for a in new for b in generators} - found
        found |= new
        if len(found) > 12:
            return None
    return found


def free_divisor(elements, lattice):
    """Least common multiple of the orders of the point groups of free subgroups."""
    bad = {
        key for key, (r, s) in elements.items()
        if len(powers(r)) in {2, 3} and not moves_every_point(r, s, lattice)
    }  # fmt: skip
    good = [key for key in elements if key not in bad and key != IDENTITY.tobytes()]
    divisor = 1
    for generators in itertools.chain(((g,) for g in good), itertools.combinations(good, 2)):
        group = generated(elements, generators)
        if group is not None and not group & bad:
            divisor = math.lcm(divisor, len(group))
    return divisor


def has_alternating_screw(elements, lattice):
    """Whether eigenvalues of a fourfold screw change sign along its axis."""
    for rotation, shift in elements.values():
        if len(powers(rotation)) != 4 or round(np.linalg.det(rotation)) != 1:
            continue
        along = sum(powers(rotation))
        # translations along the axis, as multiples of the shortest projection of the lattice
        projected = (along @ lattice.T).T
        steps = np.abs(projected).sum(1)
        shortest = projected[steps == steps[steps > 0].min()][0]
        axis = int(np.flatnonzero(shortest)[0])
        step = abs(int(shortest[axis]))
        if 2 * int((along @ shift)[axis]) % (2 * step) == step:
            return True
    return False


def test_smallest_multiplicity_divides_all_but_in_the_exceptions():
    mismatched = {
        group
        for group in range(1, 231)
        if math.gcd(*wyckoff_multiplicities(group)) != wyckoff_multiplicities(group)[0]
    }
    assert mismatched == EXCEPTIONS
    # the rule says more than "even" in the nonsymmorphic groups alone
    assert sum(wyckoff_multiplicities(group)[0] > 1 for group in range(1, 231)) == 157


def test_proof_by_free_subgroups_and_screws_covers_what_the_page_says(operations):
    short = set()
    for group, (elements, lattice) in operations.items():
        common = math.gcd(*wyckoff_multiplicities(group))
        divisor = free_divisor(elements, lattice)
        if has_alternating_screw(elements, lattice):
            divisor = math.lcm(divisor, 2)
        # a proof that excluded what atomic insulators have would be wrong
        assert common % divisor == 0, group
        if divisor != common:
            short.add(group)
    assert len(operations) == 230
    assert short - EXCEPTIONS == REFERRED


@pytest.mark.parametrize(
    ("group", "electrons", "allowed"),
    [(4, 2, False), (4, 4, True), (19, 4, False), (19, 8, True), (77, 2, False), (77, 4, True),
     (169, 6, False), (169, 12, True), (1, 2, True), (1, 3, False)],
)  # fmt: skip
def test_smallest_fillings_by_hand(group, electrons, allowed):
    assert filling_allows_insulator(group, electrons) is allowed
