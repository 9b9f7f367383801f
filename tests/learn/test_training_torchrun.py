"""Killed processes of `torchrun`: nothing half-done is delivered, and the rest is trained later."""

from __future__ import annotations

import signal

import pytest

from tests.learn.test_training_resume import assert_same, start
from topophys.errors import CheckpointError
from topophys.learn import load_run

pytestmark = [pytest.mark.process, pytest.mark.slow]

#: Trains as one of several processes; the one of a rank kills a process before a step.
MEMBER = """
import os, signal, sys
from tests.learn.test_training_resume import SETTINGS
from topophys.datasets import open_dataset
from topophys.learn import fit
from topophys.learn.trainer import Trainer

data, folder, rank, number, victim = sys.argv[1:]
calls, step = [], Trainer._step

def counted(self, batch):
    calls.append(1)
    if os.environ["RANK"] == rank and len(calls) == int(number):
        os.kill(os.getpid() if victim == "itself" else os.getppid(), signal.SIGKILL)
    return step(self, batch)

Trainer._step = counted
with open_dataset(data) as dataset:
    fit(SETTINGS, dataset, folder, progress=False, resume=True)
"""
LAUNCHER = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.fixture(scope="module")
def member(tmp_path_factory):
    path = tmp_path_factory.mktemp("member") / "member.py"
    path.write_text(MEMBER, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(member, tiny_file, tmp_path_factory):
    """A training of two processes that nobody killed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    done = start("", member, tiny_file, folder, "none", 0, "itself", launcher=LAUNCHER)
    assert done.returncode == 0, done.stderr
    return load_run(folder)


# six steps an epoch: within the first state, within an epoch, in the last one
@pytest.mark.parametrize("number", [2, 9, 17])
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_all_and_the_rest_is_trained_later(
    whole, member, tiny_file, tmp_path, rank, number
):
    words = (member, tiny_file, tmp_path / "run")
    done = start("", *words, rank, number, "itself", launcher=LAUNCHER)
    assert done.returncode != 0
    with pytest.raises(CheckpointError, match="not a folder with a finished training"):
        load_run(tmp_path / "run")
    done = start("", *words, "none", 0, "itself", launcher=LAUNCHER)
    assert done.returncode == 0, done.stderr
    assert_same(load_run(tmp_path / "run"), whole)
    assert load_run(tmp_path / "run").provenance["processes"] == 2


def test_processes_without_their_launcher_finish_or_leave_a_state(
    whole, member, tiny_file, tmp_path
):
    words = (member, tiny_file, tmp_path / "run")
    # returns when no process holds its output any more
    done = start("", *words, 1, 9, "its launcher", launcher=LAUNCHER)
    assert done.returncode == -signal.SIGKILL
    done = start("", *words, "none", 0, "itself", launcher=LAUNCHER)
    assert done.returncode == 0, done.stderr
    assert_same(load_run(tmp_path / "run"), whole)
