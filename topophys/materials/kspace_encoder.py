"""Encoder of bands along a path of momenta."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from topophys import _checks
from topophys.materials._parts import demand, each, read_out

__all__ = ["KSpaceTransformerGNNEncoder"]


class KSpaceTransformerGNNEncoder(nn.Module):
    """Messages between neighbouring k points, then attention over all of them.

    Parameters
    ----------
    kspace_node_feature_dim : int
        Numbers at each k point: momentum, energies, characters of the levels.
    hidden_dim, output_dim : int, optional
        Width of the layers and of the result.
    n_heads : int, optional
        Heads of the attention.
    n_layers : int, optional
        Layers of attention.
    stride : int, optional
        Attention looks at every so many-th k point, after all have sent messages.

    References
    ----------
    .. [1] A. Vaswani et al., Adv. Neural Inf. Process. Syst. 30, 5998 (2017).

    Examples
    --------
    >>> KSpaceTransformerGNNEncoder(16, output_dim=24)(torch.randn(3, 31, 16)).shape
    torch.Size([3, 24])
    """

    def __init__(
        self,
        kspace_node_feature_dim: int,
        *,
        hidden_dim: int = 32,
        output_dim: int = 64,
        n_heads: int = 4,
        n_layers: int = 1,
        stride: int = 3,
    ) -> None:
        super().__init__()
        self.n_features = _checks.positive_int(kspace_node_feature_dim, "kspace_node_feature_dim")
        self.stride = _checks.positive_int(stride, "stride")
        self.point = each(self.n_features, hidden_dim)
        self.neighbour = nn.Linear(2 * hidden_dim, hidden_dim)
        self.attention = nn.ModuleList(
            nn.TransformerEncoderLayer(
                hidden_dim, n_heads, hidden_dim, dropout=0.0, activation="gelu",
                batch_first=True, norm_first=True,
            )
            for _ in range(n_layers)
        )  # fmt: skip
        self.out = read_out(hidden_dim, output_dim)

    def forward(self, kspace: Tensor, edges: Tensor | None = None) -> Tensor:
        """Encode the bands of a batch.

        Parameters
        ----------
        kspace : tensor of shape (B, K, kspace_node_feature_dim)
            Features of the k points.
        edges : int64 tensor of shape (2, E), optional
            Receiver and sender of messages; neighbours along the path by default.

        Returns
        -------
        tensor of shape (B, output_dim)
            Features.

        Raises
        ------
        ShapeError
            If `kspace` has other axes.
        """
        demand(kspace, "kspace", ("K", self.n_features))
        h = cast("Tensor", self.point(kspace))
        if edges is None:
            around = nn.functional.pad(h[:, :-1], (0, 0, 1, 0)) + nn.functional.pad(
                h[:, 1:], (0, 0, 0, 1)
            )
        else:
            around = torch.zeros_like(h).index_add_(1, edges[0], h[:, edges[1]])
        h = h + nn.functional.gelu(self.neighbour(torch.cat([h, around], dim=-1)))
        some = h[:, :: self.stride]
        for layer in self.attention:
            some = layer(some)
        return cast("Tensor", self.out(torch.cat([some.mean(1), h.amax(1)], dim=-1)))
