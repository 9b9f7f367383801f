"""Samples without an integer, and input that is none, of Berry flux and Chern number."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from topophys.errors import GaplessError, InputError, ShapeError, TopophysError


def test_touching_bands_are_named():
    h = tp.models.qwz([-1.0, 0.0, 1.0, 2.0])
    d, h_k = h.d_on_grid((8, 8)), h.on_grid((8, 8))
    for function, samples in (
        (tp.chern_number, h_k), (tp.berry_flux, h_k),
        (tp.chern_number_from_d, d), (tp.berry_flux_from_d, d),
    ):  # fmt: skip
        exact = np.where(np.abs(samples) < 1e-15, 0.0, samples)
        with pytest.raises(GaplessError, match=r"2 of 4 .* \(batch index 1, 3\)") as caught:
            function(exact)
        assert caught.value.indices == (1, 3)
    masked = tp.chern_number_from_d(np.where(np.abs(d) < 1e-15, 0.0, d), on_unresolved="mask")
    assert masked.tolist() == [1, None, -1, None]


def test_touching_bands_among_many():
    h_k = np.zeros((3, 3, 3, 3)) + np.diag([0.0, 1.0, 1.0])
    assert tp.chern_number(h_k, n_occupied=1) == 0
    with pytest.raises(GaplessError):
        tp.chern_number(h_k, n_occupied=2)


BAD = [
    (np.ones((4, 4, 2, 3)), None, ShapeError, "h_k"),
    (np.ones((4, 2, 2)), None, ShapeError, "h_k"),
    (np.ones((0, 4, 2, 2)), None, ShapeError, "h_k"),
    (np.full((3, 3, 2, 2), np.nan), None, InputError, "h_k"),
    (np.full((3, 3, 2, 2), np.inf), None, InputError, "h_k"),
    (np.triu(np.ones((3, 3, 2, 2))), None, InputError, "h_k"),
    (1j * np.ones((3, 3, 3, 3)), 1, InputError, "h_k"),
    (np.ones((3, 3, 1, 1)), None, InputError, "h_k"),
    ("text", None, InputError, "h_k"),
    (np.ones((3, 3, 2, 2)), 0, InputError, "n_occupied"),
    (np.ones((3, 3, 2, 2)), 2, InputError, "n_occupied"),
    (np.ones((3, 3, 2, 2)), 1.0, InputError, "n_occupied"),
    (np.ones((3, 3, 2, 2)), True, InputError, "n_occupied"),
]


@pytest.mark.parametrize(("h_k", "filled", "error", "name"), BAD)
@pytest.mark.parametrize("function", [tp.chern_number, tp.berry_flux, tp.berry_curvature])
def test_bad_input_is_named_in_one_line(function, h_k, filled, error, name):
    with pytest.raises(error, match=f"`{name}`") as caught:
        plain(function)(h_k, n_occupied=filled)
    assert isinstance(caught.value, TopophysError)
    assert "\n" not in str(caught.value)


def test_one_crooked_matrix_hides_behind_no_large_one():
    h_k = np.zeros((2, 3, 3, 2, 2))
    h_k[0], h_k[1] = 1e12 * np.diag([1.0, -1.0]), [[1.0, 0.5], [0.0, -1.0]]
    with pytest.raises(InputError, match=r"Hermitian, but deviates by 0\.5"):
        tp.chern_number(h_k)


@pytest.mark.parametrize("function", [tp.chern_number_from_d, tp.berry_flux_from_d])
@pytest.mark.parametrize(
    ("d", "error"),
    [
        (np.ones((4, 4, 2)), ShapeError), (np.ones((4, 3)), ShapeError),
        (1j * np.ones((4, 4, 3)), InputError), (np.full((4, 4, 3), np.nan), InputError),
        ([[1.0], [1.0, 2.0]], InputError),
    ],
)  # fmt: skip
def test_bad_d_vectors_are_named_in_one_line(function, d, error):
    with pytest.raises(error, match="`d`") as caught:
        plain(function)(d)
    assert "\n" not in str(caught.value)


def test_an_unknown_option_is_named():
    with pytest.raises(InputError, match="`on_unresolved`"):
        plain(tp.chern_number_from_d)(np.ones((4, 4, 3)), on_unresolved="zero")


def test_bands_that_all_touch_at_zero_energy_are_named():
    """BHZ at its transition: four levels at zero to rounding, whose ratios mean nothing."""
    h_k = tp.models.bhz([4.0, 8.0, 1.0]).on_grid((8, 8))
    chern = tp.chern_number(h_k, on_unresolved="mask", n_occupied=2)
    assert np.ma.getmaskarray(chern).tolist() == [True, True, False]
    assert chern[2] == 0
