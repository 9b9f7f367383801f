"""What a training learns from: its batches, its validation split, and where both are from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from topophys.datasets import Dataset, Recipe, draw_shard
from topophys.datasets.schema import shards
from topophys.errors import RecipeError
from topophys.learn.config import FitConfig
from topophys.learn.registry import READERS
from topophys.learn.sources import (
    LOCAL_FIELDS,
    Batch,
    FromDisk,
    FromMemory,
    FromRecipe,
    Source,
)

__all__ = ["Lessons", "Taught", "prepare_lessons"]

#: What a training can learn from: a data set, or a recipe whose samples are drawn on the way.
Taught: TypeAlias = Dataset | Recipe


@dataclass(frozen=True, eq=False)
class Lessons:
    """What a training learns from.

    Attributes
    ----------
    kind : str
        Kind of data set.
    train : Source
        Batches.
    val : Batch
        Validation split.
    shape : tuple of int
        Shape of one input.
    n_occupied : int
        Number of occupied bands.
    provenance : dict
        Name, place and digests of the data, whether inputs are flattened, and what was seen.
    """

    kind: str
    train: Source
    val: Batch
    shape: tuple[int, ...]
    n_occupied: int
    provenance: dict[str, Any]


def prepare_lessons(config: FitConfig, data: Taught) -> Lessons:
    """Check that a network can learn from the data with these settings, and get them ready.

    Parameters
    ----------
    config : FitConfig
        Settings.
    data : Dataset or Recipe
        Data set, or recipe to draw from while training goes on.

    Returns
    -------
    Lessons
        Ready to be used; nothing is written.

    Raises
    ------
    RecipeError
        If the data are of a kind that no network reads, lack a split that the settings name, have
        too many classes for the network, or samples of another shape in the validation split.
    """
    recipe = data if isinstance(data, Recipe) else data.recipe
    _check_kind_and_splits(config, data, recipe)
    local = LOCAL_FIELDS[recipe.kind] if config.local_supervision else None
    if isinstance(data, Recipe):
        classes = tuple(sorted(recipe.part(config.train_split).classes))
        train: Source = FromRecipe(recipe, config.train_split, local)
        val = _drawn(recipe, config.val_split)
        place: dict[str, Any] = {"dataset_path": None, "dataset_manifest": None}
    else:
        split = data.split(config.train_split)
        classes = tuple(split.classes)
        train = _stored(config, data, local)
        val = _memory(data, config.val_split)
        manifest = str(data.attributes.get("manifest", ""))
        place = {"dataset_path": str(data.path.resolve()), "dataset_manifest": manifest}
    _check_classes(config, classes)
    _check_shapes(config, recipe)
    provenance = {
        "dataset": recipe.name,
        **place,
        "dataset_digest": recipe.digest,
        "kind": recipe.kind,
        "flattened_input": recipe.input.flatten,
        "classes_seen": list(classes),
        "train_samples": train.size,
        "drawn_on_the_way": isinstance(data, Recipe),
    }
    filled = recipe.hamiltonian.filled
    return Lessons(recipe.kind, train, val, tuple(val.x.shape[1:]), filled, provenance)


def _check_kind_and_splits(config: FitConfig, data: Taught, recipe: Recipe) -> None:
    if recipe.kind not in READERS:
        raise RecipeError(
            f"Argument `data` must be of a kind that a network reads ({', '.join(READERS)}), but is"
            f" a data set of kind {recipe.kind!r}."
        )
    splits = data.splits if isinstance(data, Dataset) else tuple(s.name for s in recipe.split)
    for name in (config.train_split, config.val_split):
        if name not in splits:
            raise RecipeError(
                f"Training settings name the split `{name}`, but the data set has"
                f" {', '.join(splits)}."
            )


def _check_classes(config: FitConfig, classes: tuple[int, ...]) -> None:
    largest = max(map(abs, classes))
    if 2 * largest + 1 > config.encoder.num_classes:
        raise RecipeError(
            f"Training settings: `encoder.num_classes` must be at least {2 * largest + 1} for"
            f" labels up to {largest} in size, but is {config.encoder.num_classes}."
        )


def _check_shapes(config: FitConfig, recipe: Recipe) -> None:
    train, val = (recipe.part(name).grid for name in (config.train_split, config.val_split))
    if train != val:
        raise RecipeError(
            f"Training settings: `val_split` must lie on the grid {train} of `train_split`, but"
            f" `{config.val_split}` lies on {val}."
        )


def _stored(config: FitConfig, data: Dataset, local: str | None) -> Source:
    if not config.in_memory:
        return FromDisk(data.split(config.train_split), config.seed, local)
    return FromMemory(_memory(data, config.train_split, local), config.seed)


def _memory(data: Dataset, split: str, local: str | None = None) -> Batch:
    fields = ("x", "label") if local is None else ("x", "label", local)
    return _batch(*data.split(split).read(*fields))


def _drawn(recipe: Recipe, split: str) -> Batch:
    parts = [draw_shard(recipe, split, s).arrays for s in range(shards(recipe.part(split).size))]
    return _batch(*(np.concatenate([part[name] for part in parts]) for name in ("x", "label")))


def _batch(x: NDArray[Any], label: NDArray[Any], local: NDArray[Any] | None = None) -> Batch:
    return Batch(
        torch.from_numpy(np.ascontiguousarray(x, np.float32)),
        torch.from_numpy(label.astype(np.int64)),
        None if local is None else torch.from_numpy(local),
    )
