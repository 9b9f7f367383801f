"""Tables in pages of docs/results, each between markers, so that one can be made again alone."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def put(page: Path, name: str, text: str) -> None:
    """Replace what stands between the markers of `name`; raise where they are missing."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    old = page.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.S)
    new, found = pattern.subn(lambda _: f"{start}\n{text.strip()}\n{end}", old)
    if found != 1:
        raise ValueError(f"Page {page.name} must have the markers of `{name}` once, but: {found}.")
    page.write_text(new, encoding="utf-8")


def filled(command: str, table: str, machine: str) -> str:
    """A table with the command that made it and where it was made."""
    return f"{table}\n\n`{command}`; {machine}."
