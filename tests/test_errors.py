"""Errors inherit the builtin, speak in one line, and survive the way between processes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from topophys import errors
from topophys.errors import GaplessError, TopophysError, UnresolvedError

CLASSES = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_ours_and_a_builtin(cls):
    assert issubclass(cls, TopophysError)
    if cls is not TopophysError:
        assert issubclass(cls, ValueError | TypeError | OSError)
    assert cls.__doc__


@pytest.mark.parametrize("cls", [c for c in CLASSES if c not in {GaplessError, UnresolvedError}])
def test_plain_errors_survive_pickling(cls):
    again = pickle.loads(pickle.dumps(cls("Argument `x` must be positive.")))
    assert type(again) is cls
    assert str(again) == "Argument `x` must be positive."


@pytest.mark.parametrize("cls", [c for c in CLASSES if c not in {GaplessError, UnresolvedError}])
def test_messages_are_one_line_whatever_they_quote(cls):
    error = cls(f"Attribute `drawn` must be an integer, but is {np.zeros((2, 2), int)}; make it.")
    assert str(error) == "Attribute `drawn` must be an integer, but is [[0 0] [0 0]]; make it."
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    "error",
    [
        GaplessError("winding_number", [1, 3], 5, mask=True),
        GaplessError("berry_flux", [0], 1),
        UnresolvedError("Chern number", range(7), 9),
    ],
)
def test_errors_with_indices_survive_pickling(error):
    """A worker process hands its error to the parent; it must arrive as what it was."""
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.indices == error.indices


def test_messages_name_the_first_five():
    text = str(UnresolvedError("Chern number", range(7), 9))
    assert "7 of 9" in text
    assert "0, 1, 2, 3, 4, ..." in text
    assert "\n" not in text


def test_errors_say_how_to_fix_them_where_possible():
    assert "on_unresolved='mask'" in str(GaplessError("winding_number", [1], 5, mask=True))
    assert "on_unresolved" not in str(GaplessError("berry_flux", [1], 5))
