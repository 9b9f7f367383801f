"""How often a network is right on each split, beside the formula on the same k points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._files import write_json
from topophys.datasets import Dataset
from topophys.datasets.chain_fields import blocks_from_channels
from topophys.errors import InputError
from topophys.invariants.berry import chern_number_from_d
from topophys.invariants.winding import winding_number
from topophys.learn import Run
from topophys.learn.evaluate import predict_invariants

__all__ = ["SplitAccuracy", "blocks_from_channels", "measure_accuracy", "sampled_invariants"]

#: Name of the invariant by kind of data set.
SYMBOLS: Final = {"winding": "nu", "chern": "C"}


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


def sampled_invariants(kind: str, x: NDArray[np.float32]) -> NDArray[np.int64]:
    """Invariants by the sampled formula on the k points that a network sees.

    Parameters
    ----------
    kind : {"winding", "chern"}
        Kind of data set.
    x : float32 ndarray of shape (S, *grid, c)
        Inputs.

    Returns
    -------
    int64 ndarray of shape (S,)
        Integers; the smallest int64 where a gap closes on the grid.
    """
    if kind == "winding":
        return winding_number(blocks_from_channels(x), on_gapless="mask")
    return chern_number_from_d(x.astype(np.float64), on_gapless="mask")


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
        Data set of the kind that the network reads.
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
    if dataset.kind != run.kind or dataset.kind not in SYMBOLS:
        raise InputError(
            f"Argument `dataset` must be of the kind {run.kind!r} that the network reads"
            f" ({' or '.join(SYMBOLS)}), but is of kind {dataset.kind!r}."
        )
    names = [s for s in splits or dataset.splits if s != run.config.train_split]
    rows = [row for name in names for row in _rows(run, dataset, name)]
    write_json(run.path / "accuracy.json", [asdict(row) for row in rows])
    return rows


def _rows(run: Run, dataset: Dataset, name: str) -> list[SplitAccuracy]:
    split = dataset.split(name)
    x, label = split.read("x", "label")
    named = np.rint(predict_invariants(run.encoder, x)).astype(np.int64) == label
    formula = sampled_invariants(dataset.kind, x) == label
    groups: list[tuple[str, Any]] = [("all", np.ones(len(label), dtype=bool))]
    sizes = np.unique(np.abs(label))
    symbol = SYMBOLS[dataset.kind]
    groups += [(f"|{symbol}| = {size}", np.abs(label) == size) for size in sizes]
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
