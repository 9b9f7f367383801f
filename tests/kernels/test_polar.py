"""Polar factors in closed form: scales, singular blocks, and neighbours that do not matter."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import generators
from topophys.kernels.chain_fields import polar_factors
from topophys.kernels.status import GAPLESS, OK


def factors(d_k):
    out, status = np.zeros_like(d_k), np.empty(len(d_k), np.uint8)
    polar_factors(d_k, out, status)
    return out, status


def blocks(rng, n, count=50):
    return rng.standard_normal((count, n, n)) + 1j * rng.standard_normal((count, n, n))


@given(rng=generators(), n=st.integers(1, 2), power=st.integers(0, 11))
def test_against_the_singular_value_decomposition(rng, n, power):
    d_k = blocks(rng, n)
    d_k[:, 0] = d_k[:, -1] + 10.0**-power * d_k[:, 0]  # nearly singular for n = 2
    out, status = factors(d_k)
    left, sigma, right = np.linalg.svd(d_k)
    assert (status == OK).all()
    bound = 2e-15 * sigma[:, 0] / sigma[:, -1]
    assert (np.abs(out - left @ right).max((-2, -1)) < 8 * bound + 2e-15).all()


@given(rng=generators(), n=st.integers(1, 2), exponent=st.integers(-1070, 1020))
def test_a_power_of_two_changes_no_bit_unless_bits_are_lost(rng, n, exponent):
    d_k = blocks(rng, n)
    scaled = np.ldexp(d_k.real, exponent) + 1j * np.ldexp(d_k.imag, exponent)
    (a, s), (b, t) = factors(d_k), factors(scaled)
    if exponent > -1000:
        assert a.tobytes() == b.tobytes()
        assert (s == t).all()
    elif n == 1:
        assert np.abs(np.abs(b[t == OK]) - 1.0).max(initial=0.0) < 1e-15


@given(rng=generators(), n=st.integers(1, 2))
def test_neighbours_do_not_matter(rng, n):
    d_k = blocks(rng, n, 33)
    d_k[::5] *= 1e-200
    d_k[3] = 0.0
    out, status = factors(d_k)
    for i in range(len(d_k)):
        alone, own = factors(d_k[i : i + 1].copy())
        assert alone.tobytes() == out[i : i + 1].tobytes()
        assert own[0] == status[i]


@pytest.mark.parametrize("scale", [1e-310, 1e-100, 1.0, 1e100, 1e307])
def test_singular_blocks_are_distinguished_from_nearly_singular_ones(scale):
    base = np.array([[1.0, 2.0j], [0.5, 1.0j]])
    assert factors(scale * base[None])[1][0] == GAPLESS
    assert factors(np.zeros((1, 2, 2), complex))[1][0] == GAPLESS
    assert factors(np.zeros((1, 1, 1), complex))[1][0] == GAPLESS
    for power, expected in ((10, OK), (13, OK), (15, GAPLESS)):
        near = base + np.array([[0.0, 0.0], [0.0, 10.0**-power]])
        if scale > 1e-300:
            assert factors(scale * near[None])[1][0] == expected


@given(rng=generators(), power=st.integers(0, 6))
def test_against_fifty_digits(rng, power):
    d_k = blocks(rng, 2, 1)
    d_k[:, 0] = d_k[:, 1] + 10.0**-power * d_k[:, 0]
    with mpmath.workdps(50):
        m = mpmath.matrix(d_k[0].tolist())
        left, _, right = mpmath.svd_c(m)
        exact = np.array((left * right).tolist(), dtype=complex)
    out, _ = factors(d_k)
    assert np.abs(out[0] - exact).max() < 4e-16 * np.linalg.cond(d_k[0]) + 4e-16
