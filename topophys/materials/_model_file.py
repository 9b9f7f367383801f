"""Tasks of a model of materials, what they are predicted from, and the file that holds them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._io import parse_json, read_npz
from topophys.errors import CheckpointError
from topophys.materials.boosted_trees import BoostedTrees
from topophys.materials.calibration import Calibration, softmax
from topophys.materials.description import LARGEST_RATIO, Description, reduced
from topophys.materials.electron_counting import (
    CELL_BLOCKS,
    COUNTING_BLOCKS,
    GROUP_BLOCKS,
    counting_features,
)
from topophys.materials.elements import SYMBOLS
from topophys.materials.features import list_features
from topophys.materials.lists import SMALLEST_AMOUNT, ListedMaterial
from topophys.materials.similar import similar_width

__all__ = ["VIEWS", "Task", "features", "fractions", "is_model", "packed", "unpacked"]

#: What a prediction rests on; a model holds trees for each.
VIEWS: Final = ("formula", "formula and space group", "structure")
#: Blocks of `list_features`, and those of `counting_features` that are left out, for each.
LIST_BLOCKS: Final = {
    VIEWS[0]: ("fractions", "electrons", "statistics", "properties"),
    **dict.fromkeys(
        VIEWS[1:],
        ("fractions", "space group", "electrons", "statistics", "symmetry", "properties"),
    ),
}
LEFT_OUT: Final[dict[str, tuple[str, ...]]] = {
    VIEWS[0]: (*GROUP_BLOCKS, *CELL_BLOCKS), VIEWS[1]: CELL_BLOCKS, VIEWS[2]: (),
}  # fmt: skip
#: What is measured of each task and view.
SCORES: Final = (
    "accuracy", "macro_f1", "log_loss", "calibration_error", "majority", "materials",
)  # fmt: skip
#: Valence electrons of a primitive cell; no structure that is read has as many.
MOST_ELECTRONS: Final = 10**9
#: Largest logarithm of a temperature.
MOST_LOG: Final = 20.0
FORMAT: Final = "topophys-materials-model"
#: Version 1 had no electrons and no view of structures, 2 one temperature and one set of trees.
VERSION: Final = 3


def features(materials: Sequence[Description], view: str) -> NDArray[np.float64]:
    """Columns of a view; the space group must be known where the view needs it."""
    listed = [ListedMaterial(m.formula, m.composition, m.space_group or 1, 0) for m in materials]
    blocks = tuple(b for b in COUNTING_BLOCKS if b not in LEFT_OUT[view])
    counted = counting_features(
        [m.composition for m in materials], [m.space_group for m in materials], blocks,
        [m.electrons for m in materials],
    )  # fmt: skip
    return np.hstack([list_features(listed, LIST_BLOCKS[view], one_hot=False), counted])


def fractions(materials: Sequence[Description]) -> NDArray[np.float64]:
    parts = [(row, z, n) for row, one in enumerate(materials) for z, n in one.composition]
    rows, numbers, amounts = np.array(parts).reshape(-1, 3).T
    share = np.zeros((len(materials), len(SYMBOLS)))
    share[rows.astype(np.intp), numbers.astype(np.intp)] = amounts
    return np.asarray(share / share.sum(1, keepdims=True))


# ---- Tasks


@dataclass(frozen=True, eq=False)
class Task:
    """One kind of label: trees for each view, and what was measured on held-out folds."""

    name: str
    classes: tuple[str, ...]
    labels: NDArray[np.int64]  # of the training materials, -1 where unknown
    trees: dict[str, BoostedTrees]
    #: Where similar materials are known: trees that see their classes too, in further columns.
    second: dict[str, BoostedTrees]
    calibration: dict[str, Calibration]
    #: Held-out probabilities of the true class's rivals, sorted by class: 1 - p of the true class.
    misfits: dict[str, list[NDArray[np.float64]]]
    #: Upper ends of the bins of distance, and the accuracy in each.
    distances: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    scores: dict[str, dict[str, float]]

    def scores_of(self, x: NDArray[np.float64], view: str) -> NDArray[np.float64]:
        """Calibrated scores of both sets of trees: logits."""
        return self.calibration[view].scaled(mean_scores(self.trees, self.second, x, view))

    def probabilities(self, x: NDArray[np.float64], view: str) -> NDArray[np.float64]:
        """Calibrated probabilities."""
        return softmax(self.scores_of(x, view))

    def thresholds(self, view: str, level: float) -> NDArray[np.float64]:
        """Least probability with which a class enters the set, for each class."""
        least = np.zeros(len(self.classes))
        for c, misfit in enumerate(self.misfits[view]):
            rank = int(np.ceil((len(misfit) + 1) * level))
            least[c] = 0.0 if rank > len(misfit) else 1.0 - misfit[rank - 1]
        return least


def mean_scores(
    trees: dict[str, BoostedTrees],
    second: dict[str, BoostedTrees],
    x: NDArray[np.float64],
    view: str,
) -> NDArray[np.float64]:
    """Scores of the trees of a view; with a second set, logarithms of the mean probabilities."""
    scores = trees[view].scores(x[:, : trees[view].n_features])
    if view not in second:
        return scores
    mean = (softmax(scores) + softmax(second[view].scores(x))) / 2.0
    return np.asarray(np.log(np.maximum(mean, 1e-300)))


# ---- The file


def packed(
    head: dict[str, Any], materials: Sequence[Description], tasks: Sequence[Task]
) -> dict[str, NDArray[Any]]:
    """Arrays of a file; settings and card are in the head already."""
    arrays: dict[str, NDArray[Any]] = {
        # rows (material, atomic number, amount)
        "shares": np.array(
            [(row, z, n) for row, one in enumerate(materials) for z, n in one.composition],
            np.float32,
        )
    }
    head = head | {
        "format": FORMAT, "version": VERSION, "names": [m.name for m in materials],
        "groups": [m.space_group for m in materials],
        "electrons": [m.electrons for m in materials], "tasks": [],
    }  # fmt: skip
    for t, task in enumerate(tasks):
        head["tasks"].append(
            {
                "name": task.name, "classes": task.classes, "views": list(task.trees),
                "second": list(task.second), "scores": task.scores,
                "calibration": {v: [c.constant, c.slope] for v, c in task.calibration.items()},
            }
        )  # fmt: skip
        arrays[f"{t}/labels"] = task.labels.astype(np.int16)
        for v, view in enumerate(task.trees):
            arrays |= task.trees[view].to_arrays(f"{t}/{v}/")
            if view in task.second:
                arrays |= task.second[view].to_arrays(f"{t}/{v}/second/")
            for c, misfit in enumerate(task.misfits[view]):
                arrays[f"{t}/{v}/misfit{c}"] = misfit.astype(np.float32)
            arrays[f"{t}/{v}/bins"], arrays[f"{t}/{v}/accuracy"] = task.distances[view]
    arrays["head"] = np.frombuffer(json.dumps(head, allow_nan=False).encode(), np.uint8)
    return arrays


def unpacked(
    arrays: dict[str, NDArray[Any]],
) -> tuple[dict[str, Any], dict[str, Any], list[Description], list[Task]]:
    """Read settings, card, materials and tasks of a file, which may come from anywhere."""
    head = parse_json(bytes(arrays["head"]), finite=True)
    _must(isinstance(head, dict), "its head is no mapping")
    _must(
        head.get("format") == FORMAT and head.get("version") in range(1, VERSION + 1),
        f"its format is not {FORMAT}, version {VERSION} or earlier",
    )
    electrons = head["electrons"] if head["version"] > 1 else [None] * len(head["groups"])
    materials = _stored_materials(head["names"], head["groups"], electrons, arrays["shares"])
    tasks = [
        _stored_task(task, f"{t}/", arrays, len(materials)) for t, task in enumerate(head["tasks"])
    ]
    _must(bool(tasks) and len({t.name for t in tasks}) == len(tasks), "its tasks must differ")
    card = dict(head["card"])
    _must(
        isinstance(card.get("source"), str) and card.get("materials") == len(materials),
        "its card does not fit the materials",
    )
    return dict(head["settings"]), card, materials, tasks


def is_model(path: Path) -> bool:
    """Whether a file is one that `MaterialsModel.save` wrote, perhaps of another version."""
    try:
        head = parse_json(bytes(read_npz(path, only="head")["head"]))
    except (OSError, ValueError, KeyError):
        return False
    return isinstance(head, dict) and head.get("format") == FORMAT


def _must(holds: bool | np.bool_, otherwise: str) -> None:
    if not holds:
        raise CheckpointError(otherwise)


def _stored_materials(
    names: list[Any], groups: list[Any], electrons: list[Any], shares: NDArray[Any]
) -> list[Description]:
    """Materials of a file: atomic numbers that exist, positive amounts, groups from 1 to 230."""
    # shares of (parts, 3): material, atomic number, amount
    _must(shares.dtype.kind in "iuf" and shares.shape[1:] == (3,), "its materials are no table")
    parts = shares.astype(np.float64)
    parts = parts[np.lexsort((parts[:, 1], parts[:, 0]))]
    whole, amounts = parts[:, :2], parts[:, 2]
    inside = (whole >= (0, 1)) & (whole < (len(names), len(SYMBOLS)))
    once = bool((np.diff(whole, axis=0) != 0.0).any(1).all())
    _must(
        once and bool(inside.all()) and bool((whole == np.floor(whole)).all()),
        "its materials must have each element once",
    )
    odd = amounts[~((amounts >= SMALLEST_AMOUNT) & (amounts < np.inf))]
    _must(not odd.size, f"an amount is {odd[:1].tolist()!r:.20}")
    starts = np.searchsorted(whole[:, 0], np.arange(len(names) + 1))
    _must(len(names) > 0 and bool((np.diff(starts) > 0).all()), "its materials must have elements")
    for group in groups:
        known = isinstance(group, int) and not isinstance(group, bool) and 1 <= group <= 230
        _must(group is None or known, f"a space group is {group!r:.20}")
    for count in electrons:
        known = (
            isinstance(count, int) and not isinstance(count, bool) and 0 < count < MOST_ELECTRONS
        )
        _must(count is None or known, f"a number of electrons is {count!r:.20}")
    # files of earlier releases have fractions that were not reduced
    few = (amounts == np.floor(amounts)) & (amounts <= LARGEST_RATIO)
    settled = np.logical_and.reduceat(few, starts[:-1])
    settled &= np.gcd.reduceat(np.where(few, amounts, 1.0).astype(np.int64), starts[:-1]) == 1
    pairs = list(zip(whole[:, 1].astype(np.int64).tolist(), amounts.tolist(), strict=True))
    ends = zip(starts[:-1].tolist(), starts[1:].tolist(), settled.tolist(), strict=True)
    return [
        Description(
            str(name), tuple(pairs[a:b]) if done else reduced(tuple(pairs[a:b])), group, count
        )
        for name, (a, b, done), group, count in zip(names, ends, groups, electrons, strict=True)
    ]


def _stored_task(
    task: dict[str, Any], prefix: str, arrays: dict[str, NDArray[Any]], n_materials: int
) -> Task:
    """Task of a file, with everything that a prediction needs."""
    name, classes = str(task["name"]), tuple(str(c) for c in task["classes"])
    _must(len(classes) >= 2 and len(set(classes)) == len(classes), "its classes must differ")
    views = list(task["views"])
    _must(len(views) > 0 and views == list(VIEWS[: len(views)]), f"its views are {views!r:.60}")
    labels = arrays[f"{prefix}labels"]
    _must(
        labels.dtype.kind == "i" and labels.shape == (n_materials,)
        and labels.min() >= -1 and labels.max() < len(classes),
        "labels do not fit the materials",
    )  # fmt: skip
    further = list(task.get("second", []))
    _must(set(further) <= set(views), f"its second trees are of {further!r:.60}")
    trees, second, misfits, distances = {}, {}, {}, {}
    for v, view in enumerate(views):
        trees[view] = BoostedTrees.from_arrays(arrays, f"{prefix}{v}/")
        _must(
            trees[view].n_classes == len(classes) and trees[view].n_features == _n_features(view),
            "trees do not fit the classes or features",
        )
        if view in further:
            second[view] = BoostedTrees.from_arrays(arrays, f"{prefix}{v}/second/")
            width = _n_features(view) + similar_width(len(classes))
            _must(
                second[view].n_classes == len(classes) and second[view].n_features == width,
                "second trees do not fit the classes or features",
            )
        misfits[view] = [
            _stored_numbers(arrays[f"{prefix}{v}/misfit{c}"]) for c in range(len(classes))
        ]
        ends, accuracy = (_stored_numbers(arrays[f"{prefix}{v}/{n}"]) for n in ("bins", "accuracy"))
        _must(
            len(ends) == len(accuracy) > 0 and all(_is_sorted(x) for x in (ends, *misfits[view])),
            "bins of distance or misfits are not in order",
        )
        distances[view] = (ends, accuracy)
    calibration = {view: _stored_calibration(task, view) for view in views}
    scores = {view: {k: float(task["scores"][view][k]) for k in SCORES} for view in views}
    return Task(
        name, classes, labels.astype(np.int64), trees, second, calibration, misfits, distances,
        scores,
    )  # fmt: skip


def _stored_calibration(task: dict[str, Any], view: str) -> Calibration:
    """Calibration of a view; of earlier versions one temperature."""
    if "calibration" not in task:
        temperature = float(task["temperature"][view])
        _must(0.0 < temperature < np.inf, "a temperature is not positive")
        return Calibration(float(np.log(temperature)))
    constant, slope = (float(number) for number in task["calibration"][view])
    _must(abs(constant) < MOST_LOG and abs(slope) < MOST_LOG, "a calibration is out of bounds")
    return Calibration(constant, slope)


def _stored_numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    """Shares between 0 and 1, up to the rounding of what was stored."""
    _must(values.dtype.kind == "f", "shares are no numbers")
    found = values.astype(np.float64)
    inside = found.ndim == 1 and bool(((found >= 0.0) & (found <= 1.0 + 1e-6)).all())
    _must(inside, "shares are not between 0 and 1")
    return found


def _is_sorted(values: NDArray[np.float64]) -> bool:
    return bool((np.diff(values) >= 0.0).all())


@cache
def _n_features(view: str) -> int:
    return int(features([Description("NaCl", ((11, 1.0), (17, 1.0)), 225)], view).shape[1])
