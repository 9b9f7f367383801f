"""The classifier that answers at once: input of all kinds, honest scores, files, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from topophys.errors import CheckpointError, DatasetError, InputError, NotFittedError
from topophys.materials import MaterialsModel, describe, read_table, space_group_number
from topophys.materials._model_file import features
from topophys.materials.calibration import (
    accuracy_by_distance,
    best_calibration,
    calibration_error,
    classification_scores,
    grouped_folds,
    log_loss,
    softmax,
)
from topophys.materials.description import Description
from topophys.materials.similar import nearest

METALS, ANIONS = ("Li", "Na", "K", "Ca", "Ti", "Fe", "Cu", "Zn", "Bi"), ("O", "S", "Se", "F", "Cl")


def toy_table():
    """Formulas whose class is the parity of the electrons of a formula unit."""
    # no formula twice
    units = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 3)]
    names = [f"{m}{i}{a}{j}" for m in METALS for a in ANIONS for i, j in units]
    from topophys.materials import parse_formula, valence_electrons

    labels = ["odd" if valence_electrons(parse_formula(n)) % 2 else "even" for n in names]
    groups = [(1, 2, 166, 225)[i % 4] for i in range(len(names))]
    return [f"{n}:{g}" for n, g in zip(names, groups, strict=True)], labels


@pytest.fixture(scope="module")
def model():
    pytest.importorskip("lightgbm")
    materials, labels = toy_table()
    rng = np.random.default_rng(0)
    moment = rng.choice(["magnetic", "not", ""], size=len(labels)).tolist()
    return MaterialsModel(n_trees=40, seed=1).fit(
        materials, {"parity": labels, "moment": moment}, source="toy"
    )


# ---- Descriptions


@pytest.mark.parametrize(
    ("given", "composition", "group"),
    [
        ("Bi2Se3", ((34, 3.0), (83, 2.0)), None),
        ("Bi4Se6", ((34, 3.0), (83, 2.0)), None),
        ("SnTe:225", ((50, 1.0), (52, 1.0)), 225),
        (" SnTe : Fm-3m ", ((50, 1.0), (52, 1.0)), 225),
        ("Zn0.5Cd0.5", ((30, 1.0), (48, 1.0)), None),
        ({"formula": "NaCl", "space_group": 225.0}, ((11, 1.0), (17, 1.0)), 225),
        ({"formula": "NaCl", "space_group": float("nan")}, ((11, 1.0), (17, 1.0)), None),
    ],
    ids=["formula", "multiple", "number", "symbol", "fractions", "row", "row without a group"],
)
def test_materials_are_read(given, composition, group):
    found = describe(given)
    assert found.composition == composition
    assert found.space_group == group


@pytest.mark.parametrize("given", ["", "bi2se3", "Xx2", "SnTe:231", "SnTe:Fm-3q", 7, None, {}])
def test_what_is_no_material_is_refused_in_one_line(given):
    with pytest.raises(InputError) as error:
        describe(given)
    assert "\n" not in str(error.value)


def test_every_short_symbol_is_understood():
    from topophys.materials.elements import tabulated

    for number, group in enumerate(tabulated()["space_groups"], start=1):
        assert space_group_number(group["symbol"]) == number
        assert space_group_number(group["symbol"].replace("_", "")) == number


def test_structures_bring_space_group_and_electrons(tmp_path):
    pytest.importorskip("spglib")
    pytest.importorskip("pymatgen.core")
    path = tmp_path / "POSCAR"
    # the conventional cell of rock salt: four formula units, one in the primitive cell
    path.write_text(
        "NaCl\n1.0\n5.64 0 0\n0 5.64 0\n0 0 5.64\nNa Cl\n4 4\nDirect\n"
        "0 0 0\n0 .5 .5\n.5 0 .5\n.5 .5 0\n.5 .5 .5\n.5 0 0\n0 .5 0\n0 0 .5\n"
    )
    found = describe(path)
    assert (found.formula, found.space_group, found.electrons) == ("NaCl", 225, 8)


def test_tables_report_bad_lines_and_continue(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(
        "id,formula,space_group,class\n"
        "1,Bi2Se3,166,TI\n2,Qq3,1,x\n\n3,NaCl,Fm-3m,\n4,KCl,999,trivial\n5,KBr\n",
        encoding="utf-8-sig",
    )
    table = read_table(path, labels=("class",))
    assert [m.formula for m in table.materials] == ["Bi2Se3", "NaCl"]
    assert table.labels == {"class": ["TI", ""]}
    assert table.lines == [2, 5]
    assert [line for line, _ in table.refused] == [3, 6, 7]
    assert all(reason.startswith("table.csv, line ") for _, reason in table.refused)


@pytest.mark.parametrize(
    ("text", "word"),
    [("a,b\n1,2\n", "one column 'formula'"), ("", "one column"), ("formula\n", "there is none"),
     ("formula\nQq\n", "line 2"), ("formula,formula\nNaCl,NaCl\n", "one column")],
    ids=["no column", "empty", "no row", "no good row", "twice"],
)  # fmt: skip
def test_tables_without_materials_are_refused(tmp_path, text, word):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=word):
        read_table(path)


# ---- Statistics


def test_folds_keep_groups_together_and_are_even():
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 60, 1000).astype(str).tolist()
    fold = grouped_folds(groups, seed=4)
    for group in set(groups):
        assert len({fold[i] for i, g in enumerate(groups) if g == group}) == 1
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() < 40
    with pytest.raises(InputError, match="at least 5 groups"):
        grouped_folds(["a", "b"], seed=0)


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3)) * 2
    y = np.array([rng.choice(3, p=p) for p in softmax(logits)])
    found = best_calibration(3.0 * logits, y)
    assert abs(np.exp(found.constant + found.slope / 2) - 3.0) < 0.4
    assert calibration_error(found.probabilities(3.0 * logits), y) < 0.015
    assert log_loss(found.probabilities(3.0 * logits), y) < log_loss(softmax(logits), y) + 1e-3
    assert calibration_error(softmax(logits), y) < 0.015
    assert calibration_error(softmax(3.0 * logits), y) > 0.05


def test_scores_by_hand():
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
    found = classification_scores(p, np.array([0, 0, 1, 1]))
    assert found["accuracy"] == 0.75
    # classes: 2 of 2 right with one false, 1 of 2 right: F1 of 0.8 and 2/3
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)


def test_nearest_is_the_exhaustive_search():
    rng = np.random.default_rng(1)
    a = rng.dirichlet(np.ones(6), size=20) * (rng.random((20, 6)) < 0.7)
    a = a / np.maximum(a.sum(1, keepdims=True), 1e-12)
    b = rng.dirichlet(np.ones(6), size=50)
    index, away = nearest(a, b, 3)
    full = 1.0 - np.minimum(a[:, None], b).sum(-1)
    np.testing.assert_allclose(away, np.sort(full, axis=1)[:, :3], atol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(full, index, 1), away, atol=1e-12)


def test_accuracy_by_distance():
    ends, accuracy = accuracy_by_distance(
        np.array([0.0, 0.0, 1.0, 1.0]), np.array([1, 1, 0, 1]) > 0
    )
    assert ends.tolist() == [0.0, 1.0]
    assert accuracy.tolist() == [1.0, 0.5]


# ---- The model


def test_parity_of_electrons_is_learned(model):
    materials, labels = toy_table()
    assert model.score(materials, labels) > 0.9
    held_out = model.tasks_["parity"].scores["formula"]
    assert held_out["accuracy"] > held_out["majority"] + 0.1


def test_probabilities_are_normalised_and_ordered(model):
    answers = model.answer(["NaCl:225", "Fe2O3", "BiF"])
    for answer in answers:
        for task in answer.tasks.values():
            values = list(task.probabilities.values())
            assert sum(values) == pytest.approx(1.0)
            assert values == sorted(values, reverse=True)
            assert task.label in task.prediction_set
    assert [a.view for a in answers] == ["formula and space group", "formula", "formula"]


def test_answers_name_what_is_known_and_what_is_strange(model):
    known, strange = model.answer(["Na1Cl1:" + dict(_groups())["Na1Cl1"], "XeF2"])
    assert known.distance == 0.0
    assert known.tasks["parity"].known_label == "even"
    assert known.nearest[0][0].startswith("Na")
    assert "Xe" in strange.outside
    assert not known.outside
    assert "held-out accuracy" in repr(known)


def _groups():
    return [name.split(":") for name in toy_table()[0]]


def test_prediction_sets_cover_each_class_of_held_out_materials(model):
    # thresholds come from the held-out probabilities themselves: coverage holds by their definition
    task = model.tasks_["parity"]
    for view, misfits in task.misfits.items():
        least = task.thresholds(view, 0.9)
        for c, misfit in enumerate(misfits):
            assert np.mean(1.0 - misfit >= least[c]) >= 0.9


def test_unknown_labels_take_no_part(model):
    task = model.tasks_["moment"]
    assert set(task.classes) == {"magnetic", "not"}
    assert (task.labels == -1).sum() > 10
    assert task.scores["formula"]["materials"] == (task.labels >= 0).sum()


def test_the_file_holds_everything(model, tmp_path):
    path = model.save(tmp_path / "model.npz")
    again = MaterialsModel.load(path)
    wanted = ["NaCl:225", "Fe2O3", "CaTi2O5:62"]
    for task in model.tasks_:
        np.testing.assert_allclose(
            again.predict_proba(wanted, task), model.predict_proba(wanted, task), atol=1e-12
        )
    assert [repr(a) for a in again.answer(wanted)] == [repr(a) for a in model.answer(wanted)]
    assert again.report() == model.report()
    # float32 keeps the quantiles to seven digits
    assert path.stat().st_size < 200_000


def test_damaged_files_are_refused(model, tmp_path):
    path = model.save(tmp_path / "model.npz")
    content = path.read_bytes()
    rng = np.random.default_rng(2)
    reference = model.predict_proba(["NaCl"])
    reasons = []
    for _ in range(60):
        changed = bytearray(content)
        for at in rng.integers(0, len(content), 3):
            changed[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(changed[: int(rng.integers(len(content) // 2, len(content) + 1))]))
        try:
            found = MaterialsModel.load(path)
        except CheckpointError as error:
            reasons.append(str(error))
        else:
            np.testing.assert_array_equal(found.predict_proba(["NaCl"]), reference)
    assert len(reasons) > 30
    assert not any("\n" in reason for reason in reasons)


def test_models_without_training_refuse():
    for ask in (lambda m: m.predict(["NaCl"]), lambda m: m.answer(["NaCl"]), lambda m: m.report()):
        with pytest.raises(NotFittedError):
            ask(MaterialsModel())


@pytest.mark.parametrize(
    ("materials", "labels", "word"),
    [
        (["NaCl"], ["a", "b"], "one for each of 1"),
        (["NaCl", "KCl"], ["a", "a"], "at least two classes"),
        (["NaCl", "KCl", "LiF"], ["a", "b", "b"], "at least two materials"),
        ("NaCl", ["a"], "must be a sequence"),
    ],
    ids=["lengths", "one class", "rare class", "no sequence"],
)
def test_bad_training_data_is_refused(materials, labels, word):
    with pytest.raises(InputError, match=word):
        MaterialsModel(n_trees=2).fit(materials, labels)


@pytest.mark.parametrize(
    "settings", [{"group_by": "luck"}, {"level": 1.0}, {"n_trees": 0}], ids=lambda s: next(iter(s))
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        MaterialsModel(**settings).fit(["NaCl", "KCl"], ["a", "b"])


def test_manners_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn")
    pytest.importorskip("lightgbm")
    from sklearn.base import clone, is_classifier
    from sklearn.model_selection import cross_val_score

    model = MaterialsModel(n_trees=10, seed=7)
    assert clone(model).get_params() == model.get_params()
    assert is_classifier(model)
    materials, labels = toy_table()
    scores = cross_val_score(model, np.array(materials), np.array(labels), cv=2)
    assert scores.shape == (2,)
    assert sklearn is not None


def test_tables_of_pandas():
    pd = pytest.importorskip("pandas")
    pytest.importorskip("lightgbm")
    materials, labels = toy_table()
    frame = pd.DataFrame({"formula": [m.split(":")[0] for m in materials]})
    model = MaterialsModel(n_trees=5).fit(frame, pd.Series(labels))
    assert model.predict(frame[:3]).shape == (3,)
    assert set(model.tasks_["class"].trees) == {"formula"}


def test_random_folds_are_marked():
    pytest.importorskip("lightgbm")
    materials, labels = toy_table()
    model = MaterialsModel(n_trees=3, group_by="none").fit(materials, labels)
    assert "flatters" in model.report()
    assert "random split" in model.summary()


def test_filling_rule_stands_apart_from_the_probabilities(model):
    diamond = Description("X", ((6, 1.0),), 227, 10)
    answer = model.answer([diamond])[0]
    assert answer.filling_allowed is False
    assert "filling rule" in repr(answer)
    assert model.answer(["C:227"])[0].filling_allowed is None
    row = answer.to_dict()
    assert json.loads(json.dumps(row))["filling_allowed"] is False


def test_wrong_labels_are_doubted_first():
    pytest.importorskip("lightgbm")
    materials, labels = toy_table()
    wrong = [7, 60, 133, 201]
    flipped = {"odd": "even", "even": "odd"}
    spoiled = [flipped[y] if i in wrong else y for i, y in enumerate(labels)]
    model = MaterialsModel(n_trees=60, seed=2).fit(materials, spoiled)
    ranked = model.doubtful_labels()
    assert len(ranked) == len(materials)
    place = {d.material.name: i for i, d in enumerate(ranked)}
    mean = np.mean([place[materials[i]] for i in wrong]) / len(materials)
    assert mean < 0.25
    truth = {describe(m): y for m, y in zip(materials, labels, strict=True)}
    differing = model.doubtful_labels(truth)
    assert {d.material.name for d in differing} == {materials[i] for i in wrong}
    assert all(d.other == flipped[d.label] for d in differing)
    assert all(d.probability + d.other_probability == pytest.approx(1.0) for d in differing)


def test_loaded_models_do_not_know_held_out_probabilities(model, tmp_path):
    again = MaterialsModel.load(model.save(tmp_path / "m.npz"))
    with pytest.raises(NotFittedError, match="loaded"):
        again.doubtful_labels()


# ---- Structures


def cells_of(materials, labels):
    """Electrons of made-up primitive cells: what is called an insulator has an allowed filling."""
    from dataclasses import replace

    from topophys.materials import filling_allows_insulator, valence_electrons

    found = []
    for material, label in zip(materials, labels, strict=True):
        one = describe(material)
        counts = [round(z * valence_electrons(one.composition)) for z in range(1, 9)]
        allowed = [n for n in counts if filling_allows_insulator(one.space_group, n)]
        refused = [n for n in counts if not filling_allows_insulator(one.space_group, n)]
        fitting = allowed if label == "insulator" else refused
        found.append(replace(one, electrons=(fitting or counts)[0]))
    return found


@pytest.fixture(scope="module")
def structures():
    """Materials whose class is decided by the electrons of the cell, not by the formula."""
    pytest.importorskip("lightgbm")
    names, _ = toy_table()
    # odd formulas in P1: with one or with two formula units in the cell
    names = [name.partition(":")[0] + ":14" for name in names]
    labels = np.random.default_rng(7).choice(["insulator", "semimetal"], len(names)).tolist()
    return cells_of(names, labels), labels


def test_electrons_of_the_cell_decide_where_a_structure_is_known(structures, tmp_path):
    from dataclasses import replace

    materials, labels = structures
    model = MaterialsModel(n_trees=40, seed=1).fit(materials, labels)
    scores = model.tasks_["class"].scores
    assert list(scores) == ["formula", "formula and space group", "structure"]
    assert scores["structure"]["accuracy"] > scores["formula and space group"]["accuracy"] + 0.2
    answers = model.answer([materials[0], replace(materials[0], electrons=None)])
    assert [answer.view for answer in answers] == ["structure", "formula and space group"]
    model.save(tmp_path / "m.npz")
    loaded = MaterialsModel.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(loaded.predict_proba(materials), model.predict_proba(materials))
    assert [m.electrons for m in loaded._materials] == [m.electrons for m in materials]


def test_trees_of_structures_are_measured_on_structures_only(structures):
    from dataclasses import replace

    materials, labels = structures
    rng = np.random.default_rng(3)
    some = [m if rng.random() < 0.3 else replace(m, electrons=None) for m in materials]
    number = sum(m.electrons is not None for m in some)
    plain = MaterialsModel(n_trees=40, seed=1).fit(some, labels)
    helped = MaterialsModel(n_trees=40, seed=1).fit(some, labels, insulators=["insulator"])
    for model in (plain, helped):
        assert model.tasks_["class"].scores["structure"]["materials"] == number
    # the rule fills in what no structure tells
    loss = [m.tasks_["class"].scores["structure"]["log_loss"] for m in (plain, helped)]
    assert loss[1] < loss[0]


def test_few_structures_leave_out_the_view_that_needs_them(structures):
    from dataclasses import replace

    materials, labels = structures
    some = [m if i < 3 else replace(m, electrons=None) for i, m in enumerate(materials)]
    model = MaterialsModel(n_trees=5, seed=1).fit(some, labels)
    assert "structure" not in model.tasks_["class"].trees
    assert "from structure: not trained, 3 materials with a structure" in model.report()
    assert model.answer([materials[0]])[0].view == "formula and space group"


@pytest.mark.parametrize("bad", ["insulator", ["no such"], [""]])
def test_insulators_must_be_labels_that_occur(bad):
    materials, labels = toy_table()
    with pytest.raises(InputError, match="`insulators`"):
        MaterialsModel(n_trees=1).fit(materials, labels, insulators=bad)


def test_files_of_the_first_version_are_read(model, tmp_path):
    path = model.save(tmp_path / "m.npz")
    with np.load(path) as stored:
        arrays = dict(stored)
    head = json.loads(bytes(arrays["head"]))
    del head["electrons"]
    head["version"] = 1
    task = head["tasks"][0]
    constants = {view: numbers[0] for view, numbers in task.pop("calibration").items()}
    task["temperature"] = {view: float(np.exp(a)) for view, a in constants.items()}
    del task["second"]
    arrays["head"] = np.frombuffer(json.dumps(head).encode(), np.uint8)
    np.savez(path, **arrays)
    names = ["NaO:225", "Bi2Se3"]
    loaded = MaterialsModel.load(path)
    plain = model.tasks_["parity"]
    for name, one in zip(names, loaded.predict_proba(names), strict=True):
        view = "formula" if ":" not in name else "formula and space group"
        scores = plain.trees[view].scores(features([describe(name)], view))
        wanted = softmax(scores / np.exp(plain.calibration[view].constant))[0]
        np.testing.assert_allclose(one, wanted, atol=1e-12)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize(
    "names",
    [("ID", "Formula", "Space group"), ("id", "formula", "SpaceGroup"),
     ("id", "FORMULA", "space-group")],
)  # fmt: skip
def test_separators_and_spellings_of_default_columns(tmp_path, mark, names):
    path = tmp_path / "t.csv"
    path.write_text(mark.join(names) + "\n" + mark.join(("1", "Bi2Se3", "R-3m")) + "\n")
    found = read_table(path).materials[0]
    assert (found.formula, found.space_group) == ("Bi2Se3", 166)


def test_names_of_a_table_are_those_of_its_answers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("name,formula,class\nsample 7,NaCl,a\n,KCl,b\n")
    named = read_table(path).materials
    assert [one.name for one in named] == ["sample 7", "KCl"]
    assert repr(MaterialsModel.pretrained().answer(named)[0]).startswith(
        "sample 7 (NaCl): predicted from formula"
    )
    labelled = read_table(path, labels=("class",)).materials  # these stand in models
    assert [one.name for one in labelled] == ["NaCl", "KCl"]


def test_columns_that_could_mean_the_same_are_not_chosen_between(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Formula,FORMULA\nNaCl,KCl\n")
    with pytest.raises(DatasetError, match="one column 'formula'"):
        read_table(path)
    path.write_text("formula,Space group,space-group\nNaCl,225,1\n")
    with pytest.raises(DatasetError, match="one column 'space_group', but there are"):
        read_table(path)
    assert read_table(path, space_group="space-group").materials[0].space_group == 1
