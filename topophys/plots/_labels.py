"""What is written at panels and axes, after checks of what callers hand in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import InputError, ShapeError
from topophys.grids import k_grid
from topophys.invariants.certificate import UNRESOLVED_VALUE, Certificate

__all__ = [
    "Integers",
    "integer_array",
    "integer_titles",
    "join",
    "momenta",
    "number_titles",
    "texts",
]

Integers: TypeAlias = ArrayLike | Certificate


def join(*columns: Sequence[str]) -> list[str]:
    """Join the texts of each panel by commas, empty ones left out."""
    return [", ".join(filter(None, words)) for words in zip(*columns, strict=True)]


def number_titles(values: ArrayLike | None, name: str, word: str, n: int) -> list[str]:
    """Texts such as "network 1.98", one per panel; empty ones where None.

    Parameters
    ----------
    values : array-like of shape (n,) or None
        The numbers.
    name : str
        Name of the argument, for the message.
    word : str
        What to put before the number.
    n : int
        Number of panels.

    Returns
    -------
    list of str
        As many as panels.

    Raises
    ------
    ShapeError, InputError
        If there are not n of them or they are not finite.
    """
    if values is None:
        return [""] * n
    numbers = _checks.as_real(values, name, "(...)").ravel()
    if numbers.size != n:
        raise ShapeError(f"Argument `{name}` must hold {n} numbers, but holds {numbers.size}.")
    return [f"{word} {x:.2f}".replace("-", "\u2212") for x in numbers]


def momenta(k: ArrayLike | None, n: int, name: str = "k") -> NDArray[np.float64]:
    """Momenta of n points along a chain: `k` after checks, or the grid of `topophys.k_grid`.

    Parameters
    ----------
    k : array-like of shape (N,) or None
        Rising momenta in radians.
    n : int
        Number of points there must be.
    name : str, optional
        Name of the argument, for the message.

    Returns
    -------
    float64 ndarray of shape (N,)
        Momenta in radians.

    Raises
    ------
    ShapeError, InputError
        If their number is wrong or they do not rise.
    """
    if k is None:
        return k_grid(n)[:, 0]
    points = _checks.as_real(k, name, "(..., N)")
    if points.shape != (n,):
        raise ShapeError(f"Argument `{name}` must have shape ({n},), but has {points.shape}.")
    if (np.diff(points) <= 0.0).any() or points[-1] - points[0] > 2.0 * np.pi + 1e-9:
        raise InputError(
            f"Argument `{name}` must rise from point to point over at most 2 pi; sort it first."
        )
    return points


def texts(values: Sequence[str] | None, name: str, n: int) -> list[str]:
    """Check one text per panel; empty ones where None.

    Parameters
    ----------
    values : sequence of str or None
        The texts.
    name : str
        Name of the argument, for the message.
    n : int
        Number of panels.

    Returns
    -------
    list of str
        As many as panels.

    Raises
    ------
    ShapeError
        If their number is wrong.
    """
    if values is None:
        return [""] * n
    if isinstance(values, str) or len(values) != n:
        raise ShapeError(f"Argument `{name}` must hold {n} texts, one per panel.")
    return list(values)


def integer_array(values: Integers, name: str) -> NDArray[np.int64]:
    """Return invariants as int64, or raise where they are no integers.

    Parameters
    ----------
    values : array-like of int or Certificate
        The invariants.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    int64 ndarray
        The values, of the shape they have.

    Raises
    ------
    InputError
        If the numbers are not of an integer type.
    """
    integers = np.asarray(values.value if isinstance(values, Certificate) else values)
    if integers.size and integers.dtype.kind not in "iu":
        raise InputError(
            f"Argument `{name}` must be integers, but has dtype {integers.dtype}; an invariant is"
            " never rounded here."
        )
    return integers.astype(np.int64)


def integer_titles(
    values: Integers | None, name: str, symbol: str, n: int, level: str = ""
) -> list[str]:
    """Texts such as "nu = 2 (certified)", one per panel; empty ones where None.

    Parameters
    ----------
    values : array-like of int of shape (n,), Certificate, or None
        The invariants; of a certificate the status is told too.
    name : str
        Name of the argument, for the message.
    symbol : str
        Mathtext of the quantity.
    n : int
        Number of panels.
    level : str, optional
        What plain integers are ("sampled"), to be told in brackets.

    Returns
    -------
    list of str
        As many as panels.

    Raises
    ------
    ShapeError, InputError
        If there are not n of them or they are no integers.
    """
    if values is None:
        return [""] * n
    integers = integer_array(values, name)
    if integers.size != n:
        raise ShapeError(f"Argument `{name}` must hold {n} integers, but holds {integers.size}.")
    known = integers.ravel() != UNRESOLVED_VALUE
    tail = "certified" if isinstance(values, Certificate) else level
    return [
        f"${symbol} = {int(i)}$" + (f" ({tail})" if tail else "")
        if ok
        else f"${symbol}$ unresolved"
        for i, ok in zip(integers.ravel(), known, strict=True)
    ]
