"""How often a network is right on each split, beside the formula on the same k points."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topophys._files import write_json
from topophys.datasets import Dataset
from topophys.errors import InputError
from topophys.invariants.winding import winding_number
from topophys.learn import Run
from topophys.learn.evaluate import predict_invariants

__all__ = ["SplitAccuracy", "blocks_from_channels", "measure_accuracy"]


@dataclass(frozen=True)
class SplitAccuracy:
    """Right answers on one split, or on one invariant of it.

    Attributes
    ----------
    split : str
        Name of the split.
    invariant : str
        "all", or the size of the invariant, such as "|nu| = 2".
    grid : tuple of int
        Number of k points.
    total : int
        Number of Hamiltonians.
    correct : int
        Named right by the network.
    formula_correct : int
        Named right by the sampled winding number of the same k points.

    Examples
    --------
    >>> SplitAccuracy("test", "all", (32,), total=1000, correct=999, formula_correct=1000).accuracy
    0.999
    """

    split: str
    invariant: str
    grid: tuple[int, ...]
    total: int
    correct: int
    formula_correct: int

    @property
    def accuracy(self) -> float:
        """Share named right by the network."""
        return self.correct / self.total


def blocks_from_channels(x: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Complex blocks from the real channels of a data set.

    Parameters
    ----------
    x : float32 ndarray of shape (S, N, 2 n^2)
        Interleaved real and imaginary parts, row by row.

    Returns
    -------
    complex128 ndarray of shape (S, N, n, n)
        Blocks.
    """
    flat = np.ascontiguousarray(x, dtype=np.float64).view(np.complex128)
    size = math.isqrt(flat.shape[-1])
    return flat.reshape(*x.shape[:-1], size, size)


def measure_accuracy(
    run: Run, dataset: Dataset, *, splits: Iterable[str] | None = None
) -> list[SplitAccuracy]:
    """Accuracy on every split but the one of training, and on each size of the invariant.

    Writes accuracy.json into the folder of the run.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Data set of winding numbers.
    splits : iterable of str, optional
        Splits to look at; all but the training split by default.

    Returns
    -------
    list of SplitAccuracy
        For each split the row "all" first.

    Raises
    ------
    InputError
        If the data set is of another kind, or has no such split.
    OutputError
        If the folder of the run is not writable.
    """
    if dataset.kind != "winding":
        raise InputError(
            "Argument `dataset` must hold chiral chains labelled by their winding number, but is a"
            f" data set of kind {dataset.kind!r}."
        )
    names = [s for s in splits or dataset.splits if s != run.config.train_split]
    rows = [row for name in names for row in _rows(run, dataset, name)]
    write_json(run.path / "accuracy.json", [asdict(row) for row in rows])
    return rows


def _rows(run: Run, dataset: Dataset, name: str) -> list[SplitAccuracy]:
    split = dataset.split(name)
    x, label = split.read("x", "label")
    named = np.rint(predict_invariants(run.encoder, x)).astype(np.int64) == label
    formula = winding_number(blocks_from_channels(x), on_gapless="mask") == label
    groups: list[tuple[str, Any]] = [("all", np.ones(len(label), dtype=bool))]
    sizes = np.unique(np.abs(label))
    groups += [(f"|nu| = {size}", np.abs(label) == size) for size in sizes]
    return [
        SplitAccuracy(
            name,
            title,
            tuple(split.grid),
            int(pick.sum()),
            int(named[pick].sum()),
            int(formula[pick].sum()),
        )
        for title, pick in groups
    ]
