"""Ctrl-C: one line, and nothing half-written, whenever it comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from topophys.testing.hardening import interrupts

pytestmark = [pytest.mark.process, pytest.mark.skipif(os.name == "nt", reason="signals of Unix")]
COMMANDS = ("generate", "train", "demo", "materials train", "materials generate")


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    return interrupts.prepare(tmp_path_factory.mktemp("stopped"))


WHAT = "print(signal.getsignal(2) is signal.SIG_IGN, 2 in signal.pthread_sigmask(0, ()))"


@pytest.fixture
def deaf():
    """A process that ignores and blocks Ctrl-C, as under `nohup` and in some services."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(signal.SIGINT, before)


def said(code):
    return subprocess.run(
        [sys.executable, "-c", f"import signal\n{code}"], capture_output=True, text=True, check=True
    ).stdout.split()


def test_programs_receive_ctrl_c_also_where_it_was_ignored(deaf):
    assert said(WHAT) == ["True", "True"]
    with interrupts.audible():
        assert said(WHAT) == ["False", "False"]
    assert said(WHAT) == ["True", "True"]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_the_program_under_nohup_ignores_ctrl_c(deaf):
    code = f"""
from topophys.cli import main
try:
    main(["--version"])
except SystemExit:
    {WHAT}
"""
    assert said(code)[-2] == "True"


@pytest.mark.slow
def test_a_stopped_training_is_resumed(commands, tmp_path):
    problem, status = interrupts.stop(commands["train"], tmp_path, 8.0)
    assert problem is None
    assert status == 130
    run = tmp_path / "run"
    if (run / "training.toml").is_file():  # a busy machine may not have come that far
        words = [*map(str, commands["train"]), "--resume"]
        words[words.index("OUT/run")] = str(run)
        again = subprocess.Popen(
            [*interrupts.PROGRAM, *words], stderr=subprocess.PIPE, text=True, cwd=interrupts.ROOT
        )
        with pytest.raises(subprocess.TimeoutExpired):  # it is not refused: it trains
            again.communicate(timeout=12)
        again.kill()
        assert "topophys: " not in again.communicate()[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_stops_at_random_moments(commands, tmp_path, name):
    # commands of materials exist with their extra alone; the others are tested without it
    if name not in commands:
        pytest.skip("needs the extra `materials`")
    found = interrupts.try_often(commands[name], tmp_path, 10, 12.0)
    assert found.faults == []
    assert found.stopped > 0


def test_half_written_files_are_found(tmp_path):
    assert interrupts.half_written(tmp_path) is None
    (tmp_path / "a.json").write_text("{}")
    assert interrupts.half_written(tmp_path) is None
    (tmp_path / "b.h5.17.partial").write_text("")
    assert "b.h5" in interrupts.half_written(tmp_path)
    (tmp_path / "a.json").write_text('{"a": ')
    with pytest.raises(ValueError, match="Expecting value"):
        interrupts.half_written(tmp_path)
    assert interrupts._message(130, f"progress\n{interrupts.STOPPED}\n") is None
    assert "status 1" in interrupts._message(1, "x")
    assert "traceback" in interrupts._message(130, "Traceback\nKeyboardInterrupt\n")
    assert "last line" in interrupts._message(130, "other\n")
