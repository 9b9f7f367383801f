"""What a look at a grid turns away could not have been proven, and nothing else is lost."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from topophys.datasets import Recipe
from topophys.datasets.families import family_of

TABLES = {
    "four bands": ({"family": "class_a", "n_bands": 4, "hopping_range": 1}, "chern", [6, 6], 0.1),
    "four orbitals": ({"family": "aiii_chains", "n_orbitals": 4, "hopping_range": 2},
                      "winding", [8], 0.05),
}  # fmt: skip


def family(name):
    table, invariant, grid, min_gap = TABLES[name]
    recipe = Recipe.from_dict(
        {
            "name": "screen",
            "seed": 1,
            "hamiltonian": table,
            "label": {"invariant": invariant, "min_gap": min_gap},
            "input": {"grid": grid},
            "split": [{"name": "train", "size": 2, "classes": [0]}],
        }
    )
    return family_of(recipe, recipe.part("train")), min_gap


def bloch(hoppings, name, k):
    if name == "four bands":
        vectors = family(name)[0].vectors()
        rows = {tuple(v): hoppings[:, m] for m, v in enumerate(vectors.tolist())}
        return tp.FourierHamiltonian(rows).bloch(k)
    return tp.ChiralHamiltonian.from_array(-2, hoppings).bloch(k)


@pytest.mark.parametrize("name", TABLES)
def test_the_same_are_certified_as_without_the_look(name):
    kind, min_gap = family(name)
    hoppings = kind.draw(50, np.random.default_rng(8))
    proof = kind.certify(hoppings, min_gap)
    plain = kind._prove(min_gap, hoppings)
    assert np.array_equal(proof.value, plain.value)
    assert np.array_equal(proof.status, plain.status)
    assert np.array_equal(proof.gap_lower, plain.gap_lower)
    assert 0 < proof.certified.sum() < 40
    assert (proof.gap_lower <= proof.gap_upper).all()
    kept = proof.certified
    assert (proof.gap_upper[kept] <= plain.gap_upper[kept]).all()
    # and less is left in doubt
    doubt, before = (~p.certified & (p.gap_upper >= min_gap) for p in (proof, plain))
    assert doubt.sum() <= before.sum()
    assert doubt.sum() <= 1


@pytest.mark.parametrize("name", TABLES)
def test_the_gap_that_was_seen_is_there(name):
    kind, min_gap = family(name)
    hoppings = kind.draw(30, np.random.default_rng(9))
    proof = kind.certify(hoppings, min_gap)
    assert (proof.evaluations > 0).all()
    for row, k, seen in zip(hoppings, proof.k_at_gap_upper, proof.gap_upper, strict=True):
        energy = np.linalg.eigvalsh(bloch(row[None], name, k[None])[0, 0])
        middle = len(energy) // 2
        assert energy[middle] - energy[middle - 1] == pytest.approx(seen, abs=1e-9)


@pytest.mark.parametrize("name", TABLES)
def test_without_a_threshold_nothing_is_rejected(name):
    kind, _ = family(name)
    assert kind.certify(kind.draw(5, np.random.default_rng(2)), 0.0).certified.all()


@pytest.mark.parametrize("name", TABLES)
def test_all_or_none_may_be_rejected(name):
    kind, _ = family(name)
    hoppings = kind.draw(4, np.random.default_rng(2))
    proof = kind.certify(hoppings, 5.0)
    assert not proof.certified.any()
    assert (proof.gap_upper < 5.0).all()
    assert kind.certify(hoppings[:0], 0.1).value.shape == (0,)
