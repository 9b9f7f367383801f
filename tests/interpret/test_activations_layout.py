"""Channels are found where they are; what cannot be known is asked."""

import numpy as np
import pytest

from topophys.errors import InputError, ShapeError
from topophys.interpret.hooks import channels_last


def numbered(*shape):
    return np.arange(float(np.prod(shape))).reshape(shape)


@pytest.mark.parametrize("grid", [(7,), (4, 5)])
def test_channels_are_moved_to_the_end(grid):
    value = numbered(2, *grid, 3)
    first = np.moveaxis(value, -1, 1)
    for given, layout in [(value, "channels_last"), (first, "channels_first")]:
        for said in ("auto", layout):
            np.testing.assert_array_equal(channels_last(given, grid, said, "layer"), value)


def test_layers_without_places_are_left():
    value = numbered(5, 6)
    assert channels_last(value, (32,), "auto", "head") is value


def test_refined_grids_line_up():
    assert channels_last(numbered(2, 3, 14), (7,), "auto", "fine").shape == (2, 14, 3)
    assert channels_last(numbered(2, 8, 10, 3), (4, 5), "auto", "fine").shape == (2, 8, 10, 3)
    with pytest.raises(ShapeError):
        channels_last(numbered(2, 8, 15, 3), (4, 5), "auto", "uneven")


def test_the_grid_itself_is_meant_rather_than_a_refined_one():
    assert channels_last(numbered(2, 7, 14), (7,), "auto", "layer").shape == (2, 7, 14)


def test_ambiguous_layout_is_refused():
    value = numbered(2, 7, 7)
    with pytest.raises(InputError, match=r"layout=\"channels_last\""):
        channels_last(value, (7,), "auto", "layer")
    np.testing.assert_array_equal(
        channels_last(value, (7,), "channels_first", "layer"), value.swapaxes(1, 2)
    )


@pytest.mark.parametrize("layout", ["auto", "channels_last", "channels_first"])
@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 6, 3), (2, 7, 7, 3)])
def test_layers_that_do_not_line_up(shape, layout):
    with pytest.raises(ShapeError, match="'pooled'"):
        channels_last(numbered(*shape), (7,), layout, "pooled")


def test_audit_detects_a_wrong_declaration():
    with pytest.raises(ShapeError):
        channels_last(numbered(2, 7, 3), (7,), "channels_first", "layer")
