"""Networks, and the layers that they make of samples."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from topophys.errors import InputError
from topophys.interpret.activations import activations
from topophys.interpret.hooks import module_of_feature
from topophys.interpret.samples import Samples
from topophys.interpret.used import UsedPart, invariant_density, used_part
from topophys.learn.evaluate import encoder_settings

__all__ = ["Subject", "untrained_like"]

Array: TypeAlias = NDArray[np.float64]


class Subject:
    """A network and its layers on some samples; computed when asked for.

    Parameters
    ----------
    encoder : torch.nn.Module
        The network.
    """

    def __init__(self, encoder: nn.Module) -> None:
        self.encoder = encoder
        self._hidden: dict[int, dict[str, Array]] = {}
        self._used: dict[str, UsedPart | None] = {}

    def hidden(self, samples: Samples, layer: str) -> Array:
        """Activations of a layer.

        Parameters
        ----------
        samples : Samples
            The samples.
        layer : str
            Entry of "local_features".

        Returns
        -------
        float64 ndarray of shape (S, *places, C)
            Activations.
        """
        if id(samples) not in self._hidden:
            self._hidden[id(samples)] = activations(self.encoder, samples.x)
        return self._hidden[id(samples)][layer]

    def density(self, samples: Samples, layer: str) -> Array:
        """Read off what each place adds to the invariant.

        Parameters
        ----------
        samples : Samples
            The samples.
        layer : str
            The last layer.

        Returns
        -------
        float64 ndarray of shape (S, *places, 1)
            The density.
        """
        weights = next(self.encoder.parameters())
        hidden = torch.from_numpy(self.hidden(samples, layer)).to(weights.device, weights.dtype)
        with torch.no_grad():
            found = invariant_density(self.encoder, {"local_features": {layer: hidden}})
        value: Array = found.double().cpu().numpy()[..., None]
        return value

    def used(self, samples: Samples, layer: str, r: int) -> Array | None:
        """Part of a layer that the output depends on most.

        Parameters
        ----------
        samples : Samples
            The samples.
        layer : str
            Entry of "local_features".
        r : int
            How many directions.

        Returns
        -------
        float64 ndarray of shape (S, *places, r) or None
            Projections; None for a layer that no submodule returns.
        """
        if layer not in self._used:
            self._used[layer] = self._find_used(samples, layer)
        used = self._used[layer]
        return None if used is None else used(self.hidden(samples, layer), r)

    def _find_used(self, samples: Samples, layer: str) -> UsedPart | None:
        weights = next(self.encoder.parameters())
        probe = torch.from_numpy(samples.x[:1]).to(weights.device, weights.dtype)
        try:
            name = module_of_feature(self.encoder, probe, layer)
        except InputError:
            return None

        def density(output: Any) -> torch.Tensor:
            return invariant_density(self.encoder, output)

        return used_part(self.encoder, samples.x, name, density=density)


def untrained_like(encoder: Any, seed: int) -> nn.Module:
    """Make a network of the same architecture with random weights.

    Parameters
    ----------
    encoder : torch.nn.Module
        Network of this package, with `settings`.
    seed : int
        Seed of the weights.

    Returns
    -------
    torch.nn.Module
        The network; the random state of torch is as before.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = type(encoder)(**encoder_settings(encoder))
    return network
