"""Pictures that every run gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import plots
from topophys.datasets import Dataset
from topophys.learn import Run
from topophys.learn.evaluate import predict_invariants
from topophys.pipeline.measured import read_measured
from topophys.pipeline.pictures import FigureCard, Picture, columns_of_rows
from topophys.pipeline.splits import unseen

__all__ = ["rungs", "shared_pictures"]

#: Measures to draw; the page lists all.
MEASURES: Final = ("raw", "modulo exact", "window 4", "used part", "read-out")


def shared_pictures(run: Run, dataset: Dataset) -> Iterator[Picture]:
    """Training, confusion, and whatever was measured.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Its data set.

    Yields
    ------
    Picture
        In the order of the page.
    """
    yield Picture(
        FigureCard("training", "Training", "Loss and accuracy on the validation split by epoch."),
        plots.plot_training(run.history),
        columns_of_rows(run.history),
    )
    yield _confusion(run, dataset)
    accuracy, probes, causal, audit = (
        read_measured(run.path, name) for name in ("accuracy", "probes", "causal", "audit")
    )
    if accuracy is not None:
        rows = [r for r in accuracy if r["split"] in unseen(run, dataset)]
        card = FigureCard(
            "accuracy",
            "Accuracy on each split",
            "Splits that training did not see, whole and by the size of the invariant, with"
            " 95 % Wilson intervals.",
        )
        named = [row | {"split": _row_name(row)} for row in rows]
        yield Picture(card, plots.plot_accuracy(named), columns_of_rows(rows))
    if probes is not None:
        card = FigureCard(
            "probes",
            "Probes and their controls",
            "Held-out R2 of linear probes with 95 % intervals: of the layers as they are, of"
            " densities modulo exact forms and summed over windows, of the part of a layer that"
            " the output depends on, and of the density itself, to which nothing is fitted.",
        )
        figure = plots.plot_probe_ladder(rungs(probes))
        yield Picture(card, figure, columns_of_rows(probes["results"]))
    if causal is not None:
        yield _causal(causal, dataset.split(causal["split"]).classes)
    if audit is not None:
        card = FigureCard(
            "audit",
            "Symmetries",
            "How far layers and output miss what exact physics demands when a symmetry acts on the"
            f" input, on {audit['n_hamiltonians']} Hamiltonians.",
        )
        yield Picture(card, plots.plot_audit(audit["rows"]), columns_of_rows(audit["rows"]))


def _confusion(run: Run, dataset: Dataset) -> Picture:
    label, named = _all_answers(run, dataset)
    card = FigureCard(
        "confusion",
        "Named against true invariant",
        "All splits that training did not see; classes seen in training are marked.",
    )
    symbol = r"\nu" if run.kind == "winding" else "C"
    seen = run.provenance["classes_seen"]
    figure = plots.plot_confusion(label, named, trained=seen, symbol=symbol)
    pairs, counts = np.unique(np.stack([label, named]), axis=1, return_counts=True)
    return Picture(card, figure, {"true": pairs[0], "named": pairs[1], "count": counts})


def _causal(causal: dict[str, Any], classes: dict[int, int]) -> Picture:
    card = FigureCard(
        "causal",
        "Does the network use what the probes read",
        "Share of cases in which the network names the integer that exact physics predicts after a"
        " quantity was erased from a layer, a layer moved to where it would be for another angle,"
        " or part of the zone taken from another Hamiltonian. Dashed: the most frequent class.",
    )
    chance = max(classes.values()) / sum(classes.values())
    rows = causal["results"]
    return Picture(card, plots.plot_causal(rows, chance=chance), columns_of_rows(rows))


def rungs(probes: dict[str, Any]) -> list[dict[str, Any]]:
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


def _row_name(row: dict[str, Any]) -> str:
    return row["split"] if row["invariant"] == "all" else f"{row['split']}, {row['invariant']}"


def _all_answers(run: Run, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    labels, named = [], []
    for name in unseen(run, dataset):
        x, label = dataset.split(name).read("x", "label")
        labels.append(label.astype(np.int64))
        named.append(np.rint(predict_invariants(run.encoder, x)).astype(np.int64))
    return np.concatenate(labels), np.concatenate(named)
