"""Shapes, sizes, paths and symmetries of the encoder in two dimensions."""

import inspect

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from topophys.errors import InputError, ShapeError
from topophys.learn import TopologicalMLEncoder2D, compute_topological_loss

TARGETS = torch.tensor([-1, 0, 1, 0])
SMALL = {"hidden_dims": (5, 4, 6), "output_features": 3}


def example(grid=(5, 6), **settings):
    torch.manual_seed(0)
    settings = {"rotation_invariant": False} | settings
    encoder = TopologicalMLEncoder2D(k_grid=grid, **SMALL, **settings)
    return encoder, torch.randn(4, *grid, 3)


@pytest.mark.parametrize("grid", [(1, 1), (2, 3), (16, 16), (7, 12)])
@pytest.mark.parametrize("upsample", [1, 3])
def test_shapes(grid, upsample):
    encoder, x = example(grid, num_classes=5, upsample=upsample)
    out = encoder(x)
    fine = tuple(upsample * n for n in grid)
    assert out["invariant"].shape == (4,)
    assert out["topological_logits"].shape == (4, 5)
    assert out["topological_features"].shape == (4, 3)
    assert out["local_features"]["h1_features"].shape == (4, *fine, 5)
    assert out["local_features"]["h2_features"].shape == (4, *fine, 2, 4)
    assert out["local_features"]["h3_features"].shape == (4, *fine, 6)


def test_other_grids_than_that_of_the_training():
    encoder, _ = example((5, 6))
    assert encoder(torch.randn(2, 9, 4, 3))["invariant"].shape == (2,)


@pytest.mark.parametrize("gated", [True, False])
def test_number_of_parameters(gated):
    encoder, _ = example(gated=gated)
    factor = 2 if gated else 1
    layers = factor * ((3 + 1) * 5 + (10 + 1) * 4 + (16 + 1) * 6)
    assert sum(p.numel() for p in encoder.parameters()) == layers + 7 * 6 + 6 * 3 + 3 + 1


def test_settings_make_the_same_network_again():
    encoder, x = example(num_classes=5, gated=False, flatten=False, upsample=2)
    again = TopologicalMLEncoder2D(**encoder.settings)
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again(x)["invariant"], encoder(x)["invariant"])


def test_mirrors_change_the_sign():
    encoder, x = example()
    encoder, x = encoder.double(), x.double()
    seen = encoder(x.transpose(1, 2))["invariant"]
    torch.testing.assert_close(seen, -encoder(x)["invariant"])
    free, _ = example(oriented=False)
    free = free.double()
    assert (free(x.transpose(1, 2))["invariant"] + free(x)["invariant"]).abs().min() > 1e-3


def test_constant_fields_have_no_invariant():
    encoder, x = example()
    assert encoder(x[:, :1, :1].expand_as(x))["invariant"].abs().max() < 1e-6


def test_flatten_frees_from_the_scale():
    encoder, x = example()
    encoder, x = encoder.double(), x.double()
    scale = torch.rand(4, 5, 6, 1, dtype=torch.float64) * 100 + 0.01  # another one at every k point
    torch.testing.assert_close(encoder(scale * x)["invariant"], encoder(x)["invariant"])
    raw, _ = example(flatten=False)
    raw = raw.double()
    assert (raw(scale * x)["invariant"] - raw(x)["invariant"]).abs().max() > 1.0


def test_untrained_output_is_of_order_one_on_any_grid():
    for grid in ((6, 6), (24, 24)):
        encoder, x = example(grid)
        assert encoder(x)["invariant"].abs().max() < 5.0


# ---- everything lies on the path to the output


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("oriented", [True, False])
@pytest.mark.parametrize("upsample", [1, 2])
def test_every_parameter_receives_gradient(gated, oriented, upsample):
    encoder, x = example(gated=gated, oriented=oriented, upsample=upsample)
    compute_topological_loss(encoder(x), TARGETS)["total_loss"].backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.count_nonzero() > 0, name


def on_the_path(out):
    shown = list(out["local_features"].values())
    found = torch.autograd.grad(out["invariant"].sum(), shown, allow_unused=True)
    return [g is not None and bool((g != 0).flatten(3).any(dim=-1).all()) for g in found]


def test_local_features_lie_on_the_path():
    encoder, x = example()
    assert on_the_path(encoder(x)) == [True, True, True]


def test_audit_of_paths_detects_side_branches():
    encoder, x = example()
    out = encoder(x)
    out["local_features"]["h2_features"] = encoder.link(out["local_features"]["h1_features"])
    assert on_the_path(out) == [True, False, True]


def test_invariant_is_a_sum_over_the_plaquettes_shown():
    encoder, x = example()
    out = encoder(x)
    features = out["local_features"]["h3_features"].sum(dim=(1, 2)) @ encoder.project.weight.T
    torch.testing.assert_close(features, out["topological_features"])
    torch.testing.assert_close(
        (features @ encoder.head.readout.weight.T).squeeze(-1), out["invariant"]
    )


def test_change_at_one_point_changes_its_links_and_plaquettes():
    encoder, x = example()
    changed = x.clone()
    changed[:, 2, 3] = torch.randn(4, 3)
    before, after = (encoder(y)["local_features"] for y in (x, changed))
    moved = {name: (after[name] != before[name]).any(-1).any(0) for name in before}
    assert moved["h1_features"].nonzero().tolist() == [[2, 3]]
    along_x, along_y = moved["h2_features"].unbind(-1)
    assert along_x.nonzero().tolist() == [[1, 3], [2, 3]]
    assert along_y.nonzero().tolist() == [[2, 2], [2, 3]]
    assert moved["h3_features"].nonzero().tolist() == [[1, 2], [1, 3], [2, 2], [2, 3]]


# ---- identities, in exact arithmetic: small binary fractions, a rectifier in place of gelu


@pytest.fixture
def no_rounding(monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "gelu", torch.relu)


def exact_encoder(seed, *, gated=True, oriented=False):
    torch.manual_seed(seed)
    encoder = TopologicalMLEncoder2D(
        gated=gated, oriented=oriented, flatten=False, hidden_dims=(4, 3, 4), output_features=2
    ).double()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape) / 4)
    return encoder


def exact_input(seed, grid):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-2, 3, (3, *grid, 3), generator=generator).double() / 2


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("oriented", [True, False])
@pytest.mark.parametrize("grid", [(1, 1), (3, 4), (8, 5)])
def test_origin_of_the_zone_does_not_matter(no_rounding, gated, oriented, grid):
    for seed in range(3):
        encoder = exact_encoder(seed, gated=gated, oriented=oriented)
        x = exact_input(seed, grid)
        home = encoder(x)
        for step in [(1, 0), (0, 1), (2, 3)]:
            away = encoder(x.roll(step, dims=(1, 2)))
            assert torch.equal(away["invariant"], home["invariant"])
            for name, local in home["local_features"].items():
                assert torch.equal(away["local_features"][name], local.roll(step, dims=(1, 2)))


@pytest.mark.parametrize("gated", [True, False])
def test_sixfold_cover_of_the_zone_multiplies_the_invariant_by_six(no_rounding, gated):
    found = []
    for seed in range(5):
        encoder, x = exact_encoder(seed, gated=gated), exact_input(seed, (4, 5))
        once, often = encoder(x)["invariant"], encoder(x.repeat(1, 2, 3, 1))["invariant"]
        assert torch.equal(often, 6 * once)
        found.append(once)
    assert torch.stack(found).count_nonzero() >= 9  # the networks are not dead


def test_identities_detect_zero_padding(no_rounding, monkeypatch):
    x = exact_input(0, (4, 5))
    moved, roll = x.roll((1, 2), dims=(1, 2)), torch.Tensor.roll

    def padded(tensor, shift, dims):
        out = roll(tensor, shift, dims=dims)
        out.select(dims, -1).zero_()
        return out

    monkeypatch.setattr(torch.Tensor, "roll", padded)
    encoders = [exact_encoder(seed) for seed in range(5)]
    assert not all(torch.equal(e(moved)["invariant"], e(x)["invariant"]) for e in encoders)


def test_samples_of_a_batch_are_independent(no_rounding):
    encoder, x = exact_encoder(0), exact_input(0, (4, 5))
    alone = torch.cat([encoder(x[i : i + 1])["invariant"] for i in range(3)])
    assert torch.equal(encoder(x)["invariant"], alone)


@given(
    seed=st.integers(0, 2**31 - 1),
    grid=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    step=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    upsample=st.integers(1, 3),
)
def test_shifts_change_rounding_only(seed, grid, step, upsample):
    torch.manual_seed(seed)
    encoder = TopologicalMLEncoder2D(k_grid=grid, upsample=upsample, **SMALL).double()
    x = torch.randn(3, *grid, 3, dtype=torch.float64)
    torch.testing.assert_close(
        encoder(x.roll(step, dims=(1, 2)))["invariant"],
        encoder(x)["invariant"],
        rtol=1e-8,
        atol=1e-10,
    )


# ---- refusals


@pytest.mark.parametrize(
    "settings",
    [
        {"input_dim": 4},
        {"input_dim": 0},
        {"k_grid": (8,)},
        {"k_grid": (8, 0)},
        {"hidden_dims": (1, 2)},
        {"hidden_dims": (1, 2, 0)},
        {"num_classes": 0},
        {"output_features": -1},
        {"upsample": 0},
    ],
)
def test_sizes_must_be_positive(settings):
    with pytest.raises(InputError) as caught:
        TopologicalMLEncoder2D(**settings)
    assert "\n" not in str(caught.value)
    assert next(iter(settings)) in str(caught.value)


@pytest.mark.parametrize("shape", [(16, 16, 3), (2, 16, 16, 4), (2, 16, 3)])
def test_inputs_of_other_shapes_are_refused(shape):
    encoder, _ = example()
    with pytest.raises(ShapeError, match=r"\(B, Nx, Ny, 3\)"):
        inspect.unwrap(type(encoder).forward)(encoder, torch.zeros(shape))
