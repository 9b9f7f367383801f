"""Baselines behind the interface of the encoders: classifiers, and the sampled formula."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from topophys import _validation
from topophys.datasets.families import blocks_from_channels
from topophys.errors import ShapeError
from topophys.invariants.winding import winding_number
from topophys.learn.layers import centred_classes, flatten_channels

__all__ = [
    "ClassHead",
    "ConvolutionBaseline",
    "LogisticBaseline",
    "PerceptronBaseline",
    "SampledFormula",
    "checked_settings",
]


# ---- Class head and settings


class ClassHead(nn.Module):
    r"""Scores of a fixed list of classes; the answer is the class with the largest.

    .. math:: \mathrm{logits} = W z + b, \qquad \hat\nu = \mathrm{argmax}_c \, \mathrm{logit}_c

    It cannot name an integer that is not in its list. The answer has no derivative, so that only
    the cross entropy of the loss trains it.

    Examples
    --------
    >>> import torch
    >>> out = ClassHead(4, 3)(torch.zeros(5, 4))
    >>> out["invariant"].shape, out["topological_logits"].shape
    (torch.Size([5]), torch.Size([5, 3]))
    """

    def __init__(self, n_in: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, num_classes)
        self.lowest = centred_classes(num_classes)[0]

    def forward(self, features: Float[Tensor, "batch c"]) -> dict[str, Any]:
        """Score the classes."""
        logits = cast("Tensor", self.linear(features))
        answer = (logits.argmax(-1) + self.lowest).to(logits.dtype)
        return {
            "invariant": answer,
            "topological_logits": logits,
            "topological_features": features,
            "local_features": {},
        }


def checked_settings(
    input_dim: int, k_points: int, hidden_dims: Sequence[int], num_classes: int, flatten: bool
) -> dict[str, Any]:
    """Check the settings that the classifiers of chains have in common."""
    return {
        "input_dim": _validation.positive_int(input_dim, "input_dim"),
        "k_points": _validation.positive_int(k_points, "k_points"),
        "hidden_dims": [_validation.positive_int(n, "hidden_dims") for n in hidden_dims],
        "num_classes": _validation.positive_int(num_classes, "num_classes"),
        "flatten": bool(flatten),
    }


# ---- Convolutional network


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


# ---- Perceptron and logistic regression


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


# ---- Sampled formula


class SampledFormula(nn.Module):
    """Sampled winding number of the input of a network; it has no trainable parameters.

    Parameters
    ----------
    input_dim : int, optional
        Real channels per k point, 2 n^2.
    k_points : int, optional
        Kept for the record.
    num_classes : int, optional
        Classes around 0, for the scores.

    Examples
    --------
    >>> phase = 2 * torch.pi * torch.arange(8) / 8
    >>> SampledFormula(2)(torch.stack([phase.cos(), phase.sin()], -1)[None])["invariant"]
    tensor([1.])
    """

    def __init__(self, input_dim: int = 8, k_points: int = 32, num_classes: int = 3) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "input_dim": input_dim,
            "k_points": k_points,
            "num_classes": num_classes,
        }

    def forward(self, x: Float[Tensor, "batch k c"]) -> dict[str, Any]:
        """Read a batch of chains.

        Parameters
        ----------
        x : tensor of shape (B, N, input_dim)
            As for `TopologicalMLEncoder`.

        Returns
        -------
        dict
            Schema of the encoders, without local features. Where the formula is not defined,
            because a sample has no gap, the invariant is NaN.
        """
        blocks = blocks_from_channels(x.detach().cpu().double().numpy())
        found = winding_number(blocks, on_unresolved="mask")
        undefined = np.ma.getmaskarray(found)
        answer = torch.from_numpy(np.where(undefined, np.nan, found)).to(x)
        classes = torch.tensor(centred_classes(self.settings["num_classes"])).to(x)
        return {
            "invariant": answer,
            "topological_logits": -(answer[:, None] - classes).square(),
            "topological_features": answer[:, None],
            "local_features": {},
        }
