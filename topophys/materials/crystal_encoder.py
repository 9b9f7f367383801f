"""Encoder of periodic crystal graphs."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from topophys import _checks
from topophys.errors import ShapeError
from topophys.materials._parts import read_out
from topophys.materials.crystal import CUTOFF

__all__ = ["TopologicalCrystalEncoder"]


class TopologicalCrystalEncoder(nn.Module):
    r"""Message passing over neighbours with periodic images.

    .. math::
        m_{ij} = W h_j \odot F(r_{ij}), \qquad
        h_i \mathrel{+}= \phi\Big(\sum_j m_{ij}, \;\big|\sum_j \hat r_{ij} \, V m_{ij}\big|^2\Big),
        \qquad z = \Big[\frac{1}{n} \sum_i h_i, \; \max_i h_i\Big]

    Lengths, squares of vector sums, means over atoms and maxima enter, nothing else: the result
    does not change under rotations, translations and reflections, another order of the atoms, or
    another choice of cell or supercell. Messages fade smoothly at the cutoff.

    Parameters
    ----------
    crystal_node_feature_dim : int
        Descriptors of an atom beside its number.
    hidden_dim, output_dim : int, optional
        Width of the layers and of the result.
    n_layers : int, optional
        Rounds of messages.
    n_radial : int, optional
        Gaussians in which distances are expanded.
    cutoff : float, optional
        Of the graph, in angstrom.

    References
    ----------
    .. [1] T. Xie, J. C. Grossman, Phys. Rev. Lett. 120, 145301 (2018).
    .. [2] K. T. Schütt et al., J. Chem. Phys. 148, 241722 (2018).

    Examples
    --------
    >>> encoder = TopologicalCrystalEncoder(8, output_dim=16)
    >>> number, owner = torch.tensor([6, 6]), torch.tensor([0, 0])
    >>> edges, vector = torch.tensor([[0, 1], [1, 0]]), torch.tensor([[1.4, 0, 0], [-1.4, 0, 0]])
    >>> encoder(number, torch.zeros(2, 8), edges, vector, owner, 1).shape
    torch.Size([1, 16])
    """

    def __init__(
        self,
        crystal_node_feature_dim: int,
        *,
        hidden_dim: int = 32,
        output_dim: int = 64,
        n_layers: int = 2,
        n_radial: int = 16,
        cutoff: float = CUTOFF,
    ) -> None:
        super().__init__()
        self.n_features = _checks.positive_int(crystal_node_feature_dim, "crystal_node_feature_dim")
        self.cutoff = float(cutoff)
        self.symbol = nn.Embedding(119, hidden_dim)
        self.describe = nn.Linear(self.n_features, hidden_dim)
        self.layers = nn.ModuleList(_Messages(hidden_dim, n_radial) for _ in range(n_layers))
        self.out = read_out(hidden_dim, output_dim)
        self.centres: Tensor
        self.register_buffer("centres", torch.linspace(0.8, self.cutoff, n_radial))
        self.width = (self.cutoff - 0.8) / (n_radial - 1)

    def forward(
        self,
        numbers: Tensor,
        node_features: Tensor,
        edges: Tensor,
        vector: Tensor,
        owner: Tensor,
        size: int,
    ) -> Tensor:
        """Encode the crystals of a batch.

        Parameters
        ----------
        numbers : int64 tensor of shape (n,)
            Atomic numbers of all atoms.
        node_features : tensor of shape (n, crystal_node_feature_dim)
            Descriptors.
        edges, vector : tensors of shape (2, E), (E, 3)
            Receiver and sender, and the vector between them.
        owner : int64 tensor of shape (n,)
            Crystal of each atom, from 0 to ``size - 1``.
        size : int
            Number of crystals B; one without atoms gets zeros before the last layer.

        Returns
        -------
        tensor of shape (B, output_dim)
            Features.

        Raises
        ------
        ShapeError
            If the descriptors have another length.
        """
        if node_features.shape != (len(numbers), self.n_features):
            raise ShapeError(
                f"Argument `node_features` must have shape (n, {self.n_features}) with n ="
                f" {len(numbers)} atoms, but has {tuple(node_features.shape)}."
            )
        h = cast("Tensor", self.symbol(numbers) + self.describe(node_features))
        length = vector.square().sum(-1).clamp(min=1e-12).sqrt()
        unit = vector / length.unsqueeze(-1)
        fade = 0.5 * (1.0 + torch.cos(torch.pi * (length / self.cutoff).clamp(max=1.0)))
        radial = torch.exp(-0.5 * ((length.unsqueeze(-1) - self.centres) / self.width).square())
        radial = radial * fade.unsqueeze(-1)
        for layer in self.layers:
            h = h + layer(h, edges, radial, unit)
        count = h.new_zeros(size, 1).index_add_(0, owner, h.new_ones(len(owner), 1))
        mean = h.new_zeros(size, h.shape[1]).index_add_(0, owner, h) / count.clamp(min=1.0)
        largest = h.new_zeros(size, h.shape[1]).scatter_reduce(
            0, owner.unsqueeze(-1).expand_as(h), h, "amax", include_self=False
        )
        return cast("Tensor", self.out(torch.cat([mean, largest], dim=-1)))


class _Messages(nn.Module):
    """One round: gather, weigh by distance, sum with and without direction, update."""

    def __init__(self, hidden: int, n_radial: int) -> None:
        super().__init__()
        self.n_vector = max(4, hidden // 4)
        self.send = nn.Linear(hidden, hidden, bias=False)
        self.filter = nn.Linear(n_radial, hidden, bias=False)
        self.update = nn.Sequential(
            nn.Linear(2 * hidden + self.n_vector, hidden), nn.GELU(), nn.Linear(hidden, hidden)
        )

    def forward(self, h: Tensor, edges: Tensor, radial: Tensor, unit: Tensor) -> Tensor:
        receiver, sender = edges
        # taking rows by index_select: the gradient of plain indexing sorts them first
        message = self.send(h).index_select(0, sender) * self.filter(radial)
        total = torch.zeros_like(h).index_add_(0, receiver, message)
        part = message[:, : self.n_vector]
        flat = (unit.unsqueeze(-1) * part.unsqueeze(1)).flatten(1)
        arrow = h.new_zeros(len(h), flat.shape[1]).index_add_(0, receiver, flat)
        square = arrow.view(len(h), 3, self.n_vector).square().sum(1)
        return cast("Tensor", self.update(torch.cat([h, total, square], dim=-1)))
