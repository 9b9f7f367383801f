"""Checks of arguments: what passes, what does not, and what is said."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from topophys import _validation
from topophys._random import as_generator, keyed_generator
from topophys.errors import FillingError, InputError, ShapeError


@pytest.mark.parametrize(
    ("x", "shape", "ok"),
    [
        (np.zeros((4, 2, 2)), "(..., N, n, n)", True),
        (np.zeros((7, 4, 2, 2)), "(..., N, n, n)", True),
        (np.zeros((0, 4, 2, 2)), "(..., N, n, n)", True),
        (np.zeros((4, 2, 3)), "(..., N, n, n)", False),
        (np.zeros((2, 2)), "(..., N, n, n)", False),
        (np.zeros((0, 2, 2)), "(..., N, n, n)", False),
        (np.zeros((5, 3)), "(..., 3)", True),
        (np.zeros((5, 2)), "(..., 3)", False),
        (1.0, "(...)", True),
    ],
)
def test_shapes(x, shape, ok):
    if ok:
        assert _validation.as_complex(x, "x", shape).shape == np.shape(x)
    else:
        with pytest.raises(ShapeError, match=r"`x` must have shape \(\.\.\."):
            _validation.as_complex(x, "x", shape)


def test_what_needs_no_change_is_not_copied():
    x = np.zeros((3, 2, 2), complex)
    assert np.shares_memory(_validation.as_complex(x, "x", "(..., n, n)"), x)
    y = _validation.as_complex(x.swapaxes(0, 1), "x", "(..., n)")
    assert y.flags.c_contiguous


@pytest.mark.parametrize(
    "x", ["a", [["a"]], [[1.0], [1.0, 2.0]], None, {}, object(), [None], [2**100]]
)
@pytest.mark.parametrize("check", [_validation.as_real, _validation.as_complex])
def test_what_is_not_numbers_is_named_in_one_line(check, x):
    with pytest.raises(InputError, match="Argument `x` must be an array of numbers") as caught:
        check(x, "x", "(...)")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("x", [1j, [1.0, 2j], np.ones(3, complex)])
def test_complex_is_not_real(x):
    with pytest.raises(InputError, match="`x` must be real"):
        _validation.as_real(x, "x", "(...)")


@pytest.mark.parametrize("bad", [np.nan, np.inf, complex(0, np.nan)])
def test_entries_that_are_not_finite_are_counted(bad):
    with pytest.raises(InputError, match="1 of 4 entries"):
        _validation.as_complex([1.0, bad, 2.0, 3.0], "x", "(...)")


@pytest.mark.parametrize("value", [1, np.int32(3), np.uint8(7)])
def test_integers_pass(value):
    assert _validation.positive_int(value, "n") == value
    assert type(_validation.positive_int(value, "n")) is int


@pytest.mark.parametrize("value", [True, np.True_, 1.0, np.float64(2), "3", None, 0, -1])
def test_other_counts_do_not(value):
    with pytest.raises(InputError, match="`n` must be"):
        _validation.positive_int(value, "n")


def test_occupied_bands():
    assert _validation.occupied(None, 2) == 1
    for n in (3, 4, 5):
        with pytest.raises(FillingError, match=f"how many of the {n} bands"):
            _validation.occupied(None, n)
    assert _validation.occupied(3, 4) == 3
    for wrong in (0, 4, 5):
        with pytest.raises(InputError, match="`n_occupied`"):
            _validation.occupied(wrong, 4)


def test_a_long_text_is_cut():
    assert len(_validation.short("a\n b" * 100)) <= 80
    assert "\n" not in _validation.short(np.zeros((10, 10)))


@pytest.mark.parametrize("n", [1, 2, 5, 64])
def test_the_grid_starts_at_minus_pi_and_leaves_out_its_end(n):
    k = tp.k_grid(n)
    assert k.shape == (n, 1)
    assert k[0, 0] == -np.pi
    assert (k < np.pi).all()
    assert np.allclose(np.diff(k[:, 0]), 2 * np.pi / n)


def test_grids_of_more_directions():
    k = tp.k_grid((3, 4, 5))
    assert k.shape == (3, 4, 5, 3)
    np.testing.assert_array_equal(
        k[1, 2, 3], [tp.k_grid(n)[i, 0] for n, i in ((3, 1), (4, 2), (5, 3))]
    )
    np.testing.assert_array_equal(tp.k_grid(4, dim=2), tp.k_grid((4, 4)))


@pytest.mark.parametrize("n", [0, -3, 1.5, (), (3, 0), "4", None])
def test_bad_grids_are_named(n):
    with pytest.raises(InputError, match="`n`"):
        tp.k_grid(n)


def test_bad_dimensions_are_named():
    with pytest.raises(InputError, match="`dim`"):
        tp.k_grid(3, dim=0)


def test_generators():
    rng = np.random.default_rng(1)
    assert as_generator(rng) is rng
    assert as_generator(5).integers(1 << 60) == as_generator(np.int64(5)).integers(1 << 60)
    assert as_generator(None).integers(1 << 60) != as_generator(None).integers(1 << 60)


@pytest.mark.parametrize("rng", [-1, 1.5, "seed", True, np.random])
def test_bad_generators_are_named(rng):
    with pytest.raises(InputError, match="`rng`"):
        as_generator(rng)


def test_keyed_streams_do_not_depend_on_each_other():
    a = keyed_generator(7, 0, 3).standard_normal(4)
    keyed_generator(7, 0, 2).standard_normal(100)
    np.testing.assert_array_equal(keyed_generator(7, 0, 3).standard_normal(4), a)
    streams = [
        keyed_generator(7, *key).integers(1 << 62) for key in ((0, 3), (3, 0), (0,), (0, 4), (1, 3))
    ]
    assert len(set(streams)) == 5
