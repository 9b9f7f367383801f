"""Encoders of persistence tokens, scalars and band-structure summaries."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from topophys import _checks
from topophys.materials._parts import demand, each, read_out

__all__ = ["EnhancedKSpacePhysicsFeatures", "PHTokenEncoder", "ScalarFeatureEncoder"]


class PHTokenEncoder(nn.Module):
    """Attention-weighted sum over the bars of persistence diagrams, in no order.

    Parameters
    ----------
    asph_feature_dim : int
        Numbers of a token.
    hidden_dim, output_dim : int, optional
        Width of the layers and of the result.

    References
    ----------
    .. [1] M. Zaheer et al., Adv. Neural Inf. Process. Syst. 30, 3391 (2017).

    Examples
    --------
    >>> PHTokenEncoder(10, output_dim=8)(torch.randn(2, 5, 10), torch.ones(2, 5).bool()).shape
    torch.Size([2, 8])
    """

    def __init__(
        self, asph_feature_dim: int, *, hidden_dim: int = 32, output_dim: int = 64
    ) -> None:
        super().__init__()
        self.n_features = _checks.positive_int(asph_feature_dim, "asph_feature_dim")
        self.token = each(self.n_features, hidden_dim)
        self.score = nn.Linear(hidden_dim, 1)
        self.out = read_out(hidden_dim, output_dim)

    def forward(self, asph: Tensor, mask: Tensor) -> Tensor:
        """Encode the tokens of a batch.

        Parameters
        ----------
        asph : tensor of shape (B, T, asph_feature_dim)
            Tokens.
        mask : bool tensor of shape (B, T)
            Which of them there are; the others have no influence.

        Returns
        -------
        tensor of shape (B, output_dim)
            Features.

        Raises
        ------
        ShapeError
            If an argument has other axes.
        """
        demand(asph, "asph", ("T", self.n_features))
        demand(mask, "asph_mask", (asph.shape[1],))
        h = cast("Tensor", self.token(torch.where(mask.unsqueeze(-1), asph, 0.0)))
        score = self.score(h).squeeze(-1).masked_fill(~mask, -1e9)
        weight = torch.softmax(score, dim=-1).unsqueeze(-1)
        here = mask.unsqueeze(-1).to(h.dtype)
        mean = (here * h).sum(1) / here.sum(1).clamp(min=1.0)
        return cast("Tensor", self.out(torch.cat([(weight * here * h).sum(1), mean], dim=-1)))


class ScalarFeatureEncoder(nn.Module):
    """Perceptron on numbers that describe the material as a whole.

    Parameters
    ----------
    scalar_feature_dim : int
        How many.
    hidden_dim, output_dim : int, optional
        Width of the layers and of the result.
    n_layers : int, optional
        Hidden layers; those after the first are residual, and with more than one each is
        normalised.
    dropout : float, optional
        Share of hidden units left out in training.

    References
    ----------
    .. [1] Y. Gorishniy et al., Adv. Neural Inf. Process. Syst. 34, 18932 (2021).

    Examples
    --------
    >>> ScalarFeatureEncoder(48, output_dim=8)(torch.randn(2, 48)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        scalar_feature_dim: int,
        *,
        hidden_dim: int = 64,
        output_dim: int = 64,
        n_layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_features = _checks.positive_int(scalar_feature_dim, "scalar_feature_dim")
        n_layers = _checks.positive_int(n_layers, "n_layers")
        norm = [nn.LayerNorm(hidden_dim)] if n_layers > 1 else []
        self.net = nn.Sequential(
            nn.Linear(self.n_features, hidden_dim), *norm, nn.GELU(), nn.Dropout(dropout),
            *(_Residual(hidden_dim, dropout) for _ in range(n_layers - 1)),
            nn.Linear(hidden_dim, output_dim), nn.GELU(),
        )  # fmt: skip

    def forward(self, scalar: Tensor) -> Tensor:
        """Encode the scalars of a batch.

        Parameters
        ----------
        scalar : tensor of shape (B, scalar_feature_dim)
            Numbers.

        Returns
        -------
        tensor of shape (B, output_dim)
            Features.

        Raises
        ------
        ShapeError
            If `scalar` has other axes.
        """
        demand(scalar, "scalar", (self.n_features,))
        return cast("Tensor", self.net(scalar))


class _Residual(nn.Module):
    """A layer that is added to what it gets."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(width, width), nn.LayerNorm(width), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return x + f(x)."""
        return x + cast("Tensor", self.net(x))


class EnhancedKSpacePhysicsFeatures(nn.Module):
    """Perceptron on what a band structure says: decomposition, gap, density of states, Fermi level.

    Parameters
    ----------
    decomposition_feature_dim : int
        Characters or weights of the occupied states at special momenta.
    gap_dim, dos_dim, fermi_dim : int, optional
        Numbers about the gap, bins of the density of states, numbers about the Fermi level.
    hidden_dim, output_dim : int, optional
        Width of the layers and of the result.

    Examples
    --------
    >>> features = EnhancedKSpacePhysicsFeatures(12, output_dim=8)
    >>> sizes = {"decomposition": 12, "gap": 2, "dos": 32, "fermi": 4}
    >>> features(*(torch.randn(3, n) for n in sizes.values())).shape
    torch.Size([3, 8])
    """

    def __init__(
        self,
        decomposition_feature_dim: int,
        *,
        gap_dim: int = 2,
        dos_dim: int = 32,
        fermi_dim: int = 4,
        hidden_dim: int = 64,
        output_dim: int = 64,
    ) -> None:
        super().__init__()
        self.sizes = {
            "decomposition": _checks.positive_int(
                decomposition_feature_dim, "decomposition_feature_dim"
            ),
            "gap": gap_dim, "dos": dos_dim, "fermi": fermi_dim,
        }  # fmt: skip
        self.net = nn.Sequential(
            nn.Linear(sum(self.sizes.values()), hidden_dim), nn.GELU(),
            nn.Linear(hidden_dim, output_dim), nn.GELU(),
        )  # fmt: skip

    def forward(self, decomposition: Tensor, gap: Tensor, dos: Tensor, fermi: Tensor) -> Tensor:
        """Encode the summaries of a batch.

        Parameters
        ----------
        decomposition, gap, dos, fermi : tensors of shape (B, ...)
            With the lengths given to the constructor.

        Returns
        -------
        tensor of shape (B, output_dim)
            Features.

        Raises
        ------
        ShapeError
            If one has other axes.
        """
        parts = (decomposition, gap, dos, fermi)
        for x, (name, size) in zip(parts, self.sizes.items(), strict=True):
            demand(x, name, (size,))
        return cast("Tensor", self.net(torch.cat(parts, dim=-1)))
