"""Explained variance and its bootstrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from topophys.errors import InputError
from topophys.interpret.regression import bootstrap_interval, r_squared


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


@given(seed=st.integers(0, 1000), columns=st.integers(1, 3))
def test_explained_variance_equals_that_of_scikit_learn(seed, columns):
    target = noise(seed, 12, 5, columns) * np.array([1.0, 4.0, 0.1])[:columns] + 7.0
    predicted = target + noise(seed + 1, 12, 5, columns)
    rows = (target.reshape(60, -1), predicted.reshape(60, -1))
    expected = r2_score(*rows, multioutput="variance_weighted")
    assert r_squared(predicted, target) == pytest.approx(expected, rel=1e-12)


def test_explained_variance_needs_variance():
    with pytest.raises(InputError, match="must vary"):
        r_squared(noise(0, 4, 3, 1), np.full((4, 3, 1), 2.5))


@given(seed=st.integers(0, 1000), error=st.floats(0.01, 3))
def test_interval_contains_the_value(seed, error):
    target = noise(seed, 60, 8, 1)
    predicted = target + error * noise(seed + 1, 60, 8, 1)
    low, high = bootstrap_interval(predicted, target, np.random.default_rng(seed))
    assert low < r_squared(predicted, target) < high


def test_interval_follows_the_number_of_hamiltonians_not_of_k_points():
    # the errors of one Hamiltonian are one error, however many k points show it
    widths = []
    for n, n_k in ((40, 4), (40, 64), (640, 4)):
        target = noise(0, n, n_k, 1)
        predicted = target + 0.5 * noise(1, n, 1, 1)
        low, high = bootstrap_interval(predicted, target, np.random.default_rng(0))
        widths.append(high - low)
    assert widths[1] > 0.7 * widths[0]
    assert widths[2] < 0.4 * widths[0]


def test_interval_covers_in_95_of_100_cases():
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        target = rng.standard_normal((80, 4, 1))
        predicted = target + 0.5 * rng.standard_normal((80, 4, 1))
        low, high = bootstrap_interval(predicted, target, rng, draws=300)
        hits += low <= 0.75 <= high
    assert 180 <= hits <= 199


def test_share_of_what_a_baseline_leaves():
    y = noise(0, 20, 4, 1)
    half = 0.5 * y
    assert r_squared(half, y, baseline=half) == 0.0
    assert r_squared(0.75 * y, y, baseline=half) == pytest.approx(0.75, rel=1e-12)
    low, high = bootstrap_interval(0.75 * y, y, np.random.default_rng(0), baseline=half)
    assert (low, high) == (pytest.approx(0.75), pytest.approx(0.75))
