"""HDF5 files from anywhere: what could keep the library busy is checked first.

The library believes what it reads. Headers and links of the files that this package writes carry
checksums and hold no text of variable length, so that one wrong bit is an error. Other files may
nest groups, hang attributes on them or tie a heap into a circle: all that is counted and followed
here, within limits, before anything is read through the library.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from topophys._io import NUMBERS, is_file, open_regular
from topophys.errors import DatasetError, SchemaError

__all__ = [
    "as_plain",
    "check_headers",
    "opened",
    "opened_of_others",
    "plain_array",
    "set_attribute",
]

#: What h5py raises on damaged files, depending on where the damage is.
DAMAGE: Final = (
    OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, OverflowError,
)  # fmt: skip
#: Bytes that a file may have besides its arrays: recipe, attributes, headers.
LARGEST: Final = 1 << 24
#: The same for every array: its headers, and the space before its first page.
PER_ARRAY: Final = 1 << 14
#: Attributes of one node; finding one by its number takes as long as there are many.
MOST_ATTRIBUTES: Final = 64
#: Links in one group, and groups within each other; of our files, and of those of others.
MOST_LINKS: Final = 4096
DEEPEST: Final = 3
MOST_LINKS_OF_OTHERS: Final = 1 << 18
DEEPEST_OF_OTHERS: Final = 8


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a data file for reading, with every failure as one line."""
    if not is_file(path):  # opening a pipe would wait for ever, reading a device may not end
        if os.path.exists(path):  # noqa: PTH110 (False for names that cannot be)
            what = "a folder" if path.is_dir() else "a device or a pipe"
            raise DatasetError(f"Data file `{path}` must be a file, but is {what}.")
        raise DatasetError(
            f"Data file `{path}` does not exist; make it with `topophys generate RECIPE.toml -o"
            f" {path}`."
        )
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


def check_headers(file: h5py.File, path: Path) -> None:
    """Refuse files whose headers would take memory or time without bound.

    The length of a text is not known before it is read; but it lies in the file, and what is not
    array must be little.
    """
    sizes: list[int] = []
    if _walk(file, path, 0, sizes):
        _check_heaps(path)
    rest = path.stat().st_size - sum(sizes)
    if rest < 0:
        raise DatasetError(f"Data file `{path}` is shorter than its arrays: it is truncated.")
    if rest > LARGEST + PER_ARRAY * len(sizes):
        raise SchemaError(
            f"Data file `{path}` must hold little besides its arrays, but has {rest} bytes of"
            " headers and attributes; it was not made by topophys."
        )


@contextmanager
def opened_of_others(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file that another program made: a plain file, checked before it is read.

    Raises `OSError` or `ValueError` with the reason.
    """
    with open_regular(path):
        pass
    # heaps hold attributes and texts only, which nobody reads here
    with h5py.File(path, "r", locking=False) as file:
        _walk(file, path, 0, [], (MOST_LINKS_OF_OTHERS, DEEPEST_OF_OTHERS))
        yield file


def plain_array(group: h5py.Group, name: str, *, most: int) -> NDArray[Any]:
    """Numbers of an array that lies in the file itself and has no more than so many bytes.

    Raises `KeyError` where there is none, and `ValueError` where it is something else.
    """
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise KeyError(f"`{name}` is not in the file")
    node = group[name]
    if not isinstance(node, h5py.Dataset) or node.is_virtual or node.external:
        raise ValueError(f"`{name}` must be an array that lies in the file")
    if node.dtype.kind not in NUMBERS or node.shape is None:
        raise ValueError(f"`{name}` must hold numbers, but holds {node.dtype!s:.40}")
    if node.nbytes > most:
        raise ValueError(f"`{name}` must have at most {most} bytes, but has {node.nbytes}")
    return np.asarray(node[()])


def _walk(
    group: h5py.Group,
    path: Path,
    depth: int,
    sizes: list[int],
    limits: tuple[int, int] = (MOST_LINKS, DEEPEST),
) -> bool:
    """Visit a group, but nothing outside the file; whether any attribute lies in a heap."""
    heap = _check_attributes(group, path)
    count, (most, deepest) = len(group), limits
    if count > most or (count and depth >= deepest):
        what = f"nest its groups at most {deepest} deep" if depth >= deepest else (
            f"have at most {most} entries in a group, but has {count}")  # fmt: skip
        raise SchemaError(
            f"Data file `{path}` must {what} (see `{group.name:.60}`); it was not made by topophys."
        )
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        node = group[name]
        if isinstance(node, h5py.Group):
            heap = _walk(node, path, depth + 1, sizes, limits) or heap
            continue
        if isinstance(node, h5py.Dataset):
            sizes.append(int(node.id.get_storage_size()))
        heap = _check_attributes(node, path) or heap
    return heap


def _check_attributes(node: Any, path: Path) -> bool:
    """Refuse many and large attributes; whether one of them lies in a heap."""
    what = "the file" if node.name == "/" else f"`{str(node.name).strip('/'):.60}`"
    count = h5py.h5a.get_num_attrs(node.id)
    if count > MOST_ATTRIBUTES:
        raise SchemaError(
            f"Data file `{path}`: {what} must have at most {MOST_ATTRIBUTES} attributes, but has"
            f" {count}; it was not made by topophys."
        )
    heap = False
    for number in range(count):
        attribute = h5py.h5a.open(node.id, index=number)
        kind = attribute.get_type()
        # an attribute may claim any shape; texts of variable length count by their pointers
        size = kind.get_size() * max(1, attribute.get_space().get_select_npoints())
        if size > LARGEST:
            raise SchemaError(
                f"Data file `{path}`: an attribute of {what} must be small, but has {size} bytes."
            )
        text = isinstance(kind, h5py.h5t.TypeStringID)
        plain = isinstance(kind, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID)
        heap = heap or not (plain or (text and not kind.is_variable_str()))
    return heap


# ---- Attributes of own files


def set_attribute(node: Any, name: str, value: Any) -> None:
    """Set an attribute; texts have a fixed length.

    Those of variable length lie in a heap without checksum, in which one wrong bit can make the
    library run in circles.
    """
    if isinstance(value, str):
        content = value.encode("utf-8")
        node.attrs.create(name, content, dtype=h5py.string_dtype("utf-8", max(1, len(content))))
    else:
        node.attrs[name] = value


def as_plain(value: Any) -> Any:
    """Value of an attribute as Python has it, texts of either length as `str`."""
    plain = value.item() if isinstance(value, np.generic) else value
    return plain.decode("utf-8") if isinstance(plain, bytes) else plain


# ---- Heaps of variable-length values, which have no checksum

#: Bytes that are looked through at a time.
BLOCK: Final = 1 << 22
#: First bytes of a heap, and of what a heap and an object in it begin with.
SIGNATURE: Final = b"GCOL"
HEAD: Final = 16


def _check_heaps(path: Path) -> None:
    """Follow the objects of every heap: the library goes in circles where a size is wrong."""
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        for start in _places(stream, size):
            stream.seek(start)
            head = stream.read(HEAD)
            if len(head) < HEAD or head[4] != 1:
                continue  # numbers that look like one; the library refuses other versions
            length = int.from_bytes(head[8:16], "little")
            if not HEAD <= length <= min(size - start, LARGEST):
                raise _damaged(path, start)
            content, at = head + stream.read(length - HEAD), HEAD
            # less than a head at the end is free space
            while at + HEAD <= length:
                number = int.from_bytes(content[at : at + 2], "little")
                needed = int.from_bytes(content[at + 8 : at + 16], "little")
                # the free space, number 0, counts its own head; objects are rounded up to 8 bytes
                step = needed if number == 0 else HEAD + -(-needed // 8) * 8
                if step < HEAD or at + step > length:
                    raise _damaged(path, start + at)
                at += step


def _places(stream: Any, size: int) -> Iterator[int]:
    for start in range(0, size, BLOCK):
        stream.seek(start)
        block = stream.read(BLOCK + len(SIGNATURE) - 1)
        at = block.find(SIGNATURE)
        while at >= 0:
            if (start + at) % 8 == 0:
                yield start + at
            at = block.find(SIGNATURE, at + 1)


def _damaged(path: Path, at: int) -> DatasetError:
    return DatasetError(
        f"Data file `{path}` is truncated or damaged (the heap at byte {at} has a size that cannot"
        " be); copy or make it again."
    )
