"""Commands about data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

__all__ = ["COMMANDS"]


def generate(
    recipe: Annotated[Path, typer.Argument(help="Recipe (TOML).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to make.")],
    workers: Annotated[
        int | None, typer.Option(help="Number of workers; by default one for each CPU core.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress display.")] = False,
) -> None:
    """Draw Hamiltonians, prove their invariants, write a data set.

    Example: topophys generate datasets/winding-1d/recipe.toml -o winding.h5
    """
    from topophys.datasets import Recipe
    from topophys.datasets import generate as make

    print(make(Recipe.from_toml(recipe), output, workers=workers, progress=not quiet))


def info(file: Annotated[Path, typer.Argument(help="Data set (HDF5).")]) -> None:
    """Print the card of a data set: what it holds and how it was made.

    Example: topophys info winding.h5
    """
    from topophys.datasets import open_dataset

    with open_dataset(file) as dataset:
        print(dataset.card())


def verify(
    file: Annotated[Path, typer.Argument(help="Data set (HDF5).")],
    recompute: Annotated[
        str, typer.Option(help="Share of samples to prove anew, such as 0.01, or 'all'.")
    ] = "all",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress display.")] = False,
) -> None:
    """Check structure and checksums, and prove labels anew from the hoppings.

    Exit status 1 if anything is wrong.

    Example: topophys verify winding.h5 --recompute 0.01
    """
    from topophys.datasets import verify as check

    report = check(file, recompute=_share(recompute), progress=not quiet)
    print(report)
    if not report.ok:
        raise typer.Exit(1)


def _share(text: str) -> Literal["all"] | float:
    if text == "all":
        return "all"
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(
            f"must be 'all' or a number from 0 to 1, but is {text!r}"
        ) from None


COMMANDS: Final = (generate, info, verify)
