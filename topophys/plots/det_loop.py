"""Loops of det D(k) in the complex plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys._typing import is_block_like
from topophys.errors import InputError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.invariants.certify_winding import certify_winding
from topophys.invariants.winding import winding_number
from topophys.plots._canvas import AxesLike, panels
from topophys.plots._labels import Integers, integer_titles, join, texts
from topophys.plots.style import CYCLIC, INK, pi_axis, style, tidy

__all__ = ["plot_det_loop"]

Blocks: TypeAlias = ChiralHamiltonian | ArrayLike


def plot_det_loop(
    d_k: Blocks,
    *,
    nu: Integers | None = None,
    n_k: int = 512,
    titles: Sequence[str] | None = None,
    colorbar: bool = True,
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the closed curve det D(k) around the origin, coloured by k.

    .. math:: \nu = \frac{1}{2\pi} \oint \mathrm{d} \arg\det D(k)

    counts how often the curve turns anticlockwise around the origin; arrows point to larger k.

    Parameters
    ----------
    d_k : ChiralHamiltonian or array-like of shape (..., N, n, n)
        A chain or a batch, or blocks on the periodic grid of `topophys.k_grid`; a panel each.
    nu : array-like of int of shape (...) or Certificate, optional
        Winding numbers for the titles. Where not given: certified for a Hamiltonian, those of the
        samples for an array; the title says which.
    n_k : int, optional
        Points of the curve of a Hamiltonian.
    titles : sequence of str, optional
        Texts to put before the winding numbers.
    colorbar : bool, optional
        Whether to show the colours of k.
    ax : Axes or sequence of Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Complex plane in units of hopping to the power n, equal scales on both axes.

    Raises
    ------
    ShapeError, InputError
        If blocks have other axes, are not finite, or there are too many to draw.

    References
    ----------
    .. [1] C.-K. Chiu, J. C. Y. Teo, A. P. Schnyder, S. Ryu, Rev. Mod. Phys. 88, 035005 (2016).

    Examples
    --------
    >>> import topophys as tp
    >>> figure = plot_det_loop(tp.models.ssh(1.0, [0.5, 2.0]))
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['$\\nu = 0$ (certified)', '$\\nu = 1$ (certified)']
    """
    level = "" if nu is not None else "sampled"
    if is_block_like(d_k):
        blocks = d_k.block_on_grid(_checks.positive_int(n_k, "n_k", minimum=8))
        nu = certify_winding(d_k) if nu is None else nu
    else:
        blocks = _checks.as_complex(d_k, "d_k", "(..., N, n, n)")
        nu = winding_number(blocks, on_gapless="mask") if nu is None else nu
    power = blocks.shape[-1]
    loops = np.linalg.det(blocks.reshape(-1, *blocks.shape[-3:]))
    if loops.shape[1] < 3:
        raise InputError("Argument `d_k` must have at least 3 momenta to make a loop.")
    numbers = integer_titles(nu, "nu", r"\nu", len(loops), level)
    labels = join(texts(titles, "titles", len(loops)), numbers)
    with style():
        figure, axes = panels(
            len(loops), ax, size=(3.3 if len(loops) == 1 else 2.9, 2.7), square=True
        )
        for panel, loop, label in zip(axes, loops, labels, strict=True):
            _draw_loop(panel, loop)
            panel.set_title(label)
            unit = "hopping" if power == 1 else f"hopping$^{{{power}}}$"
            panel.set_xlabel(rf"Re $\,\det D$ ({unit})")
            panel.set_ylabel(rf"Im $\,\det D$ ({unit})", labelpad=1.0)
        if colorbar:
            bar = figure.colorbar(
                ScalarMappable(Normalize(-np.pi, np.pi), CYCLIC), ax=axes, label="$k$ (rad)",
                shrink=0.85, aspect=25,
            )  # fmt: skip
            pi_axis(bar.ax.yaxis, limit=None)
            bar.outline.set_linewidth(0.5)
    return figure


def _draw_loop(panel: Axes, loop: NDArray[np.complex128]) -> None:
    closed = np.append(loop, loop[0])
    points = np.column_stack([closed.real, closed.imag])
    segments = np.stack([points[:-1], points[1:]], axis=1)
    k = -np.pi + 2.0 * np.pi * (np.arange(len(loop)) + 0.5) / len(loop)
    # the map is pale at k = +-pi; a dark edge keeps that part of the loop visible
    panel.plot(*points.T, color=INK, linewidth=3.4, solid_joinstyle="round", zorder=2)
    coloured = LineCollection(
        list(segments), array=k, cmap=CYCLIC, norm=Normalize(-np.pi, np.pi), linewidths=2.2,
        capstyle="round", zorder=3,
    )  # fmt: skip
    panel.add_collection(coloured)
    _draw_arrows(panel, points)
    panel.axhline(0.0, color="#D0D0D0", linewidth=0.6, zorder=1)
    panel.axvline(0.0, color="#D0D0D0", linewidth=0.6, zorder=1)
    panel.plot(
        [0.0], [0.0], marker="o", markersize=6.5, color="white", markeredgecolor=INK,
        markeredgewidth=1.4, linestyle="none", zorder=6, label="origin",
    )  # fmt: skip
    tidy(panel)
    reach = 1.12 * max(float(np.abs(points).max()), 1e-12)
    panel.set_xlim(-reach, reach)
    panel.set_ylim(-reach, reach)
    panel.set_aspect("equal")


def _clear_places(points: NDArray[np.float64], count: int) -> list[int]:
    """One point in each of `count` stretches where an arrow is easy to see.

    That is where the curve is straight, and far from its other parts and from the origin.
    """
    reach = max(1, len(points) // 80)
    length = np.append(0.0, np.cumsum(np.hypot(*np.diff(points, axis=0).T)))
    total = max(float(length[-1]), 1e-300)
    sample = np.arange(0, len(points), max(1, len(points) // 400))
    chosen = []
    for part in range(count):
        low, high = np.searchsorted(length, total * (part + np.array([0.15, 0.85])) / count)
        inside = np.arange(max(int(low), reach), min(int(high), len(points) - 1 - reach) + 1)
        if not inside.size:
            continue
        chord = np.hypot(*(points[inside + reach] - points[inside - reach]).T)
        straight = chord / np.maximum(length[inside + reach] - length[inside - reach], 1e-300)
        away = np.hypot(*(points[inside, None] - points[sample]).T).T
        along = np.abs(length[inside, None] - length[sample])
        away[np.minimum(along, total - along) < 0.05 * total] = np.inf
        room = np.minimum(away.min(axis=1), np.hypot(*points[inside].T))
        chosen.append(int(inside[np.argmax(np.minimum(room, 0.04 * total) * straight**4)]))
    return chosen


def _draw_arrows(panel: Axes, points: NDArray[np.float64], count: int = 3) -> None:
    for j in _clear_places(points, count):
        panel.annotate(
            "",
            xy=tuple(points[j]),
            xytext=tuple(points[j - 1]),
            arrowprops={
                "arrowstyle": "-|>,head_length=0.8,head_width=0.4",
                "facecolor": INK,
                "edgecolor": "white",
                "linewidth": 0.7,
                "shrinkA": 0.0,
                "shrinkB": 0.0,
            },
            zorder=5,
        )
