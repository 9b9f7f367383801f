"""Local supervision: off by default, declared, and not the end of other features."""

import pytest
import torch

from tests.integration.artefacts import TOUCHES, read
from topophys.datasets import open_dataset
from topophys.errors import InputError, RecipeError, ShapeError
from topophys.learn import (
    FitConfig,
    TopologicalMLEncoder,
    TopologicalMLEncoder2D,
    compute_topological_loss,
    fit,
    load_run,
)
from topophys.learn.losses import LocalReadout


def encoder(**changes):
    torch.manual_seed(0)
    return TopologicalMLEncoder(hidden_dims=(6, 5, 8), output_features=4, **changes)


def samples(path, n=300):
    x, label, steps = (torch.from_numpy(a[:n]) for a in read(path, "train", "x", "label", "dalpha"))
    return x, label, steps


def spread(network, x):
    """Total variance of the features, and of each layer."""
    with torch.no_grad():
        out = network(x)
    layers = {"z": out["topological_features"], **out["local_features"]}
    return {name: float(v.flatten(0, -2).var(0).sum()) for name, v in layers.items()}


def descend(network, loss_of, steps=60):
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(network).backward()
        optimizer.step()


def test_off_by_default():
    assert FitConfig().local_supervision == 0.0
    out = encoder()(torch.randn(3, 8, 8))
    found = compute_topological_loss(out, torch.zeros(3).long(), local_targets=torch.zeros(3, 8))
    assert set(found) == {"regression_loss", "auxiliary_loss", "total_loss"}


def test_term_is_the_documented_one_and_counted_once():
    network, x = encoder(), torch.randn(7, 8, 8)
    out, readout, steps = network(x), LocalReadout(network, x[:1]), torch.randn(7, 8)
    out["local_prediction"] = readout(out)
    found = compute_topological_loss(
        out, torch.zeros(7).long(), 0.3, local_supervision=0.7, local_targets=steps
    )
    mean = (out["local_prediction"] - steps).square().mean()
    torch.testing.assert_close(found["local_loss"], mean)
    torch.testing.assert_close(
        found["total_loss"],
        found["regression_loss"] + 0.3 * found["auxiliary_loss"] + 0.7 * mean,
    )


def test_targets_must_be_there_and_fit():
    network, x = encoder(), torch.randn(3, 8, 8)
    out, label = network(x), torch.zeros(3).long()
    for given in ({}, {"local_targets": torch.zeros(3, 8)}):
        with pytest.raises(InputError, match="local values"):
            compute_topological_loss(out, label, local_supervision=0.1, **given)
    out["local_prediction"] = LocalReadout(network, x[:1])(out)
    with pytest.raises(ShapeError, match="`local_targets`"):
        compute_topological_loss(out, label, local_supervision=0.1, local_targets=torch.zeros(3, 9))


@pytest.mark.parametrize("term", ["auxiliary_loss", "local_loss"])
def test_features_do_not_shrink_by_the_extra_terms(term, chains_file):
    # a term with the wrong sign, or one that is smallest for constant features, fails here
    x, label, steps = samples(chains_file)
    network = encoder()
    readout = LocalReadout(network, x[:1])
    network.add_module("readout", readout)
    before = spread(network, x)

    def loss_of(net):
        out = net(x)
        out["local_prediction"] = readout(out)
        return compute_topological_loss(out, label, local_supervision=1.0, local_targets=steps)[
            term
        ]

    descend(network, loss_of)
    after = spread(network, x)
    assert after["h2_features"] > 0.9 * before["h2_features"]
    if term == "auxiliary_loss":
        assert after["z"] > before["z"]


def test_collapse_check_detects_a_collapse(chains_file):
    # the trap: a "diversity" term with the wrong sign
    x, _, _ = samples(chains_file)
    network = encoder()
    before = spread(network, x)
    descend(network, lambda net: net(x)["local_features"]["h2_features"].var(dim=(0, 1)).sum())
    assert spread(network, x)["h2_features"] < 0.5 * before["h2_features"]


def test_local_supervision_trains_local_features_and_is_declared(chains_file, tmp_path):
    config = TOUCHES.model_copy(
        update={"epochs": 6, "learning_rate": 1e-2, "local_supervision": 1.0}
    )
    with open_dataset(chains_file) as data:
        run = fit(config, data, tmp_path / "run", progress=False)
    losses = [record["local_loss"] for record in run.history]
    assert losses[-1] < 0.8 * losses[0]
    assert load_run(run.path).provenance["supervision"].startswith("labels and exact local")
    assert "did not emerge" in (run.path / "README.md").read_text(encoding="utf-8").replace(
        "\n", " "
    )


def test_read_out_in_two_dimensions():
    network, x = TopologicalMLEncoder2D(hidden_dims=(4, 5, 6)), torch.randn(3, 6, 7, 3)
    assert LocalReadout(network, x[:1])(network(x)).shape == (3, 6, 7)


def test_refined_grids_are_refused():
    network = encoder(upsample=2)
    with pytest.raises(RecipeError, match="`local_supervision` must be 0"):
        LocalReadout(network, torch.randn(1, 8, 8))
