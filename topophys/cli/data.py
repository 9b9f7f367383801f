"""Commands about data sets."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from topophys.cli._options import Force, Json, Quiet, require

if TYPE_CHECKING:
    from topophys.datasets import Summary

__all__ = ["COMMANDS"]


def generate(
    recipe: Annotated[Path, typer.Argument(help="Recipe (TOML).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    workers: Annotated[
        int | None, typer.Option(help="Number of workers; by default one for each CPU core.")
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(help="Generate only shards a:b, or part i/n (i from 1 to n)."),
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Draw Hamiltonians, prove their invariants, and write a data set.

    An interrupted run continues where it stopped when it is started again.

    Example: topophys generate datasets/winding-1d/recipe.toml -o winding.h5
    """
    require(recipe, "Recipe", "give the path of a TOML file")
    from topophys._io import require_distinct
    from topophys.datasets import Recipe
    from topophys.datasets import generate as make

    require_distinct(output, recipe)
    plan = Recipe.from_toml(recipe)
    part = None if shards is None else _stretch(shards, plan.n_shards)
    made = make(plan, output, workers=workers, shards=part, progress=not quiet, force=force)
    print(_record(made) if as_json else made)


def _record(summary: Summary) -> str:
    """One line of JSON: what was drawn and kept, by split."""
    return json.dumps(asdict(summary) | {"path": str(summary.path)})


def _stretch(text: str, total: int) -> tuple[int, int]:
    """First shard and the one after the last, from "a:b" or "i/n"."""
    found = re.fullmatch(r"([0-9]{1,9})([:/])([0-9]{1,9})", text.strip())
    if found is None:
        raise typer.BadParameter(f"--shards must be a:b or i/n, such as 0:10 or 3/8, not {text!r}")
    a, b = int(found[1]), int(found[3])
    if found[2] == ":":
        return a, b
    if not 1 <= a <= b <= total:
        raise typer.BadParameter(
            f"--shards i/n must have 1 <= i <= n <= {total}, the number of shards, not {text!r}"
        )
    return total * (a - 1) // b, total * a // b


def join(
    parts: Annotated[list[Path], typer.Argument(help="Parts made with --shards (HDF5).")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Index (.json) or single HDF5 file to write.")
    ],
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Join the parts of a data set, made by separate jobs, after checking every byte.

    If the output name ends in .json, an index of the parts is written; otherwise one HDF5 file.

    Example: topophys join parts/*.h5 -o parts/winding.json
    """
    from topophys.datasets import join as make

    made = make(parts, output, progress=not quiet, force=force)
    print(_record(made) if as_json else made)


def label(
    source: Annotated[
        str,
        typer.Argument(
            help="NumPy archive, HDF5, Wannier90 or TBmodels file, folder, pattern, or list (CSV:"
            " file, n_occupied or fermi_energy, question)."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Data set (.h5) or table (.csv) to write.")
    ],
    grid: Annotated[
        str | None, typer.Option(help="Number of k points of the input, such as 32 or 12,12.")
    ] = None,
    min_gap: Annotated[float, typer.Option(help="Smallest gap that must be proven.")] = 0.0,
    occupied: Annotated[
        int | None,
        typer.Option("-n", "--occupied", help="Number of occupied bands of the files."),
    ] = None,
    fermi_energy: Annotated[
        float | None,
        typer.Option("--fermi-energy", help="Instead of -n: an energy in their gaps, in eV."),
    ] = None,
    question: Annotated[
        Literal["winding", "chern", "gap", "z2", "planes"] | None,
        typer.Option(
            help="For tables: quantity to compute; by default it depends on the dimension."
        ),
    ] = None,
    flatten_bands: Annotated[bool, typer.Option(help="Flatten the bands in the input.")] = True,
    splits: Annotated[
        str | None, typer.Option(help="Splits of a data set: train=0.8,val=0.1,test=0.1.")
    ] = None,
    quiet: Quiet = False,
    force: Force = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; of a table one line for each file.")
    ] = False,
) -> None:
    """Prove the invariants of your own Hamiltonians and store them as a data set.

    Arrays: `vectors` (M, dim) and one of `block` (S, M, N, N), `d` (S, M, 3), `hoppings`
    (S, M, n, n). A table lists files of any dimension and size, and the reasons of
    failures; the exit status is 1 if no file gets a label.

    Example: topophys label materials -n 28 -o labels.csv
    """
    from topophys.datasets import label as make
    from topophys.datasets.label_table import LabelTable

    points = None if grid is None else _grid(grid)
    made = make(
        source,
        output,
        grid=points,
        min_gap=min_gap,
        n_occupied=occupied,
        fermi_energy=fermi_energy,
        flatten_bands=flatten_bands,
        question=question,
        splits=None if splits is None else _splits(splits),
        progress=not quiet,
        force=force,
    )
    if not as_json:
        print(made)
    elif isinstance(made, LabelTable):
        print("\n".join(json.dumps(row.row()) for row in made.rows))
    else:
        print(_record(made))
    if isinstance(made, LabelTable) and made.labelled == 0:
        raise typer.Exit(1)


def _splits(text: str) -> dict[str, float]:
    pairs = [re.fullmatch(r"\s*([\w.-]+)=(\d*\.?\d+)\s*", part) for part in text.split(",")]
    found = {pair[1]: float(pair[2]) for pair in pairs if pair}
    if len(found) != len(pairs):
        raise typer.BadParameter(f"--splits must be such as train=0.8,val=0.2, not {text!r}")
    return found


def _grid(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(,\d+)?", text):
        raise typer.BadParameter(f"--grid must be N or Nx,Ny, such as 32 or 12,12, not {text!r}")
    return tuple(map(int, text.split(",")))


def info(
    file: Annotated[Path, typer.Argument(help="Data set (HDF5).")], as_json: Json = False
) -> None:
    """Print the card of a data set: what it holds and how it was made.

    Example: topophys info winding.h5
    """
    require(file, "Data file", f"make it with `topophys generate RECIPE.toml -o {file}`")
    from topophys.datasets import open_dataset

    with open_dataset(file) as dataset:
        if as_json:
            sizes = {name: len(dataset.split(name)) for name in dataset.splits}
            record = {"file": str(file), "kind": dataset.kind, "splits": sizes}
            print(json.dumps(record | {"recipe": dataset.recipe.model_dump(mode="json")}))
        else:
            print(dataset.card())


def verify(
    file: Annotated[
        Path,
        typer.Argument(help="Data set (HDF5), certificate (.cert.json) or archive (.phases.zip)."),
    ],
    recompute: Annotated[
        str, typer.Option(help="Fraction of samples to prove again, such as 0.01, or 'all'.")
    ] = "all",
    checker: Annotated[
        bool,
        typer.Option("--checker", help="Also check these labels with the independent checker."),
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Check structure and checksums, and prove labels again from the hoppings.

    The exit status is 1 if anything is wrong.

    With --checker each label that is proven again is also written as a certificate and checked by
    a program that shares no code with the proofs. Certificates, and archives of proven phase
    diagrams and equivalences, are always checked by that program.

    Example: topophys verify winding.h5 --recompute 0.01
    """
    require(file, "Data file", f"make it with `topophys generate RECIPE.toml -o {file}`")
    if file.name.endswith((".cert.json", ".phases.zip")):
        _verify_proof(file, as_json=as_json)
        return
    from topophys.datasets import verify as check

    report = check(file, recompute=_share(recompute), checker=checker, progress=not quiet)
    if as_json:
        record = {"file": str(report.path), "ok": report.ok, "problems": report.problems}
        print(json.dumps(record | {"checked": report.checked}))
    else:
        print(report)
    if not report.ok:
        raise typer.Exit(1)


def _verify_proof(file: Path, *, as_json: bool) -> None:
    """Send a certificate, or an archive of them, through the independent checkers."""
    from topophys.errors import InputError, MissingPackageError
    from topophys.invariants.certificate_file import verify_certificate

    try:
        ok, said = True, verify_certificate(file)
    except MissingPackageError:  # nothing is known about the file
        raise
    except InputError as error:
        ok, said = False, str(error).removeprefix(f"{file} is ")
    if as_json:
        print(json.dumps({"file": str(file), "ok": ok, "statement": said}))
    else:
        print(f"{file}: accepted: {said}" if ok else f"{file}: {said}")
    if not ok:
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


COMMANDS: Final = (generate, label, join, info, verify)
