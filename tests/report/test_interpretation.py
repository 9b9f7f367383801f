"""What is missing is measured, what is there is kept."""

import json
import shutil
from dataclasses import replace

import pytest

from topophys.datasets import open_dataset
from topophys.interpret import AuditReport, CausalReport, ProbeReport
from topophys.learn import load_run
from topophys.report import interpret_run, measure_missing
from topophys.report.evaluation import probed_split

FILES = ["accuracy", "failures", "probes", "causal", "audit"]


@pytest.fixture
def run(trained, tmp_path):
    return load_run(shutil.copytree(trained.path, tmp_path / "run"))


def test_everything_once(run, chains_file):
    for name in FILES:
        (run.path / f"{name}.json").unlink(missing_ok=True)
    with open_dataset(chains_file) as dataset:
        assert measure_missing(run, dataset, progress=False) == FILES
        before = {name: (run.path / f"{name}.json").read_bytes() for name in FILES}
        assert measure_missing(run, dataset, progress=False) == []
        (run.path / "causal.json").unlink()
        assert measure_missing(run, dataset, progress=False) == ["causal"]
    assert {name: (run.path / f"{name}.json").read_bytes() for name in FILES} == before


def test_files_hold_the_reports(run, chains_file):
    with open_dataset(chains_file) as dataset:
        reports = interpret_run(run, dataset, n_hamiltonians=40, progress=False)
    assert list(reports) == ["probes", "causal", "audit"]
    for name, kind in (("probes", ProbeReport), ("causal", CausalReport), ("audit", AuditReport)):
        content = json.loads((run.path / f"{name}.json").read_text(encoding="utf-8"))
        assert kind.from_dict(content) == reports[name]
        assert reports[name].n_hamiltonians == 40
        assert reports[name].split == "test"


def test_split_to_probe_on(run, chains_file):
    with open_dataset(chains_file) as dataset:
        assert probed_split(run, dataset) == "test"
        seen = run.config.model_copy(update={"train_split": "test"})
        assert probed_split(replace(run, config=seen), dataset) == "train"
