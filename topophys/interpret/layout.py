"""Which axis of a layer is which."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError, ShapeError

__all__ = ["Layout", "channels_last", "input_grid"]

Layout: TypeAlias = Literal["auto", "channels_last", "channels_first"]


def input_grid(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """Numbers of k points of an input.

    Parameters
    ----------
    shape : tuple of int
        Shape of the input, samples first.
    layout : {"channels_last", "channels_first"}
        Where its channels are.

    Returns
    -------
    tuple of int
        The other axes.

    Examples
    --------
    >>> input_grid((5, 12, 16, 3), "channels_last"), input_grid((5, 8, 32), "channels_first")
    ((12, 16), (32,))
    """
    return shape[1:-1] if layout == "channels_last" else shape[2:]


def channels_last(
    value: NDArray[np.float64], grid: tuple[int, ...], layout: Layout, name: str
) -> NDArray[np.float64]:
    """Move the channels of a layer to the end, and check that its places are those of the grid.

    Parameters
    ----------
    value : float64 ndarray of shape (S, ...)
        Output of the layer.
    grid : tuple of int
        Numbers of k points of the input.
    layout : {"auto", "channels_last", "channels_first"}
        Where its channels are; "auto" compares with the grid.
    name : str
        Name of the layer, for messages.

    Returns
    -------
    float64 ndarray of shape (S, *places, C) or (S, C)
        The same numbers.

    Raises
    ------
    ShapeError
        If the places are not those of the grid or a multiple of it.
    InputError
        If "auto" finds that both layouts fit.

    Examples
    --------
    >>> channels_last(np.zeros((5, 6, 32)), (32,), "auto", "conv1").shape
    (5, 32, 6)
    """
    if value.ndim == 2:
        return value
    shape = value.shape
    last, first = _multiple(shape[1:-1], grid), _multiple(shape[2:], grid)
    if layout == "auto":
        # a layer on the grid itself is meant rather than one on a refined grid
        exact = shape[1:-1] == grid, shape[2:] == grid
        if any(exact):
            last, first = exact
        if last and first:
            raise InputError(
                f"Layer {name!r} has shape {shape}, in which both the first and the last axis may"
                ' be the channels; say layout="channels_last" or layout="channels_first".'
            )
    else:
        last, first = last and layout == "channels_last", first and layout == "channels_first"
    if not (last or first):
        raise ShapeError(
            f"Layer {name!r} has shape {shape}, which does not line up with {grid} k points"
            f" ({layout}); give a layer before any pooling, or the right layout."
        )
    return value if last else np.ascontiguousarray(np.moveaxis(value, 1, -1))


def _multiple(places: tuple[int, ...], grid: tuple[int, ...]) -> bool:
    if len(places) != len(grid) or any(p % n for p, n in zip(places, grid, strict=True)):
        return False
    factors = {p // n for p, n in zip(places, grid, strict=True)}
    return len(factors) == 1 and 0 not in factors
