from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topophys.datasets import Recipe, draw_shard, open_dataset, shards
from topophys.datasets.families import family_of
from topophys.datasets.recipe import SplitSpec
from topophys.datasets.schema import SHARD_SIZE
from topophys.datasets.shards import evaluate
from topophys.errors import RecipeError
from topophys.invariants.results import Certificate


def chains(size=60, classes=(-1, 0, 1), **label):
    return Recipe.from_dict(
        {
            "name": "shards",
            "seed": 5,
            "hamiltonian": {"family": "aiii_chains", "hopping_range": 2},
            "label": {"invariant": "winding", "min_gap": 0.1} | label,
            "input": {"grid": [16]},
            "split": [{"name": "train", "size": size, "classes": list(classes)}],
        }
    )


@given(size=st.integers(1, 4 * SHARD_SIZE), classes=st.sets(st.integers(-9, 9), min_size=1))
def test_quotas_add_up_to_balanced_classes(size, classes):
    spec = SplitSpec(name="a", size=max(size, len(classes)), classes=tuple(classes))
    n_shards = -(-spec.size // SHARD_SIZE)
    parts = [shards.quotas(spec, s) for s in range(n_shards)]
    total = [sum(part[c] for part in parts) for c in sorted(classes)]
    assert sum(total) == spec.size
    assert max(total) - min(total) <= 1
    assert total == sorted(total, reverse=True)  # a remainder goes to the smallest classes
    for s, part in enumerate(parts):
        assert sum(part.values()) == min(SHARD_SIZE, spec.size - s * SHARD_SIZE)
        assert max(part.values()) - min(part.values()) <= 1


def test_a_shard_alone_is_that_of_the_file(path, recipe):
    with open_dataset(path) as dataset:
        for name in reversed(dataset.splits):
            shard = draw_shard(recipe, name, 0)
            split = dataset.split(name)
            for field, stored in split[:].items():
                assert stored.tobytes() == shard.arrays[field].tobytes()


def test_shards_of_a_larger_split_begin_the_same():
    small, large = chains(SHARD_SIZE), chains(SHARD_SIZE + 30)
    a, b = draw_shard(small, "train", 0), draw_shard(large, "train", 0)
    assert a.digests == b.digests
    assert draw_shard(large, "train", 1).digests != a.digests


class Signs:
    """A family of numbers, of the class of their sign where they are far from zero."""

    batch, spec = 8, chains().hamiltonian

    def draw(self, n, rng):
        return rng.standard_normal((n, 1, 1, 1)) + 0j

    def certify(self, hoppings, min_gap):
        x = hoppings.real.ravel()
        none = np.zeros(len(x))
        good = np.abs(x) > 0.8
        return Certificate(
            "winding number", np.sign(x).astype(int), np.where(good, "certified", "unresolved"),
            np.where(good, np.abs(x), 0.0), np.abs(x), none[:, None], none.astype(int),
            np.where(good, "", "small gap"),
        )  # fmt: skip


@pytest.mark.parametrize("joined", [16, 40, 1000])
def test_batches_proven_together_give_the_same_samples(joined, monkeypatch):
    monkeypatch.setattr(shards, "family_of", lambda recipe, spec: Signs())
    for size in range(2, 60, 4):
        recipe = chains(size, (-1, 1))

        def select(recipe=recipe):
            return shards._select(recipe, recipe.part("train"), 0)

        monkeypatch.setattr(shards, "JOINED", 1)
        arrays, drawn, rejected = select()
        monkeypatch.setattr(shards, "JOINED", joined)
        others, *counts = select()
        assert counts == [drawn, rejected]
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, others[name])


def test_other_splits_have_no_influence(recipe):
    data = recipe.model_dump(exclude_none=True)
    data["hamiltonian"].pop("n_orbitals")
    data["split"] = data["split"][-1:]
    name = data["split"][0]["name"]
    alone = Recipe.from_dict(data)
    assert draw_shard(alone, name, 0).digests == draw_shard(recipe, name, 0).digests


def test_kept_are_the_first_of_each_class():
    # the unbiasedness argument rests on it: nothing but class, gap and order decides
    recipe = chains(60)
    shard = draw_shard(recipe, "train", 0)
    draws = shard.arrays["seed_key"][:, 2]
    everything = draw_shard(chains(600), "train", 0)  # the same stream, read further
    for value in (-1, 0, 1):
        mine = np.sort(draws[shard.arrays["label"] == value])
        longer = everything.arrays["label"] == value
        first = np.sort(everything.arrays["seed_key"][longer, 2])[: len(mine)]
        assert np.array_equal(mine, first)


def test_counts_do_not_depend_on_how_many_are_drawn_at_a_time(monkeypatch):
    recipe = chains(60)
    whole = draw_shard(recipe, "train", 0)
    monkeypatch.setattr("topophys.datasets.families.Family.batch", 37)
    parts = draw_shard(recipe, "train", 0)
    assert (parts.drawn, parts.rejected) == (whole.drawn, whole.rejected)
    assert whole.drawn == 60 + sum(whole.rejected.values())
    assert np.array_equal(
        np.sort(parts.arrays["seed_key"][:, 2]), np.sort(whole.arrays["seed_key"][:, 2])
    )


def bands():
    table = {"family": "class_a", "n_bands": 4, "n_occupied": 2, "hopping_range": 1}
    return Recipe.from_dict(
        {
            "name": "bands",
            "seed": 6,
            "hamiltonian": table,
            "label": {"invariant": "chern", "min_gap": 0.01},
            "input": {"grid": [12, 12]},
            "split": [{"name": "train", "size": 2, "classes": [0]}],
        }
    )


@pytest.mark.parametrize("kind", ["winding", "chern", "bands"])
def test_a_sample_is_evaluated_to_the_same_bits_alone_and_among_others(kind, recipes):
    # arrays of this size are larger than what NumPy reuses for products, and than any cache
    recipe, size = (bands(), 200) if kind == "bands" else (recipes[kind], 1800)
    spec = recipe.part("train")
    family = family_of(recipe, spec)
    hoppings = family.draw(size, np.random.default_rng(2))
    whole = family.evaluate(hoppings)
    whole["x"] = whole["x"].astype(np.float32)
    assert max(field.nbytes for field in whole.values()) > 2**19
    for i in range(0, size, size // 19):
        for name, field in evaluate(recipe, spec, 0, hoppings[i : i + 1], np.array([i])).items():
            assert field.tobytes() == whole[name][i : i + 1].tobytes(), name
    parts = evaluate(recipe, spec, 0, hoppings)
    assert all(parts[name].tobytes() == whole[name].tobytes() for name in whole)


def test_samples_lie_in_no_order_of_class():
    label = draw_shard(chains(1500), "train", 0).arrays["label"]
    thirds = [np.bincount(part + 1, minlength=3) for part in np.split(label, 3)]
    assert np.min(thirds) > 120  # 167 on average


def test_a_class_that_never_comes_ends_in_one_line(monkeypatch):
    monkeypatch.setattr(shards, "PATIENCE", 5000)
    with pytest.raises(RecipeError, match=r"Class 4 of split `train` must turn up") as caught:
        draw_shard(chains(20, classes=(0, 4), min_gap=0.3), "train", 0)
    assert "0 of 10 found" in str(caught.value)
    assert "gap below min_gap" in str(caught.value)
    assert "\n" not in str(caught.value)
