"""Speed of proofs and counts beside an earlier commit, and of arrays in other layouts.

    python -m benchmarks.speed.invariants_page before strides

Two processes, one for each version, do the same jobs in turn; each measures its own CPU time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT

#: The last commit before the proofs were mended.
BEFORE = "aa7b962"
N, GRID, PAIRS = 1000, (24, 24), 15
#: Runs in both versions: only names that both have.
WORKER = """
import sys, time
import numpy as np
import topophys as tp

planes = tp.ensembles.two_band(1000, hopping_range=1, rng=2026)
wide = tp.ensembles.two_band(300, hopping_range=2, rng=2026)
chains = tp.ensembles.aiii_chains(1000, rng=2026)
large = tp.ensembles.aiii_chains(300, n_orbitals=4, rng=2026)
d = planes.d_on_grid((24, 24))
jobs = {
    "certify_chern, range 1": lambda: tp.certify_chern(planes),
    "certify_chern, range 2": lambda: tp.certify_chern(wide),
    "certify_winding, two orbitals": lambda: tp.certify_winding(chains),
    "certify_winding, four orbitals": lambda: tp.certify_winding(large),
    "chern_number_from_d, 24 x 24": lambda: tp.chern_number_from_d(d[:200]),
}
print("; ".join(jobs), flush=True)
for line in sys.stdin:
    job = jobs[line.strip()]
    start = time.process_time()
    job()
    print(time.process_time() - start, flush=True)
"""


class Version:
    """A process with one version of the package."""

    def __init__(self, source: Path, cache: Path):
        names = ("OMP", "OPENBLAS", "NUMBA")
        env = os.environ | {f"{name}_NUM_THREADS": "1" for name in names}
        env |= {"PYTHONPATH": str(source), "NUMBA_CACHE_DIR": str(cache), "TOPOPHYS_QUIET": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=env, cwd=source,
        )  # fmt: skip
        self.jobs = self.process.stdout.readline().strip().split("; ")

    def seconds(self, job: str) -> float:
        """CPU time of one job."""
        self.process.stdin.write(f"{job}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


def before() -> str:
    """Times of this version over those of an earlier one, medians of neighbouring pairs."""
    lines = ["| job | before, ms | now, ms | now / before (quartiles) |", "|---|---:|---:|---:|"]
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder) / "old"
        old.mkdir()
        packed = subprocess.run(["git", "archive", BEFORE, "topophys"], cwd=ROOT, check=True,
                                capture_output=True).stdout  # fmt: skip
        subprocess.run(["tar", "-x", "-C", str(old)], input=packed, check=True)
        ours, theirs = Version(ROOT, Path(folder) / "a"), Version(old, Path(folder) / "b")
        for job in ours.jobs:
            theirs.seconds(job), ours.seconds(job)  # compilation does not count
            pairs = [(theirs.seconds(job), ours.seconds(job)) for _ in range(PAIRS)]
            low, middle, high = statistics.quantiles((b / a for a, b in pairs), n=4)
            then, now = (1e3 * statistics.median(x) for x in zip(*pairs, strict=True))
            lines.append(
                f"| {job} | {then:.1f} | {now:.1f} | {middle:.2f} ({low:.2f} to {high:.2f}) |"
            )
        ours.end()
        theirs.end()
    return "\n".join([*lines, "", f"Before: commit `{BEFORE}`."])


#: How d (B, N, N, 3) may lie in memory: axes from the slowest to the fastest.
LAYOUTS = {
    "batch, kx, ky, component": (0, 1, 2, 3),
    "component, batch, kx, ky": (3, 0, 1, 2),
    "batch, component, kx, ky": (0, 3, 1, 2),
    "batch, ky, kx, component": (0, 2, 1, 3),
    "kx, ky, component, batch": (1, 2, 3, 0),
    "component, ky, kx, batch": (3, 2, 1, 0),
}


def strides() -> str:
    """Times of `chern_number_from_d` on arrays of equal values that lie differently in memory."""
    d = tp.ensembles.two_band(N, hopping_range=1, rng=2026).d_on_grid(GRID)
    lines = ["| axes in memory, the fastest last | time / contiguous (range) |", "|---|---:|"]
    ways = {}
    for name, order in LAYOUTS.items():
        laid = np.ascontiguousarray(d.transpose(order)).transpose(np.argsort(order))
        ways[name] = lambda laid=laid: tp.chern_number_from_d(laid, on_unresolved="mask")
    rows = harness.compare("", ("contiguous", ways["batch, kx, ky, component"]), ways, items=N)
    for row in rows[1:]:
        ratio, low, high = 1 / row.ratio, 1 / row.high, 1 / row.low
        lines.append(f"| {row.way} | {ratio:.2f} ({low:.2f} to {high:.2f}) |")
    return "\n".join(lines)
