"""The encoder of loops: shapes, gauge, symmetries, and what it can learn."""

import inspect

import numpy as np
import pytest
import torch

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.invariants.chern import chern_number_of_links
from topophys.learn import TopologicalMLEncoderLoops, compute_topological_loss


def channels(matrices, per_point):
    """Real channels of complex arrays whose first three axes are batch and grid."""
    flat = np.ascontiguousarray(matrices).reshape(*matrices.shape[:3], -1)
    assert flat.shape[-1] * 2 == per_point
    return torch.from_numpy(flat.view(np.float64))


def random_input(n=3, size=2, grid=(4, 5), seed=0):
    links = tp.ensembles.random_links(n, n_occupied=size, grid=grid, rng=seed)
    return links, channels(links, 4 * size * size)


def example(**settings):
    torch.manual_seed(0)
    settings = {"input_dim": 16, "input_kind": "links", "hidden_dims": (3, 4, 6)} | settings
    return TopologicalMLEncoderLoops(**settings, output_features=5, harmonics=7).double()


def test_shapes():
    encoder, (_, x) = example(num_classes=5), random_input()
    out = encoder(x)
    assert out["invariant"].shape == (3,)
    assert out["topological_logits"].shape == (3, 5)
    assert out["topological_features"].shape == (3, 5)
    assert out["local_features"]["h1_features"].shape == (3, 4, 5, 8)
    assert out["local_features"]["h2_features"].shape == (3, 4, 5, 2, 8)
    assert out["local_features"]["h3_features"].shape == (3, 4, 5, 6)


def test_links_are_shown_as_given():
    encoder, (_, x) = example(), random_input()
    assert torch.equal(encoder(x)["local_features"]["h2_features"].flatten(3), x)


def test_layers_lie_on_the_path():
    encoder, (_, x) = example(), random_input()
    out = encoder(x.requires_grad_())
    shown = [out["local_features"][f"h{n}_features"] for n in (2, 3)]
    for gradient in torch.autograd.grad(out["invariant"].sum(), [x, shown[1]]):
        assert gradient.count_nonzero() > 0
    compute_topological_loss(encoder(x), torch.tensor([0, 1, -1]))["total_loss"].backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.count_nonzero() > 0, name


def test_pooling_first_is_the_same():
    encoder, (_, x) = example(), random_input()
    out, short = encoder(x), encoder.read(encoder.pooled(x))
    for name, value in short.items():
        torch.testing.assert_close(value, out[name])


def test_settings_make_the_same_network_again():
    encoder, (_, x) = example(), random_input()
    again = TopologicalMLEncoderLoops(**encoder.settings).double()
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again(x)["invariant"], encoder(x)["invariant"])


def test_one_network_reads_any_number_of_bands():
    two, three = example(), example(input_dim=36)
    three.load_state_dict(two.state_dict())
    assert three(random_input(size=3)[1])["invariant"].shape == (3,)


def test_no_gauge_changes_the_answer():
    encoder, (links, x) = example(), random_input()
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(rng.normal(size=(3, 4, 5, 2, 2)) + 1j * rng.normal(size=(3, 4, 5, 2, 2)))[
        0
    ]
    ends = np.stack([np.roll(basis, -1, axis=axis) for axis in (1, 2)], axis=3)
    turned = basis.conj().swapaxes(-1, -2)[..., None, :, :] @ links @ ends
    before, after = encoder(x), encoder(channels(turned, 16))
    torch.testing.assert_close(after["invariant"], before["invariant"])
    torch.testing.assert_close(
        after["local_features"]["h3_features"], before["local_features"]["h3_features"]
    )


def test_origin_and_orientation():
    encoder, (links, x) = example(), random_input()
    here = encoder(x)["invariant"]
    torch.testing.assert_close(encoder(x.roll((1, 2), dims=(1, 2)))["invariant"], here)
    mirror = channels(np.flip(links.swapaxes(1, 2), axis=3), 16)
    torch.testing.assert_close(encoder(mirror)["invariant"], -here)


def test_bands_and_their_projectors_are_read_alike():
    h_k = tp.ensembles.class_a(3, n_bands=3, n_occupied=2, rng=1).on_grid((6, 6))
    frames = np.linalg.eigh(h_k)[1][..., :2]
    flat = np.eye(3) - 2 * frames @ frames.conj().swapaxes(-1, -2)
    encoder = example(input_dim=18, input_kind="bands", n_occupied=2)
    raw, flattened = (encoder(channels(h, 18))["invariant"] for h in (h_k, flat))
    torch.testing.assert_close(raw, flattened)


@pytest.mark.parametrize("branch", ["determinant", "eigenphases"])
def test_least_squares_finds_the_series_of_the_logarithm(branch):
    links, x = random_input(n=1500, size=2, grid=(5, 5), seed=2)
    label = chern_number_of_links(links, branch=branch)
    waves = TopologicalMLEncoderLoops(16, input_kind="links", harmonics=40).pooled(x).numpy()
    series = np.linalg.lstsq(waves, label, rcond=None)[0].reshape(2, 40)
    m = np.arange(1, 41)
    known = (-1.0) ** m / (np.pi * m)
    mine, other = series if branch == "eigenphases" else series[::-1]
    assert np.abs(mine - known)[:10].max() < 0.02
    assert np.abs(other)[:10].max() < 0.02


@pytest.mark.parametrize(
    "settings",
    [
        {"input_dim": 15},
        {"input_dim": 8},
        {"k_grid": (4,)},
        {"hidden_dims": (0,)},
        {"harmonics": 0},
        {"input_kind": "photons"},
        {"input_dim": 8, "input_kind": "bands", "n_occupied": 2},
    ],
)
def test_refusals(settings):
    with pytest.raises(InputError) as caught:
        TopologicalMLEncoderLoops(**({"input_dim": 16, "input_kind": "links"} | settings))
    assert "\n" not in str(caught.value)


def test_inputs_of_other_shapes_are_refused():
    encoder = example()
    with pytest.raises(ShapeError, match=r"\(B, Nx, Ny, 16\)"):
        inspect.unwrap(type(encoder).forward)(encoder, torch.zeros(2, 4, 4, 8))
