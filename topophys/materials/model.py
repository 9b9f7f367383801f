"""Classes of materials from formulas, space groups or structures, with calibrated confidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._io import complete_file, read_npz
from topophys._optional import load_extra
from topophys._progress import track
from topophys.errors import CheckpointError, InputError, NotFittedError
from topophys.materials._model_file import (
    VIEWS,
    Task,
    features,
    fractions,
    is_model,
    mean_scores,
    packed,
    unpacked,
)
from topophys.materials.answers import DoubtfulLabel, MaterialAnswer, TaskAnswer
from topophys.materials.boosted_trees import BoostedTrees, train_trees
from topophys.materials.calibration import (
    FOLDS,
    accuracy_by_distance,
    best_calibration,
    classification_scores,
    grouped_folds,
)
from topophys.materials.description import (
    Description,
    describe,
    encoded,
    labels_of,
    rows_of,
    unanimous,
)
from topophys.materials.electron_counting import assumed_electrons, filling_allows_insulator
from topophys.materials.elements import SYMBOLS
from topophys.materials.similar import SimilarMaterials, nearest, similar_columns

__all__ = [
    "Description",
    "MaterialAnswer",
    "MaterialsModel",
    "TaskAnswer",
]

#: Materials predicted at once.
AT_ONCE: Final = 500
#: Share of the materials that must have similar ones for these to be learned from.
LEAST_SIMILAR: Final = 0.2

# ---- The model


class MaterialsModel:
    """Classifier of materials with the interface of scikit-learn.

    Boosted trees read the composition, what electron counting says of it, the space group where it
    is known, and for structures the electrons of the primitive cell; there are trees for formulas
    alone as well. Where the space group is known, a second set of trees also sees the classes of
    similar materials of the same prototype outside the own chemical system; probabilities are the
    mean of both sets. They are calibrated, and prediction sets sized, on folds that share no
    chemical system (or prototype) with the trees that predict them, so that what a model states of
    itself holds for unseen ones. The filling rule of structures is stated apart from the
    probabilities.

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
    n_members : int, optional
        Sets of trees, boosted with other random numbers each, whose scores are averaged. Time and
        size grow with their number.

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
        n_members: int = 1,
    ) -> None:
        self.group_by = group_by
        self.n_trees = n_trees
        self.level = level
        self.seed = seed
        self.n_members = n_members

    # -- manners of scikit-learn

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the settings, as scikit-learn asks for them."""
        return {
            "group_by": self.group_by, "n_trees": self.n_trees, "level": self.level,
            "seed": self.seed, "n_members": self.n_members,
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
        insulators: Sequence[str] = (),
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
        insulators : sequence of str, optional
            Labels of nonmagnetic band insulators. Where some materials are structures, trees of
            structures then learn from the others too, with the smallest primitive cell that the
            Wyckoff positions, and for these labels the filling rule, allow. What is reported is
            measured on structures only.
        progress : bool, optional
            Show a bar.

        Returns
        -------
        MaterialsModel
            Itself.

        Raises
        ------
        InputError
            If lengths differ, a material cannot be read, a task has fewer than two classes or a
            class fewer than two materials, or no task has a label of `insulators`.
        """
        self._check_settings()
        materials = [describe(m) for m in rows_of(X)]
        wanted = {"class": y} if not isinstance(y, Mapping) else dict(y)
        with_group = np.array([m.space_group is not None for m in materials])
        counted = any(m.electrons is not None for m in materials)
        views = list(VIEWS) if counted else list(VIEWS[: 1 + int(with_group.any())])
        wanted = {name: list(labels) for name, labels in wanted.items()}
        self._insulators = frozenset(labels_of(insulators, wanted))
        self._materials = materials
        self._index()
        self.tasks_: dict[str, Task] = {}
        self.held_out_: dict[str, NDArray[np.float64]] = {}
        x = {view: np.full((0, 0), np.nan) for view in views}
        for view in views:
            rows = np.arange(len(materials)) if view == VIEWS[0] else np.flatnonzero(with_group)
            made = features([materials[i] for i in rows.tolist()], view)
            x[view] = np.full((len(materials), made.shape[1]), np.nan)
            x[view][rows] = made
        with track(len(wanted) * len(views) * (FOLDS + 1), "train", progress) as advance:
            for name, labels in wanted.items():
                self.tasks_[name] = self._fit_task(name, labels, x, advance)
        self.classes_ = np.array(next(iter(self.tasks_.values())).classes)
        self.card_ = {
            "source": source, "group_by": self.group_by, "materials": len(materials),
            "scores": {name: task.scores for name, task in self.tasks_.items()},
        }  # fmt: skip
        return self

    def _index(self) -> None:
        """Look-up of training materials by composition, and by composition with space group."""
        self._shares = fractions(self._materials)
        self._has_group = np.array([m.space_group is not None for m in self._materials])
        self._has_electrons = np.array([m.electrons is not None for m in self._materials])
        self._places: dict[Any, list[int]] = {}
        self._seen: dict[tuple[str, str], NDArray[np.bool_]] = {}
        self._similar: dict[tuple[str, str], SimilarMaterials] = {}
        for i, m in enumerate(self._materials):
            self._places.setdefault((m.composition, m.space_group), []).append(i)

    def _check_settings(self) -> None:
        if self.group_by not in {"system", "prototype", "none"}:
            raise InputError(
                "Setting `group_by` must be 'system', 'prototype' or 'none', but is"
                f" {self.group_by!r:.40}."
            )
        if not 0.0 < self.level < 1.0:
            raise InputError(f"Setting `level` must be between 0 and 1, but is {self.level!r:.40}.")
        for name, most in (("n_trees", 10_000), ("seed", 2**31 - 1), ("n_members", 100)):
            number, least = getattr(self, name), int(name != "seed")
            known = isinstance(number, int | np.integer) and not isinstance(number, bool)
            if not known or not least <= number <= most:
                raise InputError(
                    f"Setting `{name}` must be an integer from {least} to {most}, but is"
                    f" {number!r:.40}."
                )

    def _groups(self) -> list[str]:
        if self.group_by == "none":
            return [str(i) for i in range(len(self._materials))]
        return [getattr(m, self.group_by) for m in self._materials]

    def _kin(self, one: Description) -> str:
        """Name the group whose members are not counted among similar materials."""
        if self.group_by == "none":
            return f"{one.composition} {one.space_group}"
        return str(getattr(one, self.group_by))

    def _taught_similar(
        self, rows: NDArray[np.int64], y: NDArray[np.int64], n_classes: int, view: str
    ) -> NDArray[np.float64] | None:
        """Columns of similar materials to learn from; None where there is little to learn."""
        if view == VIEWS[0] or self.group_by == "prototype":
            return None  # no prototype without a space group; none in two folds
        materials = [self._materials[i] for i in rows.tolist()]
        made = similar_columns(materials, y[rows], self._kin, n_classes, self.seed)
        return made if np.isfinite(made[:, 0]).mean() >= LEAST_SIMILAR else None

    def _similar_of(
        self, rows: NDArray[np.int64], y: NDArray[np.int64], n_classes: int
    ) -> SimilarMaterials:
        materials = [self._materials[i] for i in rows.tolist()]
        return SimilarMaterials(materials, y[rows], self._kin, n_classes)

    def _learned_from(self, labels: NDArray[np.int64], view: str) -> NDArray[np.int64]:
        """Training materials that have a label, and what the view needs."""
        known = labels >= 0
        return np.flatnonzero(known if view == VIEWS[0] else known & self._has_group)

    def _measured_on(self, rows: NDArray[np.int64], view: str) -> NDArray[np.bool_]:
        """Which of some materials have all that the view may know: electrons of the cell too."""
        # trees of structures learn from materials without them as well, where the column is NaN
        return self._has_electrons[rows] if view == VIEWS[2] else np.ones(len(rows), np.bool_)

    def _fit_task(
        self, name: str, labels: Iterable[Any], x: dict[str, NDArray[np.float64]], advance: Any
    ) -> Task:
        classes, y = encoded(name, labels, len(self._materials))
        groups = self._groups()
        held_out = np.full((len(y), len(classes)), np.nan)
        n = len(classes)
        trees: dict[str, BoostedTrees] = {}
        second: dict[str, BoostedTrees] = {}
        calibration, misfits, distances, scores = {}, {}, {}, {}
        for view, columns in x.items():
            rows = self._learned_from(y, view)
            judged = self._measured_on(rows, view)
            if view != VIEWS[0] and len({groups[i] for i in rows[judged].tolist()}) < FOLDS:
                advance(FOLDS + 1)  # too few to measure how good they are
                continue
            fold = grouped_folds([groups[i] for i in rows.tolist()], self.seed)
            logits = np.zeros((len(rows), len(classes)))
            away = np.zeros(len(rows))
            taught = self._taught(columns, y, classes, view)
            for f in range(FOLDS):
                out = fold == f
                train, test = rows[~out], rows[out]
                one, two = self._both_trees(taught, train, y, n, view)
                asked = columns[test]
                if two:
                    known = self._similar_of(train, y, n)
                    others = [self._materials[i] for i in test.tolist()]
                    asked = np.hstack([asked, known.columns(others)])
                logits[out] = mean_scores(one, two, asked, view)
                away[out] = nearest(self._shares[test], self._shares[train], 1)[1][:, 0]
                advance(1)
            one, two = self._both_trees(taught, rows, y, n, view)
            trees |= one
            second |= two
            advance(1)
            rows, fold, logits, away = rows[judged], fold[judged], logits[judged], away[judged]
            calibration[view] = best_calibration(logits, y[rows])
            # what is reported is calibrated without the fold that it is measured on
            p = np.zeros_like(logits)
            for f in range(FOLDS):
                out = fold == f
                p[out] = best_calibration(logits[~out], y[rows][~out]).probabilities(logits[out])
            truth = y[rows]
            held_out[rows] = p  # the view with more information comes last
            scores[view] = classification_scores(p, truth)
            misfit = 1.0 - p[np.arange(len(rows)), truth]
            misfits[view] = [np.sort(misfit[truth == c]) for c in range(len(classes))]
            distances[view] = accuracy_by_distance(away, p.argmax(1) == truth)
        self.held_out_[name] = held_out
        return Task(name, classes, y, trees, second, calibration, misfits, distances, scores)

    def _both_trees(
        self,
        taught: NDArray[np.float64],
        rows: NDArray[np.int64],
        y: NDArray[np.int64],
        n_classes: int,
        view: str,
    ) -> tuple[dict[str, BoostedTrees], dict[str, BoostedTrees]]:
        """Trees of a view on its columns, and on these with those of similar materials."""
        x, similar = taught[rows], self._taught_similar(rows, y, n_classes, view)
        settings: dict[str, Any] = {
            "n_classes": n_classes, "n_trees": self.n_trees, "seed": self.seed,
            "n_members": self.n_members,
        }  # fmt: skip
        one = {view: train_trees(x, y[rows], **settings)}
        if similar is None:
            return one, {}
        return one, {view: train_trees(np.hstack([x, similar]), y[rows], **settings)}

    def _columns(
        self, task: Task, materials: Sequence[Description], view: str
    ) -> NDArray[np.float64]:
        """Return what the trees of a view see of materials."""
        x = features(materials, view)
        if view not in task.second:
            return x
        key = (task.name, view)
        if key not in self._similar:
            rows = self._learned_from(task.labels, view)
            self._similar[key] = self._similar_of(rows, task.labels, len(task.classes))
        return np.hstack([x, self._similar[key].columns(materials)])

    def _taught(
        self,
        columns: NDArray[np.float64],
        y: NDArray[np.int64],
        classes: tuple[str, ...],
        view: str,
    ) -> NDArray[np.float64]:
        """Columns to learn from: of structures, with assumed cells where none is known."""
        if view != VIEWS[2] or not self._insulators.intersection(classes):
            return columns
        out = columns.copy()
        for i in self._learned_from(y, view).tolist():
            one = self._materials[i]
            if one.electrons is None and one.space_group is not None:
                insulator = classes[y[i]] in self._insulators
                guess = assumed_electrons(one.composition, one.space_group, insulator=insulator)
                out[i] = features([replace(one, electrons=guess)], view)[0]
        return out

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
        materials = [describe(m) for m in rows_of(X)]
        return self._probabilities(chosen, materials)

    def _view(self, task: Task, material: Description) -> str:
        has = (True, material.space_group is not None, material.electrons is not None)
        best = next(v for v in (2, 1, 0) if all(has[: v + 1]) and VIEWS[v] in task.trees)
        return VIEWS[best]

    def _probabilities(self, task: Task, materials: Sequence[Description]) -> NDArray[np.float64]:
        out = np.zeros((len(materials), len(task.classes)))
        for view in VIEWS:
            rows = [i for i, m in enumerate(materials) if self._view(task, m) == view]
            if rows:
                x = self._columns(task, [materials[i] for i in rows], view)
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
        InputError
            If `other` gives one composition and space group several labels.
        NotFittedError
            If the model was loaded from a file, which does not hold the held-out probabilities.
        """
        chosen = self._task(task)
        if not hasattr(self, "held_out_"):
            raise NotFittedError(
                "Model must be trained by `fit` in this process to know held-out probabilities, but"
                " was loaded."
            )
        second, contradictions = unanimous((other or {}).items())
        if contradictions:
            raise InputError(
                "Argument `other` must give each composition and space group one label, but"
                f" {contradictions[0]}; leave it out."
            )
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
        """Predict, with all measures of uncertainty.

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
        materials = [describe(m) for m in rows_of(X)]
        answers: list[MaterialAnswer] = []
        with track(len(materials), "predict", progress and len(materials) > AT_ONCE) as advance:
            for start in range(0, len(materials), AT_ONCE):
                part = materials[start : start + AT_ONCE]
                index, away = nearest(fractions(part), self._shares, max(1, n_nearest))
                p = {name: self._probabilities(task, part) for name, task in self.tasks_.items()}
                far = {n: self._distances(t, part, away[:, 0]) for n, t in self.tasks_.items()}
                answers += [
                    self._answer(
                        m, index[i], float(away[i, 0]),
                        {n: (q[i], float(far[n][i])) for n, q in p.items()},
                    )
                    for i, m in enumerate(part)
                ]  # fmt: skip
                advance(len(part))
        return answers

    def _distances(
        self, task: Task, materials: Sequence[Description], to_any: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Distances to the nearest material from which a task learned in the view that is used."""
        out = to_any.copy()
        for view in task.trees:
            rows = self._learned_from(task.labels, view)
            mine = [i for i, m in enumerate(materials) if self._view(task, m) == view]
            if mine and len(rows) < len(self._materials):
                part = fractions([materials[i] for i in mine])
                out[mine] = nearest(part, self._shares[rows], 1)[1][:, 0]
        return out

    def _answer(
        self,
        material: Description,
        nearest: NDArray[np.int64],
        distance: float,
        chances: dict[str, tuple[NDArray[np.float64], float]],
    ) -> MaterialAnswer:
        tasks = {}
        for name, task in self.tasks_.items():
            view, (p, away) = self._view(task, material), chances[name]
            inside = p >= task.thresholds(view, self.level)
            inside[int(p.argmax())] = True  # a set names one class at least
            order = np.argsort(-p, kind="stable")
            bins, accuracy = task.distances[view]
            tasks[name] = TaskAnswer(
                {task.classes[c]: float(p[c]) for c in order},
                tuple(task.classes[c] for c in order if inside[c]),
                self.level,
                away,
                float(accuracy[np.searchsorted(bins, away)]) if away <= bins[-1] else None,
                self._known(task, material),
                task.scores[view]["accuracy"],
                f"{round(task.scores[view]['materials'])} materials, {self._split}",
            )
        rule = None
        if material.electrons is not None and material.space_group is not None:
            rule = filling_allows_insulator(material.space_group, material.electrons)
        first = next(iter(self.tasks_.values()))
        return MaterialAnswer(
            material, self._view(first, material), tasks, distance,
            tuple((self._materials[i].name, self._labels(i)) for i in nearest.tolist()),
            self._outside(material), rule, self._trained_on,
        )  # fmt: skip

    @property
    def _split(self) -> str:
        """What was new in the folds that measured."""
        return "a random split" if self.group_by == "none" else f"unseen {self.group_by}s"

    @property
    def _trained_on(self) -> str:
        source = f" ({self.card_['source']})" if self.card_["source"] else ""
        return f"{self.card_['materials']} materials{source}"

    def _labels(self, index: int) -> dict[str, str]:
        return {
            name: task.classes[task.labels[index]]
            for name, task in self.tasks_.items()
            if task.labels[index] >= 0
        }

    def _known(self, task: Task, one: Description) -> str | None:
        """Label that all training materials with this formula and space group have."""
        if one.substituted:
            return None
        places = self._places.get((one.composition, one.space_group), [])
        known = {int(task.labels[i]) for i in places} - {-1}
        return task.classes[known.pop()] if len(known) == 1 else None

    def _outside(self, material: Description) -> str:
        reasons: dict[str, list[str]] = {}
        for name, task in self.tasks_.items():
            seen = self._seen_by(task, self._view(task, material))
            strange = [SYMBOLS[z] for z, _ in material.composition if not seen[z]]
            if strange:
                reasons.setdefault(", ".join(strange), []).append(name)
        if list(reasons.values()) == [list(self.tasks_)]:
            return f"no training material holds {next(iter(reasons))}"
        return "; ".join(
            f"no training material of {', '.join(names)} holds {strange}"
            for strange, names in reasons.items()
        )

    def _seen_by(self, task: Task, view: str) -> NDArray[np.bool_]:
        """Elements, by atomic number, in the materials that a task learned from in a view."""
        if (task.name, view) not in self._seen:
            rows = self._learned_from(task.labels, view)
            self._seen[task.name, view] = np.asarray(self._shares[rows].any(axis=0))
        return self._seen[task.name, view]

    def summary(self) -> str:
        """One line: what was learned from, and the accuracy on what was held out."""
        self._require_fit()
        parts = []
        for name, task in self.tasks_.items():
            for view, found in task.scores.items():
                parts.append(f"{name} from {view} {found['accuracy']:.3f}")
        return f"model: {self._trained_on}; held-out accuracy on {self._split}: {', '.join(parts)}"

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
            for view, needed in zip(VIEWS[1:], ("a space group", "a structure"), strict=True):
                known = int(self._measured_on(self._learned_from(task.labels, view), view).sum())
                if known and view not in task.trees:
                    lines.append(
                        f"    from {view}: not trained, {known} materials with {needed} are"
                        " too few to measure how good it is"
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
        head: dict[str, Any] = {"settings": self.get_params(), "card": self.card_}
        arrays = packed(head, self._materials, list(self.tasks_.values()))
        with (
            complete_file(path, ours=is_model, force=force) as partial,
            partial.open("wb") as stream,
        ):
            np.savez_compressed(stream, allow_pickle=False, **arrays)
        return Path(path)

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
            settings, card, materials, tasks = unpacked(read_npz(path))
            model = cls(**settings)
            model._check_settings()
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError,
                OverflowError, CheckpointError, InputError) as error:  # fmt: skip
            reason = " ".join(str(error).split()).rstrip(".")[:200]
            if isinstance(error, KeyError):
                reason = f"it has no entry {reason}"
            raise CheckpointError(
                f"Model `{path}` must be a file that `MaterialsModel.save` wrote, but cannot be"
                f" used: {reason or type(error).__name__}."
            ) from None
        model._materials = materials
        model._index()
        model.tasks_ = {task.name: task for task in tasks}
        model.classes_ = np.array(tasks[0].classes)
        model.card_ = card
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
