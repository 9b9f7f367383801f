"""Cross-validation by Hamiltonian."""

import inspect

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from topophys.errors import InputError, ShapeError
from topophys.interpret import r_squared, regression
from topophys.interpret.regression import fit_ridge, fold_of_each, held_out_predictions


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def test_exact_features_are_found():
    features = noise(0, 40, 8, 6)
    target = features[..., :2] - 3.0 * features[..., 2:3] + 5.0
    assert r_squared(held_out_predictions(features, target), target) > 1 - 1e-9


def test_noise_explains_nothing():
    for seed in range(3):
        target = noise(seed, 60, 16, 1)
        predicted = held_out_predictions(noise(seed + 10, 60, 16, 8), target)
        assert -0.1 < r_squared(predicted, target) < 0.01


def name_plates(seed=0, n=40, n_k=12):
    """Features that name the Hamiltonian, and a target that is one random number for each."""
    features = np.repeat(np.eye(n)[:, None], n_k, axis=1) + 1e-3 * noise(seed, n, n_k, n)
    target = np.repeat(noise(seed + 1, n, 1, 1), n_k, axis=1)
    return features, target


def test_folds_are_made_of_whole_hamiltonians():
    # who knows the name of the Hamiltonian knows the answer at its other k points
    features, target = name_plates()
    assert r_squared(held_out_predictions(features, target), target) < 0.05


def test_folds_by_k_point_would_leak():
    # each k point as if it were a Hamiltonian of its own
    features, target = name_plates()
    points = [a.reshape(-1, 1, a.shape[-1]) for a in (features, target)]
    assert r_squared(held_out_predictions(*points), points[1]) > 0.95


def test_equals_nested_cross_validation_of_scikit_learn():
    features = noise(0, 30, 4, 6) * np.array([1.0, 5.0, 0.2, 1.0, 1.0, 1.0]) + 3.0
    target = features[..., :2] * [1.0, 0.3] + noise(1, 30, 4, 2)
    fold = np.repeat(fold_of_each(30, 5), 4)
    rows, wanted = features.reshape(120, 6), target.reshape(120, 2)
    expected = np.empty_like(wanted)
    for i in range(5):
        inside = fold != i
        search = GridSearchCV(
            make_pipeline(StandardScaler(), Ridge()),
            {"ridge__alpha": regression.PENALTIES},
            cv=PredefinedSplit(fold[inside]),
        ).fit(rows[inside], wanted[inside])
        expected[~inside] = search.predict(rows[~inside])
    found = held_out_predictions(features, target)
    np.testing.assert_allclose(found.reshape(120, 2), expected, rtol=1e-9, atol=1e-9)


def test_the_penalty_is_chosen_without_the_held_out_part():
    # many channels of noise want a large penalty, one clean channel a small one
    clean, noisy = noise(0, 40, 4, 1), noise(1, 40, 4, 60)
    assert fit_ridge(clean, 2.0 * clean).penalty == min(regression.PENALTIES)
    assert fit_ridge(noisy, clean).penalty == max(regression.PENALTIES)


def test_selection_sees_only_the_training_part():
    features, target = noise(0, 500, 4, 5), noise(1, 500, 4, 1)
    seen = []

    def best(sums):
        seen.append(sums.count)
        return np.argsort(-sums.channel_scores())[:1]

    found = held_out_predictions(features, target, select=best)
    assert seen == [1600] * 5
    # the best of five channels of noise is better on the training part only
    assert r_squared(found, target) < 0.01


def test_every_sample_is_predicted_without_itself():
    # moving one Hamiltonian's targets must leave its own predictions as they were
    features, target = noise(0, 30, 4, 3), noise(1, 30, 4, 1)
    moved = target.copy()
    moved[7] += 100.0
    before, after = (held_out_predictions(features, t) for t in (target, moved))
    np.testing.assert_array_equal(before[7], after[7])
    assert np.abs(before - after).max() > 1.0


def test_scale_of_the_features_does_not_matter():
    features = noise(0, 30, 4, 3)
    target = features[..., :1] + 0.3 * noise(1, 30, 4, 1)
    units = np.array([1e-6, 1.0, 1e6])
    one, two = (held_out_predictions(f, target) for f in (features, features * units))
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)


def test_constant_features_do_no_harm():
    target = noise(0, 30, 4, 1)
    predicted = held_out_predictions(np.ones((30, 4, 3)), target)
    assert -0.1 < r_squared(predicted, target) <= 0.0


# ---- folds, refusals


def test_folds_are_equal_and_fixed():
    fold = fold_of_each(103, 5)
    assert sorted(np.bincount(fold)) == [20, 20, 21, 21, 21]
    np.testing.assert_array_equal(fold, fold_of_each(103, 5))
    assert len(set(fold[:5])) < 5 or len(set(fold[5:10])) < 5  # not in turn


def test_refusals():
    x, y = noise(0, 10, 4, 3), noise(1, 10, 4, 1)
    for folds in (2, 11):
        with pytest.raises(InputError, match="`folds`"):
            held_out_predictions(x, y, folds=folds)
    for name in (held_out_predictions, fit_ridge):
        with pytest.raises(ShapeError, match="`target`"):
            inspect.unwrap(name)(x, y[:, :-1])
