"""`count_turns`: exact for the given vertices, and for all vertices within their errors."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.strategies import NASTY, SEEDS
from topophys.kernels.status import GAPLESS, OK
from topophys.kernels.winding_sampled import count_turns
from topophys.testing.oracles import winding_in_rationals

SIZES = hnp.arrays(np.float64, 13, elements=st.floats(0.3, 1))
LOOPS = hnp.arrays(np.float64, st.tuples(st.integers(1, 12), st.just(2)), elements=NASTY)


def count(loop, error=0.0):
    f = np.ascontiguousarray(loop).view(np.complex128).reshape(1, -1)
    turns, status = np.empty(1, np.int64), np.empty(1, np.uint8)
    count_turns(f, np.full(f.shape, error), turns, status)
    return int(turns[0]), int(status[0])


@given(loop=LOOPS)
def test_a_count_that_is_returned_is_exact(loop):
    turns, status = count(loop)
    assert status == GAPLESS or turns == winding_in_rationals(loop)


@given(loop=LOOPS)
def test_a_polygon_through_the_origin_is_refused(loop):
    assume(winding_in_rationals(loop) is None)
    assert count(loop)[1] == GAPLESS


@given(turns=st.integers(-2, 2), sizes=SIZES, seed=SEEDS)
def test_a_count_holds_while_vertices_move_within_their_errors(turns, sizes, seed):
    error = 0.1
    angles = 2 * np.pi * turns * np.arange(13) / 13
    loop = np.stack([sizes * np.cos(angles), sizes * np.sin(angles)], -1)
    counted, status = count(loop, error)
    rng = np.random.default_rng(seed)
    angle, radius = rng.uniform(0, 2 * np.pi, 13), error * np.sqrt(rng.uniform(0, 0.99, 13))
    moved = loop + np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
    assume(status == OK)
    assert winding_in_rationals(moved) == counted == turns


@given(turns=st.integers(-9, 9), scale=st.floats(1e-100, 1e100), origin=st.integers(0, 40))
def test_regular_polygons(turns, scale, origin):
    j = np.roll(np.arange(41), origin)
    z = scale * np.exp(2j * np.pi * (turns * j + 0.1) / 41)
    assert count(z.view(np.float64).reshape(-1, 2)) == (turns, OK)


def test_two_vertices_enclose_nothing():
    assert count([[1.0, 0.0], [0.0, 1.0]]) == (0, OK)
    assert count([[1.0, 0.0], [-1.0, 0.0]])[1] == GAPLESS
