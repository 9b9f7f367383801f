"""Hoppings of gapped two-band Hamiltonians in two dimensions from free parameters."""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Complex, Float
from torch import Tensor

__all__ = ["SURFACE_PARAMETERS", "surface_hoppings"]

#: Four masses, two amplitudes, a rotation (four numbers) and an origin of k.
SURFACE_PARAMETERS: Final = 12
#: Signs of cos kx and cos ky at the four momenta where sin kx = sin ky = 0, in the order of the
#: masses: (0, 0), (pi, 0), (0, pi), (pi, pi).
CORNERS: Final = ((1, 1), (-1, 1), (1, -1), (-1, -1))


def surface_hoppings(
    parameters: Float[Tensor, "batch p"], margin: float
) -> Complex[Tensor, "batch 9 3"]:
    r"""Coefficients of a d-vector with :math:`|d(k)|` at least `margin`.

    .. math::
        d(k) = O \, (a \sin q_x, \; b \sin q_y, \; g(q)), \qquad q = k - k_0, \qquad
        g = \sum_{s, t = 0, 1} m_{st} \cos^2 \tfrac{q_x - \pi s}{2} \cos^2 \tfrac{q_y - \pi t}{2}

    The masses m are the values of g at the four momenta where both sines vanish; g interpolates
    between them. With :math:`a, b \ge 1` and masses between `margin` and 1 in size, no |d(k)| is
    smaller than `margin`: with e and f the distances of the two squared cosines from 0 or 1 and
    t = e + f - e f, the squared sines sum up to at least 4 t (1 - t) and |g| is at least
    margin - t (1 + margin). The Chern number is half the sum of the signs of the masses, each
    with the sign of its momentum: +, -, -, +. All of -2, ..., 2 are reached.

    Parameters
    ----------
    parameters : tensor of shape (B, 12)
        Any real numbers.
    margin : float
        Smallest length of d(k): half the gap.

    Returns
    -------
    complex tensor of shape (B, 9, 3)
        d_R for R in {-1, 0, 1}^2, in lexical order.

    References
    ----------
    .. [1] X.-L. Qi, Y.-S. Wu, S.-C. Zhang, Phys. Rev. B 74, 085308 (2006): the model with
       masses m + 2, m, m, m - 2.
    """
    raw, amplitude, turn, origin = torch.split(parameters, [4, 2, 4, 2], dim=-1)
    mass = torch.copysign(margin + (1.0 - margin) * raw.tanh().abs(), raw)
    signs = torch.tensor(CORNERS, dtype=mass.dtype, device=mass.device)
    # coefficients of 1, cos kx, cos ky, cos kx cos ky
    waves = torch.stack([torch.ones_like(signs[:, 0]), signs[:, 0], signs[:, 1], signs.prod(1)])
    flat = mass @ waves.T / 4.0
    slope = 1.0 + torch.sigmoid(amplitude)
    kind_of = torch.complex128 if mass.dtype == torch.float64 else torch.complex64
    d = torch.zeros((len(mass), 3, 3, 3), dtype=kind_of, device=mass.device)
    half = torch.complex(torch.zeros_like(slope), -0.5 * slope)  # sin k = (e^ik - e^-ik) / 2i
    d[:, 2, 1, 0], d[:, 0, 1, 0] = half[:, 0], -half[:, 0]
    d[:, 1, 2, 1], d[:, 1, 0, 1] = half[:, 1], -half[:, 1]
    weight = torch.tensor([0.5, 1.0, 0.5], dtype=mass.dtype, device=mass.device)
    kind = torch.tensor([1, 0, 1], device=mass.device)
    which = kind[:, None] + 2 * kind[None, :]
    d[:, :, :, 2] = flat[:, which] * (weight[:, None] * weight[None, :])
    step = torch.arange(-1.0, 2.0, dtype=mass.dtype, device=mass.device)
    angle = -(origin[:, :1, None] * step[:, None] + origin[:, 1:, None] * step[None, :])
    phase = torch.polar(torch.ones_like(angle), angle)
    moved = (phase[..., None] * d).reshape(-1, 9, 3)
    return moved @ _rotation(turn).transpose(-1, -2).to(moved.dtype)


def _rotation(q: Float[Tensor, "batch 4"]) -> Float[Tensor, "batch 3 3"]:
    """Rotation matrices from quaternions of any length but 0."""
    w, x, y, z = torch.nn.functional.normalize(q, dim=-1).unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], -2)
