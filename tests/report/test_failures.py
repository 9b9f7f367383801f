"""Wrong answers are listed, all of them, with what a reader needs to look at them."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.integration.artefacts import read
from topophys.datasets import open_dataset
from topophys.errors import InputError
from topophys.learn import load_run
from topophys.report import list_failures


@pytest.fixture
def run(trained, tmp_path):
    return load_run(shutil.copytree(trained.path, tmp_path / "run"))


def blind(run):
    """A network that says 0 always."""
    other = replace(run, encoder=type(run.encoder)(**run.encoder.settings))
    other.encoder.head.readout.weight.data.zero_()
    return other


def test_every_wrong_answer_is_listed(run, chains_file):
    with open_dataset(chains_file) as dataset:
        found = list_failures(blind(run), dataset, splits=["test", "beyond", "train"])
    assert {f.split for f in found} == {"test", "beyond"}  # never that of the training
    for split in ("test", "beyond"):
        label, gap = read(chains_file, split, "label", "gap_bound")
        mine = sorted((f for f in found if f.split == split), key=lambda f: f.index)
        wrong = np.flatnonzero(label != 0)
        np.testing.assert_array_equal([f.index for f in mine], wrong)
        np.testing.assert_array_equal([f.label for f in mine], label[wrong])
        np.testing.assert_array_equal([f.gap for f in mine], gap[wrong])
    assert {f.named for f in found} == {0}
    gaps = [f.gap for f in found]
    assert gaps == sorted(gaps)
    assert np.mean([f.formula == f.label for f in found]) > 0.95


def test_file_holds_the_number_of_all_and_the_first(run, chains_file):
    with open_dataset(chains_file) as dataset:
        found = list_failures(blind(run), dataset)
    content = json.loads((run.path / "failures.json").read_text(encoding="utf-8"))
    assert content["total"] == len(found) > 200
    assert len(content["listed"]) == 200
    assert content["listed"][0]["index"] == found[0].index


def test_answers_are_those_of_the_network(run, chains_file):
    with open_dataset(chains_file) as dataset:
        for failure in list_failures(run, dataset):
            split = dataset.split(failure.split)
            chain = split.hamiltonians([failure.index])
            answer = run.predict(chain, k_points=split.grid[0])
            assert answer.value[0] == failure.named != failure.label
            assert answer.real[0] == pytest.approx(failure.real, abs=1e-3)


def test_other_data(run, chern_file):
    with open_dataset(chern_file) as dataset, pytest.raises(InputError, match="'chern'"):
        list_failures(run, dataset)
