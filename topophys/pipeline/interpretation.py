"""Probes, causal tests and symmetry audit of a run, each into its own file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from topophys._files import write_json
from topophys.datasets import Dataset
from topophys.interpret import audit, causal_tests, probe
from topophys.learn import Run
from topophys.pipeline.accuracy import measure_accuracy
from topophys.pipeline.failures import list_failures
from topophys.pipeline.splits import LEAST, probed_split

__all__ = ["PARTS", "interpret_run", "measure_missing"]

#: Files of the interpretation of a run.
PARTS: Final = ("probes", "causal", "audit")
#: Hamiltonians that probes and causal tests want.
WANTED: Final = 1000
#: Kinds of data whose local physics is known.
KINDS: Final = ("winding", "chern")


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
    if split is None or dataset.kind not in KINDS:
        return {}
    # a plane has as many plaquettes as several chains have links
    share = 1 if dataset.kind == "winding" else 4
    size = max(LEAST, min(n_hamiltonians // share, len(dataset.split(split))))
    tools: dict[str, Callable[..., Any]] = {"probes": probe, "causal": causal_tests, "audit": audit}
    reports = {}
    for part in parts:
        n = min(size, 300) if part == "audit" else size
        report = tools[part](run, dataset, split=split, n_hamiltonians=n, progress=progress)
        write_json(run.path / f"{part}.json", report.to_dict())
        reports[part] = report
    return reports


def measure_missing(
    run: Run, dataset: Dataset, *, refresh: bool = False, progress: bool = True
) -> list[str]:
    """Measure whatever the folder of a run does not hold yet.

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
        if refresh or not (run.path / f"{name}.json").is_file():
            measure(run, dataset)
            made.append(name)
    missing = [p for p in PARTS if refresh or not (run.path / f"{p}.json").is_file()]
    return made + list(interpret_run(run, dataset, parts=tuple(missing), progress=progress))
