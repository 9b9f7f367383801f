"""Where in a file each field lies, found and checked without reading any data.

A file may come from anywhere. Shapes are those that its recipe demands, arrays must be plain and
lie inside the file; so nothing in the file decides how much memory is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from topophys.datasets import schema
from topophys.datasets.bulk import check_bulk
from topophys.datasets.families import family_of
from topophys.datasets.portion import Portion
from topophys.datasets.recipe import Recipe
from topophys.datasets.shards import reasons
from topophys.errors import DatasetError, InputError, RecipeError, SchemaError

__all__ = ["Layout", "Place", "SplitLayout", "read_layout"]

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
    portion: Portion
    attributes: Mapping[str, Any]
    splits: Mapping[str, SplitLayout]

    @property
    def recipe(self) -> Recipe:
        """Recipe of the data set."""
        return self.portion.recipe


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a data file for reading, with every failure as one line.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    h5py.File
        Open file; closed at the end.

    Raises
    ------
    DatasetError
        If the file is missing, is not HDF5, or is damaged.
    """
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
    """Read and check the headers of a data file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Layout
        Recipe, counts, and where every array lies.

    Raises
    ------
    DatasetError
        If the file is missing, truncated or damaged.
    SchemaError
        If it is not a data file of topophys, of a newer version, or not what its recipe says.
    """
    with opened(path) as file:
        check_bulk(file, path)
        recipe = _read_recipe(file, path)
        portion = _read_portion(file, recipe, path)
        splits = {name: _read_split(file, portion, name, path) for name in portion.splits}
        attributes = {name: _plain(file.attrs[name]) for name in schema.ROOT_ATTRIBUTES}
        return Layout(path, path.stat().st_size, portion, attributes, splits)


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


def _read_portion(file: h5py.File, recipe: Recipe, path: Path) -> Portion:
    if schema.PART not in file.attrs:
        return Portion.of(recipe)
    edges = np.asarray(file.attrs[schema.PART])
    try:
        first, stop = map(int, edges)
        return Portion.of(recipe, (first, stop))
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


def _read_split(file: h5py.File, portion: Portion, name: str, path: Path) -> SplitLayout:
    recipe = portion.recipe
    hard = isinstance(file.get(name, getlink=True), h5py.HardLink)
    group = file[name] if hard else None
    if not isinstance(group, h5py.Group):
        raise SchemaError(f"Data file `{path}` must have the group `{name}` of its recipe.")
    spec = recipe.part(name)
    family = family_of(recipe, spec)
    sizes = {"S": portion.size(name), **family.sizes()}
    first, stop = portion.span(name)
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
