"""Flattening of chiral blocks inside a network."""

from __future__ import annotations

import math
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["flatten_channels"]

#: Keeps quotients finite where a block is singular in float32; far below any flattened entry.
TINY: Final = 1e-30


def flatten_channels(x: Float[Tensor, "*points c"]) -> Float[Tensor, "*points c"]:
    r"""Polar factor of blocks stored as real channels.

    .. math:: D \mapsto D (D^\dagger D)^{-1/2}

    Parameters
    ----------
    x : tensor of shape (..., 2 n^2)
        Real and imaginary parts of the entries of D, row by row, interleaved.

    Returns
    -------
    tensor of shape (..., 2 n^2)
        The unitary factor in the same layout; differentiable where D is not singular.

    References
    ----------
    .. [1] N. J. Higham, *Functions of Matrices*, SIAM (2008), chap. 8.

    Examples
    --------
    >>> import torch
    >>> flatten_channels(torch.tensor([3.0, 4.0]))
    tensor([0.6000, 0.8000])
    """
    n = math.isqrt(x.shape[-1] // 2)
    if n == 1:
        return x / (x.square().sum(-1, keepdim=True) + TINY).sqrt()
    if n == 2:
        return _flatten_two(x)
    block = torch.view_as_complex(x.reshape(*x.shape[:-1], n, n, 2).contiguous())
    left, _, right = torch.linalg.svd(block)
    return torch.view_as_real(left @ right).reshape(x.shape)


def _flatten_two(x: Float[Tensor, "*points 8"]) -> Float[Tensor, "*points 8"]:
    # polar factor of a 2 x 2 block: (D + phase cof(D)^*) / (sigma1 + sigma2), phase of det D
    scale = (x.square().mean(-1, keepdim=True) + TINY).sqrt()  # products then stay in range
    a, b, c, d, e, f, g, h = (x / scale).unbind(-1)
    re = a * g - b * h - c * e + d * f
    im = a * h + b * g - c * f - d * e
    size = (re * re + im * im + TINY).sqrt()
    p, q = re / size, im / size
    norm = (8.0 + 2.0 * size).sqrt()  # sum of the singular values; |D|_F^2 = 8 after scaling
    entries = (
        a + p * g + q * h,
        b + q * g - p * h,
        c - p * e - q * f,
        d - q * e + p * f,
        e - p * c - q * d,
        f - q * c + p * d,
        g + p * a + q * b,
        h + q * a - p * b,
    )
    return torch.stack(entries, dim=-1) / norm.unsqueeze(-1)
