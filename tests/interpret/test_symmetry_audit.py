"""An exact network passes the audit; one that breaks a symmetry is found out."""

import inspect
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from tests.interpret.test_causal import Exact
from topophys.datasets import open_dataset
from topophys.interpret import AuditReport, AuditRow, audit
from topophys.learn import TopologicalMLEncoder2D


def examine(run, path, kind=None, **options):
    encoder = run.encoder if kind is None else kind(**run.encoder.settings)
    with open_dataset(path) as dataset:
        return audit(
            replace(run, encoder=encoder), dataset, n_hamiltonians=60, progress=False, **options
        )


class Lopsided(Exact):
    """Exact, but the first links count less."""

    def forward(self, x):
        output = super().forward(x)
        h2 = output["local_features"]["h2_features"].clone()
        h2[:, :8] = 0.5 * h2[:, :8]
        output["invariant"] = self.head.readout(self.project(h2.sum(1)))[..., 0]
        return output


def test_the_exact_network_passes(trained, chains_file):
    report = examine(trained, chains_file, Exact)
    operations = {row.operation for row in report.rows}
    assert len(operations) == 6
    for row in report.rows:
        # h1 of this network shows the input as it is, on its own scale
        if (row.operation, row.quantity) != ("D -> r(k) D, r > 0", "h1_features"):
            assert row.deviation < 1e-4, row
        assert row.broken in (None, 0.0)


def test_audit_detects_dependence_on_the_scale(trained, chains_file):
    report = examine(trained, chains_file, Exact)
    assert report.find("D -> r(k) D, r > 0", "h1_features").deviation > 0.1


def test_audit_detects_dependence_on_the_origin(trained, chains_file):
    report = examine(trained, chains_file, Lopsided)
    assert report.find("origin of k", "output").deviation > 0.1
    assert report.find("origin of k", "h2_features").deviation < 1e-5
    assert report.find("k -> -k", "output").deviation > 0.1
    assert report.find("D -> W D X, unitary", "output").deviation < 1e-4


def test_trained_network(trained, chains_file):
    report = examine(trained, chains_file)
    assert report.find("origin of k", "h1_features").deviation < 1e-5
    assert report.find("k -> -k", "output").broken < 0.1
    assert 0.0 < report.find("k -> -k", "output").deviation < 0.3
    unitary = report.find("D -> W D X, unitary", "h1_features read as cos_sin_alpha")
    assert unitary.deviation < 0.3


def test_seed_fixes_everything(trained, chains_file):
    one, two, other = (examine(trained, chains_file, seed=s) for s in (1, 1, 2))
    assert one == two != other


def test_two_dimensions(chern_file):
    torch.manual_seed(0)
    learned = TopologicalMLEncoder2D(hidden_dims=(4, 6, 8), rotation_invariant=False)
    run = SimpleNamespace(encoder=learned)
    with open_dataset(chern_file) as dataset:
        report = inspect.unwrap(audit)(run, dataset, n_hamiltonians=20, progress=False)
    assert len({row.operation for row in report.rows}) == 6
    assert report.find("origin of k", "h3_features").deviation < 1e-5
    assert report.find("d -> r(k) d, r > 0", "output").deviation < 1e-4
    assert report.find("rotation of d", "output").deviation > 1e-3  # untrained


def test_report():
    rows = (
        AuditRow("k -> -k", "output", "odd", 0.25, 0.125),
        AuditRow("k -> -k", "h1", "odd", 0.5),
    )
    report = AuditReport("test", 10, 0, rows)
    content = report.to_dict()
    assert json.loads(json.dumps(content)) == content
    assert AuditReport.from_dict(content) == report
    _, _, *lines = repr(report).splitlines()
    assert "2.50e-01   0.1250" in lines[0]
    assert lines[1].endswith("5.00e-01")
    with pytest.raises(KeyError):
        report.find("k -> -k", "h2")
