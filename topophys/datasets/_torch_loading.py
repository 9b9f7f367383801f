"""PyTorch views of a split: a map-style data set, and shuffled batches from disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, IterableDataset, TensorDataset, get_worker_info

from topophys._random import keyed_generator
from topophys.datasets.split import Split

__all__ = ["OnDisk", "Stream", "as_torch"]


# ---------------------------------------------------------------- map-style data set

Sample = tuple[torch.Tensor, ...]


class OnDisk(Dataset[Sample]):
    """Map-style data set that reads from disk; batches are read at once, not one by one."""

    def __init__(self, split: Split) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: Any) -> Sample:
        return tuple(torch.as_tensor(a) for a in self.split.read("x", "label", index=index))

    def __getitems__(self, indices: list[int]) -> list[Sample]:
        # PyTorch calls this one for whole batches
        x, label = self[indices]
        return list(zip(x, label, strict=True))


def as_torch(split: Split, *, in_memory: bool) -> Dataset[Any]:
    """Make a PyTorch data set of (x float32, label int64) from a split."""
    if not in_memory:
        return OnDisk(split)
    return TensorDataset(*map(torch.from_numpy, split.read("x", "label")))


# ------------------- Batches for training, read from disk in blocks and shuffled among many of them

#: Samples that are read in one piece.
BLOCK: Final = 256
#: Blocks that are shuffled together.
TOGETHER: Final = 32

Batch = tuple[torch.Tensor, torch.Tensor]


class Stream(IterableDataset[Batch]):
    """Batches of (x, label) in random order; use it with ``DataLoader(stream, batch_size=None)``.

    Blocks of 256 neighbours are taken in random order and 32 of them are shuffled together: reads
    are long, memory stays small, and neighbours in the file, which are random anyway, end up in
    different batches. Every sample comes once in an epoch, whatever the number of workers.
    """

    def __init__(self, split: Split, batch_size: int, seed: int) -> None:
        self.split, self.batch_size, self.seed = split, batch_size, seed
        self.passes = 0

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker, n_workers = (0, 1) if info is None else (info.id, info.num_workers)
        # workers are copies that do not count passes, but PyTorch gives them a seed for each
        epoch = self.passes if info is None else info.seed - info.id
        self.passes += 1
        size = len(self.split)
        order = keyed_generator(self.seed, epoch).permutation(-(-size // BLOCK))[worker::n_workers]
        rng = keyed_generator(self.seed, epoch, worker)
        left: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None
        for start in range(0, len(order), TOGETHER):
            x, label = self._read(order[start : start + TOGETHER])
            if left is not None:
                x, label = np.concatenate([left[0], x]), np.concatenate([left[1], label])
            chosen = rng.permutation(len(label))
            whole = len(label) - len(label) % self.batch_size
            for first in range(0, whole, self.batch_size):
                yield _batch(x, label, chosen[first : first + self.batch_size])
            left = x[chosen[whole:]], label[chosen[whole:]]
        if left is not None and len(left[1]):
            yield _batch(*left, np.arange(len(left[1])))

    def _read(self, blocks: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        parts = [
            self.split.read("x", "label", index=slice(b * BLOCK, (b + 1) * BLOCK))
            for b in blocks.tolist()
        ]
        x, label = zip(*parts, strict=True)
        return np.concatenate(x), np.concatenate(label)


def _batch(x: NDArray[np.float32], label: NDArray[np.int64], chosen: NDArray[np.int64]) -> Batch:
    return torch.from_numpy(x[chosen]), torch.from_numpy(label[chosen])
