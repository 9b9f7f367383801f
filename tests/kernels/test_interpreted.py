"""Kernels as Python functions: the same answers, no traces of a call that was stopped."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from topophys.kernels import _interpreted
from topophys.kernels._jit import kernel

KERNELS = Path(_interpreted.__file__).parent
#: Questions of all kinds; each is asked of a random number generator's Hamiltonians.
QUESTIONS = """
import json, sys
import numpy as np
import topophys as tp

def answers(seed):
    rng = np.random.default_rng(seed)
    chains = tp.ensembles.aiii_chains(6, rng=rng)
    larger = tp.ensembles.aiii_chains(2, n_orbitals=3, rng=rng)
    planes = tp.ensembles.two_band(3, rng=rng)
    mass = float(rng.uniform(-2.5, 2.5))
    four, mixed = tp.models.bhz(m=mass), tp.models.haldane(m=0.1 * mass, t2=0.1, phi=1.5)
    mask = {"on_unresolved": "mask"}
    return [
        tp.certify_winding(chains), tp.certify_winding(larger),
        tp.certify_winding(chains, max_evaluations=60, max_depth=3),
        tp.certify_chern(planes), tp.certify_chern(mixed),
        tp.certify_chern(four, n_occupied=2), tp.certify_gap(four, n_occupied=2),
        tp.z2_invariant(tp.models.kane_mele(0.1 * mass), n_occupied=2),
        tp.winding_3d(tp.models.chiral_dirac_3d(mass), chiral="blocks", **mask),
        tp.majorana_number(
            tp.models.kitaev_chain_bdg(mu=mass, t=1.0, delta=0.7), particle_hole="nambu"
        ),
        tp.winding_number(chains, grid=16, **mask), tp.chern_number(planes, grid=8, **mask),
    ]

def plain(found):
    if not hasattr(found, "status"):
        return {"value": np.ma.filled(found, -99).tolist()}
    names = ("value", "status", "gap_lower", "gap_upper", "evaluations")
    table = {name: getattr(found, name, None) for name in names}
    return {
        name: None if entry is None else np.ma.filled(np.ma.asarray(entry), -99).tolist()
        for name, entry in table.items()
    }
"""
#: Before each kernel runs, it runs in part; what that left behind must not matter.
STOPPED = """
import random
from topophys.kernels import _interpreted
draw, complete = random.Random(1), _interpreted._interpret
stopped = 0
def interpret(entry, compile_for, *args):
    global stopped
    left = draw.randrange(40)
    def extend():
        nonlocal left
        left -= 1
        if left < 0:
            raise _interpreted._CreditSpentError
    goes_on, _interpreted._extend_deadline = _interpreted._extend_deadline, extend
    def again(*args):
        "Python once more, in the place of the compiler."
        nonlocal again_called
        again_called = True
        _interpreted._extend_deadline = goes_on
    again_called = False
    class Entry:
        py_func = entry.py_func
        def __call__(self, *args):
            return complete(entry, compile_for, *args)
    result = complete(Entry(), again, *args)
    _interpreted._extend_deadline = goes_on
    stopped += again_called
    return result
_interpreted._interpret = interpret
"""


def _ask(code, tmp_path):
    """Output of a process with kernels as Python functions and nothing compiled."""
    where = {"NUMBA_CACHE_DIR": str(tmp_path), "TOPOPHYS_INTERPRET_SECONDS": "inf"}
    done = subprocess.run(
        [sys.executable, "-c", QUESTIONS + code],
        env=os.environ | where,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not [*tmp_path.rglob("*.nbc")], "something was compiled"
    return json.loads(done.stdout)


def _compiled(seed):
    names = {}
    exec(QUESTIONS, names)  # the same text as in the other process
    return [names["plain"](found) for found in names["answers"](seed)]


def _agree(interpreted, compiled):
    """Integers, status and effort are equal; bounds are to rounding, which fusing may change."""
    assert len(interpreted) == len(compiled)
    for one, other in zip(interpreted, compiled, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            if name.startswith("gap") and one[name] is not None:
                a, b = np.asarray(one[name], float), np.asarray(other[name], float)
                assert np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True), name
            else:
                assert one[name] == other[name], name


def test_answers_are_those_of_compiled_kernels(tmp_path):
    code = "json.dump([[plain(x) for x in answers(s)] for s in (1, 2)], sys.stdout)"
    for seed, interpreted in zip((1, 2), _ask(code, tmp_path), strict=True):
        _agree(interpreted, _compiled(seed))


def test_a_call_that_is_stopped_leaves_no_trace(tmp_path):
    code = STOPPED + "json.dump([[plain(x) for x in answers(3)], stopped], sys.stdout)"
    found, stopped = _ask(code, tmp_path)
    assert stopped > 20
    _agree(found, _compiled(3))


# ------------------------------------------------------------------------- One kernel in isolation


@kernel
def _add(x, y):
    return x + y


@kernel
def _sum(x, out):
    out[0] = 0.0
    for i in range(x.shape[0]):
        out[0] = _add(out[0], x[i])


@kernel
def _inverse(x):
    return 1.0 / (x - x)


@pytest.fixture
def credit(monkeypatch):
    """Function that gives kernels seconds as Python functions, and none spent."""

    def give(seconds):
        monkeypatch.setattr(_interpreted._State, "credit", seconds)
        monkeypatch.setattr(_interpreted._State, "spent", 0.0)

    return give


def fresh(func, tmp_path, monkeypatch):
    """A kernel that nothing is kept of."""
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    return kernel(func.py_func)


def test_python_runs_first_and_the_compiler_when_the_credit_is_spent(tmp_path, monkeypatch, credit):
    again, x, out = fresh(_sum, tmp_path, monkeypatch), np.arange(50.0), np.empty(1)
    credit(10.0)
    again(x, out)
    assert (out[0], again.signatures) == (1225.0, [])
    assert _interpreted._State.spent > 0.0
    _interpreted._State.spent = 11.0
    out[0] = 7.0
    again(x, out)
    assert (out[0], len(again.signatures)) == (1225.0, 1)


def test_a_call_is_compiled_in_its_middle(tmp_path, monkeypatch, credit):
    again, x, out = fresh(_sum, tmp_path, monkeypatch), np.ones(200_000), np.empty(1)
    credit(0.005)
    again(x, out)
    assert (out[0], len(again.signatures)) == (200_000.0, 1)


def test_what_only_python_refuses_is_compiled(tmp_path, monkeypatch, credit):
    again = fresh(_inverse, tmp_path, monkeypatch)
    credit(10.0)
    assert again(2.0) == np.inf
    assert len(again.signatures) == 1


def test_code_on_disk_is_used(tmp_path, monkeypatch, credit):
    x, out = np.arange(5.0), np.empty(1)
    credit(0.0)
    fresh(_sum, tmp_path, monkeypatch)(x, out)
    credit(10.0)
    again = fresh(_sum, tmp_path, monkeypatch)
    again(x, out)
    assert (out[0], len(again.signatures), _interpreted._State.spent) == (10.0, 1, 0.0)


@pytest.mark.parametrize(
    ("given", "left"), [("0", 0.0), ("1.5", 1.5), ("much", 2.5), ("nan", 2.5), (None, 2.5)]
)
def test_the_credit_can_be_set(given, left, monkeypatch, credit):
    credit(None)
    if given is None:
        monkeypatch.delenv("TOPOPHYS_INTERPRET_SECONDS", raising=False)
    else:
        monkeypatch.setenv("TOPOPHYS_INTERPRET_SECONDS", given)
    assert _interpreted._credit_left() == left


def test_python_rounds_as_compiled_code_does():
    """`x**2` is a product in Numba and `pow` in Python, which may round differently."""
    squares = []
    for path in sorted(KERNELS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
                text = ast.unparse(node.left)
                if ".real" in text or ".imag" in text or "pi" in text:
                    squares.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    assert not squares
