"""Fast determinants are those of the careful kernel, or are passed on to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators, plain
from topophys.errors import GaplessError
from topophys.kernels.chain_fields import small_determinants, turns_between
from topophys.kernels.small_linalg import determinants
from topophys.kernels.status import OK

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 2))


def fast(d_k):
    f, status = np.empty(d_k.shape[:2], complex), np.empty(len(d_k), np.uint8)
    small_determinants(d_k, f, status)
    return f, status == OK


def careful(d_k):
    f, error = np.empty(d_k.shape[:2], complex), np.empty(d_k.shape[:2])
    determinants(d_k, np.empty(d_k.shape[2:], complex), f, error)
    return f, (np.abs(f) <= error).any(-1)


def blocks(rng, shape, count=30):
    n_k, n = shape
    return rng.standard_normal((count, n_k, n, n)) + 1j * rng.standard_normal((count, n_k, n, n))


@given(rng=generators(), shape=SHAPES)
def test_generic_samples(rng, shape):
    d_k = blocks(rng, shape)
    f, sure = fast(d_k)
    assert sure.mean() > 0.8
    np.testing.assert_allclose(f, np.linalg.det(d_k), atol=1e-13)


@given(rng=generators(), power=st.integers(5, 18), n=st.integers(1, 2))
def test_nothing_that_may_vanish_is_taken_for_sure(rng, power, n):
    d_k = blocks(rng, (8, n))
    if n == 2:
        d_k[:, 0, 1] = d_k[:, 0, 0] * (1 + 10.0**-power * rng.standard_normal((30, 2)))
    else:
        d_k[:, 0] *= 10.0**-power
    _, sure = fast(d_k)
    _, zero = careful(d_k)
    assert not (sure & zero).any()
    assert sure.all() if power < 9 else True
    if power > 13:
        assert not sure.any()


@pytest.mark.parametrize("scale", [1e-150, 1e-60, 1e60, 1e150])
@pytest.mark.parametrize("n", [1, 2])
def test_units_of_energy_are_no_obstacle(scale, n):
    d_k = blocks(np.random.default_rng(4), (7, n))
    for function in (tp.winding_angle, tp.winding_steps):
        np.testing.assert_allclose(function(scale * d_k), function(d_k), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("function", [tp.winding_angle, tp.winding_steps])
def test_the_last_bits_do_not_depend_on_the_batch(function, n):
    # NumPy may swap the factors of products of large arrays; 5000 x 32 is large
    d_k = blocks(np.random.default_rng(n), (32, n), 5000)
    d_k[7, 3] *= 1e-13  # one for the careful kernel
    whole = plain(function)(d_k)
    for i in (0, 6, 7, 8, 4999):
        assert plain(function)(d_k[i]).tobytes() == whole[i].tobytes()


@given(rng=generators(), n_k=st.integers(1, 6))
def test_turns_lead_around_the_loop(rng, n_k):
    f = rng.standard_normal((3, n_k)) + 1j * rng.standard_normal((3, n_k))
    turn = np.empty_like(f)
    turns_between(f, turn)
    np.testing.assert_allclose(turn, np.roll(f, -1, axis=-1) * f.conj(), atol=1e-14)


def test_gapless_loops_are_named_by_their_place_in_the_batch():
    d_k = blocks(np.random.default_rng(0), (6, 2), 9).reshape(3, 3, 6, 2, 2)
    d_k[1, 2, 4] = [[1.0, 2.0], [2.0, 4.0]]
    d_k[2, 0, 0] = 0.0
    d_k[0, 1, 3] *= 1e-100
    with pytest.raises(GaplessError, match="3 of 9") as caught:
        tp.winding_angle(d_k)
    assert caught.value.indices == (1, 5, 6)
