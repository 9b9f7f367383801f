"""One look for all figures: colours, colour maps, fonts, axes in multiples of pi."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, Final, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MultipleLocator

__all__ = [
    "CYCLIC",
    "DENSITY",
    "DIVERGING",
    "PALETTE",
    "pi_axis",
    "pi_label",
    "style",
    "tidy",
    "tidy_rows",
    "tidy_zone",
]

#: Eight colours that readers with any common colour-vision deficiency tell apart (Okabe, Ito).
PALETTE: Final = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "red": "#D55E00",
    "purple": "#CC79A7",
}
#: Colour maps of angles, of signed fields and of densities.
CYCLIC: Final = "twilight"
DIVERGING: Final = "RdBu_r"
DENSITY: Final = "viridis"
#: Text and frames: dark grey tires the eye less than black.
INK: Final = "#222222"
FAINT: Final = "#8A8A8A"

#: What differs from the defaults of Matplotlib.
_RC: Final[dict[str, Any]] = {
    "font.sans-serif": ["DejaVu Sans"],  # comes with Matplotlib: the same figure everywhere
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "figure.titlesize": 10.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlepad": 6.0,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.0,
    "image.interpolation": "nearest",
    "image.composite_image": False,
    "svg.hashsalt": "topophys",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}
#: Settings of the process, not of the look.
_PROCESS: Final = (
    "backend",
    "interactive",
    "toolbar",
    "timezone",
    "date.",
    "webagg",
    "savefig.dir",
)
# rcParams are global to the process; two threads entering and leaving in turn would leave one
# thread's settings behind for good
_LOCK: Final = threading.RLock()
_ACTIVE: Final[list[bool]] = []


@contextmanager
def style(**changes: Any) -> Iterator[None]:
    """Build or save figures with the settings of topophys, and restore the old ones afterwards.

    One thread at a time is inside; others wait. All plot functions are inside by themselves, so
    that pictures do not depend on settings made elsewhere; a ``with style(...)`` around them
    changes what they use.

    Parameters
    ----------
    **changes
        Matplotlib settings on top, dots written as double underscores (``font__size=12``).

    Yields
    ------
    None
        While the settings are active.

    References
    ----------
    .. [1] M. Okabe, K. Ito, *Color Universal Design* (2008), for the palette.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> with style(font__size=7):
    ...     mpl.rcParams["font.size"], mpl.rcParams["axes.spines.top"]
    (7.0, False)
    """
    extra: Any = {name.replace("__", "."): value for name, value in changes.items()}
    with _LOCK, mpl.rc_context():
        if not _ACTIVE:
            mpl.rcParams.update(_defaults())
        mpl.rcParams.update(extra)
        _ACTIVE.append(True)
        try:
            yield
        finally:
            _ACTIVE.pop()


def _defaults() -> Any:
    plain = {
        name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith(_PROCESS)
    }
    return plain | _RC


def tidy(ax: Axes, *, grid: Literal["x", "y", "both"] | None = None) -> None:
    """Fix the look of ticks that Matplotlib makes only later, outside of `style`."""
    ax.tick_params(labelsize=mpl.rcParams["xtick.labelsize"], width=0.7, length=3.0, colors=INK)
    if grid is not None:
        ax.grid(visible=True, axis=grid, color="#E4E4E4", linewidth=0.6)


def tidy_rows(ax: Axes) -> None:
    """Set axes whose rows are named at the left: no line and no ticks there, grid lines up."""
    tidy(ax, grid="x")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def tidy_zone(ax: Axes, coordinates: tuple[str, str]) -> None:
    """Set axes that hold a map of the Brillouin zone: a full frame, momenta from -pi to pi."""
    tidy(ax)
    for side in ax.spines.values():
        side.set_visible(True)
    for axis in (ax.xaxis, ax.yaxis):
        pi_axis(axis)
    ax.set_xlabel(f"${coordinates[0]}$ (rad)")
    ax.set_ylabel(f"${coordinates[1]}$ (rad)", labelpad=1.0)


def pi_label(multiple: float) -> str:
    r"""Text of an angle given in multiples of pi.

    Examples
    --------
    >>> [pi_label(x) for x in (-1, -0.5, 0, 1.5)]
    ['$-\\pi$', '$-\\pi/2$', '$0$', '$3\\pi/2$']
    """
    part = Fraction(multiple).limit_denominator(100)
    if part == 0:
        return "$0$"
    sign = "-" if part < 0 else ""
    top = "" if abs(part.numerator) == 1 else str(abs(part.numerator))
    bottom = "" if part.denominator == 1 else f"/{part.denominator}"
    return rf"${sign}{top}\pi{bottom}$"


def pi_axis(axis: Axis, *, step: float = 0.5, limit: float | None = 1.0) -> None:
    """Put ticks at multiples of pi."""
    axis.set_major_locator(MultipleLocator(step * np.pi))
    axis.set_major_formatter(FuncFormatter(lambda value, _: pi_label(value / np.pi)))
    if limit is not None:
        horizontal = axis is axis.axes.xaxis
        set_limits = axis.axes.set_xlim if horizontal else axis.axes.set_ylim
        set_limits(-limit * np.pi, limit * np.pi)
