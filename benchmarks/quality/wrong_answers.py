"""How often grids name the wrong integer, and what the certificates say of the same Hamiltonians.

Run with `python -m benchmarks.quality.wrong_answers`. The truth is that of two dense grids that
agree; where they do not it is counted as open. Nothing of a certificate enters.
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
    return np.ma.filled(tp.chern_number(H, grid=(n, n), on_unresolved="mask"))


def winding(chains, n):
    parts = [chains[i : i + 50].block_on_grid(n) for i in range(0, len(chains), 50)]
    return np.concatenate(
        [np.ma.filled(tp.winding_number(d_k, on_unresolved="mask")) for d_k in parts]
    )


def by_wilson_loops(H, n):
    """Sum of wrapped differences of the phases of n Wilson loops of n points."""
    found = []
    for i in range(0, len(H), 50):
        _, states = np.linalg.eigh(H[i : i + 50].on_grid((n, n)))
        u = states[..., :, 0]
        phase = np.angle((u.conj() * np.roll(u, -1, 2)).sum(-1).prod(-1))
        step = np.angle(np.exp(1j * (np.roll(phase, -1, 1) - phase)))
        found.append(np.rint(-step.sum(1) / (2 * np.pi)).astype(int))
    return np.concatenate(found)


def agreed(first, second):
    """The common integer of two dense grids, or OPEN."""
    return np.where(first == second, first, OPEN)


def planes():
    """The random two-band Hamiltonians and their true Chern numbers, or OPEN."""
    H = tp.ensembles.two_band(N, rng=11)
    return H, agreed(*(chern(H, n) for n in DENSE))


def rows(name, truth, answers):
    """One row per method: wrong, refused, right."""
    known = truth != OPEN
    for method, values in answers.items():
        refused = (values == OPEN) & known
        wrong = (values != truth) & known & ~refused
        yield f"| {name} | {method} | {wrong.sum()} | {refused.sum()} | {(~known).sum()} |"


def table():
    """Markdown table of our own methods."""
    lines = [f"| {N} random | method | wrong | refused | truth open |", "|---|---|---:|---:|---:|"]
    H, truth = planes()
    proof = tp.certify_chern(H)
    refined = (proof.evaluations > proof.evaluations.min()).mean()
    answers = {f"FHS {n} x {n}": chern(H, n) for n in GRIDS}
    answers["differences of Wilson loops, 24 x 24"] = by_wilson_loops(H, 24)
    answers[f"certificate ({refined:.0%} refined)"] = np.ma.getdata(proof.value)
    lines += rows("two-band Hamiltonians", truth, answers)
    chains = tp.ensembles.aiii_chains(N, rng=11)
    proof = tp.certify_winding(chains)
    refined = (proof.evaluations > proof.evaluations.min()).mean()
    answers = {f"{n} k points": winding(chains, n) for n in POINTS}
    answers[f"certificate ({refined:.0%} refined)"] = np.ma.getdata(proof.value)
    truth = agreed(*(winding(chains, n) for n in DENSE_POINTS))
    lines += rows("four-band chains", truth, answers)
    return "\n".join(lines)


def main():
    print(table())
    print(harness.machine())


if __name__ == "__main__":
    main()
