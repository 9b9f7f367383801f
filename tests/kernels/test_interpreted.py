"""Interpreted kernels give what compiled ones give."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.process

PROGRAM = """
import sys
import numba
import numpy as np
import topophys as tp
from topophys.kernels.winding_sampled import count_turns

assert (type(count_turns).__module__.split(".")[0] != "numba") == bool(numba.config.DISABLE_JIT)
chains = [tp.ensembles.aiii_chains(6, n_orbitals=n, rng=n) for n in (1, 2, 3)]
planes = tp.ensembles.two_band(3, rng=5)
re, im = np.random.default_rng(0).standard_normal((2, 2, 4, 5, 3, 3))
h3 = re + re.swapaxes(-1, -2) + 1j * (im - im.swapaxes(-1, -2))
out = []
for chain in chains:
    proof = tp.certify_winding(chain)
    out += [proof.value, proof.evaluations, proof.gap_lower, proof.gap_upper]
    d_k = chain.block_on_grid(16)
    out += [tp.winding_number(d_k), tp.winding_steps(d_k), tp.flatten_block(d_k)]
    out += [tp.flatten_block(1e-200 * d_k)]
proof = tp.certify_chern(planes)
out += [proof.value, proof.evaluations, proof.gap_lower, proof.gap_upper]
out += [tp.berry_flux_from_d(planes.d_on_grid((6, 6)))]
out += [tp.berry_flux(h3, n_occupied=1, positions=np.zeros((3, 2)))]
out += [tp.chern_number_from_d(planes.d_on_grid((6, 6)))]
out += [tp.chern_number(planes, grid=(12, 12))]
proof = tp.certify_chern(tp.ensembles.class_a(1, n_bands=3, n_occupied=2, rng=6))
out += [proof.value, proof.evaluations, proof.gap_lower, proof.gap_upper]
zero = tp.TwoBandHamiltonian({(0, 0): [0.0, 0.0, 0.0], (1, 0): [0.0, 0.0, 0.0]})
out += [tp.certify_chern(zero).value, tp.winding_number(np.zeros((4, 3, 3)), on_unresolved="mask")]
out += [tp.chern_number_from_d(np.zeros((4, 4, 3)), on_unresolved="mask")]
np.savez(sys.argv[1], *map(np.ma.filled, out))
"""


def results(path, *, interpreted):
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1" if interpreted else "0"}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(path) as stored:
        return [stored[name] for name in stored.files]


def test_interpreted_and_compiled_kernels_agree(tmp_path):
    slow = results(tmp_path / "slow.npz", interpreted=True)
    fast = results(tmp_path / "fast.npz", interpreted=False)
    assert len(slow) == len(fast) == 39
    for a, b in zip(slow, fast, strict=True):
        if a.dtype.kind == "i":
            np.testing.assert_array_equal(a, b)
        else:  # fused or reordered sums may differ in the last digits
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
