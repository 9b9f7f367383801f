"""Causal tests are passed by a network that computes the winding number, and failed by others."""

import inspect
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from topophys.datasets import open_dataset
from topophys.errors import InputError
from topophys.interpret import CausalReport, CausalResult, causal_tests
from topophys.learn import TopologicalMLEncoder, TopologicalMLEncoder2D


class Point(nn.Module):
    """h1 of an exact network: (cos alpha, sin alpha) first, then things it does not use."""

    def __init__(self, order):
        super().__init__()
        self.order = order

    def forward(self, x):
        a = torch.view_as_complex(x.reshape(*x.shape[:-1], 4, 2).contiguous())
        det = a[..., 0] * a[..., 3] - a[..., 1] * a[..., 2]
        perm = a[..., 0] * a[..., 3] + a[..., 1] * a[..., 2]
        det, perm = det / det.abs(), perm / perm.abs()
        parts = [det.real, det.imag, perm.real, perm.imag]
        return torch.cat([torch.stack(parts, -1), x], -1)[..., self.order]


class Exact(TopologicalMLEncoder):
    """Network that sums the steps of the angle it finds in two channels of h1."""

    used = (0, 1)

    def __init__(self, **settings):
        super().__init__(**settings)
        self.point = Point(list(range(12)))
        self.project = nn.Linear(1, 1, bias=False)
        self.head.readout = nn.Linear(1, 1, bias=False)
        self.project.weight.data.fill_(1.0)
        self.head.readout.weight.data.fill_(1.0 / (2.0 * np.pi))

    def forward(self, x):
        h1 = self.point(x)
        z = torch.complex(h1[..., self.used[0]], h1[..., self.used[1]])
        h2 = torch.angle(z.roll(-1, 1) * z.conj() + 1e-12)[..., None]
        features = self.project(h2.sum(1))
        return {
            "invariant": self.head.readout(features)[..., 0],
            "local_features": {"h1_features": h1, "h2_features": h2},
        }


class Fooled(Exact):
    """Network that shows alpha as well, but adds up the phase of the permanent."""

    used = (2, 3)


def examine(run, path, kind=None, **options):
    encoder = run.encoder if kind is None else kind(**run.encoder.settings)
    options = {"n_hamiltonians": 200, "n_swaps": 2000, "progress": False} | options
    with open_dataset(path) as dataset:
        return causal_tests(replace(run, encoder=encoder), dataset, **options)


ALPHA, PERM = "cos alpha, sin alpha", "phase of perm D"
MOVES = ("one turn more", "one turn less", "mirrored")


def test_the_exact_network_passes(trained, chains_file):
    report = examine(trained, chains_file, Exact)
    assert report.find("erase", "nothing").share == 1.0
    assert report.find("erase", ALPHA).share < 0.5
    assert report.find("erase", PERM).share > 0.99
    for move in MOVES:
        row = report.find("steer", f"alpha {move}")
        assert row.share > 0.99
        assert row.moved >= 0.6 * row.cases
        assert report.find("steer", f"{PERM} {move}").share > 0.99
    for result in report.results:
        if result.test == "swap":
            assert result.share == 1.0
            assert result.r2 > 1 - 1e-6
            assert 0 < result.moved < result.cases


def test_a_network_that_uses_something_else_fails(trained, chains_file):
    # a probe reads alpha from its h1 perfectly
    report = examine(trained, chains_file, Fooled)
    assert report.find("erase", "nothing").share < 0.7
    assert report.find("steer", "alpha one turn more").right_moved < 60
    assert report.find("steer", f"{PERM} one turn more").share < 0.6
    assert report.find("swap", "links of an interval").share < 0.7


def test_trained_network(trained, chains_file):
    report = examine(trained, chains_file)
    alone = report.find("erase", "nothing").share
    assert alone > 0.95
    assert report.find("erase", ALPHA).share < alone - 0.1
    assert report.find("erase", PERM).share > alone - 0.1
    swap = report.find("swap", "links of an interval")
    assert swap.share > 0.9
    assert swap.right_moved > 0.9 * swap.moved
    assert swap.r2 > 0.95


def test_seed_fixes_everything(trained, chains_file):
    few = {"n_hamiltonians": 30, "n_swaps": 50, "n_random": 1}
    one, two, other = (examine(trained, chains_file, **few, seed=s) for s in (1, 1, 2))
    assert one == two != other


def test_nothing_of_the_network_is_changed(trained, chains_file):
    before = {k: v.clone() for k, v in trained.encoder.state_dict().items()}
    examine(trained, chains_file, n_hamiltonians=20, n_swaps=20, n_random=1)
    assert all(torch.equal(v, before[k]) for k, v in trained.encoder.state_dict().items())
    assert all(not m._forward_hooks for m in trained.encoder.modules())


def test_two_dimensions(chern_file):
    torch.manual_seed(0)
    run = SimpleNamespace(encoder=TopologicalMLEncoder2D(hidden_dims=(4, 6, 8)))
    plain = inspect.unwrap(causal_tests)
    with open_dataset(chern_file) as dataset:
        report = plain(run, dataset, n_hamiltonians=20, n_swaps=300, progress=False)
    (row,) = report.results
    assert (row.layer, row.what) == ("h3_features", "plaquettes of a rectangle")
    assert 0 < row.cases < 300


def test_report():
    rows = (
        CausalResult("erase", "h1", "nothing", "true integer", 100, 90, 0, 0),
        CausalResult("swap", "h2", "links", "exact sum", 40, 40, 10, 10, 0.99),
    )
    report = CausalReport("test", 100, 0, rows)
    content = report.to_dict()
    assert json.loads(json.dumps(content)) == content
    assert content["results"][0]["share"] == 0.9
    assert CausalReport.from_dict(content) == report
    header, _, *lines = repr(report).splitlines()
    assert "100 Hamiltonians of `test`" in header
    assert len({line.index("[") for line in lines}) == 1
    assert "0.9000" in lines[0]
    assert np.allclose(rows[0].interval, (0.8256, 0.9448), atol=1e-4)
    with pytest.raises(KeyError):
        report.find("swap", "points")


def test_refusals(trained, chains_file):
    plain = inspect.unwrap(causal_tests)
    with open_dataset(chains_file) as dataset:
        for name in ("n_swaps", "n_random"):
            with pytest.raises(InputError, match=f"`{name}`"):
                plain(trained, dataset, **{name: 0}, progress=False)
        with pytest.raises(InputError, match="at most 900"):
            plain(trained, dataset, progress=False)
