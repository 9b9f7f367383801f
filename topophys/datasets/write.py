"""Writing a data file: under another name first, under its own only when it is whole."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from topophys.datasets import schema
from topophys.datasets.claim import claim, release
from topophys.datasets.headers import lay_out, manifest, n_bytes, open_partial
from topophys.datasets.journal import Done, Journal
from topophys.datasets.portion import Portion
from topophys.datasets.resume import check_same, intact, restore_headers
from topophys.datasets.shards import Shard, reasons
from topophys.errors import OutputError

__all__ = ["Writer"]

#: Seconds of work that are worth an unfinished file when a run is stopped.
KEEP_AFTER: Final = 60.0


class Writer:
    """Data file in the making.

    A context manager: what is written lies under ``<path>.partial`` until `finish`. HDF5 writes
    the headers only; its library does not survive a failing disk. The disk space is reserved at
    the start, and samples are written with plain system calls to the places that HDF5 has set
    aside for them. A journal beside the file says which shards are done; the next run with the
    same recipe checks these and goes on from there. When the block is left before `finish`, both
    are removed, unless `keep` says that there is something worth keeping.

    Parameters
    ----------
    portion : Portion
        What the file will hold.
    path : Path
        Final name of the file; an older file of that name is replaced at the end.

    Attributes
    ----------
    done : set of (str, int)
        Split and number of the shards that are there already.
    keep : bool
        Leave the unfinished file for the next run.

    Raises
    ------
    OutputError
        If the folder is missing or cannot be written, another run writes the same file, the
        unfinished file belongs to another recipe, or the disk is too small.
    """

    def __init__(self, portion: Portion, path: Path) -> None:
        self.portion, self.path = portion, path
        self.partial = path.with_name(path.name + ".partial")
        self.journal = Journal(path.with_name(path.name + ".journal"), portion)
        self.drawn: Counter[str] = Counter()
        self.reasons = {name: reasons(portion.recipe.part(name)) for name in portion.splits}
        self.rejected = {
            name: Counter(dict.fromkeys(words, 0)) for name, words in self.reasons.items()
        }
        self.done: set[tuple[str, int]] = set()
        self.finished, self.begun = False, time.monotonic()
        _check_folder(path)
        with self._one_line():
            self.handle = claim(self.partial)
        # what an earlier run has left is kept until there is something better
        self.keep = True
        try:
            with self._one_line():
                self._begin()
        except BaseException:
            self._leave()
            raise

    def _begin(self) -> None:
        needed, there = n_bytes(self.portion), os.fstat(self.handle).st_size
        head, entries = self.journal.read()
        if head is not None and there:
            check_same(self.path, head, self.journal.head)
        else:
            self.keep, entries = False, []
        _check_room(self.path, needed - there)
        if not self.keep:
            _reserve(self.handle, needed)
            self.places = lay_out(self.portion, self.partial)
        else:
            self.places = restore_headers(self.portion, self.partial, self.handle)
        _reserve(self.handle, self.partial.stat().st_size)
        good = [e for e in entries if intact(self.portion, self.places, self.handle, e)]
        self.journal.start(good)
        for entry in good:
            self._count(entry)
        self.keep = bool(good)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        late = time.monotonic() - self.begun > KEEP_AFTER
        self.keep = self.keep or (late and bool(self.done))
        self._leave()

    def add(self, split: str, shard: Shard) -> None:
        """Write one shard; the order of shards makes no difference to the file.

        Parameters
        ----------
        split : str
            Name of the split.
        shard : Shard
            Samples.

        Raises
        ------
        OutputError
            If the disk fails.
        """
        number = shard.start // schema.SHARD_SIZE
        sha256 = {name: digest.hex() for name, digest in shard.digests.items()}
        entry = Done(split, number, shard.drawn, shard.rejected, sha256)
        first = self.portion.span(split)[0] * schema.SHARD_SIZE
        with self._one_line():
            for name, array in shard.arrays.items():
                start = (shard.start - first) * (array.nbytes // len(array))
                _put(self.handle, array.data, self.places[split, name] + start)
            self.journal.add(entry)
        self._count(entry)

    def _count(self, entry: Done) -> None:
        first = self.portion.span(entry.split)[0]
        with self._one_line():
            for name, digest in entry.sha256.items():
                row = (entry.number - first) * schema.DIGEST_SIZE
                place = self.places[entry.split, f"{schema.DIGESTS}/{name}"]
                _put(self.handle, bytes.fromhex(digest), place + row)
        self.drawn[entry.split] += entry.drawn
        self.rejected[entry.split].update(entry.rejected)
        self.done.add((entry.split, entry.number))

    def finish(self) -> None:
        """Write the counts and the manifest, and give the file its final name.

        Raises
        ------
        OutputError
            If the disk fails or the final name cannot be taken.
        """
        with self._one_line():
            with open_partial(self.partial, "r+") as file:
                for split, found in self.rejected.items():
                    attributes = file[split].attrs
                    attributes.modify("drawn", np.int64(self.drawn[split]))
                    counts = [found[reason] for reason in self.reasons[split]]
                    attributes.modify("rejected", np.array(counts, np.int64))
                file.attrs.modify("manifest", np.bytes_(manifest(file)))
            os.fsync(self.handle)  # else a crash could leave the name without the content
            self.partial.replace(self.path)
            self.finished = True
            self.journal.remove()

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        try:
            yield
        except OutputError:
            raise
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else " ".join(str(error).split())
            raise OutputError(
                f"`{self.path}` cannot be written: {reason}; choose another place or make room."
            ) from None

    def _leave(self) -> None:
        self.journal.close()
        if not (self.keep or self.finished):
            self.partial.unlink(missing_ok=True)
            self.journal.remove()
        release(self.handle)


def _reserve(handle: int, size: int) -> None:
    """Take disk space now, so that a disk that is too small fails before the work."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)


def _put(handle: int, data: bytes | memoryview, offset: int) -> None:
    rest = memoryview(data).cast("B")
    while rest:  # one call may write less than asked for
        written = os.pwrite(handle, rest, offset)
        rest, offset = rest[written:], offset + written


def _check_folder(path: Path) -> None:
    """Refuse before the work what would fail after it."""
    folder = path.parent
    if not folder.is_dir():
        reason = f"the folder `{folder}` does not exist; make it"
    elif path.is_dir():
        reason = "it is a folder; give the name of a file"
    elif not os.access(folder, os.W_OK):
        reason = f"no permission in the folder `{folder}`; choose another"
    else:
        return
    raise OutputError(f"`{path}` cannot be written: {reason}.")


def _check_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise OutputError(
            f"`{path}` cannot be written: it needs {needed / 1e6:.3g} MB, but only"
            f" {free / 1e6:.3g} MB are free; make room or lower the sizes in the recipe."
        )
