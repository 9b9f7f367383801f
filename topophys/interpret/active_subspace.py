"""Which part of a layer the rest of the network listens to."""

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
from topophys.interpret.activations import replaced
from topophys.learn.run import batches, placement

__all__ = ["UsedPart", "invariant_density", "used_part"]

#: Random signs per sample; their effect on the mean over thousands of places is small.
DRAWS = 4


@dataclass(frozen=True, eq=False)
class UsedPart:
    """Directions of a layer, those that matter most for what follows first.

    Attributes
    ----------
    mean : float64 ndarray of shape (C,)
        Mean of the activations.
    directions : float64 ndarray of shape (C, R)
        Projections onto them are uncorrelated and have variance 1; R is the rank of the layer.
    share : float64 ndarray of shape (R,)
        Share of the sensitivity of the output that each carries; falling, with sum 1.
    """

    mean: Float[np.ndarray, " c"]
    directions: Float[np.ndarray, "c r"]
    share: Float[np.ndarray, " r"]

    def __call__(self, features: Float[np.ndarray, "... c"], r: int) -> Float[np.ndarray, "... r"]:
        """Project activations onto the first r directions.

        Parameters
        ----------
        features : float64 ndarray of shape (..., C)
            Activations.
        r : int
            How many directions.

        Returns
        -------
        float64 ndarray of shape (..., r)
            Coordinates.
        """
        return np.asarray((features - self.mean) @ self.directions[:, :r])


def invariant_density(encoder: Any, output: dict[str, Any]) -> Float[Tensor, "..."]:
    r"""Read off what each link or plaquette adds to the invariant that an encoder names.

    .. math:: \hat\nu = \sum_j q_j, \qquad q_j = w \cdot V h_j

    with h the last local layer. This is no probe: nothing is fitted.

    Parameters
    ----------
    encoder : torch.nn.Module
        Network of this package, with `project` and `head.readout`.
    output : dict
        What it returned for a batch.

    Returns
    -------
    tensor of shape (B, N) or (B, Nx, Ny)
        The density.

    Raises
    ------
    InputError
        If the network has no such read-out.

    Examples
    --------
    >>> from topophys.learn import TopologicalMLEncoder
    >>> encoder = TopologicalMLEncoder(hidden_dims=(4, 4, 4))
    >>> output = encoder(torch.randn(2, 8, 8))
    >>> density = invariant_density(encoder, output)
    >>> bool(torch.allclose(density.sum(1), output["invariant"], atol=1e-5))
    True
    """
    if not (hasattr(encoder, "project") and hasattr(encoder, "head")):
        raise InputError(
            "Argument `encoder` must read its invariant linearly from a sum (`project`, `head`),"
            f" but is a {type(encoder).__name__}."
        )
    last = list(output["local_features"].values())[-1]
    density: Tensor = encoder.head.readout(encoder.project(last)).squeeze(-1)
    return density


def used_part(
    module: nn.Module,
    x: ArrayLike,
    layer: str,
    *,
    density: Callable[[Any], Tensor],
    batch_size: int = 256,
    seed: int = 0,
) -> UsedPart:
    r"""Directions of a layer by how much the density of the output depends on them.

    .. math:: S = \left\langle \frac{\partial q_j}{\partial h_i}
        \frac{\partial q_j}{\partial h_i}^\top \right\rangle, \qquad
        S' = C^{1/2} S \, C^{1/2}

    with h the activations at the places i, C their covariance and q the density. The eigenvectors
    of S' with the largest eigenvalues are the directions along which the variation that occurs
    moves the output most. Labels and exact physics do not enter. The mean over j is taken with
    random signs: the gradient of :math:`\sum_j \epsilon_j q_j` has it as its second moment.

    Parameters
    ----------
    module : torch.nn.Module
        Any network.
    x : array-like of shape (S, *grid, c)
        Inputs, as the network wants them.
    layer : str
        Name of a submodule that returns channels last.
    density : callable
        From the output of the network to a tensor (B, *places): what the invariant is the sum of.
    batch_size : int, optional
        Samples at a time.
    seed : int, optional
        Seed of the signs.

    Returns
    -------
    UsedPart
        The directions.

    Raises
    ------
    ShapeError, InputError
        If `x` or `layer` does not fit.

    References
    ----------
    .. [1] P. G. Constantine, E. Dow, Q. Wang, SIAM J. Sci. Comput. 36, A1500 (2014), on active
       subspaces.

    Examples
    --------
    >>> net = nn.Sequential(nn.Identity(), nn.Linear(3, 1, bias=False))
    >>> _ = nn.init.constant_(net[1].weight[:, :2], 0.0)
    >>> x = np.random.default_rng(0).standard_normal((20, 5, 3))
    >>> used = used_part(net, x, "0", density=lambda out: out[..., 0])
    >>> bool(used.share[0] > 0.999)
    True
    """
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

    def result(self) -> UsedPart:
        mean = self.first / self.count
        values, vectors = np.linalg.eigh(self.second / self.count - np.outer(mean, mean))
        alive = values > 1e-10 * values[-1]
        root = np.sqrt(values[alive])
        back = vectors[:, alive] * root  # from coordinates of variance 1 to activations
        share, turn = np.linalg.eigh(back.T @ self.gradient @ back)
        share, turn = np.maximum(share[::-1], 0.0), turn[:, ::-1]
        total = share.sum() or 1.0
        return UsedPart(mean, (vectors[:, alive] / root) @ turn, share / total)
