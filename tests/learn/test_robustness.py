"""Certified radii of networks: bounds that hold, attacks that find nothing inside them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from topophys.errors import InputError
from topophys.learn import (
    TopologicalMLEncoder,
    TopologicalMLEncoder2D,
    attack_chains,
    certify_robustness,
)
from topophys.learn.layers import flatten_channels
from topophys.learn.robustness import _gradient_bound, _Interval, _slope, _slopes


def network(seed=0, *, keep_input=False, size=2):
    torch.manual_seed(seed)
    return TopologicalMLEncoder(
        2 * size * size, hidden_dims=(6, 5, 7), output_features=4, keep_input=keep_input
    ).double()


class Exact(TopologicalMLEncoder):
    """A hand-made network of one orbital: about the sum of sines of the steps of the phase."""

    def __init__(self, gain=1.0):
        super().__init__(2, hidden_dims=(2, 2, 2), output_features=1)
        with torch.no_grad():
            for p in self.parameters():
                p.zero_()
            # h1 = (cos, sin); products cos sin' and sin cos'; their difference is the sine
            self.point.pair.weight[:2] = torch.eye(2)
            self.point.pair.bias[2:] = 1.0
            self.link.pair.weight[0, 0] = self.link.pair.weight[1, 1] = 1.0
            self.link.pair.weight[2, 3] = self.link.pair.weight[3, 2] = 1.0
            # far to the right GELU is the identity; the second channel takes the constant off
            self.density.weight[0] = torch.tensor([1.0, -1.0])
            self.density.bias[:] = 20.0
            self.project.weight[:] = torch.tensor([[1.0, -1.0]]) * gain / (2.0 * np.pi)
            self.head.readout.weight[:] = 1.0


@given(seed=st.integers(0, 10**6), keep_input=st.booleans(), size=st.integers(1, 3),
       scale=st.floats(-3.0, 0.0))  # fmt: skip
def test_gradients_inside_the_balls_are_below_the_bound(seed, keep_input, size, scale):
    encoder = network(seed, keep_input=keep_input, size=size)
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    x = torch.from_numpy(rng.standard_normal((3, n, 2 * size * size)))
    flat = flatten_channels(x)
    rho = torch.from_numpy(10.0**scale * rng.random((3, n)))
    bound = _gradient_bound(encoder, flat, rho)
    encoder.settings["flatten"] = False
    for _ in range(5):
        step = torch.from_numpy(rng.standard_normal(flat.shape))
        step *= (rho / step.norm(dim=-1) * torch.from_numpy(rng.random((3, n))))[..., None]
        moved = (flat + step).requires_grad_()
        (gradient,) = torch.autograd.grad(encoder(moved)["invariant"].sum(), moved)
        assert (gradient.norm(dim=-1) <= bound + 1e-12).all()
    at = flat.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(encoder(at)["invariant"].sum(), at)
    # without a ball the bound is the gradient
    tight = _gradient_bound(encoder, flat, torch.zeros_like(rho))
    torch.testing.assert_close(tight, gradient.norm(dim=-1), rtol=1e-5, atol=1e-6)


@given(middle=st.floats(-5.0, 5.0), radius=st.floats(0.0, 4.0), at=st.floats(-1.0, 1.0))
def test_slopes_of_gelu_are_inside_their_range(middle, radius, at):
    s = _Interval(torch.tensor([middle]).double(), torch.tensor([radius]).double())
    found = _slopes(s)
    inside = (s.middle + at * s.radius).requires_grad_()
    (slope,) = torch.autograd.grad(torch.nn.functional.gelu(inside).sum(), inside)
    assert abs(slope - found.middle) <= found.radius + 1e-12
    torch.testing.assert_close(_slope(inside.detach()), slope)


@pytest.mark.parametrize("keep_input", [False, True])
def test_chains_inside_the_radius_have_the_same_answer(keep_input):
    encoder = network(3, keep_input=keep_input)
    with torch.no_grad():  # answers 0 for all: there are chains for which it is right
        encoder.project.weight *= 0.05
    chains = tp.ensembles.aiii_chains(60, min_gap=0.2, rng=4)
    found = certify_robustness(encoder, chains, grid=8)
    assert (found.value == 0).all()
    right = tp.certify_winding(chains).value == 0
    np.testing.assert_array_equal(found.radius > 0.0, right)
    assert (found.radius <= found.label_radius).all()
    gaps = 2.0 * np.linalg.svd(chains.block_on_grid(400), compute_uv=False)[..., -1].min(-1)
    assert (found.label_radius <= 0.5 * gaps).all()
    assert (found.label_radius >= 0.45 * gaps).all()
    assert found.accuracy_at(0.0) == right.mean()
    assert found.accuracy_at(10.0) == 0.0
    rng = np.random.default_rng(1)
    inside = np.flatnonzero(right)
    delta = rng.standard_normal((len(inside), 5, 2, 2, 2)).view(np.complex128)[..., 0]
    size = np.linalg.norm(delta, axis=(-2, -1)).sum(1)
    delta *= (found.radius[inside] / size)[:, None, None, None]
    near = tp.ChiralHamiltonian.from_array(-2, chains.block_amplitudes[inside] + delta)
    assert (tp.certify_winding(near).value == 0).all()
    again = certify_robustness(encoder, near, grid=8)
    assert (again.value == 0).all()


def test_an_attack_finds_nothing_inside_the_radius_and_something_beyond():
    # a right network of one orbital on many points: sines of small steps are the steps
    k = tp.k_grid(64)
    blocks = np.zeros((20, 3, 1, 1), complex)
    rng = np.random.default_rng(2)
    blocks[:, 2, 0, 0] = 1.0
    blocks[:, 1, 0, 0] = rng.uniform(0.0, 0.7, 20)
    chains = tp.ChiralHamiltonian.from_array(-1, blocks)
    found = certify_robustness(Exact().double(), chains, grid=len(k))
    np.testing.assert_array_equal(found.value, tp.certify_winding(chains).value)
    assert (found.radius > 0.01).all()
    attacked = attack_chains(Exact().double(), chains, found.radius, grid=64, rng=1)
    np.testing.assert_array_equal(attacked, found.value)
    # beyond the label's radius the answer can change
    far = attack_chains(Exact().double(), chains, 1.5, grid=64, rng=1)
    assert (far != found.value).any()


def test_wrong_answers_have_no_radius():
    chains = tp.ensembles.aiii_chains(30, min_gap=0.2, rng=4)
    encoder = network(1)
    with torch.no_grad():
        encoder.project.weight.zero_()
    found = certify_robustness(encoder, chains)
    wrong = tp.certify_winding(chains).value != 0
    assert wrong.any()
    assert (found.radius[wrong] == 0.0).all()
    # a network that says 0 whatever it is shown is right as far as the label reaches
    sampled = np.linalg.svd(chains.block_on_grid(32), compute_uv=False)[..., -1].min(-1)
    expected = np.minimum(found.label_radius, sampled)[~wrong]
    np.testing.assert_allclose(found.radius[~wrong], expected, rtol=1e-6)


def test_other_networks_are_refused():
    chains = tp.ensembles.aiii_chains(2, rng=1)
    with pytest.raises(InputError, match="must hold a TopologicalMLEncoder"):
        certify_robustness(TopologicalMLEncoder2D(), chains)  # type: ignore[arg-type]
    for setting in ({"gated": False}, {"flatten": False}, {"upsample": 2}, {"point_layers": 2},
                    {"link_layers": 2}):  # fmt: skip
        other = TopologicalMLEncoder(8, hidden_dims=(4, 4, 4), **setting)
        with pytest.raises(InputError, match=f"must have `{next(iter(setting))}="):
            certify_robustness(other, chains)
    with pytest.raises(InputError, match="blocks of 18 real numbers"):
        certify_robustness(network(size=3), chains)
    with pytest.raises(InputError, match="`radius` must not be negative"):
        attack_chains(network(), chains, -1.0)
