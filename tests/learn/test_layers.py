"""Layers against their formulas."""

import pytest
import torch

from topophys.learn.layers import GatedLinear, PlainLinear, local_layer


def test_gated_layer_is_a_product_of_two_affine_maps():
    torch.manual_seed(0)
    layer, x = GatedLinear(5, 3).double(), torch.randn(2, 7, 5, dtype=torch.float64)
    weight, bias = layer.pair.weight, layer.pair.bias
    left = x @ weight[:3].T + bias[:3]
    right = x @ weight[3:].T + bias[3:]
    torch.testing.assert_close(layer(x), left * right)


def test_gated_layer_can_hold_a_determinant():
    # det of a real 2 x 2 block is a sum of two products of entries: a bilinear layer has it exactly
    layer = GatedLinear(4, 2).double()
    with torch.no_grad():
        layer.pair.bias.zero_()
        layer.pair.weight.copy_(
            torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
        )
    block = torch.randn(9, 2, 2, dtype=torch.float64)
    found = layer(block.reshape(9, 4)) @ torch.tensor([1.0, -1.0]).double()
    torch.testing.assert_close(found, torch.linalg.det(block))


def test_plain_layer_is_rectified():
    torch.manual_seed(0)
    layer, x = PlainLinear(5, 3).double(), torch.randn(2, 7, 5, dtype=torch.float64)
    expected = (x @ layer.linear.weight.T + layer.linear.bias).clamp(min=0)
    torch.testing.assert_close(layer(x), expected)
    assert (layer(x) == 0).any()


@pytest.mark.parametrize(("gated", "kind"), [(True, GatedLinear), (False, PlainLinear)])
def test_switch(gated, kind):
    layer = local_layer(4, 6, gated=gated)
    assert type(layer) is kind
    assert layer(torch.zeros(2, 3, 4)).shape == (2, 3, 6)
