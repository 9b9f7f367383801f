"""Artefacts of a run: schemas of its JSON files, reading them back, the summary."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from topophys._io import json_text, read_json, seal_holds, sealed, sha256, write_json
from topophys.datasets import Dataset
from topophys.datasets._messages import first_problem
from topophys.errors import CheckpointError
from topophys.learn import Run
from topophys.learn.run import encoder_settings

__all__ = [
    "ARTIFACTS",
    "AccuracyRow",
    "AuditArtifact",
    "AuditRow",
    "CausalArtifact",
    "CausalRow",
    "FailureArtifact",
    "FailureRow",
    "FigureArtifact",
    "Figures",
    "ProbeArtifact",
    "ProbeRow",
    "SummaryArtifact",
    "current_measurement",
    "is_current",
    "load_summary",
    "origin_of",
    "origins",
    "read_artifact",
    "read_figure_records",
    "read_measurements",
    "save_result",
    "write_summary",
]


# -------------- Forms of the files that the steps of a run leave for each other, as pydantic models

#: Rows of a list; those of a run are some ten to a hundred.
MOST: Final = 1000
Text = Annotated[str, Field(max_length=10_000)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Number = Annotated[float, Field(ge=-1e300, le=1e300)]
Grid = Annotated[list[Count], Field(min_length=1, max_length=3)]


class _Artifact(BaseModel):
    # later releases may add keys; none may be of another type
    model_config = ConfigDict(strict=True, extra="allow")


class AccuracyRow(_Artifact):
    """One row of accuracy.json; see `SplitAccuracy`."""

    split: Text
    invariant: Text
    grid: Grid
    total: Annotated[int, Field(gt=0, lt=2**53)]
    correct: Count
    formula_correct: Count
    # runs measured by earlier releases were compared with one formula
    formulas: dict[Text, Count] = {}

    @model_validator(mode="after")
    def _at_most_all(self) -> AccuracyRow:
        _ordered(max(self.correct, self.formula_correct, *self.formulas.values()), self.total)
        return self


class FailureRow(_Artifact):
    """One row of failures.json; see `Failure`."""

    split: Text
    index: Count
    label: int
    named: int | None
    real: Number | None
    gap: Number
    formula: int | None


class FailureArtifact(_Artifact):
    """What failures.json holds."""

    total: Count
    listed: Annotated[list[FailureRow], Field(max_length=MOST)]


class ProbeRow(_Artifact):
    """One row of probes.json; see `topophys.interpret.ProbeResult`."""

    layer: Text
    target: Text
    source: Text
    r2: Annotated[float, Field(ge=-1e300, le=1.0 + 1e-12)]
    low: Number
    high: Number
    # runs probed by earlier releases have one measure and one split
    measure: Text = "raw"
    split: Text | None = None
    networks: Count = 1

    @model_validator(mode="after")
    def _inside(self) -> ProbeRow:
        _ordered(self.low, self.r2, self.high)
        return self


class ProbeArtifact(_Artifact):
    """What probes.json holds."""

    split: Text
    n_hamiltonians: Count
    n_untrained: Count
    folds: Count
    results: Annotated[list[ProbeRow], Field(max_length=MOST)]


class CausalRow(_Artifact):
    """One row of causal.json; see `topophys.interpret.CausalResult`."""

    test: Text
    layer: Text
    what: Text
    predicted: Text
    cases: Count
    right: Count
    moved: Count
    right_moved: Count
    r2: Number | None
    share: Annotated[float, Field(ge=0.0, le=1.0)] | None
    interval: Annotated[list[Number], Field(min_length=2, max_length=2)]

    @model_validator(mode="after")
    def _parts(self) -> CausalRow:
        _ordered(self.right, self.cases)
        _ordered(self.right_moved, self.moved, self.cases)
        if self.cases and self.share is None:
            raise ValueError("key `share` must be a number where there are cases")
        return self


class CausalArtifact(_Artifact):
    """What causal.json holds."""

    split: Text
    n_hamiltonians: Count
    results: Annotated[list[CausalRow], Field(max_length=MOST)]


class AuditRow(_Artifact):
    """One row of audit.json; see `topophys.interpret.AuditRow`."""

    operation: Text
    quantity: Text
    expectation: Text
    deviation: Annotated[float, Field(ge=0.0, le=1e300)]
    broken: Annotated[float, Field(ge=0.0, le=1.0)] | None


class AuditArtifact(_Artifact):
    """What audit.json holds."""

    n_hamiltonians: Count
    rows: Annotated[list[AuditRow], Field(max_length=MOST)]


class FigureArtifact(_Artifact):
    """One card of figures.json; see `FigureRecord`."""

    name: Annotated[str, Field(pattern=r"\A\w{1,100}\z")]
    title: Text
    caption: Text
    # records of earlier releases have none
    sha256: Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")] | None = None


Accuracy = RootModel[Annotated[list[AccuracyRow], Field(max_length=MOST)]]
Figures = RootModel[Annotated[list[FigureArtifact], Field(max_length=MOST)]]


class _Split(_Artifact):
    size: Count
    grid: Grid
    classes: dict[Text, Count]
    drawn: Count
    rejected: dict[Text, Count]


class _Dataset(_Artifact):
    name: Text
    file: Text
    digest: Text
    seed: int
    recipe: Annotated[str, Field(max_length=2**20)]
    splits: dict[Text, _Split]


class _Provenance(_Artifact):
    kind: Text = "winding"
    train_samples: Count
    classes_seen: list[int]


class _Settings(_Artifact):
    seed: int
    local_supervision: Number = 0.0


class _Training(_Artifact):
    settings: _Settings
    network: dict[Text, Any]
    parameters: Count
    best_epoch: Count
    history: list[dict[Text, Any]]
    provenance: _Provenance


class SummaryArtifact(_Artifact):
    """What summary.json holds."""

    versions: dict[Text, Text]
    python: Text
    notes: list[Text]
    datasets: Annotated[list[_Dataset], Field(max_length=MOST)]
    training: _Training
    accuracy: Accuracy | None
    probes: ProbeArtifact | None
    # summaries of earlier releases lack these
    causal: CausalArtifact | None = None
    audit: AuditArtifact | None = None
    failures: FailureArtifact | None = None
    seconds: dict[Text, Number]


#: What is measured on a run, by the name of its file.
ARTIFACTS: Final[dict[str, type[BaseModel]]] = {
    "accuracy": Accuracy,
    "probes": ProbeArtifact,
    "causal": CausalArtifact,
    "audit": AuditArtifact,
    "failures": FailureArtifact,
}


def _ordered(*values: float) -> None:
    """Refuse values that do not ascend; pydantic turns this into a problem of the row."""
    if list(values) != sorted(values):
        raise ValueError(f"numbers must ascend, but are {values}")


# ------------- What the steps of a run have left for each other, read back: in its form, or refused


def read_artifact(path: Path, form: type[BaseModel], repeat: str) -> Any:
    """Read a JSON file of a run, as it is, once it is known to have its form."""
    if not path.is_file():
        return None
    try:
        content = read_json(path, finite=True)
        form.model_validate(content)
    except ValidationError as error:
        reason = first_problem(error)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
    else:
        return content
    raise CheckpointError(f"File `{path}` is damaged ({reason}); delete it and repeat {repeat}.")


def read_measurements(folder: Path, name: str) -> Any:
    """Read what was measured on a run.

    Examples
    --------
    >>> read_measurements(Path("nowhere"), "probes") is None
    True
    """
    return read_artifact(folder / f"{name}.json", ARTIFACTS[name], "the step that wrote it")


def read_figure_records(folder: Path) -> list[dict[str, Any]]:
    """Read which figures of a run were drawn, and what they show.

    Examples
    --------
    >>> read_figure_records(Path("nowhere"))
    []
    """
    return read_artifact(folder / "figures.json", Figures, "`topophys plot`") or []


# ------------------------------------- From which weights and which data a file of a run was made

#: File of a run that names, for each file of results, its digest and what it was made from.
ORIGINS: Final = "origins.json"


def origin_of(run: Run, dataset: Dataset) -> dict[str, str]:
    """Digests of the weights of a run and of a data set: what results are made from."""
    weights = (run.digests or {}).get("best.safetensors")
    return {
        "weights": weights or sha256(run.path / "best.safetensors"),
        "data": str(dataset.attributes.get("manifest", "")),
    }


def save_result(run: Run, dataset: Dataset, file: str, content: Any) -> Path:
    """Write a JSON file of results into the folder of a run, and what it was made from."""
    path = write_json(run.path / file, content)
    # not of the file, in whose place another process may have put its own by now
    entry = {"sha256": _digest(content), **origin_of(run, dataset)}
    write_json(run.path / ORIGINS, sealed({**origins(run.path), file: entry}))
    return path


def _digest(content: Any) -> str:
    """SHA-256 of a JSON file of results with this content."""
    return hashlib.sha256(json_text(content).encode()).hexdigest()


def is_current(run: Run, dataset: Dataset, file: str) -> bool:
    """Whether a file of results is as it was written, from these weights and these data."""
    path = run.path / file
    if path.is_symlink() or not path.is_file():
        return False
    wanted = {"sha256": sha256(path), **origin_of(run, dataset)}
    return origins(run.path).get(file) == wanted


def figures_are_current(run: Run, dataset: Dataset) -> bool:
    """Whether the figures of a run are as they were drawn, from these weights and these data."""
    folder = run.path / "figures"
    return is_current(run, dataset, "figures/figures.json") and all(
        is_as_drawn(folder, record) for record in read_figure_records(folder)
    )


def is_as_drawn(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether the picture of a record is the one that was drawn, as far as the record says."""
    path = folder / f"{record['name']}.png"
    if path.is_symlink() or not path.is_file():
        return False
    return record.get("sha256") in {None, sha256(path)}


def origins(folder: Path) -> dict[str, Any]:
    """Read what the files of a run were made from; nothing where that is missing or damaged."""
    try:
        content = read_json(folder / ORIGINS)
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict) or not seal_holds(content):
        return {}
    return {name: entry for name, entry in content.items() if isinstance(entry, dict)}


# -------------------------------------------------- Everything a run has measured, in one JSON file

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
        audit.json and failures.json is taken in, where it was measured with these weights on this
        data set.
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
            # what was not measured, on these data and with these weights, is null
            **{name: current_measurement(run, dataset, name) for name in ARTIFACTS},
            "made_from": origin_of(run, dataset),
            "seconds": dict(earlier["seconds"] if seconds is None else seconds),
        },
    )


def current_measurement(run: Run, dataset: Dataset, name: str) -> Any:
    """Read what was measured with these weights on these data; None where nothing was."""
    file = f"{name}.json"
    content = read_measurements(run.path, name)
    # the file may be another one by now: what was read counts
    wanted = {"sha256": _digest(content), **origin_of(run, dataset)}
    known = is_current(run, dataset, file) and origins(run.path).get(file) == wanted
    return content if known else None


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
    content: dict[str, Any] | None = read_artifact(path, SummaryArtifact, "`topophys report`")
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
        "manifest": str(dataset.attributes.get("manifest", "")),
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
