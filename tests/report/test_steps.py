"""The steps one by one: accuracy, tables, summary, recipes."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import topophys as tp
from tests.integration.artefacts import read
from topophys.datasets import open_dataset
from topophys.datasets.families import blocks_from_channels
from topophys.errors import CheckpointError, InputError, RecipeError
from topophys.learn import FitConfig, load_run
from topophys.report import (
    SplitAccuracy,
    draw_figures,
    load_summary,
    measure_accuracy,
    recipe_path,
    write_summary,
)
from topophys.report.evaluation import accuracy_table


@pytest.fixture
def run(trained, tmp_path):
    return load_run(shutil.copytree(trained.path, tmp_path / "run"))


# ---- accuracy


def test_blocks_are_those_of_the_hamiltonians(chains_file):
    with open_dataset(chains_file) as dataset:
        split = dataset.split("test")
        blocks = blocks_from_channels(split.read("x")[0][:20])
        expected = tp.flatten_block(split.hamiltonians(slice(0, 20)).block_on_grid(32))
    np.testing.assert_allclose(blocks, expected, atol=1e-6)


def test_accuracy_of_every_split_but_that_of_the_training(run, chains_file):
    with open_dataset(chains_file) as dataset:
        rows = measure_accuracy(run, dataset)
    assert [(r.split, r.invariant) for r in rows] == [
        ("val", "all"),
        ("val", "|nu| = 0"),
        ("val", "|nu| = 1"),
        ("test", "all"),
        ("test", "|nu| = 0"),
        ("test", "|nu| = 1"),
        ("beyond", "all"),
        ("beyond", "|nu| = 2"),
        ("finer_grid", "all"),
        ("finer_grid", "|nu| = 0"),
        ("finer_grid", "|nu| = 1"),
    ]
    stored = json.loads((run.path / "accuracy.json").read_text(encoding="utf-8"))
    assert [SplitAccuracy(**r | {"grid": tuple(r["grid"])}) for r in stored] == rows
    for row in rows:
        x, label = read(chains_file, row.split, "x", "label")
        if row.invariant == "all":
            named = run.predict(blocks_from_channels(x)).value
            assert row.correct == (named == label).sum()
            assert (
                row.formula_correct == (tp.winding_number(blocks_from_channels(x)) == label).sum()
            )
            parts = [r for r in rows if r.split == row.split and r is not row]
            for count in ("total", "correct", "formula_correct"):
                assert sum(getattr(r, count) for r in parts) == getattr(row, count)
            assert list(row.formulas) == ["eigenphases", "FFT", "low-pass"]
            for name, right in row.formulas.items():
                assert sum(r.formulas[name] for r in parts) == right <= row.total
        assert row.accuracy == row.correct / row.total


def test_mistakes_are_counted(run, chains_file):
    # a network that says 0 always is right for one class in three
    blind = replace(run, encoder=type(run.encoder)(**run.encoder.settings))
    blind.encoder.head.readout.weight.data.zero_()
    with open_dataset(chains_file) as dataset:
        rows = {r.invariant: r for r in measure_accuracy(blind, dataset, splits=["test"])}
    assert rows["all"].correct == rows["|nu| = 0"].total == 300
    assert rows["|nu| = 1"].correct == 0


def test_chosen_splits(run, chains_file):
    with open_dataset(chains_file) as dataset:
        rows = measure_accuracy(run, dataset, splits=iter(["beyond", "train"]))
        assert {r.split for r in rows} == {"beyond"}
        with pytest.raises(InputError, match="no split 'lessons'"):
            measure_accuracy(run, dataset, splits=["lessons"])


def test_accuracy_on_data_of_another_kind(run, chern_file):
    with open_dataset(chern_file) as dataset, pytest.raises(InputError, match="'chern'"):
        measure_accuracy(run, dataset)


def test_table_is_aligned():
    rows = [
        SplitAccuracy("test", "all", (32,), 15000, 14999, 15000),
        SplitAccuracy("finer_grid", "|nu| = 1", (64,), 9, 3, 0),
    ]
    lines = accuracy_table(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].split() == ["test", "all", "32", "15000", "0.99993", "1.00000"]
    assert lines[2].split()[-4:] == ["64", "9", "0.33333", "0.00000"]
    lines = accuracy_table([replace(rows[0], formulas={"FFT": 7500}), rows[1]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split()[-2:] == ["formula", "FFT"]
    assert [line.split()[-1] for line in lines[1:]] == ["0.50000", "nan"]


# ---- summary


def test_summary_keeps_measurements_that_are_not_given_again(run, chains_file, chern_file):
    with open_dataset(chains_file) as dataset, open_dataset(chern_file) as chern_data:
        write_summary(run, dataset, others=[chern_data], seconds={"train": 2.5}, notes=["small"])
        first = load_summary(run.path)
        write_summary(run, dataset)
        assert load_summary(run.path) == first
        assert first["seconds"] == {"train": 2.5}
        assert first["notes"] == ["small"]
        assert [d["name"] for d in first["datasets"]] == ["chains", "tiny-chern"]
        write_summary(run, dataset, others=[], seconds={}, notes=[])
    second = load_summary(run.path)
    assert (second["seconds"], second["notes"], len(second["datasets"])) == ({}, [], 1)


def test_summary_before_anything_was_measured(run, chains_file):
    with open_dataset(chains_file) as dataset:
        write_summary(run, dataset)
    found = load_summary(run.path)
    assert (found["accuracy"], found["probes"], found["seconds"]) == (None, None, {})


def test_damaged_parts_are_named(run, chains_file):
    (run.path / "probes.json").write_text("{", encoding="utf-8")
    with (
        open_dataset(chains_file) as dataset,
        pytest.raises(CheckpointError, match=r"probes\.json"),
    ):
        write_summary(run, dataset)
    assert not (run.path / "summary.json").exists()


# ---- figures of a run that was neither measured nor probed


@pytest.mark.slow
def test_figures_without_measurements(run, chains_file):
    with open_dataset(chains_file) as dataset:
        paths = draw_figures(run, dataset)
    names = {p.stem for p in paths}
    assert names >= {"winding_angle", "winding_steps", "det_loop", "training", "confusion"}
    assert not names & {"accuracy", "probes", "berry_flux"}
    assert all(p.stat().st_size > 1000 for p in paths if p.suffix != ".csv")


# ---- recipes


def test_recipes_that_come_with_the_package():
    assert recipe_path("winding-1d").is_file()
    assert recipe_path("chern-2d").parent.name == "chern-2d"
    FitConfig.from_toml(recipe_path("winding-1d", "training.toml"))


@pytest.mark.parametrize("name", ["winding-2d", "", "..", "tiny"])
def test_unknown_recipes(name):
    with pytest.raises(RecipeError, match=r"\(chern-2d, .*winding-1d\b") as caught:
        recipe_path(name)
    assert "\n" not in str(caught.value)


def test_unknown_file_of_a_recipe():
    with pytest.raises(RecipeError, match=r"\(chern-2d, winding-1d\)"):
        recipe_path("winding-1d-n4", "training.toml")
