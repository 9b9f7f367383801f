"""One recipe of fourteen shards, made whole once, and a run of it that was cut short."""

from __future__ import annotations

import sys

import pytest

from tests.datasets.resume.helpers import names
from topophys.datasets import Recipe, generate, schema, shards, writer

#: The module; in the package, the function of the same name stands before it.
MODULE = sys.modules["topophys.datasets.generation"]


@pytest.fixture(scope="session")
def recipe():
    """Fourteen shards, the last of each split short."""
    sizes = {"train": 11 * schema.SHARD_SIZE + 100, "test": schema.SHARD_SIZE + 7}
    return Recipe.from_dict(
        {
            "name": "resume",
            "seed": 11,
            "hamiltonian": {"family": "aiii_chains", "n_orbitals": 1, "hopping_range": 1},
            "label": {"invariant": "winding", "min_gap": 0.05},
            "input": {"grid": [8]},
            "split": [{"name": n, "size": s, "classes": [0, 1]} for n, s in sizes.items()],
        }
    )


@pytest.fixture(scope="session")
def whole(recipe, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.h5"
    generate(recipe, path, workers=2, progress=False)
    return path


class Stop(BaseException):
    """Stands for the end of a process; nothing in the package catches it."""


@pytest.fixture
def unfinished(recipe, tmp_path, monkeypatch):
    """A run that ended after five shards, and left them."""
    monkeypatch.setattr(writer, "KEEP_AFTER", -1.0)
    real, calls = shards.draw_shard, []

    def draw(recipe, split, shard):
        calls.append(shard)
        if len(calls) > 5:
            raise Stop
        return real(recipe, split, shard)

    with monkeypatch.context() as patch:
        patch.setattr(MODULE, "draw_shard", draw)
        with pytest.raises(Stop):
            generate(recipe, tmp_path / "a.h5", workers=1, progress=False)
    assert names(tmp_path) == ["a.h5.journal", "a.h5.partial"]
    return tmp_path / "a.h5"


@pytest.fixture
def drawn(monkeypatch):
    """Which shards are drawn from now on."""
    real, calls = shards.draw_shard, []

    def draw(recipe, split, shard):
        calls.append((split, shard))
        return real(recipe, split, shard)

    monkeypatch.setattr(MODULE, "draw_shard", draw)
    return calls
