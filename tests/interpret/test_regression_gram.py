"""Sums of products: parts add up, errors are those of the samples, constants do no harm."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from topophys.interpret.regression import gram_sums, solve_ridge, squared_errors


def example(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((12, 5, 4)) * [1.0, 1e3, 1e-3, 1.0] + [0.0, 50.0, 7.0, -3.0]
    y = x[..., :2] @ rng.standard_normal((2, 3)) + rng.standard_normal((12, 5, 3))
    return x, y


def test_parts_add_up():
    x, y = example()
    origin = x[0].mean(0)
    whole = gram_sums(x, y, origin)
    parts = gram_sums(x[:7], y[:7], origin) + gram_sums(x[7:], y[7:], origin)
    for name in ("count", "x", "y", "xx", "xy", "yy"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-12)


def test_columns_are_those_of_the_samples():
    x, y = example()
    kept = np.array([3, 1])
    one = gram_sums(x, y, x[0].mean(0)).columns(kept)
    two = gram_sums(x[..., kept], y, x[0].mean(0)[kept])
    for name in ("x", "xx", "xy", "origin"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-12)


@pytest.mark.parametrize("penalty", [1e-4, 1.0, 1e2])
def test_solution_equals_that_of_scikit_learn(penalty):
    x, y = example()
    rows, wanted = x.reshape(60, 4), y.reshape(60, 3)
    scaler = StandardScaler().fit(rows)
    model = Ridge(alpha=penalty).fit(scaler.transform(rows), wanted)
    (weights, bias), _ = solve_ridge(gram_sums(x, y, x[0].mean(0)), (penalty, 3.0))
    expected = model.predict(scaler.transform(rows))
    np.testing.assert_allclose(rows @ weights + bias, expected, rtol=1e-8, atol=1e-8)


def test_errors_are_those_of_the_samples():
    x, y = example()
    sums = gram_sums(x, y, x[0].mean(0))
    weights, bias = solve_ridge(sums, (0.1,))[0]
    other_x, other_y = example(1)
    part = gram_sums(other_x, other_y, x[0].mean(0))
    expected = ((other_x @ weights + bias - other_y) ** 2).sum((0, 1))
    np.testing.assert_allclose(squared_errors(part, weights, bias), expected, rtol=1e-9)


def test_channel_scores_are_squared_correlations():
    x, y = example()
    scores = gram_sums(x, y[..., :1], x[0].mean(0)).channel_scores()
    expected = [np.corrcoef(x[..., c].ravel(), y[..., 0].ravel())[0, 1] ** 2 for c in range(4)]
    np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_constant_features_get_no_weight():
    x, y = example()
    x[..., 2] = 0.1
    sums = gram_sums(x, y, np.zeros(4))
    weights, _ = solve_ridge(sums, (1e-4,))[0]
    assert (weights[2] == 0.0).all()
    assert np.isfinite(weights).all()
