"""Head of a classifier over a fixed list of integers."""

from __future__ import annotations

from typing import Any, cast

from jaxtyping import Float
from torch import Tensor, nn

from topophys.learn.heads import centred_classes

__all__ = ["ClassHead"]


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
