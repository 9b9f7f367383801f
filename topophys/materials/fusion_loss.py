"""The loss of the classifier of materials: named terms, each once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

from topophys.errors import InputError, ShapeError
from topophys.materials.batch import UNKNOWN

__all__ = ["LOSS_WEIGHTS", "checked_weights", "weighted_losses"]

#: Weight of each term of the loss; the total is their weighted sum.
LOSS_WEIGHTS: Final[Mapping[str, float]] = {
    "combined_loss": 1.0,
    "primary_loss": 0.3,
    "auxiliary_loss": 0.2,
    "magnetism_loss": 0.5,
}
#: Logits that each term looks at, and the labels it compares them with.
TERMS: Final[Mapping[str, tuple[str, str]]] = {
    "combined_loss": ("combined_logits", "topology"),
    "primary_loss": ("topology_logits_primary", "topology"),
    "auxiliary_loss": ("topology_logits_auxiliary", "topology"),
    "magnetism_loss": ("magnetism_logits_aux", "magnetism"),
}


def weighted_losses(
    predictions: Mapping[str, Any],
    targets: Mapping[str, Tensor],
    loss_weights: Mapping[str, float],
    class_weights: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Each term that applies, and the weighted sum; see `compute_enhanced_loss`.

    Parameters
    ----------
    predictions, targets : mapping
        As in `EnhancedMultiModalMaterialClassifier.compute_enhanced_loss`.
    loss_weights : mapping of str to float
        Weight of each term.
    class_weights : mapping of str to tensor of shape (classes,)
        Weights of the classes of "topology" and of "magnetism".

    Returns
    -------
    dict of str to scalar tensor
        Terms without their weights, and "total_loss".

    Raises
    ------
    InputError, ShapeError
        If a target is no class, or there is not one for each prediction.
    """
    losses: dict[str, Tensor] = {}
    total = class_weights["topology"].new_zeros(())
    for term, (logits_name, label_name) in TERMS.items():
        if logits_name not in predictions or label_name not in targets:
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
    """Refuse weights that are negative or of no term.

    Parameters
    ----------
    weights : mapping of str to float
        What a user gave.

    Returns
    -------
    dict of str to float
        The same.

    Raises
    ------
    InputError
        If a name is no term or a weight no number from 0 on.
    """
    for name, value in weights.items():
        if name not in LOSS_WEIGHTS or not 0.0 <= float(value) < float("inf"):
            raise InputError(
                f"Argument `loss_weights` must have numbers >= 0 for some of"
                f" {', '.join(LOSS_WEIGHTS)}, but has {name!r}: {value!r}."
            )
    return {name: float(value) for name, value in weights.items()}


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
