"""Flow of Wannier charge centres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.invariants.results import UNRESOLVED_VALUE, Z2Result
from topophys.plots._panels import (
    AxesLike,
    Integers,
    at_edge,
    integer_titles,
    join,
    momenta,
    panels,
    texts,
)
from topophys.plots._style import PALETTE, pi_axis, style, tidy

__all__ = [
    "CentreFlow",
    "connect_centres",
    "flows_of",
    "largest_gap_midpoints",
    "plot_wilson_flow",
    "z2_titles",
]


# ------------- Wannier centres on the circle: largest gaps, and lines from one momentum to the next


@dataclass(frozen=True, eq=False)
class CentreFlow:
    """Centres of one Hamiltonian along the pumping momentum.

    Attributes
    ----------
    k : float64 ndarray of shape (N,)
        Rising momenta, in radians.
    centres : float64 ndarray of shape (N, m)
        Ascending centres in [-1/2, 1/2].
    """

    k: NDArray[np.float64]
    centres: NDArray[np.float64]


def flows_of(centres: ArrayLike | Z2Result, k: ArrayLike | None) -> list[CentreFlow]:
    """Flows to draw, from arrays or from what a Z2 invariant was found with.

    Shapes: `centres` (..., N, m), `k` (N,).
    """
    if isinstance(centres, Z2Result):
        return _recorded(centres, k)
    values = _validation.as_real(centres, "centres", "(..., N, m)")
    folded = np.sort(values - np.rint(values), axis=-1)
    points = momenta(k, values.shape[-2])
    rows = folded.reshape(-1, *folded.shape[-2:])
    if k is None:
        points = np.append(points, np.pi)
        rows = np.concatenate([rows, rows[:, :1]], axis=1)
    return [CentreFlow(points, row) for row in rows]


def _recorded(found: Z2Result, k: ArrayLike | None) -> list[CentreFlow]:
    if k is not None:
        raise InputError("Argument `k` must be left out for a Z2Result, which has its own momenta.")
    if found.value.size == 0 or len(found.flows) != found.value.size:
        raise InputError(
            "Argument `centres` must be a Z2Result with a flow for every Hamiltonian, but has"
            f" {len(found.flows)} for {found.value.size}: parities have none, nor have bands that"
            " touch."
        )
    return [
        CentreFlow(
            np.array([line.t for line in flow.lines]),
            np.stack([line.centres for line in flow.lines]),
        )
        for flow in found.flows
    ]


def largest_gap_midpoints(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middles of the largest gaps between centres on the circle.

    Shapes: `centres` (N, m); returns (N,).
    """
    widths = np.diff(centres, axis=1, append=centres[:, :1] + 1.0)
    largest = widths.argmax(axis=1)[:, None]
    middle = np.take_along_axis(centres + 0.5 * widths, largest, axis=1)[:, 0]
    return np.asarray(middle - np.rint(middle))


def connect_centres(k: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lines from the centres at one momentum to those at the next, which keep their order.

    Of all ways to pair them around the circle, that with the shortest steps.

    Shapes: `k` (N,), `centres` (N, m); returns ((N - 1).
    """
    m = centres.shape[1]
    turns = (np.arange(m) + np.arange(m)[:, None]) % m
    steps = centres[1:, turns] - centres[:-1, None, :]
    steps -= np.rint(steps)
    best = (steps**2).sum(axis=-1).argmin(axis=1)
    chosen = np.take_along_axis(steps, best[:, None, None], axis=1)[:, 0]
    ends = np.stack([centres[:-1], centres[:-1] + chosen], axis=-1)
    along = np.stack([k[:-1], k[1:]], axis=-1)[:, None, :]
    return np.stack([np.broadcast_to(along, ends.shape), ends], axis=-1).reshape(-1, 2, 2)


def z2_titles(z2: Z2Result | ArrayLike | None, n: int) -> list[str]:
    """Texts such as "Z2 = 1 (converged)", one per panel; empty ones where None.

    Shapes: `z2` (n,).
    """
    if not isinstance(z2, Z2Result):
        return integer_titles(z2, "z2", "Z_2", n)
    if z2.value.size != n:
        raise ShapeError(f"Argument `z2` must hold {n} integers, but holds {z2.value.size}.")
    return [
        "$Z_2$ unresolved" if value == UNRESOLVED_VALUE else f"$Z_2 = {value}$ ({status})"
        for value, status in zip(
            np.ma.getdata(z2.value).ravel().tolist(), z2.status.ravel(), strict=True
        )
    ]


# ---------------------------------------------------------------- Flow of Wannier charge centres

CENTRES: Final = "Wannier centres"
GAP: Final = "middle of the largest gap"


def plot_wilson_flow(
    centres: ArrayLike | Z2Result,
    *,
    k: ArrayLike | None = None,
    chern: Integers | None = None,
    z2: ArrayLike | Z2Result | None = None,
    gap: bool = False,
    coordinates: tuple[str, str] = ("k_x", "x_n"),
    titles: Sequence[str] | None = None,
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw Wannier charge centres against the pumping momentum, a panel per Hamiltonian.

    .. math:: x_n(k_x) = -\frac{1}{2\pi} \arg \mathrm{eig}_n W(k_x)

    The vertical axis is a circle: what leaves at the top enters at the bottom. Thin lines join
    the centres of neighbouring momenta by the shortest steps, as a guide to the eye. Over the
    whole zone the centres along y rise together by C; over half of it, between Kramers pairs, a
    line in the largest gap is crossed an odd number of times where Z2 = 1.

    Parameters
    ----------
    centres : array-like of shape (..., N, m) or Z2Result
        Centres from `topophys.wannier_centres`, in lattice constants; or the result of
        `topophys.z2_invariant`, whose own lines over half of the Brillouin zone are drawn.
    k : array-like of shape (N,), optional
        Rising pumping momenta in radians. Where not given: `topophys.k_grid`, and its first point
        again at the end.
    chern : array-like of int of shape (...) or Certificate, optional
        Chern numbers for the titles.
    z2 : array-like of int of shape (...) or Z2Result, optional
        Z2 invariants for the titles; those of `centres` where it is a Z2Result.
    gap : bool, optional
        Whether to mark the middle of the largest gap between centres.
    coordinates : (str, str), optional
        Mathtext names of the pumping momentum and of the centres.
    titles : sequence of str, optional
        Texts to put before the invariants.
    ax : Axes or sequence of Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Momentum in radians, centres from -1/2 to 1/2 lattice constants.

    Raises
    ------
    ShapeError, InputError
        If shapes do not match, invariants are no integers, or a Z2Result holds no flows.

    References
    ----------
    .. [1] A. A. Soluyanov, D. Vanderbilt, Phys. Rev. B 83, 235401 (2011).
    .. [2] R. Yu, X. L. Qi, A. Bernevig, Z. Fang, X. Dai, Phys. Rev. B 84, 075119 (2011).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.qwz([-1.0, 3.0])
    >>> figure = plot_wilson_flow(
    ...     tp.wannier_centres(h.on_grid((24, 48))), chern=tp.certify_chern(h))
    >>> [ax.get_title() for ax in figure.axes]
    ['$C = 1$ (certified)', '$C = 0$ (certified)']
    """
    flows = flows_of(centres, k)
    if z2 is None and isinstance(centres, Z2Result):
        z2 = centres
    labels = join(
        texts(titles, "titles", len(flows)),
        integer_titles(chern, "chern", "C", len(flows)),
        z2_titles(z2, len(flows)),
    )
    with style():
        size = (4.0, 3.0) if len(flows) == 1 else (3.0, 2.5)
        figure, axes = panels(len(flows), ax, size=size)
        edges = at_edge(axes) if ax is None else [(True, True)] * len(axes)
        for panel, flow, label, (left, lowest) in zip(axes, flows, labels, edges, strict=True):
            _draw_flow(panel, flow, gap=gap)
            _name_axes(panel, flow, coordinates, left=left, lowest=lowest)
            panel.set_title(label)
        handles, names = axes[0].get_legend_handles_labels()
        if gap and ax is None:
            figure.legend(handles, names, loc="outside lower center", ncols=2)
        elif gap:
            axes[0].legend(handles, names)
    return figure


def _draw_flow(panel: Axes, flow: CentreFlow, *, gap: bool) -> None:
    # many bands need smaller points; all stay below the frame, which they touch as they pass it
    size = float(np.clip(9.0 / np.sqrt(1.0 + 0.02 * flow.centres.size), 1.8, 4.0))
    look = {"markeredgewidth": 0.0, "zorder": 2.2}
    _draw_lines(panel, connect_centres(flow.k, flow.centres))
    _draw_points(
        panel, flow.k, flow.centres, marker="o", markersize=size, color=PALETTE["blue"],
        label=CENTRES, **look,
    )  # fmt: skip
    if gap:
        middles, size = (
            largest_gap_midpoints(flow.centres)[:, None],
            min(3.4, 24.0 / np.sqrt(len(flow.k))),
        )
        _draw_points(
            panel, flow.k, middles, marker="D", markersize=size, color=PALETTE["orange"],
            label=GAP, **look,
        )  # fmt: skip


def _draw_points(panel: Axes, k: NDArray[np.float64], x: NDArray[np.float64], **look: Any) -> None:
    """Points, and again one period away, where half of those at the edge show."""
    shown = np.stack([x, x - 1.0, x + 1.0], axis=-1)
    where = np.broadcast_to(k[:, None, None], shown.shape)
    near = np.abs(shown) <= 0.52
    panel.plot(where[near], shown[near], linestyle="none", **look)


def _draw_lines(panel: Axes, lines: NDArray[np.float64]) -> None:
    copies = np.concatenate([lines + np.array([0.0, shift]) for shift in (0.0, -1.0, 1.0)])
    seen = (copies[:, :, 1].max(axis=1) >= -0.5) & (copies[:, :, 1].min(axis=1) <= 0.5)
    panel.add_collection(
        LineCollection(
            list(copies[seen]), colors=PALETTE["blue"], linewidths=0.7, alpha=0.45, zorder=1
        ),
    )


def _name_axes(
    panel: Axes, flow: CentreFlow, coordinates: tuple[str, str], *, left: bool, lowest: bool
) -> None:
    tidy(panel, grid="y")
    span = float(flow.k[-1] - flow.k[0])
    pi_axis(panel.xaxis, step=0.5 if span > 1.01 * np.pi else 0.25, limit=None)
    margin = 0.015 * span
    panel.set_xlim(flow.k[0] - margin, flow.k[-1] + margin)
    panel.set_ylim(-0.5, 0.5)
    panel.set_yticks([-0.5, 0.0, 0.5], ["$-1/2$", "$0$", "$1/2$"])
    for side in panel.spines.values():
        side.set_visible(True)
    panel.tick_params(labelleft=left)
    panel.set_xlabel(f"${coordinates[0]}$ (rad)" if lowest else "")
    panel.set_ylabel(f"${coordinates[1]}$ (lattice constants)" if left else "")
