"""Predicted against true integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from topophys.errors import InputError, ShapeError
from topophys.plots._canvas import panels
from topophys.plots._labels import integer_array
from topophys.plots._records import percent
from topophys.plots.style import PALETTE, style, tidy

__all__ = ["plot_confusion"]

MAX_CLASSES = 25


def plot_confusion(
    true: ArrayLike,
    predicted: ArrayLike,
    *,
    trained: ArrayLike | None = None,
    symbol: str = r"\nu",
    ax: Axes | None = None,
) -> Figure:
    """Draw how often each true integer was given each predicted one.

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
