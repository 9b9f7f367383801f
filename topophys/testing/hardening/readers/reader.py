"""One way in, for files of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Reader:
    """One way in.

    Attributes
    ----------
    name, what : str
        Short name, and what is read, for the table.
    make : callable
        Fills an empty folder with honest files.
    change : callable
        Changes one of them, given a `random.Random`.
    read : callable
        Reads one, and looks at all that it holds.
    modules : tuple of str
        What coverage guides the changes by, for readers of texts.
    """

    name: str
    what: str
    make: Callable[[Path], None]
    change: Callable[[Any, Path], None]
    read: Callable[[Path], object]
    modules: tuple[str, ...] = ()
