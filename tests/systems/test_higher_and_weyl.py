"""Chern numbers above one, and planes of a Weyl semimetal."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.systems.reference_models import certified_and_sampled, plane
from topophys.errors import InputError
from topophys.testing.oracles import degree_by_solid_angles


@pytest.mark.parametrize("n", [-3, -1, 1, 2, 4])
def test_qwz_wound_n_times(n):
    h = tp.models.higher_chern([-2.5, -1.9, -0.1, 0.1, 1.9, 2.5], n)
    assert certified_and_sampled(h, n_k=96) == [0, n, n, -n, -n, 0]


def test_one_turn_is_qwz():
    k = np.random.default_rng(0).uniform(-3, 3, (9, 2))
    h = tp.models.higher_chern(0.3, 2)
    np.testing.assert_array_equal(h.d(k), tp.models.qwz(0.3).d(k * [2, 1]))
    for m in (-2.0, 0.0, 2.0):
        assert tp.certify_chern(tp.models.higher_chern(m, 2)).status == "unresolved"
    with pytest.raises(InputError, match="must not be 0"):
        tp.models.higher_chern(1.0, 0)


def test_d_wave_model():
    m = np.array([-2.01, -1.99, -1.0, 0.0, 1.5, 1.99, 2.01])
    h = tp.models.d_wave_chern(m)
    assert certified_and_sampled(h, n_k=96) == [0, -2, -2, -2, -2, -2, 0]
    assert degree_by_solid_angles(h[3].d_on_grid((60, 60))) == -2
    kx, ky = 0.7, -0.4
    expected = [np.cos(kx) - np.cos(ky), np.sin(kx) * np.sin(ky), 0.5 + np.cos(kx) + np.cos(ky)]
    np.testing.assert_allclose(tp.models.d_wave_chern(0.5).d([kx, ky]), expected, atol=1e-15)


def test_d_wave_model_at_its_transitions():
    proof = tp.certify_chern(tp.models.d_wave_chern([-2.0, 2.0]), max_depth=9)
    assert (proof.status == "unresolved").all()
    np.testing.assert_allclose(np.cos(proof.k_at_gap_upper), [[1, 1], [-1, -1]], atol=1e-2)


@pytest.mark.parametrize("k0", [0.5, np.pi / 3, 2.5])
@pytest.mark.parametrize("m", [1.0, 1.7])
def test_planes_of_a_weyl_semimetal(k0, m):
    h = tp.models.weyl_semimetal(k0, m)
    for kz, chern in ((0.0, 1), (k0 - 0.05, 1), (0.05 - k0, 1), (k0 + 0.05, 0), (np.pi, 0)):
        assert certified_and_sampled(plane(h, kz), n_k=64) == chern
    assert tp.certify_gap(plane(h, k0), max_evaluations=4000).status == "unresolved"


def test_nodes_of_a_weyl_semimetal():
    k0 = np.array([0.5, 1.0, 3.0])
    h = tp.models.weyl_semimetal(k0)
    for sign in (-1, 1):
        nodes = np.stack([0 * k0, 0 * k0, sign * k0], axis=-1)
        assert all(np.abs(one.d(k)).max() < 1e-15 for one, k in zip(h, nodes, strict=True))
    proof = tp.certify_gap(h[1], max_evaluations=20_000)
    assert proof.status == "unresolved"
    assert abs(abs(proof.k_at_gap_upper[2]) - 1.0) < 0.1


@pytest.mark.parametrize(("k0", "m", "name"), [(0.0, 1, "k0"), (np.pi, 1, "k0"), (1.0, 0.9, "m")])
def test_weyl_refusals(k0, m, name):
    with pytest.raises(InputError, match=f"`{name}`"):
        tp.models.weyl_semimetal(k0, m)
