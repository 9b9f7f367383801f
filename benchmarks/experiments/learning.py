"""Figures of the networks: five seeds, mean and 95 % interval, written into docs/results.md.

    python -m benchmarks.experiments.learning --quick            minutes, one seed
    python -m benchmarks.experiments.learning --full             hours; may be stopped and restarted
    python -m benchmarks.experiments.learning --full chains 0 3  some tasks, some seeds
    python -m benchmarks.experiments.learning --write            only the tables, from what is there

Every finished (task, seed) is one line of benchmarks/results/learning.jsonl, beside its settings:
what is there is not run again, and a change of settings asks for new runs. Intervals are Student's
t over seeds.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from datetime import UTC, datetime

from benchmarks import harness
from benchmarks.experiments import learning_figures, learning_table
from benchmarks.pages import ROOT

PAGE = ROOT / "docs" / "results.md"
SEEDS = (0, 1, 2, 3, 4)
#: Modules with TASKS = {name: function of (seed, quick) that returns rows}, each with an attribute
#: `settings`, a function of `quick` that returns all that its rows depend on; optionally a mapping
#: ONCE of tasks that are run with one seed only.
MODULES = (
    "benchmarks.experiments.learning_1d",
    "benchmarks.experiments.learning_more",
    "benchmarks.experiments.learning_reliability",
    "benchmarks.experiments.learning_2d",
)


def all_tasks():
    """Tasks by name, and the names of those that need one seed only."""
    tasks, once = {}, set()
    for name in MODULES:
        module = importlib.import_module(name)
        tasks |= module.TASKS
        once |= set(getattr(module, "ONCE", ()))
    return tasks, once


def study(quick, folder=ROOT / "benchmarks" / "results"):
    return harness.Study(folder / f"learning{'-quick' * quick}.jsonl")


def settings(name, task, seed, quick):
    """What a result depends on."""
    return {"task": name, "seed": seed, **json.loads(json.dumps(task.settings(quick)))}


def settle(name, task, seed, quick, kept=None):
    """Rows of one task and seed: run, or taken from what is there."""
    kept, given = kept or study(quick), settings(name, task, seed, quick)
    if found := kept.get(given):
        return found["rows"]
    start, cpu = time.perf_counter(), time.process_time()
    rows = task(seed, quick)
    kept.put(given, {
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": harness.machine(),
        "rows": rows,
    })  # fmt: skip
    return rows


def collected(tasks, kept):
    """Results of the present settings by task, in the order of seeds; others are named."""
    found = {}
    for given, result in kept.entries():
        name, seed = given["task"], given["seed"]
        if name not in tasks:
            continue
        if given == settings(name, tasks[name], seed, quick=False):
            found.setdefault(name, {})[seed] = result
        else:
            print(f"{name}, seed {seed}: of other settings, left out", file=sys.stderr)
    return {
        name: [found[name][seed] for seed in sorted(found[name])] for name in tasks if name in found
    }


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
        found = collected(tasks, study(quick=False))
        learning_table.write(PAGE, found)
        learning_figures.write(found)


if __name__ == "__main__":
    main()
