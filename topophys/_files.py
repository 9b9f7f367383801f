"""Files that appear under their final name only when they are complete."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from topophys.errors import OutputError

__all__ = ["complete_file", "make_folder", "sha256", "write_json", "write_text"]


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
