"""Outputs of submodules are read and replaced, and nothing stays behind."""

import pytest
import torch
from torch import nn

from topophys.errors import InputError
from topophys.interpret.hooks import captured, layer_modules, module_of_feature, replaced
from topophys.learn import TopologicalMLEncoder


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))


def test_captured_is_what_the_layer_returned():
    network, x = net(), torch.randn(5, 2)
    with captured(network, ["0", "1"]) as seen:
        network(x)
    assert torch.equal(seen["0"], network[0](x))
    assert torch.equal(seen["1"], network[1](network[0](x)))


def test_hooks_are_removed():
    network, x = net(), torch.randn(5, 2)
    before = network(x)
    with pytest.raises(RuntimeError, match="stop"), replaced(network, {"1": torch.zeros_like}):
        raise RuntimeError("stop")
    with captured(network, ["1"]):
        network(x)
    assert torch.equal(network(x), before)
    assert all(not part._forward_hooks for part in network.modules())


def test_replaced_output_reaches_the_rest_of_the_network():
    network, x = net(), torch.randn(5, 2)
    with replaced(network, {"1": lambda h: h + 1.0}):
        found = network(x)
    assert torch.equal(found, network[2](network[1](network[0](x)) + 1.0))


def test_first_of_several_outputs_is_taken():
    network = nn.Sequential(nn.GRU(2, 4, batch_first=True))
    with captured(network, ["0"]) as seen:
        network(torch.randn(5, 7, 2))
    assert seen["0"].shape == (5, 7, 4)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.idle, self.names = nn.Linear(2, 2), nn.Linear(2, 2), Names()

    def forward(self, x):
        return self.used(self.used(x))


class Names(nn.Module):
    def forward(self, x):
        return {"x": x}


@pytest.mark.parametrize(("layer", "count"), [("used", 2), ("idle", 0)])
def test_layers_called_not_once(layer, count):
    network = Twice()
    with pytest.raises(InputError, match=f"{count} times"), captured(network, [layer]):
        network(torch.randn(1, 2))


def test_refusals():
    network = net()
    with pytest.raises(InputError, match="'7'"), captured(network, ["7"]):
        pass
    with (
        pytest.raises(InputError, match="keep the shape"),
        replaced(network, {"1": lambda h: h[:1]}),
    ):
        network(torch.randn(5, 2))
    wrapped = nn.Sequential(Names())
    with pytest.raises(InputError, match="returns dict"), captured(wrapped, ["0"]):
        wrapped(torch.ones(1))


def test_features_of_the_encoder():
    encoder = TopologicalMLEncoder(hidden_dims=(4, 4, 4))
    assert "point" in layer_modules(encoder)
    assert module_of_feature(encoder, torch.zeros(1, 8, 8), "h1_features") == "point"
    x = torch.zeros(1, 8, 8)
    assert module_of_feature(encoder, x, "h2_features") in layer_modules(encoder)
    with pytest.raises(InputError, match="must be one of h1_features, h2_features"):
        module_of_feature(encoder, x, "h9_features")
