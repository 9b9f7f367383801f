"""Texture of the d-vector of two bands over the Brillouin zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys._typing import FourierLike, is_fourier_like
from topophys.errors import KindError, ShapeError
from topophys.hamiltonians.two_band import PAULI
from topophys.invariants.berry import chern_number_from_d
from topophys.invariants.certify_chern import certify_chern
from topophys.plots._canvas import AxesLike, panels
from topophys.plots._labels import Integers, integer_titles, join, texts
from topophys.plots.style import DIVERGING, INK, PALETTE, style, tidy_zone

__all__ = ["plot_d_texture"]

#: Length of d, over the largest, below which it has no direction.
TOUCHING: Final = 1e-12


def plot_d_texture(
    d: FourierLike | ArrayLike,
    *,
    n_k: int = 120,
    arrows: int = 20,
    chern: Integers | None = None,
    titles: Sequence[str] | None = None,
    coordinates: tuple[str, str] = ("k_x", "k_y"),
    ax: AxesLike | None = None,
) -> Figure:
    r"""Draw the direction of the d-vector over the zone, a panel per Hamiltonian.

    .. math:: H(k) = d_0(k) + d(k) \cdot \sigma, \qquad \hat d = d / |d|, \qquad
        C = \frac{1}{4\pi} \int \mathrm{d}^2k \; \hat d \cdot
        (\partial_x \hat d \times \partial_y \hat d)

    Colour shows the third component of the direction, arrows the other two, as long as they are.
    The Chern number of the lower band counts how often the directions cover the sphere.

    Parameters
    ----------
    d : FourierHamiltonian with two bands, or array-like of shape (..., Nx, Ny, 3)
        Hamiltonian in two dimensions or a batch, or d-vectors on `topophys.k_grid`.
    n_k : int, optional
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
    >>> figure = plot_d_texture(tp.models.qwz([-1.0, 3.0]), n_k=24, arrows=12)
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['$C = 1$ (certified)', '$C = 0$ (certified)']
    """
    most = _checks.positive_int(arrows, "arrows", minimum=2)
    level = "" if chern is not None else "sampled"
    if is_fourier_like(d):
        vectors = _vectors(d, _checks.positive_int(n_k, "n_k", minimum=3))
        chern = certify_chern(d) if chern is None else chern
    else:
        vectors = _checks.as_real(d, "d", "(..., Nx, Ny, 3)")
        chern = chern_number_from_d(vectors, on_gapless="mask") if chern is None else chern
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


def _vectors(H: FourierLike, n_k: int) -> NDArray[np.float64]:
    if H.n_bands != 2 or H.vectors.shape[1] != 2:
        raise KindError(
            "Argument `d` must be d-vectors or a Hamiltonian with two bands in two dimensions, but"
            f" is {_checks.short(H)}."
        )
    # half of the trace with a Pauli matrix picks out its coefficient
    return np.asarray(0.5 * np.einsum("...ab,iba->...i", H.on_grid((n_k, n_k)), PAULI).real)


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
