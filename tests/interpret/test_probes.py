"""Probes say 1 where the physics is in the layer, 0 where it is not."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import topophys as tp
from topophys.datasets import open_dataset
from topophys.errors import InputError
from topophys.interpret import probe
from topophys.learn import TopologicalMLEncoder


class Pretends(TopologicalMLEncoder):
    """Network that shows layers of another making."""

    N_H2 = 1

    def __init__(self, **settings):
        super().__init__(**settings)
        self.project = nn.Linear(self.N_H2, settings["output_features"], bias=False)


class Exact(Pretends):
    """Network whose h1 is (cos alpha, sin alpha) and whose h2 is dalpha."""

    def forward(self, x):
        block = x.double().numpy().view(np.complex128).reshape(*x.shape[:2], 2, 2)
        alpha, dalpha = tp.winding_angle(block), tp.winding_steps(block)
        h1 = np.stack([np.cos(alpha), np.sin(alpha)], axis=-1)
        shown = {"h1_features": h1, "h2_features": dalpha[..., None]}
        return {"local_features": {k: torch.from_numpy(v) for k, v in shown.items()}}


class Noise(Pretends):
    """Network whose layers know nothing."""

    N_H2 = 4

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


@pytest.fixture(scope="module")
def report(trained, chains_file):
    return probed(trained, chains_file)


def test_exact_layers_are_recognised(trained, chains_file):
    report = probed(trained, chains_file, Exact)
    for layer in LAYERS:
        for split in ("test", "beyond", "finer_grid"):
            assert report.r2(layer, "trained", split=split) > 1 - 1e-6
        assert report.r2(layer, "shuffled") < 0.01
        assert report.r2(layer, "raw input") < 0.2
        assert report.r2(layer, "control") < 0.05
        assert report.r2(layer, "trained", measure="best channel") > 1 - 1e-6
        assert report.selectivity(layer) > 0.95
    assert report.r2("h1_features", "trained", measure="circular") > 1 - 1e-6
    assert report.r2("h2_features", "scrambled") < 0.05
    for measure in ("modulo exact", "window 2", "window 32"):
        assert report.r2("h2_features", "trained", measure=measure) > 1 - 1e-6


def test_noise_is_recognised(trained, chains_file):
    report = probed(trained, chains_file, Noise)
    for row in report.results:
        if row.source not in {"raw input", "exact forms"} and row.measure != "read-out":
            assert row.r2 < 0.03, row


def test_trained_network_stands_above_its_controls(report):
    for layer, least in zip(LAYERS, (0.98, 0.75), strict=True):
        best = report.r2(layer, "trained")
        assert best > least
        assert all(best > report.r2(layer, s) for s in ("untrained", "shuffled", "raw input"))
        assert report.r2(layer, "shuffled") < 0.01
    assert report.r2("h2_features", "untrained") < 0.2
    assert report.r2("h2_features", "untrained", measure="modulo exact") < 0.2
    assert report.r2("h2_features", "exact forms") < 0.05


def test_active_subspace_distinguishes_the_angle_from_the_permanent(report):
    # the whole layer holds both, since it spans most quadratic forms; the network uses one
    assert report.r2("h1_features", "trained", measure="used part") > 0.9
    used = report.r2("h1_features", "control", measure="used part")
    assert used < 0.05
    assert report.r2("h1_features", "control") > used + 0.1
    assert report.r2("h1_features", "untrained", measure="used part") < 0.4


def test_windows_converge_to_the_invariant(report):
    scores = [report.r2("h2_features", "trained", measure=f"window {w}") for w in (2, 8, 32)]
    assert scores[-1] > 0.97
    assert scores[-1] > report.r2("h2_features", "trained")


def test_read_out_is_not_fitted(trained, chains_file, report):
    doubled = replace(trained, encoder=type(trained.encoder)(**trained.encoder.settings))
    doubled.encoder.load_state_dict(trained.encoder.state_dict())
    doubled.encoder.head.readout.weight.data *= 2.0
    other = probed(doubled, chains_file)
    score = {r: r.r2("h2_features", "trained", measure="read-out") for r in (report, other)}
    assert score[report] > 0.6
    assert score[other] < 0.3
    assert other.r2("h2_features", "trained") == pytest.approx(report.r2("h2_features", "trained"))


def test_report_is_complete(trained, chains_file):
    report = probed(trained, chains_file, folds=4, seed=4)
    assert (report.split, report.n_hamiltonians, report.n_untrained) == ("test", 150, 2)
    assert (report.folds, report.seed, report.n_runs) == (4, 4, 1)
    assert all(r.low <= r.r2 <= r.high for r in report.results)
    keys = [(r.layer, r.target, r.source, r.measure, r.split) for r in report.results]
    assert len(set(keys)) == len(keys)
    found = {(r.layer, r.measure) for r in report.results}
    both = {"raw", "best channel", "segmented"}
    windows = {f"window {w}" for w in (2, 4, 8, 16, 32)}
    assert found == {("h1_features", m) for m in both | {"circular", "used part"}} | {
        ("h2_features", m) for m in both | windows | {"read-out", "modulo exact"}
    }
    assert {r.split for r in report.results} == {"test", "beyond", "finer_grid"}
    assert {r.networks for r in report.results if r.source == "untrained"} == {2}


def test_several_runs_give_intervals_over_trainings(trained, chains_file, report):
    other = replace(trained, encoder=type(trained.encoder)(**trained.encoder.settings))
    options = {"n_hamiltonians": 150, "n_untrained": 2, "progress": False}
    with open_dataset(chains_file) as dataset:
        both = probe([trained, other], dataset, **options)
    assert both.n_runs == 2
    row = both.find("h2_features", "trained")
    assert row.networks == 2
    # one of the two has learnt, the other has not: the interval says so
    assert row.high - row.low > 1.0
    assert row.r2 < report.r2("h2_features", "trained") - 0.2
    raw = (both.find("h2_features", "raw input"), report.find("h2_features", "raw input"))
    assert raw[0] == raw[1]


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


def test_chosen_splits(trained, chains_file):
    report = probed(trained, chains_file, n_hamiltonians=20, others=["val"])
    assert {r.split for r in report.results} == {"test", "val"}


def test_progress_is_shown(trained, chains_file, capsys):
    probed(trained, chains_file, n_hamiltonians=20, n_untrained=1, progress=True)
    assert capsys.readouterr().err.splitlines()[-1].startswith("probing: 11 of 11 in ")


# ---- refusals


def refused(run, path, match, **options):
    plain = inspect.unwrap(probe)
    with open_dataset(path) as dataset, pytest.raises(InputError, match=match) as caught:
        plain(run, dataset, **({"n_hamiltonians": 20, "progress": False} | options))
    assert "\n" not in str(caught.value)


def test_unknown_split(trained, chains_file):
    refused(trained, chains_file, "`lessons`", split="lessons")


def test_networks_of_different_kinds(trained, chains_file):
    settings = trained.encoder.settings | {"hidden_dims": [4, 4, 4]}
    other = replace(trained, encoder=type(trained.encoder)(**settings))
    refused([trained, other], chains_file, "one architecture")
    refused([], chains_file, "empty")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"n_hamiltonians": 901}, "at most 900"),
        ({"n_hamiltonians": 19}, "at least 20"),
        ({"n_untrained": 0}, "`n_untrained`"),
        ({"folds": 3}, "`folds`"),
        ({"folds": 21}, "`folds` must be at most"),
    ],
)
def test_impossible_numbers(trained, chains_file, options, match):
    refused(trained, chains_file, match, **options)


class Own(nn.Module):
    """Network of a user, without a linear read-out."""

    def __init__(self, settings=None, **_):
        super().__init__()
        self.points, self.scores = nn.Linear(8, 4), nn.Linear(4, 3)
        self.settings = {}

    def forward(self, x):
        h1 = self.points(x).square()
        h2 = torch.relu(h1 - h1.roll(-1, 1))
        logits = self.scores(h2.sum(1))
        local = {"h1_features": h1, "h2_features": h2}
        return {"topological_logits": logits, "invariant": logits[:, 0], "local_features": local}


class Nameless(Own):
    def forward(self, x):
        return super().forward(x) | {"local_features": {}}


def test_networks_of_users_are_probed_without_what_is_read_off(trained, chains_file):
    report = probed(trained, chains_file, Own, n_hamiltonians=30, n_untrained=1, folds=4)
    assert {r.layer for r in report.results} == set(LAYERS)
    assert "read-out" not in {r.measure for r in report.results}
    with pytest.raises(InputError, match="h1_features, h2_features are missing"):
        probed(trained, chains_file, Nameless, n_hamiltonians=30, n_untrained=1)
