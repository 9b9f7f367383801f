"""Tasks of `benchmarks.materials`: each takes a seed and returns rows of figures."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold

from topophys.materials import (
    EnhancedMultiModalMaterialClassifier,
    TrainOptions,
    generate_toys,
    groups_of,
    list_features,
    load_toys,
    predict_logits,
    read_class_lists,
    toy_data,
    train_classifier,
)
from topophys.materials.batch import MODALITIES
from topophys.materials.fit import list_data, list_network
from topophys.materials.run import Scaler
from topophys.materials.train import scores

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("TOPOPHYS_TEST_DATA", ROOT.parent / "shared" / "data"))
TOYS = Path(os.environ.get("TOPOPHYS_TOYS", ROOT / "runs" / "materials" / "toys.h5"))
N_TOYS = 50_000
TEST_ROWS = slice(46_000, 50_000)
#: Materials and passes: of the full training, and of each network of the ablation.
FULL = (24_000, 7)
SMALL = (6_000, 6)
BRANCHES = {"chain": "1d_a3", "perceptron": "mlp", "none": None}


@cache
def toys():
    """Arrays of the toy materials, with scaled scalars; made where missing."""
    if not TOYS.is_file():
        TOYS.parent.mkdir(parents=True, exist_ok=True)
        generate_toys(TOYS, N_TOYS, seed=1)
    arrays, _ = load_toys(TOYS)
    scaler = Scaler.of(arrays["scalars"][: FULL[0]].astype(float))
    arrays["scalars"] = scaler(arrays["scalars"].astype(float)).astype(np.float32)
    return arrays


@cache
def toy_test(hamiltonians=False):
    rows = np.arange(TEST_ROWS.start, TEST_ROWS.stop)
    return toy_data(toys(), rows, hamiltonians=hamiltonians)


def toy_network(seed, size, *, modalities=MODALITIES, branch="1d_a3"):
    """Train on `size` = (materials, passes); each seed has other materials and weights."""
    number, epochs = size
    rows = np.random.default_rng(seed).permutation(TEST_ROWS.start)[:number]
    data = toy_data(toys(), rows, hamiltonians=branch == "exact_2d")
    torch.manual_seed(seed)
    net = EnhancedMultiModalMaterialClassifier(
        modalities=modalities,
        use_topological_ml=branch is not None,
        topological_ml_model_type=branch or "1d_a3",
    )
    net.balance(torch.as_tensor(data.topology), torch.as_tensor(data.magnetism))
    start = time.process_time()
    train_classifier(net, data, TrainOptions(epochs=epochs, seed=seed))
    return net, time.process_time() - start


def toy_scores(net):
    test = toy_test(net.settings["topological_ml_model_type"] == "exact_2d")
    logits = predict_logits(net, test)
    found = {
        "topology": scores(logits["combined_logits"], test.topology),
        "magnetism": scores(logits["magnetism_logits_aux"], test.magnetism),
    }
    rows = {f"{head} accuracy": one["accuracy"] for head, one in found.items()}
    rows |= {f"{head} macro F1": one["macro_f1"] for head, one in found.items()}
    rows |= {f"{head} recall, rarest class": one["recall"][int(np.argmin(one["count"]))]
             for head, one in found.items()}  # fmt: skip
    return rows


def toys_full(seed):
    """Toy materials, all modalities."""
    net, seconds = toy_network(seed, FULL)
    return toy_scores(net) | {"CPU seconds of training": seconds}


def toys_without(modality):
    def task(seed):
        used = tuple(name for name in MODALITIES if name != modality)
        return toy_scores(toy_network(seed, SMALL, modalities=used)[0])

    return task


def toys_only(*modalities):
    def task(seed):
        return toy_scores(toy_network(seed, SMALL, modalities=modalities)[0])

    return task


def toys_branch(branch):
    def task(seed):
        return toy_scores(toy_network(seed, SMALL, branch=branch)[0])

    return task


@cache
def lists():
    return read_class_lists(DATA / "topogivity")


def folds(seed):
    """Five folds, no chemical system in two of them."""
    groups = groups_of(lists().materials)
    return list(GroupKFold(5, shuffle=True, random_state=seed).split(groups, groups=groups))


def labels():
    return np.array([one.label for one in lists().materials])


def list_scores(chance):
    """Accuracy of trivial against the rest, and macro F1 of four classes, from probabilities."""
    truth = labels()
    binary = float(((chance[:, 0] < 0.5) == (truth > 0)).mean())
    four = scores(chance, truth)
    return {
        "binary accuracy": binary,
        "four classes: accuracy": four["accuracy"],
        "four classes: macro F1": four["macro_f1"],
        **{f"recall, class {i}": r for i, r in enumerate(four["recall"])},
    }


def trees_chance(seed, blocks):
    x = list_features(lists().materials, blocks, one_hot=False)
    chance = np.zeros((len(x), 4))
    for train, test in folds(seed):
        trees = HistGradientBoostingClassifier(random_state=seed)
        chance[test] = trees.fit(x[train], labels()[train]).predict_proba(x[test])
    return chance


def trees_binary(seed, blocks):
    """Accuracy of trees that are taught trivial against the rest."""
    x = list_features(lists().materials, blocks, one_hot=False)
    truth, hits = labels() > 0, np.zeros(len(x), bool)
    for train, test in folds(seed):
        trees = HistGradientBoostingClassifier(random_state=seed).fit(x[train], truth[train])
        hits[test] = trees.predict(x[test]) == truth[test]
    return float(hits.mean())


def network_chance(seed, branch, epochs=9):
    """Probabilities of the network, each material predicted by the fold that did not see it.

    The loss weighs classes; dividing by the weights gives back probabilities.
    """
    raw = list_features(lists().materials)
    chance = np.zeros((len(raw), 4))
    for train, test in folds(seed):
        scaler = Scaler.of(raw[train])
        torch.manual_seed(seed)
        net = list_network(raw.shape[1], 4, with_structures=False, branch=branch)
        data = list_data(lists(), scaler(raw), train, [])
        net.balance(torch.as_tensor(data.topology), torch.as_tensor(data.magnetism))
        options = TrainOptions(
            epochs=epochs, seed=seed, learning_rate=2e-3, weight_decay=5e-2, batch_size=256
        )
        train_classifier(net, data, options)
        logits = predict_logits(net, list_data(lists(), scaler(raw), test, []))["combined_logits"]
        p = torch.softmax(torch.as_tensor(logits).double(), -1) / net.topology_weights
        chance[test] = (p / p.sum(1, keepdim=True)).numpy()
    return chance


BASE = ("fractions", "space group")
PHYSICS = ("fractions", "space group", "electrons", "statistics", "symmetry")
CHANCES = ROOT / "runs" / "materials"


def remembered(name, seed, make):
    """Probabilities on disk, because two tasks need them."""
    path = CHANCES / f"{name}-{seed}.npy"
    if not path.is_file():
        CHANCES.mkdir(parents=True, exist_ok=True)
        np.save(path, make())
    return np.load(path)


def list_trees(blocks, name):
    def task(seed):
        chance = remembered(name, seed, lambda: trees_chance(seed, blocks))
        return list_scores(chance) | {"binary accuracy": trees_binary(seed, blocks)}

    return task


def list_net(branch, name):
    def task(seed):
        return list_scores(remembered(name, seed, lambda: network_chance(seed, branch)))

    return task


def list_ensemble(seed):
    """Mean of the probabilities of trees and of the network without branch."""
    trees = remembered("trees-physics", seed, lambda: trees_chance(seed, PHYSICS))
    net = remembered("net-none", seed, lambda: network_chance(seed, None))
    return list_scores(0.5 * (trees + net))


def list_majority(seed):  # noqa: ARG001  # the same for all
    share = np.bincount(labels(), minlength=4) / len(labels())
    return list_scores(np.tile(share, (len(labels()), 1)))


TASKS = {
    "toys": toys_full,
    "ablation: all": toys_branch("1d_a3"),
    **{f"ablation: without {name}": toys_without(name) for name in MODALITIES},
    "ablation: crystal alone": toys_only("crystal"),
    "ablation: bands alone": toys_only("kspace"),
    "branch: Hamiltonians of the material": toys_branch("exact_2d"),
    "branch: two bands in two dimensions": toys_branch("2d_a"),
    "branch: perceptron": toys_branch("mlp"),
    "branch: none": toys_branch(None),
    "lists: majority": list_majority,
    "lists: trees, composition and space group": list_trees(BASE, "trees-base"),
    "lists: trees, all features": list_trees(PHYSICS, "trees-physics"),
    "lists: network without branch": list_net(None, "net-none"),
    "lists: network with branch": list_net("1d_a3", "net-chain"),
    "lists: trees and network": list_ensemble,
}
