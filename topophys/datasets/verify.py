"""Checking a data file from the ground: bytes, proofs, and everything that follows from them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from topophys._progress import track
from topophys.datasets import schema
from topophys.datasets.families import Family, family_of
from topophys.datasets.headers import manifest
from topophys.datasets.layout import Layout, opened, read_layout
from topophys.datasets.read import Dataset
from topophys.datasets.shards import digest, quotas
from topophys.datasets.split import Split
from topophys.datasets.summary import table
from topophys.errors import DatasetError, GaplessError, InputError, SchemaError

__all__ = ["Report", "verify"]

#: Agreement asked of recomputed float64 numbers; libraries differ in the last bits.
TOLERANCE: Final = 1e-9
#: The same for numbers stored in single precision, relative to the largest.
SINGLE: Final = 4e-7
#: Fields that are angles, to be compared modulo 2 pi.
ANGLES: Final = ("alpha", "dalpha", "flux")


@dataclass(frozen=True)
class Report:
    """Result of `verify`; prints itself as a table.

    Attributes
    ----------
    path : Path
        The data file.
    problems : tuple of str
        What is wrong, one line each; empty where all is well.
    checked : dict of str to int
        How many things were checked, by kind of check.
    """

    path: Path
    problems: tuple[str, ...]
    checked: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems

    def __str__(self) -> str:
        n = len(self.problems)
        verdict = "no problem" if self.ok else f"{n} problem{'s' * (n > 1)}"
        rows = [["check", "number"], *([k, str(v)] for k, v in self.checked.items())]
        return "\n".join(
            [f"{self.path}: {verdict}", *table(rows), *(f"  ! {p}" for p in self.problems)]
        )


def verify(path: str | Path, *, recompute: str | float = "all", progress: bool = False) -> Report:
    """Check a data file against its schema, its checksums and the physics.

    Bytes are compared with the digests of each shard, attributes with the manifest. For the
    samples to recompute, labels and gap bounds are proven again from the hoppings, and inputs,
    winding angles or fluxes are evaluated again.

    Parameters
    ----------
    path : str or Path
        HDF5 file.
    recompute : "all" or float, optional
        All samples, or this fraction of every shard (at least one sample unless 0).
    progress : bool, optional
        Show progress on stderr.

    Returns
    -------
    Report
        What was checked and what is wrong.

    Raises
    ------
    DatasetError
        If the file is missing.
    InputError
        If `recompute` is neither "all" nor a number from 0 to 1.
    """
    fraction = _fraction(recompute)
    path = Path(path)
    if not path.exists():
        read_layout(path)  # raises, and says how to make the file
    findings = _Findings()
    try:
        layout = read_layout(path)
        _check_headers(layout, findings)
    except (DatasetError, SchemaError) as error:
        return Report(path, (str(error),), {"structure": 0})
    with (
        Dataset(layout) as dataset,
        track(len(dataset), "verify", progress) as advance,
    ):
        for name in dataset.splits:
            for checked in _check_split(dataset, name, fraction, findings):
                advance(checked)
    return Report(path, findings.lines(), dict(findings.checked))


def _fraction(recompute: Any) -> float:
    if recompute == "all":
        return 1.0
    if isinstance(recompute, bool) or not isinstance(recompute, int | float):
        fraction = math.nan
    else:
        fraction = float(recompute)
    if not 0.0 <= fraction <= 1.0:
        raise InputError(
            f"Argument `recompute` must be 'all' or a number from 0 to 1, but is {recompute!r}."
        )
    return fraction


class _Findings:
    """Problems, those of one kind in one split together, and counts of what was checked."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.problems: dict[tuple[str, str], list[int]] = {}

    def count(self, check: str, n: int) -> None:
        self.checked[check] += n

    def add(self, split: str, what: str, where: list[int] | None = None) -> None:
        self.problems.setdefault((split, what), []).extend(where or [])

    def bad(self, split: str, what: str, bad: Bool[np.ndarray, " S"], index: NDArray[Any]) -> None:
        self.count(what, bad.size)
        if bad.any():
            self.add(split, what, index[bad].tolist())

    def lines(self) -> tuple[str, ...]:
        return tuple(self._line(*key, where) for key, where in self.problems.items())

    @staticmethod
    def _line(split: str, what: str, where: list[int]) -> str:
        place = f"{split}: " if split else ""
        if not where:
            return f"{place}{what}"
        shown = ", ".join(map(str, where[:5])) + (", ..." if len(where) > 5 else "")
        return f"{place}{what}: wrong for {len(where)} (index {shown})"


def _check_headers(layout: Layout, findings: _Findings) -> None:
    with opened(layout.path) as file:
        total, extra = manifest(file), _unknown(file, layout)
    findings.count("structure", sum(len(s.fields) for s in layout.splits.values()))
    findings.count("manifest", 1)
    if total != layout.attributes["manifest"]:
        findings.add("", "manifest: attributes or digests were changed")
    if layout.recipe.digest != layout.attributes["recipe_digest"]:
        findings.add("", "recipe_digest: the recipe was changed")
    if extra:
        findings.add("", f"unknown content: {', '.join(extra[:5])}")


def _unknown(file: h5py.File, layout: Layout) -> list[str]:
    """Names, links included, that the schema does not know."""
    extra = [f"/{name}" for name in set(file) - set(layout.splits)]
    for name, split in layout.splits.items():
        known = {*split.fields, schema.DIGESTS}
        extra += [f"/{name}/{key}" for key in set(file[name]) - known]
        digests = set(file[name][schema.DIGESTS]) - set(split.fields)
        extra += [f"/{name}/{schema.DIGESTS}/{key}" for key in digests]
    return sorted(extra)


def _check_split(
    dataset: Dataset, name: str, fraction: float, findings: _Findings
) -> Iterator[int]:
    """Check shard by shard; yields the number of samples done."""
    split = dataset.split(name)
    family = family_of(dataset.recipe, split.spec)
    digests = {f: split.digests(f) for f in split.fields}
    for number in range(schema.shards(len(split))):
        start = number * schema.SHARD_SIZE
        stop = min(start + schema.SHARD_SIZE, len(split))
        shard = split[start:stop]
        index = np.arange(start, stop)
        for f, array in shard.items():
            findings.count("sha256 of a shard", 1)
            if digest(array) != digests[f][number].tobytes():
                findings.add(name, f"sha256 of {f}, shards", [number])
        _check_values(split, number, shard, index, findings)
        chosen = _choose(stop - start, fraction)
        if len(chosen):
            part = {f: array[chosen] for f, array in shard.items()}
            _recompute(split, family, part, index[chosen], findings)
        yield stop - start
    if split.drawn != len(split) + sum(split.rejected.values()):
        findings.add(name, "drawn: must be the number of samples and rejections")


def _choose(size: int, fraction: float) -> NDArray[np.int64]:
    # evenly spread: samples lie in random order within a shard
    return np.unique(np.linspace(0, size - 1, math.ceil(fraction * size)).astype(np.int64))


def _check_values(
    split: Split, number: int, shard: dict[str, Any], index: NDArray[Any], findings: _Findings
) -> None:
    """Check what can be seen without computing: finite numbers, classes, gaps, keys."""
    for name, array in shard.items():
        bad = ~np.isfinite(array).reshape(len(index), -1).all(1)
        findings.bad(split.name, f"finite {name}", bad, index)
    quota = quotas(split.spec, number)
    values, counts = np.unique(shard["label"], return_counts=True)
    findings.count("class balance of a shard", 1)
    found = dict(zip(values.tolist(), counts.tolist(), strict=True))
    if found != {value: count for value, count in quota.items() if count}:
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
    split: Split, family: Family, part: dict[str, Any], index: NDArray[Any], findings: _Findings
) -> None:
    """Check what takes computing: proofs, and everything that follows from the hoppings."""
    fine = np.isfinite(part["hoppings"]).reshape(len(index), -1).all(1)
    part, index = {name: array[fine] for name, array in part.items()}, index[fine]
    if not len(index):
        return
    proof = family.certify(part["hoppings"], split.spec.min_gap or 0.0)
    wrong = ~proof.certified | (proof.value != part["label"])
    findings.bad(split.name, "label proven from hoppings", wrong, index)
    off = np.abs(proof.gap_bound - part["gap_bound"]) > TOLERANCE
    findings.bad(split.name, "gap_bound proven from hoppings", off, index)
    open_ = proof.certified  # the rest may be gapless, where angles mean nothing
    part, index = {name: array[open_] for name, array in part.items()}, index[open_]
    if not len(index):
        return
    try:
        fields = family.evaluate(part["hoppings"])
    except GaplessError as error:
        findings.add(split.name, f"fields cannot be evaluated: {error}")
        return
    for name, fresh in fields.items():
        off = _differs(name, fresh, part[name])
        findings.bad(split.name, f"{name} computed from hoppings", off, index)


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
