"""Probed networks: Hamiltonians of a split, layers of a network, and their active subspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from topophys import _validation
from topophys._random import keyed_generator
from topophys.datasets import Dataset
from topophys.datasets.tasks import OfEachTask
from topophys.errors import InputError
from topophys.interpret.hooks import activations, module_of_feature, replaced
from topophys.interpret.targets import TARGETS, exact_targets
from topophys.learn.adapters import OutputAdapter, inner_module
from topophys.learn.run import batches, encoder_settings, placement

__all__ = [
    "LAYERS",
    "ActiveSubspace",
    "Layer",
    "ProbedNetwork",
    "Samples",
    "draw_samples",
    "find_active_subspace",
    "invariant_density",
    "reads_from_sum",
    "untrained_like",
]


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
    inner = inner_module(encoder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network: nn.Module = type(inner)(**encoder_settings(encoder))
        except TypeError as error:
            raise InputError(
                "Argument `run` must be of a network that can be made again from the dict in its"
                f" attribute `settings`, but {type(inner).__name__} cannot: {error}."
            ) from error
    adapter = isinstance(encoder, OutputAdapter)
    return OutputAdapter(network, encoder.num_classes) if adapter else network


def reads_from_sum(encoder: nn.Module) -> bool:
    """Whether a network reads its invariant linearly from a sum over places, as those here do."""
    return hasattr(encoder, "project") and hasattr(encoder, "head")


# ---- Active subspace

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
    if not reads_from_sum(encoder):
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
