"""Multimodal classifier of materials, and its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.materials.data import MODALITIES, PHYSICS, UNKNOWN, MaterialBatch
from topophys.materials.encoders import (
    EnhancedKSpacePhysicsFeatures,
    KSpaceTransformerGNNEncoder,
    PHTokenEncoder,
    ScalarFeatureEncoder,
    TopologicalCrystalEncoder,
    make_branch,
)

__all__ = [
    "LOSS_WEIGHTS",
    "EnhancedMultiModalMaterialClassifier",
    "checked_weights",
    "weighted_losses",
]


# ---- Loss

#: Weight of each term of the loss; the total is their weighted sum.
LOSS_WEIGHTS: Final[Mapping[str, float]] = {
    "combined_loss": 1.0,
    "topology_loss": 0.3,
    "topological_ml_total": 0.2,
    "magnetism_loss": 0.5,
}
#: Logits and labels of each term.
TERMS: Final[Mapping[str, tuple[str, str]]] = {
    "combined_loss": ("combined_logits", "topology"),
    "topology_loss": ("topology_logits_primary", "topology"),
    "topological_ml_total": ("topology_logits_auxiliary", "topology"),
    "magnetism_loss": ("magnetism_logits_aux", "magnetism"),
}
#: Names of terms in the settings of runs saved by version 0.1.
FORMER_NAMES: Final[Mapping[str, str]] = {
    "primary_loss": "topology_loss",
    "auxiliary_loss": "topological_ml_total",
}


def weighted_losses(
    predictions: Mapping[str, Any],
    targets: Mapping[str, Tensor],
    loss_weights: Mapping[str, float],
    class_weights: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Every term and the weighted sum; see `compute_enhanced_loss`."""
    # class_weights of (classes,)
    losses: dict[str, Tensor] = {}
    total = class_weights["topology"].new_zeros(())
    for term, (logits_name, label_name) in TERMS.items():
        if logits_name not in predictions or label_name not in targets:
            losses[term] = torch.zeros_like(total)
            continue
        logits, labels = predictions[logits_name], targets[label_name]
        _check_labels(labels, logits, label_name)
        known = labels != UNKNOWN
        each = torch.nn.functional.cross_entropy(
            logits[known], labels[known], weight=class_weights[label_name], reduction="sum"
        )
        losses[term] = each / known.sum().clamp(min=1)
        total = total + loss_weights[term] * losses[term]
    losses["total_loss"] = total
    return losses


def checked_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Refuse weights that are negative or of no term."""
    given = {FORMER_NAMES.get(name, name): value for name, value in weights.items()}
    for name, value in given.items():
        if name not in LOSS_WEIGHTS or not 0.0 <= float(value) < float("inf"):
            raise InputError(
                f"Argument `loss_weights` must have numbers >= 0 for some of"
                f" {', '.join(LOSS_WEIGHTS)}, but has {name!r}: {value!r}."
            )
    return {name: float(value) for name, value in given.items()}


def _check_labels(labels: Tensor, logits: Tensor, name: str) -> None:
    if labels.shape != logits.shape[:1]:
        raise ShapeError(
            f"Argument `targets` must have one `{name}` for each of {len(logits)} materials, but"
            f" has shape {tuple(labels.shape)}."
        )
    bad = (labels < UNKNOWN) | (labels >= logits.shape[1])
    if bool(bad.any()):
        raise InputError(
            f"Argument `targets` must have `{name}` from 0 to {logits.shape[1] - 1}, or {UNKNOWN}"
            f" where unknown, but has {int(labels[bad][0])} (batch index {int(bad.nonzero()[0])})."
        )


# ---- Network


class EnhancedMultiModalMaterialClassifier(nn.Module):
    r"""Five encoders, their fusion, and a topological branch on the fused features.

    .. math::
        f = \mathrm{fuse}(z_1, \dots, z_5), \qquad z_m = \mathrm{encoder}_m(x_m)
        \;\text{or, where it is missing, the learned token } \tau_m

    The primary head reads f; the branch makes a Hamiltonian from f, reads its topological
    features t, and the auxiliary head reads these; the combined head reads both. A modality that
    a material does not have never enters: its token stands in its place.

    Parameters
    ----------
    crystal_node_feature_dim, kspace_node_feature_dim, asph_feature_dim, scalar_feature_dim,
    decomposition_feature_dim : int
        Lengths of the inputs of the encoders.
    use_topological_ml : bool, optional
        Have a branch at all; without it the combined logits are those of the primary head.
    topological_ml_model_type : {"1d_a3", "2d_a", "exact_2d", "mlp"}, optional
        Chain of class AIII or two bands in two dimensions, made from the fused features; the
        Hamiltonians of the material itself (array `d_grid` of the batch); or a perceptron.
    num_topology_classes, num_magnetism_classes : int, optional
        Numbers of classes.
    latent_dim, fused_dim, topological_features : int, optional
        Lengths of z, f and t.
    scalar_hidden_dim, scalar_layers : int, optional
        Width and hidden layers of the encoder of scalars.
    fusion_layers : {0, 1}, optional
        Hidden layers between encoders and fused features; without one the fusion is linear.
    k_points : int, optional
        Grid of the Hamiltonian made from features.
    modalities : sequence of str, optional
        Those to use; the others are treated as missing in all materials.
    modality_dropout : float, optional
        Share of the modalities replaced by their tokens at random in training.
    dropout : float, optional
        Share of fused features left out in training.
    loss_weights : mapping, optional
        Replaces entries of `LOSS_WEIGHTS`.

    Raises
    ------
    InputError
        If a size, name or weight makes no sense.

    Examples
    --------
    >>> net = EnhancedMultiModalMaterialClassifier(8, 16, 10, 48, 12)
    >>> sorted(net.loss_weights)
    ['combined_loss', 'magnetism_loss', 'topological_ml_total', 'topology_loss']
    """

    def __init__(
        self,
        crystal_node_feature_dim: int = 8,
        kspace_node_feature_dim: int = 16,
        asph_feature_dim: int = 10,
        scalar_feature_dim: int = 48,
        decomposition_feature_dim: int = 12,
        use_topological_ml: bool = True,
        topological_ml_model_type: str = "1d_a3",
        *,
        num_topology_classes: int = 3,
        num_magnetism_classes: int = 3,
        latent_dim: int = 32,
        scalar_hidden_dim: int = 64,
        scalar_layers: int = 1,
        fused_dim: int = 64,
        fusion_layers: int = 1,
        topological_features: int = 16,
        k_points: int = 32,
        modalities: Sequence[str] = MODALITIES,
        modality_dropout: float = 0.0,
        dropout: float = 0.0,
        loss_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            name: value for name, value in locals().items() if name not in {"self", "__class__"}
        } | {"modalities": list(modalities), "loss_weights": dict(loss_weights or {})}
        for name in modalities:
            _validation.one_of(name, "modalities", MODALITIES)
        self.loss_weights = dict(LOSS_WEIGHTS) | checked_weights(loss_weights or {})
        n = latent_dim
        self.encoders = nn.ModuleDict(
            {
                "crystal": TopologicalCrystalEncoder(crystal_node_feature_dim, output_dim=n),
                "kspace": KSpaceTransformerGNNEncoder(kspace_node_feature_dim, output_dim=n),
                "asph": PHTokenEncoder(asph_feature_dim, output_dim=n),
                "scalar": ScalarFeatureEncoder(
                    scalar_feature_dim,
                    hidden_dim=scalar_hidden_dim,
                    output_dim=n,
                    n_layers=scalar_layers,
                    dropout=dropout,
                ),
                "physics": EnhancedKSpacePhysicsFeatures(decomposition_feature_dim, output_dim=n),
            }
        )
        self.mask_tokens = nn.Parameter(0.1 * torch.randn(len(MODALITIES), n))
        wide = len(MODALITIES) * n
        self.fuse: nn.Module = nn.Linear(wide, fused_dim)
        if fusion_layers:
            self.fuse = nn.Sequential(
                nn.Linear(wide, 2 * fused_dim), nn.GELU(), nn.Dropout(dropout),
                nn.Linear(2 * fused_dim, fused_dim), nn.GELU(),
            )  # fmt: skip
        self.primary = nn.Linear(fused_dim, num_topology_classes)
        self.magnetism = nn.Linear(fused_dim, num_magnetism_classes)
        self.branch: nn.Module | None = None
        if use_topological_ml:
            t = topological_features
            self.branch = make_branch(topological_ml_model_type, fused_dim, t, k_points)
            self.auxiliary = nn.Linear(t, num_topology_classes)
            self.combined = nn.Linear(fused_dim + t, num_topology_classes)
        self.enabled = [name in modalities for name in MODALITIES]
        self.modality_dropout = modality_dropout
        self.topology_weights: Tensor
        self.magnetism_weights: Tensor
        self.register_buffer("topology_weights", torch.ones(num_topology_classes))
        self.register_buffer("magnetism_weights", torch.ones(num_magnetism_classes))

    def balance(self, topology: Tensor, magnetism: Tensor) -> None:
        """Weigh classes by the inverse square root of their frequencies in the training set.

        Parameters
        ----------
        topology, magnetism : int64 tensors of shape (S,)
            Labels; unknown ones are left out.
        """
        for name, labels in (("topology", topology), ("magnetism", magnetism)):
            weights: Tensor = getattr(self, f"{name}_weights")
            known = labels[labels != UNKNOWN]
            counts = torch.bincount(known, minlength=len(weights)).clamp(min=1).float()
            raw = (counts.sum() / counts).sqrt()
            # mean weight of a sample is 1, so that the loss keeps its scale
            weights.copy_(raw * counts.sum() / (raw * counts).sum())

    def forward(self, batch: MaterialBatch) -> dict[str, Any]:
        """Classify a batch.

        Parameters
        ----------
        batch : MaterialBatch
            Materials.

        Returns
        -------
        dict
            "combined_logits", "topology_logits_primary", "topology_logits_auxiliary" (B, classes),
            "magnetism_logits_aux" (B, classes), "topological_features" (B, t), "fused_features"
            (B, f), "present" (B, 5) and "local_features"; without a branch no auxiliary logits and
            no topological or local features.

        Raises
        ------
        ShapeError
            If an input has another length than the encoders were made for.
        """
        present = batch.present & torch.tensor(self.enabled, device=batch.present.device)
        if self.training and self.modality_dropout > 0.0:
            keep = torch.rand(present.shape, device=present.device) >= self.modality_dropout
            # a material that would lose all modalities keeps them
            keep |= ~(present & keep).any(1, keepdim=True)
            present = present & keep
        parts = []
        for m, name in enumerate(MODALITIES):
            token = self.mask_tokens[m].expand(batch.size, -1)
            if present[:, m].any():
                z = self._encode(name, batch, present[:, m])
                parts.append(torch.where(present[:, m].unsqueeze(-1), z, token))
            else:
                parts.append(token)
        fused = cast("Tensor", self.fuse(torch.cat(parts, dim=-1)))
        primary = self.primary(fused)
        out: dict[str, Any] = {
            "topology_logits_primary": primary,
            "magnetism_logits_aux": self.magnetism(fused),
            "fused_features": fused,
            "present": present,
            "combined_logits": primary,
        }
        if self.branch is not None:
            features, local = self.branch(fused, batch.rows)
            out["topological_features"], out["local_features"] = features, local
            out["topology_logits_auxiliary"] = self.auxiliary(features)
            out["combined_logits"] = self.combined(torch.cat([fused, features], dim=-1))
        return out

    def _encode(self, name: str, batch: MaterialBatch, there: Tensor) -> Tensor:
        encoder, rows = self.encoders[name], batch.rows
        if name == "crystal":
            return cast("Tensor", encoder(
                batch.numbers, batch.node_features, batch.edges, batch.vector, batch.owner,
                batch.size,
            ))  # fmt: skip
        if name == "asph":
            inputs = [rows["asph"], rows["asph_mask"] & there.unsqueeze(-1)]
        elif name == "physics":
            inputs = [rows[part] for part in PHYSICS]
        else:
            inputs = [rows[name]]
        # arrays of missing modalities may contain NaN, which must not reach a gradient
        clean = [
            x if x.dtype == torch.bool
            else torch.where(there.view(-1, *[1] * (x.ndim - 1)), x, 0.0)
            for x in inputs
        ]  # fmt: skip
        return cast("Tensor", encoder(*clean))

    def compute_enhanced_loss(
        self, predictions: Mapping[str, Any], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        r"""Weighted sum of cross entropies, each term once.

        .. math:: L = \sum_t w_t \langle -c_y \log p_y \rangle, \qquad
            c \propto (\text{frequency of the class})^{-1/2}

        Parameters
        ----------
        predictions : mapping
            Output of the network.
        targets : mapping of str to int64 tensor of shape (B,)
            "topology" and, where known, "magnetism"; `UNKNOWN` entries take no part.

        Returns
        -------
        dict of str to scalar tensor
            Cross entropies, each without its weight: "combined_loss" of the combined head,
            "topology_loss" of the primary head, "topological_ml_total" of the head on the
            features of the topological branch, and "magnetism_loss"; and "total_loss", their sum
            weighted by `loss_weights`. A term without logits or labels (no branch, no magnetism)
            is 0.

        Raises
        ------
        InputError
            If a class is not one of the network's.
        ShapeError
            If there is not one target for each prediction.
        """
        class_weights = {"topology": self.topology_weights, "magnetism": self.magnetism_weights}
        return weighted_losses(predictions, targets, self.loss_weights, class_weights)
