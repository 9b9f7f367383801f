"""The fast count of Chern numbers says what the careful one says, or passes it on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators
from topophys.kernels.chern_sampled import count_chern, flux_from_d, gather
from topophys.kernels.status import OK

SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 7))


def counts(d):
    """Integers and states of the fast and of the careful kernel, and the flux of the latter."""
    fast, careful = np.empty((2, len(d)), np.int64)
    states = np.empty((2, len(d)), np.uint8)
    flux = np.empty(d.shape[:-1])
    count_chern(d, fast, states[0])
    flux_from_d(d, 1e-12, flux, careful, states[1], True)
    return fast, careful, states == OK, flux


@given(rng=generators(), shape=SHAPES)
def test_generic_samples(rng, shape):
    fast, careful, (quick, sure), flux = counts(rng.standard_normal((20, *shape, 3)))
    np.testing.assert_array_equal(fast[quick], careful[quick])
    assert (sure | ~quick).all()
    np.testing.assert_allclose(flux.sum((1, 2))[sure], 2 * np.pi * careful[sure], atol=1e-9)
    if min(shape) > 1:
        assert quick.mean() > 0.8


@given(rng=generators(), shape=SHAPES)
def test_samples_along_the_axes(rng, shape):
    """Components -1, 0, 1: links and loops lie on the real axis or vanish."""
    d = rng.integers(-1, 2, (20, *shape, 3)) * rng.choice([1.0, 1e-20, 1e20], (20, 1, 1, 1))
    fast, careful, (quick, sure), flux = counts(d)
    np.testing.assert_array_equal(fast[quick], careful[quick])
    assert (sure | ~quick).all()
    np.testing.assert_allclose(flux.sum((1, 2))[sure], 2 * np.pi * careful[sure], atol=1e-9)


@given(rng=generators(), power=st.integers(3, 40))
def test_samples_close_to_both_poles(rng, power):
    """The gauge of the fast kernel is singular at the south pole."""
    d = rng.standard_normal((20, 5, 5, 3)) * [10.0**-power, 10.0**-power, 1.0]
    fast, careful, (quick, sure), _ = counts(d)
    np.testing.assert_array_equal(fast[quick & sure], careful[quick & sure])
    assert (sure | ~quick).all()


@pytest.mark.parametrize("scale", [1e-300, 1e-100, 1e100, 1e300])
def test_the_unit_of_energy_does_not_matter(scale):
    d = np.random.default_rng(0).standard_normal((4, 5, 5, 3))
    fast, _, (quick, sure), _ = counts(scale * d)
    reference, _, (usual, _), _ = counts(d)
    np.testing.assert_array_equal(fast, reference)
    np.testing.assert_array_equal(quick, usual)
    assert sure.all()


@pytest.mark.parametrize("power", [150, 158, 160, 161, 162])
def test_samples_next_to_the_south_pole_do_not_underflow_in_silence(power):
    """Squared norms of states near 10^(-2 power) leave the range of float64."""
    d = np.random.default_rng(power).standard_normal((5000, 3, 3, 3))
    d[:, 0, 0, :2] *= 10.0**-power
    d[:, 0, 0, 2] = -1.0
    fast, careful, (quick, sure), _ = counts(d)
    np.testing.assert_array_equal(fast[quick & sure], careful[quick & sure])
    assert not quick.any()


@given(rng=generators(), shape=st.tuples(st.integers(2, 7), st.integers(2, 7)))
def test_rotations_change_nothing_and_a_reflection_the_sign(rng, shape):
    d = rng.standard_normal((20, *shape, 3))
    first, _, (known, _), _ = counts(d)
    for other, sign in ((np.roll(d, 1, -1), 1), (d * [-1.0, -1.0, 1.0], 1), (-d, -1)):
        again, _, (quick, _), _ = counts(other)
        np.testing.assert_array_equal(first[known & quick], sign * again[known & quick])


@given(rng=generators(), shape=SHAPES, reach=st.integers(1, 3))
def test_hamiltonians_and_their_samples_give_the_same_number(rng, shape, reach):
    assume(min(shape) > 2)  # smaller grids have loops that are real, where rounding decides
    H = tp.ensembles.two_band(10, hopping_range=reach, rng=rng)
    direct = tp.chern_number(H, grid=shape, on_unresolved="mask")
    sampled = tp.chern_number_from_d(H.d_on_grid(shape), on_unresolved="mask")
    assert direct.tolist() == sampled.tolist()


def test_bands_that_touch_on_the_grid_are_named():
    critical = tp.models.qwz([-2.0, 0.0, 2.0, 1.0])
    for sampled in (
        tp.chern_number(critical, grid=(12, 12), on_unresolved="mask"),
        tp.chern_number(critical.on_grid((12, 12)), on_unresolved="mask"),
    ):
        assert np.ma.getmaskarray(sampled).tolist() == [True] * 3 + [False]
        assert sampled[3] == -1


@pytest.mark.parametrize("order", ["axis first", "batch last", "columns", "x and y"])
def test_strides_do_not_matter(order):
    d = np.ascontiguousarray(tp.ensembles.two_band(300, rng=5).d_on_grid((9, 7)))
    strided = {
        "axis first": np.moveaxis(np.ascontiguousarray(np.moveaxis(d, -1, 0)), 0, -1),
        "batch last": np.moveaxis(np.ascontiguousarray(np.moveaxis(d, 0, -1)), -1, 0),
        "columns": np.asfortranarray(d),
        "x and y": np.ascontiguousarray(d.swapaxes(1, 2)).swapaxes(1, 2),
    }[order]
    assert not strided.flags.c_contiguous
    copied = np.empty(d.shape)
    gather(strided, copied)
    assert np.array_equal(copied, d)
    assert np.array_equal(tp.chern_number_from_d(strided), tp.chern_number_from_d(d))
