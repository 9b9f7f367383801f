from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import subprocess
import sys
import textwrap
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from topophys.datasets import generate, open_dataset, shards
from topophys.errors import InputError, OutputError, RecipeError

#: The module; in the package, the function of the same name stands before it.
MODULE = sys.modules["topophys.datasets.generation"]


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("workers", [1, 2, 3, None])
def test_equal_recipes_make_equal_bytes(recipe, path, tmp_path, workers):
    generate(recipe, tmp_path / "b.h5", workers=workers, progress=False)
    assert sha(tmp_path / "b.h5") == sha(path)


class Backwards(ThreadPoolExecutor):
    """Runs what it is given only when it has it all, last first."""

    def __init__(self):
        super().__init__(1)
        self.waiting = []

    def submit(self, call, *args):
        future = Future()
        self.waiting.append((future, call, args))
        if len(self.waiting) == 4:
            for late, function, arguments in reversed(self.waiting):
                late.set_result(function(*arguments))
            self.waiting = []
        return future


def test_the_order_of_shards_makes_no_difference(recipes, files, tmp_path):
    recipe = recipes["chern"]
    assert len(recipe.split) == 4
    generate(recipe, tmp_path / "b.h5", workers=2, executor=Backwards(), progress=False)
    assert sha(tmp_path / "b.h5") == sha(files / "chern.h5")


@pytest.mark.process
def test_memory_that_was_used_before_does_not_show(recipes, files, tmp_path):
    code = """
        import sys
        from topophys.datasets import Recipe, generate
        generate(Recipe.from_text(sys.argv[1]), sys.argv[2], workers=1, progress=False)
    """
    target = tmp_path / "b.h5"
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), recipes["winding"].to_toml(), str(target)],
        env=os.environ | {"MALLOC_PERTURB_": "85"},
        check=True,
    )
    assert sha(target) == sha(files / "winding.h5")


@pytest.mark.process
def test_processes_do_the_same_as_threads(recipes, files, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        generate(recipes["winding"], tmp_path / "b.h5", executor=pool, progress=False)
        pool.submit(int).result()  # a foreign pool stays open
    assert sha(tmp_path / "b.h5") == sha(files / "winding.h5")


def test_the_summary_counts_everything(recipe, tmp_path):
    summary = generate(recipe, tmp_path / "a.h5", workers=1, progress=False)
    with open_dataset(summary.path) as dataset:
        for name in dataset.splits:
            split = dataset.split(name)
            assert len(split) == summary.sizes[name]
            assert split.classes == summary.classes[name]
            assert split.drawn == summary.drawn[name]
            assert split.rejected == summary.rejected[name]
            assert split.drawn == len(split) + sum(split.rejected.values())
            assert list(split.rejected) == list(shards.REASONS)
    lines = str(summary).splitlines()
    assert len(lines) == 2 + len(recipe.split)
    assert len({len(line) for line in lines[1:]}) == 1  # aligned
    assert summary.n_bytes == summary.path.stat().st_size


def test_splits_share_no_sample(dataset):
    rows = [
        dataset.split(n).read("hoppings")[0].reshape(len(dataset.split(n)), -1)
        for n in dataset.splits
    ]
    every = np.concatenate(rows)
    assert len(np.unique(every.view(np.float64), axis=0)) == len(dataset)
    keys = np.concatenate([dataset.split(n).read("seed_key")[0] for n in dataset.splits])
    assert len(np.unique(keys, axis=0)) == len(dataset)


@pytest.mark.parametrize("name", ["missing/a.h5", "."])
def test_a_target_that_cannot_be_is_refused_before_any_work(recipes, tmp_path, name, monkeypatch):
    monkeypatch.setattr(MODULE, "draw_shard", None)
    with pytest.raises(OutputError, match="cannot be written") as caught:
        generate(recipes["winding"], tmp_path / name, progress=False)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_no_permission(recipes, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *a, **k: False)  # root may write everywhere
    with pytest.raises(OutputError, match="no permission in the folder"):
        generate(recipes["winding"], tmp_path / "a.h5", progress=False)


def test_a_disk_that_is_too_small_is_refused_before_any_work(recipes, tmp_path, monkeypatch):
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match=r"needs \S+ MB, but only 0.001 MB are free"):
        generate(recipes["winding"], tmp_path / "a.h5", progress=False)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RecipeError, MemoryError])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_run_leaves_nothing(recipes, tmp_path, monkeypatch, error, workers):
    real = shards.draw_shard

    def fails(recipe, split, shard):
        if split == "test":
            raise error("stop")
        return real(recipe, split, shard)

    monkeypatch.setattr(MODULE, "draw_shard", fails)
    with pytest.raises(error):
        generate(recipes["winding"], tmp_path / "a.h5", workers=workers, progress=False)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_run_keeps_the_older_file(recipes, tmp_path, monkeypatch):
    generate(recipes["winding"], tmp_path / "a.h5", workers=1, progress=False)
    older = (tmp_path / "a.h5").read_bytes()
    monkeypatch.setattr("topophys.datasets.writer.Writer.add", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        generate(recipes["winding"], tmp_path / "a.h5", workers=1, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]
    assert (tmp_path / "a.h5").read_bytes() == older


@pytest.mark.process
def test_a_disk_that_is_too_small_after_all_is_one_line_and_leaves_nothing(recipes, tmp_path):
    # a limit on the size of files fails the same system calls as a full disk
    code = """
        import resource, signal, sys
        from topophys.datasets import Recipe, generate
        from topophys.errors import OutputError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        recipe = Recipe.from_text(sys.argv[1])
        for limit in (0, 5000, 100_000, 700_000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            try:
                generate(recipe, sys.argv[2], workers=2, progress=False)
            except OutputError as error:
                print(error)
    """
    text, target = recipes["winding"].to_toml(), str(tmp_path / "a.h5")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), text, target],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("cannot be written: File too large") == 4
    assert len(done.stdout.splitlines()) == 4
    assert done.stderr == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("calls", [0, 7, 40])
def test_a_disk_that_fails_in_the_middle(recipes, tmp_path, monkeypatch, calls):
    real, done = os.pwrite, []

    def fails(*arguments):
        done.append(1)
        if len(done) > calls:
            raise OSError(errno.ENOSPC, "full")
        return real(*arguments)

    monkeypatch.setattr(os, "pwrite", fails)
    with pytest.raises(OutputError, match="cannot be written: No space left on device"):
        generate(recipes["winding"], tmp_path / "a.h5", workers=2, progress=False)
    assert not list(tmp_path.iterdir())


def test_short_writes_are_continued(recipes, files, tmp_path, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda f, data, at: real(f, data[:5000], at))
    generate(recipes["winding"], tmp_path / "a.h5", workers=1, progress=False)
    assert sha(tmp_path / "a.h5") == sha(files / "winding.h5")


def test_two_runs_on_one_target(recipes, tmp_path, monkeypatch):
    real = shards.draw_shard
    inner = []

    def another(recipe, split, shard):
        if not inner:
            inner.append(1)
            with pytest.raises(OutputError, match="another run is writing"):
                generate(recipe, tmp_path / "a.h5", workers=1, progress=False)
        return real(recipe, split, shard)

    monkeypatch.setattr(MODULE, "draw_shard", another)
    generate(recipes["winding"], tmp_path / "a.h5", workers=1, progress=False)
    assert inner
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_a_data_set_of_another_recipe_is_replaced_only_when_asked(recipes, tmp_path):
    path, other = tmp_path / "a.h5", recipes["winding"].model_copy(update={"seed": 99})
    generate(recipes["winding"], path, progress=False)
    before = sha(path)
    generate(recipes["winding"], path, progress=False)
    assert sha(path) == before
    with pytest.raises(OutputError, match=r"data set of another recipe.*--force"):
        generate(other, path, progress=False)
    assert sha(path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]
    with pytest.raises(OutputError, match="another part of the recipe"):
        generate(recipes["winding"], path, shards=(0, 1), progress=False)
    generate(other, path, progress=False, force=True)
    assert sha(path) != before


def test_the_partial_file_of_a_killed_run_is_no_obstacle(recipes, files, tmp_path):
    (tmp_path / "a.h5.partial").write_bytes(bytes(5000))  # disk space that was reserved
    generate(recipes["winding"], tmp_path / "a.h5", workers=1, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]
    assert sha(tmp_path / "a.h5") == sha(files / "winding.h5")


def test_a_number_of_workers_is_checked(recipes, tmp_path):
    with pytest.raises(InputError, match="`workers` must be at least 1"):
        generate(recipes["winding"], Path(tmp_path / "a.h5"), workers=0)
