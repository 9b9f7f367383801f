"""Runs that get in each other's way, and workers that die."""

from __future__ import annotations

import json
import os
import signal
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.resume.helpers import RUN, finish, names, start, with_other_seed
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


@pytest.mark.long
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
    print("ready", flush=True)
    pool = ProcessPoolExecutor(1, mp_context=get_context("fork"))
    generate(Recipe.from_text(sys.argv[1]), sys.argv[2], executor=pool, progress=False)
""")


@pytest.mark.long
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


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.long
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
