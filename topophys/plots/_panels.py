"""Figures without pyplot, axes of panels, labels and records, with checks of what callers pass."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, OutputError, ShapeError
from topophys.grids import k_grid
from topophys.invariants.results import UNRESOLVED_VALUE, Certificate
from topophys.plots._style import style

__all__ = [
    "AxesLike",
    "Canvas",
    "Integers",
    "at_edge",
    "check_rows",
    "finite",
    "integer_array",
    "integer_titles",
    "join",
    "momenta",
    "new_figure",
    "number_titles",
    "panels",
    "percent",
    "settled_layout",
    "split_panels",
    "texts",
]


# ------ Figures without pyplot: they show themselves, lay themselves out and stand still for saving


#: Backends that draw into files only.
_WINDOWLESS: Final = {"agg", "pdf", "svg", "ps", "cairo", "template", "pgf"}


class Canvas(Figure):
    """Figure that shows itself in a notebook and in scripts, although pyplot does not know it."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        buffer = io.BytesIO()
        with style(), settled_layout(self):
            self.savefig(buffer, format="png", dpi=200)
        width, height = (round(100 * inches) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height}

    def show(self, warn: bool = True) -> None:
        """Open a window with this figure and wait until it is closed.

        Raises
        ------
        OutputError
            If Matplotlib has no window here, as on a machine without a display.
        """
        del warn
        from matplotlib import pyplot as plt  # noqa: PLC0415  # the one place that opens windows
        from matplotlib._pylab_helpers import Gcf  # noqa: PLC0415

        if plt.get_backend().lower() in _WINDOWLESS:
            raise OutputError(
                f"Figures cannot be shown: the backend {plt.get_backend()!r} of Matplotlib has no"
                " windows; write a file with `topophys.plots.save_figure(figure, name)`."
            )
        canvas, number = self.canvas, max(plt.get_fignums(), default=0) + 1
        manager = plt.new_figure_manager(number)  # type: ignore[no-untyped-call]
        manager.canvas.figure = self
        self.set_canvas(manager.canvas)
        Gcf.set_active(manager)
        try:
            plt.show(block=True)
        finally:
            self.set_canvas(canvas)


@contextmanager
def settled_layout(figure: Figure) -> Iterator[None]:
    """Lay a figure out until nothing moves any more, and keep it so for the time of saving.

    Constrained layout nears its goal draw by draw where panels have equal scales and colour bars;
    saving twice would give two pictures.
    """
    last = np.empty(0)
    engine = figure.get_layout_engine()
    figure.draw_without_rendering()
    for _ in range(10):
        if engine is not None:  # a fifth of the work of drawing everything again
            engine.execute(figure)
        places = np.array([ax.get_position().bounds for ax in figure.axes])
        if places.shape == last.shape and np.allclose(places, last, rtol=0.0, atol=1e-12):
            break
        last = places
    figure.set_layout_engine("none")
    for ax in figure.axes:
        # the last bits still move, and identifiers in SVG files are made from all of them
        corners = np.round(ax.get_position(original=True).get_points(), 10)
        joins = ax.get_in_layout()
        ax.set_position(Bbox(corners), which="original")
        ax.set_in_layout(joins)
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


def new_figure(
    width: float, height: float, *, layout: Literal["constrained", "compressed"] = "constrained"
) -> Canvas:
    """Make an empty figure with automatic layout.

    Parameters
    ----------
    width, height : float
        Size in inches.
    layout : {"constrained", "compressed"}, optional
        The second brings panels with equal scales on both axes closer together.

    Returns
    -------
    Canvas
        With an Agg canvas, so that it can be drawn without a display.
    """
    figure = Canvas(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


# ---------------------------------------------------------------- Axes for the panels of a figure

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
    """Axes for n panels: new ones on a new figure, or the ones that were handed in."""
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
    """Axes for n panels, each with a strip below that has the same x axis."""
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
    """Tell which panels stand in the first column and which are the lowest of their column."""
    places = [ax.get_subplotspec() for ax in axes]
    spots = [(p.rowspan.start, p.colspan.start) for p in places if p is not None]
    lowest = {column: max(r for r, c in spots if c == column) for _, column in spots}
    return [(column == 0, row == lowest[column]) for row, column in spots]


# ------------------------- What is written at panels and axes, after checks of what callers hand in

Integers: TypeAlias = ArrayLike | Certificate


def join(*columns: Sequence[str]) -> list[str]:
    """Join the texts of each panel by commas, empty ones left out."""
    return [", ".join(filter(None, words)) for words in zip(*columns, strict=True)]


def number_titles(values: ArrayLike | None, name: str, word: str, n: int) -> list[str]:
    """Texts such as "network 1.98", one per panel; empty ones where None.

    Shapes: `values` (n,).
    """
    if values is None:
        return [""] * n
    numbers = _validation.as_real(values, name, "(...)").ravel()
    if numbers.size != n:
        raise ShapeError(f"Argument `{name}` must hold {n} numbers, but holds {numbers.size}.")
    return [f"{word} {x:.2f}".replace("-", "\u2212") for x in numbers]


def momenta(k: ArrayLike | None, n: int, name: str = "k") -> NDArray[np.float64]:
    """Momenta of n points along a chain: `k` after checks, or the grid of `topophys.k_grid`.

    Shapes: `k` (N,); returns (N,).
    """
    if k is None:
        return k_grid(n)[:, 0]
    points = _validation.as_real(k, name, "(..., N)")
    if points.shape != (n,):
        raise ShapeError(f"Argument `{name}` must have shape ({n},), but has {points.shape}.")
    if (np.diff(points) <= 0.0).any() or points[-1] - points[0] > 2.0 * np.pi + 1e-9:
        raise InputError(
            f"Argument `{name}` must rise from point to point over at most 2 pi; sort it first."
        )
    return points


def texts(values: Sequence[str] | None, name: str, n: int) -> list[str]:
    """Check one text per panel; empty ones where None."""
    if values is None:
        return [""] * n
    if isinstance(values, str) or len(values) != n:
        raise ShapeError(f"Argument `{name}` must hold {n} texts, one per panel.")
    return list(values)


def integer_array(values: Integers, name: str) -> NDArray[np.int64]:
    """Return invariants as int64, or raise where they are no integers."""
    given = values.value if isinstance(values, Certificate) else values
    integers = np.asarray(np.ma.filled(given, UNRESOLVED_VALUE))
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

    Shapes: `values` (n,).
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


# --------------------------- Rows of figures handed in as dictionaries, and what is printed of them


def check_rows(
    rows: Sequence[Mapping[str, Any]], name: str, needed: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Check that there are rows and that each has the needed keys."""
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
    """Return a number as float, or raise where it is none or not finite."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name} must be a finite number, but is {value!r}.")
    return number


def percent(part: int, whole: int) -> str:
    """Percentage that reads 0 or 100 only where that is exact.

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
