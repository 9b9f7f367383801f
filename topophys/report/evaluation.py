"""Evaluation of a run: accuracy per split, failures, probes, causal tests, audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys.datasets import Dataset
from topophys.datasets.tasks import OfEachTask, Task, get_task
from topophys.errors import InputError
from topophys.interpret import audit, causal_tests, probe
from topophys.invariants.results import UNRESOLVED_VALUE
from topophys.learn import Run
from topophys.learn.run import names_integer, nearest_integers, predict_invariants
from topophys.report.artifacts import is_current, read_measurements, save_result

__all__ = [
    "LEAST",
    "PARTS",
    "Failure",
    "SplitAccuracy",
    "accuracy_table",
    "check_kind",
    "held_out_splits",
    "interpret_run",
    "largest_gap_samples",
    "largest_gaps",
    "list_failures",
    "measure_accuracy",
    "measure_missing",
    "probed_split",
    "sampled_invariants",
]


# ---------------------------- Which Hamiltonians of a data set to judge a run on, and which to show

#: Hamiltonians that a split must hold to be probed.
LEAST: Final = 20


def check_kind(run: Run, dataset: Dataset) -> None:
    """Raise unless a data set is of the kind that a network reads."""
    if dataset.kind != run.kind:
        raise InputError(
            f"Argument `dataset` must be of the kind {run.kind!r} that the network reads, but is of"
            f" kind {dataset.kind!r}."
        )


def held_out_splits(run: Run, dataset: Dataset) -> list[str]:
    """List the splits that training did not see."""
    seen = {run.config.train_split, run.config.val_split}
    return [name for name in dataset.splits if name not in seen]


def probed_split(run: Run, dataset: Dataset) -> str | None:
    """Split to probe on: the first that training did not see and that is large enough."""
    names = sorted(held_out_splits(run, dataset), key=lambda name: name != "test")
    return next((name for name in names if len(dataset.split(name)) >= LEAST), None)


def largest_gap_samples(run: Run, dataset: Dataset) -> dict[int, tuple[str, int]]:
    """Of each invariant, the Hamiltonian with the largest proven gap that training did not see."""
    grid = dataset.split(run.config.train_split).grid
    names = sorted(held_out_splits(run, dataset), key=lambda name: dataset.split(name).grid != grid)
    return largest_gaps(dataset, names)


def largest_gaps(dataset: Dataset, names: Iterable[str]) -> dict[int, tuple[str, int]]:
    """Of each invariant, the Hamiltonian with the largest proven gap in the first split with it."""
    found: dict[int, tuple[str, int]] = {}
    for name in names:
        label, gap = dataset.split(name).read("label", "gap_bound")
        found = {
            int(c): (name, int(np.argmax(np.where(label == c, gap, -np.inf))))
            for c in np.unique(label)
        } | found
    return found


# -------------- How often a network is right on each split, beside the formula on the same k points


def _has_formula(task: Task) -> bool:
    return type(task).sampled_invariants is not Task.sampled_invariants


#: Name of the invariant by kind of data set, where a formula on the same k points is known.
SYMBOLS: Final = OfEachTask(
    lambda task: task.symbol if _has_formula(task) and task.probe_layers() else ""
)


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
        Named right by the sampled invariant of the same k points.
    formulas : mapping of str to int
        Named right by other formulas on the same k points: "eigenphases" (sum of the eigenphases
        of all links, for chains), "FFT" (the sampled invariant after trigonometric interpolation to
        a finer grid), and "low-pass" (after a filter that knows the range of the hoppings).

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
    formulas: Mapping[str, int] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Share named right by the network."""
        return self.correct / self.total


def sampled_invariants(kind: str, x: NDArray[np.float32]) -> NDArray[np.int64]:
    """Invariants by the sampled formula on the k points that a network sees.

    Shapes: `x` (S, *grid, c); returns (S,).
    """
    found = get_task(kind).sampled_invariants(x)
    if found is None:
        raise InputError(
            f"Argument `kind` must be of a task that defines `sampled_invariants`, but is {kind!r}."
        )
    return np.ma.filled(found, UNRESOLVED_VALUE)


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
        Splits to evaluate; all but the training split by default.

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
    save_result(run, dataset, "accuracy.json", [asdict(row) for row in rows])
    return rows


def _rows(run: Run, dataset: Dataset, name: str) -> list[SplitAccuracy]:
    split = dataset.split(name)
    x, label = split.read("x", "label")
    named = _is_right(predict_invariants(run.encoder, x), label)
    formula = sampled_invariants(dataset.kind, x) == label
    reach = int(np.abs(split.vectors).max())
    others = {
        other: np.ma.filled(value, UNRESOLVED_VALUE) == label
        for other, value in get_task(dataset.kind).sampled_formulas(x, reach).items()
    }
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
            {other: int(right[pick].sum()) for other, right in others.items()},
        )
        for title, pick in groups
    ]


# ---------------------------------------------------------------- Results as aligned text


def accuracy_table(rows: Sequence[SplitAccuracy]) -> str:
    """Aligned table of accuracies, network beside formula.

    Examples
    --------
    >>> print(accuracy_table([SplitAccuracy("test", "all", (32,), 1000, 999, 998)]))
    split           invariant   k points     total   network   formula
    test            all               32      1000   0.99900   0.99800
    """
    others = list(dict.fromkeys(name for row in rows for name in row.formulas))
    lines = [
        f"{'split':<16}{'invariant':<12}{'k points':>8}{'total':>10}{'network':>10}{'formula':>10}"
        + "".join(f"{name:>13}" for name in others)
    ]
    lines += [
        f"{row.split:<16}{row.invariant:<12}{'x'.join(map(str, row.grid)):>8}{row.total:>10}"
        f"{row.correct / row.total:>10.5f}{row.formula_correct / row.total:>10.5f}"
        + "".join(f"{row.formulas.get(name, np.nan) / row.total:>13.5f}" for name in others)
        for row in rows
    ]
    return "\n".join(lines)


# ----------------------------------------------------- Every Hamiltonian that a network names wrong

#: Longest list; the count is that of all.
MOST: Final = 200


@dataclass(frozen=True)
class Failure:
    """One Hamiltonian with a wrong prediction.

    Attributes
    ----------
    split : str
        Name of the split.
    index : int
        Place in the split: ``dataset.split(split).hamiltonians(index)``.
    label : int
        Proven invariant.
    named : int or None
        What the network names; None where it gives no finite number, or one beyond 2^53.
    real : float or None
        Prediction before rounding; None where `named` is.
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
    named: int | None
    real: float | None
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
        Splits to evaluate; all but the training split by default.

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
    save_result(run, dataset, "failures.json", content)
    return found


def _is_right(real: NDArray[np.float64], label: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a network names the label; nowhere where it names no integer."""
    return np.asarray(names_integer(real) & (nearest_integers(real) == label))


def _wrong(run: Run, dataset: Dataset, name: str) -> list[Failure]:
    x, label, gap = dataset.split(name).read("x", "label", "gap_bound")
    real = predict_invariants(run.encoder, x)
    wrong, named = np.flatnonzero(~_is_right(real, label)), names_integer(real)
    if not wrong.size:
        return []
    formula = sampled_invariants(dataset.kind, x[wrong])
    return [
        Failure(
            name,
            int(i),
            int(label[i]),
            int(nearest_integers(real[i])) if named[i] else None,
            float(real[i]) if named[i] else None,
            float(gap[i]),
            None if formula[j] == UNRESOLVED_VALUE else int(formula[j]),
        )
        for j, i in enumerate(wrong)
    ]


# ------------------------- Probes, causal tests and symmetry audit of a run, each into its own file

#: Files of the interpretation of a run.
PARTS: Final = ("probes", "causal", "audit")
#: Hamiltonians that probes and causal tests want.
WANTED: Final = 1000


def interpret_run(
    run: Run,
    dataset: Dataset,
    *,
    parts: tuple[str, ...] = PARTS,
    n_hamiltonians: int = WANTED,
    progress: bool = True,
) -> dict[str, Any]:
    """Probe a run, test it causally and audit its symmetries.

    Writes probes.json, causal.json and audit.json into the folder of the run.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Data set of winding or Chern numbers.
    parts : tuple of str, optional
        Which of `PARTS`.
    n_hamiltonians : int, optional
        Hamiltonians to look at; fewer where the split has fewer.
    progress : bool, optional
        Show progress.

    Returns
    -------
    dict
        Reports by part; empty where no split is large enough.

    Raises
    ------
    OutputError
        If the folder of the run is not writable.
    """
    split = probed_split(run, dataset)
    if split is None or not get_task(dataset.kind).probe_layers():
        return {}
    # a plane has as many plaquettes as several chains have links
    share = 4 ** (get_task(dataset.kind).dim - 1)
    size = max(LEAST, min(n_hamiltonians // share, len(dataset.split(split))))
    tools: dict[str, Callable[..., Any]] = {"probes": probe, "causal": causal_tests, "audit": audit}
    reports = {}
    for part in parts:
        n = min(size, 300) if part == "audit" else size
        report = tools[part](run, dataset, split=split, n_hamiltonians=n, progress=progress)
        save_result(run, dataset, f"{part}.json", report.to_dict())
        reports[part] = report
    return reports


def measure_missing(
    run: Run, dataset: Dataset, *, refresh: bool = False, progress: bool = True
) -> list[str]:
    """Measure what is missing in the folder of a run, for its weights and data.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Its data set.
    refresh : bool, optional
        Measure everything again.
    progress : bool, optional
        Show progress.

    Returns
    -------
    list of str
        Names of the files that were made, without suffix.

    Raises
    ------
    InputError
        If the data set is of another kind than the network reads.
    OutputError
        If the folder of the run is not writable.
    """
    made = []
    for name, measure in (("accuracy", measure_accuracy), ("failures", list_failures)):
        if refresh or _is_missing(run, dataset, name):
            measure(run, dataset)
            made.append(name)
    missing = [p for p in PARTS if refresh or _is_missing(run, dataset, p)]
    return made + list(interpret_run(run, dataset, parts=tuple(missing), progress=progress))


def _is_missing(run: Run, dataset: Dataset, name: str) -> bool:
    """Whether a result is not there, or was measured otherwise; refuses one that is damaged."""
    read_measurements(run.path, name)
    return not is_current(run, dataset, f"{name}.json")
