"""Files of a run come back as they were written, or are refused in one line."""

import dataclasses
import json

import pytest

from topophys.errors import CheckpointError
from topophys.interpret.causal import CausalReport, CausalResult
from topophys.interpret.reports import ProbeReport, ProbeResult
from topophys.interpret.symmetry_audit import AuditReport, AuditRow
from topophys.report import artifacts
from topophys.report.artifacts import read_figure_records, read_measurements
from topophys.report.evaluation import Failure, SplitAccuracy
from topophys.report.figures import FigureRecord

PROBE = ProbeResult("h2_features", "dalpha", "trained", 0.9, 0.8, 0.95)
CAUSAL = CausalResult("swap", "h2_features", "links", "sum", 20, 19, 9, 9)
NO_CASE = CausalResult("swap", "h2_features", "links", "sum", 0, 0, 0, 0)
AUDIT = AuditRow("k -> -k", "output", "odd", 0.02, 0.0)
HONEST = {
    "accuracy": [dataclasses.asdict(SplitAccuracy("test", "all", (6,), 9, 8, 9))],
    "failures": {"total": 1, "listed": [dataclasses.asdict(Failure("test", 3, 1, 0, 0.4, 0.1, 1))]},
    "probes": ProbeReport("test", 20, 5, 5, 0, (PROBE,)).to_dict(),
    "causal": CausalReport("test", 20, 0, (CAUSAL, NO_CASE)).to_dict(),
    "audit": AuditReport("test", 20, 0, (AUDIT,)).to_dict(),
}


def stored(folder, name, content):
    text = content if isinstance(content, str) else json.dumps(content, allow_nan=False)
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", artifacts.ARTIFACTS)
def test_measurements_are_read_as_written(name, tmp_path):
    content = json.loads(json.dumps(HONEST[name]))
    assert read_measurements(stored(tmp_path, name, content), name) == content


def test_missing_measurements_are_none(tmp_path):
    assert read_measurements(tmp_path, "audit") is None
    assert read_figure_records(tmp_path) == []


@pytest.mark.parametrize(
    ("form", "row"),
    [
        (artifacts.AccuracyRow, SplitAccuracy),
        (artifacts.FailureRow, Failure),
        (artifacts.ProbeRow, ProbeResult),
        (artifacts.CausalRow, CausalResult),
        (artifacts.AuditRow, AuditRow),
        (artifacts.FigureArtifact, FigureRecord),
    ],
)
def test_forms_are_those_of_the_rows(form, row):
    derived = {"share", "interval"} if row is CausalResult else set()
    assert set(form.model_fields) == {f.name for f in dataclasses.fields(row)} | derived


def row_of(name, **changes):
    content = json.loads(json.dumps(HONEST[name]))
    rows = (
        content
        if isinstance(content, list)
        else next(content[key] for key in ("listed", "results", "rows") if key in content)
    )
    rows[0] |= changes
    return content


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("accuracy", "", "Expecting value"),
        ("accuracy", "[" * 10**5, "nested too deeply"),
        ("accuracy", "[" + "9" * 5000 + "]", "digits"),
        ("accuracy", '[{"split": NaN}]', "finite"),
        ("accuracy", '[{"split": 1e999}]', "finite"),
        ("accuracy", {}, "list"),
        ("accuracy", [3], r"`\[0\]`"),
        ("accuracy", row_of("accuracy", total=0, correct=0, formula_correct=0), "total"),
        ("accuracy", row_of("accuracy", correct=10), "ascend"),
        ("accuracy", row_of("accuracy", correct="8"), "correct"),
        ("accuracy", row_of("accuracy", correct=True), "correct"),
        ("accuracy", HONEST["accuracy"] * 1001, "at most 1000"),
        ("failures", {"total": 1}, "`listed`: Field required"),
        ("failures", row_of("failures", formula="gapless"), "formula"),
        ("probes", row_of("probes", r2=1.5), "r2"),
        ("probes", row_of("probes", low=0.95), "ascend"),
        ("probes", row_of("probes", layer="a" * 10_001), "layer"),
        ("causal", row_of("causal", right=21), "ascend"),
        ("causal", row_of("causal", right_moved=10), "ascend"),
        ("causal", row_of("causal", share=None), "where there are cases"),
        ("causal", row_of("causal", interval=[0.5]), "interval"),
        ("audit", row_of("audit", deviation=-1.0), "deviation"),
        ("audit", row_of("audit", quantity="a\nb", broken=2.0), "broken"),
    ],
)  # fmt: skip
def test_measurements_of_another_form_are_refused(name, content, reason, tmp_path):
    with pytest.raises(CheckpointError, match=f"damaged .*{reason}") as caught:
        read_measurements(stored(tmp_path, name, content), name)
    assert "\n" not in str(caught.value)
    assert "repeat the step" in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name", ["../secret", "a/b", "", "a\n", "x" * 101])
def test_pictures_lie_beside_their_cards(name, tmp_path):
    card = {"name": name, "title": "", "caption": ""}
    with pytest.raises(CheckpointError, match="name"):
        read_figure_records(stored(tmp_path, "figures", [card]))


def test_probes_of_earlier_releases_have_no_measure_and_no_split(tmp_path):
    content = row_of("probes")
    for key in ("measure", "split", "networks"):
        del content["results"][0][key]
    assert read_measurements(stored(tmp_path, "probes", content), "probes") == content
