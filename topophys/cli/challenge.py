"""The command `topophys challenge`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from topophys.cli._options import Quiet

__all__ = ["COMMANDS"]


def challenge(
    entry: Annotated[
        str | None,
        typer.Argument(
            help="Entry to score: formula, fft-formula, hybrid, module:function, a .onnx file, or a"
            " .csv file with the columns test,index,value. Without it the tests are listed."
        ),
    ] = None,
    tests: Annotated[
        str | None, typer.Option("--tests", help="Comma-separated names of tests; by default all.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Seed of the hidden halves, to repeat an earlier score."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the public halves to this folder instead of scoring."),
    ] = None,
    certificates: Annotated[
        bool, typer.Option("--certificates", help="Also export certificate files of all labels.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="JSON file for the scores.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Allow -o to replace a file of another kind.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Score predictions of invariants on proven test sets; half of each set is newly drawn.

    An entry of your own is module:function. With --export the public halves are written for
    programs of other kinds.

    Example: topophys challenge hybrid --tests chains-12,planes-6
    """
    from topophys._io import check_output
    from topophys.errors import InputError
    from topophys.learn.challenge import CHALLENGE, export_challenge, is_score, score_challenge

    names = [x.strip() for x in tests.split(",") if x.strip()] if tests is not None else None
    if certificates and export is None:
        raise InputError("Option --certificates needs --export FOLDER.")
    if entry is None and (output is not None or seed is not None):
        raise InputError("Options -o and --seed need an entry to score.")
    if output is not None:
        check_output(output, ours=is_score, force=force)
    if export is not None:
        if entry is not None:
            raise InputError("Give an entry to score or --export FOLDER, not both.")
        place = export_challenge(export, names, certificates=certificates, progress=not quiet)
        print(f"wrote {place}")
        return
    if entry is None:
        if as_json:
            print(json.dumps(dict(CHALLENGE)))
        else:
            print("\n".join(f"{name:26s} {about}" for name, about in CHALLENGE.items()))
        return
    score = score_challenge(entry, names, hidden_seed=seed, progress=not quiet)
    print(json.dumps(score.to_dict()) if as_json else "\n".join(score.lines()))
    if output is not None:
        score.save(output, force=force)


COMMANDS = (challenge,)
