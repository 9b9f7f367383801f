"""The most probable Hamiltonian behind flattened samples, against algebra and differences."""

import numpy as np
import pytest

import topophys as tp
from benchmarks.experiments import most_probable as behind
from topophys.hamiltonians.flatten import flatten_block


@pytest.fixture
def chains():
    return tp.ensembles.hard_chains("gaussian", 3, n_orbitals=2, rng=4)


def variance_of(reach, points):
    return behind.aliased(behind.family(reach, 0.0), points)


def test_chains_that_the_points_determine_are_found_up_to_their_unit(chains):
    blocks = chains.block_on_grid(12)
    apart = []
    for absent in (1e-4, 1e-8):  # variances of the harmonics beyond the range
        variance = np.where(np.abs(behind.orders(12)) <= 2, 1.0, absent)
        found = behind.most_probable(flatten_block(blocks), variance)
        assert (found.decrement < behind.ENOUGH).all()
        axes = (1, 2, 3)
        factor = (np.conj(blocks) * found.values).sum(axes) / (np.abs(blocks) ** 2).sum(axes)
        away = found.values - factor[:, None, None, None] * blocks
        apart.append(np.abs(away).max(axes) / np.abs(found.values).max(axes))
    # amplitudes fall as the root of the variances
    assert (apart[1] < apart[0] / 50.0).all()
    assert (apart[1] < 1e-3).all()


def test_evidence_prefers_the_range_that_was_drawn(chains):
    flat = flatten_block(chains.block_on_grid(12))
    evidence = [behind.most_probable(flat, variance_of(r, 12)).evidence for r in (1, 2, 3)]
    assert (np.argmax(evidence, 0) == 1).all()


def test_jacobian_of_polar_factors_is_the_product_of_sums():
    rng = np.random.default_rng(2)
    basis = behind.hermitian_basis(2)

    def moved(p):
        """Determinant of the differential of D -> U at P U with U = 1, on anti-Hermitian dD."""
        step, columns = 1e-6, []
        for b in basis:
            ends = [flatten_block((p + s * step * 1j * b)[None])[0] for s in (1.0, -1.0)]
            change = (ends[0] - ends[1]) / (2j * step)
            columns.append([np.trace(c @ change).real for c in basis])
        return np.linalg.det(columns)

    for _ in range(3):
        root = rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2))
        p = root @ root.conj().T + 0.3 * np.eye(2)
        size = np.linalg.eigvalsh(p)
        # anti-Hermitian changes solve P W + W P = 2 dD
        expected = 2.0**4 / np.prod(size[:, None] + size)
        assert np.isclose(moved(p), expected, rtol=1e-5)


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
        flatten_block(chain.block_on_grid(12)), variance_of(2, 12), np.ones(5),
        behind.winding_of_coefficients, rng=np.random.default_rng(3), draws=4, between=2,
    )  # fmt: skip
    assert (said == proof.value).all()


def test_planes_of_two_bands_are_found_up_to_their_unit():
    d = tp.ensembles.two_band(2, rng=3).d_on_grid(8)
    unit = d / np.linalg.norm(d, axis=-1, keepdims=True)
    found, _ = behind.most_probable_plane(unit, behind.plane_variance(8, 1, 0.0))
    ratio = np.linalg.norm(found, axis=-1) / np.linalg.norm(d, axis=-1)
    assert (np.ptp(ratio, axis=(1, 2)) < 2e-2 * ratio.mean((1, 2))).all()
