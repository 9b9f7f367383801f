"""Phase diagrams: proven integers over a plane of two parameters of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from topophys.errors import KindError
from topophys.invariants.certificate import UNRESOLVED_VALUE
from topophys.plots._canvas import panels
from topophys.plots._parameters import is_angle, parameter_label
from topophys.plots._phase_marks import boundary_lines, draw_unknown, unknown_handles
from topophys.plots._planes import draw_integers, integer_colours
from topophys.plots.phase_data import Axis, Invariant, PhasePlane, phase_diagram_data
from topophys.plots.style import INK, pi_axis, style, tidy

__all__ = ["phase_diagram", "plot_phase_plane"]

#: Mathtext of the quantities of certificates.
SYMBOLS: Final = {"winding number": r"\nu", "Chern number": "C"}


def phase_diagram(
    model: Callable[..., Any],
    *,
    x: Axis,
    y: Axis,
    fixed: Mapping[str, Any] | None = None,
    invariant: Invariant = "auto",
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_evaluations: int = 100_000,
    labels: tuple[str, str] | None = None,
    title: str = "",
    boundaries: bool = True,
    ax: Axes | None = None,
) -> Figure:
    """Draw the proven invariant of a model over a plane of two of its parameters.

    `phase_diagram_data` gives the same numbers as arrays, and `plot_phase_plane` draws those.

    Parameters
    ----------
    model, x, y, fixed, invariant, n_occupied, min_gap, max_evaluations
        As for `phase_diagram_data`.
    labels : (str, str), optional
        Axis labels, with units; the names of the parameters where not given.
    title : str, optional
        Text to put before the counts in the title.
    boundaries : bool, optional
        Whether to draw lines between pixels of different integers.
    ax : Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        One pixel for each Hamiltonian, grey and hatched where nothing is proven.

    Raises
    ------
    ShapeError, InputError, KindError
        As `phase_diagram_data`; also for integers beyond 12.

    References
    ----------
    .. [1] F. D. M. Haldane, Phys. Rev. Lett. 61, 2015 (1988).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> figure = phase_diagram(
    ...     tp.models.haldane, x=("phi", np.linspace(-np.pi, np.pi, 21)),
    ...     y=("m", np.linspace(-6, 6, 20)), fixed={"t2": 1.0})
    >>> figure.axes[0].get_title()
    'Chern number, all 420 certified'
    """
    plane = phase_diagram_data(
        model, x=x, y=y, fixed=fixed, invariant=invariant, n_occupied=n_occupied,
        min_gap=min_gap, max_evaluations=max_evaluations,
    )  # fmt: skip
    return plot_phase_plane(plane, labels=labels, title=title, boundaries=boundaries, ax=ax)


def plot_phase_plane(
    plane: PhasePlane,
    *,
    labels: tuple[str, str] | None = None,
    title: str = "",
    boundaries: bool = True,
    ax: Axes | None = None,
) -> Figure:
    """Draw invariants over a plane of two parameters.

    Parameters
    ----------
    plane : PhasePlane
        What `phase_diagram_data` returned.
    labels, title, boundaries, ax
        As for `phase_diagram`.

    Returns
    -------
    Figure
        One pixel for each Hamiltonian, grey and hatched where nothing is proven.

    Raises
    ------
    InputError
        If there are integers beyond 12, or `ax` is no axes.
    KindError
        If `plane` is something else.

    Examples
    --------
    >>> import topophys as tp
    >>> plane = phase_diagram_data(tp.models.ssh, x=("t1", [0.5, 1.0]), y=("t2", [0.5, 1.0, 1.5]))
    >>> plot_phase_plane(plane).axes[0].get_title()
    'Winding number, 4 of 6 certified'
    """
    if not isinstance(plane, PhasePlane):
        raise KindError(f"Argument `plane` must be a PhasePlane, but is {type(plane).__name__}.")
    known = plane.value != UNRESOLVED_VALUE
    reach = max(1, int(np.abs(plane.value[known]).max(initial=0)))
    with style(hatch__linewidth=0.5):
        figure, (panel,) = panels(1, ax, size=(4.3, 3.0))
        draw_integers(panel, plane.x, plane.y, plane.value, reach)
        if boundaries:
            panel.add_collection(boundary_lines(plane.x, plane.y, plane.value, known))
        if not known.all():
            draw_unknown(panel, plane.x, plane.y, known)
        _name_axes(panel, plane, labels)
        _draw_legend(panel, plane, known, reach)
        count = f"{known.sum():,} of {known.size:,}" if not known.all() else f"all {known.size:,}"
        words = f"{plane.quantity[:1].upper()}{plane.quantity[1:]}, {count} certified"
        panel.set_title(f"{title}\n{words}" if title else words)
        tidy(panel)
    return figure


def _name_axes(panel: Axes, plane: PhasePlane, labels: tuple[str, str] | None) -> None:
    given = labels or (None, None)
    for axis, name, label in zip((panel.xaxis, panel.yaxis), plane.names, given, strict=True):
        angle = is_angle(name)
        if angle:
            low, high = axis.get_view_interval()
            pi_axis(axis, step=0.5 if high - low > np.pi else 0.25, limit=None)
        unit = " (rad)" if angle else ""
        axis.set_label_text(parameter_label(name) + unit if label is None else label)


def _draw_legend(panel: Axes, plane: PhasePlane, known: NDArray[np.bool_], reach: int) -> None:
    colours, norm = integer_colours(reach)
    symbol = SYMBOLS.get(plane.quantity, "n")
    handles = [
        Patch(facecolor=colours(norm(v)), edgecolor=INK, linewidth=0.5, label=f"${symbol} = {v}$")
        for v in np.unique(plane.value[known])[::-1].tolist()
    ]
    panel.legend(
        handles=[*handles, *unknown_handles(panel)],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
        handlelength=1.3,
        handleheight=1.1,
    )
