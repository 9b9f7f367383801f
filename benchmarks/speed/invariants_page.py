"""Writes the tables of docs/results/invariants.md.

    python -m benchmarks.speed.invariants_page            # all; peers only where installed
    python -m benchmarks.speed.invariants_page own roof   # some sections

Each section is written as soon as it is measured. Peers are installed by `make peers`.
"""

from __future__ import annotations

import sys

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from benchmarks.peers import tables
from benchmarks.peers.client import installed
from benchmarks.peers.comparison_page import COPIES, copy
from benchmarks.peers.setup import PEERS
from benchmarks.quality import wrong_answers
from benchmarks.speed import bands, chern, roofline, versions, winding

PAGE = ROOT / "docs" / "results" / "invariants.md"
SECTIONS = {
    "chern": chern.table,
    "winding": winding.table,
    "bands": bands.table,
    "before": versions.before,
    "strides": versions.strides,
    "roof": roofline.table,
    "peers-speed": tables.speed,
    "wrong": wrong_answers.table,
    "peers-wrong": tables.wrong,
    "peers-gapless": tables.gapless,
    "hofstadter": tables.hofstadter,
    "material": tables.material,
}
OWN = ("chern", "winding", "bands", "before", "strides", "roof")


def main() -> None:
    question = sys.argv[1:] or list(SECTIONS)
    for word in question:
        for name in OWN if word == "own" else (word,):
            if name.startswith("peers") and not any(map(installed, PEERS)):
                print(f"{name}: left as it is, no peer is installed (`make peers`)", flush=True)
                continue
            command = f"python -m benchmarks.speed.invariants_page {name}"
            put(PAGE, name, filled(command, SECTIONS[name](), harness.machine()))
            if name in COPIES:
                copy(name)
            print(f"{name}: written", flush=True)


if __name__ == "__main__":
    main()
