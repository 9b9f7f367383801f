"""Probed networks: Hamiltonians of a split, and the layers that a network makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from topophys import _validation
from topophys._random import keyed_generator
from topophys.datasets import Dataset
from topophys.datasets.tasks import OfEachTask
from topophys.errors import InputError
from topophys.interpret.active_subspace import (
    ActiveSubspace,
    find_active_subspace,
    invariant_density,
)
from topophys.interpret.hooks import activations, module_of_feature
from topophys.interpret.targets import TARGETS, exact_targets
from topophys.learn.run import encoder_settings

__all__ = ["LAYERS", "Layer", "ProbedNetwork", "Samples", "draw_samples", "untrained_like"]


# ---- Samples

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """A layer, the quantity it should encode, and its controls."""

    name: str  # entry of "local_features"
    target: str  # key of `TARGETS`
    control: str  # keys of `TARGETS`: quantities of the same kind that no invariant depends on
    #: keys of `TARGETS`: quantities of the same kind that no invariant depends on
    scrambled: str | None = None
    last: bool = False  # whether the invariant is read from the sum of this layer


#: Layers by kind of data set.
LAYERS: Final[Mapping[str, tuple[Layer, ...]]] = OfEachTask(lambda task: task.probe_layers())


@dataclass(frozen=True, eq=False)
class Samples:
    """Hamiltonians of a split and their inputs."""

    split: str  # name of the split
    x: NDArray[np.float32]  # (S, *grid, c), inputs as stored
    hamiltonians: Any  # A batch of S
    label: NDArray[np.int64]  # (S,), invariants
    gap: Array  # (S,), proven gaps
    _exact: dict[Any, Array] = field(default_factory=dict, repr=False)

    def exact(self, name: str, grid: tuple[int, ...]) -> Array:
        """Exact quantity on a grid; each is made once."""
        # -> (S, *grid, T)
        key = (name, grid)
        if key not in self._exact:
            self._exact[key] = exact_targets(self.hamiltonians, [name], grid=grid)[name]
        return self._exact[key]

    def local_input(self, grid: tuple[int, ...]) -> Array:
        """Input at the points of a grid; the flattened one where the layer refines the grid."""
        # -> (S, *grid, c)
        if self.x.shape[1:-1] == grid:
            return self.x.astype(np.float64)
        return self.exact("entries" if len(grid) == 1 else "d", grid)

    def raw_input(self, layer: Layer, grid: tuple[int, ...]) -> Array:
        """Input at all points that a place of a layer touches."""
        # -> (S, *grid, m c)
        x = self.local_input(grid)
        if TARGETS[layer.target].place == "points":
            return x
        for axis in range(1, x.ndim - 1):
            x = np.concatenate([x, np.roll(x, -1, axis=axis)], axis=-1)
        return x


def draw_samples(dataset: Dataset, split: str, n: int, seed: int) -> Samples:
    """Take some Hamiltonians of a split at random, in the order of the file."""
    if dataset.kind not in LAYERS or split not in dataset.splits:
        raise InputError(
            f"Argument `dataset` must hold winding or Chern numbers and a split `{split}`, but is"
            f" of kind {dataset.kind!r} with splits {', '.join(dataset.splits)}."
        )
    chosen = dataset.split(split)
    wanted = _validation.positive_int(n, "n_hamiltonians", minimum=20)
    if len(chosen) < wanted:
        raise InputError(
            f"Argument `n_hamiltonians` must be at most {len(chosen)}, the size of split `{split}`,"
            f" but is {wanted}."
        )
    pick = np.sort(keyed_generator(seed, 0).choice(len(chosen), wanted, replace=False))
    x, label, gap = chosen.read("x", "label", "gap_bound", index=pick)
    return Samples(split, x, chosen.hamiltonians(pick), label.astype(np.int64), gap)


# ---- Networks


class ProbedNetwork:
    """A network and its layers on some samples; computed when asked for."""

    def __init__(self, encoder: nn.Module) -> None:
        self.encoder = encoder
        self._hidden: dict[int, dict[str, Array]] = {}
        self._active: dict[str, ActiveSubspace | None] = {}

    def hidden(self, samples: Samples, layer: str) -> Array:
        """Activations of a layer."""
        # -> (S, *places, C)
        if id(samples) not in self._hidden:
            self._hidden[id(samples)] = activations(self.encoder, samples.x)
        return self._hidden[id(samples)][layer]

    def density(self, samples: Samples, layer: str) -> Array:
        """Read off what each place adds to the invariant."""
        # -> (S, *places, 1)
        weights = next(self.encoder.parameters())
        hidden = torch.from_numpy(self.hidden(samples, layer)).to(weights.device, weights.dtype)
        with torch.no_grad():
            found = invariant_density(self.encoder, {"local_features": {layer: hidden}})
        value: Array = found.double().cpu().numpy()[..., None]
        return value

    def active_part(self, samples: Samples, layer: str, r: int) -> Array | None:
        """Part of a layer that the output depends on most."""
        # -> (S, *places, r)
        if layer not in self._active:
            self._active[layer] = self._find_active(samples, layer)
        active = self._active[layer]
        return None if active is None else active(self.hidden(samples, layer), r)

    def _find_active(self, samples: Samples, layer: str) -> ActiveSubspace | None:
        weights = next(self.encoder.parameters())
        probe = torch.from_numpy(samples.x[:1]).to(weights.device, weights.dtype)
        try:
            name = module_of_feature(self.encoder, probe, layer)
        except InputError:
            return None

        def density(output: Any) -> torch.Tensor:
            return invariant_density(self.encoder, output)

        return find_active_subspace(self.encoder, samples.x, name, density=density)


def untrained_like(encoder: Any, seed: int) -> nn.Module:
    """Make a network of the same architecture with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = type(encoder)(**encoder_settings(encoder))
    return network
