"""Why a model answers as it does: exact Shapley values, and contributions of elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._optional import NotebookText
from topophys._random import keyed_generator
from topophys.errors import InputError, NotFittedError
from topophys.materials._model_file import LEFT_OUT, LIST_BLOCKS, VIEWS, Task
from topophys.materials.calibration import FOLDS, grouped_folds
from topophys.materials.description import Description, describe
from topophys.materials.electron_counting import COUNTING_BLOCKS, WIDTHS
from topophys.materials.elements import SYMBOLS
from topophys.materials.features import list_features
from topophys.materials.lists import ListedMaterial
from topophys.materials.model import MaterialsModel

__all__ = ["ElementContributions", "Explanation", "element_contributions", "explain"]

#: What is explained together: blocks of features by the question that they answer.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "elements": ("fractions", "statistics", "properties"),
    "space group": ("space group", "symmetry", "indicator", "wyckoff"),
    "electron count": ("electrons", "filling"),
    "oxidation states": ("oxidation",),
    "electronegativity": ("electronegativity",),
    "shells and spin-orbit coupling": ("shells",),
    "electrons of the cell": ("cell",),
}
#: What the second set of trees sees beyond these.
SIMILAR: Final = "similar materials"
#: Training materials that stand for "not known".
BACKGROUND: Final = 16


@dataclass(frozen=True)
class Explanation(NotebookText):
    """Contributions of the inputs to the score of a class.

    Attributes
    ----------
    material : Description
        The material.
    label : str
        The class that is explained.
    contributions : dict of str to float
        Shapley value of each kind of information, in units of the calibrated score (log-odds up
        to a constant); they sum to `score - baseline`.
    score, baseline : float
        Of the material, and the mean over the background: logarithm of the calibrated
        probability of the class, less the mean logarithm of all classes.
    """

    material: Description
    label: str
    contributions: dict[str, float]
    score: float
    baseline: float

    def __repr__(self) -> str:
        lines = [f"{self.material.name}: {self.label}, score {self.score:+.2f}, of which"]
        lines.append(f"  {self.baseline:+.2f}  mean of the background")
        for kind, value in sorted(self.contributions.items(), key=lambda part: -abs(part[1])):
            lines.append(f"  {value:+.2f}  {kind}")
        return "\n".join(lines)


def _columns(view: str) -> dict[str, list[int]]:
    """Columns of each kind of information in the features of a view."""
    salt = ListedMaterial("NaCl", ((11, 1.0), (17, 1.0)), 225, 0)
    widths = [
        (b, list_features([salt], (b,), one_hot=False).shape[1]) for b in LIST_BLOCKS[view]
    ] + [(b, WIDTHS[b]) for b in COUNTING_BLOCKS if b not in LEFT_OUT[view]]
    found: dict[str, list[int]] = {}
    start = 0
    for block, width in widths:
        kind = next(k for k, blocks in KINDS.items() if block in blocks)
        found.setdefault(kind, []).extend(range(start, start + width))
        start += width
    return found


def explain(
    model: MaterialsModel,
    material: Any,
    label: str | None = None,
    *,
    task: str | None = None,
    seed: int = 0,
) -> Explanation:
    r"""Attribute the score of a class to the kinds of information that the trees see.

    With the kinds :math:`N` (elements, space group, electron count and so on) and :math:`v(S)` the
    mean score when the kinds in :math:`S` are those of the material and the others those of a
    training material, over a background of 16 of these,

    .. math:: \phi_i = \sum_{S \subseteq N \setminus \{i\}}
        \frac{|S|!\,(|N| - |S| - 1)!}{|N|!} \bigl(v(S \cup \{i\}) - v(S)\bigr)

    summed over all subsets: exact for this background, no sampling of subsets.

    Parameters
    ----------
    model : MaterialsModel
        Trained.
    material : object
        Anything that `describe` reads.
    label : str, optional
        Class to explain; the most probable one by default.
    task : str, optional
        Name of the task; the first by default.
    seed : int, optional
        Of the choice of the background.

    Returns
    -------
    Explanation
        Contributions, which sum to the score less the baseline.

    Raises
    ------
    InputError
        If there is no such class or task, or the material cannot be read.
    NotFittedError
        If the model was not trained.

    References
    ----------
    .. [1] L. S. Shapley, A value for n-person games, Contributions to the Theory of Games II, 307
       (1953).
    .. [2] S. M. Lundberg, S.-I. Lee, Advances in Neural Information Processing Systems 30 (2017).

    Examples
    --------
    >>> why = explain(MaterialsModel.pretrained(), "Bi2Se3:166")
    >>> why.label
    'topological insulator'
    >>> abs(sum(why.contributions.values()) - (why.score - why.baseline)) < 1e-9
    True
    """
    if not hasattr(model, "tasks_"):
        raise NotFittedError("Model must be trained, by `fit` or `load`, but is not.")
    chosen = model._task(task)
    one = describe(material)
    view = model._view(chosen, one)
    x = model._columns(chosen, [one], view)[0]
    p = chosen.probabilities(x[None], view)[0]
    if label is not None and label not in chosen.classes:
        raise InputError(
            f"Argument `label` must be one of {', '.join(chosen.classes)}, but is {label!r:.40}."
        )
    place = int(p.argmax()) if label is None else chosen.classes.index(label)
    background = model._columns(chosen, _background(model, chosen, view, seed), view)
    kinds = _columns(view)
    if view in chosen.second:
        kinds[SIMILAR] = list(range(sum(map(len, kinds.values())), len(x)))
    names = list(kinds)
    values = _values(chosen, view, x, background, kinds, place)
    contributions = {}
    n = len(names)
    for i, name in enumerate(names):
        rest = [j for j in range(n) if j != i]
        total = 0.0
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for some in combinations(rest, size):
                total += weight * (values[frozenset({*some, i})] - values[frozenset(some)])
        contributions[name] = total
    full, empty = values[frozenset(range(n))], values[frozenset()]
    return Explanation(one, chosen.classes[place], contributions, full, empty)


def _background(model: MaterialsModel, task: Task, view: str, seed: int) -> list[Description]:
    """Training materials drawn at random among those that the view can describe."""
    rows = model._learned_from(task.labels, view)
    if view == VIEWS[2]:
        judged = model._measured_on(rows, view)
        rows = rows[judged] if judged.any() else rows
    drawn = keyed_generator(seed, 1).choice(rows, min(BACKGROUND, len(rows)), replace=False)
    return [model._materials[i] for i in np.sort(drawn).tolist()]


def _values(
    task: Task,
    view: str,
    x: np.ndarray[Any, np.dtype[np.float64]],
    background: np.ndarray[Any, np.dtype[np.float64]],
    kinds: Mapping[str, list[int]],
    place: int,
) -> dict[frozenset[int], float]:
    """Mean score with each subset of the kinds known."""
    names, rows, subsets = list(kinds), [], []
    for size in range(len(names) + 1):
        for some in combinations(range(len(names)), size):
            mixed = background.copy()
            for i in some:
                mixed[:, kinds[names[i]]] = x[kinds[names[i]]]
            rows.append(mixed)
            subsets.append(frozenset(some))
    scores = task.scores_of(np.concatenate(rows), view)
    scores = (scores - scores.mean(1, keepdims=True))[:, place]
    means = scores.reshape(len(subsets), len(background)).mean(1)
    return dict(zip(subsets, means.tolist(), strict=True))


# ---- Contributions of elements

#: Strength of the quadratic penalty that keeps rare elements near zero.
PENALTY: Final = 1.0
#: Steps of Newton's method; a dozen suffice.
STEPS: Final = 50


@dataclass(frozen=True)
class ElementContributions:
    """How much each element speaks for a class, in a linear model of the composition.

    Attributes
    ----------
    label : str
        The class.
    values : dict of str to float
        Contribution of each element that the training materials hold, in log-odds for a material
        of this element alone; positive speaks for the class.
    counts : dict of str to int
        Training materials that hold the element.
    held_out_accuracy, majority : float
        Share of right answers (the class or not) of such linear models about groups that they did
        not see, and of the more frequent answer alone: how much to believe.
    """

    label: str
    values: dict[str, float]
    counts: dict[str, int]
    held_out_accuracy: float
    majority: float

    def of(self, material: Any) -> dict[str, float]:
        """Contributions of the elements of a material, which sum to its log-odds.

        Parameters
        ----------
        material : object
            Anything that `describe` reads.

        Returns
        -------
        dict of str to float
            Share of the atoms times the value of each element.

        Raises
        ------
        InputError
            If it holds an element that no training material holds.
        """
        one = describe(material)
        total = sum(amount for _, amount in one.composition)
        strange = [SYMBOLS[z] for z, _ in one.composition if SYMBOLS[z] not in self.values]
        if strange:
            raise InputError(
                f"Material must hold elements of the training materials, but holds"
                f" {', '.join(strange)}."
            )
        return {SYMBOLS[z]: self.values[SYMBOLS[z]] * n / total for z, n in one.composition}


def element_contributions(
    model: MaterialsModel, label: str | None = None, *, task: str | None = None
) -> ElementContributions:
    r"""Fit a linear model of the composition to the training materials: one number per element.

    .. math:: \log \frac{p}{1 - p} = \sum_E f_E \tau_E

    with the share :math:`f_E` of the atoms that are of element E, by logistic regression with a
    quadratic penalty. For a class of topological materials :math:`\tau_E` is a "topogivity" [1]_.
    It is a picture of the labels, not what the trees of the model compute: `explain` says that.

    Parameters
    ----------
    model : MaterialsModel
        Trained.
    label : str, optional
        The class; the first one against the rest, turned round, by default: for the model of the
        package "not trivial".
    task : str, optional
        Name of the task; the first by default.

    Returns
    -------
    ElementContributions
        Values by element, and how often such a model is right about unseen groups.

    Raises
    ------
    InputError
        If there is no such class or task, or too few groups to measure.
    NotFittedError
        If the model was not trained.

    References
    ----------
    .. [1] A. Ma et al., Nano Lett. 23, 772 (2023).

    Examples
    --------
    >>> found = element_contributions(MaterialsModel.pretrained())
    >>> found.label
    'not trivial'
    >>> found.values["Bi"] > 0 > found.values["F"]
    True
    """
    if not hasattr(model, "tasks_"):
        raise NotFittedError("Model must be trained, by `fit` or `load`, but is not.")
    chosen = model._task(task)
    if label is not None and label not in chosen.classes:
        raise InputError(
            f"Argument `label` must be one of {', '.join(chosen.classes)}, but is {label!r:.40}."
        )
    rows = np.flatnonzero(chosen.labels >= 0)
    place = 0 if label is None else chosen.classes.index(label)
    y = (chosen.labels[rows] == place) == (label is not None)
    share = model._shares[rows]
    held = np.flatnonzero(share.any(0))
    x = share[:, held]
    groups = model._groups()
    fold = grouped_folds([groups[i] for i in rows.tolist()], model.seed)
    right = np.zeros(len(rows), np.bool_)
    for f in range(FOLDS):
        out = fold == f
        right[out] = (x[out] @ _logistic(x[~out], y[~out]) > 0.0) == y[out]
    values = _logistic(x, y)
    return ElementContributions(
        f"not {chosen.classes[0]}" if label is None else label,
        {SYMBOLS[z]: float(v) for z, v in zip(held, values, strict=True)},
        {SYMBOLS[z]: int((share[:, z] > 0.0).sum()) for z in held},
        float(right.mean()),
        float(max(y.mean(), 1.0 - y.mean())),
    )


def _logistic(x: NDArray[np.float64], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Coefficients of a logistic regression without a constant, by Newton's method."""
    value = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 0.5 * (1.0 + np.tanh(0.5 * (x @ value)))
        slope = x.T @ (p - y) + PENALTY * value
        bend = (x * (p * (1.0 - p))[:, None]).T @ x + PENALTY * np.eye(len(value))
        step = np.linalg.solve(bend, slope)
        value = value - step
        if np.abs(step).max() < 1e-9:
            break
    return value
