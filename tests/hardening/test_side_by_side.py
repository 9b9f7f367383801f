"""The same bits in threads and processes, after a fork, with more threads below, run after run."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

import topophys
from tests.hardening.work import digest

ROOT = Path(__file__).parents[2]
SEEDS = range(8)
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@pytest.fixture(scope="module")
def alone():
    return [digest(seed) for seed in SEEDS]


def test_results_differ_where_the_work_differs(alone):
    assert len(set(alone)) == len(SEEDS)


def test_threads(alone):
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(digest, SEEDS)) == alone


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_processes_forked_after_use(alone):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(4, mp_context=context) as pool:
            assert list(pool.map(digest, SEEDS)) == alone


@pytest.mark.slow
@pytest.mark.process
def test_fresh_processes_side_by_side(alone):
    words = [sys.executable, "-m", "tests.hardening.work"]
    running = [
        subprocess.Popen([*words, str(seed)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for seed in (0, 1, 0, 1)
    ]
    found = [process.communicate()[0].strip() for process in running]
    assert found == [alone[0], alone[1], alone[0], alone[1]]


@pytest.mark.process
@pytest.mark.parametrize("count", ["1", "2"])
def test_threads_below_do_not_matter(alone, count):
    words = [sys.executable, "-m", "tests.hardening.work", "0"]
    env = os.environ | dict.fromkeys(THREADS, count)
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=env, cwd=ROOT)
    assert done.stdout.strip() == alone[0]


# ---- where nothing can be written

NO_CACHE = """
import sys
sys.path.insert(0, sys.argv[1])
import topophys as tp
assert tp.__file__.startswith(sys.argv[1]), tp.__file__
circle = [[[1.0]], [[1j]], [[-1.0]], [[-1j]]]
print(int(tp.certify_winding(tp.models.ssh(1.0, 2.0))), int(tp.winding_number(circle)))
"""


@pytest.mark.slow
@pytest.mark.process
def test_proofs_run_where_numba_cannot_write_its_cache(tmp_path):
    """As in a container: the package is read-only, and there is no home."""
    package = Path(topophys.__file__).parent
    for folder in ("", "hamiltonians", "models", "materials/synthetic", "invariants",
                   "ensembles", "kernels"):  # fmt: skip
        (tmp_path / "topophys" / folder).mkdir(parents=True, exist_ok=True)
        for file in (package / folder).glob("*.py"):
            (tmp_path / "topophys" / folder / file.name).write_bytes(file.read_bytes())
        # a file of that name cannot become a folder, not even by root
        (tmp_path / "topophys" / folder / "__pycache__").write_text("")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG", "PYTHON"))}
    env |= {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere"}
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", NO_CACHE, str(tmp_path)],
        capture_output=True, text=True, check=False, env=env, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "1"]
    assert done.stderr == ""
    assert sorted(tmp_path.rglob("*")) == before
