"""Series on tables of cosines and sines are the sums they stand for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import generators
from topophys.kernels.trig_series import complex_terms, evaluate, norm_terms, trig_table


def series(f, lowest, table):
    """The series on the points of a table, through terms."""
    terms, out = np.full((2, table.shape[0]), np.nan), np.empty((2, table.shape[1]))
    used = complex_terms(f, lowest, terms)
    for row in range(2):
        evaluate(terms, used, row, table, out, row)
    return out[0] + 1j * out[1]


@given(
    rng=generators(),
    size=st.integers(1, 30),
    lowest=st.integers(-40, 12),
    n_k=st.integers(1, 50),
)
def test_complex_series(rng, size, lowest, n_k):
    f = rng.standard_normal(size) + 1j * rng.standard_normal(size)
    table = trig_table(max(abs(lowest), abs(lowest + size - 1)), 2 * np.arange(n_k) - n_k, 2 * n_k)
    k = -np.pi + 2 * np.pi * np.arange(n_k) / n_k
    exact = np.exp(1j * np.outer(k, lowest + np.arange(size))) @ f
    np.testing.assert_allclose(series(f, lowest, table), exact, atol=1e-12)


@given(rng=generators(), size=st.integers(1, 12))
def test_norm_series(rng, size):
    g = rng.standard_normal(size) + 1j * rng.standard_normal(size)
    g[0] = g[0].real
    table = trig_table(size, np.arange(24), 24)
    terms, out = np.full((3, table.shape[0]), np.nan), np.empty((1, 24))
    evaluate(terms, norm_terms(g, 2, terms), 2, table, out, 0)
    k = 2 * np.pi * np.arange(24) / 24
    exact = g[0].real + 2 * (np.exp(1j * np.outer(k, np.arange(1, size))) @ g[1:]).real
    np.testing.assert_allclose(out[0], exact, atol=1e-12)


def test_the_table_does_not_lose_digits_with_the_order():
    table = trig_table(3000, np.array([1, 2, 3]), 12)
    cosines = table[1:6000:2, 1]  # of the second point, k = pi / 3
    exact = np.array([0.5, -0.5, -1.0, -0.5, 0.5, 1.0])[np.arange(3000) % 6]
    np.testing.assert_allclose(cosines, exact, rtol=0, atol=1e-15)
