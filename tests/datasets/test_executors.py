"""Other people's executors: processes, MPI, and a cluster of Dask with a worker that is killed."""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import Executor, ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from topophys.datasets import Recipe, generate, open_dataset, schema
from topophys.datasets.shards import draw_shard
from topophys.learn import load_run

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def recipe():
    return Recipe.from_dict(
        {
            "name": "cluster",
            "seed": 31,
            "hamiltonian": {"family": "aiii_chains", "n_orbitals": 1, "hopping_range": 1},
            "label": {"invariant": "winding", "min_gap": 0.05},
            "input": {"grid": [8]},
            "split": [{"name": "train", "size": 8 * schema.SHARD_SIZE - 9, "classes": [0, 1]}],
        }
    )


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.h5"
    generate(recipe, path, workers=1, progress=False)
    return path


def differing(path, whole):
    """Where two files differ: nowhere, or in these fields of these shards."""
    if path.read_bytes() == whole.read_bytes():
        return []
    with open_dataset(path) as a, open_dataset(whole) as b:
        found = [(k, a.attributes[k], b.attributes[k]) for k in a.attributes
                 if a.attributes[k] != b.attributes[k]]  # fmt: skip
        x, y = a.split("train"), b.split("train")
        found += [("counts", x.drawn, y.drawn, x.rejected, y.rejected)]
        for name in x.fields:
            p, q = x.view(name), y.view(name)
            rows = np.flatnonzero((p != q).reshape(len(p), -1).any(1))
            if len(rows):
                worst = np.abs(np.asarray(p[rows], complex) - q[rows]).max()
                found.append((name, len(rows), rows[:5].tolist(), float(worst)))
        return found


@pytest.mark.always
def test_a_pool_of_processes(recipe, whole, tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        generate(recipe, tmp_path / "a.h5", executor=pool, workers=2, progress=False)
    found = differing(tmp_path / "a.h5", whole)
    assert not found, found


def die_once(recipe, split, shard, marker):
    """Draw a shard, but take the whole worker down the first time."""
    if shard == 3:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return draw_shard(recipe, split, shard)


@pytest.fixture(scope="module")
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs are not ours
        import dask
        import distributed

        dask.config.set({"distributed.logging.distributed": "critical"})
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        gc.collect()  # their event loops are not closed, which the next test would be blamed for


@pytest.mark.filterwarnings("ignore")
def test_dask(recipe, whole, tmp_path, client):
    executor = client.get_executor(pure=False)
    generate(recipe, tmp_path / "a.h5", executor=executor, workers=2, progress=False)
    found = differing(tmp_path / "a.h5", whole)
    assert not found, found


@pytest.mark.filterwarnings("ignore")
def test_dask_continues_when_a_worker_is_killed(recipe, whole, tmp_path, client):
    class Deadly(Executor):
        """The executor of the cluster, with one shard that kills who draws it first."""

        def __init__(self):
            self.inner = client.get_executor(pure=False)

        def submit(self, _, /, *arguments):
            return self.inner.submit(die_once, *arguments, str(tmp_path / "dead"))

    generate(recipe, tmp_path / "a.h5", executor=Deadly(), workers=2, progress=False)
    assert (tmp_path / "dead").exists()
    found = differing(tmp_path / "a.h5", whole)
    assert not found, found


#: Started by mpiexec in three processes: one hands out the shards and writes, two draw.
RANKS = """
import os, sys, time
from concurrent.futures import Executor
from pathlib import Path
from mpi4py.futures import MPIPoolExecutor
from topophys.datasets import Recipe, generate

def drawn(folder, call, *arguments):
    Path(folder, str(os.getpid())).touch()
    time.sleep(0.05)
    return call(*arguments)

class Told(Executor):
    def __init__(self, inner):
        self.inner = inner
    def submit(self, call, /, *arguments):
        return self.inner.submit(drawn, sys.argv[3], call, *arguments)

if __name__ == "__main__":
    recipe = Recipe.from_toml(sys.argv[1])
    with MPIPoolExecutor() as pool:
        assert pool.num_workers == 2, pool.num_workers
        generate(recipe, sys.argv[2], executor=Told(pool), workers=2, progress=False)
    Path(sys.argv[3], "writer").write_text(str(os.getpid()))
"""


needs_mpi = pytest.mark.skipif(
    find_spec("mpi4py") is None or shutil.which("mpiexec") is None,
    reason="needs mpi4py and mpiexec",
)


def started(*words):
    """Start three processes of MPI, in a group of their own; what they print is kept."""
    # for containers: Open MPI asks before it runs as root, or more processes than processors
    environment = os.environ | {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return subprocess.Popen(
        ["mpiexec", "-n", "3", sys.executable, *words], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def drawing(tmp_path, recipe):
    """Files of a data set that two processes of MPI draw, and the words that start them."""
    (tmp_path / "make.py").write_text(RANKS)
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    (tmp_path / "ranks").mkdir()
    words = [tmp_path / name for name in ("make.py", "recipe.toml", "a.h5", "ranks")]
    return ["-m", "mpi4py.futures", *words]


def ranks_of(folder):
    """Processes of Python that `mpiexec` started for the files of a folder, by number."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if words.startswith(sys.executable.encode()) and str(folder).encode() in words:
            found.append(int(path.parent.name))
    return sorted(found)


@needs_mpi
def test_two_processes_of_mpi(recipe, whole, tmp_path):
    done = started(*drawing(tmp_path, recipe))
    said, _ = done.communicate(timeout=300)
    assert done.returncode == 0, said
    writer = (tmp_path / "ranks" / "writer").read_text()
    ranks = {path.name for path in (tmp_path / "ranks").iterdir()} - {"writer"}
    assert len(ranks) == 2
    assert writer not in ranks
    found = differing(tmp_path / "a.h5", whole)
    assert not found, found


@pytest.mark.slow
@needs_mpi
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("seed", range(4))
def test_killed_processes_of_mpi(recipe, whole, tmp_path, seed):
    """One of the three, or the one that started them, is killed; what was drawn is resumed."""
    rng = random.Random(seed)
    words = drawing(tmp_path, recipe)
    for _ in range(3):
        job = started(*words)
        end = time.monotonic() + 120.0
        while len(list((tmp_path / "ranks").iterdir())) < 2 and time.monotonic() < end:
            time.sleep(0.02)  # until two of them draw
        time.sleep(rng.uniform(0.0, 0.3))
        victims = [job.pid, *ranks_of(tmp_path)]
        os.kill(rng.choice(victims), signal.SIGKILL)
        job.communicate(timeout=120)
        end = time.monotonic() + 60.0
        while ranks_of(tmp_path) and time.monotonic() < end:
            time.sleep(0.1)
        assert ranks_of(tmp_path) == []
        for path in (tmp_path / "ranks").iterdir():
            path.unlink()
    job = started(*words)
    said, _ = job.communicate(timeout=300)
    assert job.returncode == 0, said
    found = differing(tmp_path / "a.h5", whole)
    assert not found, found
    assert {p.name for p in tmp_path.iterdir()} == {"make.py", "recipe.toml", "a.h5", "ranks"}


#: A training that somebody starts by mpiexec in place of torchrun: three of the same.
TRAINS = """
import sys
from topophys.datasets import open_dataset
from topophys.learn import FitConfig, fit

config = FitConfig.from_mapping(
    {"epochs": 3, "batch_size": 50, "encoder": {"hidden_dims": [8, 4, 8], "output_features": 4}}
)
with open_dataset(sys.argv[1]) as data:
    fit(config, data, sys.argv[2], progress=False, resume=True)
"""


@pytest.mark.slow
@needs_mpi
def test_trainings_of_mpi_do_not_share_a_folder(tmp_path):
    """Each would train the whole network; one has the folder, the others are refused in a line."""
    recipe = Recipe.from_toml(ROOT / "datasets" / "tiny" / "winding.toml")
    generate(recipe, tmp_path / "data.h5", workers=1, progress=False)
    (tmp_path / "train.py").write_text(TRAINS)
    words = [tmp_path / name for name in ("train.py", "data.h5", "run")]
    for _ in range(4):  # a refusal ends all three: what one had done is resumed
        job = started(*words)
        said, _ = job.communicate(timeout=300)
        if job.returncode == 0:
            break
        assert "another training" in said, said
    alone = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert alone.returncode == 0, alone.stderr
    run = load_run(tmp_path / "run")
    subprocess.run([sys.executable, *words[:2], tmp_path / "other"], check=True)
    other = load_run(tmp_path / "other")
    for name, value in run.encoder.state_dict().items():
        assert np.array_equal(value, other.encoder.state_dict()[name]), name
    assert run.history == [dict(r, seconds=s["seconds"]) for r, s in
                           zip(other.history, run.history, strict=True)]  # fmt: skip
