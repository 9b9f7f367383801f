"""Common style of figures with a few labelled curves."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from topophys.plots import Figure, new_figure, style
from topophys.plots._style import PALETTE, tidy

LOOKS = (("o-", "blue"), ("s-", "orange"), ("d-", "black"))


def curves(x: ArrayLike, lines: Mapping[str, ArrayLike], xlabel: str, ylabel: str) -> Figure:
    """A figure of curves over the same points."""
    with style():
        figure = new_figure(4.8, 2.9)
        ax = figure.subplots()
        for (name, y), (mark, colour) in zip(lines.items(), LOOKS, strict=False):
            ax.plot(x, y, mark, color=PALETTE[colour], label=name)
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.legend()
        tidy(ax, grid="y")
    return figure


def drawn(steps: list) -> Figure:
    """Five panels of integers along a parameter, and an empty one."""
    figure = new_figure(9.0, 4.6)
    for panel, (title, name, x, value, ends) in zip(figure.subplots(2, 3).flat, steps):  # noqa: B905
        assert not np.ma.is_masked(value)
        panel.plot(x, value, "o", ms=3)
        panel.set(title=title, xlabel=name, yticks=range(int(value.min()), int(value.max()) + 1))
        for end in ends:
            panel.axvline(end, ls=":", c="0.6", lw=1)
    return figure
