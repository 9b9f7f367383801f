"""Loops of unitary links, and functions of them that no gauge changes."""

from __future__ import annotations

from typing import cast

import torch
from jaxtyping import Complex, Float
from torch import Tensor

__all__ = ["characters", "links_of_bands", "loop_eigenvalues", "plaquette_loops"]


def links_of_bands(
    h: Complex[Tensor, "batch x y n n"], n_occupied: int
) -> Complex[Tensor, "batch x y 2 r r"]:
    r"""Links of the occupied bands: polar factors of the overlaps of neighbouring frames.

    .. math:: U_\mu(k) = M (M^\dagger M)^{-1/2}, \qquad M = V(k)^\dagger V(k + \hat\mu)

    Parameters
    ----------
    h : complex tensor of shape (B, Nx, Ny, n, n)
        Hermitian matrices whose lowest states are the occupied ones: H(k), or 1 - 2 P(k).
    n_occupied : int
        Number r of occupied bands.

    Returns
    -------
    complex tensor of shape (B, Nx, Ny, 2, r, r)
        Links that leave k along x and along y, in the gauge that the eigensolver happens to give.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import torch
    >>> h = torch.diag(torch.tensor([1.0, -1.0])).cfloat()
    >>> links_of_bands(h.expand(1, 4, 4, 2, 2), 1).shape
    torch.Size([1, 4, 4, 2, 1, 1])
    """
    frames = torch.linalg.eigh(h)[1][..., :n_occupied]
    overlaps = torch.stack([frames.mH @ frames.roll(-1, dims=axis) for axis in (1, 2)], dim=3)
    left, _, right = torch.linalg.svd(overlaps)
    return cast("Tensor", left @ right)


def plaquette_loops(links: Complex[Tensor, "batch x y 2 r r"]) -> Complex[Tensor, "batch x y r r"]:
    r"""Product of the links around each plaquette, beginning and ending at its lower left corner.

    .. math:: W(k) = U_x(k) \, U_y(k + \hat x) \, U_x(k + \hat y)^\dagger \, U_y(k)^\dagger

    A change of basis at k turns W(k) into its conjugate; the eigenvalues stay.

    Parameters
    ----------
    links : complex tensor of shape (B, Nx, Ny, 2, r, r)
        Links that leave k along x and along y.

    Returns
    -------
    complex tensor of shape (B, Nx, Ny, r, r)
        Loops.

    Examples
    --------
    >>> import torch
    >>> plaquette_loops(torch.ones(1, 3, 3, 2, 1, 1, dtype=torch.cfloat)).shape
    torch.Size([1, 3, 3, 1, 1])
    """
    along_x, along_y = links.unbind(3)
    there = along_x @ along_y.roll(-1, dims=1)
    back = along_y @ along_x.roll(-1, dims=2)
    return there @ back.mH


def loop_eigenvalues(loops: Complex[Tensor, "*batch r r"]) -> Complex[Tensor, "*batch r"]:
    """Eigenvalues of unitary loops, put back on the unit circle.

    Parameters
    ----------
    loops : complex tensor of shape (..., r, r)
        Unitary up to rounding.

    Returns
    -------
    complex tensor of shape (..., r)
        Numbers of modulus 1, in no order.

    Examples
    --------
    >>> import torch
    >>> loop_eigenvalues(torch.tensor([[1.0j]]))
    tensor([0.+1.j])
    """
    values = loops.squeeze(-1) if loops.shape[-1] == 1 else torch.linalg.eigvals(loops)
    return values / values.abs()


def characters(
    eigenvalues: Complex[Tensor, "*batch r"], order: int
) -> Float[Tensor, "*batch two_kinds order"]:
    r"""Imaginary parts of the traces and determinants of the first powers of a loop.

    .. math:: \mathrm{Im} \, \mathrm{tr} \, W^m = \sum_a \sin m \theta_a, \qquad
        \mathrm{Im} \, \det W^m = \sin m \sum_a \theta_a, \qquad m = 1 \ldots M

    They do not depend on the gauge, and change sign with the direction of the loop. Every class
    function of W that depends on its eigenvalues one by one, or on its determinant, is a linear
    combination of such.

    Parameters
    ----------
    eigenvalues : complex tensor of shape (..., r)
        Eigenvalues of loops, of modulus 1.
    order : int
        Number M of powers.

    Returns
    -------
    tensor of shape (..., 2, M)
        Traces, and determinants.

    References
    ----------
    .. [1] T. Broecker, T. tom Dieck, *Representations of Compact Lie Groups*, Springer (1985).

    Examples
    --------
    >>> import torch
    >>> characters(torch.polar(torch.ones(2), torch.tensor([0.5, 1.0])), 1)
    tensor([[1.3209],
            [0.9975]])
    """
    angles = torch.angle(eigenvalues)
    together = angles.sum(dim=-1, keepdim=True)
    orders = torch.arange(1, order + 1, dtype=angles.dtype, device=angles.device)
    traces = torch.sin(angles.unsqueeze(-1) * orders).sum(dim=-2)
    return torch.stack([traces, torch.sin(together * orders)], dim=-2)
