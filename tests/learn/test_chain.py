"""Shapes, sizes and paths of the encoder."""

import inspect

import pytest
import torch

import topophys as tp
from tests.learn.mutants import faulty
from topophys.errors import InputError, ShapeError
from topophys.learn import EncoderConfig, TopologicalMLEncoder, compute_topological_loss
from topophys.learn.checkpoint import load_encoder, save_encoder
from topophys.learn.layers import flatten_channels

TARGETS = torch.tensor([-1, 0, 1, 0, 1, -1])


def example(n_k=12, channels=8, **settings):
    torch.manual_seed(0)
    encoder = TopologicalMLEncoder(channels, hidden_dims=(6, 5, 7), output_features=4, **settings)
    return encoder, torch.randn(6, n_k, channels)


@pytest.mark.parametrize("n_k", [1, 2, 31, 64])
@pytest.mark.parametrize("channels", [2, 8, 18])
def test_shapes(n_k, channels):
    encoder, x = example(n_k, channels, num_classes=5)
    out = encoder(x)
    assert set(out) == {
        "invariant",
        "topological_logits",
        "topological_features",
        "local_features",
    }
    assert out["invariant"].shape == (6,)
    assert out["topological_logits"].shape == (6, 5)
    assert out["topological_features"].shape == (6, 4)
    assert out["local_features"]["h1_features"].shape == (6, n_k, 6)
    assert out["local_features"]["h2_features"].shape == (6, n_k, 5)


def test_defaults_are_those_of_a_training_and_on_the_frontier_of_widths():
    encoder = TopologicalMLEncoder()
    trained = EncoderConfig()
    assert encoder.settings["hidden_dims"] == list(trained.hidden_dims)
    assert encoder.settings["output_features"] == trained.output_features
    assert encoder.settings == {
        "input_dim": 8,
        "k_points": 32,
        "hidden_dims": [24, 16, 32],
        "num_classes": 3,
        "output_features": 16,
        "gated": True,
        "flatten": True,
        "upsample": 1,
        "point_layers": 1,
        "keep_input": False,
        "link_layers": 1,
    }
    assert encoder(torch.randn(2, 32, 8))["topological_features"].shape == (2, 16)


def test_weights_of_earlier_default_widths_load(tmp_path):
    old = TopologicalMLEncoder(hidden_dims=(64, 128, 256), output_features=128)
    save_encoder(tmp_path, "best", old)
    found = load_encoder(tmp_path, "best")
    assert found.settings["hidden_dims"] == [64, 128, 256]
    x = torch.randn(2, 8, 8)
    torch.testing.assert_close(found(x)["invariant"], old(x)["invariant"], rtol=0, atol=0)


@pytest.mark.parametrize("gated", [True, False])
def test_number_of_parameters(gated):
    encoder, _ = example(gated=gated)
    factor = 2 if gated else 1  # two affine maps are multiplied, or one is rectified
    expected = factor * (8 + 1) * 6 + factor * (12 + 1) * 7 + (7 + 1) * 5 + 5 * 4 + 4 + 1
    assert sum(p.numel() for p in encoder.parameters()) == expected


def test_number_of_classes_costs_nothing():
    few, many = (example(num_classes=n)[0] for n in (3, 9))
    assert set(few.state_dict()) == set(many.state_dict())
    many.load_state_dict(few.state_dict())  # a longer list of classes can be had at any time
    x = torch.randn(3, 8, 8)
    torch.testing.assert_close(
        many(x)["topological_logits"][:, 3:6], few(x)["topological_logits"], rtol=0, atol=0
    )


def test_settings_make_the_same_network_again():
    encoder, x = example(num_classes=5, gated=False, flatten=False)
    again = TopologicalMLEncoder(**encoder.settings)
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again(x)["invariant"], encoder(x)["invariant"])


def test_gated_layers_are_quadratic_and_plain_ones_piecewise_linear():
    for gated, degree in ((True, 2), (False, 1)):
        encoder, x = example(gated=gated, flatten=False)
        point = encoder.double().point
        with torch.no_grad():
            (point.pair if gated else point.linear).bias.zero_()
            h1, doubled = point(x.double()), point(2 * x.double())
        assert torch.equal(doubled, 2**degree * h1)  # powers of two commit no rounding error


def test_flatten_frees_from_the_scale():
    encoder, x = example()
    scale = torch.rand(6, 12, 1) * 100 + 0.01  # another scale at every k point
    change = encoder(scale * x)["invariant"] - encoder(x)["invariant"]
    assert change.abs().max() < 1e-4
    raw, _ = example(flatten=False)
    assert (raw(scale * x)["invariant"] - raw(x)["invariant"]).abs().max() > 1.0


def test_upsampling_reads_the_same_chain_on_a_finer_grid():
    chains = tp.ensembles.aiii_chains(6, rng=1)  # det D is of degree 4, D itself of degree 2
    encoder, _ = example()
    encoder = encoder.double()
    coarse, fine = (
        torch.from_numpy(chains.block_on_grid(n).reshape(6, n, 4).copy().view(float))
        for n in (5, 15)
    )
    expected = encoder(fine)
    encoder.settings["upsample"] = 3
    found = encoder(coarse)
    torch.testing.assert_close(found["invariant"], expected["invariant"])
    assert found["local_features"]["h2_features"].shape == (6, 15, 5)


# ---- everything lies on the path to the output


def gradients(encoder, x, weight=0.1):
    compute_topological_loss(encoder(x), TARGETS, weight)["total_loss"].backward()
    return {name: p.grad for name, p in encoder.named_parameters()}


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("flatten", [True, False])
def test_every_parameter_receives_gradient(gated, flatten):
    encoder, x = example(gated=gated, flatten=flatten)
    found = gradients(encoder, x)
    assert len(found) == 9  # three affine maps with bias, a projection, a read-out, a width
    for name, gradient in found.items():
        assert gradient is not None, name
        assert gradient.count_nonzero() > 0, name


def test_regression_alone_reaches_every_layer():
    encoder, x = example()
    found = gradients(encoder, x, weight=0.0)
    assert found.pop("head.log_width").count_nonzero() == 0  # it belongs to the class scores
    assert all(gradient.count_nonzero() > 0 for gradient in found.values())


def on_the_path(encoder, x):
    """Whether the invariant depends on each of the layers that are shown."""
    out = encoder(x)
    shown = list(out["local_features"].values())
    found = torch.autograd.grad(out["invariant"].sum(), shown, allow_unused=True)
    return [g is not None and bool((g != 0).any(dim=-1).all()) for g in found]


def test_local_features_lie_on_the_path():
    encoder, x = example()
    assert on_the_path(encoder, x) == [True, True]


def test_audit_of_paths_detects_side_branches():
    torch.manual_seed(0)
    sound, broken = (
        faulty(fault, hidden_dims=(6, 5, 7), output_features=4) for fault in ("", "side branch")
    )
    x = torch.randn(6, 12, 8)
    assert on_the_path(sound, x) == [True, True]
    assert on_the_path(broken, x) == [False, False]
    found = gradients(broken, x)
    assert found["point.pair.weight"] is None  # the fault that a test of weights would also show


def test_invariant_is_a_sum_over_the_links_shown():
    encoder, x = example()
    out = encoder(x)
    pooled = out["local_features"]["h2_features"].sum(dim=1)
    features = pooled @ encoder.project.weight.T
    torch.testing.assert_close(features, out["topological_features"])
    torch.testing.assert_close(
        (features @ encoder.head.readout.weight.T).squeeze(-1), out["invariant"]
    )


def test_change_at_one_k_point_changes_two_links():
    encoder, x = example()
    changed = x.clone()
    changed[:, 5] = torch.randn(6, 8)
    before, after = (encoder(y)["local_features"] for y in (x, changed))
    moved = {name: (after[name] != before[name]).any(-1).any(0) for name in before}
    assert moved["h1_features"].nonzero().flatten().tolist() == [5]
    assert moved["h2_features"].nonzero().flatten().tolist() == [4, 5]


# ---- refusals


@pytest.mark.parametrize("channels", [1, 4, 7, 9, 16])
def test_channels_must_be_those_of_square_blocks(channels):
    with pytest.raises(InputError, match="2 N\\^2"):
        TopologicalMLEncoder(channels)


@pytest.mark.parametrize(
    "settings",
    [
        {"input_dim": 0},
        {"k_points": 0},
        {"hidden_dims": (1, 2)},
        {"hidden_dims": (1, 2, 0)},
        {"num_classes": 0},
        {"output_features": -1},
        {"upsample": 0},
    ],
)
def test_sizes_must_be_positive(settings):
    with pytest.raises(InputError) as caught:
        TopologicalMLEncoder(**settings)
    assert "\n" not in str(caught.value)
    assert next(iter(settings)) in str(caught.value)


@pytest.mark.parametrize("shape", [(32, 8), (2, 32, 18), (1, 2, 32, 8)])
def test_inputs_of_other_shapes_are_refused(shape):
    encoder, _ = example()
    with pytest.raises(ShapeError, match=r"\(B, N, 8\)"):
        inspect.unwrap(type(encoder).forward)(encoder, torch.zeros(shape))


def test_more_layers_on_each_point():
    # with two bilinear layers h1 is of fourth degree in D
    torch.manual_seed(0)
    encoder = TopologicalMLEncoder(32, hidden_dims=(6, 5, 8), flatten=False, point_layers=2)
    x = torch.randn(3, 8, 32, dtype=torch.float64)
    h1 = [encoder.double()(scale * x)["local_features"]["h1_features"] for scale in range(-3, 4)]
    signs = (1, -6, 15, -20, 15, -6, 1)  # sixth difference: 0 for polynomials of lower degree
    h1 = [h.detach() for h in h1]
    top = sum(s * h for s, h in zip(signs, h1, strict=True))
    assert float(top.abs().max()) < 1e-9
    fourth = sum(s * h for s, h in zip((1, -4, 6, -4, 1), h1[1:6], strict=True))
    assert float(fourth.abs().max()) > 1e-3


def test_links_that_see_the_block():
    torch.manual_seed(0)
    settings = {"hidden_dims": (6, 5, 7), "output_features": 3}
    encoder = TopologicalMLEncoder(keep_input=True, link_layers=3, **settings).double()
    x = torch.randn(4, 9, 8, dtype=torch.float64)
    out = encoder(x)
    h1 = out["local_features"]["h1_features"]
    assert h1.shape == (4, 9, 8 + 6)
    torch.testing.assert_close(h1[..., :8], flatten_channels(x))
    plain = TopologicalMLEncoder(**settings)
    more = 2 * (2 * 8 * 7) + 2 * (5 * 5 + 5)
    assert sum(p.numel() for p in encoder.parameters()) == more + sum(
        p.numel() for p in plain.parameters()
    )
    compute_topological_loss(out, torch.tensor([-1, 0, 1, 0]))["total_loss"].backward()
    assert all(p.grad is not None and p.grad.count_nonzero() for p in encoder.parameters())
    again = TopologicalMLEncoder(**encoder.settings).double()
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again(x)["invariant"], out["invariant"])
    # any cut of the zone will do: nothing depends on where k begins
    torch.testing.assert_close(encoder(x.roll(3, dims=1))["invariant"], out["invariant"])
