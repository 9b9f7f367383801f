"""Hidden layers as arrays."""

import inspect

import numpy as np
import pytest
import torch

from topophys.errors import InputError, ShapeError
from topophys.interpret import activations
from topophys.learn import TopologicalMLEncoder


def example():
    torch.manual_seed(0)
    encoder = TopologicalMLEncoder(hidden_dims=(6, 4, 8), output_features=2).double()
    return encoder, np.random.default_rng(0).standard_normal((10, 16, 8))


@pytest.mark.parametrize("size", [1, 3, 10, 1024])
def test_equals_the_forward_pass_at_any_batch_size(size):
    encoder, x = example()
    found = activations(encoder, x, batch_size=size)
    expected = encoder(torch.from_numpy(x))["local_features"]
    assert set(found) == {"h1_features", "h2_features"}
    for name, value in found.items():
        assert value.dtype == np.float64
        np.testing.assert_allclose(value, expected[name].detach().numpy(), rtol=1e-12, atol=1e-14)


def test_precision_of_the_network_is_kept():
    encoder, x = example()
    fine, coarse = activations(encoder, x), activations(encoder.float(), x)
    np.testing.assert_allclose(coarse["h2_features"], fine["h2_features"], rtol=1e-3, atol=1e-4)
    assert not np.array_equal(coarse["h2_features"], fine["h2_features"])


def test_no_gradient_is_kept_and_the_network_only_evaluated():
    encoder, x = example()
    encoder.train()
    activations(encoder, x)
    assert not encoder.training
    assert all(p.grad is None for p in encoder.parameters())


def test_refusals():
    encoder, x = example()
    x[3, 2, 1] = np.nan
    with pytest.raises(InputError, match="`x` must be finite"):
        activations(encoder, x)
    for shape in [(8,), (16, 8), (0, 16, 8)]:
        with pytest.raises(ShapeError, match="`x`"):
            activations(encoder, np.ones(shape))
    with pytest.raises(InputError, match="`batch_size`"):
        inspect.unwrap(activations)(encoder, np.ones((2, 3, 8)), batch_size=0)
