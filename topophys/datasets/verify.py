"""Checking a data file from the ground: bytes, proofs, and everything that follows from them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py

from topophys._extras import load_extra
from topophys._progress import Advance, track
from topophys.datasets import schema
from topophys.datasets.headers import manifest
from topophys.datasets.index import is_index, read_index, read_part
from topophys.datasets.layout import Layout, opened, read_layout
from topophys.datasets.read import Dataset
from topophys.datasets.recheck import check_split
from topophys.datasets.report import Findings, Report
from topophys.errors import DatasetError, InputError, SchemaError

__all__ = ["Report", "verify"]


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
    if not path.exists():
        read_layout(path)  # raises, and says how to make the file
    if is_index(path):
        return _verify_parts(path, fraction, checker, progress)
    findings = Findings()
    try:
        layout = read_layout(path)
        with track(layout.portion.n_samples, "verify", progress) as advance:
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
                _check_file(read_part(index, part), fraction, checker, findings, advance)
            except (DatasetError, SchemaError) as error:
                problems.append(str(error))
            problems += [f"{part.file}: {line}" for line in findings.lines()]
            total.checked.update(findings.checked)
    return Report(path, tuple(problems), dict(total.checked))


def _check_file(
    layout: Layout, fraction: float, checker: bool, findings: Findings, advance: Advance
) -> None:
    _check_headers(layout, findings)
    with Dataset([layout], layout.path) as dataset:
        for name in dataset.splits:
            done = check_split(dataset, layout.portion, name, fraction, findings, checker)
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
        known = {*split.fields, schema.DIGESTS}
        extra += [f"/{name}/{key}" for key in set(file[name]) - known]
        digests = set(file[name][schema.DIGESTS]) - set(split.fields)
        extra += [f"/{name}/{schema.DIGESTS}/{key}" for key in digests]
    return sorted(extra)
