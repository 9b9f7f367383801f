"""Training curves, accuracy per split, confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._statistics import wilson_interval
from topophys.errors import InputError, ShapeError
from topophys.plots._panels import (
    AxesLike,
    check_rows,
    finite,
    integer_array,
    panels,
    percent,
)
from topophys.plots._style import FAINT, PALETTE, style, tidy, tidy_rows

__all__ = ["plot_accuracy", "plot_confusion", "plot_training"]


# -------------------------------------------------------- How loss, accuracy and learning rate went

_COLOURS: Final = [PALETTE[name] for name in ("blue", "red", "green", "purple", "orange", "sky")]
_DASHES: Final = ["-", "--", "-.", ":"]
Curves = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


def plot_training(
    history: Sequence[Mapping[str, Any]],
    *,
    error: bool = True,
    best: int | None = None,
    ax: AxesLike | None = None,
) -> Figure:
    """Draw loss and accuracy, and the learning rate where it is known, against the epoch.

    Parameters
    ----------
    history : sequence of mapping
        A record per epoch with the key `epoch`. Keys that contain "loss" go into the first panel,
        keys that contain "accuracy" into the second, `lr` into a third; `seconds` (of the
        epoch) are summed for the title. A value may be missing or None in some records.
    error : bool, optional
        Draw 1 - accuracy on a logarithmic axis instead of the accuracy itself. Epochs without an
        error stand as open triangles at the lower edge, below the axis of rates.
    best : int, optional
        Epoch to mark by a line, such as the one whose weights were kept.
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
            if best is not None and name != "learning rate":
                panel.axvline(best, color=FAINT, linewidth=1.0, linestyle=":", label="weights kept")
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
        known = [row for row in rows if row.get(name) is not None]
        if known:
            epochs = np.array([finite(row["epoch"], "`epoch`") for row in known])
            values = np.array(
                [finite(row[name], f"`{name}` of epoch {row['epoch']}") for row in known]
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
    for i, (name, (epochs, values)) in enumerate(errors.items()):
        label, look = name.replace("_", " "), _look(i)
        shown = np.where(values > 0.0, values, np.nan)
        panel.plot(epochs, shown, label=label, **look, **_marker(len(epochs)))
        none = epochs[values <= 0.0]
        if none.size:
            panel.plot(
                none, np.full(none.size, 0.03), linestyle="none", marker="v", markersize=4.0,
                markerfacecolor="white", color=look["color"], label=f"{label}: no error",
                transform=panel.get_xaxis_transform(),
            )  # fmt: skip
    panel.set_yscale("log")
    low, high = panel.get_ylim()
    panel.set_ylim(low * (low / high) ** 0.12, high)  # room below for marks without an error
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


# -------------------------------------- Accuracy per split where 0.999 and 0.9999 are a world apart


def plot_accuracy(
    rows: Sequence[Mapping[str, Any]], *, title: str = "", ax: Axes | None = None
) -> Figure:
    r"""Draw the accuracy of every split with its 95 % interval, on a logarithmic scale of errors.

    Intervals are Wilson's. Where no error was seen the point would be infinitely far to the
    right: an arrow then starts at the accuracy that is shown with 95 % confidence.

    Parameters
    ----------
    rows : sequence of mapping
        Keys `split`, `correct` and `total`; with `formula_correct` a diamond shows the formula.
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
    worst = max(1.0 - wilson_interval(*pair)[0] for pair in counts)
    with style():
        figure, (panel,) = panels(1, ax, size=(5.4, 1.0 + 0.42 * len(listed)))
        for y, pair in enumerate(counts):
            _draw_split(panel, y, *pair, edge=best)
            right = listed[y].get("formula_correct")
            if right is not None and right < pair[1]:
                panel.plot(
                    [1.0 - right / pair[1]], [y], marker="D", markersize=7.0, linestyle="none",
                    markerfacecolor="none", color=PALETTE["red"],
                )  # fmt: skip
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
    total = _validation.positive_int(row["total"], f"total of {split}")
    correct = _validation.positive_int(row["correct"], f"correct of {split}", minimum=0)
    if correct > total:
        raise InputError(
            f"Argument `correct of {split}` must be at most the total {total}, but is {correct}."
        )
    return correct, total


def _smallest_error(correct: int, total: int) -> float:
    """Smallest error rate that the line of a split must reach."""
    low, high = wilson_interval(correct, total)
    return 1.0 - (high if correct < total else low)


def _draw_split(panel: Axes, y: int, correct: int, total: int, *, edge: float) -> None:
    low, high = wilson_interval(correct, total)
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


# ---------------------------------------------------------------- Predicted against true integers

MAX_CLASSES = 25


def plot_confusion(
    true: ArrayLike,
    predicted: ArrayLike,
    *,
    trained: ArrayLike | None = None,
    symbol: str = r"\nu",
    ax: Axes | None = None,
) -> Figure:
    """Draw the confusion matrix of true and predicted integers.

    Every cell holds the count and its share of the row; the colour is that share. Rows are the
    integers that occur, columns those that occur or are predicted, also outside of the classes
    of the training.

    Parameters
    ----------
    true, predicted : array-like of int of shape (...)
        Exact and predicted invariants of the same Hamiltonians.
    trained : array-like of int, optional
        Integers seen in training: their names are bold, those of the others are red with an
        asterisk.
    symbol : str, optional
        Mathtext of the invariant.
    ax : Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        The matrix, with the overall accuracy in the title.

    Raises
    ------
    ShapeError, InputError
        If the arrays differ in shape, are empty, hold no integers, or more than 25 classes.

    Examples
    --------
    >>> figure = plot_confusion([0, 0, 1, 2], [0, 1, 1, 2], trained=[0, 1])
    >>> figure.axes[0].get_title()
    '3 of 4 right (75.0 %)'
    """
    truth, guess = integer_array(true, "true"), integer_array(predicted, "predicted")
    if truth.shape != guess.shape:
        raise ShapeError(
            f"Argument `predicted` must have the shape {truth.shape} of `true`, but has"
            f" {guess.shape}."
        )
    if not truth.size:
        raise InputError("Argument `true` must hold at least one integer, but is empty.")
    seen = None if trained is None else set(integer_array(trained, "trained").ravel().tolist())
    rows, columns = np.unique(truth), np.union1d(truth, guess)
    if len(columns) > MAX_CLASSES:
        raise InputError(
            f"A confusion matrix holds at most {MAX_CLASSES} integers, but there are"
            f" {len(columns)}; clip `predicted` first."
        )
    counts = np.zeros((len(rows), len(columns)), np.int64)
    where = np.searchsorted(rows, truth.ravel()), np.searchsorted(columns, guess.ravel())
    np.add.at(counts, where, 1)
    with style():
        size = (1.2 + 0.62 * len(columns), 1.15 + 0.46 * len(rows))
        figure, (panel,) = panels(1, ax, size=(max(size[0], 3.2), size[1]))
        _draw_cells(panel, counts, rows, columns)
        _name_classes(panel, rows, columns, seen, symbol)
        right = int((truth == guess).sum())
        panel.set_title(f"{right:,} of {truth.size:,} right ({_share(right, truth.size)})")
    return figure


def _share(right: int, total: int) -> str:
    """Percentage with as many decimals as it takes to tell it from 100."""
    if 0 < total - right < 0.01 * total:
        return f"{100.0 * right / total:.4g} %" if right / total < 0.9999 else "> 99.99 %"
    return percent(right, total)


def _draw_cells(
    panel: Axes,
    counts: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> None:
    totals = counts.sum(axis=1)
    shares = counts / totals[:, None]
    panel.imshow(shares, cmap="Blues", norm=Normalize(0.0, 1.15), aspect="auto")
    small = 7.5 if counts.max() < 100_000 else 6.5
    for i, j in np.argwhere(counts > 0).tolist():
        panel.text(
            j, i, f"{counts[i, j]:,}\n{percent(int(counts[i, j]), int(totals[i]))}", ha="center",
            va="center", fontsize=small, linespacing=1.15,
            color="white" if shares[i, j] > 0.6 else "black",
        )  # fmt: skip
    for i, value in enumerate(rows):
        j = int(np.searchsorted(columns, value))
        edge = Rectangle((j - 0.5, i - 0.5), 1.0, 1.0, fill=False, edgecolor="black", linewidth=1.1)
        panel.add_patch(edge)
    panel.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    panel.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    panel.grid(which="minor", color="#E4E4E4", linewidth=0.5)
    panel.tick_params(which="both", length=0)


def _name_classes(
    panel: Axes,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    seen: set[int] | None,
    symbol: str,
) -> None:
    tidy(panel)
    panel.tick_params(which="both", length=0)
    for side in panel.spines.values():
        side.set_visible(False)
    known = set(columns.tolist()) if seen is None else seen
    panel.set_xticks(np.arange(len(columns)), _names(columns, known))
    panel.set_yticks(np.arange(len(rows)), _names(rows, known))
    looks: dict[bool, dict[str, Any]] = {
        True: {"fontweight": "normal" if seen is None else "bold"},
        False: {"color": PALETTE["red"]},
    }
    for labels, values in ((panel.get_xticklabels(), columns), (panel.get_yticklabels(), rows)):
        for label, value in zip(labels, values.tolist(), strict=True):
            label.update(looks[value in known])
    panel.set_xlabel(rf"predicted ${symbol}$")
    panel.set_ylabel(rf"exact ${symbol}$")
    if seen is not None:
        panel.annotate(
            "* not in training", (1.0, 0.0), xycoords="axes fraction", xytext=(0.0, -19.0),
            textcoords="offset points", ha="right", va="top", fontsize=7.5, color=PALETTE["red"],
        )  # fmt: skip


def _names(values: NDArray[np.int64], known: set[int]) -> list[str]:
    return [f"{v}".replace("-", "\u2212") + ("" if v in known else "*") for v in values.tolist()]
