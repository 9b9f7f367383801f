"""The committed samples of every data set: their sums, their proofs, and that they come again."""

from __future__ import annotations

import hashlib

import pytest

from tests.datasets.conftest import RECIPES
from tests.datasets.processors import SAMPLES, TINY, broken, differences
from topophys.datasets import Recipe, generate, open_dataset, verify


def test_every_data_set_has_a_sample_a_recipe_and_a_card():
    folders = {path.parent.name for path in RECIPES.glob("*/recipe.toml")}
    assert set(SAMPLES) == folders
    assert len(SAMPLES) >= 5
    for name in folders:
        recipe = Recipe.from_toml(RECIPES / name / "recipe.toml")
        assert recipe.name == name
        assert recipe.digest[:16] in (RECIPES / name / "README.md").read_text(encoding="utf-8")


def test_samples_are_small_and_have_their_sums():
    sums = dict(
        reversed(line.split())
        for line in (TINY / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    )
    assert set(sums) == {f"{name}.h5" for name in SAMPLES}
    total = 0
    for name, expected in sums.items():
        data = (TINY / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == expected
        total += len(data)
    assert f"{total / 1e6:.1f} MB together" in (TINY / "README.md").read_text(encoding="utf-8")
    assert total < 1_000_000


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_proven_and_of_the_family_of_their_data_set(name):
    assert verify(TINY / f"{name}.h5").ok
    with open_dataset(TINY / f"{name}.h5") as dataset:
        assert dataset.recipe == Recipe.from_toml(TINY / f"{name}.toml")
        large = Recipe.from_toml(RECIPES / name / "recipe.toml")
        assert dataset.recipe.hamiltonian.family == large.hamiltonian.family
        assert dataset.recipe.label == large.label


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_come_again(name, tmp_path):
    path = TINY / f"{name}.h5"
    with open_dataset(path) as old:
        generate(old.recipe, tmp_path / "a.h5", workers=1, progress=False)
        if (tmp_path / "a.h5").read_bytes() == path.read_bytes():
            return
        # another processor or version: the last bits may differ, the proofs may not
        assert verify(tmp_path / "a.h5").ok
        with open_dataset(tmp_path / "a.h5") as new:
            assert broken(differences(old, new)) == {}
