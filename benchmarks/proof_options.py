"""All public options of every proof at once; writes a section of docs/results/trust.md.

    python -m benchmarks.proof_options            # 100,000 Hamiltonians
    python -m benchmarks.proof_options --share 10 # a tenth of them
    python -m benchmarks.proof_options certify_gap --piece 3

Counts are kept in runs/proof_options by target and piece, so that a run can be taken up again.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from tests.proof_fuzz import FEW, MANY, OUTCOMES, TARGETS, Count, run

PAGE = ROOT / "docs" / "results" / "trust.md"
KEPT = ROOT / "runs" / "proof_options"


def piece(name: str, number: int) -> None:
    """Outcomes of one piece: as many batches as a run of the tests, with another seed."""
    count = run(name, FEW[name], seed=1000 + number)
    KEPT.mkdir(parents=True, exist_ok=True)
    words = {part: dict(getattr(count, part)) for part in ("outcomes", "options", "features")}
    path = KEPT / f"{name.replace(', ', '-').replace(' ', '-')}-{number}.json"
    path.write_text(json.dumps(words | {"bad": count.bad}), "utf-8")


def total(name: str) -> Count:
    """Sum of the pieces that are there."""
    count = Count()
    for path in sorted(KEPT.glob(f"{name.replace(', ', '-').replace(' ', '-')}-[0-9]*.json")):
        kept = json.loads(path.read_text("utf-8"))
        count += Count(*(Counter(kept[p]) for p in ("outcomes", "options", "features")),
                       kept["bad"])  # fmt: skip
    return count


def table() -> str:
    """Outcomes by function, then how often each option and each feature was there."""
    counts = {name: total(name) for name in TARGETS}
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
    parser.add_argument("--share", type=int, default=1, help="one in so many pieces")
    parser.add_argument("--piece", type=int, nargs="*", help="these; none: only the page")
    given = parser.parse_args()
    for name in given.names or TARGETS:
        for number in range(0, MANY, given.share) if given.piece is None else given.piece:
            piece(name, number)
            print(f"{name}, piece {number}: done", flush=True)
    done = sorted({int(path.stem.rpartition("-")[2]) for path in KEPT.glob("*.json")})
    words = "" if done == list(range(MANY)) else f" --piece {' '.join(map(str, done))}"
    command = f"python -m benchmarks.proof_options{words}"
    put(PAGE, "options", filled(command, table(), harness.machine()))


if __name__ == "__main__":
    main()
