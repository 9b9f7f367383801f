"""Files that appear under their final name only when they are complete; texts and arrays."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from topophys.errors import OutputError

__all__ = [
    "DAMAGE",
    "NUMBERS",
    "complete_file",
    "make_folder",
    "most_unpacked",
    "parse_json",
    "parse_toml",
    "read_json",
    "read_npy",
    "read_npz",
    "read_text",
    "require_distinct",
    "sha256",
    "write_json",
    "write_text",
]


# ---- Files that appear under their final name only when they are complete, and texts from anywhere

#: Bytes that a text which is read as a whole may have, where nothing else is said.
LARGEST_TEXT: Final = 1 << 26


@contextmanager
def complete_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary name to write to; rename it to `path` when the block ends well."""
    final = Path(path)
    partial = final.with_name(f"{final.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(final)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"Output `{final}` cannot be written: {reason}; choose another place."
        ) from None
    finally:
        partial.unlink(missing_ok=True) if partial.parent.is_dir() else None


def make_folder(path: str | Path) -> Path:
    """Create a folder with its parents, or raise `OutputError` in one line."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Folder `{folder}` cannot be made: {error.strerror or error}; choose another place."
        ) from None
    return folder


def require_distinct(output: str | Path, source: str | Path) -> None:
    """Refuse to write over what is read."""
    written, read = Path(output), Path(source)
    if written.exists() and read.exists() and written.samefile(read):
        raise OutputError(
            f"Output `{written}` must be another file than the input, but is the same; choose"
            " another name."
        )


def write_text(path: str | Path, text: str) -> Path:
    """Write a text file, whole or not at all."""
    with complete_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return Path(path)


def write_json(path: str | Path, content: Any) -> Path:
    """Write a JSON file, whole or not at all."""
    return write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_text(path: str | Path, *, most: int = LARGEST_TEXT, encoding: str | None = None) -> str:
    """Read a text file as a whole; what is not UTF-8 has another encoding, or is refused."""
    with Path(path).open("rb") as stream:
        # no more than the file has: memory is taken for what is asked for
        content = stream.read(min(most, os.fstat(stream.fileno()).st_size) + 1)
    if len(content) > most:
        raise ValueError(f"it has more than {most} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if encoding is not None:
            return content.decode(encoding)
        raise ValueError(f"it is not UTF-8 text, see byte {error.start}") from None


def parse_json(
    text: str | bytes,
    *,
    finite: bool = False,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Decode JSON; every fault of the text is a `ValueError`. `pairs` makes the objects."""
    try:
        if finite:
            return json.loads(text, parse_float=_finite, parse_constant=_finite)
        return json.loads(text, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"it must hold finite numbers, but has {word:.40}")
    return number


def parse_toml(text: str) -> dict[str, Any]:
    """Decode TOML; every fault of the text is a `ValueError`."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def read_json(
    path: str | Path,
    *,
    most: int = LARGEST_TEXT,
    finite: bool = False,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Read a JSON file as a whole."""
    return parse_json(read_text(path, most=most), finite=finite, pairs=pairs)


def most_unpacked(n_bytes: int) -> int:
    """Bytes that a compressed file may unpack to: honest numbers do not shrink a hundredfold."""
    return (1 << 26) + 100 * n_bytes


def sha256(path: str | Path) -> str:
    """Return the SHA-256 digest of a file, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# -------- NumPy arrays from files that may come from anywhere: numbers only, no more than there are

#: Kinds of types that are numbers.
NUMBERS: Final = "biufc"
#: What `zipfile` raises on damaged archives, depending on where the damage is.
DAMAGE: Final = (
    OSError,
    RuntimeError,
    NotImplementedError,  # a compression that zipfile does not know
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npy(path: str | Path) -> NDArray[Any]:
    """Read one array of numbers from a `.npy` file.

    `numpy.load` believes the header: it asks for as much memory as that claims.
    """
    with Path(path).open("rb") as stream:
        return _array(stream, Path(path).stat().st_size)


def read_npz(path: str | Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of a `.npz` archive."""
    most = most_unpacked(Path(path).stat().st_size)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            if sum(info.file_size for info in members) > most:
                raise ValueError(f"it unpacks to more than {most} bytes")
            found = {}
            for info in members:
                with archive.open(info) as stream:
                    found[info.filename.removesuffix(".npy")] = _array(stream, info.file_size)
            return found
    except DAMAGE as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _array(stream: IO[bytes], n_bytes: int) -> NDArray[Any]:
    shape, fortran, dtype = _header(stream)
    if dtype.kind not in NUMBERS:
        raise ValueError(f"it holds no numbers but {dtype!s:.40}")
    needed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or stream.tell() + needed > n_bytes:
        raise ValueError(f"it is too short for an array of {dtype} of shape {shape!s:.60}")
    content = stream.read(needed)
    if len(content) < needed:
        raise ValueError("it ends within its array")
    flat = np.frombuffer(bytearray(content), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"its format {version} is none of arrays of numbers")
    try:
        shape, fortran, dtype = readers[version](stream)
    # NumPy hands the header to the parser of Python, whose errors on damaged text are not a
    # closed list: SyntaxError, ValueError, TypeError, MemoryError, RecursionError, TokenError ...
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"its header is no description of an array ({reason:.60})") from None
    return tuple(int(n) for n in shape), bool(fortran), dtype
