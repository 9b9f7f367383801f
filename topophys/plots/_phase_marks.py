"""Marks on a plane of integers: boundaries, and pixels without a proof."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from topophys.plots._planes import UNKNOWN, edges
from topophys.plots.style import INK

__all__ = ["alone", "boundary_lines", "draw_unknown", "unknown_handles"]

HATCH: Final = "//////"
LINES: Final = "#5E5E5E"
#: Pixels along an axis above which one alone is too small to be seen.
FINE: Final = 40
AREA: Final = "unresolved"
POINT: Final = "unresolved point"
RING: Final[dict[str, Any]] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 3.6,
    "markerfacecolor": "white",
    "markeredgecolor": INK,
    "markeredgewidth": 0.8,
}


def alone(unknown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that are marked although no neighbour is, diagonal ones included.

    Parameters
    ----------
    unknown : bool ndarray of shape (Nx, Ny)
        The marks.

    Returns
    -------
    bool ndarray of shape (Nx, Ny)
        Which of them are alone.
    """
    n_x, n_y = unknown.shape
    wide = np.pad(unknown, 1).astype(np.int64)
    around = sum(wide[i : i + n_x, j : j + n_y] for i in range(3) for j in range(3))
    return np.asarray(unknown & (around == 1))


def boundary_lines(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    value: NDArray[np.int64],
    known: NDArray[np.bool_],
) -> LineCollection:
    """Edges between neighbouring pixels that are proven to differ.

    Parameters
    ----------
    x, y : float64 ndarray of shape (Nx,), (Ny,)
        Values of the parameters.
    value : int64 ndarray of shape (Nx, Ny)
        Integers.
    known : bool ndarray of shape (Nx, Ny)
        Where they are proven.

    Returns
    -------
    LineCollection
        One piece for each pair of pixels.
    """
    across, up = edges(x), edges(y)
    upright = (value[1:] != value[:-1]) & known[1:] & known[:-1]
    level = (value[:, 1:] != value[:, :-1]) & known[:, 1:] & known[:, :-1]
    lines = [[(across[i + 1], up[j]), (across[i + 1], up[j + 1])] for i, j in np.argwhere(upright)]
    lines += [[(across[i], up[j + 1]), (across[i + 1], up[j + 1])] for i, j in np.argwhere(level)]
    return LineCollection(
        lines, colors=INK, linewidths=0.6, capstyle="projecting", label="boundaries", zorder=3
    )


def draw_unknown(
    panel: Axes, x: NDArray[np.float64], y: NDArray[np.float64], known: NDArray[np.bool_]
) -> None:
    """Hatch pixels without a proof; on fine planes those that stand alone get a ring.

    Parameters
    ----------
    panel : Axes
        Where to draw.
    x, y : float64 ndarray of shape (Nx,), (Ny,)
        Values of the parameters.
    known : bool ndarray of shape (Nx, Ny)
        Where there is a proof.
    """
    single = alone(~known) if max(known.shape) > FINE else np.zeros_like(known)
    hidden = known | single
    if not hidden.all():
        panel.pcolor(
            edges(x), edges(y), np.ma.masked_array(np.zeros(known.shape), hidden).T,
            hatch=HATCH, facecolor="none", edgecolor=LINES, linewidth=0.0, zorder=2, label=AREA,
        )  # fmt: skip
    if single.any():
        i, j = np.nonzero(single)
        panel.plot(x[i], y[j], label=POINT, zorder=4, clip_on=False, **RING)


def unknown_handles(panel: Axes) -> list[Artist]:
    """Entries of the legend for what `draw_unknown` drew.

    Parameters
    ----------
    panel : Axes
        Where it drew.

    Returns
    -------
    list of Artist
        None, one or two.
    """
    drawn = {child.get_label() for child in panel.get_children()}
    area = Patch(facecolor=UNKNOWN, edgecolor=LINES, linewidth=0.0, hatch=HATCH, label=AREA)
    point = Line2D([], [], label=POINT, **RING)
    return [handle for handle in (area, point) if handle.get_label() in drawn]
