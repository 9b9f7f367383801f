"""Card of a run: what it says is what was measured."""

import shutil

import pytest

from topophys._statistics import wilson_interval
from topophys.learn import load_run
from topophys.learn.model_card import Score, write_card


@pytest.fixture
def run(touched, tmp_path):
    return load_run(shutil.copytree(touched, tmp_path / "copy"))


def test_every_training_writes_a_model_card(run):
    text = (run.path / "README.md").read_text(encoding="utf-8")
    assert run.provenance["dataset_digest"] in text
    assert run.provenance["dataset_manifest"] in text
    assert len(run.provenance["dataset_manifest"]) == 64
    assert "supervision: labels only" in text
    assert "## Limits" in text
    assert "val (chose the epoch)" in text


def test_figures_with_their_intervals(run):
    write_card(run, [Score("test", 95, 100, 97), Score("empty", 0, 0)])
    text = (run.path / "README.md").read_text(encoding="utf-8")
    assert "| test | 95 | 100 | 0.95000 | 0.88825 to 0.97846 | 0.97000 |" in text
    assert "empty" not in text


def test_local_supervision_is_declared(run):
    run.provenance["supervision"] = "labels and exact local contributions, weight 0.5"
    object.__setattr__(run, "config", run.config.model_copy(update={"local_supervision": 0.5}))
    (run.path / "README.md").unlink()
    assert write_card(run)
    text = (run.path / "README.md").read_text(encoding="utf-8")
    assert "supervision: labels and exact local contributions, weight 0.5" in text
    assert "did not emerge." in text


def test_a_card_that_a_user_changed_is_left_as_it_is(run):
    path = run.path / "README.md"
    scores = [Score("test", 95, 100)]
    assert write_card(run, scores)
    measured = path.read_bytes()
    # the same figures again, and others
    assert write_card(run, scores)
    assert not write_card(run, [Score("test", 7, 100)])
    assert path.read_bytes() == measured
    for changed in (measured + b"My notes.\n", b"My notes.\n", b"\xff\xfe"):
        path.write_bytes(changed)
        assert not write_card(run, scores)
        assert path.read_bytes() == changed
    path.unlink()
    assert write_card(run, scores)
    assert path.read_bytes() == measured


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634)],
)
def test_wilson_interval(correct, total, low, high):
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=1e-4)
