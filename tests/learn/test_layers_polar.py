"""Polar factor inside a network against the one of the Hamiltonians, and its derivative."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import random_unitaries
from topophys.errors import ShapeError
from topophys.learn.layers import flatten_channels

SEEDS = st.integers(0, 2**31 - 1)
SIZES = st.sampled_from([1, 2, 3, 4])


def blocks(seed, n, count=7):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, n, n)) + 1j * rng.standard_normal((count, n, n))


def channels(d_k):
    return torch.from_numpy(np.ascontiguousarray(d_k).reshape(len(d_k), -1).view(np.float64))


def condition(d_k):
    return np.linalg.cond(d_k).max()


@given(seed=SEEDS, n=SIZES)
def test_equals_the_flattening_of_hamiltonians(seed, n):
    d_k = blocks(seed, n)
    found = flatten_channels(channels(d_k)).numpy()
    expected = channels(tp.flatten_block(d_k)).numpy()
    assert np.abs(found - expected).max() < 50 * condition(d_k) * np.finfo(float).eps


@given(seed=SEEDS, n=SIZES)
def test_is_unitary(seed, n):
    d_k = blocks(seed, n)
    q = flatten_channels(channels(d_k)).numpy().view(np.complex128).reshape(-1, n, n)
    off = q.conj().swapaxes(-1, -2) @ q - np.eye(n)
    assert np.abs(off).max() < 50 * condition(d_k) * np.finfo(float).eps


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scaling_by_powers_of_two_is_bit_exact(n, dtype):
    x = channels(blocks(3, n)).to(dtype)
    for exponent in (-100, -30, -1, 1, 30, 100):
        assert torch.equal(flatten_channels(x * 2.0**exponent), flatten_channels(x))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_derivative_matches_finite_differences(n):
    x = channels(blocks(n, n, count=3)).requires_grad_()
    assert torch.autograd.gradcheck(flatten_channels, x)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_derivative_at_flattened_blocks(n):
    # all singular values are equal here, and the data sets hold nothing else
    x = channels(random_unitaries(n, np.random.default_rng(n), (3,))).requires_grad_()
    assert torch.autograd.gradcheck(flatten_channels, x)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_scale_carries_no_gradient(n):
    x = channels(blocks(n, n)).requires_grad_()
    weight = torch.randn_like(x)
    (gradient,) = torch.autograd.grad((weight * flatten_channels(x)).sum(), x)
    along = (gradient * x).sum(-1).abs()
    assert (along < 1e-12 * gradient.norm(dim=-1) * x.detach().norm(dim=-1)).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_zero_blocks_stay_finite(n):
    x = torch.zeros(2, 2 * n * n, requires_grad=True)
    out = flatten_channels(x)
    assert torch.isfinite(out).all()
    out.sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("count", [0, 1, 4, 6, 16])
def test_other_numbers_of_channels_are_refused(count):
    with pytest.raises(ShapeError, match="2 n\\^2"):
        flatten_channels(torch.zeros(3, count))
