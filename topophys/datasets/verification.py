"""Verification of a data file: bytes, proofs, and everything that follows from them."""

from __future__ import annotations

import importlib
import json
import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from topophys._optional import NotebookText, load_extra, table_of_rows
from topophys._progress import Advance, track
from topophys.datasets import schema
from topophys.datasets._hdf5 import opened
from topophys.datasets._index import is_index, read_index, read_part
from topophys.datasets._store import checksums
from topophys.datasets.dataset_card import table
from topophys.datasets.families import Family, family_of
from topophys.datasets.layout import Layout, manifest, read_layout
from topophys.datasets.reader import Dataset
from topophys.datasets.recipe import GIVEN, Recipe
from topophys.datasets.shards import ShardRange, digest, evaluate, quotas
from topophys.datasets.split import Split
from topophys.errors import DatasetError, GaplessError, InputError, MissingPackageError, SchemaError
from topophys.invariants.certificate_file import document_of
from topophys.invariants.evidence import Proof
from topophys.invariants.results import Certificate

__all__ = ["MISSING", "Findings", "Report", "check_again", "check_labels", "check_split", "verify"]


# ---------------------------------------------------------------- What a verification found


@dataclass(frozen=True)
class Report(NotebookText):
    """Result of `verify`, printed as a table.

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

    def to_pandas(self) -> Any:
        """Table of how many things were checked; needs the extra `pandas`."""
        return table_of_rows({"check": k, "number": n} for k, n in self.checked.items())

    def __repr__(self) -> str:
        n = len(self.problems)
        verdict = "no problem" if self.ok else f"{n} problem{'s' * (n > 1)}"
        rows = [["check", "number"], *([k, str(v)] for k, v in self.checked.items())]
        return "\n".join(
            [f"{self.path}: {verdict}", *table(rows), *(f"  ! {p}" for p in self.problems)]
        )


class Findings:
    """Problems, those of one kind in one split together, and counts of what was checked."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.problems: dict[tuple[str, str], list[int]] = {}

    def count(self, check: str, n: int) -> None:
        """Note that `n` things were checked."""
        self.checked[check] += n

    def add(self, split: str, what: str, where: list[int] | None = None) -> None:
        """Note a problem, of some samples or shards or as such."""
        self.problems.setdefault((split, what), []).extend(where or [])

    def bad(self, split: str, what: str, bad: Bool[np.ndarray, " S"], index: NDArray[Any]) -> None:
        """Note which of some samples failed a check."""
        self.count(what, bad.size)
        if bad.any():
            self.add(split, what, index[bad].tolist())

    def lines(self) -> tuple[str, ...]:
        """Say what is wrong, one line for each kind of problem and split."""
        return tuple(self._line(*key, where) for key, where in self.problems.items())

    @staticmethod
    def _line(split: str, what: str, where: list[int]) -> str:
        place = f"{split}: " if split else ""
        if not where:
            return f"{place}{what}"
        shown = ", ".join(map(str, where[:5])) + (", ..." if len(where) > 5 else "")
        return f"{place}{what}: wrong for {len(where)} (index {shown})"


# ------------------------------ Labels sent through the checker that shares no code with the proofs

MISSING: Final = (
    "No label was checked independently: python-flint is not installed"
    " (pip install 'topophys[checker]')."
)

UNKNOWN: Final = (
    "No label was checked independently: no certificate file holds the invariant {!r} yet."
)


def check_again(
    family: Family, hoppings: NDArray[np.complex128], label: NDArray[Any], bound: NDArray[Any]
) -> Iterator[str]:
    """Make a certificate of each stored sample and check it.

    Shapes: `hoppings` (S, ...), `label` and `bound` (S,).
    """
    load_extra("flint", "checker")
    checker = importlib.import_module("topophys.checker")
    asked = family.asked(hoppings)
    for i in range(len(hoppings)):
        try:
            document = document_of(Proof(asked.question((i,))), int(label[i]), float(bound[i]))
            checker.check(json.dumps(document))
        except (InputError, checker.RejectedError) as error:
            yield str(error)
        else:
            yield ""


def check_labels(dataset: Dataset, count: int) -> str:
    """Check some labels, spread over all splits, and say in one line how that went."""
    total = sum(len(dataset.split(name)) for name in dataset.splits)
    done, refused = 0, []
    try:
        for name in dataset.splits:
            split = dataset.split(name)
            share = min(len(split), -(-count * len(split) // total))
            rows = np.unique(np.linspace(0, len(split) - 1, share).round().astype(np.int64))
            shards = [split[int(row) : int(row) + 1] for row in rows]
            part = {f: np.concatenate([s[f] for s in shards]) for f in shards[0]} if shards else {}
            if not part:
                continue
            family = family_of(dataset.recipe, split.spec)
            if not family.checkable:
                return UNKNOWN.format(dataset.recipe.label.invariant)
            found = check_again(family, part["hoppings"], part["label"], part["gap_bound"])
            reasons = list(found)
            done += len(reasons)
            refused += [
                f"{name} {row}: {why}" for row, why in zip(rows, reasons, strict=True) if why
            ]
    except MissingPackageError:
        return MISSING
    name = dataset.recipe.name
    if not refused:
        return f"{name}: {done:,} of {total:,} labels were checked independently, and all accepted."
    return (
        f"{name}: {len(refused)} of {done} labels checked independently were NOT accepted; the"
        f" first is {refused[0]}."
    )


# ------------ Checking the samples of a split: bytes, proofs, and everything that follows from them

#: Agreement asked of recomputed float64 numbers; libraries differ in the last bits.
TOLERANCE: Final = 1e-9
#: The same for numbers stored in single precision, relative to the largest.
SINGLE: Final = 4e-7
#: Fields that are angles, to be compared modulo 2 pi.
ANGLES: Final = ("alpha", "dalpha", "flux")


def check_split(
    dataset: Dataset,
    shard_range: ShardRange,
    name: str,
    fraction: float,
    findings: Findings,
    checker: bool = False,
) -> Iterator[int]:
    """Check one split shard by shard."""
    split = dataset.split(name)
    digests = {f: split.digests(f) for f in split.fields}
    first, end = shard_range.span(name)
    for row, number in enumerate(range(first, end)):
        start = row * schema.SHARD_SIZE
        stop = min(start + schema.SHARD_SIZE, len(split))
        shard = split[start:stop]
        index = np.arange(start, stop)
        for f, array in shard.items():
            findings.count("sha256 of a shard", 1)
            if digest(array) != digests[f][row].tobytes():
                findings.add(name, f"sha256 of {f}, shards", [number])
            elif not _sums_hold(split, f, start, array):
                findings.add(name, f"checksums of {f}, shards", [number])
        _check_values(split, number, shard, index, findings)
        chosen = _choose(stop - start, fraction)
        if len(chosen):
            part = {f: array[chosen] for f, array in shard.items()}
            _recompute(dataset.recipe, split, number, part, chosen, index[chosen], findings)
            if checker:
                _prove_again(dataset.recipe, split, part, index[chosen], findings)
        yield stop - start
    if split.drawn != len(split) + sum(split.rejected.values()):
        findings.add(name, "drawn: must be the number of samples and rejections")


def _sums_hold(split: Split, field: str, start: int, array: NDArray[Any]) -> bool:
    """Whether the fast checksums are those of a shard; files of schema version 1 have none."""
    (column,) = split._columns(field)
    if column.checks is None or column.checks.sums.ndim > 1:
        return True
    piece = start // column.checks.rows
    found = checksums(array, schema.SHARD_SIZE)
    return np.array_equal(column.checks.sums[piece : piece + len(found)], found)


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
    if table is not None and table.family in GIVEN:  # classes of these are not balanced
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
    wrong = ~proof.certified | (np.ma.getdata(proof.value) != part["label"])
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


def _prove_again(
    recipe: Recipe, split: Split, part: dict[str, Any], index: NDArray[Any], findings: Findings
) -> None:
    """Send labels and gap bounds through the checker that shares no code with the proofs."""
    fine = np.isfinite(part["hoppings"]).reshape(len(index), -1).all(1)
    family, index = family_of(recipe, split.spec), index[fine]
    if not family.checkable:
        raise InputError(
            f"Argument `checker` must be False for labels of the invariant"
            f" {recipe.label.invariant!r}, which no certificate file holds yet."
        )
    stored = (part[name][fine] for name in ("hoppings", "label", "gap_bound"))
    wrong = np.array([bool(reason) for reason in check_again(family, *stored)], bool)
    findings.bad(split.name, "label accepted by the independent checker", wrong, index)


def _bound_holds(
    family: Family, proof: Certificate, hoppings: NDArray[Any], stored: NDArray[np.float64]
) -> Bool[np.ndarray, " S"]:
    """Where the stored bounds are found again, or proven one by one.

    Other versions find other bounds, and a bound is valid whichever version proves it.
    That counts for a whole shard, not for single samples, whose hoppings were changed.
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


# ------- Checking a data file from the ground: bytes, proofs, and everything that follows from them


def verify(
    path: str | Path,
    *,
    recompute: str | float = "all",
    checker: bool = False,
    progress: bool = False,
) -> Report:
    """Check a data file against its schema, its checksums and the physics.

    Bytes are compared with the digests of each shard, attributes with the manifest. For the
    samples to recompute, labels and gap bounds are proven again from the hoppings, and inputs,
    winding angles or fluxes are evaluated again.

    Parameters
    ----------
    path : str or Path
        HDF5 file, or index of several: then each of them is checked, and named where it is
        missing, truncated or altered.
    recompute : "all" or float, optional
        All samples, or this fraction of every shard (at least one sample unless 0).
    checker : bool, optional
        Also send the labels that are recomputed through `topophys.checker`, which shares no code
        with the proofs and needs python-flint.
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
    MissingPackageError
        If the checker is asked for and python-flint is not installed.
    """
    fraction = _fraction(recompute)
    if checker:
        load_extra("flint", "checker")  # say now, not after an hour, that it is missing
    path = Path(path)
    if not os.path.exists(path):  # noqa: PTH110 (False for names that cannot be)
        read_layout(path)  # raises, and says how to make the file
    if is_index(path):
        return _verify_parts(path, fraction, checker, progress)
    findings = Findings()
    try:
        layout = read_layout(path, sealed=False)
        with track(layout.shard_range.n_samples, "verify", progress) as advance:
            _check_file(layout, fraction, checker, findings, advance)
    except (DatasetError, SchemaError) as error:
        return Report(path, (str(error),), {"structure": 0})
    return Report(path, findings.lines(), dict(findings.checked))


def _verify_parts(path: Path, fraction: float, checker: bool, progress: bool) -> Report:
    try:
        index = read_index(path)
    except (DatasetError, SchemaError) as error:
        return Report(path, (str(error),), {"structure": 0})
    problems: list[str] = []
    total = Findings()
    with track(sum(s.size for s in index.recipe.split), "verify", progress) as advance:
        for part in index.parts:
            findings = Findings()
            findings.count("parts", 1)
            try:
                layout = read_part(index, part, sealed=False)
                _check_file(layout, fraction, checker, findings, advance)
            except (DatasetError, SchemaError) as error:
                problems.append(str(error))
            problems += [f"{part.file}: {line}" for line in findings.lines()]
            total.checked.update(findings.checked)
    return Report(path, tuple(problems), dict(total.checked))


def _check_file(
    layout: Layout, fraction: float, checker: bool, findings: Findings, advance: Advance
) -> None:
    _check_headers(layout, findings)
    with Dataset([layout], layout.path, checked=False) as dataset:
        for name in dataset.splits:
            done = check_split(dataset, layout.shard_range, name, fraction, findings, checker)
            for checked in done:
                advance(checked)


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


def _check_headers(layout: Layout, findings: Findings) -> None:
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
        groups = (schema.DIGESTS, schema.CHECKSUMS)
        extra += [f"/{name}/{key}" for key in set(file[name]) - {*split.fields, *groups}]
        for group in set(groups) & set(file[name]):
            unknown = set(file[name][group]) - set(split.fields)
            extra += [f"/{name}/{group}/{key}" for key in unknown]
    return sorted(extra)
