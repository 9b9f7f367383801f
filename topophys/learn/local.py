"""Read-out of exact local contributions, for training under supervision of the local features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from topophys.errors import RecipeError

__all__ = ["LocalReadout"]


class LocalReadout(nn.Module):
    """Linear map from the local features of a network to one number per link or plaquette.

    It reads h2 of a chain (a number for each link, to be compared with the winding step) and h3
    in two dimensions (one for each plaquette, to be compared with the Berry flux). It serves the
    loss alone and is no part of the network that is kept.

    Parameters
    ----------
    encoder : torch.nn.Module
        Network with the output schema of `TopologicalMLEncoder`.
    x : tensor of shape (1, ...)
        A sample, to learn the number of features.

    Raises
    ------
    RecipeError
        If the network refines its grid, so that its features lie elsewhere than the targets.

    Examples
    --------
    >>> from topophys.learn import TopologicalMLEncoder
    >>> encoder, x = TopologicalMLEncoder(hidden_dims=(4, 3, 6)), torch.randn(2, 8, 8)
    >>> LocalReadout(encoder, x[:1])(encoder(x)).shape
    torch.Size([2, 8])
    """

    def __init__(self, encoder: nn.Module, x: Tensor) -> None:
        super().__init__()
        with torch.no_grad():
            features = self._features(encoder(x))
        if features.shape[1:-1] != x.shape[1:-1]:
            raise RecipeError(
                "Training settings: `local_supervision` must be 0 for a network whose local"
                f" features lie on {tuple(features.shape[1:-1])} points instead of the"
                f" {tuple(x.shape[1:-1])} of the data; set `encoder.upsample` to 1."
            )
        self.linear = nn.Linear(features.shape[-1], 1)

    @staticmethod
    def _features(predictions: Mapping[str, Any]) -> Tensor:
        features = predictions["local_features"]
        return cast("Tensor", features.get("h3_features", features["h2_features"]))

    def forward(self, predictions: Mapping[str, Any]) -> Tensor:
        """Read the local features of a batch.

        Parameters
        ----------
        predictions : mapping
            Output of the network.

        Returns
        -------
        tensor of shape (B, N) or (B, Nx, Ny)
            One number per link or plaquette.
        """
        return cast("Tensor", self.linear(self._features(predictions))).squeeze(-1)
