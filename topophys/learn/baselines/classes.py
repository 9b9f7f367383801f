"""Head and settings of classifiers over a fixed list of integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from jaxtyping import Float
from torch import Tensor, nn

from topophys import _checks
from topophys.learn.heads import centred_classes

__all__ = ["ClassHead", "checked_settings"]


class ClassHead(nn.Module):
    r"""Scores of a fixed list of classes; the answer is the class with the largest.

    .. math:: \mathrm{logits} = W z + b, \qquad \hat\nu = \mathrm{argmax}_c \, \mathrm{logit}_c

    It cannot name an integer that is not in its list. The answer has no derivative, so that only
    the cross entropy of the loss teaches it.

    Parameters
    ----------
    n_in : int
        Number of features.
    num_classes : int
        Number of consecutive integers around 0.

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
        """Score the classes.

        Parameters
        ----------
        features : tensor of shape (B, n_in)
            Features.

        Returns
        -------
        dict
            Schema of the encoders, without local features.
        """
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
    """Check the settings that the classifiers of chains have in common.

    Parameters
    ----------
    input_dim, k_points, num_classes : int
        Real channels per k point, number of k points, classes around 0.
    hidden_dims : sequence of int
        Sizes of the hidden layers.
    flatten : bool
        Show flattened blocks.

    Returns
    -------
    dict
        By name.

    Raises
    ------
    InputError
        If a size is not a positive integer.
    """
    return {
        "input_dim": _checks.positive_int(input_dim, "input_dim"),
        "k_points": _checks.positive_int(k_points, "k_points"),
        "hidden_dims": [_checks.positive_int(n, "hidden_dims") for n in hidden_dims],
        "num_classes": _checks.positive_int(num_classes, "num_classes"),
        "flatten": bool(flatten),
    }
