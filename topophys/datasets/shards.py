"""Drawing one shard: random Hamiltonians, kept by proof and class, from a keyed stream.

A shard depends on (root seed, split id, shard number) and on nothing else, so that any shard can
be made alone, by any worker, in any order, and comes out the same to the bit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from topophys._random import keyed_generator
from topophys.datasets import schema
from topophys.datasets.evaluate import evaluate
from topophys.datasets.families import Arrays, family_of
from topophys.datasets.gauge import turn_all
from topophys.datasets.recipe import Recipe
from topophys.datasets.specs import GIVEN, SplitSpec
from topophys.errors import RecipeError
from topophys.invariants import selection
from topophys.invariants.certificate import Certificate
from topophys.invariants.selection import REASONS, UNRESOLVED, Selection

__all__ = ["REASONS", "Shard", "draw_shard", "quotas"]

#: Draws without a single new sample of a class that is still wanted, before giving up.
PATIENCE: Final = 1_000_000


@dataclass(frozen=True, eq=False)
class Shard:
    """One shard of a split, ready to be written.

    Attributes
    ----------
    start : int
        Index of its first sample within the split.
    arrays : dict of str to ndarray
        Every field of the schema.
    digests : dict of str to bytes
        SHA-256 of the bytes of each field.
    drawn : int
        Hamiltonians drawn, up to and with the last one kept.
    rejected : dict of str to int
        How many of them were not kept, by reason.
    """

    start: int
    arrays: Arrays
    digests: dict[str, bytes]
    drawn: int
    rejected: dict[str, int]

    @classmethod
    def of(
        cls, kind: schema.Kind, number: int, arrays: Arrays, drawn: int, rejected: dict[str, int]
    ) -> Shard:
        """Bring arrays into the form in which they are stored, with their digests.

        Parameters
        ----------
        kind : str
            Kind of data set.
        number : int
            Number of the shard, from 0.
        arrays : dict of str to ndarray
            Every field of the schema.
        drawn, rejected
            As the attributes.

        Returns
        -------
        Shard
            Ready to be written.
        """
        stored = {
            f.name: np.ascontiguousarray(arrays[f.name], dtype=f.dtype) for f in schema.FIELDS[kind]
        }
        digests = {name: digest(array) for name, array in stored.items()}
        return cls(number * schema.SHARD_SIZE, stored, digests, drawn, rejected)


def reasons(spec: SplitSpec) -> tuple[str, ...]:
    """Why Hamiltonians drawn for a split are not in it.

    Parameters
    ----------
    spec : SplitSpec
        The split.

    Returns
    -------
    tuple of str
        In the order of the `rejected` attribute.
    """
    return selection.reasons(spec.max_gap)


def quotas(spec: SplitSpec, shard: int) -> dict[int, int]:
    """Count the samples of each class that one shard must have.

    Sample i of a split counts towards class i mod K of its K sorted classes, so that classes are
    equal to within one sample in the split and in every shard; a remainder goes to the smallest.

    Parameters
    ----------
    spec : SplitSpec
        The split.
    shard : int
        Number of the shard.

    Returns
    -------
    dict of int to int
        Samples wanted, by class.
    """
    classes = sorted(spec.classes)
    first = shard * schema.SHARD_SIZE
    last = min(first + schema.SHARD_SIZE, spec.size)
    k = len(classes)
    below = [[(end - j + k - 1) // k for j in range(k)] for end in (first, last)]
    return {c: below[1][j] - below[0][j] for j, c in enumerate(classes)}


def seed_keys(spec: SplitSpec, shard: int, draw: Int[np.ndarray, " S"]) -> Int[np.ndarray, "S 3"]:
    """Where samples come from.

    Parameters
    ----------
    spec : SplitSpec
        The split.
    shard : int
        Number of the shard.
    draw : int64 ndarray of shape (S,)
        Number of each sample among the draws of the shard.

    Returns
    -------
    int64 ndarray of shape (S, 3)
        Split id, shard and draw.
    """
    key = np.empty((len(draw), 3), np.int64)
    key[:, 0], key[:, 1], key[:, 2] = spec.split_id, shard, draw
    return key


def draw_shard(recipe: Recipe, split: str, shard: int) -> Shard:
    """Draw one shard of a split.

    Hamiltonians are drawn in batches and the first of each class that are proven to have the
    class and the gap are kept, until the quota of every class is full. Keeping the first to come
    is unbiased within a class: draws are independent and identically distributed, and whether one
    is kept depends on earlier draws only through how many of its class there were.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    split : str
        Name of the split.
    shard : int
        Number of the shard, from 0.

    Returns
    -------
    Shard
        Samples in random order, with digests and rejection counts.

    Raises
    ------
    RecipeError
        If a class does not turn up in a million draws in a row.
    """
    spec = recipe.part(split)
    source = spec if spec.gauge_of is None else recipe.part(spec.gauge_of)
    arrays, drawn, rejected = _select(recipe, source, shard)
    if spec.gauge_of is not None:
        arrays, drawn, rejected = _turned(recipe, spec, shard, arrays)
    arrays |= evaluate(recipe, spec, shard, arrays["hoppings"])
    return Shard.of(recipe.kind, shard, arrays, drawn, rejected)


def _select(recipe: Recipe, spec: SplitSpec, shard: int) -> tuple[Arrays, int, dict[str, int]]:
    """Draw until every class is full: the kept samples, how many were drawn, and the rejected."""
    family = family_of(recipe, spec)
    if family.spec.family in GIVEN:
        raise RecipeError(
            f"Recipe `{recipe.name}` must name a random family to be drawn, but its Hamiltonians"
            " were given; label the source again."
        )
    rng = keyed_generator(recipe.seed, spec.split_id, shard)
    kept = _Kept(spec, shard)
    while kept.selection.unfilled():
        hoppings = family.draw(family.batch, rng)
        kept.offer(hoppings, family.certify(hoppings, spec.min_gap or 0.0))
    # draw order would put the rarest class last; shuffled, every stretch is a fair sample
    arrays = kept.arrays(rng.permutation(kept.selection.size))
    return arrays, kept.selection.drawn, kept.selection.rejected()


def _turned(
    recipe: Recipe, spec: SplitSpec, shard: int, arrays: Arrays
) -> tuple[Arrays, int, dict[str, int]]:
    """Turn the samples of another split into another gauge; with the counts that go with them."""
    family = family_of(recipe, spec)
    rng = keyed_generator(recipe.seed, spec.split_id, shard)
    hoppings, label, key = (arrays[name] for name in ("hoppings", "label", "seed_key"))
    turned, bound, unresolved = turn_all(
        family, hoppings, label, spec.min_gap or 0.0, rng  # type: ignore[arg-type]  # by schema
    )  # fmt: skip
    own = key.copy()
    own[:, 0] = spec.split_id
    fresh = {"hoppings": turned, "label": label, "gap_bound": bound, "seed_key": own}
    rejected = dict.fromkeys(reasons(spec), 0) | {UNRESOLVED: unresolved}
    return fresh, len(label) + unresolved, rejected


def digest(array: NDArray[np.generic]) -> bytes:
    """SHA-256 of the bytes of a C-contiguous array."""
    return hashlib.sha256(array.data).digest()


class _Kept:
    """What is kept of the draws for one shard."""

    def __init__(self, spec: SplitSpec, shard: int) -> None:
        self.spec, self.shard = spec, shard
        self.selection = Selection(
            quotas(spec, shard), min_gap=spec.min_gap or 0.0, max_gap=spec.max_gap
        )
        self.kept: list[Arrays] = []

    def offer(self, hoppings: NDArray[np.complex128], proof: Certificate) -> None:
        """Take what is wanted from one batch of draws."""
        before = self.selection.offered
        which = self.selection.offer(proof)
        self.kept.append(
            {
                "hoppings": hoppings[which],
                "label": proof.value[which],
                "gap_bound": proof.gap_lower[which],
                "draw": before + which,
            }
        )
        self._lose_patience()

    def _lose_patience(self) -> None:
        value = self.selection.stalled(PATIENCE)
        if value is None:
            return
        wanted = quotas(self.spec, self.shard)[value]
        found = wanted - self.selection.left[value]
        rejects = ", ".join(f"{k} {v}" for k, v in self.selection.rejected().items())
        offered, waited = self.selection.offered, self.selection.fresh[value]
        raise RecipeError(
            f"Class {value} of split `{self.spec.name}` must turn up among the draws, but none did"
            f" in the last {offered - waited} ({found} of {wanted} found in {offered} draws;"
            f" {rejects}); remove the class, lower `min_gap` or raise `hopping_range`."
        )

    def arrays(self, order: Int[np.ndarray, " S"]) -> Arrays:
        """Kept samples in the given order, with their keys."""
        joined = {name: np.concatenate([part[name] for part in self.kept]) for name in self.kept[0]}
        joined["seed_key"] = seed_keys(self.spec, self.shard, joined.pop("draw"))
        return {name: array[order] for name, array in joined.items()}
