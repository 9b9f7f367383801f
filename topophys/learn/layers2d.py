"""Layers on the cells of a periodic grid: from points to links, from links to plaquettes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["LinkLayer", "PlaquetteLayer"]


class _Gathered(nn.Module):
    """Affine map of the channels of several neighbours, and what makes it nonlinear."""

    def __init__(
        self, n_parts: int, n_in: int, n_out: int, *, gated: bool, n_across: int = 0
    ) -> None:
        super().__init__()
        width = 2 * n_out if gated else n_out
        # that of torch.nn.Linear for all parts together
        bound = 1.0 / math.sqrt(n_parts * n_in + n_across)
        self.gated = gated
        self.weight = nn.Parameter(torch.empty(n_parts, width, n_in).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(width).uniform_(-bound, bound))
        self.across: nn.Parameter | None = None
        if n_across:
            self.across = nn.Parameter(torch.empty(width, n_across).uniform_(-bound, bound))

    def act(self, x: Float[Tensor, "... c"]) -> Float[Tensor, "... c_out"]:
        """Product of the two halves, or a rectifier."""
        if not self.gated:
            return torch.relu(x)
        left, right = x.chunk(2, dim=-1)
        product: Tensor = left * right
        return product


class LinkLayer(_Gathered):
    r"""One layer on all links of a periodic square grid; both directions share its weights.

    .. math:: y_\mu(k) = g\left( W_1 h(k) + W_2 h(k + \hat\mu) + b \right)

    Parameters
    ----------
    n_in, n_out : int
        Channels of the points and of the links.
    gated : bool
        g multiplies the two halves of its argument, or is a rectifier.

    Examples
    --------
    >>> import torch
    >>> LinkLayer(3, 8, gated=True)(torch.zeros(2, 6, 5, 3)).shape
    torch.Size([2, 6, 5, 2, 8])
    """

    def __init__(self, n_in: int, n_out: int, *, gated: bool) -> None:
        super().__init__(2, n_in, n_out, gated=gated)

    def forward(self, h: Float[Tensor, "batch x y c"]) -> Float[Tensor, "batch x y 2 c_out"]:
        """Links from every point to its next neighbours.

        Parameters
        ----------
        h : tensor of shape (B, Nx, Ny, n_in)
            Points.

        Returns
        -------
        tensor of shape (B, Nx, Ny, 2, n_out)
            Links that leave k along x and along y.
        """
        pairs = [torch.cat([h, h.roll(-1, dims=axis)], dim=-1) for axis in (1, 2)]
        weight = torch.cat([*self.weight], dim=1)
        return self.act(nn.functional.linear(torch.stack(pairs, dim=3), weight, self.bias))


class PlaquetteLayer(_Gathered):
    r"""One layer on all plaquettes of a periodic square grid, from their four links.

    .. math:: y(k) = g\left( W_1 u_x(k) + W_2 u_y(k + \hat x) + W_3 u_x(k + \hat y)
        + W_4 u_y(k) + V c(k) + b \right)

    Seen in a mirror, the links of a plaquette change places: x with y, above with right. The same
    weights then answer to the plaquette run through the other way.

    Parameters
    ----------
    n_in, n_out : int
        Channels of the links and of the plaquettes.
    gated : bool
        g multiplies the two halves of its argument, or is a rectifier.
    n_across : int, optional
        Channels c of each plaquette that belong to none of its links.

    Examples
    --------
    >>> import torch
    >>> there, back = PlaquetteLayer(8, 16, gated=True)(torch.zeros(2, 6, 5, 2, 8))
    >>> there.shape, back.shape
    (torch.Size([2, 6, 5, 16]), torch.Size([2, 6, 5, 16]))
    """

    def __init__(self, n_in: int, n_out: int, *, gated: bool, n_across: int = 0) -> None:
        super().__init__(4, n_in, n_out, gated=gated, n_across=n_across)

    def forward(
        self,
        u: Float[Tensor, "batch x y 2 c"],
        *,
        both: bool = True,
        across: Sequence[Float[Tensor, "batch x y c_across"]] = (),
    ) -> list[Float[Tensor, "batch x y c_out"]]:
        """Plaquettes whose lower left corner is k.

        Parameters
        ----------
        u : tensor of shape (B, Nx, Ny, 2, n_in)
            Links that leave k along x and along y.
        both : bool, optional
            Run through every plaquette the other way, too.
        across : sequence of tensors of shape (B, Nx, Ny, n_across), optional
            Channels c for each way around, where the layer has such.

        Returns
        -------
        list of one or two tensors of shape (B, Nx, Ny, n_out)
            Plaquettes, and their mirror images.
        """
        along_x, along_y = u.unbind(3)
        # the neighbours are narrower than what is made of them, so they are what is moved
        ahead, above = along_y.roll(-1, dims=1), along_x.roll(-1, dims=2)
        links = torch.cat([u.flatten(3), ahead, above], dim=-1)
        bottom, right, top, left = self.weight
        turns = [(bottom, left, right, top), (left, bottom, top, right)][: 1 + both]
        weight = torch.cat([torch.cat(parts, dim=1) for parts in turns])
        sums = nn.functional.linear(links, weight, self.bias.repeat(len(turns)))
        parts: Sequence[Tensor] = sums.chunk(len(turns), dim=-1)
        if self.across is not None:
            seen = [nn.functional.linear(c, self.across) for c in across[: len(turns)]]
            parts = [part + more for part, more in zip(parts, seen, strict=True)]
        return [self.act(part) for part in parts]
