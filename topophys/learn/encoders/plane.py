"""Encoder of two-band Hamiltonians in two dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.learn.layers import TINY, InvariantHead, local_layer, upsample_periodic

__all__ = [
    "N_INVARIANTS",
    "LinkLayer",
    "PlaquetteLayer",
    "TopologicalMLEncoder2D",
    "link_invariants",
    "plaquette_invariants",
    "reversed_orientation",
]


# ---- SO(3) invariants

#: Products of the corners of a plaquette that do not belong to one link: two diagonals, and four
#: triple products.
N_INVARIANTS: Final = 6


def link_invariants(n: Float[Tensor, "batch x y 3"]) -> Float[Tensor, "batch x y 2 1"]:
    r"""Scalar products of next neighbours.

    .. math:: y_\mu(k) = n(k) \cdot n(k + \hat\mu)
    """
    found = [(n * n.roll(-1, dims=axis)).sum(-1, keepdim=True) for axis in (1, 2)]
    return torch.stack(found, dim=3)


def plaquette_invariants(n: Float[Tensor, "batch x y 3"]) -> Float[Tensor, "batch x y 6"]:
    r"""Products of the corners of each plaquette that no rotation of all vectors changes.

    .. math:: n_1 \cdot n_3, \quad n_2 \cdot n_4, \quad t_{123}, \quad t_{134}, \quad t_{124},
        \quad t_{234}, \qquad t_{abc} = n_a \cdot (n_b \times n_c)

    The corners are numbered anticlockwise from k. The triple products change sign where the
    orientation does, as the solid angle between the vectors does. With the scalar products of the
    links these are all invariants of three and four vectors under SO(3).

    Ref.: H. Weyl, *The Classical Groups*, Princeton University Press (1939), chap. 2.
    """
    right, above = n.roll(-1, dims=1), n.roll(-1, dims=2)
    opposite = above.roll(-1, dims=1)
    first = torch.linalg.cross(n, right)  # over 3 and 4 it gives t_123 and t_124
    second = torch.linalg.cross(opposite, above)  # over 1 and 2 it gives t_134 and t_234
    pairs = (
        (n, opposite),
        (right, above),
        (first, opposite),
        (n, second),
        (first, above),
        (right, second),
    )
    return torch.stack([(a * b).sum(-1) for a, b in pairs], dim=-1)


def reversed_orientation(
    products: Float[Tensor, "*plaquettes 6"],
) -> Float[Tensor, "*plaquettes 6"]:
    """Exchange corners 2 and 4 in the products: each plaquette run through the other way."""
    t_123, t_134 = products[..., 2:3], products[..., 3:4]
    return torch.cat([products[..., :2], -t_134, -t_123, -products[..., 4:]], dim=-1)


# ---- Layers on links and plaquettes


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
    """

    def __init__(self, n_in: int, n_out: int, *, gated: bool) -> None:
        super().__init__(2, n_in, n_out, gated=gated)

    def forward(self, h: Float[Tensor, "batch x y c"]) -> Float[Tensor, "batch x y 2 c_out"]:
        """Links from every point to its next neighbours."""
        pairs = [torch.cat([h, h.roll(-1, dims=axis)], dim=-1) for axis in (1, 2)]
        weight = torch.cat([*self.weight], dim=1)
        return self.act(nn.functional.linear(torch.stack(pairs, dim=3), weight, self.bias))


class PlaquetteLayer(_Gathered):
    r"""One layer on all plaquettes of a periodic square grid, from their four links.

    .. math:: y(k) = g\left( W_1 u_x(k) + W_2 u_y(k + \hat x) + W_3 u_x(k + \hat y)
        + W_4 u_y(k) + V c(k) + b \right)

    Seen in a mirror, the links of a plaquette change places: x with y, above with right. The same
    weights then answer to the plaquette run through the other way.
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
        """Plaquettes whose lower left corner is k."""
        along_x, along_y = u.unbind(3)
        # the neighbours are narrower than what is made of them, so they are what is moved
        ahead, above = along_y.roll(-1, dims=1), along_x.roll(-1, dims=2)
        links = torch.cat([u.flatten(3), ahead, above], dim=-1)
        bottom, right, top, left = self.weight
        orientations = [(bottom, left, right, top), (left, bottom, top, right)][: 1 + both]
        weight = torch.cat([torch.cat(parts, dim=1) for parts in orientations])
        sums = nn.functional.linear(links, weight, self.bias.repeat(len(orientations)))
        parts: Sequence[Tensor] = sums.chunk(len(orientations), dim=-1)
        if self.across is not None:
            extra = [nn.functional.linear(c, self.across) for c in across[: len(orientations)]]
            parts = [part + more for part, more in zip(parts, extra, strict=True)]
        return [self.act(part) for part in parts]


# ---- Encoder


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

    By default h1 is the unit vector itself, and links and plaquettes read it through its scalar
    and triple products alone, so that the basis of the two orbitals does not matter.

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
        cancel over the Brillouin zone; else the first term alone. Without it, training stays at the
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
        `hidden_dims` has no meaning. Without it, the network learns h1 from the data, and has to
        learn that rotations change nothing.

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
        rotation_invariant: bool = True,
    ) -> None:
        super().__init__()
        if _validation.positive_int(input_dim, "input_dim") != 3:
            raise InputError(
                f"Argument `input_dim` must be 3 (the components of d), but is {input_dim}."
            )
        for name, given, n in (("k_grid", k_grid, 2), ("hidden_dims", hidden_dims, 3)):
            if len(given) != n:
                raise InputError(f"Argument `{name}` must have {n} numbers, but is {tuple(given)}.")
        n_x, n_y = (_validation.positive_int(n, "k_grid") for n in k_grid)
        n_h1, n_h2, n_h3 = (_validation.positive_int(n, "hidden_dims") for n in hidden_dims)
        self.settings: dict[str, Any] = {
            "input_dim": int(input_dim),
            "k_grid": [n_x, n_y],
            "hidden_dims": [n_h1, n_h2, n_h3],
            "num_classes": _validation.positive_int(num_classes, "num_classes"),
            "output_features": _validation.positive_int(output_features, "output_features"),
            "gated": bool(gated),
            "oriented": bool(oriented),
            "flatten": bool(flatten),
            "upsample": _validation.positive_int(upsample, "upsample"),
            "rotation_invariant": bool(rotation_invariant),
        }
        self.point: nn.Module = nn.Identity()
        self.link: nn.Module
        if rotation_invariant:
            self.link = nn.Sequential(_LinkProducts(), local_layer(1, n_h2, gated=gated))
        else:
            self.point = local_layer(input_dim, n_h1, gated=gated)
            self.link = LinkLayer(n_h1, n_h2, gated=gated)
        n_across = N_INVARIANTS if rotation_invariant else 0
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
            products = plaquette_invariants(h1)
            across = (products, reversed_orientation(products))
        orientations = self.plaquette(h2, both=self.settings["oriented"], across=across)
        there, *back = (nn.functional.gelu(self.density(part)) for part in orientations)
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
        return link_invariants(n)
