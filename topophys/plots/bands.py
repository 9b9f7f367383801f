"""Band structures with the gap, of bulk systems, ribbons and slabs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import FillingError, InputError, KindError, ShapeError
from topophys.hamiltonians.cuts import RibbonHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian, primitive_vectors
from topophys.hamiltonians.lattices import BandPath, band_path
from topophys.hamiltonians.sampled import SampledHamiltonian
from topophys.plots._panels import AxesLike, panels, texts
from topophys.plots._style import FAINT, INK, PALETTE, pi_axis, style, tidy

__all__ = ["energy_unit", "length_unit", "plot_bands", "plot_ribbon"]


def energy_unit(H: object) -> str:
    """Name the unit of energies: eV for Hamiltonians of files, else that of the hoppings."""
    return str(getattr(H, "unit", "")) or "hopping"


def length_unit(H: object) -> str:
    """Name the unit of lengths of momenta, as mathtext."""
    return r"$\mathrm{\AA}^{-1}$" if getattr(H, "unit", "") == "eV" else "/ length"


def plot_bands(
    H: FourierHamiltonian | SampledHamiltonian,
    *,
    path: str | ArrayLike | None = None,
    labels: Sequence[str] | None = None,
    grid: int = 401,
    n_occupied: int | None = None,
    weights: ArrayLike | Sequence[int] | None = None,
    weights_label: str = "weight",
    titles: Sequence[str] | None = None,
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the energies along a chain or a path in the Brillouin zone, and the direct gap.

    .. math:: H(k) u_n(k) = E_n(k) u_n(k), \qquad w_n(k) = \sum_i w_i |u_{in}(k)|^2

    The marked gap is the smallest seen on the drawn points, hence an upper bound of the gap:
    lower bounds come from the certificates.

    Parameters
    ----------
    H : FourierHamiltonian or SampledHamiltonian
        A Hamiltonian, or a batch: a panel each.
    path : str or array-like of shape (P, dim), optional
        Names such as "G-K-M-G", for a Hamiltonian with a lattice (see `topophys.band_path`); or
        corners of the path, in radians. Where not given: the usual path of the lattice; without a
        lattice the Brillouin zone of a chain, and (0,0) - (pi,0) - (pi,pi) - (0,0) in two
        dimensions.
    labels : sequence of str, optional
        Names of the corners.
    grid : int, optional
        Momenta along the whole path.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given. Without either, no gap is marked.
    weights : array-like of shape (n,), or sequence of int, optional
        Colour bands by the mean of a number for each orbital, such as 1 and -1 for spin up and
        down; or by the share of the orbitals with these indices.
    weights_label : str, optional
        Text at the colour bar.
    titles : sequence of str, optional
        A title for each panel.
    ax : Axes or sequence of Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Energies in eV for Hamiltonians of files, else in units of the hopping; occupied bands blue,
        empty ones orange, or the colours of the weights. With a lattice, lengths along the path are
        physical.

    Raises
    ------
    KindError
        If `H` is not a Hamiltonian.
    ShapeError, InputError
        If the path has another dimension, fewer than two corners or unknown names, is missing in
        3D, or weights do not fit.

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
    _require(H)
    filled = _filled(H, n_occupied)
    count = _validation.positive_int(grid, "grid", minimum=2)
    route = _route(H, path, count)
    energies, shares = _levels(H, route, weights)
    if labels is not None and len(labels) != len(route.corners):
        raise ShapeError(f"Argument `labels` must hold {len(route.corners)} texts, one per corner.")
    if labels is None and any(route.labels):
        labels = route.labels
    names = texts(titles, "titles", len(energies))
    chain = H.dim == 1 and path is None and not route.physical
    with style():
        figure, axes = panels(len(energies), ax, size=(3.1, 2.5))
        limits = _limits(shares)
        for row, (panel, energy, name) in enumerate(zip(axes, energies, names, strict=True)):
            if shares is None:
                _draw_bands(panel, route, energy, filled)
            else:
                _draw_weights(panel, route, energy, shares[row], limits)
            if filled is not None:
                _mark_gap(panel, route, energy, filled)
            _name_path(panel, route, labels, chain=chain, unit=length_unit(H))
            panel.set_ylabel(f"energy ({energy_unit(H)})")
            panel.set_title(name)
            tidy(panel)
        if shares is not None:
            _draw_scale(figure, axes, weights_label)
    return figure


def plot_ribbon(
    strip: RibbonHamiltonian,
    *,
    path: str | ArrayLike | None = None,
    grid: int = 401,
    energies: tuple[float, float] | None = None,
    titles: Sequence[str] | None = None,
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the bands of a ribbon or slab, coloured by where its states are.

    .. math:: w_n(k) = \langle u_n(k) | 2 x_\perp / L - 1 | u_n(k) \rangle

    States on the lower edge (-1) are blue, those on the upper one (1) red, those of the bulk grey.

    Parameters
    ----------
    strip : RibbonHamiltonian
        From `topophys.ribbon` or `topophys.slab`, one or a batch: a panel each.
    path, grid, titles, ax
        As for `plot_bands`.
    energies : (float, float), optional
        Lower and upper end of the energy axis.

    Returns
    -------
    Figure
        With a colour bar for the position.

    Raises
    ------
    KindError
        If `strip` is not a ribbon or slab.

    References
    ----------
    .. [1] Y. Hatsugai, Phys. Rev. Lett. 71, 3697 (1993).

    Examples
    --------
    >>> import topophys as tp
    >>> figure = plot_ribbon(tp.ribbon(tp.models.qwz(-1.0), 12), grid=60)
    >>> figure.axes[-1].get_ylabel()
    'position across'
    """
    given: object = strip
    if not isinstance(given, RibbonHamiltonian):
        raise KindError(
            "Argument `strip` must be made by `topophys.ribbon` or `topophys.slab`, but is"
            f" {_validation.short(strip)}."
        )
    count = _validation.positive_int(grid, "grid", minimum=2)
    route = _route(strip, path, count)
    levels, shares = _levels(strip, route, strip.edge_position)
    assert shares is not None
    names = texts(titles, "titles", len(levels))
    labels = route.labels if any(route.labels) else None
    chain = strip.dim == 1 and path is None and not route.physical
    with style():
        figure, axes = panels(len(levels), ax, size=(3.6, 2.9))
        for panel, energy, share, name in zip(axes, levels, shares, names, strict=True):
            _draw_weights(panel, route, energy, share, (-1.0, 1.0), width=1.1)
            _name_path(panel, route, labels, chain=chain, unit=length_unit(strip))
            if energies is not None:
                panel.set_ylim(*energies)
            panel.set_ylabel(f"energy ({energy_unit(strip)})")
            panel.set_title(name)
            tidy(panel)
        bar = _draw_scale(figure, axes, "position across")
        bar.set_ticks([-1.0, 0.0, 1.0], labels=["lower edge", "middle", "upper edge"])
    return figure


def _require(H: object) -> None:
    if not isinstance(H, FourierHamiltonian | SampledHamiltonian):
        raise KindError(
            "Argument `H` must be a FourierHamiltonian, or what `topophys.from_callable` makes, but"
            f" is {type(H).__name__}."
        )


def _filled(H: FourierHamiltonian | SampledHamiltonian, n_occupied: int | None) -> int | None:
    """Count occupied bands; None where nothing says, or there is one band."""
    if n_occupied is None:
        try:
            n_occupied = H.n_occupied
        except FillingError:
            return None
        if H.n_bands == 1:
            return None
    return _validation.occupied(n_occupied, H.n_bands)


def _levels(
    H: FourierHamiltonian | SampledHamiltonian,
    route: BandPath,
    weights: ArrayLike | Sequence[int] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Energies (B, P, n) along the path, and the weights of the bands."""
    h_k, n = H.bloch(route.k), H.n_bands
    shape = (-1, len(route.k), n)
    if weights is None:
        return np.linalg.eigvalsh(h_k).reshape(shape), None
    levels, states = np.linalg.eigh(h_k)
    shares = np.einsum("...in,i->...n", np.abs(states) ** 2, _of_orbitals(weights, n))
    return levels.reshape(shape), shares.reshape(shape)


def _of_orbitals(weights: ArrayLike | Sequence[int], n: int) -> NDArray[np.float64]:
    """One number for each orbital; indices are those that count."""
    given = np.asarray(weights)
    chosen = given.dtype.kind in "iu" and given.ndim == 1
    if chosen and given.size != n and len(np.unique(given)) == given.size:
        if given.size == 0 or given.min() < 0 or given.max() >= n:
            raise InputError(
                f"Argument `weights` must hold indices of orbitals from 0 to {n - 1}, but is"
                f" {_validation.short(weights)}."
            )
        return np.isin(np.arange(n), given).astype(np.float64)
    numbers = _validation.as_real(weights, "weights", "(..., n)")
    if numbers.shape != (n,):
        raise ShapeError(
            f"Argument `weights` must hold a number for each of the {n} orbitals, but has shape"
            f" {numbers.shape}."
        )
    return numbers


def _route(
    H: FourierHamiltonian | SampledHamiltonian, path: str | ArrayLike | None, grid: int
) -> BandPath:
    """Momenta along the path."""
    if path is None and primitive_vectors(H) is None:
        if H.dim > 2:
            raise InputError(f"Argument `path` must be given for a {H.dim}D Hamiltonian.")
        if H.dim == 1:
            route = band_path([[-np.pi], [np.pi]], grid=grid)
            return BandPath(
                route.k, route.along - np.pi, route.corners - np.pi, route.labels, False
            )
        square = np.array([[0.0, 0.0], [np.pi, 0.0], [np.pi, np.pi], [0.0, 0.0]])
        route = band_path(square, grid=grid)
        named = (r"$\Gamma$", "X", "M", r"$\Gamma$")
        return BandPath(route.k, route.along, route.corners, named, False)
    if path is not None and not isinstance(path, str):
        nodes = _validation.as_real(path, "path", f"(..., P, {H.dim})")
        if nodes.ndim != 2 or len(nodes) < 2:
            raise ShapeError(
                f"Argument `path` must have shape (P, {H.dim}) with P >= 2, but has {nodes.shape}."
            )
        path = nodes
    return band_path(path, H, dim=H.dim, grid=grid)


def _pieces(route: BandPath) -> list[slice]:
    """Pieces of the path between jumps."""
    ends = [0, *route.breaks, len(route.along)]
    return [slice(a, b) for a, b in pairwise(ends)]


def _draw_bands(
    panel: Axes, route: BandPath, energy: NDArray[np.float64], filled: int | None
) -> None:
    for band, values in enumerate(energy.T):
        colour = PALETTE["blue"] if filled is None or band < filled else PALETTE["orange"]
        for piece in _pieces(route):
            panel.plot(route.along[piece], values[piece], color=colour, linewidth=1.6)
    _frame(panel, route)


def _grey_in_the_middle() -> Colormap:
    """Blue, grey and red: states without a side stay visible on white."""
    return LinearSegmentedColormap.from_list("sides", ["#0072B2", "#BDBDBD", "#D55E00"])


def _limits(shares: NDArray[np.float64] | None) -> tuple[float, float]:
    if shares is None:
        return 0.0, 1.0
    low, high = float(shares.min()), float(shares.max())
    if low < -1e-9:
        most = max(-low, high)
        return -most, most
    return 0.0, max(high, 1.0)


def _colours(limits: tuple[float, float]) -> Any:
    return _grey_in_the_middle() if limits[0] < 0.0 else "viridis_r"


def _draw_weights(
    panel: Axes,
    route: BandPath,
    energy: NDArray[np.float64],
    shares: NDArray[np.float64],
    limits: tuple[float, float],
    *,
    width: float = 1.8,
) -> None:
    lines, values = [], []
    for piece in _pieces(route):
        for level, share in zip(energy[piece].T, shares[piece].T, strict=True):
            points = np.stack([route.along[piece], level], axis=-1)
            lines.append(np.stack([points[:-1], points[1:]], axis=1))
            values.append(0.5 * (share[:-1] + share[1:]))
    # strong weights on top of weak ones
    segments, number = np.concatenate(lines), np.concatenate(values)
    order = np.argsort(np.abs(number), kind="stable")
    bands = LineCollection(
        list(segments[order]), cmap=_colours(limits), norm=Normalize(*limits), linewidths=width,
        capstyle="round",
    )  # fmt: skip
    bands.set_array(number[order])
    panel.add_collection(bands)
    low, high = float(energy.min()), float(energy.max())
    panel.set_ylim(low - 0.05 * (high - low or 1.0), high + 0.05 * (high - low or 1.0))
    _frame(panel, route)


def _draw_scale(figure: Figure, axes: list[Axes], label: str) -> Any:
    bands = next(c for c in axes[0].collections if isinstance(c, LineCollection))
    bar = figure.colorbar(bands, ax=axes, label=label, aspect=22)
    bar.ax.tick_params(labelsize=8.0)
    bar.outline.set_linewidth(0.5)
    return bar


def _mark_gap(panel: Axes, route: BandPath, energy: NDArray[np.float64], filled: int) -> None:
    along = route.along
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


def _frame(panel: Axes, route: BandPath) -> None:
    # gaps like to sit at the ends of the Brillouin zone, where the frame would hide the mark
    margin = 0.025 * (route.along[-1] - route.along[0])
    panel.set_xlim(route.along[0] - margin, route.along[-1] + margin)


def _rounded_up(gap: float) -> float:
    """Three digits of a number that must stay an upper bound."""
    if gap <= 1e-12:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(gap)) - 2.0)
    return float(np.ceil(gap / unit - 1e-6) * unit)


def _name_path(
    panel: Axes, route: BandPath, labels: Sequence[str] | None, *, chain: bool, unit: str
) -> None:
    if chain and labels is None:
        pi_axis(panel.xaxis, limit=None)
        panel.set_xlabel("$k$ (rad)")
        return
    panel.set_xticks(route.corners, labels if labels is not None else [""] * len(route.corners))
    for corner in route.corners[1:-1]:
        panel.axvline(corner, color=FAINT, linewidth=0.6, zorder=1)
    panel.set_xlabel(
        f"path, total {route.along[-1] - route.along[0]:.3g} {unit}"
        if route.physical
        else "momentum along the path"
    )
