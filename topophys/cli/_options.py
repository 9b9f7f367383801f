"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Quiet"]

Quiet = Annotated[bool, typer.Option("--quiet", help="No progress display.")]
