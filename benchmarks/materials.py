"""Figures of the materials: five seeds, 95 % intervals, written to docs/results/materials.md.

    python -m benchmarks.materials                      all that is missing, then the page
    python -m benchmarks.materials "toys" "ablation"    tasks whose names begin like this
    python -m benchmarks.materials --minutes 10         stop before a task that would start later
    python -m benchmarks.materials --write              only the page, from what is there

Every finished (task, seed) is one JSON file under benchmarks/results/materials; what is there is
not run again. Delete files to run them anew. Intervals are Student's t over seeds.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from pathlib import Path

import torch
from scipy.stats import t as student

from benchmarks import harness
from benchmarks.materials_structures import TASKS as STRUCTURES
from benchmarks.materials_tasks import TASKS as LISTS_AND_TOYS

TASKS = {**LISTS_AND_TOYS, **STRUCTURES}
RESULTS = Path(__file__).parent / "results" / "materials"
PAGE = Path(__file__).parents[1] / "docs" / "results" / "materials.md"
SEEDS = range(5)
HEAD = """# Results: materials

Written by `python -m benchmarks.materials`; nothing here is typed in. Mean over seeds and 95 %
interval (Student's t over seeds); another seed is another choice of training materials or of folds,
and other weights. The number of seeds stands in the last column.

"""
TITLES = {
    "toys": "Toy materials: 24,000 for training, 4,000 others for testing",
    "ablation": "Ablation of modalities: toy materials, 6,000 for training",
    "branch": "In place of the chain: toy materials, 6,000 for training",
    "lists": "10,774 listed materials: five folds, no chemical system in two folds",
    "structures": "Listed materials with structures: five folds by chemical system",
    "speed": "Speed",
    "audit": "Leakage audit of toy materials: best single features",
}


def stored(name, seed):
    return RESULTS / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.{seed}.json"


def run(names, minutes):
    """Run what is missing, seed by seed, so that every task soon has its first seed."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    end = time.monotonic() + 60.0 * minutes
    for seed in SEEDS:
        for name, task in TASKS.items():
            path = stored(name, seed)
            wanted = not names or any(name.startswith(n) for n in names)
            if path.is_file() or not wanted or time.monotonic() > end:
                continue
            start = time.process_time()
            row = task(seed)
            row = {key: float(value) for key, value in row.items()}
            content = {"task": name, "seed": seed, "cpu_seconds": time.process_time() - start}
            path.write_text(json.dumps({**content, "figures": row}, indent=1) + "\n")
            print(f"{name}, seed {seed}: {row}", flush=True)


def collected(name):
    """Figures of a task, one list over seeds for each."""
    found = [json.loads(p.read_text()) for s in SEEDS if (p := stored(name, s)).is_file()]
    keys = list(found[0]["figures"]) if found else []
    return {key: [one["figures"][key] for one in found] for key in keys}


def interval(values):
    """Mean and half width of the 95 % interval, as text."""
    mean = statistics.fmean(values)
    digits = 4 if abs(mean) < 2 else 1
    if len(values) < 2:
        return f"{mean:.{digits}f}"
    half = student.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def paired(first, second, key):
    """Difference of two tasks, seed by seed."""
    a, b = collected(first).get(key, []), collected(second).get(key, [])
    n = min(len(a), len(b))
    return [x - y for x, y in zip(a[:n], b[:n], strict=True)]


def table(prefix):
    names = [name for name in TASKS if name.split(":")[0] == prefix and collected(name)]
    if not names:
        return ""
    keys = list(dict.fromkeys(key for name in names for key in collected(name)))
    lines = [f"## {TITLES[prefix]}", "", f"| | {' | '.join(keys)} | seeds |"]
    lines.append("|---|" + "---:|" * (len(keys) + 1))
    for name in names:
        found = collected(name)
        cells = [interval(found[key]) if key in found else "" for key in keys]
        title = name.partition(": ")[2] or name
        number = len(next(iter(found.values())))
        lines.append(f"| {title} | {' | '.join(cells)} | {number} |")
    return "\n".join(lines) + "\n\n"


def verdict():
    """What the topological branch adds, in one sentence for each comparison."""
    pairs = [
        ("ablation: all", "branch: perceptron", "topology accuracy", "a perceptron in its place"),
        ("ablation: all", "branch: none", "topology accuracy", "no branch"),
        ("ablation: all", "branch: none", "topology recall, rarest class",
         "no branch, recall of the rarest class"),
        ("branch: Hamiltonians of the material", "ablation: all", "topology accuracy",
         "the chain made from features, by a branch on the material's own Hamiltonians"),
        ("lists: network with branch", "lists: network without branch",
         "four classes: macro F1", "no branch on the lists, macro F1"),
        ("lists: network with branch", "lists: network without branch", "recall, class 2",
         "no branch on the lists, recall of the rarest class"),
    ]  # fmt: skip
    lines = ["## What the topological branch adds", ""]
    for first, second, key, words in pairs:
        difference = paired(first, second, key)
        if not difference:
            continue
        if len(difference) == 1:
            lines.append(f"- Against {words}: {difference[0]:+.4f} (one seed: no interval, and so"
                         " no claim).")  # fmt: skip
            continue
        mean = statistics.fmean(difference)
        half = student.ppf(0.975, len(difference) - 1) * statistics.stdev(difference)
        half /= len(difference) ** 0.5
        says = "no difference that these seeds can show"
        if abs(mean) > half:
            says = "better" if mean > 0 else "worse"
        lines.append(f"- Against {words}: {mean:+.4f} ± {half:.4f} ({len(difference)} seeds,"
                     f" paired): {says}.")  # fmt: skip
    return "\n".join(lines) + "\n\n" if len(lines) > 2 else ""


def write():
    parts = [table(prefix) for prefix in ("toys", "ablation", "branch")]
    parts += [verdict(), table("lists"), table("structures"), table("audit"), table("speed")]
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(HEAD + "".join(parts) + f"{harness.machine()}\n")
    print(PAGE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if not given.write:
        run(given.names, given.minutes)
    write()


if __name__ == "__main__":
    main()
