"""The network that reads a chiral chain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.learn.layers import InvariantHead, flatten_channels, local_layer, upsample_periodic

__all__ = ["TopologicalMLEncoder"]


class TopologicalMLEncoder(nn.Module):
    r"""Network from the block D(k) of a class-AIII chain to its winding number.

    .. math::
        h^1_j = g_1(D(k_j)), \qquad h^2_j = \phi(W g_2(h^1_j, h^1_{j+1})), \qquad
        z = V \sum_j h^2_j, \qquad \hat\nu = w \cdot z

    h1 lives on the k points, h2 on the links between neighbours (the last link closes the zone),
    and both lie on the path to the output. The sum over the zone makes the result independent of
    the origin of k; nothing depends on the number of k points. g1 and g2 are bilinear layers
    (`GatedLinear`), or affine ones with rectifiers where `gated` is off.

    Parameters
    ----------
    input_dim : int, optional
        Real channels per k point: 2 N^2 for blocks of N x N.
    k_points : int, optional
        Number of k points of the training data; kept for the record, any number is accepted.
    hidden_dims : sequence of three ints, optional
        Channels of h1, channels of h2, and products formed on each link on the way to h2. Wider
        networks are hardly more accurate: docs/results/widths.md. State dicts of the
        defaults of earlier versions need ``hidden_dims=(64, 128, 256), output_features=128``;
        files of runs and checkpoints hold their widths.
    num_classes : int, optional
        Number of consecutive integers around 0 for which class scores are given.
    output_features : int, optional
        Number of features z.
    gated : bool, optional
        Bilinear layers, or the plain convolutional net.
    flatten : bool, optional
        Replace D by its polar factor first, so that the scale of D does not matter.
    upsample : int, optional
        Refine the grid by this factor before anything else, by trigonometric interpolation; exact
        for D of hoppings that reach less than half as far as there are points, and meant for
        inputs that were not flattened before.
    point_layers : int, optional
        Layers g1 on each k point, one after the other. The determinant of a 2 x 2 block is within
        reach of one bilinear layer, that of a 4 x 4 block of two.
    keep_input : bool, optional
        Let the links see the (flattened) block too: h1 has its channels in front of those of g1.
        Products of the entries of two neighbours, such as tr D(k)^dagger D(k'), are then within
        reach of g2, and say more than the phases of the two determinants.
    link_layers : int, optional
        Layers with a rectifier on each link, after its products.

    Raises
    ------
    InputError
        If a size is not a positive integer or `input_dim` is not 2 N^2.

    References
    ----------
    .. [1] N. Sun, J. Yi, P. Zhang, H. Shen, H. Zhai, Phys. Rev. B 98, 085402 (2018).

    Examples
    --------
    >>> import torch
    >>> encoder = TopologicalMLEncoder()
    >>> out = encoder(torch.randn(5, 32, 8))
    >>> out["invariant"].shape, out["local_features"]["h2_features"].shape
    (torch.Size([5]), torch.Size([5, 32, 16]))
    """

    def __init__(
        self,
        input_dim: int = 8,
        k_points: int = 32,
        hidden_dims: Sequence[int] = (24, 16, 32),
        num_classes: int = 3,
        output_features: int = 16,
        *,
        gated: bool = True,
        flatten: bool = True,
        upsample: int = 1,
        point_layers: int = 1,
        keep_input: bool = False,
        link_layers: int = 1,
    ) -> None:
        super().__init__()
        size = math.isqrt(_validation.positive_int(input_dim, "input_dim") // 2)
        if 2 * size * size != input_dim:
            raise InputError(
                "Argument `input_dim` must be 2 N^2 (real and imaginary parts of N x N blocks:"
                f" 2, 8, 18, ...), but is {input_dim}."
            )
        if len(hidden_dims) != 3:
            raise InputError(
                "Argument `hidden_dims` must have three numbers (h1, h2, link products), but is"
                f" {tuple(hidden_dims)}."
            )
        n_h1, n_h2, n_link = (_validation.positive_int(n, "hidden_dims") for n in hidden_dims)
        self.settings: dict[str, Any] = {
            "input_dim": int(input_dim),
            "k_points": _validation.positive_int(k_points, "k_points"),
            "hidden_dims": [n_h1, n_h2, n_link],
            "num_classes": _validation.positive_int(num_classes, "num_classes"),
            "output_features": _validation.positive_int(output_features, "output_features"),
            "gated": bool(gated),
            "flatten": bool(flatten),
            "upsample": _validation.positive_int(upsample, "upsample"),
            "point_layers": _validation.positive_int(point_layers, "point_layers"),
            "keep_input": bool(keep_input),
            "link_layers": _validation.positive_int(link_layers, "link_layers"),
        }
        self.point = local_layer(input_dim, n_h1, gated=gated)
        deeper = range(self.settings["point_layers"] - 1)
        self.deeper = nn.Sequential(*(local_layer(n_h1, n_h1, gated=gated) for _ in deeper))
        n_point = n_h1 + (int(input_dim) if keep_input else 0)
        self.link = local_layer(2 * n_point, n_link, gated=gated)
        self.density = nn.Linear(n_link, n_h2)
        further = range(self.settings["link_layers"] - 1)
        self.further = nn.Sequential(
            *(nn.Sequential(nn.Linear(n_h2, n_h2), nn.GELU()) for _ in further)
        )
        self.project = nn.Linear(n_h2, output_features, bias=False)
        self.head = InvariantHead(output_features, num_classes)

    def forward(self, x: Float[Tensor, "batch k c"]) -> dict[str, Any]:
        """Read a batch of chains.

        Parameters
        ----------
        x : tensor of shape (B, N, input_dim)
            Blocks on the grid of `topophys.k_grid`, channels last: real and imaginary parts of
            the entries, row by row, interleaved.

        Returns
        -------
        dict
            "invariant" (B,), "topological_logits" (B, num_classes), "topological_features"
            (B, output_features) and "local_features" with "h1_features" (B, N, hidden_dims[0]),
            with input_dim channels more where `keep_input` is on, and "h2_features"
            (B, N, hidden_dims[1]); on the refined grid where `upsample` is not 1.

        Raises
        ------
        ShapeError
            If `x` has other axes.
        """
        channels = self.settings["input_dim"]
        if x.ndim != 3 or x.shape[-1] != channels:
            raise ShapeError(
                f"Argument `x` must have shape (B, N, {channels}), channels last, but has"
                f" {tuple(x.shape)}."
            )
        x = upsample_periodic(x, self.settings["upsample"], dims=[1])
        if self.settings["flatten"]:
            x = flatten_channels(x)
        h1 = cast("Tensor", self.deeper(self.point(x)))
        if self.settings["keep_input"]:
            h1 = torch.cat([x, h1], dim=-1)
        pairs = torch.cat([h1, h1.roll(-1, dims=1)], dim=-1)
        h2 = cast("Tensor", self.further(nn.functional.gelu(self.density(self.link(pairs)))))
        features = cast("Tensor", self.project(h2.sum(dim=1)))
        invariant, logits = self.head(features)
        return {
            "invariant": invariant,
            "topological_logits": logits,
            "topological_features": features,
            "local_features": {"h1_features": h1, "h2_features": h2},
        }
