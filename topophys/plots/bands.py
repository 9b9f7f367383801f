"""Band structures with the gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, KindError, ShapeError
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.plots._panels import AxesLike, panels, texts
from topophys.plots.style import FAINT, INK, PALETTE, pi_axis, style, tidy

__all__ = ["plot_bands"]

Route: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def plot_bands(
    H: FourierHamiltonian,
    *,
    path: ArrayLike | None = None,
    labels: Sequence[str] | None = None,
    grid: int = 401,
    n_occupied: int | None = None,
    titles: Sequence[str] | None = None,
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the energies along a chain or along a path through the zone, and the direct gap.

    .. math:: H(k) u_n(k) = E_n(k) u_n(k)

    The marked gap is the smallest seen on the drawn points, hence an upper bound of the gap:
    lower bounds come from the certificates.

    Parameters
    ----------
    H : FourierHamiltonian
        A Hamiltonian, or a batch: a panel each.
    path : array-like of shape (P, dim), optional
        Corners of the path, in radians. Where not given: the Brillouin zone of a chain, and
        (0,0) - (pi,0) - (pi,pi) - (0,0) in two dimensions.
    labels : sequence of str, optional
        Names of the corners.
    grid : int, optional
        Momenta along the whole path.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given.
    titles : sequence of str, optional
        A title for each panel.
    ax : Axes or sequence of Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Energies in units of the hopping; occupied bands blue, empty ones orange.

    Raises
    ------
    KindError
        If `H` is not a Hamiltonian.
    ShapeError, InputError
        If the path has another dimension, fewer than two corners, or is missing in 3D.

    References
    ----------
    .. [1] C. M. Goringe, D. R. Bowler, E. Hernandez, Rep. Prog. Phys. 60, 1447 (1997).

    Examples
    --------
    >>> import topophys as tp
    >>> figure = plot_bands(tp.models.ssh(1.0, 2.0))
    >>> [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    ['gap ≤ 2']
    """
    if not isinstance(H, FourierHamiltonian):
        raise KindError(f"Argument `H` must be a FourierHamiltonian, but is {type(H).__name__}.")
    filled = _validation.occupied(n_occupied if n_occupied is not None else H.n_occupied, H.n_bands)
    count = _validation.positive_int(grid, "grid", minimum=2)
    along, corners, k = _route(H.dim, path, count)
    energies = np.linalg.eigvalsh(H.bloch(k)).reshape(-1, len(k), H.n_bands)
    if labels is not None and len(labels) != len(corners):
        raise ShapeError(f"Argument `labels` must hold {len(corners)} texts, one per corner.")
    if labels is None and path is None and H.dim == 2:
        labels = (r"$\Gamma$", "X", "M", r"$\Gamma$")
    names = texts(titles, "titles", len(energies))
    with style():
        figure, axes = panels(len(energies), ax, size=(3.1, 2.5))
        for panel, energy, name in zip(axes, energies, names, strict=True):
            _draw_bands(panel, along, energy, filled)
            _name_path(panel, corners, labels, chain=H.dim == 1 and path is None)
            panel.set_ylabel("energy (hopping)")
            panel.set_title(name)
            tidy(panel)
    return figure


def _route(dim: int, path: ArrayLike | None, grid: int) -> Route:
    """Distance along the path, distances of its corners, and momenta."""
    if path is None:
        if dim > 2:
            raise InputError(f"Argument `path` must be given for a {dim}D Hamiltonian.")
        square = np.array([[0.0, 0.0], [np.pi, 0.0], [np.pi, np.pi], [0.0, 0.0]])
        nodes = square if dim == 2 else np.array([[-np.pi], [np.pi]])
    else:
        nodes = _validation.as_real(path, "path", f"(..., P, {dim})")
    if nodes.ndim != 2 or len(nodes) < 2:
        raise ShapeError(
            f"Argument `path` must have shape (P, {dim}) with P >= 2, but has {nodes.shape}."
        )
    corners = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(nodes, axis=0), axis=1)))
    if (np.diff(corners) <= 0.0).any():
        raise InputError("Argument `path` must go on from corner to corner, but one is repeated.")
    # the corners themselves are always among the points: gaps like to close there
    along = np.union1d(np.linspace(0.0, corners[-1], grid), corners)
    k = np.stack([np.interp(along, corners, nodes[:, i]) for i in range(dim)], axis=-1)
    shift = np.pi if dim == 1 and path is None else 0.0
    return along - shift, corners - shift, k


def _draw_bands(
    panel: Axes, along: NDArray[np.float64], energy: NDArray[np.float64], filled: int
) -> None:
    for band, values in enumerate(energy.T):
        colour = PALETTE["blue"] if band < filled else PALETTE["orange"]
        panel.plot(along, values, color=colour, linewidth=1.6)
    gap = energy[:, filled] - energy[:, filled - 1]
    j = int(np.argmin(gap))
    low, high = float(energy[j, filled - 1]), float(energy[j, filled])
    panel.plot(
        [along[j]] * 2, [low, high], color=INK, linewidth=1.1, marker="_", markersize=6.0, zorder=4
    )
    right = along[j] > 0.5 * (along[0] + along[-1])
    panel.annotate(
        f"gap ≤ {_rounded_up(float(gap[j])):.3g}",
        (along[j], 0.5 * (low + high)),
        xytext=(-5.0 if right else 5.0, 0.0),
        textcoords="offset points",
        ha="right" if right else "left",
        va="center",
        fontsize=8.0,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
        zorder=5,
    )
    # gaps like to sit at the ends of the Brillouin zone, where the frame would hide the mark
    margin = 0.025 * (along[-1] - along[0])
    panel.set_xlim(along[0] - margin, along[-1] + margin)


def _rounded_up(gap: float) -> float:
    """Three digits of a number that must stay an upper bound."""
    if gap <= 1e-12:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(gap)) - 2.0)
    return float(np.ceil(gap / unit - 1e-6) * unit)


def _name_path(
    panel: Axes, corners: NDArray[np.float64], labels: Sequence[str] | None, *, chain: bool
) -> None:
    if chain and labels is None:
        pi_axis(panel.xaxis, limit=None)
        panel.set_xlabel("$k$ (rad)")
        return
    panel.set_xticks(corners, labels if labels is not None else [""] * len(corners))
    for corner in corners[1:-1]:
        panel.axvline(corner, color=FAINT, linewidth=0.6, zorder=1)
    panel.set_xlabel("momentum along the path")
