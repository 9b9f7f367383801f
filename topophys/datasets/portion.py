"""Which shards of a recipe a file holds: all of them, or a stretch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from topophys.datasets import schema
from topophys.datasets.recipe import Recipe
from topophys.errors import InputError

__all__ = ["Portion"]


@dataclass(frozen=True)
class Portion:
    """Consecutive shards of a recipe, counted through all its splits.

    Attributes
    ----------
    recipe : Recipe
        The recipe.
    first, stop : int
        First shard, and the one after the last.

    Examples
    --------
    >>> from topophys.datasets import Recipe
    >>> recipe = Recipe.from_dict({
    ...     "name": "small", "seed": 1,
    ...     "hamiltonian": {"family": "aiii_chains", "hopping_range": 2},
    ...     "label": {"invariant": "winding"}, "input": {"grid": [32]},
    ...     "split": [{"name": "train", "size": 5000, "classes": [0, 1]},
    ...               {"name": "test", "size": 100, "classes": [0, 1]}],
    ... })
    >>> part = Portion.of(recipe, (2, 4))
    >>> list(part.shards()), part.size("train"), part.size("test")
    ([('train', 2), ('test', 0)], 904, 100)
    """

    recipe: Recipe
    first: int
    stop: int

    @classmethod
    def of(cls, recipe: Recipe, shards: tuple[int, int] | None = None) -> Portion:
        """Make a portion, all shards where none are named.

        Parameters
        ----------
        recipe : Recipe
            The recipe.
        shards : tuple of int, optional
            First shard and the one after the last.

        Returns
        -------
        Portion
            With at least one shard.

        Raises
        ------
        InputError
            If there are no such shards.
        """
        total = recipe.n_shards
        first, stop = (0, total) if shards is None else shards
        if not 0 <= first < stop <= total:
            raise InputError(
                f"Argument `shards` must be a stretch a:b with 0 <= a < b <= {total}, the number of"
                f" shards of `{recipe.name}`, but is {first}:{stop}."
            )
        return cls(recipe, first, stop)

    @property
    def whole(self) -> bool:
        """Whether these are all shards of the recipe."""
        return self == Portion.of(self.recipe)

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits with shards here."""
        return tuple(name for name, (first, stop) in self._spans() if first < stop)

    @property
    def n_samples(self) -> int:
        """Samples in these shards."""
        return sum(self.size(name) for name in self.splits)

    def span(self, split: str) -> tuple[int, int]:
        """First shard of one split that is here, and the one after the last, counted from 0."""
        return dict(self._spans())[split]

    def size(self, split: str) -> int:
        """Count the samples of one split in these shards."""
        first, stop = self.span(split)
        whole = self.recipe.part(split).size
        return max(0, min(stop * schema.SHARD_SIZE, whole) - first * schema.SHARD_SIZE)

    def shards(self) -> Iterator[tuple[str, int]]:
        """Split and number within the split of every shard, in order."""
        for name, (first, stop) in self._spans():
            for number in range(first, stop):
                yield name, number

    def _spans(self) -> Iterator[tuple[str, tuple[int, int]]]:
        start = 0
        for spec in self.recipe.split:
            count = schema.shards(spec.size)
            first, stop = (min(max(edge - start, 0), count) for edge in (self.first, self.stop))
            yield spec.name, (first, stop)
            start += count
