"""Rows of figures handed in as dictionaries, and what is printed of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from topophys.errors import InputError

__all__ = ["check_rows", "finite", "percent", "wilson"]


def check_rows(
    rows: Sequence[Mapping[str, Any]], name: str, needed: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Check that there are rows and that each has the needed keys.

    Parameters
    ----------
    rows : sequence of mapping
        The rows.
    name : str
        Name of the argument, for the message.
    needed : sequence of str
        Keys that every row must have.

    Returns
    -------
    list of mapping
        The rows.

    Raises
    ------
    InputError
        If there is no row, or one lacks a key.
    """
    listed = list(rows)
    if not listed:
        raise InputError(f"Argument `{name}` must hold at least one row, but is empty.")
    for i, row in enumerate(listed):
        missing = [key for key in needed if key not in row]
        if missing:
            raise InputError(
                f"Argument `{name}` must have the keys {', '.join(needed)} in every row, but row"
                f" {i} lacks {', '.join(missing)}."
            )
    return listed


def finite(value: Any, name: str) -> float:
    """Return a number as float, or raise where it is none or not finite.

    Parameters
    ----------
    value : float
        The number.
    name : str
        What it is, for the message.

    Returns
    -------
    float
        The number.

    Raises
    ------
    InputError
        If it is not a finite number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name} must be a finite number, but is {value!r}.")
    return number


def percent(part: int, whole: int) -> str:
    """Percentage that reads 0 or 100 only where that is exact.

    Parameters
    ----------
    part, whole : int
        Counts.

    Returns
    -------
    str
        Such as "98.2 %".

    Examples
    --------
    >>> percent(3, 3), percent(2, 3), percent(99_999, 100_000), percent(1, 100_000)
    ('100 %', '66.7 %', '>99.9 %', '<0.1 %')
    """
    if part in (0, whole):
        return "100 %" if part else "0 %"
    share = 100.0 * part / whole
    if share < 0.1:
        return "<0.1 %"
    return ">99.9 %" if share > 99.9 else f"{share:.1f} %"


def wilson(correct: int, total: int) -> tuple[float, float]:
    r"""Wilson's 95 % interval of a proportion.

    .. math:: \frac{p + z^2/2n \pm z \sqrt{p(1-p)/n + z^2/4n^2}}{1 + z^2/n}, \qquad z = 1.96

    Parameters
    ----------
    correct, total : int
        Counts.

    Returns
    -------
    low, high : float
        Bounds; exactly 0 or 1 where all are wrong or right.

    References
    ----------
    .. [1] E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927).

    Examples
    --------
    >>> low, high = wilson(1000, 1000)
    >>> round(low, 5), high
    (0.99617, 1.0)
    """
    z = 1.959963984540054
    share = correct / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low = 0.0 if correct == 0 else (centre - spread) / scale
    high = 1.0 if correct == total else (centre + spread) / scale
    return float(np.clip(low, 0.0, 1.0)), float(np.clip(high, 0.0, 1.0))
