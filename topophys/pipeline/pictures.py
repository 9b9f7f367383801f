"""A picture, what it shows, and its numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topophys import plots
from topophys.errors import ShapeError
from topophys.grids import k_grid

__all__ = ["FigureCard", "Picture", "columns_of_rows", "csv_text", "momenta"]


@dataclass(frozen=True)
class FigureCard:
    """A picture and what it shows.

    Attributes
    ----------
    name : str
        Name of the files, without suffix.
    title, caption : str
        For the page.
    """

    name: str
    title: str
    caption: str


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with its card and its numbers.

    Attributes
    ----------
    card : FigureCard
        What it shows.
    figure : Figure
        The figure.
    numbers : mapping of str to sequence
        Columns of equal length.
    """

    card: FigureCard
    figure: plots.Figure
    numbers: Mapping[str, Sequence[Any] | NDArray[Any]]


def csv_text(columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> str:
    """Columns as comma-separated values with a header; floats with all their digits.

    Parameters
    ----------
    columns : mapping of str to sequence
        Columns of equal length.

    Returns
    -------
    str
        One line for each row.

    Raises
    ------
    ShapeError
        If the columns differ in length.

    Examples
    --------
    >>> print(csv_text({"k": [0.0, 0.5], "name": ["a", "b, c"]}))
    k,name
    0.0,a
    0.5,"b, c"
    """
    listed = {name: np.asarray(value).tolist() for name, value in columns.items()}
    lengths = {len(value) for value in listed.values()}
    if len(lengths) > 1:
        raise ShapeError(f"Argument `columns` must have one length, but has {sorted(lengths)}.")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(listed)
    writer.writerows(zip(*listed.values(), strict=True))
    return stream.getvalue()


def columns_of_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Turn rows with equal keys into columns; lists within are joined by spaces.

    Parameters
    ----------
    rows : iterable of mapping
        The rows.

    Returns
    -------
    dict of str to list
        The columns.

    Examples
    --------
    >>> columns_of_rows([{"grid": [8, 8], "n": 1}, {"grid": [32], "n": 2}])
    {'grid': ['8 8', '32'], 'n': [1, 2]}
    """
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            text = " ".join(map(str, value)) if isinstance(value, list | tuple) else value
            columns.setdefault(name, []).append("" if text is None else text)
    return columns


def momenta(n: int) -> NDArray[np.float64]:
    """Momenta of the periodic grid of n points, as of `topophys.k_grid`.

    Parameters
    ----------
    n : int
        Number of points.

    Returns
    -------
    float64 ndarray of shape (n,)
        From -pi on, pi excluded.

    Examples
    --------
    >>> momenta(4) / np.pi
    array([-1. , -0.5,  0. ,  0.5])
    """
    return k_grid(n)[:, 0]
