"""Axes for the panels of a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.plots._figure import new_figure

__all__ = ["AxesLike", "at_edge", "panels", "split_panels"]

AxesLike: TypeAlias = Axes | Sequence[Axes] | NDArray[np.object_]
MAX_PANELS = 36


def _grid_of(n: int, most: int) -> tuple[int, int]:
    """Rows and columns for n panels, at most `most` a row, with the fewest empty places."""
    rows = math.ceil(n / most)
    return rows, math.ceil(n / rows)


def panels(
    n: int,
    ax: AxesLike | None,
    *,
    size: tuple[float, float],
    most: int = 4,
    sharex: bool = False,
    sharey: bool = False,
    square: bool = False,
) -> tuple[Figure, list[Axes]]:
    """Axes for n panels: new ones on a new figure, or the ones that were handed in.

    Parameters
    ----------
    n : int
        Number of panels.
    ax : Axes, sequence of Axes, or None
        Where to draw instead of on a new figure.
    size : tuple of float
        Width and height of a panel of a new figure, in inches.
    most : int, optional
        Most panels in a row.
    sharex, sharey : bool, optional
        Whether the panels of a new figure share the view.
    square : bool, optional
        Whether panels will have equal scales on both axes.

    Returns
    -------
    figure : Figure
        The figure of the axes.
    axes : list of Axes
        As many as panels.

    Raises
    ------
    InputError
        If `ax` holds another number of axes, or there are too many panels to read.
    """
    if ax is not None:
        given = [ax] if isinstance(ax, Axes) else list(np.ravel(np.asarray(ax)))
        if len(given) != n or not all(isinstance(a, Axes) for a in given):
            raise InputError(f"Argument `ax` must be {n} axes for {n} panels, but is {len(given)}.")
        root = given[0].figure
        while root is not root.figure:
            root = root.figure
        return root, given  # sub-figures end in a figure
    if n > MAX_PANELS:
        raise InputError(
            f"A figure holds at most {MAX_PANELS} panels, but {n} were asked for; pick some first."
        )
    rows, columns = _grid_of(n, most)
    layout: Literal["constrained", "compressed"] = "compressed" if square else "constrained"
    figure = new_figure(columns * size[0], rows * size[1], layout=layout)
    table = figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey)
    axes = list(table.ravel())
    for spare in axes[n:]:
        spare.remove()
    return figure, axes[:n]


def split_panels(
    n: int, ax: AxesLike | None, *, size: tuple[float, float], share: float, most: int = 4
) -> tuple[Figure, list[Axes], list[Axes]]:
    """Axes for n panels, each with a strip below that has the same x axis.

    Parameters
    ----------
    n : int
        Number of panels.
    ax : Axes, sequence of Axes, or None
        Where to draw instead of on a new figure. They are split in two; those that are on no
        grid cannot be, and get no strip.
    size : tuple of float
        Width and height of a panel with its strip, in inches.
    share : float
        Height of the strip over that of the panel.
    most : int, optional
        Most panels in a row.

    Returns
    -------
    figure : Figure
        The figure of the axes.
    axes, strips : list of Axes
        As many as panels; no strips where axes cannot be split.

    Raises
    ------
    InputError
        As for `panels`.
    """
    if ax is not None:
        figure, axes = panels(n, ax, size=size)
        if any(panel.get_subplotspec() is None for panel in axes):
            return figure, axes, []
        return figure, axes, [_split(panel, share) for panel in axes]
    figure, spare = panels(n, None, size=size, most=most)
    places = [panel.get_subplotspec() for panel in spare]
    for panel in spare:
        panel.remove()
    # one flat grid: nested grids would give rows and columns of unequal size
    rows, columns = _grid_of(n, most)
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=(1.0, share) * rows)
    spots = [(p.rowspan.start, p.colspan.start) for p in places if p is not None]
    axes = []
    for row, column in spots:
        first = axes[0] if axes else None
        axes.append(figure.add_subplot(grid[2 * row, column], sharex=first, sharey=first))
    strips = [
        figure.add_subplot(grid[2 * row + 1, column], sharex=panel)
        for (row, column), panel in zip(spots, axes, strict=True)
    ]
    return figure, axes, strips


def _split(panel: Axes, share: float) -> Axes:
    place, figure = panel.get_subplotspec(), panel.figure
    if place is None or figure is None:  # pragma: no cover - the caller has looked
        raise InputError("Argument `ax` must be on a grid.")
    grid = place.subgridspec(2, 1, height_ratios=(1.0, share))
    panel.set_subplotspec(grid[0])
    return figure.add_subplot(grid[1], sharex=panel)


def at_edge(axes: Sequence[Axes]) -> list[tuple[bool, bool]]:
    """Tell which panels stand in the first column and which are the lowest of their column.

    Parameters
    ----------
    axes : sequence of Axes
        Panels made by `panels`.

    Returns
    -------
    list of (bool, bool)
        Left, lowest.
    """
    places = [ax.get_subplotspec() for ax in axes]
    spots = [(p.rowspan.start, p.colspan.start) for p in places if p is not None]
    lowest = {column: max(r for r, c in spots if c == column) for _, column in spots}
    return [(column == 0, row == lowest[column]) for row, column in spots]
