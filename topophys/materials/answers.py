"""Predictions of a model for a material, with their uncertainty."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from topophys._io import begins_with, check_output, require_distinct, write_text
from topophys._optional import NotebookText, table_of_rows
from topophys.materials.description import Description
from topophys.materials.features import SYMMETRY_TOLERANCE

__all__ = ["DoubtfulLabel", "MaterialAnswer", "TaskAnswer", "check_table", "write_table"]

#: How the first lines of tables of answers and of doubted labels begin.
ANSWERS: Final = "name,formula,space_group,view,"
DOUBTS: Final = "formula,space_group,label,probability,other,"
#: Columns of an answer that belong to no task.
ROW: Final = (
    "name", "formula", "space_group", "view", "distance", "nearest", "outside", "filling_allowed",
    "notes", "trained_on",
)  # fmt: skip


def is_answers(path: Path) -> bool:
    """Whether a file is a table that `write_table` wrote, by its first line."""
    return any(begins_with(start, whole=False)(path) for start in (ANSWERS, DOUBTS))


def check_table(path: Path, *sources: str | Path, force: bool = False) -> None:
    """Refuse to replace, with a table of answers, what is read or no such table."""
    require_distinct(path, *sources)
    check_output(path, ours=is_answers, force=force)


def write_table(path: Path, rows: Sequence[dict[str, Any]], *, force: bool = False) -> None:
    """Write flat rows as CSV, whole or not at all."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue(), ours=is_answers, force=force)


@dataclass(frozen=True)
class TaskAnswer:
    """Prediction of one task for one material."""

    probabilities: dict[str, float]  # calibrated, by class, largest first
    prediction_set: tuple[str, ...]  # holds the class at the stated level, for each class
    level: float
    distance: float  # to the nearest material with a label of this task, for this view
    held_out_accuracy: float | None  # at this distance; None farther than any held-out material
    known_label: str | None  # of the training materials with this formula and space group, if one
    view_accuracy: float  # on all that was held out, from the same view
    measured_on: str  # what was held out: how many materials, and what the folds kept together

    @property
    def label(self) -> str:
        """The most probable class."""
        return next(iter(self.probabilities))


@dataclass(frozen=True)
class MaterialAnswer(NotebookText):
    """Prediction of a model for one material, with its uncertainty.

    Attributes
    ----------
    material : Description
        As it was read.
    view : str
        What the prediction rests on: "formula", "formula and space group" or "structure".
    tasks : dict of str to TaskAnswer
        By the name of the task.
    distance : float
        Share of atoms that would have to be exchanged to reach the nearest training material of
        any task.
    nearest : tuple of (str, dict)
        Nearest training materials with their labels.
    outside : str
        Why the material is outside the domain of the training set; empty if it is not.
    filling_allowed : bool or None
        Filling rule: False means that no nonmagnetic band insulator exists with this space group
        and number of electrons. None where the structure is not known, or partly occupied sites
        were given one element.
    trained_on : str
        What the model saw: number of materials, and where their labels come from.
    """

    material: Description
    view: str
    tasks: dict[str, TaskAnswer]
    distance: float
    nearest: tuple[tuple[str, dict[str, str]], ...]
    outside: str
    filling_allowed: bool | None
    trained_on: str

    def to_pandas(self) -> Any:
        """Probability of each class of each task, as a table; needs the extra `pandas`."""
        return table_of_rows(
            {
                "material": self.material.name,
                "task": name,
                "class": label,
                "probability": p,
                "in_prediction_set": label in task.prediction_set,
                "held_out_accuracy": task.held_out_accuracy,
                "distance": task.distance,
            }
            for name, task in self.tasks.items()
            for label, p in task.probabilities.items()
        )

    def __repr__(self) -> str:
        name, formula = self.material.name, self.material.formula
        shown = name if formula in name else f"{name} ({formula})"
        lines = [f"{shown}: predicted from {self.view}"]
        for name, task in self.tasks.items():
            if len(self.tasks) > 1:
                lines.append(f"  {name}")
            for label, p in task.probabilities.items():
                lines.append(f"  {p:6.3f}  {label}")
            level = f"{100 * task.level:g} % of each class"
            lines.append(f"  {name}, prediction set ({level}): {' or '.join(task.prediction_set)}")
            if task.held_out_accuracy is None:
                measured = "unknown, farther than any held-out material"
            else:
                measured = f"{task.held_out_accuracy:.3f}"
            lines.append(
                f"  held-out accuracy {task.view_accuracy:.3f} ({task.measured_on}); at this"
                f" distance ({task.distance:.2f}): {measured}"
            )
            if task.known_label is not None:
                lines.append(f"  in the training list as: {task.known_label}")
        lines.append(f"  nearest    {self._near}")
        if self.outside:
            lines.append(f"  OUTSIDE    {self.outside}")
        if self.filling_allowed is False:
            lines.append(
                f"  rule       {self.material.electrons} electrons in space group"
                f" {self.material.space_group}: no nonmagnetic band insulator (filling rule; space"
                f" group by spglib within {SYMMETRY_TOLERANCE:g} angstrom)"
            )
        lines += [f"  note       {note}" for note in self.material.notes]
        lines.append(f"  trained on {self.trained_on}")
        return "\n".join(lines)

    @property
    def _near(self) -> str:
        return "; ".join(f"{name} ({', '.join(label.values())})" for name, label in self.nearest)

    def to_dict(self) -> dict[str, Any]:
        """Flat row for tables and JSON."""
        row: dict[str, Any] = {
            "name": self.material.name, "formula": self.material.formula,
            "space_group": self.material.space_group, "view": self.view,
        }  # fmt: skip
        several = len(self.tasks) > 1
        for name, task in self.tasks.items():
            chances = {
                f"{name} p({label})" if several else f"p({label})": round(p, 6)
                for label, p in task.probabilities.items()
            }
            columns: dict[str, Any] = {
                name: task.label, **chances,
                f"{name}_set": " | ".join(task.prediction_set),
                f"{name}_level": task.level,
                f"{name}_distance": round(task.distance, 6),
                f"{name}_held_out_accuracy": task.held_out_accuracy,
                f"{name}_view_accuracy": task.view_accuracy,
                f"{name}_measured_on": task.measured_on,
                f"{name}_known": task.known_label,
            }  # fmt: skip
            # a task may have the name of another column
            row |= {
                column if column not in {*row, *ROW} else f"{column} (task {name})": value
                for column, value in columns.items()
            }
        row["distance"] = round(self.distance, 6)
        row["nearest"] = self._near
        row["outside"] = self.outside
        row["filling_allowed"] = self.filling_allowed
        row["notes"] = "; ".join(self.material.notes)
        row["trained_on"] = self.trained_on
        return row


@dataclass(frozen=True)
class DoubtfulLabel:
    """A label of a list, and its probability under trees that held out its group.

    Attributes
    ----------
    material : Description
        The material.
    label : str
        Its label.
    probability : float
        Held-out, calibrated probability of that label.
    other : str or None
        Label of another list, where one was given.
    other_probability : float or None
        Probability of that one; None if the first list has no such class.
    """

    material: Description
    label: str
    probability: float
    other: str | None
    other_probability: float | None

    def to_dict(self) -> dict[str, Any]:
        """Flat row for tables."""
        return {
            "formula": self.material.formula, "space_group": self.material.space_group,
            "label": self.label, "probability": round(self.probability, 6), "other": self.other,
            "other_probability":
                None if self.other_probability is None else round(self.other_probability, 6),
        }  # fmt: skip
