"""Commands about materials."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from topophys.cli._options import Quiet

__all__ = ["COMMANDS"]


def generate(
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to make.")],
    size: Annotated[int, typer.Option("-n", "--size", help="Number of toy materials.")] = 50_000,
    dim: Annotated[int, typer.Option(help="2 for layers, 3 for solids.")] = 2,
    seed: Annotated[int, typer.Option(help="Root seed.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    quiet: Quiet = False,
) -> None:
    """Draw toy materials, prove their classes, compute every modality.

    Example: topophys materials generate -n 50000 -o toys.h5
    """
    from topophys.materials import generate_toys

    made = generate_toys(output, size, dim=dim, seed=seed, workers=workers, progress=not quiet)
    print(made)


def train(
    data: Annotated[Path, typer.Argument(help="Toy materials (HDF5), or a folder of lists.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to make.")],
    structures: Annotated[
        Path | None, typer.Option(help="Structures for the lists (JSON of JARVIS, may be zipped).")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the data.")] = 10,
    seed: Annotated[int, typer.Option(help="Of weights, order and split.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Train the classifier; print its scores on what it did not see.

    Example: topophys materials train toys.h5 -o runs/toys --epochs 10
    """
    from dataclasses import replace

    from topophys.materials import TrainOptions, fit_lists, fit_toys, read_jarvis, report
    from topophys.materials.training import LIST_OPTIONS

    if data.is_dir():
        found = None if structures is None else read_jarvis(structures)
        if found is not None:
            print(f"structures: {found}")
        options = replace(LIST_OPTIONS, epochs=epochs, seed=seed)
        run = fit_lists(data, output, options, structures=found, progress=not quiet)
    else:
        options = TrainOptions(epochs=epochs, seed=seed)
        run = fit_toys(data, output, options, progress=not quiet)
    print(report(run))
    print(f"run folder: {output}")


def predict(
    run: Annotated[Path, typer.Argument(help="Folder that `topophys materials train` made.")],
    files: Annotated[list[Path], typer.Argument(help="Structures: CIF or POSCAR.")],
    occupancy: Annotated[
        Literal["refuse", "majority"],
        typer.Option(help="Partly occupied sites: refuse, or take the most frequent element."),
    ] = "refuse",
    species: Annotated[
        str | None,
        typer.Option(help="Elements of a POSCAR of VASP 4, in its order, such as 'Bi Se'."),
    ] = None,
) -> None:
    """Class probabilities of structures, and which modalities they rest on.

    A file that cannot be read stops no other one; exit status 1 if there is one.

    Example: topophys materials predict runs/toys POSCAR
    """
    from topophys.errors import DatasetError, InputError
    from topophys.materials import load_material_run, read_structure

    loaded = load_material_run(run)
    failed = 0
    for file in files:
        try:
            print(loaded.predict(read_structure(file, species=species, occupancy=occupancy)))
        except (DatasetError, InputError) as error:
            if len(files) == 1:
                raise
            failed += 1
            print(f"{file}\n  failed     {error}")
    if failed:
        print(f"{failed} of {len(files)} files failed")
        raise typer.Exit(1)


def report(
    run: Annotated[Path, typer.Argument(help="Folder that `topophys materials train` made.")],
) -> None:
    """Print what a run was trained on, its scores by class, and its modalities.

    Example: topophys materials report runs/toys
    """
    from topophys.materials import load_material_run
    from topophys.materials import report as text

    print(text(load_material_run(run)))


COMMANDS: Final = (generate, train, predict, report)
