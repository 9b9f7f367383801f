"""The one place where Numba's compilation flags are chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(func: _F) -> _F:
    """Compile `func` on its first call, with IEEE semantics and a disk cache.

    No fastmath: the certificates rest on the rounding of each operation. `nogil` lets threads
    above the kernels run side by side.
    """
    return _compiled(func, fastmath=False)


def fused_kernel(func: _F) -> _F:
    """As `kernel`, but products and sums may be fused into one operation with one rounding.

    For counts whose own filter hands on whatever rounding could change: the integer is the same
    on every machine, the last bits of what is counted are not.
    """
    return _compiled(func, fastmath={"contract"})


def _compiled(func: _F, **options: Any) -> _F:
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        compiled: _F = numba.njit(func, cache=True, **options)
    except RuntimeError:
        # neither the package nor the home of the user can be written to: each process compiles anew
        compiled = numba.njit(func, **options)
    return compiled
