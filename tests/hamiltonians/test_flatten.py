"""Polar factors and unit vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import polar

import topophys as tp
from tests.strategies import SEEDS, plain
from topophys.errors import GaplessError, InputError, ShapeError


@given(n=st.integers(1, 5), seed=SEEDS, exponent=st.integers(-1000, 1000))
def test_the_polar_factor_at_every_scale(n, seed, exponent):
    rng = np.random.default_rng(seed)
    d_k = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    u = tp.flatten_block(np.ldexp(d_k.real, exponent) + 1j * np.ldexp(d_k.imag, exponent))
    np.testing.assert_allclose(u @ u.conj().T, np.eye(n), atol=1e-9)
    condition = np.linalg.cond(d_k)
    np.testing.assert_allclose(u, polar(d_k)[0], atol=1e-14 * condition * n)


def test_unitary_blocks_stay():
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.standard_normal((9, 2, 2)) + 1j * rng.standard_normal((9, 2, 2)))
    np.testing.assert_allclose(tp.flatten_block(q), q, atol=1e-14)
    np.testing.assert_allclose(tp.flatten_block(1e-3 * q), q, atol=1e-14)


@given(seed=SEEDS, exponent=st.integers(-1000, 1000))
def test_unit_vectors_at_every_scale(seed, exponent):
    d = np.random.default_rng(seed).standard_normal((4, 3))
    unit = tp.flatten_d(np.ldexp(d, exponent))
    np.testing.assert_allclose(unit, d / np.linalg.norm(d, axis=-1, keepdims=True), atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_singular_blocks_are_named(n):
    d_k = np.stack([np.eye(n), np.zeros((n, n)), np.eye(n)])
    with pytest.raises(GaplessError, match="1 of 3") as caught:
        tp.flatten_block(d_k)
    assert caught.value.indices == (1,)
    if n > 1:
        with pytest.raises(GaplessError):
            tp.flatten_block(np.ones((n, n)))


def test_zero_vectors_are_named():
    with pytest.raises(GaplessError, match="1 of 2"):
        tp.flatten_d([[0.0, 0.0, 0.0], [0.0, 5e-324, 0.0]])
    assert tp.flatten_d([0.0, 5e-324, 0.0]).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("function", "x", "error"),
    [
        (tp.flatten_block, np.ones((2, 3)), ShapeError), (tp.flatten_block, np.nan, ShapeError),
        (tp.flatten_block, np.full((2, 2), np.nan), InputError), (tp.flatten_d, [1.0], ShapeError),
        (tp.flatten_d, [1j, 0, 0], InputError), (tp.flatten_d, [np.inf, 0, 0], InputError),
    ],
)  # fmt: skip
def test_bad_input_is_named_in_one_line(function, x, error):
    with pytest.raises(error, match="`d") as caught:
        plain(function)(x)
    assert "\n" not in str(caught.value)
