"""Everything a run has measured, in one JSON file."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from topophys._files import write_json
from topophys.datasets import Dataset
from topophys.errors import CheckpointError
from topophys.learn import Run

__all__ = ["load_summary", "write_summary"]

PACKAGES: Final = ("topophys", "numpy", "numba", "scipy", "torch", "h5py", "scikit-learn")


def write_summary(
    run: Run,
    dataset: Dataset,
    *,
    others: Sequence[Dataset] = (),
    seconds: Mapping[str, float] | None = None,
) -> Path:
    """Gather settings, seeds, versions and every figure measured into summary.json.

    Parameters
    ----------
    run : Run
        A trained network; accuracy.json and probes.json of its folder are taken in if there.
    dataset : Dataset
        Data set of the training.
    others : sequence of Dataset, optional
        Further data sets that were made on the way.
    seconds : mapping of str to float, optional
        Wall-clock time of each step; kept from an earlier summary where not given.

    Returns
    -------
    Path
        The file summary.json in the folder of the run.

    Raises
    ------
    OutputError
        If the folder is not writable.
    """
    target = run.path / "summary.json"
    if seconds is None and target.is_file():
        seconds = load_summary(run.path)["seconds"]
    best = max(run.history, key=lambda r: (r["val_accuracy"], -r["val_loss"]))
    return write_json(
        target,
        {
            "versions": {name: version(name) for name in PACKAGES},
            "python": platform.python_version(),
            "datasets": [_describe(d) for d in (dataset, *others)],
            "training": {
                "settings": run.config.model_dump(mode="json"),
                "network": run.encoder.settings,
                "parameters": sum(p.numel() for p in run.encoder.parameters()),
                "best_epoch": best["epoch"],
                "history": run.history,
                "provenance": run.provenance,
            },
            "accuracy": _part(run.path / "accuracy.json"),
            "probes": _part(run.path / "probes.json"),
            "seconds": dict(seconds or {}),
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
    """
    path = folder / "summary.json"
    content = _part(path)
    if not isinstance(content, dict):
        raise CheckpointError(
            f"Summary `{path}` is missing; make it with `topophys report` on the run folder."
        )
    return content


def _part(path: Path) -> Any:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(
            f"File `{path}` is damaged ({error}); delete it and repeat the step that wrote it."
        ) from None


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
