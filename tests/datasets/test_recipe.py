from __future__ import annotations

import copy
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.datasets.conftest import RECIPES
from topophys.datasets import Recipe
from topophys.datasets.dataset_card import describe
from topophys.datasets.families import family_of
from topophys.errors import RecipeError
from topophys.tasks import get_task

TEXT = """
name = "small"
seed = 7
[hamiltonian]
family = "aiii_chains"
n_orbitals = 2
hopping_range = 2
[label]
invariant = "winding"
min_gap = 0.1
[input]
flatten_bands = true
grid = [32]
[[split]]
name = "train"
size = 300
classes = [-1, 0, 1]
"""
DATA = tomllib.loads(TEXT)


@pytest.mark.parametrize(
    "file", sorted(p for p in RECIPES.glob("*/*.toml") if p.name != "training.toml"),
    ids=lambda p: p.parent.name + p.stem,
)  # fmt: skip
def test_shipped_recipes_are_valid_and_canonical_text_reads_back(file):
    recipe = Recipe.from_toml(file)
    again = Recipe.from_text(recipe.to_toml())
    assert again == recipe
    assert again.to_toml() == recipe.to_toml()
    assert again.digest == recipe.digest


def test_a_changed_copy_has_a_digest_of_its_own():
    recipe = Recipe.from_text(TEXT)
    assert recipe.digest != recipe.model_copy(update={"seed": 8}).digest


def test_the_digest_sees_meaning_and_not_layout():
    recipe = Recipe.from_text(TEXT)
    relaid = TEXT.replace("[-1, 0, 1]", "[\n  -1,\n  0, 1,\n] # balanced").replace(
        "n_orbitals = 2\n", ""
    )
    assert Recipe.from_text(relaid).digest == recipe.digest
    assert Recipe.from_text(TEXT.replace("seed = 7", "seed = 8")).digest != recipe.digest


def test_a_split_inherits_what_it_leaves_out():
    data = copy.deepcopy(DATA)
    data["split"].append({"name": "fine", "size": 3, "classes": [0], "grid": [64], "min_gap": 0.5})
    recipe = Recipe.from_dict(data)
    train, fine = recipe.part("train"), recipe.part("fine")
    assert (train.grid, train.min_gap, train.hopping_range) == ((32,), 0.1, 2)
    assert (fine.grid, fine.min_gap, fine.hopping_range) == ((64,), 0.5, 2)
    assert train.split_id != fine.split_id
    with pytest.raises(RecipeError, match=r"no split 'fin' \(did you mean `fine`\?\)"):
        recipe.part("fin")


MISTAKES = [
    ("seed = 7", "sed = 7", r"unknown key `sed` \(did you mean `seed`\?\)"),
    ("size = 300", "sizes = 300", r"unknown key `split\[0\].sizes` \(did you mean `size`\?\)"),
    ("seed = 7\n", "", "key `seed` is missing; add it"),
    ("seed = 7", "seed = -7", "`seed` must be greater than or equal to 0, but is -7"),
    ("seed = 7", "seed = 7.0", "`seed` must be a valid integer, but is 7.0"),
    ('"aiii_chains"', '"aiii_chain"', r"'aiii_chain' \(did you mean `aiii_chains`\?\)"),
    ('"winding"', '"chern"', "`label.invariant` must be 'winding' for the family 'aiii_chains'"),
    ("grid = [32]", "grid = [32, 32]", "`input.grid` must have 1 number for a 1D family"),
    ("grid = [32]", "grid = [0]", r"`input.grid\[0\]` must be greater than or equal to 1"),
    ("grid = [32]", "grid = []", "`input.grid` must be a list with at least one entry"),
    ("grid = [32]", "grid = 32", "`input.grid` must be a list, but is 32"),
    ("min_gap = 0.1", "min_gap = nan", "`label.min_gap` must be a finite number"),
    ("[-1, 0, 1]", "[-1, 0, 5]", r"must lie between -4 and 4 .* but is \[-1, 0, 5\]"),
    ("[-1, 0, 1]", "[0, 0]", "must have distinct integers"),
    ("[-1, 0, 1]", "[0.5]", r"`split\[0\].classes\[0\]` must be a valid integer"),
    ("size = 300", "size = 2", r"`split.0..size` must be at least the number of classes, 3"),
    ('"train"', '"../train"', r"`split\[0\].name` must be a word"),
    ("[label]", "[[label]]", "`label` must be a table"),
    ("seed = 7", "seed = = 7", "must be TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES)
def test_a_mistake_is_named_in_one_line(old, new, message):
    assert old in TEXT
    with pytest.raises(RecipeError, match=message) as caught:
        Recipe.from_text(TEXT.replace(old, new, 1), source="my.toml")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("Recipe `my.toml`")


def test_orbitals_mean_nothing_to_two_band_hamiltonians():
    text = (RECIPES / "tiny" / "chern.toml").read_text(encoding="utf-8")
    text = text.replace('family = "two_band"', 'family = "two_band"\nn_orbitals = 2')
    with pytest.raises(RecipeError, match=r"`hamiltonian.n_orbitals` must be left out"):
        Recipe.from_text(text)


def test_names_of_splits_are_used_once():
    data = copy.deepcopy(DATA)
    data["split"] *= 2
    with pytest.raises(RecipeError, match="is also the name of split 0; rename one"):
        Recipe.from_dict(data)


@pytest.mark.parametrize("name", ["nowhere.toml", "."])
def test_a_file_that_cannot_be_read_is_named(name, tmp_path):
    with pytest.raises(RecipeError, match="cannot be read") as caught:
        Recipe.from_toml(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff\xfe\x00", "it is UTF-16 text"), (b"name = '\xe9'", "not UTF-8")]
)
def test_bytes_that_are_not_text(tmp_path, content, words):
    file = Path(tmp_path / "a.toml")
    file.write_bytes(content)
    with pytest.raises(RecipeError, match=words) as caught:
        Recipe.from_toml(file)
    assert "\n" not in str(caught.value)


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just({}),
    st.lists(st.integers(-9, 9), max_size=3), st.dictionaries(st.text(max_size=3), st.integers()),
)  # fmt: skip
KEYS = [("name",), ("seed",), ("hamiltonian",), ("label",), ("input",), ("split",)]
KEYS += [("hamiltonian", k) for k in DATA["hamiltonian"]] + [("label", k) for k in DATA["label"]]
KEYS += [("input", k) for k in DATA["input"]] + [("split", 0, k) for k in DATA["split"][0]]
KEYS += [("split", 0, k) for k in ("grid", "min_gap", "hopping_range")]


@given(key=st.sampled_from(KEYS), junk=JUNK, extra=st.text(max_size=6))
def test_any_value_for_any_key_is_a_recipe_or_one_line(key, junk, extra):
    data = copy.deepcopy(DATA)
    here = data
    for part in key[:-1]:
        here = here[part]
    here[key[-1]] = junk
    here.setdefault(extra, junk)
    message = ""
    try:
        recipe = Recipe.from_dict(data)
    except RecipeError as error:
        message = str(error)
    else:
        assert Recipe.from_text(recipe.to_toml()) == recipe
    assert len(message.splitlines()) <= 1


@pytest.mark.parametrize(
    ("family", "keys", "filled", "told"),
    [
        ("class_a", "n_bands = 5", 2, "of the 2 lowest bands of 5 (half of them, as the recipe"),
        ("class_a", "n_bands = 5\nn_occupied = 1", 1, "Chern number of the lowest band, proven"),
        ("class_aii", "n_bands = 6", 2, "Z2 invariant of the 2 lowest bands, proven"),
        ("class_aii", "n_bands = 8", 4, "Z2 invariant of the 4 lowest bands, proven"),
    ],
)
def test_card_and_recipe_state_the_filling(family, keys, filled, told):
    recipe = Recipe.from_text(
        f"""name = "small"
        seed = 1
        [hamiltonian]
        family = "{family}"
        hopping_range = 1
        {keys}
        [label]
        invariant = "{"chern" if family == "class_a" else "z2"}"
        min_gap = 0.1
        [input]
        grid = [4, 4]
        [[split]]
        name = "train"
        size = 2
        classes = [0, 1]
        """
    )
    spec = recipe.hamiltonian
    assert spec.filled == filled
    assert told in describe(spec, spec.hopping_range)
    assert f"{filled} of {spec.n_bands} bands occupied" in repr(recipe)
    # what draws and certifies samples fills the same bands, and so do those read back
    family_ = family_of(recipe, recipe.split[0])
    drawn = family_.draw(3, np.random.default_rng(0))
    assert family_.asked(drawn).n_occupied == filled
    made = get_task(recipe.kind).hamiltonians(family_.vectors(), drawn, spec.filled)
    assert made.n_occupied == filled


def test_too_few_bands_for_a_pair_are_named():
    with pytest.raises(RecipeError, match="n_bands` must be larger than 2, the number"):
        Recipe.from_dict(
            {
                "name": "small", "seed": 1,
                "hamiltonian": {"family": "class_aii", "hopping_range": 1, "n_bands": 2},
                "label": {"invariant": "z2", "min_gap": 0.1}, "input": {"grid": [4, 4]},
                "split": [{"name": "train", "size": 2, "classes": [0, 1]}],
            }
        )  # fmt: skip


def test_a_recipe_prints_as_one_line():
    recipe = Recipe.from_toml(Path(__file__).parents[2] / "datasets" / "winding-1d" / "recipe.toml")
    assert repr(recipe) == str(recipe)
    assert repr(recipe).startswith("Recipe 'winding-1d' (winding, aiii_chains): {train: ")
