"""Tasks of `materials` on real structures: 322 of them, with classes from the lists."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from sklearn.model_selection import GroupKFold

from benchmarks.experiments.materials_lists import (
    DATA,
    balanced,
    chances_of,
    features,
    fitted,
    groups,
    labels,
    lists,
    remembered,
    trees,
)
from topophys.materials import (
    TrainOptions,
    match_structures,
    read_aflow_prototypes,
    read_jarvis,
    train_classifier,
)
from topophys.materials.data import structure_data
from topophys.materials.training import scores


@cache
def matched():
    """Every structure of JARVIS and of AFLOW prototypes that the lists have a class for.

    Several structures of one material count as several: they are in one fold.
    """
    found = read_jarvis(DATA / "jarvis_structures" / "dft_3d_Tc_supercon.json.zip")
    return match_structures({**found, **read_aflow_prototypes()}, lists(), keep_repeated=True)[0]


@cache
def rows_of():
    """Row in the lists of each structure."""
    place = {one: row for row, one in enumerate(lists().materials)}
    return np.array([place[one.entry] for one in matched()])


@cache
def others():
    """Rows of the lists whose chemical system no structure has."""
    return np.flatnonzero(~np.isin(groups(), groups()[rows_of()]))


def structure_folds(seed):
    kinds = groups()[rows_of()]
    return list(GroupKFold(5, shuffle=True, random_state=seed).split(kinds, groups=kinds))


def figures(chance):
    truth = labels()[rows_of()]
    share = np.bincount(labels()[others()], minlength=4) / len(others())
    found = scores(chance, truth)
    return {
        "binary accuracy": float(((chance[:, 0] < 0.5) == (truth > 0)).mean()),
        "four classes: accuracy": found["accuracy"],
        "four classes: macro F1": found["macro_f1"],
        "macro F1, balanced": scores(balanced(chance, share), truth)["macro_f1"],
        "structures": float(len(truth)),
        "materials": float(len(np.unique(rows_of()))),
    }


def trees_lists(seed):
    """Trees on the lists without the chemical systems of the structures."""
    x = features(one_hot=False)
    model = trees(x[others()], labels()[others()], seed)
    return model.predict_proba(x[rows_of()])


def trees_both(seed):
    """The same with the materials of the other folds added."""
    x, rows = features(one_hot=False), rows_of()
    chance = np.zeros((len(rows), 4))
    for train, test in structure_folds(seed):
        known = np.concatenate([others(), rows[train]])
        chance[test] = trees(x[known], labels()[known], seed).predict_proba(x[rows[test]])
    return chance


@cache
def crystals():
    """Structures as tensors, but for the scalars."""
    return [one.crystal for one in matched()]


def data_of(x, chosen, *, with_crystals):
    some = [crystals()[i] if with_crystals else None for i in chosen]
    rows = rows_of()[chosen]
    return structure_data([c.sample_id for c in (crystals()[i] for i in chosen)], x[rows], some,
                          labels()[rows])  # fmt: skip


def networks(seed):
    """Probabilities of the network: lists alone, tuned with features, tuned with structures."""
    net, x = fitted(others(), seed, with_structures=True)
    start = {name: value.clone() for name, value in net.state_dict().items()}
    every = np.arange(len(rows_of()))
    chance = np.zeros((3, len(every), 4))
    chance[0] = chances_of(net, data_of(x, every, with_crystals=False))
    fine = TrainOptions(epochs=10, seed=seed, learning_rate=5e-4, weight_decay=5e-2, batch_size=32)
    for way, with_crystals in ((1, False), (2, True)):
        whole = data_of(x, every, with_crystals=with_crystals)
        for train, test in structure_folds(seed):
            net.load_state_dict(start)
            torch.manual_seed(seed)
            train_classifier(net, whole.subset(train), fine)
            chance[way, test] = chances_of(net, whole.subset(test))
    return chance


def kept_networks(seed):
    return remembered("structures-networks", seed, lambda: networks(seed))


def kept_trees(seed):
    return remembered("structures-trees", seed, lambda: trees_both(seed))


TASKS = {
    "structures: trees, lists alone": lambda seed: figures(trees_lists(seed)),
    "structures: trees, lists and structures' formulas": lambda seed: figures(kept_trees(seed)),
    "structures: network, lists alone": lambda seed: figures(kept_networks(seed)[0]),
    "structures: network, tuned with formulas": lambda seed: figures(kept_networks(seed)[1]),
    "structures: network, tuned with structures": lambda seed: figures(kept_networks(seed)[2]),
    "structures: mean of trees and tuned network":
        lambda seed: figures(0.5 * (kept_trees(seed) + kept_networks(seed)[2])),
}  # fmt: skip
