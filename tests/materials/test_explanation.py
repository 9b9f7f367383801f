"""Shapley values, against the sum over all orders."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from tests.materials.test_model import toy_table
from topophys.errors import InputError, NotFittedError
from topophys.materials import MaterialsModel, describe, explain
from topophys.materials._model_file import VIEWS, features
from topophys.materials.explanation import BACKGROUND, _background, _columns

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


@pytest.mark.long
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
