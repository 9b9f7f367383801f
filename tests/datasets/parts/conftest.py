"""A data set as one file and as three parts with their index."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from topophys.datasets import Recipe, generate, join, schema

STRETCHES = [(0, 2), (2, 3), (3, 6)]


@pytest.fixture(scope="session")
def recipe():
    sizes = {"train": 3 * schema.SHARD_SIZE + 50, "test": 70, "beyond": 30}
    return Recipe.from_dict(
        {
            "name": "parts",
            "seed": 21,
            "hamiltonian": {"family": "aiii_chains", "n_orbitals": 1, "hopping_range": 2},
            "label": {"invariant": "winding", "min_gap": 0.05},
            "input": {"grid": [8]},
            "split": [{"name": n, "size": s, "classes": [0, 1]} for n, s in sizes.items()],
        }
    )


@pytest.fixture(scope="session")
def home(recipe, tmp_path_factory):
    """The whole file, and a folder with its parts and their index."""
    folder = tmp_path_factory.mktemp("home")
    generate(recipe, folder / "whole.h5", workers=2, progress=False)
    (folder / "parts").mkdir()
    files = [folder / "parts" / f"{a}.h5" for a, _ in STRETCHES]
    for stretch, file in reversed(list(zip(STRETCHES, files, strict=True))):
        generate(recipe, file, shards=stretch, workers=1, progress=False)
    join(files[::-1], folder / "parts" / "all.json", progress=False)
    return folder


@pytest.fixture
def parts(home, tmp_path):
    """A copy of the parts that a test may damage."""
    return Path(shutil.copytree(home / "parts", tmp_path / "parts"))


def files(folder):
    return sorted(folder.glob("*.h5"))
