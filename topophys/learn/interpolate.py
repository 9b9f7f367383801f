"""Band-limited interpolation of periodic samples inside a network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from jaxtyping import Float, Inexact
from torch import Tensor

from topophys import _checks

__all__ = ["upsample_periodic"]


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

    Parameters
    ----------
    x : tensor
        Real or complex samples on uniform periodic grids along `dims`.
    factor : int
        How many points replace one; every `factor`-th of them is a given one.
    dims : sequence of int
        Axes to refine.

    Returns
    -------
    tensor
        As `x`, with `factor` times the length along `dims`; `x` itself where `factor` is 1.

    Raises
    ------
    InputError
        If `factor` is not a positive integer.

    References
    ----------
    .. [1] L. N. Trefethen, *Spectral Methods in MATLAB*, SIAM (2000), chap. 3.

    Examples
    --------
    >>> import torch
    >>> k = torch.arange(6) * torch.pi / 3
    >>> fine = upsample_periodic(torch.cos(2 * k), 4, dims=[0])
    >>> bool(torch.allclose(fine, torch.cos(2 * torch.arange(24) * torch.pi / 12), atol=1e-6))
    True
    """
    if _checks.positive_int(factor, "factor") == 1:
        return x
    for dim in dims:
        kernel = _kernel(x.shape[dim], factor).to(x)
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
