"""Shapley values, against the sum over all orders."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from tests.materials.test_model import toy_table
from topophys.errors import InputError, NotFittedError
from topophys.materials import MaterialsModel, describe, element_contributions, explain
from topophys.materials._model_file import VIEWS, features
from topophys.materials.elements import SYMBOLS
from topophys.materials.explanation import BACKGROUND, PENALTY, _background, _columns

pytest.importorskip("lightgbm", reason="needs the extra `materials`")


@pytest.fixture(scope="module")
def model():
    materials, labels = toy_table()
    return MaterialsModel(n_trees=8, seed=1).fit(materials, labels)


@pytest.mark.parametrize("view", VIEWS)
def test_kinds_share_out_all_columns(view):
    columns = sorted(c for some in _columns(view).values() for c in some)
    width = features([describe("NaCl:225")], view).shape[1]
    assert columns == list(range(width))


@pytest.mark.parametrize("name", ["NaO3:225", "Bi2S"])
@pytest.mark.parametrize("label", [None, "odd", "even"])
def test_contributions_are_means_over_all_orders(model, name, label):
    found = explain(model, name, label)
    task = model.tasks_["class"]
    view = VIEWS[1] if ":" in name else VIEWS[0]
    x = features([describe(name)], view)[0]
    background = features(_background(model, task, view, 0), view)
    assert len(background) == BACKGROUND
    kinds = _columns(view)
    place = task.classes.index(found.label)

    def value(known):
        mixed = background.copy()
        for kind in known:
            mixed[:, kinds[kind]] = x[kinds[kind]]
        logits = np.log(task.probabilities(mixed, view))
        return float((logits - logits.mean(1, keepdims=True))[:, place].mean())

    values = {}
    for kind in kinds:
        gains = []
        for order in permutations(kinds):
            before = frozenset(order[: order.index(kind)])
            for known in (before, before | {kind}):
                if known not in values:
                    values[known] = value(known)
            gains.append(values[before | {kind}] - values[before])
        assert found.contributions[kind] == pytest.approx(np.mean(gains), abs=1e-9)
    total = sum(found.contributions.values())
    assert total == pytest.approx(found.score - found.baseline, abs=1e-9)
    assert repr(found).splitlines()[0].startswith(f"{name}: {found.label}, score")


def test_questions_without_answer_are_refused(model):
    with pytest.raises(InputError, match="`label` must be one of"):
        explain(model, "NaCl", "purple")
    with pytest.raises(InputError, match="`task` must be one of"):
        explain(model, "NaCl", task="magnetism")
    with pytest.raises(NotFittedError):
        explain(MaterialsModel(), "NaCl")


def test_contributions_of_elements_maximise_the_penalised_likelihood(model):
    found = element_contributions(model, "odd")
    task = model.tasks_["class"]
    symbols = list(found.values)
    shares = np.array([
        [dict(m.composition).get(SYMBOLS.index(s), 0.0) / sum(n for _, n in m.composition)
         for s in symbols] for m in model._materials
    ])  # fmt: skip
    y = task.labels == task.classes.index("odd")
    tau = np.array(list(found.values.values()))
    p = 1.0 / (1.0 + np.exp(-shares @ tau))
    np.testing.assert_allclose(shares.T @ (p - y) + PENALTY * tau, 0.0, atol=1e-6)
    assert list(found.counts.values()) == (shares > 0).sum(0).tolist()
    one = found.of("Na2O")
    assert sum(one.values()) == pytest.approx((2 * found.values["Na"] + found.values["O"]) / 3)
    assert 0.0 < found.held_out_accuracy < 1.0
    assert found.majority == max(y.mean(), 1 - y.mean())


def test_contributions_against_the_first_class_are_turned_round(model):
    first = model.tasks_["class"].classes[0]
    against, towards = element_contributions(model), element_contributions(model, first)
    assert against.label == f"not {first}"
    for symbol, value in against.values.items():
        assert value == pytest.approx(-towards.values[symbol], abs=1e-7)


def test_contributions_without_a_class_or_element_are_refused(model):
    with pytest.raises(InputError, match="must be one of"):
        element_contributions(model, "no such")
    with pytest.raises(InputError, match="holds Xe"):
        element_contributions(model).of("XeF2")
    with pytest.raises(NotFittedError):
        element_contributions(MaterialsModel())
