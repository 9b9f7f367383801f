"""Results of studies: they are found by their settings, also while others write."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.harness import Study


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path / "new" / "study.jsonl")


def test_result_is_found_by_its_settings(study):
    assert study.get({"seed": 0}) is None
    study.put({"seed": 0, "grid": (8, 8)}, {"value": 0.1, "n": 3})
    assert study.get({"grid": [8, 8], "seed": 0}) == {"value": 0.1, "n": 3}
    assert study.get({"grid": [8, 9], "seed": 0}) is None
    assert study.get({"seed": 0}) is None


def test_later_lines_win(study):
    for value in (1, 2):
        study.put({"seed": 0}, {"value": value})
    assert study.entries() == [({"seed": 0}, {"value": 2})]
    assert len(study.path.read_text(encoding="utf-8").splitlines()) == 2


def test_result_keeps_the_order_of_its_names(study):
    study.put({"seed": 0}, {"b": 1, "a": 2})
    assert list(study.get({"seed": 0})) == ["b", "a"]


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_line_that_was_cut_off_costs_that_line_alone(study, cut):
    for seed in range(3):
        study.put({"seed": seed}, {"value": seed})
        if seed == 1:
            whole = study.path.read_bytes()
            study.path.write_bytes(whole[:-cut])
    found = [given["seed"] for given, _ in study.entries()]
    # a line that lacks its end alone is whole
    assert found == ([0, 1, 2] if cut == 1 else [0, 2])


def test_several_writers_lose_nothing(study):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: study.put({"seed": seed}, {"text": "x" * 5000}), range(40)))
    assert sorted(given["seed"] for given, _ in study.entries()) == list(range(40))


def test_results_lie_in_one_file_for_each_study():
    files = sorted((Path(__file__).parents[1] / "results").iterdir())
    assert len(files) >= 10
    for path in files:
        assert path.suffix == ".jsonl", path.name
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        # a result is found by what it was asked for, not by a digest of the code
        assert all("settings" in line for line in lines), path.name
