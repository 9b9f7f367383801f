"""Bounds of many bands, each against its formula: a weaker one is noticed by nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from topophys.kernels import chern_multiband as kernels
from topophys.kernels.rounding import UNIT


def gaussian(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def test_departure_from_unitary_is_the_frobenius_norm():
    rng = np.random.default_rng(1)
    states = np.linalg.qr(gaussian(rng, 3, 4, 4))[0] + 1e-3 * gaussian(rng, 3, 4, 4)
    departure = np.empty(3)
    kernels.rotate(states, gaussian(rng, 3, 1, 4, 4), departure)
    off = states.conj().swapaxes(1, 2) @ states - np.eye(4)
    np.testing.assert_allclose(departure, np.linalg.norm(off, axis=(1, 2)), rtol=1e-9)


def test_norms_of_matrices_whose_powers_vanish():
    rng = np.random.default_rng(2)
    work = np.empty((4, 4), complex)
    for n in (2, 3, 4):
        a = 1e-160 * gaussian(rng, n, n)
        a = a + a.conj().T
        bound = kernels.power_norm(a, 0, n, work)
        assert 0.99 * np.linalg.norm(1e160 * a, 2) <= 1e160 * bound < np.inf
    for shape in ((2, 2), (2, 3), (3, 2)):
        a = 1e-90 * gaussian(rng, *shape)
        whole, largest = kernels.gram_norm(a, work)
        assert whole == pytest.approx(np.linalg.norm(a), rel=1e-9, abs=0.0)
        assert largest >= np.linalg.norm(a, 2)


def mixing(terms, axes, filled):
    """Bounds of one cell."""
    found = np.empty(1), np.empty(1)
    kernels.mixing_norms(terms[None], np.array([0]), axes, filled, *found)
    return float(found[0][0]), float(found[1][0])


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_second_derivatives_mix_by_half_where_they_are_pure(axes):
    """1/2 s_i^2 Q_ii, but s_i s_j Q_ij, for |s| <= 1."""
    rng = np.random.default_rng(3)
    block, place = gaussian(rng, 2, 1), 1 + axes
    for i in range(axes):
        for j in range(i, axes):
            terms = np.zeros((1 + axes + axes * (axes + 1) // 2, 3, 3), complex)
            terms[place, 1:, :1] = block
            for found in mixing(terms, axes, 1):
                share = 0.5 if i == j else 1.0
                assert found == pytest.approx(share * np.linalg.norm(block), rel=1e-9)
            place += 1


def test_phases_of_large_and_of_vanishing_maps():
    assert kernels.phase_sum(2.0, 1.5, 1) == np.inf
    assert kernels.phase_sum(1.0, 1.0, 1) == np.inf
    assert kernels.phase_sum(0.0, 0.0, 1) == 0.0
    assert kernels.phase_sum(1.5, 0.5, 4) == pytest.approx(3.0 * math.asin(0.5))
    assert kernels.phase_sum(3.0, 0.5, 2) == pytest.approx(2.0 * math.asin(0.5))


def test_growth_of_pivots_is_that_of_elimination():
    """The matrix of Wilkinson, whose last column doubles at each step."""
    a = np.eye(5) - np.tril(np.ones((5, 5)), -1)
    a[:, -1] = 1.0
    sign, growth = kernels.factor_columns(a.astype(complex), np.empty(5, np.int64))
    assert (sign, growth) == (1.0, 16.0)
    assert kernels.factor_columns(4.0 * np.eye(2, dtype=complex), np.empty(2, np.int64))[1] == 1.0
    assert kernels.factor_columns(np.zeros((2, 2), complex), np.empty(2, np.int64))[0] == 0.0


def phase_between(frames, filled, frobenius, operator, departure):
    """Middle and spread of the phase between the first two frames."""
    middle, spread = np.empty(1), np.empty(1)
    kernels.edge_phases(
        np.asarray(frames, complex), filled, np.array(frobenius), np.array(operator),
        np.array(departure), np.array([0]), np.array([1]), middle, spread,
    )  # fmt: skip
    return float(middle[0]), float(spread[0])


@pytest.mark.parametrize(("n", "filled"), [(2, 1), (4, 2), (6, 4), (17, 16)])
@pytest.mark.parametrize("departure", [0.0, 1e-6])
def test_rounding_of_an_edge_is_that_of_its_formula(n, filled, departure):
    """Of equal frames that do not turn nothing is left but errors of overlaps and elimination."""
    frames = np.stack([np.eye(n)] * 2)
    _, spread = phase_between(frames, filled, [0.0] * 2, [0.0] * 2, [departure, 2.0 * departure])
    elimination = 16 * filled**2.5 * max(1.0, filled / 8)
    error = 3.0 * departure + (8 * n**1.5 + elimination) * UNIT
    assert spread == pytest.approx(2 * filled * error, rel=1e-6, abs=0.0)


def test_errors_of_an_edge_add_to_the_map_between_its_frames():
    """The frame that turns less bounds the phase; the map, 0 if exact, is known up to 2 error."""
    frames, departure = np.stack([np.eye(2)] * 2), 1e-6
    _, spread = phase_between(frames, 1, [0.4, 0.8], [0.4, 0.8], [departure, departure])
    assert spread == pytest.approx(0.4 * 4.0 * departure + 4.0 * departure, rel=1e-5)
    _, spread = phase_between(frames, 1, [0.8, 0.4], [0.8, 0.4], [departure, departure])
    assert spread == pytest.approx(0.4 * 4.0 * departure + 4.0 * departure, rel=1e-5)


def test_frames_without_overlap_or_far_from_unitary_say_nothing():
    same, other = np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]])
    assert phase_between([same, other], 1, [0.0] * 2, [0.0] * 2, [0.0] * 2)[1] == np.inf
    assert phase_between([same, same], 1, [0.0] * 2, [0.0] * 2, [1e-3] * 2)[1] == np.inf


def test_a_vertex_or_a_link_without_overlap_has_no_phase():
    frames = np.stack([np.eye(2, dtype=complex)] * 2)
    across = np.array([[[0.0], [1.0]]], complex)
    chi = np.empty(1)
    places = np.array([0]), np.array([1]), np.array([0])
    kernels.vertex_phases(frames, across, 1, *places, np.array([0.3]), chi)
    assert np.isnan(chi[0])
    phase = np.empty(2)
    states = np.concatenate([across, np.ones((1, 2, 1), complex)])
    kernels.link_phases(frames, states, 1, np.zeros(2, np.int64), np.array([1, 0]), phase)
    assert np.isnan(phase).all()


def test_links_of_loops_return_to_their_first_points():
    """Phases of det u_i^dagger u_{i+1}, in gauges in which overlaps with a frame are positive."""
    rng = np.random.default_rng(4)
    frame = np.linalg.qr(gaussian(rng, 3, 3))[0]
    states = np.linalg.qr(frame[:, :2] + 0.2 * gaussian(rng, 2, 4, 3, 2))[0]
    phase, following = np.empty(8), np.array([1, 2, 3, 0, 5, 6, 7, 4])
    kernels.link_phases(
        frame[None], states.reshape(8, 3, 2), 2, np.zeros(8, np.int64), following, phase
    )
    turn = np.linalg.det(frame[:, :2].conj().T @ states)
    links = np.linalg.det(states.conj().swapaxes(-1, -2) @ np.roll(states, -1, axis=1))
    wanted = np.angle(links * turn * np.roll(turn, -1, axis=1).conj())
    np.testing.assert_allclose(phase, wanted.ravel(), atol=1e-12)
