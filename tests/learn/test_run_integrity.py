"""Runs and states are what was written, or refused; one training at a time writes a folder."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
from safetensors.torch import load_file, save_file

import topophys as tp
from tests.integration.artefacts import TOUCHES
from topophys._io import sealed, sha256
from topophys.datasets import open_dataset
from topophys.errors import CheckpointError, InputError, OutputError
from topophys.learn import fit, load_run
from topophys.learn.checkpoint import STATE
from topophys.learn.run import Prediction, nearest_integers
from topophys.learn.trainer import Trainer
from topophys.learn.training_log import LOCK, RunLock, _is_over
from topophys.testing.hardening.readers.networks import stop_after_first_save

SETTINGS = TOUCHES.model_copy(update={"checkpoint_steps": 2, "epochs": 2})


class StopError(Exception):
    pass


def train(data, folder, *, seed=SETTINGS.seed, **options):
    with open_dataset(data) as dataset:
        config = SETTINGS.model_copy(update={"seed": seed})
        return fit(config, dataset, folder, progress=False, **options)


@pytest.fixture(scope="module")
def unfinished(tiny_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unfinished") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "epoch", stop_after_first_save(Trainer.epoch, StopError))
        with pytest.raises(StopError):
            train(tiny_file, folder)
    return folder


@pytest.fixture(scope="module")
def runs(tiny_file, tmp_path_factory):
    home, seeds = tmp_path_factory.mktemp("runs"), (SETTINGS.seed, SETTINGS.seed + 1)
    return [train(tiny_file, home / str(seed), seed=seed).path for seed in seeds]


def flip(path, rng):
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def refused(act, match="."):
    with pytest.raises(CheckpointError, match=match) as caught:
        act()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", range(20))
def test_no_flipped_bit_in_a_state_is_trained_on(unfinished, tiny_file, tmp_path, case):
    copy = shutil.copytree(unfinished, tmp_path / "run")
    flip(copy / STATE, random.Random(case))
    refused(lambda: train(tiny_file, copy, resume=True), STATE)


@pytest.mark.parametrize("name", ["run.json", "best.json", "best.safetensors"])
def test_no_flipped_bit_in_a_run_is_read(runs, tmp_path, name):
    for case in range(25):
        copy = shutil.copytree(runs[0], tmp_path / str(case))
        flip(copy / name, random.Random(f"{name} {case}"))
        refused(lambda copy=copy: load_run(copy))


def test_weights_of_another_run_are_refused(runs, tmp_path):
    copy = shutil.copytree(runs[0], tmp_path / "copy")
    for name in ("best.safetensors", "best.json"):
        shutil.copy(runs[1] / name, copy / name)
    refused(lambda: load_run(copy), "digest differs")
    for name in ("best.safetensors", "best.json"):
        shutil.copy(runs[0] / name.replace("best", "last"), copy / name)
    if sha256(copy / "best.safetensors") != sha256(runs[0] / "best.safetensors"):
        refused(lambda: load_run(copy), "digest differs")


def test_run_names_its_files_and_its_data(runs, tiny_file):
    content = json.loads((runs[0] / "run.json").read_text(encoding="utf-8"))
    assert {n: sha256(runs[0] / n) for n in content["files"]} == content["files"]
    assert len(content["files"]) == 4
    with open_dataset(tiny_file) as dataset:
        assert content["provenance"]["dataset_manifest"] == dataset.attributes["manifest"]


def test_runs_of_the_first_version_are_read_and_say_what_is_not_checked(runs, tmp_path):
    copy = shutil.copytree(runs[0], tmp_path / "copy")
    content = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    del content["files"], content["sha256"]
    (copy / "run.json").write_text(json.dumps(content | {"version": 1}), encoding="utf-8")
    run = load_run(copy)
    assert run.digests is None
    assert "not checked      weights against history" in repr(run)
    assert "not checked" not in repr(load_run(runs[0]))


def forge(folder, change):
    """Change the weights and make all digests fit."""
    weights = load_file(folder / "best.safetensors")
    change(weights)
    save_file(weights, folder / "best.safetensors")
    card = json.loads((folder / "best.json").read_text(encoding="utf-8"))
    card["sha256"] = sha256(folder / "best.safetensors")
    (folder / "best.json").write_text(json.dumps(card), encoding="utf-8")
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    run["files"] |= {n: sha256(folder / n) for n in ("best.json", "best.safetensors")}
    (folder / "run.json").write_text(json.dumps(sealed(run)), encoding="utf-8")


def not_a_number(weights):
    next(iter(weights.values())).view(-1)[0] = float("nan")


def infinite(weights):
    next(iter(weights.values())).view(-1)[-1] = float("-inf")


def integers(weights):
    name = next(iter(weights))
    weights[name] = weights[name].to(torch.int32)


def half(weights):
    for name, value in weights.items():
        weights[name] = value.half()


@pytest.mark.parametrize(
    ("change", "message"),
    [(not_a_number, "must be finite"), (infinite, "must be finite"), (integers, "of type"),
     (half, "float32 or float64")],
)  # fmt: skip
def test_weights_that_are_no_weights(runs, tmp_path, change, message):
    copy = shutil.copytree(runs[0], tmp_path / "copy")
    forge(copy, change)
    refused(lambda: load_run(copy), message)


#: Entries of run.json, and what none of them may be.
ENTRIES = {
    ("version",): [float("inf"), float("nan"), 10**400, "2", [2], True],
    ("history",): [[], {}, None, [[]], [None]],
    ("history", 0, "epoch"): [-1, 0.5, float("nan"), "0", 2**70],
    ("history", 0, "val_accuracy"): [1e308, float("inf"), 2**70, -0.5, "1", None],
    ("history", 0, "loss"): [float("nan"), float("-inf"), "../x", []],
    ("history", 0, "lr"): [float("inf"), "a", []],
    ("provenance",): [None, [], "x", {}],
    ("provenance", "dataset_path"): ["a\0b", 1, ["/"], "x" * 20_000],
    ("provenance", "kind"): ["../x", "/etc/passwd", "", None, "a\0b"],
    ("provenance", "flattened_input"): ["no", 1, None, []],
    ("provenance", "classes_seen"): [[], ["1"], [0.5], [2**70], [float("nan")], 1, [True]],
    ("provenance", "train_samples"): ["../x", None, float("inf"), -1, [1]],
    ("provenance", "val_samples"): [float("nan"), None, "1", -(2**63), 1e308],
    ("provenance", "input_shape"): [[], 3, None, [0, 8], [-1, 8], ["16", 8], [2**70, 8]],
    ("provenance", "n_occupied"): [0, -1, "1", 2**70],
    ("provenance", "abstain_below"): [float("nan"), float("inf"), -(2**63), "0.5", 1e308],
    ("config", "epochs"): [0, float("inf"), "../x", []],
    ("files",): [None, [], {"best.json": 1}, {}],
    ("files", "best.safetensors"): ["", "../x", None],
}


@pytest.mark.parametrize("place", ENTRIES, ids=lambda place: ".".join(map(str, place)))
def test_entries_of_wrong_kinds_are_refused(runs, tmp_path, place):
    content = json.loads((runs[0] / "run.json").read_text(encoding="utf-8"))
    copy = shutil.copytree(runs[0], tmp_path / "copy")
    *way, last = place
    node = content
    for key in way:
        node = node[key]
    for value in ENTRIES[place]:
        node[last] = value
        (copy / "run.json").write_text(json.dumps(sealed(content)), encoding="utf-8")
        with pytest.raises(CheckpointError) as caught:
            load_run(copy)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 700


def test_weights_are_sized_before_they_are_read(runs, tmp_path, monkeypatch):
    copy = shutil.copytree(runs[0], tmp_path / "copy")
    os.truncate(copy / "best.safetensors", 2**36)  # no disk space is taken
    refused(lambda: load_run(copy), "68719476736 bytes, which is more than")


@pytest.mark.parametrize("name", ["best.safetensors", "best.json", "run.json"])
def test_pipes_and_devices_in_a_run_are_refused(runs, tmp_path, name):
    for number, make in enumerate((os.mkfifo, lambda p: p.symlink_to("/dev/zero"))):
        copy = shutil.copytree(runs[0], tmp_path / str(number))
        (copy / name).unlink()
        make(copy / name)
        refused(lambda copy=copy: load_run(copy))


def test_predictions_that_are_no_numbers_abstain():
    real = torch.tensor([float("nan"), float("inf"), -1e30, 1.0, 2.0**53]).double().numpy()
    answer = Prediction(nearest_integers(real), real)
    assert answer.value.tolist() == [0, 0, 0, 1, 2**53]
    assert answer.abstains.tolist() == [True, True, True, False, False]
    assert "-9223372036854775808" not in repr(answer)


def test_values_of_a_network_without_a_finite_answer_are_masked(runs):
    run = load_run(runs[0])
    with torch.no_grad():
        for parameter in run.encoder.parameters():
            parameter.fill_(float("nan"))
    chains = tp.models.ssh(1.0, [0.5, 2.0])
    assert run.predict(chains).value.mask.all()
    assert run.predict(chains, certify=True).value.tolist() == [0, 1]


def overflowing(weights):
    for value in weights.values():
        value.fill_(3e38)


def test_no_answer_is_no_right_answer(runs, tiny_file, tmp_path):
    """Weights may be finite, and what comes out of them not."""
    from topophys.interpret import probe
    from topophys.report import draw_figures, list_failures, measure_accuracy
    from topophys.report.evaluation import MOST

    copy = shutil.copytree(runs[0], tmp_path / "copy")
    forge(copy, overflowing)
    run = load_run(copy)
    with open_dataset(tiny_file) as data:
        assert sum(row.correct for row in measure_accuracy(run, data)) == 0
        failures = list_failures(run, data)
        assert {(one.named, one.real) for one in failures} == {(None, None)}
        listed = json.loads((copy / "failures.json").read_text(encoding="utf-8"))["listed"]
        assert len(listed) == min(MOST, len(failures))
        for act in (draw_figures, partial(probe, n_hamiltonians=20, progress=False)):
            with pytest.raises((CheckpointError, InputError), match="finite numbers") as caught:
                act(run, data)
            assert "\n" not in str(caught.value)
    for path in copy.rglob("*"):
        assert path.is_dir() or str(-(2**63)).encode() not in path.read_bytes()
    chains = tp.models.ssh(1.0, [0.5, 2.0])
    answer = run.predict(chains, certify=True)
    assert not answer.refuted.any()
    assert answer.value.tolist() == [0, 1]


def test_a_folder_has_one_training_at_a_time(tiny_file, tmp_path):
    (tmp_path / "run").mkdir()
    lock = RunLock(tmp_path / "run")
    for resume in (False, True):
        with pytest.raises(OutputError, match=f"process {os.getpid()} on .* holds the lock"):
            train(tiny_file, tmp_path / "run", resume=resume)
    assert [p.name for p in (tmp_path / "run").iterdir()] == [LOCK]
    lock.release()
    train(tiny_file, tmp_path / "run")
    assert not (tmp_path / "run" / LOCK).exists()


@pytest.mark.parametrize("way", ["removed", "taken"])
def test_a_training_that_lost_its_folder_publishes_nothing(tiny_file, tmp_path, monkeypatch, way):
    folder, epoch = tmp_path / "run", Trainer.epoch

    def lose(trainer, advance, save):
        metrics = epoch(trainer, advance, save)
        if trainer.position.epoch == 1:
            (folder / LOCK).unlink()
            if way == "taken":
                taken.append(RunLock(folder))
            before.update({p.name: p.read_bytes() for p in folder.iterdir()})
        return metrics

    taken, before = [], {}
    monkeypatch.setattr(Trainer, "epoch", lose)
    with pytest.raises(OutputError, match=r"taken it over, or .* was removed"):
        train(tiny_file, folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    for lock in taken:
        lock.check()
        lock.release()


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    "name",
    ["training.toml", "log.jsonl", "best.safetensors", "last.json", "accuracy.json", "origins.json",
     "report.html"],
)  # fmt: skip
def test_a_folder_with_files_of_something_else_is_refused(tiny_file, tmp_path, name, resume):
    path = tmp_path / "run" / name
    path.parent.mkdir()
    path.write_text("# mine\n", encoding="utf-8")
    with pytest.raises(OutputError, match=f"already holds a .*{name}"):
        train(tiny_file, path.parent, resume=resume)
    assert [p.name for p in path.parent.iterdir()] == [name]
    assert path.read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.parametrize("path", ["", "a\0b", "n" * 300])
def test_names_that_no_run_can_have(tiny_file, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError) as caught:
        train(tiny_file, path)
    assert "\n" not in str(caught.value)
    refused(lambda: load_run(path))
    assert not list(tmp_path.iterdir())


def test_owners_on_file_systems_without_locks():
    import socket

    here = socket.gethostname()
    assert _is_over("")
    assert not _is_over(f"1 {here} x")
    assert not _is_over("1 elsewhere x")
    assert not _is_over("99999999999999999999 elsewhere x")
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert _is_over(f"{child.pid} {here} x")


def test_a_file_system_without_locks_is_reported(tiny_file, tmp_path, monkeypatch):
    import topophys.learn.training_log as module

    monkeypatch.setattr(module, "lock", lambda _: False)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).write_text("17 elsewhere x", encoding="utf-8")
    with pytest.raises(OutputError, match=r"on elsewhere.*file system without locks.*remove"):
        train(tiny_file, tmp_path / "run")
    (tmp_path / "run" / LOCK).unlink()
    train(tiny_file, tmp_path / "run")


SLOW = """
import sys, time
from tests.learn.test_run_integrity import SETTINGS
from topophys.datasets import open_dataset
from topophys.learn import fit
from topophys.learn.trainer import Trainer
step = Trainer._step
def slow(self, batch):
    if self.position.step == 3:  # after the first state
        time.sleep(600)
    return step(self, batch)
Trainer._step = slow
with open_dataset(sys.argv[1]) as dataset:
    fit(SETTINGS, dataset, sys.argv[2], progress=False, resume=True)
"""


@pytest.mark.process
def test_a_suspended_training_keeps_its_folder_and_a_dead_one_does_not(runs, tiny_file, tmp_path):
    folder = tmp_path / "run"
    words = [sys.executable, "-c", SLOW, str(tiny_file), str(folder)]
    first = subprocess.Popen(words)
    try:
        while not (folder / STATE).is_file():
            assert first.poll() is None
            time.sleep(0.02)
        first.send_signal(signal.SIGSTOP)
        with pytest.raises(OutputError, match="holds the lock"):
            train(tiny_file, folder, resume=True)
        first.send_signal(signal.SIGCONT)
        first.kill()
        first.wait()
        assert (folder / LOCK).exists()
        run = train(tiny_file, folder, resume=True)
    finally:
        first.kill()
        first.wait()
    assert sha256(run.path / "best.safetensors") == sha256(runs[0] / "best.safetensors")
    assert not (folder / LOCK).exists()
