"""Ratios of the data sets: writing against drawing, workers, memory, reading, linear cost.

    python benchmarks/bench_datasets.py [all | writing workers memory reading linear] [--large]

Every ratio compares two things measured in turn, several times, and is the median: the rates
themselves belong to the machine and to what else it does.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import torch

from topophys.datasets import Recipe, generate, open_dataset
from topophys.datasets.schema import SHARD_SIZE
from topophys.datasets.shards import _select

BATCH = 512


def recipe(size: int) -> Recipe:
    """The winding-1d data set, one split."""
    return Recipe.from_dict(
        {
            "name": "bench",
            "seed": 1,
            "hamiltonian": {"family": "aiii_chains", "n_orbitals": 2, "hopping_range": 2},
            "label": {"invariant": "winding", "min_gap": 0.1},
            "input": {"grid": [32]},
            "split": [{"name": "train", "size": size, "classes": [-1, 0, 1]}],
        }
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(above: Callable[[], float], below: Callable[[], float], rounds: int = 5) -> float:
    return statistics.median(above() / below() for _ in range(rounds))


def say(what: str, value: float, bar: str) -> None:
    print(f"{what:64s} {value:8.3f}   ({bar})", flush=True)


def make(size: int, folder: str, workers: int = 1) -> float:
    target = Path(folder) / "a.h5"
    taken = seconds(lambda: generate(recipe(size), target, workers=workers, progress=False))
    target.unlink()
    return taken


def writing(folder: str) -> None:
    """End to end against drawing and certifying the same Hamiltonians."""
    size = 10 * SHARD_SIZE
    plan = recipe(size)

    def draw() -> float:
        return seconds(lambda: [_select(plan, plan.part("train"), s) for s in range(10)])

    make(SHARD_SIZE, folder)
    value = ratio(draw, lambda: make(size, folder))
    say("rate end to end / rate of drawing and certifying alone", value, "bar >= 0.7")


def workers(folder: str) -> None:
    size = 20 * SHARD_SIZE
    make(SHARD_SIZE, folder)
    value = ratio(lambda: make(size, folder, 1), lambda: make(size, folder, 2))
    say("rate with two workers / with one", value, "bar >= 1.7")


PEAK = """
import resource, sys, json
sys.path.insert(0, "benchmarks")
import bench_datasets as bench
from pathlib import Path
from topophys.datasets import generate
summary = generate(bench.recipe(int(sys.argv[1])), sys.argv[2], workers=2, progress=False)
Path(sys.argv[2]).unlink()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([peak, summary.seconds, summary.n_bytes]))
"""


def alone(size: int, folder: str) -> tuple[int, float, int]:
    """Peak memory in kB, seconds and bytes of a run in a process of its own."""
    words = [sys.executable, "-c", PEAK, str(size), f"{folder}/b.h5"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def memory(folder: str) -> None:
    small, large = alone(100_000, folder)[0], alone(1_000_000, folder)[0]
    say("peak memory of 1 M samples / of 100 k", large / small, "bar <= 1.3")


def linear(folder: str) -> None:
    sizes = [10_000, 100_000, 1_000_000] + [10_000_000] * ("--large" in sys.argv)
    found = [alone(size, folder) for size in sizes]
    times = [f[1] for f in found]
    # a straight line through the logarithms; the start of a process belongs to nobody
    slope = np.polyfit(np.log(sizes[-2:]), np.log(times[-2:]), 1)[0]
    for size, (peak, taken, n_bytes) in zip(sizes, found, strict=True):
        rate = size / taken
        print(f"  {size:>10d} samples {taken:9.1f} s {rate:9.0f}/s {n_bytes / 1e6:9.1f} MB"
              f" {peak / 1e3:6.0f} MB peak")  # fmt: skip
    say("slope of log(time) against log(samples), largest two", slope, "bar 0.9 to 1.1")
    per = found[-1][2] / sizes[-1]
    days = 1e9 / (sizes[-1] / times[-1]) / 86400
    print(f"  1e9 samples: {per * 1e9 / 1e12:.2f} TB, {days:.2f} days with two threads")


class Reopening(torch.utils.data.Dataset):
    """What tutorials do: open the file and read one sample, every time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return 4 * BATCH

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with h5py.File(self.path) as file:
            return torch.from_numpy(file["train/x"][index]), int(file["train/label"][index])


def reading(folder: str) -> None:
    size = 100 * SHARD_SIZE
    path = Path(folder) / "r.h5"
    generate(recipe(size), path, workers=2, progress=False)
    with open_dataset(path) as dataset:
        x, label = (torch.from_numpy(a) for a in dataset.split("train").read("x", "label"))
        n = size // BATCH

        def memory_rate() -> float:
            order = torch.randperm(size)
            parts = [order[i * BATCH : (i + 1) * BATCH] for i in range(n)]
            return n / seconds(lambda: [(x[part], label[part]) for part in parts])

        def disk_rate() -> float:
            stream = dataset.torch("train", batch_size=BATCH)
            return n / seconds(lambda: [None for _ in stream])

        def item_rate() -> float:
            loader = torch.utils.data.DataLoader(Reopening(path), BATCH, shuffle=True)
            return 4 / seconds(lambda: [None for _ in loader])

        memory_rate(), disk_rate()
        say("batches from disk, block-shuffled / in-memory indexing",
            ratio(disk_rate, memory_rate), "bar >= 0.5")  # fmt: skip
        say("batches from disk, block-shuffled / per item with reopen",
            ratio(disk_rate, item_rate, rounds=3), "bar >= 20")  # fmt: skip
    path.unlink()


PARTS = {f.__name__: f for f in (writing, workers, memory, reading, linear)}


def main() -> None:
    chosen = [word for word in sys.argv[1:] if not word.startswith("-")]
    names = list(PARTS) if chosen in ([], ["all"]) else chosen
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            PARTS[name](folder)


if __name__ == "__main__":
    main()
