"""Exact forms sum to zero, and are what they are called."""

import numpy as np
import pytest

import topophys as tp
from topophys.interpret.probes import modulo_exact, whole_layer
from topophys.interpret.targets import curl_features, difference_features, window_sums


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def test_differences_are_those_of_all_quadratic_functions():
    x = noise(0, 3, 7, 2)
    found = difference_features(x)
    a, b = x[..., 0], x[..., 1]
    for c, f in enumerate((a, b, a * a, a * b, b * b)):
        np.testing.assert_allclose(found[..., c], np.roll(f, -1, axis=1) - f)


@pytest.mark.parametrize("with_links", [False, True])
def test_curls_sum_to_zero_and_gradients_have_none(with_links):
    x = noise(0, 2, 5, 4, 3)
    links = noise(1, 2, 5, 4, 2, 6) if with_links else None
    found = curl_features(x, links, degree=2)
    assert found.shape[-1] == 2 * (18 + 9 * 3 + 6 * with_links)
    np.testing.assert_allclose(found.sum((1, 2)), 0.0, atol=1e-12)
    # the curl of a gradient vanishes
    f = noise(2, 2, 5, 4, 1)
    gradient = np.stack([np.roll(f, -1, axis=i) - f for i in (1, 2)], axis=3)
    both = curl_features(x, gradient, degree=1)
    half = both.shape[-1] // 2
    np.testing.assert_allclose(both[..., half - 1] + both[..., -1], 0.0, atol=1e-12)


def test_curl_of_one_link():
    links = np.zeros((1, 4, 4, 2, 1))
    links[0, 1, 2, 0, 0] = 1.0  # the link from (1, 2) along x: below plaquette (1, 2), above (1, 1)
    found = curl_features(np.ones((1, 4, 4, 1)), links)[0]
    along_x = found[..., found.shape[-1] // 2 - 1]
    expected = np.zeros((4, 4))
    expected[1, 2], expected[1, 1] = 1.0, -1.0
    np.testing.assert_array_equal(along_x, expected)
    links = np.zeros((1, 4, 4, 2, 1))
    links[0, 1, 2, 1, 0] = 1.0  # along y: left of plaquette (1, 2), right of (0, 2)
    along_y = curl_features(np.ones((1, 4, 4, 1)), links)[0, ..., -1]
    expected = np.zeros((4, 4))
    expected[1, 2], expected[0, 2] = -1.0, 1.0
    np.testing.assert_array_equal(along_y, expected)


def test_other_area_forms_on_the_sphere_differ_by_curls():
    # flux weighted by where d points: its sum is the same, and it is not F
    d = tp.flatten_d(tp.ensembles.two_band(300, rng=0).d_on_grid((20, 20)))
    flux = tp.berry_flux_from_d(d)
    smooth = np.abs(flux).max((1, 2)) < 0.7  # the lattice adds what is of higher order
    d, flux = d[smooth], flux[smooth]
    n = len(d)
    assert n > 40
    z = sum(np.roll(d, (-i, -j), axis=(1, 2)) for i in (0, 1) for j in (0, 1))[..., 2] / 4.0
    target = flux.reshape(n, 400, 1)
    forms = [curl_features(d, degree=g).reshape(n, 400, -1) for g in (0, 1)]

    def scores(weight):
        hidden = (flux * weight).reshape(n, 400, 1)
        modulo = [modulo_exact(hidden, target, form, 5).r2() for form in forms]
        return whole_layer(hidden, target, 5).r2(), *modulo

    raw, constant, linear = scores(1.0 + 2.0 * z)
    assert raw < 0.6
    assert min(constant, linear) > 0.95
    raw, constant, linear = scores(1.0 + 4.0 * (z**2 - 1.0 / 3.0))
    assert max(raw, constant) < 0.5  # a weight of degree 2 needs forms of degree 1
    assert linear > 0.8
    random = np.random.default_rng(1).standard_normal((n, 400, 30))
    assert modulo_exact(random, target, forms[1], 5).r2() < 0.02


def test_windows():
    value = noise(0, 2, 6, 4, 3)
    found = window_sums(value, 2)
    assert found.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(found[1, 2, 0], value[1, 4:6, 0:2].sum((0, 1)))
    np.testing.assert_allclose(window_sums(value[:, :, 0], 6)[:, 0], value[:, :, 0].sum(1))
    np.testing.assert_array_equal(window_sums(value, 1), value)
