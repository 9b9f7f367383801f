"""What probes read from each layer, beside every control."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topophys.errors import InputError
from topophys.plots._canvas import panels
from topophys.plots._records import check_rows, finite
from topophys.plots.style import FAINT, PALETTE, style, tidy_rows

__all__ = ["plot_probe_ladder"]

#: Marker, colour of the sources with a fixed look; others take what is left.
_LOOKS: Final = {
    "trained": ("o", PALETTE["blue"]),
    "untrained": ("s", PALETTE["orange"]),
    "shuffled": ("X", FAINT),
    "raw input": ("D", PALETTE["green"]),
    "control": ("^", PALETTE["purple"]),
    "scrambled": ("v", PALETTE["red"]),
    "exact forms": ("P", PALETTE["sky"]),
}
_SPARE: Final = [("<", PALETTE["black"]), (">", PALETTE["red"]), ("h", PALETTE["sky"])]
#: Nothing is learnt from how far below zero a useless probe falls.
FLOOR = -0.15
#: Characters of a name in one line.
WIDEST: Final = 30


def plot_probe_ladder(
    rows: Sequence[Mapping[str, Any]], *, title: str = "", ax: Axes | None = None
) -> Figure:
    r"""Draw the coefficient R2 of linear probes with intervals, grouped by layer and target.

    .. math:: R^2 = 1 - \frac{\sum (y - \hat y)^2}{\sum (y - \bar y)^2}

    of held-out Hamiltonians: 1 is perfect, 0 is as good as the mean, below is worse. Values below
    -0.15 stand at the left edge with an arrow; the number at the right is always the true one.

    Parameters
    ----------
    rows : sequence of mapping
        Keys `layer`, `target`, `source` (such as "trained", "untrained", "shuffled", "raw
        input", "control"), `r2`, and optionally `low` and `high`, the ends of the interval.
    title : str, optional
        Title.
    ax : Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        A group of lines per pair of layer and target, in the order of the rows.

    Raises
    ------
    InputError
        If a row lacks a key, a number is not finite or above 1, or an interval misses its value.

    References
    ----------
    .. [1] G. Alain, Y. Bengio, ICLR Workshop (2017), arXiv:1610.01644.

    Examples
    --------
    >>> figure = plot_probe_ladder([
    ...     {"layer": "H1", "target": "cos a", "source": "trained", "r2": 0.97, "low": 0.96,
    ...      "high": 0.98},
    ...     {"layer": "H1", "target": "cos a", "source": "shuffled", "r2": 0.0},
    ... ])
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['H1, cos a']
    """
    listed = check_rows(rows, "rows", ["layer", "target", "source", "r2"])
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in listed:
        groups.setdefault(f"{row['layer']}, {row['target']}", []).append(row)
    looks = _looks([str(row["source"]) for row in listed])
    height = 1.0 + 0.19 * len(listed) + 0.12 * len(groups)
    with style():
        figure, (panel,) = panels(1, ax, size=(5.4, height))
        y, ticks, done = 0.0, [], set()
        for i, group in enumerate(groups.values()):
            if i % 2 == 0:
                panel.axhspan(y - 0.8, y + len(group) - 0.2, color="#F4F4F4", zorder=0, linewidth=0)
            for j, row in enumerate(group):
                source = str(row["source"])
                _draw_row(panel, y + j, row, looks[source], "" if source in done else source)
                done.add(source)
            ticks.append(y + 0.5 * (len(group) - 1))
            y += len(group) + 0.6
        _finish(panel, ticks, list(groups), y, title, len(looks))
    return figure


def _looks(sources: list[str]) -> dict[str, tuple[str, str]]:
    looks: dict[str, tuple[str, str]] = {}
    spare = 0
    for source in dict.fromkeys(sources):
        if source in _LOOKS:
            looks[source] = _LOOKS[source]
        else:
            looks[source] = _SPARE[spare % len(_SPARE)]
            spare += 1
    return looks


def _interval(row: Mapping[str, Any]) -> tuple[float, float, float]:
    where = f"of layer {row['layer']}, target {row['target']}, source {row['source']}"
    value = finite(row["r2"], f"`r2` {where}")
    ends = [row.get(key) for key in ("low", "high")]
    low, high = (
        value if end is None else finite(end, f"`{key}` {where}")
        for key, end in zip(("low", "high"), ends, strict=True)
    )
    if value > 1.0 + 1e-12 or not low <= value <= high:
        raise InputError(
            f"The figures {where} must obey low <= r2 <= high and r2 <= 1, but are {low:.4g},"
            f" {value:.4g}, {high:.4g}."
        )
    return low, value, high


def _draw_row(
    panel: Axes, y: float, row: Mapping[str, Any], look: tuple[str, str], label: str
) -> None:
    low, value, high = _interval(row)
    marker, colour = look
    shown = max(value, FLOOR)
    panel.plot([max(low, FLOOR), max(high, FLOOR)], [y, y], color=colour, linewidth=1.6, zorder=2)
    panel.plot(
        [shown], [y], marker=marker if value >= FLOOR else 4, markersize=5.5, color=colour,
        markeredgecolor="white" if value >= FLOOR else colour, markeredgewidth=0.5,
        linestyle="none", zorder=3,
    )  # fmt: skip
    if label:
        panel.plot(
            [math.nan], [math.nan], marker=marker, color=colour, linestyle="none", markersize=5.5,
            label=label,
        )  # fmt: skip
    panel.text(
        1.02, y, f"{value:.3f}".replace("-", "\u2212"), color=colour, fontsize=7.5, va="center",
        transform=panel.get_yaxis_transform(),
    )  # fmt: skip


def _finish(
    panel: Axes, ticks: list[float], names: list[str], y: float, title: str, sources: int
) -> None:
    # the room for names must not take that of the numbers
    panel.set_yticks(ticks, [textwrap.fill(name, WIDEST) for name in names])
    panel.set_ylim(y - 0.8, -0.8)
    panel.set_xlim(FLOOR - 0.03, 1.03)
    panel.set_xticks(np.linspace(0.0, 1.0, 6))
    panel.axvline(0.0, color=FAINT, linewidth=0.8, zorder=1)
    panel.set_xlabel("held-out $R^2$")
    tidy_rows(panel)
    panel.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(sources, 4), handletextpad=0.2,
        columnspacing=1.2,
    )  # fmt: skip
    if title:
        panel.set_title(title, pad=22.0 if sources <= 4 else 34.0)
