"""Two-band models in two dimensions whose Chern number is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from topophys.testing.oracles import degree_by_solid_angles

EDGE = 3 * np.sqrt(3)


def doubled(h, factors):
    """The model with (kx, ky) -> (p kx, q ky)."""
    p, q = factors
    rows = {
        (p * x, q * y): h.d_amplitudes[..., m, :] for m, (x, y) in enumerate(h.d_vectors.tolist())
    }
    return tp.TwoBandHamiltonian(rows)


def everywhere(h, n_k=24):
    """Certified, sampled from d, sampled from Bloch matrices: three integers that must agree."""
    proven = int(tp.certify_chern(h))
    assert tp.chern_number_from_d(h.d_on_grid((n_k, n_k))) == proven
    assert tp.chern_number(h.on_grid((n_k, n_k))) == proven
    return proven


@pytest.mark.parametrize(
    ("m", "chern"),
    [
        (-3.0, 0),
        (-2.2, 0),
        (-1.8, 1),
        (-1.0, 1),
        (-0.2, 1),
        (0.2, -1),
        (1.0, -1),
        (1.8, -1),
        (3.0, 0),
    ],
)
def test_qwz(m, chern):
    """The sign anchor: C = +1 for -2 < m < 0, the degree of d/|d|."""
    h = tp.models.qwz(m)
    assert everywhere(h) == chern
    assert degree_by_solid_angles(h.d_on_grid((60, 60))) == chern


@pytest.mark.parametrize(
    ("factors", "chern"),
    [
        ((2, 1), 2),
        ((1, 2), 2),
        ((-1, 1), -1),
        ((1, -1), -1),
        ((-1, -1), 1),
        ((2, 2), 4),
        ((3, -2), -6),
    ],
)
def test_qwz_with_multiplied_momenta(factors, chern):
    assert everywhere(doubled(tp.models.qwz(-1.0), factors), 48) == chern


@pytest.mark.parametrize("m", [-2.0, 0.0, 2.0])
def test_qwz_at_its_transitions_is_unresolved(m):
    proof = tp.certify_chern(tp.models.qwz(m))
    assert proof.status == "unresolved"
    assert proof.gap_lower == 0
    assert proof.gap_upper < 1e-3


@pytest.mark.parametrize("distance", [1e-3, 1e-6])
@pytest.mark.parametrize(("m", "below", "above"), [(-2, 0, 1), (0, 1, -1), (2, -1, 0)])
def test_qwz_next_to_its_transitions(m, below, above, distance):
    proof = tp.certify_chern(tp.models.qwz([m - distance, m + distance]), max_depth=24)
    assert proof.value.tolist() == [below, above]
    # the gap is 2 |m - m_c| at the high-symmetry point
    assert (proof.gap_lower > 0).all()
    assert (proof.gap_lower <= 2 * distance * (1 + 1e-9)).all()


@pytest.mark.parametrize("phi", [-2.5, -np.pi / 2, -0.3, 0.3, np.pi / 2, 2.5])
@pytest.mark.parametrize("ratio", [-1.3, -0.7, 0.0, 0.7, 1.3])
def test_haldane_phase_diagram(phi, ratio):
    """C = sign(t2 sin phi) inside |m| < 3 sqrt 3 |t2 sin phi|, 0 outside."""
    t2 = 0.2
    h = tp.models.haldane(ratio * EDGE * t2 * np.sin(phi), t2, phi)
    assert everywhere(h) == (np.sign(np.sin(phi)) if abs(ratio) < 1 else 0)


def test_haldane_as_printed():
    """H(k) of Phys. Rev. Lett. 61, 2015 (1988), bond by bond, up to the choice of gauge."""
    angles = np.pi / 2 + 2 * np.pi / 3 * np.arange(3)
    a = np.stack([np.cos(angles), np.sin(angles)], -1)  # from A to its three B neighbours
    b = np.stack([a[1] - a[2], a[2] - a[0], a[0] - a[1]])
    m, t1, t2, phi = 0.3, 1.0, 0.15, 0.8
    rng = np.random.default_rng(1)
    for k in rng.uniform(-4, 4, (20, 2)):
        d = np.array(
            [
                t1 * np.cos(a @ k).sum(),
                t1 * np.sin(a @ k).sum(),
                m - 2 * t2 * np.sin(phi) * np.sin(b @ k).sum(),
            ]
        )
        d0 = 2 * t2 * np.cos(phi) * np.cos(b @ k).sum()
        k_i = np.array([k @ (a[0] - a[2]), k @ (a[1] - a[2])])
        h = tp.models.haldane(m, t2, phi, t1)
        assert h.d(k_i)[2] == pytest.approx(d[2], abs=1e-12)
        assert abs(complex(*h.d(k_i)[:2])) == pytest.approx(abs(complex(*d[:2])), abs=1e-12)
        assert np.linalg.eigvalsh(h.bloch(k_i)) == pytest.approx(
            [d0 - np.linalg.norm(d), d0 + np.linalg.norm(d)], abs=1e-12
        )
        # the gauge: H_BA carries exp(-i k.a3) of the printed one
        assert complex(*h.d(k_i)[:2]) == pytest.approx(
            complex(*d[:2]) * np.exp(-1j * k @ a[2]), abs=1e-12
        )


def test_haldane_transitions_lie_on_the_line():
    """Just inside and just outside of the boundary of the phase diagram."""
    phi = np.linspace(0.2, np.pi - 0.2, 7)
    edge = EDGE * 0.1 * np.sin(phi)
    inside = tp.certify_chern(tp.models.haldane(edge * (1 - 1e-5), 0.1, phi))
    outside = tp.certify_chern(tp.models.haldane(edge * (1 + 1e-5), 0.1, phi))
    assert inside.value.tolist() == [1] * 7
    assert outside.value.tolist() == [0] * 7


def test_haldane_without_flux_is_gapless():
    assert tp.certify_chern(tp.models.haldane(0.0, 0.1, 0.0)).status == "unresolved"


def test_a_constant_d_is_trivial():
    h = tp.TwoBandHamiltonian({(0, 0): [0.1, -0.2, 0.3]})
    proof = tp.certify_chern(h)
    assert int(proof) == 0
    assert proof.gap_lower == pytest.approx(2 * np.sqrt(0.14), rel=1e-12)
