"""From fused features to a Hamiltonian, and from that to topological features."""

from __future__ import annotations

from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from topophys import _checks
from topophys.errors import InputError
from topophys.learn.encoder import TopologicalMLEncoder

__all__ = ["BRANCHES", "FeatureChain", "PlainBranch", "TopologicalBranch", "make_branch"]

#: Kinds of branch: a chain of class AIII, or a perceptron of about as many parameters.
BRANCHES: Final = ("1d_a3", "mlp")


#: Class scores of the winding number, which are the last of the topological features.
CLASSES: Final = 3


class FeatureChain(nn.Module):
    r"""Chiral chain whose Fourier coefficients are affine functions of features.

    .. math:: D(k) = \sum_{|m| \le r} D_m(f) \, e^{i m k}

    Being a Fourier series it is periodic in k whatever the features are, and its winding number
    can be certified.

    Parameters
    ----------
    n_features : int
        Length of the features.
    n_orbitals : int, optional
        Size N of D.
    hopping_range : int, optional
        Largest m.
    k_points : int, optional
        Points of the grid that the chain is sampled on.
    """

    def __init__(
        self, n_features: int, *, n_orbitals: int = 2, hopping_range: int = 1, k_points: int = 32
    ) -> None:
        super().__init__()
        self.shape = (2 * hopping_range + 1, 2 * n_orbitals**2)
        self.coefficients = nn.Linear(n_features, self.shape[0] * self.shape[1])
        m = torch.arange(-hopping_range, hopping_range + 1)
        k = -torch.pi + 2.0 * torch.pi * torch.arange(k_points) / k_points
        self.waves: Tensor
        turn = k[:, None] * m
        self.register_buffer("waves", torch.stack([turn.cos(), turn.sin()]), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Blocks on the grid, (B, k_points, 2 N^2): real and imaginary parts interleaved."""
        parts = self.coefficients(features).view(len(features), *self.shape)
        real, imaginary = parts[..., 0::2], parts[..., 1::2]
        cosine, sine = self.waves
        d_real = cosine @ real - sine @ imaginary
        d_imaginary = cosine @ imaginary + sine @ real
        return torch.stack([d_real, d_imaginary], dim=-1).flatten(-2)


class TopologicalBranch(nn.Module):
    """A Hamiltonian made from features, and the network that reads its invariant.

    Parameters
    ----------
    n_features : int
        Length of the fused features.
    output_features : int
        Length of the result.
    k_points : int, optional
        Grid of the Hamiltonian.
    """

    def __init__(self, n_features: int, output_features: int, *, k_points: int = 32) -> None:
        super().__init__()
        self.hamiltonian = FeatureChain(n_features, k_points=k_points)
        self.encoder = TopologicalMLEncoder(
            8, k_points, hidden_dims=(16, 12, 16), output_features=output_features - CLASSES
        )

    def forward(self, fused: Tensor) -> tuple[Tensor, dict[str, Any]]:
        """Topological features, (B, output_features), and local ones on the path to them."""
        out = self.encoder(self.hamiltonian(fused))
        features = torch.cat([out["topological_features"], out["topological_logits"]], dim=-1)
        return features, out["local_features"]


class PlainBranch(nn.Module):
    """Perceptron in place of the topological branch, with about as many parameters.

    Parameters
    ----------
    n_features, output_features : int
        As in `TopologicalBranch`.
    """

    def __init__(self, n_features: int, output_features: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(n_features, 29), nn.Linear(29, 29)
        self.last = nn.Linear(29, output_features)

    def forward(self, fused: Tensor) -> tuple[Tensor, dict[str, Any]]:
        """Features, (B, output_features), and hidden layers."""
        h1 = nn.functional.gelu(self.first(fused))
        h2 = nn.functional.gelu(self.second(h1))
        return cast("Tensor", self.last(h2)), {"h1_features": h1, "h2_features": h2}


def make_branch(kind: str, n_features: int, output_features: int, k_points: int) -> nn.Module:
    """Return the branch of a kind.

    Parameters
    ----------
    kind : {"1d_a3", "mlp"}
        Which.
    n_features, output_features, k_points : int
        Sizes.

    Returns
    -------
    torch.nn.Module
        Maps (B, n_features) to (B, output_features) and a dict of local features.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    _checks.one_of(kind, "topological_ml_model_type", BRANCHES)
    if kind == "mlp":
        return PlainBranch(n_features, output_features)
    if k_points < 4 or output_features <= CLASSES:
        raise InputError(
            f"Arguments `k_points` and `topological_features` must be at least 4, but are"
            f" {k_points} and {output_features}."
        )
    return TopologicalBranch(n_features, output_features, k_points=k_points)
