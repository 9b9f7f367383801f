"""First calls with empty caches: CPU seconds of fresh processes; writes docs/results/install.md.

python -m benchmarks.speed.cold_start [--label now] [--tree FOLDER]

Each process has one thread and an empty folder for machine code. `--tree` measures another
checkout, such as an earlier commit, under a label of its own. Processors that are shared run
slower: beside the seconds stands what a fixed loop in Python took just before and after.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.kernels._interpreted import CREDIT

PAGE = ROOT / "docs" / "results" / "install.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "cold_start.jsonl")
REPEATS = 3
LABELS = ("before", "now")
#: What is run, and the bar in seconds where there is one.
JOBS = {
    "home page": (
        "import topophys as tp; print(tp.certify_winding(tp.ensembles.aiii_chains(1000, rng=7)))",
        3.0,
    ),
    "`certify_chern`, two bands": (
        "import topophys as tp; print(tp.certify_chern(tp.models.haldane(m=0.1, t2=0.1, phi=1.5)))",
        3.0,
    ),
    "`certify_chern`, four bands": (
        "import topophys as tp; print(tp.certify_chern(tp.models.bhz(m=-1.0), n_occupied=2))",
        6.0,
    ),
    "`topophys --version`": ("from topophys.cli import main; main(['--version'])", 1.0),
    "`topophys train missing.h5`": (
        "from topophys.cli import main; main(['train', 'missing.h5', '-o', 'never'])",
        1.0,
    ),
}
LOOP = "x = 0\nfor i in range(10_000_000): x += i"


def seconds(code: str, tree: Path, cache: str) -> float:
    """User and system CPU seconds of one process."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    as_users_have_it = {"TOPOPHYS_INTERPRET_SECONDS": str(CREDIT)}
    places = {"PYTHONPATH": str(tree), "NUMBA_CACHE_DIR": cache, "TOPOPHYS_QUIET": "1"}
    before = os.times()
    subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **threads, **places, **as_users_have_it},
        cwd=cache,
        check=False,  # one of the jobs is an error of the command line
        capture_output=True,
    )
    after = os.times()
    return (
        after.children_user - before.children_user + after.children_system - before.children_system
    )


def measure(label: str, tree: Path, repeats: int) -> None:
    """Store the run of each job with the least CPU, beside the loop around it."""
    for job, (code, _) in JOBS.items():
        runs = []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as cache:
                first = seconds(LOOP, tree, cache)
                used = seconds(code, tree, cache)
                runs.append((used, (first + seconds(LOOP, tree, cache)) / 2.0))
        used, loop = min(runs)
        found = {"cpu": round(used, 2), "loop": round(loop, 2)}
        STUDY.put({"job": job, "label": label}, found | {"repeats": repeats})


def table() -> str:
    """Rows of jobs; what was measured under each label, in seconds and in units of the loop."""
    lines = ["| what | bar | before | now | before, in loops | now, in loops |"]
    lines.append("|---|---:|---:|---:|---:|---:|")
    for job, (_, bar) in JOBS.items():
        found = [STUDY.get({"job": job, "label": label}) for label in LABELS]
        cells = ["" if r is None else f"{r['cpu']:.1f} s" for r in found]
        cells += ["" if r is None else f"{r['cpu'] / r['loop']:.1f}" for r in found]
        lines.append(f"| {job} | {bar:.0f} s | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--label", default="now", choices=LABELS)
    parser.add_argument("--tree", type=Path, default=ROOT)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    given = parser.parse_args()
    measure(given.label, given.tree.resolve(), given.repeats)
    text = table()
    many = f"the least of {given.repeats} processes" if given.repeats > 1 else "one process each"
    place = f"{harness.machine()}; {many}"
    put(PAGE, "cold start", filled("python -m benchmarks.speed.cold_start", text, place))
    print(text)
