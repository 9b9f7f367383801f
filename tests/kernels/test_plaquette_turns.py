"""Whole turns of single plaquettes against principal values, and the rule that spares most."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tests.strategies import generators
from topophys.invariants.berry import GENERIC
from topophys.kernels.chern_sampled import (
    OK,
    UNRESOLVED,
    chern_of_sides,
    scratch_for,
    sides,
    turns_of_plaquette,
)


def spinor(d):
    """Lower state in the gauge that is singular on the south pole."""
    state = np.array([-d[0] + 1j * d[1], np.linalg.norm(d) + d[2]])
    return state / np.linalg.norm(state)


def turns_by_angles(corners):
    """(sum of link angles - angle of the product) / 2 pi, in principal values."""
    a, b, c, d = (spinor(d) for d in corners)
    links = [np.vdot(a, b), np.vdot(b, c), np.vdot(c, d), np.vdot(d, a)]
    return (sum(np.angle(links)) - np.angle(np.prod(links))) / (2 * np.pi)


def turns(corners):
    return turns_of_plaquette(corners, np.empty((4, 4)))


@given(rng=generators())
def test_turns_are_those_of_principal_values(rng):
    for corners in rng.standard_normal((50, 4, 3)):
        found, delicate = turns(corners)
        if not delicate:
            assert found == pytest.approx(turns_by_angles(corners), abs=1e-9)


@given(rng=generators())
def test_corners_on_one_side_need_not_be_asked(rng):
    """On either side of x = 0 and y = 0, and above z = 0: never below, where the pole is."""
    corners = rng.standard_normal((50, 4, 3))
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1), (2, 1)):
        beside = corners.copy()
        beside[..., axis] = sign * np.abs(corners[..., axis])
        for one in beside:
            found, delicate = turns(one)
            assert delicate or found == 0


def test_a_plaquette_around_the_pole_turns_once():
    around = np.array([[1.1, 0.2, -1], [0.1, 1.2, -1], [-0.9, 0.2, -1], [0.1, -0.8, -1]])
    assert turns(around)[0] == -turns(around[::-1].copy())[0] != 0


@pytest.mark.parametrize("d", [[0.0, 0.0, 0.0], [0.0, 0.0, -1.0], [1e-12, 0.0, 1e-12]])
def test_vanishing_corners_and_the_pole_are_delicate(d):
    corners = np.array([d, [1.0, 0.3, 0.2], [-0.5, 1.0, 0.1], [0.2, -1.0, 0.4]])
    assert turns(corners)[1] > 0


def count(d):
    """Chern number of d (n_x, n_y, 3)."""
    n_x, n_y, _ = d.shape
    field = np.pad(np.moveaxis(d, -1, 0), ((0, 0), (0, 1), (0, 1)), mode="wrap")
    flat, full = field.reshape(3, -1), (n_x + 1) * (n_y + 1)
    scratch = scratch_for(full)
    sides(*flat, scratch[0])
    where = np.arange(full)
    return chern_of_sides(flat.ravel(), (full, 1), where, (1.0, 1.0), n_y + 1, scratch)


def test_poles_on_the_grid_are_delicate_until_d_is_turned():
    angle = 2 * np.pi * np.arange(12) / 12
    k_x, k_y = np.meshgrid(angle, angle, indexing="ij")
    d = np.stack([np.sin(k_x), np.sin(k_y), -1.0 + np.cos(k_x) + np.cos(k_y)], -1)
    assert count(d)[1] == UNRESOLVED
    assert count(d @ GENERIC) == (1, OK)


def test_the_generic_turn_is_a_rotation():
    np.testing.assert_allclose(GENERIC @ GENERIC.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(GENERIC) == pytest.approx(1.0)


def test_samples_that_are_no_numbers_or_vanish_are_not_counted():
    d = np.random.default_rng(0).standard_normal((5, 5, 3))
    for bad in (np.nan, 0.0):
        d[2, 3] = bad
        assert count(d)[1] == UNRESOLVED
