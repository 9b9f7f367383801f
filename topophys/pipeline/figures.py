"""Which pictures a run gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import plots
from topophys._files import make_folder, write_json
from topophys.datasets import Dataset, Split
from topophys.errors import InputError, KindError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.interpret import LinearDecoder, activations, fit_decoder
from topophys.invariants.berry import berry_flux
from topophys.invariants.winding import winding_angle
from topophys.learn import Run
from topophys.learn.evaluate import predict_invariants

__all__ = ["FigureCard", "draw_figures"]

#: Hamiltonians to fit the read-outs on, and to show in the density plot.
N_FIT: Final = 1000
N_SHOW: Final = 1000
#: Points of the lines drawn for the exact physics.
N_FINE: Final = 1024
#: Grid of the flux maps; finer than that of the data set, for the eye.
N_FLUX: Final = (32, 32)
#: Measures to draw; the page lists all.
MEASURES: Final = ("raw", "modulo exact", "window 4", "used part", "read-out")
#: Sizes of the invariant to show an example of.
SHOWN: Final = (0, 1, -1, 2, -2, 3)


@dataclass(frozen=True)
class FigureCard:
    """A picture and what it shows.

    Attributes
    ----------
    name : str
        Name of the files, without suffix.
    title, caption : str
        For the page.
    """

    name: str
    title: str
    caption: str


def draw_figures(run: Run, dataset: Dataset, *, surface: Dataset | None = None) -> list[Path]:
    """Draw the pictures of a run into its folder `figures`, as PNG and SVG.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Data set of winding numbers.
    surface : Dataset, optional
        Data set of Chern numbers, for the flux map.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    OutputError
        If the folder is not writable.
    """
    folder = make_folder(run.path / "figures")
    paths: list[Path] = []
    cards: list[dict[str, Any]] = []
    for card, figure in _figures(run, dataset, surface):
        paths += plots.save_figure(figure, folder / card.name)
        cards.append(asdict(card))
    write_json(folder / "figures.json", cards)
    return paths


def _figures(
    run: Run, dataset: Dataset, surface: Dataset | None
) -> Iterator[tuple[FigureCard, plots.Figure]]:
    examples = _Examples(run, dataset)
    alpha, dalpha = _decoders(run, dataset)
    yield (
        FigureCard(
            "winding_angle",
            "Winding angle: layer h1 against exact physics",
            f"Linear read-out of h1, fitted on {_fit_split(run)!r}, beside alpha(k) = arg det D(k)"
            " of Hamiltonians it was not fitted on: for each winding number the one with the"
            " largest proven gap among those that training did not see.",
        ),
        examples.winding_angle(alpha),
    )
    yield (
        FigureCard(
            "winding_steps",
            "Winding steps: layer h2 against exact physics",
            f"Linear read-out of h2, fitted on {_fit_split(run)!r}, against dalpha on the links of"
            " the test split.",
        ),
        _winding_steps(run, dataset, dalpha),
    )
    yield (
        FigureCard(
            "det_loop",
            "Loops of det D(k)",
            "The winding number is the number of turns around the origin. Drawn from the hoppings"
            " themselves, not flattened, for the same Hamiltonians.",
        ),
        examples.det_loop(),
    )
    yield from _results(run, dataset)
    if surface is not None:
        yield (
            FigureCard(
                "berry_flux",
                "Berry flux through the plaquettes of 2D Hamiltonians",
                "F of the lower band on 32 x 32 plaquettes, of the Hamiltonian with the largest"
                " proven gap for each Chern number C of the data set; C is proven from the"
                " hoppings.",
            ),
            _flux_map(surface),
        )


def _results(run: Run, dataset: Dataset) -> Iterator[tuple[FigureCard, plots.Figure]]:
    yield (
        FigureCard("training", "Training", "Loss and accuracy on the validation split by epoch."),
        plots.plot_training(run.history),
    )
    label, named = _all_answers(run, dataset)
    yield (
        FigureCard(
            "confusion",
            "Named against true winding number",
            "All splits that training did not see; classes seen in training are marked.",
        ),
        plots.plot_confusion(label, named, trained=run.provenance["classes_seen"]),
    )
    accuracy, probes = (_measured(run.path / f"{name}.json") for name in ("accuracy", "probes"))
    if accuracy is not None:
        unseen = _unseen(run, dataset)
        rows = [row | {"split": _row_name(row)} for row in accuracy if row["split"] in unseen]
        yield (
            FigureCard(
                "accuracy",
                "Accuracy on each split",
                "Splits that training did not see, whole and by the size of the invariant, with"
                " 95 % Wilson intervals.",
            ),
            plots.plot_accuracy(rows),
        )
    if probes is not None:
        yield (
            FigureCard(
                "probes",
                "Probes and their controls",
                "Held-out R2 of linear probes with 95 % intervals: of the layers as they are, of"
                " densities modulo exact forms and summed over windows, of the part of a layer that"
                " the output depends on.",
            ),
            plots.plot_probe_ladder(_rungs(probes)),
        )


def _rungs(probes: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows on the split of the report, with the measure in the name of the group."""
    rows = [row for row in probes["results"] if row["split"] == probes["split"]]
    shown = [row for row in rows if row["measure"] in MEASURES]
    return [row | {"target": _asked(row)} for row in shown]


def _asked(row: dict[str, Any]) -> str:
    return row["target"] if row["measure"] == "raw" else f"{row['target']} ({row['measure']})"


def _measured(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _row_name(row: dict[str, Any]) -> str:
    return row["split"] if row["invariant"] == "all" else f"{row['split']}, {row['invariant']}"


def _fit_split(run: Run) -> str:
    return run.config.val_split


def _decoders(run: Run, dataset: Dataset) -> tuple[LinearDecoder, LinearDecoder]:
    split = dataset.split(_fit_split(run))
    x, alpha, dalpha = split.read("x", "alpha", "dalpha", index=slice(0, N_FIT))
    hidden = activations(run.encoder, x)
    angle = np.stack([np.cos(alpha), np.sin(alpha)], axis=-1)
    return (
        fit_decoder(hidden["h1_features"], angle),
        fit_decoder(hidden["h2_features"], dalpha[..., None]),
    )


class _Examples:
    """Of each invariant, the Hamiltonian with the largest proven gap that training did not see."""

    def __init__(self, run: Run, dataset: Dataset) -> None:
        grid = dataset.split(run.config.train_split).grid
        found: dict[int, tuple[str, int]] = {}
        for name in _unseen(run, dataset):
            if dataset.split(name).grid == grid:
                found = _clearest(dataset.split(name)) | found
        places = {nu: found[nu] for nu in SHOWN if nu in found}
        if not places:
            raise InputError(
                "Argument `dataset` must have a split that training did not see, on the grid of the"
                f" training, but has {', '.join(dataset.splits)}; add one to the recipe."
            )
        rows = [dataset.split(name)[index] for name, index in places.values()]
        self.run = run
        self.nu = np.array(list(places))
        self.x = np.stack([row["x"] for row in rows])
        self.alpha = np.stack([row["alpha"] for row in rows])
        self.blocks = np.stack(
            [
                _chain(dataset.split(name), index).block_on_grid(N_FINE)
                for name, index in places.values()
            ]
        )

    def winding_angle(self, decoder: LinearDecoder) -> plots.Figure:
        hidden = activations(self.run.encoder, self.x)
        return plots.plot_winding_angle_comparison(
            hidden["h1_features"],
            self.alpha,
            nu=self.nu,
            predicted=predict_invariants(self.run.encoder, self.x),
            decoder=(decoder.weights, decoder.bias),
            fine_alpha=winding_angle(self.blocks),
        )

    def det_loop(self) -> plots.Figure:
        return plots.plot_det_loop(self.blocks, nu=self.nu)


def _chain(split: Split, index: int) -> ChiralHamiltonian:
    chain = split.hamiltonians(index)
    if not isinstance(chain, ChiralHamiltonian):
        raise KindError(f"Split `{split.name}` must hold chiral chains, but holds {chain!r:.60}.")
    return chain


def _clearest(split: Split) -> dict[int, tuple[str, int]]:
    label, gap = split.read("label", "gap_bound")
    return {
        int(c): (split.name, int(np.argmax(np.where(label == c, gap, -np.inf))))
        for c in np.unique(label)
    }


def _unseen(run: Run, dataset: Dataset) -> list[str]:
    seen = {run.config.train_split, run.config.val_split}
    return [name for name in dataset.splits if name not in seen]


def _winding_steps(run: Run, dataset: Dataset, decoder: LinearDecoder) -> plots.Figure:
    x, dalpha = dataset.split(_unseen(run, dataset)[0]).read("x", "dalpha", index=slice(0, N_SHOW))
    return plots.plot_winding_steps(
        decoder(activations(run.encoder, x)["h2_features"])[..., 0], dalpha
    )


def _all_answers(run: Run, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    labels, named = [], []
    for name in _unseen(run, dataset):
        x, label = dataset.split(name).read("x", "label")
        labels.append(label)
        named.append(np.rint(predict_invariants(run.encoder, x)).astype(np.int64))
    return np.concatenate(labels), np.concatenate(named)


def _flux_map(surface: Dataset) -> plots.Figure:
    found: dict[int, tuple[str, int]] = {}
    for name in surface.splits:
        found = _clearest(surface.split(name)) | found
    places = {chern: found[chern] for chern in sorted(found) if chern != 0}
    samples = [surface.split(name).hamiltonians(index) for name, index in places.values()]
    flux = np.stack([berry_flux(h.on_grid(N_FLUX)) for h in samples])
    return plots.plot_berry_flux(flux, chern=np.array(list(places)))
