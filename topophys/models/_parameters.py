"""Parameters of models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import ShapeError

__all__ = ["depends", "real"]

F = TypeVar("F", bound=Callable[..., object])


def depends(**dependence: str) -> Callable[[F], F]:
    """Say of a model how its hoppings depend on each parameter, for `certify_phases`.

    "affine", or "trigonometric" in the parameter itself; others held at any values.
    """

    def marked(model: F) -> F:
        model.dependence = dependence  # type: ignore[attr-defined]
        return model

    return marked


def real(**parameters: ArrayLike) -> list[NDArray[np.float64]]:
    """Check real parameters and broadcast them against each other.

    Shapes: `**parameters` (...); returns (...).
    """
    arrays = [_validation.as_real(value, name, "(...)") for name, value in parameters.items()]
    try:
        return list(np.broadcast_arrays(*arrays))
    except ValueError:
        shapes = ", ".join(f"{n} {a.shape}" for n, a in zip(parameters, arrays, strict=True))
        raise ShapeError(
            f"Parameters must have shapes that broadcast, but have {shapes}."
        ) from None
