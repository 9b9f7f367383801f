"""Classes of similar materials: own groups and own labels take no part."""

import numpy as np
import pytest

from tests.materials.test_model import toy_table
from topophys.materials import MaterialsModel, describe
from topophys.materials.calibration import best_calibration, calibration_error, softmax
from topophys.materials.similar import (
    PRIOR,
    REACHES,
    SimilarMaterials,
    similar_columns,
    similar_width,
)

NAMES = ("NaCl:225", "KBr:225", "LiF:225", "MgO:225", "TiC:225", "Bi2Se3:166", "Sb2Te3:166")
Y = np.array([0, 0, 0, 1, 2, 2, 2])


def system(one):
    return one.system


def known(names=NAMES, y=Y):
    materials = [describe(name) for name in names]
    return SimilarMaterials(materials, y, system, 3)


def test_columns_are_weighted_frequencies_of_the_prototype_without_the_own_system():
    asked = [describe(name) for name in ("NaBr:225", "NaCl:225", "Bi2Te3:166", "NaCl:221")]
    x = known().columns(asked)
    assert x.shape == (4, similar_width(3))
    assert np.isnan(x[3]).all()  # no material of this prototype
    share = np.bincount(Y) / len(Y)
    for row, others in ((0, [0, 1, 2, 3, 4]), (1, [1, 2, 3, 4]), (2, [5, 6])):
        for r in range(len(REACHES)):
            frequencies, total = x[row, 4 * r : 4 * r + 3], np.expm1(x[row, 4 * r + 3])
            assert frequencies.sum() == pytest.approx(1.0)
            assert 0.0 < total <= len(others)
            # what the prior adds is known, and the rest belongs to the classes of the others
            rest = frequencies * (total + PRIOR) - PRIOR * share
            absent = np.setdiff1d(np.arange(3), Y[others])
            np.testing.assert_allclose(rest[absent], 0.0, atol=1e-12)
    assert x[0, -1] > 0.0


def test_isovalent_materials_are_nearest_and_order_makes_no_difference():
    asked = [describe("RbI:225")]
    x = known().columns(asked)
    assert x[0, :3].argmax() == 0
    turned = known(NAMES[::-1], Y[::-1]).columns(asked)
    np.testing.assert_allclose(x, turned, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_columns_to_learn_from_do_not_depend_on_the_own_label(seed):
    rng = np.random.default_rng(seed)
    names = [f"{m}{a}:225" for m in ("Li", "Na", "K", "Rb", "Ti", "Zr") for a in ("O", "S", "F")]
    materials = [describe(name) for name in names]
    y = rng.integers(0, 3, len(names))
    x = similar_columns(materials, y, system, 3, seed)
    for i in rng.choice(len(names), 4, replace=False):
        other = y.copy()
        other[i] = (y[i] + 1) % 3
        changed = similar_columns(materials, other, system, 3, seed)
        if (np.bincount(other, minlength=3) > 0).all():
            np.testing.assert_array_equal(changed[i], x[i])


@pytest.mark.parametrize("group_by", ["system", "prototype", "none"])
def test_a_second_set_of_trees_where_prototypes_are_shared(group_by, tmp_path):
    pytest.importorskip("lightgbm")
    materials, labels = toy_table()
    model = MaterialsModel(n_trees=4, group_by=group_by, seed=1).fit(materials, labels)
    task = model.tasks_["class"]
    wanted = [] if group_by == "prototype" else ["formula and space group"]
    assert list(task.second) == wanted
    asked = ["NaO:225", "Bi2Se3", "CaF2:225", "CaF2:7"]
    again = MaterialsModel.load(model.save(tmp_path / "m.npz"))
    np.testing.assert_array_equal(again.predict_proba(asked), model.predict_proba(asked))
    np.testing.assert_allclose(
        np.vstack([model.predict_proba([one]) for one in asked]), model.predict_proba(asked)
    )


def test_calibration_by_decidedness_mends_what_one_temperature_cannot():
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(20_000, 3)) * 2
    y = np.array([rng.choice(3, p=p) for p in softmax(logits)])
    # decided answers are overconfident, open ones are not
    spoiled = logits * (1.0 + 0.25 * np.abs(logits).max(1, keepdims=True))
    found = best_calibration(spoiled, y)
    p = found.probabilities(spoiled)
    assert calibration_error(p, y) < 0.015 < calibration_error(softmax(spoiled), y)
    np.testing.assert_array_equal(p.argsort(1), spoiled.argsort(1))
