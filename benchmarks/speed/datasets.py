"""Ratios of the data sets: writing against drawing, workers, memory, reading, linear cost.

    python -m benchmarks.speed.datasets [writing workers memory reading integrity linear]
        [--large] [--page]

Every ratio compares two things measured in turn, several times, and is the median: the rates
themselves belong to the machine and to what else it does. `--large` adds ten million samples, and
jobs of a minute for the workers. `--page` writes what was measured into docs/results/datasets.md,
beside what earlier calls have measured.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import h5py
import numpy as np
import torch

from benchmarks.harness import Study, machine
from benchmarks.pages import ROOT
from topophys.datasets import Recipe, generate, open_dataset
from topophys.datasets.layout import read_layout
from topophys.datasets.reader import Dataset
from topophys.datasets.schema import SHARD_SIZE
from topophys.datasets.shards import _select

BATCH = 512
PAGE = ROOT / "docs" / "results" / "datasets.md"
STUDY = Study(ROOT / "benchmarks" / "results" / "datasets.jsonl")
#: Samples of the table of costs that nobody has measured.
FAR = (10**8, 10**9)
#: A node of a cluster, for that table: processors at the rate of one of this machine.
CORES = 64
#: Bytes a second that its file system takes.
DISK = 10**9


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


Times = tuple[float, float]


def seconds(work: Callable[[], object]) -> Times:
    """Wall time, and processor time of all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def ratios(above: Callable[[], Times], below: Callable[[], Times], rounds: int = 5) -> Times:
    """Medians of ratios of wall times and of processor times."""
    pairs = [(above(), below()) for _ in range(rounds)]
    return tuple(statistics.median(a[i] / b[i] for a, b in pairs) for i in (0, 1))


class Found(dict):
    """What was measured, by name; says each figure as it comes."""

    def add(self, what: str, value: float, bar: str) -> None:
        print(f"{what:64s} {value:8.3f}   ({bar})", flush=True)
        self[what] = {"value": value, "bar": bar}


def make(size: int, folder: str, workers: int = 1) -> Times:
    target = Path(folder) / "a.h5"
    taken = seconds(lambda: generate(recipe(size), target, workers=workers, progress=False))
    target.unlink()
    return taken


def writing(folder: str, found: Found) -> None:
    """End to end against drawing and certifying the same Hamiltonians."""
    n_shards = 60  # so many that the start of a run does not count
    size = n_shards * SHARD_SIZE
    plan = recipe(size)

    def draw() -> Times:
        return seconds(lambda: [_select(plan, plan.part("train"), s) for s in range(n_shards)])

    make(SHARD_SIZE, folder)
    wall, cpu = ratios(draw, lambda: make(size, folder))
    what = "rate end to end / rate of drawing and certifying alone"
    found.add(f"{what}, processor time", cpu, "bar >= 0.7")
    found.add(f"{what}, wall time", wall, "bar >= 0.7")
    cost = 1e3 * make(size, folder)[1] / n_shards
    found.add("ms of a processor for 2048 samples, end to end", cost, "with proofs")


def workers(folder: str, found: Found) -> None:
    """Two workers against one; the processors in use tell whether the machine was free."""
    large = "--large" in sys.argv
    size = (1400 if large else 60) * SHARD_SIZE
    make(SHARD_SIZE, folder)
    one, two = [], []
    for _ in range(1 if large else 3):
        one.append(make(size, folder, 1))
        two.append(make(size, folder, 2))
    wall = statistics.median(a[0] / b[0] for a, b in zip(one, two, strict=True))
    cpu = statistics.median(b[1] / a[1] for a, b in zip(one, two, strict=True))
    found.add("rate with two threads / with one, wall time", wall, "bar >= 1.7")
    found.add("processor time with two threads / with one", cpu, "1 is best")
    found.add("processors in use with one thread", one[-1][1] / one[-1][0], "1 and a little")
    found.add("processors in use with two threads", two[-1][1] / two[-1][0], "2 if they are free")
    alone_, both = (pooled(size, folder, count) for count in (1, 2))
    found.add("rate with two processes / with one, wall time", alone_ / both, "bar >= 1.7")


def pooled(size: int, folder: str, count: int) -> float:
    """Wall time with a pool of processes, once they have started."""
    target = Path(folder) / "p.h5"
    with ProcessPoolExecutor(count, mp_context=get_context("forkserver")) as pool:
        for n in (8 * count * SHARD_SIZE, size):
            start = time.perf_counter()
            generate(recipe(n), target, executor=pool, workers=count, progress=False)
            taken = time.perf_counter() - start
        target.unlink()
    return taken


ALONE = """
import json, resource, sys
from pathlib import Path
from benchmarks.speed import datasets as bench
from topophys.datasets import generate
threads = int(sys.argv[3])
summary = generate(bench.recipe(int(sys.argv[1])), sys.argv[2], workers=threads, progress=False)
Path(sys.argv[2]).unlink()
used = resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime
print(json.dumps([used.ru_maxrss, summary.seconds, cpu, summary.n_bytes]))
"""


def alone(size: int, folder: str, threads: int = 2) -> tuple[int, float, float, int]:
    """Peak memory in kB, wall and processor seconds, and bytes, of a run in its own process."""
    words = [sys.executable, "-c", ALONE, str(size), f"{folder}/b.h5", str(threads)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def memory(folder: str, found: Found) -> None:
    small, large = alone(100_000, folder)[0], alone(1_000_000, folder)[0]
    found.add("peak memory of 1 M samples / of 100 k", large / small, "bar <= 1.3")


def linear(folder: str, found: Found) -> None:
    """Processor time against samples, without the start of a process and its compilation."""
    sizes = [10_000, 100_000, 1_000_000] + [10_000_000] * ("--large" in sys.argv)
    alone(3, folder)  # fills the cache of compiled code
    start = alone(3, folder)[2]
    runs = [(size, *alone(size, folder, threads=1)) for size in sizes]
    times = [cpu - start for _, _, _, cpu, _ in runs]
    for (size, peak, wall, _, n_bytes), cpu in zip(runs, times, strict=True):
        print(f"  {size:>10d} samples {wall:9.1f} s wall {cpu:9.1f} s of processors"
              f" {n_bytes / 1e6:9.1f} MB {peak / 1e3:6.0f} MB peak", flush=True)  # fmt: skip
    slope = float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
    what = f"slope of log(processor time) against log(samples), 1e4 to {sizes[-1]:.0e}"
    found.add(what.replace("e+0", "e"), slope, "bar 0.9 to 1.1")
    rows = [[s, w, c, b, p] for (s, p, w, _, b), c in zip(runs, times, strict=True)]
    found["runs"] = {"rows": rows}


class Reopening(torch.utils.data.Dataset):
    """What tutorials do: open the file and read one sample, every time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return 4 * BATCH

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with h5py.File(self.path) as file:
            return torch.from_numpy(file["train/x"][index]), int(file["train/label"][index])


def reading(folder: str, found: Found) -> None:
    size = 100 * SHARD_SIZE
    path = Path(folder) / "r.h5"
    generate(recipe(size), path, workers=2, progress=False)
    with open_dataset(path) as dataset:
        x, label = (torch.from_numpy(a) for a in dataset.split("train").read("x", "label"))
        n = size // BATCH

        def per_batch(times: Times, batches: int) -> Times:
            return times[0] / batches, times[1] / batches

        def from_memory() -> Times:
            order = torch.randperm(size)
            parts = [order[i * BATCH : (i + 1) * BATCH] for i in range(n)]
            return per_batch(seconds(lambda: [(x[part], label[part]) for part in parts]), n)

        def from_disk() -> Times:
            stream = dataset.torch("train", batch_size=BATCH)
            return per_batch(seconds(lambda: [None for _ in stream]), n)

        def by_item() -> Times:
            loader = torch.utils.data.DataLoader(Reopening(path), BATCH, shuffle=True)
            return per_batch(seconds(lambda: [None for _ in loader]), 4)

        from_memory(), from_disk()
        what = "batches from disk, block-shuffled"
        found.add(f"{what} / in-memory indexing, wall time",
                  ratios(from_memory, from_disk)[0], "bar >= 0.5")  # fmt: skip
        found.add(f"{what} / per item with reopen, wall time",
                  ratios(by_item, from_disk, rounds=3)[0], "bar >= 20")  # fmt: skip
    path.unlink()


def integrity(folder: str, found: Found) -> None:
    """Reading with checksums against reading without."""
    path = Path(folder) / "i.h5"
    generate(recipe(40 * SHARD_SIZE), path, workers=1, progress=False)
    layout = read_layout(path)

    def forget() -> None:
        """Have the system read the file from the disk again."""
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)

    def fields(dataset: Dataset) -> object:
        return [dataset.split("train").read(name) for name in ("x", "label")]

    def batches(dataset: Dataset) -> object:
        return [None for _ in dataset.torch("train", batch_size=BATCH)]

    def reader(work: Callable[[Dataset], object], checked: bool, cold: bool) -> Callable[[], Times]:
        def read() -> Times:
            if cold:
                forget()
            with Dataset([layout], path, checked=checked) as dataset:
                return seconds(lambda: work(dataset))

        return read

    for what, work, cold in (
        ("a split, from disk", fields, True),
        ("a split, file in memory", fields, False),
        ("shuffled batches of the first epoch, file in memory", batches, False),
    ):
        reader(work, True, cold)()
        pair = (reader(work, checked, cold) for checked in (True, False))
        both = ratios(*pair, rounds=41)
        for kind, value in zip(("wall", "processor"), both, strict=True):
            # waiting for the disk takes no processor time
            bar = "bar <= 1.1" if cold == (kind == "wall") else "beside it"
            found.add(f"{what}: checked / not checked, {kind} time", value, bar)
    opening = (lambda: seconds(lambda: read_layout(path)),
               lambda: seconds(lambda: read_layout(path, sealed=False)))  # fmt: skip
    found.add("opening: compared with the manifest / not compared", ratios(*opening, 15)[1],
              "once for a file")  # fmt: skip
    path.unlink()


def page(found: dict) -> str:
    """Text of the page of results."""
    lines = [
        "# Data sets: figures",
        "",
        "Written by `python -m benchmarks.speed.datasets --large --page`; do not edit. Chains of",
        "the recipe `winding-1d` on 32 k points. Ratios are medians of pairs measured in turn.",
        "Processor time is that of all threads together: it hardly depends on what else the",
        "machine does. Wall time does: the large runs had the lowest priority on a busy machine,",
        "and the ratios of wall times of workers were taken at a high one (`chrt -r 1`).",
        "",
        "Of what comes after the proofs, SHA-256 and the copy to the disk are half. Threads share",
        "the lock of the interpreter between compiled loops; processes do not, but send copies.",
        "",
        "| figure | value | |",
        "|---|---:|---|",
    ]
    lines += [f"| {what} | {row['value']:.3f} | {row['bar']} |"
              for what, row in found.items() if what not in ("runs", "machine")]  # fmt: skip
    if "runs" in found:
        lines += ["", *costs(found["runs"]["rows"])]
    return "\n".join([*lines, "", found["machine"]["words"], ""])


def costs(runs: list) -> list[str]:
    """Table of what data sets of several sizes take; the largest are worked out from the rest."""
    size, _, cpu, n_bytes, peak = runs[-1]
    lines = [
        "| samples | processor time | wall time | bytes | peak memory | |",
        "|---:|---:|---:|---:|---:|---|",
    ]
    lines += [f"| {s:.0e} | {span(c)} | {span(w)} | {b / 1e9:.3g} GB | {p / 1e3:.0f} MB | measured,"
              " one thread |" for s, w, c, b, p in runs]  # fmt: skip
    for far in FAR:
        total, disk = cpu * far / size, n_bytes * far / size
        nodes = [f"{span(max(total / CORES, disk / DISK))} on a node of {CORES} processors",
                 f"{span(max(total / CORES, disk / DISK) / 10)} on ten"]  # fmt: skip
        lines.append(
            f"| {far:.0e} | {span(total)} | {', '.join(nodes)}, disks of {DISK / 1e9:.0f} GB/s |"
            f" {disk / 1e9:.4g} GB | {peak / 1e3:.0f} MB each | worked out |"
        )
    return [line.replace("e+0", "e") for line in lines]


def span(time_taken: float) -> str:
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if time_taken >= 2 * length:
            return f"{time_taken / length:.1f} {unit}"
    return f"{time_taken:.2g} s"


PARTS = {f.__name__: f for f in (writing, workers, memory, reading, integrity, linear)}


def main() -> None:
    names = [word for word in sys.argv[1:] if not word.startswith("-")] or list(PARTS)
    torch.set_num_threads(1)
    found = Found()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        for name in names:
            PARTS[name](folder, found)
    if "--page" in sys.argv:
        large = "--large" in sys.argv
        place = machine().partition(";")[0]
        found["machine"] = {"words": f"{place}, {os.cpu_count()} processors"}
        for name, result in found.items():
            STUDY.put({"figure": name, "large": large, "version": 1}, result)
        kept = {s["figure"]: result for s, result in STUDY.entries() if s["large"] == large}
        PAGE.write_text(page(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
