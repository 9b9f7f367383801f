"""The fast count of winding numbers says what the careful one says, or passes it on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.strategies import generators
from topophys.kernels.small_linalg import determinants
from topophys.kernels.status import OK
from topophys.kernels.trig_series import trig_table
from topophys.kernels.winding_sampled import count_turns, count_windings, count_windings_of_series

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 2))


def counts(d_k):
    """Integers of the fast and of the careful kernel, and where each is sure."""
    fast, careful = np.empty((2, len(d_k)), np.int64)
    states = np.empty((2, len(d_k)), np.uint8)
    count_windings(d_k, fast, states[0])
    f, error = np.empty(d_k.shape[:2], complex), np.empty(d_k.shape[:2])
    determinants(d_k, np.empty(d_k.shape[2:], complex), f, error)
    count_turns(f, error, careful, states[1])
    return fast, careful, states == OK


def blocks(rng, shape, count=30):
    n_k, n = shape
    return rng.standard_normal((count, n_k, n, n)) + 1j * rng.standard_normal((count, n_k, n, n))


@given(rng=generators(), shape=SHAPES)
def test_generic_samples(rng, shape):
    fast, careful, (quick, sure) = counts(blocks(rng, shape))
    np.testing.assert_array_equal(fast[quick], careful[quick])
    assert (sure | ~quick).all()
    assert quick.mean() > 0.8


@given(rng=generators(), shape=SHAPES)
def test_samples_on_the_axes(rng, shape):
    """Entries 0, +-1, +-i: determinants on the axes, edges through the origin."""
    n_k, n = shape
    d_k = rng.choice([0, 1, -1, 1j, -1j], (40, n_k, n, n))
    fast, careful, (quick, sure) = counts(d_k)
    np.testing.assert_array_equal(fast[quick], careful[quick])
    assert (sure | ~quick).all()


@given(rng=generators(), power=st.integers(5, 18))
def test_almost_singular_samples_are_passed_on(rng, power):
    d_k = blocks(rng, (8, 2))
    d_k[:, 0, 1] = d_k[:, 0, 0] * (1 + 10.0**-power * rng.standard_normal((30, 2)))
    fast, careful, (quick, sure) = counts(d_k)
    np.testing.assert_array_equal(fast[quick], careful[quick])
    assert (sure | ~quick).all()
    if power > 11:
        assert not quick.any()


@pytest.mark.parametrize("scale", [1e-150, 1e-60, 1e60, 1e150])
def test_blocks_out_of_range_are_left_to_the_careful_kernel(scale):
    _, _, (quick, sure) = counts(scale * blocks(np.random.default_rng(0), (8, 2)))
    assert not quick.any()
    assert sure.all()


@pytest.mark.parametrize("nu", [-3, -1, 0, 2, 5])
def test_known_windings(nu):
    k = 2 * np.pi * np.arange(24) / 24
    fast, _, (quick, _) = counts(np.exp(1j * nu * k)[None, :, None, None])
    assert quick.all()
    assert fast == nu


@given(
    rng=generators(),
    n=st.integers(1, 2),
    size=st.integers(1, 6),
    lowest=st.integers(-5, 3),
    n_k=st.integers(1, 40),
)
@example(rng=np.random.default_rng(0), n=2, size=1, lowest=2, n_k=8)  # steps of exactly pi
@example(rng=np.random.default_rng(0), n=1, size=1, lowest=1, n_k=2)  # the same, two points
@example(rng=np.random.default_rng(0), n=1, size=2, lowest=0, n_k=2)
def test_series_count_as_their_samples(rng, n, size, lowest, n_k):
    amplitudes = blocks(rng, (size, n))
    table = trig_table(
        n * max(abs(lowest), abs(lowest + size - 1)), 2 * np.arange(n_k) - n_k, 2 * n_k
    )
    turns, status = np.empty(len(amplitudes), np.int64), np.empty(len(amplitudes), np.uint8)
    count_windings_of_series(amplitudes, lowest, table, turns, status)
    k = -np.pi + 2 * np.pi * np.arange(n_k) / n_k
    phases = np.exp(1j * np.outer(k, lowest + np.arange(size)))
    _, careful, (_, sure) = counts(np.einsum("ks,bsij->bkij", phases, amplitudes))
    quick = status == OK
    np.testing.assert_array_equal(turns[quick], careful[quick])
    assert (sure | ~quick).all()
    # the determinant of a single term turns by 2 pi n lowest / n_k per step, by an odd multiple
    # of pi here: every edge runs through the origin
    if size == 1 and (2 * n * lowest - n_k) % (2 * n_k) == 0:
        assert not quick.any()
    else:
        assert quick.mean() > 0.8


@pytest.mark.parametrize("scale", [0.0, 1e-150, 1e150])
def test_series_out_of_range_are_passed_on(scale):
    amplitudes = scale * blocks(np.random.default_rng(0), (3, 2))
    status = np.full(len(amplitudes), OK, np.uint8)
    turns = np.empty(len(amplitudes), np.int64)
    count_windings_of_series(amplitudes, -1, trig_table(2, np.arange(8), 8), turns, status)
    assert (status != OK).all()
