"""What an answer of a pretrained network costs, beside the formula on the same samples.

    python -m benchmarks.speed.predict     # writes docs/results/confidence.md

Each way and the formula are timed in turn; CPU time of one thread.
"""

from __future__ import annotations

import copy

import torch

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.learn import load_pretrained

PAGE = ROOT / "docs" / "results" / "confidence.md"
COMMAND = "python -m benchmarks.speed.predict"
COUNTS = {"chains": 200, "planes": 60}


def rows() -> list[harness.Row]:
    """Chains of two orbitals on 32 points, planes of two bands on 16 x 16."""
    torch.set_num_threads(1)
    found = []
    cases = {
        "chains": (
            "winding-1d", tp.ensembles.hard_chains("long_range", COUNTS["chains"], rng=1), 32,
            tp.winding_number,
        ),
        "planes": (
            "chern-2d", tp.ensembles.hard_planes("long_range", COUNTS["planes"], rng=1), 16,
            tp.chern_number,
        ),
    }  # fmt: skip
    for job, (name, h, grid, formula) in cases.items():
        network = load_pretrained(name)
        ways = {
            "network": lambda n=network, h=h, g=grid: n.predict(h, grid=g, reconstruct=False),
            "network, without the look at a finer grid": lambda n=network, h=h, g=grid: (
                without_finer(n).predict(h, grid=g, reconstruct=False)
            ),
            "network, or reconstruction": lambda n=network, h=h, g=grid: n.predict(h, grid=g),
            "network and proof": lambda n=network, h=h, g=grid: n.predict(h, grid=g, certify=True),
        }
        sampled = ("formula on the points",
                   lambda f=formula, h=h, g=grid: f(h, grid=g, on_unresolved="mask"))  # fmt: skip
        words = f"{job} on {grid}{f' x {grid}' if job == 'planes' else ''} points"
        found += harness.compare(words, sampled, ways, items=COUNTS[job])
    return found


def without_finer(network):
    """The same network, in which no answer is compared with a finer grid."""
    other = copy.copy(network)
    other._seen_again = lambda *given: given[-1]
    return other


def main() -> None:
    lines = ["| job | way | time per item | times the formula (range) |", "|---|---|---:|---:|"]
    for r in rows():
        share = f"{1 / r.ratio:,.1f} ({1 / r.high:,.1f} to {1 / r.low:,.1f})"
        lines.append(f"| {r.job} | {r.way} | {1e6 * r.per_item:,.0f} us | {share} |")
    table = "\n".join(lines)
    print(table)
    put(PAGE, "time", filled(COMMAND, table, harness.machine()))


if __name__ == "__main__":
    main()
