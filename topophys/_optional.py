"""Packages that only an extra, or the user, brings, loaded when they are used."""

from __future__ import annotations

import html
import importlib
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from topophys.errors import MissingPackageError

__all__ = ["NotebookText", "load_extra", "quiet", "table_of_rows", "working_folder_first"]


def load_extra(name: str, extra: str) -> Any:
    """Import a module of an optional package.

    Examples
    --------
    >>> load_extra("no_such_package.core", "materials")
    Traceback (most recent call last):
    ...
    topophys.errors.MissingPackageError: Package `no_such_package` must be installed for this, ...
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise MissingPackageError(
            f"Package `{name.partition('.')[0]}` must be installed for this, but cannot be loaded"
            f" ({reason}); install it with `pip install 'topophys[{extra}]'`."
        ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings of such packages about themselves from the user, for a block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class NotebookText:
    """Base of results that notebooks show as their text, in fixed width."""

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def table_of_rows(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Make a data frame with one row for each mapping from column to value."""
    return load_extra("pandas", "pandas").DataFrame.from_records([dict(row) for row in rows])


@contextmanager
def working_folder_first() -> Iterator[None]:
    """Import from the working folder, where installed commands do not look."""
    sys.path.insert(0, "")  # the working folder, also where it is gone
    try:
        yield
    finally:
        if "" in sys.path:
            sys.path.remove("")
