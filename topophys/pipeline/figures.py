"""Pictures of a run, each with the numbers it shows."""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain
from pathlib import Path

from topophys import plots
from topophys._files import make_folder, write_json, write_text
from topophys.datasets import Dataset
from topophys.errors import InputError
from topophys.learn import Run
from topophys.pipeline.figures_chains import chain_pictures
from topophys.pipeline.figures_planes import SURFACE, plane_pictures, surface_picture
from topophys.pipeline.figures_shared import shared_pictures
from topophys.pipeline.measured import read_cards
from topophys.pipeline.pictures import FigureCard, csv_text
from topophys.pipeline.splits import check_kind, unseen

__all__ = ["FigureCard", "draw_figures"]


def draw_figures(run: Run, dataset: Dataset, *, surface: Dataset | None = None) -> list[Path]:
    """Draw the pictures of a run into its folder `figures`: PNG, SVG, and the numbers as CSV.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Data set of the kind that the network reads.
    surface : Dataset, optional
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
    if not unseen(run, dataset):
        raise InputError(
            "Argument `dataset` must have a split that training did not see, but has"
            f" {', '.join(dataset.splits)}; add one to the recipe."
        )
    folder = make_folder(run.path / "figures")
    local = {"winding": chain_pictures, "chern": plane_pictures}.get(run.kind)
    pictures = chain(
        () if local is None else local(run, dataset),
        shared_pictures(run, dataset),
        () if surface is None else [surface_picture(surface)],
    )
    paths: list[Path] = []
    cards = []
    for picture in pictures:
        paths += plots.save_figure(picture.figure, folder / picture.card.name)
        table = folder / f"{picture.card.name}.csv"
        paths.append(write_text(table, csv_text(picture.numbers)))
        cards.append(asdict(picture.card))
    if surface is None:
        cards += _kept(folder)
    write_json(folder / "figures.json", cards)
    return paths


def _kept(folder: Path) -> list[dict[str, str]]:
    """Card of the flux map that an earlier call drew, of a data set that is not at hand now."""
    earlier = read_cards(folder)
    return [c for c in earlier if c["name"] == SURFACE and (folder / f"{SURFACE}.png").is_file()]
