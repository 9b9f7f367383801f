"""Signs of cross products and crossings, against rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import NASTY
from topophys.kernels.small_linalg import crossing, orientation

UNDECIDED = 2


def exact_cross(x0, y0, x1, y1):
    return Fraction(x0) * Fraction(y1) - Fraction(x1) * Fraction(y0)


def sign(x):
    return (x > 0) - (x < 0)


@given(NASTY, NASTY, NASTY, NASTY)
def test_an_orientation_that_is_not_zero_is_exact(x0, y0, x1, y1):
    assert orientation(x0, y0, x1, y1) in {0, sign(exact_cross(x0, y0, x1, y1))}


@given(NASTY, NASTY, NASTY, NASTY)
def test_orientation_changes_sign_under_exchange(x0, y0, x1, y1):
    assert orientation(x0, y0, x1, y1) == -orientation(x1, y1, x0, y0)


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(1, 60))
def test_nearly_parallel_vectors_are_decided_or_refused(x, y, bits):
    """The second vector is the first, turned by a few units in the last place."""
    u, v = x * (1 + 2.0**-bits), y
    assert orientation(x, y, u, v) in {0, sign(exact_cross(x, y, u, v))}


def test_clear_orientations_are_decided():
    assert orientation(1.0, 0.0, 0.0, 1.0) == 1
    assert orientation(0.0, 1.0, 1.0, 0.0) == -1
    # terms of opposite sign cannot cancel, so even denormal products are decided
    assert orientation(1e-300, -1e-300, 1e-300, 1e-300) == 1


def exact_crossing(x0, y0, x1, y1):
    """Signed crossing of the positive x axis; None where the edge meets the origin."""
    cross = exact_cross(x0, y0, x1, y1)
    meets = cross == 0 and Fraction(x0) * Fraction(x1) + Fraction(y0) * Fraction(y1) <= 0
    if meets:
        return None
    return int(y0 < 0 <= y1 and cross > 0) - int(y1 < 0 <= y0 and cross < 0)


@given(NASTY, NASTY, NASTY, NASTY)
def test_a_crossing_that_is_returned_is_exact(x0, y0, x1, y1):
    got = crossing(x0, y0, x1, y1)
    want = exact_crossing(x0, y0, x1, y1)
    assert got in (UNDECIDED, want)


@given(NASTY, NASTY, st.integers(-3, 3), st.booleans())
def test_an_edge_through_the_origin_is_never_counted(x, y, power, swapped):
    ends = (x, y), (-np.ldexp(x, power), -np.ldexp(y, power))
    (x0, y0), (x1, y1) = reversed(ends) if swapped else ends
    assume(exact_crossing(x0, y0, x1, y1) is None)  # but where bits of subnormals are lost
    assert crossing(x0, y0, x1, y1) == UNDECIDED


def test_crossings_by_hand():
    assert crossing(1.0, -1.0, 1.0, 1.0) == 1
    assert crossing(1.0, 1.0, 1.0, -1.0) == -1
    assert crossing(-1.0, -1.0, -1.0, 1.0) == 0
    assert crossing(1.0, 0.0, 2.0, 0.0) == 0
    assert crossing(-1.0, 0.0, 2.0, 0.0) == UNDECIDED
    # an end on the axis counts on one side only
    assert crossing(1.0, -1.0, 1.0, 0.0) + crossing(1.0, 0.0, 1.0, 1.0) == 1
    assert crossing(1.0, -1.0, 1.0, 0.0) + crossing(1.0, 0.0, 1.0, -1.0) == 0
