"""Maps of Berry flux, Berry curvature and d-vector over the Brillouin zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Polygon
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, is_fourier_like
from topophys._validation import Bands
from topophys.errors import InputError, KindError, ShapeError
from topophys.hamiltonians.fourier import primitive_vectors
from topophys.hamiltonians.lattices import (
    brillouin_zone,
    high_symmetry_points,
    in_plane,
    lattice_of,
    reciprocal_vectors,
)
from topophys.hamiltonians.two_band import pauli_components
from topophys.invariants.berry import berry_curvature, chern_number_from_d
from topophys.invariants.chern import certify_chern
from topophys.plots._panels import AxesLike, Integers, integer_titles, join, panels, texts
from topophys.plots._style import DIVERGING, INK, PALETTE, style, tidy, tidy_zone

__all__ = ["plot_berry_curvature", "plot_berry_flux", "plot_d_texture"]


# --------------------------------------------------- Maps of the Berry flux over the Brillouin zone

_BARS: Final = {"flux": "Berry flux $F$ (rad)", "curvature": r"Berry curvature $\Omega$"}


def plot_berry_flux(
    flux: ArrayLike,
    *,
    chern: Integers | None = None,
    quantity: Literal["flux", "curvature"] = "flux",
    scale: Literal["shared", "panel"] = "shared",
    titles: Sequence[str] | None = None,
    coordinates: tuple[str, str] = ("k_x", "k_y"),
    lattice: ArrayLike | None = None,
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the Berry flux through every plaquette, with one panel per Hamiltonian.

    .. math:: C = \frac{1}{2\pi} \sum_k F(k)

    Each coloured square is one plaquette with its grid point at the lower left corner. The colour
    scale is symmetric about zero, so that white is no flux.

    Parameters
    ----------
    flux : array-like of shape (..., Nx, Ny)
        Flux in radians, from `topophys.berry_flux`, or curvature per unit of k-area.
    chern : array-like of int of shape (...) or Certificate, optional
        Chern numbers for the titles. Where not given the title shows the sum of the map, with
        decimals: a map alone proves no integer.
    quantity : {"flux", "curvature"}, optional
        What the numbers are.
    scale : {"shared", "panel"}, optional
        One colour scale for all panels, or one each.
    titles : sequence of str, optional
        Texts to put before the Chern numbers.
    coordinates : (str, str), optional
        Mathtext names of the two momenta, such as ("k_1", "k_2") for reduced coordinates.
    lattice : array-like of shape (2, d), optional
        Primitive vectors as rows. With them, the map is drawn in the Brillouin zone of the lattice,
        a hexagon for a triangular one, and curvature is per area of Cartesian momenta. Its sign is
        that of the order of the primitive vectors, as that of Chern numbers.
    ax : Axes or sequence of Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Momenta from -pi to pi, or in the inverse unit of the lattice; equal scales on both axes,
        colour bar with units.

    Raises
    ------
    ShapeError, InputError
        If `flux` is not a finite map, an option is unknown, or `chern` not made of integers.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.qwz([-1.0, 1.0])
    >>> flux = tp.berry_flux(h.on_grid((24, 24)))
    >>> figure = plot_berry_flux(flux, chern=tp.certify_chern(h))
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['$C = 1$ (certified)', '$C = -1$ (certified)']
    """
    values = _validation.as_real(flux, "flux", "(..., Nx, Ny)")
    _validation.one_of(quantity, "quantity", ("flux", "curvature"))
    _validation.one_of(scale, "scale", ("shared", "panel"))
    maps = values.reshape(-1, *values.shape[-2:])
    labels = _labels(maps, chern, quantity, titles)
    plane = None if lattice is None else in_plane(lattice_of(lattice))
    if plane is not None and quantity == "curvature":
        maps = maps * abs(np.linalg.det(plane))
    tops = np.abs(maps).max(axis=(1, 2))
    if scale == "shared":
        tops = np.full(len(maps), tops.max())
    height = 2.65 if scale == "shared" and len(maps) > 1 else 2.35  # one bar takes less room
    with style():
        figure, axes = panels(len(maps), ax, size=(3.0, height), square=True)
        images: list[ScalarMappable] = []
        for panel, field, top, label in zip(axes, maps, tops, labels, strict=True):
            if plane is None:
                images.append(_draw_map(panel, field, float(top), coordinates))
            else:
                images.append(_draw_zone(panel, field, float(top), coordinates, plane))
            panel.set_title(label)
        label = _BARS[quantity]
        if plane is not None and quantity == "curvature":
            label += " (length$^2$)"
        _draw_bars(figure, axes, images, label, shared=scale == "shared")
    return figure


def _labels(
    maps: NDArray[np.float64],
    chern: Integers | None,
    quantity: str,
    titles: Sequence[str] | None,
) -> list[str]:
    n = len(maps)
    if chern is not None:
        numbers = integer_titles(chern, "chern", "C", n)
    else:
        cell = (2.0 * np.pi) ** 2 / maps[0].size if quantity == "curvature" else 1.0
        sums = maps.sum(axis=(1, 2)) * cell / (2.0 * np.pi)
        numbers = [rf"$\sum F/2\pi = {x:.3f}$".replace("-0.000", "0.000") for x in sums]
    return join(texts(titles, "titles", n), numbers)


def _draw_map(
    panel: Axes, field: NDArray[np.float64], top: float, coordinates: tuple[str, str]
) -> AxesImage:
    top = top or 1.0  # a map of zeros has no scale of its own
    image = panel.imshow(
        field.T,  # images run down rows; momenta run kx to the right, ky up
        origin="lower",
        extent=(-np.pi, np.pi, -np.pi, np.pi),
        cmap=DIVERGING,
        norm=Normalize(-top, top),
        interpolation="nearest",
        aspect="equal",
    )
    tidy_zone(panel, coordinates)
    return image


def _draw_zone(
    panel: Axes,
    field: NDArray[np.float64],
    top: float,
    coordinates: tuple[str, str],
    plane: NDArray[np.float64],
) -> QuadMesh:
    """Map on the Brillouin zone of a plane lattice (2, 2): copies of the plaquettes, cut out."""
    corners, basis = brillouin_zone(plane), reciprocal_vectors(plane)
    reduced = corners @ plane.T  # k_i = a_i . q of the corners
    copies = np.ceil((np.abs(reduced).max(0) + np.pi) / (2.0 * np.pi)).astype(int)
    sizes = field.shape
    k = [
        np.linspace(-np.pi * (2 * c - 1), np.pi * (2 * c - 1), n * (2 * c - 1) + 1)
        for c, n in zip(copies, sizes, strict=True)
    ]
    where = np.stack(np.meshgrid(*k, indexing="ij"), axis=-1) @ (basis / (2.0 * np.pi))
    top = top or 1.0  # a map of zeros has no scale of its own
    mesh = panel.pcolormesh(
        where[..., 0], where[..., 1], np.tile(field, 2 * copies - 1),
        cmap=DIVERGING, norm=Normalize(-top, top), rasterized=True,
    )  # fmt: skip
    edge = Polygon(corners, closed=True, facecolor="none", edgecolor=INK, linewidth=0.9, zorder=3)
    panel.add_patch(edge)
    mesh.set_clip_path(edge)
    names = [name for name in high_symmetry_points(plane).items() if name[0] != "G"]
    for name, q in [("Γ", np.zeros(2)), *((n, np.linalg.solve(plane, at)) for n, at in names)]:
        panel.plot(*q, marker=".", markersize=3.5, color=INK, zorder=4, clip_on=False)
        panel.annotate(
            name, tuple(q), xytext=(3.0, 2.0), textcoords="offset points", fontsize=8.0, zorder=4,
            annotation_clip=False,
        )  # fmt: skip
    room = 1.08 * np.abs(corners).max(0)
    panel.set_xlim(-room[0], room[0])
    panel.set_ylim(-room[1], room[1])
    panel.set_aspect("equal")
    tidy(panel)
    panel.set_xlabel(f"${coordinates[0]}$ (1 / length)")
    panel.set_ylabel(f"${coordinates[1]}$ (1 / length)", labelpad=1.0)
    return mesh


def _draw_bars(
    figure: Figure,
    axes: list[Axes],
    images: Sequence[ScalarMappable],
    label: str,
    *,
    shared: bool,
) -> None:
    groups = (
        [(axes, images[0])] if shared else [([a], i) for a, i in zip(axes, images, strict=True)]
    )
    for group, image in groups:
        bar = figure.colorbar(image, ax=group, label=label, shrink=0.9, aspect=22)
        bar.ax.tick_params(labelsize=8.0)
        bar.outline.set_linewidth(0.5)


# ---------------------------------------------- Maps of the Berry curvature over the Brillouin zone


def plot_berry_curvature(
    omega: FourierLike | ArrayLike,
    *,
    grid: int = 80,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    chern: Integers | None = None,
    scale: Literal["shared", "panel"] = "shared",
    titles: Sequence[str] | None = None,
    coordinates: tuple[str, str] = ("k_x", "k_y"),
    lattice: ArrayLike | Literal["own"] | None = "own",
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the Berry curvature of the occupied bands, a panel per Hamiltonian.

    .. math:: \Omega = \partial_x A_y - \partial_y A_x, \qquad
        C = \frac{1}{2\pi} \int \mathrm{d}^2k \; \Omega(k)

    Each coloured square holds the mean over one plaquette, per unit of dimensionless k-area, so
    that maps of different grids compare.

    Parameters
    ----------
    omega : FourierHamiltonian, or array-like of shape (..., Nx, Ny)
        Hamiltonian in two dimensions or a batch, or curvature from `topophys.berry_curvature`.
    grid : int, optional
        Plaquettes in each direction, for a Hamiltonian.
    n_occupied : int, optional
        Number of occupied bands, for a Hamiltonian; its own where not given.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of bands, as for `topophys.berry_flux`.
    chern : array-like of int of shape (...) or Certificate, optional
        Chern numbers for the titles. Where not given: certified for a Hamiltonian; for an array
        the integral of the map, with decimals.
    scale : {"shared", "panel"}, optional
        One colour scale for all panels, or one each.
    titles : sequence of str, optional
        Texts to put before the Chern numbers.
    coordinates : (str, str), optional
        Mathtext names of the two momenta.
    lattice : array-like of shape (2, d), "own" or None, optional
        Primitive vectors, for a map of the Brillouin zone as `plot_berry_flux` draws it. "own" are
        those of a Hamiltonian, where it has any; None keeps to reduced momenta.
    ax : Axes or sequence of Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Momenta from -pi to pi, or in the inverse unit of the lattice; equal scales on both axes,
        white where there is no curvature.

    Raises
    ------
    ShapeError, InputError
        If `omega` is not a finite map, an option is unknown, or `chern` not made of integers.
    KindError
        If the Hamiltonian is not in two dimensions.
    GaplessError
        If occupied and empty bands touch on the grid.

    References
    ----------
    .. [1] M. V. Berry, Proc. R. Soc. Lond. A 392, 45 (1984).

    Examples
    --------
    >>> import topophys as tp
    >>> figure = plot_berry_curvature(tp.models.haldane(0.2, 0.1, 1.5), grid=24)
    >>> figure.axes[0].get_title(), figure.axes[1].get_ylabel()
    ('$C = 1$ (certified)', 'Berry curvature $\\Omega$')
    """
    if is_fourier_like(omega):
        H, count = omega, _validation.positive_int(grid, "grid", minimum=3)
        if H.vectors.shape[1] != 2:
            raise KindError(
                "Argument `omega` must be a map or a Hamiltonian in two dimensions, but is"
                f" {_validation.short(H)}."
            )
        lattice = primitive_vectors(H) if isinstance(lattice, str) else lattice
        omega = berry_curvature(H, n_occupied=n_occupied, bands=bands, grid=count)
        if chern is None:
            chern = certify_chern(H, n_occupied=n_occupied, bands=bands)
    elif bands is not None:
        raise InputError("Argument `bands` must be left out where `omega` is a map.")
    return plot_berry_flux(
        omega,
        chern=chern,
        quantity="curvature",
        scale=scale,
        titles=titles,
        coordinates=coordinates,
        lattice=None if isinstance(lattice, str) else lattice,
        ax=ax,
    )


# ------------------------------------- Texture of the d-vector of two bands over the Brillouin zone

#: Length of d, over the largest, below which it has no direction.
TOUCHING: Final = 1e-12


def plot_d_texture(
    d: FourierLike | ArrayLike,
    *,
    grid: int = 120,
    arrows: int = 20,
    chern: Integers | None = None,
    titles: Sequence[str] | None = None,
    coordinates: tuple[str, str] = ("k_x", "k_y"),
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the direction of the d-vector, with one panel per Hamiltonian.

    .. math:: H(k) = d_0(k) + d(k) \cdot \sigma, \qquad \hat d = d / |d|, \qquad
        C = \frac{1}{4\pi} \int \mathrm{d}^2k \; \hat d \cdot
        (\partial_x \hat d \times \partial_y \hat d)

    Colour shows the third component of the direction, arrows the other two, as long as they are.
    The Chern number of the lower band counts how often the directions cover the sphere.

    Parameters
    ----------
    d : FourierHamiltonian with two bands, or array-like of shape (..., Nx, Ny, 3)
        Hamiltonian in two dimensions or a batch, or d-vectors on `topophys.k_grid`.
    grid : int, optional
        Points of the colours in each direction, for a Hamiltonian.
    arrows : int, optional
        Most arrows in each direction.
    chern : array-like of int of shape (...) or Certificate, optional
        Chern numbers for the titles. Where not given: certified for a Hamiltonian, that of the
        samples for an array; the title says which.
    titles : sequence of str, optional
        Texts to put before the Chern numbers.
    coordinates : (str, str), optional
        Mathtext names of the two momenta.
    ax : Axes or sequence of Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Momenta from -pi to pi, equal scales on both axes, colours from -1 to 1; a cross where d
        vanishes and has no direction.

    Raises
    ------
    ShapeError, InputError
        If vectors have other axes, are not finite, or `chern` is not made of integers.
    KindError
        If the Hamiltonian has other than two bands or dimensions.

    References
    ----------
    .. [1] X.-L. Qi, Y.-S. Wu, S.-C. Zhang, Phys. Rev. B 74, 085308 (2006).

    Examples
    --------
    >>> import topophys as tp
    >>> figure = plot_d_texture(tp.models.qwz([-1.0, 3.0]), grid=24, arrows=12)
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['$C = 1$ (certified)', '$C = 0$ (certified)']
    """
    most = _validation.positive_int(arrows, "arrows", minimum=2)
    level = "" if chern is not None else "sampled"
    if is_fourier_like(d):
        vectors = _vectors(d, _validation.positive_int(grid, "grid", minimum=3))
        chern = certify_chern(d) if chern is None else chern
    else:
        vectors = _validation.as_real(d, "d", "(..., Nx, Ny, 3)")
        chern = chern_number_from_d(vectors, on_unresolved="mask") if chern is None else chern
    if min(vectors.shape[-3:-1]) < 2:
        raise ShapeError("Argument `d` must have at least two momenta in each direction.")
    fields = vectors.reshape(-1, *vectors.shape[-3:])
    labels = join(
        texts(titles, "titles", len(fields)),
        integer_titles(chern, "chern", "C", len(fields), level),
    )
    with style():
        figure, axes = panels(
            len(fields), ax, size=(3.0, 2.35 if len(fields) == 1 else 2.65), square=True
        )
        for panel, field, label in zip(axes, fields, labels, strict=True):
            image = _draw_texture(panel, _directions(field), most)
            tidy_zone(panel, coordinates)
            panel.set_title(label)
        bar = figure.colorbar(
            image, ax=axes, label=r"$\hat d_z$", shrink=0.9, aspect=22, ticks=[-1.0, 0.0, 1.0]
        )
        bar.outline.set_linewidth(0.5)
        handles = [line for panel in axes for line in panel.lines][:1]
        if handles and ax is None:
            figure.legend(handles=handles, loc="outside lower center")
        elif handles:
            axes[0].legend(handles=handles)
    return figure


def _pale() -> ListedColormap:
    """Give the diverging colours without the darkest, on which arrows would be lost."""
    shades = colormaps[DIVERGING](0.5 + 0.34 * np.linspace(-1.0, 1.0, 255))
    return ListedColormap(shades, name="pale")


def _vectors(H: FourierLike, grid: int) -> NDArray[np.float64]:
    if H.n_bands != 2 or H.vectors.shape[1] != 2:
        raise KindError(
            "Argument `d` must be d-vectors or a Hamiltonian with two bands in two dimensions, but"
            f" is {_validation.short(H)}."
        )
    return np.asarray(pauli_components(H.on_grid((grid, grid))).real)


def _directions(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normalise d, repeat the first points at the far edges; NaN where d vanishes."""
    largest = float(np.abs(field).max())
    scaled = field / largest if largest > 0.0 else field  # squares of the field might overflow
    length = np.linalg.norm(scaled, axis=-1, keepdims=True)
    bad = length <= TOUCHING
    unit = np.where(bad, np.nan, scaled / np.where(bad, 1.0, length))
    return np.pad(unit, ((0, 1), (0, 1), (0, 0)), mode="wrap")


def _draw_texture(panel: Axes, unit: NDArray[np.float64], most: int) -> AxesImage:
    sizes = [n - 1 for n in unit.shape[:2]]
    half = [np.pi / n for n in sizes]
    image = panel.imshow(
        np.ma.masked_invalid(unit[..., 2]).T,  # images run down rows; kx to the right, ky up
        origin="lower",
        extent=(-np.pi - half[0], np.pi + half[0], -np.pi - half[1], np.pi + half[1]),
        cmap=_pale(),
        norm=Normalize(-1.0, 1.0),
        aspect="equal",
    )
    k_x, k_y = (np.linspace(-np.pi, np.pi, n + 1) for n in sizes)
    step = [-(-n // most) for n in sizes]
    thin = np.s_[step[0] // 2 :: step[0], step[1] // 2 :: step[1]]
    where = np.meshgrid(k_x, k_y, indexing="ij")
    size = max(half[0] * step[0], half[1] * step[1]) * 1.8  # longest arrow, in radians
    panel.quiver(
        where[0][thin], where[1][thin], unit[thin][..., 0], unit[thin][..., 1],
        pivot="mid", angles="xy", scale_units="xy", scale=1.0 / size, units="xy",
        width=0.11 * size, headwidth=3.4, headlength=4.0, headaxislength=3.6, minlength=0.5,
        color=INK, zorder=2,
    )  # fmt: skip
    bad = np.isnan(unit[..., 2])
    if bad.any():
        panel.plot(
            where[0][bad], where[1][bad], linestyle="none", marker="X", markersize=6.0,
            color=PALETTE["yellow"], markeredgecolor=INK, markeredgewidth=0.8, clip_on=False,
            label="$d = 0$", zorder=4,
        )  # fmt: skip
    return image
