"""Readers and files that were changed: an error of topophys in one line, little memory, no hang.

A few cases of each reader here; `make fuzz` tries many, and writes docs/results/hardening.md.
"""

from __future__ import annotations

import importlib.util
import re

import pytest

from topophys.errors import SchemaError
from topophys.testing.hardening import limits
from topophys.testing.hardening.bombs import BOMBS
from topophys.testing.hardening.readers import READERS
from topophys.testing.hardening.readers.materials import EXTRA

pytestmark = pytest.mark.process

#: Cases that are tried in every test run.
FEW = 15
#: Cases of the slow run.
MANY = 1000


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """Every reader whose packages are there, and a folder of honest files for it."""
    found = []
    for name, reader in READERS.items():
        if name in EXTRA and importlib.util.find_spec("pymatgen") is None:
            continue
        honest = tmp_path_factory.mktemp(name) / "honest"
        honest.mkdir()
        reader.make(honest)
        found.append((name, honest))
    return found


@pytest.fixture(scope="module")
def outcomes(jobs):
    return limits.run([(name, folder, 0, FEW) for name, folder in jobs])


@pytest.mark.parametrize("name", READERS)
def test_changed_files_are_read_or_refused(name, outcomes):
    # readers of structures exist with their extra alone; the others are tested without it
    if name not in outcomes:
        pytest.skip("needs the extra `materials`")
    assert outcomes[name].faults == []
    assert outcomes[name].cases == FEW


def test_most_readers_refuse_some_changes(outcomes):
    assert sum(outcome.refused > 0 for outcome in outcomes.values()) > 0.8 * len(outcomes)


def test_small_files_that_ask_for_much_are_refused(jobs):
    folders = dict(jobs)
    bombs = [(title, folders[base], 0, 1) for title, (base, *_) in BOMBS.items() if base in folders]
    for title, outcome in limits.run(bombs).items():
        assert outcome.faults == [], title
        assert outcome.refused == 1, title


@pytest.mark.slow
def test_many_changed_files_are_read_or_refused(jobs):
    for outcome in limits.run([(name, folder, 0, MANY) for name, folder in jobs]).values():
        assert outcome.faults == []
        assert outcome.cases == MANY


# ---- the tests of the tests: faults are seen, and counted once


def refuse(path):
    raise SchemaError("one line")


class VerboseError(SchemaError):
    """An error of ours that does not keep to one line."""

    __str__ = ValueError.__str__


def chatter(path):
    raise VerboseError("two\nlines")


def test_readers_may_refuse_in_one_line_but_not_crash(tmp_path):
    assert limits.attempt(lambda path: None, tmp_path) is None
    assert isinstance(limits.attempt(refuse, tmp_path), SchemaError)
    with pytest.raises(AssertionError, match="2 lines"):
        limits.attempt(chatter, tmp_path)
    with pytest.raises(KeyError):
        limits.attempt(lambda path: {}[path], tmp_path)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("raise KeyError('a')", "KeyError"),
        ("np.ones(10**8)", "MemoryError|ended with"),
        ("while True: pass", "takes more than"),
        ("os.kill(os.getpid(), 9)", "ended with -9"),
    ],
)
def test_faults_of_every_kind_are_found(tmp_path, monkeypatch, source, fault):
    honest = tmp_path / "honest"
    honest.mkdir()
    (honest / "a.toml").write_text("name = 1\n")
    # a package of that name in the way of the child process, with one reader that misbehaves
    (tmp_path / "bad.py").write_text(
        "import os, sys\n"
        "import numpy as np\n"
        "from topophys.testing.hardening import limits, readers\n"
        "def read(path):\n"
        "    if path.read_text() != 'name = 1\\n':\n"
        f"        {source}\n"
        "change = lambda rng, path: path.write_text('other') and None\n"
        "readers.READERS['recipe'] = readers.Reader('recipe', '', None, change, read)\n"
        "limits.main()\n"
    )
    monkeypatch.setattr(limits, "COMMAND", [str(tmp_path / "bad.py")])
    outcome = limits.run([("recipe", honest, 0, 2)], seconds=0.5)["recipe"]
    assert len(outcome.faults) == 2
    assert outcome.cases == 2
    assert re.search(fault, outcome.faults[0])


def test_changes_are_named_by_their_number(tmp_path):
    reader = READERS["wannier"]
    honest = tmp_path / "honest"
    honest.mkdir()
    reader.make(honest)
    one = limits.changed(reader, honest, 7).read_bytes()
    assert limits.changed(reader, honest, 7).read_bytes() == one
    others = {limits.changed(reader, honest, case).read_bytes() for case in range(20)}
    assert len(others) > 15
