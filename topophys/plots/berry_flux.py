"""Maps of the Berry flux over the Brillouin zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.plots._canvas import AxesLike, panels
from topophys.plots._labels import Integers, integer_titles, join, texts
from topophys.plots.style import DIVERGING, style, tidy_zone

__all__ = ["plot_berry_flux"]

_BARS: Final = {"flux": "Berry flux $F$ (rad)", "curvature": r"Berry curvature $\Omega$"}


def plot_berry_flux(
    flux: ArrayLike,
    *,
    chern: Integers | None = None,
    quantity: Literal["flux", "curvature"] = "flux",
    scale: Literal["shared", "panel"] = "shared",
    titles: Sequence[str] | None = None,
    coordinates: tuple[str, str] = ("k_x", "k_y"),
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the Berry flux through every plaquette of the zone, a panel per Hamiltonian.

    .. math:: C = \frac{1}{2\pi} \sum_k F(k)

    Each coloured square is one plaquette with its grid point at the lower left corner. The colour
    scale is symmetric about zero, so that white is no flux.

    Parameters
    ----------
    flux : array-like of shape (..., Nx, Ny)
        Flux in radians, from `topophys.berry_flux`, or curvature per unit of k-area.
    chern : array-like of int of shape (...) or Certificate, optional
        Chern numbers for the titles. Where not given the title shows the sum of the map, with
        decimals: a map alone proves no integer.
    quantity : {"flux", "curvature"}, optional
        What the numbers are.
    scale : {"shared", "panel"}, optional
        One colour scale for all panels, or one each.
    titles : sequence of str, optional
        Texts to put before the Chern numbers.
    coordinates : (str, str), optional
        Mathtext names of the two momenta, such as ("k_1", "k_2") for reduced coordinates.
    ax : Axes or sequence of Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Momenta from -pi to pi, equal scales on both axes, colour bar with units.

    Raises
    ------
    ShapeError, InputError
        If `flux` is not a finite map, an option is unknown, or `chern` not made of integers.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.qwz([-1.0, 1.0])
    >>> flux = tp.berry_flux(h.on_grid((24, 24)))
    >>> figure = plot_berry_flux(flux, chern=tp.certify_chern(h))
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['$C = 1$ (certified)', '$C = -1$ (certified)']
    """
    values = _checks.as_real(flux, "flux", "(..., Nx, Ny)")
    _checks.one_of(quantity, "quantity", ("flux", "curvature"))
    _checks.one_of(scale, "scale", ("shared", "panel"))
    maps = values.reshape(-1, *values.shape[-2:])
    labels = _labels(maps, chern, quantity, titles)
    tops = np.abs(maps).max(axis=(1, 2))
    if scale == "shared":
        tops = np.full(len(maps), tops.max())
    height = 2.65 if scale == "shared" and len(maps) > 1 else 2.35  # one bar takes less room
    with style():
        figure, axes = panels(len(maps), ax, size=(3.0, height), square=True)
        images = []
        for panel, field, top, label in zip(axes, maps, tops, labels, strict=True):
            images.append(_draw_map(panel, field, float(top), coordinates))
            panel.set_title(label)
        _draw_bars(figure, axes, images, _BARS[quantity], shared=scale == "shared")
    return figure


def _labels(
    maps: NDArray[np.float64],
    chern: Integers | None,
    quantity: str,
    titles: Sequence[str] | None,
) -> list[str]:
    n = len(maps)
    if chern is not None:
        numbers = integer_titles(chern, "chern", "C", n)
    else:
        cell = (2.0 * np.pi) ** 2 / maps[0].size if quantity == "curvature" else 1.0
        sums = maps.sum(axis=(1, 2)) * cell / (2.0 * np.pi)
        numbers = [rf"$\sum F/2\pi = {x:.3f}$".replace("-0.000", "0.000") for x in sums]
    return join(texts(titles, "titles", n), numbers)


def _draw_map(
    panel: Axes, field: NDArray[np.float64], top: float, coordinates: tuple[str, str]
) -> AxesImage:
    top = top or 1.0  # a map of zeros has no scale of its own
    image = panel.imshow(
        field.T,  # images run down rows; momenta run kx to the right, ky up
        origin="lower",
        extent=(-np.pi, np.pi, -np.pi, np.pi),
        cmap=DIVERGING,
        norm=Normalize(-top, top),
        interpolation="nearest",
        aspect="equal",
    )
    tidy_zone(panel, coordinates)
    return image


def _draw_bars(
    figure: Figure, axes: list[Axes], images: list[AxesImage], label: str, *, shared: bool
) -> None:
    groups = (
        [(axes, images[0])] if shared else [([a], i) for a, i in zip(axes, images, strict=True)]
    )
    for group, image in groups:
        bar = figure.colorbar(image, ax=group, label=label, shrink=0.9, aspect=22)
        bar.ax.tick_params(labelsize=8.0)
        bar.outline.set_linewidth(0.5)
