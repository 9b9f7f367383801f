"""What is probed: Hamiltonians of a split, and the layers that are asked about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys import _checks
from topophys._random import keyed_generator
from topophys.datasets import Dataset
from topophys.errors import InputError
from topophys.interpret.targets import TARGETS, exact_targets

__all__ = ["LAYERS", "Layer", "Samples", "draw_samples"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """A layer and what it is held to contain.

    Attributes
    ----------
    name : str
        Entry of "local_features".
    target : str
        Key of `TARGETS`.
    control, scrambled : str or None
        Keys of `TARGETS`: quantities of the same kind that no invariant depends on.
    last : bool
        Whether the invariant is read from the sum of this layer.
    """

    name: str
    target: str
    control: str
    scrambled: str | None = None
    last: bool = False


#: Layers by kind of data set.
LAYERS: Final = {
    "winding": (
        Layer("h1_features", "cos_sin_alpha", "cos_sin_permanent"),
        Layer("h2_features", "dalpha", "dpermanent", "dalpha_scrambled", last=True),
    ),
    "chern": (Layer("h3_features", "flux", "flux_folded", "flux_scrambled", last=True),),
}


@dataclass(frozen=True, eq=False)
class Samples:
    """Hamiltonians of a split and their inputs.

    Attributes
    ----------
    split : str
        Name of the split.
    x : float32 ndarray of shape (S, *grid, c)
        Inputs as stored.
    hamiltonians : ChiralHamiltonian or TwoBandHamiltonian
        A batch of S.
    label : int64 ndarray of shape (S,)
        Invariants.
    gap : float64 ndarray of shape (S,)
        Proven gaps.
    """

    split: str
    x: NDArray[np.float32]
    hamiltonians: Any
    label: NDArray[np.int64]
    gap: Array
    _exact: dict[Any, Array] = field(default_factory=dict, repr=False)

    def exact(self, name: str, grid: tuple[int, ...]) -> Array:
        """Exact quantity on a grid; each is made once.

        Parameters
        ----------
        name : str
            Key of `TARGETS`.
        grid : tuple of int
            Numbers of k points.

        Returns
        -------
        float64 ndarray of shape (S, *grid, T)
            From the hoppings, in double precision.
        """
        key = (name, grid)
        if key not in self._exact:
            self._exact[key] = exact_targets(self.hamiltonians, [name], grid=grid)[name]
        return self._exact[key]

    def local_input(self, grid: tuple[int, ...]) -> Array:
        """Input at the points of a grid; the flattened one where the layer refines the grid.

        Parameters
        ----------
        grid : tuple of int
            Numbers of k points.

        Returns
        -------
        float64 ndarray of shape (S, *grid, c)
            Inputs.
        """
        if self.x.shape[1:-1] == grid:
            return self.x.astype(np.float64)
        return self.exact("entries" if len(grid) == 1 else "d", grid)

    def raw_input(self, layer: Layer, grid: tuple[int, ...]) -> Array:
        """Input at all points that a place of a layer touches.

        Parameters
        ----------
        layer : Layer
            The layer.
        grid : tuple of int
            Numbers of places.

        Returns
        -------
        float64 ndarray of shape (S, *grid, m c)
            m = 1 for points, 2 for links, 4 for plaquettes.
        """
        x = self.local_input(grid)
        if TARGETS[layer.target].place == "points":
            return x
        for axis in range(1, x.ndim - 1):
            x = np.concatenate([x, np.roll(x, -1, axis=axis)], axis=-1)
        return x


def draw_samples(dataset: Dataset, split: str, n: int, seed: int) -> Samples:
    """Take some Hamiltonians of a split at random, in the order of the file.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    split : str
        Name of the split.
    n : int
        How many; at least 20.
    seed : int
        Seed of the choice.

    Returns
    -------
    Samples
        The samples.

    Raises
    ------
    InputError
        If the data set is of another kind, lacks the split, or has too few Hamiltonians.
    """
    if dataset.kind not in LAYERS or split not in dataset.splits:
        raise InputError(
            f"Argument `dataset` must hold winding or Chern numbers and a split `{split}`, but is"
            f" of kind {dataset.kind!r} with splits {', '.join(dataset.splits)}."
        )
    chosen = dataset.split(split)
    wanted = _checks.positive_int(n, "n_hamiltonians", minimum=20)
    if len(chosen) < wanted:
        raise InputError(
            f"Argument `n_hamiltonians` must be at most {len(chosen)}, the size of split `{split}`,"
            f" but is {wanted}."
        )
    pick = np.sort(keyed_generator(seed, 0).choice(len(chosen), wanted, replace=False))
    x, label, gap = chosen.read("x", "label", "gap_bound", index=pick)
    return Samples(split, x, chosen.hamiltonians(pick), label.astype(np.int64), gap)
