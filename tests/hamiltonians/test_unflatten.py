"""Hamiltonians of short range from samples of their flattened bands."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from topophys.ensembles import (
    HARD_CHAINS,
    HARD_PLANES,
    aiii_chains,
    class_a,
    hard_chains,
    hard_planes,
)
from topophys.errors import InputError, ShapeError


def flat_bands(h_k, n_occupied):
    states = np.linalg.eigh(h_k)[1][..., :n_occupied]
    projector = states @ np.conj(np.swapaxes(states, -1, -2))
    return np.eye(h_k.shape[-1]) - 2.0 * projector


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 4),
    reach=st.integers(1, 3),
    more=st.integers(1, 9),
    precision=st.sampled_from([np.complex64, np.complex128]),
)
def test_random_chains_are_found_up_to_a_factor(seed, size, reach, more, precision):
    chains = aiii_chains(3, n_orbitals=size, hopping_range=reach, rng=seed)
    points = 2 * (2 * reach + 1) + more
    found = tp.unflatten_block(tp.flatten_block(chains.block_on_grid(points)).astype(precision))
    # a chain whose gap nearly closes says little about its blocks there
    clear = tp.certify_gap(chains).gap_lower > 1e-2
    assert found.found[clear].all()
    assert found.unique[clear].all()
    assert (found.hopping_range[found.found] == reach).all()
    error = np.abs(found.hamiltonian.block_on_grid(40) - chains.block_on_grid(40))
    assert error[clear].max(initial=0.0) < 1e-3
    proof = tp.certify_winding(found.hamiltonian)
    np.testing.assert_array_equal(proof.value[clear], tp.certify_winding(chains).value[clear])


@pytest.mark.parametrize("ensemble", HARD_CHAINS)
@pytest.mark.parametrize("points", [12, 32])
def test_windings_of_reconstructed_chains_are_those_of_the_chains(ensemble, points):
    chains = hard_chains(ensemble, 60, rng=5)
    found = tp.unflatten_block(tp.flatten_block(chains.block_on_grid(points)))
    determined = (points > 2 * (2 * chains.block_range[1] + 1)) | found.found
    np.testing.assert_array_equal(found.found, determined)
    proof, truth = tp.certify_winding(found.hamiltonian), tp.certify_winding(chains)
    np.testing.assert_array_equal(proof.value[found.found], truth.value[found.found])


@pytest.mark.parametrize("ensemble", HARD_PLANES)
@pytest.mark.parametrize(("n_bands", "n_occupied"), [(2, 1), (3, 1), (4, 2), (5, 3)])
def test_chern_numbers_of_reconstructed_planes_are_those_of_the_planes(
    ensemble, n_bands, n_occupied
):
    planes = hard_planes(ensemble, 4, n_bands=n_bands, n_occupied=n_occupied, rng=3)
    flat = flat_bands(planes.on_grid(7), n_occupied)
    found = tp.unflatten_bands(flat, n_occupied, max_range=1)
    assert found.found.all() == (ensemble != "long_range")
    proof, truth = tp.certify_chern(found.hamiltonian), tp.certify_chern(planes)
    np.testing.assert_array_equal(proof.value[found.found], truth.value[found.found])


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_any_dimension_is_read(dim):
    rng = np.random.default_rng(4)
    half = [(0,) * dim, *map(tuple, np.eye(dim, dtype=int).tolist())]
    matrices = rng.standard_normal((len(half), 3, 3, 2)) @ np.array([1, 1j])
    matrices[0] = matrices[0] + matrices[0].conj().T
    matrices -= np.trace(matrices, axis1=1, axis2=2)[:, None, None] * np.eye(3) / 3
    h = tp.FourierHamiltonian(dict(zip(half, matrices, strict=True)), n_occupied=1)
    points = {1: 9, 2: 5, 3: 4}[dim]
    found = tp.unflatten_bands(flat_bands(h.on_grid((points,) * dim), 1)[None], 1, hopping_range=1)
    assert found.found.all()
    ours, given_ = found.hamiltonian.on_grid((4,) * dim)[0], h.on_grid((4,) * dim)
    ratio = np.vdot(ours, given_).real / np.vdot(ours, ours).real
    np.testing.assert_allclose(ratio * ours, given_, atol=1e-6 * abs(given_).max())


def test_chains_of_longer_range_than_the_points_determine_are_not_found():
    chains = aiii_chains(20, hopping_range=4, rng=1)
    found = tp.unflatten_block(tp.flatten_block(chains.block_on_grid(12)))
    assert not found.found.any()
    assert found.misfit.min() > 1e-4


def test_what_is_not_unique_is_said():
    constant = np.broadcast_to(np.eye(2, dtype=complex), (1, 8, 2, 2))
    decoupled = np.zeros((1, 16, 2, 2), complex)
    for a, t in enumerate((0.5, 2.0)):
        block = 1.0 + t * np.exp(1j * tp.k_grid(16)[:, 0])
        decoupled[0, :, a, a] = block / np.abs(block)
    for samples in (constant, decoupled):
        found = tp.unflatten_block(samples)
        assert found.found.all()
        assert not found.unique.any()
    assert tp.unflatten_block(decoupled[..., :1, :1]).unique.all()


def test_noise_is_no_chain():
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((10, 16, 2, 2, 2)) @ np.array([1, 1j])
    assert not tp.unflatten_block(tp.flatten_block(noise)).found.any()


def test_bands_do_not_depend_on_energies_of_the_input():
    planes = class_a(3, n_bands=3, n_occupied=1, rng=8)
    h_k = planes.on_grid(8)
    one, other = (tp.unflatten_bands(x, 1) for x in (h_k, flat_bands(h_k, 1)))
    assert one.found.all()
    assert other.found.all()
    np.testing.assert_allclose(one.hamiltonian.amplitudes, other.hamiltonian.amplitudes, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda u: tp.unflatten_block(2.0 * u), InputError, "unitary"),
        (lambda u: tp.unflatten_block(u[0]), ShapeError, "(B, N, n, n)"),
        (lambda u: tp.unflatten_block(u, hopping_range=6), InputError, "at most 3"),
        (lambda u: tp.unflatten_block(u, max_range=0), InputError, "max_range"),
        (lambda u: tp.unflatten_block(u[:, :2]), InputError, "more k points"),
        (lambda u: tp.unflatten_bands(u, 0), InputError, "n_occupied"),
        (lambda u: tp.unflatten_bands(u[0, 0], 1), ShapeError, "h_k"),
        (lambda u: tp.unflatten_bands(u[..., :1], 1), ShapeError, "(B, Nx, ..., n, n)"),
    ],
)
def test_bad_input_is_refused(call, error, words):
    u_k = tp.flatten_block(aiii_chains(2, hopping_range=1, rng=1).block_on_grid(16))
    with pytest.raises(error, match=re.escape(words)):
        call(u_k)


@pytest.mark.parametrize("coupling", [0.0, 1e-6, 1e-5])
@pytest.mark.parametrize("points", [8, 12])
def test_a_block_beside_one_of_shorter_range_is_not_lost(points, coupling):
    """The equations hold for the shorter block alone, which is not what the samples show."""
    rng = np.random.default_rng(1)
    amplitudes = np.zeros((300, 5, 2, 2), complex)
    amplitudes[:, 1:4, 0, 0] = rng.standard_normal((300, 3, 2)) @ np.array([1, 1j])
    amplitudes[:, :, 1, 1] = rng.standard_normal((300, 5, 2)) @ np.array([1, 1j])
    amplitudes += coupling * (rng.standard_normal(amplitudes.shape) + 0j)
    chains = tp.ChiralHamiltonian.from_array(-2, amplitudes)
    samples = tp.flatten_block(chains.block_on_grid(points))
    found = tp.unflatten_block(samples)
    sure = found.found & found.unique
    truth, proof = tp.certify_winding(chains), tp.certify_winding(found.hamiltonian)
    np.testing.assert_array_equal(proof.value[sure], truth.value[sure])
    for index in np.flatnonzero(found.found):
        polar = tp.flatten_block(found.hamiltonian[index].block_on_grid(points))
        assert np.abs(polar - samples[index]).max() < 0.05


def test_a_flat_orbital_beside_a_plane_does_not_hide_it():
    for offset in (0.01, 0.05, 0.2):
        h_k = tp.models.qwz(-2.0 + offset).on_grid((8, 8))
        three = np.zeros((1, 8, 8, 3, 3), complex)
        three[0, ..., :2, :2], three[0, ..., 2, 2] = h_k, 5.0
        found = tp.unflatten_bands(flat_bands(three, 1), 1)
        ok = found.found & found.unique
        expected = tp.certify_chern(tp.models.qwz(-2.0 + offset)).value
        assert (tp.certify_chern(found.hamiltonian).value[ok] == expected).all()


def test_bands_without_a_gap_or_symmetry_are_not_found():
    assert not tp.unflatten_bands(np.tile(np.eye(2), (1, 6, 6, 1, 1)), 1).found.any()
    with pytest.raises(InputError, match="Hermitian"):
        tp.unflatten_bands(np.tile([[-1.0, 5.0], [0.0, 1.0]], (1, 6, 6, 1, 1)), 1)
    with pytest.raises(InputError, match="tolerance"):
        tp.unflatten_bands(np.ones((1, 6, 6, 2, 2)), 1, tolerance=-1.0)
    with pytest.raises(ShapeError, match="u_k"):
        tp.unflatten_block(np.ones((0, 8, 2, 2)))
