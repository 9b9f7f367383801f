"""Writing a data file: under another name first, under its own only when it is whole."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import h5py
import numpy as np

from topophys import __version__
from topophys.datasets import schema
from topophys.datasets.claim import claim
from topophys.datasets.families import family_of
from topophys.datasets.recipe import Recipe
from topophys.datasets.shards import REASONS, Shard
from topophys.datasets.specs import SplitSpec
from topophys.errors import OutputError

__all__ = ["Writer", "manifest"]

#: Fields start on memory pages, so that they can be mapped.
PAGE: Final = 4096


class Writer:
    """Data file in the making.

    A context manager: what is written lies under ``<path>.partial`` until `finish`, and is removed
    when the block is left before.

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
        _check_target(path, sum(self._n_bytes(s) for s in recipe.split))
        self.file: h5py.File | None = None
        self.finished = False
        try:
            self.lock = claim(self.partial)
        except OutputError:
            raise
        except OSError as error:
            raise _cannot_write(path, error) from None
        try:
            self.file = _create(self.partial)
            self._lay_out(self.file)
        except OSError as error:
            self._discard()
            raise _cannot_write(path, error) from None
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
            If the disk is full.
        """
        group = self._open()[split]
        number = shard.start // schema.SHARD_SIZE
        try:
            for name, array in shard.arrays.items():
                group[name][shard.start : shard.start + len(array)] = array
                row = np.frombuffer(shard.digests[name], np.uint8)
                group[schema.DIGESTS][name][number] = row
        except OSError as error:
            raise _cannot_write(self.path, error) from None
        self.drawn[split] += shard.drawn
        self.rejected[split].update(shard.rejected)

    def finish(self) -> None:
        """Write the counts and the manifest, and give the file its final name.

        Raises
        ------
        OutputError
            If the disk is full or the final name cannot be taken.
        """
        file = self._open()
        try:
            for split in self.recipe.split:
                attributes = file[split.name].attrs
                attributes["drawn"] = np.int64(self.drawn[split.name])
                counts = [self.rejected[split.name][reason] for reason in REASONS]
                attributes["rejected"] = np.array(counts, np.int64)
            file.attrs["manifest"] = manifest(file)
            file.close()
            with self.partial.open("rb") as handle:
                os.fsync(handle.fileno())  # else a crash could leave the name without the content
            self.partial.replace(self.path)
        except OSError as error:
            raise _cannot_write(self.path, error) from None
        self.finished = True
        os.close(self.lock)

    def _open(self) -> h5py.File:
        if self.file is None or self.finished:
            raise OutputError(f"`{self.path}` is finished; make a new writer.")
        return self.file

    def _n_bytes(self, spec: SplitSpec) -> int:
        return schema.n_bytes(self.recipe.kind, self._sizes(spec))

    def _sizes(self, spec: SplitSpec) -> dict[str, int]:
        family = family_of(self.recipe, self.recipe.part(spec.name))
        return {"S": spec.size, **family.sizes()}

    def _lay_out(self, file: h5py.File) -> None:
        for name, value in _root_attributes(self.recipe).items():
            file.attrs[name] = value
        for spec in self.recipe.split:
            self._lay_out_split(file.create_group(spec.name), spec)

    def _lay_out_split(self, group: h5py.Group, spec: SplitSpec) -> None:
        group.attrs["split_id"] = np.int64(spec.split_id)
        group.attrs["shard_size"] = np.int64(schema.SHARD_SIZE)
        group.attrs["rejected_reasons"] = json.dumps(REASONS)
        sizes = self._sizes(spec)
        digests = group.create_group(schema.DIGESTS)
        for field in schema.FIELDS[self.recipe.kind]:
            array = _allocate(group, field.name, field.shape(sizes), field.dtype)
            array.attrs["unit"], array.attrs["meaning"] = field.unit, field.meaning
            array.attrs["axes"] = ", ".join(field.axes)
            rows = (schema.shards(spec.size), schema.DIGEST_SIZE)
            _allocate(digests, field.name, rows, "u1")
        family = family_of(self.recipe, self.recipe.part(spec.name))
        group["hoppings"].attrs["vectors"] = family.vectors().astype("<i8")

    def _discard(self) -> None:
        if self.file is not None:
            with suppress(OSError, RuntimeError):  # closing flushes, which a full disk refuses
                self.file.close()
        self.partial.unlink(missing_ok=True)
        os.close(self.lock)


def _create(partial: Path) -> h5py.File:
    # "earliest": the layout of old HDF5 versions, which new ones still read and write
    return h5py.File(
        partial, "w", libver=("earliest", "v110"), locking=False,
        alignment_threshold=PAGE, alignment_interval=PAGE,
    )  # fmt: skip


def _allocate(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: str) -> h5py.Dataset:
    """Contiguous dataset with its place in the file taken at once.

    Taken at first write, places would follow the order in which shards happen to be done.
    """
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_layout(h5py.h5d.CONTIGUOUS)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plan.set_obj_track_times(False)
    return group.create_dataset(name, shape, dtype, dcpl=plan)


def _root_attributes(recipe: Recipe) -> dict[str, Any]:
    # no time of writing: equal recipes make equal bytes
    return {
        "format": schema.FORMAT,
        "schema_version": np.int64(schema.SCHEMA_VERSION),
        "name": recipe.name,
        "recipe": recipe.to_toml(),
        "recipe_digest": recipe.digest,
        "root_seed": np.int64(recipe.seed),
        "topophys_version": __version__,
        "numpy_version": np.__version__,
    }


def manifest(file: h5py.File) -> str:
    """SHA-256 over all attributes and all shard digests.

    Parameters
    ----------
    file : h5py.File
        Open data file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    total = hashlib.sha256()

    def add(name: str, node: Any) -> None:
        for key in sorted(set(node.attrs) - {"manifest"}):
            total.update(f"{name}@{key}={schema.as_text(node.attrs[key])}\n".encode())
        if isinstance(node, h5py.Dataset) and f"/{schema.DIGESTS}/" in name:
            total.update(np.ascontiguousarray(node[()]).data)

    add("", file)
    file.visititems(add)  # in alphabetical order
    return total.hexdigest()


def _check_target(path: Path, needed: int) -> None:
    """Refuse before the work what would fail after it."""
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(
            f"`{path}` cannot be written: the folder `{folder}` does not exist; make it."
        )
    if path.is_dir():
        raise OutputError(f"`{path}` cannot be written: it is a folder; give the name of a file.")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"`{path}` cannot be written: no permission in the folder `{folder}`.")
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"`{path}` cannot be written: it needs {needed / 1e6:.0f} MB, but only"
            f" {free / 1e6:.0f} MB are free; make room or lower the sizes in the recipe."
        )


def _cannot_write(path: Path, error: OSError) -> OutputError:
    reason = os.strerror(error.errno) if error.errno else " ".join(str(error).split())
    if error.errno == errno.ENOSPC:
        reason = "the disk is full"
    return OutputError(f"`{path}` cannot be written: {reason}.")
