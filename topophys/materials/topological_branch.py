"""From fused features to a Hamiltonian, and from that to topological features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

import torch
from torch import Tensor, nn

from topophys import _checks
from topophys.errors import InputError
from topophys.learn.encoder import TopologicalMLEncoder
from topophys.learn.encoder2d import TopologicalMLEncoder2D
from topophys.learn.feature_hamiltonian import FeatureHamiltonian

__all__ = ["BRANCHES", "ExactBranch", "PlainBranch", "TopologicalBranch", "make_branch"]

#: Kinds of branch: a chain of class AIII or a two-band Hamiltonian in two dimensions made from
#: features, the two-band Hamiltonians of the material itself, or a perceptron.
BRANCHES: Final = ("1d_a3", "2d_a", "exact_2d", "mlp")
#: Class scores of the invariant, which are the last of the topological features.
CLASSES: Final = 3
#: Most k points along a direction of a Hamiltonian in two dimensions.
MOST_2D: Final = 12


class TopologicalBranch(nn.Module):
    """A gapped Hamiltonian made from features, and the network that reads its invariant.

    The Hamiltonian is a latent variable with a definite invariant, not that of the material.

    Parameters
    ----------
    n_features : int
        Length of the fused features.
    output_features : int
        Length of the result: features of the encoder, then its three class scores.
    model_type : {"1d_a3", "2d_a"}, optional
        Chains of class AIII, or two bands in two dimensions.
    k_points : int, optional
        Grid of the Hamiltonian along each direction.
    """

    def __init__(
        self,
        n_features: int,
        output_features: int,
        *,
        model_type: Literal["1d_a3", "2d_a"] = "1d_a3",
        k_points: int = 32,
    ) -> None:
        super().__init__()
        n_out = output_features - CLASSES
        self.encoder: TopologicalMLEncoder | TopologicalMLEncoder2D
        if model_type == "1d_a3":
            self.encoder = TopologicalMLEncoder(
                8, k_points, hidden_dims=(16, 12, 16), output_features=n_out
            )
        else:
            k_points = min(k_points, MOST_2D)
            self.encoder = TopologicalMLEncoder2D(
                3, (k_points, k_points), hidden_dims=(8, 8, 12), output_features=n_out
            )
        seed = int(torch.randint(2**31, (), device="cpu"))
        self.hamiltonian = FeatureHamiltonian(n_features, k_points, model_type, seed=seed)

    def forward(self, fused: Tensor, rows: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:  # noqa: ARG002  # one signature for all
        """Topological features, (B, output_features), and local ones on the path to them."""
        h_k = self.hamiltonian(fused)["hamiltonian"]
        if self.hamiltonian.model_type == "1d_a3":
            x = torch.view_as_real(h_k[..., :2, 2:].contiguous()).flatten(-3)
        else:
            upper = h_k[..., 0, 1]
            x = torch.stack([upper.real, -upper.imag, h_k[..., 0, 0].real], dim=-1)
        out = self.encoder(x)
        features = torch.cat([out["topological_features"], out["topological_logits"]], dim=-1)
        return features, out["local_features"]


class ExactBranch(nn.Module):
    """Encoder of the Hamiltonians that a material is known to have, one for each spin.

    Nothing is made from features here: the input is what a calculation of the bands gives. The
    squares of the real-valued invariants come with their features, because which of two spins
    has which sign says nothing about the class.

    Parameters
    ----------
    output_features : int
        Length of the result.
    k_points : int, optional
        Grid along each direction that the Hamiltonians are given on.
    """

    def __init__(self, output_features: int, *, k_points: int = MOST_2D) -> None:
        super().__init__()
        self.encoder = TopologicalMLEncoder2D(
            3, (k_points, k_points), hidden_dims=(8, 8, 12), output_features=8
        )
        self.read = nn.Sequential(
            nn.Linear(2 * (8 + 2 + CLASSES), 32), nn.GELU(), nn.Linear(32, output_features)
        )

    def forward(self, fused: Tensor, rows: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:
        """Features of rows["d_grid"], (B, 2, Nx, Ny, 3)."""
        if "d_grid" not in rows:
            raise InputError(
                "A branch of type 'exact_2d' must be given the Hamiltonians of the materials as"
                " array `d_grid` of shape (B, 2, Nx, Ny, 3), but there is none."
            )
        out = self.encoder(rows["d_grid"].flatten(0, 1))
        nu = out["invariant"].unsqueeze(-1)
        parts = [out["topological_features"], nu, nu.square(), out["topological_logits"]]
        return cast("Tensor", self.read(torch.cat(parts, dim=-1).view(len(fused), -1))), out[
            "local_features"
        ]


class PlainBranch(nn.Module):
    """Perceptron in place of the topological branch, with about as many parameters.

    Parameters
    ----------
    n_features, output_features : int
        As in `TopologicalBranch`.
    hidden : int, optional
        Width of its two layers.
    """

    def __init__(self, n_features: int, output_features: int, *, hidden: int = 34) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(n_features, hidden), nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, output_features)

    def forward(self, fused: Tensor, rows: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:  # noqa: ARG002  # one signature for all
        """Features, (B, output_features), and hidden layers."""
        h1 = nn.functional.gelu(self.first(fused))
        h2 = nn.functional.gelu(self.second(h1))
        return cast("Tensor", self.last(h2)), {"h1_features": h1, "h2_features": h2}


def make_branch(kind: str, n_features: int, output_features: int, k_points: int) -> nn.Module:
    """Return the branch of a kind.

    Parameters
    ----------
    kind : {"1d_a3", "2d_a", "exact_2d", "mlp"}
        Which.
    n_features, output_features, k_points : int
        Sizes.

    Returns
    -------
    torch.nn.Module
        Maps (B, n_features) and the rows of the batch to (B, output_features) and a dict of local
        features.

    Raises
    ------
    InputError
        If there is no such kind, or a size is too small.
    """
    _checks.one_of(kind, "topological_ml_model_type", BRANCHES)
    if k_points < 4 or output_features <= CLASSES:
        raise InputError(
            "Arguments `k_points` and `topological_features` must be at least 4, but are"
            f" {k_points} and {output_features}."
        )
    if kind == "mlp":
        return PlainBranch(n_features, output_features)
    if kind == "exact_2d":
        return ExactBranch(output_features)
    model_type: Literal["1d_a3", "2d_a"] = "1d_a3" if kind == "1d_a3" else "2d_a"
    return TopologicalBranch(n_features, output_features, model_type=model_type, k_points=k_points)
