"""The HDF5 side of writing: groups, attributes, and a place for every array."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final, Literal

import h5py
import numpy as np

from topophys import __version__
from topophys.datasets import schema
from topophys.datasets.families import family_of
from topophys.datasets.portion import Portion
from topophys.datasets.shards import reasons
from topophys.datasets.specs import GIVEN

__all__ = ["lay_out", "manifest", "n_bytes", "open_partial", "sizes"]

#: Fields start on memory pages, so that they can be mapped.
PAGE: Final = 4096


def sizes(portion: Portion, split: str) -> dict[str, int]:
    """Length of each shape letter of one split.

    Parameters
    ----------
    portion : Portion
        What the file holds.
    split : str
        Name of the split.

    Returns
    -------
    dict of str to int
        With "S", the samples.
    """
    recipe = portion.recipe
    return {"S": portion.size(split), **family_of(recipe, recipe.part(split)).sizes()}


def n_bytes(portion: Portion) -> int:
    """Bytes of all samples on disk.

    Parameters
    ----------
    portion : Portion
        What the file holds.

    Returns
    -------
    int
        Without headers.
    """
    kind = portion.recipe.kind
    return sum(schema.n_bytes(kind, sizes(portion, split)) for split in portion.splits)


def open_partial(partial: Path, mode: Literal["w", "r+"]) -> h5py.File:
    """Open an unfinished file, on which the caller holds a lock of its own.

    Parameters
    ----------
    partial : Path
        The file.
    mode : {"w", "r+"}
        Make it anew, or change its headers.

    Returns
    -------
    h5py.File
        The open file.
    """
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


def lay_out(portion: Portion, partial: Path) -> dict[tuple[str, str], int]:
    """Write all headers, with zeros where only the end of the work will tell.

    Parameters
    ----------
    portion : Portion
        What the file will hold.
    partial : Path
        The file.

    Returns
    -------
    dict of (str, str) to int
        Offset of each array in the file, by split and name.
    """
    places: dict[tuple[str, str], int] = {}
    with open_partial(partial, "w") as file:
        for name, value in _root_attributes(portion).items():
            file.attrs[name] = value
        for split in portion.splits:
            group = _make_group(file, split)
            _lay_out_split(group, portion, split)
            for field in schema.FIELDS[portion.recipe.kind]:
                for name in (field.name, f"{schema.DIGESTS}/{field.name}"):
                    places[split, name] = group[name].id.get_offset()
    return places


def _root_attributes(portion: Portion) -> dict[str, Any]:
    # no time of writing: equal recipes make equal bytes
    recipe = portion.recipe
    part = {} if portion.whole else {schema.PART: np.array([portion.first, portion.stop], np.int64)}
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


def _lay_out_split(group: h5py.Group, portion: Portion, split: str) -> None:
    recipe = portion.recipe
    spec = recipe.part(split)
    group.attrs["split_id"] = np.int64(spec.split_id)
    group.attrs["shard_size"] = np.int64(schema.SHARD_SIZE)
    group.attrs["rejected_reasons"] = json.dumps(reasons(spec))
    group.attrs["drawn"] = np.int64(0)
    group.attrs["rejected"] = np.zeros(len(reasons(spec)), np.int64)
    lengths = sizes(portion, split)
    first, stop = portion.span(split)
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
