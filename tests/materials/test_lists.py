"""Lists of materials, their features, splits and structures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.materials.test_crystal import ROCK_SALT, supercell
from topophys._optional import quiet
from topophys.errors import DatasetError, InputError
from topophys.materials import (
    group_split,
    groups_of,
    list_features,
    match_structures,
    parse_formula,
    read_class_lists,
)
from topophys.materials.data import as_listed
from topophys.materials.features import BLOCKS
from topophys.materials.lists import space_group_number

CLASSES = {"case1": "trivial", "ti": "topological insulator"}


def write_lists(folder, first, second):
    (folder / "case1_ccmp.txt").write_text("\n".join(first), encoding="utf-8")
    (folder / "ti_ccmp.txt").write_text("\n".join(second), encoding="utf-8")


@pytest.fixture
def lists(tmp_path):
    write_lists(
        tmp_path,
        ["225, Na1Cl1", "227, Si1", "225, K1Cl1", "166, Bi2Se3"],
        ["166, Bi2Te3", "166, Se3Bi2", "166, Sb2Te3", "166, Bi2Te3"],
    )
    return read_class_lists(tmp_path, CLASSES)


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        ("Bi2Se3", ((34, 3.0), (83, 2.0))),
        ("C", ((6, 1.0),)),
        ("O1H2O1", ((1, 2.0), (8, 2.0))),
        ("Bi2(SO4)3", ((8, 12.0), (16, 3.0), (83, 2.0))),
        ("K4[Fe(CN)6]", ((6, 6.0), (7, 6.0), (19, 4.0), (26, 1.0))),
        ("(Bi0.5Sb0.5)2Te3", ((51, 1.0), (52, 3.0), (83, 1.0))),
        ("Bi1.5Sb0.5Te3", ((51, 0.5), (52, 3.0), (83, 1.5))),
        ("CaSO4·2H2O", ((1, 4.0), (8, 6.0), (16, 1.0), (20, 1.0))),
        ("CaSO4.2H2O", ((1, 4.0), (8, 6.0), (16, 1.0), (20, 1.0))),
        ("CaSO4*2H2O", ((1, 4.0), (8, 6.0), (16, 1.0), (20, 1.0))),
        ("CaCl2.6H2O", ((1, 12.0), (8, 6.0), (17, 2.0), (20, 1.0))),
        ("LiOH.H2O", ((1, 3.0), (3, 1.0), (8, 2.0))),
        ("CaSO4·0.5H2O", ((1, 1.0), (8, 4.5), (16, 1.0), (20, 1.0))),
        ("Na0.5H2O", ((1, 2.0), (8, 1.0), (11, 0.5))),
        ("D2O", ((1, 2.0), (8, 1.0))),
        ("Bi₂Se₃", ((34, 3.0), (83, 2.0))),
    ],
)
def test_formulas(formula, found):
    assert parse_formula(formula) == found


@pytest.mark.parametrize(
    "formula",
    ["", "bi2", "Xx2", "Bi2(SO4", "Bi2)3", "()2", "(Bi]2", "Na0", "2Na", "Na Cl", "Bi2Se3.", "Fe3+",
     "CuSO4·xH2O", "Al2O3.3SiO2", "Na0.3CoO2.1.3H2O", "·H2O", "(" * 9 + "H" + ")" * 9, "Bi.5Sb.5"],
)  # fmt: skip
def test_bad_formulas(formula):
    with pytest.raises(InputError):
        parse_formula(formula)


def test_two_classes_are_dropped_and_named_and_repetitions_counted(lists):
    assert [one.formula for one in lists.materials] == [
        "Na1Cl1",
        "Si1",
        "K1Cl1",
        "Bi2Te3",
        "Sb2Te3",
    ]
    assert lists.ambiguous == ["Bi2Se3 (166)"]
    assert lists.repeated == 1
    assert [one.label for one in lists.materials] == [0, 0, 0, 1, 1]


SYMBOLS_OF = {"Bi": 83, "Se": 34, "H": 1, "O": 8, "S": 16, "Ca": 20}


@st.composite
def compounds(draw, depth=2):
    """A formula, and its amounts by a sum of our own."""
    text, total = "", {}
    for _ in range(draw(st.integers(1, 3))):
        times = draw(st.integers(1, 12))
        if depth and draw(st.booleans()):
            inside, amounts = draw(compounds(depth=depth - 1))
            opening = draw(st.sampled_from(["()", "[]", "{}"]))
            part = f"{opening[0]}{inside}{opening[1]}"
        else:
            part = draw(st.sampled_from(sorted(SYMBOLS_OF)))
            amounts = {part: 1}
        text += part + (str(times) if times > 1 else "")
        for name, amount in amounts.items():
            total[name] = total.get(name, 0) + times * amount
    return text, total


@given(compounds(), st.integers(1, 9), st.sampled_from("·*•"))
def test_nested_formulas_and_hydrates_are_summed(compound, water, dot):
    text, amounts = compound
    assert dict(parse_formula(text)) == {SYMBOLS_OF[name]: n for name, n in amounts.items()}
    wet = dict(parse_formula(f"{text}{dot}{water}H2O"))
    assert wet[1] == amounts.get("H", 0) + 2 * water
    assert wet[8] == amounts.get("O", 0) + water


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("225 NaCl", "space group, formula"),
        ("0, NaCl", "number from 1 to 230"),
        ("231, NaCl", "number from 1 to 230"),
        ("R-4m, NaCl", "Hermann-Mauguin"),
        ("225, NaXx", "chemical symbol"),
        ("14, Al2O3.3SiO2", "read in one way"),
    ],
)
def test_bad_lines_are_left_out_and_named(tmp_path, line, message):
    pytest.importorskip("spglib")
    write_lists(tmp_path, ["225, Na1Cl1", line], ["166, Bi2Te3"])
    lists = read_class_lists(tmp_path, CLASSES)
    assert [one.formula for one in lists.materials] == ["Na1Cl1", "Bi2Te3"]
    assert len(lists.failed) == 1
    assert "case1_ccmp.txt, line 2" in lists.failed[0]
    assert message in lists.failed[0]


def test_lists_without_a_good_line_are_refused_with_the_first_reason(tmp_path):
    write_lists(tmp_path, ["225 NaCl"], [])
    with pytest.raises(DatasetError, match=r"case1_ccmp\.txt, line 1"):
        read_class_lists(tmp_path, CLASSES)


@pytest.mark.parametrize(
    ("symbol", "number"),
    [("R-3m", 166), ("P2_1/c", 14), ("P 1 21/c 1", 14), ("Fm-3m", 225), ("Fm3m", 225),
     ("Ia3d", 230), ("F m -3 m :1", 225), ("R -3 m H", 166), ("Fd-3mS", 227),
     ("P63/mmc", 194), ("P4_12_12", 92), ("p-1", 2), ("P32", 145), ("P3221", 154)],
)  # fmt: skip
def test_hermann_mauguin_symbols(tmp_path, symbol, number):
    pytest.importorskip("spglib")
    write_lists(tmp_path, [f"{symbol}, NaCl"], [])
    assert read_class_lists(tmp_path, CLASSES).materials[0].space_group == number


def test_every_space_group_has_its_symbol():
    spglib = pytest.importorskip("spglib")
    for hall in range(1, 531):
        with quiet():
            kind = spglib.get_spacegroup_type(hall)
        assert space_group_number(kind.international_short) == kind.number
        assert space_group_number(kind.international_full.replace("_", "")) == kind.number


def test_missing_lists(tmp_path):
    with pytest.raises(DatasetError, match="missing"):
        read_class_lists(tmp_path, CLASSES)


def test_splits_share_no_chemical_system(lists):
    groups = groups_of(lists.materials)
    for seed in range(5):
        train, test = group_split(groups, 0.4, seed)
        assert not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(len(groups)))


def test_features_of_lists(lists):
    pytest.importorskip("spglib")
    every = list_features(lists.materials)
    parts = [list_features(lists.materials, [b]) for b in BLOCKS]
    np.testing.assert_array_equal(every, np.concatenate(parts, axis=1))
    fractions = parts[0]
    np.testing.assert_allclose(fractions.sum(1), 1.0)
    assert fractions[0, 11] == fractions[0, 17] == 0.5
    # 28 electrons: an even number
    electrons = list_features(lists.materials, ["electrons"], one_hot=False)
    assert electrons[0, :4].tolist() == [0, 0, 4, 4]
    with pytest.raises(InputError, match="blocks among"):
        list_features(lists.materials, ["colour"])
    with pytest.raises(InputError, match="0 materials"):
        list_features([])


def test_operations_of_space_groups():
    pytest.importorskip("spglib")
    from topophys.materials.features import space_group_features

    table = space_group_features()
    assert table.shape == (231, 13)
    np.testing.assert_allclose(np.exp(table[[1, 2, 225, 227], 0]), [1, 2, 48, 48])
    np.testing.assert_allclose(np.exp(table[[1, 225, 229], 1]), [1, 4, 2])
    assert table[2, 6] == 0.5  # inversion
    assert table[14, 11] > 0  # a screw
    assert not table[1, 2:].any()


def test_structures_find_their_entry(lists):
    pytest.importorskip("spglib")
    assert as_listed(supercell(ROCK_SALT)).composition == ((11, 1.0), (17, 1.0))
    found, counts = match_structures({"a": ROCK_SALT, "b": supercell(ROCK_SALT)}, lists)
    assert [one.entry.formula for one in found] == ["Na1Cl1"]
    assert counts == {"matched": 1, "not in the lists": 0, "no space group": 0, "repeated": 1}
    every = {"a": ROCK_SALT, "b": supercell(ROCK_SALT)}
    both, same = match_structures(every, lists, keep_repeated=True)
    assert [len(one.crystal) for one in both] == [2, 16]
    assert both[0].entry == both[1].entry
    assert same == counts


def test_stoichiometry_of_a_formula(lists):
    # Na1Cl1 and Bi2Te3: amounts, which elements, 8 and 28 valence electrons
    numbers = list_features(lists.materials, ["stoichiometry"], one_hot=False)
    assert numbers[[0, 3]].tolist() == [[1, 1, 0, 0, 0], [2, 3, 0, 0, 0]]
    flags = list_features(lists.materials, ["stoichiometry"])
    assert set(np.unique(flags)) == {0.0, 1.0}
    assert np.flatnonzero(flags[0, :119]).tolist() == [11, 17]
    assert np.flatnonzero(flags[[0, 3], 119:199].sum(0)).tolist() == [8, 28]
    assert flags[0, 199:].reshape(5, 13).argmax(1).tolist() == [1, 1, 0, 0, 0]


def test_properties_of_elements(lists):
    pytest.importorskip("pymatgen.core")
    from topophys.materials.elements import ELEMENT_PROPERTIES, element_properties

    table = element_properties()
    assert table.shape == (119, len(ELEMENT_PROPERTIES))
    assert np.isfinite(table).all()
    np.testing.assert_allclose(table[1:96].mean(0), 0.0, atol=1e-12)
    x = table[:, ELEMENT_PROPERTIES.index("X")]
    assert x[9] == x[1:96].max()  # fluorine is the most electronegative
    f = table[:, ELEMENT_PROPERTIES.index("outer f electrons")]
    assert f[63] > f[57] > f[26] - 1e-12
    found = list_features(lists.materials, ["properties"])
    n = table.shape[1]
    np.testing.assert_allclose(found[0, :n], 0.5 * (table[11] + table[17]))
    np.testing.assert_allclose(found[1, n : 2 * n], 0.0, atol=1e-12)  # silicon alone


def test_empty_lists_are_refused(tmp_path):
    write_lists(tmp_path, [], [])
    with pytest.raises(DatasetError, match="at least one material"):
        read_class_lists(tmp_path, CLASSES)
