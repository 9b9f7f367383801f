"""Paired timing by CPU time, and results of long runs that are kept beside their settings."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from threadpoolctl import threadpool_limits


@dataclass(frozen=True)
class Row:
    """One way to do a job, beside the reference."""

    job: str
    way: str
    per_item: float
    ratio: float
    low: float
    high: float


def cpu(function):
    """CPU seconds of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def compare(job, reference, ways, *, items, repeats=9):
    """Time each way and the reference in turn; ratios are medians of neighbouring pairs.

    `reference` is (name, function), `ways` a mapping of names to functions. Every function is
    called once before, so that compilation does not count.
    """
    name, base = reference
    threadpool_limits(1)  # all of this process: one thread each
    base()
    rows = []
    for way, function in ways.items():
        function()
        pairs = [(cpu(base), cpu(function)) for _ in range(repeats)]
        ratios = sorted(a / b for a, b in pairs)
        middle = statistics.median(b for _, b in pairs) / items
        rows.append(Row(job, way, middle, statistics.median(ratios), ratios[0], ratios[-1]))
    own = statistics.median(cpu(base) for _ in range(repeats)) / items
    return [Row(job, name, own, 1.0, 1.0, 1.0), *rows]


def table(rows):
    """Markdown table of rows."""
    lines = [
        "| job | way | time per item | items per second | times faster (range) |",
        "|---|---|---:|---:|---:|",
    ]
    lines += [
        f"| {r.job} | {r.way} | {1e6 * r.per_item:.2f} us | {1 / r.per_item:,.0f}"
        f" | {r.ratio:.1f} ({r.low:.1f} to {r.high:.1f}) |"
        for r in rows
    ]
    return "\n".join(lines)


def machine():
    """One line about where a table was made."""
    packages = ", ".join(f"{p} {version(p)}" for p in ("topophys", "numpy", "numba", "scipy"))
    place = f"{platform.machine()}, Python {platform.python_version()}"
    return f"{place}, {packages}; CPU time of one thread"


class Study:
    """Results of one study in a file of JSON Lines, each beside the settings it depends on.

    What is there for some settings is not computed again; changed settings ask for a new result, a
    changed comment does not. A change of code that changes results raises a number in the
    settings. Later lines win; a line cut off by a crash counts as missing.
    """

    def __init__(self, path: Path):
        self.path = path

    def entries(self) -> list[tuple[dict, dict]]:
        """Settings and result of everything that is there, in the order it was first stored."""
        if not self.path.is_file():
            return []
        found = {}
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # cut off
                continue
            found[_key(entry["settings"])] = entry["settings"], entry["result"]
        return list(found.values())

    def get(self, settings: dict) -> dict | None:
        """Result of these settings; None where there is none."""
        return next((r for s, r in self.entries() if _key(s) == _key(settings)), None)

    def put(self, settings: dict, result: dict) -> None:
        """Add a result as one line, written at once; others may be writing to the same file."""
        line = json.dumps({"settings": settings, "result": result}) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if end := file.seek(0, os.SEEK_END):
                file.seek(end - 1)
                if file.read(1) != b"\n":  # the last one was cut off
                    line = "\n" + line
            file.write(line.encode())


def _key(settings: dict) -> str:
    """Settings as text: lists and tuples are one, and the order of names does not matter."""
    return json.dumps(settings, sort_keys=True)


def run_command(text, **commands):
    """Call the command that is named first with the words after it; print `text` if there is none.

    Words that are numbers are passed as integers.
    """
    name, *words = sys.argv[1:] or [""]
    if name in commands:
        commands[name](*(int(word) if word.isdecimal() else word for word in words))
    else:
        print(text)
