"""Hard ensembles as families of recipes, and the formulas that networks are compared with there."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.datasets.conftest import RECIPES
from topophys.datasets import Recipe
from topophys.datasets.families import (
    HARD_CHAIN_FAMILIES,
    HARD_PLANE_FAMILIES,
    channels,
    family_of,
    two_band_of,
)
from topophys.ensembles import hard_chains, hard_planes
from topophys.errors import RecipeError
from topophys.grids import low_pass
from topophys.tasks import get_task


def recipe(kind, family, reach):
    text = (RECIPES / "tiny" / f"{kind}.toml").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("family"):
            text = text.replace(line, f'family = "{family}"', 1)
        if line.startswith("hopping_range"):
            text = text.replace(line, f"hopping_range = {reach}", 1)
    return Recipe.from_text(text)


@pytest.mark.parametrize("family", HARD_CHAIN_FAMILIES)
def test_chains_of_recipes_are_those_of_the_ensemble(family):
    made = recipe("winding", family, 7)
    drawn = family_of(made, made.part("train"))
    found = drawn.draw(3, np.random.default_rng(5))
    own = hard_chains(HARD_CHAIN_FAMILIES[family], 3, rng=5).block_amplitudes
    reach = own.shape[1] // 2
    np.testing.assert_array_equal(found[:, 7 - reach : 8 + reach], own)
    assert np.count_nonzero(found) == np.count_nonzero(own)


@pytest.mark.parametrize("family", HARD_PLANE_FAMILIES)
def test_planes_of_recipes_are_those_of_the_ensemble(family):
    made = recipe("chern", family, 4)
    drawn = family_of(made, made.part("train"))
    found = two_band_of(drawn.vectors(), drawn.draw(3, np.random.default_rng(5)))
    own = hard_planes(HARD_PLANE_FAMILIES[family], 3, rng=5)
    np.testing.assert_allclose(found.on_grid((5, 6)), own.on_grid((5, 6)), atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "family", "least"),
    [("winding", "long_range_chains", 6), ("winding", "exponential_chains", 5),
     ("winding", "real_chains", 2), ("chern", "long_range_planes", 3)],
)  # fmt: skip
def test_the_range_of_an_ensemble_must_fit(kind, family, least):
    assert recipe(kind, family, least)
    with pytest.raises(RecipeError, match=f"`split.0..hopping_range` must be at least {least}"):
        recipe(kind, family, least - 1)


def test_filters_leave_what_has_the_range_and_take_what_has_not():
    chains = hard_chains("gaussian", 4, rng=1).block_on_grid(9)
    np.testing.assert_allclose(low_pass(chains, 2, (1,)), chains, atol=1e-12)
    k = tp.k_grid((8, 8))
    far = np.cos(3 * k[..., 0]) + np.cos(k[..., 1])
    np.testing.assert_allclose(low_pass(far, 2, (0, 1)), np.cos(k[..., 1]), atol=1e-12)
    assert low_pass(far, 2, (0, 1)).dtype == np.float64


def test_formulas_of_chains_on_the_points_of_a_network():
    chains = hard_chains("real", 200, rng=3)
    truth = tp.certify_winding(chains).value
    samples = chains.block_on_grid(16)
    found = get_task("winding").sampled_formulas(channels(samples).astype(np.float32), 2)
    assert list(found) == ["eigenphases", "FFT", "low-pass"]
    # what was not flattened is interpolated exactly; the filter knows the range
    np.testing.assert_array_equal(found["low-pass"], tp.winding_number(samples))
    shares = {name: (value == truth).mean() for name, value in found.items()}
    assert shares["low-pass"] < shares["FFT"] > 0.97
    rng = np.random.default_rng(1)
    noisy = samples + 0.15 * (rng.standard_normal((*samples.shape, 2)) @ np.array([1, 1j]))
    found = get_task("winding").sampled_formulas(channels(noisy).astype(np.float32), 2)
    plain = tp.winding_number(noisy, on_unresolved="mask")
    assert (found["low-pass"] == truth).mean() > (plain == truth).mean() + 0.02


def test_formulas_of_planes_on_the_points_of_a_network():
    planes = tp.ensembles.two_band(200, rng=3)
    truth = tp.certify_chern(planes).value
    d = planes.d_on_grid((6, 6))
    d /= np.linalg.norm(d, axis=-1, keepdims=True)
    task = get_task("chern")
    found = task.sampled_formulas(d.astype(np.float32), 1)
    assert list(found) == ["FFT", "low-pass"]
    plain = task.sampled_invariants(d.astype(np.float32))
    assert (found["FFT"] == truth).mean() > (plain == truth).mean()


def test_tasks_without_more_formulas_have_none():
    assert get_task("z2").sampled_formulas(np.zeros((1, 4, 4, 32), np.float32), 1) == {}
