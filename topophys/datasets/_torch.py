"""PyTorch's view of a split; loads PyTorch, as `_stream` does, and is imported late for that."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import Dataset, TensorDataset

from topophys.datasets.split import Split

__all__ = ["OnDisk", "as_torch"]

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
    """Make a PyTorch data set of (x float32, label int64) from a split.

    Parameters
    ----------
    split : Split
        The split.
    in_memory : bool
        Read everything now.

    Returns
    -------
    torch.utils.data.Dataset
        `TensorDataset` in memory, `OnDisk` else.
    """
    if not in_memory:
        return OnDisk(split)
    return TensorDataset(*map(torch.from_numpy, split.read("x", "label")))
