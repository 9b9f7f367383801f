"""Every Hamiltonian that a network names wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from topophys._files import write_json
from topophys.datasets import Dataset
from topophys.invariants.certificate import UNRESOLVED_VALUE
from topophys.learn import Run
from topophys.learn.evaluate import predict_invariants
from topophys.pipeline.accuracy import sampled_invariants
from topophys.pipeline.splits import check_kind

__all__ = ["Failure", "list_failures"]

#: Longest list; the count is that of all.
MOST: Final = 200


@dataclass(frozen=True)
class Failure:
    """One Hamiltonian that is named wrong.

    Attributes
    ----------
    split : str
        Name of the split.
    index : int
        Place in the split: ``dataset.split(split).hamiltonians(index)``.
    label, named : int
        Proven invariant, and what the network names.
    real : float
        Prediction before rounding.
    gap : float
        Proven lower bound of the gap.
    formula : int or None
        What the sampled formula gives on the same k points; None where a gap closes there.

    Examples
    --------
    >>> Failure("test", 7, label=1, named=0, real=0.48, gap=0.11, formula=1).named
    0
    """

    split: str
    index: int
    label: int
    named: int
    real: float
    gap: float
    formula: int | None


def list_failures(
    run: Run, dataset: Dataset, *, splits: Iterable[str] | None = None
) -> list[Failure]:
    """Wrong answers on every split but the one of training, smallest gap first.

    Writes failures.json into the folder of the run: how many there are, and the first 200.

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
    list of Failure
        All of them.

    Raises
    ------
    InputError
        If the data set is of another kind, or has no such split.
    OutputError
        If the folder of the run is not writable.
    """
    check_kind(run, dataset)
    names = [s for s in splits or dataset.splits if s != run.config.train_split]
    found = [failure for name in names for failure in _wrong(run, dataset, name)]
    found.sort(key=lambda f: f.gap)
    content = {"total": len(found), "listed": [asdict(f) for f in found[:MOST]]}
    write_json(run.path / "failures.json", content)
    return found


def _wrong(run: Run, dataset: Dataset, name: str) -> list[Failure]:
    x, label, gap = dataset.split(name).read("x", "label", "gap_bound")
    real = predict_invariants(run.encoder, x)
    wrong = np.flatnonzero(np.rint(real).astype(np.int64) != label)
    if not wrong.size:
        return []
    formula = sampled_invariants(dataset.kind, x[wrong])
    return [
        Failure(
            name,
            int(i),
            int(label[i]),
            int(np.rint(real[i])),
            float(real[i]),
            float(gap[i]),
            None if formula[j] == UNRESOLVED_VALUE else int(formula[j]),
        )
        for j, i in enumerate(wrong)
    ]
