"""Figures without pyplot: they show themselves, lay themselves out and stand still for saving."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from topophys.plots.style import style

__all__ = ["Canvas", "new_figure", "settled"]


class Canvas(Figure):
    """Figure that shows itself in a notebook, although no pyplot has announced it there."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        buffer = io.BytesIO()
        with style(), settled(self):
            self.savefig(buffer, format="png", dpi=200)
        width, height = (round(100 * inches) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height}


@contextmanager
def settled(figure: Figure) -> Iterator[None]:
    """Lay a figure out until nothing moves any more, and keep it so for the time of saving.

    Constrained layout nears its goal draw by draw where panels have equal scales and colour bars;
    saving twice would give two pictures.

    Parameters
    ----------
    figure : Figure
        The figure.

    Yields
    ------
    None
        While the layout stands still.
    """
    last = np.empty(0)
    for _ in range(10):
        figure.draw_without_rendering()
        places = np.array([ax.get_position().bounds for ax in figure.axes])
        if places.shape == last.shape and np.allclose(places, last, rtol=0.0, atol=1e-12):
            break
        last = places
    engine = figure.get_layout_engine()
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
    """Make an empty figure that lays itself out.

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
