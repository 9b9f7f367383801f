"""Linear read-out, tried on samples that it was not fitted on."""

import inspect

import numpy as np
import pytest

from topophys.errors import ShapeError
from topophys.interpret import fit_decoder


def example(seed, noise=0.0):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((50, 16, 5))
    weights = np.arange(10.0).reshape(5, 2) - 4.0
    target = features @ weights + [3.0, -1.0]
    return features, target + noise * rng.standard_normal(target.shape), weights


def test_finds_the_map():
    features, target, weights = example(0)
    decoder = fit_decoder(features, target)
    np.testing.assert_allclose(decoder.weights, weights, atol=1e-5)
    np.testing.assert_allclose(decoder.bias, [3.0, -1.0], atol=1e-5)


def test_decoder_generalises_to_other_samples():
    decoder = fit_decoder(*example(0, noise=0.5)[:2])
    features, target, _ = example(1)
    assert np.abs(decoder(features) - target).max() < 0.25  # the noise has been averaged out


@pytest.mark.parametrize("columns", [1, 2])
def test_shapes(columns):
    features, target, _ = example(0)
    decoder = fit_decoder(features, target[..., :columns])
    assert decoder.weights.shape == (5, columns)
    assert decoder.bias.shape == (columns,)
    assert decoder(features[0]).shape == (16, columns)
    assert decoder(features[0, 0]).shape == (columns,)


def test_equals_least_squares():
    features, target, _ = example(2, noise=1.0)
    design = np.concatenate([features.reshape(-1, 5), np.ones((800, 1))], axis=1)
    expected = np.linalg.lstsq(design, target.reshape(-1, 2), rcond=None)[0]
    decoder = fit_decoder(features, target)
    np.testing.assert_allclose(decoder.weights, expected[:5], atol=1e-5)
    np.testing.assert_allclose(decoder.bias, expected[5], atol=1e-5)


def test_refusals():
    features, target, _ = example(0)
    plain = inspect.unwrap(fit_decoder)
    for wrong in (target[:-1], target[:, :-1]):
        with pytest.raises(ShapeError, match="`target`"):
            plain(features, wrong)
    with pytest.raises(ShapeError, match="5 channels"):
        fit_decoder(features, target)(features[..., :4])
