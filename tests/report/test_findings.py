"""Sentences appear where figures cross a limit, and only there."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topophys.report import find_caveats, find_findings
from topophys.report.page import accuracy_chart, probe_chart

ACCURACY = {"split": "beyond", "invariant": "all", "grid": [32], "total": 1000, "correct": 990,
            "formula_correct": 999}  # fmt: skip
PROBE = {"layer": "h2_features", "target": "dalpha", "measure": "raw", "split": "test",
         "low": 0.0, "high": 1.0}  # fmt: skip
CAUSAL = {"test": "erase", "layer": "h1_features", "cases": 100, "share": 1.0}
AUDIT = {"operation": "k -> -k", "quantity": "output", "expectation": "odd", "deviation": 0.01,
         "broken": 0.0}  # fmt: skip


def probes(*rows):
    return {"probes": {"results": [PROBE | row for row in rows]}}


def causal(*rows):
    return {"causal": {"results": [CAUSAL | row for row in rows]}}


GOOD = {"source": "trained", "r2": 0.99}
RAW = {"source": "raw input", "r2": 0.0}
ANGLE = "cos alpha, sin alpha"
BOTH = "cos alpha, sin alpha, entries of D"


@pytest.mark.parametrize(
    "summary",
    [
        {},
        {"accuracy": None, "probes": None, "causal": None, "audit": None},
        {"accuracy": [ACCURACY | {"correct": 999}]},
        {"accuracy": [ACCURACY | {"invariant": "|nu| = 2"}]},
        probes(GOOD, RAW, {"source": "control", "r2": 0.04}, {"source": "untrained", "r2": 0.3}),
        probes(GOOD, RAW, GOOD | {"split": "beyond", "r2": 0.95}),
        probes(RAW),  # the row of the trained network is missing
        causal({"what": "nothing"}, {"what": ANGLE, "share": 0.33}, {"what": BOTH, "share": 0.33}),
        causal({"test": "swap", "what": "links", "share": 0.96}),
        causal({"test": "swap", "what": "links", "share": 0.0, "cases": 0}),
        {"audit": {"rows": [AUDIT]}},
    ],
)
def test_a_run_without_findings_has_no_caveats(summary):
    assert find_caveats(summary) == []


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ({"accuracy": [ACCURACY]}, "wrong in 10 of 1000 cases, where the formula is wrong in 1."),
        (
            {"accuracy": [ACCURACY | {"formula_correct": 980, "formulas": {"FFT": 995, "b": 985}}]},
            "wrong in 10 of 1000 cases, where the formula is wrong in 20 and FFT in 5.",
        ),
        ({"accuracy": [ACCURACY | {"formulas": {"FFT": 990}}]}, "the formula is wrong in 1."),
        (probes(GOOD, RAW, {"source": "control", "r2": 0.5}), "alone is not evidence of learning"),
        (probes(GOOD, RAW, {"source": "untrained", "r2": 0.9}), "due to the architecture"),
        (probes(GOOD, RAW, GOOD | {"split": "beyond", "r2": 0.8}), "from R2 0.990 to 0.800"),
        (
            causal(
                {"what": "nothing"}, {"what": ANGLE, "share": 0.76}, {"what": BOTH, "share": 0.3}
            ),
            "does not use the angle alone",
        ),
        (causal({"test": "swap", "what": "links", "share": 0.9}), "in 0.900 of 100 cases only"),
        ({"audit": {"rows": [AUDIT | {"broken": 0.01}]}}, "another integer in 0.0100"),
        (
            {"audit": {"rows": [AUDIT | {"quantity": "h2_features", "deviation": 0.4}]}},
            "h2 is not odd as it should be: it deviates by 0.40",
        ),
    ],
)
def test_one_sentence(summary, words):
    (sentence,) = find_caveats(summary)
    assert words in sentence


def test_one_finding_on_several_splits_is_one_sentence_that_names_them():
    found = [
        row | {"split": split}
        for split in ("test", "beyond", "noisy")
        for row in (GOOD, {"source": "untrained", "r2": 0.9})
    ]
    (sentence,) = find_caveats(probes(RAW, *found))
    assert "The same on `beyond`, `noisy` (R2 0.900 to 0.900)." in sentence


TRAINING = {
    "parameters": 100, "settings": {},
    "provenance": {"train_samples": 5000, "classes_seen": [-1, 0, 1], "dataset": "mine"},
}  # fmt: skip


def answers(**summary):
    return dict(find_findings({"training": TRAINING} | summary))


def test_the_finding_follows_the_order_of_questions_and_leaves_out_what_was_not_measured():
    assert list(answers()) == ["Trained on"]
    found = answers(
        accuracy=[ACCURACY],
        datasets=[
            {"name": "mine", "splits": {"beyond": {"classes": {"2": 500, "-2": 500}}}},
            {"name": "another", "splits": {"beyond": {"classes": {"5": 10}}}},
        ],
        **probes(GOOD, {"source": "untrained", "r2": 0.02}, GOOD | {"measure": "used part"}),
        **causal(
            {"what": "nothing"}, {"what": ANGLE, "share": 0.33}, {"what": "phase", "share": 0.99}
        ),
    )
    assert list(found) == [
        "Trained on", "Accuracy on unseen data", "Encoded in the layers",
        "Used by the network", "Not used by the network", "Uncertainty",
    ]  # fmt: skip
    assert "(-2, +2; split beyond): 990 of 1,000 (98.2 to 99.5 %, formula 999)" in found[
        "Accuracy on unseen data"
    ]  # fmt: skip
    assert "R² 0.990 (untrained 0.020), put there by training" in found["Encoded in the layers"]
    assert f"Without {ANGLE} in h1 0.330 of the answers are right" in found["Used by the network"]
    assert "Without phase in h1 0.990" in found["Not used by the network"]


@pytest.mark.parametrize(
    ("untrained", "control", "words"),
    [(0.9, 0.0, "without training"), (0.0, 0.8, "shows nothing"), (0.0, 0.0, "put there by")],
)
def test_what_a_layer_holds_is_judged_by_its_controls(untrained, control, words):
    rows = probes(
        GOOD, {"source": "untrained", "r2": untrained}, {"source": "control", "r2": control}
    )
    assert words in answers(**rows)["Encoded in the layers"]


def test_supervision_is_said_first():
    training = TRAINING | {"settings": {"local_supervision": 1.0}}
    assert "supervised" in find_findings({"training": training})[0].answer


@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 1), st.floats(0, 1)), min_size=1))
def test_charts_show_every_value_on_hover_and_stay_inside(rows):
    accuracy = [
        ACCURACY
        | {"split": f"s{i}<", "total": n, "correct": int(n * a), "formula_correct": int(n * b)}
        for i, (n, a, b) in enumerate(rows)
    ]  # fmt: skip
    chart = accuracy_chart({"accuracy": accuracy})
    assert chart.count("<title>") == len(rows)
    assert "s0&lt;: network right in" in chart
    places = [float(x) for x in re.findall(r' (?:cx|x1|x2)="([^"]+)"', chart)]
    width = float(re.search(r'viewBox="0 0 (\d+)', chart)[1])
    assert all(0.0 <= x <= width for x in places)


def test_charts_without_values_are_left_out():
    assert accuracy_chart({"accuracy": None}) is None
    assert probe_chart({"probes": None}) is None


@pytest.mark.parametrize(
    ("correct", "total", "words"),
    [
        (14999, 15000, "99.962 to 99.999 %"), (15000, 15000, "99.97 to 100.00 %"),
        (990, 1000, "98.2 to 99.5 %"), (0, 10, "0.0 to 27.8 %"),
    ],
)  # fmt: skip
def test_an_interval_with_errors_does_not_end_at_all(correct, total, words):
    row = ACCURACY | {"split": "test", "correct": correct, "total": total, "formula_correct": total}
    assert words in answers(accuracy=[row])["Accuracy on unseen data"]


def test_shares_with_exceptions_are_not_rounded_to_all_and_zero_has_no_sign():
    found = answers(
        **probes(GOOD | {"measure": "used part"},
                 {"source": "control", "r2": -0.0004, "measure": "used part"}),
        **causal({"test": "swap", "what": "links", "share": 0.9998, "cases": 5040, "moved": 5040},
                 {"what": "nothing"}),
    )  # fmt: skip
    assert "in 0.999 of 5,040 cases" in found["Used by the network"]
    assert "R² 0.000" in found["Not used by the network"]
