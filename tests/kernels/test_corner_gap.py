"""Bounds on a cell hold at every point of it, and single matrices are as LAPACK has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators
from topophys.kernels.corner_gap import corner_gap, extremes, phase_bound, turn_basis

BANDS = st.sampled_from([(2, 1), (3, 1), (3, 2), (4, 2), (5, 2), (6, 3), (9, 4)])


def hermitian(rng, n):
    a = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    return a + a.conj().T


@given(rng=generators(), n=st.integers(1, 10))
def test_extremes_and_change_of_basis(rng, n):
    h = hermitian(rng, n)
    levels = np.linalg.eigvalsh(h)
    np.testing.assert_allclose(extremes(h), levels[[0, -1]], atol=1e-12 * n)
    u, _ = np.linalg.qr(hermitian(rng, n))
    work, turned = np.empty((2, n, n), complex)
    turn_basis(u, h, work, turned)
    np.testing.assert_allclose(turned, u.conj().T @ h @ u, atol=1e-12 * n)


def cell_of(rng, bands, filled, width):
    """A random Hamiltonian, a cell, what the kernel proves there, and the basis of its middle."""
    H = tp.ensembles.class_a(1, n_bands=bands, n_occupied=filled, rng=rng)[0]
    k0 = rng.uniform(-np.pi, np.pi, 2)
    square = k0 + width * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    bend = sum(np.linalg.norm(hop, 2) * (np.array(r) ** 2).sum() for r, hop in H.hoppings.items())
    _, states = np.linalg.eigh(H.bloch(k0 + width / 2))
    work, turned = np.empty((2, bands, bands), complex)
    rest = width**2 / 8 * bend
    proven = corner_gap(H.bloch(square), states, filled, rest, work, turned)
    inside = k0 + width * np.stack(np.meshgrid(*2 * [np.linspace(0, 1, 7)]), -1).reshape(-1, 2)
    return H, proven, states, inside


@given(rng=generators(), shape=BANDS, width=st.floats(0.005, 0.6))
def test_no_point_of_the_cell_has_a_smaller_gap(rng, shape, width):
    bands, filled = shape
    H, (gap, _, _), _, inside = cell_of(rng, bands, filled, width)
    energy = np.linalg.eigvalsh(H.bloch(inside))
    seen = (energy[:, filled] - energy[:, filled - 1]).min()
    assert gap <= seen + 1e-12


@given(rng=generators(), shape=BANDS, width=st.floats(0.005, 0.3))
def test_links_between_any_two_points_turn_less_than_the_bound(rng, shape, width):
    bands, filled = shape
    H, (gap, mixing, mixing_f), basis, inside = cell_of(rng, bands, filled, width)
    if gap <= 0.0:
        return
    bound = phase_bound(gap, mixing, mixing_f, filled, bands)
    _, states = np.linalg.eigh(H.bloch(inside))
    frames = states[..., :filled]
    gauge = np.linalg.det(basis[:, :filled].conj().T @ frames)
    assert (np.abs(gauge) > 0.0).all()
    p, q = np.triu_indices(len(frames), 1)
    link = np.linalg.det(frames[p].conj().swapaxes(-1, -2) @ frames[q])
    phase = np.angle(gauge[p] * link * gauge[q].conj())
    assert np.abs(phase).max() <= bound + 1e-9


def test_a_small_cell_gives_nearly_the_gap():
    rng = np.random.default_rng(3)
    H, (gap, _, _), _, inside = cell_of(rng, 4, 2, 1e-3)
    energy = np.linalg.eigvalsh(H.bloch(inside))
    assert gap == pytest.approx((energy[:, 2] - energy[:, 1]).min(), abs=1e-2)


def test_bands_that_move_together_cost_nothing():
    """A term in k that is the same for all bands tilts both blocks alike."""
    h = np.diag([0.0, 0.0, 1.0]).astype(complex)
    corners = np.array([h + shift * np.eye(3) for shift in (0.0, 50.0, -30.0, 7.0)])
    work, turned = np.empty((2, 3, 3), complex)
    gap, mixing, _ = corner_gap(corners, np.eye(3, dtype=complex), 2, 0.0, work, turned)
    assert (gap, mixing) == (1.0, 0.0)
    assert phase_bound(gap, mixing, mixing, 2, 3) == 0.0


def test_spaces_that_turn_by_nearly_a_right_angle_are_not_trusted():
    assert phase_bound(1.0, 1e6, 1e6, 1, 2) == np.inf
