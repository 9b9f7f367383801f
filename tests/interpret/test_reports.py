"""Reports print as a table and go through JSON."""

import json

import pytest

from topophys.interpret import ProbeReport, ProbeResult

ROWS = (
    ProbeResult("h1_features", "cos alpha, sin alpha", "trained", 0.99871, 0.998, 0.9994),
    ProbeResult("h1_features", "cos alpha, sin alpha", "shuffled", -0.01234, -0.02, -0.001),
    ProbeResult("h2_features", "dalpha", "raw input", 0.0, -0.1, 0.1),
)
REPORT = ProbeReport("test", 300, 5, 5, 0, ROWS)


def test_table_is_aligned():
    header, titles, *rows = repr(REPORT).splitlines()
    assert "300 Hamiltonians of `test`" in header
    assert "5 untrained networks" in header
    assert len(rows) == 3
    end = titles.index("R2") + 2
    assert [row[:end].split()[-1] for row in rows] == ["0.9987", "-0.0123", "0.0000"]
    assert {row.index("[") for row in rows} == {titles.index("95 %")}
    assert {row.index(row.split()[0]) for row in rows} == {titles.index("layer")}


def test_json():
    content = REPORT.to_dict()
    assert json.loads(json.dumps(content)) == content
    assert ProbeReport.from_dict(json.loads(json.dumps(content))) == REPORT


def test_frame():
    frame = REPORT.to_frame()
    assert len(frame) == 3
    assert frame.loc[1, "r2"] == -0.01234
    assert list(frame.columns[:3]) == ["layer", "target", "source"]


def test_find_distinguishes_measures_and_splits():
    rows = (
        ProbeResult("h2", "dalpha", "trained", 0.9, 0.8, 0.95),
        ProbeResult("h2", "dalpha", "trained", 0.7, 0.6, 0.8, split="beyond"),
        ProbeResult("h2", "dalpha", "trained", 0.99, 0.98, 1.0, "modulo exact"),
        ProbeResult("h2", "perm", "control", 0.25, 0.2, 0.3),
    )
    report = ProbeReport("test", 300, 5, 5, 0, rows, n_runs=3)
    assert report.r2("h2", "trained") == 0.9
    assert report.r2("h2", "trained", split="beyond") == 0.7
    assert report.r2("h2", "trained", measure="modulo exact") == 0.99
    assert report.selectivity("h2") == pytest.approx(0.65)
    with pytest.raises(KeyError):
        report.selectivity("h2", measure="modulo exact")
    assert "3 trained networks" in repr(report)


def test_look_up():
    assert REPORT.r2("h1_features", "shuffled") == -0.01234
    for key in (("h3_features", "trained"), ("h1_features", "raw input")):
        with pytest.raises(KeyError):
            REPORT.r2(*key)
