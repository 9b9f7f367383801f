"""Adapter that gives networks of users the output of the encoders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from topophys.errors import InputError, ShapeError
from topophys.learn.layers import centred_classes

__all__ = ["OutputAdapter", "adapted", "inner_module"]

#: Width of class scores computed from an invariant: that of a new `InvariantHead`.
WIDTH = math.exp(-1.0)


class OutputAdapter(nn.Module):
    r"""Wrap a network that returns class scores, or an invariant, in the output of the encoders.

    From scores with probabilities p the answer is the most probable class, displaced towards the
    runner-up by :math:`(1 - p_{\max}) / 2`: it rounds to that class, and its confidence is
    :math:`p_{\max}`. It carries no gradient, so that the cross entropy alone trains the network.
    From an invariant, scores are :math:`-(\hat\nu - c)^2 / (2 \tau^2)`.
    """

    def __init__(self, module: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.module = module
        self.num_classes = num_classes

    def forward(self, x: Tensor) -> dict[str, Any]:
        """Output of the network, completed."""
        out = self.module(x)
        given: dict[str, Any] = dict(out) if isinstance(out, Mapping) else self._named(out)
        if "topological_logits" not in given and "invariant" not in given:
            raise InputError(
                "Argument `model` must return class scores (B, C), an invariant (B,), or a mapping"
                f" with `topological_logits` or `invariant`, but returns {', '.join(given)}."
            )
        if "invariant" not in given:
            given["invariant"] = _answer(given["topological_logits"])
        if "topological_logits" not in given:
            given["topological_logits"] = self._scores(given["invariant"])
        given.setdefault("topological_features", given["topological_logits"])
        given.setdefault("local_features", {})
        return given

    def _named(self, out: Any) -> dict[str, Any]:
        if not isinstance(out, Tensor) or out.ndim not in {1, 2}:
            what = f"shape {tuple(out.shape)}" if isinstance(out, Tensor) else type(out).__name__
            raise ShapeError(
                "Argument `model` must return class scores (B, C), an invariant (B,), or a mapping,"
                f" but returns {what}."
            )
        if out.ndim == 1 or out.shape[1] == 1:
            return {"invariant": out.reshape(len(out))}
        return {"topological_logits": out}

    def _scores(self, invariant: Tensor) -> Tensor:
        classes = torch.tensor(centred_classes(self.num_classes)).to(invariant)
        return -0.5 * ((invariant.unsqueeze(-1) - classes) / WIDTH).square()


def _answer(logits: Tensor) -> Tensor:
    lowest = centred_classes(logits.shape[-1])[0]
    probability, order = logits.detach().softmax(-1).sort(dim=-1, descending=True, stable=True)
    best, second = order[..., 0], order[..., 1]
    direction = torch.sign(second - best).to(logits.dtype)
    return best + lowest + 0.5 * (1.0 - probability[..., 0]) * direction


@torch.no_grad()
def adapted(model: nn.Module, x: Tensor, num_classes: int, *, own: bool = False) -> nn.Module:
    """Return a network with the output of the encoders: itself, or wrapped; tried on a sample.

    Networks of users need at least `num_classes` class scores, if they have any.
    """
    training = model.training
    out = model.eval()(x)
    model.train(training)
    scores = out.get("topological_logits") if isinstance(out, Mapping) else out
    given = scores.shape[-1] if isinstance(scores, Tensor) and scores.ndim == 2 else 1
    if own and given > 1 and (given < num_classes or not given % 2):
        largest = num_classes // 2
        raise ShapeError(
            f"Argument `model` must return an odd number of class scores (B, C), at least"
            f" {num_classes} for labels from {-largest} to {largest}, but returns {given}; or an"
            " invariant (B,)."
        )
    keys = {"topological_logits", "invariant", "local_features"}
    return (
        model
        if isinstance(out, Mapping) and keys <= set(out)
        else OutputAdapter(model, num_classes)
    )


def inner_module(encoder: nn.Module) -> nn.Module:
    """Network inside an adapter, or the network itself."""
    return encoder.module if isinstance(encoder, OutputAdapter) else encoder
