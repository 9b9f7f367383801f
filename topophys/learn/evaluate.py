"""Predictions of a network over many samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["batches", "encoder_settings", "placement", "predict_invariants"]


def batches(n: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size` that cover range(n).

    Parameters
    ----------
    n, size : int
        Number of samples, and of samples per slice.

    Returns
    -------
    iterator of slice
        In order.
    """
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def placement(encoder: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Where a network computes, and in which precision.

    Parameters
    ----------
    encoder : torch.nn.Module
        The network.

    Returns
    -------
    torch.device, torch.dtype
        Of its first parameter; CPU and float32 where it has none.
    """
    first = next(encoder.parameters(), torch.empty(0))
    return first.device, first.dtype


def encoder_settings(encoder: nn.Module) -> dict[str, Any]:
    """Keyword arguments that make the same network again.

    Parameters
    ----------
    encoder : torch.nn.Module
        One of the networks of this package.

    Returns
    -------
    dict
        Its attribute `settings`.
    """
    return cast("dict[str, Any]", encoder.settings)


@torch.inference_mode()
def predict_invariants(
    encoder: nn.Module,
    x: NDArray[np.float32],
    *,
    device: str | torch.device = "cpu",
    batch_size: int = 512,
) -> NDArray[np.float64]:
    """Real-valued invariants that a network gives to an array of inputs.

    Parameters
    ----------
    encoder : torch.nn.Module
        Network with the output schema of `TopologicalMLEncoder`; left in evaluation mode.
    x : float32 ndarray of shape (S, N, channels) or (S, Nx, Ny, channels)
        Inputs.
    device : str or torch.device, optional
        Where to compute.
    batch_size : int, optional
        Samples at a time.

    Returns
    -------
    float64 ndarray of shape (S,)
        Predictions before rounding.
    """
    encoder.eval().to(device)
    _, dtype = placement(encoder)
    out = np.empty(len(x))
    for part in batches(len(x), batch_size):
        chunk = torch.from_numpy(np.ascontiguousarray(x[part])).to(device, dtype)
        out[part] = encoder(chunk)["invariant"].double().cpu().numpy()
    return out
