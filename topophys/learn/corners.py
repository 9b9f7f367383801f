"""Products of unit vectors on a periodic grid that no common rotation of them changes."""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["ACROSS", "corner_products", "link_products", "mirrored"]

#: Products of the corners of a plaquette that do not belong to one link: two diagonals, and four
#: triple products.
ACROSS: Final = 6


def link_products(n: Float[Tensor, "batch x y 3"]) -> Float[Tensor, "batch x y 2 1"]:
    r"""Scalar products of next neighbours.

    .. math:: y_\mu(k) = n(k) \cdot n(k + \hat\mu)

    Parameters
    ----------
    n : tensor of shape (B, Nx, Ny, 3)
        Vectors.

    Returns
    -------
    tensor of shape (B, Nx, Ny, 2, 1)
        For the links that leave k along x and along y.

    Examples
    --------
    >>> import torch
    >>> link_products(torch.ones(1, 4, 4, 3)).shape
    torch.Size([1, 4, 4, 2, 1])
    """
    found = [(n * n.roll(-1, dims=axis)).sum(-1, keepdim=True) for axis in (1, 2)]
    return torch.stack(found, dim=3)


def corner_products(n: Float[Tensor, "batch x y 3"]) -> Float[Tensor, "batch x y 6"]:
    r"""Products of the corners of each plaquette that no rotation of all vectors changes.

    .. math:: n_1 \cdot n_3, \quad n_2 \cdot n_4, \quad t_{123}, \quad t_{134}, \quad t_{124},
        \quad t_{234}, \qquad t_{abc} = n_a \cdot (n_b \times n_c)

    The corners are numbered anticlockwise from k. The triple products change sign where the
    orientation does, as the solid angle between the vectors does. With the scalar products of the
    links these are all invariants of three and four vectors under SO(3).

    Parameters
    ----------
    n : tensor of shape (B, Nx, Ny, 3)
        Vectors.

    Returns
    -------
    tensor of shape (B, Nx, Ny, 6)
        For the plaquettes whose lower left corner is k.

    References
    ----------
    .. [1] H. Weyl, *The Classical Groups*, Princeton University Press (1939), chap. 2.

    Examples
    --------
    >>> import torch
    >>> corner_products(torch.ones(1, 4, 4, 3))[0, 0, 0]
    tensor([3., 3., 0., 0., 0., 0.])
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


def mirrored(products: Float[Tensor, "*plaquettes 6"]) -> Float[Tensor, "*plaquettes 6"]:
    """Exchange corners 2 and 4 in the products: each plaquette run through the other way.

    Parameters
    ----------
    products : tensor of shape (..., 6)
        Result of `corner_products`.

    Returns
    -------
    tensor of shape (..., 6)
        Exchanging two vectors of a triple product changes its sign.

    Examples
    --------
    >>> import torch
    >>> mirrored(torch.arange(6.0))
    tensor([ 0.,  1., -3., -2., -4., -5.])
    """
    t_123, t_134 = products[..., 2:3], products[..., 3:4]
    return torch.cat([products[..., :2], -t_134, -t_123, -products[..., 4:]], dim=-1)
