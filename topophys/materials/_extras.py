"""Packages that only the materials need, loaded when they are used."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from topophys.errors import TopophysError

__all__ = ["MissingPackageError", "load", "quiet"]


class MissingPackageError(TopophysError, ImportError):
    """A package of the extra `materials` is not installed."""


def load(name: str) -> Any:
    """Import a package of the extra `materials`.

    Parameters
    ----------
    name : str
        Module, such as "spglib" or "pymatgen.core".

    Returns
    -------
    module
        The module.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise MissingPackageError(
            f"Package `{package}` must be installed for this, but cannot be loaded ({error});"
            " install it with `pip install 'topophys[materials]'`."
        ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings of those packages about themselves from the user, for a block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
