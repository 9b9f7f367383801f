"""Data sets and trainings that many tests look at; each is made once in a test run.

Tests that change a folder work on a copy of it.
"""

from __future__ import annotations

import fcntl
import os
import pickle
from functools import wraps

from topophys.datasets import Recipe, generate, open_dataset
from topophys.learn import FitConfig, fit, load_run
from topophys.report import demo, recipe_path

RECIPE = {
    "name": "chains",
    "seed": 11,
    "hamiltonian": {"family": "aiii_chains", "n_orbitals": 2, "hopping_range": 2},
    "label": {"invariant": "winding", "min_gap": 0.1},
    "input": {"grid": [32]},
    "split": [
        {"name": "train", "size": 3000, "classes": [-1, 0, 1]},
        {"name": "val", "size": 300, "classes": [-1, 0, 1]},
        {"name": "test", "size": 900, "classes": [-1, 0, 1]},
        {"name": "beyond", "size": 400, "classes": [-2, 2]},
        {"name": "finer_grid", "size": 300, "classes": [-1, 0, 1], "grid": [48]},
    ],
}
#: A training that takes a few seconds.
LEARNS = FitConfig.from_mapping(
    {
        "seed": 3,
        "epochs": 12,
        "batch_size": 64,
        "learning_rate": 1e-2,
        "encoder": {"hidden_dims": (24, 16, 32), "output_features": 16},
    }
)
#: A training that takes no time and learns nothing.
TOUCHES = FitConfig.from_mapping(
    {"seed": 3, "epochs": 3, "batch_size": 50, "encoder": {"hidden_dims": (6, 5, 8)}}
)


def once(make):
    """Call `make` at the first request of a test run; its other processes wait for the result.

    What it returns must be text, paths, or tuples of them.
    """
    made = []

    @wraps(make)
    def get(factory):
        if not made:
            made.append(_shared(factory, make))
        return made[0]

    return get


def _shared(factory, make):
    """What `make` returns, from the process that came first."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return make(factory)
    kept = factory.getbasetemp().parent / f"{make.__name__}.pickle"  # of all processes
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            part = kept.with_suffix(".part")  # what was killed in between is made again
            part.write_bytes(pickle.dumps(make(factory)))
            part.replace(kept)
        return pickle.loads(kept.read_bytes())


def _made(factory, recipe):
    path = factory.mktemp("data") / f"{recipe.name}.h5"
    generate(recipe, path, progress=False)
    return path


def tiny(kind):
    """Path of the tiny recipe of one kind, "winding" or "chern"."""
    return recipe_path("winding-1d").parents[1] / "tiny" / f"{kind}.toml"


@once
def chains_file(factory):
    """3,000 chains to learn from, and four splits to be tried on."""
    return _made(factory, Recipe.from_dict(RECIPE))


@once
def raw_file(factory):
    """Chains whose blocks are not flattened."""
    splits = [s for s in RECIPE["split"] if s["name"] in {"train", "val", "test"}]
    splits = [s | {"size": 60} for s in splits]
    raw = {"name": "raw", "input": {"grid": [32], "flatten_bands": False}, "split": splits}
    return _made(factory, Recipe.from_dict(RECIPE | raw))


@once
def tiny_file(factory):
    """490 chains."""
    return _made(factory, Recipe.from_toml(tiny("winding")))


@once
def chern_file(factory):
    """220 two-band Hamiltonians."""
    return _made(factory, Recipe.from_toml(tiny("chern")))


@once
def bands_file(factory):
    """80 Hamiltonians with four bands in two dimensions."""
    bands = {"family": "class_a", "hopping_range": 1, "n_bands": 4, "n_occupied": 2}
    splits = [{"name": "train", "size": 60}, {"name": "val", "size": 20}]
    changes = {
        "name": "bands",
        "hamiltonian": bands,
        "label": {"invariant": "chern", "min_gap": 0.1},
        "input": {"grid": [8, 8]},
        "split": [{"classes": [-1, 0, 1], **split} for split in splits],
    }
    return _made(factory, Recipe.from_dict(RECIPE | changes))


@once
def _trained_folder(factory):
    with open_dataset(chains_file(factory)) as dataset:
        return fit(LEARNS, dataset, factory.mktemp("run") / "learnt", progress=False).path


def trained(factory):
    """Run of a network that has learnt."""
    return load_run(_trained_folder(factory))


@once
def touched(factory):
    """Folder of a training that is over at once; copy it before you change it."""
    with open_dataset(tiny_file(factory)) as dataset:
        return fit(TOUCHES, dataset, factory.mktemp("run") / "touched", progress=False).path


@once
def demonstrated(factory):
    """Folder of a quick demo, and what it said."""
    said = []
    folder = demo(factory.mktemp("demo") / "quick", quick=True, progress=False, say=said.append)
    return folder, "\n".join(said)


def read(path, split, *names):
    """Fields of a split of a data file."""
    with open_dataset(path) as dataset:
        return dataset.split(split).read(*names)
