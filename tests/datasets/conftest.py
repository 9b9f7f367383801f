"""Two tiny data files, made once, and the recipes behind them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from topophys.datasets import Recipe, generate, open_dataset

RECIPES = Path(__file__).parents[2] / "datasets"


@pytest.fixture(scope="session", params=["winding", "chern"])
def kind(request):
    return request.param


@pytest.fixture(scope="session")
def recipes():
    return {k: Recipe.from_toml(RECIPES / "tiny" / f"{k}.toml") for k in ("winding", "chern")}


@pytest.fixture(scope="session")
def files(recipes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name, recipe in recipes.items():
        generate(recipe, folder / f"{name}.h5", workers=1, progress=False)
    return folder


@pytest.fixture(scope="session")
def recipe(recipes, kind):
    return recipes[kind]


@pytest.fixture(scope="session")
def path(files, kind):
    return files / f"{kind}.h5"


@pytest.fixture
def dataset(path):
    with open_dataset(path) as opened:
        yield opened


@pytest.fixture
def copy(path, tmp_path):
    """A copy of the file that a test may damage."""
    return Path(shutil.copy(path, tmp_path / "copy.h5"))
