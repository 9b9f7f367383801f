"""Which Hamiltonians of a data set to judge a run on, and which to show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from topophys.datasets import Dataset
from topophys.errors import InputError
from topophys.learn import Run

__all__ = ["LEAST", "check_kind", "clearest", "largest_gaps", "probed_split", "unseen"]

#: Hamiltonians that a split must hold to be probed.
LEAST: Final = 20


def check_kind(run: Run, dataset: Dataset) -> None:
    """Raise unless a data set is of the kind that a network reads.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        A data set.

    Raises
    ------
    InputError
        If the kinds differ.
    """
    if dataset.kind != run.kind:
        raise InputError(
            f"Argument `dataset` must be of the kind {run.kind!r} that the network reads, but is of"
            f" kind {dataset.kind!r}."
        )


def unseen(run: Run, dataset: Dataset) -> list[str]:
    """List the splits that training did not see.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Its data set.

    Returns
    -------
    list of str
        In the order of the recipe.
    """
    seen = {run.config.train_split, run.config.val_split}
    return [name for name in dataset.splits if name not in seen]


def probed_split(run: Run, dataset: Dataset) -> str | None:
    """Split to probe on: the first that training did not see and that is large enough.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Its data set.

    Returns
    -------
    str or None
        "test" where there is one; None where all are too small.
    """
    names = sorted(unseen(run, dataset), key=lambda name: name != "test")
    return next((name for name in names if len(dataset.split(name)) >= LEAST), None)


def clearest(run: Run, dataset: Dataset) -> dict[int, tuple[str, int]]:
    """Of each invariant, the Hamiltonian with the largest proven gap that training did not see.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Its data set.

    Returns
    -------
    dict of int to (str, int)
        Split and index. Splits on the grid of the training come first; of an invariant that they
        lack, the example is from another grid, and can be sampled on that of the training.
    """
    grid = dataset.split(run.config.train_split).grid
    names = sorted(unseen(run, dataset), key=lambda name: dataset.split(name).grid != grid)
    return largest_gaps(dataset, names)


def largest_gaps(dataset: Dataset, names: Iterable[str]) -> dict[int, tuple[str, int]]:
    """Of each invariant, the Hamiltonian with the largest proven gap in the first split with it.

    Parameters
    ----------
    dataset : Dataset
        A data set.
    names : iterable of str
        Splits to look into, the most wanted first.

    Returns
    -------
    dict of int to (str, int)
        Split and index.
    """
    found: dict[int, tuple[str, int]] = {}
    for name in names:
        label, gap = dataset.split(name).read("label", "gap_bound")
        found = {
            int(c): (name, int(np.argmax(np.where(label == c, gap, -np.inf))))
            for c in np.unique(label)
        } | found
    return found
