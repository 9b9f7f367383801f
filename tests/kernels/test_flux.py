"""Turns dropped by products of links, where links lie exactly on the axes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import generators
from topophys.kernels.chern_sampled import dropped_turn, flux_from_links, lower_state
from topophys.kernels.status import GAPLESS, OK

UNITS = (1 + 0j, 1j, -1 + 0j, -1j)


def principal(z):
    """Angle in (-pi, pi], whatever the sign of a zero imaginary part."""
    return np.pi if z.imag == 0 and z.real < 0 else np.angle(z)


def sampled(u_x, u_y, error=4e-15):
    shape = (1, *np.shape(u_x))
    flux, chern, status = np.empty(shape), np.empty(1, np.int64), np.empty(1, np.uint8)
    u_x, u_y = np.asarray(u_x, complex).reshape(shape), np.asarray(u_y, complex).reshape(shape)
    flux_from_links(u_x, u_y, 1e-12, np.full(1, error), flux, chern, status)
    return flux[0], int(chern[0]), int(status[0])


@pytest.mark.parametrize(("z", "w"), list(itertools.product(UNITS, repeat=2)))
def test_a_dropped_turn_on_the_axes(z, w):
    product = z * w
    turn = (principal(z) + principal(w) - principal(product)) / (2 * np.pi)
    assert dropped_turn(z, w, product) == turn


@given(a=st.floats(-np.pi, np.pi), b=st.floats(-np.pi, np.pi))
def test_a_dropped_turn_anywhere(a, b):
    z, w = np.exp(1j * a), np.exp(1j * b)
    product = complex(z * w)
    turn = (principal(z) + principal(w) - principal(product)) / (2 * np.pi)
    assert dropped_turn(complex(z), complex(w), product) == round(turn)
    assert turn == pytest.approx(round(turn), abs=1e-12)


@given(rng=generators(), shape=st.tuples(st.integers(1, 6), st.integers(1, 6)))
def test_the_integer_is_the_sum_of_the_fluxes_for_links_on_the_axes(rng, shape):
    """Fourth roots of unity: links exactly -1 everywhere, fluxes that are never pi excluded."""
    u_x, u_y = (np.array(UNITS)[rng.integers(0, 4, shape)] for _ in range(2))
    flux, chern, status = sampled(u_x, u_y)
    if status == OK:
        assert chern == pytest.approx(flux.sum() / (2 * np.pi), abs=1e-12)
    else:
        assert np.isclose(np.abs(flux), np.pi).any()


@given(rng=generators(), shape=st.tuples(st.integers(1, 6), st.integers(1, 6)))
def test_the_integer_is_the_sum_of_the_fluxes_for_links_near_the_axes(rng, shape):
    """Eighth roots, some conjugated so that zeros are negative, some off by the last digits."""
    noise = rng.choice([0.0, 5e-324, -5e-324, 1e-17, -1e-17, 1e-3], (2, *shape))
    links = np.exp(0.25j * np.pi * rng.integers(0, 8, (2, *shape))).round(15)
    size = rng.choice([1.0, 1e-3, 1e-6], (2, *shape))
    links = (links + 1j * noise) * size
    links = np.where(rng.integers(0, 2, links.shape) > 0, links, links.conj())
    flux, chern, status = sampled(*links, error=1e-15)
    assume(status == OK)
    assert chern == pytest.approx(flux.sum() / (2 * np.pi), abs=1e-9)


@pytest.mark.parametrize("phase", [1, -1, 1j, -1j])
def test_constant_links_carry_no_flux(phase):
    flux, chern, status = sampled(np.full((3, 4), phase), np.full((3, 4), -1.0))
    assert (chern, status) == (0, OK)
    assert np.abs(flux).max() == 0


def test_a_short_link_or_a_flux_of_pi_leaves_the_integer_open():
    u_x, u_y = np.ones((3, 3), complex), np.ones((3, 3), complex)
    u_x[1, 1] = 1e-13
    assert sampled(u_x, u_y)[2] == GAPLESS
    u_x[1, 1] = -1.0
    assert sampled(u_x, u_y)[2] == GAPLESS


def test_a_short_link_widens_the_band_of_doubt():
    """A link of size 1e-9 known to 4e-15 has a phase known to 4e-6 only."""
    u_x, u_y = np.ones((3, 3), complex), np.ones((3, 3), complex)
    u_x[1, 1] = -1e-9 * np.exp(1e-6j)
    assert sampled(u_x, u_y)[2] == GAPLESS
    u_x[1, 1] = -1e-9 * np.exp(1e-4j)
    assert sampled(u_x, u_y)[2] == OK


@given(rng=generators(), exponent=st.integers(-1000, 1000))
def test_the_lower_state_is_an_eigenvector_at_every_scale(rng, exponent):
    d = rng.standard_normal(3) * rng.choice([0, 1, 1], 3)
    if not d.any():
        assert lower_state(0.0, 0.0, 0.0) == (0, 0)
        return
    u = np.array(lower_state(*np.ldexp(d, exponent)))
    u /= np.linalg.norm(u)
    h = np.array([[d[2], d[0] - 1j * d[1]], [d[0] + 1j * d[1], -d[2]]]) / np.linalg.norm(d)
    assert np.abs(h @ u + u).max() < 1e-14
