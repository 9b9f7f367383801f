"""Pipes, devices, circles of links, sockets and holes in place of files: refused in one line."""

from __future__ import annotations

import importlib.util
import os
import signal

import pytest

from topophys.testing.hardening import limits
from topophys.testing.hardening.bombs import KINDS, SPECIAL_READERS
from topophys.testing.hardening.readers import READERS
from topophys.testing.hardening.readers.materials import EXTRA

pytestmark = pytest.mark.process

#: Readers of one plain text or array, quick to start; the slow run has them all.
QUICK = ("recipe", "settings", "source", "array", "wannier", "tbmodels", "lists", "table")
#: What a longer file may be: HDF5, gzip and NumPy know where their content ends.
ENDS = ("source-hdf5", "array", "tbmodels", "dataset", "toys", "wannier-packed")


def require_extra(name):
    """Readers of structures exist with their extra alone; the others are tested without it."""
    if name in EXTRA and importlib.util.find_spec("pymatgen") is None:
        pytest.skip("needs the extra `materials`")


def outcomes(name, folder, cases):
    require_extra(name)
    honest = folder / "honest"
    honest.mkdir()
    READERS[name].make(honest)
    single = all(path.is_file() for path in honest.iterdir())
    jobs = [
        (title, honest, 0, cases) for title in SPECIAL_READERS if title.endswith(f" for {name}")
    ]
    assert len(jobs) == len(KINDS)
    for title, one in limits.run(jobs).items():
        assert one.faults == [], title
        # of a folder, files that are not needed may be anything
        if single and not (title.startswith("file with a hole") and name in ENDS):
            assert (one.read, one.refused) == (0, cases), title


@pytest.mark.parametrize("name", [*QUICK, "jarvis"])
def test_no_file_of_a_reader_may_be_a_pipe(name, tmp_path):
    require_extra(name)

    def waited(number, frame):
        raise limits.TooSlow

    READERS[name].make(tmp_path)
    before = signal.signal(signal.SIGALRM, waited)
    try:
        for path in sorted(p for p in tmp_path.rglob("*") if p.is_file()):
            path.unlink()
            os.mkfifo(path)
            signal.alarm(60)  # the first one imports much
            assert limits.attempt(READERS[name].read, path) is not None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", QUICK)
def test_special_files_are_refused(name, tmp_path):
    outcomes(name, tmp_path, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_special_files_are_refused_by_every_reader(name, tmp_path):
    outcomes(name, tmp_path, 5)
