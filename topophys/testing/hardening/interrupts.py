"""Commands that are stopped from the keyboard at a random moment."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, "-m", "topophys.cli"]
STOPPED = "topophys: stopped; no file was left half-written"


@dataclass
class Stops:
    """What became of the stopped commands."""

    stopped: int = 0
    finished: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def cases(self):
        return self.stopped + self.finished + len(self.faults)


@contextmanager
def audible():
    """Let programs that start here hear Ctrl-C, also where this one ignores it.

    A process passes on which signals it ignores or blocks. Those of `nohup`, of a job in the
    background and of many services ignore Ctrl-C.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)


def prepare(folder):
    """Files that the commands read; how each command begins, and how long it takes at most."""
    recipe = (ROOT / "datasets" / "tiny" / "winding.toml").read_text(encoding="utf-8")
    (folder / "large.toml").write_text(recipe.replace("size = 300", "size = 300000"))
    (folder / "training.toml").write_text("epochs = 2000\nbatch_size = 20\ncheckpoint_steps = 3\n")
    data, toys = folder / "a.h5", folder / "toys.h5"
    call("generate", ROOT / "datasets" / "tiny" / "winding.toml", "-o", data, "--quiet")
    commands = {
        "generate": ("generate", folder / "large.toml", "-o", "OUT/a.h5"),
        "train": ("train", data, "-o", "OUT/run", "--config", folder / "training.toml"),
        "demo": ("demo", "--quick", "-o", "OUT/demo"),
    }
    try:
        call("materials", "generate", "-n", 60, "-o", toys, "--quiet")
    except subprocess.CalledProcessError:
        return commands  # the extra is not installed
    train = ("materials", "train", toys, "-o", "OUT/toys", "--epochs", 2000)
    many = ("materials", "generate", "-n", 50_000, "-o", "OUT/toys.h5")
    return commands | {"materials train": train, "materials generate": many}


def call(*words):
    """Run the program to its end."""
    return subprocess.run([*PROGRAM, *map(str, words)], check=True, capture_output=True, cwd=ROOT)


def stop(words, folder, wait):
    """Start a command, stop it after some seconds; None, or what is wrong, and the exit status."""
    words = [str(word).replace("OUT", str(folder)) for word in words]
    # a session of its own, so that no other process hears of it
    with audible():
        process = subprocess.Popen(
            [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=ROOT, start_new_session=True,
        )  # fmt: skip
    try:
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "still runs after a minute", None
    problem = _message(process.returncode, err) or half_written(folder)
    return problem, process.returncode


def _message(status, err):
    if "Traceback" in err:
        return f"traceback: {err.splitlines()[-1]:.200}"
    # the signal itself ends a process that is leaving already, with its work done
    if status not in (0, 130, -signal.SIGINT):
        return f"status {status}: {err[-200:]}"
    if status == 130 and err.splitlines()[-1] != STOPPED:
        return f"last line {err.splitlines()[-1]:.200}"
    return None


def half_written(folder):
    """Name of a file that is not whole, or None."""
    from topophys.datasets import verify

    for path in sorted(folder.rglob("*")):
        if "partial" in path.name or path.suffix in {".new", ".headers", ".journal"}:
            return f"left {path.name}"
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        if path.suffix == ".jsonl":
            for line in path.read_text(encoding="utf-8").splitlines():
                json.loads(line)
        if path.suffix == ".h5" and "toys" not in path.name and not verify(path, recompute=0).ok:
            return f"{path.name} is not whole"
    return None


def try_often(words, folder, count, longest, seed=0):
    """Stop a command `count` times, each after a random part of `longest` seconds."""
    found, rng = Stops(), random.Random(seed)
    for _ in range(count):
        wait = rng.uniform(0.0, longest)
        try:
            problem, status = stop(words, Path(tempfile.mkdtemp(dir=folder)), wait)
        except ValueError as error:
            problem, status = f"{type(error).__name__}: {error}", None
        if problem is not None:
            found.faults.append(f"after {wait:.2f} s: {problem}")
        else:
            found.stopped += status == 130
            found.finished += status != 130
    return found
