"""Layout of a data file: where each field lies, written and read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from topophys._version import __version__
from topophys.datasets import schema
from topophys.datasets._hdf5 import as_plain, check_headers, opened, set_attribute
from topophys.datasets._store import Checks, Identity, Place, piece_rows
from topophys.datasets.families import family_of
from topophys.datasets.recipe import GIVEN, Recipe
from topophys.datasets.shards import ShardRange, reasons
from topophys.errors import DatasetError, InputError, RecipeError, SchemaError

__all__ = [
    "Layout",
    "SplitLayout",
    "lay_out",
    "manifest",
    "n_bytes",
    "open_partial",
    "read_layout",
    "sizes",
]


# ---------------------- Where in a file each field lies, found and checked without reading any data
# A file may come from anywhere. Shapes are those that its recipe demands, arrays must be plain and
# lie inside the file; so nothing in the file decides how much memory is taken.


@dataclass(frozen=True)
class SplitLayout:
    """One split of a file: counts, lattice vectors, and where its arrays lie."""

    drawn: int
    rejected: Mapping[str, int]
    vectors: tuple[tuple[int, ...], ...]
    fields: Mapping[str, Place]
    digests: Mapping[str, Place]
    checks: Mapping[str, Checks]


@dataclass(frozen=True)
class Layout:
    """A data file as its headers describe it."""

    path: Path
    identity: Identity
    shard_range: ShardRange
    attributes: Mapping[str, Any]
    splits: Mapping[str, SplitLayout]

    @property
    def recipe(self) -> Recipe:
        """Recipe of the data set."""
        return self.shard_range.recipe

    @property
    def n_bytes(self) -> int:
        """Size of the file."""
        return self.identity.size


#: How often a file is opened again that was replaced at that moment.
ATTEMPTS: Final = 5


def read_layout(path: Path, *, sealed: bool = True) -> Layout:
    """Read and check the headers of a data file; `sealed` also compares them with the manifest."""
    for _ in range(ATTEMPTS):
        found = _read_layout(path, sealed)
        if Identity.of(path.stat()) == found.identity:
            return found
    raise DatasetError(f"Data file `{path}` changed again and again while it was opened.")


def _read_layout(path: Path, sealed: bool) -> Layout:
    with opened(path) as file:
        identity = Identity.of(path.stat())
        check_headers(file, path)
        recipe = _read_recipe(file, path)
        shard_range = _read_shard_range(file, recipe, path)
        splits = {name: _read_split(file, shard_range, name, path) for name in shard_range.splits}
        attributes = {name: as_plain(file.attrs[name]) for name in schema.ROOT_ATTRIBUTES}
        if sealed:
            _check_seals(file, recipe, attributes, path)
    return Layout(path, identity, shard_range, attributes, splits)


def _check_seals(
    file: h5py.File, recipe: Recipe, attributes: Mapping[str, Any], path: Path
) -> None:
    """Refuse attributes and checksums other than those that were written."""
    if manifest(file) != attributes["manifest"]:
        raise DatasetError(
            f"Data file `{path}` is damaged or was changed: its attributes or checksums do not fit"
            " its manifest; copy or make it again."
        )
    if recipe.digest != attributes["recipe_digest"]:
        raise DatasetError(
            f"Data file `{path}` was changed: its recipe has the digest {recipe.digest:.16}, but"
            f" the file was made from {attributes['recipe_digest']!s:.16}; make it again."
        )


def _read_recipe(file: h5py.File, path: Path) -> Recipe:
    if as_plain(file.attrs.get("format")) != schema.FORMAT:
        raise SchemaError(
            f"Data file `{path}` must be made by topophys, but has no attribute `format` ="
            f" {schema.FORMAT!r}; it is some other HDF5 file."
        )
    _demand(file, ["schema_version"], path)
    version = _integer(file, "schema_version", path)
    if version not in schema.READABLE:
        newer = version > schema.SCHEMA_VERSION
        known = " or ".join(map(str, schema.READABLE))
        raise SchemaError(
            f"Data file `{path}` must have schema version {known}, but has"
            f" {version}; {'update topophys' if newer else 'generate it again from its recipe'}."
        )
    _demand(file, list(schema.ROOT_ATTRIBUTES), path)
    try:
        return Recipe.from_text(str(as_plain(file.attrs["recipe"])), source=f"{path}:recipe")
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


def _integer(node: h5py.Group, name: str, path: Path) -> int:
    value = np.asarray(node.attrs[name])
    if value.dtype.kind not in "iu" or value.size != 1:
        raise SchemaError(
            f"Data file `{path}`: attribute `{name}` must be an integer, but is {value!s:.40}; make"
            " it again."
        )
    return int(value.item())


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
    fields, digests, checks = {}, {}, {}
    for f in schema.FIELDS[recipe.kind]:
        rows = (stop - first, schema.DIGEST_SIZE)
        fields[f.name] = _place(group, f.name, f.shape(sizes), f.dtype, path)
        digests[f.name] = _place(group, f"{schema.DIGESTS}/{f.name}", rows, "|u1", path)
        checks[f.name] = _read_checks(group, f, sizes, path)
    _demand(group, list(schema.SPLIT_ATTRIBUTES), path)
    wanted = {"split_id": spec.split_id, "shard_size": schema.SHARD_SIZE}
    for key, value in wanted.items():
        if (found := _integer(group, key, path)) != value:
            raise SchemaError(
                f"Data file `{path}`: attribute `{key}` of `{name}` must be {value}, but is"
                f" {found}."
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
    drawn = _integer(group, "drawn", path)
    return SplitLayout(drawn, rejected, rows_of_vectors, fields, digests, checks)


def _read_checks(
    group: h5py.Group, field: schema.Field, sizes: Mapping[str, int], path: Path
) -> Checks:
    """Fast checksums of a field; its digests in files of schema version 1, which have no others."""
    if _integer(group.file, "schema_version", path) == 1:
        return Checks(schema.SHARD_SIZE, group[f"{schema.DIGESTS}/{field.name}"][()])
    name = f"{schema.CHECKSUMS}/{field.name}"
    _place(group, name, (schema.pieces(field, sizes),), "<u8", path)
    rows = piece_rows(field.n_bytes({**sizes, "S": 1}), schema.SHARD_SIZE)
    return Checks(rows, group[name][()])


def _counts(value: Any, wanted: int, name: str, path: Path) -> list[int]:
    counts: NDArray[np.int64] = np.asarray(value)
    if counts.shape != (wanted,) or counts.dtype.kind not in "iu":
        raise SchemaError(
            f"Data file `{path}`: attribute `rejected` of `{name}` must have {wanted}"
            f" numbers, but has {counts.dtype} of shape {counts.shape}."
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
            set_attribute(file, name, value)
        for split in shard_range.splits:
            group = _make_group(file, split)
            _lay_out_split(group, shard_range, split)
            for field in schema.FIELDS[shard_range.recipe.kind]:
                for name in stored_names(field.name):
                    places[split, name] = group[name].id.get_offset()
    return places


def stored_names(field: str) -> tuple[str, str, str]:
    """Names of the datasets that belong to a field: itself, its digests, its checksums."""
    return field, f"{schema.DIGESTS}/{field}", f"{schema.CHECKSUMS}/{field}"


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
    set_attribute(group, "rejected_reasons", json.dumps(reasons(spec)))
    group.attrs["drawn"] = np.int64(0)
    group.attrs["rejected"] = np.zeros(len(reasons(spec)), np.int64)
    lengths = sizes(shard_range, split)
    first, stop = shard_range.span(split)
    given = (spec.hamiltonian or recipe.hamiltonian).family in GIVEN
    digests, sums = _make_group(group, schema.DIGESTS), _make_group(group, schema.CHECKSUMS)
    for field in schema.FIELDS[recipe.kind]:
        array = _allocate(group, field.name, field.shape(lengths), field.dtype)
        noisy = field.name == "x" and spec.noise is not None
        meaning = field.meaning + (schema.NOISE.format(noise=spec.noise) if noisy else "")
        set_attribute(
            array, "unit", schema.GIVEN_UNIT if given and "energy" in field.unit else field.unit
        )
        set_attribute(array, "meaning", meaning)
        set_attribute(array, "axes", ", ".join(field.axes))
        rows = (stop - first, schema.DIGEST_SIZE)
        _allocate(digests, field.name, rows, "u1")
        _allocate(sums, field.name, (schema.pieces(field, lengths),), "<u8")
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
        kind = name.split("/")[-2:-1]
        if isinstance(node, h5py.Dataset) and kind in ([schema.DIGESTS], [schema.CHECKSUMS]):
            total.update(np.ascontiguousarray(node[()]).data)

    add("", file)
    file.visititems(add)  # in alphabetical order
    return total.hexdigest()
