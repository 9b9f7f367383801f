"""The usual convolutional network, with the faults that are usual."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

from jaxtyping import Float
from torch import Tensor, nn

from topophys.learn.baselines.classes import ClassHead, checked_settings
from topophys.learn.polar import flatten_channels

__all__ = ["ConvolutionBaseline"]


class ConvolutionBaseline(nn.Module):
    """Convolutions with zero padding, batch norm, average pooling and a class head.

    What one writes for images. On a Brillouin zone zero padding cuts the circle open, average
    pooling divides the invariant, which is a sum, by the number of k points, batch norm makes the
    answer to one Hamiltonian depend on the others it was trained with, and the class head knows
    no integer but those of its list.

    Parameters
    ----------
    input_dim : int, optional
        Real channels per k point.
    k_points : int, optional
        Kept for the record.
    hidden_dims : sequence of int, optional
        Channels of the convolutions, each with three neighbours.
    num_classes : int, optional
        Classes around 0.
    flatten : bool, optional
        Show it flattened blocks.

    Examples
    --------
    >>> import torch
    >>> ConvolutionBaseline(hidden_dims=(8, 8))(torch.randn(5, 32, 8))["invariant"].shape
    torch.Size([5])
    """

    def __init__(
        self,
        input_dim: int = 8,
        k_points: int = 32,
        hidden_dims: Sequence[int] = (64, 128, 256),
        num_classes: int = 3,
        *,
        flatten: bool = True,
    ) -> None:
        super().__init__()
        self.settings = checked_settings(input_dim, k_points, hidden_dims, num_classes, flatten)
        widths = [input_dim, *hidden_dims]
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(widths):
            layers += [nn.Conv1d(n_in, n_out, 3, padding=1), nn.BatchNorm1d(n_out), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = ClassHead(widths[-1], num_classes)

    def forward(self, x: Float[Tensor, "batch k c"]) -> dict[str, Any]:
        """Read a batch of chains.

        Parameters
        ----------
        x : tensor of shape (B, N, input_dim)
            As for `TopologicalMLEncoder`.

        Returns
        -------
        dict
            Schema of the encoders, without local features.
        """
        if self.settings["flatten"]:
            x = flatten_channels(x)
        hidden = cast("Tensor", self.body(x.transpose(1, 2)))
        return cast("dict[str, Any]", self.head(hidden.mean(dim=-1)))
