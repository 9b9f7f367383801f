"""PyTorch views of a split: a map-style data set, and shuffled batches from disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset, get_worker_info

from topophys._random import blocks_in_order, keyed_generator, shuffled_buffers
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
        blocks = keyed_generator(self.seed, epoch).permutation(-(-len(self.split) // BLOCK))
        index = blocks_in_order(blocks[worker::n_workers], BLOCK, len(self.split))
        # the last block of the file may be short, wherever it comes
        sizes = np.minimum(BLOCK, len(self.split) - blocks[worker::n_workers] * BLOCK)
        ends = [*np.cumsum(sizes)[TOGETHER - 1 :: TOGETHER].tolist(), len(index)]
        rng = keyed_generator(self.seed, epoch, worker)
        for rows in shuffled_buffers(index, dict.fromkeys(ends), rng, self.batch_size):
            x, label = self.split.read("x", "label", index=rows)
            for first in range(0, len(rows), self.batch_size):
                batch = slice(first, first + self.batch_size)
                # copies, since a worker would send all of the buffer with a view of it
                yield torch.from_numpy(x[batch].copy()), torch.from_numpy(label[batch].copy())
