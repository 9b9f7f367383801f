"""Answers of the built-in model: a cold process, a long table, one structure; CPU and wall time.

    python -m benchmarks.speed.materials

Each run is a line of benchmarks/results/materials_speed.jsonl with the load of the machine while it
ran; `python -m benchmarks.experiments.materials --write` puts the table on its page. Wall times on
a machine with other work hold for that load only: CPU time is beside them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import harness
from benchmarks.pages import ROOT
from topophys.materials import MaterialsModel
from topophys.materials.elements import SYMBOLS

STUDY = harness.Study(ROOT / "benchmarks" / "results" / "materials_speed.jsonl")
VERSION, ROWS = 1, 10_000
COMMAND = [sys.executable, "-m", "topophys.cli", "materials", "predict"]
#: What is measured: what the issue asks for, and the bar in seconds.
JOBS = {
    "one formula, cold process": 1.0,
    "one formula with space group, cold process": 1.0,
    f"table of {ROWS:,} formulas, cold process": 30.0,
    f"table of {ROWS:,} formulas with space groups, cold process": 30.0,
    "one structure (CIF file), warm": 0.05,
}
LEGEND = """The built-in model, one thread; medians, and the least wall time of the repetitions.
Load: runnable processes of the machine, beside its number of cores; on a machine that does nothing
else the wall time is about the CPU time."""
CIF = """data_Bi2Te3
_cell_length_a 4.3835
_cell_length_b 4.3835
_cell_length_c 30.487
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
_symmetry_space_group_name_H-M 'R -3 m'
_symmetry_Int_Tables_number 166
loop_
_symmetry_equiv_pos_as_xyz
{operations}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Bi1 Bi 0 0 0.4000
Te1 Te 0 0 0
Te2 Te 0 0 0.2095
"""
OPERATIONS = [
    f"{x}{dx},{y}{dy},{z}{dz}"
    for dx, dy, dz in (("", "", ""), ("+2/3", "+1/3", "+1/3"), ("+1/3", "+2/3", "+2/3"))
    for x, y, z in (
        ("x", "y", "z"), ("-y", "x-y", "z"), ("-x+y", "-x", "z"), ("y", "x", "-z"),
        ("x-y", "-y", "-z"), ("-x", "-x+y", "-z"), ("-x", "-y", "-z"), ("y", "-x+y", "-z"),
        ("x-y", "x", "-z"), ("-y", "-x", "z"), ("-x+y", "y", "z"), ("x", "x-y", "z"),
    )
]  # fmt: skip


def of_process(words):
    """CPU and wall seconds of one process with one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    before, start = os.times(), time.perf_counter()
    subprocess.run(
        [*COMMAND, *words], check=True, cwd=ROOT, env=os.environ | threads, capture_output=True
    )
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system
    return cpu - before.children_user - before.children_system, wall


def table(rng, *, with_group):
    """Lines of a table of different random compounds of two to four elements."""
    elements = [
        SYMBOLS[z] for z in (3, 11, 12, 13, 14, 19, 20, *range(22, 33), 37, 38, 49, 50, 51, 82, 83)
    ]
    anions = [SYMBOLS[z] for z in (7, 8, 9, 15, 16, 17, 34, 35, 52, 53)]
    found = {}
    while len(found) < ROWS:
        some = [*rng.choice(elements, rng.integers(1, 4), replace=False), rng.choice(anions)]
        name = "".join(
            f"{one}{n}" for one, n in zip(some, rng.integers(1, 7, len(some)), strict=True)
        )
        found[name] = int(rng.integers(1, 231))
    head = "formula,space_group" if with_group else "formula"
    lines = (f"{name},{group}" if with_group else name for name, group in found.items())
    return "\n".join([head, *lines, ""])


def times(job, folder):
    """CPU and wall seconds of one run of a job."""
    if job.startswith("one formula"):
        return of_process(["SnTe:225" if "group" in job else "Bi2Se3"])
    if job.startswith("table"):
        path = folder / "table.csv"
        path.write_text(table(np.random.default_rng(1), with_group="group" in job))
        return of_process([str(path), "-o", str(folder / "answers.csv"), "--force"])
    path = folder / "Bi2Te3.cif"
    path.write_text(CIF.format(operations="\n".join(f"'{one}'" for one in OPERATIONS)))
    model = warm_model(path)
    cpu, start = time.process_time(), time.perf_counter()
    model.answer([path])
    return time.process_time() - cpu, time.perf_counter() - start


def warm_model(path, kept=[]):  # noqa: B006  # made once
    if not kept:
        kept.append(MaterialsModel.pretrained())
        kept[0].answer([path])
    return kept[0]


def measure(repeats):
    for job in JOBS:
        with tempfile.TemporaryDirectory() as name:
            folder, n = Path(name), 1 if job.startswith("table") else repeats
            times(job, folder) if n > 1 else None  # what the first call compiles or caches
            load = os.getloadavg()[0]
            cpu, wall = zip(*(times(job, folder) for _ in range(n)), strict=True)
        load = max(load, os.getloadavg()[0])
        result = {
            "cpu": statistics.median(cpu), "wall": statistics.median(wall), "least": min(wall),
            "repeats": n, "load": load, "cores": os.cpu_count(),
        }  # fmt: skip
        STUDY.put({"job": job, "version": VERSION}, result)
        print(f"{job}: {result}", flush=True)


def section():
    """Section for the page of results; empty where nothing was measured."""
    found = {job: STUDY.get({"job": job, "version": VERSION}) for job in JOBS}
    lines = [
        "## Time of answers", "",
        LEGEND, "",
        "| | bar | CPU time | wall time | least wall time | load / cores | repeats |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for job, r in found.items():
        if r is not None:
            unit = ("ms", 1e3) if JOBS[job] < 0.5 else ("s", 1.0)
            cells = [
                f"{unit[1] * t:.3g} {unit[0]}" for t in (JOBS[job], r["cpu"], r["wall"], r["least"])
            ]
            cells += [f"{r['load']:.1f} / {r['cores']}", f"{r['repeats']}"]
            lines.append(f"| {job} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n\n" if any(found.values()) else ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    measure(parser.parse_args().repeats)
    print(section())
