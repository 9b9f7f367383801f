"""Maps of the Berry curvature over the Brillouin zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from topophys import _checks
from topophys._typing import FourierLike, is_fourier_like
from topophys.errors import KindError
from topophys.invariants.berry import berry_curvature
from topophys.invariants.certify_chern import certify_chern
from topophys.plots._canvas import AxesLike
from topophys.plots._labels import Integers
from topophys.plots.berry_flux import plot_berry_flux

__all__ = ["plot_berry_curvature"]


def plot_berry_curvature(
    omega: FourierLike | ArrayLike,
    *,
    n_k: int = 80,
    n_occupied: int | None = None,
    chern: Integers | None = None,
    scale: Literal["shared", "panel"] = "shared",
    titles: Sequence[str] | None = None,
    coordinates: tuple[str, str] = ("k_x", "k_y"),
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
    n_k : int, optional
        Plaquettes in each direction, for a Hamiltonian.
    n_occupied : int, optional
        Number of occupied bands, for a Hamiltonian; its own where not given.
    chern : array-like of int of shape (...) or Certificate, optional
        Chern numbers for the titles. Where not given: certified for a Hamiltonian; for an array
        the integral of the map, with decimals.
    scale : {"shared", "panel"}, optional
        One colour scale for all panels, or one each.
    titles : sequence of str, optional
        Texts to put before the Chern numbers.
    coordinates : (str, str), optional
        Mathtext names of the two momenta.
    ax : Axes or sequence of Axes, optional
        Where to draw instead of on a new figure.

    Returns
    -------
    Figure
        Momenta from -pi to pi, equal scales on both axes, white where there is no curvature.

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
    >>> figure = plot_berry_curvature(tp.models.haldane(0.2, 0.1, 1.5), n_k=24)
    >>> figure.axes[0].get_title(), figure.axes[1].get_ylabel()
    ('$C = 1$ (certified)', 'Berry curvature $\\Omega$')
    """
    if is_fourier_like(omega):
        H, count = omega, _checks.positive_int(n_k, "n_k", minimum=3)
        if H.vectors.shape[1] != 2:
            raise KindError(
                "Argument `omega` must be a map or a Hamiltonian in two dimensions, but is"
                f" {_checks.short(H)}."
            )
        filled = _checks.occupied(H.n_occupied if n_occupied is None else n_occupied, H.n_bands)
        omega = berry_curvature(H.on_grid((count, count)), n_occupied=filled)
        chern = certify_chern(H, n_occupied=filled) if chern is None else chern
    return plot_berry_flux(
        omega,
        chern=chern,
        quantity="curvature",
        scale=scale,
        titles=titles,
        coordinates=coordinates,
        ax=ax,
    )
