"""The command that goes the whole way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from topophys.cli._options import Quiet

__all__ = ["COMMANDS"]


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder to make; a number is added if it exists.")
    ] = Path("runs/demo"),
    quick: Annotated[
        bool, typer.Option("--quick", help="A fiftieth of the data: to try it, not to judge it.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Generate, train, probe, plot, report: everything in one folder.

    Example: topophys demo -o runs/demo
    """
    from topophys.pipeline import demo as run_demo

    run_demo(output, quick=quick, progress=not quiet, say=print)


COMMANDS: Final = (demo,)
