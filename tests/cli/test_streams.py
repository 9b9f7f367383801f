"""What cannot be shown or printed is no reason to lose the work."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import topophys
from topophys.cli import main

RECIPE = """
name = "few"
seed = 1
hamiltonian = {family = "aiii_chains", hopping_range = 1}
label = {invariant = "winding", min_gap = 0.1}
input = {grid = [8]}
split = [{name = "train", size = 20, classes = [0, 1]}, {name = "val", size = 8, classes = [0, 1]}]
"""
TRAINING = "epochs = 1\nbatch_size = 10\n[encoder]\nhidden_dims = [4, 3, 4]\n"
TABLE = "formula,class\n" + "".join(
    f"{m}{i}{a}{j},{'oxide' if a == 'O' else 'other'}\n"
    for m in ("Na", "K", "Ca", "Ti", "Bi") for a in ("O", "S", "F") for i in (1, 2) for j in (1, 2)
) + "Xx9,other\n"  # fmt: skip


class DeadStream(io.TextIOBase):
    """Refuses everything that is written to it, as full disks and broken pipes do."""

    def __init__(self, error):
        self.error = error

    def writable(self):
        return True

    def write(self, text):
        raise self.error

    def flush(self):
        pass

    def isatty(self):
        return False


STREAMS = {
    "full": DeadStream(OSError(errno.ENOSPC, "No space left on device")),
    "left": DeadStream(BrokenPipeError(errno.EPIPE, "Broken pipe")),
    "closed": DeadStream(ValueError("I/O operation on closed file.")),
    "None": None,
}

#: Commands that take long with real data, and what each leaves: words, and a file.
COMMANDS = {
    "generate": ("generate few.toml -o a.h5 --workers 1", "a.h5"),
    "train": ("train few.h5 -o run --config t.toml", "run/run.json"),
    "verify": ("verify few.h5", None),
    "label": ("label own.npz -o b.h5 --grid 8", "b.h5"),
    "join": ("join few.h5 -o c.json", "c.json"),
    "challenge": ("challenge formula --tests chains-12 --seed 1 -o s.json", "s.json"),
    "export": ("challenge --tests chains-12 --export tests", "tests/labels.csv"),
}
#: The same with the extra `materials`; each names an entry that is left out.
MATERIALS = {
    "predict": ("materials predict Bi2Se3 Xx9 -o p.csv", "p.csv"),
    "train trees": ("materials train t.csv -o m.npz", "m.npz"),
    "doubt": ("materials doubt t.csv -o d.csv", "d.csv"),
    "generate toys": ("materials generate -n 3 -o toys.h5", "toys.h5"),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    from topophys.datasets import Recipe, generate

    folder = tmp_path_factory.mktemp("inputs")
    (folder / "few.toml").write_text(RECIPE, encoding="utf-8")
    (folder / "t.toml").write_text(TRAINING, encoding="utf-8")
    (folder / "t.csv").write_text(TABLE, encoding="utf-8")
    generate(Recipe.from_toml(folder / "few.toml"), folder / "few.h5", workers=1, progress=False)
    blocks = np.random.default_rng(1).standard_normal((4, 2, 1, 1))
    np.savez(folder / "own.npz", vectors=np.array([[0], [1]]), block=blocks)
    return folder


@pytest.fixture
def here(inputs, tmp_path, monkeypatch):
    shutil.copytree(inputs, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def few_samples(monkeypatch):
    from topophys.learn import challenge

    load = challenge.load_challenge
    monkeypatch.setattr(
        challenge,
        "load_challenge",
        lambda name, *, seed=1, size=None: load(name, seed=seed, size=3),
    )


def leave(monkeypatch, words, **streams):
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    with pytest.raises(SystemExit) as left:
        main(words.split())
    for name in ("stdout", "stderr"):  # what the program put in place of a dead stream
        stream = getattr(sys, name)
        if getattr(stream, "name", None) == os.devnull:
            stream.close()
    return left.value.code


def check_stderr(monkeypatch, here, command, stream, status):
    words, made = command
    assert leave(monkeypatch, words, stderr=STREAMS[stream]) == status
    if made is not None:
        assert (here / made).is_file()
    assert not [path for path in here.rglob("*") if "partial" in path.name]


@pytest.mark.parametrize(
    ("command", "stream"),
    [*((name, "full") for name in COMMANDS), *(("generate", s) for s in STREAMS if s != "full")],
)
def test_lines_on_stderr_may_get_lost(command, stream, here, few_samples, monkeypatch):
    check_stderr(monkeypatch, here, COMMANDS[command], stream, 0)


@pytest.mark.parametrize("command", MATERIALS)
def test_entries_that_are_left_out_may_get_lost(command, here, monkeypatch):
    pytest.importorskip("pymatgen.core", reason="needs the extra `materials`")
    if command == "generate toys":
        pytest.importorskip("gudhi", reason="needs the extra `materials`")
    status = 1 if command == "predict" else 0  # an entry was left out
    check_stderr(monkeypatch, here, MATERIALS[command], "full", status)


@pytest.mark.parametrize(
    ("command", "stream"), [*((name, "full") for name in COMMANDS), ("generate", "left")]
)
def test_what_was_made_stays_where_its_summary_cannot_be_printed(
    command, stream, here, few_samples, monkeypatch
):
    words, made = COMMANDS[command]
    shown = io.StringIO()
    status = leave(monkeypatch, words, stdout=STREAMS[stream], stderr=shown)
    assert status == {"full": 2, "left": 1}[stream]
    told = [line for line in shown.getvalue().splitlines() if line.startswith("topophys: ")]
    assert len(told) == (stream == "full")
    if made is not None:
        assert (here / made).is_file()


@pytest.mark.parametrize(("stream", "status"), [("full", 2), ("left", 1)])
def test_a_demo_continues_after_a_closed_pipe(stream, status, here, monkeypatch):
    def demo(path, *, say, **_):
        for number in range(3):
            say(str(number))
        path.mkdir()

    monkeypatch.setattr("topophys.report.demo", demo)
    words = "demo -o there --quiet"
    assert leave(monkeypatch, words, stdout=STREAMS[stream], stderr=io.StringIO()) == status
    assert (here / "there").is_dir()


def test_lines_on_stderr_are_written_in_one_place():
    """Whatever writes to stderr by itself could end work when nobody can read it."""
    package = Path(topophys.__file__).parent
    own = re.compile(r"err=True|sys\.stderr\.write|file=sys\.stderr")
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "testing" not in path.parts and own.search(path.read_text(encoding="utf-8"))
    }
    # the second one imports nothing of the package; both let no error through
    assert found == {"_progress.py", "kernels/_jit.py"}
