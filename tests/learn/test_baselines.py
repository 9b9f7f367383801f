"""Baselines: the schema of the encoders, the harness of the trainings, and the usual faults."""

import numpy as np
import pytest
import torch

import topophys as tp
from tests.integration.artefacts import read
from topophys.errors import ShapeError
from topophys.learn import FitConfig, compute_topological_loss
from topophys.learn.data import Batch, InMemoryLoader
from topophys.learn.encoders import (
    ConvolutionBaseline,
    LogisticBaseline,
    PerceptronBaseline,
    SampledFormula,
)
from topophys.learn.run import predict_invariants
from topophys.learn.trainer import Trainer

LEARNING = [ConvolutionBaseline, PerceptronBaseline, LogisticBaseline]
SMALL = {"hidden_dims": (16, 16)}


def build(kind):
    torch.manual_seed(0)
    return kind() if kind in {LogisticBaseline, SampledFormula} else kind(**SMALL)


@pytest.mark.parametrize("kind", [*LEARNING, SampledFormula])
def test_schema(kind):
    x, network = torch.randn(6, 32, 8), build(kind)
    out = network(x)
    assert set(out) == {
        "invariant", "topological_logits", "topological_features", "local_features",
    }  # fmt: skip
    assert out["invariant"].shape == (6,)
    assert out["topological_logits"].shape == (6, 3)
    assert torch.isfinite(compute_topological_loss(out, torch.zeros(6).long())["total_loss"])
    again = kind(**network.settings)
    again.load_state_dict(network.state_dict())
    assert torch.equal(again.eval()(x)["invariant"], network.eval()(x)["invariant"])


@pytest.mark.parametrize("kind", LEARNING)
def test_trained_by_the_trainer_of_the_encoders(kind, chains_file):
    x, label = map(torch.from_numpy, read(chains_file, "train", "x", "label"))
    config = FitConfig(epochs=4, batch_size=64, learning_rate=3e-3, auxiliary_weight=1.0)
    network = build(kind)
    trainer = Trainer(config, network, InMemoryLoader(Batch(x, label), 0), torch.device("cpu"))
    records = [trainer.epoch(lambda n: None) for _ in range(4)]
    assert records[-1]["auxiliary_loss"] < 0.98 * records[0]["auxiliary_loss"]
    found = predict_invariants(network, x.numpy())
    assert set(np.unique(found)) <= {-1.0, 0.0, 1.0}
    assert (found == label.numpy()).mean() > 0.36


def test_the_usual_network_depends_on_the_origin_of_the_zone():
    # what zero padding does, and no test of the encoders would let pass
    x, network = torch.randn(50, 32, 8), build(ConvolutionBaseline).eval()
    here, there = (network(y)["topological_logits"].detach() for y in (x, x.roll(9, dims=1)))
    assert float((here - there).abs().max()) > 1e-3


def test_one_grid_only():
    with pytest.raises(ShapeError, match="one grid only"):
        build(PerceptronBaseline)(torch.randn(2, 48, 8))


def test_formula_is_the_sampled_winding_number(chains_file):
    for split in ("test", "beyond", "finer_grid"):
        (x,) = read(chains_file, split, "x")
        blocks = np.ascontiguousarray(x.astype(float)).view(complex).reshape(*x.shape[:2], 2, 2)
        found = predict_invariants(SampledFormula(), x)
        np.testing.assert_array_equal(found, tp.winding_number(blocks))


def test_formula_of_a_sample_without_a_gap():
    x = torch.ones(2, 8, 2)
    x[1, 3] = 0.0
    found = SampledFormula(2)(x)["invariant"]
    assert found[0] == 0.0
    assert torch.isnan(found[1])
