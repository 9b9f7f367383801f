"""Large random samples, certified and counted again by slow and obvious means."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import topophys as tp
from topophys.testing.oracles import chern_dense, smallest_gap_of_two_bands, winding_by_roots

#: A dense grid of n points per direction is trusted where 2 |d| on it stays above this over n.
TRUSTED = 25.0


def compare_chains(per_kind):
    """Certify chains of all sizes and ranges; returns how many were right, wrong, unresolved."""
    count = Counter()
    for n_orbitals in (1, 2, 3, 4):
        for reach in (1, 2, 3, 4, 5):
            rng = np.random.default_rng([n_orbitals, reach])
            chains = tp.ensembles.aiii_chains(
                per_kind, n_orbitals=n_orbitals, hopping_range=reach, rng=rng
            )
            proof = tp.certify_winding(chains)
            for i, blocks in enumerate(chains.block_amplitudes):
                if not proof.certified[i]:
                    count["unresolved"] += 1
                    continue
                right = winding_by_roots(-reach, blocks)[0] == proof.value[i]
                count["right" if right else "wrong"] += 1
    return count


def compare_planes(per_range):
    """Certify two-band models and refine grids until they can be trusted, up to 1536 x 1536."""
    count = Counter()
    for reach in (1, 2):
        models = tp.ensembles.two_band(per_range, hopping_range=reach, rng=reach)
        proof = tp.certify_chern(models, max_depth=24, max_evaluations=10**6)
        coarse = models.d_on_grid((32, 32))
        for i in range(per_range):
            if not proof.certified[i]:
                count["unresolved"] += 1
                continue
            n_k, d = 32, coarse[i]
            if chern_dense(d) != proof.value[i]:
                count["32 x 32 grid disagrees"] += 1
                while n_k < 1536 and chern_dense(d) != proof.value[i]:
                    n_k *= 2
                    d = models[i].d_on_grid((n_k, n_k))
                if chern_dense(d) != proof.value[i]:
                    gap = smallest_gap_of_two_bands(models[i], 128)
                    count["gap too small for any grid" if gap * n_k < TRUSTED else "wrong"] += 1
                    continue
            count["right"] += 1
    return count


@pytest.mark.slow
def test_a_thousand_chains():
    count = compare_chains(50)
    assert count == {"right": 1000}


def test_three_hundred_planes():
    count = compare_planes(150)
    assert count["wrong"] == 0
    assert count["right"] + count["gap too small for any grid"] + count["unresolved"] == 300
    assert count["right"] >= 295


@pytest.mark.slow
def test_a_hundred_thousand_chains(record_property):
    count = compare_chains(5000)
    record_property("chains", dict(count))
    assert count["wrong"] == 0
    assert count["right"] >= 99_990


@pytest.mark.slow
def test_twenty_thousand_planes(record_property):
    count = compare_planes(10_000)
    record_property("planes", dict(count))
    assert count["wrong"] == 0
    assert count["right"] >= 19_900
