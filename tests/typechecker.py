"""The run-time checker of annotations that the test run puts on every function.

A check costs about as much as a small function. Each function is checked in its first calls of
every test, and left alone in the rest of that test.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

from beartype import BeartypeConf, beartype

#: Checks of one function in one test; there are two in each call, of arguments and of the result.
#: `make test-random` and `make test-slow` check every call.
CHECKS = 40
#: Whether every call is checked.
ALL = os.environ.get("TOPOPHYS_CHECKS") == "all"
#: Python's numbers count as they do for mypy: an int is a float is a complex.
_strict = beartype(conf=BeartypeConf(is_pep484_tower=True))
#: Functions that are not checked any more in this test.
_left: list[Any] = []
#: The number of this test.
_now = [0]


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that checks its annotations, until it has done so often enough in this test."""
    if not isinstance(function, FunctionType):  # a class: its methods come on their own
        return _strict(function)
    strict = None
    test = calls = 0

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal strict, test, calls
        if strict is None:  # most functions are not called in a process
            strict = _strict(function)
        if test != _now[0]:
            test, calls = _now[0], 0
        calls += 1
        if calls == CHECKS and not ALL:
            _leave(function)
        return strict(*args, **kwargs)

    return counted


def again() -> None:
    """Check all functions from here on, as at the beginning of a test."""
    _now[0] += 1
    while _left:
        _left.pop().__no_type_check__ = False


def _leave(function: Callable[..., Any]) -> None:
    """No more checks of the function of this name; those inside of functions keep theirs."""
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = vars(found).get(name) if hasattr(found, "__dict__") else None
    while found is not None:
        found = getattr(found, "fget", None) or getattr(found, "__func__", None) or found
        if getattr(getattr(found, "__code__", None), "co_name", "") == "wrapped_fn":
            found.__no_type_check__ = True
            _left.append(found)
            return
        found = getattr(found, "__wrapped__", None)
