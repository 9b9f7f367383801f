"""From features summed over the zone to an invariant and to class scores."""

from __future__ import annotations

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["InvariantHead", "centred_classes"]


def centred_classes(num_classes: int) -> tuple[int, ...]:
    """Return the `num_classes` consecutive integers around 0: (-1, 0, 1) for three.

    Parameters
    ----------
    num_classes : int
        How many.

    Returns
    -------
    tuple of int
        Symmetric for odd numbers; for even ones there is one positive class more.

    Examples
    --------
    >>> centred_classes(3), centred_classes(4)
    ((-1, 0, 1), (-1, 0, 1, 2))
    """
    lowest = -((num_classes - 1) // 2)
    return tuple(range(lowest, lowest + num_classes))


class InvariantHead(nn.Module):
    r"""Linear read-out of the invariant, and class scores that follow from it.

    .. math:: \hat\nu = w \cdot z, \qquad \mathrm{logit}_c = -(\hat\nu - c)^2 / (2 \tau^2)

    The scores hold no knowledge of their own, so the list of classes can be longer at inference
    than in training: a network can name an integer that it never saw.

    Parameters
    ----------
    n_in : int
        Number of features z.
    num_classes : int
        Number of consecutive classes around 0.

    References
    ----------
    .. [1] P. McCullagh, J. R. Stat. Soc. B 42, 109 (1980), on ordinal responses.

    Examples
    --------
    >>> import torch
    >>> invariant, logits = InvariantHead(4, 3)(torch.zeros(5, 4))
    >>> invariant.shape, logits.shape
    (torch.Size([5]), torch.Size([5, 3]))
    """

    def __init__(self, n_in: int, num_classes: int) -> None:
        super().__init__()
        self.readout = nn.Linear(n_in, 1, bias=False)
        self.log_width = nn.Parameter(torch.tensor(-1.0))
        self.classes: Tensor
        self.register_buffer(
            "classes", torch.tensor(centred_classes(num_classes)).float(), persistent=False
        )

    def forward(
        self, features: Float[Tensor, "batch c"]
    ) -> tuple[Float[Tensor, " batch"], Float[Tensor, "batch classes"]]:
        """Invariant and class scores.

        Parameters
        ----------
        features : tensor of shape (B, n_in)
            Features summed over the zone.

        Returns
        -------
        tensor of shape (B,), tensor of shape (B, num_classes)
            Real-valued invariant and class scores.
        """
        invariant = cast("Tensor", self.readout(features)).squeeze(-1)
        distance = invariant.unsqueeze(-1) - self.classes
        return invariant, -0.5 * distance.square() * torch.exp(-2.0 * self.log_width)
