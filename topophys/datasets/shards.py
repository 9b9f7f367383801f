"""Drawing of one shard: random Hamiltonians, kept by proof and class, from a keyed stream."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from topophys._random import keyed_generator
from topophys.datasets import schema
from topophys.datasets._store import checksums
from topophys.datasets.families import Arrays, Family, family_of
from topophys.datasets.recipe import GIVEN, Recipe, SplitSpec
from topophys.ensembles import rejection
from topophys.ensembles.rejection import REASONS, UNRESOLVED, Selection
from topophys.errors import InputError, RecipeError
from topophys.invariants.results import Certificate
from topophys.kernels import compile_at_once

__all__ = ["REASONS", "Shard", "ShardRange", "change_gauges", "draw_shard", "evaluate", "quotas"]


# --------------------------------- Which shards of a recipe a file holds: all of them, or a stretch


@dataclass(frozen=True)
class ShardRange:
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
    >>> part = ShardRange.of(recipe, (2, 4))
    >>> list(part.shards()), part.size("train"), part.size("test")
    ([('train', 2), ('test', 0)], 904, 100)
    """

    recipe: Recipe
    first: int
    stop: int

    @classmethod
    def of(cls, recipe: Recipe, shards: tuple[int, int] | None = None) -> ShardRange:
        """Make a portion, all shards where none are named."""
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
        return self == ShardRange.of(self.recipe)

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


# ---------- From hoppings to the fields that follow from them, with the noise that a split asks for

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

    Shapes: `hoppings` (R, M, ...), `rows` (R,).
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


# ------- The same Hamiltonians in another basis, with another origin of k: what no label may notice

#: Attempts to prove a turned Hamiltonian before giving up.
ATTEMPTS: Final = 20


def change_gauges(
    family: Family,
    hoppings: NDArray[np.complex128],
    label: NDArray[np.int64],
    min_gap: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.complex128], NDArray[np.float64], int]:
    """Give every Hamiltonian a random basis and origin, and prove its label again.

    The gap is what it was, but its proof goes over other intervals and may fail by the last bit
    where the gap is `min_gap` to the last bit; then another basis is drawn.

    Shapes: `hoppings` (S, M, ...), `label` (S,); returns `hoppings` (S, M, ...), `gap_lower`
    (S,).
    """
    turned, bound = hoppings.copy(), np.zeros(len(hoppings))
    left, unresolved = np.arange(len(hoppings)), 0
    for _ in range(ATTEMPTS):
        fresh = family.change_gauge(hoppings[left], rng)
        proof = family.certify(fresh, min_gap)
        good = proof.certified & (np.ma.getdata(proof.value) == label[left])
        turned[left[good]], bound[left[good]] = fresh[good], proof.gap_lower[good]
        left = left[~good]
        unresolved += len(left)
        if not len(left):
            return turned, bound, unresolved
    raise RecipeError(
        f"Split with `gauge_of` must keep its labels, but {len(left)} Hamiltonians could not be"
        f" proven in {ATTEMPTS} bases; please report this with the recipe."
    )


# ------------- Drawing one shard: random Hamiltonians, kept by proof and class, from a keyed stream
# A shard depends on (root seed, split id, shard number) and on nothing else, so that any shard can
# be made alone, by any worker, in any order, and comes out the same to the bit.

#: Draws without a single new sample of a class that is still wanted, before giving up.
PATIENCE: Final = 1_000_000
#: Hamiltonians that are proven together, where batches of draws are smaller: large arrays cost less
#: for each, until they do not fit into the cache of a core.
JOINED: Final = 128


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
    checksums : dict of str to ndarray
        Fast checksums of the pieces of each field, uint64.
    drawn : int
        Hamiltonians drawn, up to and with the last one kept.
    rejected : dict of str to int
        How many of them were not kept, by reason.
    """

    start: int
    arrays: Arrays
    digests: dict[str, bytes]
    checksums: dict[str, NDArray[np.uint64]]
    drawn: int
    rejected: dict[str, int]

    @classmethod
    def of(
        cls, kind: str, number: int, arrays: Arrays, drawn: int, rejected: dict[str, int]
    ) -> Shard:
        """Bring arrays into the form in which they are stored, with their digests."""
        stored = {
            f.name: np.ascontiguousarray(arrays[f.name], dtype=f.dtype) for f in schema.FIELDS[kind]
        }
        digests = {name: digest(array) for name, array in stored.items()}
        sums = {name: checksums(array, schema.SHARD_SIZE) for name, array in stored.items()}
        return cls(number * schema.SHARD_SIZE, stored, digests, sums, drawn, rejected)


def reasons(spec: SplitSpec) -> tuple[str, ...]:
    """Why Hamiltonians drawn for a split are not in it."""
    return rejection.reasons(spec.max_gap)


def quotas(spec: SplitSpec, shard: int) -> dict[int, int]:
    """Count the samples of each class that one shard must have.

    Sample i of a split counts towards class i mod K of its K sorted classes, so that classes are
    equal to within one sample in the split and in every shard; a remainder goes to the smallest.
    """
    classes = sorted(spec.classes)
    first = shard * schema.SHARD_SIZE
    last = min(first + schema.SHARD_SIZE, spec.size)
    k = len(classes)
    below = [[(end - j + k - 1) // k for j in range(k)] for end in (first, last)]
    return {c: below[1][j] - below[0][j] for j, c in enumerate(classes)}


def seed_keys(spec: SplitSpec, shard: int, draw: Int[np.ndarray, " S"]) -> Int[np.ndarray, "S 3"]:
    """Where samples come from.

    Shapes: `draw` (S,); returns (S, 3).
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
    compile_at_once()
    spec = recipe.part(split)
    source = spec if spec.gauge_of is None else recipe.part(spec.gauge_of)
    arrays, drawn, rejected = _select(recipe, source, shard)
    if spec.gauge_of is not None:
        arrays, drawn, rejected = _in_other_gauge(recipe, spec, shard, arrays)
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
    kept, which, joined = _AcceptedSamples(spec, shard), np.zeros(0, np.int64), 1
    while kept.selection.unfilled():
        drawn, states = [], []
        for _ in range(joined):
            drawn.append(family.draw(family.batch, rng))
            states.append(rng.bit_generator.state)
        hoppings = np.concatenate(drawn)
        which = kept.offer(hoppings, family.certify(hoppings, spec.min_gap or 0.0))
        more = sum(kept.selection.left.values()) * joined / max(1, len(which))
        joined = min(max(1, int(more)), max(1, JOINED // family.batch))
    # the order below is that of as many batches as were needed, however many were joined
    rng.bit_generator.state = states[which[-1] // family.batch]
    # draw order would put the rarest class last; shuffled, every stretch is a fair sample
    arrays = kept.arrays(rng.permutation(kept.selection.size))
    return arrays, kept.selection.drawn, kept.selection.rejected()


def _in_other_gauge(
    recipe: Recipe, spec: SplitSpec, shard: int, arrays: Arrays
) -> tuple[Arrays, int, dict[str, int]]:
    """Turn the samples of another split into another gauge; with the counts that go with them."""
    family = family_of(recipe, spec)
    rng = keyed_generator(recipe.seed, spec.split_id, shard)
    hoppings, label, key = (arrays[name] for name in ("hoppings", "label", "seed_key"))
    turned, bound, unresolved = change_gauges(
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


class _AcceptedSamples:
    """What is kept of the draws for one shard."""

    def __init__(self, spec: SplitSpec, shard: int) -> None:
        self.spec, self.shard = spec, shard
        self.selection = Selection(
            quotas(spec, shard), min_gap=spec.min_gap or 0.0, max_gap=spec.max_gap
        )
        self.kept: list[Arrays] = []

    def offer(
        self, hoppings: NDArray[np.complex128], proof: Certificate
    ) -> Int[np.ndarray, " kept"]:
        """Take what is wanted from one batch of draws, and say which."""
        before = self.selection.offered
        which = self.selection.offer(proof)
        self.kept.append(
            {
                "hoppings": hoppings[which],
                "label": np.ma.getdata(proof.value)[which],
                "gap_bound": proof.gap_lower[which],
                "draw": before + which,
            }
        )
        self._check_progress()
        return which

    def _check_progress(self) -> None:
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
