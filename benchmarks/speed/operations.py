"""How many multiplications and additions a kernel does: its own loops, run on numbers that count.

The kernels run interpreted (NUMBA_DISABLE_JIT=1) in a process of its own, with object arrays in
place of float arrays. Branches are those the numbers take, so that the count belongs to the
Hamiltonian at hand. `python -m benchmarks.speed.operations` prints one line of JSON for
`operations_of_sampled`.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import pkgutil
import subprocess
import sys
from collections import Counter

import numpy as np

import topophys as tp
import topophys.kernels
from topophys.invariants import berry

COUNT = Counter()


class Number(float):
    """A float whose arithmetic is counted."""

    def __mul__(self, other):
        COUNT["multiply"] += 1
        return Number(float(self) * float(other))

    def __add__(self, other):
        COUNT["add"] += 1
        return Number(float(self) + float(other))

    def __sub__(self, other):
        COUNT["add"] += 1
        return Number(float(self) - float(other))

    def __rsub__(self, other):
        COUNT["add"] += 1
        return Number(float(other) - float(self))

    def __truediv__(self, other):
        COUNT["divide"] += 1
        return Number(float(self) / float(other))

    def __rtruediv__(self, other):
        COUNT["divide"] += 1
        return Number(float(other) / float(self))

    def __neg__(self):
        return Number(-float(self))

    def __abs__(self):
        return Number(abs(float(self)))

    def sqrt(self):
        COUNT["root"] += 1
        return Number(math.sqrt(self))

    __rmul__, __radd__ = __mul__, __add__


class Arrays:
    """NumPy, but new float arrays hold objects."""

    def __getattr__(self, name):
        return getattr(np, name)

    def empty(self, shape, dtype=float):
        return (
            np.full(shape, Number(0.0), object)
            if dtype in (float, np.float64)
            else (np.empty(shape, dtype))
        )

    zeros = empty


class Functions:
    """The math module, but roots are counted."""

    def __getattr__(self, name):
        return getattr(math, name)

    def sqrt(self, x):
        return Number(x).sqrt()


def counting(array):
    """The array with counting numbers where it held floats."""
    if isinstance(array, np.ndarray) and array.dtype == np.float64:
        return np.vectorize(Number, otypes=[object])(array)
    return array


def patch_kernels():
    """Give every kernel module the arrays and functions that count."""
    for found in pkgutil.iter_modules(topophys.kernels.__path__, "topophys.kernels."):
        module = importlib.import_module(found.name)
        for name, stand_in in (("np", Arrays()), ("math", Functions())):
            if hasattr(module, name):
                setattr(module, name, stand_in)


def count_here(grid: int, hopping_range: int) -> dict:
    """Operations of one sampled Chern number of random two-band Hamiltonians."""
    H = tp.ensembles.two_band(8, hopping_range=hopping_range, rng=2026)
    expected = tp.chern_number(H, grid=(grid, grid), on_unresolved="mask")
    kernel = berry.count_chern_of_series
    patch_kernels()
    berry.count_chern_of_series = lambda *given: kernel(*map(counting, given))
    found = tp.chern_number(H, grid=(grid, grid), on_unresolved="mask")
    if (np.ma.filled(found) != np.ma.filled(expected)).any():
        raise RuntimeError("Counting numbers must not change the result, but did.")
    return {name: n / len(H) for name, n in COUNT.items()}


def operations_of_sampled(grid: int = 24, hopping_range: int = 1) -> dict:
    """Multiplications, additions, divisions and roots per Hamiltonian, counted in a process."""
    words = [sys.executable, "-m", "benchmarks.speed.operations", str(grid), str(hopping_range)]
    env = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    print(json.dumps(count_here(int(sys.argv[1]), int(sys.argv[2]))))
