"""Phase diagrams: certified and predicted integers over a plane of two parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int, Shaped
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, is_block_like, is_fourier_like
from topophys.errors import InputError, KindError, ShapeError
from topophys.invariants.chern import certify_chern
from topophys.invariants.phases import PhaseDiagram
from topophys.invariants.results import UNRESOLVED_VALUE, Certificate, signed
from topophys.invariants.winding import certify_winding
from topophys.kernels.rounding import at_least
from topophys.plots._panels import AxesLike, Integers, integer_array, panels, percent
from topophys.plots._style import DIVERGING, INK, PALETTE, pi_axis, style, tidy

__all__ = [
    "UNKNOWN",
    "PhasePlane",
    "boundary_lines",
    "draw_integers",
    "draw_unknown",
    "edges",
    "evenly_spaced",
    "integer_colours",
    "is_angle",
    "isolated_pixels",
    "parameter_label",
    "phase_diagram",
    "phase_diagram_data",
    "plot_certified_phases",
    "plot_phase_diagram_prediction",
    "plot_phase_plane",
    "unknown_handles",
]


# ------------------------------------------ Names of parameters of models, as physicists write them

GREEK: Final = ("alpha", "beta", "gamma", "delta", "theta", "lambda", "mu", "phi")
ANGLES: Final = ("phi", "theta")


def is_angle(name: str) -> bool:
    """Whether models call an angle so."""
    return name in ANGLES


def parameter_label(name: str) -> str:
    r"""Mathtext of the name of a parameter: ``t2`` as $t_2$, ``lambda_so`` as $\lambda_{so}$.

    Examples
    --------
    >>> [parameter_label(name) for name in ("t2", "phi", "lambda_so", "offset")]
    ['$t_{2}$', '$\\phi$', '$\\lambda_{so}$', 'offset']
    """
    found = re.fullmatch(rf"([A-Za-z]|{'|'.join(GREEK)})(?:_?(\d+|(?<=_)\w+))?", name)
    if found is None:
        return name.replace("_", " ")
    letter, below = found.groups()
    base = f"\\{letter}" if letter in GREEK else letter
    return f"${base}$" if below is None else f"${base}_{{{below}}}$"


# ----------------------- Integers over a plane of parameters: even steps, frames of pixels, colours

#: Colour of pixels without a proven integer.
UNKNOWN: Final = "#A6A6A6"
LARGEST: Final = 12


def evenly_spaced(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Check values of a parameter, which pixels of one size must be able to show.

    Shapes: `values` (N,); returns (N,).
    """
    points = _validation.as_real(values, name, "(..., N)")
    steps = np.diff(points)
    if points.ndim != 1 or points.size < 2:
        raise ShapeError(f"Argument `{name}` must have shape (N,), N >= 2, but has {points.shape}.")
    if steps.min() <= 0.0 or np.ptp(steps) > 1e-6 * steps.max():
        raise InputError(f"Argument `{name}` must rise in even steps.")
    return points


def edges(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of the pixels around evenly spaced points.

    Shapes: `points` (N,); returns (N + 1,).
    """
    half = 0.5 * (points[1] - points[0])
    return np.append(points - half, points[-1] + half)


def integer_colours(reach: int) -> tuple[Colormap, BoundaryNorm]:
    """Colours of the integers from -reach to reach, white for 0, and their norm."""
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

    Shapes: `x` and `y` (Nx,), `plane` (Nx, Ny).
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


# ---------------------------------------- Proven integers over a plane of two parameters of a model

Axis: TypeAlias = tuple[str, ArrayLike]
Invariant: TypeAlias = Literal["auto", "winding", "chern"]


@dataclass(frozen=True, eq=False)
class PhasePlane:
    """Invariants over a plane of two parameters, each with its status.

    Attributes
    ----------
    names : (str, str)
        Names of the parameters along the first and the second axis.
    x, y : float64 ndarray of shape (Nx,), (Ny,)
        Their values.
    quantity : str
        "winding number" or "Chern number".
    value : int64 ndarray of shape (Nx, Ny)
        The invariant; the smallest int64 where unresolved.
    status : str ndarray of shape (Nx, Ny)
        "certified" or "unresolved".
    gap_lower : float64 ndarray of shape (Nx, Ny)
        Proven lower bound of the gap, in the units of the hoppings; 0 where unresolved.
    """

    names: tuple[str, str]
    x: Float[np.ndarray, " Nx"]
    y: Float[np.ndarray, " Ny"]
    quantity: str
    value: Int[np.ndarray, "Nx Ny"]
    status: Shaped[np.ndarray, "Nx Ny"]
    gap_lower: Float[np.ndarray, "Nx Ny"]

    def __repr__(self) -> str:
        known = self.status == "certified"
        values, counts = np.unique(self.value[known], return_counts=True)
        pairs = [
            f"{signed(int(v), self.quantity)}: {c}" for v, c in zip(values, counts, strict=True)
        ]
        lines = [f"Phase diagram of the {self.quantity}: {known.sum()} of {known.size} certified"]
        for name, points in zip(self.names, (self.x, self.y), strict=True):
            lines.append(f"  {name:<16} {points.size} from {points[0]:.3g} to {points[-1]:.3g}")
        lines.append(f"  value            {', '.join(pairs) or 'none'}")
        return "\n".join(lines)


def phase_diagram_data(
    model: Callable[..., Any],
    *,
    x: Axis,
    y: Axis,
    fixed: Mapping[str, Any] | None = None,
    invariant: Invariant = "auto",
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_evaluations: int = 100_000,
) -> PhasePlane:
    r"""Certify an invariant over a plane of two parameters of a model, as one batch.

    Parameters
    ----------
    model : callable
        Function of keyword parameters, which may be arrays, that returns a Hamiltonian, such as
        those in `topophys.models`.
    x, y : (str, array-like of shape (N,))
        Name of a parameter and its values, rising in even steps.
    fixed : mapping of str to value, optional
        The other parameters.
    invariant : {"auto", "winding", "chern"}, optional
        What to certify; what the Hamiltonian has where "auto".
    n_occupied : int, optional
        Number of occupied bands, for Chern numbers; that of the Hamiltonian where not given.
    min_gap : float, optional
        Certify only what is proven to have at least this gap, in the units of the hoppings.
    max_evaluations : int, optional
        Largest number of evaluated k points per Hamiltonian.

    Returns
    -------
    PhasePlane
        Values, status and gap bounds of shape (Nx, Ny).

    Raises
    ------
    ShapeError, InputError
        If values are not evenly spaced, parameters do not fit the model, or it makes no batch.
    KindError
        If the model returns no Hamiltonian, or one without that invariant.

    References
    ----------
    .. [1] D. J. Thouless, M. Kohmoto, M. P. Nightingale, M. den Nijs, Phys. Rev. Lett. 49,
       405 (1982).

    Examples
    --------
    >>> import topophys as tp
    >>> phase_diagram_data(tp.models.kitaev_chain, x=("mu", [-3, -1, 1, 3]),
    ...                    y=("delta", [-0.5, 0.5]), fixed={"t": 1.0})
    Phase diagram of the winding number: 8 of 8 certified
      mu               4 from -3 to 3
      delta            2 from -0.5 to 0.5
      value            -1: 2, 0: 4, +1: 2
    """
    _validation.one_of(invariant, "invariant", ("auto", "winding", "chern"))
    (name_x, across), (name_y, up) = _axis(x, "x"), _axis(y, "y")
    others = dict(fixed or {})
    if len({name_x, name_y, *others}) < 2 + len(others):
        raise InputError(
            "Arguments `x`, `y` and `fixed` must name each parameter once, but name"
            f" {', '.join([name_x, name_y, *others])}."
        )
    plane_x, plane_y = np.meshgrid(across, up, indexing="ij")
    H = _batch(model, {name_x: plane_x, name_y: plane_y, **others}, plane_x.shape)
    limits = {"min_gap": min_gap, "max_evaluations": max_evaluations}
    proof = _certify(H, invariant, n_occupied, limits)
    return PhasePlane(
        (name_x, name_y),
        across,
        up,
        proof.quantity,
        np.ma.getdata(proof.value),
        proof.status,
        proof.gap_lower,
    )


def _axis(given: Any, name: str) -> tuple[str, NDArray[np.float64]]:
    pair = isinstance(given, tuple | list) and len(given) == 2
    if not pair or not isinstance(given[0], str):
        raise InputError(f"Argument `{name}` must be a pair (name of a parameter, its values).")
    return given[0], evenly_spaced(given[1], f"{name}[1]")


def _batch(model: Any, parameters: dict[str, Any], shape: tuple[int, ...]) -> FourierLike:
    if not callable(model):
        raise KindError(
            "Argument `model` must be a function of parameters, such as `tp.models.haldane`, but is"
            f" {_validation.short(model)}."
        )
    try:
        inspect.signature(model).bind(**parameters)
    except TypeError as error:
        raise InputError(
            f"Argument `model` must take exactly the parameters {', '.join(parameters)}, but does"
            f" not: {error}."
        ) from None
    found = model(**parameters)
    if not is_fourier_like(found):
        raise KindError(
            "Argument `model` must return a Hamiltonian in Fourier form, but returned"
            f" {_validation.short(found)}."
        )
    if found.batch_shape != shape:
        raise ShapeError(
            f"Argument `model` must return a batch of shape {shape} when its parameters are arrays"
            f" of that shape, but returned {found.batch_shape}."
        )
    return found


def _certify(
    H: FourierLike, invariant: Invariant, n_occupied: int | None, options: dict[str, Any]
) -> Certificate:
    chain, dim = is_block_like(H), H.vectors.shape[1]
    if invariant == "winding" or (invariant == "auto" and chain):
        if n_occupied is not None:
            raise InputError("Argument `n_occupied` must be left out for winding numbers.")
        if is_block_like(H):
            return certify_winding(H, **options)
        raise KindError(
            "Argument `model` must return a ChiralHamiltonian for winding numbers, but returned"
            f" {_validation.short(H)}."
        )
    if dim != 2:
        raise KindError(
            "Argument `model` must return Hamiltonians in two dimensions for Chern numbers, but"
            f" returned {_validation.short(H)}."
        )
    return certify_chern(H, n_occupied=n_occupied, **options)


# ----------------------------- Marks on a plane of integers: boundaries, and pixels without a proof

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


def isolated_pixels(unknown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that are marked although no neighbour is, diagonal ones included.

    Shapes: `unknown` (Nx, Ny); returns (Nx, Ny).
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

    Shapes: `x` and `y` (Nx,), `value` (Nx, Ny), `known` (Nx, Ny).
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

    Shapes: `x` and `y` (Nx,), `known` (Nx, Ny).
    """
    single = isolated_pixels(~known) if max(known.shape) > FINE else np.zeros_like(known)
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
    """Entries of the legend for what `draw_unknown` drew."""
    drawn = {child.get_label() for child in panel.get_children()}
    area = Patch(facecolor=UNKNOWN, edgecolor=LINES, linewidth=0.0, hatch=HATCH, label=AREA)
    point = Line2D([], [], label=POINT, **RING)
    return [handle for handle in (area, point) if handle.get_label() in drawn]


# ------------------------ Phase diagrams: proven integers over a plane of two parameters of a model

#: Mathtext of the quantities of certificates.
SYMBOLS: Final = {"winding number": r"\nu", "Chern number": "C", "Z2 invariant": r"\nu"}
#: Colour of boxes proven to have invariant 0: white is where nothing is proven.
TRIVIAL: Final = "#DEDEDE"


def phase_diagram(
    model: Callable[..., Any] | PhaseDiagram,
    *,
    x: Axis | None = None,
    y: Axis | None = None,
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

    A `PhaseDiagram` of `certify_phases` is drawn as `plot_certified_phases` does: every point of a
    coloured box is proven. Of a model each pixel stands for one Hamiltonian alone:
    `phase_diagram_data` gives the same numbers as arrays, and `plot_phase_plane` draws those.

    Parameters
    ----------
    model : callable or PhaseDiagram
        As for `phase_diagram_data`; or what `certify_phases` returned, and then nothing else but
        `labels`, `title` and `ax`.
    x, y, fixed, invariant, n_occupied, min_gap, max_evaluations
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
    if isinstance(model, PhaseDiagram):
        if x is not None or y is not None or fixed is not None:
            raise InputError(
                "Arguments `x`, `y` and `fixed` must be left out for a PhaseDiagram, which has its"
                " own parameters."
            )
        return plot_certified_phases(model, labels=labels, title=title, ax=ax)
    if x is None or y is None:
        raise InputError(
            "Arguments `x` and `y` must be given for a model: pairs (name of a parameter, values)."
        )
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
        _name_axes(panel, plane.names, labels)
        _draw_legend(panel, plane, known, reach)
        count = f"{known.sum():,} of {known.size:,}" if not known.all() else f"all {known.size:,}"
        words = f"{plane.quantity[:1].upper()}{plane.quantity[1:]}, {count} certified"
        panel.set_title(f"{title}\n{words}" if title else words)
        tidy(panel)
    return figure


def plot_certified_phases(
    diagram: PhaseDiagram,
    *,
    labels: tuple[str, str] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw a phase diagram whose regions are proven: boxes in colour, the rest white.

    Parameters
    ----------
    diagram : PhaseDiagram
        What `certify_phases` returned, of one or two parameters.
    labels : (str, str), optional
        Axis labels, with units; the names of the parameters where not given.
    title : str, optional
        Text to put before the share in the title.
    ax : Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        One rectangle for each proven box; value 0 is light grey, so that white is what is open.

    Raises
    ------
    KindError, InputError
        If `diagram` is something else, has three parameters, or holds integers beyond 12.

    References
    ----------
    .. [1] F. D. M. Haldane, Phys. Rev. Lett. 61, 2015 (1988).

    Examples
    --------
    >>> import topophys as tp
    >>> line = tp.certify_phases(tp.models.qwz, {"m": (-3.0, 3.0)}, share=0.99)
    >>> plot_certified_phases(line).axes[0].get_title()
    'Chern number, 99.21 % proven'
    """
    if not isinstance(diagram, PhaseDiagram):
        raise KindError(
            f"Argument `diagram` must be a PhaseDiagram, but is {type(diagram).__name__}."
        )
    if len(diagram.names) > 2:
        raise InputError(
            "Argument `diagram` must have one or two parameters, but has"
            f" {len(diagram.names)}; certify a plane with the others in `fixed`."
        )
    good = diagram.resolved
    value = np.ma.filled(diagram.value, 0)[good]
    counted = diagram.quantity != "gap"
    shown = value if counted else np.ones_like(value)
    reach = max(1, int(np.abs(shown).max(initial=0)))
    colours, norm = integer_colours(reach)
    low, high = diagram.lower[good], diagram.upper[good]
    if low.shape[1] == 1:
        low = np.column_stack([low, np.zeros(len(low))])
        high = np.column_stack([high, np.ones(len(high))])
    corners = np.stack([low, high], 1)
    boxes = np.stack([corners[:, [0, 1, 1, 0], 0], corners[:, [0, 0, 1, 1], 1]], -1)
    shades = colours(norm(shown))
    shades[shown == 0] = to_rgba(TRIVIAL)
    with style():
        figure, (panel,) = panels(1, ax, size=(4.3, 3.0))
        panel.add_collection(
            PolyCollection(
                list(boxes),
                facecolors=shades,
                edgecolors="none",
                antialiased=False,
                rasterized=True,
            )
        )
        ends = [*diagram.domain] if len(diagram.names) == 2 else [diagram.domain[0], [0.0, 1.0]]
        panel.set(xlim=ends[0], ylim=ends[1])
        _name_axes(panel, diagram.names, labels)
        if len(diagram.names) == 1:
            panel.set_yticks([])
        if counted:
            shade = {
                v: to_rgba(TRIVIAL) if v == 0 else colours(norm(v)) for v in set(value.tolist())
            }
            handles = [
                Patch(facecolor=c, label=signed(v, diagram.quantity))
                for v, c in sorted(shade.items())
            ]
            panel.legend(
                handles=handles, title=f"${SYMBOLS.get(diagram.quantity, 'n')}$",
                loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False,
            )  # fmt: skip
        words = f"{diagram.quantity[:1].upper()}{diagram.quantity[1:]}"
        words += f", {at_least(100.0 * diagram.share, 4)} % proven"
        panel.set_title(f"{title}\n{words}" if title else words)
        for side in panel.spines.values():
            side.set_visible(True)
        tidy(panel)
    return figure


def _name_axes(panel: Axes, names: tuple[str, ...], labels: tuple[str, str] | None) -> None:
    """Label the axes of as many parameters as there are."""
    for i, (axis, name) in enumerate(zip((panel.xaxis, panel.yaxis), names, strict=False)):
        angle = is_angle(name)
        if angle:
            low, high = axis.get_view_interval()
            pi_axis(axis, step=0.5 if high - low > np.pi else 0.25, limit=None)
        unit = " (rad)" if angle else ""
        axis.set_label_text(parameter_label(name) + unit if labels is None else labels[i])


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


# -------------------- Predicted integers over the parameter plane of a model, beside the exact ones


def plot_phase_diagram_prediction(
    x: ArrayLike,
    y: ArrayLike,
    exact: Integers,
    predicted: ArrayLike,
    *,
    names: tuple[str, str] = ("x", "y"),
    symbol: str = r"\nu",
    ax: AxesLike | None = None,
) -> Figure:
    """Draw exact and predicted invariants over a plane of parameters, with the errors marked.

    Parameters
    ----------
    x : array-like of shape (Nx,)
        Evenly spaced values of the first parameter, rising.
    y : array-like of shape (Ny,)
        Evenly spaced values of the second parameter, rising.
    exact : array-like of int of shape (Nx, Ny) or Certificate
        Exact invariants; unresolved ones of a certificate are grey and count as no error.
    predicted : array-like of int of shape (Nx, Ny)
        Predicted invariants.
    names : (str, str), optional
        Axis labels, with units.
    symbol : str, optional
        Mathtext of the invariant.
    ax : sequence of two Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Left the exact diagram, right the predicted one with a cross on every wrong point.

    Raises
    ------
    ShapeError, InputError
        If shapes do not match, values are not evenly spaced, or invariants are not integers.

    References
    ----------
    .. [1] P. Zhang, H. Shen, H. Zhai, Phys. Rev. Lett. 120, 066401 (2018).

    Examples
    --------
    >>> figure = plot_phase_diagram_prediction(
    ...     [0.0, 1.0], [0.0, 1.0, 2.0], [[0, 0, 1], [0, 1, 1]], [[0, 0, 1], [0, 0, 1]])
    >>> figure.axes[1].get_title()
    'network, 1 of 6 wrong (16.7 %)'
    """
    grid_x, grid_y = evenly_spaced(x, "x"), evenly_spaced(y, "y")
    shape = (grid_x.size, grid_y.size)
    truth, guess = integer_array(exact, "exact"), integer_array(predicted, "predicted")
    for name, values in (("exact", truth), ("predicted", guess)):
        if values.shape != shape:
            raise ShapeError(f"Argument `{name}` must have shape {shape}, but has {values.shape}.")
    known = truth != UNRESOLVED_VALUE
    wrong = known & (truth != guess)
    with style():
        figure, axes = panels(2, ax, size=(3.2, 2.7))
        image = _draw_planes(axes, grid_x, grid_y, (truth, guess))
        for panel in axes:
            panel.set_xlabel(names[0])
            panel.set_ylabel(names[1])
            tidy(panel)
        axes[1].plot(
            grid_x[np.nonzero(wrong)[0]], grid_y[np.nonzero(wrong)[1]], linestyle="none",
            marker="x", markersize=3.0, markeredgewidth=0.9, color=PALETTE["black"], label="wrong",
        )  # fmt: skip
        axes[0].set_title("exact")
        count, total = int(wrong.sum()), int(known.sum())
        axes[1].set_title(f"network, {count:,} of {total:,} wrong ({percent(count, total)})")
        bar = figure.colorbar(image, ax=axes, label=f"${symbol}$", aspect=22)
        lowest, highest = image.get_clim()
        bar.set_ticks(np.arange(np.ceil(lowest), np.floor(highest) + 1.0).tolist())
        bar.ax.tick_params(length=0)
        bar.ax.minorticks_off()
    return figure


def _draw_planes(
    axes: list[Axes],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    planes: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> AxesImage:
    seen = np.concatenate([plane[plane != UNRESOLVED_VALUE] for plane in planes])
    reach = max(1, int(np.abs(seen).max(initial=0)))
    return [
        draw_integers(panel, x, y, plane, reach) for panel, plane in zip(axes, planes, strict=True)
    ][-1]
