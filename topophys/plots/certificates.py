"""The cells of a proof on top of the gap, and the boxes of a census of touchings."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from topophys import _validation
from topophys.errors import InputError, KindError
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.invariants.leaves import CertificateLeaves, certificate_leaves
from topophys.invariants.results import signed
from topophys.invariants.weyl import WeylCensus
from topophys.plots._panels import AxesLike, panels
from topophys.plots._style import FAINT, INK, PALETTE, pi_axis, style, tidy, tidy_zone

__all__ = ["plot_certificate_leaves", "plot_weyl_census"]


def plot_certificate_leaves(
    H: FourierHamiltonian,
    *,
    leaves: CertificateLeaves | None = None,
    grid: int = 160,
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the cells on which a proof rests, coloured by depth, on top of the gap.

    Small cells stand where the gap is small or the bands turn fast. In two dimensions the gap is
    a map in grey, dark where it is small; on a chain a line, above steps that are the proven bound
    of each interval.

    Parameters
    ----------
    H : ChiralHamiltonian, or FourierHamiltonian with two bands in two dimensions
        A single Hamiltonian.
    leaves : CertificateLeaves, optional
        Cells to draw; `topophys.certificate_leaves` of `H` where not given.
    grid : int, optional
        Momenta in each direction, for the gap.
    ax : Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Momenta from -pi to pi; gaps in units of the hopping.

    Raises
    ------
    KindError, ShapeError
        If `H` is of another kind, or a batch.
    UnresolvedError
        If there is no proof.

    References
    ----------
    .. [1] R. E. Moore, R. B. Kearfott, M. J. Cloud, *Introduction to Interval Analysis*,
       SIAM (2009), chap. 6.

    Examples
    --------
    >>> import topophys as tp
    >>> figure = plot_certificate_leaves(tp.models.ssh(1.0, 2.0), grid=64)
    >>> figure.axes[0].get_title()
    'winding number 1 (certified): 12 cells'
    """
    if not isinstance(H, FourierHamiltonian):
        raise KindError(f"Argument `H` must be a FourierHamiltonian, but is {type(H).__name__}.")
    found = certificate_leaves(H) if leaves is None else leaves
    count = _validation.positive_int(grid, "grid", minimum=8)
    flat = found.corner.shape[1] == 2
    with style():
        size = (3.9, 3.4) if flat else (3.9, 2.9)
        figure, (panel,) = panels(1, ax, size=size)
        (_draw_plane if flat else _draw_chain)(figure, panel, H, found, count)
        panel.set_title(f"{found.quantity} {found.value} (certified): {len(found)} cells")
        tidy(panel)
    return figure


def _colours(deepest: int) -> tuple[ListedColormap, BoundaryNorm]:
    """One colour for each depth, dark for cells of the starting grid."""
    shades = colormaps["plasma"](np.linspace(0.05, 0.9, deepest + 1))
    few = ListedColormap(shades, name="depths")
    return few, BoundaryNorm(np.arange(-0.5, deepest + 1.0), deepest + 1)


def _gap(H: FourierHamiltonian, k: NDArray[np.float64]) -> NDArray[np.float64]:
    energy = np.linalg.eigvalsh(H.bloch(k))
    filled = H.n_occupied
    return np.asarray(energy[..., filled] - energy[..., filled - 1])


def _draw_plane(
    figure: Figure, panel: Axes, H: FourierHamiltonian, found: CertificateLeaves, grid: int
) -> None:
    line = -np.pi + 2.0 * np.pi * (np.arange(grid) + 0.5) / grid  # middles of the pixels
    k = np.stack(np.meshgrid(line, line, indexing="ij"), -1)
    image = panel.imshow(
        _gap(H, k).T,
        origin="lower",
        extent=(-np.pi, np.pi, -np.pi, np.pi),
        cmap="gray",
        vmin=0.0,
        interpolation="bilinear",
    )
    squares = [
        Rectangle((float(x), float(y)), float(s), float(s))
        for (x, y), s in zip(found.corner, found.size, strict=True)
    ]
    few, norm = _colours(int(found.depth.max()))
    cells = PatchCollection(squares, cmap=few, norm=norm, facecolors="none", linewidths=0.8)
    cells.set_array(None)
    cells.set_edgecolor([tuple(c) for c in few(norm(found.depth))])
    panel.add_collection(cells)
    panel.set_xlabel("$k_x$ (rad)")
    panel.set_ylabel("$k_y$ (rad)")
    pi_axis(panel.xaxis)
    pi_axis(panel.yaxis)
    for side in panel.spines.values():
        side.set_visible(True)
    bar = figure.colorbar(image, ax=panel, shrink=0.9, pad=0.02)
    bar.set_label("direct gap (hopping)")
    _depth_legend(panel, found, few)


def _draw_chain(
    figure: Figure, panel: Axes, H: FourierHamiltonian, found: CertificateLeaves, grid: int
) -> None:
    del figure
    k = np.linspace(-np.pi, np.pi, grid + 1)
    panel.plot(k, _gap(H, k[:, None]), color=INK, linewidth=1.4, label="gap")
    few, _ = _colours(int(found.depth.max()))
    for (left,), size, depth, bound in zip(
        found.corner, found.size, found.depth, found.gap_lower, strict=True
    ):
        panel.fill_between([left, left + size], 0.0, bound, color=few(int(depth)), alpha=0.55, lw=0)
        panel.plot([left, left + size], [bound] * 2, color=few(int(depth)), linewidth=1.4)
        panel.axvline(left, color=FAINT, linewidth=0.4, zorder=0)
    panel.set_xlabel("$k$ (rad)")
    panel.set_ylabel("gap, proven bound (hopping)")
    panel.set_ylim(bottom=0.0)
    pi_axis(panel.xaxis)
    _depth_legend(panel, found, few)


def _depth_legend(panel: Axes, found: CertificateLeaves, few: ListedColormap) -> None:
    """How many cells of each depth."""
    counts = np.bincount(found.depth)
    handles = [
        Rectangle((0, 0), 1, 1, facecolor="white", edgecolor=few(depth), linewidth=1.6)
        for depth in range(len(counts))
        if counts[depth]
    ]
    labels = [f"{depth}: {n}" for depth, n in enumerate(counts) if n]
    panel.legend(
        handles,
        labels,
        title="depth: cells",
        title_fontsize=8.0,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=min(len(labels), 6),
        handlelength=1.0,
        handleheight=1.0,
    )


# ---- Census of Weyl nodes

#: Colours of charges above and below 0.
POSITIVE, NEGATIVE = PALETTE["red"], PALETTE["blue"]
#: The planes onto which momenta are projected.
PLANES = ((0, 1), (0, 2), (1, 2))


def plot_weyl_census(found: WeylCensus, *, ax: AxesLike | None = None) -> Figure:
    r"""Draw the touchings of a census in the Brillouin zone, seen along its three directions.

    Half discs, the upper half for positive charges, are boxes that are proven to hold exactly one
    touching; open ones are boxes with a proven charge that may hold more. Grey boxes are undecided.
    Outside of all of these there is no touching.

    Parameters
    ----------
    found : WeylCensus
        What `find_weyl_nodes` returns.
    ax : sequence of three Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Momenta k.a from -pi to pi, in three panels.

    Raises
    ------
    KindError
        If `found` is no census.
    InputError
        If it is not complete: there is nothing to show.

    References
    ----------
    .. [1] N. P. Armitage, E. J. Mele, A. Vishwanath, Rev. Mod. Phys. 90, 015001 (2018).

    Examples
    --------
    >>> import topophys as tp
    >>> figure = plot_weyl_census(tp.find_weyl_nodes(tp.models.weyl_semimetal(1.0)))
    >>> [panel.get_ylabel() for panel in figure.axes]
    ['$k_y$ (rad)', '$k_z$ (rad)', '$k_z$ (rad)']
    """
    if not isinstance(found, WeylCensus):
        raise KindError(f"Argument `found` must be a WeylCensus, but is {type(found).__name__}.")
    if not found.complete:
        raise InputError(
            "Argument `found` must be a complete census, but a box holds the whole zone; ask for"
            " more cells."
        )
    charge = np.ma.filled(found.value, 0)
    where = np.where(np.isfinite(found.position), found.position, found.centre)
    undecided = np.isin(np.arange(len(charge)), found.undecided)
    with style():
        figure, axes = panels(3, ax, size=(2.9, 2.9), square=True)
        for panel, (i, j) in zip(axes, PLANES, strict=True):
            _draw_boxes(panel, found, undecided, i, j)
            for sign in (1, -1):
                for single in (True, False):
                    rows = (np.sign(charge) == sign) & (found.unique == single)
                    look = _look(sign, single)
                    panel.plot(where[rows, i], where[rows, j], linestyle="none", **look)
            panel.set_aspect("equal")
            tidy_zone(panel, ("k_" + "xyz"[i], "k_" + "xyz"[j]))
        _census_legend(axes[1], charge, undecided)
    return figure


def _look(sign: int, single: bool) -> dict[str, Any]:
    """Half discs, so that nodes behind each other are seen."""
    colour = POSITIVE if sign > 0 else NEGATIVE
    return {
        "marker": "o", "markersize": 7.0, "fillstyle": "top" if sign > 0 else "bottom",
        "markeredgewidth": 0.0 if single else 0.8, "markeredgecolor": colour,
        "markerfacecolor": colour if single else "none", "markerfacecoloralt": "none",
    }  # fmt: skip


def _draw_boxes(
    panel: Axes, found: WeylCensus, undecided: NDArray[np.bool_], i: int, j: int
) -> None:
    """Undecided boxes, repeated where they reach beyond the zone."""
    squares = []
    for centre, half in zip(found.centre[undecided], found.half_width[undecided], strict=True):
        low, size = centre - half, 2.0 * half
        for x in (-1, 0, 1):
            for y in (-1, 0, 1):
                corner = low[i] + 2.0 * np.pi * x, low[j] + 2.0 * np.pi * y
                squares.append(Rectangle(corner, size[i], size[j]))
    patches = PatchCollection(squares, facecolors=FAINT, edgecolors=INK, linewidths=0.5, alpha=0.6)
    panel.add_collection(patches)


def _census_legend(panel: Axes, charge: NDArray[np.int64], undecided: NDArray[np.bool_]) -> None:
    """How many boxes of each charge."""
    handles: list[Line2D | Rectangle] = []
    labels = []
    for value in sorted(set(charge[~undecided].tolist()), reverse=True):
        handles.append(Line2D([], [], linestyle="none", **_look(value, True)))
        labels.append(f"charge {signed(value)}: {int((charge[~undecided] == value).sum())}")
    if undecided.any():
        handles.append(Rectangle((0, 0), 1, 1, facecolor=FAINT, edgecolor=INK, linewidth=0.5))
        labels.append(f"undecided: {int(undecided.sum())}")
    if handles:
        panel.legend(
            handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=len(labels)
        )
