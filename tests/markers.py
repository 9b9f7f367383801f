"""Marks for some of the values of a test."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def others_slow(values: Iterable[Any], *, quick: Collection[Any]) -> list[Any]:
    """Values for `pytest.mark.parametrize`: those in `quick` as they are, the others `slow`."""
    values = list(values)
    unknown = [value for value in quick if value not in values]
    if unknown:
        raise ValueError(f"not among the values: {unknown}")
    return [v if v in quick else _slow(v) for v in values]


def _slow(value: Any) -> Any:
    words = value if isinstance(value, tuple) else (value,)
    return pytest.param(*words, marks=pytest.mark.slow)
