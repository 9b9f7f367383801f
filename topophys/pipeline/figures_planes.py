"""Pictures of networks that read two-band Hamiltonians, and of such Hamiltonians."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import plots
from topophys.datasets import Dataset
from topophys.interpret import activations, exact_targets, fit_decoder
from topophys.invariants.berry import berry_flux, berry_flux_from_d
from topophys.learn import Run
from topophys.pipeline.pictures import FigureCard, Picture, momenta
from topophys.pipeline.splits import clearest, largest_gaps

__all__ = ["SURFACE", "plane_pictures", "surface_picture"]

#: Name of the flux map of a data set.
SURFACE: Final = "berry_flux"
#: Hamiltonians to fit the read-out on.
N_FIT: Final = 500
#: Grid of the flux maps; finer than that of the data set, for the eye.
N_FLUX: Final = (32, 32)
#: Chern numbers to show an example of.
SHOWN: Final[tuple[int, ...]] = (1, -1, 2, -2, 0)


def plane_pictures(run: Run, dataset: Dataset) -> Iterator[Picture]:
    """Exact flux beside what is read from layer h3.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Data set of Chern numbers.

    Yields
    ------
    Picture
        One figure.
    """
    split = dataset.split(run.config.val_split)
    pick, grid = slice(0, N_FIT), split.grid
    hidden = activations(run.encoder, split.read("x", index=pick)[0])["h3_features"]
    exact = exact_targets(split.hamiltonians(pick), ["flux"], grid=hidden.shape[1:-1])["flux"]
    flat = [a.reshape(len(a), -1, a.shape[-1]) for a in (hidden, exact)]
    decoder = fit_decoder(flat[0], flat[1])
    found = clearest(run, dataset)
    maps, charges = [], []
    for chern in [c for c in SHOWN if c in found] or list(found):
        part, index = dataset.split(found[chern][0]), found[chern][1]
        h: Any = part.hamiltonians(index)
        x, _ = run.present(h, k_points=grid)
        layer = activations(run.encoder, x)["h3_features"]
        maps += [berry_flux_from_d(h.d_on_grid(layer.shape[1:-1])), decoder(layer)[0, ..., 0]]
        charges.append(chern)
    fields = np.stack(maps)
    titles = ["exact $F$", "read from h3"] * len(charges)
    card = FigureCard(
        "flux_comparison",
        "Berry flux: layer h3 against exact physics",
        f"Linear read-out of h3, fitted on {run.config.val_split!r}, beside the flux F through the"
        " plaquettes of Hamiltonians it was not fitted on, on the grid of the network: for each"
        " Chern number the one with the largest proven gap among those that training did not see.",
    )
    yield Picture(
        card,
        plots.plot_berry_flux(fields, titles=titles),
        _plane_numbers(charges, fields[::2], F_read=fields[1::2]),
    )


def surface_picture(surface: Dataset) -> Picture:
    """Draw maps of the exact flux of a data set.

    Parameters
    ----------
    surface : Dataset
        Data set of Chern numbers.

    Returns
    -------
    Picture
        The map of the Hamiltonian with the largest proven gap for each Chern number but 0.
    """
    found = largest_gaps(surface, surface.splits)
    places = {chern: found[chern] for chern in sorted(found) if chern != 0}
    samples = [surface.split(name).hamiltonians(index) for name, index in places.values()]
    flux = np.stack([berry_flux(h.on_grid(N_FLUX)) for h in samples])
    card = FigureCard(
        SURFACE,
        "Berry flux through the plaquettes of 2D Hamiltonians",
        "F of the lower band on 32 x 32 plaquettes, of the Hamiltonian with the largest proven gap"
        " for each Chern number C of the data set; C is proven from the hoppings.",
    )
    figure = plots.plot_berry_flux(flux, chern=np.array(list(places)))
    return Picture(card, figure, _plane_numbers(list(places), flux))


def _plane_numbers(
    charges: Sequence[int], flux: NDArray[np.float64], **others: NDArray[np.float64]
) -> dict[str, NDArray[np.generic]]:
    n, n_x, n_y = flux.shape
    k_x, k_y = np.meshgrid(momenta(n_x), momenta(n_y), indexing="ij")
    return {
        "C": np.repeat(charges, n_x * n_y),
        "kx": np.tile(k_x.ravel(), n),
        "ky": np.tile(k_y.ravel(), n),
        "F": flux.ravel(),
        **{name: value.ravel() for name, value in others.items()},
    }
