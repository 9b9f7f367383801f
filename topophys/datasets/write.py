"""Writing a data file: under another name first, under its own only when it is whole."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np

from topophys.datasets import schema
from topophys.datasets.claim import claim
from topophys.datasets.headers import lay_out, manifest, n_bytes, open_partial
from topophys.datasets.recipe import Recipe
from topophys.datasets.shards import REASONS, Shard
from topophys.errors import OutputError

__all__ = ["Writer"]


class Writer:
    """Data file in the making.

    A context manager: what is written lies under ``<path>.partial`` until `finish`, and is removed
    when the block is left before. HDF5 writes the headers only; its library does not survive a
    failing disk. The disk space is reserved at the start, and samples are written with plain
    system calls to the places that HDF5 has set aside for them.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    path : Path
        Final name of the file; an older file of that name is replaced at the end.

    Raises
    ------
    OutputError
        If the folder is missing or cannot be written, another run writes the same file, or the
        disk is too small.
    """

    def __init__(self, recipe: Recipe, path: Path) -> None:
        self.recipe, self.path = recipe, path
        self.partial = path.with_name(path.name + ".partial")
        self.drawn: Counter[str] = Counter()
        self.rejected = {s.name: Counter(dict.fromkeys(REASONS, 0)) for s in recipe.split}
        self.finished = False
        needed = n_bytes(recipe)
        _check_target(path, needed)
        with self._one_line():
            self.handle = claim(self.partial)
        try:
            with self._one_line():
                _reserve(self.handle, needed)
                self.places = lay_out(recipe, self.partial)
                _reserve(self.handle, self.partial.stat().st_size)
        except BaseException:
            self._discard()
            raise

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.finished:
            self._discard()

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
        with self._one_line():
            for name, array in shard.arrays.items():
                start = shard.start * (array.nbytes // len(array))
                _put(self.handle, array.tobytes(), self.places[split, name] + start)
                row = self.places[split, f"{schema.DIGESTS}/{name}"] + number * schema.DIGEST_SIZE
                _put(self.handle, shard.digests[name], row)
        self.drawn[split] += shard.drawn
        self.rejected[split].update(shard.rejected)

    def finish(self) -> None:
        """Write the counts and the manifest, and give the file its final name.

        Raises
        ------
        OutputError
            If the disk fails or the final name cannot be taken.
        """
        with self._one_line():
            with open_partial(self.partial, "r+") as file:
                for split, reasons in self.rejected.items():
                    attributes = file[split].attrs
                    attributes.modify("drawn", np.int64(self.drawn[split]))
                    counts = [reasons[reason] for reason in REASONS]
                    attributes.modify("rejected", np.array(counts, np.int64))
                file.attrs.modify("manifest", np.bytes_(manifest(file)))
            os.fsync(self.handle)  # else a crash could leave the name without the content
            self.partial.replace(self.path)
        self.finished = True
        os.close(self.handle)

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

    def _discard(self) -> None:
        self.partial.unlink(missing_ok=True)
        os.close(self.handle)


def _reserve(handle: int, size: int) -> None:
    """Take disk space now, so that a disk that is too small fails before the work."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)


def _put(handle: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:  # one call may write less than asked for
        written = os.pwrite(handle, rest, offset)
        rest, offset = rest[written:], offset + written


def _check_target(path: Path, needed: int) -> None:
    """Refuse before the work what would fail after it."""
    folder = path.parent
    if not folder.is_dir():
        reason = f"the folder `{folder}` does not exist; make it"
    elif path.is_dir():
        reason = "it is a folder; give the name of a file"
    elif not os.access(folder, os.W_OK):
        reason = f"no permission in the folder `{folder}`; choose another"
    elif needed > (free := shutil.disk_usage(folder).free):
        reason = (
            f"it needs {needed / 1e6:.3g} MB, but only {free / 1e6:.3g} MB are free; make room or"
            " lower the sizes in the recipe"
        )
    else:
        return
    raise OutputError(f"`{path}` cannot be written: {reason}.")
