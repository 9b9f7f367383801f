"""Certificates against algebra, up to a million Hamiltonians each; writes docs/results/trust.md.

    python -m benchmarks.trust                   # all, some minutes each
    python -m benchmarks.trust chains --piece 0  # a part of one of them

A run is done in pieces, kept in runs/trust, so that it can be stopped and taken up again. Pieces
made by other sources than the present ones are made anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from tests import trust, trust_bands

PAGE = ROOT / "docs" / "results" / "trust.md"
#: Code that decides the outcome of every run, and of one; a row of RUNS adds its own.
ENGINE = ("_cells", "_cocycle", "_domains", "_walk")
CHERN = ("tests/trust.py", "tests/oracles.py", "topophys/kernels", *(
    f"topophys/invariants/{name}.py"
    for name in (
        *ENGINE, "_bands", "_scale", "_series", "_two_band", "certify_chern", "certify_winding",
    )
))  # fmt: skip
GAPS = ("tests/trust_bands.py", "topophys/kernels", *(
    f"topophys/invariants/{name}.py" for name in (*ENGINE, "_bands", "certify_gap")
))  # fmt: skip
FLUXES = ("tests/trust_bands.py", "topophys/kernels", *(
    f"topophys/invariants/{name}.py"
    for name in (*ENGINE, "_half_zone", "_kramers_pairs", "_loops", "_time_reversal")
))  # fmt: skip


@dataclass(frozen=True)
class Run:
    """How to run, how many Hamiltonians, in how many pieces, and what code it hangs on."""

    tally: Callable[..., trust.Tally]
    size: int
    pieces: int
    sources: tuple[str, ...]

    def digest(self) -> str:
        """Digest of the code that decides the outcome."""
        files = [f for s in self.sources for f in sorted((ROOT / s).rglob("*.py")) or [ROOT / s]]
        return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]


RUNS = {
    "chains": Run(trust.trust_chains, 1_000_000, 4, CHERN),
    "planes": Run(trust.trust_planes, 1_000_000, 4, CHERN),
    "bands": Run(trust_bands.trust_bands, 1_000_000, 100, (*CHERN, GAPS[0])),
    "gaps": Run(trust_bands.trust_gaps, 1_000_000, 20, (*CHERN, *GAPS)),
    "kramers": Run(trust_bands.trust_kramers, 30_000, 30, (*CHERN, *FLUXES)),
}


def ready(name: str, number: int) -> bool:
    """Whether a piece was computed with the present sources."""
    path = ROOT / "runs" / "trust" / f"{name}-{number}.json"
    return path.exists() and json.loads(path.read_text("utf-8"))["sources"] == RUNS[name].digest()


def piece(name: str, number: int) -> tuple[trust.Tally, float]:
    """Tally and CPU seconds of one piece, computed or read."""
    path = ROOT / "runs" / "trust" / f"{name}-{number}.json"
    if ready(name, number):
        kept = json.loads(path.read_text(encoding="utf-8"))
        return _tally(kept), kept["seconds"]
    run = RUNS[name]
    digest, start = run.digest(), time.process_time()
    tally = run.tally(run.size // run.pieces, seed=number)
    seconds = time.process_time() - start
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {part: [[*key, n] for key, n in vars(tally)[part].items()] for part in vars(tally)}
    path.write_text(json.dumps({"sources": digest, "seconds": seconds} | rows), encoding="utf-8")
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
        text = table(total, seconds)
        command = f"python -m benchmarks.trust {name}{' --ready' * given.ready}"
        put(PAGE, name, filled(command, text, harness.machine()))
        print(f"{name}: {total.total:,} Hamiltonians, {total.count('wrong')} wrong", flush=True)


if __name__ == "__main__":
    main()
