"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Force", "Quiet"]

Force = Annotated[
    bool, typer.Option("--force", help="Also replace a file that topophys did not make.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress display.")]
