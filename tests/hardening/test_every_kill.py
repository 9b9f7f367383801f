"""Training is killed before each thing that it does to its files, and resumed from there."""

from __future__ import annotations

import os
import random
import signal

import pytest

from topophys.testing.hardening import attacks

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forked processes"),
]


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    return attacks.kinds(tmp_path_factory.mktemp("kinds"))


#: Kinds of trainings, by the data.
TRAININGS = ["`train`, resumed", "`train` in two dimensions, resumed"]


@pytest.mark.slow
@pytest.mark.parametrize("again", [None, random.Random(1)], ids=["once", "twice"])
@pytest.mark.parametrize("title", TRAININGS)
def test_training_resumes_after_every_kill(kinds, tmp_path, title, again):
    found = attacks.every_kill(kinds[title], tmp_path, again)
    assert not found.faults
    assert found.attacks == found.right > 40


def test_the_stopper_stops_before_each_thing(tmp_path):
    """The first kill leaves nothing; the last one but a few leaves everything."""

    def write(folder):
        for name in ("a", "b"):
            partial = folder / f".{name}"
            with partial.open("w", encoding="utf-8") as stream:
                stream.write(name)
                os.fsync(stream.fileno())
            partial.replace(folder / name)

    seen = []
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()

        def work(folder=folder, number=number):
            attacks.Stopper(folder, number)
            write(folder)

        status = attacks.child(work)
        seen.append(sorted(p.name for p in folder.iterdir()))
        assert status == (-signal.SIGKILL if number < 6 else 0)
    assert seen[:4] == [[], [".a"], [".a"], ["a"]]
    assert seen[6] == ["a", "b"]
