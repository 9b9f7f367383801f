"""A training that was killed continues as if nothing had happened; several processes do as one."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.integration.artefacts import TOUCHES
from tests.markers import others_slow
from topophys.datasets import Recipe, open_dataset
from topophys.errors import CheckpointError, RecipeError
from topophys.learn import fit, load_run
from topophys.learn.checkpoint import STATE

ROOT = Path(__file__).parents[2]
SETTINGS = TOUCHES.model_copy(
    update={"checkpoint_steps": 2, "local_supervision": 0.1, "epochs": 3, "patience": 3}
)
#: Trains and kills itself before a step, or in the middle of writing a state.
VICTIM = """
import os, signal, sys
from pathlib import Path
import topophys.learn.checkpoint as state
from tests.learn.test_training_resume import SETTINGS
from topophys.datasets import open_dataset
from topophys.learn import fit
from topophys.learn.trainer import Trainer

data, folder, moment, number = sys.argv[1:]
calls, step = [], Trainer._step

def counted(self, batch):
    calls.append(1)
    if moment == "step" and len(calls) == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch)

def torn(path, content):
    Path.write_bytes_(path, content[: len(content) // 2])
    os.kill(os.getpid(), signal.SIGKILL)

def counted_save(tensors, metadata=None):
    content = save(tensors, metadata=metadata)
    if metadata is None:  # weights of an epoch, not a state
        return content
    calls.append(1)
    if moment == "writing" and len(calls) == int(number):
        Path.write_bytes_, Path.write_bytes = Path.write_bytes, torn
    return content

Trainer._step, save = counted, state.save
if moment == "writing":
    Trainer._step, state.save = step, counted_save
with open_dataset(data) as dataset:
    fit(SETTINGS, dataset, folder, progress=False)
"""
#: Trains as one of several processes.
MEMBER = """
import sys
from tests.learn.test_training_resume import SETTINGS
from topophys.datasets import open_dataset
from topophys.learn import fit

with open_dataset(sys.argv[1]) as dataset:
    fit(SETTINGS, dataset, sys.argv[2], progress=False)
"""


def start(script, *words, launcher=()):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, *map(str, words)]
    if not launcher:
        command = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def straight(tiny_file, tmp_path_factory):
    """A training that was never interrupted."""
    with open_dataset(tiny_file) as data:
        return fit(SETTINGS, data, tmp_path_factory.mktemp("straight") / "run", progress=False)


def resume_training(data, folder, settings=SETTINGS):
    with open_dataset(data) as dataset:
        return fit(settings, dataset, folder, progress=False, resume=True)


def timeless(run):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in run.history]


def assert_same(run, other):
    for name in ("best", "last"):
        one, two = (r.path / f"{name}.safetensors" for r in (run, other))
        assert one.read_bytes() == two.read_bytes(), name
    assert timeless(run) == timeless(other)


# six steps an epoch: killed before the first state, within an epoch, and while a state is written
KILLS = [("step", 2), ("step", 10), ("writing", 5)]


@pytest.mark.always
@pytest.mark.process
@pytest.mark.parametrize(("moment", "number"), others_slow(KILLS, quick=[("step", 2)]))
def test_killed_training_resumes_to_the_same_bits(straight, tiny_file, tmp_path, moment, number):
    folder = tmp_path / "run"
    done = start(VICTIM, tiny_file, folder, moment, number)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with pytest.raises(CheckpointError, match="not a folder with a finished training"):
        load_run(folder)
    assert (folder / STATE).is_file() == (number != 2)
    run = resume_training(tiny_file, folder)
    assert_same(run, straight)
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == run.history
    assert not (folder / STATE).exists()
    assert not [p for p in folder.iterdir() if "safetensors" in p.name and "partial" not in p.name
                and p.name not in {"best.safetensors", "last.safetensors"}]  # fmt: skip


@pytest.mark.process
def test_two_processes_match_one(straight, tiny_file, tmp_path):
    (tmp_path / "member.py").write_text(MEMBER, encoding="utf-8")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    done = start("", tmp_path / "member.py", tiny_file, tmp_path / "run", launcher=launcher)
    assert done.returncode == 0, done.stderr
    run = load_run(tmp_path / "run")
    assert run.provenance["processes"] == 2
    one, two = (load_file(r.path / "last.safetensors") for r in (run, straight))
    assert set(one) == set(two)
    for name, value in one.items():
        torch.testing.assert_close(value, two[name], rtol=1e-3, atol=1e-5)
    for found, expected in zip(run.history, straight.history, strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-4)
        assert found["local_loss"] == pytest.approx(expected["local_loss"], rel=1e-4)


class StandInError(Exception):
    """Stands for a kill."""


@pytest.fixture
def stopped(monkeypatch):
    """Train until a step, and no further."""
    from topophys.learn.trainer import Trainer

    step = Trainer._step

    def train(number, *words, **options):
        calls = []

        def counted(self, batch):
            calls.append(1)
            if len(calls) == number:
                raise StandInError
            return step(self, batch)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "_step", counted)
            with pytest.raises(StandInError):
                fit(*words, progress=False, **options)

    return train


@pytest.fixture
def halfway(tiny_file, tmp_path, stopped):
    """Folder of a training that was stopped in its second epoch."""
    with open_dataset(tiny_file) as data:
        stopped(10, SETTINGS, data, tmp_path / "run")
    return tmp_path / "run"


def test_streamed_and_generated_trainings_resume_to_the_same_bits(tiny_file, tmp_path, stopped):
    with open_dataset(tiny_file) as data:
        cases = {
            "disk": (data, SETTINGS.model_copy(update={"in_memory": False})),
            "drawn": (data.recipe, SETTINGS.model_copy(update={"batch_size": 500})),
        }
        for name, (training_data, settings) in cases.items():
            whole = fit(settings, training_data, tmp_path / f"{name}-whole", progress=False)
            stopped(7, settings, training_data, tmp_path / name)
            run = fit(settings, training_data, tmp_path / name, progress=False, resume=True)
            assert_same(run, whole)
            assert run.provenance["drawn_on_the_way"] is (name == "drawn")


def test_resume_starts_a_new_training_and_returns_a_finished_one(straight, tiny_file, tmp_path):
    run = resume_training(tiny_file, tmp_path / "run")
    assert_same(run, straight)
    stamp = (tmp_path / "run" / "run.json").stat().st_mtime_ns
    assert timeless(resume_training(tiny_file, tmp_path / "run")) == timeless(run)
    assert (tmp_path / "run" / "run.json").stat().st_mtime_ns == stamp


def as_first_version(folder):
    """Turn a state into that of version 0.1: no best weights, no digests."""
    content = (folder / STATE).read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])["__metadata__"]
    card = json.loads(header["card"])
    del card["notes"]["files"]
    tensors = {k: v for k, v in load_file(folder / STATE).items() if not k.startswith("best.")}
    old = {"format": header["format"], "version": "1", "card": json.dumps(card)}
    save_file(tensors, folder / STATE, metadata=old)
    return card["notes"]


class Linear(torch.nn.Module):
    """A network of a user, which no registry knows."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.layer = torch.nn.Linear(8, 1)

    def forward(self, x):
        return self.layer(x).mean((1, 2))


# no epoch is as good as the first, so that the resumed training has no better one of its own
@pytest.mark.parametrize("own", [False, True], ids=["registered", "own network"])
@pytest.mark.parametrize("stops", [(10,), (10, 5)], ids=["once", "stopped again"])
def test_states_of_the_first_version_are_resumed_to_the_end(
    tiny_file, tmp_path, monkeypatch, stopped, stops, own
):
    from topophys.learn import training

    validate = training._validate

    def worse(*words):
        epoch = words[0].position.epoch
        return validate(*words) | {"val_accuracy": 0.9 - 0.1 * epoch}

    monkeypatch.setattr(training, "_validate", worse)
    model = Linear if own else lambda: None
    settings = SETTINGS.model_copy(update={"local_supervision": 0.0} if own else {})
    folder = tmp_path / "run"
    with open_dataset(tiny_file) as data:
        whole = fit(settings, data, tmp_path / "whole", progress=False, model=model())
        for count, number in enumerate(stops):
            stopped(number, settings, data, folder, resume=count > 0, model=model())
            if count == 0:
                assert as_first_version(folder)["history"]
        run = fit(settings, data, folder, progress=False, resume=True, model=model())
    assert_same(run, whole)
    assert set(run.digests) == set(whole.digests)
    assert run.best_epoch["epoch"] == 0


def test_states_of_the_first_version_need_their_best_weights(tiny_file, tmp_path, halfway):
    as_first_version(halfway)
    for number, name in enumerate(("best.safetensors", "best.json")):
        for change in ("flipped", "cut", "missing"):
            copy = shutil.copytree(halfway, tmp_path / f"{number}{change}")
            content = bytearray((copy / name).read_bytes())
            content[len(content) // 2] ^= 16
            (copy / name).write_bytes(content if change == "flipped" else content[:-5])
            if change == "missing":
                (copy / name).unlink()
            refused(tiny_file, copy, "best")


def refused(data, folder, match, settings=SETTINGS):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(CheckpointError, match=match) as caught:
        resume_training(data, folder, settings)
    assert "\n" not in str(caught.value)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_other_settings_are_refused(tiny_file, halfway):
    refused(tiny_file, halfway, "`learning_rate`", SETTINGS.model_copy(update={"learning_rate": 1}))
    larger = SETTINGS.encoder.model_copy(update={"output_features": 9})
    refused(tiny_file, halfway, "does not fit", SETTINGS.model_copy(update={"encoder": larger}))


def test_other_data_are_refused(chains_file, halfway, straight):
    refused(chains_file, halfway, "another data")
    refused(chains_file, straight.path, "another data")


@pytest.mark.parametrize("keep", [0, 9, 200, -1])
def test_damaged_states_are_refused(tiny_file, halfway, keep):
    path = halfway / STATE
    path.write_bytes(path.read_bytes()[:keep])
    refused(tiny_file, halfway, "cannot be read")


def test_foreign_states_are_refused(tiny_file, halfway, straight):
    (halfway / STATE).write_bytes((straight.path / "best.safetensors").read_bytes())
    refused(tiny_file, halfway, "must be one of topophys")


@pytest.mark.parametrize("place", [{"step": 999}, {"epoch": -1}, {"step": 0.5}])
def test_positions_that_no_training_reaches_are_refused(tiny_file, halfway, place):
    raw = (halfway / STATE).read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:end])
    card = json.loads(header["__metadata__"]["card"])
    card["position"] |= place
    header["__metadata__"]["card"] = json.dumps(card)
    head = json.dumps(header).encode()
    (halfway / STATE).write_bytes(len(head).to_bytes(8, "little") + head + raw[end:])
    refused(tiny_file, halfway, "position")


def test_pickles_are_never_loaded(tiny_file, halfway):
    torch.save({"weights": torch.zeros(3)}, halfway / STATE)
    refused(tiny_file, halfway, "cannot be read")


def test_validation_on_another_grid(tiny_file, tmp_path):
    with open_dataset(tiny_file) as data, pytest.raises(RecipeError, match="must lie on the grid"):
        fit(SETTINGS.model_copy(update={"val_split": "finer_grid"}), data, tmp_path, progress=False)


def test_recipe_without_files(tmp_path, tiny_file):
    with open_dataset(tiny_file) as data:
        recipe = data.recipe
    assert isinstance(recipe, Recipe)
    run = fit(TOUCHES, recipe, tmp_path / "run", progress=False)
    assert run.provenance["dataset_path"] is None
    assert run.provenance["train_samples"] == 2048
