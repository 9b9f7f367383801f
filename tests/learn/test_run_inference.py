"""Predictions in batches."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from topophys.learn import TopologicalMLEncoder
from topophys.learn.run import batches, placement, predict_invariants


@given(n=st.integers(0, 50), size=st.integers(1, 60))
def test_batches_cover_everything_once(n, size):
    parts = [list(range(n))[part] for part in batches(n, size)]
    assert [i for part in parts for i in part] == list(range(n))
    assert all(1 <= len(part) <= size for part in parts)


def encoder(dtype=torch.float64):
    torch.manual_seed(0)
    return TopologicalMLEncoder(hidden_dims=(4, 3, 6), output_features=2).to(dtype)


@pytest.mark.parametrize("size", [1, 3, 10, 100])
def test_batch_size_does_not_matter(size):
    x = np.random.default_rng(0).standard_normal((10, 16, 8)).astype(np.float32)
    network = encoder()
    whole = network(torch.from_numpy(x).double())["invariant"].detach().numpy()
    found = predict_invariants(network, x, batch_size=size)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, whole, rtol=1e-13)


def test_network_is_left_in_evaluation_mode_without_gradients():
    network = encoder(torch.float32).train()
    predict_invariants(network, np.ones((2, 4, 8), np.float32))
    assert not network.training
    assert all(p.grad is None for p in network.parameters())


def test_empty_batches_give_empty_predictions():
    assert predict_invariants(encoder(), np.ones((0, 4, 8), np.float32)).shape == (0,)


def test_placement():
    assert placement(encoder()) == (torch.device("cpu"), torch.float64)
    assert placement(torch.nn.Identity()) == (torch.device("cpu"), torch.float32)
