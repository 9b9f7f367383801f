"""Tasks of `materials` on noisy toy layers: no modality suffices alone; trees beside networks.

Every number of every modality is measured with independent normal noise of NOISE times its spread
over the materials, and one atom in four of the crystal is read as another element: what one
modality hides another may still tell.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import torch

from benchmarks.experiments.materials_tasks import FOLDER
from topophys.materials import (
    TrainOptions,
    generate_toys,
    load_toys,
    predict_logits,
    toy_data,
    train_classifier,
)
from topophys.materials.boosted_trees import train_trees
from topophys.materials.calibration import softmax
from topophys.materials.data import MODALITIES, PHYSICS
from topophys.materials.run import Scaler
from topophys.materials.training import scores, toy_network

NUMBER, TRAINED, TESTED, EPOCHS, TREES = 9_000, 6_000, 3_000, 6, 200
NOISE = 1.0
#: Arrays of each modality.
ARRAYS = {"kspace": ("kspace",), "asph": ("asph",), "scalar": ("scalars",), "physics": PHYSICS}


@cache
def clean():
    path = FOLDER / "toys-hard.h5"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        generate_toys(path, NUMBER, seed=7)
    arrays, _ = load_toys(path)
    scaler = Scaler.of(arrays["scalars"].astype(float))
    arrays["scalars"] = scaler(arrays["scalars"].astype(float)).astype(np.float32)
    return arrays


@cache
def noisy():
    """The same materials, as noisy instruments see them."""
    rng, arrays = np.random.default_rng(11), dict(clean())
    for names in ARRAYS.values():
        for name in names:
            spread = arrays[name].std(0, keepdims=True)
            noise = rng.normal(size=arrays[name].shape) * spread * NOISE
            arrays[name] = (arrays[name] + noise).astype(np.float32)
    numbers = arrays["numbers"].copy()
    there = (numbers > 0) & (rng.random(numbers.shape) < 0.25)
    numbers[there] = rng.choice(numbers[numbers > 0], there.sum())
    moved = arrays["fractional"] + rng.normal(size=arrays["fractional"].shape) * 0.03
    arrays |= {"numbers": numbers, "fractional": moved.astype(arrays["fractional"].dtype)}
    return arrays


def flat(arrays, modality):
    """Columns for trees; of the crystal: which atoms, where, and the lattice."""
    names = ("numbers", "fractional", "lattice") if modality == "crystal" else ARRAYS[modality]
    n = len(arrays["topology"])
    return np.hstack([arrays[name].reshape(n, -1).astype(float) for name in names])


def split(seed):
    order = np.random.default_rng(seed).permutation(NUMBER)
    return order[:TRAINED], order[TRAINED : TRAINED + TESTED]


def figures(chance, y):
    found = scores(np.log(np.maximum(chance, 1e-12)).astype(np.float32), y)
    return {
        "topology accuracy": found["accuracy"],
        "topology macro F1": found["macro_f1"],
        "topology recall, rarest class": found["recall"][int(np.argmin(found["count"]))],
    }


def tree_chance(seed, arrays, used):
    x = np.hstack([flat(arrays, name) for name in used])
    y = arrays["topology"].astype(np.int64)
    train, test = split(seed)
    trees = train_trees(x[train], y[train], n_classes=3, n_trees=TREES, seed=seed)
    return softmax(trees.scores(x[test]))


@lru_cache(2)
def tensors(seed, hard):
    train, test = split(seed)
    arrays = noisy() if hard else clean()
    return toy_data(arrays, train), toy_data(arrays, test)


@lru_cache(4)
def net_chance(seed, used):
    train, test = tensors(seed, True)
    torch.manual_seed(seed)
    net = toy_network(noisy(), modalities=used, use_topological_ml=False)
    net.balance(torch.as_tensor(train.topology), torch.as_tensor(train.magnetism))
    train_classifier(net, train, TrainOptions(epochs=EPOCHS, seed=seed))
    logits = torch.as_tensor(predict_logits(net, test)["combined_logits"]).double()
    p = torch.softmax(logits, -1) / net.topology_weights
    return (p / p.sum(1, keepdim=True)).numpy()


def truth(seed):
    return clean()["topology"][split(seed)[1]]


def by_trees(used, *, hard=True):
    def task(seed):
        arrays = noisy() if hard else clean()
        return figures(tree_chance(seed, arrays, used), truth(seed))

    return task


def by_network(used):
    return lambda seed: figures(net_chance(seed, used), truth(seed))


def by_both(seed):
    """Mean of the probabilities of trees and the fused network."""
    mean = (tree_chance(seed, noisy(), MODALITIES) + net_chance(seed, MODALITIES)) / 2
    return figures(mean, truth(seed))


def without(name):
    return tuple(other for other in MODALITIES if other != name)


TASKS = {
    "clean toys: trees, 50 numbers of physics": by_trees(("physics",), hard=False),
    "clean toys: trees, all modalities": by_trees(MODALITIES, hard=False),
    "noisy toys: trees, all": by_trees(MODALITIES),
    **{f"noisy toys: trees, only {name}": by_trees((name,)) for name in MODALITIES},
    **{f"noisy toys: trees, without {name}": by_trees(without(name)) for name in MODALITIES},
    "noisy toys: network, all": by_network(MODALITIES),
    "noisy toys: mean of trees and network, all": by_both,
    **{f"noisy toys: network, only {name}": by_network((name,)) for name in MODALITIES},
    **{f"noisy toys: network, without {name}": by_network(without(name)) for name in MODALITIES},
}
