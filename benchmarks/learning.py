"""Figures of the networks: five seeds, mean and 95 % interval, written into docs/results.md.

    python -m benchmarks.learning --quick            minutes, one seed
    python -m benchmarks.learning --full             hours; may be stopped and started at any time
    python -m benchmarks.learning --full chains 0 3  some tasks, some seeds
    python -m benchmarks.learning --write            only the tables, from what is there

Every finished (task, seed) is one JSON file under benchmarks/results/learning, named by a digest
of its settings: what is there is not run again, and a change of settings asks for new runs.
Intervals are Student's t over seeds.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import inspect
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import harness, learning_figures, learning_table

RESULTS = Path(__file__).parent / "results" / "learning"
PAGE = Path(__file__).parents[1] / "docs" / "results.md"
SEEDS = (0, 1, 2, 3, 4)
#: Modules with TASKS = {name: function of (seed, quick) that returns rows}; optionally a mapping
#: ONCE of tasks that are run with one seed only.
MODULES = (
    "benchmarks.learning_1d",
    "benchmarks.learning_more",
    "benchmarks.learning_reliability",
    "benchmarks.learning_2d",
)


def all_tasks():
    """Tasks by name, and the names of those that need one seed only."""
    tasks, once = {}, set()
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            continue
        tasks |= module.TASKS
        once |= set(getattr(module, "ONCE", ()))
    return tasks, once


def digest(task, quick):
    """What a result hangs on: the settings that a task names, or else the text of its module."""
    if hasattr(task, "settings"):
        text = json.dumps(task.settings(quick), sort_keys=True)
    else:
        text = inspect.getsource(sys.modules[task.__module__])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def stored(name, seed, quick):
    return RESULTS / f"{name}-{'quick' if quick else 'full'}-{seed}.json"


def settle(name, task, seed, quick):
    """Rows of one task and seed: run, or taken from what is there."""
    path = stored(name, seed, quick)
    key = digest(task, quick)
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["settings"] == key:
            return found["rows"]
    start, cpu = time.perf_counter(), time.process_time()
    rows = task(seed, quick)
    content = {
        "task": name, "seed": seed, "quick": quick, "settings": key,
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": harness.machine(),
        "rows": rows,
    }  # fmt: skip
    RESULTS.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
    return rows


def collected(tasks, quick):
    """Everything that is there of the present settings, by task; results of others are named."""
    found = {}
    for name, task in tasks.items():
        for path in sorted(RESULTS.glob(f"{name}-{'quick' if quick else 'full'}-*.json")):
            result = json.loads(path.read_text(encoding="utf-8"))
            if result["settings"] == digest(task, quick):
                found.setdefault(name, []).append(result)
            else:
                print(f"{path.name}: of other settings, left out", file=sys.stderr)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--quick", action="store_true", help="small data, one seed")
    mode.add_argument("--full", action="store_true", help="all data, five seeds")
    mode.add_argument("--write", action="store_true", help="only write the tables")
    parser.add_argument("what", nargs="*", help="names of tasks, numbers of seeds")
    given = parser.parse_args()
    tasks, once = all_tasks()
    seeds = [int(w) for w in given.what if w.isdigit()] or list(SEEDS[:1] if given.quick else SEEDS)
    names = [w for w in given.what if not w.isdigit()] or list(tasks)
    if unknown := sorted(set(names) - set(tasks)):
        parser.error(f"no task {', '.join(unknown)}; there are {', '.join(tasks)}")
    if not given.write:
        # seeds outside, so that an interrupted run has every task of some seeds
        for seed in seeds:
            for name in names:
                if name in once and seed != seeds[0]:
                    continue
                start = time.perf_counter()
                rows = settle(name, tasks[name], seed, given.quick)
                print(f"{name}, seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)
                for row in rows:
                    beside = f"  (formula {row['formula']:.5f})" if "formula" in row else ""
                    shown = "" if row["value"] is None else f"{row['value']:.5f}"
                    print(f"   {row['row']:<48} {shown}{beside}", flush=True)
    if not given.quick:
        found = collected(tasks, quick=False)
        learning_table.write(PAGE, found)
        learning_figures.write(found)


if __name__ == "__main__":
    main()
