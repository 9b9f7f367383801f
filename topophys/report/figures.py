"""Figures of a run, each with the numbers it shows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import plots
from topophys._io import make_folder, sha256, write_text
from topophys.datasets import Dataset, Split
from topophys.datasets.tasks import get_task
from topophys.errors import CheckpointError, InputError, KindError, ShapeError
from topophys.grids import k_grid
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.interpret import LinearDecoder, activations, exact_targets, fit_decoder
from topophys.invariants.berry import berry_flux, berry_flux_from_d
from topophys.invariants.winding import winding_angle
from topophys.learn import Run
from topophys.learn.run import names_integer, nearest_integers, predict_invariants
from topophys.report.artifacts import (
    current_measurement,
    is_as_drawn,
    read_figure_records,
    save_result,
)
from topophys.report.evaluation import (
    check_kind,
    held_out_splits,
    largest_gap_samples,
    largest_gaps,
)

__all__ = [
    "CHERN_DATA",
    "FigureRecord",
    "RunFigure",
    "chain_figures",
    "chern_data_figure",
    "columns_of_rows",
    "common_figures",
    "csv_text",
    "draw_figures",
    "momenta",
    "plane_figures",
    "probe_rows",
]


# -------------------------------------------------------- A picture, what it shows, and its numbers


@dataclass(frozen=True)
class FigureRecord:
    """A picture and what it shows.

    Attributes
    ----------
    name : str
        Name of the files, without suffix.
    title, caption : str
        For the page.
    sha256 : str or None
        Digest of the PNG file; None before it is drawn.
    """

    name: str
    title: str
    caption: str
    sha256: str | None = None


@dataclass(frozen=True, eq=False)
class RunFigure:
    """A figure with its card and its numbers.

    Attributes
    ----------
    card : FigureRecord
        What it shows.
    figure : Figure
        The figure.
    numbers : mapping of str to sequence
        Columns of equal length.
    """

    card: FigureRecord
    figure: plots.Figure
    numbers: Mapping[str, Sequence[Any] | NDArray[Any]]


def csv_text(columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> str:
    """Columns as comma-separated values with a header; floats with all their digits.

    Examples
    --------
    >>> print(csv_text({"k": [0.0, 0.5], "name": ["a", "b, c"]}))
    k,name
    0.0,a
    0.5,"b, c"
    """
    listed = {name: np.asarray(value).tolist() for name, value in columns.items()}
    lengths = {len(value) for value in listed.values()}
    if len(lengths) > 1:
        raise ShapeError(f"Argument `columns` must have one length, but has {sorted(lengths)}.")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(listed)
    writer.writerows(zip(*listed.values(), strict=True))
    return stream.getvalue()


def columns_of_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Turn rows with equal keys into columns; lists within are joined by spaces.

    Examples
    --------
    >>> columns_of_rows([{"grid": [8, 8], "n": 1}, {"grid": [32], "n": 2}])
    {'grid': ['8 8', '32'], 'n': [1, 2]}
    """
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            text = " ".join(map(str, value)) if isinstance(value, list | tuple) else value
            columns.setdefault(name, []).append("" if text is None else text)
    return columns


def momenta(n: int) -> NDArray[np.float64]:
    """Momenta of the periodic grid of n points, as of `topophys.k_grid`.

    Shapes: returns (n,).

    Examples
    --------
    >>> momenta(4) / np.pi
    array([-1. , -0.5,  0. ,  0.5])
    """
    return k_grid(n)[:, 0]


# ---------------------------------------------------------------- Pictures that every run gets

#: Measures to draw; the page lists all.
MEASURES: Final = ("raw", "modulo exact", "window 4", "used part", "read-out")


def common_figures(run: Run, dataset: Dataset) -> Iterator[RunFigure]:
    """Training, confusion, and whatever was measured."""
    yield RunFigure(
        FigureRecord(
            "training",
            "Training",
            "Losses and the share of wrong answers on the validation split by epoch; the line marks"
            " the epoch whose weights are kept. Regression loss: distance of the real-valued output"
            " from the integer. Auxiliary loss: cross entropy over the classes shown, added with"
            f" weight {run.config.auxiliary_weight:g}. Val loss: the regression loss on the"
            " validation split.",
        ),
        plots.plot_training(
            [row | {"epoch": row["epoch"] + 1} for row in run.history],
            best=run.best_epoch["epoch"] + 1,
        ),
        columns_of_rows(run.history),
    )
    yield _confusion(run, dataset)
    accuracy, probes, causal, audit = (
        current_measurement(run, dataset, name)
        for name in ("accuracy", "probes", "causal", "audit")
    )
    if accuracy is not None:
        rows = [r for r in accuracy if r["split"] in held_out_splits(run, dataset)]
        card = FigureRecord(
            "accuracy",
            "Accuracy on each split",
            "Splits that training did not see, with 95 % Wilson intervals; diamonds: the formula on"
            " the same points. An arrow stands where no error was met. Classes are in the table.",
        )
        whole = [row for row in rows if row["invariant"] == "all"]
        yield RunFigure(card, plots.plot_accuracy(whole), columns_of_rows(rows))
    if probes is not None:
        card = FigureRecord(
            "probes",
            "Probes and their controls",
            "Held-out R2 of linear probes with 95 % intervals: of the layers as they are, of"
            " densities modulo exact forms and summed over windows, of the part of a layer that"
            " the output depends on, and of the density itself, to which nothing is fitted.",
        )
        figure = plots.plot_probes(probe_rows(probes))
        yield RunFigure(card, figure, columns_of_rows(probes["results"]))
    if causal is not None:
        yield _causal(causal, dataset.split(causal["split"]).classes)
    if audit is not None:
        card = FigureRecord(
            "audit",
            "Symmetries",
            "How far layers and output miss what exact physics demands when a symmetry acts on the"
            f" input, on {audit['n_hamiltonians']} Hamiltonians.",
        )
        yield RunFigure(card, plots.plot_audit(audit["rows"]), columns_of_rows(audit["rows"]))


def _confusion(run: Run, dataset: Dataset) -> RunFigure:
    label, named = _all_answers(run, dataset)
    card = FigureRecord(
        "confusion",
        "Named against true invariant",
        "All splits that training did not see; classes seen in training are marked.",
    )
    symbol = get_task(run.kind).symbol.replace("nu", r"\nu")
    seen = run.provenance["classes_seen"]
    figure = plots.plot_confusion(label, named, trained=seen, symbol=symbol)
    pairs, counts = np.unique(np.stack([label, named]), axis=1, return_counts=True)
    return RunFigure(card, figure, {"true": pairs[0], "named": pairs[1], "count": counts})


def _causal(causal: dict[str, Any], classes: dict[int, int]) -> RunFigure:
    card = FigureRecord(
        "causal",
        "Does the network use what the probes read",
        "Share of cases in which the network names the integer that exact physics predicts after a"
        " quantity was erased from a layer, a layer moved to where it would be for another angle,"
        " or part of the zone taken from another Hamiltonian. Dashed: the most frequent class.",
    )
    chance = max(classes.values()) / sum(classes.values())
    rows = causal["results"]
    return RunFigure(card, plots.plot_causal(rows, chance=chance), columns_of_rows(rows))


def probe_rows(probes: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows on the split of the report, with the measure in the name of the group."""
    # runs probed by earlier releases have one measure and one split
    default = {"measure": "raw", "split": probes["split"]}
    rows = [
        row for row in (default | r for r in probes["results"]) if row["split"] == probes["split"]
    ]
    shown = [row for row in rows if row["measure"] in MEASURES]
    return [
        row | {"target": _asked(row), "layer": row["layer"].removesuffix("_features")}
        for row in shown
    ]


def _asked(row: dict[str, Any]) -> str:
    return row["target"] if row["measure"] == "raw" else f"{row['target']} ({row['measure']})"


def _all_answers(run: Run, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    labels, named = [], []
    for name in held_out_splits(run, dataset):
        x, label = dataset.split(name).read("x", "label")
        labels.append(label.astype(np.int64))
        real = predict_invariants(run.encoder, x)
        if not names_integer(real).all():
            raise CheckpointError(
                f"Run `{run.path}` gives no finite numbers for some samples of split `{name}`:"
                " nothing can be drawn of it; train again."
            )
        named.append(nearest_integers(real))
    return np.concatenate(labels), np.concatenate(named)


# ------------------------------------------------------------ Pictures of networks that read chains

#: Hamiltonians to fit the read-outs on, and to show in the density plot.
N_FIT: Final = 1000
N_SHOW: Final = 500
#: Points of the lines drawn for the exact physics.
N_FINE: Final = 1024
#: Sizes of the invariant to show an example of.
SHOWN: Final = (0, 1, -1, 2, -2, 3)
EXACT: Final = ("cos_sin_alpha", "dalpha")


def chain_figures(run: Run, dataset: Dataset) -> Iterator[RunFigure]:
    """Winding angle, winding steps, loops of the determinant."""
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
        found = largest_gap_samples(run, dataset)
        places = {nu: found[nu] for nu in SHOWN if nu in found} or found
        self.run, self.nu = run, np.array(list(places))
        self.chains = [_chain(dataset.split(s), i) for s, i in places.values()]
        grid = dataset.split(run.config.train_split).grid
        parts = [run.prepare_input(chain, k_points=grid[0])[0] for chain in self.chains]
        self.x = np.concatenate(parts)
        self.blocks = np.stack([chain.block_on_grid(N_FINE) for chain in self.chains])

    def winding_angle(self, decoder: LinearDecoder) -> RunFigure:
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
        card = FigureRecord(
            "winding_angle",
            "Winding angle: layer h1 against exact physics",
            f"Linear read-out of h1, fitted on {self.run.config.val_split!r}, beside alpha(k) ="
            " arg det D(k) of Hamiltonians it was not fitted on: for each winding number the one"
            " with the largest proven gap among those that training did not see.",
        )
        return RunFigure(
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

    def det_loop(self) -> RunFigure:
        f = np.linalg.det(self.blocks)
        card = FigureRecord(
            "det_loop",
            "Loops of det D(k)",
            "The winding number is the number of turns around the origin. Drawn from the hoppings"
            " themselves, not flattened, for the same Hamiltonians.",
        )
        return RunFigure(
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


def _winding_steps(run: Run, dataset: Dataset, decoder: LinearDecoder) -> RunFigure:
    name = held_out_splits(run, dataset)[0]
    split = dataset.split(name)
    hidden = activations(run.encoder, split.read("x", index=slice(0, N_SHOW))[0])["h2_features"]
    chains = split.hamiltonians(slice(0, N_SHOW))
    exact = exact_targets(chains, ["dalpha"], grid=hidden.shape[1:-1])["dalpha"][..., 0]
    read = decoder(hidden)[..., 0]
    card = FigureRecord(
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
    return RunFigure(card, plots.plot_winding_steps(read, exact), numbers)


# ------------------- Pictures of networks that read two-band Hamiltonians, and of such Hamiltonians

#: Name of the flux map of a data set.
CHERN_DATA: Final = "berry_flux"
#: Hamiltonians to fit the read-out on.
PLANE_FIT: Final = 500
#: Grid of the flux maps; finer than that of the data set, for the eye.
N_FLUX: Final = (32, 32)
#: Chern numbers to show an example of.
PLANES_SHOWN: Final[tuple[int, ...]] = (1, -1, 2, -2, 0)


def plane_figures(run: Run, dataset: Dataset) -> Iterator[RunFigure]:
    """Exact flux beside what is read from layer h3."""
    split = dataset.split(run.config.val_split)
    pick, grid = slice(0, PLANE_FIT), split.grid
    hidden = activations(run.encoder, split.read("x", index=pick)[0])["h3_features"]
    exact = exact_targets(split.hamiltonians(pick), ["flux"], grid=hidden.shape[1:-1])["flux"]
    flat = [a.reshape(len(a), -1, a.shape[-1]) for a in (hidden, exact)]
    decoder = fit_decoder(flat[0], flat[1])
    found = largest_gap_samples(run, dataset)
    maps, charges = [], []
    for chern in [c for c in PLANES_SHOWN if c in found] or list(found):
        part, index = dataset.split(found[chern][0]), found[chern][1]
        h: Any = part.hamiltonians(index)
        x, _ = run.prepare_input(h, k_points=grid)
        layer = activations(run.encoder, x)["h3_features"]
        maps += [berry_flux_from_d(h.d_on_grid(layer.shape[1:-1])), decoder(layer)[0, ..., 0]]
        charges.append(chern)
    fields = np.stack(maps)
    titles = ["exact $F$", "read from h3"] * len(charges)
    card = FigureRecord(
        "flux_comparison",
        "Berry flux: layer h3 against exact physics",
        f"Linear read-out of h3, fitted on {run.config.val_split!r}, beside the flux F through the"
        " plaquettes of Hamiltonians it was not fitted on, on the grid of the network: for each"
        " Chern number the one with the largest proven gap among those that training did not see.",
    )
    yield RunFigure(
        card,
        plots.plot_berry_flux(fields, titles=titles),
        _plane_numbers(charges, fields[::2], F_read=fields[1::2]),
    )


def chern_data_figure(chern_data: Dataset) -> RunFigure:
    """Draw maps of the exact flux of a data set."""
    found = largest_gaps(chern_data, chern_data.splits)
    places = {chern: found[chern] for chern in sorted(found) if chern != 0}
    samples = [chern_data.split(name).hamiltonians(index) for name, index in places.values()]
    flux = np.stack([berry_flux(h, grid=N_FLUX) for h in samples])
    card = FigureRecord(
        CHERN_DATA,
        "Berry flux through the plaquettes of 2D Hamiltonians",
        "F of the lower band on 32 x 32 plaquettes, of the Hamiltonian with the largest proven gap"
        " for each Chern number C of the data set; C is proven from the hoppings.",
    )
    figure = plots.plot_berry_flux(flux, chern=np.array(list(places)))
    return RunFigure(card, figure, _plane_numbers(list(places), flux))


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


# ------------------------------------------------ Pictures of a run, each with the numbers it shows


def draw_figures(run: Run, dataset: Dataset, *, chern_data: Dataset | None = None) -> list[Path]:
    """Draw the pictures of a run into its folder `figures`: PNG, SVG, and the numbers as CSV.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Data set of the kind that the network reads.
    chern_data : Dataset, optional
        Data set of Chern numbers, for a flux map beside a network of chains; one that an earlier
        call drew is kept.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        If the data set is of another kind, or has no split that training did not see.
    OutputError
        If the folder is not writable.
    """
    check_kind(run, dataset)
    if not held_out_splits(run, dataset):
        raise InputError(
            "Argument `dataset` must have a split that training did not see, but has"
            f" {', '.join(dataset.splits)}; add one to the recipe."
        )
    folder = make_folder(run.path / "figures")
    pictures = chain(
        get_task(run.kind).figures(run, dataset),
        common_figures(run, dataset),
        () if chern_data is None else [chern_data_figure(chern_data)],
    )
    paths: list[Path] = []
    cards = []
    for picture in pictures:
        paths += plots.save_figure(picture.figure, folder / picture.card.name, dpi=200)
        table = folder / f"{picture.card.name}.csv"
        paths.append(write_text(table, csv_text(picture.numbers)))
        drawn = folder / f"{picture.card.name}.png"
        cards.append(asdict(replace(picture.card, sha256=sha256(drawn))))
    if chern_data is None:
        cards += _kept(folder)
    save_result(run, dataset, "figures/figures.json", cards)
    return paths


def _kept(folder: Path) -> list[dict[str, Any]]:
    """Card of the flux map that an earlier call drew, of a data set that is not available now."""
    earlier = read_figure_records(folder)
    return [c for c in earlier if c["name"] == CHERN_DATA and is_as_drawn(folder, c)]
