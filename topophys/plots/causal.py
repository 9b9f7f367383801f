"""Did a change inside the network do what exact physics predicts."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topophys import _checks
from topophys.errors import InputError
from topophys.plots._canvas import panels
from topophys.plots._records import check_rows, wilson
from topophys.plots.style import FAINT, PALETTE, style, tidy_rows

__all__ = ["plot_causal"]

#: Colour and marker of each test.
_LOOKS: Final = {
    "erase": ("s", PALETTE["orange"]),
    "steer": ("o", PALETTE["blue"]),
    "swap": ("D", PALETTE["green"]),
}
_OTHER: Final = ("^", PALETTE["purple"])
#: Characters of a name in one line.
WIDEST: Final = 44


def plot_causal(
    rows: Sequence[Mapping[str, Any]],
    *,
    chance: float | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    r"""Draw the share of cases in which a network names the predicted integer after a change.

    Intervals are Wilson's 95 %. Of erasure the prediction is the true integer: what remains of
    the accuracy without the erased quantity.

    Parameters
    ----------
    rows : sequence of mapping
        Keys `test`, `layer`, `what`, `right` and `cases`, as in the results of
        `topophys.interpret.causal_tests`; rows without a case are left out.
    chance : float, optional
        Share right by guessing, drawn as a dashed line.
    title : str, optional
        Title.
    ax : Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        A line per row.

    Raises
    ------
    InputError
        If a row lacks a key, counts are not integers with 0 <= right <= cases, or no row has a
        case.

    References
    ----------
    .. [1] E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927).

    Examples
    --------
    >>> figure = plot_causal([
    ...     {"test": "swap", "layer": "h2", "what": "links", "right": 995, "cases": 1000},
    ... ])
    >>> figure.axes[0].texts[0].get_text()
    '0.9950'
    """
    listed = [_counted(row) for row in _with_cases(rows)]
    names = [
        textwrap.fill(f"{r['test']} {_short(r['layer'])}: {r['what']}", WIDEST) for r in listed
    ]
    with style():
        figure, (panel,) = panels(1, ax, size=(5.8, 1.0 + 0.3 * len(listed)))
        for y, row in enumerate(listed):
            marker, colour = _LOOKS.get(str(row["test"]), _OTHER)
            low, high = wilson(row["right"], row["cases"])
            panel.plot([low, high], [y, y], color=colour, linewidth=1.8, zorder=2)
            share = row["right"] / row["cases"]
            panel.plot(
                [share], [y], marker=marker, markersize=5.5, color=colour, linestyle="none",
                markeredgecolor="white", markeredgewidth=0.5, zorder=3,
            )  # fmt: skip
            panel.text(
                1.02, y, _cut(row["right"], row["cases"]), fontsize=7.5, va="center",
                color=colour, transform=panel.get_yaxis_transform(),
            )  # fmt: skip
        if chance is not None:
            panel.axvline(chance, color=FAINT, linewidth=0.9, linestyle="--", zorder=1)
        panel.set_yticks(range(len(listed)), names)
        panel.set_ylim(len(listed) - 0.4, -0.6)
        panel.set_xlim(-0.02, 1.03)
        panel.set_xticks(np.linspace(0.0, 1.0, 6))
        panel.set_xlabel("share of predicted integers, 95 % interval")
        tidy_rows(panel)
        if title:
            panel.set_title(title)
    return figure


def _with_cases(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    listed = check_rows(rows, "rows", ["test", "layer", "what", "right", "cases"])
    kept = [row for row in listed if row["cases"] != 0]
    if not kept:
        raise InputError("Argument `rows` must have a row with at least one case.")
    return kept


def _counted(row: Mapping[str, Any]) -> dict[str, Any]:
    what = row["what"]
    cases = _checks.positive_int(row["cases"], f"cases of {what}")
    right = _checks.positive_int(row["right"], f"right of {what}", minimum=0)
    if right > cases:
        raise InputError(
            f"Argument `right of {what}` must be at most the number of cases {cases}, but is"
            f" {right}."
        )
    return {**row, "cases": cases, "right": right}


def _short(layer: Any) -> str:
    return str(layer).removesuffix("_features")


def _cut(right: int, cases: int) -> str:
    """Share with four decimals, cut and not rounded: 1 stands for no exception."""
    return f"{math.floor(10000 * right / cases) / 10000:.4f}"
