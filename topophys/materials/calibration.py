"""Probabilities of classes: calibration, scores, and folds that keep groups together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._random import keyed_generator
from topophys.errors import InputError

__all__ = [
    "FOLDS", "Calibration", "accuracy_by_distance", "best_calibration", "calibration_error",
    "classification_scores",
    "confusion_scores", "grouped_folds", "log_loss", "softmax",
]  # fmt: skip

FOLDS: Final = 5
#: Bins of the distance to the nearest training material, as quantiles of the held-out ones.
DISTANCE_BINS: Final = 5


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of scores, row by row."""
    e = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def log_loss(p: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """Mean of minus the logarithm of the probability of the true class."""
    return float(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-12)).mean())


@dataclass(frozen=True)
class Calibration:
    r"""Temperature of scores that depends on how decided they are.

    .. math:: p = \mathrm{softmax}(s / T), \qquad \log T = a + b H / \log C

    with the entropy H of softmax(s) over C classes. For materials unlike those of the training set
    one temperature for all leaves the most decided answers too sure.
    """

    constant: float  # a
    slope: float = 0.0  # b

    def scaled(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores whose softmax is calibrated."""
        log_temperature = self.constant + self.slope * _indecision(scores)
        return np.asarray(scores * np.exp(-log_temperature)[:, None])

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities; the order of the classes stays."""
        return softmax(self.scaled(scores))


def _indecision(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy of the probabilities of scores, 1 where all classes are equal."""
    p = softmax(scores)
    entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(1)
    return np.asarray(entropy / np.log(scores.shape[1]))


#: Largest size of the two numbers of a calibration.
BOUNDS: Final = ((-2.5, 2.5), (-2.5, 2.5))


def best_calibration(scores: NDArray[np.float64], y: NDArray[np.int64]) -> Calibration:
    """Calibration with the least log loss."""
    # only training needs SciPy, whose import takes as long as an answer
    from scipy.optimize import minimize  # noqa: PLC0415

    found = minimize(
        lambda v: log_loss(Calibration(float(v[0]), float(v[1])).probabilities(scores), y),
        np.zeros(2), method="L-BFGS-B", bounds=BOUNDS,
    )  # fmt: skip
    return Calibration(float(found.x[0]), float(found.x[1]))


def calibration_error(p: NDArray[np.float64], y: NDArray[np.int64], bins: int = 15) -> float:
    """Return the expected calibration error: mean distance of confidence and accuracy."""
    # p of (S, C), y of (S,)
    confidence, right = p.max(1), p.argmax(1) == y
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    found = 0.0
    for b in range(bins):
        inside = which == b
        if inside.any():
            found += abs(confidence[inside].mean() - right[inside].mean()) * inside.mean()
    return float(found)


def confusion_scores(
    found: NDArray[np.int64], truth: NDArray[np.int64], n_classes: int
) -> dict[str, Any]:
    """Accuracy, macro F1, and recall and number of each class."""
    table = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(table, (truth, found), 1)
    hit, count, named = np.diag(table), table.sum(1), table.sum(0)
    f1 = 2.0 * hit / np.maximum(count + named, 1)
    return {
        "accuracy": float(hit.sum() / max(table.sum(), 1)),
        "macro_f1": float(f1[count > 0].mean()),
        "recall": (hit / np.maximum(count, 1)).tolist(),
        "count": count.tolist(),
    }


def classification_scores(p: NDArray[np.float64], y: NDArray[np.int64]) -> dict[str, float]:
    """Accuracy, macro F1, log loss and calibration error of probabilities."""
    # p of (S, C), y of (S,)
    counted = confusion_scores(p.argmax(1), y, p.shape[1])
    return {
        "accuracy": counted["accuracy"],
        "macro_f1": counted["macro_f1"],
        "log_loss": log_loss(p, y),
        "calibration_error": calibration_error(p, y),
        "majority": max(counted["count"]) / len(y),
        "materials": float(len(y)),
    }


def grouped_folds(groups: Sequence[str], seed: int, n_folds: int = FOLDS) -> NDArray[np.int64]:
    """Fold of each sample; a group is in one fold, and folds are about equally large."""
    names, which = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if len(names) < n_folds:
        raise InputError(
            f"Materials must fall into at least {n_folds} groups to measure held-out accuracy, but"
            f" fall into {len(names)}; give more materials or another `group_by`."
        )
    order = keyed_generator(seed, 0).permutation(len(names))
    sizes = np.bincount(which)
    fold_of, load = np.zeros(len(names), np.int64), np.zeros(n_folds)
    # large groups first, in random order among equals, each to the emptiest fold
    for name in order[np.argsort(-sizes[order], kind="stable")]:
        fold_of[name] = int(np.argmin(load))
        load[fold_of[name]] += sizes[name]
    return fold_of[which]


def accuracy_by_distance(
    away: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper ends of bins of distance, about equally full, and the accuracy in each."""
    ends = np.unique(
        np.quantile(away, np.linspace(0, 1, DISTANCE_BINS + 1)[1:], method="inverted_cdf")
    )
    which = np.minimum(np.searchsorted(ends, away), len(ends) - 1)
    return ends, np.array([right[which == b].mean() for b in range(len(ends))])
