"""Hidden layers as arrays."""

import inspect

import numpy as np
import pytest
import torch
from torch import nn

from topophys.errors import InputError, ShapeError
from topophys.interpret import activation_batches, activations
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


class Own(nn.Module):
    """A network of a user, channels first."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(8, 5, 3, padding=1, padding_mode="circular")
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.out = nn.Linear(5, 1)

    def forward(self, x):
        return self.out(self.pool(torch.relu(self.conv(x))).squeeze(-1))


@pytest.mark.parametrize("size", [3, 1024])
def test_any_network_by_the_names_of_its_modules(size):
    torch.manual_seed(0)
    network, x = Own().double(), np.random.default_rng(0).standard_normal((10, 8, 16))
    found = activations(
        network, x, layers=["conv", "out"], input_layout="channels_first", batch_size=size
    )
    expected = network.conv(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(found["conv"], expected.swapaxes(1, 2), rtol=1e-12, atol=1e-14)
    assert list(found) == ["conv", "out"]
    assert found["out"].shape == (10, 1)


def test_modules_and_local_features_side_by_side():
    encoder, x = example()
    found = activations(encoder, x, layers=["h2_features", "point", "link"])
    assert list(found) == ["h2_features", "point", "link"]
    np.testing.assert_array_equal(found["point"], activations(encoder, x)["h1_features"])
    assert found["link"].shape == (10, 16, 8)


def test_batches_hold_no_more_than_themselves():
    encoder, x = example()
    whole = activations(encoder, x)
    seen = 0
    for part, found in activation_batches(encoder, x, batch_size=4):
        assert all(len(value) <= 4 for value in found.values())
        np.testing.assert_allclose(found["h1_features"], whole["h1_features"][part], rtol=1e-12)
        seen += part.stop - part.start
    assert seen == 10


def test_results_too_large_are_refused_after_the_first_batch():
    encoder, x = example()
    calls = []
    encoder.register_forward_hook(lambda *_: calls.append(1))
    with pytest.raises(InputError, match="`max_bytes`"):
        activations(encoder, x, batch_size=2, max_bytes=8 * 10 * 16 * (6 + 4) - 1)
    assert len(calls) == 1
    activations(encoder, x, max_bytes=8 * 10 * 16 * (6 + 4))


def test_networks_and_layers_that_cannot_be_read():
    network, x = Own(), np.ones((2, 8, 16))
    first = {"input_layout": "channels_first"}
    with pytest.raises(InputError, match="no 'local_features'"):
        activations(network, x, **first)
    with pytest.raises(InputError, match="'h1_features' is neither"):
        activations(network, x, layers=["h1_features"], **first)
    with pytest.raises(ShapeError, match="'pool'"):
        activations(network, x, layers=["pool"], **first)


def test_refusals():
    encoder, x = example()
    x[3, 2, 1] = np.nan
    with pytest.raises(InputError, match="`x` must be finite"):
        activations(encoder, x)
    for shape in [(8,), (16, 8), (10, 0, 8)]:
        with pytest.raises(ShapeError, match="`x`"):
            activations(encoder, np.ones(shape))
    with pytest.raises(InputError, match="`batch_size`"):
        inspect.unwrap(activations)(encoder, np.ones((2, 3, 8)), batch_size=0)
