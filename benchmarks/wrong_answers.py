"""How often grids name the wrong integer, and what the certificates say of the same Hamiltonians.

Run with `python -m benchmarks.wrong_answers`. The truth is that of two dense grids that agree;
where they do not it is counted as open. Nothing of a certificate enters.
"""

from __future__ import annotations

import numpy as np

import topophys as tp
from benchmarks import harness

N = 1000
GRIDS = (8, 16, 24, 33, 64)
DENSE = (641, 997)
POINTS = (33, 129)
DENSE_POINTS = (4999, 8191)
OPEN = np.iinfo(np.int64).min


def chern(H, n):
    return tp.chern_number(H, grid=(n, n), on_gapless="mask")


def winding(chains, n):
    parts = [chains[i : i + 50].block_on_grid(n) for i in range(0, len(chains), 50)]
    return np.concatenate([tp.winding_number(d_k, on_gapless="mask") for d_k in parts])


def agreed(first, second):
    """The common integer of two dense grids, or OPEN."""
    return np.where(first == second, first, OPEN)


def report(name, truth, answers):
    """One row per method: wrong, refused, right."""
    known = truth != OPEN
    for method, values in answers.items():
        refused = (values == OPEN) & known
        wrong = (values != truth) & known & ~refused
        print(f"| {name} | {method} | {wrong.sum()} | {refused.sum()} | {(~known).sum()} |")


def main():
    print(f"| {N} random | method | wrong | refused | truth open |\n|---|---|---:|---:|---:|")
    H = tp.ensembles.two_band(N, rng=11)
    answers = {f"FHS {n} x {n}": chern(H, n) for n in GRIDS}
    answers["certificate"] = tp.certify_chern(H).value
    report("two-band Hamiltonians", agreed(*(chern(H, n) for n in DENSE)), answers)
    chains = tp.ensembles.aiii_chains(N, rng=11)
    answers = {f"{n} k points": winding(chains, n) for n in POINTS}
    answers["certificate"] = tp.certify_winding(chains).value
    report("four-band chains", agreed(*(winding(chains, n) for n in DENSE_POINTS)), answers)
    print(harness.machine())


if __name__ == "__main__":
    main()
