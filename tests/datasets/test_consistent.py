"""Recipes whose keys do not go together."""

from __future__ import annotations

import pytest

from tests.datasets.kinds import make
from topophys.datasets import Recipe
from topophys.errors import RecipeError

MISTAKES = [
    ({"max_gap": 0.05}, "max_gap` must be larger than `min_gap`, 0.1, but is 0.05"),
    ({"noise": -1.0}, "noise` must be greater than 0"),
    ({"gauge_of": "nothing"}, "must be the name of another split"),
    ({"gauge_of": "extra"}, "must be the name of another split"),
    ({"gauge_of": "train", "size": 21}, "must have the size and classes of split 'train'"),
    ({"gauge_of": "train", "min_gap": 0.2}, "min_gap` must be left out with `gauge_of`"),
    ({"hamiltonian": {"family": "qwz", "hopping_range": 1}}, "must be of the same kind as"),
    ({"hamiltonian": {"family": "ssh_copies", "hopping_range": 2, "n_orbitals": 3}},
     "as many orbitals or bands as the recipe"),
    ({"hamiltonian": {"family": "disordered_ssh", "hopping_range": 2}}, "disorder` is missing"),
    ({"hamiltonian": {"family": "aiii_chains", "hopping_range": 2, "disorder": 1.0}},
     "disorder` must be left out for the family 'aiii_chains'"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_impossible_splits_are_refused_in_one_line(change, message):
    data = make("winding").model_dump(exclude_none=True)
    data["split"] = (
        *data["split"][:2],
        {"name": "extra", "size": 20, "classes": (0, 1), **change},
    )
    with pytest.raises(RecipeError, match=message) as caught:
        Recipe.from_dict(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_bands": 3, "n_occupied": 3}, "n_occupied` must be smaller than `n_bands`, 3"),
        ({"n_occupied": 1}, "n_bands` is missing for the family 'class_a'"),
        ({"n_bands": 3, "n_orbitals": 2}, "n_orbitals` must be left out for the family 'class_a'"),
    ],
    ids=range(3),
)
def test_impossible_bands_are_refused_in_one_line(change, message):
    data = make("bands").model_dump(exclude_none=True)
    data["hamiltonian"] = {"family": "class_a", "hopping_range": 1, **change}
    with pytest.raises(RecipeError, match=message):
        Recipe.from_dict(data)
