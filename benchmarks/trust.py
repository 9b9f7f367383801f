"""Certificates against algebra, a million Hamiltonians each; writes docs/results/trust.md.

python -m benchmarks.trust                      # all: some minutes each
python -m benchmarks.trust planes --n 100000    # one of them, smaller
"""

from __future__ import annotations

import argparse
import time

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from tests import trust

PAGE = ROOT / "docs" / "results" / "trust.md"
RUNS = {
    "chains": (trust.trust_chains, 1_000_000),
    "planes": (trust.trust_planes, 1_000_000),
    "bands": (trust.trust_bands, 10_000),
}


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
    parser.add_argument("--n", type=int, default=None)
    given = parser.parse_args()
    for name in given.runs or RUNS:
        run, n = RUNS[name]
        start = time.process_time()
        tally = run(given.n or n)
        text = table(tally, time.process_time() - start)
        extra = f" --n {given.n}" if given.n else ""
        put(
            PAGE, name, filled(f"python -m benchmarks.trust {name}{extra}", text, harness.machine())
        )
        print(f"{name}: {tally.total:,} Hamiltonians, {tally.count('wrong')} wrong", flush=True)


if __name__ == "__main__":
    main()
