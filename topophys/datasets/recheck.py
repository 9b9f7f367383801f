"""Checking the samples of a split: bytes, proofs, and everything that follows from them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from topophys.datasets import schema
from topophys.datasets.evaluate import evaluate
from topophys.datasets.families import Family, family_of
from topophys.datasets.independent import checked_anew
from topophys.datasets.portion import Portion
from topophys.datasets.read import Dataset
from topophys.datasets.recipe import Recipe
from topophys.datasets.report import Findings
from topophys.datasets.shards import digest, quotas
from topophys.datasets.specs import GIVEN
from topophys.datasets.split import Split
from topophys.errors import GaplessError
from topophys.invariants.certificate import Certificate

__all__ = ["check_split"]

#: Agreement asked of recomputed float64 numbers; libraries differ in the last bits.
TOLERANCE: Final = 1e-9
#: The same for numbers stored in single precision, relative to the largest.
SINGLE: Final = 4e-7
#: Fields that are angles, to be compared modulo 2 pi.
ANGLES: Final = ("alpha", "dalpha", "flux")


def check_split(
    dataset: Dataset,
    portion: Portion,
    name: str,
    fraction: float,
    findings: Findings,
    checker: bool = False,
) -> Iterator[int]:
    """Check one split shard by shard.

    Parameters
    ----------
    dataset : Dataset
        One open file.
    portion : Portion
        What it holds.
    name : str
        Name of the split.
    fraction : float
        Share of every shard to compute again.
    findings : Findings
        Where problems go.
    checker : bool, optional
        Whether labels computed again also go through the independent checker.

    Yields
    ------
    int
        Number of samples done since the last time.
    """
    split = dataset.split(name)
    digests = {f: split.digests(f) for f in split.fields}
    first, end = portion.span(name)
    for row, number in enumerate(range(first, end)):
        start = row * schema.SHARD_SIZE
        stop = min(start + schema.SHARD_SIZE, len(split))
        shard = split[start:stop]
        index = np.arange(start, stop)
        for f, array in shard.items():
            findings.count("sha256 of a shard", 1)
            if digest(array) != digests[f][row].tobytes():
                findings.add(name, f"sha256 of {f}, shards", [number])
        _check_values(split, number, shard, index, findings)
        chosen = _choose(stop - start, fraction)
        if len(chosen):
            part = {f: array[chosen] for f, array in shard.items()}
            _recompute(dataset.recipe, split, number, part, chosen, index[chosen], findings)
            if checker:
                _check_anew(dataset.recipe, split, part, index[chosen], findings)
        yield stop - start
    if split.drawn != len(split) + sum(split.rejected.values()):
        findings.add(name, "drawn: must be the number of samples and rejections")


def _choose(size: int, fraction: float) -> NDArray[np.int64]:
    # evenly spread: samples lie in random order within a shard
    return np.unique(np.linspace(0, size - 1, math.ceil(fraction * size)).astype(np.int64))


def _check_values(
    split: Split, number: int, shard: dict[str, Any], index: NDArray[Any], findings: Findings
) -> None:
    """Check what can be seen without computing: finite numbers, classes, gaps, keys."""
    for name, array in shard.items():
        bad = ~np.isfinite(array).reshape(len(index), -1).all(1)
        findings.bad(split.name, f"finite {name}", bad, index)
    quota = quotas(split.spec, number)
    values, counts = np.unique(shard["label"], return_counts=True)
    findings.count("class balance of a shard", 1)
    found = dict(zip(values.tolist(), counts.tolist(), strict=True))
    table = split.spec.hamiltonian
    if table is not None and table.family in GIVEN:  # nobody balanced these
        wrong_class = not set(found) <= set(split.spec.classes)
    else:
        wrong_class = found != {value: count for value, count in quota.items() if count}
    if wrong_class:
        findings.add(split.name, "class balance, shards", [number])
    small = ~(shard["gap_bound"] >= (split.spec.min_gap or 0.0))
    findings.bad(split.name, "gap_bound >= min_gap", small, index)
    key = shard["seed_key"]
    wrong = (key[:, 0] != split.spec.split_id) | (key[:, 1] != number) | (key[:, 2] < 0)
    _, first = np.unique(key[:, 2], return_index=True)
    repeated = np.ones(len(index), np.bool_)
    repeated[first] = False
    findings.bad(split.name, "seed_key", wrong | repeated, index)


def _recompute(
    recipe: Recipe,
    split: Split,
    number: int,
    part: dict[str, Any],
    rows: NDArray[np.int64],
    index: NDArray[Any],
    findings: Findings,
) -> None:
    """Check what takes computing: proofs, and everything that follows from the hoppings."""
    fine = np.isfinite(part["hoppings"]).reshape(len(index), -1).all(1)
    part, rows, index = {name: array[fine] for name, array in part.items()}, rows[fine], index[fine]
    if not len(index):
        return
    family = family_of(recipe, split.spec)
    proof = family.certify(part["hoppings"], split.spec.min_gap or 0.0)
    wrong = ~proof.certified | (proof.value != part["label"])
    findings.bad(split.name, "label proven from hoppings", wrong, index)
    off = ~_bound_holds(family, proof, part["hoppings"], part["gap_bound"])
    findings.bad(split.name, "gap_bound proven from hoppings", off, index)
    if split.spec.max_gap is not None:
        wide = ~(proof.gap_upper < split.spec.max_gap)
        findings.bad(split.name, "gap below max_gap", wide, index)
    good = proof.certified  # the rest may be gapless, where angles mean nothing
    part, rows, index = {name: array[good] for name, array in part.items()}, rows[good], index[good]
    if not len(index):
        return
    try:
        fields = evaluate(recipe, split.spec, number, part["hoppings"], rows)
    except GaplessError as error:
        findings.add(split.name, f"fields cannot be evaluated: {error}")
        return
    for name, fresh in fields.items():
        off = _differs(name, fresh, part[name])
        findings.bad(split.name, f"{name} computed from hoppings", off, index)


def _check_anew(
    recipe: Recipe, split: Split, part: dict[str, Any], index: NDArray[Any], findings: Findings
) -> None:
    """Send labels and gap bounds through the checker that shares no code with the proofs."""
    fine = np.isfinite(part["hoppings"]).reshape(len(index), -1).all(1)
    family, index = family_of(recipe, split.spec), index[fine]
    stored = (part[name][fine] for name in ("hoppings", "label", "gap_bound"))
    wrong = np.array([bool(reason) for reason in checked_anew(family, *stored)], bool)
    findings.bad(split.name, "label accepted by the independent checker", wrong, index)


def _bound_holds(
    family: Family, proof: Certificate, hoppings: NDArray[Any], stored: NDArray[np.float64]
) -> Bool[np.ndarray, " S"]:
    """Where the stored bounds are found again, or proven one by one.

    Other versions find other bounds, and a bound is right whoever proves it. That excuse counts
    for a whole shard and not for single samples, whose hoppings were changed.
    """
    good = proof.certified & (np.abs(proof.gap_lower - stored) <= TOLERANCE)
    if good.mean() > 0.5:
        return np.asarray(good)
    possible = ~good & proof.certified & (stored <= proof.gap_upper + TOLERANCE)
    for row in np.flatnonzero(possible):
        wanted = max(0.0, float(stored[row]) - TOLERANCE)
        good[row] = family.certify(hoppings[row : row + 1], wanted).certified[0]
    return np.asarray(good)


def _differs(name: str, fresh: NDArray[Any], stored: NDArray[Any]) -> Bool[np.ndarray, " S"]:
    """Find the samples of which a field differs from what it must be."""
    off: Float[np.ndarray, "..."] = np.abs(fresh.astype(np.float64) - stored)
    if name in ANGLES:
        # near +-pi the last bit chooses the side
        off = np.minimum(off, np.abs(off - 2.0 * np.pi))
        tolerance = TOLERANCE
    else:
        tolerance = SINGLE * max(1.0, float(np.abs(fresh).max()))
    return np.asarray(~(off <= tolerance).reshape(len(stored), -1).all(1))
