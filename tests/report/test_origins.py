"""No report shows results of other data or weights than those it is about."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from tests.markers import others_slow
from topophys.datasets import Recipe, generate, open_dataset
from topophys.errors import CheckpointError
from topophys.learn import load_run
from topophys.report import artifacts, measure_accuracy, measure_missing, write_page, write_summary
from topophys.report.artifacts import current_measurement, is_current, load_summary, save_result
from topophys.report.page import _data_uri


@pytest.fixture
def run(touched, tmp_path):
    return load_run(shutil.copytree(touched, tmp_path / "run"))


@pytest.fixture(scope="module")
def other_file(tiny_file, tmp_path_factory):
    """Another data set of the same kind and sizes."""
    with open_dataset(tiny_file) as dataset:
        recipe = Recipe.from_text(dataset.recipe.model_copy(update={"seed": 77}).to_toml())
    path = tmp_path_factory.mktemp("other") / "other.h5"
    generate(recipe, path, progress=False)
    return path


def test_results_of_other_data_are_measured_again(run, tiny_file, other_file):
    with open_dataset(tiny_file) as a, open_dataset(other_file) as b:
        measure_accuracy(run, a)
        assert is_current(run, a, "accuracy.json")
        assert not is_current(run, b, "accuracy.json")
        write_summary(run, b)
        assert load_summary(run.path)["accuracy"] is None
        measure_accuracy(run, b)
        write_summary(run, b)
        found = load_summary(run.path)
        assert found["accuracy"] == current_measurement(run, b, "accuracy")
        assert found["datasets"][0]["manifest"] == b.attributes["manifest"]
        assert found["made_from"]["data"] == b.attributes["manifest"]
        assert current_measurement(run, a, "accuracy") is None


@pytest.mark.parametrize("late", [False, True])
def test_results_of_two_processes_at_once_are_not_mixed(
    run, tiny_file, other_file, monkeypatch, late
):
    """Another process puts results of other data in the place of those just written, or read."""
    path = run.path / "accuracy.json"
    with open_dataset(tiny_file) as a, open_dataset(other_file) as b:
        measure_accuracy(run, a)
        rows = json.loads(path.read_text(encoding="utf-8"))
        others = [row | {"correct": row["total"] - row["correct"]} for row in rows]
        save_result(run, b, "accuracy.json", others)
        theirs = path.read_bytes()
        write, read = artifacts.write_json, artifacts.read_measurements

        def written(target, content):
            write(target, content)
            if target == path:
                path.write_bytes(theirs)
            return target

        def returned(folder, name):
            content = read(folder, name)
            save_result(run, b, "accuracy.json", others)
            return content

        if late:
            save_result(run, a, "accuracy.json", rows)
            monkeypatch.setattr(artifacts, "read_measurements", returned)
            assert current_measurement(run, b, "accuracy") is None
            monkeypatch.undo()
            assert current_measurement(run, b, "accuracy") == others
        else:
            monkeypatch.setattr(artifacts, "write_json", written)
            save_result(run, a, "accuracy.json", rows)
            assert not is_current(run, a, "accuracy.json")
            assert current_measurement(run, a, "accuracy") is None


def test_altered_results_and_those_without_origin_are_measured_again(run, tiny_file):
    with open_dataset(tiny_file) as dataset:
        measure_accuracy(run, dataset)
        path = run.path / "accuracy.json"
        rows = json.loads(path.read_text(encoding="utf-8"))
        rows[0]["correct"] = 0
        path.write_text(json.dumps(rows), encoding="utf-8")
        assert not is_current(run, dataset, "accuracy.json")
        assert "accuracy" in measure_missing(run, dataset, progress=False)
        assert is_current(run, dataset, "accuracy.json")
        assert "accuracy" not in measure_missing(run, dataset, progress=False)
        for content in ("{", "[]", json.dumps({"accuracy.json": {}})):
            (run.path / "origins.json").write_text(content, encoding="utf-8")
            assert not is_current(run, dataset, "accuracy.json")


def test_figures_of_other_data_are_in_no_page(run, tiny_file, other_file):
    with open_dataset(tiny_file) as a, open_dataset(other_file) as b:
        (run.path / "figures").mkdir()
        save_result(run, a, "figures/figures.json", [])
        write_summary(run, a)
        write_page(run.path)
        write_summary(run, b)
    with pytest.raises(CheckpointError, match=r"Figures of .* are of other data or weights"):
        write_page(run.path)


def exchange(folder, way):
    """Put something else in the place of a picture, or change the list of them."""
    first, second = (folder / f"{name}.png" for name in ("training", "accuracy"))
    if way == "swapped":
        first.rename(folder / "x")
        second.rename(first)
        (folder / "x").rename(second)
    elif way == "flipped":
        content = bytearray(first.read_bytes())
        content[len(content) // 2] ^= 1
        first.write_bytes(content)
    elif way == "missing":
        first.unlink()
    elif way == "caption":
        path = folder / "figures.json"
        path.write_text(path.read_text(encoding="utf-8").replace("Loss", "Gain"), encoding="utf-8")
    else:  # of the record only
        path = folder / "figures.json"
        cards = json.loads(path.read_text(encoding="utf-8"))
        cards[0]["sha256"] = cards[1]["sha256"]
        path.write_text(json.dumps(cards), encoding="utf-8")


WAYS = ["swapped", "flipped", "missing", "caption", "record"]


@pytest.mark.parametrize("way", others_slow(WAYS, quick=["swapped"]))
def test_replaced_figures_are_left_out_and_drawn_again(run, tiny_file, monkeypatch, way):
    from topophys import plots
    from topophys.report import draw_figures, figures
    from topophys.report.artifacts import figures_are_current

    def two(run, dataset):
        for name in ("training", "accuracy"):
            card = figures.FigureRecord(name, name, "Loss by epoch.")
            history = run.history if name == "training" else run.history[:1]
            yield figures.RunFigure(card, plots.plot_training(history), {"a": np.zeros(1)})

    monkeypatch.setattr(figures, "common_figures", two)
    monkeypatch.setattr(figures, "get_task", lambda _: SimpleNamespace(figures=lambda *_: ()))
    with open_dataset(tiny_file) as dataset:
        write_summary(run, dataset)
        for _ in range(2):
            draw_figures(run, dataset)
            assert figures_are_current(run, dataset)
            write_page(run.path)
            exchange(run.path / "figures", way)
            assert not figures_are_current(run, dataset)
            with pytest.raises(CheckpointError, match="repeat `topophys plot`"):
                write_page(run.path)


def test_pictures_are_pictures_and_no_links(tmp_path):
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (tmp_path / "link.png").symlink_to("secret")
    shutil.copy(tmp_path / "secret", tmp_path / "text.png")
    for name, message in (("link.png", "is a symbolic link"), ("text.png", "no PNG")):
        with pytest.raises(OSError, match=message):
            _data_uri(tmp_path / name)
