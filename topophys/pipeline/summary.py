"""Everything a run has measured, in one JSON file."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from topophys._files import write_json
from topophys.datasets import Dataset
from topophys.errors import CheckpointError
from topophys.learn import Run
from topophys.learn.evaluate import encoder_settings
from topophys.pipeline.forms import FORMS, SummaryForm
from topophys.pipeline.measured import read_form, read_measured

__all__ = ["load_summary", "write_summary"]

NAME: Final = "summary.json"
PACKAGES: Final = ("topophys", "numpy", "numba", "scipy", "torch", "h5py", "scikit-learn")


def write_summary(
    run: Run,
    dataset: Dataset,
    *,
    others: Sequence[Dataset] | None = None,
    seconds: Mapping[str, float] | None = None,
    notes: Sequence[str] | None = None,
) -> Path:
    """Gather settings, seeds, versions and every figure measured into summary.json.

    What is not given of the last three is kept from an earlier summary, if there is one.

    Parameters
    ----------
    run : Run
        A trained network; what its folder holds of accuracy.json, probes.json, causal.json,
        audit.json and failures.json is taken in.
    dataset : Dataset
        Data set of the training.
    others : sequence of Dataset, optional
        Further data sets that were made on the way.
    seconds : mapping of str to float, optional
        Wall-clock time of each step.
    notes : sequence of str, optional
        What a reader must know to judge the figures.

    Returns
    -------
    Path
        The file summary.json in the folder of the run.

    Raises
    ------
    OutputError
        If the folder is not writable.
    """
    described = _describe(dataset)
    earlier = _earlier(run.path)
    kept = [d for d in earlier["datasets"][1:] if d["digest"] != described["digest"]]
    return write_json(
        run.path / NAME,
        {
            "versions": {name: version(name) for name in PACKAGES},
            "python": platform.python_version(),
            "notes": list(earlier["notes"] if notes is None else notes),
            "datasets": [described, *(kept if others is None else map(_describe, others))],
            "training": {
                "settings": run.config.model_dump(mode="json"),
                "network": encoder_settings(run.encoder),
                "parameters": sum(p.numel() for p in run.encoder.parameters()),
                "best_epoch": run.best_epoch["epoch"],
                "history": run.history,
                "provenance": run.provenance,
            },
            # what was not measured is null
            **{name: read_measured(run.path, name) for name in FORMS},
            "seconds": dict(earlier["seconds"] if seconds is None else seconds),
        },
    )


def load_summary(folder: Path) -> dict[str, Any]:
    """Read summary.json of a run.

    Parameters
    ----------
    folder : Path
        Folder of the run.

    Returns
    -------
    dict
        Content of the file.

    Raises
    ------
    CheckpointError
        If it is missing or damaged.

    Examples
    --------
    >>> load_summary(Path("nowhere"))
    Traceback (most recent call last):
    ...
    topophys.errors.CheckpointError: Summary `nowhere/summary.json` is missing; make it with ...
    """
    path = folder / NAME
    content: dict[str, Any] | None = read_form(path, SummaryForm, "`topophys report`")
    if content is None:
        raise CheckpointError(
            f"Summary `{path}` is missing; make it with `topophys report` on the run folder."
        )
    return content


def _earlier(folder: Path) -> dict[str, Any]:
    if not (folder / NAME).is_file():
        return {"notes": [], "datasets": [], "seconds": {}}
    return load_summary(folder)


def _describe(dataset: Dataset) -> dict[str, Any]:
    splits = {name: dataset.split(name) for name in dataset.splits}
    return {
        "name": dataset.recipe.name,
        "file": dataset.path.name,
        "digest": dataset.recipe.digest,
        "seed": dataset.recipe.seed,
        "recipe": dataset.recipe.to_toml(),
        "splits": {
            name: {
                "size": len(split),
                "grid": list(split.grid),
                "classes": {str(k): v for k, v in split.classes.items()},
                "drawn": split.drawn,
                "rejected": dict(split.rejected),
            }
            for name, split in splits.items()
        },
    }
