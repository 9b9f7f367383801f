"""Erasers take away what is asked, as little else as possible, and nothing of what is unrelated."""

import inspect

import numpy as np
import pytest

from topophys.errors import InputError, ShapeError
from topophys.interpret.causal import encoding_directions, fit_eraser, random_eraser
from topophys.interpret.probes import whole_layer


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def example():
    """A layer in which two targets and three other things are mixed, on unequal scales."""
    y, z = noise(0, 100, 12, 2), noise(1, 100, 12, 3)
    mix = noise(2, 5, 7) * np.logspace(-2, 1, 7)
    return np.concatenate([y, z], axis=-1) @ mix + 3.0, y, z


@pytest.mark.parametrize("method", ["leace", "projection"])
def test_nothing_linear_is_left(method):
    h, y, _ = example()
    eraser = fit_eraser(h, y, method=method)
    assert eraser.rank == 2
    left = eraser(h)
    cross = np.einsum("snc,snt->ct", left - left.mean((0, 1)), y)
    assert np.abs(cross).max() < 1e-6
    assert whole_layer(h, y, 5).r2() > 0.999
    assert whole_layer(left, y, 5).r2() < 0.01


def test_eraser_keeps_unrelated_directions():
    h, y, z = example()
    left = fit_eraser(h, y)(h)
    assert whole_layer(left, z, 5).r2() > 0.99


def test_leace_changes_least():
    h, y, _ = example()
    leace, projection = (fit_eraser(h, y, method=m)(h) for m in ("leace", "projection"))
    assert ((leace - h) ** 2).sum() < 0.95 * ((projection - h) ** 2).sum()


def test_an_eraser_is_a_projection():
    h, y, _ = example()
    eraser = fit_eraser(h, y)
    np.testing.assert_allclose(eraser.matrix @ eraser.matrix, eraser.matrix, atol=1e-8)
    np.testing.assert_allclose(eraser(eraser(h)), eraser(h), atol=1e-8)
    np.testing.assert_allclose(eraser(h).mean((0, 1)), h.mean((0, 1)), atol=1e-9)


def test_random_directions_remove_as_much_of_whitened_variance():
    h, y, _ = example()
    h = h + 3e-3 * noise(5, *h.shape)
    cov = np.cov(h.reshape(-1, 7).T)
    draws = [random_eraser(h, 2, np.random.default_rng(seed)) for seed in range(8)]
    for eraser in (fit_eraser(h, y), *draws):
        removed = eraser.matrix @ cov @ eraser.matrix.T
        np.testing.assert_allclose(np.trace(np.linalg.solve(cov, removed)), 2.0, rtol=1e-3)
    # of the two directions of y among seven, five sevenths are left on average
    left = np.mean([whole_layer(eraser(h), y, 5).r2() for eraser in draws])
    assert 0.4 < left < 0.95


def test_moving_along_the_encoding_directions_moves_the_target_only():
    h, y, z = example()
    other = noise(7, *y.shape)
    moved = h + (other - y) @ encoding_directions(h, y)
    read = np.linalg.lstsq(_with_one(h), np.concatenate([y, z], -1).reshape(-1, 5), rcond=None)[0]
    found = (_with_one(moved) @ read).reshape(*y.shape[:2], 5)
    np.testing.assert_allclose(found[..., :2], other, atol=0.25)  # z and y are correlated by chance
    np.testing.assert_allclose(found[..., 2:], z, atol=0.35)


def _with_one(h):
    rows = h.reshape(-1, h.shape[-1])
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)


def test_refusals():
    h, y, _ = example()
    for function in (fit_eraser, encoding_directions):
        with pytest.raises(ShapeError, match="`target`"):
            inspect.unwrap(function)(h, y[:, :-1])
    with pytest.raises(InputError, match="`method`"):
        inspect.unwrap(fit_eraser)(h, y, method="burn")
