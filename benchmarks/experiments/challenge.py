"""Scores of the entries that are there on the challenge; writes the tables of docs/challenge.md.

    python -m benchmarks.experiments.challenge           # scores, then the page
    python -m benchmarks.experiments.challenge --page    # only the page

Hidden halves are drawn from the seed in `HIDDEN`, so that the table can be made again.
"""

from __future__ import annotations

import hashlib
import sys

import numpy as np

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.learn.challenge import CHALLENGE, EDITION, load_challenge, score_challenge

PAGE = ROOT / "docs" / "challenge.md"
WEIGHTS = ROOT / "topophys" / "learn" / "pretrained"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "challenge.jsonl")
ENTRIES = ("formula", "fft-formula", "most-probable", "hybrid", "combined")
HIDDEN = 1


def settings(entry):
    """What a score depends on; of networks, their weights."""
    given = {"entry": entry, "edition": EDITION, "hidden": HIDDEN}
    if entry in ("hybrid", "combined"):
        given["weights"] = {
            name: hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for name, path in ((p.stem, p) for p in sorted(WEIGHTS.glob("*.safetensors")))
        }
    return given


def measure():
    for entry in ENTRIES:
        given = settings(entry)
        if STUDY.get(given) is None:
            STUDY.put(given, score_challenge(entry, hidden_seed=HIDDEN).to_dict())


def scores():
    found = {e: STUDY.get(settings(e)) for e in ENTRIES}
    names = [e for e in ENTRIES if found[e] is not None]
    lines = ["| test | n | " + " | ".join(names) + " |", "|---|---:|" + "---:|" * len(names)]
    entered = []
    for test in CHALLENGE:
        cells, n = [], 0
        for entry in names:
            row = next((r for r in found[entry]["rows"]
                        if (r["test"], r["half"]) == (test, "hidden")), None)  # fmt: skip
            n = n if row is None else row["n"]
            cells.append("" if row is None else "{:.3f} ({:.3f} to {:.3f})".format(
                row["accuracy"], *row["interval"]))  # fmt: skip
        lines.append(f"| {test} | {n} | " + " | ".join(cells) + " |")
        entered += [test] if all(cells) else []
    for words, tests in ((f"mean of the {len(entered)} that all entered", entered),
                         ("mean of those entered", [*CHALLENGE])):  # fmt: skip
        means = [
            np.mean([r["accuracy"] for r in found[e]["rows"]
                     if r["half"] == "hidden" and r["test"] in tests])
            for e in names
        ]  # fmt: skip
        lines.append(f"| {words} | | " + " | ".join(f"{x:.4f}" for x in means) + " |")
    return "\n".join(lines)


def tests():
    lines = ["| test | what it holds | samples |", "|---|---|---|"]
    for name, about in CHALLENGE.items():
        shape = " x ".join(map(str, load_challenge(name).samples.shape))
        lines.append(f"| `{name}` | {about} | {shape} |")
    return "\n".join(lines)


def main():
    if "--page" not in sys.argv[1:]:
        measure()
    command = "python -m benchmarks.experiments.challenge"
    put(PAGE, "tests", filled(command, tests(), harness.machine()))
    put(PAGE, "scores", filled(command, scores(), harness.machine()))


if __name__ == "__main__":
    main()
