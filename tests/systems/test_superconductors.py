"""p + ip superconductors and the Fu-Kane-Mele diamond: symmetries and whole phase diagrams."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.systems.reference_models import TIME_REVERSAL

SWAP = np.array([[0.0, 1.0], [1.0, 0.0]])
INVERSION = np.kron(np.eye(2), SWAP)


@pytest.mark.parametrize(("t", "delta"), [(1.0, 1.0), (0.7, -0.3), (-1.2, 0.8)])
def test_p_plus_ip_has_its_diagram_and_particle_hole_symmetry(t, delta):
    mu = np.array([-4.5, -3.9, -0.1, 0.1, 3.9, 4.5]) * abs(t)
    h = tp.models.p_plus_ip(mu, t, delta)
    proof = tp.certify_chern(h)
    assert proof.value.tolist() == [0, 1, 1, -1, -1, 0]
    assert proof.all_certified
    k = np.random.default_rng(0).uniform(-3, 3, (20, 2))
    np.testing.assert_allclose(SWAP @ h.bloch(-k).conj() @ SWAP, -h.bloch(k), atol=1e-14)
    assert tp.symmetry_class(h[0], particle_hole="nambu").name == "D"


@pytest.mark.parametrize("mu", [-4.0, 0.0, 4.0])
def test_p_plus_ip_at_a_transition_is_not_certified(mu):
    assert str(tp.certify_chern(tp.models.p_plus_ip(mu)).status) == "unresolved"


@pytest.mark.parametrize(("so", "t"), [(0.125, 1.0), (-0.3, 0.8)])
def test_the_diamond_has_its_diagram(so, t):
    labels = {-4.5: "(0; 000)", -3.0: "(1; 000)", -1.0: "(0; 111)", 0.4: "(1; 111)",
              1.9: "(1; 111)", 2.2: "(0; 000)"}  # fmt: skip
    for dt, label in labels.items():
        h = tp.models.fu_kane_mele(t * dt, so, t)
        moved = TIME_REVERSAL @ h.amplitudes.conj() @ TIME_REVERSAL.T
        np.testing.assert_allclose(moved, h.amplitudes, atol=1e-15)
        options = {"time_reversal": "up first", "inversion": INVERSION}
        proof = tp.z2_indices_3d(h, method="parity", prove_bulk=True, **options)
        assert proof.label == label
        assert proof.bulk.all_certified


def test_the_diamond_by_fluxes_without_inversion():
    h = tp.models.fu_kane_mele(1.0)
    stagger = tp.FourierHamiltonian({(0, 0, 0): 0.05 * np.kron(np.eye(2), np.diag([1.0, -1.0]))})
    proof = tp.z2_indices_3d(h + stagger, method="flux", time_reversal="up first", n_occupied=2)
    assert proof.label == "(1; 111)"


@pytest.mark.parametrize(("dt", "so"), [(0.0, 0.125), (2.0, 0.125), (-2.0, 0.3), (-4.0, 0.125)])
def test_the_gap_of_the_diamond_closes_between_phases(dt, so):
    k = np.pi * np.array(list(np.ndindex(2, 2, 2)))
    energies = np.linalg.eigvalsh(tp.models.fu_kane_mele(dt, so).bloch(k))
    assert (energies[:, 2] - energies[:, 1]).min() == pytest.approx(0.0, abs=1e-12)
