"""Layers on links and plaquettes against gathering the neighbours first."""

import pytest
import torch

from topophys.learn.encoders.plane import LinkLayer, PlaquetteLayer


def act(y, gated):
    if not gated:
        return y.clamp(min=0)
    half = y.shape[-1] // 2
    return y[..., :half] * y[..., half:]


def whole(layer):
    """The weights as one matrix that acts on all parts, one after the other."""
    return torch.cat(list(layer.weight), dim=1)


@pytest.mark.parametrize("gated", [True, False])
def test_links_join_neighbours(gated):
    torch.manual_seed(0)
    layer = LinkLayer(3, 4, gated=gated).double()
    h = torch.randn(2, 5, 6, 3, dtype=torch.float64)
    found = layer(h)
    assert found.shape == (2, 5, 6, 2, 4)
    for x in range(5):
        for y in range(6):
            ends = h[:, (x + 1) % 5, y], h[:, x, (y + 1) % 6]
            for mu, end in enumerate(ends):
                pair = torch.cat([h[:, x, y], end], dim=-1)
                expected = act(pair @ whole(layer).T + layer.bias, gated)
                torch.testing.assert_close(found[:, x, y, mu], expected)


@pytest.mark.parametrize("gated", [True, False])
def test_plaquettes_join_the_links_around_them(gated):
    torch.manual_seed(1)
    layer = PlaquetteLayer(3, 4, gated=gated).double()
    u = torch.randn(2, 5, 6, 2, 3, dtype=torch.float64)
    found, back = layer(u)
    assert found.shape == back.shape == (2, 5, 6, 4)
    for x in range(5):
        for y in range(6):
            bottom, left = u[:, x, y, 0], u[:, x, y, 1]
            right, top = u[:, (x + 1) % 5, y, 1], u[:, x, (y + 1) % 6, 0]
            links = torch.cat([bottom, right, top, left], dim=-1)
            expected = act(links @ whole(layer).T + layer.bias, gated)
            torch.testing.assert_close(found[:, x, y], expected)
            turned = torch.cat([left, top, right, bottom], dim=-1)
            expected = act(turned @ whole(layer).T + layer.bias, gated)
            torch.testing.assert_close(back[:, x, y], expected)


def test_mirror_exchanges_both_orientations():
    layer = PlaquetteLayer(3, 4, gated=True).double()
    u = torch.randn(2, 5, 6, 2, 3, dtype=torch.float64)
    there, back = layer(u)
    seen_there, seen_back = layer(u.transpose(1, 2).flip(3))
    torch.testing.assert_close(seen_there.transpose(1, 2), back)
    torch.testing.assert_close(seen_back.transpose(1, 2), there)
    (alone,) = layer(u, both=False)
    # half as many columns in the product: a library may add up in another order
    torch.testing.assert_close(alone, there)


def test_products_can_hold_the_loop_of_projectors():
    # tr P1 P2 P3 P4 is bilinear in the links P1 P2 and P3 P4, so that its argument, the Berry
    # flux, is one step away from what the layer returns
    layer = PlaquetteLayer(2, 1, gated=True).double()
    with torch.no_grad():
        layer.bias.zero_()
        layer.weight.zero_()
        layer.weight[0, 0, 0] = 1.0  # left factor: first channel of the lower link
        layer.weight[2, 1, 1] = 1.0  # right factor: second channel of the upper one
    u = torch.randn(3, 4, 4, 2, 2, dtype=torch.float64)
    expected = u[..., 0, 0] * u[..., 0, 1].roll(-1, dims=2)
    torch.testing.assert_close(layer(u)[0].squeeze(-1), expected)


@pytest.mark.parametrize(("kind", "parts"), [(LinkLayer, 2), (PlaquetteLayer, 4)])
def test_first_weights_are_as_large_as_those_of_a_linear_layer(kind, parts):
    torch.manual_seed(2)
    layer = kind(8, 200, gated=True)
    bound = (parts * 8) ** -0.5
    assert layer.weight.shape == (parts, 400, 8)
    assert 0.99 * bound < layer.weight.abs().max() <= bound
