"""How kernels are compiled: parts once, no formatting of strings, one line where it takes long."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.markers import others_slow
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


# NUMBA_DISABLE_JIT, as when coverage is measured: there is no compiled code to keep or to damage
COMPILED = pytest.mark.skipif(
    getattr(_sums, "_cache", None) is None, reason="kernels are interpreted"
)


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
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "TOPOPHYS_INTERPRET_SECONDS": "0"},
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


@COMPILED
def test_a_change_of_any_kernel_outdates_what_is_kept_on_disk(monkeypatch):
    _sums(np.ones(3), np.empty(3))
    again = _jit.kernel(_sums.py_func)
    assert again._cache._cache_file._source_stamp == _sums._cache._cache_file._source_stamp
    monkeypatch.setattr(_jit, "_sources", lambda: "those of another version")
    changed = _jit.kernel(_sums.py_func)
    loads = changed._cache._cache_file.load
    assert again._cache._cache_file.load(_key(again)) is not None
    assert loads(_key(again)) is None


def kept(folder, stamp=("stamp", "sources")):
    """Code of two signatures on disk."""
    files = _jit._KernelFiles(str(folder), "kernel-1.py311", stamp)
    for key in (1, 2):
        files.save(("types", key), f"code {key}")
    return files


@pytest.mark.parametrize("name", ["kernel-1.py311.nbi", "kernel-1.py311.1.nbc"])
def test_damaged_code_on_disk_is_compiled_again(tmp_path, name, capfd, monkeypatch):
    monkeypatch.delenv("TOPOPHYS_QUIET", raising=False)
    files, rng = kept(tmp_path), np.random.default_rng(1)
    path = tmp_path / name
    whole = path.read_bytes()
    assert files.load(("types", 1)) == "code 1"
    assert files.load(("types", 3)) is None
    damaged = [whole[:n] for n in range(len(whole))]
    for bit in rng.integers(0, 8 * len(whole), 100).tolist():
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(content))
    for content in damaged:
        path.write_bytes(content)
        assert files.load(("types", 1)) is None
        files.save(("types", 1), "code 1")
        assert files.load(("types", 1)) == "code 1"
    assert "is damaged; what it held is compiled again\n" in capfd.readouterr().err


def test_code_of_another_signature_is_not_run(tmp_path):
    """Two processes that compile at once give one name to the code of two signatures."""
    files = kept(tmp_path)
    (tmp_path / "kernel-1.py311.2.nbc").replace(tmp_path / "kernel-1.py311.1.nbc")
    assert files.load(("types", 1)) is None
    assert kept(tmp_path, ("stamp", "others")).load(("types", 1)) == "code 1"
    assert files.load(("types", 1)) is None


def test_what_cannot_be_kept_is_no_reason_to_fail(tmp_path):
    files = kept(tmp_path)
    for name in ("kernel-1.py311.nbi", "kernel-1.py311.1.nbc"):
        (tmp_path / name).unlink()
        os.mkfifo(tmp_path / name)
        assert files.load(("types", 1)) is None
    (tmp_path / "file").touch()
    kept(tmp_path / "file").save("key", "code")


@COMPILED
def test_a_kernel_whose_code_on_disk_is_damaged(capfd, monkeypatch):
    monkeypatch.delenv("TOPOPHYS_QUIET", raising=False)
    x, out = np.array([1.0, 2.0, 3.0]), np.empty(3)
    _sums(x, out)
    files = _sums._cache._cache_file
    data = files._data_path(files._load_index()[_key(_sums)])
    for path in (data, files._index_path):
        with open(path, "r+b") as file:  # noqa: PTH123  # as Numba names it
            file.truncate(os.fstat(file.fileno()).st_size - 10)
        again, found = _jit.kernel(_sums.py_func), np.empty(3)
        again(x, found)
        assert found.tolist() == out.tolist()
        said = f"topophys: `{path}` is damaged; what it held is compiled again\n"
        assert capfd.readouterr().err.count(said) == 1
        assert files.load(_key(_sums)) is not None


def _key(compiled):
    """Name of the overload for real vectors in Numba's index."""
    [signature] = _sums.signatures
    return compiled._cache._index_key(signature, compiled.targetctx.codegen())


#: Waits until a line comes, then asks the same kernel with two kinds of arrays, in either order.
ASKS = """
import sys
from topophys.kernels.checksum import checksum_of
print("ready", flush=True)
sys.stdin.readline()
data = bytes(range(256)) * 20
print(*sorted(checksum_of(kind(data)) for kind in ORDER))
"""


def ask_at_once(folder, count):
    """Answers and complaints of processes that begin at the same moment."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    env.pop("TOPOPHYS_QUIET", None)
    running = []
    for number in range(count):
        order = "(bytes, bytearray)" if number % 2 else "(bytearray, bytes)"
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", ASKS.replace("ORDER", order)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, env=env,
            )
        )  # fmt: skip
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    done = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0] * count, done
    return done


@COMPILED
@pytest.mark.process
@pytest.mark.parametrize("damage", others_slow(["flipped", "cut", "swapped"], quick=["flipped"]))
def test_two_processes_start_on_a_damaged_cache(tmp_path, damage):
    (whole,) = ask_at_once(tmp_path, 1)
    kept = sorted(path for path in tmp_path.rglob("*.nb?"))
    data = [path for path in kept if path.suffix == ".nbc"]
    assert len(data) >= 2
    if damage == "swapped":
        first, second = data[0].read_bytes(), data[1].read_bytes()
        data[0].write_bytes(second)
        data[1].write_bytes(first)
    for path in kept if damage != "swapped" else ():
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 16
        path.write_bytes(content[: None if damage == "flipped" else len(content) // 2])
    told = []
    for out, err in ask_at_once(tmp_path, 2):
        assert out == whole[0]
        told += [line for line in err.splitlines() if "what it held is compiled again" in line]
        assert all(line.startswith("topophys: ") for line in err.splitlines())
    assert damage == "swapped" or told  # the second may find what the first has mended
    # what they left is whole: one that comes later finds nothing damaged
    [(out, err)] = ask_at_once(tmp_path, 1)
    assert out == whole[0]
    assert "is damaged" not in err
    assert not list(tmp_path.rglob("*.tmp*"))
