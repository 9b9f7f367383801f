"""Slices carry the rounding of their making into the proof: against mpmath."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import SEEDS
from topophys.invariants._slices import PHASE_ERROR, phases_of, slice_at

X = np.array([[0, 1], [1, 0]], complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1.0, -1.0]).astype(complex)

MOMENTA = st.floats(-4.0, 4.0) | st.floats(-1.7e308, 1.7e308) | st.sampled_from(
    [0.0, np.pi, -np.pi, 0.5 * np.pi, 1e-300, 5e-324, 1e16, 355.0 / 113.0]
)  # fmt: skip
ORDERS = st.integers(-9, 9) | st.integers(-(2**52), 2**52) | st.sampled_from([355, 710, 103993])


@given(k=MOMENTA, order=ORDERS)
def test_phases_of_any_momentum_and_order(k, order):
    with mpmath.workprec(2400):
        exact = mpmath.expj(mpmath.mpf(k) * order)
        found = mpmath.mpc(complex(phases_of(np.array([k]), np.array([order]))[0, 0]))
        assert abs(found - exact) <= PHASE_ERROR


def exact_slice(h, axis, k):
    """Hoppings of the slice by mpmath, in a dictionary."""
    total = {}
    for vector, hopping in h.hoppings.items():
        rest = tuple(vector[(axis + 1 + i) % 3] for i in range(2))
        phase = mpmath.expj(mpmath.mpf(k) * int(vector[axis]))
        terms = [[mpmath.mpc(complex(z)) * phase for z in row] for row in hopping]
        before = total.setdefault(rest, mpmath.zeros(len(hopping)))
        total[rest] = before + mpmath.matrix(terms)
    return total


@given(
    seed=SEEDS, k=MOMENTA, axis=st.integers(0, 2), exponent=st.sampled_from([-1073, -500, 0, 900])
)
def test_the_error_of_a_slice_is_bounded(seed, k, axis, exponent):
    rng = np.random.default_rng(seed)
    hoppings = {}
    for _ in range(6):
        size = 10.0 ** rng.uniform(-8, 8)
        vector = tuple(int(r) for r in rng.integers(-2, 3, 3))
        a, b = rng.normal(size=(2, 2, 2)) * size
        a = a + a.T if vector == (0, 0, 0) else a
        b = b - b.T if vector == (0, 0, 0) else b
        hoppings[vector] = np.ldexp(a, exponent) + 1j * np.ldexp(b, exponent)
    h = tp.FourierHamiltonian(hoppings, hermitian="average")
    cut = slice_at(h, axis, k)
    with mpmath.workprec(2400):
        exact = exact_slice(h, axis, k)
        off = mpmath.mpf(0)
        for m, vector in enumerate(cut.vectors.tolist()):
            made = mpmath.matrix(cut.amplitudes[m].tolist())
            off += mpmath.mnorm(made - exact[tuple(vector)], "f")
        assert off <= mpmath.mpf(float(cut.amplitude_error))


def layers(e0, a, b):
    return tp.FourierHamiltonian(
        {
            (0, 0, 0): e0 * Z,
            (0, 0, 1): a * Z,
            (0, 0, 2): b * Z,
            (1, 0, 0): Z / 2 - 0.5j * X,
            (0, 1, 0): Z / 2 - 0.5j * Y,
        }
    )


@pytest.mark.parametrize("scale", [1e6, 1e3, 1e1])
@pytest.mark.parametrize("margin", [0.0, 1e-3, 1.0])
def test_masses_that_cancel_are_not_certified_by_luck(scale, margin):
    """Layers of QWZ whose mass e0 + 2 a cos k + 2 b cos 2k is close to -2, the critical one."""
    rng = np.random.default_rng(int(scale))
    certified = 0
    for _ in range(60):
        k = rng.uniform(-np.pi, np.pi)
        a, b = rng.normal(size=2) * scale
        with mpmath.workprec(200):
            parts = 2 * mpmath.mpf(a) * mpmath.cos(k) + 2 * mpmath.mpf(b) * mpmath.cos(2 * k)
            e0 = float(-2 + margin * rng.choice([-1, 1]) - parts)
            mass = mpmath.mpf(e0) + parts + 2
            truth, gap = int(mass > 0), float(2 * abs(mass))
        proof = tp.chern_on_slices(layers(e0, a, b), k=[k], axis=2, max_evaluations=20_000)
        if proof.certified[0]:
            certified += 1
            assert proof.value[0] == truth
            assert proof.gap_lower[0] <= gap
    assert (certified > 50) == (margin > 0.0)


def test_planes_at_half_turns_are_exact():
    """A hopping over one cell of z changes sign at k_z = pi, without the sine of a float64."""
    rng = np.random.default_rng(0)
    h = tp.FourierHamiltonian({(0, 0, 0): Z, (1, 0, 3): rng.normal(size=(2, 2))})
    plane = slice_at(h, 2, np.array([0, 1]), halves=True)
    np.testing.assert_array_equal(plane.amplitude_error, 0.0)
    index = plane.vectors.tolist().index([1, 0])
    np.testing.assert_array_equal(plane.amplitudes[1, index], -plane.amplitudes[0, index])


def three_bands(matrix, level):
    wide = np.zeros((3, 3), complex)
    wide[:2, :2], wide[2, 2] = matrix, level
    return wide


@pytest.mark.parametrize("k", [0.3, 1.0, 1.2, 2.0, 2.5, 2.9])
def test_the_gap_met_is_no_smaller_than_that_of_the_exact_slice(k):
    size = 3e14
    mass = -1.0 - 2.0 * size * np.cos(k)
    with mpmath.workprec(200):
        m = mpmath.mpf(float(mass)) + 2 * mpmath.mpf(size) * mpmath.cos(mpmath.mpf(k))
        exact = float(2 * min(abs(m + 2), abs(m), abs(m - 2)))
    hoppings = {(0, 0, 0): three_bands(mass * Z, 1e3), (0, 0, 1): three_bands(size * Z, 0.0),
                (1, 0, 0): three_bands(0.5 * Z - 0.5j * X, 0.0),
                (0, 1, 0): three_bands(0.5 * Z - 0.5j * Y, 0.0)}  # fmt: skip
    h = tp.FourierHamiltonian(hoppings, n_occupied=1)
    for met in (tp.chern_on_slices(h, k=[k]), tp.certify_gap(slice_at(h, 2, [k]))):
        assert met.reason[0] == "rounding"
        assert met.gap_upper[0] >= exact


def test_hoppings_out_of_range_say_nothing_of_the_gap():
    size = 8e307
    hoppings = {(0, 0, z): three_bands(size * Z, size) for z in range(3)}
    proof = tp.chern_on_slices(tp.FourierHamiltonian(hoppings, n_occupied=1), k=[0.0])
    assert proof.reason[0] == "rounding"
    assert proof.gap_upper[0] == np.inf
