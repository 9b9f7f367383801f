"""Materials that are alike: classes of those of the same prototype as features, and distances."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

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


class SimilarMaterials:
    """Labelled materials by prototype (space group and anonymous formula)."""

    def __init__(
        self,
        materials: Sequence[Description],
        labels: NDArray[np.int64],
        groups: Sequence[str],
        n_classes: int,
    ) -> None:
        self.n_classes = n_classes
        self._groups = np.asarray(groups, dtype=str)
        self._known = np.eye(n_classes)[labels]
        self._share = self._known.mean(0)
        self._rows: dict[str, list[int]] = {}
        for row, one in enumerate(materials):
            self._rows.setdefault(one.prototype, []).append(row)
        self._spots = {
            name: np.array([_coordinates(materials[row]) for row in rows])
            for name, rows in self._rows.items()
        }

    def columns(
        self, materials: Sequence[Description], groups: Sequence[str]
    ) -> NDArray[np.float64]:
        """Classes of similar materials outside the own group; NaN where there are none.

        For each reach h, with weights exp(-d^2 / 2h^2) of the distances d of elements: frequency of
        each class, and the logarithm of one plus the sum of the weights; last the least distance.
        """
        out = np.full((len(materials), similar_width(self.n_classes)), np.nan)
        wanted: dict[str, list[int]] = {}
        for row, one in enumerate(materials):
            wanted.setdefault(one.prototype, []).append(row)
        own = np.asarray(groups, dtype=str)
        for name, asked in wanted.items():
            if name not in self._rows:
                continue
            rows = np.array(self._rows[name])
            spots = np.array([_coordinates(materials[row]) for row in asked])
            apart = ((spots[:, None] - self._spots[name]) ** 2).sum(-1)
            other = own[asked][:, None] != self._groups[rows]
            found = []
            for reach in REACHES:
                weight = np.where(other, np.exp(-apart / (2.0 * reach**2)), 0.0)
                total = weight.sum(1, keepdims=True)
                share = weight @ self._known[rows] + PRIOR * self._share
                found += [share / (total + PRIOR), np.log1p(total)]
            found.append(np.sqrt(np.where(other, apart, np.inf).min(1, keepdims=True)))
            some = other.any(1)
            out[np.array(asked)[some]] = np.hstack(found)[some]
        return out


def similar_columns(
    materials: Sequence[Description],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    n_classes: int,
    seed: int,
) -> NDArray[np.float64]:
    """Columns of training materials, each from those of the other of five folds.

    Leaving out the own group alone would tell the own label: of all members of a prototype the
    frequencies without a material are lowest in its own class.
    """
    if len(set(groups)) < FOLDS:
        return np.full((len(materials), similar_width(n_classes)), np.nan)
    out = np.zeros((len(materials), similar_width(n_classes)))
    fold = grouped_folds(groups, seed)
    for f in range(FOLDS):
        rest, inside = np.flatnonzero(fold != f).tolist(), np.flatnonzero(fold == f).tolist()
        known = SimilarMaterials(
            [materials[i] for i in rest], labels[rest], [groups[i] for i in rest], n_classes
        )
        out[inside] = known.columns([materials[i] for i in inside], [groups[i] for i in inside])
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
