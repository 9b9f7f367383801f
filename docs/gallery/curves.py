"""Common style of figures with a few labelled curves."""

from collections.abc import Mapping

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
