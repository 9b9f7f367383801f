"""Measures on synthetic layers for which the answer is known."""

import numpy as np
import pytest

from topophys.interpret.probes import circular, modulo_exact, single_channel, whole_layer
from topophys.interpret.targets import difference_features, window_sums

N, K = 150, 16


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def gradient(x):
    """An exact difference of a quadratic function, larger than the density."""
    f = 3.0 * (x[..., 0] * x[..., 1] + x[..., 2])
    return (np.roll(f, -1, axis=1) - f)[..., None]


def example():
    """Input, density, and three channels that hold the density plus an exact difference."""
    x, y = noise(0, N, K, 4), noise(1, N, K, 1)
    hidden = (y + gradient(x)) * [1.0, -2.0, 0.5] + [0.0, 1.0, 2.0]
    return x, y, hidden


def test_density_up_to_a_difference_is_found_modulo_exact_forms_only():
    x, y, hidden = example()
    raw = whole_layer(hidden, y, 5).r2()
    variance = gradient(x).var()
    assert raw == pytest.approx(1.0 / (1.0 + variance), abs=0.03)
    assert raw < 0.1
    assert modulo_exact(hidden, y, difference_features(x), 5).r2() > 1 - 1e-6


def test_random_features_do_not_look_good_modulo_exact_forms():
    x, y, _ = example()
    forms = difference_features(x)
    for features in (noise(2, N, K, 30), forms[..., :5]):
        assert abs(modulo_exact(features, y, forms, 5).r2()) < 0.05


def test_random_features_score_zero_where_exact_forms_follow_the_target():
    # a target that is nearly a difference itself: the forms alone explain it, features nothing
    x, y, _ = example()
    forms, target = difference_features(x), gradient(x) + 0.3 * y
    assert whole_layer(forms, target, 5).r2() > 0.9
    assert abs(modulo_exact(noise(2, N, K, 30), target, forms, 5).r2()) < 0.05
    assert modulo_exact(y, target, forms, 5).r2() > 1 - 1e-6


def test_half_the_density_scores_half():
    x, y, _ = example()
    other = noise(3, N, K, 1)
    hidden = y + other + gradient(x)
    assert modulo_exact(hidden, y, difference_features(x), 5).r2() == pytest.approx(0.5, abs=0.04)


def test_windows_average_differences_away():
    _, y, hidden = example()
    scores = [
        whole_layer(window_sums(hidden, w), window_sums(y, w), 5).r2() for w in (1, 2, 4, 8, 16)
    ]
    assert scores == sorted(scores)
    assert scores[-1] > 1 - 1e-6  # nothing is left of a difference around the whole zone


def test_best_channel_is_picked_on_the_training_part():
    y = noise(0, N, K, 2)
    features = noise(1, N, K, 12)
    features[..., 7] = 2.0 * y[..., 0] + noise(2, N, K)
    features[..., 3] = -y[..., 1]
    held = single_channel(features, y, 5)
    each = 1 - ((held.predicted - y) ** 2).sum((0, 1)) / ((y - y.mean((0, 1))) ** 2).sum((0, 1))
    np.testing.assert_allclose(each, [0.8, 1.0], atol=0.02)
    # of pure noise the best channel is no better than the others on what was held out
    assert single_channel(noise(3, N, K, 50), y, 5).r2() < 0.005


def test_segmented_regression_gains_on_bent_channels_only():
    y = noise(0, N, K, 1)
    straight, bent = 3.0 * y - 1.0, np.tanh(2.0 * y)
    line, pieces = (single_channel(straight, y, 5, segmented=s).r2() for s in (False, True))
    assert line > 1 - 1e-6
    assert pieces > 1 - 1e-6
    line, pieces = (single_channel(bent, y, 5, segmented=s).r2() for s in (False, True))
    assert line < 0.9
    assert pieces > line + 0.05


def test_circular_regression_forgives_the_length_of_the_vector():
    angle = np.random.default_rng(0).uniform(-np.pi, np.pi, (N, K))
    length = 0.2 + np.random.default_rng(1).random((N, K))
    features = np.stack([length * np.cos(angle), length * np.sin(angle)], axis=-1)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    assert circular(features, angle, 5).r2() > 0.999
    assert whole_layer(features, unit, 5).r2() < 0.95
    assert circular(noise(2, N, K, 5), angle, 5).r2() < 0.0  # a direction at random is worse


def test_intervals_hold_the_value_and_are_fixed_by_the_seed():
    _, y, _ = example()
    held = whole_layer(y + noise(4, N, K, 1), y, 5)
    low, high = held.interval(3)
    assert low < held.r2() < high
    assert (low, high) == held.interval(3) != held.interval(4)
