"""Which shards of an unfinished file are done, so that a run that was killed can go on."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from topophys import __version__
from topophys._files import parse_json
from topophys.datasets.portion import Portion

__all__ = ["Done", "Journal"]

#: First words of a journal; tells it from any other file.
FORMAT: Final = "topophys-journal-1"
#: Bytes of a line that is looked at; those of a shard are some hundred.
LONGEST: Final = 1 << 16
#: Bound of its counts: all of them together are stored as int64.
MOST: Final = 1 << 53


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
            Its finished shards, each once; lines that are not of this form do not count.
        """
        try:
            with self.path.open("rb") as stream:
                lines = map(_decode, iter(partial(stream.readline, LONGEST), b""))
                entries = [entry for entry in lines if entry is not None]
        except FileNotFoundError:
            return None, []
        if not entries or entries[0].get("format") != FORMAT:
            return None, []
        shards = [done for done in map(_shard, entries[1:]) if done is not None]
        return entries[0], list({(done.split, done.number): done for done in shards}.values())

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


def _decode(line: bytes) -> dict[str, Any] | None:
    text, _, seal = line.rstrip(b"\n").rpartition(b" ")
    if hashlib.sha256(text).hexdigest().encode() != seal:
        return None
    try:
        entry = parse_json(text)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _shard(entry: dict[str, Any]) -> Done | None:
    """Take a line at its word if it speaks of a shard; without, the shard is drawn again."""
    if set(entry) != {field.name for field in fields(Done)}:
        return None
    rejected, sha256 = entry["rejected"], entry["sha256"]
    if not (isinstance(rejected, dict) and isinstance(sha256, dict)):
        return None
    counts = (entry["number"], entry["drawn"], *rejected.values())
    numbers = all(type(count) is int and 0 <= count < MOST for count in counts)
    texts = all(isinstance(text, str) for text in (entry["split"], *sha256.values()))
    return Done(**entry) if numbers and texts else None
