"""A training of a few seconds in two dimensions learns the Chern number, far above the majority."""

import numpy as np
import pytest
import torch

import topophys as tp
from benchmarks.experiments import curriculum
from benchmarks.experiments.curriculum import Phase, drawn, learn, named, two_band
from topophys.learn import TopologicalMLEncoder2D


@pytest.fixture(scope="module")
def pools(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curriculum, "WORK", tmp_path_factory.mktemp("pools"))
        draw = two_band(0.1)
        return (
            drawn("train", *draw, 4000, 1, classes=(-1, 0, 1), chunk=5000),
            drawn("test", *draw, 600, 2, classes=(-1, 0, 1), chunk=2000),
        )


@pytest.fixture(scope="module")
def trained(pools):
    torch.manual_seed(0)
    encoder = TopologicalMLEncoder2D(k_grid=(6, 6), hidden_dims=(8, 12, 16))
    learn(encoder, pools[0], [Phase(300, (6, 6))], 0, batch=128)
    return encoder


def test_far_above_the_majority(trained, pools):
    test = pools[1]
    assert torch.bincount(test.label + 1).tolist() == [200, 200, 200]
    assert (named(trained, test, (6, 6)) == test.label.numpy()).mean() > 0.65
    torch.manual_seed(0)
    untrained = TopologicalMLEncoder2D(k_grid=(6, 6), hidden_dims=(8, 12, 16))
    assert (named(untrained, test, (6, 6)) == test.label.numpy()).mean() < 0.45


def test_interpolation_inside_reads_coarse_points_better(trained, pools):
    test = pools[1]
    label = test.label.numpy()
    coarse, refined = (
        (named(trained, test, (4, 4), upsample=factor) == label).mean() for factor in (1, 2)
    )
    assert refined > coarse + 0.05


def test_mirrors_change_the_sign_of_what_was_learned(trained):
    models = tp.ensembles.two_band(50, rng=3)
    x = torch.from_numpy(models.d_on_grid((6, 6)).astype(np.float32))
    with torch.no_grad():
        here, there = (trained(y)["invariant"] for y in (x, x.transpose(1, 2)))
    torch.testing.assert_close(there, -here, atol=1e-4, rtol=0)
