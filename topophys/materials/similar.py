"""Materials that are alike: classes of those of the same prototype as features, and distances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys.materials.calibration import FOLDS, grouped_folds
from topophys.materials.description import Description
from topophys.materials.elements import MEASURED, SYMBOLS, element_features, raw_properties

__all__ = ["SimilarMaterials", "nearest", "similar_columns", "similar_width"]

#: What makes elements alike: differences of electronegativity, radius (angstrom), valence electrons
#: and period that count as one.
SCALES: Final = (0.7, 0.5, 0.35, 2.0)
#: Distances within which materials count as similar.
REACHES: Final = (0.8, 1.6)
#: Weight of the frequencies of all classes beside those of similar materials.
PRIOR: Final = 0.5


@cache
def _elements() -> NDArray[np.float64]:
    """Coordinates of the elements, by atomic number."""
    properties = raw_properties()
    kinds = element_features(np.arange(len(SYMBOLS)))
    columns = [
        properties[: len(SYMBOLS), MEASURED.index("X")],
        properties[: len(SYMBOLS), MEASURED.index("atomic_radius")],
        kinds[:, 2], kinds[:, 0],
    ]  # fmt: skip
    return np.column_stack(columns) / SCALES


def _coordinates(one: Description) -> NDArray[np.float64]:
    """Coordinates of a material among those of its prototype: its elements, by amount.

    Elements of equal amount are in the order of their electronegativity.
    """
    chi = raw_properties()[:, MEASURED.index("X")]
    parts = sorted((amount, float(chi[z]), z) for z, amount in one.composition)
    share = np.array([amount for amount, _, _ in parts])
    weight = np.sqrt(len(parts) * share / share.sum())
    return np.asarray((_elements()[[z for _, _, z in parts]] * weight[:, None]).ravel())


def similar_width(n_classes: int) -> int:
    """Columns of `SimilarMaterials.columns`."""
    return len(REACHES) * (n_classes + 1) + 1


@dataclass(frozen=True, eq=False)
class _Prototype:
    """Members of a prototype: rows, coordinates and groups."""

    rows: NDArray[np.int64]
    spots: NDArray[np.float64]
    groups: NDArray[Any]


class SimilarMaterials:
    """Labelled materials by prototype (space group and anonymous formula).

    `group` names the group of a material; its own group is not counted among similar ones.
    """

    def __init__(
        self,
        materials: Sequence[Description],
        labels: NDArray[np.int64],
        group: Callable[[Description], str],
        n_classes: int,
    ) -> None:
        self.n_classes = n_classes
        self._materials, self._group = materials, group
        self._known = np.eye(n_classes)[labels]
        self._share = self._known.mean(0)
        # prototypes are sorted out when they are asked for: one answer needs one of thousands
        self._of_space_group: dict[int | None, list[int]] = {}
        for row, one in enumerate(materials):
            self._of_space_group.setdefault(one.space_group, []).append(row)
        self._prototypes: dict[str, _Prototype] = {}
        self._sorted: set[int | None] = set()

    def _prototype(self, one: Description) -> _Prototype | None:
        if one.space_group not in self._sorted:
            rows: dict[str, list[int]] = {}
            for row in self._of_space_group.get(one.space_group, []):
                rows.setdefault(self._materials[row].prototype, []).append(row)
            for name, found in rows.items():
                members = [self._materials[row] for row in found]
                self._prototypes[name] = _Prototype(
                    np.array(found), np.array([_coordinates(m) for m in members]),
                    np.array([self._group(m) for m in members], dtype=str),
                )  # fmt: skip
            self._sorted.add(one.space_group)
        return self._prototypes.get(one.prototype)

    def columns(self, materials: Sequence[Description]) -> NDArray[np.float64]:
        """Classes of similar materials outside the own group; NaN where there are none.

        For each reach h, with weights exp(-d^2 / 2h^2) of the distances d of elements: frequency of
        each class, and the logarithm of one plus the sum of the weights; last the least distance.
        """
        out = np.full((len(materials), similar_width(self.n_classes)), np.nan)
        wanted: dict[str, list[int]] = {}
        for row, one in enumerate(materials):
            wanted.setdefault(one.prototype, []).append(row)
        for asked in wanted.values():
            kind = self._prototype(materials[asked[0]])
            if kind is None:
                continue
            spots = np.array([_coordinates(materials[row]) for row in asked])
            own = np.array([self._group(materials[row]) for row in asked], dtype=str)
            apart = ((spots[:, None] - kind.spots) ** 2).sum(-1)
            other = own[:, None] != kind.groups
            found = []
            for reach in REACHES:
                weight = np.where(other, np.exp(-apart / (2.0 * reach**2)), 0.0)
                total = weight.sum(1, keepdims=True)
                share = weight @ self._known[kind.rows] + PRIOR * self._share
                found += [share / (total + PRIOR), np.log1p(total)]
            found.append(np.sqrt(np.where(other, apart, np.inf).min(1, keepdims=True)))
            some = other.any(1)
            out[np.array(asked)[some]] = np.hstack(found)[some]
        return out


def similar_columns(
    materials: Sequence[Description],
    labels: NDArray[np.int64],
    group: Callable[[Description], str],
    n_classes: int,
    seed: int,
) -> NDArray[np.float64]:
    """Columns of training materials, each from those of the other of five folds.

    Leaving out the own group alone would tell the own label: of all members of a prototype the
    frequencies without a material are lowest in its own class.
    """
    groups = [group(one) for one in materials]
    if len(set(groups)) < FOLDS:
        return np.full((len(materials), similar_width(n_classes)), np.nan)
    out = np.zeros((len(materials), similar_width(n_classes)))
    fold = grouped_folds(groups, seed)
    for f in range(FOLDS):
        rest, inside = np.flatnonzero(fold != f).tolist(), np.flatnonzero(fold == f).tolist()
        known = SimilarMaterials([materials[i] for i in rest], labels[rest], group, n_classes)
        out[inside] = known.columns([materials[i] for i in inside])
    return out


def nearest(
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
