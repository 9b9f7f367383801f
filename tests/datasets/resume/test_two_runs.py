"""Runs that get in each other's way, and workers that die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.resume.helpers import RUN, finish, names, start, with_other_seed
from tests.markers import others_slow
from topophys.datasets import generate, open_dataset, shards
from topophys.errors import DatasetError, OutputError

SLOW = RUN.replace(
    'print("ready"',
    """
import topophys.datasets.shards, time
module, real = sys.modules["topophys.datasets.generation"], topophys.datasets.shards.draw_shard
def draw(*a):
    time.sleep(600)
    return real(*a)
module.draw_shard = draw
print("ready\"""",
)


def test_a_second_generator_is_refused_until_the_first_is_dead(recipe, whole, tmp_path):
    target = tmp_path / "a.h5"
    first = start(recipe, target, SLOW)
    while not target.with_name("a.h5.journal").exists():
        assert first.poll() is None, first.communicate()
        time.sleep(0.01)
    with pytest.raises(OutputError, match="another run is writing"):
        generate(recipe, target, progress=False)
    assert names(tmp_path) == ["a.h5.journal", "a.h5.partial"]
    first.kill()
    first.communicate()
    finish(recipe, target, whole)


FORKS = textwrap.dedent("""
    import sys, time
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context
    from topophys.datasets import Recipe, generate
    from topophys.datasets import shards
    module, real = sys.modules["topophys.datasets.generation"], shards.draw_shard
    def draw(*a):
        print("worker", flush=True)
        time.sleep(600)
    module.draw_shard = draw
    module.end_with_parent = lambda parent: None
    print("ready", flush=True)
    pool = ProcessPoolExecutor(1, mp_context=get_context("fork"))
    generate(Recipe.from_text(sys.argv[1]), sys.argv[2], executor=pool, progress=False)
""")


def test_forked_workers_that_outlive_a_kill_do_not_hold_the_lock(recipe, whole, tmp_path):
    first = start(recipe, tmp_path / "a.h5", FORKS)
    assert first.stdout.readline() == "worker\n"
    orphans = [int(p) for p in _children(first.pid)]
    assert orphans
    first.kill()
    first.wait()
    try:
        finish(recipe, tmp_path / "a.h5", whole)
        assert all(Path(f"/proc/{p}").exists() for p in orphans)
    finally:
        for orphan in orphans:
            os.kill(orphan, signal.SIGKILL)
        first.communicate()


#: Processes of every kind that draw or read for another one, until that is killed.
WORKERS = {
    "fork": ("ProcessPoolExecutor(2, mp_context=get_context('fork'))", "drawing"),
    "spawn": ("ProcessPoolExecutor(2, mp_context=get_context('spawn'))", "drawing"),
    "forkserver": ("ProcessPoolExecutor(2, mp_context=get_context('forkserver'))", "drawing"),
    "DataLoader": ("DataLoader(dataset, batch_size=2, num_workers=2)", "reading"),
}
WORKS = {
    "drawing": """
    recipe = Recipe.from_text(sys.argv[1])
    generate(recipe, sys.argv[2], executor=MADE, workers=2, progress=False)
""",
    "reading": """
    from torch.utils.data import DataLoader
    with open_dataset(sys.argv[3]) as data:
        dataset = data.torch("train", in_memory=False)
        for _ in MADE:
            time.sleep(600)
""",
}
MAIN = """
import sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from topophys.datasets import Recipe, generate, open_dataset
def draw(*_):
    time.sleep(600)
sys.modules["topophys.datasets.generation"].draw_shard = draw
if __name__ == "__main__":
"""


@pytest.mark.process
@pytest.mark.parametrize("name", others_slow(WORKERS, quick=["fork"]))
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_workers_end_with_their_parent(recipe, whole, tmp_path, name):
    made, work = WORKERS[name]
    program = tmp_path / "program.py"  # what is spawned reads it again
    program.write_text(MAIN + WORKS[work].replace("MADE", made), encoding="utf-8")
    words = [sys.executable, program, recipe.to_toml(), tmp_path / "a.h5", whole]
    first = subprocess.Popen(words)
    family = []
    try:
        begun = time.monotonic()
        # those that never begin to watch get the time to do so
        while len(family) < 2 or not (
            all(map(_works, family[-2:])) or time.monotonic() > begun + 10
        ):
            assert first.poll() is None
            family = _family(first.pid)
            time.sleep(0.1)
        first.kill()
        first.wait()
        killed = time.monotonic()
        while alive := [pid for pid in family if _runs(pid)]:
            assert time.monotonic() < killed + 60, alive
            time.sleep(0.1)
    finally:
        first.kill()
        first.wait()
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _family(pid):
    """Processes below one."""
    try:
        below = [int(p) for p in _children(pid)]
    except OSError:
        return []
    return below + [other for one in below for other in _family(one)]


def _runs(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _works(pid):
    """Whether a process has more than one thread: the one that draws, and that which watches."""
    with suppress(OSError):
        return len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    return False


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_reading_while_another_process_writes(recipe, whole, tmp_path):
    target = tmp_path / "a.h5"
    generate(recipe, target, workers=1, progress=False)
    with open_dataset(target) as dataset:
        before = dataset.split("train").read("x")[0]
        changed = with_other_seed(recipe)
        process = start(changed, target)
        while process.poll() is None:
            with suppress(DatasetError):  # it was replaced
                assert np.array_equal(dataset.split("train").read("x")[0], before)
            time.sleep(0.05)
            with open_dataset(target) as other:  # old or new, but whole
                assert other.recipe in (recipe, changed)
        assert process.returncode == 0, process.communicate()
        process.communicate()
        with pytest.raises(DatasetError, match="has changed; open it again"):
            dataset.split("train").read("x")
    with open_dataset(target) as dataset:
        assert dataset.recipe == changed


def _die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.process
def test_a_worker_process_that_dies_is_one_line_and_keeps_the_work(
    recipe, whole, tmp_path, monkeypatch
):
    context = get_context("fork")
    real, calls = shards.draw_shard, []

    class Pool(ProcessPoolExecutor):
        def submit(self, call, *arguments):
            calls.append(arguments)
            return super().submit(_die if len(calls) == 7 else real, *arguments)

    with (
        Pool(1, mp_context=context) as pool,
        pytest.raises(OutputError, match="is not finished: the workers died") as caught,
    ):
        generate(recipe, tmp_path / "a.h5", executor=pool, workers=1, progress=False)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["a.h5.journal", "a.h5.partial"]
    entries = (tmp_path / "a.h5.journal").read_text().splitlines()
    assert json.loads(entries[0].rpartition(" ")[0])["recipe_digest"] == recipe.digest
    assert finish(recipe, tmp_path / "a.h5", whole).resumed == len(entries) - 1 > 0
