"""Accuracy per split where 0.999 and 0.9999 are a world apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from topophys import _checks
from topophys.errors import InputError
from topophys.plots._canvas import panels
from topophys.plots._records import check_rows, wilson
from topophys.plots.style import PALETTE, style, tidy_rows

__all__ = ["plot_accuracy"]


def plot_accuracy(
    rows: Sequence[Mapping[str, Any]], *, title: str = "", ax: Axes | None = None
) -> Figure:
    r"""Draw the accuracy of every split with its 95 % interval, on a logarithmic scale of errors.

    Intervals are Wilson's. Where no error was seen the point would be infinitely far to the
    right: an arrow then starts at the accuracy that is shown with 95 % confidence.

    Parameters
    ----------
    rows : sequence of mapping
        Keys `split`, `correct` and `total`.
    title : str, optional
        Title.
    ax : Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        A line per split; the axis holds 1 - accuracy and is labelled with the accuracy.

    Raises
    ------
    InputError
        If a row lacks a key, or counts are not integers with 0 <= correct <= total, total > 0.

    References
    ----------
    .. [1] E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927).

    Examples
    --------
    >>> figure = plot_accuracy([{"split": "test", "correct": 9_990, "total": 10_000}])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0.9990\n9,990 / 10,000']
    """
    listed = check_rows(rows, "rows", ["split", "correct", "total"])
    counts = [_counts(row) for row in listed]
    finest = min(_smallest_error(*pair) for pair in counts)
    best = 10.0 ** np.floor(np.log10(0.7 * finest))
    worst = max(1.0 - wilson(*pair)[0] for pair in counts)
    with style():
        figure, (panel,) = panels(1, ax, size=(5.4, 1.0 + 0.42 * len(listed)))
        for y, pair in enumerate(counts):
            _draw_split(panel, y, *pair, edge=best)
        panel.set_xscale("log")
        panel.set_xlim(min(1.0, 10.0 ** np.ceil(np.log10(1.05 * worst))) * 1.1, best)
        panel.xaxis.set_major_locator(LogLocator(10.0))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda error, _: _accuracy_tick(error)))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_yticks(range(len(listed)), [str(row["split"]) for row in listed])
        panel.set_ylim(len(listed) - 0.4, -0.6)
        tidy_rows(panel)
        panel.set_xlabel("accuracy (spaced by the share of errors), 95 % interval")
        if title:
            panel.set_title(title)
        engine = figure.get_layout_engine()
        if ax is None and isinstance(engine, ConstrainedLayoutEngine):
            engine.set(w_pad=0.14)  # the counts reach beyond the axes by more than is reserved
    return figure


def _counts(row: Mapping[str, Any]) -> tuple[int, int]:
    split = row["split"]
    total = _checks.positive_int(row["total"], f"total of {split}")
    correct = _checks.positive_int(row["correct"], f"correct of {split}", minimum=0)
    if correct > total:
        raise InputError(
            f"Argument `correct of {split}` must be at most the total {total}, but is {correct}."
        )
    return correct, total


def _smallest_error(correct: int, total: int) -> float:
    """Smallest error rate that the line of a split must reach."""
    low, high = wilson(correct, total)
    return 1.0 - (high if correct < total else low)


def _draw_split(panel: Axes, y: int, correct: int, total: int, *, edge: float) -> None:
    low, high = wilson(correct, total)
    colour = PALETTE["blue"]
    if correct == total:
        panel.annotate(
            "", (edge, y), (1.0 - low, y),
            arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.6, "shrinkA": 0.0,
                        "shrinkB": 0.0},
        )  # fmt: skip
        panel.plot([1.0 - low], [y], marker="|", markersize=9.0, color=colour, linestyle="none")
    else:
        panel.plot([1.0 - low, 1.0 - high], [y, y], color=colour, linewidth=1.8)
        panel.plot(
            [1.0 - correct / total], [y], marker="o", markersize=6.0, color=colour,
            markeredgecolor="white", markeredgewidth=0.6, linestyle="none",
        )  # fmt: skip
    panel.text(
        1.02, y, f"{_digits(correct, total)}\n{correct:,} / {total:,}", fontsize=7.5, va="center",
        linespacing=1.2, transform=panel.get_yaxis_transform(),
    )  # fmt: skip


def _digits(correct: int, total: int) -> str:
    """Accuracy cut, not rounded, to the decimals that `total` can tell; 1 only where exact."""
    if correct == total:
        return "1 (no error)"
    places = max(2, int(np.ceil(np.log10(total))))
    cut = correct * 10**places // total
    return f"0.{cut:0{places}d}"


def _accuracy_tick(error: float) -> str:
    if error >= 0.999:
        return "0"
    return f"{1.0 - error:.{max(1, round(-np.log10(error)))}f}"
