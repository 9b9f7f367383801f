"""Determinants and the bounds of their rounding errors, against rational arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import determinant_in_rationals
from tests.strategies import SEEDS
from topophys.kernels.determinant import determinant, determinant_error, determinants, frobenius


def one(matrix):
    """Determinant of the matrix divided by a power of two, and its error bound."""
    n = len(matrix)
    f, error = np.empty((1, 1), complex), np.empty((1, 1))
    stacked = np.asarray(matrix, complex)[None, None].copy()
    determinants(stacked, np.empty((n, n), complex), f, error)
    return complex(f[0, 0]), float(error[0, 0])


def distance(z, exact):
    re, im = exact
    return float((float(z.real) - re) ** 2 + (float(z.imag) - im) ** 2) ** 0.5


@given(n=st.integers(1, 5), seed=SEEDS, decay=st.integers(0, 16))
def test_the_error_bound_holds(n, seed, decay):
    """Also where the matrix is nearly singular: its singular values fall to 10^-decay."""
    rng = np.random.default_rng(seed)
    a, b = (np.linalg.qr(rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n)))[0]
            for _ in range(2))  # fmt: skip
    matrix = a @ np.diag(np.logspace(0, -decay, n)) @ b
    f, growth = determinant(matrix.copy())
    bound = determinant_error(n, frobenius(matrix), 0.0, growth)
    assert distance(complex(f), determinant_in_rationals(matrix)) <= bound
    assert bound < 1e-11


@given(n=st.integers(2, 5), seed=SEEDS, size=st.floats(1e-9, 1e-2))
def test_the_bound_covers_an_error_of_the_entries(n, seed, size):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    shift = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    shift *= size / np.linalg.norm(shift)
    bound = determinant_error(n, np.linalg.norm(matrix), size, 1.0)
    assert abs(np.linalg.det(matrix + shift) - np.linalg.det(matrix)) <= bound


@pytest.mark.parametrize("exponent", [-1070, -600, 0, 600, 1020])
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_no_size_of_the_entries_over_or_underflows(n, exponent):
    matrix = np.ldexp(np.eye(n), exponent) * np.exp(0.3j)
    f, error = one(matrix)
    assert abs(f) > error
    # next to the smallest float the entries themselves are coarse
    assert np.angle(f) == pytest.approx(n * np.angle(matrix[0, 0]), abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_singular_matrices_are_within_their_bound(n):
    ones = np.ones((n, n)) if n > 1 else np.zeros((1, 1))
    f, error = one(ones)
    assert abs(f) <= error or f == 0
    f, error = one(np.zeros((n, n)))
    assert f == 0


def test_growth_before_a_zero_pivot_is_not_forgotten():
    """Elimination of the third column stops at zero after entries have grown to twice the size."""
    matrix = np.array([[1.0, 0, 1, 1], [-1, 1, 1, 1], [-1, -1, 2, 2], [1, 1, 1, 1]], complex)
    f, growth = determinant(matrix.copy())
    assert f == 0
    assert growth >= 2
