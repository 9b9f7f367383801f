"""A look at the size of a file's headers before any of them is read into memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import h5py

from topophys.errors import DatasetError, SchemaError

__all__ = ["check_bulk"]

#: Bytes that a file may have besides its arrays: recipe, attributes, headers.
LARGEST: Final = 1 << 24
#: The same for every array: its headers, and the space before its first page.
PER_ARRAY: Final = 1 << 14


def check_bulk(file: h5py.File, path: Path) -> None:
    """Refuse files whose attributes would fill the memory.

    The length of a text is not known before it is read; but it lies in the file, and what is not
    array must be little.

    Parameters
    ----------
    file : h5py.File
        The open file.
    path : Path
        Its name.

    Raises
    ------
    SchemaError
        If there is much besides arrays, or an attribute is large.
    DatasetError
        If the file is shorter than its arrays.
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
