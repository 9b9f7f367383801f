"""The quick demo, from nothing to the page, looked at from all sides."""

import json
import sys
from importlib.metadata import version

import numpy as np
import pytest

from topophys.datasets import Recipe, open_dataset, verify
from topophys.errors import OutputError
from topophys.interpret import ProbeReport
from topophys.learn import load_run
from topophys.report import demo, load_summary

FIGURES = {
    "winding_angle",
    "winding_steps",
    "det_loop",
    "training",
    "confusion",
    "accuracy",
    "probes",
    "causal",
    "audit",
    "berry_flux",
}


@pytest.fixture(scope="module")
def folder(demonstrated):
    return demonstrated[0]


@pytest.fixture(scope="module")
def summary(folder):
    return load_summary(folder)


def test_everything_is_there(folder):
    assert {p.name for p in folder.iterdir()} == {
        "README.md",
        "accuracy.json",
        "audit.json",
        "best.json",
        "best.safetensors",
        "causal.json",
        "chern-2d.h5",
        "failures.json",
        "figures",
        "last.json",
        "last.safetensors",
        "log.jsonl",
        "origins.json",
        "probes.json",
        "report.html",
        "run.json",
        "summary.json",
        "training.toml",
        "winding-1d.h5",
    }


def test_figures_and_their_index(folder):
    cards = json.loads((folder / "figures" / "figures.json").read_text(encoding="utf-8"))
    names = {card["name"] for card in cards}
    assert names == FIGURES
    assert all(card["title"] and card["caption"] for card in cards)
    files = {p.name for p in (folder / "figures").iterdir()}
    assert files == {f"{n}.{kind}" for n in names for kind in ("png", "svg", "csv")} | {
        "figures.json"
    }
    for name in names:
        assert (folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG\r\n")
        assert "<svg" in (folder / "figures" / f"{name}.svg").read_text(encoding="utf-8")[:2000]


def test_demo_reports_its_steps_and_the_accuracy_of_each_split(demonstrated):
    folder, said = demonstrated
    assert [f"[{i}/7]" in said for i in range(1, 8)] == [True] * 7
    assert str(folder) in said
    assert "Linear probes" in said
    for split in ("val", "test", "beyond", "finer_grid"):
        assert f"\n{split} " in said


@pytest.mark.parametrize("name", ["winding-1d.h5", "chern-2d.h5"])
def test_data_sets_are_sound(folder, name):
    report = verify(folder / name, recompute=0.05)
    assert report.ok, str(report)


def test_the_network_has_learnt(summary):
    whole = {
        r["split"]: r["correct"] / r["total"]
        for r in summary["accuracy"]
        if r["invariant"] == "all"
    }
    names = set(summary["datasets"][0]["splits"])
    assert set(whole) == names - {"train"} > {"val", "test", "beyond", "finer_grid"}
    assert whole["test"] > 0.95
    assert whole["beyond"] > 0.9


def test_accuracies_are_those_of_the_stored_network(folder, summary):
    run = load_run(folder)
    with open_dataset(folder / "winding-1d.h5") as dataset:
        for row in summary["accuracy"]:
            split = dataset.split(row["split"])
            (label,) = split.read("label")
            named = run.predict(split.hamiltonians(), k_points=row["grid"][0]).value
            pick = np.ones(len(label), bool)
            if row["invariant"] != "all":
                pick = np.abs(label) == int(row["invariant"].removeprefix("|nu| = "))
            assert row["total"] == pick.sum()
            assert row["correct"] == (named == label)[pick].sum()
            assert row["grid"] == list(split.grid)


def test_summary_holds_what_the_run_was(folder, summary):
    assert summary["versions"]["torch"] == version("torch")
    assert set(summary["versions"]) >= {"topophys", "numpy", "numba", "scipy", "h5py", "torch"}
    run = load_run(folder)
    training = summary["training"]
    assert training["settings"] == run.config.model_dump(mode="json")
    assert training["settings"]["seed"] == 1
    assert training["history"] == run.history
    assert training["network"] == run.encoder.settings
    assert training["parameters"] == sum(p.numel() for p in run.encoder.parameters())
    best = max(run.history, key=lambda r: (r["val_accuracy"], -r["val_loss"]))
    assert training["best_epoch"] == best["epoch"]
    assert len(summary["seconds"]) == 7
    assert all(s >= 0 for s in summary["seconds"].values())
    assert "Quick run" in summary["notes"][0]


def test_summary_holds_what_the_data_were(folder, summary):
    assert [d["file"] for d in summary["datasets"]] == ["winding-1d.h5", "chern-2d.h5"]
    for described in summary["datasets"]:
        recipe = Recipe.from_text(described["recipe"])
        assert (recipe.name, recipe.seed) == (described["name"], described["seed"])
        assert recipe.digest == described["digest"]
        assert recipe.name.endswith("-quick")
        with open_dataset(folder / described["file"]) as dataset:
            assert dataset.recipe == recipe
        for spec in recipe.split:
            found = described["splits"][spec.name]
            assert found["size"] == spec.size == sum(found["classes"].values())
            assert found["drawn"] == found["size"] + sum(found["rejected"].values())
            assert sorted(map(int, found["classes"])) == sorted(spec.classes)
        assert any(sum(s["rejected"].values()) for s in described["splits"].values())


def test_probes(folder, summary):
    content = json.loads((folder / "probes.json").read_text(encoding="utf-8"))
    assert content == summary["probes"]
    report = ProbeReport.from_dict(content)
    for layer in ("h1_features", "h2_features"):
        assert report.r2(layer, "trained") > 0.8
        assert report.r2(layer, "shuffled") < 0.01
    assert report.n_hamiltonians == summary["datasets"][0]["splits"]["test"]["size"]


def test_training_and_test_splits_are_disjoint(summary):
    assert summary["training"]["provenance"]["classes_seen"] == [-1, 0, 1]
    splits = summary["datasets"][0]["splits"]
    assert set(splits["beyond"]["classes"]) == {"-3", "-2", "2", "3"}


def test_existing_folders_are_left_alone(tmp_path, monkeypatch):
    module = sys.modules[demo.__module__]
    taken = tmp_path / "runs"

    class StopError(Exception):
        """Stop as soon as the folder is made."""

    def stop(*args, **kwargs):
        raise StopError

    monkeypatch.setattr(module, "generate", stop)
    for expected in ("runs", "runs-2", "runs-3"):
        with pytest.raises(StopError):
            demo(taken, quick=True, progress=False)
        assert {p.name for p in tmp_path.iterdir()} >= {expected}
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["runs", "runs-2", "runs-3"]


def test_quick_recipes_are_the_full_ones_made_small():
    module = sys.modules[demo.__module__]
    for name in ("winding-1d", "chern-2d"):
        full, small = module._recipe(name, False), module._recipe(name, True)
        assert (small.seed, small.hamiltonian, small.label) == (
            full.seed,
            full.hamiltonian,
            full.label,
        )
        assert [s.name for s in small.split] == [s.name for s in full.split]
        assert [s.classes for s in small.split] == [s.classes for s in full.split]
        # the smallest splits stay large enough to be judged by
        assert sum(s.size for s in small.split) < 0.05 * sum(s.size for s in full.split)
        assert small.digest != full.digest
    assert module._recipe("winding-1d", False).part("train").size >= 150_000


def test_unwritable(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be made"):
        demo(tmp_path / "file" / "run", quick=True, progress=False)
