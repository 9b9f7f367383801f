"""Archives of proven phases: how long they take, and what the checker says of false ones.

    python -m benchmarks.quality.phase_proofs                  # writes docs/results/phases.md
    python -m benchmarks.quality.phase_proofs --mutants 20     # of each kind; prints the tables

Each kind of statement is written to an archive, checked, and changed at random: the statement, the
family, the boxes, the certificates. What is accepted all the same is compared with sampled gaps and
integers at random points of its boxes.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.testing.phase_proofs import KINDS, archive, trial, verdict

PAGE = ROOT / "docs" / "results" / "phases.md"
COMMAND = "python -m benchmarks.quality.phase_proofs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=0, help="of each kind, without a page")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    each = asked.mutants or 250
    rows = [
        "| statement | certificates | bytes | write | check | said |",
        "|---|---|---|---|---|---|",
    ]
    total: Counter[str] = Counter()
    changes: dict[str, Counter[str]] = {}
    for kind in KINDS:
        archive(kind)  # compiled once
        archive.cache_clear()
        begun = time.process_time()
        texts = archive(kind)
        written = time.process_time()
        _, said = verdict(texts)
        checked = time.process_time() - written
        rows.append(
            f"| {kind} | {len(texts) - 1} | {sum(map(len, texts.values())):,} |"
            f" {written - begun:.2f} s | {checked:.2f} s | {said} |"
        )
        print(rows[-1], flush=True)
        found = trial(kind, each, asked.seed)
        total += Counter(found["counts"])
        for change, counts in found["changes"].items():
            name = change.partition(":")[0]  # those of certificates and of paths together
            changes.setdefault(name, Counter()).update(counts)
        for wrong in found["wrong"]:
            print("WRONG", wrong, flush=True)
    parts = ["| change | refused | accepted, still true | accepted, false |", "|---|---|---|---|"]
    for change, counts in sorted(changes.items()):
        refused = counts["rejected"] + counts["unreadable"]
        parts.append(
            f"| {change.replace('_', ' ')} | {refused} | {counts['still true']} |"
            f" {counts['WRONG']} |"
        )
    refused = total["rejected"] + total["unreadable"]
    parts.append(
        f"| **all {total.total()}** | {refused} | {total['still true']} | {total['WRONG']} |"
    )
    print("\n".join(parts))
    if not asked.mutants:
        put(PAGE, "archives", filled(COMMAND, "\n".join(rows), harness.machine()))
        put(PAGE, "false archives", filled(COMMAND, "\n".join(parts), harness.machine()))


if __name__ == "__main__":
    main()
