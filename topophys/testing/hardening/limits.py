r"""Readers under limits: a process of their own, with little memory and little time.

    python -m topophys.testing.hardening.limits \
        '[[["recipe", "/tmp/honest", 0, 10]], 10.0, 268435456]'

changes the honest recipes of that folder in ways 0 to 9 and reads what comes out. A line of JSON is
written before each case and after it, so that the case that kills the process is known.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from topophys.errors import TopophysError
from topophys.testing.hardening.bombs import BOMB_READERS, SPECIAL_READERS
from topophys.testing.hardening.readers import READERS

#: Bytes that reading may take beyond those of the process, for files of less than a megabyte.
MEMORY = 256 * 2**20
#: Seconds of CPU time that reading one of them may take.
SECONDS = 10
#: How much longer it may wait: a pipe takes no CPU time, a busy machine takes turns.
WAIT = 6
ROOT = Path(__file__).parents[3]
#: What a child process runs.
COMMAND = ["-m", "topophys.testing.hardening.limits"]


class TooSlow(BaseException):  # no error: no reader may catch it
    """Raised by the clock."""


@dataclass
class Outcome:
    """What became of the cases of one reader."""

    read: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)
    memory: int = 0
    seconds: float = 0.0

    @property
    def cases(self):
        return self.read + self.refused + len(self.faults)


def attempt(read, path):
    """Read a file; None where it could be read, and the error of topophys that refused it."""
    try:
        read(path)
    except TopophysError as error:
        text = str(error)
        if "\n" in text or not text:
            raise AssertionError(
                f"message of {len(text.splitlines())} lines: {text!r:.200}"
            ) from None
        return error
    return None


def changed(reader, folder, case):
    """Copy of one of the honest files, changed in the way of that number."""
    rng = random.Random(f"{reader.name} {case}")
    path = _copy(rng.choice(sorted(folder.iterdir())))
    return reader.change(rng, path) or path


def _copy(sample):
    folder = sample.parent
    copy = folder.with_name(f"{folder.name}-{os.getpid()}") / sample.name
    shutil.rmtree(copy.parent, ignore_errors=True)
    copy.parent.mkdir()
    if sample.is_dir():
        shutil.copytree(sample, copy)
    else:
        shutil.copy(sample, copy)
    return copy


def run(jobs, *, seconds=SECONDS, memory=MEMORY):
    """Outcome of each reader, read in a process that may die of it and is started again.

    `jobs` are (name, folder, first, stop): a reader, its honest files, and which cases to try.
    """
    todo = [[name, str(folder), first, stop] for name, folder, first, stop in jobs]
    outcomes = {name: Outcome() for name, *_ in todo}
    while todo:
        done = subprocess.run(
            [sys.executable, *COMMAND, json.dumps([todo, seconds, memory])],
            capture_output=True, text=True, check=False, cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for line in lines:
            _count(line, outcomes[line["name"]])
        if done.returncode == 0 and lines and "over" in lines[-1]:
            break
        if not lines or "begin" not in lines[-1]:  # it died between two cases
            raise RuntimeError(f"{todo[0][0]}: {done.stderr[-2000:]}")
        name, case = lines[-1]["name"], lines[-1]["begin"]
        outcomes[name].faults.append(f"case {case}: the process ended with {done.returncode}")
        while todo[0][0] != name:
            todo.pop(0)
        todo[0][2] = case + 1
    return outcomes


def _count(line, outcome):
    if "fault" in line:
        outcome.faults.append(f"case {line['end']}: {line['fault']}")
    elif "end" in line:
        outcome.refused += line["refused"]
        outcome.read += not line["refused"]
    outcome.memory = max(outcome.memory, line.get("memory", 0))
    outcome.seconds = max(outcome.seconds, line.get("seconds", 0.0))


def _one(read, path, seconds):
    start = resource.getrusage(resource.RUSAGE_SELF)
    answer = {}
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, WAIT * seconds)
    try:
        answer["refused"] = attempt(read, path) is not None
    except TooSlow:
        answer["fault"] = f"takes more than {seconds} s"
    except BaseException as error:  # whatever it is, it is a fault
        answer["fault"] = f"{type(error).__name__}: {error!s:.200}"
        traceback.print_exc()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    end = resource.getrusage(resource.RUSAGE_SELF)
    answer["memory"] = (end.ru_maxrss - start.ru_maxrss) * 1024
    answer["seconds"] = end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime
    return answer


def _expire(number, frame):
    raise TooSlow


def _say(name, **what):
    sys.stdout.write(json.dumps({"name": name, **what}) + "\n")
    sys.stdout.flush()


def _allow(most):
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _work(name, folder, cases, seconds, memory):
    reader = (READERS | BOMB_READERS | SPECIAL_READERS)[name]
    for sample in sorted(folder.iterdir()):
        reader.read(_copy(sample))  # imports and caches are not counted
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    for case in cases:
        path = changed(reader, folder, case)
        _say(name, begin=case)
        _allow(pages * resource.getpagesize() + memory)
        answer = _one(reader.read, path, seconds)
        _allow(resource.RLIM_INFINITY)
        _say(name, end=case, **answer)
    shutil.rmtree(path.parent, ignore_errors=True)


def main():
    """Read what the only argument asks for; see `run`."""
    jobs, seconds, memory = json.loads(sys.argv[1])
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGVTALRM, _expire)
    signal.signal(signal.SIGALRM, _expire)
    for name, folder, first, stop in jobs:
        if first < stop:
            _work(name, Path(folder), range(first, stop), seconds, memory)
    _say(jobs[-1][0], over=True)


if __name__ == "__main__":
    main()
