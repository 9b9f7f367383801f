"""No report shows results of other data or weights than those it is about."""

from __future__ import annotations

import json
import shutil

import pytest

from topophys.datasets import Recipe, generate, open_dataset
from topophys.errors import CheckpointError
from topophys.learn import load_run
from topophys.report import measure_accuracy, measure_missing, write_page, write_summary
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


def test_results_of_other_data_are_measured_anew(run, tiny_file, other_file):
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


def test_altered_results_and_those_without_origin_are_measured_anew(run, tiny_file):
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


def test_pictures_are_pictures_and_no_links(tmp_path):
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (tmp_path / "link.png").symlink_to("secret")
    shutil.copy(tmp_path / "secret", tmp_path / "text.png")
    for name, message in (("link.png", "is a symbolic link"), ("text.png", "no PNG")):
        with pytest.raises(OSError, match=message):
            _data_uri(tmp_path / name)
