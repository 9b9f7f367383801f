"""The program as its users start it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.artefacts import tiny
from topophys.testing.hardening.interrupts import audible

pytestmark = pytest.mark.process

PROGRAM = [sys.executable, "-m", "topophys.cli"]


def start(*words, **options):
    return subprocess.run(
        [*PROGRAM, *map(str, words)], capture_output=True, text=True, check=False, **options
    )


@pytest.mark.always
def test_generates_and_verifies(tmp_path):
    made = start("generate", tiny("winding"), "-o", tmp_path / "a.h5")
    assert made.returncode == 0
    assert "490 samples" in made.stdout
    # progress, where nobody watches; a slow machine may have said something before
    assert made.stderr.splitlines()[-1].startswith("generate: 490 of 490 in ")
    checked = start("verify", tmp_path / "a.h5", "--recompute", "0.1")
    assert checked.returncode == 0
    assert "no problem" in checked.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_an_error_is_one_line_and_status_2(tmp_path):
    failed = start("info", tmp_path / "nowhere.h5")
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert failed.stderr.startswith("topophys: Data file `")
    assert failed.stderr.count("\n") == 1
    debugged = start("info", tmp_path / "nowhere.h5", "--debug")
    assert debugged.returncode != 0
    assert debugged.stderr.startswith("Traceback (most recent call last):")


def test_reader_that_leaves_early(tiny_file):
    process = subprocess.Popen(
        [*PROGRAM, "info", str(tiny_file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(600) in (0, 1)
    assert "Traceback" not in err


@pytest.mark.always
@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_stop_during_generate_leaves_nothing(tmp_path):
    text = tiny("winding").read_text(encoding="utf-8").replace("size = 300", "size = 3000000")
    (tmp_path / "large.toml").write_text(text, encoding="utf-8")
    output = tmp_path / "out" / "large.h5"
    output.parent.mkdir()
    with audible():
        process = subprocess.Popen(
            [*PROGRAM, "generate", str(tmp_path / "large.toml"), "-o", str(output)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    try:
        deadline = time.monotonic() + 600
        while not list(output.parent.iterdir()):  # work has begun once a file is under way
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out == b""
    assert err.decode().endswith("topophys: stopped; no file was left half-written\n")
    assert "Traceback" not in err.decode()
    assert list(output.parent.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that nobody can fill")
@pytest.mark.parametrize(
    ("words", "status"),
    [("info {data}", 0), ("join {data} -o {made}", 0), ("generate few.toml -o {made}", 2),
     ("join {data} -o few.h5", 2)],
)  # fmt: skip
def test_a_working_folder_that_was_removed(tiny_file, tmp_path, words, status):
    (tmp_path / "gone").mkdir()
    made = tmp_path / "made.h5"
    quiet = "" if "info" in words else " --quiet"
    command = " ".join(PROGRAM) + " " + words.format(data=tiny_file, made=made) + quiet
    root = Path(__file__).parents[2]
    done = subprocess.run(
        ["bash", "-c", f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && {command}"],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    if status:
        assert done.stderr.startswith("topophys: ")
        assert done.stderr.count("\n") == 1
    assert made.is_file() == (status == 0 and "{made}" in words)


STREAMS = {"full": "> /dev/full", "left": "> >(exec 0<&-)", "closed": ">&-"}


@pytest.mark.skipif(os.name == "nt", reason="devices of Unix")
@pytest.mark.parametrize("words", ["--version", "--help"])
@pytest.mark.parametrize("way", STREAMS)
@pytest.mark.parametrize("buffered", [True, False])
def test_results_that_cannot_be_printed(way, words, buffered):
    """One line and status 2; nothing and status 1 where the reader has left."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    if not buffered:
        env["PYTHONUNBUFFERED"] = "1"
    # the reader is gone before anything is printed
    script = f"exec {STREAMS[way]}; sleep 0.1; {' '.join(PROGRAM)} {words}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == {"full": 2, "left": 1, "closed": 0}[way]
    lines = done.stderr.splitlines()
    if way == "full":
        assert len(lines) == 1
        assert lines[0].startswith("topophys: the output cannot be written: ")
    else:
        assert lines == []
