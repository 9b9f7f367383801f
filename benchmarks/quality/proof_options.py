"""All public options of every proof at once; writes two sections of docs/results/trust.md.

    python -m benchmarks.quality.proof_options            # 100,000 Hamiltonians
    python -m benchmarks.quality.proof_options --share 10 # a tenth of them
    python -m benchmarks.quality.proof_options certify_gap --piece 3
    python -m benchmarks.quality.proof_options --families --share 20

Counts are kept in benchmarks/results/proof_options.jsonl by target and piece, so that a run can be
taken up again; a section of which nothing is kept stays as it is. Whoever changes what a piece is,
or code that decides its outcome, raises VERSION.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.testing.proof_fuzz import FAMILIES, FEW, MANY, OUTCOMES, TARGETS, Count, run

PAGE = ROOT / "docs" / "results" / "trust.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "proof_options.jsonl")
VERSION = 1


def settings(name: str, number: int) -> dict:
    """What the outcomes of a piece depend on."""
    return {"target": name, "piece": number, "batches": FEW[name], "version": VERSION}


def piece(name: str, number: int) -> None:
    """Outcomes of one piece: as many batches as a run of the tests, with another seed."""
    count = run(name, FEW[name], seed=1000 + number)
    words = {part: dict(getattr(count, part)) for part in ("outcomes", "options", "features")}
    STUDY.put(settings(name, number), words | {"bad": count.bad})


def stored() -> list[tuple[dict, dict]]:
    """Settings and counts of the pieces of the present version."""
    pieces = STUDY.entries()
    return [(s, c) for s, c in pieces if s == settings(s["target"], s["piece"])]


def total(name: str) -> Count:
    """Sum of the pieces that are there."""
    count = Count()
    for kept in (counts for given, counts in stored() if given["target"] == name):
        count += Count(*(Counter(kept[p]) for p in ("outcomes", "options", "features")),
                       kept["bad"])  # fmt: skip
    return count


def table(names: Sequence[str]) -> str:
    """Outcomes by function, then how often each option and each feature was there."""
    counts = {name: total(name) for name in names}
    lines = ["| function | Hamiltonians | " + " | ".join(OUTCOMES) + " |",
             "|---|---:|" + "---:|" * len(OUTCOMES)]  # fmt: skip
    for name, count in counts.items():
        cells = [count.outcomes.total(), *(count.outcomes[word] for word in OUTCOMES)]
        lines.append(f"| `{name}` | " + " | ".join(f"{c:,}" for c in cells) + " |")
    everything = sum((c.outcomes for c in counts.values()), Counter())
    cells = [everything.total(), *(everything[word] for word in OUTCOMES)]
    lines.append("| **all** | " + " | ".join(f"{c:,}" for c in cells) + " |")
    for title, part in (("option", "options"), ("feature of the Hamiltonian", "features")):
        summed = sum((getattr(c, part) for c in counts.values()), Counter())
        lines += ["", f"| {title} | Hamiltonians with it |", "|---|---:|"]
        lines += [f"| {word} | {n:,} |" for word, n in sorted(summed.items())]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *TARGETS], default=[])
    parser.add_argument("--families", action="store_true", help="families, groups and batches")
    parser.add_argument("--share", type=int, default=1, help="one in so many pieces")
    parser.add_argument("--piece", type=int, nargs="*", help="these; none: only the page")
    given = parser.parse_args()
    single = [name for name in TARGETS if name not in FAMILIES]
    for name in given.names or (FAMILIES if given.families else single):
        for number in range(0, MANY, given.share) if given.piece is None else given.piece:
            piece(name, number)
            print(f"{name}, piece {number}: done", flush=True)
    for section, names, option in (
        ("options", single, ""), ("options of families", FAMILIES, " --families"),
    ):  # fmt: skip
        done = sorted({kept["piece"] for kept, _ in stored() if kept["target"] in names})
        words = "" if done == list(range(MANY)) else f" --piece {' '.join(map(str, done))}"
        command = f"python -m benchmarks.quality.proof_options{option}{words}"
        if done:
            put(PAGE, section, filled(command, table(names), harness.machine()))


if __name__ == "__main__":
    main()
