"""Tasks of `materials` on toy materials: each takes a seed and returns figures."""

from __future__ import annotations

import os
import time
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import torch

from topophys.materials import (
    TrainOptions,
    generate_toys,
    load_toys,
    predict_logits,
    toy_data,
    train_classifier,
)
from topophys.materials.data import MODALITIES
from topophys.materials.run import Scaler
from topophys.materials.training import scores, toy_network

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("TOPOPHYS_TOYS", ROOT / "runs" / "materials"))
#: Toy materials of each dimension, and those of them that test.
NUMBER = {2: 50_000, 3: 14_000}
TESTS = {2: 4_000, 3: 2_000}
#: Materials and passes: of the full training, of solids, and of each network of the ablation.
FULL = (24_000, 7)
SOLID = (12_000, 8)
SMALL = (6_000, 6)


@cache
def toys(dim=2):
    """Arrays of the toy materials, with scaled scalars; made where missing."""
    path = FOLDER / {2: "toys.h5", 3: "solids.h5"}[dim]
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        generate_toys(path, NUMBER[dim], dim=dim, seed=1)
    arrays, _ = load_toys(path)
    number = (FULL if dim == 2 else SOLID)[0]
    scaler = Scaler.of(arrays["scalars"][:number].astype(float))
    arrays["scalars"] = scaler(arrays["scalars"].astype(float)).astype(np.float32)
    return arrays


@cache
def toy_test(dim=2, hamiltonians=False):
    rows = np.arange(NUMBER[dim] - TESTS[dim], NUMBER[dim])
    return toy_data(toys(dim), rows, hamiltonians=hamiltonians)


@lru_cache(1)
def toy_train(seed, number, dim=2, hamiltonians=False):
    """Other materials for each seed."""
    rows = np.random.default_rng(seed).permutation(NUMBER[dim] - TESTS[dim])[:number]
    return toy_data(toys(dim), rows, hamiltonians=hamiltonians)


def trained(seed, size, *, dim=2, modalities=MODALITIES, branch="1d_a3"):
    """Train on `size` = (materials, passes); each seed has other materials and weights."""
    number, epochs = size
    data = toy_train(seed, number, dim, branch == "exact_2d")
    torch.manual_seed(seed)
    net = toy_network(
        toys(dim),
        modalities=modalities,
        use_topological_ml=branch is not None,
        topological_ml_model_type=branch or "1d_a3",
    )
    net.balance(torch.as_tensor(data.topology), torch.as_tensor(data.magnetism))
    start = time.process_time()
    train_classifier(net, data, TrainOptions(epochs=epochs, seed=seed))
    return net, time.process_time() - start


def toy_scores(net, dim=2):
    test = toy_test(dim, net.settings["topological_ml_model_type"] == "exact_2d")
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
    """Layers, all modalities."""
    net, seconds = trained(seed, FULL)
    return toy_scores(net) | {"CPU seconds of training": seconds}


def solids_full(seed):
    """Solids, all modalities."""
    net, seconds = trained(seed, SOLID, dim=3)
    return toy_scores(net, 3) | {"CPU seconds of training": seconds}


def toys_without(modality):
    def task(seed):
        used = tuple(name for name in MODALITIES if name != modality)
        return toy_scores(trained(seed, SMALL, modalities=used)[0])

    return task


def toys_branch(branch):
    def task(seed):
        return toy_scores(trained(seed, SMALL, branch=branch)[0])

    return task


TASKS = {
    "toys": toys_full,
    "solids": solids_full,
    "ablation: all": toys_branch("1d_a3"),
    **{f"ablation: without {name}": toys_without(name) for name in MODALITIES},
    "branch: perceptron": toys_branch("mlp"),
    "branch: none": toys_branch(None),
    "branch: Hamiltonians of the material": toys_branch("exact_2d"),
}
