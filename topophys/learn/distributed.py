"""Devices, and several processes that train one network together."""

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

__all__ = ["ALONE", "Team", "limited_threads", "resolve_device", "team"]


# ---------------------------------------------------------------- Where torch computes


def resolve_device(device: str | torch.device) -> torch.device:
    """Return a usable torch device, or raise in one line.

    Parameters
    ----------
    device : str or torch.device
        For example "cpu" or "cuda:0".

    Returns
    -------
    torch.device
        The device.

    Raises
    ------
    InputError
        If torch cannot use it here.
    """
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
    """Let torch use so many threads on the CPU, and as many as before afterwards.

    Parameters
    ----------
    number : int
        Number of threads.

    Yields
    ------
    None
        For the block.

    Examples
    --------
    >>> before = torch.get_num_threads()
    >>> with limited_threads(1):
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# ------------------------------------------------ Several processes that train one network together


@dataclass(frozen=True)
class Team:
    """Place of this process among those that train together.

    Every process holds the whole network, takes its part of each batch, and adds up its gradients
    with those of the others: the sum is the gradient of the whole batch.

    Attributes
    ----------
    rank, size : int
        Number of this process, and how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    @property
    def part(self) -> slice:
        """Samples of each batch that this process takes."""
        return slice(self.rank, None, self.size)

    def add_up(self, tensors: Sequence[Tensor], share: float) -> list[Tensor]:
        """Weighted sums over all processes, in one exchange.

        Parameters
        ----------
        tensors : sequence of tensor
            Values of this process.
        share : float
            Weight of this process: its part of the samples.

        Returns
        -------
        list of tensor
            Sums; the tensors themselves where there is one process.
        """
        if self.size == 1:
            return list(tensors)
        flat = torch.cat([tensor.detach().flatten() for tensor in tensors]) * share
        dist.all_reduce(flat)
        pieces = torch.split(flat, [tensor.numel() for tensor in tensors])
        return [piece.view_as(tensor) for piece, tensor in zip(pieces, tensors, strict=True)]

    def told(self, values: Sequence[float]) -> list[float]:
        """Numbers of the leading process, in all processes.

        Parameters
        ----------
        values : sequence of float
            As many in every process; those of the leading one count.

        Returns
        -------
        list of float
            The same in all processes.
        """
        if self.size == 1:
            return list(values)
        message = torch.tensor(values, dtype=torch.float64)
        dist.broadcast(message, src=0)
        return [float(value) for value in message]

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            dist.barrier()


ALONE: Final = Team()


@contextmanager
def team(device: torch.device) -> Iterator[Team]:
    """Join the processes that `torchrun` started; alone without it.

    Parameters
    ----------
    device : torch.device
        Where torch computes; processes talk by gloo on the CPU.

    Yields
    ------
    Team
        Place of this process.

    Raises
    ------
    InputError
        If there are several processes and the device is not the CPU.

    Examples
    --------
    >>> with team(torch.device("cpu")) as together:
    ...     together.size
    1
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    if device.type != "cpu":
        raise InputError(
            f"Argument `device` must be the CPU for {size} processes together, but is {device};"
            " train with one process there."
        )
    dist.init_process_group("gloo")
    try:
        yield Team(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()
