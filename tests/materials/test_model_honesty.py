"""What answers may state: of mixed sites, far away, of other tasks, of lists that contradict."""

from __future__ import annotations

import json
import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.materials.test_model import toy_table
from topophys.errors import CheckpointError, DatasetError, InputError
from topophys.materials import (
    MaterialsModel,
    describe,
    filling_allows_insulator,
    parse_formula,
    read_structure,
    read_table,
)
from topophys.materials._model_file import VIEWS
from topophys.materials.description import Description, collect_materials, reduced
from topophys.materials.features import SYMMETRY_TOLERANCE
from topophys.materials.similar import nearest

pytest.importorskip("lightgbm", reason="needs the extra `materials`")


def unknown(labels, rng, share=0.4):
    return [y if rng.random() > share else "" for y in labels]


@pytest.fixture(scope="module")
def model():
    """Two tasks; the second has labels for the oxides alone, the first for all but bismuth."""
    materials, labels = toy_table()
    first = ["" if "Bi" in m else y for m, y in zip(materials, labels, strict=True)]
    second = [y if "O" in m else "" for m, y in zip(materials, labels, strict=True)]
    return MaterialsModel(n_trees=5, seed=1).fit(materials, {"parity": first, "oxide": second})


# ---- Mixed sites


MIXED = """data_a
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""


@pytest.mark.parametrize("rest", ["K1 K 0 0 0 {rest}\n", ""], ids=["another element", "vacancy"])
def test_electrons_and_labels_of_mixed_sites_are_not_stated(model, tmp_path, rest):
    pytest.importorskip("pymatgen.core")
    pytest.importorskip("spglib")
    rng = random.Random(len(rest))
    for number in range(3):
        most = rng.randint(55, 99) / 100
        other = rest.format(rest=round(1 - most, 2))
        path = tmp_path / f"{number}.cif"
        path.write_text(MIXED + f"Na1 Na 0 0 0 {most}\n{other}Cl1 Cl .5 .5 .5 1\n")
        with pytest.raises(InputError, match="partly occupied"):
            describe(path)
        one = describe(read_structure(path, occupancy="majority"))
        assert (one.substituted, one.electrons) == (True, None)
        known = Description("NaCl", one.composition, one.space_group, 8)
        trained = MaterialsModel(n_trees=2, group_by="none").fit(
            [known, known, "KCl:1", "KCl:1", "LiF:1"], ["a", "a", "b", "b", "a"]
        )
        answers = trained.answer([one, known])
        assert [a.tasks["class"].known_label for a in answers] == [None, "a"]
        assert [a.filling_allowed for a in answers] == [None, filling_allows_insulator(221, 8)]
        assert "rule" not in repr(answers[0])
        assert "majority" in repr(answers[0])


def test_the_rule_names_the_tolerance_of_the_space_group(model):
    text = repr(model.answer([Description("X", ((6, 1.0),), 227, 10)])[0])
    assert f"space group by spglib within {SYMMETRY_TOLERANCE:g} angstrom" in text


# ---- Distances


def test_accuracy_farther_than_any_held_out_material_is_unknown(model):
    for name, task in model.tasks_.items():
        for view, (ends, accuracy) in task.distances.items():
            group = ":1" if view == VIEWS[1] else ""
            near, far = model.answer([f"Na3Cl7{group}", f"XeKr{group}"])
            place = int(np.searchsorted(ends, near.tasks[name].distance))
            expected = accuracy[place] if place < len(ends) else None
            assert near.tasks[name].held_out_accuracy == expected
            assert far.distance == 1.0
            assert (far.tasks[name].held_out_accuracy is None) == (ends[-1] < 1.0)
            task.distances[view] = (ends * 0.5, accuracy)  # as if nothing farther was held out
            answer = model.answer([f"XeKr{group}"])[0]
            task.distances[view] = (ends, accuracy)
            assert answer.tasks[name].held_out_accuracy is None
            assert "unknown, farther than any held-out material" in repr(answer)
            row = json.loads(json.dumps(answer.to_dict()))
            assert row[f"{name}_held_out_accuracy"] is None


def test_distances_are_those_to_labelled_materials_of_the_task(model):
    materials = [describe(m) for m in toy_table()[0]]
    asked = [describe(m) for m in ("Bi2O3:1", "BiO", "NaCl:225", "KCl", "Ca3Ti2O7", "BiF:2")]
    shares = [
        np.array([dict(m.composition).get(z, 0.0) for z in range(119)])
        for m in (*materials, *asked)
    ]
    shares = [s / s.sum() for s in shares]
    for one, share, answer in zip(
        asked, shares[len(materials) :], model.answer(asked), strict=True
    ):
        for name, task in model.tasks_.items():
            rows = [i for i, label in enumerate(task.labels) if label >= 0]
            found = nearest(share[None], np.array([shares[i] for i in rows]), 1)[1][0, 0]
            assert answer.tasks[name].distance == pytest.approx(found, abs=1e-12)
        assert answer.distance <= min(t.distance for t in answer.tasks.values()) + 1e-12
        assert ("oxide holds Cl" in answer.outside) == ("Cl" in one.name)
        assert ("parity holds Bi" in answer.outside) == ("Bi" in one.name)


# ---- Contradictions


def test_known_labels_are_unanimous():
    materials, labels = toy_table()
    twice = [*materials, materials[0], materials[1], materials[2]]
    other = {"odd": "even", "even": "odd"}
    model = MaterialsModel(n_trees=3).fit(twice, [*labels, other[labels[0]], labels[1], ""])
    answers = model.answer(materials[:3])
    assert [a.tasks["class"].known_label for a in answers] == [None, labels[1], labels[2]]


def test_a_second_list_that_contradicts_itself_is_refused(model):
    materials = toy_table()[0]
    other = {
        Description("first", describe(materials[0]).composition, 1): "odd",
        Description("second", describe(materials[0]).composition, 1): "even",
    }
    with pytest.raises(InputError, match="first has 'even' and 'odd'"):
        model.doubtful_labels(other)
    same = dict.fromkeys(other, " odd ")
    found = model.doubtful_labels(same | {describe("Na1Cl1:2"): None, describe("KCl"): ""})
    assert {d.other for d in found} <= {"odd"}


# ---- Formulas


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
    st.sampled_from([1, 2, 3, 7, 10, "0.5", "0.1", "0.2", "0.01", "1.5", "0.25"]),
)
def test_multiples_of_a_formula_are_the_same_material(amounts, factor):
    numbers = (5, 8, 26, 83)[: len(amounts)]
    divisor = math.gcd(*amounts)
    expected = tuple((z, n / divisor) for z, n in zip(numbers, amounts, strict=True))
    times = Fraction(factor)
    written = "".join(
        f"{symbol}{float(n * times):.10g}"
        for symbol, n in zip(("B", "O", "Fe", "Bi"), amounts, strict=False)
    )
    assert reduced(parse_formula(written)) == expected
    assert describe(written).composition == expected


def test_bi2se3_by_shares_of_atoms():
    assert describe("Bi0.4Se0.6").formula == "Bi2Se3"
    assert describe("Bi0.4Se0.6:166").composition == describe("Bi2Se3:166").composition
    # digits that are no ratio stay as they are
    assert describe("Bi0.400001Se0.6").composition == ((34, 0.6), (83, 0.400001))


@pytest.mark.parametrize("formula", ["((((Bi1e9)))", "(((Bi999)999)999)999", "Bi" + "9" * 80,
                                     "(((Na0.001)0.001)0.001)Cl", "Bi0"])  # fmt: skip
def test_amounts_beyond_all_compounds_are_refused(formula):
    with pytest.raises(InputError) as error:
        describe(formula)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, "a", None, 1.5, -2, True, 1j, [2]],
                         ids=repr)  # fmt: skip
def test_the_filling_rule_takes_whole_numbers_only(bad):
    # the run-time check of annotations would refuse some of them first
    rule = getattr(filling_allows_insulator, "__wrapped__", filling_allows_insulator)
    for words in ((2, bad), (bad, 2)):
        with pytest.raises(InputError, match="Argument `"):
            rule(*words)
    assert rule(2, 4.0) is rule(2.0, np.int64(4)) is True


# ---- Tables


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "mark"])
@pytest.mark.parametrize("header", ['"formula",space_group,"class"', "formula, space_group ,class"])
def test_headers_may_be_quoted_behind_a_mark(tmp_path, mark, header):
    path = tmp_path / "t.csv"
    path.write_text(f"{mark}{header}\nNaCl,225,a\n", encoding="utf-8")
    table = read_table(path, labels=("class",))
    assert (table.materials[0].space_group, table.labels) == (225, {"class": ["a"]})


@pytest.mark.parametrize("word", ["NaN", "nan", "None", "null", "NA", "n/a", "<NA>", "", " "])
def test_cells_that_say_missing_are_missing(tmp_path, word):
    path = tmp_path / "t.csv"
    path.write_text(f"formula,space_group,file\nNaN,{word},{word}\n")
    table = read_table(path, structure="file", labels=())
    # sodium nitride, in spite of its name
    assert [(m.formula, m.space_group) for m in table.materials] == [("NaN", None)]
    assert describe({"formula": "NaCl", "space_group": word}).space_group is None


def test_labels_that_say_missing_are_missing():
    materials, labels = toy_table()
    given = [["NaN", "nan", math.nan, None, " "][i] if i < 5 else y for i, y in enumerate(labels)]
    model = MaterialsModel(n_trees=2).fit(materials, given)
    assert set(model.tasks_["class"].classes) == {"odd", "even"}
    assert (model.tasks_["class"].labels == -1).sum() == 5


def test_columns_of_labels_are_named_once(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("formula,a\nNaCl,x\n")
    with pytest.raises(InputError, match="once"):
        read_table(path, labels=("a", "a"))


def test_few_space_groups_leave_out_the_view_that_needs_them():
    materials, labels = toy_table()
    for count in (0, 1, 3, 30):
        words = [m if i < count else m.split(":")[0] for i, m in enumerate(materials)]
        model = MaterialsModel(n_trees=3, group_by="system").fit(words, {"a": labels})
        systems = {describe(m).system for m in materials[:count]}
        views = set(model.tasks_["a"].trees)
        assert views == ({*VIEWS[:2]} if len(systems) >= 5 else {VIEWS[0]})
        assert ("too few" in model.report()) == (count > 0 and len(systems) < 5)
        assert model.answer([materials[0]])[0].view in views


# ---- Files that anybody may have written

HOSTILE = (None, "", "x", -1, 0, 1e300, 10**30, True, [], {}, [[]], [None], {"a": None})


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    if isinstance(value, list):
        for i in range(min(len(value), 3)):
            yield from places(value[i], (*path, i))


def put(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def hostile_arrays(rng, array):
    ways = [
        lambda a: a[:0], lambda a: a[:-1], lambda a: a.reshape(-1, 1), lambda a: np.float64(3),
        lambda a: a.astype(np.float64) * np.nan, lambda a: -a.astype(np.float64),
        lambda a: a.astype(np.float64) + 1e30, lambda a: a.astype(np.complex128) * 1j,
        lambda a: np.concatenate([a, a]), lambda a: a[::-1], lambda a: np.full(a.shape, np.inf),
        lambda a: a.astype(bool),
    ]  # fmt: skip
    return np.asarray(rng.choice(ways)(np.atleast_1d(array)))


@pytest.mark.filterwarnings("error")
def test_crafted_files_are_refused_or_answer(model, tmp_path):
    good = dict(np.load(model.save(tmp_path / "good.npz")))
    head, rng = json.loads(bytes(good["head"])), random.Random(11)
    every = list(places(head))
    cases = [("head", place, new) for place in every for new in rng.sample(HOSTILE, 3)]
    cases += [("array", name, None) for name in good for _ in range(4) if name != "head"]
    cases = rng.sample(cases, 120)
    read, reasons = 0, []
    for kind, place, new in cases:
        arrays = dict(good)
        if kind == "head":
            text = json.dumps(put(head, place, new)).encode()
            arrays["head"] = np.frombuffer(text, np.uint8)
        else:
            arrays[place] = hostile_arrays(rng, good[place])
        path = tmp_path / "bad.npz"
        np.savez(path, **arrays)
        try:
            found = MaterialsModel.load(path)
        except CheckpointError as error:
            reasons.append(str(error))
            continue
        read += 1
        for answer in found.answer(["NaCl:225", "Bi2O3", "XeF2"]):
            for task in answer.tasks.values():
                assert sum(task.probabilities.values()) == pytest.approx(1.0), (kind, place, new)
            assert repr(answer), (kind, place, new)
        assert found.report(), (kind, place, new)
        assert found.summary(), (kind, place, new)
    assert not any("\n" in reason for reason in reasons)
    # what is not checked changes no answer: names, texts, zeros for zeros
    assert 0 < read < len(cases) / 2


def test_options_of_structures_reach_the_files_that_tables_name(tmp_path):
    pytest.importorskip("pymatgen.core")
    pytest.importorskip("spglib")
    mixed = MIXED + "Na1 Na 0 0 0 0.7\nK1 K 0 0 0 0.3\nCl1 Cl .5 .5 .5 1\n"
    (tmp_path / "a.cif").write_text(mixed)
    old = "test\n1.0\n4 0 0\n0 4 0\n0 0 4\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"
    (tmp_path / "POSCAR").write_text(old)
    path = tmp_path / "t.csv"
    path.write_text("formula,file\n,a.cif\n,POSCAR\nLiF,\n")
    found = read_table(path, structure="file")
    assert [m.formula for m in found.materials] == ["LiF"]
    assert [line for line, _ in found.refused] == [2, 3]
    found = read_table(path, structure="file", occupancy="majority")
    assert [m.substituted for m in found.materials] == [True, False]
    found = read_table(path, structure="file", species="Cs Cl")
    assert [{z for z, _ in m.composition} for m in found.materials] == [{55, 17}, {3, 9}]
    for option in ({"occupancy": "majority"}, {"species": "Cs Cl"}):
        collected = collect_materials([str(path)], structure="file", **option)
        assert (len(collected.materials), len(collected.refused)) == (2, 1)
    assert len(collect_materials([str(path)], structure="file").refused) == 2


def test_every_answer_says_what_was_seen_and_how_well_it_was_measured(model):
    answer = model.answer(["NaO3:225"])[0]
    row = answer.to_dict()
    for name, task in model.tasks_.items():
        score = task.scores[answer.view]
        assert row[f"{name}_view_accuracy"] == score["accuracy"]
        assert (
            row[f"{name}_measured_on"] == f"{round(score['materials'])} materials, unseen systems"
        )
        assert f"held-out accuracy {score['accuracy']:.3f} (" in repr(answer)
    assert row["trained_on"] == f"{len(model._materials)} materials"
    assert f"trained on {len(model._materials)} materials" in repr(answer)
    name, labels = answer.nearest[0]
    assert row["nearest"].startswith(f"{name} ({', '.join(labels.values())})")


@pytest.mark.parametrize("word", ["Na" * 3000, "NaCl\0", "a" * 5000 + "/x.cif"], ids=len)
def test_words_that_no_file_system_knows_stop_no_other(word):
    found = collect_materials(["NaCl", word, "KCl"])
    assert {"NaCl", "KCl"} <= {one.name for one in found.materials}
    assert len(found.materials) + len(found.refused) == 3
    assert all("\n" not in reason and len(reason) < 300 for reason in found.refused)


@pytest.mark.parametrize("word", ["no/POSCAR", "POSCAR_2", "../other/CONTCAR", "folder/Bi2Se3"])
def test_words_that_name_a_file_are_missing_files(word):
    (reason,) = collect_materials([word]).refused
    assert word.rpartition("/")[2] in reason
    assert "No such file" in reason


def test_a_symbol_with_a_stroke_is_no_path():
    (one,) = collect_materials(["NaCl:P2_1/c"]).materials
    assert one.space_group == 14


def test_a_missing_column_is_named_with_its_option(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("formula,kind\nNaCl,a\n")
    with pytest.raises(DatasetError, match="--label"):
        read_table(path, labels=("class",))


def test_rows_keep_tasks_apart_that_share_labels_or_names_of_columns(tmp_path):
    materials, labels = toy_table()
    turned = ["odd" if one == "even" else "even" for one in labels]
    tasks = {"name": labels, "notes": turned, "a": labels, "a_set": turned}
    model = MaterialsModel(n_trees=2, seed=1).fit(materials, tasks)
    (answer,) = model.answer(["NaO3:225"])
    row = answer.to_dict()
    assert row["name"] == "NaO3:225"
    for name in tasks:
        mine = {key: value for key, value in row.items() if name in key}
        for label, p in answer.tasks[name].probabilities.items():
            assert mine[f"{name} p({label})"] == round(p, 6)
    # as many columns as without collisions
    assert len(row) == len({**row}) == 10 + len(tasks) * (8 + 2)
