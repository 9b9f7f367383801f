"""Networks of planes that read d through products which no rotation of it changes."""

import pytest
import torch

from tests.learn.test_plane import TARGETS, example, on_the_path
from topophys.learn import FitConfig, TopologicalMLEncoder2D, compute_topological_loss
from topophys.learn.encoders.registry import rebuild_encoder


def turned(x, seed):
    draw = torch.Generator().manual_seed(seed)
    q, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=draw))
    return x @ (q * torch.sign(torch.linalg.det(q))).T


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("upsample", [1, 2])
def test_rotations_of_d_change_nothing_where_it_is_asked_for(gated, upsample):
    settings = {"gated": gated, "upsample": upsample}
    encoder, x = example(rotation_invariant=True, **settings)
    encoder, x = encoder.double(), x.double()
    out = encoder(x)
    plain, _ = example(**settings)
    plain = plain.double()
    for seed in range(3):
        seen = encoder(turned(x, seed))
        for name in ("invariant", "topological_features"):
            torch.testing.assert_close(seen[name], out[name], rtol=1e-9, atol=1e-14)
        for name in ("h2_features", "h3_features"):
            one, other = (o["local_features"][name] for o in (seen, out))
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-14)
        off = (plain(turned(x, seed))["invariant"] - plain(x)["invariant"]).abs().max()
        assert off > 1e-3 * plain(x)["invariant"].abs().max()
    # the orientation is seen: without it there would be no Chern number to read
    off = (encoder(-x)["invariant"] - out["invariant"]).abs().max()
    assert off > 1e-3 * out["invariant"].abs().max()


def test_rotation_invariant_networks_keep_what_the_others_have():
    encoder, x = example(rotation_invariant=True)
    compute_topological_loss(encoder(x), TARGETS)["total_loss"].backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.count_nonzero() > 0, name
    out = encoder(x.requires_grad_())
    assert on_the_path(out) == [True, True, True]
    assert out["local_features"]["h1_features"].shape == (4, 5, 6, 3)
    encoder, x = encoder.double(), x.detach().double()
    seen = encoder(x.transpose(1, 2))["invariant"]
    torch.testing.assert_close(seen, -encoder(x)["invariant"])
    again = TopologicalMLEncoder2D(**encoder.settings).double()
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again(x)["invariant"], encoder(x)["invariant"])


def test_networks_read_products_unless_they_are_asked_to_learn_h1():
    assert TopologicalMLEncoder2D().settings["rotation_invariant"]
    assert FitConfig().encoder.arguments({"rotation_invariant"}) == {}
    # a checkpoint from before there was the setting holds a network that learned h1
    learned = TopologicalMLEncoder2D(rotation_invariant=False)
    older = {k: v for k, v in learned.settings.items() if k != "rotation_invariant"}
    again = rebuild_encoder("TopologicalMLEncoder2D", older)
    again.load_state_dict(learned.state_dict())
    assert again.settings == learned.settings
