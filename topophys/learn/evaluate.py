"""Predictions of a network over many samples, and how many are right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["ClassAccuracy", "accuracy_by_class", "predict_invariants"]


@dataclass(frozen=True)
class ClassAccuracy:
    """How many samples of one invariant were named right.

    Attributes
    ----------
    invariant : int
        The true invariant.
    correct, total : int
        Named right, and all.
    """

    invariant: int
    correct: int
    total: int


def batches(n: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size` that cover range(n).

    Parameters
    ----------
    n, size : int
        Number of samples, and of samples per slice.

    Returns
    -------
    iterator of slice
        In order.
    """
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


@torch.no_grad()
def predict_invariants(
    encoder: nn.Module,
    x: NDArray[np.float32],
    *,
    device: str | torch.device = "cpu",
    batch_size: int = 2048,
) -> NDArray[np.float64]:
    """Real-valued invariants that a network gives to an array of inputs.

    Parameters
    ----------
    encoder : torch.nn.Module
        Network with the output schema of `TopologicalMLEncoder`; left in evaluation mode.
    x : float32 ndarray of shape (S, N, channels)
        Inputs.
    device : str or torch.device, optional
        Where to compute.
    batch_size : int, optional
        Samples at a time.

    Returns
    -------
    float64 ndarray of shape (S,)
        Predictions before rounding.
    """
    encoder.eval().to(device)
    out = np.empty(len(x))
    for part in batches(len(x), batch_size):
        chunk = torch.from_numpy(np.ascontiguousarray(x[part], dtype=np.float32)).to(device)
        out[part] = encoder(chunk)["invariant"].double().cpu().numpy()
    return out


def accuracy_by_class(
    label: NDArray[np.int64], invariant: NDArray[np.float64]
) -> list[ClassAccuracy]:
    """Count right answers for each true invariant.

    Parameters
    ----------
    label : int64 ndarray of shape (S,)
        True invariants.
    invariant : float64 ndarray of shape (S,)
        Predictions before rounding.

    Returns
    -------
    list of ClassAccuracy
        In the order of the invariants.
    """
    right = np.rint(invariant).astype(np.int64) == label
    return [
        ClassAccuracy(int(c), int(right[label == c].sum()), int((label == c).sum()))
        for c in np.unique(label)
    ]
