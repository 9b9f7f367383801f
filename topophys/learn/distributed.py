"""Devices, threads, and process groups for data-parallel training."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor

from topophys.errors import InputError

__all__ = ["SINGLE_PROCESS", "ProcessGroup", "join_processes", "limited_threads", "resolve_device"]

CPU: Final = torch.device("cpu")
#: Backends of torch.distributed by type of device.
BACKENDS: Final = {"cpu": "gloo", "cuda": "nccl"}


def resolve_device(device: str | torch.device) -> torch.device:
    """Return a usable torch device, or raise `InputError` in one line."""
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"Argument `device` must be one that torch can use here, but {device!r} is not:"
            f" {reason}."
        ) from None
    return found


@contextmanager
def limited_threads(number: int) -> Iterator[None]:
    """Let torch use this number of CPU threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class ProcessGroup:
    """Rank and size of a data-parallel training, and its collective operations.

    Every process holds the whole network and takes its slice of each batch;
    `DistributedDataParallel` averages the gradients.
    """

    rank: int = 0  # number of this process
    size: int = 1  # number of processes
    device: torch.device = CPU  # device of this process

    @property
    def is_main_process(self) -> bool:
        """Whether this process validates and writes files."""
        return self.rank == 0

    @property
    def rank_slice(self) -> slice:
        """Samples of each batch that this process takes."""
        return slice(self.rank, None, self.size)

    def all_reduce(self, values: Sequence[Tensor], weight: float) -> list[Tensor]:
        """Weighted sums of scalars over all processes, in one exchange."""
        if self.size == 1:
            return list(values)
        sums = torch.stack([value.detach() for value in values]) * weight
        dist.all_reduce(sums)
        return list(sums.unbind(0))

    def broadcast(self, values: Sequence[float]) -> list[float]:
        """Values of the main process, on all processes."""
        if self.size == 1:
            return list(values)
        message = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.broadcast(message, src=0)
        return [float(value) for value in message]

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.size > 1:
            dist.barrier()


SINGLE_PROCESS: Final = ProcessGroup()


@contextmanager
def join_processes(device: torch.device) -> Iterator[ProcessGroup]:
    """Join the processes started by `torchrun`; a single process without it.

    Processes communicate by gloo on the CPU and by NCCL on CUDA, where each takes the GPU of its
    local rank.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ProcessGroup(device=device)
        return
    if device.type not in BACKENDS:
        raise InputError(
            f"Argument `device` must be a CPU or CUDA device for {size} processes, but is"
            f" {device}; train with one process there."
        )
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    dist.init_process_group(BACKENDS[device.type])
    try:
        yield ProcessGroup(dist.get_rank(), size, device)
    finally:
        dist.destroy_process_group()
