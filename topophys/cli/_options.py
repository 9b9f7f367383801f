"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from topophys._progress import say
from topophys.errors import DatasetError

__all__ = ["Force", "Json", "Quiet", "note", "require"]

Force = Annotated[
    bool, typer.Option("--force", help="Also replace a file that topophys did not make.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _be_quiet(quiet: bool) -> bool:
    """Let kernels not say either that they are compiled."""
    if quiet:
        os.environ["TOPOPHYS_QUIET"] = "1"
    return quiet


Quiet = Annotated[bool, typer.Option("--quiet", help="No progress display.", callback=_be_quiet)]


def require(path: Path | None, what: str, remedy: str) -> None:
    """Raise where an input is missing, before seconds are spent on importing what would read it."""
    if path is not None and not path.exists():
        raise DatasetError(f"{what} `{path}` does not exist; {remedy}.")


def note(text: str) -> None:
    """Say in one line on stderr what is no result; it may get lost."""
    say(f"topophys: {' '.join(text.split())}")
