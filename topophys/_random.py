"""Random generators: one keyword `rng`, and keyed streams for shards."""

from __future__ import annotations

import numpy as np

from topophys.errors import InputError

__all__ = ["as_generator", "keyed_generator"]


def as_generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    """Return a generator from a generator, a seed, or None for fresh entropy."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None:
        return np.random.default_rng()
    if not _is_seed(rng):
        raise InputError(
            f"Argument `rng` must be a numpy.random.Generator, a seed >= 0 or None, but is {rng!r}."
        )
    return np.random.default_rng(rng)


def _is_seed(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return int(value) >= 0


def keyed_generator(root: int, *key: int) -> np.random.Generator:
    """Return the generator that belongs to `key` below the seed `root`.

    Keyed, not ordered: the stream of shard 7 is the same whether or not shards 0 to 6 were made.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(root, spawn_key=key)))
