"""Inputs after public reports, run one by one; writes the table of docs/results/real-files.md.

python -m benchmarks.quality.real_files
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.testing.real_files import CASES, Case

PAGE = ROOT / "docs" / "results" / "real-files.md"
#: Longest outcome in the table.
LONGEST = 150


def linked(source: str) -> str:
    """Reports as links to their threads."""
    found = [word.split("#") for word in source.split(", ") if word]
    return ", ".join(f"[{r}#{n}](https://github.com/{r}/issues/{n})" for r, n in found) or "own"


def row(case: Case) -> tuple[str, bool]:
    """One line of the table, and whether the outcome is the wanted one."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = case.outcome(Path(folder)).replace(f"{folder}/", "")
    good = case.wanted in outcome
    start = max(0, outcome.find(case.wanted) + len(case.wanted) - LONGEST)
    short = outcome[start : start + LONGEST]
    short = ("..." if start else "") + short + ("..." if start + LONGEST < len(outcome) else "")
    short = re.sub(r"([|`*])", r"\\\1", short)
    return f"| {case.name} | {linked(case.source)} | {case.before} | {short} |", good


def main() -> None:
    lines = ["| asked | report | came out | comes out |", "|---|---|---|---|"]
    bad = 0
    for case in CASES:
        line, good = row(case)
        print("ok " if good else "BAD", line, flush=True)
        lines.append(line)
        bad += not good
    command = "python -m benchmarks.quality.real_files"
    put(PAGE, "cases", filled(command, "\n".join(lines), harness.machine()))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
