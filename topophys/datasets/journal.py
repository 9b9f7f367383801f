"""Which shards of an unfinished file are done, so that a run that was killed can go on."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from topophys import __version__
from topophys.datasets.portion import Portion

__all__ = ["Done", "Journal"]

#: First words of a journal; tells it from any other file.
FORMAT: Final = "topophys-journal-1"


@dataclass(frozen=True)
class Done:
    """One shard that was written.

    Attributes
    ----------
    split : str
        Name of the split.
    number : int
        Number of the shard within the split.
    drawn : int
        Hamiltonians drawn for it.
    rejected : dict of str to int
        How many were not kept, by reason.
    sha256 : dict of str to str
        Digest of each field, in hexadecimal.
    """

    split: str
    number: int
    drawn: int
    rejected: dict[str, int]
    sha256: dict[str, str]


class Journal:
    """Lines of text beside an unfinished file, one for each shard, added when it is written.

    Every line ends with a digest of itself: the last one may have been cut off.

    Parameters
    ----------
    path : Path
        Name of the journal.
    portion : Portion
        What the file will hold.
    """

    def __init__(self, path: Path, portion: Portion) -> None:
        self.path = path
        # other versions may draw other numbers: a file must not be made by two
        self.head: dict[str, Any] = {
            "format": FORMAT,
            "recipe_digest": portion.recipe.digest,
            "shards": [portion.first, portion.stop],
            "topophys_version": __version__,
            "numpy_version": np.__version__,
        }
        self._stream: int | None = None

    def read(self) -> tuple[dict[str, Any] | None, list[Done]]:
        """Read what an earlier run has left.

        Returns
        -------
        head : dict or None
            What that run was making; None where there is no journal.
        done : list of Done
            Its finished shards.
        """
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return None, []
        entries = [entry for entry in map(_decode, lines) if entry is not None]
        if not entries or entries[0].get("format") != FORMAT:
            return None, []
        return entries[0], [Done(**entry) for entry in entries[1:]]

    def start(self, done: list[Done]) -> None:
        """Begin a fresh journal, with the shards that are already there.

        Parameters
        ----------
        done : list of Done
            Finished shards.
        """
        # whole or not at all: a journal that lost its lines would lose the work
        fresh = self.path.with_name(self.path.name + ".new")
        lines = [_encode(self.head), *(_encode(vars(entry)) for entry in done)]
        fresh.write_text("".join(lines), encoding="utf-8")
        fresh.replace(self.path)
        self._stream = os.open(self.path, os.O_WRONLY | os.O_APPEND)

    def add(self, entry: Done) -> None:
        """Note that one more shard is written.

        Parameters
        ----------
        entry : Done
            The shard.
        """
        if self._stream is not None:
            os.write(self._stream, _encode(vars(entry)).encode())

    def remove(self) -> None:
        """Forget everything."""
        self.close()
        self.path.unlink(missing_ok=True)
        self.path.with_name(self.path.name + ".new").unlink(missing_ok=True)

    def close(self) -> None:
        """Write no more."""
        if self._stream is not None:
            os.close(self._stream)
            self._stream = None


def _encode(entry: dict[str, Any]) -> str:
    text = json.dumps(entry)
    return f"{text} {hashlib.sha256(text.encode()).hexdigest()}\n"


def _decode(line: str) -> dict[str, Any] | None:
    text, _, seal = line.rpartition(" ")
    if hashlib.sha256(text.encode()).hexdigest() != seal:
        return None
    entry: dict[str, Any] = json.loads(text)
    return entry
