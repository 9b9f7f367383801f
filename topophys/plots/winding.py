"""Winding angle, its steps, and the loop of det D(k)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._statistics import r_squared
from topophys._typing import is_block_like
from topophys.errors import InputError, ShapeError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.invariants.winding import certify_winding, winding_number
from topophys.plots._panels import (
    AxesLike,
    Integers,
    at_edge,
    integer_titles,
    join,
    momenta,
    number_titles,
    panels,
    split_panels,
    texts,
)
from topophys.plots._style import CYCLIC, DENSITY, FAINT, INK, PALETTE, pi_axis, style, tidy

__all__ = [
    "broken_line",
    "decode_angle",
    "plot_det_loop",
    "plot_winding_angle_comparison",
    "plot_winding_steps",
    "wrap",
]


# --------------------- Angles: wrapping, lines that break at the branch cut, decoding from features

#: What the figure says about the origin of the linear map.
FITTED_HERE = (
    "Linear map H1 → (cos α, sin α) fitted on the {points} points shown ({free} weights each)"
)
FITTED_ELSEWHERE = "Linear map H1 → (cos α, sin α) fitted on other Hamiltonians"
GIVEN_MAP = "Map H1 → α fitted elsewhere"


def wrap(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring angles into (-pi, pi], with those inside untouched."""
    turned = np.pi - np.mod(np.pi - angle, 2.0 * np.pi)
    return np.where((angle > -np.pi) & (angle <= np.pi), angle, turned)


def broken_line(
    k: NDArray[np.float64], alpha: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Line through angles that leaves at +-pi and comes back on the other side.

    Between neighbours the line takes the shorter way around; the last point is joined to the
    first, one period later.

    Shapes: `k` (N,), `alpha` (N,); returns `k, alpha` (M,).
    """
    inside = wrap(alpha)
    where = np.append(k, k[0] + 2.0 * np.pi)
    closed = np.append(inside, inside[0])
    goal = closed[:-1] + wrap(np.diff(closed))  # next angle without the branch cut
    x, y = [where[0]], [closed[0]]
    for j in np.arange(len(k)):
        if abs(goal[j]) > np.pi and goal[j] != closed[j]:
            edge = np.copysign(np.pi, goal[j])
            share = (edge - closed[j]) / (goal[j] - closed[j])
            at = where[j] + share * (where[j + 1] - where[j])
            x += [at, at, at]
            y += [edge, np.nan, -edge]
        x.append(where[j + 1])
        y.append(closed[j + 1])
    return np.array(x), np.array(y)


def decode_angle(
    features: ArrayLike | None,
    alpha: NDArray[np.float64],
    decoder: Callable[..., Any] | tuple[Any, Any] | None,
) -> tuple[NDArray[np.float64] | None, str]:
    """Angle read off features, and a line that says how.

    Shapes: `features` (B, N, C), `alpha` (B, N); returns `angle` (B, N).
    """
    if features is None:
        return None, ""
    h1 = _validation.as_real(features, "h1_features", "(...)")
    if h1.shape == alpha.shape or h1.shape == alpha.shape[1:]:
        if decoder is not None:
            raise InputError(
                "Argument `decoder` must be left out where `h1_features` is an angle already."
            )
        return wrap(h1.reshape(alpha.shape)), ""
    if h1.ndim == 2 and len(alpha) == 1:
        h1 = h1[None]
    if h1.ndim != 3 or h1.shape[:2] != alpha.shape:
        raise ShapeError(
            "Argument `h1_features` must have shape (B, N, C) or (B, N) with"
            f" (B, N) = {alpha.shape}, but has {h1.shape}."
        )
    if callable(decoder):
        return _from_callable(decoder, h1), GIVEN_MAP
    if decoder is not None:
        weights, bias = _pair(decoder, h1.shape[-1])
        return _from_components(h1 @ weights + bias), FITTED_ELSEWHERE
    note = FITTED_HERE.format(points=alpha.size, free=h1.shape[-1] + 1)
    weights, bias = _fit(h1, alpha)
    return _from_components(h1 @ weights + bias), note


def _fit(
    h1: NDArray[np.float64], alpha: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = h1.reshape(-1, h1.shape[-1])
    design = np.column_stack([rows, np.ones(len(rows))])
    target = np.column_stack([np.cos(alpha.ravel()), np.sin(alpha.ravel())])
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    return solution[:-1], solution[-1]


def _from_components(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.arctan2(parts[..., 1], parts[..., 0]))


def _pair(decoder: Any, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not isinstance(decoder, tuple | list) or len(decoder) != 2:
        raise InputError("Argument `decoder` must be a function or a pair (weights, bias).")
    weights = _validation.as_real(decoder[0], "decoder[0]", "(..., C, 2)")
    bias = _validation.as_real(decoder[1], "decoder[1]", "(..., 2)")
    if weights.shape != (channels, 2) or bias.shape != (2,):
        raise ShapeError(
            f"Argument `decoder` must have weights of shape ({channels}, 2) and bias of shape (2,),"
            f" but they have {weights.shape} and {bias.shape}."
        )
    return weights, bias


def _from_callable(decoder: Callable[..., Any], h1: NDArray[np.float64]) -> NDArray[np.float64]:
    found = _validation.as_real(decoder(h1), "decoder(h1_features)", "(...)")
    if found.shape == h1.shape[:2]:
        return wrap(found)
    if found.shape != (*h1.shape[:2], 2):
        raise ShapeError(
            f"Argument `decoder` must return shape {(*h1.shape[:2], 2)} or {h1.shape[:2]}, but"
            f" returned {found.shape}."
        )
    return _from_components(found)


# -------------------------------------- Winding angle read off a hidden layer, beside the exact one

Decoder: TypeAlias = Callable[..., Any] | tuple[Any, Any]


def plot_winding_angle_comparison(
    h1_features: ArrayLike | None,
    expected_alpha: ArrayLike,
    *,
    k: ArrayLike | None = None,
    nu: Integers | None = None,
    predicted: ArrayLike | None = None,
    titles: Sequence[str] | None = None,
    decoder: Decoder | None = None,
    fine_alpha: ArrayLike | None = None,
    residual: bool = True,
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the winding angle decoded from the layer h1 with the exact one, a panel per chain.

    .. math:: \alpha(k) = \arg\det D(k), \qquad
        \alpha_{\mathrm{H1}}(k) = \mathrm{atan2}(s, c), \quad (c, s) = W^T h_1(k) + b

    With several channels the angle is decoded by a linear map onto
    :math:`(\cos\alpha, \sin\alpha)`. Pass one fitted on other Hamiltonians as `decoder`: without
    it the map is fitted by least squares on the very points that are shown, which flatters the
    network. The figure says which of the two it is. The strip below each panel shows
    :math:`\alpha_{\mathrm{H1}} - \alpha` wrapped into (-pi, pi], and its root mean square.

    Parameters
    ----------
    h1_features : array-like of shape (B, N, C), (B, N) or None
        Activations with C channels, or an already decoded angle in radians. A single chain may
        leave out the axis B. None draws the exact angle alone.
    expected_alpha : array-like of shape (B, N)
        Exact angle in radians, any branch.
    k : array-like of shape (N,), optional
        Momenta in radians; the grid of `topophys.k_grid` where not given.
    nu : array-like of int of shape (B,) or Certificate, optional
        Exact winding numbers, for the titles.
    predicted : array-like of shape (B,), optional
        Values predicted by the network, for the titles.
    titles : sequence of str, optional
        Texts to put before the numbers in the titles.
    decoder : callable or (weights, bias), optional
        Map fitted elsewhere: a function from (B, N, C) to (B, N, 2) or to angles (B, N), or
        arrays of shapes (C, 2) and (2,).
    fine_alpha : array-like of shape (B, M), optional
        Exact angle on a finer `topophys.k_grid`, to be drawn as the line instead.
    residual : bool, optional
        Whether to add the strip with the difference.
    ax : Axes or sequence of B Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Momentum from -pi to pi, angles in radians.

    Raises
    ------
    ShapeError, InputError
        If shapes do not match, numbers are not finite, or `nu` is not made of integers.

    References
    ----------
    .. [1] N. Sun, J. Yi, P. Zhang, H. Shen, H. Zhai, Phys. Rev. B 98, 085402 (2018).

    Examples
    --------
    >>> import topophys as tp
    >>> chain = tp.models.ssh(1.0, [0.5, 2.0])
    >>> alpha = tp.winding_angle(chain.block_on_grid(32))
    >>> figure = plot_winding_angle_comparison(alpha, alpha, nu=tp.certify_winding(chain))
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['$\\nu = 0$ (certified)', '$\\nu = 1$ (certified)']
    """
    alpha = np.atleast_2d(_validation.as_real(expected_alpha, "expected_alpha", "(..., N)"))
    if alpha.ndim != 2:
        raise ShapeError(
            f"Argument `expected_alpha` must have shape (B, N), but has {alpha.shape}."
        )
    n_batch, n_k = alpha.shape
    points = momenta(k, n_k)
    decoded, note = decode_angle(h1_features, alpha, decoder)
    labels = join(
        texts(titles, "titles", n_batch),
        integer_titles(nu, "nu", r"\nu", n_batch),
        number_titles(predicted, "predicted", "network", n_batch),
    )
    lines = alpha if fine_alpha is None else _fine(fine_alpha, n_batch)
    line_k = points if fine_alpha is None else momenta(None, lines.shape[1])
    with style():
        if residual and decoded is not None:
            figure, axes, strips = split_panels(n_batch, ax, size=(3.0, 2.9), share=0.3)
            _draw_strips(strips, points, wrap(decoded - alpha))
        else:
            figure, axes = panels(n_batch, ax, size=(3.0, 2.3), sharex=True, sharey=True)
            strips = []
        for i, panel in enumerate(axes):
            _draw_angle(panel, line_k, lines[i], points, None if decoded is None else decoded[i])
            panel.set_title(labels[i])
        _name_axes(axes, strips or axes, own=ax is None)
        _finish(figure, axes, note, own=ax is None)
    return figure


def _fine(fine_alpha: ArrayLike, n_batch: int) -> NDArray[np.float64]:
    lines = np.atleast_2d(_validation.as_real(fine_alpha, "fine_alpha", "(..., M)"))
    if lines.ndim != 2 or len(lines) != n_batch:
        raise ShapeError(
            f"Argument `fine_alpha` must have shape ({n_batch}, M), but has {lines.shape}."
        )
    return lines


def _draw_angle(
    panel: Axes,
    line_k: NDArray[np.float64],
    line: NDArray[np.float64],
    k: NDArray[np.float64],
    decoded: NDArray[np.float64] | None,
) -> None:
    panel.plot(*broken_line(line_k, line), color=INK, linewidth=1.4, label="exact", zorder=2)
    if decoded is not None:
        panel.plot(
            k,
            wrap(decoded),
            linestyle="none",
            marker="o",
            markersize=4.2,
            color=PALETTE["red"],
            markeredgecolor="white",
            markeredgewidth=0.5,
            label="decoded from H1",
            zorder=3,
        )
    tidy(panel, grid="both")
    pi_axis(panel.xaxis)
    pi_axis(panel.yaxis, limit=1.08)


def _draw_strips(
    strips: list[Axes], k: NDArray[np.float64], difference: NDArray[np.float64]
) -> None:
    """Draw the differences, all on one scale."""
    top = max(1.15 * float(np.abs(difference).max()), 1e-3)
    for strip, values in zip(strips, difference, strict=False):
        strip.set_label("residual")
        strip.axhline(0.0, color=FAINT, linewidth=0.7)
        strip.vlines(k, 0.0, values, color=PALETTE["red"], linewidth=1.3)
        tidy(strip)
        strip.set_ylim(-top, top)
        spread = float(np.sqrt(np.mean(values**2)))
        strip.set_title(f"rms {spread:.2g} rad", loc="right", fontsize=7.5, pad=2.0)


def _name_axes(axes: list[Axes], lower: list[Axes], *, own: bool) -> None:
    """Label the axes, on inner panels only the ticks that the neighbours do not have."""
    edges = at_edge(axes) if own else [(True, True)] * len(axes)
    for panel, below, (left, lowest) in zip(axes, lower, edges, strict=True):
        panel.set_ylabel(r"$\alpha$ (rad)" if left else "")
        panel.tick_params(labelleft=left, labelbottom=False)
        below.tick_params(labelleft=left, labelbottom=lowest)
        if below is not panel:
            below.set_ylabel("diff. (rad)" if left else "", fontsize=8.0)
        below.set_xlabel("$k$ (rad)" if lowest else "")


def _finish(figure: Figure, axes: list[Axes], note: str, *, own: bool) -> None:
    handles, names = axes[0].get_legend_handles_labels()
    if own and len(handles) > 1:
        figure.legend(handles, names, loc="outside upper center", ncols=2)
    elif len(handles) > 1:
        axes[0].legend(handles, names)
    if note and own:
        figure.supxlabel(note, fontsize=7.5, color=FAINT)


# ----------------------- Steps of the winding angle read off a hidden layer, against the exact ones


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
    exact = _validation.as_real(dalpha, "dalpha", "(...)")
    decoded = _validation.as_real(h2_decoded, "h2_decoded", "(...)")
    if decoded.shape != exact.shape:
        raise ShapeError(
            f"Argument `h2_decoded` must have the shape {exact.shape} of `dalpha`, but has"
            f" {decoded.shape}."
        )
    across = _validation.positive_int(bins, "bins")
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
    score = r_squared(decoded, exact)
    if score is None:
        raise InputError(
            "Argument `dalpha` must hold at least two different values, or R2 is not defined."
        )
    return score


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


# ----------------------------------------------------------- Loops of det D(k) in the complex plane

Blocks: TypeAlias = ChiralHamiltonian | ArrayLike


def plot_det_loop(
    d_k: Blocks,
    *,
    nu: Integers | None = None,
    grid: int = 512,
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
    grid : int, optional
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
        blocks = d_k.block_on_grid(_validation.positive_int(grid, "grid", minimum=8))
        nu = certify_winding(d_k) if nu is None else nu
    else:
        blocks = _validation.as_complex(d_k, "d_k", "(..., N, n, n)")
        nu = winding_number(blocks, on_unresolved="mask") if nu is None else nu
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
