"""Runs that were killed, stopped or ran out of space, and how they are taken up."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

import numpy as np
import pytest

from tests.datasets.resume.helpers import finish, names, sha, start, with_other_seed
from topophys.datasets import generate, open_dataset, writer
from topophys.errors import OutputError

#: Forks a run for every line it is given: starting a new Python would take most of the time.
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


@pytest.mark.slow
@pytest.mark.process
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
    kills, taken_up, longest = 0, 0, 0.4 * undisturbed
    while kills < 20 or taken_up < 5:
        taken_up += target.with_name("a.h5.journal").exists()
        # short enough that many runs are needed, and anywhere within them
        status = run(rng.uniform(0.0, longest))
        # the machine may be busier than at first, and kill before there is a trace, or less busy
        if status == 0:
            longest *= 0.8
        elif not target.with_name("a.h5.journal").exists():
            longest *= 1.1
        assert status in (0, signal.SIGKILL), forge.communicate()
        kills += status == signal.SIGKILL
        if target.exists():
            # killed or not, a file under its final name is whole
            assert sha(target) == sha(whole)
            target.unlink()
    _, err = forge.communicate()
    assert not err
    generate(recipe, target, workers=1, progress=False)
    assert names(tmp_path) == ["a.h5"]
    assert sha(target) == sha(whole)


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r, m: {"recipe": with_other_seed(r)}, "recipe_digest"),
        (lambda r, m: {"recipe": r, "shards": (0, 3)}, "shards"),
        (lambda r, m: m.setattr("topophys.datasets.writer.__version__", "9") or {"recipe": r},
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

    real = writer.Writer.add
    for limit, left in ((1e9, []), (-1.0, ["a.h5.journal", "a.h5.partial"])):
        monkeypatch.setattr(writer, "KEEP_AFTER", limit)
        adds = iter([real, real, stop])
        monkeypatch.setattr(writer.Writer, "add", lambda *a, adds=adds: next(adds)(*a))
        with pytest.raises(KeyboardInterrupt):
            generate(recipe, tmp_path / "a.h5", workers=1, progress=False)
        assert names(tmp_path) == left


def test_a_full_disk_in_the_middle_of_a_long_run_keeps_the_work(
    recipe, whole, tmp_path, monkeypatch
):
    monkeypatch.setattr(writer, "KEEP_AFTER", -1.0)
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


@pytest.mark.process
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
            patch.setattr(writer, "_check_room", lambda *_: None)
            with pytest.raises(OutputError, match="No space left on device"):
                generate(recipe, mount / "a.h5", workers=1, progress=False)
        assert names(mount) == []
    finally:
        subprocess.run(["umount", str(mount)], check=False)
