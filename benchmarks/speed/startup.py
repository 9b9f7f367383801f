"""Time to begin: imports and `topophys --help` in fresh processes; writes docs/results/install.md.

python -m benchmarks.speed.startup
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put

PAGE = ROOT / "docs" / "results" / "install.md"
REPEATS = 9
#: What is started: words for the interpreter, and the bar in seconds where there is one.
JOBS = {
    "`python -c pass`": (["-c", "pass"], None),
    "`import numpy`": (["-c", "import numpy"], None),
    "`import topophys`": (["-c", "import topophys"], 1.0),
    "`topophys --help`": (["-m", "topophys.cli", "--help"], 0.5),
    "`topophys generate --help`": (["-m", "topophys.cli", "generate", "--help"], None),
    "`topophys.certify_chern`": (["-c", "import topophys; topophys.certify_chern"], None),
    "every public name": (["-c", "from topophys import *"], None),
    "`import topophys.learn`": (["-c", "import topophys.learn"], None),
}


def once(words: list[str]) -> tuple[float, float]:
    """CPU and wall seconds of one process."""
    before, start = os.times(), time.perf_counter()
    command = [sys.executable, *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system
    return cpu - before.children_user - before.children_system, wall


def measure(repeats: int = REPEATS) -> list[tuple[str, float, float, float | None]]:
    """Medians of each job, after a process that fills the caches."""
    rows = []
    for name, (words, bar) in JOBS.items():
        once(words)
        cpu, wall = zip(*(once(words) for _ in range(repeats)), strict=True)
        rows.append((name, statistics.median(cpu), statistics.median(wall), bar))
    return rows


def table(rows: list[tuple[str, float, float, float | None]]) -> str:
    lines = ["| what | CPU | wall | to stay below |", "|---|---:|---:|---:|"]
    for name, cpu, wall, bar in rows:
        limit = "" if bar is None else f"{bar:.1f} s"
        lines.append(f"| {name} | {cpu:.2f} s | {wall:.2f} s | {limit} |")
    return "\n".join(lines)


if __name__ == "__main__":
    text = table(measure())
    place = f"{harness.machine().partition(';')[0]}; medians of {REPEATS}"
    put(PAGE, "startup", filled("python -m benchmarks.speed.startup", text, place))
    print(text)
