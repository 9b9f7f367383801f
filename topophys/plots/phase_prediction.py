"""Predicted integers over the parameter plane of a model, beside the exact ones."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike, NDArray

from topophys.errors import ShapeError
from topophys.invariants.certificate import UNRESOLVED_VALUE
from topophys.plots._canvas import AxesLike, panels
from topophys.plots._labels import Integers, integer_array
from topophys.plots._planes import draw_integers, even
from topophys.plots._records import percent
from topophys.plots.style import PALETTE, style, tidy

__all__ = ["plot_phase_diagram_prediction"]


def plot_phase_diagram_prediction(
    x: ArrayLike,
    y: ArrayLike,
    exact: Integers,
    predicted: ArrayLike,
    *,
    names: tuple[str, str] = ("x", "y"),
    symbol: str = r"\nu",
    ax: AxesLike | None = None,
) -> Figure:
    """Draw exact and predicted invariants over a plane of parameters, with the errors marked.

    Parameters
    ----------
    x : array-like of shape (Nx,)
        Evenly spaced values of the first parameter, rising.
    y : array-like of shape (Ny,)
        Evenly spaced values of the second parameter, rising.
    exact : array-like of int of shape (Nx, Ny) or Certificate
        Exact invariants; unresolved ones of a certificate are grey and count as no error.
    predicted : array-like of int of shape (Nx, Ny)
        Predicted invariants.
    names : (str, str), optional
        Axis labels, with units.
    symbol : str, optional
        Mathtext of the invariant.
    ax : sequence of two Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Left the exact diagram, right the predicted one with a cross on every wrong point.

    Raises
    ------
    ShapeError, InputError
        If shapes do not match, values are not evenly spaced, or invariants are not integers.

    References
    ----------
    .. [1] P. Zhang, H. Shen, H. Zhai, Phys. Rev. Lett. 120, 066401 (2018).

    Examples
    --------
    >>> figure = plot_phase_diagram_prediction(
    ...     [0.0, 1.0], [0.0, 1.0, 2.0], [[0, 0, 1], [0, 1, 1]], [[0, 0, 1], [0, 0, 1]])
    >>> figure.axes[1].get_title()
    'network, 1 of 6 wrong (16.7 %)'
    """
    grid_x, grid_y = even(x, "x"), even(y, "y")
    shape = (grid_x.size, grid_y.size)
    truth, guess = integer_array(exact, "exact"), integer_array(predicted, "predicted")
    for name, values in (("exact", truth), ("predicted", guess)):
        if values.shape != shape:
            raise ShapeError(f"Argument `{name}` must have shape {shape}, but has {values.shape}.")
    known = truth != UNRESOLVED_VALUE
    wrong = known & (truth != guess)
    with style():
        figure, axes = panels(2, ax, size=(3.2, 2.7))
        image = _draw_planes(axes, grid_x, grid_y, (truth, guess))
        for panel in axes:
            panel.set_xlabel(names[0])
            panel.set_ylabel(names[1])
            tidy(panel)
        axes[1].plot(
            grid_x[np.nonzero(wrong)[0]], grid_y[np.nonzero(wrong)[1]], linestyle="none",
            marker="x", markersize=3.0, markeredgewidth=0.9, color=PALETTE["black"], label="wrong",
        )  # fmt: skip
        axes[0].set_title("exact")
        count, total = int(wrong.sum()), int(known.sum())
        axes[1].set_title(f"network, {count:,} of {total:,} wrong ({percent(count, total)})")
        bar = figure.colorbar(image, ax=axes, label=f"${symbol}$", aspect=22)
        lowest, highest = image.get_clim()
        bar.set_ticks(np.arange(np.ceil(lowest), np.floor(highest) + 1.0).tolist())
        bar.ax.tick_params(length=0)
        bar.ax.minorticks_off()
    return figure


def _draw_planes(
    axes: list[Axes],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    planes: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> AxesImage:
    seen = np.concatenate([plane[plane != UNRESOLVED_VALUE] for plane in planes])
    reach = max(1, int(np.abs(seen).max(initial=0)))
    return [
        draw_integers(panel, x, y, plane, reach) for panel, plane in zip(axes, planes, strict=True)
    ][-1]
