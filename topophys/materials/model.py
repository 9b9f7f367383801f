"""Classes of materials from formulas, space groups or structures, with calibrated confidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._io import complete_file, read_npz
from topophys._optional import load_extra
from topophys._progress import track
from topophys.errors import CheckpointError, InputError, NotFittedError
from topophys.materials.answers import DoubtfulLabel, MaterialAnswer, TaskAnswer
from topophys.materials.boosted_trees import BoostedTrees, train_trees
from topophys.materials.calibration import (
    FOLDS,
    accuracy_by_distance,
    best_temperature,
    classification_scores,
    grouped_folds,
    softmax,
)
from topophys.materials.description import Description, describe
from topophys.materials.electron_counting import (
    COUNTING_BLOCKS,
    GROUP_BLOCKS,
    counting_features,
    filling_allows_insulator,
)
from topophys.materials.elements import SYMBOLS
from topophys.materials.features import list_features
from topophys.materials.lists import ListedMaterial

if TYPE_CHECKING:
    pass

__all__ = [
    "Description",
    "MaterialAnswer",
    "MaterialsModel",
    "TaskAnswer",
]

#: What a prediction rests on; a model holds trees for each.
VIEWS: Final = ("formula", "formula and space group")
#: Blocks of `list_features` for each.
LIST_BLOCKS: Final = {
    VIEWS[0]: ("fractions", "electrons", "statistics", "properties"),
    VIEWS[1]: ("fractions", "space group", "electrons", "statistics", "symmetry", "properties"),
}
#: Materials predicted at once.
AT_ONCE: Final = 500
FORMAT: Final = "topophys-materials-model"
VERSION: Final = 1


def _features(materials: Sequence[Description], view: str) -> NDArray[np.float64]:
    """Columns of a view; the space group must be known where the view needs it."""
    listed = [ListedMaterial(m.formula, m.composition, m.space_group or 1, 0) for m in materials]
    blocks = tuple(b for b in COUNTING_BLOCKS if view == VIEWS[1] or b not in GROUP_BLOCKS)
    counted = counting_features(
        [m.composition for m in materials], [m.space_group for m in materials], blocks
    )
    return np.hstack([list_features(listed, LIST_BLOCKS[view], one_hot=False), counted])


def _fractions(materials: Sequence[Description]) -> NDArray[np.float64]:
    share = np.zeros((len(materials), len(SYMBOLS)))
    for row, one in enumerate(materials):
        for z, amount in one.composition:
            share[row, z] = amount
    return np.asarray(share / share.sum(1, keepdims=True))


# ---- Tasks


@dataclass(frozen=True, eq=False)
class Task:
    """One kind of label: trees for each view, and what was measured on held-out folds."""

    name: str
    classes: tuple[str, ...]
    labels: NDArray[np.int64]  # of the training materials, -1 where unknown
    trees: dict[str, BoostedTrees]
    temperature: dict[str, float]
    #: Held-out probabilities of the true class's rivals, sorted by class: 1 - p of the true class.
    misfits: dict[str, list[NDArray[np.float64]]]
    #: Upper ends of the bins of distance, and the accuracy in each.
    distances: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    scores: dict[str, dict[str, float]]

    def probabilities(self, x: NDArray[np.float64], view: str) -> NDArray[np.float64]:
        """Calibrated probabilities."""
        return softmax(self.trees[view].scores(x) / self.temperature[view])

    def thresholds(self, view: str, level: float) -> NDArray[np.float64]:
        """Least probability with which a class enters the set, for each class."""
        least = np.zeros(len(self.classes))
        for c, misfit in enumerate(self.misfits[view]):
            rank = int(np.ceil((len(misfit) + 1) * level))
            least[c] = 0.0 if rank > len(misfit) else 1.0 - misfit[rank - 1]
        return least


# ---- The model


class MaterialsModel:
    """Classifier of materials from what there is of them, in the manner of scikit-learn.

    Boosted trees read the composition, what electron counting says of it, and the space group where
    it is known; there are trees for formulas alone as well. Probabilities are calibrated, and
    prediction sets sized, on folds that share no chemical system (or prototype) with the trees that
    predict them, so that what a model states of itself holds for unseen ones. Structures add their
    space group and the filling rule, which is stated apart from the probabilities.

    Parameters
    ----------
    group_by : {"system", "prototype", "none"}, optional
        What the folds keep together: chemical systems; space groups with anonymous formulas; or
        nothing, a random split, which flatters where near copies are on both sides.
    n_trees : int, optional
        Boosting rounds.
    level : float, optional
        Share of each class that its prediction sets cover, between 0 and 1.
    seed : int, optional
        Of folds and trees.

    Attributes
    ----------
    classes_ : ndarray of str
        Classes of the first task.
    tasks_ : dict of str to Task
        All tasks.
    held_out_ : dict of str to float64 ndarray of shape (S, C)
        After `fit`, for each task: probabilities of the training materials by the trees that saw
        none of their group; NaN where the label is unknown. Not part of the file.
    card_ : dict
        Provenance: source, group_by, number of materials, scores by task and view.

    Examples
    --------
    >>> model = MaterialsModel.pretrained()
    >>> model.predict(["Bi2Se3:166", "NaCl:225"]).tolist()
    ['topological insulator', 'trivial']
    """

    def __init__(
        self,
        *,
        group_by: str = "system",
        n_trees: int = 250,
        level: float = 0.9,
        seed: int = 0,
    ) -> None:
        self.group_by = group_by
        self.n_trees = n_trees
        self.level = level
        self.seed = seed

    # -- manners of scikit-learn

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the settings, as scikit-learn asks for them."""
        return {
            "group_by": self.group_by, "n_trees": self.n_trees, "level": self.level,
            "seed": self.seed,
        }  # fmt: skip

    def set_params(self, **settings: Any) -> MaterialsModel:
        """Change settings, as scikit-learn does."""
        for name, value in settings.items():
            if name not in self.get_params():
                raise InputError(
                    f"Setting must be one of {', '.join(self.get_params())}, but is {name!r:.40}."
                )
            setattr(self, name, value)
        return self

    def __sklearn_tags__(self) -> Any:
        """Say what kind of estimator this is."""
        utils = load_extra("sklearn.utils", "materials")
        return utils.Tags(
            estimator_type="classifier",
            target_tags=utils.TargetTags(required=True),
            classifier_tags=utils.ClassifierTags(),
            input_tags=utils.InputTags(string=True, two_d_array=False),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` or `load` was called."""
        return hasattr(self, "tasks_")

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        if not hasattr(self, "tasks_"):
            return f"MaterialsModel({settings})"
        tasks = ", ".join(f"{t.name} ({len(t.classes)} classes)" for t in self.tasks_.values())
        return f"MaterialsModel({settings}), trained on {len(self._materials)} materials: {tasks}"

    # -- training

    def fit(
        self,
        X: Iterable[Any],
        y: Iterable[Any] | Mapping[str, Iterable[Any]],
        *,
        source: str = "",
        progress: bool = False,
    ) -> MaterialsModel:
        """Train, calibrate and measure.

        Parameters
        ----------
        X : iterable
            Materials, each as `describe` reads it, or a pandas table with a column "formula".
        y : sequence, or mapping of str to sequence
            Labels, of any names; None, NaN and "" are unknown. A mapping gives several tasks.
        source : str, optional
            Where the labels come from; every answer repeats it.
        progress : bool, optional
            Show a bar.

        Returns
        -------
        MaterialsModel
            Itself.

        Raises
        ------
        InputError
            If lengths differ, a material cannot be read, or a task has fewer than two classes or
            a class fewer than two materials.
        """
        self._check_settings()
        materials = [describe(m) for m in _rows(X)]
        wanted = {"class": y} if not isinstance(y, Mapping) else dict(y)
        with_group = np.array([m.space_group is not None for m in materials])
        views = [v for v in VIEWS if v == VIEWS[0] or with_group.any()]
        self._materials = materials
        self._index()
        self.tasks_: dict[str, Task] = {}
        self.held_out_: dict[str, NDArray[np.float64]] = {}
        x = {view: np.full((0, 0), np.nan) for view in views}
        for view in views:
            rows = np.arange(len(materials)) if view == VIEWS[0] else np.flatnonzero(with_group)
            made = _features([materials[i] for i in rows.tolist()], view)
            x[view] = np.full((len(materials), made.shape[1]), np.nan)
            x[view][rows] = made
        with track(len(wanted) * len(views) * (FOLDS + 1), "train", progress) as advance:
            for name, labels in wanted.items():
                self.tasks_[name] = self._fit_task(name, labels, x, with_group, advance)
        self.classes_ = np.array(next(iter(self.tasks_.values())).classes)
        self.card_ = {
            "source": source, "group_by": self.group_by, "materials": len(materials),
            "scores": {name: task.scores for name, task in self.tasks_.items()},
        }  # fmt: skip
        return self

    def _index(self) -> None:
        """Look-up of training materials by composition, and by composition with space group."""
        self._shares = _fractions(self._materials)
        self._places = {(m.composition, m.space_group): i for i, m in enumerate(self._materials)}

    def _check_settings(self) -> None:
        if self.group_by not in {"system", "prototype", "none"}:
            raise InputError(
                "Setting `group_by` must be 'system', 'prototype' or 'none', but is"
                f" {self.group_by!r:.40}."
            )
        if not 0.0 < self.level < 1.0:
            raise InputError(f"Setting `level` must be between 0 and 1, but is {self.level!r:.40}.")
        if int(self.n_trees) != self.n_trees or not 1 <= self.n_trees <= 10_000:
            raise InputError(
                f"Setting `n_trees` must be from 1 to 10000, but is {self.n_trees!r:.40}."
            )

    def _groups(self) -> list[str]:
        if self.group_by == "none":
            return [str(i) for i in range(len(self._materials))]
        return [getattr(m, self.group_by) for m in self._materials]

    def _fit_task(
        self,
        name: str,
        labels: Iterable[Any],
        x: dict[str, NDArray[np.float64]],
        with_group: NDArray[np.bool_],
        advance: Any,
    ) -> Task:
        classes, y = _encode(name, labels, len(self._materials))
        groups = self._groups()
        held_out = np.full((len(y), len(classes)), np.nan)
        trees, temperature, misfits, distances, scores = {}, {}, {}, {}, {}
        for view, columns in x.items():
            rows = np.flatnonzero((y >= 0) & (with_group if view == VIEWS[1] else True))
            fold = grouped_folds([groups[i] for i in rows.tolist()], self.seed)
            logits = np.zeros((len(rows), len(classes)))
            away = np.zeros(len(rows))
            for f in range(FOLDS):
                out = fold == f
                train, test = rows[~out], rows[out]
                made = train_trees(
                    columns[train], y[train], n_classes=len(classes), n_trees=self.n_trees,
                    seed=self.seed,
                )  # fmt: skip
                logits[out] = made.scores(columns[test])
                away[out] = _nearest(self._shares[test], self._shares[train], 1)[1][:, 0]
                advance(1)
            trees[view] = train_trees(
                columns[rows], y[rows], n_classes=len(classes), n_trees=self.n_trees,
                seed=self.seed,
            )  # fmt: skip
            advance(1)
            temperature[view] = best_temperature(logits, y[rows])
            # what is reported is calibrated without the fold that it is measured on
            p = np.zeros_like(logits)
            for f in range(FOLDS):
                out = fold == f
                p[out] = softmax(logits[out] / best_temperature(logits[~out], y[rows][~out]))
            truth = y[rows]
            held_out[rows] = p  # the view with more information comes last
            scores[view] = classification_scores(p, truth)
            misfit = 1.0 - p[np.arange(len(rows)), truth]
            misfits[view] = [np.sort(misfit[truth == c]) for c in range(len(classes))]
            distances[view] = accuracy_by_distance(away, p.argmax(1) == truth)
        self.held_out_[name] = held_out
        return Task(name, classes, y, trees, temperature, misfits, distances, scores)

    # -- prediction

    def _require_fit(self) -> None:
        if not hasattr(self, "tasks_"):
            raise NotFittedError("Model must be trained, by `fit` or `load`, but is not.")

    def _task(self, task: str | None) -> Task:
        self._require_fit()
        chosen = next(iter(self.tasks_)) if task is None else task
        if chosen not in self.tasks_:
            raise InputError(
                f"Argument `task` must be one of {', '.join(self.tasks_)}, but is {task!r:.40}."
            )
        return self.tasks_[chosen]

    def predict_proba(self, X: Iterable[Any], task: str | None = None) -> NDArray[np.float64]:
        """Return calibrated probabilities.

        Parameters
        ----------
        X : iterable
            Materials, each as `describe` reads it.
        task : str, optional
            Name of the task; the first by default.

        Returns
        -------
        float64 ndarray of shape (S, C)
            Columns in the order of the classes.
        """
        chosen = self._task(task)
        materials = [describe(m) for m in _rows(X)]
        return self._probabilities(chosen, materials)

    def _view(self, task: Task, material: Description) -> str:
        return VIEWS[1] if material.space_group is not None and VIEWS[1] in task.trees else VIEWS[0]

    def _probabilities(self, task: Task, materials: Sequence[Description]) -> NDArray[np.float64]:
        out = np.zeros((len(materials), len(task.classes)))
        for view in VIEWS:
            rows = [i for i, m in enumerate(materials) if self._view(task, m) == view]
            if rows:
                x = _features([materials[i] for i in rows], view)
                out[rows] = task.probabilities(x, view)
        return out

    def predict(self, X: Iterable[Any], task: str | None = None) -> NDArray[Any]:
        """Return the most probable class of each material.

        Parameters
        ----------
        X : iterable
            Materials, each as `describe` reads it.
        task : str, optional
            Name of the task; the first by default.

        Returns
        -------
        ndarray of str, shape (S,)
            Classes.
        """
        classes = np.array(self._task(task).classes)
        return np.asarray(classes[self.predict_proba(X, task).argmax(1)])

    def doubtful_labels(
        self, other: Mapping[Description, str] | None = None, task: str | None = None
    ) -> list[DoubtfulLabel]:
        """Rank training labels by how little the held-out trees believe them.

        Parameters
        ----------
        other : mapping of Description to str, optional
            Labels of another list; only materials (composition and space group) on which it differs
            are returned then.
        task : str, optional
            Name of the task; the first by default.

        Returns
        -------
        list of DoubtfulLabel
            The least believed label first.

        Raises
        ------
        NotFittedError
            If the model was loaded from a file, which does not hold the held-out probabilities.
        """
        chosen = self._task(task)
        if not hasattr(self, "held_out_"):
            raise NotFittedError(
                "Model must be trained by `fit` in this process to know held-out probabilities, but"
                " was loaded."
            )
        second = {(m.composition, m.space_group): label for m, label in (other or {}).items()}
        p, found = self.held_out_[chosen.name], []
        for i in np.flatnonzero(chosen.labels >= 0).tolist():
            one, label = self._materials[i], chosen.classes[int(chosen.labels[i])]
            theirs = second.get((one.composition, one.space_group))
            if other is not None and theirs in {None, label}:
                continue
            chances = dict(zip(chosen.classes, p[i].tolist(), strict=True))
            found.append(
                DoubtfulLabel(one, label, chances[label], theirs, chances.get(theirs or ""))
            )
        return sorted(found, key=lambda d: d.probability)

    def score(self, X: Iterable[Any], y: Iterable[Any]) -> float:
        """Return the share of right classes, as scikit-learn does.

        Parameters
        ----------
        X : iterable
            Materials.
        y : sequence of str
            Their classes.

        Returns
        -------
        float
            Accuracy.
        """
        return float(np.mean(self.predict(X) == np.asarray(list(y), dtype=str)))

    def answer(
        self, X: Iterable[Any], *, n_nearest: int = 3, progress: bool = False
    ) -> list[MaterialAnswer]:
        """Predict with everything that says how much to believe.

        Parameters
        ----------
        X : iterable
            Materials, each as `describe` reads it.
        n_nearest : int, optional
            Training materials to name.
        progress : bool, optional
            Show a bar.

        Returns
        -------
        list of MaterialAnswer
            One for each material.
        """
        self._require_fit()
        materials = [describe(m) for m in _rows(X)]
        answers: list[MaterialAnswer] = []
        with track(len(materials), "predict", progress and len(materials) > AT_ONCE) as advance:
            for start in range(0, len(materials), AT_ONCE):
                part = materials[start : start + AT_ONCE]
                index, away = _nearest(_fractions(part), self._shares, max(1, n_nearest))
                p = {name: self._probabilities(task, part) for name, task in self.tasks_.items()}
                answers += [
                    self._answer(m, index[i], float(away[i, 0]), {n: q[i] for n, q in p.items()})
                    for i, m in enumerate(part)
                ]
                advance(len(part))
        return answers

    def _answer(
        self,
        material: Description,
        nearest: NDArray[np.int64],
        distance: float,
        chances: dict[str, NDArray[np.float64]],
    ) -> MaterialAnswer:
        tasks = {}
        for name, task in self.tasks_.items():
            view, p = self._view(task, material), chances[name]
            inside = p >= task.thresholds(view, self.level)
            inside[int(p.argmax())] = True  # a set names one class at least
            order = np.argsort(-p, kind="stable")
            bins, accuracy = task.distances[view]
            tasks[name] = TaskAnswer(
                {task.classes[c]: float(p[c]) for c in order},
                tuple(task.classes[c] for c in order if inside[c]),
                self.level,
                float(accuracy[min(int(np.searchsorted(bins, distance)), len(accuracy) - 1)]),
                self._known(task, material),
            )
        rule = None
        if material.electrons is not None and material.space_group is not None:
            rule = filling_allows_insulator(material.space_group, material.electrons)
        first = next(iter(self.tasks_.values()))
        return MaterialAnswer(
            material, self._view(first, material), tasks, distance,
            tuple((self._materials[i].name, self._labels(i)) for i in nearest.tolist()),
            self._outside(material), rule,
        )  # fmt: skip

    def _labels(self, index: int) -> dict[str, str]:
        return {
            name: task.classes[task.labels[index]]
            for name, task in self.tasks_.items()
            if task.labels[index] >= 0
        }

    def _known(self, task: Task, one: Description) -> str | None:
        place = self._places.get((one.composition, one.space_group))
        if place is None or task.labels[place] < 0:
            return None
        return task.classes[int(task.labels[place])]

    def _outside(self, material: Description) -> str:
        seen = np.asarray(self._shares.any(axis=0))
        strange = [SYMBOLS[z] for z, _ in material.composition if not seen[z]]
        if strange:
            return f"no training material holds {', '.join(strange)}"
        return ""

    def summary(self) -> str:
        """One line: what was learned from, and the accuracy on what was held out."""
        self._require_fit()
        parts = []
        for name, task in self.tasks_.items():
            for view, found in task.scores.items():
                parts.append(f"{name} from {view} {found['accuracy']:.3f}")
        split = "a random split" if self.group_by == "none" else f"unseen {self.group_by}s"
        source = f" ({self.card_['source']})" if self.card_["source"] else ""
        return (
            f"model: {self.card_['materials']} materials{source}; held-out accuracy on {split}:"
            f" {', '.join(parts)}"
        )

    def report(self) -> str:
        """Scores on held-out folds, for each task and view.

        Returns
        -------
        str
            Lines of text.
        """
        self._require_fit()
        split = "at random, which flatters" if self.group_by == "none" else f"by {self.group_by}"
        source = self.card_["source"] or "unknown source"
        lines = [
            f"boosted trees, trained on {self.card_['materials']} materials: {source}",
            f"  held-out folds: {FOLDS}, {split}",
        ]
        for name, task in self.tasks_.items():
            lines.append(f"  {name}: {', '.join(task.classes)}")
            for view, found in task.scores.items():
                lines.append(
                    f"    from {view}: accuracy {found['accuracy']:.4f} (majority"
                    f" {found['majority']:.4f}), macro F1 {found['macro_f1']:.4f}, log loss"
                    f" {found['log_loss']:.4f}, calibration error {found['calibration_error']:.4f}"
                )
        return "\n".join(lines)

    # -- files

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the model to one `.npz` file, whole or not at all.

        Parameters
        ----------
        path : str or Path
            File; an earlier model of this name is replaced.
        force : bool, optional
            Also replace a file that is no such model.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OutputError
            If it cannot be written, or another file has this name.
        """
        self._require_fit()
        arrays: dict[str, NDArray[Any]] = {"shares": self._amounts()}
        head: dict[str, Any] = {
            "format": FORMAT, "version": VERSION, "settings": self.get_params(),
            "card": self.card_, "names": [m.name for m in self._materials],
            "groups": [m.space_group for m in self._materials], "tasks": [],
        }  # fmt: skip
        for t, task in enumerate(self.tasks_.values()):
            head["tasks"].append(
                {
                    "name": task.name, "classes": task.classes, "views": list(task.trees),
                    "temperature": task.temperature, "scores": task.scores,
                }
            )  # fmt: skip
            arrays[f"{t}/labels"] = task.labels.astype(np.int16)
            for v, view in enumerate(task.trees):
                arrays |= task.trees[view].to_arrays(f"{t}/{v}/")
                for c, misfit in enumerate(task.misfits[view]):
                    arrays[f"{t}/{v}/misfit{c}"] = misfit.astype(np.float32)
                arrays[f"{t}/{v}/bins"], arrays[f"{t}/{v}/accuracy"] = task.distances[view]
        arrays["head"] = np.frombuffer(json.dumps(head).encode(), np.uint8)
        with (
            complete_file(path, ours=is_model, force=force) as partial,
            partial.open("wb") as stream,
        ):
            np.savez_compressed(stream, allow_pickle=False, **arrays)
        return Path(path)

    def _amounts(self) -> NDArray[np.float32]:
        """Rows (material, atomic number, amount)."""
        return np.array(
            [
                (row, z, amount)
                for row, one in enumerate(self._materials)
                for z, amount in one.composition
            ],
            np.float32,
        )

    @classmethod
    def load(cls, path: str | Path) -> MaterialsModel:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        MaterialsModel
            Ready to predict.

        Raises
        ------
        CheckpointError
            If it is missing, damaged, or of another kind or version.
        """
        try:
            arrays = read_npz(path)
            return cls._from_parts(json.loads(bytes(arrays["head"])), arrays)
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError,
                CheckpointError, InputError) as error:  # fmt: skip
            reason = " ".join(str(error).split()).rstrip(".")[:200]
            raise CheckpointError(
                f"Model `{path}` must be a file that `MaterialsModel.save` wrote, but cannot be"
                f" used: {reason or type(error).__name__}."
            ) from None

    @classmethod
    def _from_parts(cls, head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> MaterialsModel:
        if head.get("format") != FORMAT or head.get("version") != VERSION:
            raise CheckpointError(f"its format is not {FORMAT}, version {VERSION}")
        model = cls(**head["settings"])
        model._check_settings()
        rows: list[list[tuple[int, float]]] = [[] for _ in head["names"]]
        for row, z, amount in arrays["shares"].tolist():
            rows[int(row)].append((int(z), float(amount)))
        model._materials = [
            Description(str(name), tuple(composition), None if group is None else int(group))
            for name, composition, group in zip(head["names"], rows, head["groups"], strict=True)
        ]
        model._index()
        model.tasks_ = {}
        for t, task in enumerate(head["tasks"]):
            classes = tuple(str(c) for c in task["classes"])
            trees, misfits, distances = {}, {}, {}
            for v, view in enumerate(task["views"]):
                trees[view] = BoostedTrees.from_arrays(arrays, f"{t}/{v}/")
                misfits[view] = [
                    arrays[f"{t}/{v}/misfit{c}"].astype(np.float64) for c in range(len(classes))
                ]
                distances[view] = (arrays[f"{t}/{v}/bins"], arrays[f"{t}/{v}/accuracy"])
                if trees[view].n_classes != len(classes):
                    raise CheckpointError("trees and classes differ in number")
            labels = arrays[f"{t}/labels"].astype(np.int64)
            if labels.shape != (len(rows),) or labels.max(initial=-1) >= len(classes):
                raise CheckpointError("labels do not fit the materials")
            temperature = {view: float(x) for view, x in task["temperature"].items()}
            model.tasks_[str(task["name"])] = Task(
                str(task["name"]), classes, labels, trees, temperature, misfits, distances,
                task["scores"],
            )  # fmt: skip
        model.classes_ = np.array(next(iter(model.tasks_.values())).classes)
        model.card_ = dict(head["card"])
        return model

    @classmethod
    def pretrained(cls) -> MaterialsModel:
        """Load the model that is part of the package.

        Returns
        -------
        MaterialsModel
            Trained on the public list of A. Ma et al. [1]_ (MIT licence), labels of F. Tang et
            al. [2]_; `card_` has its scores.

        References
        ----------
        .. [1] A. Ma et al., Nano Lett. 23, 772 (2023).
        .. [2] F. Tang, H. C. Po, A. Vishwanath, X. Wan, Nature 566, 486 (2019).

        Examples
        --------
        >>> MaterialsModel.pretrained().tasks_["topology"].classes[0]
        'trivial'
        """
        return cls.load(Path(__file__).with_name("pretrained") / "topogivity.npz")


def is_model(path: Path) -> bool:
    """Whether a file is one that `MaterialsModel.save` wrote, perhaps of another version."""
    try:
        head = json.loads(bytes(read_npz(path, only="head")["head"]))
    except (OSError, ValueError, KeyError):
        return False
    return isinstance(head, dict) and head.get("format") == FORMAT


def _rows(X: Iterable[Any]) -> list[Any]:
    """Materials of a sequence, or rows of a table."""
    if hasattr(X, "to_dict") and hasattr(X, "columns"):
        return list(X.to_dict("records"))
    if isinstance(X, str | Path | Mapping):
        raise InputError(
            f"Argument `X` must be a sequence of materials, but is one: {X!r:.40}; use a list."
        )
    return list(X)


def _encode(
    name: str, labels: Iterable[Any], size: int
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names of classes, and numbers with -1 where a label is unknown."""
    values = list(labels)
    if len(values) != size:
        raise InputError(
            f"Labels of `{name}` must be one for each of {size} materials, but are {len(values)}."
        )
    words = ["" if v is None or v != v else str(v).strip() for v in values]  # noqa: PLR0124
    counts = {word: words.count(word) for word in sorted(set(words)) if word}
    if len(counts) < 2:
        raise InputError(
            f"Labels of `{name}` must have at least two classes, but have {len(counts)}."
        )
    rare = [word for word, n in counts.items() if n < 2]
    if rare:
        raise InputError(
            f"Class {rare[0]!r:.40} of `{name}` must have at least two materials, but has one;"
            " leave it out or merge it with another."
        )
    # the most frequent first, as a reader expects
    classes = tuple(sorted(counts, key=lambda word: (-counts[word], word)))
    number = {word: i for i, word in enumerate(classes)}
    return classes, np.array([number.get(word, -1) for word in words], np.int64)


def _nearest(
    shares: NDArray[np.float64], others: NDArray[np.float64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Nearest others and their distances: half the sum of differences of atomic shares."""
    k = min(k, len(others))
    index = np.zeros((len(shares), k), np.int64)
    away = np.zeros((len(shares), k))
    for row, one in enumerate(shares):
        there = np.flatnonzero(one)
        # only shared elements bring two compositions closer than 1
        common = np.minimum(others[:, there], one[there]).sum(1)
        near = np.argpartition(-common, k - 1)[:k]
        order = near[np.lexsort((near, -common[near]))]
        index[row], away[row] = order, np.maximum(1.0 - common[order], 0.0)
    return index, away
