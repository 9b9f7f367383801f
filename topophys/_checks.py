"""Argument checks shared by the public functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys.errors import InputError, ShapeError

__all__ = ["as_complex", "as_real", "occupied", "positive_int"]


def _fits(shape: tuple[int, ...], wanted: list[str]) -> bool:
    tail = shape[len(shape) - len(wanted) :]
    if len(tail) != len(wanted):
        return False
    sizes: dict[str, int] = {}
    for name, size in zip(wanted, tail, strict=True):
        expected = int(name) if name.isdigit() else sizes.setdefault(name, size)
        if expected != size or size == 0:
            return False
    return True


def _as_array(x: ArrayLike, name: str, shape: str, dtype: type) -> NDArray[np.generic]:
    try:
        array = np.ascontiguousarray(x, dtype=dtype).reshape(np.shape(x))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Argument `{name}` must be an array of numbers of shape {shape}, but is not: {error}."
        ) from None
    wanted = [axis.strip() for axis in shape.strip("()").split(",")][1:]
    if not _fits(array.shape, wanted):
        raise ShapeError(
            f"Argument `{name}` must have shape {shape}, but has {array.shape};"
            " leading batch axes come first, then k-space axes, then band axes."
        )
    if not np.isfinite(array).all():
        bad = int(array.size - np.isfinite(array).sum())
        raise InputError(
            f"Argument `{name}` must be finite, but {bad} of {array.size} entries are NaN or"
            " infinite; remove them first."
        )
    return array


def as_real(x: ArrayLike, name: str, shape: str) -> NDArray[np.float64]:
    """Return `x` as a finite, C-contiguous float64 array whose last axes match `shape`.

    Parameters
    ----------
    x : array-like
        Argument to check.
    name : str
        Name of the argument, for the message.
    shape : str
        Wanted shape such as ``"(..., N, n, n)"``; a letter stands for any length, and equal
        letters for equal lengths.

    Returns
    -------
    ndarray of float64
        The checked array; `x` itself where nothing had to change.
    """
    if np.iscomplexobj(x):
        raise InputError(f"Argument `{name}` must be real, but is complex; take its real part.")
    return _as_array(x, name, shape, np.float64)  # type: ignore[return-value]  # dtype was given


def as_complex(x: ArrayLike, name: str, shape: str) -> NDArray[np.complex128]:
    """Return `x` as a finite, C-contiguous complex128 array whose last axes match `shape`.

    Parameters
    ----------
    x, name, shape
        As in `as_real`.

    Returns
    -------
    ndarray of complex128
        The checked array; `x` itself where nothing had to change.
    """
    return _as_array(x, name, shape, np.complex128)  # type: ignore[return-value]  # dtype was given


def positive_int(value: int, name: str, *, minimum: int = 1) -> int:
    """Return `value` as an int not below `minimum`, or raise `InputError`.

    Parameters
    ----------
    value : int
        Argument to check; NumPy integers are fine, bools and floats are not.
    name : str
        Name of the argument, for the message.
    minimum : int, optional
        Smallest allowed value.

    Returns
    -------
    int
        The value.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise InputError(f"Argument `{name}` must be an integer, but is {value!r}.")
    if value < minimum:
        raise InputError(f"Argument `{name}` must be at least {minimum}, but is {value}.")
    return int(value)


def occupied(n_occupied: int | None, n_bands: int) -> int:
    """Return the number of occupied bands: `n_occupied`, or half the bands where None.

    Parameters
    ----------
    n_occupied : int or None
        Number of occupied bands asked for.
    n_bands : int
        Number of bands there are.

    Returns
    -------
    int
        A number from 1 to ``n_bands - 1``.
    """
    value = n_bands // 2 if n_occupied is None else positive_int(n_occupied, "n_occupied")
    if not 1 <= value < n_bands:
        raise InputError(
            f"Argument `n_occupied` must be from 1 to {n_bands - 1} for {n_bands} bands, but is"
            f" {value}."
        )
    return value
