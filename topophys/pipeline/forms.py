"""Forms of the files that the steps of a run leave for each other, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

__all__ = [
    "FORMS",
    "AccuracyRow",
    "AuditForm",
    "AuditFormRow",
    "CausalForm",
    "CausalRow",
    "FailureForm",
    "FailureRow",
    "FigureForm",
    "Figures",
    "ProbeForm",
    "ProbeRow",
    "SummaryForm",
]

#: Rows of a list; those of a run are some ten to a hundred.
MOST: Final = 1000
Text = Annotated[str, Field(max_length=10_000)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Number = Annotated[float, Field(ge=-1e300, le=1e300)]
Grid = Annotated[list[Count], Field(min_length=1, max_length=3)]


class _Form(BaseModel):
    # later releases may add keys; none may be of another type
    model_config = ConfigDict(strict=True, extra="allow")


class AccuracyRow(_Form):
    """One row of accuracy.json; see `SplitAccuracy`."""

    split: Text
    invariant: Text
    grid: Grid
    total: Annotated[int, Field(gt=0, lt=2**53)]
    correct: Count
    formula_correct: Count

    @model_validator(mode="after")
    def _at_most_all(self) -> AccuracyRow:
        _ordered(max(self.correct, self.formula_correct), self.total)
        return self


class FailureRow(_Form):
    """One row of failures.json; see `Failure`."""

    split: Text
    index: Count
    label: int
    named: int
    real: Number
    gap: Number
    formula: int | None


class FailureForm(_Form):
    """What failures.json holds."""

    total: Count
    listed: Annotated[list[FailureRow], Field(max_length=MOST)]


class ProbeRow(_Form):
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


class ProbeForm(_Form):
    """What probes.json holds."""

    split: Text
    n_hamiltonians: Count
    n_untrained: Count
    folds: Count
    results: Annotated[list[ProbeRow], Field(max_length=MOST)]


class CausalRow(_Form):
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


class CausalForm(_Form):
    """What causal.json holds."""

    split: Text
    n_hamiltonians: Count
    results: Annotated[list[CausalRow], Field(max_length=MOST)]


class AuditFormRow(_Form):
    """One row of audit.json; see `topophys.interpret.AuditRow`."""

    operation: Text
    quantity: Text
    expectation: Text
    deviation: Annotated[float, Field(ge=0.0, le=1e300)]
    broken: Annotated[float, Field(ge=0.0, le=1.0)] | None


class AuditForm(_Form):
    """What audit.json holds."""

    n_hamiltonians: Count
    rows: Annotated[list[AuditFormRow], Field(max_length=MOST)]


class FigureForm(_Form):
    """One card of figures.json; see `FigureCard`."""

    name: Annotated[str, Field(pattern=r"\A\w{1,100}\z")]
    title: Text
    caption: Text


Accuracy = RootModel[Annotated[list[AccuracyRow], Field(max_length=MOST)]]
Figures = RootModel[Annotated[list[FigureForm], Field(max_length=MOST)]]


class _Split(_Form):
    size: Count
    grid: Grid
    classes: dict[Text, Count]
    drawn: Count
    rejected: dict[Text, Count]


class _Dataset(_Form):
    name: Text
    file: Text
    digest: Text
    seed: int
    recipe: Annotated[str, Field(max_length=2**20)]
    splits: dict[Text, _Split]


class _Provenance(_Form):
    kind: Text = "winding"
    train_samples: Count
    classes_seen: list[int]


class _Settings(_Form):
    seed: int
    local_supervision: Number = 0.0


class _Training(_Form):
    settings: _Settings
    network: dict[Text, Any]
    parameters: Count
    best_epoch: Count
    history: list[dict[Text, Any]]
    provenance: _Provenance


class SummaryForm(_Form):
    """What summary.json holds."""

    versions: dict[Text, Text]
    python: Text
    notes: list[Text]
    datasets: Annotated[list[_Dataset], Field(max_length=MOST)]
    training: _Training
    accuracy: Accuracy | None
    probes: ProbeForm | None
    # summaries of earlier releases lack these
    causal: CausalForm | None = None
    audit: AuditForm | None = None
    failures: FailureForm | None = None
    seconds: dict[Text, Number]


#: What is measured on a run, by the name of its file.
FORMS: Final[dict[str, type[BaseModel]]] = {
    "accuracy": Accuracy,
    "probes": ProbeForm,
    "causal": CausalForm,
    "audit": AuditForm,
    "failures": FailureForm,
}


def _ordered(*values: float) -> None:
    """Refuse values that do not ascend; pydantic turns this into a problem of the row."""
    if list(values) != sorted(values):
        raise ValueError(f"numbers must ascend, but are {values}")
