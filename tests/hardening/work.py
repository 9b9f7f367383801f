"""One number for many results: equal work gives equal bits, whatever it is done beside.

python -m tests.hardening.work SEED
"""

from __future__ import annotations

import hashlib
import sys

import numpy as np

import topophys as tp


def digest(seed, n=20):
    """SHA-256 over the results of kernels and of LAPACK on random Hamiltonians."""
    chains = tp.ensembles.aiii_chains(n, rng=seed)
    planes = tp.ensembles.two_band(n, rng=seed)
    bands = tp.ensembles.class_a(max(2, n // 5), n_bands=4, n_occupied=2, rng=seed)
    proofs = [tp.certify_winding(chains), tp.certify_chern(planes), tp.certify_chern(bands)]
    found = [array for p in proofs for array in (p.value, p.gap_lower, p.evaluations)]
    grid = bands.on_grid((8, 8))
    found += [
        tp.winding_angle(chains.block_on_grid(24)),
        tp.winding_steps(chains.block_on_grid(24)),
        tp.berry_flux_from_d(planes.d_on_grid((9, 9))),
        tp.berry_flux(grid, n_occupied=2),
        np.ma.filled(tp.chern_number(grid, n_occupied=2, on_unresolved="mask")),
        tp.wilson_loop(grid, n_occupied=2),
        tp.quantum_metric(grid, n_occupied=2),
        tp.flatten_block(chains.block_on_grid(24)),
    ]
    total = hashlib.sha256()
    for array in found:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest(int(sys.argv[1])) + "\n")
