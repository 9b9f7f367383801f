"""Kernels as plain Python functions until compiling them pays: small first calls end in a second.

Compiling the kernels of a question takes several seconds, what they do for one small Hamiltonian
takes Python some tenths of a second. While a signature of a kernel is neither compiled nor on disk,
its first calls run its Python code, until that has taken `CREDIT` seconds in this process; then, in
the middle of a call if need be, it is compiled, and the call starts again. So a first call costs a
few seconds more than compiling at worst. Both ways do the same operations, each rounded once, but
where `fused_kernel` lets the compiler fuse two. A call that is stopped gives its arrays back as
they were.
"""

from __future__ import annotations

import builtins
import math
import os
import sys
import threading
import time
import types
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

#: Seconds of CPU time that a process spends at most on kernels as plain Python.
CREDIT: Final = 2.5
#: Bytes of arrays of one call above which compiling pays anyway.
MAX_BYTES: Final = 1 << 22


class _CreditSpentError(Exception):
    """Python has taken as long as it may: compile."""


class _State:
    """What this process has spent, and what it may spend."""

    lock = threading.Lock()
    credit: float | None = None
    spent = 0.0


class _Deadline(threading.local):
    """When the call of this thread has to look at its CPU time again, and where that may stand."""

    at = 0.0
    end = 0.0


#: Python functions by the function that a kernel was made of; modules by name, with such kernels.
_functions: dict[Callable[..., Any], Callable[..., Any]] = {}
_modules: dict[str, dict[str, Any]] = {}
_deadline = _Deadline()


def compile_at_once() -> None:
    """From here on this process compiles each kernel at its first call: it has much to do."""
    _State.credit = 0.0


def _credit_left() -> float:
    """Seconds that kernels may still take as Python; TOPOPHYS_INTERPRET_SECONDS changes them."""
    if _State.credit is None:
        try:
            given = float(os.environ.get("TOPOPHYS_INTERPRET_SECONDS", CREDIT))
        except ValueError:
            given = math.nan
        _State.credit = CREDIT if math.isnan(given) else given
    return _State.credit - _State.spent


def interpret_first(entry: Any) -> None:
    """Let Python run the kernel `entry` (a Numba dispatcher) as long as the credit lasts."""
    compile_for = entry._compile_for_args
    seen: set[Any] = set()

    def compile_or_interpret(*args: Any, **kws: Any) -> Any:
        size = sum(arg.nbytes for arg in args if isinstance(arg, np.ndarray))
        if kws or size > MAX_BYTES or _credit_left() <= 0.0 or _is_kept(entry, args, seen):
            return compile_for(*args, **kws)
        return partial(_interpret, entry, compile_for)

    entry._compile_for_args = compile_or_interpret


def _is_kept(entry: Any, args: tuple[Any, ...], seen: set[Any]) -> bool:
    """Whether the disk holds compiled code for these arguments; looked up once if it does not."""
    signature = tuple(entry.typeof_pyval(arg) for arg in args)
    if signature in seen:
        return False
    cache = entry._cache
    files = getattr(cache, "_cache_file", None)
    if files is not None:
        try:
            if cache._index_key(signature, entry.targetctx.codegen()) in files._load_index():
                return True
        except OSError:
            return False
    seen.add(signature)
    return False


def _interpret(entry: Any, compile_for: Callable[..., Any], *args: Any) -> Any:
    """Return what the kernel does, by Python if that is quick."""
    arrays = [arg for arg in args if isinstance(arg, np.ndarray) and arg.flags.writeable]
    before = [array.copy() for array in arrays]
    start = time.thread_time()
    _deadline.at, _deadline.end = 0.0, start + _credit_left()
    try:
        with np.errstate(all="ignore"):
            return _python(entry.py_func)(*args)
    except Exception:  # too slow, or what only Python refuses, such as a division by zero
        pass
    finally:
        with _State.lock:
            _State.spent += time.thread_time() - start
    for array, content in zip(arrays, before, strict=True):
        array[...] = content
    compile_for(*args)
    return entry(*args)


def _python(func: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of a kernel, which calls others as Python and stops with the credit."""
    found = _functions.get(func)
    if found is None:
        plain = types.FunctionType(
            func.__code__, _globals_of(func), func.__name__, func.__defaults__, func.__closure__
        )
        now = time.perf_counter

        def found(*args: Any) -> Any:
            if now() > _deadline.at:
                _extend_deadline()
            return plain(*args)

        _functions[func] = found
    return found


def _extend_deadline() -> None:
    """Let this thread continue until it can have spent its CPU time, or end the call."""
    left = _deadline.end - time.thread_time()
    if left <= 0.0:
        raise _CreditSpentError
    _deadline.at = time.perf_counter() + left


class _Globals(dict[str, Any]):
    """Names of a module, with Python functions in the place of kernels."""

    def __init__(self, module: dict[str, Any]) -> None:
        super().__init__(__builtins__=builtins)
        self._module = module

    def __missing__(self, name: str) -> Any:
        value = self._module[name] if name in self._module else getattr(builtins, name)
        if hasattr(value, "py_func"):
            value = _python(value.py_func)
        self[name] = value
        return value


def _globals_of(func: Callable[..., Any]) -> dict[str, Any]:
    """Global names as a kernel's Python code sees them."""
    name = func.__module__
    if name not in _modules:
        _modules[name] = _Globals(vars(sys.modules[name]))
    return _modules[name]
