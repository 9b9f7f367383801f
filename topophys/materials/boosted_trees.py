"""Gradient-boosted trees as arrays: trained by LightGBM, evaluated with NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._optional import load_extra, quiet
from topophys.errors import CheckpointError

__all__ = ["BoostedTrees", "train_trees"]

#: Settings of LightGBM that do not depend on the data.
SETTINGS: Final[Mapping[str, Any]] = {
    "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 20, "feature_fraction": 0.3,
    "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0, "max_bin": 127,
    "verbose": -1, "num_threads": 1, "deterministic": True, "force_col_wise": True,
}  # fmt: skip
#: Difference of the seeds of two members.
MEMBER_STEP: Final = 1009
#: Kinds of numbers in the arrays of trees.
KINDS: Final = {
    "feature": "i", "threshold": "f", "nan_left": "b", "left": "i", "right": "i", "value": "f",
    "roots": "i", "n_classes": "i", "n_features": "i",
}  # fmt: skip
#: Samples that go down the trees at once.
AT_ONCE: Final = 64


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """Trees of a multiclass classifier; tree t adds to the score of class t modulo their number."""

    feature: NDArray[np.int16]  # (nodes,) column that a node looks at
    threshold: NDArray[np.float64]  # (nodes,) at most this goes left
    nan_left: NDArray[np.bool_]  # (nodes,) where a missing value goes
    left: NDArray[np.int32]  # (nodes,) next node, or ~leaf
    right: NDArray[np.int32]  # (nodes,)
    value: NDArray[np.float64]  # (leaves,)
    roots: NDArray[np.int32]  # (trees,) first node of each tree, or ~leaf
    n_classes: int
    n_features: int

    def scores(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of the leaves that each sample reaches, for each class: logits."""
        # x of (S, f) -> (S, C)
        n_trees = len(self.roots)
        out = np.empty((len(x), self.n_classes))
        for start in range(0, len(x), AT_ONCE):
            part = np.ascontiguousarray(x[start : start + AT_ONCE])
            seen_by = part.ravel()
            # a row for each sample and tree: node that it stands at, and where its columns begin
            node = np.tile(self.roots, len(part))
            begins = np.repeat(np.arange(len(part)) * x.shape[1], n_trees)
            leaf = node.copy()
            under_way = np.flatnonzero(node >= 0)
            node, begins = node[under_way], begins[under_way]
            while len(node):
                seen = seen_by.take(begins + self.feature.take(node))
                left = seen <= self.threshold.take(node)
                missing = np.isnan(seen)
                left[missing] = self.nan_left.take(node[missing])
                node = np.where(left, self.left.take(node), self.right.take(node))
                leaf[under_way] = node
                inside = node >= 0  # most end long before the deepest leaf
                under_way, node, begins = under_way[inside], node[inside], begins[inside]
            reached = self.value.take(~leaf).reshape(len(part), -1, self.n_classes)
            out[start : start + len(part)] = reached.sum(1)
        return out

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Arrays to store, under names that begin with a prefix."""
        return {prefix + f.name: np.asarray(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> BoostedTrees:
        """Read what `to_arrays` gave; whatever does not describe trees is refused."""
        made: dict[str, Any] = {f.name: arrays[prefix + f.name] for f in fields(cls)}
        if any(made[name].dtype.kind not in kinds for name, kinds in KINDS.items()) or any(
            made[name].ndim for name in ("n_classes", "n_features")
        ):
            raise CheckpointError("Trees must be arrays of numbers, but are something else.")
        made |= {name: int(made[name]) for name in ("n_classes", "n_features")}
        trees = cls(**made)
        trees._check()
        return trees

    def _check(self) -> None:
        nodes, leaves = len(self.feature), len(self.value)
        arrays = (self.feature, self.threshold, self.nan_left, self.left, self.right)
        children = np.concatenate([self.left, self.right, self.roots])
        inside = bool(children.size) and -leaves <= children.min() and children.max() < nodes
        # a child stands behind its parent, so that every path ends
        forward = all(
            ((child < 0) | (child > np.arange(nodes))).all() for child in (self.left, self.right)
        )
        if (
            any(a.ndim != 1 or len(a) != nodes for a in arrays)
            or self.value.ndim != 1
            or not inside
            or not forward
            or self.n_classes < 2
            or len(self.roots) % self.n_classes
            or (nodes and not 0 <= self.feature.min() <= self.feature.max() < self.n_features)
            or not (np.isfinite(self.threshold).all() and np.isfinite(self.value).all())
        ):
            raise CheckpointError("Trees must have nodes that lead to leaves, but do not.")


def train_trees(
    x: NDArray[np.float64],
    y: NDArray[np.int64],
    *,
    n_classes: int,
    n_trees: int,
    seed: int,
    n_members: int = 1,
) -> BoostedTrees:
    """Train LightGBM on classes 0 to C - 1; a column may hold NaN where a value is missing.

    Several members are boosted with other random numbers each; their scores are averaged.
    """
    lightgbm = load_extra("lightgbm", "materials")
    settings = {**SETTINGS, "objective": "multiclass", "num_class": n_classes}
    columns: dict[str, list[Any]] = {
        name: [] for name in ("feature", "threshold", "nan_left", "left", "right", "value", "roots")
    }
    for member in range(n_members):
        settings["seed"] = (seed + MEMBER_STEP * member) % 2**31
        with quiet():
            data = lightgbm.Dataset(x, y, params={"max_bin": settings["max_bin"], "verbose": -1})
            model = lightgbm.train(settings, data, num_boost_round=n_trees).dump_model()
        for tree in model["tree_info"]:
            columns["roots"].append(_append(tree["tree_structure"], columns))
    kinds = {
        "feature": np.int16,
        "threshold": np.float64,
        "nan_left": np.bool_,
        "value": np.float64,
    }
    arrays: dict[str, Any] = {
        name: np.array(c, kinds.get(name, np.int32)) for name, c in columns.items()
    }
    arrays["value"] /= n_members
    return BoostedTrees(**arrays, n_classes=n_classes, n_features=x.shape[1])


def _append(node: dict[str, Any], columns: dict[str, list[Any]]) -> int:
    """Write a node and all below it; return its number, or ~leaf."""
    if "leaf_value" in node:
        columns["value"].append(node["leaf_value"])
        return ~(len(columns["value"]) - 1)
    here = len(columns["feature"])
    threshold = float(node["threshold"])
    known = node["missing_type"] == "NaN"
    columns["feature"].append(node["split_feature"])
    columns["threshold"].append(threshold)
    # without missing values in training LightGBM reads NaN as zero
    columns["nan_left"].append(bool(node["default_left"]) if known else threshold >= 0.0)
    columns["left"].append(0)
    columns["right"].append(0)
    for side in ("left", "right"):
        columns[side][here] = _append(node[f"{side}_child"], columns)
    return here
