"""Integers over a plane of parameters: even steps, frames of pixels, colours."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import InputError, ShapeError
from topophys.invariants.certificate import UNRESOLVED_VALUE
from topophys.plots.style import DIVERGING, INK

__all__ = ["UNKNOWN", "draw_integers", "edges", "even", "integer_colours"]

#: Colour of pixels without a proven integer.
UNKNOWN: Final = "#A6A6A6"
LARGEST: Final = 12


def even(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Check values of a parameter, which pixels of one size must be able to show.

    Parameters
    ----------
    values : array-like of shape (N,)
        The values.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    float64 ndarray of shape (N,)
        The values, at least two.

    Raises
    ------
    ShapeError, InputError
        If there are fewer, or they do not rise in even steps.
    """
    points = _checks.as_real(values, name, "(..., N)")
    steps = np.diff(points)
    if points.ndim != 1 or points.size < 2:
        raise ShapeError(f"Argument `{name}` must have shape (N,), N >= 2, but has {points.shape}.")
    if steps.min() <= 0.0 or np.ptp(steps) > 1e-6 * steps.max():
        raise InputError(f"Argument `{name}` must rise in even steps.")
    return points


def edges(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of the pixels around evenly spaced points.

    Parameters
    ----------
    points : float64 ndarray of shape (N,)
        Middles of the pixels.

    Returns
    -------
    float64 ndarray of shape (N + 1,)
        Half a step to both sides of every point.
    """
    half = 0.5 * (points[1] - points[0])
    return np.append(points - half, points[-1] + half)


def integer_colours(reach: int) -> tuple[Colormap, BoundaryNorm]:
    """Colours of the integers from -reach to reach, white for 0, and their norm.

    Parameters
    ----------
    reach : int
        Largest integer.

    Returns
    -------
    colours : Colormap
        Blue below and red above zero, none too dark for marks on it.
    norm : BoundaryNorm
        One bin for each integer.

    Raises
    ------
    InputError
        If there are too many to tell apart.
    """
    if reach > LARGEST:
        raise InputError(f"A phase diagram shows integers up to {LARGEST}, but holds {reach}.")
    shades = colormaps[DIVERGING](0.5 + 0.36 * np.linspace(-1.0, 1.0, 2 * reach + 1))
    few = ListedColormap(shades, name="integers").with_extremes(bad=UNKNOWN)
    return few, BoundaryNorm(np.arange(-reach - 0.5, reach + 1.0), few.N)


def draw_integers(
    panel: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    plane: NDArray[np.int64],
    reach: int,
) -> AxesImage:
    """Draw one pixel for each point of the plane, grey where the integer is not known.

    Parameters
    ----------
    panel : Axes
        Where to draw.
    x, y : float64 ndarray of shape (Nx,), (Ny,)
        Values of the parameters.
    plane : int64 ndarray of shape (Nx, Ny)
        Integers, `UNRESOLVED_VALUE` where not known.
    reach : int
        Largest integer of the colours.

    Returns
    -------
    AxesImage
        The image.
    """
    colours, norm = integer_colours(reach)
    across, up = edges(x), edges(y)
    image = panel.imshow(
        np.ma.masked_equal(plane, UNRESOLVED_VALUE).T,  # rows run along y
        origin="lower",
        extent=(across[0], across[-1], up[0], up[-1]),
        cmap=colours,
        norm=norm,
        aspect="auto",
    )
    for side in panel.spines.values():
        side.set_visible(True)
        side.set_edgecolor(INK)
    return image
