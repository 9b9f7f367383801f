"""Taking up an unfinished file: headers made again, shards believed only when they check."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from topophys.datasets import schema
from topophys.datasets.headers import lay_out, sizes
from topophys.datasets.journal import Done
from topophys.datasets.portion import Portion
from topophys.datasets.shards import reasons
from topophys.errors import OutputError

__all__ = ["check_same", "intact", "restore_headers"]

#: Bytes copied or hashed at a time.
BLOCK: Final = 1 << 22


def check_same(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse to go on with what another recipe, stretch of shards or version has begun.

    Parameters
    ----------
    path : Path
        Final name of the file.
    found, wanted : mapping of str to Any
        First line of the journal, as it is and as it must be.

    Raises
    ------
    OutputError
        If they differ.
    """
    for key, value in wanted.items():
        if found.get(key) != value:
            raise OutputError(
                f"`{path}` cannot be written: `{path.name}.partial` is an unfinished run with"
                f" {key} {found.get(key)!r:.70}, and now it is {value!r}; finish that run as it was"
                f" begun, remove `{path.name}.partial`, or give another name."
            )


def restore_headers(portion: Portion, partial: Path, handle: int) -> dict[tuple[str, str], int]:
    """Write the headers of an unfinished file once more, around the samples that are there.

    A run may have been killed while HDF5 wrote them.

    Parameters
    ----------
    portion : Portion
        What the file will hold.
    partial : Path
        The unfinished file.
    handle : int
        File descriptor of it.

    Returns
    -------
    dict of (str, str) to int
        Offset of each array in the file, by split and name.
    """
    scratch = partial.with_name(partial.name + ".headers")
    try:
        places = lay_out(portion, scratch)  # takes no disk space: its arrays are holes
        with scratch.open("rb") as source:
            for start, stop in _gaps(portion, places, scratch.stat().st_size):
                for at in range(start, stop, BLOCK):
                    source.seek(at)
                    os.pwrite(handle, source.read(min(BLOCK, stop - at)), at)
    finally:
        scratch.unlink(missing_ok=True)
    return places


def _gaps(portion: Portion, places: dict[tuple[str, str], int], size: int) -> list[tuple[int, int]]:
    """Stretches of the file that hold no samples."""
    fields = schema.FIELDS[portion.recipe.kind]
    spans = sorted(
        (places[split, f.name], places[split, f.name] + f.n_bytes(sizes(portion, split)))
        for split in portion.splits
        for f in fields
    )
    starts = [0, *(stop for _, stop in spans)]
    stops = [*(start for start, _ in spans), size]
    return list(zip(starts, stops, strict=True))


def intact(portion: Portion, places: dict[tuple[str, str], int], handle: int, entry: Done) -> bool:
    """Whether the samples of a finished shard are those that were written.

    Parameters
    ----------
    portion : Portion
        What the file will hold.
    places : dict of (str, str) to int
        Offset of each array in the file.
    handle : int
        File descriptor.
    entry : Done
        The shard, as the journal has it.

    Returns
    -------
    bool
        False too where the journal speaks of a shard that does not belong here.
    """
    if entry.split not in portion.splits:
        return False
    (first, stop), spec = portion.span(entry.split), portion.recipe.part(entry.split)
    fields = schema.FIELDS[portion.recipe.kind]
    known = set(entry.sha256) == {field.name for field in fields}
    if not (known and set(entry.rejected) <= set(reasons(spec)) and first <= entry.number < stop):
        return False
    begin = entry.number * schema.SHARD_SIZE
    lengths = sizes(portion, entry.split) | {"S": min(schema.SHARD_SIZE, spec.size - begin)}
    for field in fields:
        n = field.n_bytes(lengths)
        row = n // lengths["S"]
        offset = places[entry.split, field.name] + row * (begin - first * schema.SHARD_SIZE)
        if _digest(handle, offset, n) != entry.sha256[field.name]:
            return False
    return True


def _digest(handle: int, offset: int, size: int) -> str:
    total = hashlib.sha256()
    for at in range(offset, offset + size, BLOCK):
        total.update(os.pread(handle, min(BLOCK, offset + size - at), at))
    return total.hexdigest()
