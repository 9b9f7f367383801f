"""The sampled formula behind the interface of a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from topophys.datasets.chain_fields import blocks_from_channels
from topophys.invariants.certificate import UNRESOLVED_VALUE
from topophys.invariants.winding import winding_number
from topophys.learn.heads import centred_classes

__all__ = ["SampledFormula"]


class SampledFormula(nn.Module):
    """Winding number of the samples that a network would see; nothing in it is learnt.

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
        found = winding_number(blocks, on_gapless="mask")
        undefined = found == UNRESOLVED_VALUE
        answer = torch.from_numpy(np.where(undefined, np.nan, found)).to(x)
        classes = torch.tensor(centred_classes(self.settings["num_classes"])).to(x)
        return {
            "invariant": answer,
            "topological_logits": -(answer[:, None] - classes).square(),
            "topological_features": answer[:, None],
            "local_features": {},
        }
