"""Encoder of Hamiltonians with any number of bands in two dimensions, through Wilson loops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, cast

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.learn.layers import InvariantHead

__all__ = [
    "TopologicalMLEncoderLoops",
    "characters",
    "links_of_bands",
    "loop_eigenvalues",
    "plaquette_loops",
]


# ---- Wilson loops and class functions


def links_of_bands(
    h: Complex[Tensor, "batch x y n n"], n_occupied: int
) -> Complex[Tensor, "batch x y 2 r r"]:
    r"""Links of the occupied bands: polar factors of the overlaps of neighbouring frames.

    .. math:: U_\mu(k) = M (M^\dagger M)^{-1/2}, \qquad M = V(k)^\dagger V(k + \hat\mu)

    Ref.: T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).
    """
    frames = torch.linalg.eigh(h)[1][..., :n_occupied]
    overlaps = torch.stack([frames.mH @ frames.roll(-1, dims=axis) for axis in (1, 2)], dim=3)
    left, _, right = torch.linalg.svd(overlaps)
    return cast("Tensor", left @ right)


def plaquette_loops(links: Complex[Tensor, "batch x y 2 r r"]) -> Complex[Tensor, "batch x y r r"]:
    r"""Product of the links around each plaquette, beginning and ending at its lower left corner.

    .. math:: W(k) = U_x(k) \, U_y(k + \hat x) \, U_x(k + \hat y)^\dagger \, U_y(k)^\dagger

    A change of basis at k conjugates W(k) and leaves its eigenvalues.
    """
    along_x, along_y = links.unbind(3)
    there = along_x @ along_y.roll(-1, dims=1)
    back = along_y @ along_x.roll(-1, dims=2)
    return there @ back.mH


def loop_eigenvalues(loops: Complex[Tensor, "*batch r r"]) -> Complex[Tensor, "*batch r"]:
    """Eigenvalues of unitary loops, put back on the unit circle."""
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

    Ref.: T. Broecker, T. tom Dieck, *Representations of Compact Lie Groups*, Springer (1985).
    """
    angles = torch.angle(eigenvalues)
    total = angles.sum(dim=-1, keepdim=True)
    orders = torch.arange(1, order + 1, dtype=angles.dtype, device=angles.device)
    traces = torch.sin(angles.unsqueeze(-1) * orders).sum(dim=-2)
    return torch.stack([traces, torch.sin(total * orders)], dim=-2)


# ---- Encoder

#: Real channels per k point, in units of the square of the size of a matrix.
CHANNELS: Final = {"bands": 2, "links": 4}


class TopologicalMLEncoderLoops(nn.Module):
    r"""Network from gauge-invariant functions of plaquette loops to a Chern number.

    .. math::
        W(k) = U_x(k) \, U_y(k + \hat x) \, U_x(k + \hat y)^\dagger \, U_y(k)^\dagger, \qquad
        h^3 = A \, (\mathrm{Im} \, \mathrm{tr} \, W^m, \; \mathrm{Im} \, \det W^m)_{m \le M},
        \qquad z = V \sum_k h^3, \qquad \hat C = w \cdot z

    The input is a matrix on every k point, the lowest states of which are occupied, or the links
    themselves. What follows from the loops is linear: the network has to find the Fourier series
    of the function of an eigenphase, or of the sum of all, that adds up to its labels. It is
    gauge invariant to rounding, periodic, translation-equivariant, odd under reversal of the
    loops, and reads any grid and any number of bands alike.

    Parameters
    ----------
    input_dim : int, optional
        Real channels per k point: 2 n^2 for Hermitian n x n matrices, 4 r^2 for two links r x r.
    k_grid : sequence of two ints, optional
        Grid of the training data; kept for the record, any grid is accepted.
    hidden_dims : sequence of ints, optional
        Channels of h3, the last number; those before it have no meaning here.
    num_classes : int, optional
        Number of consecutive integers around 0 for which class scores are given.
    output_features : int, optional
        Number of features z.
    input_kind : {"bands", "links"}, optional
        H(k) or 1 - 2 P(k), whose links follow from their eigenvectors; or unitary links.
    n_occupied : int, optional
        Number of occupied bands, needed where the input is of kind "bands" with more than two.
    harmonics : int, optional
        Number M of powers of each loop. Loops with small eigenphases need few; for random ones,
        the error of a sum of L eigenphases is about (L / (2 pi^2 M))^(1/2).

    Raises
    ------
    InputError
        If a size is impossible.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).
    .. [2] L. Huang, O. Balabanov, H. Linander, M. Granath, D. Persson, J. E. Gerken,
       arXiv:2502.15376 (2025).

    Examples
    --------
    >>> import torch
    >>> encoder = TopologicalMLEncoderLoops(input_dim=8, n_occupied=1)
    >>> identity = torch.view_as_real(torch.eye(2).cfloat()).reshape(8)
    >>> encoder(identity.expand(5, 6, 6, 8))["invariant"].shape
    torch.Size([5])
    """

    def __init__(
        self,
        input_dim: int = 32,
        k_grid: Sequence[int] = (12, 12),
        hidden_dims: Sequence[int] = (16,),
        num_classes: int = 3,
        output_features: int = 16,
        *,
        input_kind: str = "bands",
        n_occupied: int | None = None,
        harmonics: int = 32,
    ) -> None:
        super().__init__()
        _validation.one_of(input_kind, "input_kind", tuple(CHANNELS))
        per_matrix = CHANNELS[input_kind]
        size = math.isqrt(_validation.positive_int(input_dim, "input_dim") // per_matrix)
        if per_matrix * size * size != input_dim:
            raise InputError(
                f"Argument `input_dim` must be {per_matrix} n^2 for input of kind {input_kind!r},"
                f" but is {input_dim}."
            )
        if len(k_grid) != 2:
            raise InputError(f"Argument `k_grid` must have 2 numbers, but is {tuple(k_grid)}.")
        filled = _validation.occupied(n_occupied, size) if input_kind == "bands" else size
        n_h3 = [_validation.positive_int(n, "hidden_dims") for n in hidden_dims][-1]
        self.settings: dict[str, Any] = {
            "input_dim": int(input_dim),
            "k_grid": [_validation.positive_int(n, "k_grid") for n in k_grid],
            "hidden_dims": [int(n) for n in hidden_dims],
            "num_classes": _validation.positive_int(num_classes, "num_classes"),
            "output_features": _validation.positive_int(output_features, "output_features"),
            "input_kind": input_kind,
            "n_occupied": filled,
            "harmonics": _validation.positive_int(harmonics, "harmonics"),
        }
        self.size = size
        self.density = nn.Linear(2 * harmonics, n_h3, bias=False)
        self.project = nn.Linear(n_h3, output_features, bias=False)
        self.head = InvariantHead(output_features, num_classes)

    def links(self, x: Float[Tensor, "batch x y c"]) -> Tensor:
        """Complex links of shape (B, Nx, Ny, 2, r, r) from real channels."""
        parts = x.reshape(*x.shape[:3], -1, self.size, self.size, 2)
        matrices = torch.view_as_complex(parts.contiguous())
        if self.settings["input_kind"] == "links":
            return matrices
        return links_of_bands(matrices.squeeze(3), self.settings["n_occupied"])

    def pooled(self, x: Float[Tensor, "batch x y c"]) -> Float[Tensor, "batch waves"]:
        """Characters summed over the zone; no weight enters, so that they can be kept.

        Parameters
        ----------
        x : tensor of shape (B, Nx, Ny, input_dim)
            As for `forward`.

        Returns
        -------
        tensor of shape (B, 2 M)
            What `read` turns into the invariant.
        """
        values = loop_eigenvalues(plaquette_loops(self.links(x)))
        return characters(values, self.settings["harmonics"]).flatten(3).sum(dim=(1, 2))

    def read(self, pooled: Float[Tensor, "batch waves"]) -> dict[str, Any]:
        """Invariant, class scores and features from characters summed over the zone.

        Parameters
        ----------
        pooled : tensor of shape (B, 2 M)
            Result of `pooled`.

        Returns
        -------
        dict
            As `forward` returns, without local features.
        """
        features = cast("Tensor", self.project(self.density(pooled)))
        invariant, logits = self.head(features)
        return {
            "invariant": invariant,
            "topological_logits": logits,
            "topological_features": features,
        }

    def forward(self, x: Float[Tensor, "batch x y c"]) -> dict[str, Any]:
        """Read a batch.

        Parameters
        ----------
        x : tensor of shape (B, Nx, Ny, input_dim)
            Real and imaginary parts of the entries, row by row, interleaved; of links first the
            one along x.

        Returns
        -------
        dict
            "invariant" (B,), "topological_logits" (B, num_classes), "topological_features"
            (B, output_features) and "local_features" with "h1_features" (B, Nx, Ny, 2 r^2), the
            loop that begins at k, "h2_features" (B, Nx, Ny, 2, 2 r^2), the links, both in an
            arbitrary gauge, and "h3_features" (B, Nx, Ny, hidden_dims[-1]), which no gauge
            changes.

        Raises
        ------
        ShapeError
            If `x` has other axes.
        """
        channels = self.settings["input_dim"]
        if x.ndim != 4 or x.shape[-1] != channels:
            raise ShapeError(
                f"Argument `x` must have shape (B, Nx, Ny, {channels}), channels last, but has"
                f" {tuple(x.shape)}."
            )
        links = self.links(x)
        loops = plaquette_loops(links)
        waves = characters(loop_eigenvalues(loops), self.settings["harmonics"])
        h3 = cast("Tensor", self.density(waves.flatten(3)))
        features = cast("Tensor", self.project(h3.sum(dim=(1, 2))))
        invariant, logits = self.head(features)
        return {
            "invariant": invariant,
            "topological_logits": logits,
            "topological_features": features,
            "local_features": {
                "h1_features": torch.view_as_real(loops).flatten(3),
                "h2_features": torch.view_as_real(links).flatten(4),
                "h3_features": h3,
            },
        }
