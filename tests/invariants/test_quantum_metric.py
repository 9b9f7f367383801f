"""Quantum metric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given

import topophys as tp
from tests.invariants.samples import degenerate, direct_sum, rotated, unitary
from tests.strategies import bloch_grids, generators, two_bands
from topophys.errors import GaplessError, InputError, ShapeError


def curvature_from_d(h, k):
    """Berry curvature of the lower band at the momenta themselves, from derivatives of d."""
    phases = np.exp(1j * k @ h.d_vectors.T)
    d = (phases @ h.d_amplitudes).real
    slopes = [((phases * 1j * h.d_vectors[:, i]) @ h.d_amplitudes).real for i in range(2)]
    volume = np.einsum("...i,...i->...", d, np.cross(*slopes))
    return 0.5 * volume / np.linalg.norm(d, axis=-1) ** 3, d, slopes


@given(h=two_bands())
def test_two_bands_in_closed_form(h):
    """g = d_i n . d_j n / 4 with n = d/|d|, and sqrt(det g) = |Omega| / 2."""
    k = tp.k_grid(12, 2)
    omega, d, slopes = curvature_from_d(h, k)
    size = np.linalg.norm(d, axis=-1, keepdims=True)
    assume(size.min() > 1e-2 * size.max())
    unit = d / size
    turn = [(s - unit * (unit * s).sum(-1, keepdims=True)) / size for s in slopes]
    expected = np.array([[0.25 * (a * b).sum(-1) for a in turn] for b in turn])
    g = tp.quantum_metric(h.on_grid((12, 12)))
    scale = np.abs(expected).max()
    assert np.allclose(g, np.moveaxis(expected, (0, 1), (-2, -1)), rtol=1e-8, atol=1e-9 * scale)
    assert np.allclose(np.linalg.det(g), omega**2 / 4, rtol=1e-6, atol=1e-9 * scale**2)
    trace = np.trace(g, axis1=-2, axis2=-1)
    assert (trace >= np.abs(omega) - 1e-9 * scale).all()


@given(rng=generators())
def test_bounds_for_degenerate_bands(rng):
    """Trace >= |Omega| in the mean, >= |C| (2 pi) in the integral; positive everywhere."""
    m = rng.uniform(-1.5, -0.5, 2)
    h = rotated(direct_sum(*(tp.models.qwz(float(x)) for x in m)), unitary(4, rng))
    g = tp.quantum_metric(h.on_grid((40, 40)), n_occupied=2)
    assert (np.linalg.eigvalsh(g) > -1e-12).all()
    volume = (2 * np.pi / 40) ** 2
    assert np.trace(g, axis1=-2, axis2=-1).sum() * volume >= 2 * np.pi * 2
    assert 2 * np.sqrt(np.linalg.det(g).clip(0)).sum() * volume >= 2 * np.pi * 2 - 1e-6
    # it adds over blocks
    parts = [tp.quantum_metric(tp.models.qwz(float(x)).on_grid((40, 40))) for x in m]
    assert g == pytest.approx(sum(parts), abs=1e-9)


@given(case=bloch_grids(max_bands=4))
def test_gauge_does_not_matter(case):
    h_k, filled = case
    rng = np.random.default_rng(0)
    energy = np.linalg.eigvalsh(h_k)
    assume((energy[..., filled] - energy[..., filled - 1]).min() > 0.1)
    origin = np.zeros((h_k.shape[-1], 2))  # noise on a few points: its phases have no positions
    u = unitary(h_k.shape[-1], rng)
    g = tp.quantum_metric(h_k, n_occupied=filled, positions=origin)
    turned = tp.quantum_metric(u @ h_k @ u.conj().T, n_occupied=filled, positions=origin)
    assert np.allclose(turned, g, rtol=1e-6, atol=1e-9 * np.abs(g).max())
    empty = h_k.shape[-1] - filled
    assert np.allclose(
        tp.quantum_metric(-h_k, n_occupied=empty, positions=origin), g, rtol=1e-6, atol=1e-9
    )


def test_flattened_hamiltonians_have_the_same_metric():
    """Any H with the same projectors: to the error of interpolation, which falls with the grid."""
    h = tp.models.qwz(-1.0)
    off = []
    for n in (12, 24, 48):
        h_k = h.on_grid((n, n))
        flat = degenerate(h_k, 1, np.random.default_rng(0))
        off.append(np.abs(tp.quantum_metric(flat) - tp.quantum_metric(h_k)).max())
    assert off[0] > 10 * off[1] > 100 * off[2]


def test_finite_distances_agree():
    """1 - |<u(k)|u(k + q)>|^2 = g_ij q_i q_j + O(q^3)."""
    h = tp.models.haldane(0.3, 0.2, 1.0)
    g = tp.quantum_metric(h.on_grid((8, 8)))[3, 5]
    k = tp.k_grid(8, 2)[3, 5]
    for q in np.array([[1e-4, 0.0], [0.0, 1e-4], [1e-4, 1e-4], [1e-4, -2e-4]]):
        _, states = np.linalg.eigh(h.bloch(np.stack([k, k + q])))
        overlap = abs(np.vdot(states[0, :, 0], states[1, :, 0])) ** 2
        assert 1 - overlap == pytest.approx(q @ g @ q, rel=1e-2)


def test_chains_and_three_dimensions():
    chain = tp.models.ssh(0.5, 1.0)
    g = tp.quantum_metric(chain.on_grid(40), dim=1)
    assert g.shape == (40, 1, 1)
    alpha = np.unwrap(np.angle(chain.block(np.array([[0.3 - 1e-5], [0.3 + 1e-5]]))[:, 0, 0]))
    k0 = np.argmin(np.abs(tp.k_grid(40)[:, 0] - 0.3))
    slope = (alpha[1] - alpha[0]) / 2e-5
    assert g[k0, 0, 0] == pytest.approx(0.25 * slope**2, rel=0.2)
    weyl = tp.models.weyl_semimetal(1.0).on_grid((5, 5, 5))
    assert tp.quantum_metric(weyl, dim=3).shape == (5, 5, 5, 3, 3)


def test_refusals():
    with pytest.raises(GaplessError) as caught:
        tp.quantum_metric(tp.models.qwz([-1.0, 2.0, 8.0, 0.0]).on_grid((8, 8)))
    assert caught.value.indices == (1, 3)
    with pytest.raises(ShapeError, match="h_k"):
        tp.quantum_metric(tp.models.ssh(1.0, 2.0).on_grid(8))
    with pytest.raises(InputError, match="dim"):
        tp.quantum_metric(tp.models.ssh(1.0, 2.0).on_grid(8), dim=0)
