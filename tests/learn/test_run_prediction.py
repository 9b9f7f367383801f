"""Answers, and when a network should rather give none."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from topophys.learn import Prediction
from topophys.learn.run import ALLOWED_ERRORS, LEAST_CONFIDENCE, calibrated_threshold


def test_confidence_is_the_distance_to_the_boundary():
    answer = Prediction(np.array([1, 0, -2]), np.array([1.0, 0.25, -1.5]), threshold=0.4)
    np.testing.assert_array_equal(answer.distance, [0.0, 0.25, 0.5])
    np.testing.assert_array_equal(answer.confidence, [1.0, 0.5, 0.0])
    np.testing.assert_array_equal(answer.abstains, [False, False, True])
    assert not Prediction(np.array(1), np.array(1.1)).abstains


@given(seed=st.integers(0, 10_000), spread=st.floats(0.01, 1.0))
@example(seed=129, spread=0.21875)  # fewer errors in a thousand at 0.499 than at 0.5
def test_calibrated_threshold_bounds_the_error_rate(seed, spread):
    rng = np.random.default_rng(seed)
    label = rng.integers(-1, 2, 4000)
    real = label + spread * rng.standard_normal(4000)
    threshold = calibrated_threshold(real, label)
    assert threshold >= LEAST_CONFIDENCE
    answer = Prediction(np.rint(real).astype(np.int64), real, threshold)
    kept = ~answer.abstains
    assert (answer.value != label)[kept].sum() <= ALLOWED_ERRORS * max(1, kept.sum()) + 1e-9


def test_calibration_does_not_refuse_more_than_it_must():
    rng = np.random.default_rng(0)
    label = np.zeros(10_000, np.int64)
    real = 0.25 * rng.standard_normal(10_000)
    threshold = calibrated_threshold(real, label)
    lower = threshold - 0.02
    kept = 1 - 2 * np.abs(real - np.rint(real)) >= lower
    assert threshold > LEAST_CONFIDENCE
    assert (np.rint(real) != label)[kept].mean() > 0.8 * ALLOWED_ERRORS


@pytest.mark.parametrize("sign", [1, -1])
def test_networks_that_are_sure_and_wrong_are_refused(sign):
    label = np.zeros(100, np.int64)
    threshold = calibrated_threshold(np.full(100, float(sign)), label)
    assert Prediction(label, np.full(100, 0.0), threshold).abstains.all()


def test_calibration_counts_what_is_accepted_and_nothing_else():
    # one wrong answer among 999 that are sure enough; a thousand right ones are not
    real = np.concatenate([np.full(1, 0.9), np.full(998, 0.8), np.full(1000, 0.7)])
    label = np.concatenate([[0], np.ones(1998, np.int64)])
    assert calibrated_threshold(real, label) > 0.9
    # among 1,000
    assert calibrated_threshold(np.append(real, 0.76), np.append(label, 1)) == LEAST_CONFIDENCE


def test_calibration_takes_equal_confidences_together():
    # two wrong ones are the last of 500 that are equally sure
    real = np.concatenate([np.full(500, 1.0), np.full(500, 0.9)])
    label = np.ones(1000, np.int64)
    label[-2:] = 0
    threshold = calibrated_threshold(real, label)
    abstains = Prediction(np.ones(1000, np.int64), real, threshold).abstains
    assert abstains.tolist() == [False] * 500 + [True] * 500


def test_calibration_between_neighbours_among_floats():
    # the middle of 1 and the float below it rounds to one of them: it must not be the wrong one
    for upper in (1.0, np.nextafter(1.0, 0.0)):
        lower = upper - 2 * np.spacing(0.5)
        real = np.array([1.0 - (1.0 - c) / 2 for c in (upper, lower)])
        confidence = 1.0 - 2.0 * np.abs(real - 1.0)
        threshold = calibrated_threshold(real, np.array([1, 0]))
        assert (confidence >= threshold).tolist() == [True, False]


def test_calibration_without_confident_answers_refuses_all():
    assert calibrated_threshold(np.zeros(0), np.zeros(0, np.int64)) > 1.0
    assert calibrated_threshold(np.full(5, 0.6), np.ones(5, np.int64)) > 1.0


def test_answers_print_as_a_table():
    answer = Prediction(np.array([1, 0, -2, 1]), np.array([1.0, 0.25, -1.9, 1.0]), threshold=0.6)
    assert repr(answer).splitlines() == [
        "Prediction for 4 Hamiltonians: 1 abstained from",
        "  value            -2: 1, +1: 2",
        "  confidence       0.900 (median)",
        "  asked for        0.600",
    ]
    assert "value            none" in repr(Prediction(np.array(0), np.array(0.4)))


def test_answers_are_tables_where_one_reads_them():
    pytest.importorskip("pandas")
    answer = Prediction(np.array([1, 0]), np.array([1.0, 0.5]), threshold=0.4)
    table = answer.to_pandas()
    assert table["value"].tolist() == table["proposed"].tolist() == [1, 0]
    assert table["abstains"].tolist() == [False, True]
    assert not table["certified"].any()
    assert answer._repr_html_() == f"<pre>{answer!r}</pre>".replace("'", "&#x27;")
