"""Pictures of networks that read chains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys import plots
from topophys.datasets import Dataset, Split
from topophys.errors import KindError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.interpret import LinearDecoder, activations, exact_targets, fit_decoder
from topophys.invariants.winding import winding_angle
from topophys.learn import Run
from topophys.learn.evaluate import predict_invariants
from topophys.pipeline.pictures import FigureCard, Picture, momenta
from topophys.pipeline.splits import clearest, unseen

__all__ = ["chain_pictures"]

#: Hamiltonians to fit the read-outs on, and to show in the density plot.
N_FIT: Final = 1000
N_SHOW: Final = 500
#: Points of the lines drawn for the exact physics.
N_FINE: Final = 1024
#: Sizes of the invariant to show an example of.
SHOWN: Final = (0, 1, -1, 2, -2, 3)
EXACT: Final = ("cos_sin_alpha", "dalpha")


def chain_pictures(run: Run, dataset: Dataset) -> Iterator[Picture]:
    """Winding angle, winding steps, loops of the determinant.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Data set of winding numbers.

    Yields
    ------
    Picture
        In the order of the page.

    Raises
    ------
    KindError
        If the data set holds no chiral chains.
    """
    examples = _Examples(run, dataset)
    alpha, dalpha = _decoders(run, dataset)
    yield examples.winding_angle(alpha)
    yield _winding_steps(run, dataset, dalpha)
    yield examples.det_loop()


def _decoders(run: Run, dataset: Dataset) -> tuple[LinearDecoder, LinearDecoder]:
    split = dataset.split(run.config.val_split)
    pick = slice(0, N_FIT)
    hidden = activations(run.encoder, split.read("x", index=pick)[0])
    grid = hidden["h1_features"].shape[1:-1]
    exact = exact_targets(split.hamiltonians(pick), EXACT, grid=grid)
    return (
        fit_decoder(hidden["h1_features"], exact["cos_sin_alpha"]),
        fit_decoder(hidden["h2_features"], exact["dalpha"]),
    )


class _Examples:
    """Of each invariant, the Hamiltonian with the largest proven gap that training did not see."""

    def __init__(self, run: Run, dataset: Dataset) -> None:
        found = clearest(run, dataset)
        places = {nu: found[nu] for nu in SHOWN if nu in found} or found
        self.run, self.nu = run, np.array(list(places))
        self.chains = [_chain(dataset.split(s), i) for s, i in places.values()]
        grid = dataset.split(run.config.train_split).grid
        parts = [run.present(chain, k_points=grid[0])[0] for chain in self.chains]
        self.x = np.concatenate(parts)
        self.blocks = np.stack([chain.block_on_grid(N_FINE) for chain in self.chains])

    def winding_angle(self, decoder: LinearDecoder) -> Picture:
        hidden = activations(self.run.encoder, self.x)["h1_features"]
        n = hidden.shape[1]
        alpha = np.stack([winding_angle(chain.block_on_grid(n)) for chain in self.chains])
        named = predict_invariants(self.run.encoder, self.x)
        figure = plots.plot_winding_angle_comparison(
            hidden,
            alpha,
            nu=self.nu,
            predicted=named,
            decoder=(decoder.weights, decoder.bias),
            fine_alpha=winding_angle(self.blocks),
        )
        read = decoder(hidden)
        card = FigureCard(
            "winding_angle",
            "Winding angle: layer h1 against exact physics",
            f"Linear read-out of h1, fitted on {self.run.config.val_split!r}, beside alpha(k) ="
            " arg det D(k) of Hamiltonians it was not fitted on: for each winding number the one"
            " with the largest proven gap among those that training did not see.",
        )
        return Picture(
            card,
            figure,
            {
                "nu": np.repeat(self.nu, n),
                "named": np.repeat(named, n),
                "k": np.tile(momenta(n), len(self.nu)),
                "alpha": alpha.ravel(),
                "alpha_read": np.arctan2(read[..., 1], read[..., 0]).ravel(),
            },
        )

    def det_loop(self) -> Picture:
        f = np.linalg.det(self.blocks)
        card = FigureCard(
            "det_loop",
            "Loops of det D(k)",
            "The winding number is the number of turns around the origin. Drawn from the hoppings"
            " themselves, not flattened, for the same Hamiltonians.",
        )
        return Picture(
            card,
            plots.plot_det_loop(self.blocks, nu=self.nu),
            {
                "nu": np.repeat(self.nu, N_FINE),
                "k": np.tile(momenta(N_FINE), len(self.nu)),
                "re_det": f.real.ravel(),
                "im_det": f.imag.ravel(),
            },
        )


def _chain(split: Split, index: int) -> ChiralHamiltonian:
    chain = split.hamiltonians(index)
    if not isinstance(chain, ChiralHamiltonian):
        raise KindError(f"Split `{split.name}` must hold chiral chains, but holds {chain!r:.60}.")
    return chain


def _winding_steps(run: Run, dataset: Dataset, decoder: LinearDecoder) -> Picture:
    name = unseen(run, dataset)[0]
    split = dataset.split(name)
    hidden = activations(run.encoder, split.read("x", index=slice(0, N_SHOW))[0])["h2_features"]
    chains = split.hamiltonians(slice(0, N_SHOW))
    exact = exact_targets(chains, ["dalpha"], grid=hidden.shape[1:-1])["dalpha"][..., 0]
    read = decoder(hidden)[..., 0]
    card = FigureCard(
        "winding_steps",
        "Winding steps: layer h2 against exact physics",
        f"Linear read-out of h2, fitted on {run.config.val_split!r}, against dalpha on the links of"
        f" {len(exact)} Hamiltonians of {name!r}.",
    )
    numbers: dict[str, NDArray[np.generic]] = {
        "hamiltonian": np.repeat(np.arange(len(exact)), exact.shape[1]),
        "link": np.tile(np.arange(exact.shape[1]), len(exact)),
        "dalpha": exact.ravel(),
        "dalpha_read": read.ravel(),
    }
    return Picture(card, plots.plot_winding_steps(read, exact), numbers)
