"""Runs that were killed, and runs that get in each other's way."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from topophys.datasets import Recipe, generate, open_dataset, schema, shards, write
from topophys.errors import OutputError

#: The module; in the package, the function of the same name stands before it.
MODULE = sys.modules["topophys.datasets.generate"]


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def recipe():
    """Fourteen shards, the last of each split short."""
    sizes = {"train": 11 * schema.SHARD_SIZE + 100, "test": schema.SHARD_SIZE + 7}
    return Recipe.from_dict(
        {
            "name": "resume",
            "seed": 11,
            "hamiltonian": {"family": "aiii_chains", "n_orbitals": 1, "hopping_range": 1},
            "label": {"invariant": "winding", "min_gap": 0.05},
            "input": {"grid": [8]},
            "split": [{"name": n, "size": s, "classes": [0, 1]} for n, s in sizes.items()],
        }
    )


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.h5"
    generate(recipe, path, workers=2, progress=False)
    return path


def names(folder):
    return sorted(p.name for p in folder.iterdir())


#: A run that says when it starts, and shows on stderr what it finds.
RUN = """
import sys
from topophys.datasets import Recipe, generate
recipe = Recipe.from_text(sys.argv[1])
print("ready", flush=True)
print(generate(recipe, sys.argv[2], workers=2, progress=False), flush=True)
"""


def start(recipe, path, code=RUN, stdin=None):
    words = [sys.executable, "-c", code, recipe.to_toml(), str(path)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, stdin=stdin, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout.readline() == "ready\n", process.communicate()
    return process


#: Forks a run for every line it is given: starting Python anew would take most of the time.
FORGE = """
import os, sys
from topophys.datasets import Recipe, generate
recipe = Recipe.from_text(sys.argv[1])
generate(recipe, sys.argv[2] + ".warm", workers=1, progress=False)
os.unlink(sys.argv[2] + ".warm")
print("ready", flush=True)
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            generate(recipe, sys.argv[2], workers=2, progress=False)
            os._exit(0)
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(1)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def test_twenty_kills_do_not_show(recipe, whole, tmp_path):
    target = tmp_path / "a.h5"
    forge = start(recipe, target, FORGE, stdin=subprocess.PIPE)

    def run(seconds):
        """Status of a run that is killed after some time; 9 where it was in time to be killed."""
        forge.stdin.write("go\n")
        forge.stdin.flush()
        child = int(forge.stdout.readline())
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        return int(forge.stdout.readline())

    begin = time.monotonic()
    generate(recipe, target, workers=2, progress=False)
    undisturbed = time.monotonic() - begin
    target.unlink()
    rng = np.random.default_rng(3)
    kills, taken_up = 0, 0
    while kills < 20:
        taken_up += target.with_name("a.h5.journal").exists()
        # short enough that many runs are needed, and anywhere within them
        status = run(rng.uniform(0.0, 0.4 * undisturbed))
        assert status in (0, signal.SIGKILL), forge.communicate()
        kills += status == signal.SIGKILL
        if target.exists():
            # killed or not, a file under its final name is whole
            assert sha(target) == sha(whole)
            target.unlink()
    assert taken_up >= 5
    _, err = forge.communicate()
    assert not err
    generate(recipe, target, workers=1, progress=False)
    assert names(tmp_path) == ["a.h5"]
    assert sha(target) == sha(whole)


class Stop(BaseException):
    """Stands for the end of a process; nothing in the package catches it."""


@pytest.fixture
def unfinished(recipe, tmp_path, monkeypatch):
    """A run that ended after five shards, and left them."""
    monkeypatch.setattr(write, "KEEP_AFTER", -1.0)
    real, calls = shards.draw_shard, []

    def draw(recipe, split, shard):
        calls.append(shard)
        if len(calls) > 5:
            raise Stop
        return real(recipe, split, shard)

    with monkeypatch.context() as patch:
        patch.setattr(MODULE, "draw_shard", draw)
        with pytest.raises(Stop):
            generate(recipe, tmp_path / "a.h5", workers=1, progress=False)
    assert names(tmp_path) == ["a.h5.journal", "a.h5.partial"]
    return tmp_path / "a.h5"


@pytest.fixture
def drawn(monkeypatch):
    """Which shards are drawn from now on."""
    real, calls = shards.draw_shard, []

    def draw(recipe, split, shard):
        calls.append((split, shard))
        return real(recipe, split, shard)

    monkeypatch.setattr(MODULE, "draw_shard", draw)
    return calls


def finish(recipe, target, whole):
    summary = generate(recipe, target, workers=1, progress=False)
    assert names(target.parent) == [target.name]
    assert sha(target) == sha(whole)
    return summary


def test_only_what_is_missing_is_drawn(recipe, whole, unfinished, drawn):
    summary = finish(recipe, unfinished, whole)
    assert summary.resumed + len(drawn) == 14
    assert summary.resumed >= 3  # the last ones were done but not yet collected
    assert f"{summary.resumed} shards were there" in str(summary)
    with open_dataset(whole) as dataset:
        assert summary.drawn == {n: dataset.split(n).drawn for n in dataset.splits}


def test_a_shard_that_was_damaged_is_drawn_again(recipe, whole, unfinished, drawn):
    with open_dataset(whole) as dataset:
        place = dataset._layouts[0].splits["train"].fields["x"]
    partial = unfinished.with_name("a.h5.partial")
    data = bytearray(partial.read_bytes())
    data[place.offset + 17] ^= 1
    partial.write_bytes(data)
    finish(recipe, unfinished, whole)
    assert ("train", 0) in drawn


def test_headers_that_were_half_written_are_made_again(recipe, whole, unfinished):
    with open_dataset(whole) as dataset:
        first = min(
            p.offset for s in dataset._layouts[0].splits.values() for p in s.fields.values()
        )
    partial = unfinished.with_name("a.h5.partial")
    data = bytearray(partial.read_bytes())
    data[:first] = bytes(first)
    partial.write_bytes(data)
    assert finish(recipe, unfinished, whole).resumed >= 3


@pytest.mark.parametrize("cut", [1, 40, 10**6])
def test_a_journal_that_was_cut_off(recipe, whole, unfinished, cut):
    journal = unfinished.with_name("a.h5.journal")
    text = journal.read_bytes()
    journal.write_bytes(text[: max(0, len(text) - cut)])
    finish(recipe, unfinished, whole)


def test_lines_of_a_journal_that_were_changed_do_not_count(recipe, whole, unfinished, drawn):
    journal = unfinished.with_name("a.h5.journal")
    journal.write_text(journal.read_text().replace('"drawn": ', '"drawn": 1'))
    assert finish(recipe, unfinished, whole).resumed == 0
    assert len(drawn) == 14


def test_a_partial_file_that_was_cut_off(recipe, whole, unfinished, drawn):
    partial = unfinished.with_name("a.h5.partial")
    partial.write_bytes(partial.read_bytes()[:200_000])
    finish(recipe, unfinished, whole)
    assert len(drawn) > 11


def test_a_journal_alone_is_stale(recipe, whole, unfinished, drawn):
    unfinished.with_name("a.h5.partial").unlink()
    finish(recipe, unfinished, whole)
    assert len(drawn) == 14


def _seed(recipe):
    return Recipe.from_text(recipe.to_toml().replace("seed = 11", "seed = 12"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r, m: {"recipe": _seed(r)}, "recipe_digest"),
        (lambda r, m: {"recipe": r, "shards": (0, 3)}, "shards"),
        (lambda r, m: m.setattr("topophys.datasets.journal.__version__", "9") or {"recipe": r},
         "topophys_version"),
        (lambda r, m: m.setattr(np, "__version__", "9") or {"recipe": r}, "numpy_version"),
    ],
    ids=["recipe", "shards", "topophys", "numpy"],
)  # fmt: skip
def test_what_was_begun_otherwise_is_refused_and_stays(
    recipe, whole, unfinished, monkeypatch, change, message
):
    before = {p.name: p.read_bytes() for p in unfinished.parent.iterdir()}
    with monkeypatch.context() as patch:
        arguments = change(recipe, patch)
        with pytest.raises(OutputError, match=f"unfinished run with {message}") as caught:
            generate(path=unfinished, progress=False, **arguments)
    assert "\n" not in str(caught.value)
    assert "remove `a.h5.partial`" in str(caught.value)
    assert {p.name: p.read_bytes() for p in unfinished.parent.iterdir()} == before
    finish(recipe, unfinished, whole)


def test_stopping_early_leaves_nothing_but_late_it_leaves_the_work(recipe, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    real = write.Writer.add
    for limit, left in ((1e9, []), (-1.0, ["a.h5.journal", "a.h5.partial"])):
        monkeypatch.setattr(write, "KEEP_AFTER", limit)
        adds = iter([real, real, stop])
        monkeypatch.setattr(write.Writer, "add", lambda *a, adds=adds: next(adds)(*a))
        with pytest.raises(KeyboardInterrupt):
            generate(recipe, tmp_path / "a.h5", workers=1, progress=False)
        assert names(tmp_path) == left


def test_a_full_disk_in_the_middle_of_a_long_run_keeps_the_work(
    recipe, whole, tmp_path, monkeypatch
):
    monkeypatch.setattr(write, "KEEP_AFTER", -1.0)
    real, written = os.pwrite, []

    def fails(handle, data, at):
        written.append(len(data))
        if len(written) > 60:
            raise OSError(28, "full")
        return real(handle, data, at)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", fails)
        with pytest.raises(OutputError, match="No space left on device"):
            generate(recipe, tmp_path / "a.h5", workers=1, progress=False)
    assert finish(recipe, tmp_path / "a.h5", whole).resumed >= 3


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no small file system to fill")
def test_a_disk_that_is_really_full(recipe, tmp_path):
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)],
        capture_output=True, check=False,
    )  # fmt: skip
    # only the kernel can say whether a mount is allowed; the simulated disks are tested anyway
    if made.returncode:
        pytest.skip("mounting is not permitted here")
    try:
        with pytest.raises(OutputError, match="cannot be written: it needs"):
            generate(recipe, mount / "a.h5", workers=1, progress=False)
        assert names(mount) == []
        # room by the books, but taken by another program in the meantime
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(write, "_check_room", lambda *_: None)
            with pytest.raises(OutputError, match="No space left on device"):
                generate(recipe, mount / "a.h5", workers=1, progress=False)
        assert names(mount) == []
    finally:
        subprocess.run(["umount", str(mount)], check=False)


# --- two runs

SLOW = RUN.replace(
    'print("ready"',
    """
import topophys.datasets.shards, time
module, real = sys.modules["topophys.datasets.generate"], topophys.datasets.shards.draw_shard
def draw(*a):
    time.sleep(30)
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
    from topophys.datasets import Recipe, generate, shards
    module, real = sys.modules["topophys.datasets.generate"], shards.draw_shard
    def draw(*a):
        print("worker", flush=True)
        time.sleep(60)
    module.draw_shard = draw
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


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_reading_while_another_process_writes(recipe, whole, tmp_path):
    target = tmp_path / "a.h5"
    generate(recipe, target, workers=1, progress=False)
    with open_dataset(target) as dataset:
        before = dataset.split("train").read("x")[0]
        changed = _seed(recipe)
        process = start(changed, target)
        while process.poll() is None:
            assert np.array_equal(dataset.split("train").read("x")[0], before)
            time.sleep(0.05)
            with open_dataset(target) as other:  # old or new, but whole
                assert other.recipe in (recipe, changed)
        assert process.returncode == 0, process.communicate()
        process.communicate()
        assert np.array_equal(dataset.split("train").read("x")[0], before)
    with open_dataset(target) as dataset:
        assert dataset.recipe == changed


def _die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


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
