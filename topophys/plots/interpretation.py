"""Results of probes, causal tests and symmetry audits."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topophys import _validation
from topophys._statistics import wilson_interval
from topophys.errors import InputError
from topophys.plots._panels import check_rows, finite, panels
from topophys.plots._style import FAINT, PALETTE, style, tidy_rows

__all__ = ["plot_audit", "plot_causal", "plot_probes"]


# ------------------------------------------- What probes read from each layer, beside every control

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


def plot_probes(
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
    >>> figure = plot_probes([
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
        1.02, y, f"{value:z.3f}".replace("-", "\u2212"), color=colour, fontsize=7.5, va="center",
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


# ----------------------------------- Did a change inside the network do what exact physics predicts

#: Marker, colour and heading of each test.
_CAUSAL_LOOKS: Final = {
    "erase": ("s", PALETTE["orange"], "Erased: is the output still right?"),
    "steer": ("o", PALETTE["blue"], "Changed: does the output follow?"),
    "swap": ("D", PALETTE["green"], "Exchanged: does the output follow?"),
}
_OTHER: Final = ("^", PALETTE["purple"])
#: Characters of a name in one line.
CAUSAL_WIDEST: Final = 38
#: Words of results as symbols of figures; longer ones first.
_SYMBOLS: Final = {
    "cos_sin_alpha": "cos \N{GREEK SMALL LETTER ALPHA}, sin \N{GREEK SMALL LETTER ALPHA}",
    "dalpha": "\N{GREEK CAPITAL LETTER DELTA}\N{GREEK SMALL LETTER ALPHA}",
    "alpha": "\N{GREEK SMALL LETTER ALPHA}",
    "exp(i phi(k))": "exp(i\N{GREEK SMALL LETTER PHI}(k))",
    " pi": " \N{GREEK SMALL LETTER PI}",
    "^dagger": "\N{DAGGER}",
    "->": "\N{RIGHTWARDS ARROW}",
    "_features": "",
}


def _symbols(text: Any) -> str:
    """Names of results with the symbols of the field."""
    words = str(text)
    for name, symbol in _SYMBOLS.items():
        words = words.replace(name, symbol)
    return words


def _grouped(
    listed: Sequence[Mapping[str, Any]], key: str
) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Rows by a key, groups in the order of their first row."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in listed:
        groups.setdefault(str(row[key]), []).append(row)
    return list(groups.items())


def _heading(panel: Axes, y: float, text: str, colour: str) -> None:
    """Draw a line above a group of rows."""
    line = panel.text(
        0.0, y, text, fontsize=8.5, fontweight="bold", color=colour, va="center",
        transform=panel.get_yaxis_transform(), zorder=4,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
    )  # fmt: skip
    line.set_in_layout(False)  # the layout keeps its width for the data


def plot_causal(
    rows: Sequence[Mapping[str, Any]],
    *,
    chance: float | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    r"""Draw the fraction of interventions after which a network predicts the expected integer.

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
        A line per row, under a heading for each test.

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
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['Exchanged: does the output follow?', '0.9950']
    """
    listed = [_counted(row) for row in _with_cases(rows)]
    groups = _grouped(listed, "test")
    with style():
        lines = len(listed) + len(groups)
        figure, (panel,) = panels(1, ax, size=(5.8, 1.0 + 0.27 * lines))
        ticks, names, y = [], [], 0
        for test, rows_of in groups:
            marker, colour, heading = _CAUSAL_LOOKS.get(test, (*_OTHER, _symbols(test)))
            _heading(panel, y, heading, colour)
            for row in rows_of:
                y += 1
                low, high = wilson_interval(row["right"], row["cases"])
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
                ticks.append(y)
                name = f"{_symbols(row['layer'])}: {_symbols(row['what'])}"
                names.append(textwrap.fill(name, CAUSAL_WIDEST))
            y += 1
        if chance is not None:
            panel.axvline(chance, color=FAINT, linewidth=0.9, linestyle="--", zorder=1)
            panel.annotate(
                "guessing", (chance, 1.0), (0.0, 2.0), xycoords=panel.get_xaxis_transform(),
                textcoords="offset points", ha="center", fontsize=7.5, color=FAINT,
            )  # fmt: skip
        panel.set_yticks(ticks, names)
        panel.set_ylim(lines - 0.4, -0.8)
        panel.set_xlim(-0.02, 1.03)
        panel.set_xticks(np.linspace(0.0, 1.0, 6))
        panel.set_xlabel("share of predicted integers, 95 % interval")
        tidy_rows(panel)
        if title:
            panel.set_title(title, pad=16.0 if chance is not None else None)
    return figure


def _with_cases(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    listed = check_rows(rows, "rows", ["test", "layer", "what", "right", "cases"])
    kept = [row for row in listed if row["cases"] != 0]
    if not kept:
        raise InputError("Argument `rows` must have a row with at least one case.")
    return kept


def _counted(row: Mapping[str, Any]) -> dict[str, Any]:
    what = row["what"]
    cases = _validation.positive_int(row["cases"], f"cases of {what}")
    right = _validation.positive_int(row["right"], f"right of {what}", minimum=0)
    if right > cases:
        raise InputError(
            f"Argument `right of {what}` must be at most the number of cases {cases}, but is"
            f" {right}."
        )
    return {**row, "cases": cases, "right": right}


def _cut(right: int, cases: int) -> str:
    """Share with four decimals, cut and not rounded: 1 stands for no exception."""
    return f"{math.floor(10000 * right / cases) / 10000:.4f}"


# ------------------------------------------- How far layers and output miss what a symmetry demands

#: Misses below this stand at the left edge.
AUDIT_FLOOR: Final = 1e-8
#: Misses below this are rounding in single precision, sums of many terms included.
AUDIT_ROUNDING: Final = 1e-6
_OUTPUT: Final = ("o", PALETTE["blue"], "output")
_READ: Final = ("D", PALETTE["green"], "read from a layer")
_WHOLE: Final = ("s", PALETTE["orange"], "layer as a whole")


def plot_audit(
    rows: Sequence[Mapping[str, Any]], *, title: str = "", ax: Axes | None = None
) -> Figure:
    r"""Draw the deviation from each exact symmetry, on a logarithmic scale.

    .. math:: \left( \sum (a' - \rho\, a)^2 / \sum (a - \bar a)^2 \right)^{1/2}

    for every quantity a that a symmetry turns into a' and should turn into :math:`\rho\, a`.
    Misses below 1e-6 are rounding in single precision (grey), those below 1e-8 stand at the left
    edge.

    Parameters
    ----------
    rows : sequence of mapping
        Keys `operation`, `quantity`, `expectation` and `deviation`, as in the rows of
        `topophys.interpret.audit`.
    title : str, optional
        Title.
    ax : Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        A line per row, under a heading for each symmetry.

    Raises
    ------
    InputError
        If a row lacks a key, or a deviation is negative or not finite.

    References
    ----------
    .. [1] C.-K. Chiu, J. C. Y. Teo, A. P. Schnyder, S. Ryu, Rev. Mod. Phys. 88, 035005 (2016), on
       the symmetries.

    Examples
    --------
    >>> figure = plot_audit([{"operation": "k -> -k", "quantity": "output", "expectation": "odd",
    ...                       "deviation": 0.02}])
    >>> figure.axes[0].get_yticklabels()[0].get_text()
    'output: odd'
    """
    listed = check_rows(rows, "rows", ["operation", "quantity", "expectation", "deviation"])
    values = [_deviation(row) for row in listed]
    groups = _grouped(listed, "operation")
    with style():
        lines = len(listed) + len(groups)
        figure, (panel,) = panels(1, ax, size=(5.8, 1.1 + 0.25 * lines))
        panel.axvspan(0.1 * AUDIT_FLOOR, AUDIT_ROUNDING, color=FAINT, alpha=0.15, linewidth=0.0)
        done, ticks, names, y = set(), [], [], 0
        for operation, rows_of in groups:
            _heading(panel, y, _symbols(operation), PALETTE["black"])
            for row in rows_of:
                y += 1
                marker, colour, label = _look(str(row["quantity"]))
                panel.plot(
                    [max(_deviation(row), AUDIT_FLOOR)], [y], marker=marker, markersize=5.5,
                    color=colour, linestyle="none", label="" if label in done else label,
                )  # fmt: skip
                done.add(label)
                ticks.append(y)
                read = _symbols(row["quantity"]).replace(" read as ", " as ")
                names.append(textwrap.fill(f"{read}: {row['expectation']}", CAUSAL_WIDEST))
            y += 1
        panel.set_xscale("log")
        panel.set_xlim(0.5 * AUDIT_FLOOR, max(2.0, 2.0 * max(values)))
        panel.set_yticks(ticks, names)
        panel.set_ylim(lines - 0.4, -0.8)
        panel.annotate(
            "rounding", (0.1 * AUDIT_ROUNDING, 0.0), (0.0, 3.0),
            xycoords=panel.get_xaxis_transform(), textcoords="offset points", ha="center",
            fontsize=7.5, color=FAINT,
        )  # fmt: skip
        panel.set_xlabel("deviation from the exact behaviour / spread of the quantity")
        tidy_rows(panel)
        panel.legend(loc="lower center", bbox_to_anchor=(0.3, 1.0), ncols=3, handletextpad=0.2)
        if title:
            panel.set_title(title, pad=22.0)
    return figure


def _look(quantity: str) -> tuple[str, str, str]:
    if quantity == "output":
        return _OUTPUT
    return _READ if " read as " in quantity else _WHOLE


def _deviation(row: Mapping[str, Any]) -> float:
    value = finite(row["deviation"], f"`deviation` of {row['operation']}, {row['quantity']}")
    if value < 0.0:
        raise InputError(f"`deviation` of {row['operation']} must not be negative, but is {value}.")
    return value
