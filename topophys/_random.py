"""Random generators: one keyword `rng`, keyed streams for shards, shuffling of long files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError

__all__ = ["as_generator", "blocks_in_order", "keyed_generator", "shuffled_buffers"]


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


# ---- Random order of samples in a file that is read in blocks


def blocks_in_order(blocks: NDArray[np.int64], block: int, size: int) -> NDArray[np.int64]:
    """Numbers below `size` of the samples in blocks of `block` consecutive ones."""
    # blocks (b,), numbers of blocks in the order in which they are read -> (S,)
    index = (blocks[:, None] * block + np.arange(block)).ravel()
    return index[index < size]


def shuffled_buffers(
    index: NDArray[np.int64], ends: Iterable[int], rng: np.random.Generator, multiple: int = 1
) -> Iterator[NDArray[np.int64]]:
    """Shuffle samples within buffers that end at `ends`; one array for each.

    All but the last have a multiple of `multiple` samples; the rest joins the next buffer.
    """
    start, left = 0, index[:0]
    for end in ends:
        together = np.concatenate([left, index[start:end]])
        shuffled = together[rng.permutation(len(together))]
        whole = len(shuffled) - len(shuffled) % multiple
        yield shuffled[:whole]
        start, left = end, shuffled[whole:]
    if len(left):
        yield left
