"""Determinants and the bounds of their rounding errors, against rational arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import SEEDS
from topophys.kernels.small_linalg import determinant, determinant_error, determinants, frobenius
from topophys.kernels.winding_certified import determinant_coefficients
from topophys.testing.oracles import determinant_in_rationals


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


def coefficients(blocks):
    """Coefficients of det sum_s D_s z^s, and their error bound."""
    n_shift, n, _ = blocks.shape
    count = n * (n_shift - 1) + 1
    norm = np.sqrt(
        max(np.square(np.abs(blocks)).sum(), np.linalg.norm(blocks, axis=(1, 2)).sum() ** 2)
    )
    f, roots = np.empty(count, complex), np.exp(2j * np.pi * np.arange(count) / count)
    error = determinant_coefficients(blocks, norm, roots, np.empty((n, n), complex), f)
    return f, error


def whole(rng, n):
    """Integer matrix of determinant 1."""
    matrix = np.eye(n)
    for _ in range(3):
        i, j = rng.choice(n, 2, replace=False)
        matrix[i] += rng.choice([-1, 1]) * matrix[j]
    return matrix


@pytest.mark.parametrize(("n", "reach"), [(2, 1000), (3, 2), (3, 1500), (4, 300), (5, 40)])
def test_coefficients_of_any_number_are_within_their_bound(n, reach):
    """D = L diag(a_i + b_i z^r) R with integers: the coefficients of its determinant are integers.

    For n > 2 they come from as many samples, and the bound has to grow with their number.
    """
    rng = np.random.default_rng([n, reach])
    left, right = whole(rng, n), whole(rng, n)
    a, b = rng.integers(-8, 9, n), rng.integers(1, 9, n)
    blocks = np.zeros((reach + 1, n, n), complex)
    blocks[0], blocks[reach] = left @ np.diag(a) @ right, left @ np.diag(b) @ right
    exact = np.zeros(n * reach + 1)
    product = np.array([1.0])
    for low, high in zip(a, b, strict=True):
        product = np.convolve(product, [low, high])
    exact[::reach] = product
    f, error = coefficients(blocks)
    assert np.abs(f - exact).max() <= error
    assert error < 1e-6 * np.abs(exact).max()


@given(n=st.integers(1, 4), n_shift=st.integers(1, 4), seed=SEEDS)
def test_coefficients_of_dense_blocks_are_within_their_bound(n, n_shift, seed):
    """Against the product of polynomials with integer coefficients."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(-9, 10, (n_shift, n, n))

    def minor(rows, columns):
        if not columns:
            return np.array([1])
        found = np.zeros((n_shift - 1) * len(columns) + 1, int)
        for sign, column in enumerate(columns):
            rest = [c for c in columns if c != column]
            found += (-1) ** sign * np.convolve(blocks[:, rows[0], column], minor(rows[1:], rest))
        return found

    exact = minor(list(range(n)), list(range(n)))
    f, error = coefficients(blocks.astype(complex))
    assert np.abs(f - exact).max() <= error
