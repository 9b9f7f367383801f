"""Hidden layers of an encoder as arrays."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import nn

from topophys import _checks
from topophys.learn.evaluate import batches, placement

__all__ = ["activations"]


@torch.no_grad()
def activations(
    encoder: nn.Module, x: ArrayLike, *, batch_size: int = 1024
) -> dict[str, Float[np.ndarray, "samples k c"]]:
    """Local features of an encoder on a batch of inputs.

    Parameters
    ----------
    encoder : torch.nn.Module
        Network whose output has "local_features", such as `TopologicalMLEncoder`; left in
        evaluation mode.
    x : array-like of shape (S, N, channels)
        Inputs, as the data sets store them.
    batch_size : int, optional
        Samples at a time.

    Returns
    -------
    dict of float64 ndarray of shape (S, N, C)
        By name: "h1_features" at the k points, "h2_features" on the links k_j -> k_(j+1).

    Raises
    ------
    ShapeError, InputError
        If `x` has other axes or is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from topophys.learn import TopologicalMLEncoder
    >>> hidden = activations(TopologicalMLEncoder(hidden_dims=(6, 4, 8)), np.ones((3, 32, 8)))
    >>> hidden["h1_features"].shape, hidden["h2_features"].shape
    ((3, 32, 6), (3, 32, 4))
    """
    inputs = torch.from_numpy(_checks.as_real(x, "x", "(..., S, N, c)"))
    size = _checks.positive_int(batch_size, "batch_size")
    encoder.eval()
    device, dtype = placement(encoder)
    parts: dict[str, list[np.ndarray]] = {}
    for part in batches(len(inputs), size):
        output = encoder(inputs[part].to(device, dtype))
        for name, value in output["local_features"].items():
            parts.setdefault(name, []).append(value.double().cpu().numpy())
    return {name: np.concatenate(chunks) for name, chunks in parts.items()}
