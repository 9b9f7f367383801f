"""Hoppings of gapped chiral chains from free parameters."""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import torch
from jaxtyping import Complex, Float
from torch import Tensor

__all__ = ["CHAIN_PARAMETERS", "FACTORS", "chain_hoppings"]

#: Factors of first degree in exp(i k): the hopping range is half of it.
FACTORS: Final = 4
#: Two roots of each factor (logarithm of the radius, angle), and a rotation before each factor
#: and after the last one (four numbers).
CHAIN_PARAMETERS: Final = 4 * FACTORS + 4 * (FACTORS + 1)


def chain_hoppings(
    parameters: Float[Tensor, "batch p"], margin: float
) -> Complex[Tensor, "batch m 2 2"]:
    r"""Coefficients of a block D(k) with singular values from `margin` to 1.

    .. math::
        D(k) = e^{-2ik} V_4 \prod_{j=0}^{3} A_j(k) V_j, \qquad
        A_j = \mathrm{diag}_s \left( \frac{e^{ik} - z_{js}}{1 + |z_{js}|} \right)

    with roots z off the unit circle and V in SU(2). A factor has singular values of at least
    :math:`\tanh(|\ln |z|| / 2)`; the radii are kept so far from 1 that the product of four is at
    least the margin. The winding number is the number of roots inside the circle, minus 4.

    Parameters
    ----------
    parameters : tensor of shape (B, 36)
        Any real numbers.
    margin : float
        Smallest singular value of D(k).

    Returns
    -------
    complex tensor of shape (B, 5, 2, 2)
        D_m for m = -2, ..., 2.

    References
    ----------
    .. [1] L. V. Ahlfors, *Complex Analysis*, McGraw-Hill (1979), chap. 4: the argument principle.
    """
    roots = parameters[:, : 4 * FACTORS].reshape(-1, FACTORS, 2, 2)
    turns = _rotations(parameters[:, 4 * FACTORS :].reshape(-1, FACTORS + 1, 4))
    least = 2.0 * math.atanh(margin ** (1.0 / FACTORS))
    free = roots[..., 0]
    log_radius = free + torch.copysign(torch.full_like(free, least), free)
    # (e^ik - z) / (1 + |z|), written so that no radius overflows
    lead = torch.sigmoid(-log_radius).unsqueeze(-1)
    constant = -torch.polar(torch.sigmoid(log_radius), roots[..., 1]).unsqueeze(-1)
    # a polynomial of degree 4 is known from its values at five points
    unit, waves = _points(constant.dtype, constant.device)
    value = lead * unit + constant
    factors = value.mT.unsqueeze(-1) * turns[:, :-1].unsqueeze(2)
    pairs = factors[:, 1::2] @ factors[:, 0::2]
    sampled = turns[:, -1:] @ (pairs[:, 1] @ pairs[:, 0])
    return (waves @ sampled.flatten(2)).reshape(-1, FACTORS + 1, 2, 2)


@cache
def _points(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Five points on the unit circle, and the matrix from values there to coefficients."""
    n = FACTORS + 1
    angle = torch.arange(n, dtype=torch.float64) * (2.0 * math.pi / n)
    unit = torch.polar(torch.ones_like(angle), angle)
    power = torch.outer(torch.arange(n), torch.arange(n)) % n
    return unit.to(device, dtype), (unit.conj()[power] / n).to(device, dtype)


def _rotations(q: Float[Tensor, "batch j 4"]) -> Complex[Tensor, "batch j 2 2"]:
    """Matrices of SU(2) from quaternions (w, x, y, z) of any length but 0."""
    unit = torch.nn.functional.normalize(q, dim=-1)
    # first row: w + iz and y + ix; second row: minus y + ix, and w - iz
    signs = torch.tensor((1.0, 1.0, 1.0, 1.0, -1.0, 1.0, 1.0, -1.0), dtype=q.dtype, device=q.device)
    entries = unit[..., [0, 3, 2, 1, 2, 1, 0, 3]] * signs
    return torch.view_as_complex(entries.reshape(*q.shape[:-1], 2, 2, 2))
