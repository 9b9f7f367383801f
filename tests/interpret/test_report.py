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
    results = tuple(ProbeResult(**r) for r in content.pop("results"))
    assert ProbeReport(**content, results=results) == REPORT


def test_look_up():
    assert REPORT.r2("h1_features", "shuffled") == -0.01234
    for key in (("h3_features", "trained"), ("h1_features", "raw input")):
        with pytest.raises(KeyError):
            REPORT.r2(*key)
