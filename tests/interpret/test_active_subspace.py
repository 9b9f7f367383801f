"""Directions that the output depends on are found, whatever else the layer holds."""

import numpy as np
import pytest
import torch
from torch import nn

from topophys.errors import InputError
from topophys.interpret.hooks import module_of_feature
from topophys.interpret.probed_network import find_active_subspace, invariant_density
from topophys.learn import TopologicalMLEncoder


class Listens(nn.Module):
    """h = M x with as many channels as x; the density is a product of two of the x."""

    def __init__(self, mix):
        super().__init__()
        self.mix = nn.Linear(*mix.shape, bias=False).double()
        self.mix.weight.data = mix
        self.back = torch.linalg.inv(mix)

    def forward(self, x):
        first = self.mix(x) @ self.back.T
        return first[..., 0] * first.roll(-1, dims=1)[..., 1]


def example():
    torch.manual_seed(0)
    x = np.random.default_rng(0).standard_normal((200, 12, 6)) * [1, 1, 30, 1, 1, 1]
    return Listens(torch.randn(6, 6).double()), x


def test_active_subspace_contains_the_read_directions():
    network, x = example()
    used = find_active_subspace(network, x, "mix", density=lambda out: out)
    assert used.share[:2].sum() > 1 - 1e-9
    h = network.mix(torch.from_numpy(x)).detach().numpy()
    found = used(h, 2).reshape(-1, 2)
    np.testing.assert_allclose(np.cov(found.T), np.eye(2), atol=0.01)
    # the two projections span x_0 and x_1, and know nothing of the loud channel x_2
    rows = x.reshape(-1, 6)
    fit = np.linalg.lstsq(found, rows, rcond=None)[0]
    left = ((rows - found @ fit) ** 2).mean(0) / rows.var(0)
    assert left[:2].max() < 1e-3
    assert left[2:].min() > 0.99


def test_batches_make_no_difference():
    network, x = example()
    one, two = (
        find_active_subspace(network, x, "mix", density=lambda o: o, batch_size=b) for b in (7, 200)
    )
    np.testing.assert_allclose(one.mean, two.mean, atol=1e-12)
    np.testing.assert_allclose(one.share[:2].sum(), two.share[:2].sum(), atol=1e-6)


def test_probe_distinguishes_links_from_their_sum():
    # the sum over the zone of a_{j+1} - a_j does not depend on a, but each link does
    class Difference(nn.Module):
        def __init__(self):
            super().__init__()
            self.own = nn.Identity()

        def forward(self, x):
            a = self.own(x)
            return a.roll(-1, dims=1)[..., 0] - a[..., 0]

    used = find_active_subspace(Difference(), example()[1], "own", density=lambda out: out)
    assert used.share[0] > 0.999


def test_constant_channels_are_left_out():
    network, x = example()
    x[..., 5] = 2.0
    assert find_active_subspace(network, x, "mix", density=lambda out: out).directions.shape == (
        6,
        5,
    )


def test_density_of_the_encoder():
    torch.manual_seed(0)
    encoder = TopologicalMLEncoder(hidden_dims=(6, 4, 8))
    output = encoder(torch.randn(3, 16, 8))
    density = invariant_density(encoder, output)
    assert density.shape == (3, 16)
    torch.testing.assert_close(density.sum(1), output["invariant"])
    layer = module_of_feature(encoder, torch.zeros(1, 8, 8), "h1_features")
    x = np.random.default_rng(0).standard_normal((5, 16, 8))
    used = find_active_subspace(
        encoder, x, layer, density=lambda out: invariant_density(encoder, out)
    )
    assert used.directions.shape == (6, 6)
    assert all(p.grad is None for p in encoder.parameters())


def test_networks_without_a_linear_read_out():
    with pytest.raises(InputError, match="Linear"):
        invariant_density(nn.Linear(2, 2), {})
