"""Reports made of rows: looked up, stored and made again."""

import json
from dataclasses import dataclass

import pytest

from topophys.interpret.reports import TableReport


@dataclass(frozen=True)
class Row:
    name: str
    value: float

    @property
    def span(self):
        return (-self.value, self.value)


@dataclass(frozen=True)
class Report(TableReport):
    rows_name, row_type = "entries", Row
    derived = ("span",)

    split: str
    entries: tuple[Row, ...]

    def find(self, name, value):
        return self._first(name=name, value=value)


REPORT = Report("test", (Row("a", 1.0), Row("a", 2.0), Row("b", 1.0)))


def test_the_first_row_that_fits():
    assert REPORT.find("a", 2.0) is REPORT.entries[1]
    assert REPORT._first(value=1.0) is REPORT.entries[0]
    with pytest.raises(KeyError, match=r"'b', 2\.0"):
        REPORT.find("b", 2.0)


def test_stored_arrays_are_consistent():
    content = json.loads(json.dumps(REPORT.to_dict()))
    assert list(content) == ["split", "entries"]
    assert content["entries"][1] == {"name": "a", "value": 2.0, "span": [-2.0, 2.0]}
    assert Report.from_dict(content) == REPORT
    with pytest.raises(TypeError):
        Report.from_dict({**content, "other": 1})


def test_notebooks_show_reports_as_text():
    assert REPORT._repr_html_().startswith("<pre>Report(")
    assert "&#x27;test&#x27;" in REPORT._repr_html_()
