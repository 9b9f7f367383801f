"""The harness of the figures: what is there is not run again, and tables hold what was measured."""

import numpy as np
import pytest

from benchmarks.experiments import learning, learning_figures, learning_table
from benchmarks.harness import Study


@pytest.fixture
def kept(tmp_path):
    return Study(tmp_path / "results" / "learning.jsonl")


def counting(version=1):
    """A task that counts how often it is run."""

    def task(seed, quick):
        task.calls.append((seed, quick))
        return [{"row": "a", "value": 0.5 + seed / 10, "formula": 0.25, "n": 100, "bar": 0.6}]

    task.calls = []
    task.settings = lambda quick: {"version": version, "quick": quick}
    return task


def test_finished_tasks_are_not_run_again(kept):
    task = counting()
    first = learning.settle("job", task, 0, True, kept)
    assert learning.settle("job", task, 0, True, kept) == first
    learning.settle("job", task, 1, True, kept)
    learning.settle("job", task, 0, False, kept)
    assert task.calls == [(0, True), (1, True), (0, False)]
    assert kept.get({"task": "job", "seed": 0, "version": 1, "quick": True})["rows"] == first


def test_other_settings_ask_for_new_runs(kept):
    learning.settle("job", counting(), 0, True, kept)
    changed = counting(version=2)
    learning.settle("job", changed, 0, True, kept)
    assert changed.calls == [(0, True)]


def test_interrupted_tasks_leave_nothing(kept):
    def task(seed, quick):
        raise KeyboardInterrupt

    task.settings = lambda quick: {}

    with pytest.raises(KeyboardInterrupt):
        learning.settle("job", task, 0, True, kept)
    assert kept.entries() == []


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
        {
            "row": "a",
            "value": v,
            "formula": 0.5,
            "bar": 0.8,
            "network_only": 9,
            "formula_only": 1,
            "n": 40,
        }
        for v in (0.7, 0.9)
    ]
    text = learning_table.table([result(row) for row in rows])
    cells = [cell.strip() for cell in text.splitlines()[2].split("|")]
    assert cells[1] == "a"
    assert cells[2].startswith("0.80000 ± 1.2706")
    assert cells[3:5] == ["2", "0.50000"]
    # both seeds alike: (9 - 1) / 40, and the variance (9 + 1 + 1 - 64 / 42) / 42^2 of the samples
    half = 1.959964 * (9 + 1 + 1 - 64 / 42) ** 0.5 / 42
    assert cells[5] == f"+0.2000 ({0.2 - half:+.4f} to {0.2 + half:+.4f})"
    assert cells[6:8] == ["0.80000", "yes"]


def test_seeds_on_one_test_set_do_not_shrink_the_interval_of_the_samples():
    def width(seeds, wins=lambda _: 30):
        rows = [{"network_only": wins(s), "formula_only": 10, "n": 1000} for s in range(seeds)]
        low, high = learning_table.difference(rows).split("(")[1].rstrip(")").split(" to ")
        return float(high) - float(low)

    assert width(5) == width(1) > 0.0
    # seeds that differ widen it
    assert width(5, lambda s: 30 + 10 * s) > width(5, lambda _: 50)


def test_interval_of_the_difference_holds_with_seeds_that_share_a_test_set():
    """Coverage of simulated studies, samples and seeds drawn anew in each."""
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(300):
        easy = rng.random(400) < 0.9  # right by the formula
        hard = rng.random(400) < 0.5  # of the others, those that trained networks can know
        rows = []
        for skill in rng.normal(0.6, 0.1, 4).clip(0.0, 1.0):
            network = np.where(easy, rng.random(400) < 0.98, hard & (rng.random(400) < skill))
            rows.append({"network_only": int((network & ~easy).sum()),
                         "formula_only": int((~network & easy).sum()), "n": 400})  # fmt: skip
        low, high = learning_table.difference(rows).split("(")[1].rstrip(")").split(" to ")
        inside += float(low) <= 0.1 * 0.5 * 0.6 - 0.9 * 0.02 <= float(high)
    assert inside >= 0.93 * 300


def test_table_of_one_seed_has_the_interval_of_the_samples():
    text = learning_table.table([result({"row": "a", "value": 0.95, "n": 100, "bar": 0.96})])
    assert "0.95000 (0.88825 to 0.97846)" in text
    assert "| 0.96000 | no |" in text


def test_small_can_be_better():
    row = {"row": "ms", "value": 0.5, "bar": 1.0, "lower_is_better": True}
    assert learning_table.table([result(row)]).splitlines()[2].endswith("| yes |")


def test_tables_are_put_between_their_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Top\n\n<!-- results: b -->\nold\n<!-- end of results: b -->\n\nrest\n", encoding="utf-8"
    )
    found = {name: [result({"row": name, "value": 1.0})] for name in ("b", "new")}
    learning_table.write(page, found)
    once = page.read_text(encoding="utf-8")
    assert "old" not in once
    assert once.index("# Top") < once.index("| b |") < once.index("rest") < once.index("| new |")
    learning_table.write(page, found)
    assert page.read_text(encoding="utf-8") == once


def test_results_of_other_settings_are_left_out(kept, capsys):
    learning.settle("job", counting(), 0, False, kept)
    learning.settle("job", counting(version=2), 1, False, kept)
    found = learning.collected({"job": counting(version=2)}, kept)
    assert [result["rows"][0]["value"] for result in found["job"]] == [0.6]
    assert "job, seed 0" in capsys.readouterr().err
    assert learning.collected({"job": counting(version=3)}, kept) == {}


def cells(*rows):
    text = learning_table.table([result(row) for row in rows])
    return [cell.strip() for cell in text.splitlines()[2].split("|")][1:-1]


def test_nothing_wrong_and_nothing_asked_are_no_zeros():
    none = {"row": "a", "value": 0.0, "n": 1000, "count": 0}
    assert cells(none, none)[1:3] == ["none of 2,000", "2"]
    assert cells(none, {**none, "value": 0.002, "count": 2})[1].startswith("0.00100 ± 0.0127")
    assert cells({"row": "a", "value": None, "n": 10})[1] == ""
    assert cells({"row": "a", "value": None, "n": 0, "count": 0})[1] == ""
    assert cells({"row": "a", "value": 3}, {"row": "a", "value": 3})[1] == "3"
    # a network that is never right has a share, not an error
    assert cells({"row": "a", "value": 0.0, "n": 10})[1].startswith("0.00000 (0.00000 to 0.27")


def errors(text, count, n):
    return {"row": text, "value": count / n if n else None, "n": n, "count": count}


def test_pictures_show_what_was_stored(tmp_path):
    rows = [
        {"row": "confusion: -1 named -1", "value": 5},
        {"row": "confusion: -1 named +0", "value": 1},
        {"row": "confusion: +2 named +2", "value": 3},
        errors("confidence 0 to 0.5: wrong", 1, 2),
        errors("confidence 0.5 to 1: wrong", 0, 7),
        errors("gap 0.05 to 0.1: wrong", 1, 4),
        errors("gap over 0.1: wrong", 0, 5),
    ]
    noisy = [{"row": f"1D noise {w} on D", "value": 1 - w, "formula": 0.9 - w} for w in (0.0, 0.5)]
    found = {"reliability": [result(*rows)] * 2, "noise": [result(*noisy)] * 2}
    drawn = learning_figures.write(found, tmp_path)
    assert len(drawn) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.png" for name in drawn]
    table = learning_table.merged(found["reliability"])
    texts = [t.get_text() for t in learning_figures.confusion(table).axes[0].texts]
    assert any(text.startswith("10\n") for text in texts)
    assert any(text.startswith("2\n") for text in texts)
    above = learning_figures.reliability(table).axes[0]
    assert above.containers[0][0].get_ydata().tolist() == [0.5, 1.0]
    bars = learning_figures.gaps(table).axes[0]
    assert [patch.get_height() for patch in bars.patches] == [2, 0]
    assert [t.get_text() for t in bars.texts] == ["2\nof 8", "0\nof 10"]
    lines = learning_figures.noise(learning_table.merged(found["noise"])).axes[0].lines
    assert any(np.allclose(line.get_ydata(), [0.9, 0.4]) for line in lines)
