"""Layers shared by encoders: products of linear forms, flattening, heads, interpolation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, cast

import torch
from jaxtyping import Float, Inexact
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import ShapeError

__all__ = [
    "GatedLinear",
    "InvariantHead",
    "PlainLinear",
    "centred_classes",
    "flatten_channels",
    "local_layer",
    "upsample_periodic",
]


# ---- Spectral flattening

#: Keeps quotients finite where a block is singular; far below any entry of a scaled block.
TINY: Final = 1e-30


def flatten_channels(x: Float[Tensor, "*points c"]) -> Float[Tensor, "*points c"]:
    r"""Polar factor of blocks stored as real channels.

    .. math:: D \mapsto D (D^\dagger D)^{-1/2}

    Ref.: N. J. Higham, *Functions of Matrices*, SIAM (2008), chap. 8.
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
        rotated = left.mH @ grad @ right.mH
        sums = sigma.unsqueeze(-1) + sigma.unsqueeze(-2)
        inner: Tensor = left @ ((rotated - rotated.mH) / (sums + TINY)) @ right
        return inner


# ---- Layers on channels


class GatedLinear(nn.Module):
    r"""Product of two affine maps, channel by channel.

    .. math:: y = (W x + b) \odot (V x + c)

    Every output channel is a quadratic form of the input. Determinants of 2 x 2 blocks and the
    cosine and sine of a phase difference are sums of such forms; a network of affine maps and
    rectifiers can only approximate them piecewise.

    Ref.: Y. N. Dauphin, A. Fan, M. Auli, D. Grangier, Proc. ICML 70, 933 (2017): gated layers with
    a sigmoid; without one as here the layer is bilinear.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.pair = nn.Linear(n_in, 2 * n_out)

    def forward(self, x: Float[Tensor, "... c_in"]) -> Float[Tensor, "... c_out"]:
        """Multiply the two halves of one affine map of `x`."""
        left, right = self.pair(x).chunk(2, dim=-1)
        product: Tensor = left * right
        return product


class PlainLinear(nn.Module):
    """Affine map and rectifier: the layer of an ordinary convolutional network.

    Ref.: N. Sun, J. Yi, P. Zhang, H. Shen, H. Zhai, Phys. Rev. B 98, 085402 (2018).
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, x: Float[Tensor, "... c_in"]) -> Float[Tensor, "... c_out"]:
        """Rectified affine map of `x`."""
        return torch.relu(self.linear(x))


def local_layer(n_in: int, n_out: int, *, gated: bool) -> nn.Module:
    """Return a layer acting on channels alone: bilinear, or affine with a rectifier."""
    return GatedLinear(n_in, n_out) if gated else PlainLinear(n_in, n_out)


# ---- Heads


def centred_classes(num_classes: int) -> tuple[int, ...]:
    """Return the `num_classes` consecutive integers around 0: (-1, 0, 1) for three."""
    lowest = -((num_classes - 1) // 2)
    return tuple(range(lowest, lowest + num_classes))


class InvariantHead(nn.Module):
    r"""Linear decoder of the invariant, and the class scores derived from it.

    .. math:: \hat\nu = w \cdot z, \qquad \mathrm{logit}_c = -(\hat\nu - c)^2 / (2 \tau^2)

    The scores have no parameters of their own but the width, so that the list of classes can be
    longer at inference than in training: a network can predict an integer outside its training
    classes.

    Parameters
    ----------
    n_in : int
        Number of features z.
    num_classes : int
        Number of consecutive classes around 0.

    References
    ----------
    .. [1] P. McCullagh, J. R. Stat. Soc. B 42, 109 (1980), on ordinal responses.

    Examples
    --------
    >>> import torch
    >>> invariant, logits = InvariantHead(4, 3)(torch.zeros(5, 4))
    >>> invariant.shape, logits.shape
    (torch.Size([5]), torch.Size([5, 3]))
    """

    def __init__(self, n_in: int, num_classes: int) -> None:
        super().__init__()
        self.readout = nn.Linear(n_in, 1, bias=False)
        self.log_width = nn.Parameter(torch.tensor(-1.0))
        self.classes: Tensor
        self.register_buffer(
            "classes", torch.tensor(centred_classes(num_classes)).float(), persistent=False
        )

    def forward(
        self, features: Float[Tensor, "batch c"]
    ) -> tuple[Float[Tensor, " batch"], Float[Tensor, "batch classes"]]:
        """Invariant and class scores.

        Parameters
        ----------
        features : tensor of shape (B, n_in)
            Features summed over the Brillouin zone.

        Returns
        -------
        tensor of shape (B,), tensor of shape (B, num_classes)
            Real-valued invariant and class scores.
        """
        invariant = cast("Tensor", self.readout(features)).squeeze(-1)
        distance = invariant.unsqueeze(-1) - self.classes
        return invariant, -0.5 * distance.square() * torch.exp(-2.0 * self.log_width)


# ---- Trigonometric interpolation


def upsample_periodic(
    x: Inexact[Tensor, "*shape"], factor: int, dims: Sequence[int]
) -> Inexact[Tensor, "*finer"]:
    r"""Trigonometric interpolation of periodic samples to a finer grid.

    .. math:: x(k) = \sum_l x_l \, \Delta(k - k_l), \qquad
        \Delta(k) = \frac{1}{N} \sum_{|m| \le N/2} w_m \cos(m k)

    with weight 1/2 for m = N/2 where N is even. Samples of a trigonometric polynomial of degree
    below N/2 are continued exactly: a Hamiltonian whose hoppings reach over r cells is known
    everywhere from 2 r + 1 points, as long as it is not flattened before. It is what padding the
    discrete Fourier transform with zeros does, as one product with a matrix.

    Ref.: L. N. Trefethen, *Spectral Methods in MATLAB*, SIAM (2000), chap. 3.
    """
    if _validation.positive_int(factor, "factor") == 1:
        return x
    # torch.export traces with fake tensors, which must not enter the cache
    make = _kernel.__wrapped__ if torch.compiler.is_compiling() else _kernel
    for dim in dims:
        kernel = make(x.shape[dim], factor).to(x)
        x = torch.tensordot(x, kernel, dims=([dim], [1])).movedim(-1, dim)
    return x.contiguous()


@lru_cache(maxsize=64)
def _kernel(n: int, factor: int) -> Float[Tensor, "fine coarse"]:
    shift = torch.arange(factor * n, dtype=torch.float64).unsqueeze(1) / factor - torch.arange(n)
    kernel = torch.ones(factor * n, n, dtype=torch.float64)
    for m in range(1, n // 2 + 1):
        # the waves +n/2 and -n/2 are one and the same on the samples
        weight = 1.0 if 2 * m == n else 2.0
        kernel += weight * torch.cos(2.0 * torch.pi * m * shift / n)
    return kernel / n
