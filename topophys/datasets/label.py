"""From Hamiltonians that users bring along to a labelled data set."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import _checks
from topophys.datasets import schema
from topophys.datasets.evaluate import evaluate
from topophys.datasets.families import Arrays, family_of
from topophys.datasets.portion import Portion
from topophys.datasets.recipe import Recipe
from topophys.datasets.shards import REASONS, Shard, seed_keys
from topophys.datasets.sources import Given, read_source
from topophys.datasets.specs import GIVEN
from topophys.datasets.summary import Summary
from topophys.datasets.write import Writer
from topophys.errors import InputError
from topophys.invariants.certificate import Certificate
from topophys.invariants.selection import SMALL, UNRESOLVED

__all__ = ["label"]

#: Name of the only split.
SPLIT: Final = "all"
#: Grid where none is given, by dimension.
GRIDS: Final = {1: (32,), 2: (12, 12)}


def label(
    source: str | Path,
    path: str | Path,
    *,
    grid: tuple[int, ...] | None = None,
    min_gap: float = 0.0,
    flatten: bool = True,
    n_occupied: int | None = None,
) -> Summary:
    """Prove the invariants of given Hamiltonians and store them as a data set.

    Those whose invariant or gap cannot be proven do not enter the file; how many, and why, is
    recorded. Energies stay in the units they come in. All lie in one split, `all`, in the order of
    the source, whose numbers are the last column of `seed_key`.

    Parameters
    ----------
    source : str or Path
        ``.npz`` or HDF5 with an integer array `vectors` (M, dim) and one of `block` (S, M, N, N)
        for chiral chains, `d` (S, M, 3) for two bands, or `hoppings` (S, M, n, n); or a ``_hr.dat``
        or ``_tb.dat`` of Wannier90, or a folder of these.
    path : str or Path
        Name of the HDF5 file to make.
    grid : tuple of int, optional
        Number of k points of the input `x`; 32 for chains, 12 x 12 in two dimensions.
    min_gap : float, optional
        Smallest gap to be proven, in the units of the source.
    flatten : bool, optional
        Flatten the bands in `x`.
    n_occupied : int, optional
        Number of occupied bands, for `hoppings` and Wannier90.

    Returns
    -------
    Summary
        Sizes, classes, rejections and time.

    Raises
    ------
    DatasetError, InputError, ShapeError, KindError
        If the source does not hold Hamiltonians that can be labelled, or none is proven.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from topophys.datasets import label
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hop = np.array([[[[1.0]], [[0.4]]], [[[1.0]], [[2.5]]]])
    ...     np.savez(f"{folder}/ssh.npz", vectors=[[0], [1]], block=hop)
    ...     summary = label(f"{folder}/ssh.npz", f"{folder}/ssh.h5")
    >>> summary.classes
    {'all': {0: 1, 1: 1}}
    """
    start = time.monotonic()
    path, given = Path(path), read_source(Path(source), n_occupied)
    plan = _recipe(given, Path(source), grid, min_gap, flatten, [0], len(given.hoppings))
    proof = _prove(plan, given, min_gap)
    keep = np.flatnonzero(proof.certified)
    if not len(keep):
        raise InputError(
            f"Source `{source}` must hold Hamiltonians with a provable invariant, but none of"
            f" {len(proof.value)} is: gapless, or gaps below {min_gap}."
        )
    classes, counts = np.unique(proof.value[keep], return_counts=True)
    plan = _recipe(given, Path(source), grid, min_gap, flatten, classes.tolist(), len(keep))
    small = ~proof.certified & (proof.gap_upper < min_gap)
    rejected = dict.fromkeys(REASONS, 0) | {
        SMALL: int(small.sum()),
        UNRESOLVED: int((~proof.certified & ~small).sum()),
    }
    with Writer(Portion.of(plan), path) as writer:
        for number in range(plan.n_shards):
            arrays = _arrays(plan, given, proof, keep, number)
            # the first one brings the counts of all
            first = number == 0
            drawn = len(arrays["label"]) + (len(proof.value) - len(keep) if first else 0)
            counted = rejected if first else dict.fromkeys(REASONS, 0)
            writer.add(SPLIT, Shard.of(plan.kind, number, arrays, drawn, counted))
        writer.finish()
    return Summary(
        path=path,
        sizes={SPLIT: len(keep)},
        classes={SPLIT: dict(zip(classes.tolist(), counts.tolist(), strict=True))},
        drawn={SPLIT: len(proof.value)},
        rejected={SPLIT: rejected},
        n_bytes=path.stat().st_size,
        seconds=time.monotonic() - start,
    )


def _recipe(
    given: Given,
    source: Path,
    grid: tuple[int, ...] | None,
    min_gap: float,
    flatten: bool,
    classes: list[int],
    size: int,
) -> Recipe:
    n = given.hoppings.shape[-1]
    family = next(name for name, kind in GIVEN.items() if kind == given.kind)
    table: dict[str, Any] = {"family": family, "hopping_range": given.reach}
    if given.kind == "winding":
        table["n_orbitals"] = n
    if given.kind == "bands":
        table |= {"n_bands": n, "n_occupied": given.n_occupied}
    chain = given.kind == "winding"
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", source.name).strip("-._")[:80] or "given"
    return Recipe.from_dict(
        {
            "name": name,
            "seed": 0,
            "hamiltonian": table,
            "label": {"invariant": "winding" if chain else "chern", "min_gap": float(min_gap)},
            "input": {"flatten": flatten, "grid": grid or GRIDS[1 if chain else 2]},
            "split": [{"name": SPLIT, "size": max(size, len(classes)), "classes": classes}],
        },
        source=str(source),
    )


def _prove(plan: Recipe, given: Given, min_gap: float) -> Certificate:
    _checks.as_complex(given.hoppings, "hoppings", "(...)")  # refuses NaN in one line
    return family_of(plan, plan.part(SPLIT)).certify(given.hoppings, min_gap)


def _arrays(
    plan: Recipe, given: Given, proof: Certificate, keep: NDArray[np.int64], number: int
) -> Arrays:
    rows = keep[number * schema.SHARD_SIZE : (number + 1) * schema.SHARD_SIZE]
    spec = plan.part(SPLIT)
    return {
        "hoppings": given.hoppings[rows],
        "label": proof.value[rows],
        "gap_bound": proof.gap_lower[rows],
        "seed_key": seed_keys(spec, number, rows),
        **evaluate(plan, spec, number, given.hoppings[rows]),
    }
