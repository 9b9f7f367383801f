"""Tasks of the tenfold way: tiny data sets, labels by other methods, gauges, cards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import topophys as tp
from topophys.datasets import Recipe, generate, open_dataset, verify
from topophys.datasets.dataset_card import describe
from topophys.datasets.families import family_of
from topophys.errors import InputError, RecipeError
from topophys.tasks import get_task

RECIPES = Path(__file__).parents[2] / "datasets"
NAMES = ("majorana-1d", "z2-2d", "winding-3d", "point-gap-1d")


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def recipe(name):
    return Recipe.from_toml(RECIPES / "tiny" / f"{name}.toml")


@pytest.fixture(scope="module")
def path(name, recipe, tmp_path_factory):
    target = tmp_path_factory.mktemp("tenfold") / f"{name}.h5"
    generate(recipe, target, workers=1, progress=False)
    return target


def test_tiny_files_hold_what_their_recipes_say(name, recipe):
    committed = RECIPES / "tiny" / f"{name}.h5"
    assert verify(committed, progress=False).ok
    with open_dataset(committed) as dataset:
        assert dataset.recipe == recipe
        assert dataset.kind == recipe.kind


def test_a_file_made_again_has_the_same_labels(name, path):
    with open_dataset(path) as made, open_dataset(RECIPES / "tiny" / f"{name}.h5") as committed:
        for split in committed.splits:
            for field in ("label", "seed_key"):
                np.testing.assert_array_equal(
                    made.split(split)[:][field], committed.split(split)[:][field]
                )


@pytest.mark.slow
def test_hard_splits_have_other_entries_and_proven_labels(name, tmp_path):
    """Small splits of the families of a recipe: real hoppings are real, heavy tails are heavy."""
    recipe = Recipe.from_toml(RECIPES / name / "recipe.toml")
    test = next(split for split in recipe.split if split.name == "test")
    family, kept = recipe.hamiltonian.family, []
    for split, end in (("gaussian", ""), ("real_hoppings", "_real"), ("heavy_tails",
                                                                      "_heavy_tails")):  # fmt: skip
        table = recipe.hamiltonian.model_copy(update={"family": family + end})
        kept.append(test.model_copy(update={"name": split, "size": 12, "hamiltonian": table}))
    small = recipe.model_copy(update={"split": tuple(kept)})
    generate(small, tmp_path / "a.h5", workers=1, progress=False)
    assert verify(tmp_path / "a.h5", progress=False).ok
    with open_dataset(tmp_path / "a.h5") as dataset:
        rows = {s: dataset.split(s)[:]["hoppings"] for s in dataset.splits}
        corners = np.abs(dataset.split("heavy_tails").vectors).sum(1) == 3
        text = describe(dataset.split("heavy_tails").spec.hamiltonian, 1)
    assert "Student" in text
    if name == "winding-3d":  # what is added to a Dirac model
        rows = {s: r[:, corners] for s, r in rows.items()}
    spread = {s: np.abs(r).max((1, 2, 3)) / np.median(np.abs(r), (1, 2, 3))
              for s, r in rows.items() if s != "real_hoppings"}  # fmt: skip
    assert np.median(spread["heavy_tails"]) > np.median(spread["gaussian"])
    real = rows["real_hoppings"]
    if name == "majorana-1d":
        assert not real[..., :2, :2].any()
        assert not real[..., 2:, 2:].any()
    elif name in ("z2-2d", "winding-3d"):
        assert not real.imag.any()
    elif name == "point-gap-1d":  # the energy is complex
        assert not np.delete(real, 2, axis=1).imag.any()


def test_another_gauge_has_the_same_label(path):
    with open_dataset(path) as dataset:
        test, gauge = dataset.split("test")[:], dataset.split("gauge")[:]
    np.testing.assert_array_equal(test["label"], gauge["label"])
    assert abs(test["hoppings"] - gauge["hoppings"]).max() > 0.1


def labels_by_other_means(kind, hoppings, vectors, label, bound):
    """Labels from fine samples: Schur vectors, Wannier centres, grids."""
    h = get_task(kind).hamiltonians(vectors, hoppings, hoppings.shape[-1] // 2)
    if kind == "majorana":
        signs = []
        for one in h:
            sign = 1.0
            for k in (0.0, np.pi):
                _, states = np.linalg.eigh(one.bloch([k]))
                up = states[:, one.n_bands // 2 :]
                sign *= np.linalg.det(np.stack([up.real, up.imag], -1).reshape(up.shape[0], -1))
            signs.append(int(sign < 0))
        return signs
    if kind == "z2":
        return tp.z2_invariant(h, method="wilson", prove=False).value
    if kind == "winding_3d":
        return tp.winding_3d(h, chiral="blocks", grid=24).value
    return tp.winding_number(h.on_grid(2048))


def test_labels_agree_with_other_methods(recipe, path):
    with open_dataset(path) as dataset:
        for split in dataset.splits:
            part = dataset.split(split)
            arrays, vectors = part[:], part.vectors
            other = labels_by_other_means(
                recipe.kind, arrays["hoppings"], vectors, arrays["label"], arrays["gap_bound"]
            )
            np.testing.assert_array_equal(np.asarray(other), arrays["label"])


def test_gap_bounds_are_below_the_gap_of_a_grid(recipe, path):
    with open_dataset(path) as dataset:
        part = dataset.split("test")
        arrays, vectors = part[:], part.vectors
    filled = arrays["hoppings"].shape[-1] // 2
    if recipe.kind == "point_gap":
        h = get_task(recipe.kind).hamiltonians(vectors, arrays["hoppings"], filled)
        gap = 2.0 * np.linalg.svd(h.on_grid(256), compute_uv=False)[..., -1].min(-1)
    else:
        h = get_task(recipe.kind).hamiltonians(vectors, arrays["hoppings"], filled)
        filled = h.n_bands // 2
        energy = h.bands(tp.k_grid({1: 256, 2: 24, 3: 10}[h.dim], h.dim))
        gap = (energy[..., filled] - energy[..., filled - 1]).reshape(len(energy), -1).min(-1)
    assert (arrays["gap_bound"] >= recipe.label.min_gap).all()
    assert (arrays["gap_bound"] <= gap + 1e-12).all()


def test_recipes_of_full_size_are_valid_and_described(name):
    recipe = Recipe.from_toml(RECIPES / name / "recipe.toml")
    assert recipe.name == name
    text = describe(recipe.hamiltonian, recipe.hamiltonian.hopping_range)
    assert "{" not in text
    assert "proven for the continuous" in text
    names = {split.name for split in recipe.split}
    assert {"train", "val", "test", "no_gap_filter", "near_critical", "gauge", "noisy"} <= names
    assert family_of(recipe, recipe.split[0]).sizes()["M"] > 1


def test_what_no_certificate_file_holds_is_said(path, recipe):
    known = family_of(recipe, recipe.split[0]).checkable
    assert known == (recipe.kind in {"majorana", "z2", "point_gap"})
    if known:
        assert verify(path, checker=True, progress=False).ok
    else:
        with pytest.raises(InputError, match="no certificate file holds"):
            verify(path, checker=True, progress=False)


def test_a_grid_must_have_three_numbers_in_three_dimensions():
    text = (RECIPES / "tiny" / "winding-3d.toml").read_text(encoding="utf-8")
    with pytest.raises(RecipeError, match="must have 3 numbers for a 3D family"):
        Recipe.from_text(text.replace("[4, 4, 4]", "[4, 4]"))
