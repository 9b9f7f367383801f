"""The harness of the figures: what is there is not run again, and tables hold what was measured."""

import json

import pytest

from benchmarks import learning, learning_table


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def counting(version=1):
    """A task that counts how often it is run."""

    def task(seed, quick):
        task.calls.append((seed, quick))
        return [{"row": "a", "value": 0.5 + seed / 10, "formula": 0.25, "n": 100, "bar": 0.6}]

    task.calls = []
    task.settings = lambda quick: {"version": version, "quick": quick}
    return task


def test_finished_tasks_are_not_run_again(results):
    task = counting()
    first = learning.settle("job", task, 0, quick=True)
    assert learning.settle("job", task, 0, quick=True) == first
    learning.settle("job", task, 1, quick=True)
    learning.settle("job", task, 0, quick=False)
    assert task.calls == [(0, True), (1, True), (0, False)]
    found = json.loads((results / "job-quick-0.json").read_text(encoding="utf-8"))
    assert found["rows"] == first
    assert not list(results.glob("*.partial"))


def test_other_settings_ask_for_new_runs(results):
    learning.settle("job", counting(), 0, quick=True)
    changed = counting(version=2)
    learning.settle("job", changed, 0, quick=True)
    assert changed.calls == [(0, True)]


def test_interrupted_tasks_leave_nothing(results):
    def task(seed, quick):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learning.settle("job", task, 0, quick=True)
    assert not results.exists() or not list(results.iterdir())


def test_tasks_have_names_of_their_own():
    tasks, once = learning.all_tasks()
    assert {"chains", "noise", "ablations", "baselines", "speed", "planes"} <= set(tasks)
    assert once <= set(tasks)


def test_interval_is_that_of_student():
    mean, half = learning_table.interval([1.0, 2.0, 3.0, 4.0, 5.0])
    # t(0.975, 4) = 2.776445, standard error sqrt(2.5 / 5)
    assert (mean, half) == pytest.approx((3.0, 2.776445 * 0.5**0.5), rel=1e-6)


def result(*rows):
    return {"rows": list(rows), "made": "2026-01-01T00:00", "cpu_seconds": 1.0, "machine": "here"}


def test_table_of_several_seeds():
    rows = [
        {"row": "a", "value": v, "formula": 0.5, "bar": 0.8, "network_only": 9, "formula_only": 1}
        for v in (0.7, 0.9)
    ]
    text = learning_table.table([result(row) for row in rows])
    cells = [cell.strip() for cell in text.splitlines()[2].split("|")]
    assert cells[1] == "a"
    assert cells[2].startswith("0.80000 ± 1.2706")
    assert cells[3:5] == ["2", "0.50000"]
    assert cells[5].startswith("18 : 2, p = 0.0004")
    assert cells[6:8] == ["0.80000", "yes"]


def test_table_of_one_seed_has_the_interval_of_the_samples():
    text = learning_table.table([result({"row": "a", "value": 0.95, "n": 100, "bar": 0.96})])
    assert "0.95000 (0.88825 to 0.97846)" in text
    assert "| 0.96000 | no |" in text


def test_small_can_be_better():
    row = {"row": "ms", "value": 0.5, "bar": 1.0, "lower_is_better": True}
    assert learning_table.table([result(row)]).splitlines()[2].endswith("| yes |")


def test_tables_are_put_between_their_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Top\n\n<!-- results: b -->\nold\n<!-- end of results: b -->\n\nrest\n")
    found = {name: [result({"row": name, "value": 1.0})] for name in ("b", "new")}
    learning_table.write(page, found)
    once = page.read_text(encoding="utf-8")
    assert "old" not in once
    assert once.index("# Top") < once.index("| b |") < once.index("rest") < once.index("| new |")
    learning_table.write(page, found)
    assert page.read_text(encoding="utf-8") == once
