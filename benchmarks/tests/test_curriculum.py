"""The training loop of the benchmarks: what it shows to networks, and what it counts."""

import numpy as np
import pytest
import torch

import topophys as tp
from benchmarks.experiments import curriculum
from benchmarks.experiments.curriculum import (
    Phase,
    chains,
    drawn,
    formula,
    learn,
    named,
    row,
    two_band,
)
from topophys.learn import TopologicalMLEncoder2D


@pytest.fixture
def planes(tmp_path, monkeypatch):
    monkeypatch.setattr(curriculum, "WORK", tmp_path)
    return drawn("planes", *two_band(0.1), 60, 3, classes=(-1, 0, 1), chunk=200)


def test_pools_are_balanced_and_kept(planes, tmp_path):
    assert torch.bincount(planes.label + 1).tolist() == [20, 20, 20]
    again = drawn("planes", None, None, 60, 3)  # nothing to draw with: it comes from the disk
    assert torch.equal(again.amplitudes, planes.amplitudes)
    assert len(list(tmp_path.iterdir())) == 1


def test_fields_are_those_of_the_hamiltonians(planes):
    given = {
        tuple(v): planes.amplitudes[:, m].numpy() for m, v in enumerate(planes.vectors.tolist())
    }
    h = tp.TwoBandHamiltonian(given, hermitian="average")
    np.testing.assert_allclose(planes.on_grid((5, 7)), h.d_on_grid((5, 7)), atol=1e-5)
    assert (tp.certify_chern(h).value == planes.label.numpy()).all()


def test_blocks_are_those_of_the_chains(tmp_path, monkeypatch):
    monkeypatch.setattr(curriculum, "WORK", tmp_path)
    pool = drawn("chains", *chains(0.0), 20, 4, chunk=20)
    blocks = pool.on_grid((33,)).numpy().astype(float).view(complex).reshape(20, 33, 2, 2)
    assert (formula(pool, (99,)) == tp.winding_number(blocks)).mean() > 0.6
    chain = tp.ChiralHamiltonian(
        {
            (int(m),): pool.amplitudes[:, j].reshape(-1, 2, 2).numpy()
            for j, m in enumerate(pool.vectors[:, 0])
        }
    )
    np.testing.assert_allclose(blocks, chain.block_on_grid(33), atol=1e-5)
    assert (tp.certify_winding(chain).value == pool.label.numpy()).all()


def test_training_goes_through_its_phases_and_is_repeatable(planes):
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        encoder = TopologicalMLEncoder2D(k_grid=(4, 4), hidden_dims=(3, 4, 5))
        before = [p.clone() for p in encoder.parameters()]
        seconds, samples = learn(
            encoder, planes, [Phase(2, (4, 4)), Phase(1, (3, 3), 2)], 1, batch=20
        )
        assert seconds > 0
        assert samples == 60
        assert encoder.settings["upsample"] == 2
        moved = [not torch.equal(a, b) for a, b in zip(before, encoder.parameters(), strict=True)]
        assert all(moved)
        found.append(named(encoder, planes, (6, 6)))
    assert np.array_equal(*found)


def test_rows_count_pairs():
    label = np.array([0, 1, 2, 3])
    line = row("x", np.array([0, 1, 0, 0]), label, beside=np.array([0, 0, 2, 2]), bar=0.5)
    assert line == {
        "row": "x", "value": 0.5, "n": 4, "bar": 0.5, "formula": 0.5,
        "network_only": 1, "formula_only": 1,
    }  # fmt: skip
