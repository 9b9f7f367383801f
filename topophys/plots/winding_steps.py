"""Steps of the winding angle read off a hidden layer, against the exact ones."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import InputError, ShapeError
from topophys.plots._canvas import panels
from topophys.plots.style import DENSITY, FAINT, PALETTE, pi_axis, style, tidy

__all__ = ["plot_winding_steps"]


def plot_winding_steps(
    h2_decoded: ArrayLike,
    dalpha: ArrayLike,
    *,
    title: str = "",
    bins: int = 60,
    ax: Axes | None = None,
) -> Figure:
    r"""Draw the density of decoded against exact winding steps, with the coefficient R2.

    .. math:: R^2 = 1 - \frac{\sum_j (y_j - \Delta\alpha_j)^2}
        {\sum_j (\Delta\alpha_j - \overline{\Delta\alpha})^2}

    computed here from all values, those beyond the frame included. It is meaningful where
    `h2_decoded` comes from a map fitted on other Hamiltonians.

    Parameters
    ----------
    h2_decoded : array-like of shape (...)
        Steps decoded from the layer H2, in radians.
    dalpha : array-like of shape (...)
        Exact steps, in radians.
    title : str, optional
        Text before the figures in the title.
    bins : int, optional
        Hexagons across the frame.
    ax : Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Links per hexagon on a logarithmic colour scale, and the diagonal.

    Raises
    ------
    ShapeError, InputError
        If the shapes differ, numbers are not finite, or the exact steps are all equal.

    References
    ----------
    .. [1] N. Sun, J. Yi, P. Zhang, H. Shen, H. Zhai, Phys. Rev. B 98, 085402 (2018).

    Examples
    --------
    >>> import topophys as tp
    >>> steps = tp.winding_steps(tp.models.ssh(1.0, [0.5, 2.0]).block_on_grid(32))
    >>> plot_winding_steps(0.9 * steps, steps).axes[0].get_title()
    '$R^2 = 0.9840$, 64 links'
    """
    exact = _checks.as_real(dalpha, "dalpha", "(...)")
    decoded = _checks.as_real(h2_decoded, "h2_decoded", "(...)")
    if decoded.shape != exact.shape:
        raise ShapeError(
            f"Argument `h2_decoded` must have the shape {exact.shape} of `dalpha`, but has"
            f" {decoded.shape}."
        )
    across = _checks.positive_int(bins, "bins")
    score = _r_squared(decoded.ravel(), exact.ravel())
    words = [title, f"$R^2 = {score:.4f}$".replace("-", "\u2212"), f"{exact.size:,} links"]
    with style():
        figure, (panel,) = panels(1, ax, size=(4.0, 3.4), square=True)
        limit = _limit(exact)
        _draw_density(figure, panel, exact.ravel(), decoded.ravel(), limit, across)
        panel.set_title(", ".join(filter(None, words)))
        beyond = int((np.abs(decoded) > limit).sum())
        if beyond:
            panel.text(
                0.03, 0.97, f"{beyond:,} beyond the frame", color=FAINT, fontsize=7.5, va="top",
                transform=panel.transAxes,
            )  # fmt: skip
    return figure


def _r_squared(decoded: NDArray[np.float64], exact: NDArray[np.float64]) -> float:
    spread = float(((exact - exact.mean()) ** 2).sum()) if exact.size else 0.0
    if spread <= 0.0:
        raise InputError(
            "Argument `dalpha` must hold at least two different values, or R2 is not defined."
        )
    return 1.0 - float(((decoded - exact) ** 2).sum()) / spread


def _limit(exact: NDArray[np.float64]) -> float:
    """Half width of the frame, which a few wild decoded values must not blow up."""
    quarter = 0.25 * np.pi
    return float(quarter * np.ceil(1.05 * np.abs(exact).max() / quarter))


def _draw_density(
    figure: Figure,
    panel: Axes,
    exact: NDArray[np.float64],
    decoded: NDArray[np.float64],
    limit: float,
    bins: int,
) -> None:
    seen = np.abs(decoded) <= limit
    # hexagons are as high as wide when rows = columns / sqrt(3)
    cells = panel.hexbin(
        exact[seen],
        decoded[seen],
        gridsize=(bins, max(1, round(bins / np.sqrt(3.0)))),
        extent=(-limit, limit, -limit, limit),
        bins="log",
        mincnt=1,
        cmap=DENSITY,
        linewidths=0.1,
        rasterized=bool(exact.size > 200_000),
    )
    panel.plot([-limit, limit], [-limit, limit], color=PALETTE["red"], linewidth=1.0, label="equal")
    tidy(panel)
    step = 0.5 if limit > 0.6 * np.pi else 0.25
    for axis in (panel.xaxis, panel.yaxis):
        pi_axis(axis, step=step, limit=limit / np.pi)
    panel.set_aspect("equal")
    panel.set_xlabel(r"exact $\Delta\alpha$ (rad)")
    panel.set_ylabel(r"$\Delta\alpha$ decoded from H2 (rad)")
    bar = figure.colorbar(cells, ax=panel, shrink=0.9, label="links per hexagon")
    bar.outline.set_visible(False)
