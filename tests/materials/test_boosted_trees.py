"""Trees evaluated with NumPy against LightGBM itself; trees that are none are refused."""

from __future__ import annotations

import numpy as np
import pytest

from topophys.errors import CheckpointError
from topophys.materials import boosted_trees
from topophys.materials.boosted_trees import SETTINGS, BoostedTrees, train_trees

lightgbm = pytest.importorskip("lightgbm")


def data(rng, size=400, missing=0.0):
    x = rng.normal(size=(size, 7))
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int64) + (x[:, 3] > 1)
    x[rng.random(x.shape) < missing] = np.nan
    return x, y


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_scores_are_those_of_lightgbm(missing):
    rng = np.random.default_rng(5)
    x, y = data(rng, missing=missing)
    trees = train_trees(x, y, n_classes=3, n_trees=20, seed=3)
    theirs = lightgbm.train(
        {**SETTINGS, "objective": "multiclass", "num_class": 3, "seed": 3},
        lightgbm.Dataset(x, y, params={"max_bin": SETTINGS["max_bin"], "verbose": -1}),
        num_boost_round=20,
    )
    new, _ = data(rng, size=boosted_trees.AT_ONCE + 17, missing=0.1)
    expected = theirs.predict(new, raw_score=True)
    np.testing.assert_allclose(trees.scores(new), expected, rtol=0, atol=1e-12)


def test_members_differ_and_their_scores_are_averaged():
    x, y = data(np.random.default_rng(2))
    settings = {"n_classes": 3, "n_trees": 5}
    both = train_trees(x, y, seed=4, n_members=2, **settings)
    one, two = (train_trees(x, y, seed=s, **settings) for s in (4, 4 + boosted_trees.MEMBER_STEP))
    assert not np.array_equal(one.scores(x), two.scores(x))
    mean = (one.scores(x) + two.scores(x)) / 2.0
    np.testing.assert_allclose(both.scores(x), mean, rtol=0, atol=1e-12)


def test_trees_survive_storage():
    x, y = data(np.random.default_rng(1))
    trees = train_trees(x, y, n_classes=3, n_trees=5, seed=0)
    again = BoostedTrees.from_arrays(trees.to_arrays("a/"), "a/")
    np.testing.assert_array_equal(again.scores(x), trees.scores(x))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("left", np.zeros_like, id="loop"),
        pytest.param("right", lambda a: a + 10_000, id="beyond the nodes"),
        pytest.param("roots", lambda a: a[:-1], id="a tree too few"),
        pytest.param("feature", lambda a: a + 100, id="column too large"),
        pytest.param("feature", lambda a: a - 100, id="column negative"),
        pytest.param("value", lambda a: a * np.nan, id="no numbers"),
        pytest.param("value", lambda a: a[:2], id="leaves missing"),
        pytest.param("threshold", lambda a: a[:-1], id="lengths differ"),
        pytest.param("n_classes", lambda a: a * 0, id="no classes"),
    ],
)
def test_damaged_trees_are_refused(name, change):
    x, y = data(np.random.default_rng(1))
    arrays = train_trees(x, y, n_classes=3, n_trees=5, seed=0).to_arrays("")
    arrays[name] = change(arrays[name])
    with pytest.raises(CheckpointError):
        BoostedTrees.from_arrays(arrays, "")
