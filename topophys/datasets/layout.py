"""Layout of a data file: where each field lies, written and read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from topophys._version import __version__
from topophys.datasets import schema
from topophys.datasets.families import family_of
from topophys.datasets.recipe import GIVEN, Recipe
from topophys.datasets.shards import ShardRange, reasons
from topophys.errors import DatasetError, InputError, RecipeError, SchemaError

__all__ = [
    "Layout",
    "Place",
    "SplitLayout",
    "Store",
    "check_header_size",
    "lay_out",
    "manifest",
    "n_bytes",
    "open_partial",
    "read_layout",
    "sizes",
]


# -------------------- A look at the size of a file's headers before any of them is read into memory

#: Bytes that a file may have besides its arrays: recipe, attributes, headers.
LARGEST: Final = 1 << 24
#: The same for every array: its headers, and the space before its first page.
PER_ARRAY: Final = 1 << 14


def check_header_size(file: h5py.File, path: Path) -> None:
    """Refuse files whose attributes would fill the memory.

    The length of a text is not known before it is read; but it lies in the file, and what is not
    array must be little.
    """
    sizes: list[int] = []

    def look(name: str, node: Any) -> None:  # visits no links, so nothing outside the file
        if isinstance(node, h5py.Dataset):
            sizes.append(int(node.id.get_storage_size()))
        _check_attributes(node, f"`{name}`", path)

    _check_attributes(file, "the file", path)
    file.visititems(look)
    rest = path.stat().st_size - sum(sizes)
    if rest < 0:
        raise DatasetError(f"Data file `{path}` is shorter than its arrays: it is truncated.")
    if rest > LARGEST + PER_ARRAY * len(sizes):
        raise SchemaError(
            f"Data file `{path}` must hold little besides its arrays, but has {rest} bytes of"
            " headers and attributes; it was not made by topophys."
        )


def _check_attributes(node: Any, what: str, path: Path) -> None:
    for number in range(h5py.h5a.get_num_attrs(node.id)):
        attribute = h5py.h5a.open(node.id, index=number)
        # an attribute may claim any shape; texts of variable length count by their pointers
        size = attribute.get_type().get_size() * max(1, attribute.get_space().get_select_npoints())
        if size > LARGEST:
            raise SchemaError(
                f"Data file `{path}`: an attribute of {what} must be small, but has {size} bytes."
            )


# ---------------------- Where in a file each field lies, found and checked without reading any data
# A file may come from anywhere. Shapes are those that its recipe demands, arrays must be plain and
# lie inside the file; so nothing in the file decides how much memory is taken.

#: What h5py raises on damaged files, depending on where the damage is.
DAMAGE: Final = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True)
class Place:
    """Position, shape and dtype of an array within the file."""

    offset: int
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class SplitLayout:
    """One split of a file: counts, lattice vectors, and where its arrays lie."""

    drawn: int
    rejected: Mapping[str, int]
    vectors: tuple[tuple[int, ...], ...]
    fields: Mapping[str, Place]
    digests: Mapping[str, Place]


@dataclass(frozen=True)
class Layout:
    """A data file as its headers describe it."""

    path: Path
    n_bytes: int
    shard_range: ShardRange
    attributes: Mapping[str, Any]
    splits: Mapping[str, SplitLayout]

    @property
    def recipe(self) -> Recipe:
        """Recipe of the data set."""
        return self.shard_range.recipe


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a data file for reading, with every failure as one line."""
    if not path.exists():
        raise DatasetError(
            f"Data file `{path}` does not exist; make it with `topophys generate RECIPE.toml -o"
            f" {path}`."
        )
    if not path.is_file():
        raise DatasetError(f"Data file `{path}` must be a file, but is a folder.")
    if not h5py.is_hdf5(path):
        raise DatasetError(
            f"Data file `{path}` must be an HDF5 file made by topophys, but is not HDF5 (or its"
            " first bytes are damaged, or it may not be read); make it again."
        )
    try:
        # finished files never change, and locks fail on some read-only file systems
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except (DatasetError, SchemaError):
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split()).strip("\"'.")
        raise DatasetError(
            f"Data file `{path}` is truncated or damaged ({reason:.120}); copy or make it again."
        ) from None


def read_layout(path: Path) -> Layout:
    """Read and check the headers of a data file."""
    with opened(path) as file:
        check_header_size(file, path)
        recipe = _read_recipe(file, path)
        shard_range = _read_shard_range(file, recipe, path)
        splits = {name: _read_split(file, shard_range, name, path) for name in shard_range.splits}
        attributes = {name: _plain(file.attrs[name]) for name in schema.ROOT_ATTRIBUTES}
        return Layout(path, path.stat().st_size, shard_range, attributes, splits)


def _read_recipe(file: h5py.File, path: Path) -> Recipe:
    if file.attrs.get("format") != schema.FORMAT:
        raise SchemaError(
            f"Data file `{path}` must be made by topophys, but has no attribute `format` ="
            f" {schema.FORMAT!r}; it is some other HDF5 file."
        )
    _demand(file, ["schema_version"], path)
    version = int(file.attrs["schema_version"])
    if version != schema.SCHEMA_VERSION:
        newer = version > schema.SCHEMA_VERSION
        raise SchemaError(
            f"Data file `{path}` must have schema version {schema.SCHEMA_VERSION}, but has"
            f" {version}; {'update topophys' if newer else 'generate it again from its recipe'}."
        )
    _demand(file, list(schema.ROOT_ATTRIBUTES), path)
    try:
        return Recipe.from_text(str(file.attrs["recipe"]), source=f"{path}:recipe")
    except RecipeError as error:
        raise SchemaError(f"Data file `{path}` must hold a valid recipe, but: {error}") from None


def _read_shard_range(file: h5py.File, recipe: Recipe, path: Path) -> ShardRange:
    if schema.PART not in file.attrs:
        return ShardRange.of(recipe)
    edges = np.asarray(file.attrs[schema.PART])
    try:
        first, stop = map(int, edges)
        return ShardRange.of(recipe, (first, stop))
    except (InputError, TypeError, ValueError):
        raise SchemaError(
            f"Data file `{path}`: attribute `{schema.PART}` must be a stretch of the recipe's"
            f" shards, but is {edges!s:.60}."
        ) from None


def _demand(node: h5py.Group, names: list[str], path: Path) -> None:
    missing = [name for name in names if name not in node.attrs]
    if missing:
        where = "" if node.name == "/" else f" of `{node.name.strip('/')}`"
        raise SchemaError(
            f"Data file `{path}` must have the attribute `{missing[0]}`{where}, but has not; make"
            " it again."
        )


def _read_split(file: h5py.File, shard_range: ShardRange, name: str, path: Path) -> SplitLayout:
    recipe = shard_range.recipe
    hard = isinstance(file.get(name, getlink=True), h5py.HardLink)
    group = file[name] if hard else None
    if not isinstance(group, h5py.Group):
        raise SchemaError(f"Data file `{path}` must have the group `{name}` of its recipe.")
    spec = recipe.part(name)
    family = family_of(recipe, spec)
    sizes = {"S": shard_range.size(name), **family.sizes()}
    first, stop = shard_range.span(name)
    fields, digests = {}, {}
    for f in schema.FIELDS[recipe.kind]:
        rows = (stop - first, schema.DIGEST_SIZE)
        fields[f.name] = _place(group, f.name, f.shape(sizes), f.dtype, path)
        digests[f.name] = _place(group, f"{schema.DIGESTS}/{f.name}", rows, "|u1", path)
    _demand(group, list(schema.SPLIT_ATTRIBUTES), path)
    wanted = {"split_id": spec.split_id, "shard_size": schema.SHARD_SIZE}
    for key, value in wanted.items():
        if int(group.attrs[key]) != value:
            raise SchemaError(
                f"Data file `{path}`: attribute `{key}` of `{name}` must be {value}, but is"
                f" {int(group.attrs[key])}."
            )
    vectors = np.asarray(group["hoppings"].attrs["vectors"])
    if not np.array_equal(vectors, family.vectors()):
        raise SchemaError(
            f"Data file `{path}`: attribute `vectors` of `{name}/hoppings` must be the lattice"
            " vectors of the recipe, but is not."
        )
    words = reasons(spec)
    counts = _counts(group.attrs["rejected"], len(words), name, path)
    rejected = dict(zip(words, counts, strict=True))
    rows_of_vectors = tuple(tuple(v) for v in vectors.tolist())
    return SplitLayout(int(group.attrs["drawn"]), rejected, rows_of_vectors, fields, digests)


def _counts(value: Any, wanted: int, name: str, path: Path) -> list[int]:
    counts: NDArray[np.int64] = np.asarray(value)
    if counts.shape != (wanted,):
        raise SchemaError(
            f"Data file `{path}`: attribute `rejected` of `{name}` must have {wanted}"
            f" numbers, but has shape {counts.shape}."
        )
    return [int(c) for c in counts]


def _place(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: str, path: Path) -> Place:
    where = f"Data file `{path}`: `{group.name}/{name}`".replace("//", "/")
    if name not in group:
        raise SchemaError(f"{where} is missing; make the file again.")
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise SchemaError(f"{where} must lie in the file itself, but is a link.")
    array = group[name]
    if not isinstance(array, h5py.Dataset) or array.shape != shape or array.dtype.str != dtype:
        found = f"{array.dtype.str} {array.shape}" if isinstance(array, h5py.Dataset) else "a group"
        raise SchemaError(f"{where} must be {dtype} {shape}, but is {found}.")
    plan = array.id.get_create_plist()
    offset = array.id.get_offset()
    if plan.get_layout() != h5py.h5d.CONTIGUOUS or plan.get_external_count() or offset is None:
        raise SchemaError(f"{where} must be contiguous and inside the file, but is not.")
    if offset + array.nbytes > path.stat().st_size:
        raise DatasetError(f"{where} reaches beyond the end of the file: it is truncated.")
    return Place(int(offset), shape, dtype)


def _plain(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return plain.decode() if isinstance(plain, bytes) else plain


# --------------------------------------- The bytes of a data file, without copies and without locks


class Store:
    """The bytes of a file, mapped into memory once per process.

    Fields are contiguous, so that a mapping reads any samples as fast as memory does, needs no
    lock between threads, and is safe across fork and spawn.
    """

    def __init__(self, path: Path, n_bytes: int) -> None:
        self.path, self.n_bytes = path.absolute(), n_bytes
        self.closed = False
        self._bytes: NDArray[np.uint8] | None = None
        self._pid = -1

    def view(self, place: Place) -> NDArray[Any]:
        """Read-only array at a place of the file; nothing is read yet."""
        array: NDArray[Any] = np.ndarray(
            place.shape, place.dtype, buffer=self._mapped().data, offset=place.offset
        )
        return array

    def _mapped(self) -> NDArray[np.uint8]:
        if self.closed:
            raise DatasetError(f"Data file `{self.path}` is closed; open it again.")
        if self._bytes is None or self._pid != os.getpid():
            try:
                mapped = np.memmap(self.path, np.uint8, "r")
            except (OSError, ValueError) as error:
                raise DatasetError(f"Data file `{self.path}` cannot be read: {error}.") from None
            if mapped.size != self.n_bytes:
                raise DatasetError(f"Data file `{self.path}` has changed; open it again.")
            self._bytes, self._pid = mapped, os.getpid()
        return self._bytes

    def close(self) -> None:
        """Let go of the mapping; later reads raise `DatasetError`."""
        self._bytes, self.closed = None, True

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_bytes": None, "_pid": -1}


# ------------------------ The HDF5 side of writing: groups, attributes, and a place for every array

#: Fields start on memory pages, so that they can be mapped.
PAGE: Final = 4096


def sizes(shard_range: ShardRange, split: str) -> dict[str, int]:
    """Length of each shape letter of one split."""
    recipe = shard_range.recipe
    return {"S": shard_range.size(split), **family_of(recipe, recipe.part(split)).sizes()}


def n_bytes(shard_range: ShardRange) -> int:
    """Bytes of all samples on disk."""
    kind = shard_range.recipe.kind
    return sum(schema.n_bytes(kind, sizes(shard_range, split)) for split in shard_range.splits)


def open_partial(partial: Path, mode: Literal["w", "r+"]) -> h5py.File:
    """Open an unfinished file, on which the caller holds a lock of its own."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    # since 1.10, headers carry checksums: without, a damaged one can crash the library
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    access.set_alignment(PAGE, PAGE)
    access.set_file_locking(False, True)
    name = os.fsencode(partial)
    if mode == "r+":
        return h5py.File(h5py.h5f.open(name, h5py.h5f.ACC_RDWR, access))
    plan = _timeless(h5py.h5p.FILE_CREATE)
    return h5py.File(h5py.h5f.create(name, h5py.h5f.ACC_TRUNC, plan, access))


def _timeless(kind: Any) -> Any:
    """Plan of a file, group or dataset without the time of its making, which others would see.

    The library notes it by default, and h5py before 3.15 keeps it so for files and groups.
    """
    plan = h5py.h5p.create(kind)
    plan.set_obj_track_times(False)
    return plan


def _make_group(parent: h5py.Group, name: str) -> h5py.Group:
    plan = _timeless(h5py.h5p.GROUP_CREATE)
    return h5py.Group(h5py.h5g.create(parent.id, name.encode(), gcpl=plan))


def lay_out(shard_range: ShardRange, partial: Path) -> dict[tuple[str, str], int]:
    """Write all headers, with zeros where only the end of the work will tell."""
    places: dict[tuple[str, str], int] = {}
    with open_partial(partial, "w") as file:
        for name, value in _root_attributes(shard_range).items():
            file.attrs[name] = value
        for split in shard_range.splits:
            group = _make_group(file, split)
            _lay_out_split(group, shard_range, split)
            for field in schema.FIELDS[shard_range.recipe.kind]:
                for name in (field.name, f"{schema.DIGESTS}/{field.name}"):
                    places[split, name] = group[name].id.get_offset()
    return places


def _root_attributes(shard_range: ShardRange) -> dict[str, Any]:
    # no time of writing: equal recipes make equal bytes
    recipe = shard_range.recipe
    part = (
        {}
        if shard_range.whole
        else {schema.PART: np.array([shard_range.first, shard_range.stop], np.int64)}
    )
    return part | {
        "format": schema.FORMAT,
        "schema_version": np.int64(schema.SCHEMA_VERSION),
        "name": recipe.name,
        "recipe": recipe.to_toml(),
        "recipe_digest": recipe.digest,
        "root_seed": np.int64(recipe.seed),
        "topophys_version": __version__,
        "numpy_version": np.__version__,
        "manifest": np.bytes_("0" * 64),  # of fixed length, so that it is changed in place
    }


def _lay_out_split(group: h5py.Group, shard_range: ShardRange, split: str) -> None:
    recipe = shard_range.recipe
    spec = recipe.part(split)
    group.attrs["split_id"] = np.int64(spec.split_id)
    group.attrs["shard_size"] = np.int64(schema.SHARD_SIZE)
    group.attrs["rejected_reasons"] = json.dumps(reasons(spec))
    group.attrs["drawn"] = np.int64(0)
    group.attrs["rejected"] = np.zeros(len(reasons(spec)), np.int64)
    lengths = sizes(shard_range, split)
    first, stop = shard_range.span(split)
    given = (spec.hamiltonian or recipe.hamiltonian).family in GIVEN
    digests = _make_group(group, schema.DIGESTS)
    for field in schema.FIELDS[recipe.kind]:
        array = _allocate(group, field.name, field.shape(lengths), field.dtype)
        noisy = field.name == "x" and spec.noise is not None
        meaning = field.meaning + (schema.NOISE.format(noise=spec.noise) if noisy else "")
        array.attrs["unit"] = schema.GIVEN_UNIT if given and "energy" in field.unit else field.unit
        array.attrs["meaning"] = meaning
        array.attrs["axes"] = ", ".join(field.axes)
        rows = (stop - first, schema.DIGEST_SIZE)
        _allocate(digests, field.name, rows, "u1")
    family = family_of(recipe, spec)
    group["hoppings"].attrs["vectors"] = family.vectors().astype("<i8")


def _allocate(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: str) -> h5py.Dataset:
    """Contiguous dataset with its place in the file taken at once, but not yet filled."""
    plan = _timeless(h5py.h5p.DATASET_CREATE)
    plan.set_layout(h5py.h5d.CONTIGUOUS)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    return group.create_dataset(name, shape, dtype, dcpl=plan)


def manifest(file: h5py.File) -> str:
    """SHA-256 over all attributes and all shard digests."""
    total = hashlib.sha256()

    def add(name: str, node: Any) -> None:
        for key in sorted(set(node.attrs) - {"manifest"}):
            total.update(f"{name}@{key}={schema.as_text(node.attrs[key])}\n".encode())
        if isinstance(node, h5py.Dataset) and f"/{schema.DIGESTS}/" in name:
            total.update(np.ascontiguousarray(node[()]).data)

    add("", file)
    file.visititems(add)  # in alphabetical order
    return total.hexdigest()
