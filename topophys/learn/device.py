"""Where torch computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from topophys.errors import InputError

__all__ = ["limited_threads", "resolve_device"]


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
