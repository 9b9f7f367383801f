"""Batches of proofs on two cores: the same bits, and how much sooner.

Run with `python -m benchmarks.speed.batches`; writes a table of docs/guides/cluster.md. Every row
proves a batch with one thread and its halves with two, in turn, and takes the medians.

`--shares` writes another table instead: of the CPU time of one thread, the share of compiled loops
and of eigenvalues, which release the lock of the interpreter. It does not depend on the load.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT, filled, put

PAGE = Path(ROOT) / "docs" / "guides" / "cluster.md"
REPEATS = 5
#: Functions of NumPy that release the lock; products of matrices do, too, and are not counted.
RELEASE = ("svd", "eigh", "eigvalsh", "det", "slogdet", "qr")


def jobs():
    """Batches and what is asked of them; some tenths of a second each."""
    chains, planes = tp.ensembles.aiii_chains, tp.ensembles.class_a
    yield "winding number, 20,000 chains", tp.certify_winding, chains(20_000, n_orbitals=3, rng=0)
    two, four = planes(4_000, n_bands=2, rng=0), planes(300, n_bands=4, rng=0)
    yield "Chern number, 4,000 planes of two bands", tp.certify_chern, two
    yield "Chern number, 300 planes of four bands", tp.certify_chern, four
    yield "gap, 300 planes of six bands", tp.certify_gap, planes(300, n_bands=6, rng=0)
    yield "gap, 60 planes of twelve bands", tp.certify_gap, planes(60, n_bands=12, rng=0)


def timed(function) -> tuple[float, float, Any]:
    """Seconds of wall and CPU time, and what came out."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = function()
    return time.perf_counter() - wall, time.process_time() - cpu, found


def same(whole, halves) -> bool:
    """Whether arrays of a result and of those of its parts agree in every bit."""
    names = [n for n, x in vars(whole).items() if isinstance(x, np.ndarray) and x.ndim]
    joined = {n: np.ma.concatenate([getattr(h, n) for h in halves]) for n in names}
    return bool(names) and all(
        np.ma.filled(getattr(whole, n), 0).tobytes() == np.ma.filled(x, 0).tobytes()
        for n, x in joined.items()
    )


def row(name, certify, h) -> str:
    """One line of the table."""
    middle = h.batch_shape[0] // 2
    parts = [h[:middle], h[middle:]]
    certify(h)  # compiles
    one, two, equal = [], [], True
    with ThreadPoolExecutor(2) as pool:
        for _ in range(REPEATS):
            wall, _, whole = timed(lambda: certify(h))
            one.append(wall)
            wall, _, halves = timed(lambda: list(pool.map(certify, parts)))
            two.append(wall)
            equal &= same(whole, halves)
    ratio = statistics.median(a / b for a, b in zip(one, two, strict=True))
    word = "yes" if equal else "no"
    seconds = f"{statistics.median(one):.2f} s | {statistics.median(two):.2f} s"
    return f"| {name} | {seconds} | {ratio:.2f} | {word} |"


def share(name, certify, h) -> str:
    """One line of the table of shares."""
    certify(h)  # compiles
    profile = cProfile.Profile(time.process_time)
    profile.runcall(certify, h)
    found = pstats.Stats(profile)
    times: dict[Any, Any] = vars(found)["stats"]
    free = sum(
        own
        for (file, _, function), (_, _, own, *_) in times.items()
        if "/kernels/" in file or (file.endswith("_linalg.py") and function in RELEASE)
    ) / sum(own for _, _, own, *_ in times.values())
    return f"| {name} | {free:.2f} | {1.0 / (1.0 - free / 2.0):.2f} |"


def write_shares() -> None:
    """Write the table of shares."""
    os.environ["TOPOPHYS_INTERPRET_SECONDS"] = "0"  # compiled from the first call
    lines = ["| batch | without the lock | two threads, by Amdahl |", "|---|---:|---:|"]
    for job in jobs():
        lines.append(share(*job))
        print(lines[-1], flush=True)
    command = "python -m benchmarks.speed.batches --shares"
    put(PAGE, "shares", filled(command, "\n".join(lines), harness.machine()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shares", action="store_true", help="shares of time without the lock")
    if parser.parse_args().shares:
        write_shares()
        return
    head = [
        "| batch | one thread | two threads | ratio | the same bits |",
        "|---|---:|---:|---:|---|",
    ]
    lines = [*head]
    for job in jobs():
        lines.append(row(*job))
        print(lines[-1], flush=True)
    machine = harness.machine().removesuffix("; CPU time of one thread")
    load = f"{machine}; wall time, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    put(PAGE, "threads", filled("python -m benchmarks.speed.batches", "\n".join(lines), load))


if __name__ == "__main__":
    main()
