"""Tasks of `materials`: the trees of `MaterialsModel` on the lists, by system and prototype."""

from __future__ import annotations

import csv
import gzip

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.experiments.materials_lists import DATA, balanced, lists, remembered
from topophys.materials import filling_allows_insulator
from topophys.materials.boosted_trees import train_trees
from topophys.materials.calibration import (
    FOLDS,
    best_temperature,
    classification_scores,
    grouped_folds,
    softmax,
)
from topophys.materials.description import describe
from topophys.materials.model import VIEWS, _features

LEVEL = 0.9
TREES = 250
#: Names of the classes with spin-orbit coupling in the second list, as numbers of the first.
OTHER = {"Triv_Ins": 0, "HSP_SM": 1, "HSL_SM": 1, "TCI": 2, "TI": 3}


def materials():
    return [describe(one) for one in lists().materials]


def labels():
    return np.array([one.label for one in lists().materials])


def fold_of(seed, group_by):
    return grouped_folds([getattr(one, group_by) for one in materials()], seed)


def logits(seed, group_by, view):
    """Scores of each material by the trees of the folds that do not hold it."""
    x, y, fold = _features(materials(), view), labels(), fold_of(seed, group_by)
    found = np.zeros((len(y), 4))
    for f in range(FOLDS):
        out = fold == f
        trees = train_trees(x[~out], y[~out], n_classes=4, n_trees=TREES, seed=seed)
        found[out] = trees.scores(x[out])
    return found


def sets(p, y, fold):
    """Coverage of each class, mean size and share of single sets, calibrated on the other folds."""
    inside = np.zeros(p.shape, bool)
    for f in range(FOLDS):
        out = fold == f
        for c in range(p.shape[1]):
            misfit = np.sort(1.0 - p[~out & (y == c), c])
            rank = int(np.ceil((len(misfit) + 1) * LEVEL))
            inside[out, c] = 1.0 - p[out, c] <= misfit[rank - 1]
    size = inside.sum(1)
    covered = inside[np.arange(len(y)), y]
    single = size == 1
    return {
        **{f"covered, class {c}": float(covered[y == c].mean()) for c in range(p.shape[1])},
        "size of sets": float(size.mean()),
        "single": float(single.mean()),
        "single ones right": float(covered[single].mean()),
    }


def measured(seed, group_by, view):
    name = f"model-{group_by}-{VIEWS.index(view)}"
    raw = remembered(name, seed, lambda: logits(seed, group_by, view))
    y, fold = labels(), fold_of(seed, group_by)
    p = np.zeros_like(raw)
    for f in range(FOLDS):
        out = fold == f
        p[out] = softmax(raw[out] / best_temperature(raw[~out], y[~out]))
    scores = classification_scores(p, y)
    even = classification_scores(balanced(p, np.bincount(y) / len(y)), y)
    return {
        "binary accuracy": float(((p[:, 0] < 0.5) == (y > 0)).mean()),
        "four classes: accuracy": scores["accuracy"],
        "four classes: macro F1": scores["macro_f1"],
        "macro F1, balanced": even["macro_f1"],
        "log loss": scores["log_loss"],
        "calibration error": scores["calibration_error"],
        "before calibration": classification_scores(softmax(raw), y)["calibration_error"],
        **sets(p, y, fold),
    }


def second_list():
    """Rows of the other list that have a formula, with their class or -1."""
    with gzip.open(DATA / "materiae" / "labels.csv.gz", "rt", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def both_lists():
    """Place in the first list, and class in the second, of what both hold."""
    first = {(m.composition, m.space_group): i for i, m in enumerate(materials())}
    pairs = []
    for row in second_list():
        if row["class_soc"] not in OTHER or "(" in row["formula"]:
            continue
        one = describe({"formula": row["formula"], "space_group": row["space_group"]})
        if (key := (one.composition, one.space_group)) in first:
            pairs.append((first[key], OTHER[row["class_soc"]]))
    return np.array(pairs).T


def ceiling(_seed):
    """How often the two lists agree where both hold a formula with a space group."""
    place, b = both_lists()
    a = labels()[place]
    return {
        "both lists": float(len(a)),
        "agree on trivial or not": float(((a > 0) == (b > 0)).mean()),
        "agree on four classes": float((a == b).mean()),
    }


def doubted(seed):
    """How well the least believed labels are those on which the second list differs."""
    view = VIEWS[1]
    name = f"model-system-{VIEWS.index(view)}"
    raw = remembered(name, seed, lambda: logits(seed, "system", view))
    place, theirs = both_lists()
    ours = labels()[place]
    differs = ours != theirs
    doubt = 1.0 - softmax(raw / best_temperature(raw, labels()))[place, ours]
    order = np.argsort(-doubt, kind="stable")
    return {
        "compared": float(len(ours)),
        "different": float(differs.sum()),
        "area under the curve": float(roc_auc_score(differs, doubt)),
        "different among the first 100": float(differs[order[:100]].sum()),
    }


def rule(_seed):
    """The filling rule on the electrons of the second list."""
    rows = second_list()
    allowed = np.array(
        [filling_allows_insulator(int(r["space_group"]), int(r["electrons"])) for r in rows]
    )
    kind = np.array([OTHER.get(r["class_soc"], -1) for r in rows])
    insulator, semimetal = (kind == 0) | (kind > 1), kind == 1
    return {
        "insulators": float(insulator.sum()),
        "of these excluded by the rule": float((insulator & ~allowed).sum()),
        "semimetals": float(semimetal.sum()),
        "of these settled by the rule": float((semimetal & ~allowed).sum()),
    }


TASKS = {
    **{
        f"model: {view}, unseen {group_by}s": (
            lambda seed, g=group_by, v=view: measured(seed, g, v)
        )
        for group_by in ("system", "prototype")
        for view in VIEWS
    },
    "doubt: least believed labels": doubted,
    "ceiling: two lists": ceiling,
    "filling rule: second list": rule,
}
