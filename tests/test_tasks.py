"""Tasks as objects: a task of one's own is one file and a call of `register_task`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import topophys as tp
from topophys import tasks
from topophys.datasets import Recipe, generate, label, open_dataset, verify
from topophys.datasets import tasks as registry
from topophys.errors import InputError, KindError, RecipeError
from topophys.report.evaluation import sampled_invariants
from topophys.tasks.winding import Chains, WindingTask

RECIPE = """
name = "dimers"
seed = 3

[hamiltonian]
family = "dimers"
n_orbitals = 1
hopping_range = 1

[label]
invariant = "winding"
min_gap = 0.05

[input]
grid = [16]

[[split]]
name = "train"
size = 24
classes = [0, 1]
"""


class Dimers(Chains):
    """SSH chains with hoppings from the unit square."""

    def draw(self, n, rng):
        v, w = rng.uniform(0.0, 1.0, (2, n))
        scale = np.sqrt(v**2 + w**2)
        hoppings = np.zeros((n, 3, 1, 1), np.complex128)
        hoppings[:, 1, 0, 0], hoppings[:, 2, 0, 0] = v / scale, w / scale
        return hoppings


class DimerTask(WindingTask):
    """Winding numbers of dimerised chains."""

    name = "dimers"
    title = "winding number of dimerised chains"
    families: ClassVar = {"dimers": ("n_orbitals",)}

    def family(self, recipe, spec):
        return Dimers(recipe, spec)


@pytest.fixture
def dimers(monkeypatch):
    monkeypatch.setattr(registry, "_TASKS", dict(registry._TASKS))
    return tasks.register_task(DimerTask())


def test_a_registered_task_is_generated_verified_and_read(dimers, tmp_path):
    recipe = Recipe.from_text(RECIPE)
    generate(recipe, tmp_path / "dimers.h5", progress=False)
    assert verify(tmp_path / "dimers.h5", recompute=1.0, progress=False).ok
    with open_dataset(tmp_path / "dimers.h5") as dataset:
        assert dataset.kind == "dimers"
        split = dataset.split("train")
        chains = split.hamiltonians(slice(None))
        assert (tp.certify_winding(chains).value == split.read("label")[0]).all()
        v, w = np.abs(chains.on_grid(2)[:, :, 0, 1]).T  # v + w and |v - w|
        assert v.shape == w.shape == (24,)


def test_a_registered_task_is_trained_and_probed(dimers, tmp_path):
    from topophys.interpret.probed_network import LAYERS
    from topophys.learn import FitConfig, fit

    generate(Recipe.from_text(RECIPE), tmp_path / "dimers.h5", progress=False)
    with open_dataset(tmp_path / "dimers.h5") as dataset:
        config = FitConfig.model_validate(
            {"encoder": {"hidden_dims": [4, 4, 4]}, "epochs": 1, "batch_size": 8,
             "val_split": "train"}
        )  # fmt: skip
        run = fit(config, dataset, tmp_path / "run", progress=False)
    assert run.kind == "dimers"
    chain = tp.models.ssh(1.0, [0.5, 2.0])
    assert run.predict(chain, certify=True).value.tolist() == [0, 1]
    assert [layer.target for layer in LAYERS["dimers"]] == ["cos_sin_alpha", "dalpha"]


def test_chains_of_users_go_to_the_task_with_a_family_for_them(dimers, tmp_path):
    block = np.array([[[[1.0]], [[0.4]]], [[[1.0]], [[2.0]]]])
    np.savez(tmp_path / "x.npz", vectors=[[0], [1]], block=block)
    label(tmp_path / "x.npz", tmp_path / "x.h5", progress=False)
    with open_dataset(tmp_path / "x.h5") as dataset:
        assert dataset.kind == "winding"


def test_names_of_tasks_and_families_are_unique(dimers):
    class Other(WindingTask):
        name = "winding"

    class Copy(WindingTask):
        name = "copy"

    with pytest.raises(InputError, match="name of its own, but 'winding'"):
        tasks.register_task(Other())
    with pytest.raises(InputError, match="'aiii_chains' belongs to the task 'winding'"):
        tasks.register_task(Copy())


def test_unknown_tasks_and_families_are_refused():
    with pytest.raises(KindError, match=r"\(winding, chern, bands, .*\), but is 'dimers'"):
        tasks.get_task("dimers")
    with pytest.raises(RecipeError, match=r"'given_bands', .*, but is 'dimers'"):
        Recipe.from_text(RECIPE)


def test_only_tasks_with_a_formula_are_compared_with_one():
    x = tp.models.ssh(1.0, [0.5, 2.0]).block_on_grid(16).astype(np.complex64).view(np.float32)
    x = x.reshape(2, 16, 2)
    assert sampled_invariants("winding", x).tolist() == [0, 1]
    for name in registry.task_names():
        if name not in {"winding", "chern"}:
            with pytest.raises(InputError, match="defines `sampled_invariants`"):
                sampled_invariants(name, x)


def test_only_tasks_compare_names_of_tasks():
    """Reports and interpretation ask the task; no code there compares its name."""
    names = set(registry.task_names())
    root = Path(tp.__file__).parent
    found = []
    for folder in ("report", "interpret"):
        for path in sorted((root / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Compare):
                    words = {c.value for c in ast.walk(node) if isinstance(c, ast.Constant)}
                    if words & names:
                        found.append(f"{path.relative_to(root)}:{node.lineno}")
    assert found == []
