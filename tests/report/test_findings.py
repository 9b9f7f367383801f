"""Sentences appear where figures cross a limit, and only there."""

import pytest

from topophys.report import find_caveats

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
        ({"accuracy": [ACCURACY]}, "wrong in 10 of 1000 cases, where the formula is wrong in 1"),
        (probes(GOOD, RAW, {"source": "control", "r2": 0.5}), "no sign of understanding"),
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
            "h2 is not odd as it should be: it misses by 0.40",
        ),
    ],
)
def test_one_sentence(summary, words):
    (sentence,) = find_caveats(summary)
    assert words in sentence
