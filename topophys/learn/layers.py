"""Building blocks: products of linear forms, on channels-last arrays."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["GatedLinear", "PlainLinear", "local_layer"]


class GatedLinear(nn.Module):
    r"""Product of two affine maps, channel by channel.

    .. math:: y = (W x + b) \odot (V x + c)

    Every output channel is a quadratic form of the input. Determinants of 2 x 2 blocks and the
    cosine and sine of a phase difference are sums of such forms; a network of affine maps and
    rectifiers has to piece them together.

    Parameters
    ----------
    n_in, n_out : int
        Number of input and output channels.

    References
    ----------
    .. [1] Y. N. Dauphin, A. Fan, M. Auli, D. Grangier, Proc. ICML 70, 933 (2017): gated layers
       with a sigmoid; without one as here the layer is bilinear.

    Examples
    --------
    >>> import torch
    >>> GatedLinear(8, 24)(torch.zeros(5, 32, 8)).shape
    torch.Size([5, 32, 24])
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.pair = nn.Linear(n_in, 2 * n_out)

    def forward(self, x: Float[Tensor, "... c_in"]) -> Float[Tensor, "... c_out"]:
        """Multiply the two halves of one affine map of `x`.

        Parameters
        ----------
        x : tensor of shape (..., n_in)
            Input channels last.

        Returns
        -------
        tensor of shape (..., n_out)
            Products.
        """
        left, right = self.pair(x).chunk(2, dim=-1)
        product: Tensor = left * right
        return product


class PlainLinear(nn.Module):
    """Affine map and rectifier: the layer of an ordinary convolutional network.

    Parameters
    ----------
    n_in, n_out : int
        Number of input and output channels.

    References
    ----------
    .. [1] N. Sun, J. Yi, P. Zhang, H. Shen, H. Zhai, Phys. Rev. B 98, 085402 (2018).

    Examples
    --------
    >>> import torch
    >>> PlainLinear(8, 24)(torch.zeros(5, 32, 8)).shape
    torch.Size([5, 32, 24])
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, x: Float[Tensor, "... c_in"]) -> Float[Tensor, "... c_out"]:
        """Rectified affine map of `x`.

        Parameters
        ----------
        x : tensor of shape (..., n_in)
            Input channels last.

        Returns
        -------
        tensor of shape (..., n_out)
            Rectified channels.
        """
        return torch.relu(self.linear(x))


def local_layer(n_in: int, n_out: int, *, gated: bool) -> nn.Module:
    """Return a layer acting on channels alone: bilinear, or affine with a rectifier.

    Parameters
    ----------
    n_in, n_out : int
        Number of input and output channels.
    gated : bool
        Which of the two.

    Returns
    -------
    torch.nn.Module
        Maps (..., n_in) to (..., n_out).
    """
    return GatedLinear(n_in, n_out) if gated else PlainLinear(n_in, n_out)
