"""Figures of the materials: five seeds, 95 % intervals, written to docs/results/materials.md.

    python -m benchmarks.experiments.materials                    all that is missing, then the page
    python -m benchmarks.experiments.materials "toys" "ablation"  tasks whose names begin like this
    python -m benchmarks.experiments.materials --minutes 10       start no task after ten minutes
    python -m benchmarks.experiments.materials --seeds 3          the first three seeds only
    python -m benchmarks.experiments.materials --write            only the page, from what is there

Every finished (task, seed) is one line of benchmarks/results/materials.jsonl, beside its settings:
what is there is not run again, and a change of settings asks for new runs. Intervals are Student's
t over seeds.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from scipy.stats import t as student

from benchmarks import harness
from benchmarks.experiments.materials_audit import CUT, ROWS
from benchmarks.experiments.materials_audit import TASKS as AUDIT_AND_SPEED
from benchmarks.experiments.materials_hard import EPOCHS, NOISE, TRAINED
from benchmarks.experiments.materials_hard import NUMBER as HARD
from benchmarks.experiments.materials_hard import TASKS as NOISY
from benchmarks.experiments.materials_lists import MEMBERS
from benchmarks.experiments.materials_lists import TASKS as LISTS
from benchmarks.experiments.materials_structures import TASKS as STRUCTURES
from benchmarks.experiments.materials_tasks import FULL, NUMBER, SMALL, SOLID, TESTS
from benchmarks.experiments.materials_tasks import TASKS as TOYS
from benchmarks.experiments.materials_trees import ALONE, LEVEL, PAIR, TREES, VIEWS
from benchmarks.experiments.materials_trees import TASKS as MODEL
from benchmarks.pages import ROOT
from benchmarks.speed import materials as materials_speed
from topophys.materials.data import MODALITIES

TASKS = {**TOYS, **NOISY, **LISTS, **MODEL, **STRUCTURES, **AUDIT_AND_SPEED}
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "materials.jsonl")
PAGE = ROOT / "docs" / "results" / "materials.md"
SEEDS = range(5)
HEAD = """# Results: materials

Written by `python -m benchmarks.experiments.materials`, which also runs what is missing. Figures
are means over seeds with 95 % intervals (Student's t over seeds). A seed determines the training
materials or the folds, and the weights. The last column is the number of seeds. "Ceiling" is the
agreement of two public lists of labels, the upper limit for what a classifier can show.

"""
#: What results of a group of tasks depend on, beside the seed; change the version with the code.
SETTINGS = {
    "toys": {"version": 1, "materials": NUMBER[2], "tests": TESTS[2], "training": FULL},
    "solids": {"version": 1, "materials": NUMBER[3], "tests": TESTS[3], "training": SOLID},
    "ablation": {"version": 1, "materials": NUMBER[2], "tests": TESTS[2], "training": SMALL},
    "branch": {"version": 1, "materials": NUMBER[2], "tests": TESTS[2], "training": SMALL},
    "clean toys": {"version": 1, "materials": HARD, "training": TRAINED},
    "noisy toys": {"version": 1, "materials": HARD, "training": [TRAINED, EPOCHS], "noise": NOISE},
    "lists": {"version": 1, "members": MEMBERS},
    **{
        f"{kind} by {group}": {"version": 3, "trees": TREES, "level": LEVEL}
        for kind in ("model", "known cells")
        for group in ("system", "prototype")
    },
    "doubt": {"version": 3, "trees": TREES},
    "ceiling": {"version": 2},
    "known cells": {"version": 1},
    "filling rule": {"version": 2},
    "structures": {"version": 1},
    "speed": {"version": 1},
    "one structure": {"version": 1},
    "making": {"version": 1},
    "audit of layers": {"version": 1, "materials": NUMBER[2], "rows": ROWS, "training": CUT},
    "audit of solids": {"version": 1, "materials": NUMBER[3], "rows": ROWS, "training": CUT},
    "audit of lists": {"version": 1},
}
TITLES = {
    "toys": "Toy layers: 24,000 for training, 4,000 others for testing",
    "solids": "Toy solids: 12,000 for training, 2,000 others for testing",
    "ablation": "Ablation of modalities: toy layers, 6,000 for training",
    "branch": "Replacements of the chain: toy layers, 6,000 for training",
    "clean toys": "The tree baseline: toy layers, 6,000 for training, 3,000 others for testing",
    "noisy toys": "Noisy toy layers: no single modality suffices",
    "lists": "10,774 listed materials: five folds, no chemical system in two folds",
    "model by system": "`MaterialsModel` on the 10,774 listed materials: unseen chemical systems",
    "model by prototype": "`MaterialsModel` on the same: unseen prototypes",
    "known cells by system": "With a structure and without: materials with a known cell, systems",
    "known cells by prototype": "With a structure and without: the same, unseen prototypes",
    "doubt": "Ranking of labels that are probably wrong, tested with a second list",
    "ceiling": "Label noise: agreement of two lists",
    "filling rule": "The filling rule on labels and on structures",
    "structures": "322 structures of 293 listed materials: five folds by chemical system",
    "speed": "Training speed",
    "one structure": "Features and prediction of one structure",
    "making": "Generation of toy materials: sampling, proof, all modalities",
    "audit of layers": "Leakage audit of toy layers: best tree of depth 3 on one number alone",
    "audit of solids": "Leakage audit of toy solids: best tree of depth 3 on one number alone",
    "audit of lists": "Leakage audit of the lists: one tree on one kind of features",
}
NOTES = {
    "clean toys": """Boosted trees (LightGBM) on the features that the network reads. The 50 physics
features are weights at special momenta, gap, density of states, Fermi level. The trees are better
than the network of the ablation, which is trained on as many materials.

""",
    "noisy toys": f"""Every feature has independent normal noise of {NOISE:g} times its standard
deviation over the materials, one atom in four is replaced by another element, and positions are
displaced by 0.03 of the lattice vectors. "Only" is leave-one-in, "without" is leave-one-out. The
networks have no topological branch and are trained for {EPOCHS} epochs.

""",
    "lists": """\
Classes: 0 trivial, 1 symmetry-enforced semimetal, 2 topological crystalline insulator,
3 topological insulator. "Balanced": probabilities are divided by the square root of the class
frequency, for trees and networks alike; the exponent is that of the loss and was not tuned.
"Chosen": the exponent, and the weight of trees and networks in their mean, have the best macro F1
on the other four folds. All features: composition, space group, numbers of electrons, statistics
and measured properties of the elements, stoichiometry, symmetry operations.
""",
    "model by system": f"""The trees of `MaterialsModel` (LightGBM, {TREES} rounds) use composition,
electron counting and oxidation states, with or without the space group. "Structure" adds the number
of electrons in the primitive cell, known for 8,129 of the materials: the numbers of formula units
are from the second list and are used for measurements only. "Without counting" has composition,
space group and properties of the elements only. A second set of trees also uses the classes of
similar materials: same prototype, different chemical system, weighted by the distance of their
elements (electronegativity, radius, valence electrons, period); in training these come from the
other of five folds of the training materials. Its scales were compared on these labels, which makes
its rows slightly optimistic. "Two members": each set of trees is the mean of two sets with
different random numbers. Folds keep chemical systems together, or prototypes (space group and
anonymous formula); unseen prototypes have no similar materials. The calibration (a temperature that
depends on the entropy of the scores), the exponent of the class frequencies and the prediction sets
of each fold are fitted on the other four; the sets aim at {100 * LEVEL:g} % of each class.

""",
    "model by prototype": """As above; a prototype is a space group with an anonymous formula.

""",
    "known cells by system": """As above, restricted to the 8,129 materials with a known primitive
cell, as for users with a structure. "Assumed in training": the numbers of formula units of the
second list are not used in training. Instead, the smallest primitive cell that the Wyckoff
positions and, for insulators, the filling rule allow is used, as in the model of the package. All
rows are tested with the true cells.

""",
    "doubt": """The labels of the first list are ranked by the calibrated probability that trees
trained without their chemical system assign to them. The second list decides which labels are
different. Only materials with one class in each list are compared.

""",
    "ceiling": """Materials with one class in each list. The second list, taken as a prediction of
the first, has the accuracy of this table. One seed is enough, since nothing is random.

""",
    "filling rule": """The [rule](../theory/filling.md) is `filling_allows_insulator`; nothing is
learned. Labels and electrons of the second list: T. Zhang et al., Nature 566, 475 (2019), which is
not part of this project. For eight insulators of the first list the rule, with the formula units of
the second list, excludes an insulator; the second list labels none of them an insulator, but
semimetal or unknown. The one exception among the structures is boron in an idealised AFLOW
prototype.

""",
    "structures": """Models are trained on the lists without the chemical systems of these
structures; "tuned" and "and formulas" are then also trained on the structures of the other four
folds. Some materials have several structures: 322 structures belong to 293 entries of the lists.
All structures of one entry are in one fold.
""",
    "speed": """\
Cutoff 4 angstrom. The machine was shared, so CPU time of one core is given; with two threads, the
best wall time of three runs.
""",
    "audit of layers": "Three classes: chance is 0.333.\n",
    "audit of solids": """Three classes: chance is 0.333. In solids the weights at the invariant
momenta are the parities from which the class is computed.
""",
    "audit of lists": """\
The most frequent class has a share of 0.565; chance is 0.25 for four classes.
""",
}
PUBLISHED = """As reported by the authors. Data, classes and splits differ from study to study, so
no row is a comparison on equal terms; splits by chemical system or prototype, as in ours, are
harder than random ones."""
#: Accuracies as published: study, data and task, accuracy.
LITERATURE = (
    ("N. Claussen, B. A. Bernevig, N. Regnault, Phys. Rev. B 101, 245117 (2020)",
     "Topological Quantum Chemistry, gradient-boosted trees", "about 0.90"),
    ("A. Rasul et al., Sci. Rep. 14, 31564 (2024)",
     "topological or not, graph network with persistent homology", "0.914 (F1 0.885)"),
    ("Y. He et al., npj Comput. Mater. 11 (2025), arXiv:2503.16276",
     "35,608 materials of two lists, five classes, XGBoost", "0.852"),
    ("JARVIS leaderboard, `AI-SinglePropertyClass-spillage-dft_3d-test-acc`",
     "11,375 structures, spin-orbit spillage above a threshold", "0.814 (ALIGNN) to 0.836"),
)  # fmt: skip


def literature():
    """Published accuracies, with those of this project that are closest in kind."""
    lines = [
        "## Published accuracies", "",
        PUBLISHED, "",
        "| study | data and task | accuracy |", "|---|---|---:|",
        *(f"| {' | '.join(row)} |" for row in LITERATURE),
    ]  # fmt: skip
    for words, key in (("topological or not", "binary accuracy"),
                       ("four classes", "four classes: accuracy")):  # fmt: skip
        for group in ("system", "prototype"):
            found = collected(f"model by {group}: formula and space group").get(key)
            if found:
                task = f"10,774 materials, {words}, formula and space group, unseen {group}s"
                lines.append(f"| this project | {task} | {interval(found)} |")
    ceiling = collected("ceiling: two lists")
    for words, key in (("topological or not", "binary accuracy"),
                       ("four classes", "four classes: accuracy")):  # fmt: skip
        if ceiling:
            lines.append(
                f"| ceiling: agreement of two lists | {words} | {interval(ceiling[key])} |"
            )
    return "\n".join(lines) + "\n\n"


def settings(name, seed):
    """What a result depends on."""
    return {"task": name, "seed": seed, **SETTINGS[name.partition(":")[0]]}


def run(names, minutes, seeds):
    """Run what is missing, seed by seed, so that every task soon has its first seed."""
    torch.set_num_threads(1)
    end = time.monotonic() + 60.0 * minutes
    for seed in SEEDS[:seeds]:
        for name, task in TASKS.items():
            wanted = not names or any(name.startswith(n) for n in names)
            if not wanted or time.monotonic() > end or STUDY.get(settings(name, seed)):
                continue
            start = time.process_time()
            row = task(seed)
            row = {key: float(value) for key, value in row.items()}
            result = {"cpu_seconds": time.process_time() - start, "figures": row}
            STUDY.put(settings(name, seed), result)
            print(f"{name}, seed {seed}: {row}", flush=True)


def collected(name):
    """Figures of a task, one list over seeds for each."""
    found = [result for s in SEEDS if (result := STUDY.get(settings(name, s)))]
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


#: Row of the ceiling by label noise, for the tables of real materials.
CEILING = {
    **dict.fromkeys(
        ("lists", "model by system", "model by prototype", "structures", "audit of lists"),
        "ceiling: two lists",
    ),
    **dict.fromkeys(("known cells by system", "known cells by prototype"),
                    "known cells: two lists"),
}  # fmt: skip


def table(prefix):
    names = [name for name in TASKS if name.split(":")[0] == prefix and collected(name)]
    if not names:
        return ""
    ceiling = collected(CEILING[prefix]) if prefix in CEILING else {}
    keys = list(dict.fromkeys(key for name in names for key in collected(name)))
    lines = [f"## {TITLES[prefix]}", ""]
    lines += [NOTES[prefix]] if prefix in NOTES else []
    lines.append(f"| | {' | '.join(keys)} | seeds |")
    lines.append("|---|" + "---:|" * (len(keys) + 1))
    for name in names:
        found = collected(name)
        cells = [interval(found[key]) if key in found else "" for key in keys]
        title = name.partition(": ")[2] or name
        number = len(next(iter(found.values())))
        lines.append(f"| {title} | {' | '.join(cells)} | {number} |")
    if ceiling:
        cells = [interval(ceiling[key]) if key in ceiling else "" for key in keys]
        lines.append(f"| ceiling: agreement with a second list | {' | '.join(cells)} |  |")
    return "\n".join(lines) + "\n\n"


def verdict():
    """What the topological branch adds, in one line for each comparison."""
    pairs = [
        ("ablation: all", "branch: perceptron", "topology accuracy", "a perceptron in its place"),
        ("ablation: all", "branch: none", "topology accuracy", "no branch"),
        ("ablation: all", "branch: none", "topology recall, rarest class",
         "no branch, recall of the rarest class"),
        ("ablation: all", "branch: perceptron", "topology recall, rarest class",
         "a perceptron in its place, recall of the rarest class"),
        ("lists: network with branch", "lists: network without branch",
         "four classes: macro F1", "no branch on the lists, macro F1"),
        ("lists: network with branch", "lists: network without branch", "recall, class 2",
         "no branch on the lists, recall of the rarest class"),
        ("lists: network with branch", "lists: network without branch", "recall, class 3",
         "no branch on the lists, recall of the next rarest class"),
        ("branch: Hamiltonians of the material", "ablation: all", "topology accuracy",
         "the chain made from features: a branch on the material's own Hamiltonians"),
        ("branch: Hamiltonians of the material", "ablation: all",
         "topology recall, rarest class",
         "the chain: the material's own Hamiltonians, recall of the rarest class"),
    ]  # fmt: skip
    lines = [one for pair in pairs if (one := compared(*pair))]
    return "\n".join(["## What the topological branch adds", "", *lines]) + "\n\n" if lines else ""


def versus(group, trees):
    """Networks and means of a table against its trees on the same folds."""
    keys = ("binary accuracy", "four classes: accuracy", "four classes: macro F1",
            "macro F1, balanced")  # fmt: skip
    lines = [
        compared(row, f"{group}: {trees}", key, f"{trees}: {row.partition(': ')[2]}, {key}")
        for row in TASKS
        if row.startswith(f"{group}: ") and "trees," not in row and "majority" not in row
        for key in keys
    ]
    chosen = [name for name in TASKS if name.startswith(f"{group}: ") and "chosen" in name]
    if len(chosen) == 2:
        alone, mixed = chosen
        key = "four classes: macro F1"
        lines += [
            compared(alone, f"{group}: {trees}", key, f"{trees}: with its balance chosen, {key}"),
            compared(mixed, alone, key, f"trees with their balance chosen: networks added, {key}"),
        ]
    lines = [one for one in lines if one]
    return "\n".join([*lines, "", ""]) if lines else ""


def gains(prefix):
    """What each kind of information adds, seed by seed on equal folds."""
    keys = ("binary accuracy", "four classes: accuracy", "four classes: macro F1",
            "exponent chosen: macro F1", "log loss")  # fmt: skip
    pairs = (
        ("formula and space group", "formula"),
        ("formula and space group", "formula and space group, without counting"),
        ("structure", "formula and space group"),
        ("structure, assumed in training", "formula and space group"),
        *((name, f"{name}{ALONE}") for name in VIEWS[1:]),
        *((f"{name}{PAIR}", name) for name in VIEWS[1:]),
    )
    lines = [
        compared(f"{prefix}: {a}", f"{prefix}: {b}", key, f"{b}: {a}, {key}")
        for a, b in pairs
        for key in keys
    ]
    lines = [one for one in lines if one]
    return "\n".join([*lines, "", ""]) if lines else ""


def fused():
    """What fusion adds on noisy toys, and the network against trees."""
    key, noisy = "topology accuracy", "noisy toys: "
    pairs = [
        ("network, all", "trees, all", "trees: the fused network"),
        ("mean of trees and network, all", "trees, all", "trees: mean of trees and network"),
        *((f"{kind}, all", f"{kind}, only {one}", f"{kind}, only {one}: {kind}, all")
          for kind in ("trees", "network") for one in MODALITIES),
        *((f"{kind}, all", f"{kind}, without {one}", f"{kind}, without {one}: {kind}, all")
          for kind in ("trees", "network") for one in MODALITIES),
    ]  # fmt: skip
    lines = [compared(noisy + a, noisy + b, key, f"{words}, {key}") for a, b, words in pairs]
    lines = [one for one in lines if one]
    return "\n".join([*lines, "", ""]) if lines else ""


def compared(first, second, key, words):
    """One line: difference of two tasks with its interval, and what it shows."""
    difference = paired(first, second, key) if {first, second} <= set(TASKS) else []
    if len(difference) < 2:
        return (
            f"- Against {words}: {difference[0]:+.4f} (one seed, no interval)."
            if difference else ""
        )  # fmt: skip
    mean, n = statistics.fmean(difference), len(difference)
    half = student.ppf(0.975, n - 1) * statistics.stdev(difference) / n**0.5
    says = "no significant difference"
    if abs(mean) > half:
        says = "better" if (mean > 0) != (key == "log loss") else "worse"
    return f"- Against {words}: {mean:+.4f} ± {half:.4f} ({n} seeds, paired): {says}."


def claims():
    """Claims for the multi-modal classifier, and whether they hold."""

    def share(claim, words, name, key, least):
        """Whether a mean over seeds is surely at least what was promised, or surely not."""
        found = collected(name).get(key, [])
        if len(found) < 2:
            return (claim, words, "not measured with several seeds", "open")
        mean, n = statistics.fmean(found), len(found)
        half = student.ppf(0.975, n - 1) * statistics.stdev(found) / n**0.5
        surely = {mean - half >= least: "holds", mean + half < least: "does not hold"}
        return (claim, words, f"{interval(found)} ({n} seeds)", surely.get(True, "open"))

    def gain(claim, words, name, other, key):
        line = compared(name, other, key, "X").removesuffix(".")
        figure, _, says = line.removeprefix("- Against X: ").rpartition(": ")
        verdict = {"better": "holds", "worse": "does not hold"}.get(says, "not shown")
        return (claim, words, figure or line.removeprefix("- Against X: "), verdict)

    four, system = "four classes: accuracy", "model by system: formula and space group"
    cell, new = "known cells by system: structure", "model by prototype: "
    binary, best, noisy = "binary accuracy", "topology accuracy", "noisy toys: "
    time_name, time_key = "one structure: CPU time", "prediction with all features, ms"
    spent = collected(time_name).get(time_key, [])
    rows = [
        share("90 % accuracy", "binary, space group, unseen systems", system, binary, 0.9),
        share("", "four classes, the same", system, four, 0.9),
        share("", "four classes, structure, known cells", cell, four, 0.9),
        share("", "binary, unseen prototypes", f"{new}formula and space group", binary, 0.9),
        share("", "the same, with a structure", f"{new}structure", binary, 0.9),
        share("rare classes: half are found", "crystalline insulators, exponent chosen", system,
              "its recall, class 2", 0.5),
        share("", "topological insulators, exponent chosen", system, "its recall, class 3", 0.5),
        gain("", "a topological branch, recall of the rarest class of the lists",
             "lists: network with branch", "lists: network without branch", "recall, class 2"),
        ("less than 1 s for a material", "one structure, all features, ms of CPU time",
         f"{interval(spent)} ({len(spent)} seeds)", "holds" if max(spent) < 1000 else "open"),
        gain("better features downstream", "chain made from features, against no branch",
             "ablation: all", "branch: none", best),
        gain("", "the material's own Hamiltonians, against the chain",
             "branch: Hamiltonians of the material", "ablation: all", best),
        gain("fusion of modalities", "noisy toys, trees: all against physics alone",
             noisy + "trees, all", noisy + "trees, only physics", best),
        gain("", "noisy toys, networks: all against physics alone", noisy + "network, all",
             noisy + "network, only physics", best),
        gain("", "noisy toys: fused network against trees", noisy + "network, all",
             noisy + "trees, all", best),
    ]  # fmt: skip
    lines = ["## Claims", "",
             "| claim | measured as | figure | verdict |", "|---|---|---|---|"]  # fmt: skip
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n\n"


#: Targets that were set before the measurements: table, row, column, target, at least or at most.
TARGETS = (
    *(("model by system", "structure", *one) for one in (
        ("binary accuracy", 0.9243), ("four classes: accuracy", 0.8699),
        ("four classes: macro F1", 0.6940), ("exponent chosen: macro F1", 0.7077),
    )),
    *(("model by prototype", "formula and space group", *one) for one in (
        ("binary accuracy", 0.89), ("four classes: accuracy", 0.815),
        ("four classes: macro F1", 0.566),
    )),
    *((f"model by {group}", row, "calibration error", 0.015)
      for group in ("system", "prototype")
      for row in ("formula", "formula and space group", "structure")),
)  # fmt: skip


DECIDED = """Means over seeds, whose number is in brackets, against the target. Where the interval
contains the target, the seeds do not decide whether it is met."""


def targets():
    """Targets beside what was measured, with one set of trees and with two members of each."""

    def cell(name, key, target):
        found = collected(name).get(key)
        if not found:
            return "", ""
        mean = statistics.fmean(found)
        good = mean <= target if key == "calibration error" else mean >= target
        return f"{interval(found)} ({len(found)})", "met" if good else "missed"

    lines = [
        "## Targets", "", DECIDED, "",
        "| table | row | measured | target | one set of trees | | two members | |",
        "|---|---|---|---:|---:|---|---:|---|",
    ]  # fmt: skip
    for group, row, key, target in TARGETS:
        one = cell(f"{group}: {row}", key, target)
        two = cell(f"{group}: {row}{PAIR}", key, target)
        lines.append(f"| {' | '.join((group, row, key, f'{target:g}', *one, *two))} |")
    return "\n".join(lines) + "\n\n"


def write():
    parts = [claims(), targets(), literature()]
    parts += [table(prefix) for prefix in ("toys", "solids", "ablation", "branch")]
    parts += [table("clean toys"), table("noisy toys"), fused()]
    parts += [verdict(), table("lists"), versus("lists", "trees, all features")]
    for group in ("system", "prototype"):
        for kind in ("model", "known cells"):
            parts += [table(f"{kind} by {group}"), gains(f"{kind} by {group}")]
    parts += [table("doubt"), table("ceiling"), table("filling rule")]
    parts += [table("structures"), versus("structures", "trees, lists and structures' formulas")]
    parts += [table(prefix) for prefix in TITLES if prefix.startswith("audit")]
    parts += [materials_speed.section()]
    parts += [table("speed"), table("one structure"), table("making")]
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(HEAD + "".join(parts) + f"{harness.machine()}\n", encoding="utf-8")
    print(PAGE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if not given.write:
        run(given.names, given.minutes, given.seeds)
    write()


if __name__ == "__main__":
    main()
