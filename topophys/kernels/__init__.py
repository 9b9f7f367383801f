"""Compiled loops over raw arrays: no checks, no allocation of results, no exceptions."""

from topophys.kernels._interpreted import compile_at_once

__all__ = ["compile_at_once"]
