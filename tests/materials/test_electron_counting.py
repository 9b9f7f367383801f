"""Wyckoff positions, fillings and features of counting, against International Tables and models."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topophys._optional import quiet
from topophys.errors import InputError
from topophys.materials import (
    filling_allows_insulator,
    parse_formula,
    valence_electrons,
    wyckoff_multiplicities,
)
from topophys.materials.electron_counting import (
    COUNTING_BLOCKS,
    INDICATOR_GROUPS,
    WIDTHS,
    assumed_electrons,
    counting_features,
    possible_units,
)
from topophys.materials.elements import TABLES, element_properties, tabulated


# multiplicities of International Tables A, over the number of lattice points of the cell
@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (1, {1}), (2, {1, 2}), (14, {2, 4}), (62, {4, 8}), (139, {1, 2, 4, 8, 16}),
        (166, {1, 2, 3, 6, 12}), (194, {2, 4, 6, 12, 24}), (199, {4, 6, 12}),
        (214, {4, 6, 8, 12, 24}), (220, {6, 8, 12, 24}), (221, {1, 3, 6, 8, 12, 24, 48}),
        (225, {1, 2, 6, 8, 12, 24, 48}), (227, {2, 4, 8, 12, 24, 48}), (230, {8, 12, 16, 24, 48}),
    ],
)  # fmt: skip
def test_multiplicities_are_those_of_the_international_tables(group, expected):
    assert set(wyckoff_multiplicities(group)) == expected


def test_multiplicities_divide_the_order_of_the_point_group():
    for group in range(1, 231):
        sizes = wyckoff_multiplicities(group)
        assert all(sizes[-1] % m == 0 for m in sizes), group


def test_known_numbers_of_positions_without_a_free_coordinate():
    # P-1 has eight inversion centres; Fm-3m has 4a, 4b, 8c, 24d
    rows = tabulated()["space_groups"]
    assert [row[1] for row in rows[1]["multiplicities"]] == [8, 0]
    assert [tuple(row[:2]) for row in rows[224]["multiplicities"]][:3] == [(1, 2), (2, 1), (6, 1)]


@given(group=st.integers(1, 230), electrons=st.integers(0, 400))
def test_filling_rule_is_the_search_over_sums(group, electrons):
    sizes = wyckoff_multiplicities(group)
    reachable = {0}
    for _ in range(electrons // 2 + 1):
        reachable |= {n + m for n in reachable for m in sizes if n + m <= electrons // 2}
    expected = electrons % 2 == 0 and (group in {199, 214, 220, 230} or electrons // 2 in reachable)
    assert filling_allows_insulator(group, electrons) == expected


def test_large_fillings_follow_the_common_divisor():
    for group, half in itertools.product((14, 62, 166, 205), (601, 602, 603, 604)):
        divisor = np.gcd.reduce(wyckoff_multiplicities(group))
        assert filling_allows_insulator(group, 2 * half) == (half % divisor == 0)


@pytest.mark.parametrize(
    ("group", "electrons", "word"),
    [(0, 2, "space_group"), (231, 2, "space_group"), (True, 2, "space_group"),
     (2, -1, "electrons"), (2, True, "electrons")],
)  # fmt: skip
def test_questions_without_meaning_are_refused(group, electrons, word):
    with pytest.raises(InputError, match=f"`{word}`"):
        filling_allows_insulator(group, electrons)


def test_indicator_groups_as_counted_in_the_paper():
    # 117 space groups have a nontrivial group of indicators
    assert len(INDICATOR_GROUPS) == 117
    assert INDICATOR_GROUPS[2] == (2, 2, 2, 4)
    assert INDICATOR_GROUPS[225] == (8,)


def test_features_are_finite_and_missing_only_without_a_group():
    compositions = [parse_formula(f) for f in ("Bi2Se3", "NaCl", "Si", "CsPbI3", "Og2He")]
    electrons = [round(valence_electrons(one)) for one in compositions]
    full = counting_features(compositions, [166, 225, 227, 62, 1], electrons=electrons)
    assert np.isfinite(full).all()
    assert full.shape[1] == sum(WIDTHS[b] for b in COUNTING_BLOCKS)
    without = counting_features(compositions, [None] * 5)
    width, last = sum(WIDTHS[b] for b in ("indicator", "wyckoff", "filling")), WIDTHS["cell"]
    assert np.isnan(without[:, :width]).all()
    np.testing.assert_array_equal(without[:, width:-last], full[:, width:-last])
    assert np.isnan(without[:, -last:]).all()
    assert np.isnan(counting_features(compositions, [1] * 5)[:, -last:]).all()
    assert np.isnan(counting_features(compositions, [None] * 5, electrons=electrons)).any()


def test_cells_of_bi2se3_by_hand():
    one = parse_formula("Bi2Se3")
    # R-3m: one formula unit of 28 valence electrons in the primitive cell, multiplicities from 1
    found = counting_features([one], [166], ("cell",), [28])[0]
    expected = [1, 5, 0, 0, 4, 4, 0, 1, np.log(29), 14, 0, 4]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@given(seed=st.integers(0, 10_000))
def test_assumed_cells_are_possible_and_obey_the_rule_for_insulators(seed):
    rng = np.random.default_rng(seed)
    one = parse_formula(f"Ga{rng.integers(1, 4)}As{rng.integers(1, 4)}")
    group = int(rng.integers(1, 231))
    valence = valence_electrons(one)
    possible = [round(z * valence) for z in possible_units(one, group)]
    guess = assumed_electrons(one, group, insulator=True)
    assert guess in possible if possible else guess is None
    if guess is not None and not filling_allows_insulator(group, guess):
        assert not any(filling_allows_insulator(group, n) for n in possible)
    smallest = assumed_electrons(one, group, insulator=False)
    assert smallest == (possible[0] if possible else None)


def test_electrons_outside_closed_shells():
    assert valence_electrons(parse_formula("Bi2Se3")) == 2 * 5 + 3 * 6
    assert valence_electrons(parse_formula("NaCl")) == 8


def test_shipped_tables_are_those_of_the_packages():
    spglib = pytest.importorskip("spglib")
    core = pytest.importorskip("pymatgen.core")
    for hall, number in ((2, 2), (523, 225)):
        with quiet():
            assert spglib.get_spacegroup_type(hall).number == number
            found = spglib.get_symmetry_from_database(hall)
        order = len({r.tobytes() for r in found["rotations"]})
        assert wyckoff_multiplicities(number)[-1] == order
    row = tabulated()["elements"][82]
    assert row["X"] == core.Element("Bi").X
    assert TABLES.is_file()
    assert np.isfinite(element_properties()).all()
