"""Training of the classifier."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.learn.device import limited_threads
from topophys.materials.batch import UNKNOWN, MaterialData
from topophys.materials.classifier import EnhancedMultiModalMaterialClassifier

__all__ = ["History", "TrainOptions", "predict_logits", "scores", "train_classifier"]


@dataclass(frozen=True)
class TrainOptions:
    """Settings of a training.

    Attributes
    ----------
    epochs, batch_size : int
        Passes over the data, and materials per step.
    learning_rate, weight_decay : float
        Peak of the one-cycle schedule, and decay, of AdamW.
    seed : int
        Of the weights and of the order of the materials.
    threads : int
        Of torch on the CPU.
    """

    epochs: int = 10
    batch_size: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    seed: int = 0
    threads: int = 1


@dataclass
class History:
    """What happened in a training.

    Attributes
    ----------
    losses : list of dict
        Mean of each term of the loss, by epoch.
    seconds : float
        Time spent in training steps.
    samples : int
        Materials that went through training steps.
    """

    losses: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    samples: int = 0


def train_classifier(
    net: EnhancedMultiModalMaterialClassifier,
    data: MaterialData,
    options: TrainOptions,
    *,
    say: Callable[[int, dict[str, float]], None] | None = None,
) -> History:
    """Train a network in place.

    Parameters
    ----------
    net : EnhancedMultiModalMaterialClassifier
        The network.
    data : MaterialData
        What to learn from.
    options : TrainOptions
        Settings.
    say : callable, optional
        Told (epoch, mean losses) after each epoch.

    Returns
    -------
    History
        Losses and time.

    Raises
    ------
    InputError
        If there is nothing to learn from, or the loss is not finite; the message names the
        materials of that step.
    """
    if not len(data):
        raise InputError("Argument `data` must have at least one material, but is empty.")
    order = torch.Generator().manual_seed(options.seed)
    size = min(options.batch_size, len(data))
    per_epoch = len(data) // size
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    steps = max(4, options.epochs * per_epoch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=steps, pct_start=0.3
    )
    history = History()
    with limited_threads(options.threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        for epoch in range(options.epochs):
            net.train()
            totals: dict[str, float] = {}
            start = time.perf_counter()
            shuffled = torch.randperm(len(data), generator=order)
            for step in range(per_epoch):
                batch = data.batch(shuffled[step * size : (step + 1) * size])
                targets = {"topology": batch.topology, "magnetism": batch.magnetism}
                losses = net.compute_enhanced_loss(net(batch), targets)
                total = losses["total_loss"]
                if not torch.isfinite(total):
                    raise InputError(
                        "Training left the finite numbers in a step with the samples"
                        f" {', '.join(batch.ids[:5])}, ...; lower the learning rate."
                    )
                optimizer.zero_grad()
                torch.autograd.backward(total)
                torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                for name, value in losses.items():
                    totals[name] = totals.get(name, 0.0) + float(value.detach())
            history.seconds += time.perf_counter() - start
            history.samples += per_epoch * size
            history.losses.append({name: value / per_epoch for name, value in totals.items()})
            if say is not None:
                say(epoch, history.losses[-1])
    net.eval()
    return history


def predict_logits(
    net: EnhancedMultiModalMaterialClassifier, data: MaterialData, *, batch_size: int = 512
) -> dict[str, NDArray[np.float32]]:
    """Class scores of every material.

    Parameters
    ----------
    net : EnhancedMultiModalMaterialClassifier
        The network.
    data : MaterialData
        Materials.
    batch_size : int, optional
        How many at a time.

    Returns
    -------
    dict of str to float32 ndarray
        Every output with "logits" in its name, (S, classes).
    """
    net.eval()
    parts: list[dict[str, Any]] = []
    with torch.no_grad():
        for first in range(0, len(data), batch_size):
            index = torch.arange(first, min(first + batch_size, len(data)))
            parts.append(net(data.batch(index)))
    names = [name for name in parts[0] if "logits" in name]
    return {name: torch.cat([p[name] for p in parts]).numpy() for name in names}


def scores(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, Any]:
    """Accuracy, macro F1 and recall of each class among the known labels.

    Parameters
    ----------
    logits : float32 ndarray of shape (S, C)
        Class scores.
    labels : int64 ndarray of shape (S,)
        Classes; `UNKNOWN` ones are left out.

    Returns
    -------
    dict
        "accuracy", "macro_f1", "recall" (a list), "count" (a list).
    """
    known = labels != UNKNOWN
    found, truth, n = logits[known].argmax(1), labels[known], logits.shape[1]
    table = np.zeros((n, n), np.int64)
    np.add.at(table, (truth, found), 1)
    hit, count, named = np.diag(table), table.sum(1), table.sum(0)
    f1 = 2.0 * hit / np.maximum(count + named, 1)
    return {
        "accuracy": float(hit.sum() / max(table.sum(), 1)),
        "macro_f1": float(f1[count > 0].mean()),
        "recall": (hit / np.maximum(count, 1)).tolist(),
        "count": count.tolist(),
    }
