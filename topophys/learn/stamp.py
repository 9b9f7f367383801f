"""Files of this package name their format and version; others are refused."""

from __future__ import annotations

from typing import Any

from topophys.errors import CheckpointError

__all__ = ["require_stamp"]


def require_stamp(content: Any, file: str, *, name: str, version: int) -> dict[str, Any]:
    """Raise unless what a JSON file holds is of a format and version.

    Parameters
    ----------
    content : any
        What was read.
    file : str
        What the file is and its path, for the message.
    name : str
        Format there must be.
    version : int
        Version there must be.

    Returns
    -------
    dict
        The content.

    Raises
    ------
    CheckpointError
        If it is of another format or version.

    Examples
    --------
    >>> require_stamp({"version": 1}, "Run `a.json`", name="topophys-run", version=1)
    Traceback (most recent call last):
    ...
    topophys.errors.CheckpointError: Run `a.json` is not one of topophys (no format entry).
    """
    if not isinstance(content, dict) or content.get("format") != name:
        raise CheckpointError(f"{file} is not one of topophys (no format entry).")
    if content.get("version") != version:
        raise CheckpointError(
            f"{file} has version {content.get('version')!r}, but this release reads version"
            f" {version}; use the release that wrote it, or train again."
        )
    return content
