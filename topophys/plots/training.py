"""How loss, accuracy and learning rate went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.plots._canvas import AxesLike, panels
from topophys.plots._records import check_rows, finite
from topophys.plots.style import FAINT, PALETTE, style, tidy

__all__ = ["plot_training"]

_COLOURS: Final = [PALETTE[name] for name in ("blue", "red", "green", "purple", "orange", "sky")]
_DASHES: Final = ["-", "--", "-.", ":"]
Curves = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


def plot_training(
    history: Sequence[Mapping[str, Any]], *, error: bool = True, ax: AxesLike | None = None
) -> Figure:
    """Draw loss and accuracy, and the learning rate where it is told, against the epoch.

    Parameters
    ----------
    history : sequence of mapping
        A record per epoch with the key `epoch`. Keys that contain "loss" go into the first panel,
        keys that contain "accuracy" into the second, `lr` into a third; `seconds` (of the
        epoch) are summed for the title. A value may be missing or None in some records.
    error : bool, optional
        Draw 1 - accuracy on a logarithmic axis instead of the accuracy itself. Epochs without an
        error stand as open triangles below the smallest error.
    ax : sequence of Axes, optional
        As many axes as there are panels.

    Returns
    -------
    Figure
        Losses on a logarithmic axis.

    Raises
    ------
    InputError
        If a record lacks `epoch`, nothing is there to draw, a loss is not positive, or an accuracy
        is outside of 0 to 1.

    Examples
    --------
    >>> history = [{"epoch": e, "loss": 1 / e, "val_accuracy": 1 - 0.1 / e} for e in range(1, 9)]
    >>> [ax.get_ylabel() for ax in plot_training(history).axes]
    ['loss', '1 - accuracy']
    """
    rows = check_rows(history, "history", ["epoch"])
    names = list(dict.fromkeys(key for row in rows for key in row))
    losses = _curves(rows, [n for n in names if "loss" in n])
    scores = _curves(rows, [n for n in names if "accuracy" in n])
    rates = _curves(rows, [n for n in names if n == "lr"])
    _refuse(losses, scores, rates)
    named = [("loss", losses), ("accuracy", scores), ("learning rate", rates)]
    kinds = [(name, curves) for name, curves in named if curves]
    with style():
        figure, axes = panels(len(kinds), ax, size=(3.2, 2.6), most=3)
        for panel, (name, curves) in zip(axes, kinds, strict=True):
            if name == "accuracy" and error:
                _draw_errors(panel, curves)
            else:
                _draw_curves(panel, curves, logarithmic=name != "accuracy")
                panel.set_ylabel(name)
            panel.set_xlabel("epoch")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            tidy(panel, grid="y")
            if name != "learning rate":
                panel.legend(handlelength=1.8)
        if ax is None and any("seconds" in row for row in rows):
            spent = sum(finite(row.get("seconds", 0.0), "`seconds`") for row in rows)
            figure.suptitle(f"{len(rows)} epochs, {_duration(spent)}", fontsize=8.5, color=FAINT)
    return figure


def _curves(rows: list[Mapping[str, Any]], names: list[str]) -> Curves:
    curves = {}
    for name in names:
        told = [row for row in rows if row.get(name) is not None]
        if told:
            epochs = np.array([finite(row["epoch"], "`epoch`") for row in told])
            values = np.array(
                [finite(row[name], f"`{name}` of epoch {row['epoch']}") for row in told]
            )
            curves[name] = (epochs, values)
    return curves


def _refuse(losses: Curves, scores: Curves, rates: Curves) -> None:
    if not losses and not scores:
        raise InputError(
            "Argument `history` must have keys that contain 'loss' or 'accuracy', but has none."
        )
    for name, (_, values) in [*losses.items(), *rates.items()]:
        if (values <= 0.0).any():
            raise InputError(
                f"Values of `{name}` must be positive, but {values.min():.3g} is among."
            )
    for name, (_, values) in scores.items():
        if (values < 0.0).any() or (values > 1.0).any():
            raise InputError(f"Values of `{name}` must be from 0 to 1, but some are not.")


def _look(position: int) -> dict[str, Any]:
    return {
        "color": _COLOURS[position % len(_COLOURS)],
        "linestyle": _DASHES[position % len(_DASHES)],
    }


def _marker(n: int) -> dict[str, Any]:
    """Show a single point, which makes no line."""
    return {"marker": "o"} if n == 1 else {}


def _draw_curves(panel: Axes, curves: Curves, *, logarithmic: bool) -> None:
    for i, (name, (epochs, values)) in enumerate(curves.items()):
        label = name.replace("_", " ")
        panel.plot(epochs, values, label=label, **_look(i), **_marker(len(epochs)))
    if logarithmic:
        panel.set_yscale("log")
        _few_minor_labels(panel)


def _draw_errors(panel: Axes, curves: Curves) -> None:
    errors = {name: (epochs, 1.0 - values) for name, (epochs, values) in curves.items()}
    positive = [v[v > 0.0] for _, v in errors.values() if (v > 0.0).any()]
    floor = 0.5 * min((float(v.min()) for v in positive), default=1e-3)
    for i, (name, (epochs, values)) in enumerate(errors.items()):
        label, look = name.replace("_", " "), _look(i)
        shown = np.where(values > 0.0, values, np.nan)
        panel.plot(epochs, shown, label=label, **look, **_marker(len(epochs)))
        none = epochs[values <= 0.0]
        if none.size:
            panel.plot(
                none, np.full(none.size, floor), linestyle="none", marker="v", markersize=4.0,
                markerfacecolor="white", color=look["color"], label=f"{label}: no error",
            )  # fmt: skip
    panel.set_yscale("log")
    _few_minor_labels(panel)
    panel.set_ylabel("1 - accuracy")


def _few_minor_labels(panel: Axes) -> None:
    """Name minor ticks only where the view holds less than one decade."""
    low, high = panel.get_ylim()
    if high / low > 10.0:
        panel.yaxis.set_minor_formatter(NullFormatter())
    else:
        panel.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))
        panel.tick_params(axis="y", which="minor", labelsize=7.0)


def _duration(seconds: float) -> str:
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"
