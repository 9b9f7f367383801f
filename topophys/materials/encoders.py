"""Encoders of crystals, bands, tokens and scalars, and the branch through a latent Hamiltonian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

import torch
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.learn.encoders.chain import TopologicalMLEncoder
from topophys.learn.encoders.plane import TopologicalMLEncoder2D
from topophys.learn.latent_hamiltonian import FeatureHamiltonian
from topophys.materials.crystal import CUTOFF

__all__ = [
    "BRANCHES",
    "EnhancedKSpacePhysicsFeatures",
    "ExactBranch",
    "KSpaceTransformerGNNEncoder",
    "PHTokenEncoder",
    "PlainBranch",
    "ScalarFeatureEncoder",
    "TopologicalBranch",
    "TopologicalCrystalEncoder",
    "demand",
    "each",
    "make_branch",
    "read_out",
]


# ---- Common parts


def demand(x: Tensor, name: str, tail: tuple[str | int, ...]) -> None:
    """Refuse inputs of another shape.

    Examples
    --------
    >>> import torch
    >>> demand(torch.zeros(5, 7, 3), "x", ("T", 3))
    """
    wanted = (None, *(size if isinstance(size, int) else None for size in tail))
    fits = x.ndim == len(wanted) and all(
        size in {None, length} for size, length in zip(wanted, x.shape, strict=True)
    )
    if not fits:
        axes = ", ".join(["B", *map(str, tail)])
        raise ShapeError(f"Argument `{name}` must have shape ({axes}), but has {tuple(x.shape)}.")


def each(n_in: int, width: int) -> nn.Sequential:
    """Perceptron with one hidden layer on the features of each k point or token."""
    return nn.Sequential(nn.Linear(n_in, width), nn.GELU(), nn.Linear(width, width))


def read_out(width: int, n_out: int) -> nn.Sequential:
    """Last layer on two summaries of a set, side by side."""
    return nn.Sequential(nn.Linear(2 * width, n_out), nn.GELU())


# ---- Crystal graphs


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
        self.n_features = _validation.positive_int(
            crystal_node_feature_dim, "crystal_node_feature_dim"
        )
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


# ---- Bands


class KSpaceTransformerGNNEncoder(nn.Module):
    """Messages between neighbouring k points, then attention over all of them.

    Parameters
    ----------
    kspace_node_feature_dim : int
        Numbers at each k point: momentum, energies, characters of the levels.
    hidden_dim, output_dim : int, optional
        Width of the layers and of the result.
    n_heads : int, optional
        Heads of the attention.
    n_layers : int, optional
        Layers of attention.
    stride : int, optional
        Attention looks at every so many-th k point, after all have sent messages.

    References
    ----------
    .. [1] A. Vaswani et al., Adv. Neural Inf. Process. Syst. 30, 5998 (2017).

    Examples
    --------
    >>> KSpaceTransformerGNNEncoder(16, output_dim=24)(torch.randn(3, 31, 16)).shape
    torch.Size([3, 24])
    """

    def __init__(
        self,
        kspace_node_feature_dim: int,
        *,
        hidden_dim: int = 32,
        output_dim: int = 64,
        n_heads: int = 4,
        n_layers: int = 1,
        stride: int = 3,
    ) -> None:
        super().__init__()
        self.n_features = _validation.positive_int(
            kspace_node_feature_dim, "kspace_node_feature_dim"
        )
        self.stride = _validation.positive_int(stride, "stride")
        self.point = each(self.n_features, hidden_dim)
        self.neighbour = nn.Linear(2 * hidden_dim, hidden_dim)
        self.attention = nn.ModuleList(
            nn.TransformerEncoderLayer(
                hidden_dim, n_heads, hidden_dim, dropout=0.0, activation="gelu",
                batch_first=True, norm_first=True,
            )
            for _ in range(n_layers)
        )  # fmt: skip
        self.out = read_out(hidden_dim, output_dim)

    def forward(self, kspace: Tensor, edges: Tensor | None = None) -> Tensor:
        """Encode the bands of a batch.

        Parameters
        ----------
        kspace : tensor of shape (B, K, kspace_node_feature_dim)
            Features of the k points.
        edges : int64 tensor of shape (2, E), optional
            Receiver and sender of messages; neighbours along the path by default.

        Returns
        -------
        tensor of shape (B, output_dim)
            Features.

        Raises
        ------
        ShapeError
            If `kspace` has other axes.
        """
        demand(kspace, "kspace", ("K", self.n_features))
        h = cast("Tensor", self.point(kspace))
        if edges is None:
            around = nn.functional.pad(h[:, :-1], (0, 0, 1, 0)) + nn.functional.pad(
                h[:, 1:], (0, 0, 0, 1)
            )
        else:
            around = torch.zeros_like(h).index_add_(1, edges[0], h[:, edges[1]])
        h = h + nn.functional.gelu(self.neighbour(torch.cat([h, around], dim=-1)))
        some = h[:, :: self.stride]
        for layer in self.attention:
            some = layer(some)
        return cast("Tensor", self.out(torch.cat([some.mean(1), h.amax(1)], dim=-1)))


# ---- Persistence tokens, scalars, band summaries


class PHTokenEncoder(nn.Module):
    """Attention-weighted sum over the bars of persistence diagrams, in no order.

    Parameters
    ----------
    asph_feature_dim : int
        Numbers of a token.
    hidden_dim, output_dim : int, optional
        Width of the layers and of the result.

    References
    ----------
    .. [1] M. Zaheer et al., Adv. Neural Inf. Process. Syst. 30, 3391 (2017).

    Examples
    --------
    >>> PHTokenEncoder(10, output_dim=8)(torch.randn(2, 5, 10), torch.ones(2, 5).bool()).shape
    torch.Size([2, 8])
    """

    def __init__(
        self, asph_feature_dim: int, *, hidden_dim: int = 32, output_dim: int = 64
    ) -> None:
        super().__init__()
        self.n_features = _validation.positive_int(asph_feature_dim, "asph_feature_dim")
        self.token = each(self.n_features, hidden_dim)
        self.score = nn.Linear(hidden_dim, 1)
        self.out = read_out(hidden_dim, output_dim)

    def forward(self, asph: Tensor, mask: Tensor) -> Tensor:
        """Encode the tokens of a batch.

        Parameters
        ----------
        asph : tensor of shape (B, T, asph_feature_dim)
            Tokens.
        mask : bool tensor of shape (B, T)
            Which of them there are; the others have no influence.

        Returns
        -------
        tensor of shape (B, output_dim)
            Features.

        Raises
        ------
        ShapeError
            If an argument has other axes.
        """
        demand(asph, "asph", ("T", self.n_features))
        demand(mask, "asph_mask", (asph.shape[1],))
        h = cast("Tensor", self.token(torch.where(mask.unsqueeze(-1), asph, 0.0)))
        score = self.score(h).squeeze(-1).masked_fill(~mask, -1e9)
        weight = torch.softmax(score, dim=-1).unsqueeze(-1)
        here = mask.unsqueeze(-1).to(h.dtype)
        mean = (here * h).sum(1) / here.sum(1).clamp(min=1.0)
        return cast("Tensor", self.out(torch.cat([(weight * here * h).sum(1), mean], dim=-1)))


class ScalarFeatureEncoder(nn.Module):
    """Perceptron on global numbers of the material.

    Parameters
    ----------
    scalar_feature_dim : int
        How many.
    hidden_dim, output_dim : int, optional
        Width of the layers and of the result.
    n_layers : int, optional
        Hidden layers; those after the first are residual, and with more than one each is
        normalised.
    dropout : float, optional
        Share of hidden units left out in training.

    References
    ----------
    .. [1] Y. Gorishniy et al., Adv. Neural Inf. Process. Syst. 34, 18932 (2021).

    Examples
    --------
    >>> ScalarFeatureEncoder(48, output_dim=8)(torch.randn(2, 48)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        scalar_feature_dim: int,
        *,
        hidden_dim: int = 64,
        output_dim: int = 64,
        n_layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_features = _validation.positive_int(scalar_feature_dim, "scalar_feature_dim")
        n_layers = _validation.positive_int(n_layers, "n_layers")
        norm = [nn.LayerNorm(hidden_dim)] if n_layers > 1 else []
        self.net = nn.Sequential(
            nn.Linear(self.n_features, hidden_dim), *norm, nn.GELU(), nn.Dropout(dropout),
            *(_Residual(hidden_dim, dropout) for _ in range(n_layers - 1)),
            nn.Linear(hidden_dim, output_dim), nn.GELU(),
        )  # fmt: skip

    def forward(self, scalar: Tensor) -> Tensor:
        """Encode the scalars of a batch.

        Parameters
        ----------
        scalar : tensor of shape (B, scalar_feature_dim)
            Numbers.

        Returns
        -------
        tensor of shape (B, output_dim)
            Features.

        Raises
        ------
        ShapeError
            If `scalar` has other axes.
        """
        demand(scalar, "scalar", (self.n_features,))
        return cast("Tensor", self.net(scalar))


class _Residual(nn.Module):
    """A layer that is added to what it gets."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(width, width), nn.LayerNorm(width), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return x + f(x)."""
        return x + cast("Tensor", self.net(x))


class EnhancedKSpacePhysicsFeatures(nn.Module):
    """Perceptron on band-structure summaries: decomposition, gap, density of states, Fermi level.

    Parameters
    ----------
    decomposition_feature_dim : int
        Characters or weights of the occupied states at special momenta.
    gap_dim, dos_dim, fermi_dim : int, optional
        Numbers about the gap, bins of the density of states, numbers about the Fermi level.
    hidden_dim, output_dim : int, optional
        Width of the layers and of the result.

    Examples
    --------
    >>> features = EnhancedKSpacePhysicsFeatures(12, output_dim=8)
    >>> sizes = {"decomposition": 12, "gap": 2, "dos": 32, "fermi": 4}
    >>> features(*(torch.randn(3, n) for n in sizes.values())).shape
    torch.Size([3, 8])
    """

    def __init__(
        self,
        decomposition_feature_dim: int,
        *,
        gap_dim: int = 2,
        dos_dim: int = 32,
        fermi_dim: int = 4,
        hidden_dim: int = 64,
        output_dim: int = 64,
    ) -> None:
        super().__init__()
        self.sizes = {
            "decomposition": _validation.positive_int(
                decomposition_feature_dim, "decomposition_feature_dim"
            ),
            "gap": gap_dim, "dos": dos_dim, "fermi": fermi_dim,
        }  # fmt: skip
        self.net = nn.Sequential(
            nn.Linear(sum(self.sizes.values()), hidden_dim), nn.GELU(),
            nn.Linear(hidden_dim, output_dim), nn.GELU(),
        )  # fmt: skip

    def forward(self, decomposition: Tensor, gap: Tensor, dos: Tensor, fermi: Tensor) -> Tensor:
        """Encode the summaries of a batch.

        Parameters
        ----------
        decomposition, gap, dos, fermi : tensors of shape (B, ...)
            With the lengths given to the constructor.

        Returns
        -------
        tensor of shape (B, output_dim)
            Features.

        Raises
        ------
        ShapeError
            If one has other axes.
        """
        parts = (decomposition, gap, dos, fermi)
        for x, (name, size) in zip(parts, self.sizes.items(), strict=True):
            demand(x, name, (size,))
        return cast("Tensor", self.net(torch.cat(parts, dim=-1)))


# ---- Topological branch

#: Kinds of branch: a chain of class AIII or a two-band Hamiltonian in two dimensions made from
#: features, the two-band Hamiltonians of the material itself, or a perceptron.
BRANCHES: Final = ("1d_a3", "2d_a", "exact_2d", "mlp")
#: Class scores of the invariant, which are the last of the topological features.
CLASSES: Final = 3
#: Most k points along a direction of a Hamiltonian in two dimensions.
MOST_2D: Final = 12


class TopologicalBranch(nn.Module):
    """A gapped Hamiltonian made from features, and the network that reads its invariant.

    The Hamiltonian is a latent variable with a definite invariant, not that of the material.
    """

    def __init__(
        self,
        n_features: int,
        output_features: int,
        *,
        model_type: Literal["1d_a3", "2d_a"] = "1d_a3",
        k_points: int = 32,
    ) -> None:
        super().__init__()
        n_out = output_features - CLASSES
        self.encoder: TopologicalMLEncoder | TopologicalMLEncoder2D
        if model_type == "1d_a3":
            self.encoder = TopologicalMLEncoder(
                8, k_points, hidden_dims=(16, 12, 16), output_features=n_out
            )
        else:
            k_points = min(k_points, MOST_2D)
            self.encoder = TopologicalMLEncoder2D(
                3,
                (k_points, k_points),
                hidden_dims=(8, 8, 12),
                output_features=n_out,
                rotation_invariant=False,
            )
        seed = int(torch.randint(2**31, (), device="cpu"))
        self.hamiltonian = FeatureHamiltonian(n_features, k_points, model_type, seed=seed)

    def forward(self, fused: Tensor, rows: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:  # noqa: ARG002  # one signature for all
        """Topological features, (B, output_features), and local ones on the path to them."""
        h_k = self.hamiltonian(fused)["hamiltonian"]
        if self.hamiltonian.model_type == "1d_a3":
            x = torch.view_as_real(h_k[..., :2, 2:].contiguous()).flatten(-3)
        else:
            upper = h_k[..., 0, 1]
            x = torch.stack([upper.real, -upper.imag, h_k[..., 0, 0].real], dim=-1)
        out = self.encoder(x)
        features = torch.cat([out["topological_features"], out["topological_logits"]], dim=-1)
        return features, out["local_features"]


class ExactBranch(nn.Module):
    """Encoder of the Hamiltonians that a material is known to have, one for each spin.

    Nothing is made from features here: the input is what a calculation of the bands gives. The
    squares of the real-valued invariants come with their features, because which of two spins
    has which sign says nothing about the class.
    """

    def __init__(self, output_features: int, *, k_points: int = MOST_2D) -> None:
        super().__init__()
        self.encoder = TopologicalMLEncoder2D(
            3,
            (k_points, k_points),
            hidden_dims=(8, 8, 12),
            output_features=8,
            rotation_invariant=False,
        )
        self.read = nn.Sequential(
            nn.Linear(2 * (8 + 2 + CLASSES), 32), nn.GELU(), nn.Linear(32, output_features)
        )

    def forward(self, fused: Tensor, rows: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:
        """Features of rows["d_grid"], (B, 2, Nx, Ny, 3)."""
        if "d_grid" not in rows:
            raise InputError(
                "A branch of type 'exact_2d' must be given the Hamiltonians of the materials as"
                " array `d_grid` of shape (B, 2, Nx, Ny, 3), but there is none."
            )
        out = self.encoder(rows["d_grid"].flatten(0, 1))
        nu = out["invariant"].unsqueeze(-1)
        parts = [out["topological_features"], nu, nu.square(), out["topological_logits"]]
        return cast("Tensor", self.read(torch.cat(parts, dim=-1).view(len(fused), -1))), out[
            "local_features"
        ]


class PlainBranch(nn.Module):
    """Perceptron in place of the topological branch, with about as many parameters."""

    def __init__(self, n_features: int, output_features: int, *, hidden: int = 34) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(n_features, hidden), nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, output_features)

    def forward(self, fused: Tensor, rows: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:  # noqa: ARG002  # one signature for all
        """Features, (B, output_features), and hidden layers."""
        h1 = nn.functional.gelu(self.first(fused))
        h2 = nn.functional.gelu(self.second(h1))
        return cast("Tensor", self.last(h2)), {"h1_features": h1, "h2_features": h2}


def make_branch(kind: str, n_features: int, output_features: int, k_points: int) -> nn.Module:
    """Return the branch of a kind."""
    _validation.one_of(kind, "topological_ml_model_type", BRANCHES)
    if k_points < 4 or output_features <= CLASSES:
        raise InputError(
            "Arguments `k_points` and `topological_features` must be at least 4, but are"
            f" {k_points} and {output_features}."
        )
    if kind == "mlp":
        return PlainBranch(n_features, output_features)
    if kind == "exact_2d":
        return ExactBranch(output_features)
    model_type: Literal["1d_a3", "2d_a"] = "1d_a3" if kind == "1d_a3" else "2d_a"
    return TopologicalBranch(n_features, output_features, model_type=model_type, k_points=k_points)
