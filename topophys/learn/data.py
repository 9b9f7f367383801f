"""Training data: batches from memory, from disk or drawn on the fly; the validation split."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topophys._random import keyed_generator
from topophys.datasets import Dataset, Recipe, Split, draw_shard
from topophys.datasets.schema import SHARD_SIZE, shards
from topophys.datasets.tasks import OfEachTask
from topophys.errors import RecipeError
from topophys.learn.config import FitConfig
from topophys.learn.encoders.registry import READERS

__all__ = [
    "LOCAL_FIELDS",
    "Batch",
    "FromDisk",
    "FromMemory",
    "FromRecipe",
    "Lessons",
    "Source",
    "Taught",
    "prepare_lessons",
]


# ----------------------------------- Where batches come from: memory, disk, or the generator itself

#: Field with the exact local contributions to the invariant, by kind of data set.
LOCAL_FIELDS: Final = OfEachTask(lambda task: task.local_field)
#: Neighbours on disk that stay together, and how many such blocks are shuffled among themselves.
BLOCK: Final = 256
TOGETHER: Final = 64
#: Generated shards that are kept, so that a batch may reach over the end of one.
KEPT: Final = 4


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples of one step.

    Attributes
    ----------
    x : float32 tensor of shape (S, ...)
        Inputs.
    label : int64 tensor of shape (S,)
        Invariants.
    local : float64 tensor of shape (S, ...), optional
        Exact local contributions, where they were asked for.
    """

    x: Tensor
    label: Tensor
    local: Tensor | None = None

    def __len__(self) -> int:
        return len(self.label)


@runtime_checkable
class Source(Protocol):
    """What a trainer asks of its data.

    The batches of an epoch are a function of the epoch and of nothing else, so that training can
    continue from any step.

    Attributes
    ----------
    size : int
        Samples in an epoch.
    """

    size: int

    def batches(
        self, epoch: int, size: int, *, skip: int = 0, part: slice = slice(None)
    ) -> Iterator[Batch]:
        """Whole batches of one epoch.

        Parameters
        ----------
        epoch : int
            Which pass.
        size : int
            Samples per batch; the rest of the epoch is left out.
        skip : int, optional
            Batches to leave out at the beginning.
        part : slice, optional
            Samples of each batch to take, where several processes share the work.

        Returns
        -------
        iterator of Batch
            In order.
        """
        ...


def _picks(
    order: NDArray[np.int64], size: int, skip: int, part: slice
) -> Iterator[NDArray[np.int64]]:
    for step in range(skip, len(order) // size):
        yield order[step * size : (step + 1) * size][part]


class FromMemory:
    """A split that is held in memory; every epoch has a random order of its own.

    Parameters
    ----------
    samples : Batch
        The whole split.
    seed : int
        Seed of the orders.
    """

    def __init__(self, samples: Batch, seed: int) -> None:
        self.samples, self.seed, self.size = samples, seed, len(samples)

    def batches(
        self, epoch: int, size: int, *, skip: int = 0, part: slice = slice(None)
    ) -> Iterator[Batch]:
        """Whole batches of one epoch; see `Source`."""
        order = keyed_generator(self.seed, epoch).permutation(self.size)
        for pick in _picks(order, size, skip, part):
            chosen = torch.from_numpy(pick)
            local = self.samples.local
            yield Batch(
                self.samples.x[chosen],
                self.samples.label[chosen],
                None if local is None else local[chosen],
            )


class FromDisk:
    """A split that stays on disk, for data sets larger than the memory.

    Blocks of 256 neighbours come in random order and 64 of them are shuffled together, so that
    the samples of a batch lie near each other in the file.

    Parameters
    ----------
    split : Split
        The split.
    seed : int
        Seed of the orders.
    local : str, optional
        Field of local contributions to read along.
    """

    def __init__(self, split: Split, seed: int, local: str | None = None) -> None:
        self.split, self.seed, self.size = split, seed, len(split)
        self.fields = ("x", "label") if local is None else ("x", "label", local)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        rng = keyed_generator(self.seed, epoch)
        blocks = rng.permutation(-(-self.size // BLOCK))
        index = (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()
        index = index[index < self.size]
        stretch = BLOCK * TOGETHER
        groups = [index[i : i + stretch] for i in range(0, self.size, stretch)]
        return np.concatenate([rng.permutation(group) for group in groups])

    def batches(
        self, epoch: int, size: int, *, skip: int = 0, part: slice = slice(None)
    ) -> Iterator[Batch]:
        """Whole batches of one epoch; see `Source`."""
        for pick in _picks(self._order(epoch), size, skip, part):
            yield Batch(*map(torch.from_numpy, self.split.read(*self.fields, index=pick)))


class FromRecipe:
    """Samples drawn while training goes on: none is ever seen twice.

    The first shards are those of a data set made from the same recipe; later epochs go on with
    the shards that it would have if the split were larger.

    Parameters
    ----------
    recipe : Recipe
        What to draw.
    split : str
        Split to draw; its size, rounded up to whole shards of 2048, is that of an epoch.
    local : str, optional
        Field of local contributions to keep.
    """

    def __init__(self, recipe: Recipe, split: str, local: str | None = None) -> None:
        spec = recipe.part(split)
        self.shards = shards(spec.size)
        self.size = self.shards * SHARD_SIZE
        endless = [
            s.model_copy(update={"size": 10**10}) if s.name == split else s for s in recipe.split
        ]
        self.recipe = recipe.model_copy(update={"split": tuple(endless)})
        self.name, self.local = split, local
        self._drawn: OrderedDict[int, Batch] = OrderedDict()

    def _shard(self, number: int) -> Batch:
        if number not in self._drawn:
            arrays = draw_shard(self.recipe, self.name, number).arrays
            local = None if self.local is None else torch.from_numpy(arrays[self.local])
            x, label = (torch.from_numpy(arrays[name]) for name in ("x", "label"))
            self._drawn[number] = Batch(x.float(), label.long(), local)
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
        return self._drawn[number]

    def batches(
        self, epoch: int, size: int, *, skip: int = 0, part: slice = slice(None)
    ) -> Iterator[Batch]:
        """Whole batches of one epoch; see `Source`."""
        first = epoch * self.shards
        for step in range(skip, self.size // size):
            index = np.arange(step * size, (step + 1) * size)[part]
            shard, within = index // SHARD_SIZE, torch.from_numpy(index % SHARD_SIZE)
            picked = []
            for number in np.unique(shard).tolist():
                rows, drawn = within[torch.from_numpy(shard == number)], self._shard(first + number)
                local = None if drawn.local is None else drawn.local[rows]
                picked.append(Batch(drawn.x[rows], drawn.label[rows], local))
            yield _joined(picked)


def _joined(parts: list[Batch]) -> Batch:
    locals_ = [part.local for part in parts if part.local is not None]
    return Batch(
        torch.cat([part.x for part in parts]),
        torch.cat([part.label for part in parts]),
        torch.cat(locals_) if locals_ else None,
    )


# ---------- What a training learns from: its batches, its validation split, and where both are from

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
        Data set, or recipe to draw from while training continues.

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
        "flattened_input": recipe.input.flatten_bands,
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
