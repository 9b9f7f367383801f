"""Draws from the exact posterior of chains behind flattened samples."""

import numpy as np
import pytest

import topophys as tp
from benchmarks.experiments import most_probable as behind
from topophys.hamiltonians.flatten import flatten_block
from topophys.hamiltonians.most_probable import harmonic_variances


@pytest.fixture
def chains():
    return tp.ensembles.hard_chains("gaussian", 3, n_orbitals=2, rng=4)


def test_draws_of_all_harmonics_show_what_the_grid_shows(chains):
    blocks = chains.block_on_grid(8)
    m = np.abs(np.arange(-6, 7))
    drawn = behind.unaliased(blocks, 1.0 / (1.0 + m) ** 2, np.random.default_rng(1))
    again = tp.ChiralHamiltonian.from_array(-6, drawn).block_on_grid(8)
    assert np.allclose(again, blocks, atol=1e-12)
    assert np.abs(drawn[:, 0]).min() > 0.0


def test_votes_on_determined_chains_are_unanimous():
    chain = tp.ensembles.hard_chains("gaussian", 4, n_orbitals=1, rng=9)
    proof = tp.certify_winding(chain)
    said = behind.votes(
        flatten_block(chain.block_on_grid(12)), harmonic_variances([12], 2), np.ones(5),
        behind.winding_of_coefficients, rng=np.random.default_rng(3), draws=4, between=2,
    )  # fmt: skip
    assert (said == proof.value).all()
