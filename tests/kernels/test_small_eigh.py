"""Rotations of many small matrices against LAPACK and against the definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.small_linalg import LANES, departures, small_eigh

EPS = np.finfo(float).eps


def diagonalised(h):
    energy = np.full(h.shape[:2], np.nan)
    states = np.full(h.shape, np.nan, complex)
    small_eigh(h, energy, states)
    return energy, states


def hermitian(rng, count, n):
    a = rng.standard_normal((count, n, n)) + 1j * rng.standard_normal((count, n, n))
    return a + a.conj().swapaxes(1, 2)


def check(h):
    """Ascending, orthonormal, eigenvectors: each to rounding of the matrix."""
    energy, states = diagonalised(h)
    n, size = h.shape[1], np.abs(h).max((1, 2), initial=0.0)[:, None, None]
    assert (np.diff(energy) >= 0).all()
    overlap = states.conj().swapaxes(1, 2) @ states
    assert np.abs(overlap - np.eye(n)).max(initial=0.0) < 20 * n * EPS
    with np.errstate(under="ignore"):
        rest = np.abs(h @ states - states * energy[:, None])
    assert (rest <= 20 * n * EPS * size).all()
    return energy


@given(rng=generators(), count=st.integers(0, 20), n=st.integers(1, 8))
def test_generic_matrices(rng, count, n):
    h = hermitian(rng, count, n)
    energy = check(h)
    np.testing.assert_allclose(energy, eigenvalues(h), rtol=0, atol=1e-13 * 2 * n)


@given(rng=generators(), n=st.integers(2, 6), data=st.data())
def test_degenerate_levels(rng, n, data):
    level = np.array(data.draw(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=n, max_size=n)))
    frame, _ = np.linalg.qr(hermitian(rng, 5, n))
    h = (frame * level) @ frame.conj().swapaxes(1, 2)
    h = 0.5 * (h + h.conj().swapaxes(1, 2))
    energy = check(h)
    np.testing.assert_allclose(energy, np.sort(level)[None] + 0 * energy, atol=1e-13)


@pytest.mark.parametrize("scale", [1e-290, 1e-160, 1e-20, 1e20, 1e160, 1e290])
def test_any_unit_of_energy(scale):
    h = hermitian(np.random.default_rng(1), 9, 4)
    energy, _ = diagonalised(scale * h)
    np.testing.assert_allclose(energy / scale, eigenvalues(h), rtol=1e-13, atol=1e-13)


@given(rng=generators(), n=st.integers(2, 8))
def test_entries_whose_squares_underflow(rng, n):
    """Off-diagonal entries of any size between equal levels, as between Kramers partners."""
    h = hermitian(rng, 40, n) * 10.0 ** rng.uniform(-323.0, 0.0, (40, n, n))
    h *= rng.random((40, n, n)) < 0.7
    level = rng.choice([0.0, 1.0, -1.0, 1e-4], (40, n)) + rng.choice([0.0, 1e-160], (40, n))
    h = h + h.conj().swapaxes(1, 2) + level[:, :, None] * np.eye(n)
    energy = check(h)
    np.testing.assert_allclose(energy, eigenvalues(h), rtol=0, atol=1e-13 * 2 * n)


def test_kramers_pairs_that_are_almost_apart():
    """Rotations of the first sweep leave entries of 1e-160 between equal levels."""
    h = np.zeros((1, 4, 4), complex)
    h[0, :2, :2] = h[0, 2:, 2:] = np.diag([1.0, -0.5])
    h[0, 0, 1] = h[0, 2, 3] = 1e-13
    h[0, 0, 2], h[0, 1, 3] = 1e-158, 3e-163
    energy = check(h + np.triu(h[0], 1).conj().T)
    np.testing.assert_allclose(energy, [[-0.5, -0.5, 1.0, 1.0]], atol=1e-13)


def test_matrices_with_nothing_to_turn():
    h = np.zeros((3, 3, 3), complex)
    h[1] = np.diag([3.0, -1.0, 2.0])
    h[2] = np.diag([1e-300, 1.0, 0.0])
    energy, states = diagonalised(h)
    np.testing.assert_array_equal(energy, [[0, 0, 0], [-1, 2, 3], [0, 1e-300, 1]])
    np.testing.assert_array_equal(np.abs(states[1]).argmax(0), [1, 2, 0])


@given(rng=generators(), n=st.integers(2, 5))
def test_a_matrix_does_not_feel_its_neighbours(rng, n):
    h = hermitian(rng, LANES + 7, n)
    h[::3] *= np.eye(n)  # these are done at once
    energy, states = diagonalised(h)
    for i in (0, 1, LANES - 1, LANES, LANES + 6):
        one_energy, one_states = diagonalised(h[i : i + 1])
        np.testing.assert_array_equal(one_energy[0], energy[i])
        np.testing.assert_array_equal(one_states[0], states[i])


def test_departures_from_hermitian():
    h = hermitian(np.random.default_rng(2), 6, 3).reshape(2, 3, 3, 3)
    h[1, 2, 0, 1] += 0.25j
    scale, off = np.empty(2), np.empty(2)
    departures(h, scale, off)
    np.testing.assert_allclose(off, [0.0, 0.25], atol=1e-15)
    parts = np.maximum(np.abs(h.real), np.abs(h.imag)).max((1, 2, 3))
    np.testing.assert_array_equal(scale, parts)


def subnormal_squares():
    """A matrix on which LAPACK without eigenvectors is wrong by 0.06, and its levels."""
    h = np.zeros((4, 4))
    h[0, 0], h[1, 1], h[2, 2] = 1.839e-162, 1e-4, 1.0
    h[0, 1], h[0, 2], h[0, 3], h[1, 2], h[1, 3], h[2, 3] = (
        4.615e-171, 6.363e-1, 3.802e-274, 1.020e-233, 8.126e-107, 1.243e-131
    )  # fmt: skip
    h = np.triu(h) + np.triu(h, 1).T
    root = np.sqrt(0.25 + 6.363e-1**2)
    return h.astype(complex), np.array([0.5 - root, 0.0, 1e-4, 0.5 + root])


def test_squares_that_are_subnormal_do_not_spoil_levels():
    h, exact = subnormal_squares()
    np.testing.assert_allclose(eigenvalues(h), exact, rtol=0, atol=1e-15)
    np.testing.assert_allclose(check(h[None])[0], exact, rtol=0, atol=1e-15)
    # beside more levels, for which LAPACK is asked
    many = np.zeros((10, 10), complex)
    many[:4, :4], many[4:, 4:] = h, np.diag(np.arange(2.0, 8.0))
    expected = [*exact, *range(2, 8)]
    np.testing.assert_allclose(np.sort(eigenvalues(many)), np.sort(expected), rtol=0, atol=1e-14)
    bands = tp.FourierHamiltonian({(0,): h}, n_occupied=1).bands([0.3])
    np.testing.assert_allclose(bands, exact, rtol=0, atol=1e-15)


def test_nobody_asks_lapack_for_eigenvalues_alone():
    """Nor does any bound rest on it."""
    root = Path(tp.__file__).parent
    for part in ("kernels", "hamiltonians", "invariants", "ensembles", "datasets", "tasks"):
        for file in (root / part).rglob("*.py"):
            assert "np.linalg.eigvalsh" not in file.read_text(encoding="utf-8"), file


@given(rng=generators(), n=st.integers(2, 8))
def test_couplings_far_below_rounding_between_equal_levels(rng, n):
    """They would turn equal levels into each other in every sweep, and round them each time."""
    h = hermitian(rng, 40, n) * 10.0 ** rng.uniform(-139.0, -100.0, (40, n, n))
    h = h + h.conj().swapaxes(1, 2) + np.eye(n)
    h[:, 0, 1:] += 1e-8 * rng.standard_normal((40, n - 1))
    h[:, 1:, 0] = h[:, 0, 1:].conj()
    check(h)
