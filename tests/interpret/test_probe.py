"""Probes say 1 where the physics is in the layer, 0 where it is not."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch

import topophys as tp
from topophys.datasets import open_dataset
from topophys.errors import InputError
from topophys.interpret import probe
from topophys.interpret.probe import _others
from topophys.learn import TopologicalMLEncoder


class Exact(TopologicalMLEncoder):
    """Network whose h1 is (cos alpha, sin alpha) and whose h2 is dalpha."""

    def forward(self, x):
        block = x.double().numpy().view(np.complex128).reshape(*x.shape[:2], 2, 2)
        alpha, dalpha = tp.winding_angle(block), tp.winding_steps(block)
        h1 = np.stack([np.cos(alpha), np.sin(alpha)], axis=-1)
        shown = {"h1_features": h1, "h2_features": dalpha[..., None]}
        return {"local_features": {k: torch.from_numpy(v) for k, v in shown.items()}}


class Noise(TopologicalMLEncoder):
    """Network whose layers know nothing."""

    def forward(self, x):
        h1, h2 = torch.randn(*x.shape[:2], 6), torch.randn(*x.shape[:2], 4)
        return {"local_features": {"h1_features": h1, "h2_features": h2}}


def probed(run, path, kind=None, **options):
    encoder = run.encoder if kind is None else kind(**run.encoder.settings)
    options = {"n_hamiltonians": 150, "n_untrained": 2, "progress": False} | options
    with open_dataset(path) as dataset, torch.random.fork_rng():
        torch.manual_seed(0)
        return probe(replace(run, encoder=encoder), dataset, **options)


LAYERS = ("h1_features", "h2_features")


def test_exact_layers_are_recognised(trained, chains_file):
    report = probed(trained, chains_file, Exact)
    for layer in LAYERS:
        assert report.r2(layer, "trained") > 1 - 1e-6
        assert report.r2(layer, "shuffled") < 0.01
        assert report.r2(layer, "raw input") < 0.2


def test_noise_is_recognised(trained, chains_file):
    report = probed(trained, chains_file, Noise)
    assert all(report.r2(layer, source) < 0.01 for layer in LAYERS
               for source in ("trained", "untrained", "shuffled"))  # fmt: skip


def test_trained_network_stands_above_its_controls(trained, chains_file):
    report = probed(trained, chains_file)
    for layer, least in zip(LAYERS, (0.98, 0.75), strict=True):
        best = report.r2(layer, "trained")
        assert best > least
        assert all(best > report.r2(layer, s) for s in ("untrained", "shuffled", "raw input"))
        assert report.r2(layer, "shuffled") < 0.01
    assert report.r2("h2_features", "untrained") < 0.2


def test_report_is_complete(trained, chains_file):
    report = probed(trained, chains_file, folds=3, seed=4)
    assert (report.split, report.n_hamiltonians, report.n_untrained) == ("test", 150, 2)
    assert (report.folds, report.seed) == (3, 4)
    assert [(r.layer, r.source) for r in report.results] == [
        (layer, source)
        for layer in LAYERS
        for source in ("trained", "untrained", "shuffled", "raw input")
    ]
    assert all(r.low <= r.r2 <= r.high for r in report.results)


def test_seed_fixes_everything(trained, chains_file):
    few = {"n_hamiltonians": 40, "n_untrained": 1}
    one, two, other = (probed(trained, chains_file, **few, seed=s) for s in (1, 1, 2))
    assert one == two
    assert all(a.r2 != b.r2 for a, b in zip(one.results, other.results, strict=True))


def test_random_state_of_the_caller_is_left_alone(trained, chains_file):
    before = torch.random.get_rng_state()
    with open_dataset(chains_file) as dataset:
        probe(trained, dataset, n_hamiltonians=20, n_untrained=1, progress=False)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("n", [2, 3, 20, 151])
def test_shuffled_targets_are_those_of_others(n):
    for seed in range(5):
        other = _others(n, seed)
        assert sorted(other) == list(range(n))
        assert (other != np.arange(n)).all()


def test_progress_is_shown(trained, chains_file, capsys):
    probed(trained, chains_file, n_hamiltonians=20, n_untrained=1, progress=True)
    assert capsys.readouterr().err.startswith("probing: 8 of 8 in ")


# ---- refusals


def refused(run, path, match, **options):
    plain = inspect.unwrap(probe)
    with open_dataset(path) as dataset, pytest.raises(InputError, match=match) as caught:
        plain(run, dataset, **({"n_hamiltonians": 20, "progress": False} | options))
    assert "\n" not in str(caught.value)


def test_data_of_another_kind(trained, chern_file):
    refused(trained, chern_file, "'chern'")


def test_unknown_split(trained, chains_file):
    refused(trained, chains_file, "`lessons`", split="lessons")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"n_hamiltonians": 901}, "at most 900"),
        ({"n_hamiltonians": 19}, "at least 20"),
        ({"n_untrained": 0}, "`n_untrained`"),
        ({"folds": 1}, "`folds`"),
        ({"folds": 21}, "`folds` must be at most"),
    ],
)
def test_impossible_numbers(trained, chains_file, options, match):
    refused(trained, chains_file, match, **options)
