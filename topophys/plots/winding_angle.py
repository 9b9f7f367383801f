"""Winding angle read off a hidden layer, beside the exact one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import ShapeError
from topophys.plots._angles import broken_line, decode_angle, wrap
from topophys.plots._canvas import AxesLike, at_edge, panels, split_panels
from topophys.plots._labels import Integers, integer_titles, join, momenta, number_titles, texts
from topophys.plots.style import FAINT, INK, PALETTE, pi_axis, style, tidy

__all__ = ["plot_winding_angle_comparison"]

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
    r"""Draw the winding angle held by the layer H1 beside the exact one, a panel per chain.

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
    alpha = np.atleast_2d(_checks.as_real(expected_alpha, "expected_alpha", "(..., N)"))
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
    lines = np.atleast_2d(_checks.as_real(fine_alpha, "fine_alpha", "(..., M)"))
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
