"""Training data: loaders of batches, and the validation split."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from topophys import _validation
from topophys._random import blocks_in_order, keyed_generator, shuffled_buffers
from topophys.datasets import Dataset, Recipe, Split, draw_shard
from topophys.datasets.schema import SHARD_SIZE, shards
from topophys.datasets.tasks import OfEachTask
from topophys.errors import RecipeError
from topophys.learn.config import FitConfig
from topophys.learn.encoders.registry import READERS

__all__ = [
    "LOCAL_FIELDS",
    "Batch",
    "BatchDataset",
    "DataSource",
    "InMemoryLoader",
    "Loader",
    "OnTheFlyLoader",
    "StreamingLoader",
    "TrainingData",
    "prepare_training_data",
]


# ---- Loaders

#: Field with the exact local contributions to the invariant, by kind of data set.
LOCAL_FIELDS: Final = OfEachTask(lambda task: task.local_field)
#: Consecutive samples on disk that are read together, and number of such blocks in the buffer
#: within which samples are shuffled.
BLOCK: Final = 256
BUFFER_BLOCKS: Final = 64
#: Number of generated shards that are cached, since a batch may extend over two of them.
CACHED_SHARDS: Final = 4


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples of one step."""

    x: Tensor  # (S, ...), inputs
    label: Tensor  # (S,), invariants
    local_targets: Tensor | None = None  # (S, ...), exact local contributions, if requested

    def __len__(self) -> int:
        return len(self.label)


@runtime_checkable
class Loader(Protocol):
    """Source of batches.

    The batches of an epoch depend on the epoch alone, so that training can resume at any step.
    """

    size: int  # samples per epoch

    def batches(
        self,
        epoch: int,
        size: int,
        *,
        skip: int = 0,
        stride: int = 1,
        rank_slice: slice = slice(None),
    ) -> Iterator[Batch]:
        """Every `stride`-th complete batch of an epoch from `skip` on, sliced for one rank."""
        ...


def _batch_indices(
    order: NDArray[np.int64], size: int, steps: slice, rank_slice: slice
) -> Iterator[NDArray[np.int64]]:
    for step in range(len(order) // size)[steps]:
        yield order[step * size : (step + 1) * size][rank_slice]


class InMemoryLoader:
    """A split held in memory, shuffled in every epoch by a key of seed and epoch."""

    def __init__(self, samples: Batch, seed: int) -> None:
        self.samples, self.seed, self.size = samples, seed, len(samples)

    def batches(
        self,
        epoch: int,
        size: int,
        *,
        skip: int = 0,
        stride: int = 1,
        rank_slice: slice = slice(None),
    ) -> Iterator[Batch]:
        """Complete batches of one epoch; see `Loader`."""
        order = keyed_generator(self.seed, epoch).permutation(self.size)
        for pick in _batch_indices(order, size, slice(skip, None, stride), rank_slice):
            chosen = torch.from_numpy(pick)
            local = self.samples.local_targets
            yield Batch(
                self.samples.x[chosen],
                self.samples.label[chosen],
                None if local is None else local[chosen],
            )


class StreamingLoader:
    """A split read from disk, for data sets larger than memory.

    Blocks of 256 consecutive samples are visited in random order, and samples are shuffled within
    a buffer of 64 blocks, so that a batch reads few places of the file.
    """

    def __init__(self, split: Split, seed: int, local: str | None = None) -> None:
        self.split, self.seed, self.size = split, seed, len(split)
        self.fields = ("x", "label") if local is None else ("x", "label", local)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        rng = keyed_generator(self.seed, epoch)
        blocks = rng.permutation(-(-self.size // BLOCK))
        index = blocks_in_order(blocks, BLOCK, self.size)
        buffer = BLOCK * BUFFER_BLOCKS
        ends = [min(i + buffer, self.size) for i in range(0, self.size, buffer)]
        return np.concatenate([*shuffled_buffers(index, ends, rng)])

    def batches(
        self,
        epoch: int,
        size: int,
        *,
        skip: int = 0,
        stride: int = 1,
        rank_slice: slice = slice(None),
    ) -> Iterator[Batch]:
        """Complete batches of one epoch; see `Loader`."""
        for pick in _batch_indices(self._order(epoch), size, slice(skip, None, stride), rank_slice):
            yield Batch(*map(torch.from_numpy, self.split.read(*self.fields, index=pick)))


class OnTheFlyLoader:
    """Samples generated during training, with new ones in every epoch.

    The first epoch has the shards of a data set made from the same recipe; later epochs continue
    with the shards of a larger split.
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
        self._cache: OrderedDict[int, Batch] = OrderedDict()

    def _shard(self, number: int) -> Batch:
        if number not in self._cache:
            arrays = draw_shard(self.recipe, self.name, number).arrays
            local = None if self.local is None else torch.from_numpy(arrays[self.local])
            x, label = (torch.from_numpy(arrays[name]) for name in ("x", "label"))
            self._cache[number] = Batch(x.float(), label.long(), local)
            while len(self._cache) > CACHED_SHARDS:
                self._cache.popitem(last=False)
        return self._cache[number]

    def batches(
        self,
        epoch: int,
        size: int,
        *,
        skip: int = 0,
        stride: int = 1,
        rank_slice: slice = slice(None),
    ) -> Iterator[Batch]:
        """Complete batches of one epoch; see `Loader`."""
        first = epoch * self.shards
        for step in range(skip, self.size // size, stride):
            index = np.arange(step * size, (step + 1) * size)[rank_slice]
            shard, within = index // SHARD_SIZE, torch.from_numpy(index % SHARD_SIZE)
            picked = []
            for number in np.unique(shard).tolist():
                rows, drawn = within[torch.from_numpy(shard == number)], self._shard(first + number)
                local = None if drawn.local_targets is None else drawn.local_targets[rows]
                picked.append(Batch(drawn.x[rows], drawn.label[rows], local))
            yield _joined(picked)


def _joined(parts: list[Batch]) -> Batch:
    locals_ = [part.local_targets for part in parts if part.local_targets is not None]
    return Batch(
        torch.cat([part.x for part in parts]),
        torch.cat([part.label for part in parts]),
        torch.cat(locals_) if locals_ else None,
    )


# ---- Training data

#: A data set, or a recipe whose samples are generated during training.
DataSource: TypeAlias = Dataset | Recipe


class BatchDataset(IterableDataset[tuple[Tensor, Tensor]]):
    """Shuffled batches of a split, for `torch.utils.data.DataLoader` and custom loops.

    The order depends on the seed and the epoch alone, whatever the number of workers. With workers,
    batch b comes from worker b modulo their number, which is the order `DataLoader` keeps. Workers
    cannot share an open file: use them with splits in memory and with recipes.

    Parameters
    ----------
    data : Dataset or Recipe
        Where samples come from; those of a recipe are generated, with new ones in every epoch.
    split : str
        Name of the split.
    batch_size : int
        Samples per batch; an incomplete last batch is dropped.
    seed : int, optional
        Seed of the order.
    in_memory : bool, optional
        Hold the split in memory, or read each batch from disk.

    Raises
    ------
    RecipeError
        If there is no such split.

    Examples
    --------
    >>> from torch.utils.data import DataLoader
    >>> from topophys.datasets import Recipe
    >>> recipe = Recipe.from_dict({
    ...     "name": "small", "seed": 1,
    ...     "hamiltonian": {"family": "aiii_chains", "hopping_range": 2},
    ...     "label": {"invariant": "winding", "min_gap": 0.1}, "input": {"grid": [32]},
    ...     "split": [{"name": "train", "size": 30, "classes": [-1, 0, 1]}],
    ... })
    >>> x, label = next(iter(DataLoader(BatchDataset(recipe, "train", 512), batch_size=None)))
    >>> x.shape, label.shape
    (torch.Size([512, 32, 8]), torch.Size([512]))
    """

    def __init__(
        self,
        data: DataSource,
        split: str,
        batch_size: int,
        *,
        seed: int = 0,
        in_memory: bool = True,
    ) -> None:
        super().__init__()
        if split not in _split_names(data):
            raise RecipeError(
                f"Argument `split` must be one of {', '.join(_split_names(data))}, but is"
                f" {split!r}."
            )
        self.loader = _make_loader(data, split, seed, in_memory=in_memory)
        self.batch_size = min(_validation.positive_int(batch_size, "batch_size"), self.loader.size)
        self.epoch = 0

    def __len__(self) -> int:
        return self.loader.size // self.batch_size

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, as for `torch.utils.data.DistributedSampler`.

        Parameters
        ----------
        epoch : int
            Number of the epoch, which decides the order of the samples.
        """
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for batch in self.loader.batches(self.epoch, self.batch_size, skip=first, stride=stride):
            yield batch.x, batch.label


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Everything that a training needs of its data."""

    kind: str  # kind of data set
    train: Loader  # batches
    val: Batch  # validation split
    shape: tuple[int, ...]  # shape of one input
    n_occupied: int  # number of occupied bands
    #: name, path and digests of the data, whether inputs are flattened, classes of the training
    provenance: dict[str, Any]


def prepare_training_data(
    config: FitConfig, data: DataSource, *, need_encoder: bool = True
) -> TrainingData:
    """Check that the data fit the settings, and prepare loaders; nothing is written.

    With `need_encoder` there has to be a network for the kind of data.
    """
    recipe = data if isinstance(data, Recipe) else data.recipe
    _check_kind_and_splits(config, data, recipe, need_encoder=need_encoder)
    local = LOCAL_FIELDS.get(recipe.kind) if config.local_supervision else None
    if config.local_supervision and local is None:
        raise RecipeError(
            f"Training settings: `local_supervision` must be false for data of kind"
            f" {recipe.kind!r}, which have no field that sums up to the invariant."
        )
    train = _make_loader(
        data, config.train_split, config.seed, in_memory=config.in_memory, local=local
    )
    if isinstance(data, Recipe):
        classes = tuple(sorted(recipe.part(config.train_split).classes))
        val = _drawn(recipe, config.val_split)
        place: dict[str, Any] = {"dataset_path": None, "dataset_manifest": None}
    else:
        split = data.split(config.train_split)
        classes = tuple(split.classes)
        val = _memory(data, config.val_split)
        manifest = str(data.attributes.get("manifest", ""))
        place = {"dataset_path": str(data.path.resolve()), "dataset_manifest": manifest}
    if need_encoder:
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
        "input_shape": list(val.x.shape[1:]),
        "n_occupied": recipe.hamiltonian.filled,
    }
    filled = recipe.hamiltonian.filled
    return TrainingData(recipe.kind, train, val, tuple(val.x.shape[1:]), filled, provenance)


def _split_names(data: DataSource) -> tuple[str, ...]:
    return data.splits if isinstance(data, Dataset) else tuple(s.name for s in data.split)


def _check_kind_and_splits(
    config: FitConfig, data: DataSource, recipe: Recipe, *, need_encoder: bool
) -> None:
    if need_encoder and recipe.kind not in READERS:
        raise RecipeError(
            f"Argument `data` must be of a kind that a network of the package reads"
            f" ({', '.join(READERS)}), but is a data set of kind {recipe.kind!r}; give a network of"
            " your own as `model`."
        )
    splits = _split_names(data)
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


def _make_loader(
    data: DataSource, split: str, seed: int, *, in_memory: bool, local: str | None = None
) -> Loader:
    if isinstance(data, Recipe):
        return OnTheFlyLoader(data, split, local)
    if in_memory:
        return InMemoryLoader(_memory(data, split, local), seed)
    return StreamingLoader(data.split(split), seed, local)


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
