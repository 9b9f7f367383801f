"""Tasks of `materials`: the trees of `MaterialsModel` on the lists, by system and prototype.

Numbers of formula units in the primitive cell come from the second list, which states no licence:
they are read for measurements, and are part of no file of the project.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from dataclasses import replace
from functools import cache
from operator import attrgetter

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.experiments.materials_lists import DATA, lists, remembered
from topophys.materials import filling_allows_insulator, valence_electrons
from topophys.materials._model_file import LIST_BLOCKS, VIEWS, features
from topophys.materials.boosted_trees import train_trees
from topophys.materials.calibration import (
    FOLDS,
    best_calibration,
    classification_scores,
    confusion_scores,
    grouped_folds,
    softmax,
)
from topophys.materials.description import describe
from topophys.materials.electron_counting import assumed_electrons
from topophys.materials.features import list_features
from topophys.materials.similar import SimilarMaterials, similar_columns

LEVEL = 0.9
TREES = 250
#: Exponents of the frequencies of the classes, from which the other folds choose.
POWERS = np.linspace(0.0, 1.0, 11)
#: Names of the classes with spin-orbit coupling in the second list, as numbers of the first.
OTHER = {"Triv_Ins": 0, "HSP_SM": 1, "HSL_SM": 1, "TCI": 2, "TI": 3}
ALONE = ", without similar materials"
#: Rows with two sets of trees in place of each, boosted with other random numbers.
PAIR = ", two members"
#: Rows of a table: what the trees see.
SEEN = {
    "formula": VIEWS[0],
    "formula and space group, without counting": "listed",
    "formula and space group": VIEWS[1],
    "structure": VIEWS[2],
    "structure, assumed in training": "assumed",
    **{f"{seen}{how}": f"{seen}{how}" for seen in VIEWS[1:] for how in (ALONE, PAIR)},
}


@cache
def materials():
    """The listed materials, with the electrons of the primitive cell where they are known."""
    found = [describe(one) for one in lists().materials]
    return [replace(m, electrons=n) for m, n in zip(found, cells(), strict=True)]


def labels():
    return np.array([one.label for one in lists().materials])


@cache
def second_list():
    """Rows of the other list: material, class or -1, formula units in the primitive cell."""
    with gzip.open(DATA / "materiae" / "labels.csv.gz", "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    found = []
    for row in rows:
        one = describe({"formula": row["formula"], "space_group": row["space_group"]})
        units = int(row["sites"]) / sum(amount for _, amount in one.composition)
        found.append((one, OTHER.get(row["class_soc"], -1), round(units), int(row["electrons"])))
    return found


@cache
def cells():
    """Valence electrons of the primitive cell of each listed material; None where not known."""
    units = defaultdict(set)
    for one, _, number, _ in second_list():
        units[one.composition, one.space_group].add(number)
    found = []
    for one in map(describe, lists().materials):
        number = units.get((one.composition, one.space_group), set())
        # several polymorphs of one space group: nobody knows which one has the label
        each = [round(z * valence_electrons(one.composition)) for z in number]
        found.append(each[0] if len(each) == 1 else None)
    return found


def has_cell():
    return np.array([n is not None for n in cells()])


@cache
def fold_of(seed, group_by):
    return grouped_folds([getattr(one, group_by) for one in materials()], seed)


@cache
def columns(seen):
    """What the trees see in training, and what they are asked."""
    if seen == "listed":
        x = list_features(lists().materials, LIST_BLOCKS[VIEWS[1]], one_hot=False)
        return x, x
    if seen == "assumed":
        insulating = labels() != 1
        guess = [
            replace(m, electrons=assumed_electrons(m.composition, m.space_group, insulator=bool(i)))
            for m, i in zip(materials(), insulating, strict=True)
        ]
        return features(guess, VIEWS[2]), features(materials(), VIEWS[2])
    x = features(materials(), seen)
    return x, x


def trained(x, y, seed, n_members):
    return train_trees(x, y, n_classes=4, n_trees=TREES, seed=seed, n_members=n_members)


def logits(seed, group_by, seen, n_members):
    """Scores of each material by the trees of the folds that do not hold it."""
    y, fold = labels(), fold_of(seed, group_by)
    taught, asked = columns(seen)
    found = np.zeros((len(y), 4))
    for f in range(FOLDS):
        out = fold == f
        trees = trained(taught[~out], y[~out], seed, n_members)
        found[out] = trees.scores(asked[out])
    return found


def second_logits(seed, group_by, seen, n_members):
    """The same by trees that see the classes of similar materials too."""
    y, fold = labels(), fold_of(seed, group_by)
    taught, asked = columns(seen)
    kin, found = attrgetter(group_by), np.zeros((len(y), 4))
    for f in range(FOLDS):
        out = fold == f
        train, test = np.flatnonzero(~out), np.flatnonzero(out)
        some = [materials()[i] for i in train]
        x = np.hstack([taught[train], similar_columns(some, y[train], kin, 4, seed)])
        trees = trained(x, y[train], seed, n_members)
        near = SimilarMaterials(some, y[train], kin, 4).columns([materials()[i] for i in test])
        found[test] = trees.scores(np.hstack([asked[test], near]))
    return found


def kept_logits(seed, group_by, seen):
    """Scores of one set of trees; of both, where similar materials are known, their mean."""
    seen, alone, _ = seen.partition(ALONE)
    seen, pair, _ = seen.partition(PAIR)
    asked = (seed, group_by, seen, 2 if pair else 1)
    kept = f"trees2-{group_by}-{seen.replace(' ', '-')}{'-pair' if pair else ''}"
    one = remembered(kept, seed, lambda: logits(*asked))
    if alone or group_by == "prototype" or seen in {VIEWS[0], "listed"}:
        return one
    two = remembered(f"{kept}-similar", seed, lambda: second_logits(*asked))
    return np.log((softmax(one) + softmax(two)) / 2)


def calibrated(raw, y, fold):
    """Probabilities by the calibration of the other folds."""
    p = np.zeros_like(raw)
    for f in range(FOLDS):
        out = fold == f
        p[out] = best_calibration(raw[~out], y[~out]).probabilities(raw[out])
    return p


def sets(p, y, fold):
    """Coverage of each class, mean size and share of single sets, calibrated on the other folds."""
    inside = np.zeros(p.shape, bool)
    for f in range(FOLDS):
        out = fold == f
        for c in range(p.shape[1]):
            misfit = np.sort(1.0 - p[~out & (y == c), c])
            rank = int(np.ceil((len(misfit) + 1) * LEVEL))
            least = 0.0 if rank > len(misfit) else 1.0 - misfit[rank - 1]
            inside[out, c] = p[out, c] >= least
    size = inside.sum(1)
    covered = inside[np.arange(len(y)), y]
    single = size == 1
    return {
        **{f"covered, class {c}": float(covered[y == c].mean()) for c in range(p.shape[1])},
        "size of sets": float(size.mean()),
        "single": float(single.mean()),
        "single ones right": float(covered[single].mean()),
    }


def with_chosen_power(p, y, fold):
    """Scores with the exponent of the frequencies that has the best macro F1 on other folds."""
    answer = np.zeros(len(y), np.int64)
    for f in range(FOLDS):
        out = fold == f
        share = np.bincount(y[~out], minlength=4) / (~out).sum()
        f1 = [
            confusion_scores((p[~out] / share**power).argmax(1), y[~out], 4)["macro_f1"]
            for power in POWERS
        ]
        answer[out] = (p[out] / share ** POWERS[int(np.argmax(f1))]).argmax(1)
    return confusion_scores(answer, y, 4)


def measured(seed, group_by, seen, rows=None):
    chosen = np.ones(len(labels()), bool) if rows is None else rows
    raw = kept_logits(seed, group_by, seen)[chosen]
    y, fold = labels()[chosen], fold_of(seed, group_by)[chosen]
    p = calibrated(raw, y, fold)
    found = classification_scores(p, y)
    power = with_chosen_power(p, y, fold)
    return {
        "binary accuracy": float(((p[:, 0] < 0.5) == (y > 0)).mean()),
        "four classes: accuracy": found["accuracy"],
        "four classes: macro F1": found["macro_f1"],
        "exponent chosen: macro F1": power["macro_f1"],
        "its accuracy": power["accuracy"],
        "its recall, class 2": power["recall"][2],
        "its recall, class 3": power["recall"][3],
        "log loss": found["log_loss"],
        "calibration error": found["calibration_error"],
        "before calibration": classification_scores(softmax(raw), y)["calibration_error"],
        **sets(p, y, fold),
    }


# ---- The second list


def both_lists():
    """Place in the first list, and class in the second, of what has one class in both."""
    first = {(m.composition, m.space_group): i for i, m in enumerate(materials())}
    kinds = defaultdict(set)
    for one, kind, _, _ in second_list():
        if (place := first.get((one.composition, one.space_group))) is not None:
            kinds[place].add(kind)
    pairs = [(i, *kind) for i, kind in kinds.items() if len(kind) == 1 and -1 not in kind]
    return np.array(pairs).T


def agreement(a, b):
    """Scores of the labels of one list as predictions of the other's."""
    counted = confusion_scores(b, a, 4)
    return {
        "binary accuracy": float(((a > 0) == (b > 0)).mean()),
        "four classes: accuracy": counted["accuracy"],
        "four classes: macro F1": counted["macro_f1"],
    }


def ceiling(_seed):
    """How often the two lists agree where both hold a formula with a space group."""
    place, b = both_lists()
    a = labels()[place]
    counted = confusion_scores(b, a, 4)
    return {
        "both lists": float(len(a)),
        **agreement(a, b),
        **{f"recall, class {c}": counted["recall"][c] for c in range(4)},
    }


def ceiling_on_structures(_seed):
    """The same for materials whose primitive cell is known."""
    place, b = both_lists()
    known = has_cell()[place]
    return agreement(labels()[place[known]], b[known])


def doubted(seed):
    """How well the least believed labels are those on which the second list differs."""
    place, theirs = both_lists()
    ours = labels()[place]
    differs = ours != theirs
    found = {"compared": float(len(ours)), "different": float(differs.sum())}
    p = calibrated(kept_logits(seed, "system", VIEWS[1]), labels(), fold_of(seed, "system"))
    doubt = 1.0 - p[place, ours]
    order = np.argsort(-doubt, kind="stable")
    return {
        **found,
        "area under the curve": float(roc_auc_score(differs, doubt)),
        "different among the first 100": float(differs[order[:100]].sum()),
        "expected among the first 100": float(100 * differs.mean()),
        "where they differ: the second list's label believed more":
            float((p[place, theirs] > p[place, ours])[differs].mean()),
    }  # fmt: skip


def rule(_seed):
    """The filling rule on the electrons of the second list."""
    rows = second_list()
    allowed = np.array([filling_allows_insulator(one.space_group, n) for one, _, _, n in rows])
    return ruled(allowed, np.array([kind for _, kind, _, _ in rows]))


def ruled(allowed, kind):
    insulator, semimetal = (kind == 0) | (kind > 1), kind == 1
    return {
        "insulators": float(insulator.sum()),
        "of these excluded by the rule": float((insulator & ~allowed).sum()),
        "semimetals": float(semimetal.sum()),
        "of these settled by the rule": float((semimetal & ~allowed).sum()),
    }


def rule_on_first_list(_seed):
    """The same on the labels of the first list, electrons from formula and formula units."""
    known = np.flatnonzero(has_cell())
    allowed = np.array([
        filling_allows_insulator(materials()[i].space_group, cells()[i]) for i in known
    ])  # fmt: skip
    return ruled(allowed, labels()[known])


def rule_on_structures(_seed):
    """The same on structures that may be passed on: JARVIS and the AFLOW prototypes."""
    from benchmarks.experiments.materials_structures import matched  # noqa: PLC0415

    allowed, kind = [], []
    for one in matched():
        found = describe(one.crystal)
        if found.electrons is not None:
            allowed.append(filling_allows_insulator(found.space_group, found.electrons))
            kind.append(one.entry.label)
    return ruled(np.array(allowed), np.array(kind))


def _known_only(group_by, seen):
    return lambda seed: measured(seed, group_by, seen, has_cell())


TASKS = {
    **{
        f"model by {group_by}: {name}": (lambda seed, g=group_by, s=seen: measured(seed, g, s))
        for group_by in ("system", "prototype")
        for name, seen in SEEN.items()
        if seen != "assumed" and not (ALONE in seen and group_by == "prototype")
    },
    "ceiling: two lists": ceiling,
    **{
        f"known cells by {group_by}: {name}": _known_only(group_by, SEEN[name])
        for group_by in ("system", "prototype")
        for name in (
            "formula", "formula and space group", "structure", "structure, assumed in training",
        )
        if not (SEEN[name] == "assumed" and group_by == "prototype")
    },
    "known cells: two lists": ceiling_on_structures,
    "doubt: least believed labels": doubted,
    "filling rule: second list, its electrons": rule,
    "filling rule: first list, formula units of the second": rule_on_first_list,
    "filling rule: first list, structures of JARVIS and AFLOW": rule_on_structures,
}  # fmt: skip
