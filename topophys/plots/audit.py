"""How far layers and output miss what a symmetry demands."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topophys.errors import InputError
from topophys.plots._canvas import panels
from topophys.plots._records import check_rows, finite
from topophys.plots.style import PALETTE, style, tidy_rows

__all__ = ["plot_audit"]

#: Misses below this are rounding in single precision.
FLOOR: Final = 1e-8
_OUTPUT: Final = ("o", PALETTE["blue"], "output")
_READ: Final = ("D", PALETTE["green"], "read from a layer")
_WHOLE: Final = ("s", PALETTE["orange"], "layer as a whole")


def plot_audit(
    rows: Sequence[Mapping[str, Any]], *, title: str = "", ax: Axes | None = None
) -> Figure:
    r"""Draw the miss of what exact physics demands under each symmetry, on a logarithmic scale.

    .. math:: \left( \sum (a' - \rho\, a)^2 / \sum (a - \bar a)^2 \right)^{1/2}

    for every quantity a that a symmetry turns into a' and should turn into :math:`\rho\, a`.
    Misses below 1e-8 stand at the left edge.

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
        A line per row.

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
    'k -> -k: output, odd'
    """
    listed = check_rows(rows, "rows", ["operation", "quantity", "expectation", "deviation"])
    values = [_deviation(row) for row in listed]
    names = [
        textwrap.fill(f"{r['operation']}: {_short(r['quantity'])}, {r['expectation']}", 44)
        for r in listed
    ]
    with style():
        figure, (panel,) = panels(1, ax, size=(5.8, 1.1 + 0.27 * len(listed)))
        done = set()
        for y, (row, value) in enumerate(zip(listed, values, strict=True)):
            marker, colour, label = _look(str(row["quantity"]))
            panel.plot(
                [max(value, FLOOR)], [y], marker=marker, markersize=5.5, color=colour,
                linestyle="none", label="" if label in done else label,
            )  # fmt: skip
            done.add(label)
        panel.set_xscale("log")
        panel.set_xlim(0.5 * FLOOR, max(2.0, 2.0 * max(values)))
        panel.set_yticks(range(len(listed)), names)
        panel.set_ylim(len(listed) - 0.4, -0.6)
        panel.set_xlabel("miss in units of the spread")
        tidy_rows(panel)
        panel.legend(loc="lower center", bbox_to_anchor=(0.3, 1.0), ncols=3, handletextpad=0.2)
        if title:
            panel.set_title(title, pad=22.0)
    return figure


def _look(quantity: str) -> tuple[str, str, str]:
    if quantity == "output":
        return _OUTPUT
    return _READ if " read as " in quantity else _WHOLE


def _short(quantity: Any) -> str:
    return str(quantity).replace("_features", "").replace("cos_sin_alpha", "cos, sin alpha")


def _deviation(row: Mapping[str, Any]) -> float:
    value = finite(row["deviation"], f"`deviation` of {row['operation']}, {row['quantity']}")
    if value < 0.0:
        raise InputError(f"`deviation` of {row['operation']} must not be negative, but is {value}.")
    return value
