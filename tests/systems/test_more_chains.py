"""Rice-Mele, Kitaev and Creutz: gaps, winding numbers and pumped charge in closed form."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import topophys as tp
from tests.systems.reference_models import certified_and_sampled, energies
from topophys.errors import InputError, ShapeError

K = np.linspace(-3, 3, 13)[:, None]


def test_rice_mele_is_ssh_with_a_staggered_energy():
    h = tp.models.rice_mele(0.7, 1.1, 0.4)
    chain = tp.models.ssh(0.7, 1.1)
    np.testing.assert_allclose(h.bloch(K)[:, 0, 1], chain.block(K)[:, 0, 0], atol=1e-15)
    np.testing.assert_allclose(h.d(K)[:, 2], 0.4, atol=1e-15)


def test_gap_of_rice_mele():
    t1, t2, delta = (
        np.array([1.0, 0.5, -1.0, 1.0]),
        np.array([1.0, 1.0, 1.5, 1.0]),
        [0.2, 0, 0.3, 0],
    )
    gap = 2 * np.sqrt((np.abs(t1) - np.abs(t2)) ** 2 + np.square(delta))
    h = tp.models.rice_mele(t1, t2, delta)
    proof = tp.certify_gap(h[:3], min_gap=0.99 * gap[:3].min())
    assert proof.certified.all()
    assert (proof.gap_lower <= gap[:3] * (1 + 1e-9)).all()
    assert (proof.gap_upper >= gap[:3] * (1 - 1e-9)).all()
    assert tp.certify_gap(h[3]).status == "unresolved"


@pytest.mark.parametrize("signs", list(itertools.product((-1, 1), repeat=3)))
def test_charge_of_the_pump(signs):
    """C = sign(t tau Delta) if the cycle goes around the gapless point, else 0."""
    t, dimer, delta = np.array(signs) * (1.0, 0.4, 0.6)
    h = tp.models.rice_mele_pump(t, dimer, delta, [0.0, 0.59, 0.61, -0.59, -0.61])
    inside = int(np.prod(signs))
    assert certified_and_sampled(h) == [inside, inside, 0, inside, 0]


def test_pump_as_a_cycle_of_chains():
    phi = 0.8
    pump = tp.models.rice_mele_pump(1.0, 0.4, 0.6, 0.1)
    chain = tp.models.rice_mele(
        1.0 + 0.4 * np.cos(phi), 1.0 - 0.4 * np.cos(phi), 0.1 + 0.6 * np.sin(phi)
    )
    k = np.concatenate([K, np.full_like(K, phi)], axis=1)
    np.testing.assert_allclose(pump.bloch(k), chain.bloch(K), atol=1e-15)


def test_pumps_through_the_gapless_point():
    h = tp.models.rice_mele_pump([1.0, 1.0, 0.0], [0.4, 0.0, 0.4], 0.5, [0.5, 0.0, 0.0])
    assert (tp.certify_chern(h, max_depth=9).status == "unresolved").all()


def bogoliubov_de_gennes(mu, t, delta, k):
    """(c_k, c_-k^dagger) blocks from the real-space Hamiltonian on a ring, by Fourier transform."""
    n = 8
    hop, pair = np.zeros((n, n)), np.zeros((n, n))
    for j in range(n):
        hop[j, j] -= mu
        hop[j, (j + 1) % n] -= t
        hop[(j + 1) % n, j] -= t
        # delta c_j c_j+1 + h.c. = delta c_j+1^dagger c_j^dagger + h.c.
        pair[(j + 1) % n, j] += delta
        pair[j, (j + 1) % n] -= delta
    # H = 1/2 (c^dagger, c) [[hop, pair], [-pair, -hop]] (c, c^dagger), pair antisymmetric
    full = np.block([[hop, pair], [pair.T, -hop.T]])
    wave = np.exp(1j * k * np.arange(n)) / np.sqrt(n)
    modes = np.kron(np.eye(2), wave[:, None])
    return modes.conj().T @ full @ modes


@pytest.mark.parametrize("number", range(4))
def test_kitaev_chain_is_the_printed_one_in_another_basis(number):
    mu, t, delta = 0.3, 1.1, 0.7
    k = 2 * np.pi * number / 8
    basis = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    expected = basis.T @ bogoliubov_de_gennes(mu, t, delta, k) @ basis
    np.testing.assert_allclose(
        tp.models.kitaev_chain(mu, t, delta).bloch([k]), expected, atol=1e-12
    )


@pytest.mark.parametrize("model", ["kitaev", "creutz"])
@pytest.mark.parametrize("signs", list(itertools.product((-1, 1), repeat=3)))
def test_winding_of_kitaev_and_creutz(model, signs):
    first, second, third = np.array(signs) * (1.0, 0.8, 0.5)
    sizes = np.array([0.0, 0.3, 1.59, 1.61, 3.0])
    if model == "kitaev":
        chains = tp.models.kitaev_chain(first * sizes, second, third)
    else:
        chains = tp.models.creutz(first * sizes, third, second)
    proof = tp.certify_winding(chains)
    inside = int(np.sign(second * third))
    assert proof.value.tolist() == [inside, inside, inside, 0, 0]
    np.testing.assert_array_equal(tp.winding_number(chains.block_on_grid(64)), proof.value)


@pytest.mark.parametrize("mu", [-2.0, 2.0])
def test_kitaev_chain_at_its_transitions(mu):
    assert tp.certify_winding(tp.models.kitaev_chain(mu, 1.0, 0.5)).status == "unresolved"
    near = tp.models.kitaev_chain(mu * (1 + 1e-6 * np.array([-1, 1])), 1.0, 0.5)
    assert tp.certify_winding(near).value.tolist() == [1, 0]
    assert tp.certify_winding(tp.models.creutz(mu, 0.5, 1.0)).status == "unresolved"


def test_chains_without_pairing_or_legs_are_gapless():
    assert tp.certify_winding(tp.models.kitaev_chain(0.5, 1.0, 0.0)).status == "unresolved"
    assert tp.certify_winding(tp.models.creutz(0.5, 0.0, 1.0)).status == "unresolved"


def test_flat_bands_of_the_creutz_ladder():
    h = tp.models.creutz(0.0, 1.5, [1.5, -1.5])
    np.testing.assert_allclose(energies(h, K), [[[-3.0, 3.0]] * len(K)] * 2, atol=1e-14)
    assert tp.certify_winding(h).value.tolist() == [1, -1]


def test_creutz_ladder_leg_by_leg():
    m, t, r, k = 0.3, 0.7, 1.2, 0.9
    forth = np.array([[-1j * t, r], [r, 1j * t]])  # <j| H |j + 1>
    legs = (
        forth * np.exp(1j * k) + forth.conj().T * np.exp(-1j * k) + m * np.array([[0, 1], [1, 0]])
    )
    basis = np.array([[1, 1j], [1j, 1]]) / np.sqrt(2)
    expected = basis.conj().T @ legs @ basis
    np.testing.assert_allclose(tp.models.creutz(m, t, r).bloch([k]), expected, atol=1e-14)


def test_parameters_are_checked_by_name():
    with pytest.raises(InputError, match="`delta` must be finite"):
        tp.models.rice_mele(1.0, 1.0, np.nan)
    with pytest.raises(InputError, match="`mu` must be real"):
        tp.models.kitaev_chain(1j, 1.0, 1.0)
    with pytest.raises(ShapeError, match=r"m \(2,\), t \(3,\)"):
        tp.models.creutz([1.0, 2.0], [1.0, 2.0, 3.0], 1.0)
