"""Winding numbers of 1000 four-band chains: NumPy, sampled, certified.

Run with `python -m benchmarks.speed.winding`.
"""

from __future__ import annotations

import numpy as np

import topophys as tp
from benchmarks import harness

N, N_K = 1000, 33


def numpy_winding(chains):
    """Sum of wrapped steps of arg det D on the grid, vectorised over chains."""
    lowest, highest = chains.block_range
    phases = np.exp(1j * tp.k_grid(N_K) * np.arange(lowest, highest + 1))
    d_k = np.einsum("ks,bsij->bkij", phases, chains.block_amplitudes, optimize=True)
    det = d_k[..., 0, 0] * d_k[..., 1, 1] - d_k[..., 0, 1] * d_k[..., 1, 0]
    steps = np.angle(np.roll(det, -1, 1) * det.conj())
    return np.rint(steps.sum(1) / (2 * np.pi)).astype(int)


def table():
    """Markdown table and what was seen on the way."""
    chains = tp.ensembles.aiii_chains(N, rng=2026)
    proof = tp.certify_winding(chains)
    sampled = np.ma.filled(tp.winding_number(chains.block_on_grid(N_K), on_unresolved="mask"))
    differ = (numpy_winding(chains) != sampled).sum()
    seen = (
        f"NumPy and sampled differ for {differ} of {N}; refused a certificate:"
        f" {(~proof.certified).sum()}; {N_K} points wrong for"
        f" {(sampled != proof.value)[proof.certified].sum()}."
    )
    blocks = chains.block_on_grid(N_K)
    rows = harness.compare(
        f"four-band chains, {N_K} k points",
        ("NumPy", lambda: numpy_winding(chains)),
        {
            "topophys, sampled": lambda: tp.winding_number(chains, grid=N_K, on_unresolved="mask"),
            "topophys, sampled from blocks": lambda: tp.winding_number(
                blocks, on_unresolved="mask"
            ),
            "topophys, certified": lambda: tp.certify_winding(chains),
        },
        items=N,
        repeats=31,
    )
    return f"{harness.table(rows)}\n\n{seen}"


def main():
    print(table())
    print(harness.machine())


if __name__ == "__main__":
    main()
