"""Recipes, data sets, and data sets in parts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from topophys.testing.hardening import changes
from topophys.testing.hardening.readers.reader import Reader

ROOT = Path(__file__).parents[4]
_RECIPE = """
name = "small"
seed = 1
[hamiltonian]
family = "{family}"
{keys}
hopping_range = 1
[label]
invariant = "{invariant}"
min_gap = 0.05
[input]
grid = {grid}
[[split]]
name = "train"
size = 6
classes = [-1, 0, 1]
[[split]]
name = "test"
size = 3
classes = [-1, 0, 1]
noise = 0.1
"""
#: Chains in three splits.
CHAINS = """
name = "small"
seed = 1
[hamiltonian]
family = "aiii_chains"
hopping_range = 1
[label]
invariant = "winding"
min_gap = 0.05
[input]
grid = [6]
[[split]]
name = "train"
size = 12
classes = [-1, 0, 1]
[[split]]
name = "val"
size = 5
classes = [0, 1]
[[split]]
name = "test"
size = 6
classes = [-1, 0]
"""
_KINDS = (
    ("aiii_chains", "n_orbitals = 2", "winding", "[6]"),
    ("two_band", "", "chern", "[4, 4]"),
    ("class_a", "n_bands = 3\nn_occupied = 1", "chern", "[4, 4]"),
)


def _make_recipes(folder):
    for path in sorted((ROOT / "datasets").glob("*/*.toml")):
        if path.name != "training.toml":
            shutil.copy(path, folder / f"{path.parent.name}-{path.name}")


def _read_recipe(path):
    from topophys.datasets import Recipe

    recipe = Recipe.from_toml(path)
    assert Recipe.from_text(recipe.to_toml()) == recipe
    for spec in recipe.split:
        recipe.part(spec.name)


def make_datasets(folder):
    from topophys.datasets import Recipe, generate

    for family, keys, invariant, grid in _KINDS:
        text = _RECIPE.format(family=family, keys=keys, invariant=invariant, grid=grid)
        generate(Recipe.from_text(text), folder / f"{family}.h5", workers=1, progress=False)


def _read_dataset(path):
    from topophys.datasets import open_dataset, verify

    report = verify(path, recompute=0.5)
    assert isinstance(report.ok, bool)
    with open_dataset(path) as dataset:
        assert dataset.card()
        repr(dataset)
        for name in dataset.splits:
            split = dataset.split(name)
            repr(split)
            assert len(split[:]["label"]) == len(split)


def _make_index(folder):
    from topophys.datasets import Recipe, generate, join

    home = folder / "parts"
    home.mkdir()
    text = _RECIPE.format(family="aiii_chains", keys="", invariant="winding", grid="[6]")
    recipe = Recipe.from_text(text)
    parts = [home / "0.h5", home / "1.h5"]
    for number, path in enumerate(parts):
        generate(recipe, path, shards=(number, number + 1), workers=1, progress=False)
    join(parts, home / "all.json", progress=False)


def _change_index(rng, folder):
    from topophys.datasets._index import _seal

    path = folder / "all.json"
    changes.json_file(rng, path)
    if rng.random() < 0.7:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content["manifest"] = _seal(content)
            path.write_text(json.dumps(content), encoding="utf-8")
        except (ValueError, TypeError, AttributeError, RecursionError):
            return  # no JSON object any more


def _read_index(folder):
    _read_dataset(folder / "all.json")


READERS = (
    Reader("recipe", "recipe (TOML)", _make_recipes, changes.text_file, _read_recipe,
           ("topophys.datasets",)),
    Reader("dataset", "data set (HDF5), opened, read, verified", make_datasets, changes.hdf5_file,
           _read_dataset),
    Reader("index", "index of a data set in parts (JSON)", _make_index, _change_index, _read_index),
)  # fmt: skip
