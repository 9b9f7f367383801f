"""BHZ and Kane-Mele: time reversal, spin Chern numbers, parities, and where gaps close."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.systems.reference_models import (
    TIME_REVERSAL,
    certified_and_sampled,
    energies,
    spin_block,
)

TRIM = np.pi * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
MODELS = {
    "bhz": tp.models.bhz(0.7, 1.1, 0.9, 0.2, 0.3, 0.4),
    "kane_mele": tp.models.kane_mele(0.1, 0.2, 0.15, 0.9),
}


@pytest.mark.parametrize("name", MODELS)
def test_time_reversal(name):
    """T H(k) T^-1 = H(-k), which hopping by hopping is U H_R^* U^dagger = H_R."""
    h = MODELS[name]
    u = TIME_REVERSAL
    np.testing.assert_allclose(u @ h.amplitudes.conj() @ u.T, h.amplitudes, atol=1e-15)
    np.testing.assert_allclose(u @ u.conj(), -np.eye(4))
    k = np.random.default_rng(0).uniform(-3, 3, (20, 2))
    np.testing.assert_allclose(u @ h.bloch(k).conj() @ u.T, h.bloch(-k), atol=1e-14)
    pairs = energies(h, TRIM)
    np.testing.assert_allclose(pairs[:, ::2], pairs[:, 1::2], atol=1e-13)


@pytest.mark.parametrize("b", [1.0, -0.8])
def test_bhz_phase_diagram(b):
    ratio = np.array([-1.0, -0.01, 0.01, 2.0, 3.99, 4.01, 6.0, 7.99, 8.01, 10.0])
    expected = [0, 0, *[int(np.sign(b))] * 3, *[-int(np.sign(b))] * 3, 0, 0]
    h = tp.models.bhz(ratio * b, b=b, d=0.1)
    assert certified_and_sampled(spin_block(h, "up"), n_k=64) == expected
    assert certified_and_sampled(spin_block(h, "down"), n_k=64) == [-c for c in expected]
    # Fu and Kane: parities of sigma_z of the occupied pair at the four momenta
    trim = h.bloch(TRIM)[..., 0, 0] - h.bloch(TRIM)[..., 1, 1]
    z2 = (np.sign(trim.real).prod(-1) < 0).astype(int)
    np.testing.assert_array_equal(z2, np.abs(expected) % 2)


@pytest.mark.parametrize("rashba", [0.7, -1.9])
def test_bhz_phase_diagram_with_rashba_coupling(rashba):
    """Below 2 |a| the coupling closes no gap: signs at the four momenta decide, as without it."""
    ratio = np.array([-1.0, 0.3, 3.0, 5.0, 7.5, 9.0])
    h = tp.models.bhz(ratio, rashba=rashba)
    proof = tp.z2_invariant(h, method="flux", time_reversal="up first")
    assert proof.value.tolist() == [0, 1, 1, 1, 1, 0]
    assert proof.all_certified
    k = np.random.default_rng(0).uniform(-3, 3, (50, 2))
    s = np.hypot(np.sin(k[:, 0]), np.sin(k[:, 1]))
    mass = ratio[:, None] - 2 * (2 - np.cos(k).sum(-1))
    expected = (mass**2 + s**2) ** 2 - (mass * rashba * s) ** 2
    np.testing.assert_allclose(np.linalg.det(h.bloch(k)).real, expected, atol=1e-9)


def test_bhz_closes_with_large_rashba_coupling():
    """M^2 - M lambda s + s^2 = 0 has solutions where |lambda| > 2."""
    found = tp.certify_gap(tp.models.bhz(1.0, rashba=2.5), kind="indirect", n_occupied=2, level=0.0)
    assert not (found.status == "certified").any()


def test_bhz_total_chern_number_is_zero():
    h = tp.models.bhz([-1.0, 2.0, 6.0, 2.0], delta=[0.0, 0.0, 0.0, 0.3])
    assert certified_and_sampled(h) == [0, 0, 0, 0]


@pytest.mark.parametrize("m", [0.0, 4.0, 8.0])
def test_bhz_transitions(m):
    proof = tp.certify_gap(tp.models.bhz(m), max_evaluations=4000)
    assert proof.status == "unresolved"
    assert proof.gap_upper < 1e-2


def test_bhz_as_printed():
    m, a, b, d, kx, ky = 0.7, 1.1, 0.9, 0.2, 0.4, -1.3
    kappa = 2 * (2 - np.cos(kx) - np.cos(ky))
    mass, even = m - b * kappa, -d * kappa
    off = a * (np.sin(kx) - 1j * np.sin(ky))
    h = tp.models.bhz(m, a, b, d).bloch([kx, ky])
    np.testing.assert_allclose(
        h[:2, :2], [[even + mass, off], [np.conj(off), even - mass]], atol=1e-14
    )
    np.testing.assert_allclose(
        h[2:, 2:], [[even + mass, -np.conj(off)], [-off, even - mass]], atol=1e-14
    )


def test_bhz_stays_insulating_without_inversion():
    """A path of proven gaps from the conserved spin to the broken one: same Z2 index."""
    path = tp.models.bhz(2.0, delta=np.linspace(0.0, 0.5, 6))
    proof = tp.certify_gap(path, min_gap=0.8)
    assert proof.certified.all()
    # between neighbours the gap changes by at most twice the change of the term
    assert proof.gap_lower.min() > 2 * 0.1


def test_kane_mele_spin_blocks_are_haldane():
    h = tp.models.kane_mele(0.13, 0.2, 0.0, 0.9)
    k = np.random.default_rng(0).uniform(-3, 3, (20, 2))
    up = tp.models.haldane(0.2, 0.13, np.pi / 2, 0.9)
    np.testing.assert_allclose(spin_block(h, "up").bloch(k), up.bloch(k), atol=1e-14)
    np.testing.assert_allclose(spin_block(h, "down").bloch(k), up.bloch(-k).conj(), atol=1e-14)


@pytest.mark.parametrize("so", [0.1, -0.2])
def test_kane_mele_phase_diagram(so):
    edge = 3 * np.sqrt(3) * abs(so)
    v = edge * np.array([0.0, 0.5, 0.99, -0.99, 1.01, -1.5])
    h = tp.models.kane_mele(so, v)
    c = int(np.sign(so))
    assert certified_and_sampled(spin_block(h, "up"), n_k=64) == [c, c, c, c, 0, 0]
    assert certified_and_sampled(spin_block(h, "down"), n_k=64) == [-c, -c, -c, -c, 0, 0]
    assert certified_and_sampled(h) == [0] * 6
    # the gap at K is 2 | |v| - 3 sqrt 3 |so| |
    at_k = energies(h, 2 * np.pi / 3 * np.array([1, 2]))
    expected = 2 * np.abs(np.abs(v) - edge)
    np.testing.assert_allclose(at_k[:, 2] - at_k[:, 1], expected, atol=1e-12)


def test_kane_mele_closes_with_rashba_coupling():
    """Without staggered energy: gap 6 sqrt 3 so - 3 r at K, closed at r = 2 sqrt 3 so."""
    so = 0.06
    edge = 2 * np.sqrt(3) * so
    for r in (0.0, 0.4 * edge, 0.9 * edge):
        at_k = energies(tp.models.kane_mele(so, 0.0, r), 2 * np.pi / 3 * np.array([1, 2]))
        assert at_k[2] - at_k[1] == pytest.approx(6 * np.sqrt(3) * so - 3 * r, abs=1e-12)
    inside = tp.certify_gap(tp.models.kane_mele(so, 0.0, edge * np.linspace(0, 0.9, 4)))
    assert inside.certified.all()
    at_edge = tp.certify_gap(tp.models.kane_mele(so, 0.0, edge), max_evaluations=4000)
    assert at_edge.status == "unresolved"
    assert at_edge.gap_upper < 0.01


def test_rashba_coupling_as_printed():
    """i r (s x d)_z with d from B to A along the three bonds, written with the bond angles."""
    r = 0.3
    h = tp.models.kane_mele(0.0, 0.0, r, 0.0)
    a1, a2 = np.array([1.0, 0.0]), np.array([0.5, np.sqrt(3) / 2])
    s_x, s_y = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]])
    for cell in ((0, 0), (-1, 0), (0, -1)):
        to_b = (a1 + a2) / 3 + cell[0] * a1 + cell[1] * a2
        d_x, d_y = -to_b / np.linalg.norm(to_b)
        assert np.linalg.norm(to_b) == pytest.approx(1 / np.sqrt(3))
        found = h.hoppings[cell][np.ix_([0, 2], [1, 3])]
        np.testing.assert_allclose(found, 1j * r * (s_x * d_y - s_y * d_x), atol=1e-15)


def test_a_gap_without_spin_orbit_coupling_is_closed():
    assert tp.certify_gap(tp.models.kane_mele(0.0), max_evaluations=4000).status == "unresolved"


def test_z2_index_of_bhz_needs_neither_inversion_nor_s_z():
    h = tp.models.bhz([-1.0, 2.0, 6.0, 9.0, 2.0], delta=[0.0, 0.0, 0.0, 0.0, 0.3])
    assert tp.z2_invariant(h, time_reversal=TIME_REVERSAL).value.tolist() == [0, 1, 1, 0, 1]


def test_z2_index_of_kane_mele_in_both_couplings():
    so = 0.06
    v, r = 3 * np.sqrt(3) * so, 2 * np.sqrt(3) * so
    h = tp.models.kane_mele(
        so, v * np.array([0, 0.5, 1.2, 0, 0.3]), r * np.array([0, 0, 0, 0.8, 0.5])
    )
    assert tp.z2_invariant(h, time_reversal=TIME_REVERSAL).value.tolist() == [1, 1, 0, 1, 1]
