"""The independent checker on real and on false files: `python -m benchmarks.quality.checker`.

Writes docs/results/checker.md. Every accepted mutant is decided by dense samples, which share
nothing with the checker: if its claim is false, the checker was wrong.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.pages import ROOT
from topophys.testing.certificates import trial

PAGE = ROOT / "docs" / "results" / "checker.md"


def page(results, seed):
    """The page of results."""
    real, mutants, changes, seconds, wrong = results
    lines = [
        "# The checker, tried",
        "",
        (
            "Written by `python -m benchmarks.quality.checker`: certificates of random Hamiltonians"
            " of all"
        ),
        "kinds, scales from 1e-250 to 1e250 among them, are written, checked, changed, and checked",
        "again. Mutants that are accepted are decided by dense samples. A change called *field* is",
        "one of that field of [the format](../certificate-format.md), in one of several ways.",
        "",
        f"Certificates: {sum(map(len, seconds.values()))}, seed {seed}.",
        f"With an `amplitude_error`: {real['error']}.",
        "",
        "| kind | accepted | not accepted | CPU seconds, median | largest |",
        "|---|---|---|---|---|",
    ]
    for kind, spent in seconds.items():
        good = real[kind, "accepted"]
        rest = len(spent) - good
        lines.append(f"| {kind} | {good} | {rest} | {np.median(spent):.3f} | {max(spent):.2f} |")
    lines += [
        "",
        f"Changed files: {sum(mutants.values())}.",
        "",
        "| verdict | number |",
        "|---|---|",
    ]
    names = {
        "rejected": "rejected",
        "unreadable": "unreadable (no certificate any more)",
        "still true": "accepted; the claim is still true",
        "WRONG": "accepted, and false",
    }
    lines += [f"| {name} | {mutants[key]} |" for key, name in names.items()]
    lines += ["", "| change | rejected | unreadable | accepted, true | accepted, false |"]
    lines += ["|---|---|---|---|---|"]
    for change in sorted({c for c, _ in changes}):
        row = " | ".join(str(changes[change, said]) for said in names)
        lines.append(f"| {change} | {row} |")
    lines += [f"\nWrong: {item}" for item in wrong]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificates", type=int, default=10_000)
    parser.add_argument("--mutants", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this long")
    parser.add_argument("--output", type=Path, default=PAGE)
    question = parser.parse_args()
    results = trial(question.certificates, question.mutants, question.seed, question.minutes)
    question.output.write_text(page(results, question.seed), encoding="utf-8")
    print(question.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
