"""The run-time checks of annotations see what is wrong, in the first calls of every test."""

from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import Float, TypeCheckError, jaxtyped

import topophys as tp
from tests.typechecker import ALL, CHECKS, again, checked


@jaxtyped(typechecker=checked)
def double(x: float, y: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return y[: len(y) if x < 3 else -1] * 2


@pytest.mark.parametrize("bad", [("1", np.zeros(2)), (1.0, np.zeros((2, 2))), (4.0, np.zeros(2))])
def test_wrong_types_and_shapes_are_errors_at_the_first_call(bad):
    with pytest.raises(TypeCheckError):
        double(*bad)


@pytest.mark.skipif(ALL, reason="every call is checked")
def test_a_function_is_left_alone_after_enough_calls_and_checked_again_in_the_next_test():
    for _ in range(CHECKS):
        double(1, np.zeros(2))
    double(4.0, np.zeros(2))
    again()
    with pytest.raises(TypeCheckError):
        double(4.0, np.zeros(2))


@pytest.mark.skipif(ALL, reason="every call is checked")
def test_methods_and_properties_are_left_alone_too():
    h = tp.models.ssh(1.0, 2.0)
    inner = type(h).block_on_grid
    while inner.__code__.co_name != "wrapped_fn":
        inner = inner.__wrapped__
    for _ in range(CHECKS):
        h.block_on_grid(8)
    assert inner.__no_type_check__
    again()
    assert not inner.__no_type_check__
