"""How kernels are compiled: parts once, no formatting of strings, one line where it takes long."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from topophys.kernels import _jit
from topophys.kernels._jit import kernel

#: Prints every function that is compiled, with the types of its arguments.
EVENTS = """
from numba.core import event
class Listener(event.Listener):
    def on_start(self, e): pass
    def on_end(self, e):
        f = e.data["dispatcher"].py_func
        print(f"{f.__module__}.{f.__qualname__} {e.data['args']}")
event.register("numba:compile", Listener())
import topophys as tp
"""
QUESTIONS = {
    "winding": "tp.certify_winding(tp.ensembles.aiii_chains(10, rng=7))",
    "two bands": "tp.certify_chern(tp.models.haldane(m=0.1, t2=0.1, phi=1.57))",
    "four bands": "tp.certify_chern(tp.models.bhz(m=-1.0), n_occupied=2)",
}


@kernel
def _sum_from(x, first):
    total = 0.0
    for i in range(first, x.shape[0]):
        total += x[i]
    return total


@kernel
def _sums(x, out):
    out[0] = _sum_from(x, 0)
    out[1] = _sum_from(x, 1)
    for first in range(2, x.shape[0]):
        out[first] = _sum_from(x, first)


def test_kernels_call_each_other_and_can_be_called():
    x = np.random.default_rng(0).normal(size=5)
    out = np.empty(5)
    _sums(x, out)
    assert out.tolist() == [_sum_from(x, first) for first in range(5)]


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_nothing_is_compiled_for_other_types_or_for_messages(question, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", EVENTS + QUESTIONS[question]],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    # once more at most, for kernels that Python calls as well
    distinct = {line for line in lines if line.startswith("topophys.")}
    ours = [line.partition(" ")[0] for line in distinct]
    assert len(ours) > 20
    assert sorted(ours) == sorted(set(ours))
    assert not [line for line in lines if "unicode" in line]


def _compile_slowly(monkeypatch, seconds):
    """Run what `kernel` wraps around a compilation, with little patience."""
    monkeypatch.setattr(_jit, "_PATIENCE", 0.02)
    monkeypatch.setattr(_jit._Progress, "said", False)
    monkeypatch.setattr(_jit._Progress, "seconds", 0.0)
    with _jit._compiling():
        time.sleep(seconds)


def test_one_line_says_that_compiling_takes_long(monkeypatch, capfd):
    monkeypatch.delenv("TOPOPHYS_QUIET", raising=False)
    _compile_slowly(monkeypatch, 0.3)
    with _jit._compiling():
        time.sleep(0.1)
    said = capfd.readouterr().err
    assert said.startswith("topophys: compiling")
    assert said.count("\n") == 1


def test_nothing_is_said_where_it_is_unwanted(monkeypatch, capfd):
    monkeypatch.setenv("TOPOPHYS_QUIET", "1")
    _compile_slowly(monkeypatch, 0.3)
    assert capfd.readouterr().err == ""


def test_numba_is_left_as_it_was():
    from numba.core import types

    before = types.BaseFunction.get_call_type
    with _jit._compiling():
        assert types.BaseFunction.get_call_type is not before
    assert types.BaseFunction.get_call_type is before
    with pytest.raises(ZeroDivisionError), _jit._compiling():
        raise ZeroDivisionError
    assert types.BaseFunction.get_call_type is before


def test_a_change_of_any_kernel_outdates_what_is_kept_on_disk(monkeypatch):
    if getattr(_sums, "_cache", None) is None:
        pytest.skip("kernels are interpreted")
    _sums(np.ones(3), np.empty(3))
    again = _jit.kernel(_sums.py_func)
    assert again._cache._cache_file._source_stamp == _sums._cache._cache_file._source_stamp
    monkeypatch.setattr(_jit, "_sources", lambda: "those of another version")
    changed = _jit.kernel(_sums.py_func)
    loads = changed._cache._cache_file.load
    assert again._cache._cache_file.load(_key(again)) is not None
    assert loads(_key(again)) is None


def _key(compiled):
    """Name of the overload for real vectors in Numba's index."""
    [signature] = _sums.signatures
    return compiled._cache._index_key(signature, compiled.targetctx.codegen())
