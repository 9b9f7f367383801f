"""Reading files and answering at once: seconds, and memory over that of the arrays.

python -m benchmarks.speed.files   # writes the table of docs/results/real-files.md
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from benchmarks.speed.startup import once
from topophys.datasets import label, label_files

PAGE = ROOT / "docs" / "results" / "real-files.md"
BANDS, VECTORS, REPEATS, FILES = 30, 547, 5, 200


def large_file(path: Path) -> Path:
    """A `_hr.dat` of 25 MB: 547 lattice vectors closed under R -> -R, six decimals."""
    rng = np.random.default_rng(0)
    cells = sorted(np.ndindex(9, 9, 9), key=lambda v: (sum((x - 4) ** 2 for x in v), v))
    half = [tuple(x - 4 for x in v) for v in cells if tuple(x - 4 for x in v) > (0, 0, 0)]
    hops = {(0, 0, 0): np.diag(rng.standard_normal(BANDS)).astype(complex)}
    for R in half[: VECTORS // 2]:
        m = rng.standard_normal((BANDS, BANDS)) + 1j * rng.standard_normal((BANDS, BANDS))
        hops |= {R: m, tuple(-x for x in R): m.conj().T}
    lines = ["large", str(BANDS), str(len(hops))]
    lines += [" ".join("1" for _ in range(len(hops)))]
    for R, m in hops.items():
        place = "".join(f"{x:5d}" for x in R)
        for b in range(BANDS):
            for a in range(BANDS):
                lines.append(f"{place}{a + 1:5d}{b + 1:5d}{m[a, b].real:12.6f}{m[a, b].imag:12.6f}")
    path.write_text("\n".join(lines) + "\n")
    return path


def reading(path: Path) -> tuple[float, float, float]:
    """CPU and wall seconds of reading, and peak memory over the hoppings."""
    cpu, wall = [], []
    for _ in range(REPEATS):
        start, began = time.process_time(), time.perf_counter()
        h = tp.read_wannier90(path)
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - began)
    tracemalloc.start()
    tp.read_wannier90(path)
    peak = tracemalloc.get_traced_memory()[1] / h.amplitudes.nbytes
    tracemalloc.stop()
    return statistics.median(cpu), statistics.median(wall), peak


def labelling(folder: Path) -> list[tuple[str, float, float]]:
    """CPU seconds a file of reading, proving and labelling: what, seconds, over the proofs alone.

    Half of the files have two bands, half four; a table asks each on its own, a data set holds one
    kind, whose proofs are one batch.
    """
    rng = np.random.default_rng(0)
    two = [tp.models.qwz(rng.uniform(-1.7, -0.3)) for _ in range(FILES // 2)]
    four = [tp.models.bhz(rng.uniform(0.3, 1.7), delta=0.2) for _ in range(FILES // 2)]
    lines = ["file,n_occupied"]
    for i, h in enumerate([*two, *four]):
        tp.write_wannier90_hr(h, folder / f"{i}_hr.dat")
        lines.append(f"{i}_hr.dat,{h.n_occupied}")
    everything, planes = folder / "all.csv", folder / "planes.csv"
    everything.write_text("\n".join(lines) + "\n")
    planes.write_text("\n".join(lines[: 1 + len(two)]) + "\n")
    filled = [1] * len(two) + [2] * len(four)
    names = [folder / f"{i}_hr.dat" for i in range(FILES)]
    batch = tp.FourierHamiltonian(
        {R: np.stack([h.hoppings[R] for h in two]) for R in two[0].hoppings}, n_occupied=1
    )

    def read() -> list[tp.FourierHamiltonian]:
        return [tp.read_wannier90(f, n_occupied=n) for f, n in zip(names, filled, strict=True)]

    given = read()
    ways = {
        f"reading {FILES} files": (read, FILES),
        f"proving {FILES} Chern numbers, one by one": (
            lambda: [tp.certify_chern(h) for h in given], FILES),
        f"`label` of {FILES} files to a table": (lambda: label_files(everything), FILES),
        f"proving {len(two)} Chern numbers of two bands in a batch": (
            lambda: tp.certify_chern(batch), len(two)),
        f"`label` of {len(two)} files to a data set": (
            lambda: label(planes, folder / "a.h5", grid=(8, 8)), len(two)),
    }  # fmt: skip
    seconds: dict[str, list[float]] = {what: [] for what in ways}
    for run in range(REPEATS + 1):
        for what, (way, count) in ways.items():
            spent = harness.cpu(way) / count
            if run:  # the first one compiles
                seconds[what].append(spent)
    middle = [statistics.median(column) for column in seconds.values()]
    base = [middle[1], middle[1], middle[1], middle[3], middle[3]]
    return [(what, one, one / own) for what, one, own in zip(ways, middle, base, strict=True)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = large_file(Path(folder) / "large_hr.dat")
        size = path.stat().st_size / 1e6
        cpu, wall, peak = reading(path)
        small = tp.write_wannier90_hr(tp.models.qwz(-1.0), Path(folder) / "small_hr.dat")
        words = ["-m", "topophys.cli", "chern", str(small), "-n", "1"]
        once(words)  # compiles, and fills the caches
        answers = [once(words) for _ in range(REPEATS)]
        answered = labelling(Path(folder))
    asked, waited = (statistics.median(column) for column in zip(*answers, strict=True))
    read = f"`read_wannier90`, {BANDS} bands, {VECTORS} lattice vectors, {size:.0f} MB"
    ask = "`topophys chern FILE -n 1`, two bands, after the first use"
    lines = [
        "| what | CPU | wall | to stay below |",
        "|---|---:|---:|---:|",
        f"| {read} | {cpu:.2f} s | {wall:.2f} s | 2.0 s |",
        f"| peak memory of it, over that of the hoppings | {peak:.1f} | | 4.0 |",
        f"| {ask} | {asked:.2f} s | {waited:.2f} s | 2.0 s |",
    ]
    lines += [
        "",
        "| what | CPU of a file | over the proofs alone |",
        "|---|---:|---:|",
        *(f"| {what} | {1e3 * one:.2f} ms | {ratio:.2f} |" for what, one, ratio in answered),
    ]
    text = filled("python -m benchmarks.speed.files", "\n".join(lines), harness.machine())
    print(text)
    put(PAGE, "speed", text)
    sys.exit(0)


if __name__ == "__main__":
    main()
