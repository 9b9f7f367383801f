"""How often grids name the wrong integer, and what the certificates say of the same Hamiltonians.

Run with `python -m benchmarks.wrong_answers`. The truth is a grid that is refined until the
smallest |d| (or |det D|) on it is large against what can happen between its points; Hamiltonians
for which no grid up to the largest suffices are counted as open. Nothing of a certificate enters.
"""

from __future__ import annotations

import numpy as np

import topophys as tp
from benchmarks import harness

N = 500
GRIDS = (8, 16, 24, 33, 64)
DENSE = (128, 512, 1024)
POINTS = (33,)
OPEN = np.iinfo(np.int64).min


def chern_truth(H):
    """Sampled integer of the first grid on which d moves less per cell than its smallest length."""
    truth = np.full(len(H), OPEN)
    slope = sum(
        np.abs(r).sum() * np.linalg.norm(H.d_amplitudes[:, m], axis=-1)
        for m, r in enumerate(H.d_vectors)
    )
    for n in DENSE:
        for i in np.flatnonzero(truth == OPEN):
            d = H[int(i)].d_on_grid((n, n))
            # between a point and the corners of its cell d moves by at most slope * 2 pi / n
            if np.linalg.norm(d, axis=-1).min() > slope[i] * 2 * np.pi / n:
                truth[i] = int(tp.chern_number_from_d(d))
    return truth


def winding_truth(chains):
    """The same for det D, by its largest step between neighbouring points."""
    truth = np.full(len(chains), OPEN)
    for n in (512, 4096, 32768):
        for i in np.flatnonzero(truth == OPEN):
            d_k = chains[int(i)].block_on_grid(n)
            det = np.linalg.det(d_k)
            f = np.fft.fft(det) / n
            order = np.abs(np.fft.fftfreq(n, 1 / n))
            if np.abs(det).min() > 2 * np.pi / n * (order * np.abs(f)).sum():
                truth[i] = int(tp.winding_number(d_k))
    return truth


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
    answers = {f"FHS {n} x {n}": tp.chern_number(H, grid=(n, n), on_gapless="mask") for n in GRIDS}
    proof = tp.certify_chern(H)
    report("two-band Hamiltonians", chern_truth(H), answers | {"certificate": proof.value})
    chains = tp.ensembles.aiii_chains(N, rng=11)
    answers = {
        f"{n} k points": tp.winding_number(chains.block_on_grid(n), on_gapless="mask")
        for n in POINTS
    }
    proof = tp.certify_winding(chains)
    report("four-band chains", winding_truth(chains), answers | {"certificate": proof.value})
    print(harness.machine())


if __name__ == "__main__":
    main()
