"""Commands about networks."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from topophys.datasets import Dataset
    from topophys.learn import Run

__all__ = ["COMMANDS"]

RunFolder = Annotated[Path, typer.Argument(help="Folder that `topophys train` made.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="Data set; by default the one of the training.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress display.")]


def train(
    data: Annotated[Path, typer.Argument(help="Data set of winding numbers (HDF5).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to make.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="Training settings (TOML).")
    ] = None,
    device: Annotated[str, typer.Option(help="Where torch computes, such as cpu or cuda.")] = "cpu",
    quiet: Quiet = False,
) -> None:
    """Train a network on the labels of a data set; print its accuracy on every split.

    Example: topophys train winding.h5 -o runs/first --config datasets/winding-1d/training.toml
    """
    from topophys.datasets import open_dataset
    from topophys.learn import FitConfig, fit
    from topophys.pipeline import measure_accuracy
    from topophys.pipeline.tables import accuracy_table

    settings = FitConfig() if config is None else FitConfig.from_toml(config)
    with open_dataset(data) as dataset:
        run = fit(settings, dataset, output, device=device, progress=not quiet)
        print(accuracy_table(measure_accuracy(run, dataset)))
    print(f"run folder: {output}")


def probe(
    run: RunFolder,
    data: Data = None,
    split: Annotated[str, typer.Option(help="Split to take Hamiltonians from.")] = "test",
    n_hamiltonians: Annotated[int, typer.Option("-n", help="How many Hamiltonians.")] = 1000,
    quiet: Quiet = False,
) -> None:
    """Measure what the hidden layers hold, beside the controls; write probes.json.

    Example: topophys probe runs/first
    """
    from topophys._files import write_json
    from topophys.interpret import probe as measure

    loaded, dataset = _open(run, data)
    with dataset:
        report = measure(
            loaded, dataset, split=split, n_hamiltonians=n_hamiltonians, progress=not quiet
        )
    write_json(run / "probes.json", report.to_dict())
    print(report)


def plot(
    run: RunFolder,
    data: Data = None,
    surface: Annotated[
        Path | None, typer.Option("--surface", help="Data set of Chern numbers, for a flux map.")
    ] = None,
) -> None:
    """Draw the figures of a run as PNG and SVG into its folder `figures`.

    Example: topophys plot runs/first
    """
    from topophys.datasets import open_dataset
    from topophys.pipeline import draw_figures

    loaded, dataset = _open(run, data)
    with dataset, nullcontext() if surface is None else open_dataset(surface) as second:
        if second is not None:
            _require(second, "chern", "--surface")
        for path in draw_figures(loaded, dataset, surface=second):
            print(path)


def report(
    run: RunFolder,
    data: Data = None,
    surface: Annotated[
        Path | None, typer.Option("--surface", help="Data set of Chern numbers, for a flux map.")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Measure and draw all again.")] = False,
    quiet: Quiet = False,
) -> None:
    """Measure and draw what a run still lacks; write summary.json and one report.html.

    Example: topophys report runs/first
    """
    from topophys.datasets import open_dataset
    from topophys.pipeline import draw_figures, measure_missing, write_page, write_summary

    loaded, dataset = _open(run, data)
    with dataset, nullcontext() if surface is None else open_dataset(surface) as second:
        if second is not None:
            _require(second, "chern", "--surface")
        made = measure_missing(loaded, dataset, refresh=refresh, progress=not quiet)
        # figures show what was measured: new figures of old measurements would be the same
        if made or refresh or second is not None or not (run / "figures" / "figures.json").exists():
            draw_figures(loaded, dataset, surface=second)
        write_summary(loaded, dataset)
    print(write_page(run))


def predict(
    run: RunFolder,
    file: Annotated[Path, typer.Argument(help="Blocks D(k), .npy of shape (..., N, n, n).")],
) -> None:
    """Name the winding number of chains given by their blocks on a k grid.

    Example: topophys predict runs/first blocks.npy
    """
    from zipfile import BadZipFile

    import numpy as np

    from topophys.errors import InputError
    from topophys.learn import load_run

    try:
        with file.open("rb") as stream:
            blocks = np.load(stream, allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(
            f"Argument `file` must be a NumPy array file, but is not: {error}"
        ) from None
    if not isinstance(blocks, np.ndarray):
        raise InputError(f"Argument `file` must be one array (.npy), but `{file}` is an archive.")
    answer = load_run(run).predict(blocks)
    print("value  real-valued  confidence")
    for value, real, sure in zip(
        answer.value.ravel(), answer.real.ravel(), answer.confidence.ravel(), strict=True
    ):
        print(f"{value:+5d}  {real:+11.4f}  {sure:10.3f}")


def _open(run: Path, data: Path | None) -> tuple[Run, Dataset]:
    from topophys.datasets import open_dataset
    from topophys.learn import load_run

    loaded = load_run(run)
    dataset = open_dataset(data or loaded.provenance["dataset_path"])
    _require(dataset, loaded.kind, "--data")
    return loaded, dataset


def _require(dataset: Dataset, kind: str, option: str) -> None:
    from topophys.errors import KindError

    if dataset.kind != kind:
        raise KindError(
            f"Data file `{dataset.path}` must be of kind {kind!r}, but is of kind"
            f" {dataset.kind!r}; give another one with {option}."
        )


COMMANDS: Final = (train, predict, probe, plot, report)
