"""Layers are those of the network."""

import numpy as np
import pytest
import torch

from topophys.datasets import open_dataset
from topophys.interpret import activations
from topophys.interpret.probed_network import ProbedNetwork, draw_samples, untrained_like
from topophys.learn import TopologicalMLEncoder2D


@pytest.fixture(scope="module")
def chains(chains_file):
    with open_dataset(chains_file) as dataset:
        yield draw_samples(dataset, "test", 40, 0)


@pytest.fixture(scope="module")
def planes(chern_file):
    with open_dataset(chern_file) as dataset:
        yield draw_samples(dataset, "test", 20, 0)


def test_layers_are_those_of_the_network(trained, chains):
    network = ProbedNetwork(trained.encoder)
    expected = activations(trained.encoder, chains.x)
    for layer in ("h1_features", "h2_features"):
        np.testing.assert_array_equal(network.hidden(chains, layer), expected[layer])
    density = network.density(chains, "h2_features")
    with torch.no_grad():
        whole = trained.encoder(torch.from_numpy(chains.x))["invariant"].numpy()
    np.testing.assert_allclose(density.sum((1, 2)), whole, atol=1e-4)
    assert network.active_part(chains, "h2_features", 1).shape == (40, 32, 1)
    assert network.active_part(chains, "h1_features", 2).shape == (40, 32, 2)


def test_two_dimensions(planes):
    torch.manual_seed(0)
    network = ProbedNetwork(TopologicalMLEncoder2D(hidden_dims=(6, 8, 10)))
    grid = planes.x.shape[1:-1]
    assert network.hidden(planes, "h3_features").shape == (20, *grid, 10)
    with torch.no_grad():
        whole = network.encoder(torch.from_numpy(planes.x))["invariant"].numpy()
    found = network.density(planes, "h3_features").sum((1, 2, 3))
    np.testing.assert_allclose(found, whole, atol=1e-4)


def test_untrained_networks_are_fixed_by_their_seed(trained):
    before = torch.random.get_rng_state()
    one, two, other = (untrained_like(trained.encoder, s).state_dict() for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert not torch.equal(one["point.pair.weight"], other["point.pair.weight"])
