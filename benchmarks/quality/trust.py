"""Certificates against algebra, up to a million Hamiltonians each; writes docs/results/trust.md.

    python -m benchmarks.quality.trust                   # all, some minutes each
    python -m benchmarks.quality.trust chains --piece 0  # a part of one of them

A run is done in pieces, kept in benchmarks/results/trust.jsonl, so that it can be stopped and taken
up again. Whoever changes code that decides the outcome of a run raises its version, which asks for
new pieces.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.testing import trust

PAGE = ROOT / "docs" / "results" / "trust.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "trust.jsonl")


@dataclass(frozen=True)
class Run:
    """How to run, how many Hamiltonians, in how many pieces, and the version of the code."""

    tally: Callable[..., trust.Tally]
    size: int
    pieces: int
    version: int


#: Versions cover the certificates, their kernels, and the oracles they are compared with.
RUNS = {
    "chains": Run(trust.trust_chains, 1_000_000, 4, 1),
    "planes": Run(trust.trust_planes, 1_000_000, 4, 1),
    "bands": Run(trust.trust_bands, 100_000, 10, 1),
    "gaps": Run(trust.trust_gaps, 1_000_000, 20, 1),
    "kramers": Run(trust.trust_kramers, 30_000, 30, 1),
}


def settings(name: str, number: int) -> dict:
    """What the outcome of a piece depends on; pieces are seeds."""
    run = RUNS[name]
    return {"run": name, "size": run.size // run.pieces, "seed": number, "version": run.version}


def ready(name: str, number: int) -> bool:
    """Whether a piece of the present version is there."""
    return STUDY.get(settings(name, number)) is not None


def piece(name: str, number: int) -> tuple[trust.Tally, float]:
    """Tally and CPU seconds of one piece, computed or read."""
    if kept := STUDY.get(settings(name, number)):
        return _tally(kept), kept["seconds"]
    run, start = RUNS[name], time.process_time()
    tally = run.tally(run.size // run.pieces, seed=number)
    seconds = time.process_time() - start
    rows = {part: [[*key, n] for key, n in vars(tally)[part].items()] for part in vars(tally)}
    STUDY.put(settings(name, number), {"seconds": seconds} | rows)
    return tally, seconds


def _tally(kept: dict) -> trust.Tally:
    tally = trust.Tally()
    for part in ("by_kind", "by_gap"):
        for first, outcome, count in kept[part]:
            vars(tally)[part][first, outcome] = count
    return tally


def table(tally: trust.Tally, seconds: float) -> str:
    """Outcomes by kind and by decade of the gap."""
    words = trust.OUTCOMES
    kinds = sorted({kind for kind, _ in tally.by_kind})
    lines = ["| Hamiltonians | all | " + " | ".join(words) + " |", "|---|" + "---:|" * 5]
    for kind in (*kinds, None):
        counts = [tally.count(word, kind) for word in words]
        cells = " | ".join(f"{c:,}" for c in (sum(counts), *counts))
        lines.append(f"| {kind or '**all**'} | {cells} |")
    lines += ["", "| smallest gap met | all | " + " | ".join(words) + " |", "|---|" + "---:|" * 5]
    for decade in reversed(trust.DECADES):
        counts = [tally.by_gap[decade, word] for word in words]
        low = "0" if decade == trust.DECADES[0] else f"1e{decade - 1}"
        high = "above" if decade == trust.DECADES[-1] else f"1e{decade}"
        cells = " | ".join(f"{c:,}" for c in (sum(counts), *counts))
        lines.append(f"| {low} to {high} | {cells} |")
    return "\n".join([*lines, "", f"{seconds:,.0f} s of CPU time, certificates and oracles."])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="*", choices=[[], *RUNS], default=[])
    parser.add_argument("--piece", type=int, nargs="+", default=None)
    parser.add_argument("--ready", action="store_true", help="only the pieces that are there")
    given = parser.parse_args()
    for name in given.runs or RUNS:
        if given.piece is not None:
            for number in given.piece:
                piece(name, number)
            continue
        total, seconds = trust.Tally(), 0.0
        for number in range(RUNS[name].pieces):
            if given.ready and not ready(name, number):
                continue
            tally, taken = piece(name, number)
            total += tally
            seconds += taken
        if not total.total:  # the page keeps what it has
            continue
        text = table(total, seconds)
        command = f"python -m benchmarks.quality.trust {name}{' --ready' * given.ready}"
        put(PAGE, name, filled(command, text, harness.machine()))
        print(f"{name}: {total.total:,} Hamiltonians, {total.count('wrong')} wrong", flush=True)


if __name__ == "__main__":
    main()
