"""Paired timing: two ways to do one job, in turn, in one process, by CPU time."""

from __future__ import annotations

import platform
import statistics
import time
from dataclasses import dataclass
from importlib.metadata import version

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
