"""Training losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from topophys.errors import InputError, RecipeError, ShapeError
from topophys.learn.layers import centred_classes

__all__ = ["LocalReadout", "compute_topological_loss"]


# ---- Training loss

#: Distance from the integer at which the loss changes from quadratic to linear.
HUBER_WIDTH: Final = 0.5


def compute_topological_loss(
    predictions: Mapping[str, Any],
    targets: Int[Tensor, " batch"],
    auxiliary_weight: float = 0.1,
    *,
    local_supervision: float = 0.0,
    local_targets: Tensor | None = None,
) -> dict[str, Float[Tensor, ""]]:
    r"""Regression to the integer and, with small weight, cross entropy; labels only by default.

    .. math:: L = \langle \mathrm{huber}(\hat\nu - \nu) \rangle
        + w \, \langle -\log p_\nu \rangle + s \, \langle (\hat f_j - f_j)^2 \rangle,
        \qquad p = \mathrm{softmax}(\mathrm{logits})

    The last term, the auxiliary local loss, compares a read-out of the local features with the
    exact winding steps (or Berry fluxes) f. It is present only if `local_supervision` s is not
    zero; local physics in the layers of such a network was supervised and did not emerge.

    Parameters
    ----------
    predictions : mapping
        Output of an encoder: "invariant" (B,) and "topological_logits" (B, num_classes).
    targets : integer tensor of shape (B,)
        The invariants themselves, not class indices; each must be among the network's classes.
    auxiliary_weight : float, optional
        Weight w of the cross entropy.
    local_supervision : float, optional
        Weight s of the local term, which needs the prediction "local_prediction".
    local_targets : tensor of shape (B, N) or (B, Nx, Ny), optional
        Exact local contributions f; needed where `local_supervision` is not zero, not read else.

    Returns
    -------
    dict of scalar tensors
        "regression_loss", "auxiliary_loss" and, if requested, "local_loss", each without
        weight; and "total_loss".

    Raises
    ------
    ShapeError
        If there is not one target for each prediction, or none at all; of local ones likewise.
    InputError
        If a target is not an integer, or not among the network's classes, or if local targets
        are asked for but not given.

    References
    ----------
    .. [1] P. J. Huber, Ann. Math. Stat. 35, 73 (1964).

    Examples
    --------
    >>> import torch
    >>> out = {"invariant": torch.zeros(2), "topological_logits": torch.zeros(2, 3)}
    >>> compute_topological_loss(out, torch.tensor([0, 1]))["regression_loss"]
    tensor(0.1875)
    """
    logits, invariant = predictions["topological_logits"], predictions["invariant"]
    classes = centred_classes(logits.shape[-1])
    _check(targets, invariant, classes)
    difference = (invariant - targets).abs()
    quadratic = difference.clamp(max=HUBER_WIDTH)
    regression = (quadratic * (difference - 0.5 * quadratic)).mean()
    auxiliary = torch.nn.functional.cross_entropy(logits, (targets - classes[0]).long())
    total = regression + auxiliary_weight * auxiliary
    terms = {"regression_loss": regression, "auxiliary_loss": auxiliary}
    if local_supervision:
        terms["local_loss"] = _local_loss(predictions, local_targets)
        total = total + local_supervision * terms["local_loss"]
    return {**terms, "total_loss": total}


def _local_loss(predictions: Mapping[str, Any], targets: Tensor | None) -> Tensor:
    if targets is None or "local_prediction" not in predictions:
        missing = "local_targets" if targets is None else "predictions"
        raise InputError(
            f"Argument `{missing}` must hold local values where `local_supervision` is not 0, but"
            " does not; give them, or leave `local_supervision` out."
        )
    found = predictions["local_prediction"]
    if found.shape != targets.shape:
        raise ShapeError(
            f"Argument `local_targets` must have shape {tuple(found.shape)} like the predictions,"
            f" but has {tuple(targets.shape)}."
        )
    loss: Tensor = (found - targets.to(found.dtype)).square().mean()
    return loss


def _check(targets: Tensor, invariant: Tensor, classes: tuple[int, ...]) -> None:
    # a column of targets would be broadcast silently against the row of predictions
    if targets.shape != invariant.shape or not len(targets):
        raise ShapeError(
            f"Argument `targets` must have one entry for each of {len(invariant)} predictions (and"
            f" at least one), but has shape {tuple(targets.shape)}."
        )
    if targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool:
        raise InputError(
            f"Argument `targets` must hold integers, but is {targets.dtype}; use `targets.long()`."
        )
    low, high = int(targets.min()), int(targets.max())
    if low < classes[0] or high > classes[-1]:
        raise InputError(
            f"Argument `targets` must lie in the network's classes {classes[0]} ... {classes[-1]},"
            f" but reaches from {low} to {high}; raise `num_classes`."
        )


# ---- Auxiliary local loss


class LocalReadout(nn.Module):
    """Linear map from the local features of a network to one number per link or plaquette.

    It reads h2 of a chain (a number for each link, to be compared with the winding step) and h3
    in two dimensions (one for each plaquette, to be compared with the Berry flux). It serves the
    loss alone and is no part of the network that is kept.
    """

    def __init__(self, encoder: nn.Module, x: Tensor) -> None:
        super().__init__()
        with torch.no_grad():
            features = self._features(encoder(x))
        if features.shape[1:-1] != x.shape[1:-1]:
            raise RecipeError(
                "Training settings: `local_supervision` must be 0 for a network whose local"
                f" features lie on {tuple(features.shape[1:-1])} points instead of the"
                f" {tuple(x.shape[1:-1])} of the data; set `encoder.upsample` to 1."
            )
        self.linear = nn.Linear(features.shape[-1], 1)

    @staticmethod
    def _features(predictions: Mapping[str, Any]) -> Tensor:
        features = predictions["local_features"]
        return cast("Tensor", features.get("h3_features", features["h2_features"]))

    def forward(self, predictions: Mapping[str, Any]) -> Tensor:
        """Read the local features of a batch."""
        # -> (B, N) or (B, Nx, Ny)
        return cast("Tensor", self.linear(self._features(predictions))).squeeze(-1)
