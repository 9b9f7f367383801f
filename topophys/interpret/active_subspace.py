"""Active subspace: directions of a layer on which the output depends most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import InputError
from topophys.interpret.hooks import replaced
from topophys.learn.run import batches, placement

__all__ = ["ActiveSubspace", "find_active_subspace", "invariant_density"]

#: Random signs per sample; their effect on the mean over thousands of places is small.
DRAWS = 4


@dataclass(frozen=True, eq=False)
class ActiveSubspace:
    """Directions of a layer, those that matter most for what follows first."""

    mean: Float[np.ndarray, " c"]  # mean of the activations
    #: projections onto them are uncorrelated and have variance 1
    directions: Float[np.ndarray, "c r"]
    share: Float[np.ndarray, " r"]  # share of the sensitivity of the output that each carries

    def __call__(self, features: Float[np.ndarray, "... c"], r: int) -> Float[np.ndarray, "... r"]:
        """Project activations onto the first r directions."""
        return np.asarray((features - self.mean) @ self.directions[:, :r])


def invariant_density(encoder: Any, output: dict[str, Any]) -> Float[Tensor, "..."]:
    r"""Read off what each link or plaquette adds to the invariant that an encoder names.

    .. math:: \hat\nu = \sum_j q_j, \qquad q_j = w \cdot V h_j

    with h the last local layer. This is no probe: nothing is fitted.
    """
    if not (hasattr(encoder, "project") and hasattr(encoder, "head")):
        raise InputError(
            "Argument `encoder` must read its invariant linearly from a sum (`project`, `head`),"
            f" but is a {type(encoder).__name__}."
        )
    last = list(output["local_features"].values())[-1]
    density: Tensor = encoder.head.readout(encoder.project(last)).squeeze(-1)
    return density


def find_active_subspace(
    module: nn.Module,
    x: ArrayLike,
    layer: str,
    *,
    density: Callable[[Any], Tensor],
    batch_size: int = 256,
    seed: int = 0,
) -> ActiveSubspace:
    r"""Directions of a layer by how much the density of the output depends on them.

    .. math:: S = \left\langle \frac{\partial q_j}{\partial h_i}
        \frac{\partial q_j}{\partial h_i}^\top \right\rangle, \qquad
        S' = C^{1/2} S \, C^{1/2}

    with h the activations at the places i, C their covariance and q the density. The eigenvectors
    of S' with the largest eigenvalues are the directions along which the variation that occurs
    moves the output most. Labels and exact physics do not enter. The mean over j is taken with
    random signs: the gradient of :math:`\sum_j \epsilon_j q_j` has it as its second moment.

    Ref.: P. G. Constantine, E. Dow, Q. Wang, SIAM J. Sci. Comput. 36, A1500 (2014), on active
    subspaces.
    """
    # x of (S, *grid, c)
    inputs = torch.from_numpy(_validation.as_real(x, "x", "(..., S, N, c)"))
    module.eval()
    device, dtype = placement(module)
    generator = torch.Generator().manual_seed(seed)
    sums = _Sums()
    for part in batches(len(inputs), _validation.positive_int(batch_size, "batch_size")):
        batch = inputs[part].to(device, dtype)
        leaf: dict[str, Tensor] = {}

        def cut(h: Tensor, leaf: dict[str, Tensor] = leaf) -> Tensor:
            leaf["h"] = h.detach().requires_grad_()
            return leaf["h"]

        with torch.enable_grad(), replaced(module, {layer: cut}):
            q = density(module(batch))
            for draw in range(DRAWS):
                signs = torch.randint(0, 2, q.shape, generator=generator).to(q) * 2.0 - 1.0
                keep = draw + 1 < DRAWS
                (gradient,) = torch.autograd.grad((signs * q).sum(), leaf["h"], retain_graph=keep)
                sums.add_gradient(gradient)
        sums.add_values(leaf["h"])
    return sums.result()


class _Sums:
    """Second moments of activations and of gradients."""

    def __init__(self) -> None:
        self.count = 0
        self.first: Any = 0.0
        self.second: Any = 0.0
        self.gradient: Any = 0.0

    def add_values(self, h: Tensor) -> None:
        rows = h.detach().double().cpu().reshape(-1, h.shape[-1]).numpy()
        self.count += len(rows)
        self.first = self.first + rows.sum(0)
        self.second = self.second + rows.T @ rows

    def add_gradient(self, gradient: Tensor) -> None:
        rows = gradient.double().cpu().reshape(-1, gradient.shape[-1]).numpy()
        self.gradient = self.gradient + rows.T @ rows

    def result(self) -> ActiveSubspace:
        mean = self.first / self.count
        values, vectors = np.linalg.eigh(self.second / self.count - np.outer(mean, mean))
        alive = values > 1e-10 * values[-1]
        root = np.sqrt(values[alive])
        back = vectors[:, alive] * root  # from coordinates of variance 1 to activations
        share, rotation = np.linalg.eigh(back.T @ self.gradient @ back)
        share, rotation = np.maximum(share[::-1], 0.0), rotation[:, ::-1]
        total = share.sum() or 1.0
        return ActiveSubspace(mean, (vectors[:, alive] / root) @ rotation, share / total)
