"""Classifiers that know nothing of the zone: a perceptron and logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

from jaxtyping import Float
from torch import Tensor, nn

from topophys.errors import ShapeError
from topophys.learn.baselines.classes import ClassHead, checked_settings
from topophys.learn.polar import flatten_channels

__all__ = ["LogisticBaseline", "PerceptronBaseline"]


class PerceptronBaseline(nn.Module):
    """Multilayer perceptron on all numbers of all k points, with a class head.

    Parameters
    ----------
    input_dim : int, optional
        Real channels per k point.
    k_points : int, optional
        Number of k points; it reads no other.
    hidden_dims : sequence of int, optional
        Sizes of the hidden layers.
    num_classes : int, optional
        Classes around 0.
    flatten : bool, optional
        Show it flattened blocks.

    Examples
    --------
    >>> import torch
    >>> PerceptronBaseline(hidden_dims=(16,))(torch.randn(5, 32, 8))["invariant"].shape
    torch.Size([5])
    """

    def __init__(
        self,
        input_dim: int = 8,
        k_points: int = 32,
        hidden_dims: Sequence[int] = (256, 256),
        num_classes: int = 3,
        *,
        flatten: bool = True,
    ) -> None:
        super().__init__()
        self.settings = checked_settings(input_dim, k_points, hidden_dims, num_classes, flatten)
        widths = [input_dim * k_points, *hidden_dims]
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = ClassHead(widths[-1], num_classes)

    def forward(self, x: Float[Tensor, "batch k c"]) -> dict[str, Any]:
        """Read a batch of chains.

        Parameters
        ----------
        x : tensor of shape (B, k_points, input_dim)
            As for `TopologicalMLEncoder`.

        Returns
        -------
        dict
            Schema of the encoders, without local features.

        Raises
        ------
        ShapeError
            If there are more or fewer k points than in training.
        """
        wanted = (self.settings["k_points"], self.settings["input_dim"])
        if x.shape[1:] != wanted:
            raise ShapeError(
                f"Argument `x` must have shape (B, {wanted[0]}, {wanted[1]}) for this network,"
                f" which reads one grid only, but has {tuple(x.shape)}."
            )
        if self.settings["flatten"]:
            x = flatten_channels(x)
        return cast("dict[str, Any]", self.head(self.body(x.flatten(1))))


class LogisticBaseline(PerceptronBaseline):
    """Multinomial logistic regression on all numbers of all k points.

    Parameters
    ----------
    input_dim, k_points, num_classes, flatten : optional
        As for `PerceptronBaseline`.

    Examples
    --------
    >>> import torch
    >>> LogisticBaseline()(torch.randn(5, 32, 8))["topological_logits"].shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        input_dim: int = 8,
        k_points: int = 32,
        num_classes: int = 3,
        *,
        flatten: bool = True,
    ) -> None:
        super().__init__(input_dim, k_points, (), num_classes, flatten=flatten)
        del self.settings["hidden_dims"]
