"""Files that appear under their final name only when they are complete, and texts from anywhere."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from topophys.errors import OutputError

__all__ = [
    "complete_file",
    "make_folder",
    "most_unpacked",
    "parse_json",
    "parse_toml",
    "read_json",
    "read_text",
    "sha256",
    "write_json",
    "write_text",
]

#: Bytes that a text which is read as a whole may have, where nothing else is said.
LARGEST_TEXT: Final = 1 << 26


@contextmanager
def complete_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary name to write to; rename it to `path` when the block ends well.

    Parameters
    ----------
    path : str or Path
        Final name.

    Yields
    ------
    Path
        Name to write to, in the same folder. It is removed if the block fails.

    Raises
    ------
    OutputError
        If the file cannot be written there.
    """
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
    """Create a folder with its parents, or raise `OutputError` in one line.

    Parameters
    ----------
    path : str or Path
        The folder; may exist.

    Returns
    -------
    Path
        The folder.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Folder `{folder}` cannot be made: {error.strerror or error}; choose another place."
        ) from None
    return folder


def write_text(path: str | Path, text: str) -> Path:
    """Write a text file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Final name.
    text : str
        Content, stored as UTF-8.

    Returns
    -------
    Path
        The file.
    """
    with complete_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return Path(path)


def write_json(path: str | Path, content: Any) -> Path:
    """Write a JSON file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Final name.
    content : object
        What `json` can store; NaN is refused.

    Returns
    -------
    Path
        The file.
    """
    return write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_text(path: str | Path, *, most: int = LARGEST_TEXT) -> str:
    """Read a text file as a whole.

    Parameters
    ----------
    path : str or Path
        The file, in UTF-8.
    most : int, optional
        Bytes that it may have.

    Returns
    -------
    str
        Its content.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, is larger, or is not UTF-8; for the caller to put into words.
    """
    with Path(path).open("rb") as stream:
        # no more than the file has: memory is taken for what is asked for
        content = stream.read(min(most, os.fstat(stream.fileno()).st_size) + 1)
    if len(content) > most:
        raise ValueError(f"it has more than {most} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 text, see byte {error.start}") from None


def parse_json(text: str | bytes, *, finite: bool = False) -> Any:
    """Decode JSON; every fault of the text is a `ValueError`.

    Parameters
    ----------
    text : str or bytes
        The text.
    finite : bool, optional
        Refuse NaN and infinities, which no file of this package holds.

    Returns
    -------
    object
        Its content.
    """
    try:
        if finite:
            return json.loads(text, parse_float=_finite, parse_constant=_finite)
        return json.loads(text)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"it must hold finite numbers, but has {word:.40}")
    return number


def parse_toml(text: str) -> dict[str, Any]:
    """Decode TOML; every fault of the text is a `ValueError`.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    dict
        Its tables and keys.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def read_json(path: str | Path, *, most: int = LARGEST_TEXT, finite: bool = False) -> Any:
    """Read a JSON file as a whole.

    Parameters
    ----------
    path, most
        As for `read_text`.
    finite
        As for `parse_json`.

    Returns
    -------
    object
        Its content.

    Raises
    ------
    OSError, ValueError
        If it cannot be read or is not JSON.
    """
    return parse_json(read_text(path, most=most), finite=finite)


def most_unpacked(n_bytes: int) -> int:
    """Bytes that a compressed file may unpack to: honest numbers do not shrink a hundredfold.

    Parameters
    ----------
    n_bytes : int
        Size of the file.

    Returns
    -------
    int
        The bound.
    """
    return (1 << 26) + 100 * n_bytes


def sha256(path: str | Path) -> str:
    """Return the SHA-256 digest of a file, in hexadecimal.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
