"""Tasks of `materials` on lists: folds by chemical system, trees, networks."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold

from topophys.materials import (
    groups_of,
    list_features,
    predict_logits,
    read_class_lists,
    train_classifier,
)
from topophys.materials.features import BLOCKS
from topophys.materials.run import Scaler
from topophys.materials.training import LIST_OPTIONS, list_data, list_network, scores

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("TOPOPHYS_TEST_DATA", ROOT.parent / "shared" / "data"))
CHANCES = ROOT / "runs" / "materials"
BASE = ("fractions", "space group")
#: Networks in the row of several.
MEMBERS = 3


@cache
def lists():
    return read_class_lists(DATA / "topogivity")


@cache
def labels():
    return np.array([one.label for one in lists().materials])


@cache
def features(blocks=BLOCKS, *, one_hot=True):
    return list_features(lists().materials, blocks, one_hot=one_hot)


@cache
def groups():
    return groups_of(lists().materials)


def folds(seed):
    """Five folds, no chemical system in two of them."""
    return list(GroupKFold(5, shuffle=True, random_state=seed).split(groups(), groups=groups()))


def balanced(chance, share):
    """Probabilities over the square root of the frequency of the class, to sum 1.

    The exponent is the one that the loss of the network has; it was not tuned.
    """
    raised = chance / np.sqrt(share)
    return raised / raised.sum(1, keepdims=True)


def list_scores(chance):
    """Trivial against the rest; four classes, as they are and balanced."""
    truth = labels()
    even = scores(balanced(chance, np.bincount(truth, minlength=4) / len(truth)), truth)
    four = scores(chance, truth)
    return {
        "binary accuracy": float(((chance[:, 0] < 0.5) == (truth > 0)).mean()),
        "four classes: accuracy": four["accuracy"],
        "four classes: macro F1": four["macro_f1"],
        "macro F1, balanced": even["macro_f1"],
        **{f"recall, class {i}": r for i, r in enumerate(four["recall"])},
        **{f"balanced recall, class {i}": r for i, r in enumerate(even["recall"]) if i > 1},
    }


def trees(x, y, seed):
    return HistGradientBoostingClassifier(random_state=seed).fit(x, y)


def trees_chance(seed, blocks):
    x = features(blocks, one_hot=False)
    chance = np.zeros((len(x), 4))
    for train, test in folds(seed):
        chance[test] = trees(x[train], labels()[train], seed).predict_proba(x[test])
    return chance


def fitted(train, seed, branch=None, *, with_structures=False):
    """Network taught some rows of the lists, and the scaled features of all."""
    scaler = Scaler.of(features()[train])
    x = scaler(features())
    torch.manual_seed(seed)
    net = list_network(x.shape[1], 4, with_structures=with_structures, branch=branch)
    data = list_data(lists(), x, train, [])
    net.balance(torch.as_tensor(data.topology), torch.as_tensor(data.magnetism))
    train_classifier(net, data, replace(LIST_OPTIONS, seed=seed))
    return net, x


def chances_of(net, data):
    """Probabilities; the loss weighs classes, dividing by the weights gives them back."""
    logits = predict_logits(net, data)["combined_logits"]
    p = torch.softmax(torch.as_tensor(logits).double(), -1) / net.topology_weights
    return (p / p.sum(1, keepdim=True)).numpy()


def network_chance(seed, weights_seed, branch):
    """Each material predicted by the fold that did not see it."""
    chance = np.zeros((len(labels()), 4))
    for train, test in folds(seed):
        net, x = fitted(train, weights_seed, branch)
        chance[test] = chances_of(net, list_data(lists(), x, test, []))
    return chance


def remembered(name, seed, make):
    """Probabilities on disk, because two tasks need them."""
    path = CHANCES / f"{name}-{seed}.npy"
    if not path.is_file():
        CHANCES.mkdir(parents=True, exist_ok=True)
        np.save(path, make())
    return np.load(path)


def kept_trees(seed, blocks=BLOCKS, name="trees-all"):
    return remembered(name, seed, lambda: trees_chance(seed, blocks))


def kept_net(seed, branch=None, name="net-none"):
    return remembered(name, seed, lambda: network_chance(seed, seed, branch))


def kept_nets(seed):
    """Mean of networks that differ in their weights and the order of the materials."""
    more = [
        remembered(f"net-none-member{m}", seed,
                   lambda m=m: network_chance(seed, 100 * m + seed, None))
        for m in range(1, MEMBERS)
    ]  # fmt: skip
    return np.mean([kept_net(seed), *more], axis=0)


def chosen(seed, candidates):
    """Scores where mixture and balance are those with the best macro F1 on the other four folds.

    Balance is the exponent of the frequencies that probabilities are divided by; mixtures come as
    probabilities. The fold that is judged takes no part in the choice.
    """
    truth, powers = labels(), np.linspace(0.0, 1.0, 11)
    share = np.bincount(truth, minlength=4) / len(truth)
    answer = np.zeros((len(truth), 4))
    for train, test in folds(seed):
        options = [(p, power) for p in candidates for power in powers]
        score = [scores(p[train] / share**power, truth[train])["macro_f1"] for p, power in options]
        p, power = options[int(np.argmax(score))]
        answer[test] = p[test] / share**power
    found = list_scores(answer / answer.sum(1, keepdims=True))
    return {key: value for key, value in found.items()
            if key.startswith(("four classes", "recall"))}  # fmt: skip


def mixtures(seed):
    """Trees and networks with all weights from 0 to 1."""
    return [w * kept_trees(seed) + (1.0 - w) * kept_nets(seed) for w in np.linspace(0.0, 1.0, 11)]


def list_majority(seed):  # noqa: ARG001  # the same for all
    share = np.bincount(labels(), minlength=4) / len(labels())
    return list_scores(np.tile(share, (len(labels()), 1)))


TASKS = {
    "lists: majority": list_majority,
    "lists: trees, composition and space group":
        lambda seed: list_scores(kept_trees(seed, BASE, "trees-base")),
    "lists: trees, all features": lambda seed: list_scores(kept_trees(seed)),
    "lists: network without branch": lambda seed: list_scores(kept_net(seed)),
    "lists: network with branch":
        lambda seed: list_scores(kept_net(seed, "1d_a3", "net-chain")),
    f"lists: mean of {MEMBERS} networks": lambda seed: list_scores(kept_nets(seed)),
    "lists: mean of trees and a network":
        lambda seed: list_scores(0.5 * (kept_trees(seed) + kept_net(seed))),
    f"lists: mean of trees and {MEMBERS} networks":
        lambda seed: list_scores(0.5 * (kept_trees(seed) + kept_nets(seed))),
    "lists: trees, balance chosen": lambda seed: chosen(seed, [kept_trees(seed)]),
    f"lists: trees and {MEMBERS} networks, weight and balance chosen":
        lambda seed: chosen(seed, mixtures(seed)),
}  # fmt: skip
