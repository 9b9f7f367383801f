"""Why a model answers as it does: exact Shapley values of what its trees see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any, Final

import numpy as np

from topophys._optional import NotebookText
from topophys._random import keyed_generator
from topophys.errors import InputError, NotFittedError
from topophys.materials._model_file import LEFT_OUT, LIST_BLOCKS, VIEWS, Task, features
from topophys.materials.description import Description, describe
from topophys.materials.electron_counting import COUNTING_BLOCKS, WIDTHS
from topophys.materials.features import list_features
from topophys.materials.lists import ListedMaterial
from topophys.materials.model import MaterialsModel

__all__ = ["Explanation", "explain"]

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
    x = features([one], view)[0]
    p = chosen.probabilities(x[None], view)[0]
    if label is not None and label not in chosen.classes:
        raise InputError(
            f"Argument `label` must be one of {', '.join(chosen.classes)}, but is {label!r:.40}."
        )
    place = int(p.argmax()) if label is None else chosen.classes.index(label)
    background = features(_background(model, chosen, view, seed), view)
    kinds = _columns(view)
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
    scores = task.trees[view].scores(np.concatenate(rows)) / task.temperature[view]
    scores = (scores - scores.mean(1, keepdims=True))[:, place]
    means = scores.reshape(len(subsets), len(background)).mean(1)
    return dict(zip(subsets, means.tolist(), strict=True))
