"""What results show in notebooks, and as tables."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np
import pytest

from topophys.datasets.dataset_card import Summary
from topophys.datasets.label_table import FileLabel, LabelTable
from topophys.datasets.verification import Report
from topophys.interpret.causal import CausalReport
from topophys.learn import Prediction
from topophys.learn.run import nearest_integers
from topophys.materials.answers import MaterialAnswer, TaskAnswer
from topophys.materials.description import describe
from topophys.materials.run import MaterialPrediction

SUMMARY = Summary(
    path=Path("a<b.h5"),
    sizes={"train": 3},
    classes={"train": {0: 1, 1: 2}},
    drawn={"train": 9},
    rejected={"train": {"unresolved": 1}},
    n_bytes=10,
    seconds=1.0,
)
TASK = TaskAnswer(
    {"trivial": 0.7, "topological": 0.3}, ("trivial",), 0.9, 0.1, 0.8, None, 0.85, "100 materials"
)
ANSWER = MaterialAnswer(
    describe("NaCl"), "formula", {"class": TASK}, 0.1, (), "", None, "100 materials"
)
RESULTS = [
    (SUMMARY, ["split", "class", "samples", "drawn"], 2),
    (Report(Path("x.h5"), (), {"labels": 3, "digests": 4}), ["check", "number"], 2),
    (ANSWER, ["material", "task", "class", "probability", "in_prediction_set",
              "held_out_accuracy", "distance"], 2),
    (MaterialPrediction("NaCl", {"trivial": 1.0}, {}, ("scalar",), 0.1),
     ["material", "task", "class", "probability"], 1),
]  # fmt: skip
NAMES = [type(result).__name__ for result, _, _ in RESULTS]


@pytest.mark.parametrize(("result", "columns", "rows"), RESULTS, ids=NAMES)
def test_results_become_tables(result, columns, rows):
    pytest.importorskip("pandas")
    table = result.to_pandas()
    assert list(table.columns) == columns
    assert len(table) == rows


@pytest.mark.parametrize("result", [result for result, _, _ in RESULTS], ids=NAMES)
def test_results_show_their_text_in_notebooks(result):
    shown = result._repr_html_()
    assert shown.startswith("<pre>")
    assert "<b.h5" not in shown
    assert repr(result).splitlines()[-1].strip().partition("<")[0] in html.unescape(shown)


def test_tables_of_files_keep_failures():
    pytest.importorskip("pandas")
    missing = FileLabel(Path("x_hr.dat"), None, "does not exist")
    table = LabelTable((missing,), 0.1).to_pandas()
    assert table["file"].tolist() == ["x_hr.dat"]


def test_reports_of_probes_become_tables_with_derived_columns():
    pytest.importorskip("pandas")
    assert CausalReport("test", 0, 0, ()).to_pandas().empty


# --------------------------------------------------------- a prediction that is no number is masked


def predicted(real):
    real = np.array(real)
    value = nearest_integers(real)
    return Prediction(np.ma.masked_array(value, ~np.isfinite(real)), real)


def test_a_mean_of_predictions_leaves_out_what_is_no_number():
    answer = predicted([2.0, np.nan, 4.0])
    assert answer.value.mean() == 3.0
    assert answer.value.tolist() == [2, None, 4]
    assert answer.abstains.tolist() == [False, True, False]
    assert answer.refuted.tolist() == [False] * 3


def test_tables_of_predictions_leave_out_what_is_no_number():
    pandas = pytest.importorskip("pandas")
    column = predicted([2.0, np.nan]).to_pandas()["value"]
    assert column[0] == 2
    assert column[1] is pandas.NA
