"""From hoppings to the fields that follow from them, with the noise that a split asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from topophys._random import keyed_generator
from topophys.datasets import schema
from topophys.datasets.families import Arrays, Family, family_of
from topophys.datasets.recipe import Recipe
from topophys.datasets.specs import SplitSpec

__all__ = ["evaluate"]

#: Bytes of a field that are worked on at a time, so that they stay in the cache of a processor.
CACHE: Final = 1 << 19


def evaluate(
    recipe: Recipe,
    spec: SplitSpec,
    shard: int,
    hoppings: NDArray[Any],
    rows: Int[np.ndarray, " R"] | slice = slice(None),
) -> Arrays:
    """Fields that follow from the hoppings, with the noise that belongs to the split.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    spec : SplitSpec
        The split, filled in.
    shard : int
        Number of the shard.
    hoppings : complex128 ndarray of shape (R, M, ...)
        Coefficients of some samples of the shard.
    rows : int ndarray of shape (R,) or slice, optional
        Which ones they are; all where not given.

    Returns
    -------
    dict of str to ndarray
        Input in single precision, as it is stored, and local targets.
    """
    family = family_of(recipe, spec)
    step = len(hoppings) if family.by_sample else _step(recipe, {"S": 1, **family.sizes()})
    if len(hoppings) <= step:
        fields = family.evaluate(hoppings)
        fields["x"] = fields["x"].astype(np.float32, copy=False)
    else:
        fields = _by_parts(family, hoppings, step)
    if spec.noise is not None:
        x = fields["x"].astype(np.float64)
        size = min(schema.SHARD_SIZE, spec.size - shard * schema.SHARD_SIZE)
        rng = keyed_generator(recipe.seed, spec.split_id, shard, 1)
        # of the whole shard, so that the noise of a sample does not depend on which are asked for
        noise = rng.standard_normal((size, *x.shape[1:]))[rows]
        fields["x"] = (x + spec.noise * noise).astype("<f4")
    return fields


def _by_parts(family: Family, hoppings: NDArray[Any], step: int) -> Arrays:
    fields: Arrays = {}
    for i in range(0, len(hoppings), step):
        for name, part in family.evaluate(hoppings[i : i + step]).items():
            if i == 0:
                dtype = np.float32 if name == "x" else part.dtype
                fields[name] = np.empty((len(hoppings), *part.shape[1:]), dtype)
            fields[name][i : i + step] = part
    return fields


def _step(recipe: Recipe, sizes: Mapping[str, int]) -> int:
    """Count the samples to evaluate at a time; it makes no difference to their last bits."""
    entries = max(math.prod(f.shape(sizes)) for f in schema.FIELDS[recipe.kind])
    return max(1, CACHE // (8 * entries))
