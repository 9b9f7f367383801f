"""The network that reads a two-band Hamiltonian in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from topophys import _checks
from topophys.errors import InputError, ShapeError
from topophys.learn.corners import ACROSS, corner_products, link_products, mirrored
from topophys.learn.heads import InvariantHead
from topophys.learn.interpolate import upsample_periodic
from topophys.learn.layers import local_layer
from topophys.learn.layers2d import LinkLayer, PlaquetteLayer
from topophys.learn.polar import TINY

__all__ = ["TopologicalMLEncoder2D"]


class TopologicalMLEncoder2D(nn.Module):
    r"""Network from the d-vector of a two-band Hamiltonian to its Chern number.

    .. math::
        h^1 = g_1(\hat d(k)), \qquad h^2_\mu = g_2(h^1(k), h^1(k + \hat\mu)), \qquad
        h^3 = \phi(W g_3(h^2 \circlearrowleft)) - \phi(W g_3(h^2 \circlearrowright)), \\
        z = V \sum_k h^3, \qquad \hat C = w \cdot z

    h1 lives on the k points, h2 on the links between neighbours in both directions, h3 on the
    plaquettes that four links enclose; all lie on the path to the output. What a plaquette
    contributes changes sign with the direction in which its links are run through. The grid is
    periodic, the sum over the zone makes the result independent of its origin, and nothing
    depends on the number of k points. g1, g2, g3 are products of two affine maps, or affine with
    rectifiers where `gated` is off. With products, tr P1 P2 P3 P4 of the four projectors of a
    plaquette, the argument of which is the Berry flux through it, is a linear form of what g3
    returns.

    Parameters
    ----------
    input_dim : int, optional
        Channels per k point, 3.
    k_grid : sequence of two ints, optional
        Grid of the training data; any grid is accepted. It sets the scale of the untrained
        output: the sum over that many plaquettes is of order 1.
    hidden_dims : sequence of three ints, optional
        Channels of h1, h2 and h3.
    num_classes : int, optional
        Number of consecutive integers around 0 for which class scores are given.
    output_features : int, optional
        Number of features z.
    gated : bool, optional
        Bilinear layers, or the plain convolutional net.
    oriented : bool, optional
        Take the difference of both directions around each plaquette, so that no constant has to
        cancel over the zone; else the first term alone. Without it, training stays at the
        constant answer for long, or for good.
    flatten : bool, optional
        Divide d by its length first, so that the scale of d does not matter.
    upsample : int, optional
        Refine the grid by this factor in each direction before anything else, by trigonometric
        interpolation; exact for d of hoppings that reach less than half as far as the grid has
        points, and meant for inputs that were not flattened before.
    rotation_invariant : bool, optional
        Read d through the scalar and triple products of the corners of each plaquette alone,
        which no common rotation of d changes. h1 is then d itself, and the first of
        `hidden_dims` has no meaning.

    Raises
    ------
    InputError
        If a size is not a positive integer or `input_dim` is not 3.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).
    .. [2] N. Sun, J. Yi, P. Zhang, H. Shen, H. Zhai, Phys. Rev. B 98, 085402 (2018).

    Examples
    --------
    >>> import torch
    >>> encoder = TopologicalMLEncoder2D(hidden_dims=(8, 12, 24))
    >>> out = encoder(torch.randn(5, 16, 16, 3))
    >>> out["invariant"].shape, out["local_features"]["h2_features"].shape
    (torch.Size([5]), torch.Size([5, 16, 16, 2, 12]))
    """

    def __init__(
        self,
        input_dim: int = 3,
        k_grid: Sequence[int] = (16, 16),
        hidden_dims: Sequence[int] = (12, 16, 24),
        num_classes: int = 3,
        output_features: int = 16,
        *,
        gated: bool = True,
        oriented: bool = True,
        flatten: bool = True,
        upsample: int = 1,
        rotation_invariant: bool = False,
    ) -> None:
        super().__init__()
        if _checks.positive_int(input_dim, "input_dim") != 3:
            raise InputError(
                f"Argument `input_dim` must be 3 (the components of d), but is {input_dim}."
            )
        for name, given, n in (("k_grid", k_grid, 2), ("hidden_dims", hidden_dims, 3)):
            if len(given) != n:
                raise InputError(f"Argument `{name}` must have {n} numbers, but is {tuple(given)}.")
        n_x, n_y = (_checks.positive_int(n, "k_grid") for n in k_grid)
        n_h1, n_h2, n_h3 = (_checks.positive_int(n, "hidden_dims") for n in hidden_dims)
        self.settings: dict[str, Any] = {
            "input_dim": int(input_dim),
            "k_grid": [n_x, n_y],
            "hidden_dims": [n_h1, n_h2, n_h3],
            "num_classes": _checks.positive_int(num_classes, "num_classes"),
            "output_features": _checks.positive_int(output_features, "output_features"),
            "gated": bool(gated),
            "oriented": bool(oriented),
            "flatten": bool(flatten),
            "upsample": _checks.positive_int(upsample, "upsample"),
            "rotation_invariant": bool(rotation_invariant),
        }
        self.point: nn.Module = nn.Identity()
        self.link: nn.Module
        if rotation_invariant:
            self.link = nn.Sequential(_LinkProducts(), local_layer(1, n_h2, gated=gated))
        else:
            self.point = local_layer(input_dim, n_h1, gated=gated)
            self.link = LinkLayer(n_h1, n_h2, gated=gated)
        n_across = ACROSS if rotation_invariant else 0
        self.plaquette = PlaquetteLayer(n_h2, n_h3, gated=gated, n_across=n_across)
        self.density = nn.Linear(n_h3, n_h3)
        self.project = nn.Linear(n_h3, output_features, bias=False)
        self.head = InvariantHead(output_features, num_classes)
        with torch.no_grad():
            self.project.weight /= n_x * n_y * upsample**2

    def forward(self, x: Float[Tensor, "batch x y c"]) -> dict[str, Any]:
        """Read a batch of Hamiltonians.

        Parameters
        ----------
        x : tensor of shape (B, Nx, Ny, 3)
            d-vectors on the grid of `topophys.k_grid`.

        Returns
        -------
        dict
            "invariant" (B,), "topological_logits" (B, num_classes), "topological_features"
            (B, output_features) and "local_features" with "h1_features" (B, Nx, Ny, n),
            "h2_features" (B, Nx, Ny, 2, n) for the links that leave k along x and y, and
            "h3_features" (B, Nx, Ny, n); on the refined grid where `upsample` is not 1.

        Raises
        ------
        ShapeError
            If `x` has other axes.
        """
        if x.ndim != 4 or x.shape[-1] != 3:
            raise ShapeError(
                "Argument `x` must have shape (B, Nx, Ny, 3), channels last, but has"
                f" {tuple(x.shape)}."
            )
        x = upsample_periodic(x, self.settings["upsample"], dims=(1, 2))
        if self.settings["flatten"]:
            x = x / (x.square().sum(-1, keepdim=True) + TINY).sqrt()
        h1 = cast("Tensor", self.point(x))
        h2 = cast("Tensor", self.link(h1))
        across: tuple[Tensor, ...] = ()
        if self.settings["rotation_invariant"]:
            products = corner_products(h1)
            across = (products, mirrored(products))
        turns = self.plaquette(h2, both=self.settings["oriented"], across=across)
        there, *back = (nn.functional.gelu(self.density(turn)) for turn in turns)
        h3 = there - back[0] if back else there
        features = cast("Tensor", self.project(h3.sum(dim=(1, 2))))
        invariant, logits = self.head(features)
        return {
            "invariant": invariant,
            "topological_logits": logits,
            "topological_features": features,
            "local_features": {"h1_features": h1, "h2_features": h2, "h3_features": h3},
        }


class _LinkProducts(nn.Module):
    """Scalar products of next neighbours as a layer without weights."""

    def forward(self, n: Float[Tensor, "batch x y 3"]) -> Float[Tensor, "batch x y 2 1"]:
        return link_products(n)
