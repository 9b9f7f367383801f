"""Flattening of chiral blocks inside a network."""

from __future__ import annotations

import math
from typing import Any, Final, cast

import torch
from jaxtyping import Float
from torch import Tensor

from topophys.errors import ShapeError

__all__ = ["flatten_channels"]

#: Keeps quotients finite where a block is singular; far below any entry of a scaled block.
TINY: Final = 1e-30


def flatten_channels(x: Float[Tensor, "*points c"]) -> Float[Tensor, "*points c"]:
    r"""Polar factor of blocks stored as real channels.

    .. math:: D \mapsto D (D^\dagger D)^{-1/2}

    Parameters
    ----------
    x : tensor of shape (..., 2 n^2)
        Real and imaginary parts of the entries of D, row by row, interleaved; on any scale.

    Returns
    -------
    tensor of shape (..., 2 n^2)
        The unitary factor in the same layout; differentiable where D is not singular, also where
        D is unitary already.

    Raises
    ------
    ShapeError
        If the number of channels is not 2 n^2.

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
    if n == 0 or 2 * n * n != x.shape[-1]:
        raise ShapeError(
            f"Argument `x` must have 2 n^2 channels (2, 8, 18, ...), but has {x.shape[-1]}."
        )
    if n == 2:
        return _flatten_two(x)
    # the result does not depend on the scale of a block, so no gradient need flow through it
    largest = x.detach().abs().amax(dim=-1, keepdim=True)
    x = x / torch.where(largest > 0.0, largest, 1.0)
    if n == 1:
        return x / (x.square().sum(-1, keepdim=True) + TINY).sqrt()
    block = torch.view_as_complex(x.reshape(*x.shape[:-1], n, n, 2).contiguous())
    polar = cast("Tensor", _Polar.apply(block))  # type: ignore[no-untyped-call]  # torch has no annotation here
    return torch.view_as_real(polar).reshape(x.shape)


def _flatten_two(x: Float[Tensor, "*points 8"]) -> Float[Tensor, "*points 8"]:
    # polar factor of a 2 x 2 block: (D + phase cof(D)^*) / (sigma1 + sigma2), phase of det D;
    # channels first, so that every step below runs along contiguous memory
    rows = x.reshape(-1, 8).t().contiguous()
    largest = rows.detach().abs().amax(dim=0)
    rows = rows / torch.where(largest > 0.0, largest, 1.0)
    a, b, c, d, e, f, g, h = rows.unbind(0)
    re = a * g - b * h - c * e + d * f
    im = a * h + b * g - c * f - d * e
    size = (re * re + im * im + TINY).sqrt()
    p, q = re / size, im / size
    norm = (rows.square().sum(0) + 2.0 * size).sqrt()  # sum of the singular values
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
    return (torch.stack(entries) / norm).t().contiguous().view(x.shape)


class _Polar(torch.autograd.Function):
    """Polar factor with its own derivative.

    The derivative of the singular vectors, which autograd would use, divides by differences of
    singular values, and all of these are 1 for a flattened block; that of the polar factor
    divides by sums.
    """

    @staticmethod
    def forward(ctx: Any, block: Tensor) -> Tensor:
        left, sigma, right = torch.linalg.svd(block)
        ctx.save_for_backward(left, sigma, right)
        polar: Tensor = left @ right
        return polar

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        left, sigma, right = ctx.saved_tensors
        turned = left.mH @ grad @ right.mH
        sums = sigma.unsqueeze(-1) + sigma.unsqueeze(-2)
        inner: Tensor = left @ ((turned - turned.mH) / (sums + TINY)) @ right
        return inner
